//! News about what is here already: receipts, reactions, threads that got another name or were settled without us.
//!
//! Promises: news about something unknown changes nothing; the same news again changes nothing.

use serde_json::{Value, json};
use sqlx::types::Json;

use super::super::DeskError;
use super::super::settle::came_back;
use super::text::is_web;
use super::{EARLIEST, Intake};
use crate::channels::{Author, ChannelError, ThreadRef};
use crate::model::{DeliveryState, Direction, Reaction, Receipt, ReceiptState, Status, Timestamp};
use crate::store::Tx;
use crate::store::messages::Stored;

/// A message that more people react to than this shows the first ones.
const MOST_REACTIONS: usize = 200;

impl Intake<'_> {
    /// How far a message of ours got. What came back is a delivery problem: the customer waits again.
    pub(super) async fn receipt(
        &mut self,
        tx: &mut Tx,
        external_id: &str,
        state: ReceiptState,
        at: Option<Timestamp>,
        error: Option<&ChannelError>,
    ) -> Result<(), DeskError> {
        let Some(stored) = self.as_it_is_now(tx, external_id).await? else { return Ok(()) };
        let mut extra = stored.extra();
        // Reading includes having got it; coming back outweighs both.
        let further = extra.receipt.is_none_or(|before| before.state < state);
        if stored.direction != Direction::Out || !further {
            return Ok(());
        }
        let at = at.unwrap_or(self.now).clamp(EARLIEST, self.now);
        extra.receipt = Some(Receipt { state, at });
        tx.save_extra(&stored, &extra).await?;
        let mut changed = Stored { extra: Some(Json(extra)), ..stored };
        if state == ReceiptState::Failed
            && let Some(mut row) = tx.outbox_of(changed.id).await?
            && row.state == DeliveryState::Sent
        {
            let conversation = self.conversation(tx, changed.conversation_id).await?;
            came_back(conversation, &mut changed, &mut row, error);
            tx.save_delivery(&changed).await?;
            tx.save_outbox(&row).await?;
            let problem = tx.has_delivery_problem(changed.conversation_id).await?;
            self.conversation(tx, changed.conversation_id).await?.delivery_problem = problem;
            self.touch(changed.conversation_id);
        }
        self.done.changed += 1;
        self.known.insert(external_id.to_owned(), changed);
        Ok(())
    }

    /// One sign of one person at one message; `None` takes it back. What is read back later is older, and changes nothing.
    pub(super) async fn reaction(
        &mut self,
        tx: &mut Tx,
        external_id: &str,
        author: &Author,
        emoji: Option<&str>,
        at: Option<Timestamp>,
    ) -> Result<(), DeskError> {
        let Some(stored) = self.as_it_is_now(tx, external_id).await? else { return Ok(()) };
        let mut extra = stored.extra();
        let before = extra.reactions.clone();
        let who = author.external_id.as_str();
        let same = before.iter().any(|reaction| reaction.author == who && Some(reaction.emoji.as_str()) == emoji);
        let at = at.unwrap_or(self.now).clamp(EARLIEST, self.now);
        let older = before.iter().any(|reaction| reaction.author == who && reaction.at > at);
        if same || older {
            return Ok(());
        }
        extra.reactions.retain(|reaction| reaction.author != who);
        if let Some(emoji) = emoji.filter(|_| extra.reactions.len() < MOST_REACTIONS) {
            let name = if author.name.is_empty() { &author.handle } else { &author.name }.clone();
            extra.reactions.push(Reaction { emoji: emoji.to_owned(), author: who.to_owned(), name, at });
        }
        if extra.reactions == before {
            return Ok(());
        }
        tx.save_extra(&stored, &extra).await?;
        self.done.changed += 1;
        self.known.insert(external_id.to_owned(), Stored { extra: Some(Json(extra)), ..stored });
        Ok(())
    }

    /// The platform calls a thread otherwise from now on. When there is one of that name already, both stay.
    pub(super) async fn thread_renamed(&mut self, tx: &mut Tx, from: &str, to: &ThreadRef) -> Result<(), DeskError> {
        if self.threads.contains_key(&to.external_id) {
            return Ok(());
        }
        let Some(mut thread) = self.threads.remove(from) else { return Ok(()) };
        tx.rename_thread(thread.id, &to.external_id, to.title.as_deref()).await?;
        thread.external_id.clone_from(&to.external_id);
        self.threads.insert(to.external_id.clone(), thread);
        self.done.changed += 1;
        Ok(())
    }

    /// What the channel wants to be told again about a thread. Whoever has it open sees what is allowed there now.
    pub(super) async fn remember(&mut self, tx: &mut Tx, thread: &str, memory: &Value) -> Result<(), DeskError> {
        let Some((id, conversation)) = self.threads.get(thread).map(|known| (known.id, known.conversation_id)) else {
            return Ok(());
        };
        self.conversation(tx, conversation).await?;
        let Some(known) = tx.thread(id).await? else { return Ok(()) };
        let before = known.memory.as_ref().map(|memory| memory.0.clone()).unwrap_or_default();
        let mut after = if before.is_object() { before.clone() } else { json!({}) };
        if let (Value::Object(after), Value::Object(given)) = (&mut after, memory.clone()) {
            after.extend(given);
        }
        if after == before {
            return Ok(());
        }
        tx.save_thread_memory(id, &after).await?;
        if let Some(known) = self.threads.get_mut(thread) {
            known.memory = Some(Json(after));
        }
        self.touch(conversation);
        self.done.changed += 1;
        Ok(())
    }

    /// Somebody else's answer settled it: nobody waits for ours, and the log says whose it was.
    pub(super) async fn solved(
        &mut self,
        tx: &mut Tx,
        thread: &str,
        by: &str,
        url: Option<&str>,
        at: Option<Timestamp>,
    ) -> Result<(), DeskError> {
        let Some(id) = self.threads.get(thread).map(|thread| thread.conversation_id) else { return Ok(()) };
        let now = self.now;
        let conversation = self.conversation(tx, id).await?;
        if conversation.status == Status::Closed {
            return Ok(());
        }
        conversation.status = Status::Closed;
        conversation.closed_at = Some(at.unwrap_or(now).clamp(EARLIEST, now));
        conversation.waiting_since = None;
        conversation.snoozed_until = None;
        conversation.release();
        self.touch(id);
        tx.tell_decision(id, json!({ "solved_by": by, "url": url.filter(|url| is_web(url)) }));
        self.done.changed += 1;
        Ok(())
    }
}
