//! Why a use case did not happen, for whoever asked.

use crate::channels::ChannelError;
use crate::model::message::Message;
use crate::model::{Timestamp, UserId};
use crate::store::StoreError;

/// A refusal or a failure. Refusals carry a stable code that the page has words for.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// It does not exist, or this viewer may not know that it does.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("your role does not allow this")]
    Forbidden,
    /// Somebody else holds the conversation.
    #[error("{name} is working on this conversation")]
    Held { user_id: UserId, name: String, until: Timestamp },
    /// The claim under which this was written ended.
    #[error("your claim on this conversation has ended")]
    ClaimLost,
    /// Something was said that the author had not seen.
    #[error("the thread moved on while you were writing")]
    ThreadMoved { version: i64, messages: Vec<Message> },
    /// Something was said in the conversation, in this thread or another, that whoever decided had not seen.
    #[error("the customer said something that you had not seen")]
    ConversationMoved { message_count: i64, messages: Vec<Message> },
    /// What was asked cannot be done; `extra` has the facts.
    #[error("{detail}")]
    Refused { code: &'static str, detail: String, extra: serde_json::Value },
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DeskError {
    pub(super) fn refused(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Refused { code, detail: detail.into(), extra: serde_json::Value::Null }
    }
}
