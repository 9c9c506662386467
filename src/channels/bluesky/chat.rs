//! Direct messages as they come in: the feed `chat`.
//!
//! The service keeps one log of changes over all conversations. Without a cursor the log starts now, so the order is: take the
//! log's place first, then read what lies before it, conversation by conversation, then follow the log from the place taken.
//! Promises: what happens during the back-fill is in the log and rings; a stored place is never thrown away; one conversation
//! that is refused (left on the telephone) stops no other.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::Api;
use super::convert;
use super::wire::{ChatMessage, Convo};
use super::xrpc::{self, Fault};
use crate::channels::{Batch, ChannelError, Class, Item, Unreadable};
use crate::model::Timestamp;

/// Conversations read in one pull of the back-fill.
const AT_ONCE: usize = 5;
/// Members of conversations kept in memory.
const REMEMBERED: usize = 500;

/// Which conversation is what, and who is in it.
pub type Members = Mutex<HashMap<String, Convo>>;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    log: String,
    /// The newest change seen; changes come again when a page is read twice.
    #[serde(default)]
    rev: String,
    connected: i64,
    backfill: Option<Backfill>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Backfill {
    /// Requests come after the accepted ones.
    requests: bool,
    /// Where the list of conversations goes on; `None` when the list is at its end.
    list: Option<String>,
    listed: bool,
    /// Conversations to read, with the place within each.
    queue: Vec<(String, Option<String>)>,
}

/// A page of the log, or a piece of the back-fill.
///
/// # Errors
/// The classes of any call; a service that is not there is `Transient` with a code of its own and concerns this feed only.
pub async fn pull(api: &Api, members: &Members, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
    match page(api, members, cursor).await {
        // Not a sick account: `probe` warns and says the cure. The cursor stays, so nothing is skipped when access comes.
        Err(Fault::Refused(refusal)) if refusal.is_missing_scope() => {
            Ok(Batch { quota: api.quota(), ..Batch::default() })
        }
        Err(fault) => Err(absent_or(fault)),
        Ok(batch) => Ok(batch),
    }
}

/// Tells a chat service that is not there from an account's server that is not there.
#[must_use]
pub fn absent_or(fault: Fault) -> ChannelError {
    match fault {
        Fault::Refused(refusal) if refusal.is_absent_service() => {
            let said = if refusal.message.is_empty() { refusal.status.to_string() } else { refusal.message };
            xrpc::fault(
                Class::Transient,
                "chat_unavailable",
                (
                    &format!("The chat service does not answer ({said}). Posts are not affected."),
                    &format!("De chatdienst antwoordt niet ({said}). Openbare berichten hebben daar geen last van."),
                ),
                (
                    "Balie keeps trying. If this server has no chat, put a single - in the field \"chat service\" of the account.",
                    "Balie blijft het proberen. Heeft deze server geen chat, zet dan een enkel streepje (-) in het veld \"chatdienst\" van het account.",
                ),
            )
        }
        fault => fault.into(),
    }
}

async fn page(api: &Api, members: &Members, cursor: Option<&Value>) -> Result<Batch, Fault> {
    let Some(mut cursor) = cursor.and_then(|value| Cursor::deserialize(value).ok()) else {
        let answer = api.get("chat.bsky.convo.getLog", &[]).await?;
        let log = answer["cursor"].as_str().unwrap_or_default().to_owned();
        let cursor = Cursor {
            log,
            rev: String::new(),
            connected: api.context.clock.now().0,
            backfill: Some(Backfill::default()),
        };
        return Ok(Batch { next: Some(json!(cursor)), more: true, quota: api.quota(), ..Batch::default() });
    };
    let mut batch = Batch::default();
    if let Some(backfill) = cursor.backfill.take() {
        cursor.backfill = read_back(api, members, backfill, cursor.connected, &mut batch).await?;
        batch.more = true;
    } else {
        follow(api, members, &mut cursor, &mut batch).await?;
    }
    batch.quota = api.quota();
    batch.next = Some(json!(cursor));
    Ok(batch)
}

async fn read_back(
    api: &Api,
    members: &Members,
    mut backfill: Backfill,
    connected: i64,
    batch: &mut Batch,
) -> Result<Option<Backfill>, Fault> {
    let floor = connected - i64::try_from(api.context.history.as_millis()).unwrap_or(i64::MAX / 2);
    if backfill.queue.is_empty() {
        if backfill.listed {
            if backfill.requests {
                return Ok(None);
            }
            backfill = Backfill { requests: true, ..Backfill::default() };
        }
        let mut query = vec![("limit", "100"), ("status", if backfill.requests { "request" } else { "accepted" })];
        if let Some(list) = &backfill.list {
            query.push(("cursor", list));
        }
        let answer = api.get("chat.bsky.convo.listConvos", &query).await?;
        for value in answer["convos"].as_array().into_iter().flatten() {
            match Convo::deserialize(value) {
                Ok(convo) => {
                    let last = convo.last_message["sentAt"].as_str().and_then(Timestamp::parse_rfc3339);
                    if last.is_none_or(|at| at.0 >= floor) {
                        backfill.queue.push((convo.id.clone(), None));
                    }
                    remember(members, convo);
                }
                Err(error) => {
                    batch.unreadable.push(Unreadable { payload: value.to_string(), error: error.to_string() });
                }
            }
        }
        let next =
            answer["cursor"].as_str().filter(|next| backfill.list.as_deref() != Some(*next)).map(ToOwned::to_owned);
        backfill.listed = next.is_none();
        backfill.list = next;
        return Ok(Some(backfill));
    }
    let brand = api.login().await?.did;
    for _ in 0..AT_ONCE {
        let Some((convo, place)) = backfill.queue.pop() else { break };
        let who = who(api, members, &convo).await?;
        let mut query = vec![("convoId", convo.as_str()), ("limit", "100")];
        if let Some(place) = &place {
            query.push(("cursor", place));
        }
        let answer = match api.get("chat.bsky.convo.getMessages", &query).await {
            Err(fault) if is_of_this_one(&fault) => {
                tracing::info!(?fault, "the past of a conversation is refused; the others are read");
                continue;
            }
            answer => answer?,
        };
        let mut oldest = i64::MAX;
        for value in answer["messages"].as_array().into_iter().flatten() {
            if let Some(at) = value["sentAt"].as_str().and_then(Timestamp::parse_rfc3339) {
                oldest = oldest.min(at.0);
                if at.0 < floor {
                    continue;
                }
            }
            read(value, &who, &brand, connected, batch);
        }
        let next = answer["cursor"].as_str().filter(|next| place.as_deref() != Some(*next)).map(ToOwned::to_owned);
        if next.is_some() && oldest >= floor && oldest != i64::MAX {
            backfill.queue.push((convo, next));
        }
    }
    Ok(Some(backfill))
}

