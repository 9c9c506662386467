//! Tags: labels that conversations carry. A tag is archived, never deleted, so that old conversations keep theirs.

use super::{Store, StoreError, Tx};
use crate::model::{EventKind, TagId, Timestamp};
use crate::{on, read, run};

/// A tag, as stored and as people see it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct Tag {
    pub id: TagId,
    pub name: String,
    /// A name out of the screens' palette; empty for none.
    pub color: String,
    pub archived: bool,
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, name, color, archived, created_at";

impl Store {
    /// Every tag, also archived ones, by name.
    pub async fn tags(&self) -> Result<Vec<Tag>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM tags ORDER BY lower(name), id")))
            .fetch_all(db).await)?,
        )
    }
}

impl Store {
    /// Whether there is such a tag that may still be put on.
    pub async fn has_tag(&self, id: TagId) -> Result<bool, StoreError> {
        let found: Option<TagId> = read!(self, db => sqlx::query_scalar("SELECT id FROM tags WHERE id = $1 AND NOT archived").bind(id).fetch_optional(db).await)?;
        Ok(found.is_some())
    }

    /// The tag of this name, in any case, that may still be put on.
    pub async fn tag_named(&self, name: &str) -> Result<Option<TagId>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT id FROM tags WHERE lower(name) = lower($1) AND NOT archived ORDER BY id")
            .bind(name).fetch_optional(db).await)?,
        )
    }
}

impl Tx {
    /// The tag of this name; made when there is none, taken back when it was archived.
    pub async fn tag_named_or_new(&mut self, name: &str) -> Result<TagId, StoreError> {
        let tag = match self.tag_by_name(name).await? {
            Some(tag) if !tag.archived => return Ok(tag.id),
            Some(mut tag) => {
                tag.archived = false;
                self.save_tag(&tag).await?;
                tag
            }
            None => {
                let now = self.now();
                let tag = Tag {
                    id: TagId::new(),
                    name: name.to_owned(),
                    color: String::new(),
                    archived: false,
                    created_at: now,
                };
                self.insert_tag(&tag).await?;
                tag
            }
        };
        Ok(tag.id)
    }

    /// One tag.
    pub async fn tag(&mut self, id: TagId) -> Result<Option<Tag>, StoreError> {
        Ok(on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM tags WHERE id = $1")))
            .bind(id).fetch_optional(db).await)?)
    }

    /// The tag of this name, in any case.
    pub async fn tag_by_name(&mut self, name: &str) -> Result<Option<Tag>, StoreError> {
        Ok(
            on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM tags WHERE lower(name) = lower($1) ORDER BY id")))
            .bind(name).fetch_optional(db).await)?,
        )
    }

    /// Adds a tag. `Conflict` when the name is taken.
    pub async fn insert_tag(&mut self, tag: &Tag) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("INSERT INTO tags (id, name, color, archived, created_at) VALUES ($1, $2, $3, $4, $5)")
                .bind(tag.id)
                .bind(&tag.name)
                .bind(&tag.color)
                .bind(tag.archived)
                .bind(tag.created_at)
        )?;
        self.tell_tag(tag);
        Ok(())
    }

    /// Writes name, colour and archived. `Conflict` when the name is taken.
    pub async fn save_tag(&mut self, tag: &Tag) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("UPDATE tags SET name = $2, color = $3, archived = $4 WHERE id = $1")
                .bind(tag.id)
                .bind(&tag.name)
                .bind(&tag.color)
                .bind(tag.archived)
        )?;
        self.tell_tag(tag);
        Ok(())
    }

    fn tell_tag(&mut self, tag: &Tag) {
        self.tell(EventKind::TagChanged, None, None, None, serde_json::to_value(tag).unwrap_or_default());
    }
}
