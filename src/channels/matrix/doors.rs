//! Rooms to go into: invitations, and rooms that took the place of another; and telling the account's other clients which are
//! private.
//!
//! Promises: nobody gets us to stay in a room by closing another: one that does not say itself that it took the other's place is
//! left again; an invitation is told once by the homeserver and kept with the cursor until it is taken or given up; going in
//! twice is going in once; anybody may invite us to a room on a server that never answers, or to more rooms than
//! we may go into, and that stops no news.
//! Source: client-server API v1.19, "Room membership", "Direct messaging", "Room upgrades", read 2026-11.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Matrix;
use super::api::{self, Fault};
use super::convert::{Me, Room};
use super::rooms;
use super::sync::Cursor;
use super::wire;
use crate::channels::ChannelError;

/// Over federation the first tries may come too early.
const TRIES: u32 = 8;
/// Where nobody says no, the other server may be away for days.
const MOST_TRIES: u32 = 100;

/// Which invitations are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Direct,
    All,
    None,
}

impl Policy {
    #[must_use]
    pub fn of(setting: &str) -> Self {
        match setting {
            "all" => Self::All,
            "none" => Self::None,
            _ => Self::Direct,
        }
    }
}

/// A room to go into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    pub room: String,
    /// Who asked: their server knows the way.
    by: String,
    /// The room it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// We are in, and the room is private: what is left is to say so to the account's other clients.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    inside: bool,
    #[serde(default)]
    tries: u32,
    /// Not before this moment, in ms.
    #[serde(default)]
    pub after: i64,
}

impl Door {
    fn invited(room: &str, by: &str) -> Self {
        Self { room: room.to_owned(), by: by.to_owned(), from: None, inside: false, tries: 0, after: 0 }
    }

    #[must_use]
    pub fn moved(room: &str, by: &str, from: &str) -> Self {
        Self { from: Some(from.to_owned()), ..Self::invited(room, by) }
    }

    #[must_use]
    pub fn inside(room: &str, by: &str, from: Option<&str>) -> Self {
        Self { from: from.map(str::to_owned), inside: true, ..Self::invited(room, by) }
    }
}

impl Matrix {
    /// Notes an invitation, and whether it says that the room is private.
    pub(super) fn invited(&self, cursor: &mut Cursor, me: &Me, id: &str, raw: &RawValue) {
        let state: wire::Invited = serde_json::from_str(raw.get()).unwrap_or_default();
        let ours = state.invite_state.events.iter().rfind(|event| {
            event["type"].as_str() == Some("m.room.member") && event["state_key"].as_str() == Some(&me.user)
        });
        let Some(by) = ours.and_then(|event| event["sender"].as_str()).filter(|by| wire::is_user(by)) else { return };
        if !wire::is_id(id, '!') {
            return;
        }
        let claimed = ours.is_some_and(|event| event["content"]["is_direct"].as_bool() == Some(true))
            && !rooms::is_open(&state.invite_state.events);
        let direct = match cursor.rooms.get(id) {
            // We were in it: then it was decided what it is.
            Some(room) if room.invited.is_none() => claimed && room.direct,
            _ => claimed,
        };
        if claimed {
            // Kept, because inside the invitation is not to be seen any more.
            cursor
                .rooms
                .entry(id.to_owned())
                .or_insert_with(|| Room { invited: Some(by.to_owned()), ..Room::default() });
        }
        let wanted = match self.invites {
            Policy::All => true,
            Policy::Direct => direct,
            Policy::None => false,
        };
        if wanted {
            // Whoever invites us need not close another room to get us in.
            cursor.doors.retain(|door| door.room != id || door.from.is_none());
            if !cursor.doors.iter().any(|door| door.room == id) {
                cursor.doors.push(Door::invited(id, by));
            }
        }
    }

