//! A homeserver's JSON as it comes over the wire, read leniently.
//!
//! Owns: what of an event is needed (its absence makes it unreadable) and what is only nice to have.
//! Must not: decide what anything means; `convert.rs` does.
//! Source: client-server API v1.19, `/sync`, `/messages`, room events, read 2026-11.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::Timestamp;

/// The longest id the specification knows, in bytes.
const LONGEST_ID: usize = 255;

/// The answer of `/sync`; rooms stay raw, so that one that cannot be read costs itself alone.
#[derive(Deserialize)]
pub struct Sync {
    pub next_batch: String,
    #[serde(default)]
    pub rooms: Rooms,
    #[serde(default)]
    pub account_data: Values,
}

#[derive(Deserialize, Default)]
pub struct Rooms {
    #[serde(default)]
    pub join: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    pub invite: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    pub leave: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize, Default)]
pub struct Values {
    #[serde(default)]
    pub events: Vec<Value>,
}

/// A room in `join` or `leave`.
#[derive(Deserialize, Default)]
pub struct Room {
    #[serde(default)]
    pub timeline: Timeline,
    #[serde(default)]
    pub state: Values,
    #[serde(default)]
    pub ephemeral: Values,
    #[serde(default)]
    pub summary: Value,
}

#[derive(Deserialize, Default)]
pub struct Timeline {
    #[serde(default)]
    pub events: Vec<Box<RawValue>>,
    #[serde(default)]
    pub limited: bool,
    #[serde(default)]
    pub prev_batch: Option<String>,
}

/// A room in `invite`.
#[derive(Deserialize, Default)]
pub struct Invited {
    #[serde(default)]
    pub invite_state: Values,
}

/// A page of `/messages`, newest first.
#[derive(Deserialize)]
pub struct Page {
    pub chunk: Vec<Box<RawValue>>,
    #[serde(default)]
    pub end: Option<String>,
    #[serde(default)]
    pub state: Vec<Value>,
}

/// The kinds of timeline events that say something to us.
pub const TYPES: [&str; 12] = [
    "m.room.message",
    "m.room.encrypted",
    "m.sticker",
    "m.reaction",
    "m.room.redaction",
    "m.room.create",
    "m.room.member",
    "m.room.name",
    "m.room.canonical_alias",
    "m.room.join_rules",
    "m.room.encryption",
    "m.room.tombstone",
];

/// One event, as far as it is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub sender: String,
    pub at: Timestamp,
    pub content: Value,
    pub state_key: Option<String>,
    /// What a redaction takes away; at the top before room version 11, in the content since.
    pub redacts: Option<String>,
    /// Its author or a moderator took it away.
    pub redacted: bool,
    /// When its words were last changed.
    pub edited: Option<Timestamp>,
    /// Which send of ours it is the echo of.
    pub transaction: Option<String>,
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// A sentence for the admin: what is missing. `Ok(None)` for a kind that says nothing to us.
    pub fn read(value: &Value) -> Result<Option<Self>, &'static str> {
        let Some(kind) = value["type"].as_str() else { return Err("the event has no type") };
        if !TYPES.contains(&kind) {
            return Ok(None);
        }
        let id = value["event_id"].as_str().filter(|id| is_id(id, '$')).ok_or("the event has no id")?;
        let sender = value["sender"].as_str().filter(|user| is_user(user)).ok_or("the event has no sender")?;
        let at = value["origin_server_ts"].as_i64().filter(|at| *at >= 0).ok_or("the event has no time")?;
        let unsigned = &value["unsigned"];
        let redacts = value["redacts"].as_str().or_else(|| value["content"]["redacts"].as_str());
        let mut event = Self {
            id: id.to_owned(),
            kind: kind.to_owned(),
            sender: sender.to_owned(),
            at: Timestamp(at),
            content: if value["content"].is_object() { value["content"].clone() } else { Value::Null },
            state_key: value["state_key"].as_str().map(str::to_owned),
            redacts: redacts.filter(|id| is_id(id, '$')).map(str::to_owned),
            redacted: unsigned["redacted_because"].is_object(),
            edited: None,
            transaction: unsigned["transaction_id"].as_str().map(str::to_owned),
        };
        if kind == "m.room.message" && event.content.as_object().is_none_or(serde_json::Map::is_empty) {
            event.redacted = true;
        }
        Ok(Some(event))
    }

    /// As `read`, with the words it has now: servers put the newest edit beside the event it belongs to. Where edits come as
    /// events of their own, `read` is right, and every version is seen.
    #[must_use]
    pub fn read_now(value: &Value) -> Option<Self> {
        let event = Self::read(value).ok().flatten()?;
        let edit = &value["unsigned"]["m.relations"]["m.replace"];
        match edit["origin_server_ts"].as_i64() {
            Some(at) if edit["sender"].as_str() == Some(&event.sender) => {
                Some(event.changed(&edit["content"], Timestamp(at)))
            }
            _ => Some(event),
        }
    }

    /// With the words of an edit in place of its own; what it relates to and whom it names stays.
    #[must_use]
    pub fn changed(self, edit: &Value, at: Timestamp) -> Self {
        let new = &edit["m.new_content"];
        if !new.is_object() {
            return self;
        }
        let mut content = new.clone();
        if self.content["m.relates_to"].is_object() {
            content["m.relates_to"] = self.content["m.relates_to"].clone();
        }
        // Whom it was for, it stays for: clients leave those out of an edit who were told already.
        let mut named = super::text::named(&self.content);
        named.extend(super::text::named(&content));
        if !named.is_empty() {
            content["m.mentions"] = serde_json::json!({"user_ids": named});
        }
        Self { content, edited: Some(at), ..self }
    }

    fn relation(&self) -> (&Value, &str) {
        let to = &self.content["m.relates_to"];
        (to, to["rel_type"].as_str().unwrap_or_default())
    }

    /// Which message this puts new words in the place of.
    #[must_use]
    pub fn replaces(&self) -> Option<&str> {
        let (to, kind) = self.relation();
        id(&to["event_id"]).filter(|_| kind == "m.replace")
    }

    /// The first message of the thread it was written in.
    #[must_use]
    pub fn root(&self) -> Option<&str> {
        let (to, kind) = self.relation();
        id(&to["event_id"]).filter(|_| kind == "m.thread")
    }

    /// The message above it: the one it answers, else the first of its thread.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        if self.replaces().is_some() {
            return None;
        }
        id(&self.content["m.relates_to"]["m.in_reply_to"]["event_id"]).or_else(|| self.root())
    }

    /// What it is a reaction to, and which.
    #[must_use]
    pub fn reaction(&self) -> Option<(&str, &str)> {
        let (to, kind) = self.relation();
        let key = to["key"].as_str().filter(|key| !key.is_empty() && key.len() <= 100)?;
        Some((id(&to["event_id"]).filter(|_| kind == "m.annotation")?, key))
    }
}