async fn follow(api: &Api, members: &Members, cursor: &mut Cursor, batch: &mut Batch) -> Result<(), Fault> {
    let answer = api.get("chat.bsky.convo.getLog", &[("cursor", &cursor.log)]).await?;
    let logs = answer["logs"].as_array().ok_or_else(|| Fault::Lost("the answer has no log".to_owned()))?;
    let brand = api.login().await?.did;
    let mut newest = cursor.rev.clone();
    for entry in logs {
        let rev = entry["rev"].as_str().unwrap_or_default();
        if !rev.is_empty() && rev <= cursor.rev.as_str() {
            continue;
        }
        if rev > newest.as_str() {
            rev.clone_into(&mut newest);
        }
        let convo = entry["convoId"].as_str().unwrap_or_default();
        match entry["$type"].as_str().and_then(|kind| kind.rsplit('#').next()).unwrap_or_default() {
            "logCreateMessage" => {
                let who = who(api, members, convo).await?;
                read(&entry["message"], &who, &brand, cursor.connected, batch);
            }
            "logDeleteMessage" => {
                if let Some(id) = entry["message"]["id"].as_str() {
                    batch.items.push(Item::Removed { external_id: convert::chat_id(convo, id), at: None });
                }
            }
            // Somebody came or went: ask again who is there.
            kind if kind.contains("Member") || kind == "logBeginConvo" => {
                members.lock().unwrap_or_else(PoisonError::into_inner).remove(convo);
            }
            _ => {}
        }
    }
    let next = answer["cursor"].as_str().filter(|next| !next.is_empty()).unwrap_or(&cursor.log).to_owned();
    // A page that does not move would be asked for ever.
    batch.more = !logs.is_empty() && next != cursor.log;
    cursor.log = next;
    cursor.rev = newest;
    Ok(())
}

fn read(value: &Value, convo: &Convo, brand: &str, connected: i64, batch: &mut Batch) {
    match value["$type"].as_str().and_then(|kind| kind.rsplit('#').next()) {
        Some("deletedMessageView") => {
            if let Some(id) = value["id"].as_str() {
                batch.items.push(Item::Removed { external_id: convert::chat_id(&convo.id, id), at: None });
            }
            return;
        }
        Some("systemMessageView") => return,
        _ => {}
    }
    match ChatMessage::deserialize(value) {
        Ok(message) => {
            let mut message = convert::chat(&message, convo, brand, false);
            message.history = message.sent_at.0 < connected;
            batch.items.push(Item::Message(Box::new(message)));
        }
        Err(error) => batch.unreadable.push(Unreadable { payload: value.to_string(), error: error.to_string() }),
    }
}

fn remember(members: &Members, convo: Convo) {
    let mut members = members.lock().unwrap_or_else(PoisonError::into_inner);
    if members.len() >= REMEMBERED {
        members.clear();
    }
    members.insert(convo.id.clone(), Convo { last_message: Value::Null, ..convo });
}

async fn who(api: &Api, members: &Members, convo: &str) -> Result<Convo, Fault> {
    if let Some(found) = members.lock().unwrap_or_else(PoisonError::into_inner).get(convo) {
        return Ok(found.clone());
    }
    match api.convo(convo).await {
        Ok(found) => {
            remember(members, found.clone());
            Ok(found)
        }
        // We are no longer in it; the messages still say who sent them.
        Err(fault) if is_of_this_one(&fault) => Ok(Convo { id: convo.to_owned(), ..Convo::default() }),
        Err(fault) => Err(fault),
    }
}

/// Whether this conversation is refused, and not the account or the service as a whole.
fn is_of_this_one(fault: &Fault) -> bool {
    let Fault::Refused(refusal) = fault else { return false };
    let whole = refusal.is_stale_session()
        || refusal.is_missing_scope()
        || ChannelError::from(refusal.clone()).class == Class::Unauthorized
        || refusal.message.contains("could not resolve proxy")
        // Nothing is at this address: who is there says what it misses.
        || (refusal.status == 404 && matches!(refusal.error.as_str(), "" | "XRPCNotSupported" | "MethodNotImplemented"));
    (400..500).contains(&refusal.status) && !whole
}

/// How the chat service answers: for `probe`.
///
/// # Errors
/// As any call.
pub async fn probe(api: &Api) -> Result<(), Fault> {
    api.get("chat.bsky.convo.listConvos", &[("limit", "1")]).await.map(drop)
}
