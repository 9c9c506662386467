//! A platform calls us.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method};

use super::{Desk, DeskError};
use crate::channels::{Batch, Hook, HookAnswer, Item};
use crate::model::{AccountId, MessageId, ThreadId};

/// A call, before anybody knows whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    pub query: &'a str,
    pub body: &'a [u8],
    pub from: IpAddr,
}

/// What the caller hears.
#[derive(Clone, Debug)]
pub enum Heard {
    Nothing,
    Exactly { status: u16, mime: &'static str, headers: Vec<(&'static str, String)>, body: String },
    Outcome(Outcome),
}

/// What became of a call's messages.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    pub messages: Vec<Became>,
}

/// What became of one message.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Became {
    /// The caller's own name for it.
    pub external_id: String,
    /// Ours; none when it was held back, or belongs to no conversation yet.
    pub id: Option<MessageId>,
    pub thread_id: Option<ThreadId>,
    /// It was here before this call.
    pub duplicate: bool,
}

impl Desk {
    /// Verifies and takes in what a platform sent for an account; returns what the platform wants to hear.
    ///
    /// # Errors
    /// `NotFound` when there is no such account or its channel is not called; `Channel` (`Unauthorized`) when the signature is
    /// wrong; `Store` when it could not be kept: the platform has to send it again.
    pub async fn receive(&self, id: AccountId, call: &Call<'_>) -> Result<Heard, DeskError> {
        let account = self.store.account(id).await?.filter(|account| account.removed_at.is_none() && account.enabled);
        let account = account.ok_or(DeskError::NotFound("account"))?;
        let channel = self.connections.get(&account)?;
        let push = channel.push().ok_or(DeskError::NotFound("account"))?;
        let secrets = self.connections.open(&account)?;
        let hook = Hook {
            method: call.method,
            headers: call.headers,
            query: call.query,
            body: call.body,
            secrets: &secrets,
            from: call.from,
        };
        let mut pushed = push.receive(&hook).await?;
        pushed.batch = super::ingest::fit(pushed.batch);
        let asked = match &pushed.answer {
            Some(HookAnswer::Outcome) => named(&pushed.batch),
            _ => Vec::new(),
        };
        let before = self.store.messages_by_external(account.id, &asked).await?;
        if !pushed.batch.items.is_empty() || !pushed.batch.unreadable.is_empty() {
            self.ingest(&account, "hook", &pushed.batch).await?;
        }
        Ok(match pushed.answer {
            None => Heard::Nothing,
            Some(HookAnswer::Exactly { status, mime, headers, body }) => Heard::Exactly { status, mime, headers, body },
            Some(HookAnswer::Outcome) => {
                let after = self.store.messages_by_external(account.id, &asked).await?;
                let became = |external_id: &&str| {
                    let is = |message: &&crate::store::messages::Stored| {
                        message.external_id.as_deref() == Some(*external_id)
                    };
                    let message = after.iter().find(is);
                    Became {
                        external_id: (*external_id).to_owned(),
                        id: message.map(|message| message.id),
                        thread_id: message.and_then(|message| message.thread_id),
                        duplicate: before.iter().any(|message| is(&message)),
                    }
                };
                Heard::Outcome(Outcome { messages: asked.iter().map(became).collect() })
            }
        })
    }
}

/// Every message a batch speaks of, once.
fn named(batch: &Batch) -> Vec<&str> {
    let mut ids = Vec::new();
    for item in &batch.items {
        // News that names no message of its own has no outcome to tell.
        let id = if let Item::Message(message) = item {
            message.external_id.as_str()
        } else if let Item::Removed { external_id, .. } | Item::Receipt { external_id, .. } = item {
            external_id.as_str()
        } else {
            continue;
        };
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}