fn id(value: &Value) -> Option<&str> {
    value.as_str().filter(|id| is_id(id, '$'))
}

/// Whether a text can be an id that begins so.
#[must_use]
pub fn is_id(text: &str, sigil: char) -> bool {
    text.starts_with(sigil)
        && (2..=LONGEST_ID).contains(&text.len())
        && !text.contains(|c: char| c.is_control() || c == ' ')
}

/// Whether a text is `@name:server`.
#[must_use]
pub fn is_user(text: &str) -> bool {
    is_id(text, '@') && text[1..].split_once(':').is_some_and(|(name, server)| !name.is_empty() && !server.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Event, is_user};

    fn fixture() -> Value {
        serde_json::from_str(include_str!("fixtures/sync.json")).unwrap()
    }

    #[test]
    fn an_answer_of_a_real_homeserver_is_read() {
        let sync: super::Sync = serde_json::from_str(include_str!("fixtures/sync.json")).unwrap();
        let room: super::Room = serde_json::from_str(sync.rooms.join.values().next().unwrap().get()).unwrap();
        let events: Vec<Event> = room
            .timeline
            .events
            .iter()
            .filter_map(|raw| Event::read(&serde_json::from_str(raw.get()).unwrap()).unwrap())
            .collect();
        let said: Vec<_> = events.iter().filter(|event| event.kind == "m.room.message").collect();
        assert_eq!(said[0].content["body"], "waar blijft mijn pakket?");
        let edit = events.iter().find(|event| event.replaces().is_some()).expect("an edit");
        assert_eq!(edit.replaces(), Some(said[0].id.as_str()));
        assert!(events.iter().any(|event| event.reaction().is_some()));
        assert!(events.iter().any(|event| event.redacts.is_some()));
        assert!(events.iter().any(|event| event.parent().is_some() && event.transaction.is_some()));
    }

    #[test]
    fn the_newest_edit_beside_an_event_is_its_text() {
        let mut event = fixture()["rooms"]["join"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|room| room["timeline"]["events"].as_array().unwrap().clone())
            .find(|event| event["type"] == "m.room.message")
            .unwrap();
        let sender = event["sender"].clone();
        let edit = |sender: Value| {
            json!({"m.replace": {"event_id": "$x", "sender": sender, "origin_server_ts": 5,
                "content": {"m.new_content": {"msgtype": "m.text", "body": "beter"}}}})
        };
        event["unsigned"]["m.relations"] = edit(sender);
        let read = Event::read_now(&event).unwrap();
        assert_eq!((read.content["body"].as_str(), read.edited.map(|at| at.0)), (Some("beter"), Some(5)));
        event["unsigned"]["m.relations"] = edit("@evil:chat.test".into());
        assert_eq!(Event::read_now(&event).unwrap().edited, None, "nobody edits for somebody else");
    }

    #[test]
    fn a_user_has_a_name_and_a_server() {
        assert!(is_user("@noor:elders.example") && is_user("@a:b:8448"));
        for bad in ["noor:elders.example", "@noor", "@:elders.example", "@no or:x", "@", ""] {
            assert!(!is_user(bad), "{bad}");
        }
    }
}
