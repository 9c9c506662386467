//! Mastodon's JSON as it comes over the wire, read leniently.
//!
//! Owns: what of a payload is needed (its absence makes it unreadable) and what is only nice to have (its absence, or
//! nonsense in its place, costs that field alone).
//! Must not: decide what anything means; `convert.rs` does.
//! Source: docs.joinmastodon.org/entities, read 2026-07; server source 4.3 to 4.7.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::channels::lenient::{lenient, readable};
use crate::model::Timestamp;

/// An id: opaque, but never something that could change the path of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Id(pub String);

impl Id {
    /// `None` for what cannot be an id: empty, longer than any id in use, or with characters that none has.
    pub fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | ':');
        (!text.is_empty() && text.len() <= 128 && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this was made after `other`: the longer is the newer, else the greater (documentation, "Handling IDs").
    pub fn is_newer_than(&self, other: &str) -> bool {
        (self.0.len(), self.0.as_str()) > (other.len(), other)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Compatible servers have been seen to write ids as numbers.
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            other => return Err(D::Error::custom(format!("{} is not an id", kind(&other)))),
        };
        Self::new(&text).ok_or_else(|| D::Error::custom("this is not an id"))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// An address that can be written behind an `@`.
fn acct<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | ':' | '[' | ']');
    let good = !text.is_empty() && text.len() <= 400 && !text.starts_with('@') && text.chars().all(plain);
    if good { Ok(text) } else { Err(D::Error::custom("this is not the address of an account")) }
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse_rfc3339(&text).ok_or_else(|| D::Error::custom("this is not a moment"))
}

fn maybe_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().and_then(Timestamp::parse_rfc3339))
}

/// The part of a notification that says whether the rest is for us.
#[derive(Debug, Deserialize)]
pub struct NotificationHead {
    pub id: Id,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "maybe_moment")]
    pub created_at: Option<Timestamp>,
}

/// The part with the post.
#[derive(Debug, Deserialize)]
pub struct NotificationBody {
    #[serde(default)]
    pub status: Option<Status>,
}

/// A post.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    pub id: Id,
    #[serde(deserialize_with = "moment")]
    pub created_at: Timestamp,
    #[serde(default, deserialize_with = "maybe_moment")]
    pub edited_at: Option<Timestamp>,
    /// Needed: without it nobody knows whether this is private.
    pub visibility: String,
    pub content: String,
    pub account: Account,
    #[serde(default, deserialize_with = "lenient")]
    pub in_reply_to_id: Option<Id>,
    #[serde(default, deserialize_with = "lenient")]
    pub uri: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub language: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub spoiler_text: String,
    #[serde(default, deserialize_with = "readable")]
    pub mentions: Vec<Mention>,
    #[serde(default, deserialize_with = "readable")]
    pub media_attachments: Vec<Media>,
    #[serde(default, deserialize_with = "lenient")]
    pub replies_count: i64,
    #[serde(default, deserialize_with = "lenient")]
    pub reblog: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub quote: Option<Quote>,
}

impl Status {
    pub fn is_direct(&self) -> bool {
        self.visibility == "direct"
    }
}

/// The post that a post quotes (4.5).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Quote {
    #[serde(default, deserialize_with = "lenient")]
    pub quoted_status: Option<Box<Status>>,
}

/// Somebody.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    pub id: Id,
    /// `user` here, `user@host` elsewhere.
    #[serde(deserialize_with = "acct")]
    pub acct: String,
    #[serde(default, deserialize_with = "lenient")]
    pub display_name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub avatar: Option<String>,
}

/// Somebody named in a post.
#[derive(Clone, Debug, Deserialize)]
pub struct Mention {
    pub id: Id,
    #[serde(deserialize_with = "acct")]
    pub acct: String,
}

/// A file at a post.
#[derive(Clone, Debug, Deserialize)]
pub struct Media {
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub kind: String,
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub remote_url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub meta: Option<Value>,
}

/// A post's surroundings.
#[derive(Debug, Default, Deserialize)]
pub struct Surroundings {
    #[serde(default, deserialize_with = "readable")]
    pub ancestors: Vec<Status>,
    #[serde(default, deserialize_with = "readable")]
    pub descendants: Vec<Status>,
}

/// A list, its elements still unread: one that cannot be read must not cost its neighbours.
///
/// # Errors
/// When the text is no JSON list.
pub fn elements(text: &str) -> Result<Vec<Box<RawValue>>, serde_json::Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::{Id, Status};

    #[test]
    fn a_longer_id_is_newer_and_a_strange_one_is_none() {
        assert!(Id("100".into()).is_newer_than("99"));
        assert!(Id("101".into()).is_newer_than("100"));
        assert!(!Id("99".into()).is_newer_than("99"));
        for bad in ["", "../1", "1/2", "1?x=2", "1#", ".", "..", &"9".repeat(200)] {
            assert_eq!(Id::new(bad), None, "{bad}");
        }
        assert!(Id::new("AUXRc8jJ2xGeKtA0ps").is_some() && Id::new("0191e4b8-7c1a").is_some());
    }

    #[test]
    fn nonsense_in_a_side_field_costs_that_field_alone() {
        let mut raw: serde_json::Value = serde_json::from_str(include_str!("fixtures/mention.json")).unwrap();
        let status = &mut raw["status"];
        status["language"] = 7.into();
        status["mentions"] = serde_json::json!([{"id": "9", "acct": "merk"}, 3, null]);
        status["media_attachments"] = "none".into();
        let status: Status = serde_json::from_value(status.take()).unwrap();
        assert_eq!((status.language, status.mentions.len(), status.media_attachments.len()), (None, 1, 0));
    }
}
