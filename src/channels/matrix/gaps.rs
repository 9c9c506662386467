//! What an answer left out: read back page by page until what we have, and one event read again.
//!
//! Promises: a room whose past cannot be read stops no other: it is tried less and less often, and then held for a person, who can
//! have it read again.
//! Source: client-server API v1.19, `/rooms/{roomId}/messages`, read and tried on Synapse 1.163, 2026-11.

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Matrix;
use super::api::{self, Call, Fault};
use super::harvest::Harvest;
use super::sync::Cursor;
use super::wire::{self, Event, TYPES};
use crate::channels::{Batch, ChannelError, Unreadable};

/// How many events a page asks for.
const PAGE: &str = "100";
/// So many times it is asked for at once.
const AT_ONCE: u32 = 3;
/// How often a page is asked for before it is held: over about fourteen hours.
const TRIES: u32 = 20;
/// How long a page may take once the first try took too long: over federation a homeserver may have to fetch the past itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stretch of a room's past that was not told: back from one place to another, or to the horizon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub room: String,
    pub from: String,
    /// Where what we have ends; `None` when we have nothing of the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How often it could not be read.
    #[serde(default)]
    tries: u32,
    /// Not before this moment, in ms.
    #[serde(default)]
    pub after: i64,
    /// What was read meanwhile, and when: it may be in here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<(String, i64)>,
}

impl Gap {
    #[must_use]
    pub fn new(room: &str, from: String, to: Option<String>) -> Self {
        Self { room: room.to_owned(), from, to, tries: 0, after: 0, read: Vec::new() }
    }
}

/// What is held of a past that cannot be read.
#[derive(Serialize, Deserialize)]
struct Held {
    gap: Gap,
    since: i64,
    horizon: i64,
}

impl Matrix {
    /// Reads one page back, and says whether that worked; what is still missing stays in the cursor.
    pub(super) async fn fill(
        &self,
        cursor: &mut Cursor,
        mut gap: Gap,
        harvest: &mut Harvest,
    ) -> Result<bool, ChannelError> {
        let (said, hopeless) = match self.page(&gap).await {
            Ok(page) => return self.take_page(cursor, gap, page, harvest).await.map(|()| true),
            // We are not in the room any more: what was said there is not ours to read.
            Err(Fault::Refused(refusal)) if matches!(refusal.status, 403 | 404) => {
                tracing::info!(room = gap.room, said = refusal.said, "a room's past cannot be read");
                return Ok(true);
            }
            // The homeserver does not know this place (any more), as after a restore.
            Err(Fault::Refused(refusal)) if refusal.status == 400 => (refusal.said, true),
            Err(Fault::Refused(refusal)) if refusal.status >= 500 => (refusal.said, false),
            Err(Fault::Lost(why)) => (why, false),
            Err(Fault::Decided(error)) if error.code == "matrix.not_json" => (error.cause.en, false),
            Err(fault) => return Err(api::of_feed(self.say(fault))),
        };
        gap.tries += 1;
        if !hopeless && gap.tries < TRIES {
            if gap.tries >= AT_ONCE {
                gap.after = self.now().0 + 15_000 * (1 << gap.tries.min(8));
            }
            tracing::info!(room = gap.room, said, tries = gap.tries, "a room's past cannot be read for now");
            cursor.gaps.push(gap);
        } else {
            tracing::warn!(room = gap.room, said, "a room's past cannot be read; held");
            let error = format!("what was said in {} while Balie was away cannot be read: {said}", gap.room);
            let held = Held { gap, since: cursor.since, horizon: cursor.horizon };
            harvest.hold(serde_json::to_string(&held).unwrap_or_default(), &error);
        }
        Ok(false)
    }

    async fn page(&self, gap: &Gap) -> Result<wire::Page, Fault> {
        let filter = json!({"types": TYPES, "lazy_load_members": true, "include_redundant_members": true}).to_string();
        let mut query = vec![("dir", "b"), ("from", gap.from.as_str()), ("limit", PAGE), ("filter", filter.as_str())];
        query.extend(gap.to.as_deref().map(|to| ("to", to)));
        let path = ["client", "v3", "rooms", &gap.room, "messages"];
        let mut call = Call { query: &query, ..Call::new(Method::GET, &path) };
        if gap.tries > 0 {
            call.patience = Some(PATIENCE);
        }
        let answer = self.api.call(&call).await?;
        serde_json::from_str(&api::text(&answer)).map_err(|_| api::not_json().into())
    }

