//! Answered outside of Balie: what cannot be answered from here is answered there, and stands in the timeline all the same.
//!
//! Promises: the same rules as for a reply (claim, what was seen, idempotency key); nothing is sent to anybody.

use serde_json::{Value, json};
use sqlx::types::Json;

use super::{Desk, DeskError, Viewer};
use crate::model::message::Message;
use crate::model::{ConversationId, Direction, MessageId, Origin, Status, ThreadId};
use crate::store::messages::Stored;

const LONGEST: usize = 20_000;

/// What was said, as far as somebody writes it down.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AnsweredElsewhere {
    pub thread_id: ThreadId,
    /// The answer, or what it came down to. This or the address has to be given.
    #[serde(default)]
    pub text: Option<String>,
    /// Where it can be seen.
    #[serde(default)]
    pub url: Option<String>,
    /// Of the claim under which it was answered.
    pub claim_token: i64,
    /// The thread's version that was answered.
    pub seen_version: i64,
    /// What the conversation becomes: `open`, `pending` or `closed`.
    #[serde(default = "pending")]
    pub then: Status,
    /// What closing it was the outcome of.
    #[serde(default)]
    pub outcome: Option<String>,
}

fn pending() -> Status {
    Status::Pending
}

impl Desk {
    /// Writes down that it was answered elsewhere. The same `key` again returns the message it led to before.
    ///
    /// # Errors
    /// `ClaimLost`, `ThreadMoved`; `Refused` with `elsewhere.*` codes: nothing said, or the thread can be answered from here.
    pub async fn answered_elsewhere(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        answered: &AnsweredElsewhere,
        key: &str,
    ) -> Result<Message, DeskError> {
        let asked = crate::secret::fingerprint(&json!([id, answered]).to_string());
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        if let Some((before, message)) = tx.idempotent(viewer.user_id, key).await? {
            drop(tx);
            if before != asked {
                return Err(DeskError::refused(
                    "idempotency.reused",
                    "this Idempotency-Key was used for something else",
                ));
            }
            return self.message(viewer, message).await;
        }
        let now = tx.now();
        let thread = tx.thread(answered.thread_id).await?.ok_or(DeskError::NotFound("thread"))?;
        if thread.conversation_id != id {
            return Err(DeskError::refused(
                "reply.thread_elsewhere",
                "this thread has gone on in another conversation; open that one",
            ));
        }
        if conversation.holder(now) != Some(viewer.user_id) || conversation.claim_token != answered.claim_token {
            return Err(DeskError::ClaimLost);
        }
        if thread.version != answered.seen_version {
            drop(tx);
            return self.refuse_moved(&thread).await;
        }
        if !matches!(answered.then, Status::Open | Status::Pending | Status::Closed) {
            return Err(DeskError::refused("reply.then", "after an answer a conversation is open, pending or closed"));
        }
        let account = tx.account(thread.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let channel = self.connections.get(&account)?;
        let allowance = channel.allowance(&thread.as_channel_knows_it(), &thread.facts(&account.facts));
        if allowance.may_reply && channel.reply().is_some() {
            return Err(DeskError::refused(
                "elsewhere.not_needed",
                "this can be answered from here; an answer given in another app comes in by itself",
            ));
        }
        let (text, url) = said(answered)?;
        let message = Stored {
            id: MessageId::new(),
            conversation_id: id,
            thread_id: Some(thread.id),
            account_id: account.id,
            direction: Direction::Out,
            origin: Origin::Elsewhere,
            kind: super::reply::kind_in(thread.kind),
            external_id: None,
            identity_id: None,
            user_id: Some(viewer.user_id),
            text,
            html: None,
            language: None,
            content_warning: None,
            visibility: None,
            url,
            reply_to: None,
            reply_to_id: None,
            meta: Json(Value::Object(serde_json::Map::new())),
            history: false,
            turn: false,
            liked: false,
            boosted: false,
            sent_at: now,
            ingested_at: now,
            edited_at: None,
            removed_at: None,
            delivery: None,
            automatic: None,
            extra: None,
        };
        tx.insert_message(&message).await?;
        tx.threads_moved(&[thread.id]).await?;
        tx.remember_key(viewer.user_id, key, &asked, message.id).await?;
        tx.delete_draft(id, viewer.user_id).await?;
        conversation.answered(answered.then);
        conversation.status = answered.then;
        conversation.closed_at = (answered.then == Status::Closed).then_some(now);
        if answered.then == Status::Closed {
            let outcome = answered.outcome.as_deref().map(str::trim).filter(|outcome| !outcome.is_empty());
            conversation.outcome = outcome.map(|outcome| super::ingest::clean(outcome).chars().take(100).collect());
        }
        conversation.snoozed_until = None;
        conversation.assignee_id = conversation.assignee_id.or(Some(viewer.user_id));
        conversation.last_out_at = Some(now);
        conversation.last_message_at = now;
        conversation.lane = thread.lane;
        conversation.message_count += 1;
        conversation.snippet = super::ingest::snippet(&message.text);
        Direction::Out.as_str().clone_into(&mut conversation.last_direction);
        if answered.then != Status::Open {
            conversation.release();
        }
        tx.save_conversation(&mut conversation).await?;
        tx.commit().await?;
        self.message(viewer, message.id).await
    }
}

/// The words and the address; the address alone says enough.
fn said(answered: &AnsweredElsewhere) -> Result<(String, Option<String>), DeskError> {
    let given = |text: &Option<String>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(super::ingest::clean)
    };
    let url = given(&answered.url);
    if url.as_ref().is_some_and(|url| {
        !url.parse::<url::Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https")) || url.len() > 2_000
    }) {
        return Err(DeskError::refused("elsewhere.url", "the address of the answer begins with http:// or https://"));
    }
    let text = given(&answered.text).or_else(|| url.clone());
    let Some(text) = text else {
        return Err(DeskError::refused("elsewhere.empty", "write down what was answered, or where it can be seen"));
    };
    if text.chars().count() > LONGEST {
        return Err(DeskError::refused("elsewhere.too_long", format!("at most {LONGEST} characters")));
    }
    Ok((text, url))
}
