//! Asking: one place in the homeserver's stream, from which everything new in every room is told.
//!
//! The cursor holds that place (`next`), what is known of the rooms, the gaps still to be read (`gaps.rs`), the invitations still
//! to be taken (`doors.rs`), and the last reactions (`signs.rs`), because taking one back names only its event.
//! Promises: a place is kept together with what it leaves to be done, so that nothing is skipped; reading the same place again
//! gives the same messages.
//! Source: client-server API v1.19, "Syncing", read and tried on Synapse 1.163, 2026-11.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::api::{self, Call, Fault};
use super::convert::Room;
use super::doors::Door;
use super::gaps::Gap;
use super::harvest::Harvest;
use super::rooms;
use super::signs::Sign;
use super::wire::{self, Event};
use super::{Matrix, wire::TYPES};
use crate::channels::{Batch, ChannelError, Item};
use crate::model::Timestamp;

pub const FEED: &str = "sync";

/// How many messages of one room an answer brings at most; more is a gap.
pub const PAGE: usize = 50;
/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;
/// What a room says about itself that we want to know.
const STATE: [&str; 7] = [
    "m.room.create",
    "m.room.name",
    "m.room.canonical_alias",
    "m.room.join_rules",
    "m.room.member",
    "m.room.encryption",
    "m.room.tombstone",
];
/// How many edits are remembered for being taken back.
const EDITS: usize = 300;
/// How far before the last success a fresh start reaches when the homeserver has forgotten our place.
const OVERLAP: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// When Balie came, in ms: what is older is history.
    pub since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// When `next` was last moved, to the hour.
    #[serde(default)]
    pub at: i64,
    /// Without `next`: how far back rooms are read.
    #[serde(default)]
    pub horizon: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rooms: BTreeMap<String, Room>,
    /// Rooms that the account's own list of private rooms names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub direct: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doors: Vec<Door>,
    /// The oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<Sign>,
    /// An edit, and the message it belongs to: taking it back names only the edit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<(String, String)>,
}

/// What we want to hear.
fn filter() -> String {
    json!({
        "presence": {"types": []},
        "account_data": {"types": ["m.direct"]},
        "room": {
            "timeline": {"limit": PAGE, "types": TYPES, "lazy_load_members": true},
            "state": {
                "types": STATE,
                "lazy_load_members": true,
                "include_redundant_members": true,
            },
            "ephemeral": {"types": ["m.receipt"]},
            "account_data": {"types": []},
        },
    })
    .to_string()
}

impl Matrix {
    /// The next piece of news: what was left to be done, else what is new.
    pub(super) async fn news(&self, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        let me = self.me().await?;
        let now = self.now();
        let known = cursor.and_then(|value| serde_json::from_value::<Cursor>(value.clone()).ok());
        let mut cursor = known.unwrap_or_else(|| Cursor {
            since: now.0,
            horizon: now.minus(self.api.server.context.history).0,
            ..Cursor::default()
        });
        self.memory.keep_rooms(&cursor.rooms);
        let mut harvest = Harvest::new(me);
        // After what was left to be done there is more: what a new room says, what happened meanwhile.
        let mut more = true;
        // Nobody waits for a past that cannot be read, or behind a door that stays shut.
        let done = if let Some(at) = cursor.gaps.iter().rposition(|gap| gap.after <= now.0) {
            let gap = cursor.gaps.remove(at);
            self.fill(&mut cursor, gap, &mut harvest).await?
        } else if let Some(at) = cursor.doors.iter().position(|door| door.after <= now.0) {
            let door = cursor.doors.remove(at);
            self.enter(&mut cursor, door).await?
        } else {
            false
        };
        if !done {
            self.look(&mut cursor, &mut harvest).await?;
            more = cursor.gaps.iter().any(|gap| gap.after <= now.0)
                || cursor.doors.iter().any(|door| door.after <= now.0)
                || cursor.next.is_none();
        }
        self.memory.keep_rooms(&cursor.rooms);
        Ok(harvest.finish(Some(serde_json::to_value(&cursor).unwrap_or_default()), more))
    }