    async fn take_page(
        &self,
        cursor: &mut Cursor,
        gap: Gap,
        page: wire::Page,
        harvest: &mut Harvest,
    ) -> Result<(), ChannelError> {
        for member in &page.state {
            self.meet(member);
        }
        let horizon = if gap.to.is_some() { i64::MIN } else { cursor.horizon };
        let oldest = page.chunk.last().and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        let reached = oldest.and_then(|event| event["origin_server_ts"].as_i64()).is_some_and(|at| at < horizon);
        let raws: Vec<&RawValue> = page.chunk.iter().rev().map(AsRef::as_ref).collect();
        self.take_all(cursor, harvest, &gap.room, &raws, horizon).await?;
        match page.end.filter(|end| !reached && *end != gap.from) {
            Some(end) => cursor.gaps.push(Gap { from: end, tries: 0, after: 0, ..gap }),
            None => self.told_again(cursor, harvest, &gap),
        }
        Ok(())
    }

    /// Reads a past that was held, to its end.
    async fn read_past(&self, held: Held) -> Result<Batch, ChannelError> {
        let gap = Gap { tries: 1, after: 0, ..held.gap };
        let rooms = self.memory.room(&gap.room).map(|known| (gap.room.clone(), known)).into_iter().collect();
        let (since, horizon) = (held.since, held.horizon);
        let mut cursor = Cursor { rooms, since, horizon, gaps: vec![gap], ..Cursor::default() };
        let mut harvest = Harvest::new(self.me().await?);
        while let Some(gap) = cursor.gaps.pop() {
            if !self.fill(&mut cursor, gap, &mut harvest).await? {
                return Err(ChannelError::transient("the homeserver still cannot show this room's past"));
            }
        }
        Ok(harvest.finish(None, false))
    }

    /// Reads what could not be read before: a past, or one event as we kept it (with its room) or as the homeserver sends it.
    pub(super) async fn read_again(&self, payload: &str) -> Result<Batch, ChannelError> {
        let still = |error: &str| {
            let unreadable = vec![Unreadable { payload: payload.to_owned(), error: error.to_owned() }];
            Ok(Batch { unreadable, ..Batch::default() })
        };
        let Ok(value) = serde_json::from_str::<Value>(payload) else { return still("this is not JSON") };
        if let Ok(held) = Held::deserialize(&value) {
            return self.read_past(held).await;
        }
        let event = if value["event"].is_object() { &value["event"] } else { &value };
        let id = match Event::read(event) {
            Ok(Some(event)) => event.id,
            Ok(None) => return Ok(Batch::default()),
            Err(error) => return still(error),
        };
        let room = match value["room_id"].as_str() {
            Some(room) => Some(room.to_owned()),
            None => self.room_with(&id).await?,
        };
        let Some(room) = room else { return still("no room of the account has this event") };
        let Ok(raw) = serde_json::value::to_raw_value(event) else { return still("this is not JSON") };
        let rooms = self.memory.room(&room).map(|known| (room.clone(), known)).into_iter().collect();
        let mut cursor = Cursor { rooms, ..Cursor::default() };
        let mut harvest = Harvest::new(self.me().await?);
        self.take_all(&mut cursor, &mut harvest, &room, &[&raw], i64::MIN).await?;
        Ok(harvest.finish(None, false))
    }

    /// The room that has an event: an event alone does not say.
    async fn room_with(&self, id: &str) -> Result<Option<String>, ChannelError> {
        let joined = self.api.get(&["client", "v3", "joined_rooms"], &[]).await.map_err(|fault| self.say(fault))?;
        let joined: Value = api::read(&joined)?;
        for room in joined["joined_rooms"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            match self.api.get(&["client", "v3", "rooms", room, "event", id], &[]).await {
                Ok(_) => return Ok(Some(room.to_owned())),
                Err(Fault::Refused(refusal)) if matches!(refusal.status, 400 | 403 | 404) => {}
                Err(fault) => return Err(self.say(fault)),
            }
        }
        Ok(None)
    }
}
