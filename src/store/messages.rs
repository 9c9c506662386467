//! Messages and their versions. Texts are replaced only together with a version that keeps the old one.

use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::types::Json;

use super::{Store, StoreError, Tx};
use crate::model::{
    AccountId, Automatic, ConversationId, DeliveryState, Direction, EventKind, Extra, IdentityId, MessageId,
    MessageKind, Origin, ThreadId, Timestamp, UserId,
};
use crate::{on, read, rows_in, run};

/// A message as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Stored {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub thread_id: Option<ThreadId>,
    pub account_id: AccountId,
    pub direction: Direction,
    pub origin: Origin,
    pub kind: MessageKind,
    pub external_id: Option<String>,
    pub identity_id: Option<IdentityId>,
    pub user_id: Option<UserId>,
    pub text: String,
    pub html: Option<String>,
    pub language: Option<String>,
    pub content_warning: Option<String>,
    pub visibility: Option<String>,
    pub url: Option<String>,
    pub reply_to: Option<String>,
    pub reply_to_id: Option<MessageId>,
    pub meta: Json<Value>,
    pub history: bool,
    pub turn: bool,
    pub liked: bool,
    pub boosted: bool,
    pub sent_at: Timestamp,
    pub ingested_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub removed_at: Option<Timestamp>,
    pub delivery: Option<DeliveryState>,
    pub automatic: Option<Automatic>,
    pub extra: Option<Json<Extra>>,
}

impl Stored {
    /// What its medium puts around the words.
    #[must_use]
    pub fn extra(&self) -> Extra {
        self.extra.as_ref().map(|Json(extra)| extra.clone()).unwrap_or_default()
    }
}

/// An answer that stands below another one.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct LaterAnswer {
    /// `None` when it was not sent from here.
    pub delivery: Option<DeliveryState>,
    pub user_id: Option<UserId>,
}

pub(super) const COLUMNS: &str = "id, conversation_id, thread_id, account_id, direction, origin, kind, external_id, identity_id, user_id, text, html, language, content_warning, visibility, url, reply_to, reply_to_id, meta, history, turn, liked, boosted, sent_at, ingested_at, edited_at, removed_at, delivery, automatic, extra";

impl Store {
    /// One message as stored.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn stored_message(&self, id: MessageId) -> Result<Option<Stored>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM messages WHERE id = $1"))).bind(id).fetch_optional(db).await)?,
        )
    }

    /// The newest `limit` messages of a conversation before `before`, oldest first, and whether there are older ones.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn messages_of(
        &self,
        conversation: ConversationId,
        before: Option<(Timestamp, MessageId)>,
        limit: i64,
    ) -> Result<(Vec<Stored>, bool), StoreError> {
        let (at, id) = before.unwrap_or((Timestamp(i64::MAX), MessageId(uuid::Uuid::max())));
        let mut found: Vec<Stored> = read!(self, db => sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM messages WHERE conversation_id = $1 AND (sent_at, id) < ($2, $3) ORDER BY sent_at DESC, id DESC LIMIT {}", limit + 1
        ))).bind(conversation).bind(at).bind(id).fetch_all(db).await)?;
        let more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            found.pop();
        }
        found.reverse();
        Ok((found, more))
    }

    /// Messages by id, in no order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn stored_messages(&self, ids: &[MessageId]) -> Result<Vec<Stored>, StoreError> {
        Ok(rows_in!(read!(self), [], ids, within => format!("SELECT {COLUMNS} FROM messages WHERE id IN {within}")))
    }

    /// Which of these the account already has.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn messages_by_external(&self, account: AccountId, external: &[&str]) -> Result<Vec<Stored>, StoreError> {
        Ok(rows_in!(read!(self), [account], external, within => by_external(&within)))
    }

    /// The message a reply answers when nobody says which: see `Tx::newest_inbound`.
    pub async fn newest_inbound(&self, thread: ThreadId) -> Result<Option<Stored>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(AssertSqlSafe(newest_inbound())).bind(thread).fetch_optional(db).await)?)
    }

    /// What the platform may be asked about: messages of others in conversations that are not closed, written after `since`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn messages_to_recheck(
        &self,
        account: AccountId,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<Stored>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {} FROM messages m JOIN conversations c ON c.id = m.conversation_id \
             WHERE c.account_id = $1 AND c.status IN ('open', 'pending', 'snoozed') AND m.external_id IS NOT NULL AND m.removed_at IS NULL \
             AND m.direction IN ('in', 'out') AND m.sent_at >= $2 ORDER BY m.sent_at DESC LIMIT {limit}",
            COLUMNS.split(", ").map(|column| format!("m.{column}")).collect::<Vec<_>>().join(", ")
        ))).bind(account).bind(since).fetch_all(db).await)?)
    }
}

