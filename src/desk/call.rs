//! What was said on the telephone, written down by who said it: it stands in the same timeline as everything else.
//!
//! Promises: what cannot be written down whole is refused before anything is; the same key is one note, and what it asked
//! for is done once.

use super::answer::{fingerprint, led_to};
use super::status::{LONGEST_OUTCOME, LONGEST_SNOOZE, becomes, sleeps};
use super::{Act, Desk, DeskError, Viewer};
use crate::channels::{Batch, Call, Item};
use crate::model::conversation::ConversationRow;
use crate::model::message::Message;
use crate::model::{AccountId, ConversationId, Direction, MessageId, Status, Timestamp, UserId};

const LONGEST: usize = 20_000;

/// A call, as the agent writes it down.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct NewCall {
    /// An account that takes notes of calls.
    pub account_id: AccountId,
    /// `in`: they called; `out`: we called.
    #[serde(default = "they_called")]
    pub direction: Direction,
    /// As it was shown or said; nothing when it was withheld.
    #[serde(default)]
    pub number: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    /// What it was about.
    pub notes: String,
    /// What it ended in, in a few words: at most 100 characters.
    #[serde(default)]
    pub outcome: Option<String>,
    /// When it began; now when left out.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// When they are called back: until then the conversation sleeps.
    #[serde(default)]
    pub call_back_at: Option<Timestamp>,
    /// What the conversation becomes when nobody has to call back: `open`, `pending` or `closed`.
    #[serde(default = "closed")]
    pub then: Status,
}

fn they_called() -> Direction {
    Direction::In
}

fn closed() -> Status {
    Status::Closed
}

/// Where a call's note stands.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Noted {
    pub conversation: ConversationRow,
    pub message: Message,
    /// The colleague who is answering the conversation: what becomes of it was left to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_to: Option<UserId>,
}

impl Desk {
    /// Writes a call down. The same `key` again returns what it led to before, and does what was left undone.
    ///
    /// # Errors
    /// `Refused` with `call.*` codes (nothing said, a moment that cannot be, an account that takes no notes of calls) or
    /// `idempotency.reused`; nothing is written then.
    pub async fn note_call(&self, viewer: &Viewer, call: &NewCall, key: &str) -> Result<Noted, DeskError> {
        viewer.must(Act::Work)?;
        self.must_see(viewer, call.account_id).await?;
        let account = self.store.account(call.account_id).await?.filter(|account| account.removed_at.is_none());
        let account = account.ok_or(DeskError::NotFound("account"))?;
        let channel = self.connections.get(&account)?;
        let calls = channel
            .calls()
            .ok_or_else(|| DeskError::refused("call.not_here", "this account takes no notes of calls"))?;
        let asked = fingerprint(&"call", call);
        if let Some(before) = led_to(&mut self.begin(viewer).await?, viewer, key, &asked).await? {
            let message = self.message(viewer, before).await?;
            let conversation = self.row(viewer, message.conversation_id).await?;
            return Ok(Noted { conversation, message, left_to: None });
        }
        let now = self.clock().now();
        let at = call.at.unwrap_or(now);
        let note = Call {
            key: crate::secret::fingerprint(&format!("{}/{key}", viewer.user_id)),
            outbound: direction(call.direction)?,
            number: call.number.as_deref().map(str::trim).filter(|number| !number.is_empty()).map(super::ingest::clean),
            name: call.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(super::ingest::clean),
            notes: notes(&call.notes)?,
            outcome: call
                .outcome
                .as_deref()
                .map(str::trim)
                .filter(|outcome| !outcome.is_empty())
                .map(super::ingest::clean),
            at,
            call_back_at: call.call_back_at,
            taken_by: viewer.name.clone(),
        };
        if at > now {
            return Err(DeskError::refused("call.at", "a call that has not begun cannot be written down"));
        }
        if note.outcome.as_ref().is_some_and(|outcome| outcome.chars().count() > LONGEST_OUTCOME) {
            return Err(DeskError::refused("call.outcome_long", format!("at most {LONGEST_OUTCOME} characters")));
        }
        if call.call_back_at.is_some_and(|moment| moment <= now || moment > now.plus(LONGEST_SNOOZE)) {
            return Err(DeskError::refused("call.call_back_at", "choose a moment to call back in the coming year"));
        }
        if call.call_back_at.is_none() && !matches!(call.then, Status::Open | Status::Pending | Status::Closed) {
            return Err(DeskError::refused("call.then", "after a call a conversation is open, pending or closed"));
        }
        let message = calls.note(&note)?;
        let external_id = message.external_id.clone();
        let batch = Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() };
        self.ingest(&account, "calls", &batch).await?;
        let stored = self.store.messages_by_external(account.id, &[&external_id]).await?.pop();
        let stored = stored.ok_or(DeskError::NotFound("message"))?;
        let id = stored.conversation_id;
        let left_to = self.after_call(viewer, (id, stored.id), call, note.outcome, (key, &asked)).await?;
        let conversation = self.row(viewer, id).await?;
        Ok(Noted { conversation, message: self.message(viewer, stored.id).await?, left_to })
    }

    /// Does with the conversation what was asked, once: a repeated request does not undo what happened since. Where a colleague
    /// is answering it is theirs to decide; then who it is, and the same request may come again.
    async fn after_call(
        &self,
        viewer: &Viewer,
        (id, message): (ConversationId, MessageId),
        call: &NewCall,
        outcome: Option<String>,
        (key, asked): (&str, &str),
    ) -> Result<Option<UserId>, DeskError> {
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        if led_to(&mut tx, viewer, key, asked).await?.is_some() {
            return Ok(None);
        }
        if let Some(holder) = conversation.holder(tx.now()).filter(|holder| *holder != viewer.user_id) {
            return Ok(Some(holder));
        }
        match call.call_back_at {
            Some(moment) => sleeps(&mut tx, &mut conversation, moment).await?,
            None => {
                let outcome = outcome.filter(|_| call.then == Status::Closed);
                becomes(&mut tx, &mut conversation, call.then, outcome).await?;
            }
        }
        tx.remember_key(viewer.user_id, key, asked, message).await?;
        tx.commit().await?;
        Ok(None)
    }
}

fn direction(direction: Direction) -> Result<bool, DeskError> {
    match direction {
        Direction::In => Ok(false),
        Direction::Out => Ok(true),
        _ => Err(DeskError::refused("call.direction", "in (they called) or out (we called)")),
    }
}

fn notes(text: &str) -> Result<String, DeskError> {
    let text = super::ingest::clean(text.trim());
    if text.is_empty() {
        return Err(DeskError::refused("call.empty", "write down what it was about"));
    }
    if text.chars().count() > LONGEST {
        return Err(DeskError::refused("call.too_long", format!("at most {LONGEST} characters")));
    }
    Ok(text)
}