    /// Goes in; whether that worked. What does not work now is tried again later, less and less often.
    pub(super) async fn enter(&self, cursor: &mut Cursor, mut door: Door) -> Result<bool, ChannelError> {
        // A colleague went in with another client: then it is not ours to leave.
        if !door.inside && door.from.is_some() && cursor.rooms.get(&door.room).is_some_and(|room| room.joined) {
            return Ok(true);
        }
        let done = if door.inside { self.list(&door).await } else { self.walk_in(&door).await };
        let (said, most) = match done {
            Ok(()) => return Ok(true),
            // Going in has a limit of its own, and strangers can use it up with invitations: only going in waits for it.
            Err(Fault::Refused(refusal)) if refusal.is_limit() => {
                let until = refusal.wait_until(self.now()).0;
                cursor.doors.push(door);
                cursor.doors.iter_mut().for_each(|door| door.after = door.after.max(until));
                return Ok(false);
            }
            Err(Fault::Refused(refusal)) if refusal.status >= 500 => (refusal.said, MOST_TRIES),
            Err(Fault::Refused(refusal)) if !refusal.is_token() => (refusal.said, TRIES),
            Err(Fault::Lost(why)) => (why, MOST_TRIES),
            Err(fault) => return Err(self.say(fault)),
        };
        door.tries += 1;
        if door.tries < most {
            door.after = self.now().0 + 15_000 * (1 << door.tries.min(8));
            tracing::info!(room = door.room, said, tries = door.tries, "a room does not let us in yet");
            cursor.doors.push(door);
        } else {
            tracing::warn!(room = door.room, said, "a room does not let us in; given up");
        }
        Ok(false)
    }

    async fn walk_in(&self, door: &Door) -> Result<(), Fault> {
        let server = door.by.split_once(':').map_or("", |(_, server)| server);
        let (path, nothing) = (["client", "v3", "join", door.room.as_str()], json!({}));
        let call = api::Call {
            query: &[("via", server), ("server_name", server)],
            body: api::Body::Json(&nothing),
            // The homeserver goes on by itself; then the next try finds us inside.
            patience: Some(api::PATIENCE),
            ..api::Call::new(Method::POST, &path)
        };
        self.api.call(&call).await?;
        let Some(from) = &door.from else { return Ok(()) };
        let path = ["client", "v3", "rooms", door.room.as_str(), "state", "m.room.create"];
        let create: Value = match self.api.get(&path, &[]).await {
            Ok(answer) => api::read(&answer)?,
            Err(Fault::Refused(refusal)) if refusal.is_absent() => Value::Null,
            Err(fault) => return Err(fault),
        };
        if create["predecessor"]["room_id"].as_str() == Some(from) {
            return Ok(());
        }
        tracing::info!(
            room = door.room,
            from,
            "a room that was named as another's successor does not say so; left again"
        );
        let path = ["client", "v3", "rooms", door.room.as_str(), "leave"];
        self.api.send(Method::POST, &path, &nothing).await.map(drop)
    }

    /// Puts a private room on the account's own list of them.
    async fn list(&self, door: &Door) -> Result<(), Fault> {
        let user = self.api.login().await?.user;
        let path = ["client", "v3", "user", user.as_str(), "account_data", "m.direct"];
        let mut people: Value = match self.api.get(&path, &[]).await {
            Ok(answer) => api::read(&answer)?,
            Err(Fault::Refused(refusal)) if refusal.is_absent() => json!({}),
            Err(fault) => return Err(fault),
        };
        let Some(people_map) = people.as_object_mut() else { return Ok(()) };
        let listed =
            |rooms: &Value, id: &str| rooms.as_array().is_some_and(|rooms| rooms.iter().any(|room| room == id));
        let already = people_map.values().any(|rooms| listed(rooms, &door.room));
        let peer = match &door.from {
            Some(from) => people_map.iter().find(|(_, rooms)| listed(rooms, from)).map(|(user, _)| user.clone()),
            None => Some(door.by.clone()),
        };
        let Some(peer) = peer.filter(|_| !already) else { return Ok(()) };
        match people_map.entry(peer).or_insert_with(|| json!([])) {
            Value::Array(rooms) => rooms.push(door.room.clone().into()),
            other => *other = json!([door.room]),
        }
        self.api.send(Method::PUT, &path, &people).await.map(drop)
    }
}
