//! What a visitor lets us know without a word: it arrived, it was read, it is enough, it was good.

use serde_json::json;

use super::say::SOURCE;
use super::{Desk, Door, VisitError, Visitor, guest};
use crate::channels::visit::Rated;
use crate::channels::{Batch, Item};
use crate::model::{MessageId, ReceiptState, Status};
use crate::store::Actor;

/// Our messages that one receipt looks back at.
const LOOK_BACK: i64 = 50;

/// What somebody thought of it.
#[derive(Clone, Debug, Default)]
pub struct Rating {
    pub score: u8,
    pub comment: String,
}

/// Whether ending changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(pub bool);

impl Desk {
    /// Our messages reached the visitor: all of them, or those up to an event's number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn arrived(&self, door: &Door, visitor: &Visitor) -> Result<(), VisitError> {
        self.receipts(door, visitor, ReceiptState::Delivered, None).await
    }

    /// The visitor saw everything up to this message.
    ///
    /// # Errors
    /// `NotFound` when it is not in their thread.
    pub async fn read(&self, door: &Door, visitor: &Visitor, up_to: MessageId) -> Result<(), VisitError> {
        self.receipts(door, visitor, ReceiptState::Read, Some(up_to)).await
    }

    async fn receipts(
        &self,
        door: &Door,
        visitor: &Visitor,
        state: ReceiptState,
        up_to: Option<MessageId>,
    ) -> Result<(), VisitError> {
        let account = &door.account;
        let thread = self.store.thread_named(account.id, &visitor.id.to_string()).await?;
        let Some(thread) = thread else {
            return if up_to.is_some() { Err(VisitError::NotFound) } else { Ok(()) };
        };
        let end = match up_to {
            None => None,
            Some(id) => {
                let message = self.store.stored_message(id).await?;
                let message = message.filter(|one| one.thread_id == Some(thread.id) && one.is_for_visitors());
                let message = message.ok_or(VisitError::NotFound)?;
                Some((message.sent_at, message.id))
            }
        };
        let now = self.clock().now();
        let items: Vec<Item> = self
            .store
            .newest_answers(thread.id, LOOK_BACK)
            .await?
            .into_iter()
            .filter(|message| end.is_none_or(|end| (message.sent_at, message.id) <= end))
            .filter(|message| message.extra().receipt.is_none_or(|before| before.state < state))
            .filter_map(|message| message.external_id)
            .map(|external_id| Item::Receipt { external_id, state, at: Some(now), error: None })
            .collect();
        if !items.is_empty() {
            self.ingest(account, SOURCE, &Batch { items, ..Batch::default() }).await?;
        }
        Ok(())
    }

    /// What a visitor thought of the conversation they are in, or were in last. A later opinion replaces the earlier.
    ///
    /// # Errors
    /// `NotPossible` where nobody asks or nothing was said; `Invalid` for a score that is none.
    pub async fn rate(&self, door: &Door, visitor: &Visitor, rating: Rating) -> Result<(), VisitError> {
        if !(1..=5).contains(&rating.score) {
            return Err(VisitError::Invalid("score".to_owned()));
        }
        let account = &door.account;
        let thread = self.store.thread_named(account.id, &visitor.id.to_string()).await?;
        let thread = thread.ok_or(VisitError::NotPossible("rating"))?;
        let external_id = format!("{}:rating:{}", visitor.id, thread.conversation_id);
        let again = self.store.message_named(account.id, &external_id).await?.is_some();
        let rated = Rated {
            external_id,
            guest: guest(visitor),
            score: rating.score,
            comment: rating.comment,
            at: self.clock().now(),
            again,
        };
        let message = door.visit()?.rating(rated).ok_or(VisitError::NotPossible("rating"))?;
        let batch = Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() };
        self.ingest(account, SOURCE, &batch).await?;
        Ok(())
    }

    /// The visitor is done: the conversation closes, and its log says by whom.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end(&self, door: &Door, visitor: &Visitor) -> Result<Ended, VisitError> {
        let thread = self.store.thread_named(door.account.id, &visitor.id.to_string()).await?;
        let Some(thread) = thread else { return Ok(Ended(false)) };
        let mut tx = self.store.begin(Actor::Channel).await?;
        let Some(mut conversation) = tx.conversation(thread.conversation_id).await? else { return Ok(Ended(false)) };
        if conversation.status == Status::Closed {
            return Ok(Ended(false));
        }
        conversation.status = Status::Closed;
        conversation.closed_at = Some(tx.now());
        conversation.waiting_since = None;
        conversation.snoozed_until = None;
        conversation.reopened_at = None;
        conversation.woken_at = None;
        conversation.release();
        tx.save_conversation(&mut conversation).await?;
        tx.tell_decision(conversation.id, json!({ "status": "closed", "by": "visitor" }));
        tx.commit().await?;
        Ok(Ended(true))
    }
}