    async fn look(&self, cursor: &mut Cursor, harvest: &mut Harvest) -> Result<(), ChannelError> {
        let filter = filter();
        let mut query = vec![("filter", filter.as_str()), ("timeout", "0"), ("set_presence", "offline")];
        let place = cursor.next.clone();
        query.extend(place.as_deref().map(|place| ("since", place)));
        // The first look at a large account takes the homeserver its time, and is large.
        let (path, long) = (["client", "v3", "sync"], place.is_none());
        let call = Call { query: &query, long, max: LARGEST, ..Call::new(Method::GET, &path) };
        let answer = match self.api.call(&call).await {
            Ok(answer) => answer,
            Err(Fault::Refused(refusal)) if refusal.status == 400 && place.is_some() => {
                // The homeserver does not know our place (any more): begin afresh, a day before it was last good. What we have
                // comes again and changes nothing.
                tracing::warn!(said = refusal.said, "the homeserver has forgotten where we were; reading back");
                cursor.next = None;
                cursor.horizon = Timestamp(cursor.at).minus(OVERLAP).0;
                cursor.rooms.values_mut().for_each(|room| room.joined = false);
                return Ok(());
            }
            Err(fault) => return Err(api::of_feed(self.say(fault))),
        };
        let text = api::text(&answer);
        let sync: wire::Sync = serde_json::from_str(&text).map_err(|_| api::not_json())?;
        for event in sync.account_data.events.iter().filter(|event| event["type"].as_str() == Some("m.direct")) {
            let lists = event["content"].as_object().into_iter().flat_map(|people| people.values());
            let rooms = lists.flat_map(|rooms| rooms.as_array().into_iter().flatten());
            cursor.direct = rooms.filter_map(Value::as_str).map(str::to_owned).collect();
        }
        for (id, raw) in &sync.rooms.invite {
            self.invited(cursor, &harvest.me, id, raw);
        }
        for (id, raw) in &sync.rooms.join {
            self.room(cursor, harvest, id, raw, true).await?;
        }
        for (id, raw) in &sync.rooms.leave {
            self.room(cursor, harvest, id, raw, false).await?;
        }
        if cursor.next.as_deref() != Some(&sync.next_batch) {
            cursor.next = Some(sync.next_batch);
            cursor.at = self.now().0 / 3_600_000 * 3_600_000;
        }
        Ok(())
    }

    async fn room(
        &self,
        cursor: &mut Cursor,
        harvest: &mut Harvest,
        id: &str,
        raw: &RawValue,
        joined: bool,
    ) -> Result<(), ChannelError> {
        let room: wire::Room = match serde_json::from_str(raw.get()) {
            Ok(room) => room,
            Err(error) => {
                harvest.quarantine(id, raw.get(), &format!("a room of the sync: {error}"));
                return Ok(());
            }
        };
        if !wire::is_id(id, '!') {
            return Ok(());
        }
        let known = cursor.rooms.get(id).cloned();
        if known.is_none() && !joined {
            return Ok(());
        }
        let was_in = known.as_ref().is_some_and(|room| room.joined);
        let first = joined && known.as_ref().is_none_or(|room| room.invited.is_some());
        let mut mark = known.unwrap_or_default();
        for event in &room.state.events {
            self.meet(event);
            self.note(cursor, &harvest.me, id, &mut mark, event);
        }
        mark.joined = joined;
        if first {
            // A young room's beginning is in its timeline.
            let said = room.timeline.events.iter().filter_map(|raw| serde_json::from_str::<Value>(raw.get()).ok());
            let told: Vec<Value> = room.state.events.iter().cloned().chain(said).collect();
            for event in told.iter().filter(|event| event["type"].as_str() == Some("m.room.create")) {
                self.note(cursor, &harvest.me, id, &mut mark, event);
            }
            Self::settle(cursor, &harvest.me, id, &mut mark, &told, &room.summary);
        }
        let from = mark.follows.clone().filter(|_| first);
        cursor.rooms.insert(id.to_owned(), mark);
        if let Some(moved) = from.and_then(|from| rooms::moved(cursor, &from, id)) {
            harvest.push(moved);
        }
        // Of a room that we left, what was said while we were in may still be read.
        if room.timeline.limited
            && (joined || was_in)
            && let Some(from) = room.timeline.prev_batch.clone()
        {
            let to = cursor.next.clone().filter(|_| was_in);
            cursor.gaps.push(Gap::new(id, from, to));
        }
        let raws: Vec<&RawValue> = room.timeline.events.iter().map(AsRef::as_ref).collect();
        // On the first look a room shows its last messages, however old they are.
        let horizon = if was_in { i64::MIN } else { cursor.horizon };
        self.take_all(cursor, harvest, id, &raws, horizon).await?;
        if cursor.rooms.get(id).is_some_and(|room| room.direct) {
            self.receipts(cursor, harvest, id, &room.ephemeral.events);
        }
        Ok(())
    }

