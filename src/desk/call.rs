//! What was said on the telephone, written down by who said it: it stands in the same timeline as everything else.

use super::{Act, Desk, DeskError, Viewer};
use crate::channels::{Batch, Call, Item};
use crate::model::conversation::ConversationRow;
use crate::model::message::Message;
use crate::model::{AccountId, Direction, Status, Timestamp};

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
    /// What it ended in, in a few words.
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
}

impl Desk {
    /// Writes a call down. The same `key` again returns what it led to before.
    ///
    /// # Errors
    /// `Refused` with `call.*` codes: nothing written, a moment that cannot be, an account that takes no notes of calls.
    pub async fn note_call(&self, viewer: &Viewer, call: &NewCall, key: &str) -> Result<Noted, DeskError> {
        viewer.must(Act::Work)?;
        self.must_see(viewer, call.account_id).await?;
        let account = self.store.account(call.account_id).await?.filter(|account| account.removed_at.is_none());
        let account = account.ok_or(DeskError::NotFound("account"))?;
        let channel = self.connections.get(&account)?;
        let calls = channel
            .calls()
            .ok_or_else(|| DeskError::refused("call.not_here", "this account takes no notes of calls"))?;
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
        if call.call_back_at.is_some_and(|moment| moment <= now) {
            return Err(DeskError::refused("call.call_back_at", "choose a moment to call back in the coming year"));
        }
        if call.call_back_at.is_none() && !matches!(call.then, Status::Open | Status::Pending | Status::Closed) {
            return Err(DeskError::refused("call.then", "after a call a conversation is open, pending or closed"));
        }
        let message = calls.note(&note)?;
        let external_id = message.external_id.clone();
        let known = !self.store.messages_by_external(account.id, &[&external_id]).await?.is_empty();
        let batch = Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() };
        self.ingest(&account, "calls", &batch).await?;
        let stored = self.store.messages_by_external(account.id, &[&external_id]).await?.pop();
        let stored = stored.ok_or(DeskError::NotFound("message"))?;
        let id = stored.conversation_id;
        // Said once: a repeated request does not undo what happened since.
        if !known {
            match call.call_back_at {
                Some(moment) => self.snooze(viewer, id, moment).await?,
                None if call.then == Status::Closed => {
                    self.set_status(viewer, id, Status::Closed, note.outcome.as_deref()).await?
                }
                None => self.set_status(viewer, id, call.then, None).await?,
            };
        }
        Ok(Noted { conversation: self.row(viewer, id).await?, message: self.message(viewer, stored.id).await? })
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
