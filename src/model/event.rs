//! A line of the log.

use super::{AccountId, ConversationId, EventKind, MessageId, Timestamp, UserId};

/// One change, as stored: what it is about, not what it looks like now.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whoever has seen this number has seen all below it.
    pub seq: i64,
    pub at: Timestamp,
    pub kind: EventKind,
    pub conversation_id: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    pub account_id: Option<AccountId>,
    /// `user`, `channel` or `system`.
    pub actor: String,
    pub user_id: Option<UserId>,
    pub data: serde_json::Value,
}