fn newest_inbound() -> String {
    format!(
        "SELECT {COLUMNS} FROM messages WHERE thread_id = $1 AND direction = 'in' \
         ORDER BY CASE WHEN removed_at IS NULL AND automatic IS NULL THEN 0 ELSE 1 END, sent_at DESC, id DESC LIMIT 1"
    )
}

fn by_external(within: &str) -> String {
    format!("SELECT {COLUMNS} FROM messages WHERE account_id = $1 AND external_id IN {within}")
}

impl Tx {
    /// Which of these the account already has.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn messages_by_external(
        &mut self,
        account: AccountId,
        external: &[&str],
    ) -> Result<Vec<Stored>, StoreError> {
        Ok(rows_in!(on!(self), [account], external, within => by_external(&within)))
    }

    /// One message, for changing it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn message(&mut self, id: MessageId) -> Result<Option<Stored>, StoreError> {
        let lock = self.conn().for_update();
        Ok(
            on!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM messages WHERE id = $1{lock}"))).bind(id).fetch_optional(db).await)?,
        )
    }

    /// The newest message of a customer (not of a machine) in a thread that was not removed, or else the newest at all.
    pub async fn newest_inbound(&mut self, thread: ThreadId) -> Result<Option<Stored>, StoreError> {
        Ok(on!(self, db => sqlx::query_as(AssertSqlSafe(newest_inbound())).bind(thread).fetch_optional(db).await)?)
    }

    /// What people answered in a thread after this message, but for what was refused or thrown away.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn answers_after(&mut self, thread: ThreadId, message: &Stored) -> Result<Vec<LaterAnswer>, StoreError> {
        Ok(on!(self, db => sqlx::query_as(
            "SELECT delivery, user_id FROM messages WHERE thread_id = $1 AND (sent_at, id) > ($2, $3) AND direction = 'out' AND automatic IS NULL \
             AND removed_at IS NULL AND NOT history AND (delivery IS NULL OR delivery NOT IN ('rejected', 'discarded'))",
        ).bind(thread).bind(message.sent_at).bind(message.id).fetch_all(db).await)?)
    }

    /// Adds a message. False when the account already has its external id: then nothing happened.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_message(&mut self, m: &Stored) -> Result<bool, StoreError> {
        let made = run!(self, sqlx::query(
            "INSERT INTO messages (id, conversation_id, thread_id, account_id, direction, origin, kind, external_id, identity_id, user_id, text, html, language, \
             content_warning, visibility, url, reply_to, reply_to_id, meta, history, turn, liked, boosted, sent_at, ingested_at, edited_at, removed_at, delivery, automatic, extra) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30) \
             ON CONFLICT (account_id, external_id) WHERE external_id IS NOT NULL DO NOTHING",
        )
        .bind(m.id).bind(m.conversation_id).bind(m.thread_id).bind(m.account_id).bind(m.direction).bind(m.origin).bind(m.kind)
        .bind(&m.external_id).bind(m.identity_id).bind(m.user_id).bind(&m.text).bind(&m.html).bind(&m.language).bind(&m.content_warning)
        .bind(&m.visibility).bind(&m.url).bind(&m.reply_to).bind(m.reply_to_id).bind(&m.meta).bind(m.history).bind(m.turn).bind(m.liked)
        .bind(m.boosted).bind(m.sent_at).bind(m.ingested_at).bind(m.edited_at).bind(m.removed_at).bind(m.delivery).bind(m.automatic).bind(&m.extra))?;
        if made == 0 {
            return Ok(false);
        }
        self.tell_message(EventKind::MessageAdded, m.conversation_id, m.id);
        Ok(true)
    }

    /// Replaces the text and keeps the old one as a version.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_new_version(&mut self, old: &Stored, new: &Stored) -> Result<(), StoreError> {
        let now = self.now();
        run!(
            self,
            sqlx::query(
                "INSERT INTO message_versions (message_id, version, text, content_warning, at) \
             VALUES ($1, (SELECT count(*) + 1 FROM message_versions WHERE message_id = $1), $2, $3, $4)",
            )
            .bind(old.id)
            .bind(&old.text)
            .bind(&old.content_warning)
            .bind(new.edited_at.unwrap_or(now))
        )?;
        run!(self, sqlx::query("UPDATE messages SET text = $2, html = $3, content_warning = $4, edited_at = $5, meta = $6, language = $7 WHERE id = $1")
            .bind(old.id).bind(&new.text).bind(&new.html).bind(&new.content_warning).bind(new.edited_at).bind(&new.meta).bind(&new.language))?;
        self.tell_message(EventKind::MessageChanged, old.conversation_id, old.id);
        Ok(())
    }

    /// Notes that the platform no longer has it. The text stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mark_removed(&mut self, message: &Stored, at: Timestamp) -> Result<(), StoreError> {
        run!(self, sqlx::query("UPDATE messages SET removed_at = $2 WHERE id = $1").bind(message.id).bind(at))?;
        self.tell_message(EventKind::MessageChanged, message.conversation_id, message.id);
        Ok(())
    }

    /// A post that only explained the thread turns out to address us.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn promote_context(&mut self, message: &Stored, kind: MessageKind, turn: bool) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("UPDATE messages SET direction = 'in', kind = $2, turn = $3, history = FALSE WHERE id = $1")
                .bind(message.id)
                .bind(kind)
                .bind(turn)
        )?;
        self.tell_message(EventKind::MessageChanged, message.conversation_id, message.id);
        Ok(())
    }

    /// Writes how far an outbound message got and, once sent, what the platform calls it.
    ///
    /// # Errors
    /// `Conflict` when another message already has the external id.
    pub async fn save_delivery(&mut self, message: &Stored) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query(
                "UPDATE messages SET delivery = $2, external_id = $3, url = $4, meta = $5, sent_at = $6 WHERE id = $1"
            )
            .bind(message.id)
            .bind(message.delivery)
            .bind(&message.external_id)
            .bind(&message.url)
            .bind(&message.meta)
            .bind(message.sent_at)
        )?;
        self.tell_message(EventKind::MessageChanged, message.conversation_id, message.id);
        Ok(())
    }

    /// Writes what we did to it on the platform.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_reactions(&mut self, message: &Stored) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("UPDATE messages SET liked = $2, boosted = $3 WHERE id = $1")
                .bind(message.id)
                .bind(message.liked)
                .bind(message.boosted)
        )?;
        self.tell_message(EventKind::MessageChanged, message.conversation_id, message.id);
        Ok(())
    }

    /// Writes what changed around a message's words.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_extra(&mut self, message: &Stored, extra: &Extra) -> Result<(), StoreError> {
        run!(self, sqlx::query("UPDATE messages SET extra = $2 WHERE id = $1").bind(message.id).bind(Json(extra)))?;
        self.tell_message(EventKind::MessageChanged, message.conversation_id, message.id);
        Ok(())
    }

    /// Takes away the platform's echo of a message that is here under its own id. Only for that.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn drop_echo(&mut self, echo: &Stored) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM attachments WHERE message_id = $1",
            "DELETE FROM message_versions WHERE message_id = $1",
            "DELETE FROM messages WHERE id = $1 AND origin = 'elsewhere'",
        ] {
            run!(self, sqlx::query(sql).bind(echo.id))?;
        }
        self.tell_message(EventKind::MessageChanged, echo.conversation_id, echo.id);
        Ok(())
    }
}
