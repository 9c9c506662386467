//! People and their handles.

use std::collections::HashMap;

use super::{Store, StoreError, Tx};
use crate::model::conversation::{Contact, ContactLink, Identity};
use crate::model::{Claim, ContactId, IdentityId};
use crate::{on, read, rows_in, run};

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
    /// The person whom a contact stands for, with every handle.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn contact(&self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let id = self.person(id).await?;
        let contacts = self.contacts_of(id).await?;
        let names = self.contact_names(&contacts).await?;
        let Some(name) = names.get(&id).cloned() else { return Ok(None) };
        let mut identities = Vec::new();
        for contact in &contacts {
            let some: Vec<Identity> = read!(self, db => sqlx::query_as(
                "SELECT id, contact_id, channel, handle, name, avatar_url, url FROM identities WHERE contact_id = $1 ORDER BY created_at, id",
            ).bind(*contact).fetch_all(db).await)?;
            identities.extend(some);
        }
        let ids: Vec<IdentityId> = identities.iter().map(|identity| identity.id).collect();
        for (id, claim) in self.claims_of(&ids).await? {
            if let Some(identity) = identities.iter_mut().find(|identity| identity.id == id) {
                identity.claims.push(claim);
            }
        }
        let links = self.links_of(&contacts).await?.into_iter().map(|link| ContactLink {
            name: names.get(&link.contact_id).cloned().unwrap_or_default(),
            contact_id: link.contact_id,
            evidence: link.evidence,
            user_id: link.user_id,
            at: link.created_at,
        });
        Ok(Some(Contact { id, name, identities, links: links.collect() }))
    }

    async fn contact_names(&self, ids: &[ContactId]) -> Result<HashMap<ContactId, String>, StoreError> {
        let rows: Vec<(ContactId, String)> =
            rows_in!(read!(self), [], ids, within => format!("SELECT id, name FROM contacts WHERE id IN {within}"));
        Ok(rows.into_iter().collect())
    }

    /// What the channel calls an identity.
    pub async fn identity_external(&self, id: IdentityId) -> Result<Option<String>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT external_id FROM identities WHERE id = $1").bind(id).fetch_optional(db).await)?,
        )
    }
}

/// A text as it is looked for: whatever its case, and the same on either engine, whose own idea of lower case depends on how it was
/// built or set up. Letter by letter, so that the beginning of a text has the beginning of its key; by way of upper case, where letters
/// meet that have two small ones.
pub(super) fn search_key(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Writes the keys of identities that a migration left to us. Returns of how many.
///
/// # Errors
/// When the database refuses.
pub(super) async fn fill_search_keys(store: &Store) -> Result<usize, StoreError> {
    const MISSING: &str = "SELECT id, handle, name FROM identities WHERE handle_key IS NULL LIMIT 500";
    let mut filled = 0;
    loop {
        let some: Vec<(IdentityId, String, String)> = read!(store, db => sqlx::query_as(MISSING).fetch_all(db).await)?;
        if some.is_empty() {
            return Ok(filled);
        }
        let mut tx = store.begin(super::Actor::System).await?;
        for (id, handle, name) in &some {
            run!(
                tx,
                sqlx::query(
                    "UPDATE identities SET handle_key = $2, name_key = $3 WHERE id = $1 AND handle_key IS NULL"
                )
                .bind(*id)
                .bind(search_key(handle))
                .bind(search_key(name))
            )?;
        }
        tx.commit().await?;
        filled += some.len();
    }
}

/// An identity as stored, to be compared with how it shows itself now.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Identified {
    pub id: IdentityId,
    pub contact_id: ContactId,
    pub external_id: String,
    pub handle: String,
    pub name: String,
    pub avatar_url: Option<String>,
}

impl Tx {
    /// The identities among these external ids that are known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn identities(&mut self, channel: &str, external: &[&str]) -> Result<Vec<Identified>, StoreError> {
        Ok(rows_in!(on!(self), [channel], external, within => format!(
            "SELECT id, contact_id, external_id, handle, name, avatar_url FROM identities WHERE channel = $1 AND external_id IN {within}"
        )))
    }

    /// Keeps others from beginning conversations with these people until the end of the transaction; always in the same order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lock_contacts(&mut self, ids: &[ContactId]) -> Result<(), StoreError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let lock = self.conn().hold();
        let _: Vec<(ContactId,)> = rows_in!(on!(self), [], ids, within =>
            format!("SELECT id FROM contacts WHERE id IN {within} ORDER BY id{lock}"));
        Ok(())
    }

    /// Brings an identity up to date when its face changed. What the platform does not say stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn update_identity(&mut self, known: &Identified, face: &Face<'_>) -> Result<(), StoreError> {
        let changed = (!face.handle.is_empty() && face.handle != known.handle)
            || (!face.name.is_empty() && face.name != known.name)
            || (face.avatar_url.is_some() && face.avatar_url != known.avatar_url.as_deref());
        if changed {
            run!(self, sqlx::query(
                "UPDATE identities SET handle = CASE WHEN $2 = '' THEN handle ELSE $2 END, name = CASE WHEN $3 = '' THEN name ELSE $3 END, \
                 handle_key = CASE WHEN $2 = '' THEN handle_key ELSE $6 END, name_key = CASE WHEN $3 = '' THEN name_key ELSE $7 END, \
                 avatar_url = COALESCE($4, avatar_url), url = COALESCE($5, url) WHERE id = $1",
            ).bind(known.id).bind(face.handle).bind(face.name).bind(face.avatar_url).bind(face.url)
            .bind(search_key(face.handle)).bind(search_key(face.name)))?;
        }
        Ok(())
    }

    /// Keeps evidence of who somebody is. What was vouched for once stays so.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_claims(&mut self, identity: IdentityId, claims: &[Claim]) -> Result<(), StoreError> {
        let now = self.now();
        for claim in claims.iter().filter(|claim| !claim.value.is_empty()).take(20) {
            run!(self, sqlx::query(
                "INSERT INTO identity_claims (identity_id, kind, value, verified, created_at) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (identity_id, kind, value) DO UPDATE SET verified = (identity_claims.verified OR excluded.verified)",
            ).bind(identity).bind(claim.kind).bind(claim.value.replace('\0', "")).bind(claim.verified).bind(now))?;
        }
        Ok(())
    }

    /// The identity of a face nobody has met, made with a contact of its own. True when it is new indeed: another
    /// account may have met the same person in the same moment.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_identity(&mut self, face: &Face<'_>) -> Result<(Known, bool), StoreError> {
        let now = self.now();
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
            "INSERT INTO identities (id, contact_id, channel, external_id, handle, name, avatar_url, url, created_at, handle_key, name_key) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (channel, external_id) DO NOTHING",
        )
        .bind(fresh.id).bind(fresh.contact_id).bind(face.channel).bind(face.external_id).bind(face.handle).bind(name)
        .bind(face.avatar_url).bind(face.url).bind(now).bind(search_key(face.handle)).bind(search_key(name)))?;
        if made == 1 {
            return Ok((fresh, true));
        }
        // The other one was first.
        run!(self, sqlx::query("DELETE FROM contacts WHERE id = $1").bind(fresh.contact_id))?;
        let found = on!(self, db => sqlx::query_as("SELECT id, contact_id FROM identities WHERE channel = $1 AND external_id = $2")
            .bind(face.channel).bind(face.external_id).fetch_one(db).await)?;
        Ok((found, false))
    }
}
