//! Outbound work: one row per message to send, leased to one worker at a time, in order per thread.

use sqlx::AssertSqlSafe;
use sqlx::types::Json;

use super::{Store, StoreError, Tx, placeholders};
use crate::model::message::Sentence;
use crate::model::{AccountId, DeliveryState, MessageId, OutboxId, Status, ThreadId, Timestamp, UserId};
use crate::{on, read, run};

/// One piece of outbound work.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OutboxRow {
    pub id: OutboxId,
    pub message_id: MessageId,
    pub account_id: AccountId,
    pub thread_id: ThreadId,
    pub state: DeliveryState,
    pub due_at: Timestamp,
    pub attempts: i64,
    /// An earlier attempt may have arrived: look before sending.
    pub doubtful: bool,
    pub lease_owner: Option<String>,
    pub lease_until: Timestamp,
    pub code: Option<String>,
    pub cause: Option<Json<Sentence>>,
    pub cure: Option<Json<Sentence>>,
    pub waiting_before: Option<Timestamp>,
    pub status_before: Status,
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, message_id, account_id, thread_id, state, due_at, attempts, doubtful, lease_owner, lease_until, code, cause, cure, waiting_before, status_before, created_at";

impl Store {
    /// The outbound work of a message.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn outbox_of(&self, message: MessageId) -> Result<Option<OutboxRow>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM outbox WHERE message_id = $1"))).bind(message).fetch_optional(db).await)?,
        )
    }

    /// When the next row falls due; `None` when nothing waits.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn next_outbox_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(read!(self, db => sqlx::query_scalar(
            "SELECT min(CASE WHEN state = 'sending' THEN lease_until ELSE due_at END) FROM outbox WHERE state IN ('queued', 'waiting', 'sending')",
        ).fetch_one(db).await)?)
    }
}

impl Tx {
    /// Adds outbound work.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_outbox(&mut self, row: &OutboxRow) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "INSERT INTO outbox (id, message_id, account_id, thread_id, state, due_at, waiting_before, status_before, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(row.id).bind(row.message_id).bind(row.account_id).bind(row.thread_id).bind(row.state).bind(row.due_at)
        .bind(row.waiting_before).bind(row.status_before).bind(row.created_at))?;
        Ok(())
    }

    /// Takes what is due for a while: rows whose thread has nothing older unsettled at the same account, and rows whose worker
    /// went silent, which may have been sent and are marked doubtful. Nothing of an account in `busy`. The first condition says
    /// nothing new: it is the index's own, without which all that was ever sent would be read.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lease_outbox(
        &mut self,
        node: &str,
        until: Timestamp,
        limit: usize,
        busy: &[AccountId],
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let now = self.now();
        let lock = self.conn().skip_locked();
        let idle = if busy.is_empty() {
            String::new()
        } else {
            format!(" AND o.account_id NOT IN {}", placeholders(4, busy.len()))
        };
        let sql = format!(
            "UPDATE outbox SET doubtful = (doubtful OR state = 'sending'), state = 'sending', lease_owner = $1, lease_until = $2, attempts = attempts + 1 \
             WHERE id IN (SELECT o.id FROM outbox o WHERE o.state IN ('queued', 'waiting', 'sending') AND ((o.state IN ('queued', 'waiting') AND o.due_at <= $3) OR (o.state = 'sending' AND o.lease_until <= $3)) \
             AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.thread_id = o.thread_id AND e.account_id = o.account_id AND e.state IN ('queued', 'waiting', 'sending', 'uncertain') \
             AND (e.created_at, e.id) < (o.created_at, o.id)){idle} ORDER BY o.due_at, o.created_at, o.id LIMIT {limit}{lock}) RETURNING {COLUMNS}"
        );
        Ok(on!(self, db => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str())).bind(node).bind(until).bind(now);
            for account in busy {
                query = query.bind(*account);
            }
            query.fetch_all(db).await
        })?)
    }

    /// The outbound work of a message, for settling it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn outbox_of(&mut self, message: MessageId) -> Result<Option<OutboxRow>, StoreError> {
        let lock = self.conn().for_update();
        Ok(
            on!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM outbox WHERE message_id = $1{lock}"))).bind(message).fetch_optional(db).await)?,
        )
    }

    /// What of an account is not settled, oldest first: the platform's echo may belong to it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unsettled_outbox(&mut self, account: AccountId) -> Result<Vec<OutboxRow>, StoreError> {
        Ok(on!(self, db => sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM outbox WHERE account_id = $1 AND (state IN ('sending', 'waiting', 'uncertain') OR (state = 'sent' AND doubtful)) ORDER BY created_at, id LIMIT 100"
        ))).bind(account).fetch_all(db).await)?)
    }

    /// Writes the outcome of an attempt.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_outbox(&mut self, row: &OutboxRow) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "UPDATE outbox SET state = $2, due_at = $3, doubtful = $4, lease_owner = NULL, lease_until = 0, code = $5, cause = $6, cure = $7, attempts = $8 WHERE id = $1",
        )
        .bind(row.id).bind(row.state).bind(row.due_at).bind(row.doubtful).bind(&row.code).bind(&row.cause).bind(&row.cure).bind(row.attempts))?;
        Ok(())
    }

    /// What a user's key already led to: the hash of the request and its message.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn idempotent(&mut self, user: UserId, key: &str) -> Result<Option<(String, MessageId)>, StoreError> {
        Ok(
            on!(self, db => sqlx::query_as("SELECT request, message_id FROM idempotency WHERE user_id = $1 AND key = $2").bind(user).bind(key).fetch_optional(db).await)?,
        )
    }

    /// Remembers what a user's key led to.
    ///
    /// # Errors
    /// `Conflict` when the same key is being used at this moment.
    pub async fn remember_key(
        &mut self,
        user: UserId,
        key: &str,
        request: &str,
        message: MessageId,
    ) -> Result<(), StoreError> {
        let now = self.now();
        run!(
            self,
            sqlx::query(
                "INSERT INTO idempotency (user_id, key, request, message_id, created_at) VALUES ($1, $2, $3, $4, $5)"
            )
            .bind(user)
            .bind(key)
            .bind(request)
            .bind(message)
            .bind(now)
        )?;
        Ok(())
    }

    /// Whether a conversation still has a delivery that needs a person.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_delivery_problem(
        &mut self,
        conversation: crate::model::ConversationId,
    ) -> Result<bool, StoreError> {
        let count: i64 = on!(self, db => sqlx::query_scalar(
            "SELECT count(*) FROM messages m JOIN outbox o ON o.message_id = m.id WHERE m.conversation_id = $1 AND o.state IN ('uncertain', 'rejected')",
        ).bind(conversation).fetch_one(db).await)?;
        Ok(count > 0)
    }
}
