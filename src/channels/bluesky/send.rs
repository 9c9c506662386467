//! Direct messages as they go out, and finding what was sent.
//!
//! Promises: sending has no idempotency, so an answer that is lost, or that tells nothing, is `Uncertain`, and `find` looks; what is
//! meant for one person goes to no group.

use serde::Deserialize;
use serde_json::json;

use super::api::Api;
use super::chat::absent_or;
use super::wire::{ChatMessage, Convo};
use super::xrpc::{self, Fault};
use super::{convert, reply};
use crate::channels::{ChannelError, Class, Outgoing, Sent};
use crate::model::Timestamp;

/// How much earlier than `written_at` a message of ours may seem to be sent: two clocks.
const SKEW: i64 = 30_000;

/// The conversation to write in: the one of the message answered, else the one with this peer.
async fn target(api: &Api, outgoing: &Outgoing) -> Result<Convo, ChannelError> {
    let known = outgoing.reply_to.as_ref().and_then(|(_, meta)| meta["convo"].as_str());
    let thread = outgoing.thread.external_id.as_str();
    let found = match (known.or_else(|| thread.strip_prefix("convo:")), thread.strip_prefix("dm:")) {
        (Some(convo), _) => api.convo(convo).await,
        (None, Some(did)) => api.convo_with(did).await,
        (None, None) => {
            return Err(ChannelError::rejected("bluesky.no_conversation", "this is not a private conversation."));
        }
    };
    found.map_err(absent_or)
}

/// What was written to one person may be read by that one alone; an older thread may hold messages of a group.
fn check_readers(thread: &str, convo: &Convo, brand: &str) -> Result<(), ChannelError> {
    let Some(one) = thread.strip_prefix("dm:") else { return Ok(()) };
    if !convo.is_group() && convo.members.iter().all(|member| member.did == brand || member.did == one) {
        return Ok(());
    }
    Err(xrpc::fault(
        Class::Rejected,
        "group",
        (
            "The message that is answered stands in a group: others would read the answer.",
            "Het bericht dat wordt beantwoord staat in een groep: anderen zouden het antwoord lezen.",
        ),
        (
            "Answer in the platform's own app, or answer another message of this person.",
            "Antwoord in de app van het platform, of antwoord op een ander bericht van deze persoon.",
        ),
    ))
}

/// Sends a direct message.
///
/// # Errors
/// `Uncertain` when it may have been sent.
pub async fn deliver(api: &Api, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
    if !outgoing.files.is_empty() {
        return Err(ChannelError::rejected("bluesky.dm_files", "a direct message cannot carry files."));
    }
    reply::check_length(&outgoing.text, reply::DM)?;
    let convo = target(api, outgoing).await?;
    check_readers(&outgoing.thread.external_id, &convo, &api.login().await?.did)?;
    if convo.status == "request" {
        api.post("chat.bsky.convo.acceptConvo", json!({"convoId": convo.id})).await.map_err(absent_or)?;
    }
    let facets = reply::facets(api, &outgoing.text).await?;
    let mut message = json!({"text": outgoing.text});
    if !facets.is_empty() {
        message["facets"] = json!(facets);
    }
    match api.post("chat.bsky.convo.sendMessage", json!({"convoId": convo.id, "message": message})).await {
        Ok(answer) => match ChatMessage::deserialize(&answer) {
            Ok(sent) => Ok(as_sent(&convo.id, &sent)),
            Err(_) => Err(ChannelError::uncertain("the answer cannot be read")),
        },
        Err(Fault::Lost(why)) => Err(ChannelError::uncertain(why)),
        // Something broke on the way, or lost its patience: the chat service may have it. Only who says that it did not pass the
        // message on is believed.
        Err(Fault::Refused(refusal))
            if refusal.status >= 500
                && !matches!(refusal.error.as_str(), "MethodNotImplemented" | "NotEnoughResources")
                && !is_refused_connection(&refusal.message) =>
        {
            Err(ChannelError::uncertain(if refusal.message.is_empty() { refusal.error } else { refusal.message }))
        }
        Err(fault) => Err(absent_or(fault)),
    }
}

/// The account's server could not even reach the chat service.
fn is_refused_connection(message: &str) -> bool {
    message.contains("could not resolve proxy") || message.contains("ECONNREFUSED")
}

/// Whether an earlier attempt arrived: the newest message of ours with this text since it was written.
///
/// # Errors
/// The classes of any call.
pub async fn find(api: &Api, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
    let brand = api.login().await?.did;
    let convo = target(api, outgoing).await?;
    let since = outgoing.written_at.0 - SKEW;
    let mut place: Option<String> = None;
    loop {
        let mut query = vec![("convoId", convo.id.as_str()), ("limit", "100")];
        if let Some(place) = &place {
            query.push(("cursor", place));
        }
        let answer = api.get("chat.bsky.convo.getMessages", &query).await.map_err(absent_or)?;
        let messages =
            answer["messages"].as_array().ok_or_else(|| ChannelError::transient("the answer has no messages"))?;
        for message in messages.iter().filter_map(|value| ChatMessage::deserialize(value).ok()) {
            let sent = Timestamp::parse_rfc3339(&message.sent_at).unwrap_or_default();
            if sent.0 < since {
                return Ok(None);
            }
            if message.sender.did == brand && message.text.trim() == outgoing.text.trim() {
                return Ok(Some(as_sent(&convo.id, &message)));
            }
        }
        let next = answer["cursor"].as_str().map(ToOwned::to_owned);
        if messages.is_empty() || next.is_none() || next == place {
            return Ok(None);
        }
        place = next;
    }
}

fn as_sent(convo: &str, message: &ChatMessage) -> Sent {
    Sent {
        external_id: convert::chat_id(convo, &message.id),
        url: None,
        at: Timestamp::parse_rfc3339(&message.sent_at),
        meta: json!({"convo": convo}),
    }
}
