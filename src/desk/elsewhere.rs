//! Answered outside of Balie: what cannot be answered from here is answered there, and stands in the timeline all the same.
//!
//! Promises: the same rules as for a reply (claim, what was seen, idempotency key); nothing is sent to anybody.

use super::answer::{Begun, Grounds};
use super::{Desk, DeskError, Viewer};
use crate::model::message::Message;
use crate::model::{ConversationId, Origin, Status, ThreadId};
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
    /// The conversation's `message_count` that was seen; not checked when left out.
    #[serde(default)]
    pub seen_count: Option<i64>,
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
    /// `ClaimLost`, `ThreadMoved`, `ConversationMoved`; `Refused` with `elsewhere.*` codes: nothing said, or the thread can be answered
    /// from here.
    pub async fn answered_elsewhere(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        answered: &AnsweredElsewhere,
        key: &str,
    ) -> Result<Message, DeskError> {
        let grounds = Grounds {
            thread: answered.thread_id,
            claim_token: answered.claim_token,
            seen_version: answered.seen_version,
            seen_count: answered.seen_count,
            then: answered.then,
            key,
        };
        let mut answering = match self.begin_answer(viewer, id, grounds, answered).await? {
            Begun::Before(message) => return Ok(*message),
            Begun::Now(answering) => answering,
        };
        let thread = &answering.thread;
        let account = answering.tx.account(thread.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let channel = self.connections.get(&account)?;
        let allowance = channel.allowance(&thread.as_channel_knows_it(), &thread.facts(&account.facts));
        if allowance.may_reply && channel.reply().is_some() {
            return Err(DeskError::refused(
                "elsewhere.not_needed",
                "this can be answered from here; an answer given in another app comes in by itself",
            ));
        }
        let (text, url) = said(answered)?;
        let message = Stored { url, ..answering.message(viewer, Origin::Elsewhere, text) };
        answering.tx.insert_message(&message).await?;
        if answered.then == Status::Closed {
            let outcome = answered.outcome.as_deref().map(str::trim).filter(|outcome| !outcome.is_empty());
            answering.conversation.outcome =
                outcome.map(|outcome| super::ingest::clean(outcome).chars().take(100).collect());
        }
        answering.finish(viewer, key, &message).await?;
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
