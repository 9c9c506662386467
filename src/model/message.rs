//! A message and a thread as people see them.

use super::{
    AccountId, AttachmentId, AttachmentKind, AttachmentState, Automatic, ConversationId, DeliveryState, Direction,
    Extra, IdentityId, Lane, MessageId, MessageKind, Origin, ThreadId, ThreadKind, Timestamp, UserId,
};

/// One utterance, complete.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// `None` for a note.
    pub thread_id: Option<ThreadId>,
    pub direction: Direction,
    pub origin: Origin,
    pub kind: MessageKind,
    pub author: Author,
    pub text: String,
    /// Sanitised; may be put on the page as it is.
    pub html: Option<String>,
    pub language: Option<String>,
    pub content_warning: Option<String>,
    pub visibility: Option<String>,
    pub sent_at: Timestamp,
    pub received_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    /// Gone from the platform; the text stays for us.
    pub removed_at: Option<Timestamp>,
    /// Older texts, oldest first.
    pub versions: Vec<Version>,
    pub reply_to: Option<MessageId>,
    pub url: Option<String>,
    pub attachments: Vec<Attachment>,
    pub delivery: Option<Delivery>,
    pub history: bool,
    /// What may be done to it now.
    pub actions: Vec<String>,
    pub liked: bool,
    pub boosted: bool,
    /// Written by a machine: nobody waits for an answer to it.
    pub automatic: Option<Automatic>,
    /// What its medium puts around the words.
    pub extra: Option<Extra>,
}

/// Who said it: a person outside, or one of us.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Author {
    pub name: String,
    pub handle: String,
    pub avatar_url: Option<String>,
    pub url: Option<String>,
    pub user_id: Option<UserId>,
    pub identity_id: Option<IdentityId>,
    /// Speaks for the organisation.
    pub brand: bool,
}

/// What a message said before.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema, sqlx::FromRow)]
pub struct Version {
    pub text: String,
    pub content_warning: Option<String>,
    /// When it was replaced.
    pub at: Timestamp,
}

/// A file at a message.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Attachment {
    pub id: AttachmentId,
    pub kind: AttachmentKind,
    pub mime: Option<String>,
    pub name: Option<String>,
    pub alt: Option<String>,
    /// By what name the message's HTML shows it.
    pub content_id: Option<String>,
    pub size: Option<i64>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    /// On our own origin; `None` until our copy is here.
    pub url: Option<String>,
    pub state: AttachmentState,
}

/// How far an outbound message got.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    pub state: DeliveryState,
    pub attempts: i64,
    /// When it is tried next.
    pub due_at: Option<Timestamp>,
    pub code: Option<String>,
    pub cause: Option<Sentence>,
    pub cure: Option<Sentence>,
}

/// A sentence in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Sentence {
    pub en: String,
    pub nl: String,
}

/// A thread and what is allowed in it, without the channel's own opinion: `desk` adds the allowance.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, sqlx::FromRow)]
pub struct ThreadRow {
    pub id: ThreadId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    pub external_id: String,
    pub lane: Lane,
    pub kind: ThreadKind,
    pub title: Option<String>,
    pub url: Option<String>,
    pub version: i64,
    /// What its channel remembers of it.
    pub memory: Option<sqlx::types::Json<serde_json::Value>>,
}

impl Sentence {
    #[must_use]
    pub fn new(en: impl Into<String>, nl: impl Into<String>) -> Self {
        Self { en: en.into(), nl: nl.into() }
    }
}
