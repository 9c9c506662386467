//! Open, pending, snoozed, closed, and how urgent.

use std::time::Duration;

use super::{Desk, DeskError, Viewer};
use crate::model::conversation::ConversationRow;
use crate::model::{ConversationId, Priority, Status, Timestamp};
use crate::store::conversations::Conversation;
use crate::store::{Actor, Tx};

/// Nobody remembers what a conversation was about that slept longer than this.
pub(super) const LONGEST_SNOOZE: Duration = Duration::from_secs(366 * 86_400);
pub(super) const LONGEST_OUTCOME: usize = 100;

impl Desk {
    /// Opens, waits for the customer, or closes; closing may be the outcome of something. `seen` is the `message_count` that whoever
    /// decides has seen; `None` is not checked.
    ///
    /// # Errors
    /// `Held` when a colleague is answering it; `ConversationMoved` when somebody waits with words that were not seen; `Refused` for
    /// `snoozed`, which needs a time.
    pub async fn set_status(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        status: Status,
        outcome: Option<&str>,
        seen: Option<i64>,
    ) -> Result<ConversationRow, DeskError> {
        let outcome = outcome.map(str::trim).filter(|outcome| !outcome.is_empty()).map(super::ingest::clean);
        if outcome.is_some() && status != Status::Closed {
            return Err(DeskError::refused("status.outcome", "only what is closed has an outcome"));
        }
        if outcome.as_ref().is_some_and(|outcome| outcome.chars().count() > LONGEST_OUTCOME) {
            return Err(DeskError::refused("status.outcome_long", "an outcome is a few words"));
        }
        if status == Status::Snoozed {
            return Err(DeskError::refused("status.snoozed", "say until when: use snooze"));
        }
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        self.not_under_a_colleague(viewer, &conversation, tx.now()).await?;
        if status != Status::Open && conversation.has_unseen(seen) {
            drop(tx);
            return self.refuse_unseen(&conversation, seen).await;
        }
        if becomes(&mut tx, &mut conversation, status, outcome).await? {
            tx.commit().await?;
        }
        self.row(viewer, id).await
    }

    /// Sleeps until a moment, or until the customer speaks. `seen` as of `set_status`.
    ///
    /// # Errors
    /// `Held`; `ConversationMoved`; `Refused` when the moment is not in the future or more than a year away.
    pub async fn snooze(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        until: Timestamp,
        seen: Option<i64>,
    ) -> Result<ConversationRow, DeskError> {
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        let now = tx.now();
        if until <= now || until > now.plus(LONGEST_SNOOZE) {
            return Err(DeskError::refused("snooze.until", "choose a moment in the coming year"));
        }
        self.not_under_a_colleague(viewer, &conversation, now).await?;
        if conversation.has_unseen(seen) {
            drop(tx);
            return self.refuse_unseen(&conversation, seen).await;
        }
        sleeps(&mut tx, &mut conversation, until).await?;
        tx.commit().await?;
        self.row(viewer, id).await
    }

    /// Sets how much earlier than its age it is served.
    ///
    /// # Errors
    /// When the conversation is not theirs to change.
    pub async fn set_priority(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        priority: Priority,
    ) -> Result<ConversationRow, DeskError> {
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        if conversation.priority != priority {
            conversation.priority = priority;
            tx.save_conversation(&mut conversation).await?;
            tx.commit().await?;
        }
        self.row(viewer, id).await
    }

    /// Wakes what has slept long enough. Returns how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn wake_snoozed(&self) -> Result<usize, DeskError> {
        // Looked up without a transaction: mostly there is nothing to write.
        let due = self.store.due_snoozes(100).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store.begin(Actor::System).await?;
        let now = tx.now();
        let mut woken = 0;
        for id in due {
            if let Some(mut conversation) = tx.conversation(id).await?
                && conversation.status == Status::Snoozed
                && conversation.snoozed_until.is_none_or(|until| until <= now)
            {
                conversation.status = Status::Open;
                conversation.snoozed_until = None;
                conversation.woken_at = Some(now);
                tx.save_conversation(&mut conversation).await?;
                woken += 1;
            }
        }
        tx.commit().await?;
        Ok(woken)
    }

    async fn not_under_a_colleague(
        &self,
        viewer: &Viewer,
        conversation: &Conversation,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        match conversation.holder(now) {
            Some(holder) if holder != viewer.user_id => Err(self.held_by(holder, conversation.claim_until).await?),
            _ => Ok(()),
        }
    }
}

/// Decides what a conversation is; false when it is that already.
pub(super) async fn becomes(
    tx: &mut Tx,
    conversation: &mut Conversation,
    status: Status,
    outcome: Option<String>,
) -> Result<bool, DeskError> {
    if conversation.status == status && (outcome.is_none() || outcome == conversation.outcome) {
        return Ok(false);
    }
    conversation.status = status;
    conversation.snoozed_until = None;
    conversation.closed_at = (status == Status::Closed).then_some(tx.now());
    conversation.reopened_at = None;
    conversation.woken_at = None;
    if status == Status::Closed {
        conversation.outcome.clone_from(&outcome);
    }
    if status == Status::Open {
        conversation.history = false;
    } else {
        // Closing without an answer is a decision too: nobody waits for us any more.
        conversation.waiting_since = None;
        conversation.release();
    }
    tx.save_conversation(conversation).await?;
    let decision = match outcome {
        Some(outcome) => serde_json::json!({ "status": status, "outcome": outcome }),
        None => serde_json::json!({ "status": status }),
    };
    tx.tell_decision(conversation.id, decision);
    Ok(true)
}

/// Lets it sleep until a moment.
pub(super) async fn sleeps(tx: &mut Tx, conversation: &mut Conversation, until: Timestamp) -> Result<(), DeskError> {
    conversation.status = Status::Snoozed;
    conversation.snoozed_until = Some(until);
    conversation.closed_at = None;
    conversation.release();
    tx.save_conversation(conversation).await?;
    tx.tell_decision(conversation.id, serde_json::json!({ "snoozed_until": until }));
    Ok(())
}
