//! What somebody sees: the sync, a room's past, one event, relations.

use serde_json::{Map, Value, json};

use super::routes::{Answer, Call, ok, refuse};
use super::world::{Event, Room, World};

/// How a place in the stream is written.
fn token(pos: u64) -> String {
    format!("s{pos}")
}

fn place(token: &str) -> Option<u64> {
    token.strip_prefix('s')?.parse().ok()
}

/// Whether a filter lets something of this kind (or sender, or room) through.
fn lets(filter: &Value, list: &str, value: &str) -> bool {
    let named = |list: &str| filter[list].as_array().map(|all| all.iter().any(|one| one == value || one == "*"));
    named(list).unwrap_or(true) && !named(&format!("not_{list}")).unwrap_or(false)
}

fn wanted(filter: &Value, event: &Event) -> bool {
    let text = |key: &str| event.json[key].as_str().unwrap_or_default();
    lets(filter, "types", text("type")) && lets(filter, "senders", text("sender"))
}

/// An event as the owner of a device sees it.
fn shown(event: &Event, device: &str) -> Value {
    let mut json = event.json.clone();
    if let Some((of, transaction)) = &event.by
        && of == device
    {
        json["unsigned"]["transaction_id"] = transaction.clone().into();
    }
    json
}

impl World {
    /// What happened since a place; waits are the caller's.
    pub fn sync(&self, (me, device): (&str, &str), call: &Call<'_>) -> Answer {
        let since = match call.one("since") {
            None | Some("") => None,
            Some(text) => match place(text).filter(|at| *at <= self.pos) {
                Some(at) => Some(at),
                None => return refuse(400, "M_UNKNOWN", "Invalid stream token"),
            },
        };
        let named = call.one("filter").unwrap_or("{}");
        let filter = match self.filters.get(named) {
            Some(filter) => filter.clone(),
            None => serde_json::from_str(named).unwrap_or_default(),
        };
        let (mut join, mut invite, mut leave) = (Map::new(), Map::new(), Map::new());
        for (id, room) in self.rooms.iter().filter(|(id, _)| lets(&filter["room"], "rooms", id)) {
            match room.membership(me) {
                "join" => {
                    if let Some(seen) = in_room(room, (me, device), since, &filter["room"]) {
                        join.insert(id.clone(), seen);
                    }
                }
                "invite" if since.is_none_or(|since| room.since(me) > since) => {
                    let ours = |event: &&Event| event.json["type"] != "m.room.member" || event.json["state_key"] == me;
                    let strip = |event: &Event| json!({"type": event.json["type"], "state_key": event.json["state_key"], "sender": event.json["sender"], "content": event.json["content"]});
                    let state: Vec<Value> = room.all_state().into_iter().filter(ours).map(strip).collect();
                    invite.insert(id.clone(), json!({"invite_state": {"events": state}}));
                }
                "leave" | "ban" if since.is_some_and(|since| room.since(me) > since) => {
                    let news = room.events.iter().filter(|event| since.is_none_or(|since| event.pos > since));
                    let news: Vec<&Event> = news
                        .filter(|event| event.pos <= room.since(me) && wanted(&filter["room"]["timeline"], event))
                        .collect();
                    let limit = filter["room"]["timeline"]["limit"].as_u64().unwrap_or(20) as usize;
                    let last = &news[news.len().saturating_sub(limit)..];
                    let prev = last.first().map_or(0, |first| first.pos - 1);
                    let events: Vec<Value> = last.iter().map(|event| shown(event, device)).collect();
                    leave.insert(id.clone(), json!({"timeline": {"events": events, "limited": news.len() > limit, "prev_batch": token(prev)}, "state": {"events": []}}));
                }
                _ => {}
            }
        }
        let data = self.data.iter().filter(|((user, kind), (pos, _))| {
            user == me && since.is_none_or(|since| *pos > since) && lets(&filter["account_data"], "types", kind)
        });
        let data: Vec<Value> =
            data.map(|((_, kind), (_, content))| json!({"type": kind, "content": content})).collect();
        let quiet = join.is_empty() && invite.is_empty() && leave.is_empty() && data.is_empty();
        let mut answer = json!({"next_batch": token(self.pos), "device_one_time_keys_count": {"signed_curve25519": 0}});
        if !quiet {
            answer["account_data"] = json!({"events": data});
            answer["rooms"] = json!({"join": join, "invite": invite, "leave": leave});
        }
        if quiet && since.is_some() { Answer::Nothing(answer) } else { ok(answer) }
    }

