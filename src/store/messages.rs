//! Messages, their versions and files. Texts are replaced only together with a version that keeps the old one.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::types::Json;

use super::{Store, StoreError, Tx, padded, placeholders};
use crate::model::message::{Attachment, Author, Delivery, Message, Sentence, Version};
use crate::model::{
    AccountId, AttachmentId, AttachmentKind, AttachmentState, Automatic, ConversationId, DeliveryState, Direction,
    EventKind, Extra, IdentityId, MessageId, MessageKind, Origin, ThreadId, Timestamp, UserId,
};
use crate::{on, read, run};

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

pub(super) const COLUMNS: &str = "id, conversation_id, thread_id, account_id, direction, origin, kind, external_id, identity_id, user_id, text, html, language, content_warning, visibility, url, reply_to, reply_to_id, meta, history, turn, liked, boosted, sent_at, ingested_at, edited_at, removed_at, delivery, automatic, extra";

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

const ATTACHMENT: &str =
    "id, message_id, kind, remote_url, mime, name, alt, size, width, height, state, hash, attempts, content_id";

#[derive(sqlx::FromRow)]
struct Face {
    id: IdentityId,
    name: String,
    handle: String,
    avatar_url: Option<String>,
    url: Option<String>,
}

#[derive(sqlx::FromRow)]
struct OutboxHead {
    message_id: MessageId,
    state: DeliveryState,
    attempts: i64,
    due_at: Timestamp,
    code: Option<String>,
    cause: Option<Json<Sentence>>,
    cure: Option<Json<Sentence>>,
}

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
        let mut all = Vec::new();
        for some in ids.chunks(512) {
            let some = padded(some);
            let sql = format!("SELECT {COLUMNS} FROM messages WHERE id IN {}", placeholders(1, some.len()));
            let rows: Vec<Stored> = read!(self, db => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str()));
                for id in &some {
                    query = query.bind(*id);
                }
                query.fetch_all(db).await
            })?;
            all.extend(rows);
        }
        Ok(all)
    }

    /// Which of these the account already has.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn messages_by_external(&self, account: AccountId, external: &[&str]) -> Result<Vec<Stored>, StoreError> {
        let mut found = Vec::new();
        for some in external.chunks(256) {
            let some = padded(some);
            let sql = by_external(some.len());
            let rows: Vec<Stored> = read!(self, db => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str())).bind(account);
                for id in &some {
                    query = query.bind(*id);
                }
                query.fetch_all(db).await
            })?;
            found.extend(rows);
        }
        Ok(found)
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

    /// Stored messages as people see them, in the same order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn present(&self, stored: Vec<Stored>) -> Result<Vec<Message>, StoreError> {
        if stored.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<MessageId> = stored.iter().map(|message| message.id).collect();
        let mut versions: HashMap<MessageId, Vec<Version>> = HashMap::new();
        let mut files: HashMap<MessageId, Vec<Attachment>> = HashMap::new();
        let mut outbox: HashMap<MessageId, Delivery> = HashMap::new();
        let mut faces: HashMap<IdentityId, Author> = HashMap::new();
        let mut names: HashMap<UserId, String> = HashMap::new();
        let mut answered: HashMap<(AccountId, String), MessageId> = HashMap::new();
        macro_rules! fetch {
            ($sql:expr, $ids:expr) => {{
                let sql = $sql;
                read!(self, db => {
                    let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str()));
                    for id in $ids {
                        query = query.bind(*id);
                    }
                    query.fetch_all(db).await
                })?
            }};
        }
        for some in ids.chunks(512) {
            let some = &padded(some);
            let within = placeholders(1, some.len());
            let rows: Vec<(MessageId, String, Option<String>, Timestamp)> = fetch!(
                format!(
                    "SELECT message_id, text, content_warning, at FROM message_versions WHERE message_id IN {within} ORDER BY version"
                ),
                some
            );
            for (id, text, content_warning, at) in rows {
                versions.entry(id).or_default().push(Version { text, content_warning, at });
            }
            let rows: Vec<StoredAttachment> = fetch!(
                format!(
                    "SELECT {ATTACHMENT} FROM attachments WHERE message_id IN {within} ORDER BY message_id, position"
                ),
                some
            );
            for row in rows {
                files.entry(row.message_id).or_default().push(row.present());
            }
            let rows: Vec<OutboxHead> = fetch!(
                format!(
                    "SELECT message_id, state, attempts, due_at, code, cause, cure FROM outbox WHERE message_id IN {within}"
                ),
                some
            );
            for row in rows {
                outbox.insert(row.message_id, row.present());
            }
        }
        let identities: HashSet<IdentityId> = stored.iter().filter_map(|message| message.identity_id).collect();
        for some in Vec::from_iter(identities).chunks(512) {
            let some = &padded(some);
            let rows: Vec<Face> = fetch!(
                format!(
                    "SELECT id, name, handle, avatar_url, url FROM identities WHERE id IN {}",
                    placeholders(1, some.len())
                ),
                some
            );
            for row in rows {
                faces.insert(
                    row.id,
                    Author {
                        name: row.name,
                        handle: row.handle,
                        avatar_url: row.avatar_url,
                        url: row.url,
                        user_id: None,
                        identity_id: Some(row.id),
                        brand: false,
                    },
                );
            }
        }
        let users: HashSet<UserId> = stored.iter().filter_map(|message| message.user_id).collect();
        for some in Vec::from_iter(users).chunks(512) {
            let some = &padded(some);
            let rows: Vec<(UserId, String)> =
                fetch!(format!("SELECT id, name FROM users WHERE id IN {}", placeholders(1, some.len())), some);
            names.extend(rows);
        }
        let mut wanted: HashMap<AccountId, Vec<&str>> = HashMap::new();
        for message in &stored {
            if let (None, Some(external)) = (message.reply_to_id, &message.reply_to) {
                wanted.entry(message.account_id).or_default().push(external);
            }
        }
        for (account, externals) in &wanted {
            for some in externals.chunks(512) {
                let some = padded(some);
                let sql = format!(
                    "SELECT external_id, id FROM messages WHERE account_id = $1 AND external_id IN {}",
                    placeholders(2, some.len())
                );
                let rows: Vec<(String, MessageId)> = read!(self, db => {
                    let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str())).bind(*account);
                    for id in &some {
                        query = query.bind(*id);
                    }
                    query.fetch_all(db).await
                })?;
                answered.extend(rows.into_iter().map(|(external, id)| ((*account, external), id)));
            }
        }
        Ok(stored
            .into_iter()
            .map(|message| {
                let mut author = message.identity_id.and_then(|id| faces.get(&id).cloned()).unwrap_or_default();
                if let Some(user) = message.user_id {
                    author.user_id = Some(user);
                    author.name = names.get(&user).cloned().unwrap_or_default();
                }
                author.brand = matches!(message.direction, Direction::Out | Direction::Note);
                let reply_to = message
                    .reply_to_id
                    .or_else(|| answered.get(&(message.account_id, message.reply_to.clone()?)).copied());
                Message {
                    id: message.id,
                    conversation_id: message.conversation_id,
                    thread_id: message.thread_id,
                    direction: message.direction,
                    origin: message.origin,
                    kind: message.kind,
                    author,
                    text: message.text,
                    html: message.html,
                    language: message.language,
                    content_warning: message.content_warning,
                    visibility: message.visibility,
                    sent_at: message.sent_at,
                    received_at: message.ingested_at,
                    edited_at: message.edited_at,
                    removed_at: message.removed_at,
                    versions: versions.remove(&message.id).unwrap_or_default(),
                    reply_to,
                    url: message.url,
                    attachments: files.remove(&message.id).unwrap_or_default(),
                    delivery: outbox.remove(&message.id),
                    history: message.history,
                    actions: Vec::new(),
                    liked: message.liked,
                    boosted: message.boosted,
                    automatic: message.automatic,
                    extra: message.extra.map(|Json(extra)| extra),
                }
            })
            .collect())
    }

    /// One file.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn attachment(&self, id: AttachmentId) -> Result<Option<StoredAttachment>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {ATTACHMENT} FROM attachments WHERE id = $1"))).bind(id).fetch_optional(db).await)?,
        )
    }

    /// The files of a message, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn attachments_of(&self, message: MessageId) -> Result<Vec<StoredAttachment>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {ATTACHMENT} FROM attachments WHERE message_id = $1 ORDER BY position")))
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
            read!(self, db => sqlx::query_as(AssertSqlSafe(format!("SELECT {ATTACHMENT} FROM attachments WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT {limit}")))
            .bind(now).fetch_all(db).await)?,
        )
    }
}

