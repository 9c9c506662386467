//! The state of a conversation, loaded whole and saved whole inside one transaction.

use super::{Store, StoreError, Tx};
use crate::model::{
    AccountId, ContactId, ConversationId, EventKind, IdentityId, Lane, Priority, Status, TagId, TeamId, Timestamp,
    UserId,
};
use crate::{on, read, rows_in, run};

/// Everything about a conversation that can change.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Conversation {
    pub id: ConversationId,
    pub account_id: AccountId,
    pub contact_id: ContactId,
    pub identity_id: IdentityId,
    pub status: Status,
    pub lane: Lane,
    pub subject: Option<String>,
    pub snippet: String,
    pub last_direction: String,
    pub priority: Priority,
    pub queue_key: i64,
    pub waiting_since: Option<Timestamp>,
    pub snoozed_until: Option<Timestamp>,
    pub reopened_at: Option<Timestamp>,
    pub woken_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub assignee_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub claim_user_id: Option<UserId>,
    pub claim_token: i64,
    pub claim_until: Timestamp,
    pub message_count: i64,
    pub delivery_problem: bool,
    pub history: bool,
    pub version: i64,
    pub first_in_at: Option<Timestamp>,
    pub last_in_at: Option<Timestamp>,
    pub last_out_at: Option<Timestamp>,
    pub last_message_at: Timestamp,
    pub created_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub outcome: Option<String>,
}

pub(super) const COLUMNS: &str = "id, account_id, contact_id, identity_id, status, lane, subject, snippet, last_direction, priority, queue_key, waiting_since, snoozed_until, reopened_at, woken_at, closed_at, assignee_id, team_id, claim_user_id, claim_token, claim_until, message_count, delivery_problem, history, version, first_in_at, last_in_at, last_out_at, last_message_at, created_at, due_at, outcome";

impl Conversation {
    /// Its place in the list of its status, ascending: the queue for what is open, newest first for everything else. One
    /// column for both makes one index serve every list.
    #[must_use]
    pub fn place(&self) -> i64 {
        match self.status {
            Status::Open => self.waiting_since.unwrap_or(self.last_message_at).0 - self.priority.head_start_ms(),
            _ => -self.last_message_at.0,
        }
    }
}

impl Store {
    /// Conversations whose sleep is over, oldest first. Look again in a transaction before waking one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn due_snoozes(&self, limit: i64) -> Result<Vec<ConversationId>, StoreError> {
        let now = self.clock().now();
        // Asked every second: by time, of which little is due, and never by status, of which there may be much.
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT id FROM conversations WHERE snoozed_until <= $1 AND status || '' = 'snoozed' ORDER BY snoozed_until LIMIT $2")
            .bind(now).bind(limit).fetch_all(db).await)?,
        )
    }

    /// Conversations that somebody is to do or holds; of what they are to do only what is not closed. Look again in a transaction
    /// before changing one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn in_hands_of(&self, user: UserId, limit: i64) -> Result<Vec<ConversationId>, StoreError> {
        Ok(read!(self, db => sqlx::query_scalar(
            "SELECT id FROM conversations WHERE assignee_id = $1 AND status IN ('open', 'pending', 'snoozed') \
             UNION SELECT id FROM conversations WHERE claim_user_id = $1 ORDER BY id LIMIT $2",
        ).bind(user).bind(limit).fetch_all(db).await)?)
    }

    /// Conversations whose claim ran out. Look again in a transaction before ending one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn expired_claims(&self, limit: i64) -> Result<Vec<ConversationId>, StoreError> {
        let now = self.clock().now();
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT id FROM conversations WHERE claim_user_id IS NOT NULL AND claim_until <= $1 ORDER BY claim_until LIMIT $2")
            .bind(now).bind(limit).fetch_all(db).await)?,
        )
    }
}

