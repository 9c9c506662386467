//! What an answer left out: read back page by page until what we have, and one event read again.
//!
//! Source: client-server API v1.19, `/rooms/{roomId}/messages`, read and tried on Synapse 1.163, 2026-11.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Matrix;
use super::api::{self, Fault};
use super::harvest::Harvest;
use super::sync::Cursor;
use super::wire::{self, Event, TYPES};
use crate::channels::{Batch, ChannelError, Unreadable};

/// How many events a page asks for.
const PAGE: &str = "100";

/// A stretch of a room's past that was not told: back from one place to another, or to the horizon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub room: String,
    pub from: String,
    /// Where what we have ends; `None` when we have nothing of the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Matrix {
    /// Reads one page back; what is still missing stays in the cursor.
    pub(super) async fn fill(&self, cursor: &mut Cursor, gap: Gap, harvest: &mut Harvest) -> Result<(), ChannelError> {
        let filter = json!({"types": TYPES, "lazy_load_members": true, "include_redundant_members": true}).to_string();
        let mut query = vec![("dir", "b"), ("from", gap.from.as_str()), ("limit", PAGE), ("filter", filter.as_str())];
        query.extend(gap.to.as_deref().map(|to| ("to", to)));
        let answer = match self.api.get(&["client", "v3", "rooms", &gap.room, "messages"], &query).await {
            Ok(answer) => answer,
            // We are not in the room any more: what was said there is not ours to read.
            Err(Fault::Refused(refusal)) if matches!(refusal.status, 403 | 404) => {
                tracing::info!(room = gap.room, said = refusal.said, "a room's past cannot be read");
                return Ok(());
            }
            Err(fault) => return Err(api::of_feed(self.say(fault))),
        };
        let text = api::text(&answer);
        let page: wire::Page = serde_json::from_str(&text).map_err(|_| api::not_json())?;
        for member in &page.state {
            self.meet(member);
        }
        let horizon = if gap.to.is_some() { i64::MIN } else { cursor.horizon };
        let oldest = page.chunk.last().and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        let reached = oldest.and_then(|event| event["origin_server_ts"].as_i64()).is_some_and(|at| at < horizon);
        let raws: Vec<&RawValue> = page.chunk.iter().rev().map(AsRef::as_ref).collect();
        self.take_all(cursor, harvest, &gap.room, &raws, horizon).await?;
        if let Some(end) = page.end.filter(|end| !reached && *end != gap.from) {
            cursor.gaps.push(Gap { from: end, ..gap });
        }
        Ok(())
    }

    /// Reads one event that could not be read before: as we kept it (with its room), or as the homeserver sends it.
    pub(super) async fn read_again(&self, payload: &str) -> Result<Batch, ChannelError> {
        let still = |error: &str| {
            let unreadable = vec![Unreadable { payload: payload.to_owned(), error: error.to_owned() }];
            Ok(Batch { unreadable, ..Batch::default() })
        };
        let Ok(value) = serde_json::from_str::<Value>(payload) else { return still("this is not JSON") };
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
