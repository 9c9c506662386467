//! Messages as people see them: with their author, versions, files, delivery and what they answer.
//!
//! Promises: a page of messages costs one query for each kind of thing around them, however many messages there are.

use futures_util::future::BoxFuture;
use std::collections::{HashMap, HashSet};

use sqlx::types::Json;

use super::attachments::{self, StoredAttachment};
use super::messages::Stored;
use super::{Store, StoreError};
use crate::model::message::{Attachment, Author, Delivery, Message, Sentence, Version};
use crate::model::{AccountId, DeliveryState, Direction, IdentityId, MessageId, Timestamp, UserId};
use crate::{read, rows_in};

#[derive(sqlx::FromRow)]
struct Face {
    id: IdentityId,
    name: String,
    handle: String,
    avatar_url: Option<String>,
    url: Option<String>,
    /// An account of ours, connected or not any more.
    brand: bool,
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
    /// Stored messages as people see them, in the same order.
    ///
    /// # Errors
    /// When the database cannot be read.
    // Boxed, so that it is compiled once: see "The binary" in docs/PERFORMANCE.md.
    pub fn present(&self, stored: Vec<Stored>) -> BoxFuture<'_, Result<Vec<Message>, StoreError>> {
        Box::pin(async move {
            if stored.is_empty() {
                return Ok(Vec::new());
            }
            let ids: Vec<MessageId> = stored.iter().map(|message| message.id).collect();
            let mut versions = self.versions_of(&ids).await?;
            let mut files = self.files_of(&ids).await?;
            let mut deliveries = self.deliveries_of(&ids).await?;
            let faces = self.faces_of(&stored).await?;
            let names = self.names_of(&stored).await?;
            let answered = self.answered_by(&stored).await?;
            Ok(stored
                .into_iter()
                .map(|message| {
                    let mut author = message.identity_id.and_then(|id| faces.get(&id).cloned()).unwrap_or_default();
                    if let Some(user) = message.user_id {
                        author.user_id = Some(user);
                        author.name = names.get(&user).cloned().unwrap_or_default();
                    }
                    author.brand = match message.direction {
                        Direction::Out | Direction::Note => true,
                        // Above a thread may stand a post of ours.
                        Direction::Context => author.brand,
                        Direction::In => false,
                    };
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
                        delivery: deliveries.remove(&message.id),
                        history: message.history,
                        actions: Vec::new(),
                        liked: message.liked,
                        boosted: message.boosted,
                        automatic: message.automatic,
                        extra: message.extra.map(|Json(extra)| extra),
                    }
                })
                .collect())
        })
    }

    async fn versions_of(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Vec<Version>>, StoreError> {
        let rows: Vec<(MessageId, String, Option<String>, Timestamp)> = rows_in!(read!(self), [], ids, within => format!(
            "SELECT message_id, text, content_warning, at FROM message_versions WHERE message_id IN {within} ORDER BY version"
        ));
        let mut versions: HashMap<MessageId, Vec<Version>> = HashMap::new();
        for (id, text, content_warning, at) in rows {
            versions.entry(id).or_default().push(Version { text, content_warning, at });
        }
        Ok(versions)
    }

    async fn files_of(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Vec<Attachment>>, StoreError> {
        let rows: Vec<StoredAttachment> = rows_in!(read!(self), [], ids, within => format!(
            "SELECT {} FROM attachments WHERE message_id IN {within} ORDER BY message_id, position", attachments::COLUMNS
        ));
        let mut files: HashMap<MessageId, Vec<Attachment>> = HashMap::new();
        for row in rows {
            files.entry(row.message_id).or_default().push(row.present());
        }
        Ok(files)
    }

    async fn deliveries_of(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Delivery>, StoreError> {
        let rows: Vec<OutboxHead> = rows_in!(read!(self), [], ids, within => format!(
            "SELECT message_id, state, attempts, due_at, code, cause, cure FROM outbox WHERE message_id IN {within}"
        ));
        Ok(rows.into_iter().map(|row| (row.message_id, row.present())).collect())
    }

    async fn faces_of(&self, stored: &[Stored]) -> Result<HashMap<IdentityId, Author>, StoreError> {
        let ids: HashSet<IdentityId> = stored.iter().filter_map(|message| message.identity_id).collect();
        let rows: Vec<Face> = rows_in!(read!(self), [], Vec::from_iter(ids), within =>
            format!("SELECT id, name, handle, avatar_url, url, \
                     EXISTS (SELECT 1 FROM accounts a WHERE a.channel = i.channel AND a.external_id = i.external_id) AS brand \
                     FROM identities i WHERE id IN {within}"));
        Ok(rows.into_iter().map(|row| (row.id, row.present())).collect())
    }

    async fn names_of(&self, stored: &[Stored]) -> Result<HashMap<UserId, String>, StoreError> {
        let ids: HashSet<UserId> = stored.iter().filter_map(|message| message.user_id).collect();
        let rows: Vec<(UserId, String)> = rows_in!(read!(self), [], Vec::from_iter(ids), within =>
            format!("SELECT id, name FROM users WHERE id IN {within}"));
        Ok(rows.into_iter().collect())
    }

    /// What the platform calls the answered message, and what it is here; for messages that know only the former.
    async fn answered_by(&self, stored: &[Stored]) -> Result<HashMap<(AccountId, String), MessageId>, StoreError> {
        let mut wanted: HashMap<AccountId, Vec<&str>> = HashMap::new();
        for message in stored {
            if let (None, Some(external)) = (message.reply_to_id, &message.reply_to) {
                wanted.entry(message.account_id).or_default().push(external);
            }
        }
        let mut answered = HashMap::new();
        for (account, externals) in wanted {
            let rows: Vec<(String, MessageId)> = rows_in!(read!(self), [account], externals, within =>
                format!("SELECT external_id, id FROM messages WHERE account_id = $1 AND external_id IN {within}"));
            answered.extend(rows.into_iter().map(|(external, id)| ((account, external), id)));
        }
        Ok(answered)
    }
}

impl Face {
    fn present(self) -> Author {
        Author {
            name: self.name,
            handle: self.handle,
            avatar_url: self.avatar_url,
            url: self.url,
            user_id: None,
            identity_id: Some(self.id),
            brand: self.brand,
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
