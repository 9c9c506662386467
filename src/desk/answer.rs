//! An answer, whichever way it goes: what holds before it is written down, and what becomes of its conversation.
//!
//! Promises: one answer per key, known by what it says and not by what it stands on; only the holder of the claim answers, and only what they have seen; everything that an answer
//! changes changes in one transaction.
//! Must not: know how an answer leaves (`reply`) or that it left elsewhere (`elsewhere`).

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::types::Json;

use super::{Desk, DeskError, Viewer};
use crate::model::message::{Message, ThreadRow};
use crate::model::{
    ConversationId, Direction, MessageId, MessageKind, Origin, Status, ThreadId, ThreadKind, Timestamp,
};
use crate::store::Tx;
use crate::store::conversations::Conversation;
use crate::store::messages::Stored;

/// What an answer stands on.
#[derive(Clone, Copy)]
pub(super) struct Grounds<'a> {
    pub thread: ThreadId,
    pub claim_token: i64,
    /// The thread's version that its author has seen.
    pub seen_version: i64,
    /// How many messages of the conversation its author has seen; `None` is not checked.
    pub seen_count: Option<i64>,
    /// What the conversation becomes.
    pub then: Status,
    /// The author's own name for this answer.
    pub key: &'a str,
}

pub(super) enum Begun {
    /// The same answer led to this message before.
    Before(Box<Message>),
    Now(Box<Answering>),
}

/// An answer under way.
pub(super) struct Answering {
    pub tx: Tx,
    pub conversation: Conversation,
    pub thread: ThreadRow,
    pub now: Timestamp,
    /// What the timeline and the outbox go by.
    pub at: Timestamp,
    then: Status,
    asked: String,
}

/// What tells one utterance from another under the same key: its words. Claim, version and what follows are renewed by
/// whoever tries again, so they are no part of it.
pub(super) fn fingerprint(about: &impl Serialize, said: &impl Serialize) -> String {
    let mut said = json!(said);
    if let Value::Object(fields) = &mut said {
        fields.retain(|field, _| !["claim_token", "seen_version", "seen_count", "then"].contains(&field.as_str()));
    }
    crate::secret::fingerprint(&json!([about, said]).to_string())
}

/// The message that this key led to before.
pub(super) async fn led_to(
    tx: &mut Tx,
    viewer: &Viewer,
    key: &str,
    asked: &str,
) -> Result<Option<MessageId>, DeskError> {
    match tx.idempotent(viewer.user_id, key).await? {
        Some((before, _)) if before != asked => {
            Err(DeskError::refused("idempotency.reused", "this Idempotency-Key was used for something else"))
        }
        found => Ok(found.map(|(_, message)| message)),
    }
}

impl Desk {
    /// Checks what every answer stands on. `said` tells one answer from another under the same key.
    ///
    /// # Errors
    /// `ClaimLost`, `ThreadMoved` and `ConversationMoved` (with what is new), `NotFound`; `Refused` with `idempotency.reused`,
    /// `reply.thread_elsewhere` or `reply.then`.
    pub(super) async fn begin_answer(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        grounds: Grounds<'_>,
        said: &impl Serialize,
    ) -> Result<Begun, DeskError> {
        let asked = fingerprint(&id, said);
        let (mut tx, conversation) = self.change(viewer, id).await?;
        if let Some(message) = led_to(&mut tx, viewer, grounds.key, &asked).await? {
            drop(tx);
            return Ok(Begun::Before(Box::new(self.message(viewer, message).await?)));
        }
        let now = tx.now();
        let thread = tx.thread(grounds.thread).await?.ok_or(DeskError::NotFound("thread"))?;
        if thread.conversation_id != id {
            return Err(DeskError::refused(
                "reply.thread_elsewhere",
                "this thread has gone on in another conversation; open that one",
            ));
        }
        if conversation.holder(now) != Some(viewer.user_id) || conversation.claim_token != grounds.claim_token {
            return Err(DeskError::ClaimLost);
        }
        if thread.version != grounds.seen_version {
            drop(tx);
            return self.refuse_moved(&thread).await;
        }
        // Said in another thread, it waits for an answer all the same, and this one would end that.
        if conversation.has_unseen(grounds.seen_count) {
            drop(tx);
            return Box::pin(self.refuse_unseen(&conversation, grounds.seen_count)).await;
        }
        if !matches!(grounds.then, Status::Open | Status::Pending | Status::Closed) {
            return Err(DeskError::refused("reply.then", "after an answer a conversation is open, pending or closed"));
        }
        let at = after(&conversation, now);
        Ok(Begun::Now(Box::new(Answering { tx, conversation, thread, now, at, then: grounds.then, asked })))
    }