    /// A page of a room's past or future.
    pub fn messages(&self, (me, device): (&str, &str), id: &str, call: &Call<'_>) -> Answer {
        let member = |room: &&Room| matches!(room.membership(me), "join" | "leave" | "ban");
        let Some(room) = self.rooms.get(id).filter(member) else {
            return refuse(403, "M_FORBIDDEN", "User not in room");
        };
        // Whoever left may read what was said while they were in.
        let end = if room.membership(me) == "join" { u64::MAX } else { room.since(me) };
        let back = call.one("dir") != Some("f");
        let limit = call.number("limit").unwrap_or(10).clamp(1, 500) as usize;
        let filter: Value = call.one("filter").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let from = call.one("from").and_then(place).unwrap_or(if back { self.pos } else { 0 });
        let to = call.one("to").and_then(place);
        let within = |event: &&Event| {
            let inside = if back { event.pos <= from } else { event.pos > from };
            let before_end = to.is_none_or(|to| if back { event.pos > to } else { event.pos <= to });
            inside && before_end && event.pos <= end && wanted(&filter, event)
        };
        let mut found: Vec<&Event> = room.events.iter().filter(within).collect();
        if back {
            found.reverse();
        }
        found.truncate(limit);
        let mut answer = json!({"start": token(from), "chunk": found.iter().map(|event| with_room(shown(event, device), id)).collect::<Vec<_>>()});
        if let Some(last) = found.last() {
            answer["end"] = token(if back { last.pos - 1 } else { last.pos }).into();
        }
        if filter["lazy_load_members"].as_bool() == Some(true) {
            let senders: Vec<&Value> = found.iter().map(|event| &event.json["sender"]).collect();
            let members = room.all_state().into_iter().filter(|event| event.json["type"] == "m.room.member");
            answer["state"] = members
                .filter(|event| senders.contains(&&event.json["state_key"]))
                .map(|event| shown(event, device))
                .collect();
        }
        ok(answer)
    }

    pub fn event(&self, (me, device): (&str, &str), id: &str, event: &str) -> Answer {
        let room = self.rooms.get(id).filter(|room| room.membership(me) == "join");
        match room.and_then(|room| room.find(event)) {
            Some(event) => ok(with_room(shown(event, device), id)),
            None => refuse(404, "M_NOT_FOUND", "Event not found."),
        }
    }

    /// What relates to an event, newest first.
    pub fn relations(&self, (me, device): (&str, &str), id: &str, path: &[&str]) -> Answer {
        let Some(room) = self.rooms.get(id).filter(|room| room.membership(me) == "join") else {
            return refuse(404, "M_NOT_FOUND", "Unknown room");
        };
        let related = |event: &&Event| {
            let to = &event.json["content"]["m.relates_to"];
            to["event_id"] == path[0]
                && path.get(1).is_none_or(|kind| to["rel_type"] == *kind)
                && path.get(2).is_none_or(|kind| event.json["type"] == *kind)
        };
        let found: Vec<Value> =
            room.events.iter().rev().filter(related).map(|event| with_room(shown(event, device), id)).collect();
        ok(json!({"chunk": found}))
    }
}

fn with_room(mut event: Value, id: &str) -> Value {
    event["room_id"] = id.into();
    event
}

/// A room that somebody is in, since a place; `None` when nothing happened.
fn in_room(room: &Room, (me, device): (&str, &str), since: Option<u64>, filter: &Value) -> Option<Value> {
    let fresh = since.is_none_or(|since| joined_at(room, me) > since);
    let after = since.filter(|_| !fresh).unwrap_or(0);
    let limit = filter["timeline"]["limit"].as_u64().unwrap_or(20) as usize;
    let all: Vec<&Event> =
        room.events.iter().filter(|event| event.pos > after && wanted(&filter["timeline"], event)).collect();
    let receipts: Vec<_> = room.receipts.iter().filter(|(pos, ..)| since.is_none_or(|since| *pos > since)).collect();
    let receipts = if lets(&filter["ephemeral"], "types", "m.receipt") { receipts } else { Vec::new() };
    if !fresh && all.is_empty() && receipts.is_empty() {
        return None;
    }
    let limited = all.len() > limit;
    let timeline = &all[all.len().saturating_sub(limit)..];
    let prev = timeline.first().map_or(after, |first| first.pos - 1);
    let senders: Vec<&Value> = timeline.iter().map(|event| &event.json["sender"]).collect();
    let state = room.all_state().into_iter().filter(|event| {
        let speaks = event.json["type"] == "m.room.member" && senders.contains(&&event.json["state_key"]);
        wanted(&filter["state"], event) && (fresh || speaks) && !timeline.iter().any(|one| one.pos == event.pos)
    });
    let state: Vec<Value> = state.map(|event| shown(event, device)).collect();
    let mut read = json!({});
    for (_, event, user, at) in &receipts {
        read[event]["m.read"][user] = json!({"ts": at});
    }
    let ephemeral = if receipts.is_empty() { json!([]) } else { json!([{"type": "m.receipt", "content": read}]) };
    let heroes: Vec<String> = room.members("join").into_iter().filter(|user| user != me).take(5).collect();
    Some(json!({
        "timeline": {"events": timeline.iter().map(|event| shown(event, device)).collect::<Vec<_>>(), "limited": limited, "prev_batch": token(prev)},
        "state": {"events": state},
        "ephemeral": {"events": ephemeral},
        "account_data": {"events": []},
        "unread_notifications": {"notification_count": 0, "highlight_count": 0},
        "summary": {
            "m.heroes": heroes,
            "m.joined_member_count": room.members("join").len(),
            "m.invited_member_count": room.members("invite").len(),
        },
    }))
}

/// When somebody came in, names they changed since left aside.
fn joined_at(room: &Room, me: &str) -> u64 {
    let mut at = 0;
    let mut inside = false;
    for event in
        room.events.iter().filter(|event| event.json["type"] == "m.room.member" && event.json["state_key"] == me)
    {
        let joins = event.json["content"]["membership"] == "join";
        if joins && !inside {
            at = event.pos;
        }
        inside = joins;
    }
    at
}
