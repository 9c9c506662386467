//! The log, read in order.

use sqlx::types::Json;

use super::{Store, StoreError};
use crate::model::event::Event;
use crate::model::{AccountId, ConversationId, EventKind, MessageId, Timestamp, UserId};
use crate::read;

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    at: Timestamp,
    kind: EventKind,
    conversation_id: Option<ConversationId>,
    message_id: Option<MessageId>,
    account_id: Option<AccountId>,
    actor: String,
    user_id: Option<UserId>,
    data: Json<serde_json::Value>,
}

impl Store {
    /// The events after `seq`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn events_after(&self, seq: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<Row> = read!(self, db => sqlx::query_as(
            "SELECT seq, at, kind, conversation_id, message_id, account_id, actor, user_id, data FROM events WHERE seq > $1 ORDER BY seq LIMIT $2",
        ).bind(seq).bind(limit).fetch_all(db).await)?;
        Ok(rows.into_iter().map(Row::finish).collect())
    }

    /// The last events of a conversation, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn events_of(&self, conversation: ConversationId, limit: i64) -> Result<Vec<Event>, StoreError> {
        let mut rows: Vec<Row> = read!(self, db => sqlx::query_as(
            "SELECT seq, at, kind, conversation_id, message_id, account_id, actor, user_id, data FROM events WHERE conversation_id = $1 ORDER BY seq DESC LIMIT $2",
        ).bind(conversation).bind(limit).fetch_all(db).await)?;
        rows.reverse();
        Ok(rows.into_iter().map(Row::finish).collect())
    }

    /// The number of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn newest_seq(&self) -> Result<i64, StoreError> {
        let seq: Option<i64> =
            read!(self, db => sqlx::query_scalar("SELECT max(seq) FROM events").fetch_one(db).await)?;
        Ok(seq.unwrap_or(0))
    }
}

impl Row {
    fn finish(self) -> Event {
        Event {
            seq: self.seq,
            at: self.at,
            kind: self.kind,
            conversation_id: self.conversation_id,
            message_id: self.message_id,
            account_id: self.account_id,
            actor: self.actor,
            user_id: self.user_id,
            data: self.data.0,
        }
    }
}