    async fn refuse_moved<T>(&self, thread: &ThreadRow) -> Result<T, DeskError> {
        let (stored, _) = self.store.messages_of(thread.conversation_id, None, 20).await?;
        let newest = stored.into_iter().filter(|message| message.thread_id == Some(thread.id)).collect();
        Err(DeskError::ThreadMoved { version: thread.version, messages: self.store.present(newest).await? })
    }

    /// Refuses with the messages that whoever has seen `seen` of them has not.
    pub(super) async fn refuse_unseen<T>(
        &self,
        conversation: &Conversation,
        seen: Option<i64>,
    ) -> Result<T, DeskError> {
        let (stored, _) = self.store.messages_of(conversation.id, None, 20).await?;
        let mut newest: Vec<Stored> =
            stored.into_iter().filter(|message| matches!(message.direction, Direction::In | Direction::Out)).collect();
        let unseen =
            usize::try_from(conversation.message_count.saturating_sub(seen.unwrap_or_default())).unwrap_or_default();
        let newest = newest.split_off(newest.len().saturating_sub(unseen));
        let (message_count, messages) = (conversation.message_count, self.store.present(newest).await?);
        Err(DeskError::ConversationMoved { message_count, messages })
    }
}

impl Answering {
    /// The answer as a message, as far as all are alike.
    pub fn message(&self, viewer: &Viewer, origin: Origin, text: String) -> Stored {
        Stored {
            id: MessageId::new(),
            conversation_id: self.conversation.id,
            thread_id: Some(self.thread.id),
            account_id: self.thread.account_id,
            direction: Direction::Out,
            origin,
            kind: kind_in(self.thread.kind),
            external_id: None,
            identity_id: None,
            user_id: Some(viewer.user_id),
            text,
            html: None,
            language: None,
            content_warning: None,
            visibility: None,
            url: None,
            reply_to: None,
            reply_to_id: None,
            meta: Json(Value::Object(serde_json::Map::new())),
            history: false,
            turn: false,
            liked: false,
            boosted: false,
            sent_at: self.at,
            ingested_at: self.at,
            edited_at: None,
            removed_at: None,
            delivery: None,
            automatic: None,
            extra: None,
        }
    }

    /// Ends it: the key is used up, the draft is gone, nobody waits for us any more.
    pub async fn finish(mut self, viewer: &Viewer, key: &str, message: &Stored) -> Result<(), DeskError> {
        let (tx, conversation) = (&mut self.tx, &mut self.conversation);
        // A colleague who claims next has to have seen this answer before adding another.
        tx.threads_moved(&[self.thread.id]).await?;
        tx.remember_key(viewer.user_id, key, &self.asked, message.id).await?;
        tx.delete_draft(conversation.id, viewer.user_id).await?;
        conversation.answered(self.then);
        conversation.status = self.then;
        conversation.closed_at = (self.then == Status::Closed).then_some(self.now);
        conversation.snoozed_until = None;
        conversation.assignee_id = conversation.assignee_id.or(Some(viewer.user_id));
        conversation.last_out_at = Some(self.at);
        conversation.last_message_at = self.at;
        conversation.lane = self.thread.lane;
        conversation.message_count += 1;
        conversation.snippet = super::ingest::snippet(&message.text);
        Direction::Out.as_str().clone_into(&mut conversation.last_direction);
        if self.then != Status::Open {
            conversation.release();
        }
        tx.save_conversation(conversation).await?;
        self.tx.commit().await?;
        Ok(())
    }
}

/// When an answer is given: never before what it answers, and after the answer before it. Two parts of one answer may go through
/// machines whose clocks differ.
fn after(conversation: &Conversation, now: Timestamp) -> Timestamp {
    let ours = conversation.last_out_at.map(|last| last.plus(Duration::from_millis(1)));
    now.max(conversation.last_message_at).max(ours.unwrap_or(now))
}

const fn kind_in(thread: ThreadKind) -> MessageKind {
    match thread {
        ThreadKind::Dm => MessageKind::Dm,
        ThreadKind::Mail => MessageKind::Mail,
        ThreadKind::Chat => MessageKind::Chat,
        _ => MessageKind::Reply,
    }
}
