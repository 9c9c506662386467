//! Everything there is on the invented homeserver, and how it changes.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{DOMAIN, Seen};
use crate::clock::Clock;

pub struct World {
    pub clock: Clock,
    pub base: String,
    /// How many things happened: the place in the stream.
    pub pos: u64,
    pub users: BTreeMap<String, User>,
    /// Access token → user, device.
    pub tokens: HashMap<String, (String, String)>,
    pub refresh: HashMap<String, (String, String)>,
    pub rooms: BTreeMap<String, Room>,
    /// User and kind → when it changed, and what it is.
    pub data: BTreeMap<(String, String), (u64, Value)>,
    pub media: HashMap<String, (String, Bytes)>,
    pub filters: HashMap<String, Value>,
    /// Device and transaction → the event it made.
    pub transactions: HashMap<(String, String), String>,
}

pub struct User {
    pub display: String,
    pub password: String,
}

#[derive(Default)]
pub struct Room {
    pub events: Vec<Event>,
    /// When, which event, who, at what time.
    pub receipts: Vec<(u64, String, String, i64)>,
}

pub struct Event {
    pub pos: u64,
    /// As clients see it, without `room_id`.
    pub json: Value,
    /// Device and transaction of who sent it.
    pub by: Option<(String, String)>,
}

impl Room {
    /// The state event of a kind and key that holds now.
    pub fn state(&self, kind: &str, key: &str) -> Option<&Event> {
        self.events.iter().rfind(|event| event.json["type"] == kind && event.json["state_key"] == key)
    }

    /// Every state event that holds now.
    pub fn all_state(&self) -> Vec<&Event> {
        let mut now: BTreeMap<(&str, &str), &Event> = BTreeMap::new();
        for event in &self.events {
            if let (Some(kind), Some(key)) = (event.json["type"].as_str(), event.json["state_key"].as_str()) {
                now.insert((kind, key), event);
            }
        }
        now.into_values().collect()
    }

    pub fn membership(&self, user: &str) -> &str {
        self.state("m.room.member", user)
            .and_then(|event| event.json["content"]["membership"].as_str())
            .unwrap_or("leave")
    }

    /// When somebody's membership last became what it is.
    pub fn since(&self, user: &str) -> u64 {
        self.state("m.room.member", user).map_or(0, |event| event.pos)
    }

    pub fn members(&self, membership: &str) -> Vec<String> {
        let people = self.all_state().into_iter().filter(|event| event.json["type"] == "m.room.member");
        people
            .filter(|event| event.json["content"]["membership"] == membership)
            .filter_map(|event| event.json["state_key"].as_str().map(str::to_owned))
            .collect()
    }

    pub fn find(&self, id: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.json["event_id"] == id)
    }

    /// Puts the newest edit that stands beside the event it belongs to.
    fn bundle(&mut self, id: &Value) {
        let Some(place) = self.events.iter().position(|event| event.json["event_id"] == *id) else { return };
        let sender = self.events[place].json["sender"].clone();
        let edit = self.events.iter().rev().map(|event| &event.json).find(|event| {
            let to = &event["content"]["m.relates_to"];
            to["rel_type"] == "m.replace" && to["event_id"] == *id && event["sender"] == sender
        });
        let edit = edit.cloned();
        let unsigned = &mut self.events[place].json["unsigned"];
        match edit {
            Some(edit) => unsigned["m.relations"]["m.replace"] = edit,
            None => unsigned["m.relations"] = json!({}),
        }
    }

    /// Whether somebody's power reaches for sending messages.
    pub fn may_speak(&self, user: &str) -> bool {
        let Some(levels) = self.state("m.room.power_levels", "") else { return true };
        let content = &levels.json["content"];
        let level = content["users"][user].as_i64().or_else(|| content["users_default"].as_i64()).unwrap_or(0);
        level >= content["events_default"].as_i64().unwrap_or(0)
    }
}

