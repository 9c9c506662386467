//! Whose turn it is in a conversation.
//!
//! Promises: several messages of one side are one wait, counted from the first; who was answered waits no more; nobody stops
//! waiting by a decision of somebody who had not seen what was said last.

use crate::model::{Status, Timestamp};
use crate::store::conversations::Conversation;

impl Conversation {
    /// A customer's turn, or more of it: it is ours to answer.
    pub(super) fn customer_spoke(&mut self, at: Timestamp, now: Timestamp) {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(at);
        }
        match self.status {
            Status::Open => {}
            Status::Closed if !self.history => {
                self.status = Status::Open;
                self.reopened_at = Some(now);
            }
            _ => self.status = Status::Open,
        }
        self.history = false;
        self.closed_at = None;
        self.snoozed_until = None;
    }

    /// Whether somebody waits for us with words that whoever acts, having seen `seen` messages, did not know.
    pub(super) fn has_unseen(&self, seen: Option<i64>) -> bool {
        self.waiting_since.is_some() && seen.is_some_and(|seen| self.message_count > seen)
    }

    /// Our side spoke: nobody waits for us any more.
    pub(super) fn answered(&mut self, then: Status) {
        self.waiting_since = None;
        self.reopened_at = None;
        self.woken_at = None;
        if self.status == Status::Open {
            self.status = then;
        }
    }
}