    /// Takes a run of a room's events, oldest first. What was sent before `horizon` is left where it is.
    pub(super) async fn take_all(
        &self,
        cursor: &mut Cursor,
        harvest: &mut Harvest,
        id: &str,
        raws: &[&RawValue],
        horizon: i64,
    ) -> Result<(), ChannelError> {
        let mut events = Vec::with_capacity(raws.len());
        for raw in raws {
            let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
            self.meet(&value);
            match Event::read(&value) {
                Ok(Some(event)) => {
                    let event = Arc::new(event);
                    // Those that follow may refer to it.
                    self.memory.keep_event(&event);
                    events.push((event, value));
                }
                Ok(None) => {}
                Err(error) => harvest.quarantine(id, raw.get(), error),
            }
        }
        for (event, value) in events {
            let mut mark = cursor.rooms.get(id).cloned().unwrap_or_default();
            self.note(cursor, &harvest.me, id, &mut mark, &value);
            cursor.rooms.insert(id.to_owned(), mark.clone());
            if event.kind == "m.room.tombstone"
                && let Some(moved) = mark.moved_to.as_deref().and_then(|to| rooms::moved(cursor, id, to))
            {
                harvest.push(moved);
            }
            if event.at.0 >= horizon {
                self.take(cursor, harvest, id, &mark, event).await?;
            }
        }
        Ok(())
    }

    async fn take(
        &self,
        cursor: &mut Cursor,
        harvest: &mut Harvest,
        id: &str,
        room: &Room,
        event: Arc<Event>,
    ) -> Result<(), ChannelError> {
        let at = Some(event.at);
        match event.kind.as_str() {
            "m.room.message" | "m.sticker" if event.redacted => {
                harvest.push(Item::Removed { external_id: event.id.clone(), at: None });
            }
            "m.room.message" | "m.sticker" => {
                let event = match event.replaces() {
                    None => event,
                    Some(target) => match self.event(id, target).await? {
                        // Only its author may put other words in a message's place.
                        Some(said) if said.sender == event.sender && said.kind == event.kind && !said.redacted => {
                            cursor.edits.retain(|(edit, _)| *edit != event.id);
                            cursor.edits.push((event.id.clone(), said.id.clone()));
                            let surplus = cursor.edits.len().saturating_sub(EDITS);
                            cursor.edits.drain(..surplus);
                            let edited = Arc::new(Event::clone(&said).changed(&event.content, event.at));
                            self.memory.keep_event(&edited);
                            edited
                        }
                        _ => return Ok(()),
                    },
                };
                self.said(cursor, harvest, id, room, event).await?;
            }
            // Who is meant in a larger room cannot be seen: everything said there would ring.
            "m.room.encrypted" if room.direct && !event.redacted => self.said(cursor, harvest, id, room, event).await?,
            "m.reaction" if !harvest.me.wrote(&event) => self.reacted(cursor, harvest, id, room, &event),
            "m.room.redaction" => {
                let Some(target) = &event.redacts else { return Ok(()) };
                let edited = cursor.edits.iter().find(|(edit, _)| edit == target).map(|(_, said)| said.clone());
                if let Some(said) = edited {
                    self.unedited(cursor, harvest, id, room, &said, event.at).await?;
                } else if !self.unreacted(cursor, harvest, target, at) {
                    if let Some(said) = self.memory.event(target).flatten() {
                        self.memory.keep_event(&Arc::new(Event { redacted: true, ..Event::clone(&said) }));
                    }
                    harvest.push(Item::Removed { external_id: target.clone(), at });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// An edit was taken back: what its message said before counts again.
    async fn unedited(
        &self,
        cursor: &Cursor,
        harvest: &mut Harvest,
        id: &str,
        room: &Room,
        target: &str,
        at: Timestamp,
    ) -> Result<(), ChannelError> {
        let before = self.memory.event(target).flatten().and_then(|event| event.edited);
        self.memory.forget_event(target);
        let Some(now) = self.event(id, target).await?.filter(|event| !event.redacted) else { return Ok(()) };
        // Newer than the words it takes the place of, whatever the clocks say.
        let at = before.map_or(at, |before| at.max(Timestamp(before.0 + 1)));
        let again = Arc::new(Event { edited: Some(at), ..Event::clone(&now) });
        self.memory.keep_event(&again);
        self.said(cursor, harvest, id, room, again).await
    }

    async fn said(
        &self,
        cursor: &Cursor,
        harvest: &mut Harvest,
        id: &str,
        room: &Room,
        event: Arc<Event>,
    ) -> Result<(), ChannelError> {
        let names_us = super::text::names(&event.content, &harvest.me.user);
        if !room.direct && event.parent().is_none() && !names_us && !harvest.me.everything {
            return Ok(());
        }
        let chain = if room.direct { vec![event] } else { self.chain(id, event).await? };
        self.learn_names(&chain).await?;
        let since = Timestamp(cursor.since);
        harvest.add(harvest.me.messages(id, room, &chain, |user| self.name(user), |event| event.at < since));
        Ok(())
    }
}
