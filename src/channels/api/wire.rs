//! What a system posts: our own contract, version 1. Unknown fields are passed over, so that a sender may say more.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::Timestamp;

/// One event.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// `message.created`, `message.updated`, `message.deleted`, `message.status`, `thread.solved` or `ping`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened there.
    #[serde(default, deserialize_with = "moment")]
    pub timestamp: Option<Timestamp>,
    #[serde(default)]
    pub data: Value,
}

/// `data` of `message.created`, and of `message.updated` the message as it is now.
#[derive(Debug, Deserialize)]
pub struct Message {
    /// The sender's own name for it; the same one again is the same message.
    #[serde(deserialize_with = "id")]
    pub external_id: String,
    pub thread: Thread,
    #[serde(default)]
    pub author: Person,
    /// `in`: a customer says it; `out`: the organisation said it elsewhere.
    #[serde(default)]
    pub direction: Direction,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub html: Option<String>,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    pub sent_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub edited_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "maybe_id")]
    pub reply_to: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    #[serde(default)]
    pub fields: Vec<Labelled>,
    #[serde(default, deserialize_with = "moment")]
    pub due_at: Option<Timestamp>,
    /// Comes back with every reply to this message.
    #[serde(default)]
    pub metadata: Value,
}

#[derive(Debug, Deserialize)]
pub struct Thread {
    #[serde(deserialize_with = "id")]
    pub external_id: String,
    #[serde(default)]
    pub subject: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    /// `private` (the default) or `public`.
    #[serde(default)]
    pub lane: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Person {
    /// The sender's own key; e-mail address or number when it has none.
    #[serde(default, deserialize_with = "maybe_id")]
    pub external_id: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
    /// The organisation's own customer key.
    #[serde(default, deserialize_with = "maybe_id")]
    pub customer: Option<String>,
    #[serde(default)]
    pub avatar_url: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    /// The sending system made sure that address, number and customer key are theirs.
    #[serde(default)]
    pub verified: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    #[default]
    In,
    Out,
}

/// By address, or along in base64.
#[derive(Debug, Deserialize)]
pub struct Attachment {
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub content: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub content_type: Option<String>,
    #[serde(default)]
    pub alt: Option<String>,
    #[serde(default)]
    pub size: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub struct Labelled {
    pub label: String,
    #[serde(deserialize_with = "id")]
    pub value: String,
}

/// `data` of `message.deleted`.
#[derive(Debug, Deserialize)]
pub struct Deleted {
    #[serde(deserialize_with = "id")]
    pub external_id: String,
    #[serde(default, deserialize_with = "moment")]
    pub deleted_at: Option<Timestamp>,
}

/// `data` of `message.status`: what became of a reply.
#[derive(Debug, Deserialize)]
pub struct Status {
    #[serde(deserialize_with = "id")]
    pub external_id: String,
    /// `delivered`, `read` or `failed`.
    pub status: String,
    #[serde(default, deserialize_with = "moment")]
    pub at: Option<Timestamp>,
    #[serde(default)]
    pub error: Option<String>,
}

/// `data` of `thread.solved`: it needs no answer of ours any more.
#[derive(Debug, Deserialize)]
pub struct Solved {
    pub thread: Thread,
    #[serde(default)]
    pub by: String,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    pub at: Option<Timestamp>,
}

/// What the other end may answer to a reply.
#[derive(Debug, Default, Deserialize)]
pub struct Taken {
    #[serde(default, deserialize_with = "maybe_id")]
    pub external_id: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
}

/// A key: a text of 1 to 500 bytes, or a number, as systems with numbered rows have them.
fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    use serde::de::Error as _;
    let text = match Value::deserialize(from)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        other => return Err(D::Error::custom(format!("a text or a number was expected, not {other}"))),
    };
    if text.is_empty() || text.len() > 500 {
        return Err(D::Error::custom("a key has 1 to 500 bytes"));
    }
    Ok(text)
}

fn maybe_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        other => id(other).map(Some).map_err(serde::de::Error::custom),
    }
}

/// RFC 3339.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    use serde::de::Error as _;
    match Option::<String>::deserialize(from)? {
        None => Ok(None),
        Some(text) => Timestamp::parse_rfc3339(&text)
            .map(Some)
            .ok_or_else(|| D::Error::custom(format!("\"{text}\" is no moment; write it like 2026-03-02T09:00:00Z"))),
    }
}
