//! What goes out, in the desk's words.

use serde_json::Value;

use super::ThreadRef;
use crate::model::{Addressed, MessageId, Timestamp};
use crate::text_enum;

/// One message to post. The same value on every attempt, but for `attempt`.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The idempotency key: one message, one key, for ever. Where the platform lets the client choose the id, derive it from this and `written_at`.
    pub key: MessageId,
    /// From 1. Earlier ones came to nothing, as far as anybody knows.
    pub attempt: i64,
    pub written_at: Timestamp,
    pub thread: ThreadRef,
    /// External id and `meta` of the message answered; `None` starts in the thread.
    pub reply_to: Option<(String, Value)>,
    pub text: String,
    pub content_warning: Option<String>,
    pub visibility: Option<String>,
    pub language: Option<String>,
    pub files: Vec<OutFile>,
    /// To whom, where an agent chose it; otherwise to whom the answered message came from.
    pub addressed: Option<Addressed>,
    /// The answered message is passed on to `addressed` instead of answered.
    pub forward: bool,
    /// Under which subject, where an agent chose it.
    pub subject: Option<String>,
    /// Written by us without anybody's hand: a medium that marks such messages marks it.
    pub automatic: bool,
    /// What the answered message said, for a medium that repeats it below the answer.
    pub original: Option<Original>,
}

/// What is answered or passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    pub name: String,
    pub handle: String,
    pub sent_at: Timestamp,
    pub text: String,
    pub html: Option<String>,
}

/// A file to send along.
#[derive(Clone, Debug)]
pub struct OutFile {
    pub name: String,
    pub mime: String,
    pub alt: String,
    pub bytes: bytes::Bytes,
}

/// What the platform made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub external_id: String,
    pub url: Option<String>,
    pub at: Option<Timestamp>,
    /// As `Message::meta`.
    pub meta: Value,
}

text_enum!(
    /// What one may do to a message or its author.
    Action {
        Like = "like",
        Unlike = "unlike",
        Boost = "boost",
        Unboost = "unboost",
        /// Delete our own message on the platform.
        Delete = "delete",
        Mute = "mute",
        Block = "block",
        /// Only where we keep people out ourselves and know whom.
        Unblock = "unblock",
        Report = "report",
    }
);

impl Action {
    /// Whether a reason must be given and is kept in the log.
    #[must_use]
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::Delete | Self::Mute | Self::Block | Self::Report)
    }
}
