//! What the page shows, put together.

use std::collections::{HashMap, HashSet};

use futures_util::future::BoxFuture;

use super::claim::Claim;
use super::contacts::Suggestion;
use super::draft::{DraftBody, is_too_long, too_long};
use super::{Desk, DeskError, Viewer};
use crate::channels::{Allowance, Draft, Measure};
pub use crate::model::conversation::{ClaimHead, Contact, ContactHead, ConversationRow, Identity, Why};
use crate::model::message::ThreadRow;
pub use crate::model::message::{Attachment, Author, Delivery, Message, Sentence, Version};
use crate::model::{AccountId, ConversationId, Lane, MessageId, ThreadId, ThreadKind, Timestamp, UserId};
use crate::store::messages::Stored;

/// A conversation, opened.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Conversation {
    pub row: ConversationRow,
    pub threads: Vec<Thread>,
    /// The newest, oldest first.
    pub messages: Vec<Message>,
    /// Asks for what is older.
    pub earlier: Option<String>,
    pub contact: Contact,
    /// Who else may be the same person, and why.
    pub suggestions: Vec<Suggestion>,
    /// The person's other conversations, newest first.
    pub history: Vec<ConversationRow>,
    pub draft: Option<DraftBody>,
    /// With the token only when it is one's own.
    pub claim: Option<OpenClaim>,
    /// Who did what, oldest first.
    pub log: Vec<LogLine>,
    /// All of this is at least as new as this event.
    pub seq: i64,
}

/// Who holds it; the token for the holder.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct OpenClaim {
    pub user_id: UserId,
    pub until: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<i64>,
}

/// One thing somebody did, other than speaking.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LogLine {
    pub at: Timestamp,
    pub user_id: Option<UserId>,
    /// `{"status": …}`, `{"assignee_id": …, "team_id": …}`, `{"snoozed_until": …}`, `{"action": …, "reason": …}`.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// A thread with what is allowed in it now.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Thread {
    pub id: ThreadId,
    pub account_id: AccountId,
    pub lane: Lane,
    pub kind: ThreadKind,
    pub title: Option<String>,
    pub url: Option<String>,
    /// To be shown back when replying.
    pub version: i64,
    /// Its next messages come here; false when it went on in another conversation.
    pub here: bool,
    pub allowance: Allowance,
}

/// A page of messages.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Messages {
    /// Oldest first.
    pub items: Vec<Message>,
    pub earlier: Option<String>,
}

impl Desk {
    /// Messages as this desk shows them, with what may be done to each.
    // Boxed, so that it is compiled once: see "The binary" in docs/PERFORMANCE.md.
    pub(crate) fn show(&self, stored: Vec<Stored>) -> BoxFuture<'_, Result<Vec<Message>, DeskError>> {
        Box::pin(self.with_actions(stored))
    }

    async fn with_actions(&self, stored: Vec<Stored>) -> Result<Vec<Message>, DeskError> {
        let threads: HashSet<ThreadId> = stored.iter().filter_map(|message| message.thread_id).collect();
        let lanes = self.store.lanes(&Vec::from_iter(threads)).await?;
        let mut accounts = HashMap::new();
        for message in &stored {
            if let std::collections::hash_map::Entry::Vacant(entry) = accounts.entry(message.account_id) {
                entry.insert(self.store.account(message.account_id).await?);
            }
        }
        let mut blocked = HashMap::new();
        for message in &stored {
            if let Some(account) = accounts.get(&message.account_id).and_then(Option::as_ref)
                && let Some(identity) = message.identity_id
                && let std::collections::hash_map::Entry::Vacant(entry) = blocked.entry(identity)
            {
                entry.insert(self.kept_out(account, message).await?);
            }
        }
        let actions: Vec<Vec<String>> = stored
            .iter()
            .map(|message| {
                let Some(account) = accounts.get(&message.account_id).and_then(Option::as_ref) else {
                    return Vec::new();
                };
                let Some(lane) = message.thread_id.and_then(|thread| lanes.get(&thread)) else { return Vec::new() };
                let blocked = message.identity_id.and_then(|identity| blocked.get(&identity)).is_some_and(|out| *out);
                self.possible(account, message, *lane, blocked)
                    .iter()
                    .map(|action| action.as_str().to_owned())
                    .collect()
            })
            .collect();
        let mut shown = self.store.present(stored).await?;
        for (message, actions) in shown.iter_mut().zip(actions) {
            message.actions = actions;
            if message.author.brand
                && message.author.handle.is_empty()
                && let Some(thread) = message.thread_id
                && lanes.contains_key(&thread)
                && let Some(account) = accounts.values().flatten().next()
            {
                message.author.handle.clone_from(&account.handle);
            }
        }
        Ok(shown)
    }

    /// One message somebody may see.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn message(&self, viewer: &Viewer, id: MessageId) -> Result<Message, DeskError> {
        let stored = self.store.stored_message(id).await?.ok_or(DeskError::NotFound("message"))?;
        self.must_see(viewer, stored.account_id).await?;
        self.show(vec![stored]).await?.pop().ok_or(DeskError::NotFound("message"))
    }

    /// A text counted as the thread's platform counts it.
    ///
    /// # Errors
    /// `NotFound`; `Refused` (`text.too_long`) when it is longer than a draft may be.
    pub async fn measure(
        &self,
        viewer: &Viewer,
        id: ThreadId,
        in_reply_to: Option<MessageId>,
        text: &str,
        content_warning: Option<&str>,
        visibility: Option<&str>,
    ) -> Result<Measure, DeskError> {
        if is_too_long(text, content_warning) {
            return Err(too_long());
        }
        let thread = self.store.thread(id).await?.ok_or(DeskError::NotFound("thread"))?;
        self.must_see(viewer, thread.account_id).await?;
        let account = self.store.account(thread.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let known = thread.as_channel_knows_it();
        let answered = match in_reply_to {
            Some(id) => self.store.stored_message(id).await?.filter(|message| message.thread_id == Some(thread.id)),
            None => self.store.newest_inbound(thread.id).await?,
        };
        let draft = Draft {
            thread: &known,
            reply_to: answered.as_ref().map(|message| &message.meta.0),
            text: text.trim(),
            content_warning,
            visibility,
        };
        Ok(self.connections.get(&account)?.measure(&draft, &account.facts))
    }

    pub(super) async fn thread_view(
        &self,
        thread: ThreadRow,
        conversation: ConversationId,
    ) -> Result<Thread, DeskError> {
        let account = self.store.account(thread.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let known = thread.as_channel_knows_it();
        let allowance = match self.connections.get(&account) {
            Ok(channel) => {
                let mut allowance = channel.allowance(&known, &thread.facts(&account.facts));
                allowance.may_reply &= channel.reply().is_some() && account.removed_at.is_none();
                allowance
            }
            Err(error) => Allowance::closed(error.code.clone(), error.cause),
        };
        Ok(Thread {
            id: thread.id,
            account_id: thread.account_id,
            lane: thread.lane,
            kind: thread.kind,
            title: thread.title,
            url: thread.url,
            version: thread.version,
            here: thread.conversation_id == conversation,
            allowance,
        })
    }
}

impl From<Claim> for OpenClaim {
    fn from(claim: Claim) -> Self {
        Self { user_id: claim.user_id, until: claim.until, token: Some(claim.token) }
    }
}
