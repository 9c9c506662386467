//! Telegram's JSON as it comes over the wire, read leniently.
//!
//! Owns: what of an update is needed (its absence makes it unreadable) and what is only nice to have (its absence, or
//! nonsense in its place, costs that field alone).
//! Must not: decide what anything means; `convert.rs` does.
//! Source: core.telegram.org/bots/api 10.1 by its machine-readable form (PaulSonOfLars/telegram-bot-api-spec), read 2026-11.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::channels::lenient::{lenient, readable};
use crate::model::Timestamp;

/// The kinds of update that are asked for, always in full: what is asked for is remembered by the platform until it changes.
pub const KINDS: [&str; 9] = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
];

/// One update: its number, its kind and what is in it.
#[derive(Debug)]
pub struct Update {
    pub kind: &'static str,
    pub body: Value,
}

impl Update {
    /// `Ok(None)` for kinds that are of no interest here.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(raw: &str) -> Result<Option<Self>, String> {
        let Value::Object(mut fields) = serde_json::from_str(raw).map_err(|error| error.to_string())? else {
            return Err("an update is an object".to_owned());
        };
        for kind in KINDS {
            match fields.remove(kind) {
                None | Some(Value::Null) => {}
                Some(body @ Value::Object(_)) => return Ok(Some(Self { kind, body })),
                Some(_) => return Err(format!("{kind} is not an object")),
            }
        }
        if fields.contains_key("update_id") { Ok(None) } else { Err("this is not an update".to_owned()) }
    }
}

/// The number of an update, by which it is confirmed.
pub fn number_of(raw: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Head {
        update_id: i64,
    }
    serde_json::from_str::<Head>(raw).ok().map(|head| head.update_id).filter(|id| (0..1 << 53).contains(id))
}

/// An id of a chat, a person or a message: never more than 52 bits.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let id = i64::deserialize(deserializer)?;
    if id != 0 && id.unsigned_abs() < 1 << 53 { Ok(id) } else { Err(D::Error::custom("this is not an id")) }
}

/// Text that stands inside ids and addresses of ours.
pub fn plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 512 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// A moment from whole seconds.
pub fn moment(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1_000))
}

/// A person or a bot.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    #[serde(deserialize_with = "id")]
    pub id: i64,
    #[serde(default, deserialize_with = "lenient")]
    pub first_name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub last_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub username: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub language_code: Option<String>,
}

/// A chat of any kind.
#[derive(Clone, Debug, Deserialize)]
pub struct Chat {
    #[serde(deserialize_with = "id")]
    pub id: i64,
    #[serde(default, deserialize_with = "lenient")]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub first_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub last_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub username: Option<String>,
}

impl Chat {
    /// Between two, whatever else is said about it: a person's id is positive, a group's negative.
    pub fn is_private(&self) -> bool {
        self.id > 0
    }
}

/// A part of a text with a meaning. Offset and length are in UTF-16 code units.
#[derive(Clone, Debug, Deserialize)]
pub struct Entity {
    #[serde(rename = "type")]
    pub kind: String,
    pub offset: usize,
    pub length: usize,
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub user: Option<User>,
}

/// Which direct-messages topic of a channel.
#[derive(Clone, Debug, Deserialize)]
pub struct Topic {
    #[serde(deserialize_with = "id")]
    pub topic_id: i64,
    /// Who opened it.
    #[serde(default, deserialize_with = "lenient")]
    pub user: Option<User>,
}

/// A message, without what only some kinds have: that is read from the raw value.
#[derive(Clone, Debug, Deserialize)]
pub struct Message {
    #[serde(deserialize_with = "id")]
    pub message_id: i64,
    pub date: i64,
    pub chat: Chat,
    #[serde(default, deserialize_with = "lenient")]
    pub from: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    pub sender_chat: Option<Chat>,
    #[serde(default, deserialize_with = "lenient")]
    pub edit_date: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub caption: Option<String>,
    #[serde(default, deserialize_with = "readable")]
    pub entities: Vec<Entity>,
    #[serde(default, deserialize_with = "readable")]
    pub caption_entities: Vec<Entity>,
    #[serde(default, deserialize_with = "lenient")]
    pub reply_to_message: Value,
    #[serde(default, deserialize_with = "lenient")]
    pub media_group_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub message_thread_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub is_topic_message: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub is_automatic_forward: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub direct_messages_topic: Option<Topic>,
    #[serde(default, deserialize_with = "lenient")]
    pub business_connection_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub migrate_to_chat_id: Option<i64>,
}

