//! Tags: labels that conversations carry. A tag is archived, never deleted, so that old conversations keep theirs.

use serde_json::Value;

use super::{Store, StoreError, Tx};
use crate::model::{EventKind, TagId, Timestamp};
use crate::{on, read, run};

/// A tag as stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
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

impl Tx {
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
        Ok(())
    }

    /// Tells that a tag changed; `data` is what the screens show of it.
    pub fn tell_tag(&mut self, data: Value) {
        self.tell(EventKind::TagChanged, None, None, None, data);
    }
}