impl World {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            base: String::new(),
            pos: 0,
            users: BTreeMap::new(),
            tokens: HashMap::new(),
            refresh: HashMap::new(),
            rooms: BTreeMap::new(),
            data: BTreeMap::new(),
            media: HashMap::new(),
            filters: HashMap::new(),
            transactions: HashMap::new(),
        }
    }

    #[expect(clippy::unused_self, reason = "a name belongs to a world, though all worlds are called the same")]
    pub fn id(&self, name: &str) -> String {
        if name.starts_with('@') { name.to_owned() } else { format!("@{name}:{DOMAIN}") }
    }

    pub fn step(&mut self) -> u64 {
        self.pos += 1;
        self.pos
    }

    /// Something happens in a room; answers its id.
    #[expect(clippy::needless_pass_by_value, reason = "contents are written where they are said")]
    pub fn emit(
        &mut self,
        room: &str,
        kind: &str,
        sender: &str,
        state_key: Option<String>,
        content: Value,
        by: Option<(String, String)>,
    ) -> String {
        let pos = self.step();
        let id = format!("$fake{pos:07}");
        let mut json = json!({
            "type": kind, "event_id": id, "sender": sender, "origin_server_ts": self.clock.now().0, "content": content, "unsigned": {},
        });
        let room = self.rooms.entry(room.to_owned()).or_default();
        if let Some(key) = state_key {
            if let Some(before) = room.state(kind, &key) {
                json["unsigned"]["prev_content"] = before.json["content"].clone();
            }
            json["state_key"] = key.into();
        }
        let relation = json["content"]["m.relates_to"].clone();
        room.events.push(Event { pos, json, by });
        if relation["rel_type"] == "m.replace" {
            room.bundle(&relation["event_id"]);
        }
        id
    }

    /// Takes an event away: its content goes, its place stays.
    pub fn redact(
        &mut self,
        room: &str,
        by: &str,
        target: &str,
        reason: &str,
        from: Option<(String, String)>,
    ) -> String {
        let mut content = json!({"redacts": target});
        if !reason.is_empty() {
            content["reason"] = reason.into();
        }
        let id = self.emit(room, "m.room.redaction", by, None, content, from);
        let Some(room) = self.rooms.get_mut(room) else { return id };
        let Some(redaction) = room.events.last_mut() else { return id };
        redaction.json["redacts"] = target.into();
        let because = redaction.json.clone();
        if let Some(gone) = room.events.iter_mut().find(|event| event.json["event_id"] == target) {
            let edited = gone.json["content"]["m.relates_to"].clone();
            gone.json["content"] = json!({});
            gone.json["unsigned"] = json!({"redacted_by": id, "redacted_because": because});
            if edited["rel_type"] == "m.replace" {
                room.bundle(&edited["event_id"]);
            }
        }
        id
    }

    pub fn receipt(&mut self, room: &str, user: &str, event: &str) {
        let (pos, at) = (self.step(), self.clock.now().0);
        if let Some(room) = self.rooms.get_mut(room) {
            room.receipts.retain(|(_, _, by, _)| by != user);
            room.receipts.push((pos, event.to_owned(), user.to_owned(), at));
        }
    }

    pub fn set_data(&mut self, user: &str, kind: &str, content: Value) {
        let pos = self.step();
        self.data.insert((user.to_owned(), kind.to_owned()), (pos, content));
    }

    pub fn room_of(&self, event: &str) -> Option<String> {
        self.rooms.iter().find(|(_, room)| room.find(event).is_some()).map(|(id, _)| id.clone())
    }

    pub fn said(&self, user: &str) -> Vec<Seen> {
        let mut all: Vec<(u64, Seen)> = Vec::new();
        for (id, room) in &self.rooms {
            for event in &room.events {
                let content = &event.json["content"];
                let own = event.json["sender"] == user && event.json["type"] == "m.room.message";
                if own && content["body"].is_string() && content["m.relates_to"]["rel_type"] != "m.replace" {
                    let (event_id, content) =
                        (event.json["event_id"].as_str().unwrap_or_default().to_owned(), content.clone());
                    all.push((event.pos, Seen { id: event_id, room: id.clone(), content }));
                }
            }
        }
        all.sort_by_key(|(pos, _)| *pos);
        all.into_iter().map(|(_, seen)| seen).collect()
    }

    pub fn likes(&self, user: &str, target: &str) -> bool {
        self.rooms.values().flat_map(|room| &room.events).any(|event| {
            event.json["type"] == "m.reaction"
                && event.json["sender"] == user
                && event.json["content"]["m.relates_to"]["event_id"] == target
        })
    }

    pub fn keep(&mut self, mime: &str, bytes: Bytes) -> String {
        let id = format!("file{:07}", self.step());
        self.media.insert(id.clone(), (mime.to_owned(), bytes));
        format!("mxc://{DOMAIN}/{id}")
    }
}