fn newest_inbound() -> String {
    format!(
        "SELECT {COLUMNS} FROM messages WHERE thread_id = $1 AND direction = 'in' \
         ORDER BY CASE WHEN removed_at IS NULL AND automatic IS NULL THEN 0 ELSE 1 END, sent_at DESC, id DESC LIMIT 1"
    )
}

impl StoredAttachment {
    fn present(self) -> Attachment {
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

impl OutboxHead {
    fn present(self) -> Delivery {
        Delivery {
            state: self.state,
            attempts: self.attempts,
            due_at: (self.state == DeliveryState::Waiting).then_some(self.due_at),
            code: self.code,
            cause: self.cause.map(|Json(words)| words),
            cure: self.cure.map(|Json(words)| words),
        }
    }
}

fn by_external(count: usize) -> String {
    format!("SELECT {COLUMNS} FROM messages WHERE account_id = $1 AND external_id IN {}", placeholders(2, count))
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
        let mut found = Vec::new();
        for some in external.chunks(256) {
            let some = padded(some);
            let sql = by_external(some.len());
            let rows: Vec<Stored> = on!(self, db => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str())).bind(account);
                for id in &some {
                    query = query.bind(*id);
                }
                query.fetch_all(db).await
            })?;
            found.extend(rows);
        }
        Ok(found)
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