impl Tx {
    /// Loads a conversation and keeps others from changing it until the end of the transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let lock = self.conn().for_update();
        Ok(
            on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM conversations WHERE id = $1{lock}")))
            .bind(id).fetch_optional(db).await)?,
        )
    }

    /// Loads conversations as `conversation` does, several at once; always in the same order, so that two who want the
    /// same ones wait for each other once and not crosswise.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn conversations(&mut self, ids: &[ConversationId]) -> Result<Vec<Conversation>, StoreError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let lock = self.conn().for_update();
        Ok(rows_in!(on!(self), [], ids, within =>
            format!("SELECT {COLUMNS} FROM conversations WHERE id IN {within} ORDER BY id{lock}")))
    }

    /// Adds a conversation and tells of it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_conversation(&mut self, c: &Conversation) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "INSERT INTO conversations (id, account_id, contact_id, identity_id, status, lane, subject, snippet, last_direction, priority, queue_key, \
             waiting_since, snoozed_until, reopened_at, woken_at, closed_at, assignee_id, team_id, claim_user_id, claim_token, claim_until, message_count, \
             delivery_problem, history, version, first_in_at, last_in_at, last_out_at, last_message_at, created_at, due_at, outcome) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)",
        )
        .bind(c.id).bind(c.account_id).bind(c.contact_id).bind(c.identity_id).bind(c.status).bind(c.lane).bind(&c.subject).bind(&c.snippet)
        .bind(&c.last_direction).bind(c.priority).bind(c.queue_key).bind(c.waiting_since).bind(c.snoozed_until).bind(c.reopened_at)
        .bind(c.woken_at).bind(c.closed_at).bind(c.assignee_id).bind(c.team_id).bind(c.claim_user_id).bind(c.claim_token).bind(c.claim_until)
        .bind(c.message_count).bind(c.delivery_problem).bind(c.history).bind(c.version).bind(c.first_in_at).bind(c.last_in_at).bind(c.last_out_at)
        .bind(c.last_message_at).bind(c.created_at).bind(c.due_at).bind(&c.outcome))?;
        self.tell(EventKind::ConversationCreated, Some(c.id), None, None, serde_json::Value::Null);
        Ok(())
    }

    /// Saves a conversation that was loaded in this transaction, one version further, and tells of it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_conversation(&mut self, c: &mut Conversation) -> Result<(), StoreError> {
        c.version += 1;
        c.queue_key = c.place();
        run!(self, sqlx::query(
            "UPDATE conversations SET contact_id = $2, identity_id = $3, status = $4, lane = $5, subject = $6, snippet = $7, last_direction = $8, \
             priority = $9, queue_key = $10, waiting_since = $11, snoozed_until = $12, reopened_at = $13, woken_at = $14, closed_at = $15, \
             assignee_id = $16, team_id = $17, claim_user_id = $18, claim_token = $19, claim_until = $20, message_count = $21, \
             delivery_problem = $22, history = $23, version = $24, first_in_at = $25, last_in_at = $26, last_out_at = $27, last_message_at = $28, due_at = $29, outcome = $30 WHERE id = $1",
        )
        .bind(c.id).bind(c.contact_id).bind(c.identity_id).bind(c.status).bind(c.lane).bind(&c.subject).bind(&c.snippet)
        .bind(&c.last_direction).bind(c.priority).bind(c.queue_key).bind(c.waiting_since).bind(c.snoozed_until).bind(c.reopened_at)
        .bind(c.woken_at).bind(c.closed_at).bind(c.assignee_id).bind(c.team_id).bind(c.claim_user_id).bind(c.claim_token).bind(c.claim_until)
        .bind(c.message_count).bind(c.delivery_problem).bind(c.history).bind(c.version).bind(c.first_in_at).bind(c.last_in_at).bind(c.last_out_at)
        .bind(c.last_message_at).bind(c.due_at).bind(&c.outcome))?;
        self.tell_conversation(c.id);
        Ok(())
    }

    /// Lets one's own claim last longer. Tells nobody: for everybody else nothing changed.
    pub async fn renew_claim(&mut self, id: ConversationId, until: Timestamp) -> Result<(), StoreError> {
        run!(self, sqlx::query("UPDATE conversations SET claim_until = $2 WHERE id = $1").bind(id).bind(until))?;
        Ok(())
    }

    /// The conversation of a person on an account that is not closed, however long ago anybody spoke in it; else the newest that was
    /// spoken in after `since`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn recent_conversation(
        &mut self,
        contact: ContactId,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Option<ConversationId>, StoreError> {
        Ok(on!(self, db => sqlx::query_scalar(
            "SELECT id FROM conversations WHERE contact_id = $1 AND account_id = $2 AND (status <> 'closed' OR last_message_at >= $3) \
             ORDER BY CASE WHEN status = 'closed' THEN 1 ELSE 0 END, last_message_at DESC, id DESC LIMIT 1",
        ).bind(contact).bind(account).bind(since).fetch_optional(db).await)?)
    }

    /// Puts a label on. True when it was not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tag_conversation(&mut self, id: ConversationId, tag: TagId) -> Result<bool, StoreError> {
        let added = run!(self, sqlx::query("INSERT INTO conversation_tags (conversation_id, tag_id) VALUES ($1, $2) ON CONFLICT (conversation_id, tag_id) DO NOTHING")
            .bind(id).bind(tag))?;
        Ok(added == 1)
    }

    /// Takes a label off. True when it was there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn untag_conversation(&mut self, id: ConversationId, tag: TagId) -> Result<bool, StoreError> {
        let gone = run!(
            self,
            sqlx::query("DELETE FROM conversation_tags WHERE conversation_id = $1 AND tag_id = $2").bind(id).bind(tag)
        )?;
        Ok(gone == 1)
    }
}