impl Message {
    /// # Errors
    /// Why it cannot be read.
    pub fn read(raw: &Value) -> Result<Self, String> {
        let message = Self::deserialize(raw).map_err(|error| error.to_string())?;
        match &message.business_connection_id {
            Some(connection) if !plain(connection) => Err("this is not a business connection".to_owned()),
            _ => Ok(message),
        }
    }

    /// The message this one answers, when the platform sent it along.
    pub fn parent(&self) -> Option<(Self, &Value)> {
        let parent = Self::read(&self.reply_to_message).ok()?;
        // The message that opened a topic stands in for "no parent".
        let opens = self.is_topic_message && self.message_thread_id == Some(parent.message_id);
        (!opens && parent.chat.id == self.chat.id && parent.date > 0).then_some((parent, &self.reply_to_message))
    }
}

/// A press on a button under a message.
#[derive(Clone, Debug, Deserialize)]
pub struct Press {
    pub id: String,
    pub from: User,
    #[serde(default, deserialize_with = "lenient")]
    pub message: Value,
    #[serde(default, deserialize_with = "lenient")]
    pub data: Option<String>,
}

/// Somebody let the bot in, threw it out or blocked it.
#[derive(Clone, Debug, Deserialize)]
pub struct Membership {
    pub chat: Chat,
    pub new_chat_member: Member,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Member {
    pub status: String,
}

/// A reaction as it is now.
#[derive(Clone, Debug, Deserialize)]
pub struct Reacted {
    pub chat: Chat,
    #[serde(deserialize_with = "id")]
    pub message_id: i64,
    #[serde(default, deserialize_with = "lenient")]
    pub user: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    pub actor_chat: Option<Chat>,
    #[serde(default, deserialize_with = "lenient")]
    pub date: Option<i64>,
    #[serde(default, deserialize_with = "readable")]
    pub new_reaction: Vec<Value>,
}

/// Messages that were deleted in a business chat.
#[derive(Clone, Debug, Deserialize)]
pub struct Deleted {
    pub business_connection_id: String,
    pub chat: Chat,
    #[serde(default, deserialize_with = "readable")]
    pub message_ids: Vec<i64>,
}

/// What the bot may do for a business account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Business {
    pub id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub is_enabled: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub rights: Rights,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Rights {
    #[serde(default, deserialize_with = "lenient")]
    pub can_reply: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub can_read_messages: bool,
}

#[cfg(test)]
mod tests {
    use super::{Message, Update, number_of};

    #[test]
    fn nonsense_in_a_side_field_costs_that_field_alone() {
        let mut raw: serde_json::Value = serde_json::from_str(include_str!("fixtures/private.json")).unwrap();
        let message = &mut raw["message"];
        message["entities"] = serde_json::json!([{"type": "mention", "offset": 27, "length": 8}, 3, null, {"type": 1}]);
        message["from"]["last_name"] = 7.into();
        message["media_group_id"] = serde_json::json!({});
        let read = Message::read(message).unwrap();
        assert_eq!((read.entities.len(), read.from.unwrap().last_name, read.media_group_id), (1, None, None));
        for field in ["message_id", "date", "chat"] {
            let mut broken = message.clone();
            broken[field] = serde_json::Value::Null;
            assert!(Message::read(&broken).is_err(), "{field}");
        }
    }

    #[test]
    fn an_update_of_no_interest_is_none_and_what_is_no_update_is_an_error() {
        assert!(matches!(Update::read(r#"{"update_id": 1, "poll_answer": {}}"#), Ok(None)));
        assert_eq!(Update::read(r#"{"update_id": 1, "message": {"a": 1}}"#).unwrap().unwrap().kind, "message");
        for bad in ["42", "[]", "\"x\"", "{}", r#"{"update_id": 1, "message": 3}"#, "{"] {
            assert!(Update::read(bad).is_err(), "{bad}");
        }
        assert_eq!(number_of(r#"{"update_id": 730011223, "message": 3}"#), Some(730_011_223));
        for bad in [r#"{"update_id": -1}"#, r#"{"update_id": "7"}"#, r#"{"update_id": 1e300}"#, "[]"] {
            assert_eq!(number_of(bad), None, "{bad}");
        }
    }
}
