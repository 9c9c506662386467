//! A message that is not here yet becomes one.
//!
//! Owns: what is stored of it, when it stands in its conversation and what it means for who waits. Must not: decide which
//! conversation it goes to.

use sqlx::types::Json;

use super::super::DeskError;
use super::text::{clean, is_web, snippet};
use super::{EARLIEST, Intake};
use crate::channels::{self, html};
use crate::model::message::ThreadRow;
use crate::model::{ConversationId, Direction, Lane, MessageId, Origin, Status, Timestamp};
use crate::store::contacts::Known;
use crate::store::messages::Stored;
use crate::store::{StoreError, Tx};

impl Intake<'_> {
    pub(super) async fn take(&mut self, tx: &mut Tx, message: &channels::Message) -> Result<(), DeskError> {
        if let Some(stored) = self.known.get(&message.external_id).cloned() {
            return self.compare(tx, stored, message).await;
        }
        if message.direction == Direction::Out && self.adopt(tx, message).await? {
            return Ok(());
        }
        let Some(thread) = self.thread(tx, message).await? else {
            // The brand's own post that nobody has answered: no customer, no conversation. It comes again as context when somebody does.
            return Ok(());
        };
        let author = self.person(tx, message).await?;
        let conversation_id = self.conversation_for(tx, &thread, message).await?;
        let conversation = self.conversation(tx, conversation_id).await?;
        let (turn, last) = (conversation.waiting_since.is_none(), conversation.last_message_at);
        let stored = self.store_form(message, &thread, conversation_id, author, turn, last);
        if !tx.insert_message(&stored).await? {
            // Another node was first, after we looked.
            return Err(StoreError::Conflict(message.external_id.clone()).into());
        }
        tx.insert_attachments(stored.id, &self.kept.files(message)).await?;
        self.done.added += 1;
        let lane = thread.lane;
        let thread_id = thread.id;
        self.apply(tx, &stored, lane).await?;
        if !stored.history && stored.direction != Direction::Context && stored.automatic.is_none() {
            self.moved.insert(thread_id);
        }
        self.known.insert(message.external_id.clone(), stored);
        Ok(())
    }

    fn store_form(
        &self,
        message: &channels::Message,
        thread: &ThreadRow,
        conversation_id: ConversationId,
        author: Known,
        turn: bool,
        last: Timestamp,
    ) -> Stored {
        let live = message.direction == Direction::In && !message.history && message.automatic.is_none();
        let sent_at =
            if message.direction == Direction::Context { message.sent_at } else { placed(message.sent_at, last) };
        let extra = self.kept.extra(message);
        Stored {
            id: MessageId::new(),
            conversation_id,
            thread_id: Some(thread.id),
            account_id: self.account.id,
            direction: message.direction,
            origin: if message.direction == Direction::Out { Origin::Elsewhere } else { Origin::Channel },
            kind: message.kind,
            external_id: Some(message.external_id.clone()),
            identity_id: Some(author.id),
            user_id: None,
            text: message.text.clone(),
            html: message.html.as_deref().map(|html| clean(&html::sanitise(html))),
            language: message.language.clone(),
            content_warning: message.content_warning.clone().filter(|warning| !warning.is_empty()),
            visibility: message.visibility.clone(),
            url: message.url.as_deref().filter(|url| is_web(url)).map(str::to_owned),
            reply_to: message.reply_to.clone(),
            reply_to_id: None,
            meta: Json(message.meta.clone()),
            history: message.history,
            turn: live && turn,
            liked: false,
            boosted: false,
            sent_at: sent_at.clamp(EARLIEST, self.now),
            ingested_at: self.now,
            edited_at: message.edited_at,
            removed_at: None,
            delivery: None,
            automatic: message.automatic,
            extra: (!extra.is_empty()).then_some(Json(extra)),
        }
    }

    /// What a new message means for its conversation.
    pub(super) async fn apply(&mut self, tx: &mut Tx, message: &Stored, lane: Lane) -> Result<(), DeskError> {
        if message.direction == Direction::Context {
            return Ok(());
        }
        let now = self.now;
        if !message.history && message.direction == Direction::In {
            self.newest = self.newest.max(Some(message.sent_at));
        }
        let conversation = self.conversation(tx, message.conversation_id).await?;
        conversation.message_count += 1;
        if message.sent_at >= conversation.last_message_at || conversation.message_count == 1 {
            conversation.last_message_at = message.sent_at;
            conversation.lane = lane;
            conversation.snippet = snippet(&message.text);
            message.direction.as_str().clone_into(&mut conversation.last_direction);
        }
        if message.direction == Direction::In {
            conversation.first_in_at =
                Some(conversation.first_in_at.map_or(message.sent_at, |first| first.min(message.sent_at)));
            conversation.last_in_at = conversation.last_in_at.max(Some(message.sent_at));
            if !message.history && message.automatic.is_none() {
                conversation.customer_spoke(message.sent_at, now);
            }
            if let Some(due) = message.extra.as_ref().and_then(|Json(extra)| extra.due_at) {
                conversation.due_at = Some(conversation.due_at.map_or(due, |before| before.min(due)));
            }
        } else {
            conversation.last_out_at = conversation.last_out_at.max(Some(message.sent_at));
            if !message.history && Some(message.sent_at) >= conversation.last_in_at {
                conversation.answered(Status::Pending);
            }
        }
        self.touch(message.conversation_id);
        Ok(())
    }
}

/// When a message that is new to us was sent, in a conversation whose last message was sent at `last`. Some media tell whole
/// seconds only: what was said in the second of our answer, and comes in after it, stands after it.
fn placed(at: Timestamp, last: Timestamp) -> Timestamp {
    if at.0 % 1000 == 0 && (0..1000).contains(&last.0.saturating_sub(at.0)) { last } else { at }
}
