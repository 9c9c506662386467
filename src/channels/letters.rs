//! Mail for those who left words where they cannot be answered: a form without a way back, a chat whose visitor is gone.
//!
//! Owns: what one channel says of such words (`AnswerAt`), and what the channel that takes them over makes of them (`Letters`). The
//! desk stands between: neither channel knows the other.
//! Must not: know a database, or which channels these are.

use serde_json::Value;

use super::{Message, Words};

/// Where and about what somebody wants to be answered who cannot be answered where they spoke.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct AnswerAt {
    /// A mail address as its author typed it, in the form of [`super::claims::email`]. Nobody vouches for it.
    pub address: String,
    /// The name they gave, when they gave one.
    pub name: Option<String>,
    /// What the mail is about; whoever writes mail puts its own mark of answering before it.
    pub subject: String,
}

/// The facet of a channel that can take over what was left elsewhere, and answer it.
pub trait Letters: Send + Sync {
    /// What was left, as the first message of a thread of this channel. Pure; the same words left again give the same ids. `None` when
    /// an answer could not go there: the address is ours, or none.
    fn take_in(&self, left: &Left<'_>) -> Option<TakenIn>;
}

/// Words that were left elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Left<'m> {
    /// Names the account they were left at; two accounts may use the same ids.
    pub at: &'m str,
    pub message: &'m Message,
    pub answer_at: &'m AnswerAt,
    /// What closing it may be the outcome of, where it was left.
    pub outcomes: &'m [Words],
}

/// Words that were taken over.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenIn {
    pub message: Message,
    /// What has to be remembered of its thread, as [`super::Item::Remember`].
    pub memory: Value,
}
