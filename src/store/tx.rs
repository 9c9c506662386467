//! One change of anything: rows and the events that tell of them, together or not at all.
//!
//! Promises: events get their numbers at the very end, in the order in which transactions become visible, without gaps in
//! visibility; dropping a `Tx` undoes everything; a commit wakes whoever tails the log.

use futures_util::future::BoxFuture;
use sqlx::AssertSqlSafe;

use crate::model::{AccountId, ConversationId, EventKind, MessageId, Timestamp, UserId};
use crate::{on, run};

use super::engine::Conn;
use super::{Store, StoreError, pieces, rows_of_values};

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    User(UserId),
    /// News from a platform.
    Channel,
    /// A timer, a rule, the sender.
    System,
}

impl Actor {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Channel => "channel",
            Self::System => "system",
        }
    }

    #[must_use]
    pub const fn user_id(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            _ => None,
        }
    }
}

/// An event before it has its number.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub kind: EventKind,
    pub conversation_id: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    pub account_id: Option<AccountId>,
    pub data: serde_json::Value,
}

/// An open transaction that collects its events.
pub struct Tx {
    conn: Conn,
    store: Store,
    now: Timestamp,
    actor: Actor,
    events: Vec<NewEvent>,
}

impl Tx {
    pub(super) fn new(conn: Conn, store: Store, now: Timestamp, actor: Actor) -> Self {
        Self { conn, store, now, actor, events: Vec::new() }
    }

    /// For the `on!` macro.
    pub fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    #[must_use]
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Adds an event. The same news about the same thing twice in one transaction is told once.
    pub fn tell(
        &mut self,
        kind: EventKind,
        conversation_id: Option<ConversationId>,
        message_id: Option<MessageId>,
        account_id: Option<AccountId>,
        data: serde_json::Value,
    ) {
        let twice = data.is_null()
            && self.events.iter().rev().take(64).any(|event| {
                event.kind == kind
                    && event.conversation_id == conversation_id
                    && event.message_id == message_id
                    && event.account_id == account_id
                    && event.data.is_null()
            });
        if !twice {
            self.events.push(NewEvent { kind, conversation_id, message_id, account_id, data });
        }
    }

    /// The conversation's row changed.
    pub fn tell_conversation(&mut self, id: ConversationId) {
        let created = self
            .events
            .iter()
            .any(|event| event.kind == EventKind::ConversationCreated && event.conversation_id == Some(id));
        if !created {
            self.tell(EventKind::ConversationChanged, Some(id), None, None, serde_json::Value::Null);
        }
    }

    /// Somebody decided something about a conversation; `what` is shown in its log.
    pub fn tell_decision(&mut self, id: ConversationId, what: serde_json::Value) {
        self.tell(EventKind::ConversationChanged, Some(id), None, None, what);
    }

    /// A message came or changed.
    pub fn tell_message(&mut self, kind: EventKind, conversation: ConversationId, message: MessageId) {
        self.tell(kind, Some(conversation), Some(message), None, serde_json::Value::Null);
    }

    /// Makes it all true. Returns the number of the last event, or `None` when there was none.
    ///
    /// # Errors
    /// When the database refuses; nothing happened then.
    // Boxed, so that it is compiled once: see "The binary" in docs/PERFORMANCE.md.
    pub fn commit(mut self) -> BoxFuture<'static, Result<Option<i64>, StoreError>> {
        Box::pin(async move {
            let events = std::mem::take(&mut self.events);
            if events.is_empty() {
                self.conn.commit().await?;
                return Ok(None);
            }
            self.conn.lock_events().await?;
            let last: Option<i64> =
                on!(self, db => sqlx::query_scalar("SELECT max(seq) FROM events").fetch_one(db).await)?;
            let mut seq = last.unwrap_or(0);
            let (at, actor) = (self.now, self.actor);
            for piece in pieces(&events) {
                let sql = format!(
                    "INSERT INTO events (seq, at, kind, conversation_id, message_id, account_id, actor, user_id, data) VALUES {}",
                    rows_of_values(piece.len(), 9)
                );
                run!(self, {
                    let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
                    for event in piece {
                        seq += 1;
                        query = query
                            .bind(seq)
                            .bind(at)
                            .bind(event.kind)
                            .bind(event.conversation_id)
                            .bind(event.message_id)
                            .bind(event.account_id)
                            .bind(actor.as_str())
                            .bind(actor.user_id())
                            .bind(sqlx::types::Json(&event.data));
                    }
                    query
                })?;
            }
            self.conn.notify(seq).await?;
            self.conn.commit().await?;
            self.store.wake(seq);
            Ok(Some(seq))
        })
    }
}
