//! Unsent replies and uploaded files, per agent.

use serde_json::Value;
use sqlx::types::Json;

use super::{Store, StoreError, Tx};
use crate::model::{ConversationId, Timestamp, UploadId, UserId};
use crate::{on, read, run};

/// A file an agent uploaded and has not sent yet.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Upload {
    pub id: UploadId,
    pub user_id: UserId,
    pub name: String,
    pub mime: String,
    pub size: i64,
    /// SHA-256 of the content, hex: its name in the media folder.
    pub hash: String,
    pub created_at: Timestamp,
}

impl Store {
    /// What somebody had begun to write.
    pub async fn draft(&self, conversation: ConversationId, user: UserId) -> Result<Option<Value>, StoreError> {
        let found: Option<Json<Value>> = read!(self, db => sqlx::query_scalar(
            "SELECT body FROM drafts WHERE conversation_id = $1 AND user_id = $2",
        ).bind(conversation).bind(user).fetch_optional(db).await)?;
        Ok(found.map(|Json(body)| body))
    }
}

impl Tx {
    /// Keeps what somebody began to write.
    pub async fn save_draft(
        &mut self,
        conversation: ConversationId,
        user: UserId,
        body: &Value,
    ) -> Result<(), StoreError> {
        let now = self.now();
        run!(self, sqlx::query(
            "INSERT INTO drafts (conversation_id, user_id, body, updated_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (conversation_id, user_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
        ).bind(conversation).bind(user).bind(Json(body)).bind(now))?;
        Ok(())
    }

    /// Forgets it.
    pub async fn delete_draft(&mut self, conversation: ConversationId, user: UserId) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("DELETE FROM drafts WHERE conversation_id = $1 AND user_id = $2").bind(conversation).bind(user)
        )?;
        Ok(())
    }

    /// Keeps an uploaded file.
    pub async fn insert_upload(&mut self, upload: &Upload) -> Result<(), StoreError> {
        run!(self, sqlx::query("INSERT INTO uploads (id, user_id, name, mime, size, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(upload.id).bind(upload.user_id).bind(&upload.name).bind(&upload.mime).bind(upload.size).bind(&upload.hash).bind(upload.created_at))?;
        Ok(())
    }

    /// An uploaded file of this person.
    pub async fn upload(&mut self, id: UploadId, user: UserId) -> Result<Option<Upload>, StoreError> {
        Ok(
            on!(self, db => sqlx::query_as("SELECT id, user_id, name, mime, size, hash, created_at FROM uploads WHERE id = $1 AND user_id = $2")
            .bind(id).bind(user).fetch_optional(db).await)?,
        )
    }

    /// These uploads became attachments.
    pub async fn consume_uploads(&mut self, ids: impl Iterator<Item = UploadId>) -> Result<(), StoreError> {
        for id in ids {
            run!(self, sqlx::query("DELETE FROM uploads WHERE id = $1").bind(id))?;
        }
        Ok(())
    }
}
