//! The files of messages: where they came from, what became of fetching them, under which hash they are kept.

use sqlx::AssertSqlSafe;

use super::{Store, StoreError, Tx};
use crate::model::message::Attachment;
use crate::model::{AttachmentId, AttachmentKind, AttachmentState, ConversationId, EventKind, MessageId, Timestamp};
use crate::{read, run};

/// A file to be kept with a message.
#[derive(Clone, Debug)]
pub struct NewAttachment {
    pub kind: AttachmentKind,
    pub remote_url: Option<String>,
    pub mime: Option<String>,
    pub name: Option<String>,
    pub alt: Option<String>,
    pub size: Option<i64>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    /// Of content that is in the media folder already.
    pub hash: Option<String>,
    pub content_id: Option<String>,
}

/// A file as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredAttachment {
    pub id: AttachmentId,
    pub message_id: MessageId,
    pub kind: AttachmentKind,
    pub remote_url: Option<String>,
    pub mime: Option<String>,
    pub name: Option<String>,
    pub alt: Option<String>,
    pub size: Option<i64>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub state: AttachmentState,
    pub hash: Option<String>,
    pub attempts: i64,
    pub content_id: Option<String>,
}

pub(super) const COLUMNS: &str =
    "id, message_id, kind, remote_url, mime, name, alt, size, width, height, state, hash, attempts, content_id";

impl StoredAttachment {
    pub(super) fn present(self) -> Attachment {
        Attachment {
            id: self.id,
            kind: self.kind,
            mime: self.mime,
            name: self.name,
            alt: self.alt,
            content_id: self.content_id,
            size: self.size,
            width: self.width,
            height: self.height,
            url: (self.state == AttachmentState::Stored).then(|| format!("/api/media/{}", self.id)),
            state: self.state,
        }
    }
}

impl Store {
    /// Whether anything in the database has this content: a file of a message, a message's original, or a file that waits to be sent.
    pub async fn is_kept(&self, hash: &str) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM attachments WHERE hash = $1) OR EXISTS (SELECT 1 FROM uploads WHERE hash = $1) \
             OR EXISTS (SELECT 1 FROM visitor_files WHERE hash = $1) OR EXISTS (SELECT 1 FROM messages WHERE {} = $1)",
            self.pools().source_digest()
        );
        Ok(read!(self, db => sqlx::query_scalar(AssertSqlSafe(sql.as_str())).bind(hash).fetch_one(db).await)?)
    }

    /// One file.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn attachment(&self, id: AttachmentId) -> Result<Option<StoredAttachment>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM attachments WHERE id = $1"))).bind(id).fetch_optional(db).await)?,
        )
    }

    /// The files of a message, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn attachments_of(&self, message: MessageId) -> Result<Vec<StoredAttachment>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM attachments WHERE message_id = $1 ORDER BY position")))
            .bind(message).fetch_all(db).await)?,
        )
    }

    /// Files to fetch now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn pending_attachments(&self, limit: i64) -> Result<Vec<StoredAttachment>, StoreError> {
        let now = self.clock().now();
        Ok(
            read!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM attachments WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT {limit}")))
            .bind(now).fetch_all(db).await)?,
        )
    }
}

impl Tx {
    /// Adds files to a message, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_attachments(&mut self, message: MessageId, files: &[NewAttachment]) -> Result<(), StoreError> {
        let now = self.now();
        for (position, file) in files.iter().enumerate() {
            let state = if file.hash.is_some() { AttachmentState::Stored } else { AttachmentState::Pending };
            run!(self, sqlx::query(
                "INSERT INTO attachments (id, message_id, position, kind, remote_url, mime, name, alt, size, width, height, state, hash, due_at, content_id) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            )
            .bind(AttachmentId::new()).bind(message).bind(i64::try_from(position).unwrap_or(i64::MAX)).bind(file.kind).bind(&file.remote_url).bind(&file.mime)
            .bind(&file.name).bind(&file.alt).bind(file.size).bind(file.width).bind(file.height).bind(state).bind(&file.hash).bind(now).bind(&file.content_id))?;
        }
        Ok(())
    }

    /// Writes the outcome of fetching a file.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_attachment(
        &mut self,
        file: &StoredAttachment,
        due_at: Timestamp,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        run!(self, sqlx::query("UPDATE attachments SET state = $2, hash = $3, mime = $4, size = $5, attempts = $6, due_at = $7 WHERE id = $1")
            .bind(file.id).bind(file.state).bind(&file.hash).bind(&file.mime).bind(file.size).bind(file.attempts).bind(due_at))?;
        if file.state != AttachmentState::Pending {
            self.tell_message(EventKind::MessageChanged, conversation, file.message_id);
        }
        Ok(())
    }
}
