//! What is said on the socket.

use crate::desk::accounts::Account;
use crate::desk::load::Load;
use crate::desk::visit::VisitedPage;
use crate::model::conversation::ConversationRow;
use crate::model::message::Message;
use crate::model::{AccountId, ConversationId, EventKind, MessageId, Timestamp, UserId};

/// What the page says.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ClientMessage {
    /// First: the number of the last event seen, if any.
    Hello {
        #[serde(default)]
        since: Option<i64>,
    },
    /// The conversation on the screen, or none.
    Viewing {
        #[serde(default)]
        conversation_id: Option<ConversationId>,
    },
    /// Somebody is writing an answer, or stopped.
    Replying {
        conversation_id: ConversationId,
        active: bool,
    },
    /// Send the board as it moves.
    Board {
        on: bool,
    },
    Ping,
}

/// What the server says.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerMessage {
    /// Everything after `since` was sent; from here on it is live.
    Ready {
        seq: i64,
    },
    /// What was missed cannot be told any more: fetch everything again; live from `seq`.
    Reset {
        seq: i64,
    },
    Events {
        events: Vec<Event>,
    },
    /// Who has this conversation on the screen. Not numbered, may be lost.
    Presence {
        conversation_id: ConversationId,
        viewers: Vec<ViewerHere>,
    },
    /// Who is at the other end of a conversation on the screen. Not numbered, may be lost; typing fades after six seconds.
    Visitor {
        conversation_id: ConversationId,
        visitor: VisitorHere,
    },
    Load {
        load: Box<Load>,
    },
    Pong,
}

/// A change. Row, message and account are complete and as they are now: replace by id.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Event {
    pub seq: i64,
    pub at: Timestamp,
    pub kind: EventKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The message the event is about; without `message` it is gone (an echo that became ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    pub actor: EventActor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<ConversationRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    #[schema(value_type = Option<Object>)]
    pub data: serde_json::Value,
}

/// Who did it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct EventActor {
    /// `user`, `channel` or `system`.
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<UserId>,
}

/// A visitor with the chat open, on some page.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct VisitorHere {
    pub online: bool,
    pub typing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<VisitedPage>,
}

/// Somebody with a conversation on the screen.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ViewerHere {
    pub user_id: UserId,
    pub name: String,
    pub replying: bool,
}
