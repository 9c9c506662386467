//! People and their handles.

use super::{Store, StoreError, Tx};
use crate::model::conversation::{Contact, Identity};
use crate::model::{ContactId, IdentityId};
use crate::{on, read, run};

/// A handle as a platform shows it.
#[derive(Clone, Debug)]
pub struct Face<'a> {
    pub channel: &'a str,
    pub external_id: &'a str,
    pub handle: &'a str,
    pub name: &'a str,
    pub avatar_url: Option<&'a str>,
    pub url: Option<&'a str>,
}

/// Whose handle it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Known {
    pub id: IdentityId,
    pub contact_id: ContactId,
}

impl Store {
    /// A person with every handle.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn contact(&self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let found: Option<(String,)> = read!(self, db => sqlx::query_as("SELECT name FROM contacts WHERE id = $1").bind(id).fetch_optional(db).await)?;
        let Some((name,)) = found else { return Ok(None) };
        let identities: Vec<Identity> = read!(self, db => sqlx::query_as(
            "SELECT id, channel, handle, name, avatar_url, url FROM identities WHERE contact_id = $1 ORDER BY created_at, id",
        ).bind(id).fetch_all(db).await)?;
        Ok(Some(Contact { id, name, identities }))
    }
}

impl Store {
    /// What the channel calls an identity.
    pub async fn identity_external(&self, id: IdentityId) -> Result<Option<String>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT external_id FROM identities WHERE id = $1").bind(id).fetch_optional(db).await)?,
        )
    }
}

impl Tx {
    /// The identity of a face; made with a contact of its own when it is new, brought up to date when the face changed.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn identity(&mut self, face: &Face<'_>) -> Result<Known, StoreError> {
        #[derive(sqlx::FromRow)]
        struct Row {
            id: IdentityId,
            contact_id: ContactId,
            handle: String,
            name: String,
            avatar_url: Option<String>,
        }
        const FIND: &str =
            "SELECT id, contact_id, handle, name, avatar_url FROM identities WHERE channel = $1 AND external_id = $2";
        let now = self.now();
        let found: Option<Row> =
            on!(self, db => sqlx::query_as(FIND).bind(face.channel).bind(face.external_id).fetch_optional(db).await)?;
        if let Some(row) = found {
            let changed = (!face.handle.is_empty() && face.handle != row.handle)
                || (!face.name.is_empty() && face.name != row.name)
                || (face.avatar_url.is_some() && face.avatar_url != row.avatar_url.as_deref());
            if changed {
                run!(self, sqlx::query(
                    "UPDATE identities SET handle = CASE WHEN $2 = '' THEN handle ELSE $2 END, name = CASE WHEN $3 = '' THEN name ELSE $3 END, \
                     avatar_url = COALESCE($4, avatar_url), url = COALESCE($5, url) WHERE id = $1",
                ).bind(row.id).bind(face.handle).bind(face.name).bind(face.avatar_url).bind(face.url))?;
            }
            return Ok(Known { id: row.id, contact_id: row.contact_id });
        }
        let fresh = Known { id: IdentityId::new(), contact_id: ContactId::new() };
        let name = if face.name.is_empty() { face.handle } else { face.name };
        run!(
            self,
            sqlx::query("INSERT INTO contacts (id, name, created_at) VALUES ($1, $2, $3)")
                .bind(fresh.contact_id)
                .bind(name)
                .bind(now)
        )?;
        let made = run!(self, sqlx::query(
            "INSERT INTO identities (id, contact_id, channel, external_id, handle, name, avatar_url, url, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (channel, external_id) DO NOTHING",
        )
        .bind(fresh.id).bind(fresh.contact_id).bind(face.channel).bind(face.external_id).bind(face.handle).bind(name)
        .bind(face.avatar_url).bind(face.url).bind(now))?;
        if made == 1 {
            return Ok(fresh);
        }
        // Another account met the same person in the same moment and was first.
        run!(self, sqlx::query("DELETE FROM contacts WHERE id = $1").bind(fresh.contact_id))?;
        let row: Row =
            on!(self, db => sqlx::query_as(FIND).bind(face.channel).bind(face.external_id).fetch_one(db).await)?;
        Ok(Known { id: row.id, contact_id: row.contact_id })
    }
}
