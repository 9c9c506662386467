//! Every call the played homeserver answers, on one page.

use bytes::Bytes;
use serde_json::{Value, json};

use super::world::World;

/// One call, read.
pub struct Call<'a> {
    pub method: &'a str,
    pub path: Vec<&'a str>,
    pub query: &'a [(String, String)],
    pub token: Option<String>,
    pub mime: String,
    pub body: Value,
    pub bytes: Bytes,
}

impl Call<'_> {
    pub fn one(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    pub fn number(&self, name: &str) -> Option<u64> {
        self.one(name)?.parse().ok()
    }
}

/// What goes back.
pub enum Answer {
    Json(u16, Value),
    /// Nothing yet: may be waited for.
    Nothing(Value),
    File(String, Bytes),
}

pub fn ok(body: Value) -> Answer {
    Answer::Json(200, body)
}

pub fn refuse(status: u16, code: &str, error: &str) -> Answer {
    Answer::Json(status, json!({"errcode": code, "error": error}))
}

/// One segment of a path, as it was before it was put into an address.
pub fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        if let (b'%', Some(byte)) = (first, hex) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Answers a call.
pub fn answer(world: &mut World, call: &Call<'_>) -> Answer {
    let path = match call.path.as_slice() {
        ["_matrix", rest @ ..] => rest,
        [".well-known", "matrix", "client"] => return ok(json!({"m.homeserver": {"base_url": world.base}})),
        _ => return refuse(404, "M_UNRECOGNIZED", "Unrecognized request"),
    };
    match (call.method, path) {
        ("GET", ["client", "versions"]) => {
            return ok(json!({"versions": ["v1.1", "v1.11", "v1.12"], "unstable_features": {}}));
        }
        ("GET", ["client", _, "login"]) => return ok(json!({"flows": [{"type": "m.login.password"}]})),
        ("POST", ["client", _, "login"]) => return world.login(call),
        ("POST", ["client", _, "refresh"]) => return world.renew(call),
        _ => {}
    }
    let token = call.token.as_deref().or_else(|| call.one("access_token"));
    let Some(token) = token else { return refuse(401, "M_MISSING_TOKEN", "Missing access token") };
    let Some((me, device)) = world.tokens.get(token).cloned() else {
        let mut unknown =
            json!({"errcode": "M_UNKNOWN_TOKEN", "error": "Access token has expired", "soft_logout": true});
        if world.refresh.is_empty() {
            unknown["soft_logout"] = false.into();
        }
        return Answer::Json(401, unknown);
    };
    let who = (me.as_str(), device.as_str());
    match (call.method, path) {
        ("GET", ["client", _, "account", "whoami"]) => {
            ok(json!({"user_id": me, "device_id": device, "is_guest": false}))
        }
        ("POST", ["client", _, "logout"]) => {
            world.tokens.remove(token);
            ok(json!({}))
        }
        ("GET", ["client", _, "sync"]) => world.sync(who, call),
        ("POST", ["client", _, "user", _, "filter"]) => {
            let id = format!("filter{}", world.filters.len() + 1);
            world.filters.insert(id.clone(), call.body.clone());
            ok(json!({"filter_id": id}))
        }
        (_, ["client", _, "user", user, "account_data", kind]) if *user == me => data(world, call, &me, kind),
        ("GET", ["client", _, "profile", user, ..]) => match world.users.get(*user) {
            Some(known) => ok(json!({"displayname": known.display})),
            None => refuse(404, "M_NOT_FOUND", "Profile was not found"),
        },
        ("GET", ["client", _, "joined_rooms"]) => {
            let rooms = world.rooms.iter().filter(|(_, room)| room.membership(&me) == "join");
            ok(json!({"joined_rooms": rooms.map(|(id, _)| id).collect::<Vec<_>>()}))
        }
        ("POST", ["client", _, "createRoom"]) => world.create(&me, call),
        ("POST", ["client", _, "join", room] | ["client", _, "rooms", room, "join"]) => world.join(&me, room),
        (_, ["client", _, "rooms", room, rest @ ..]) => in_room(world, call, who, room, rest),
        ("POST", ["media", _, "upload"]) => {
            let url = world.keep(&call.mime, call.bytes.clone());
            ok(json!({"content_uri": url}))
        }
        ("GET", ["client", "v1", "media", "config"]) => ok(json!({"m.upload.size": 52_428_800})),
        ("GET", ["client", "v1", "media", "download", _, id, ..]) => match world.media.get(*id) {
            Some((mime, bytes)) => Answer::File(mime.clone(), bytes.clone()),
            None => refuse(404, "M_NOT_FOUND", "Not found"),
        },
        _ => refuse(404, "M_UNRECOGNIZED", "Unrecognized request"),
    }
}

fn data(world: &mut World, call: &Call<'_>, me: &str, kind: &str) -> Answer {
    if call.method == "PUT" {
        world.set_data(me, kind, call.body.clone());
        return ok(json!({}));
    }
    match world.data.get(&(me.to_owned(), kind.to_owned())) {
        Some((_, content)) => ok(content.clone()),
        None => refuse(404, "M_NOT_FOUND", "Account data not found"),
    }
}

fn in_room(world: &mut World, call: &Call<'_>, who: (&str, &str), room: &str, rest: &[&str]) -> Answer {
    let me = who.0;
    match (call.method, rest) {
        ("PUT", ["send", kind, transaction]) => world.send(who, (room, kind, transaction), call.body.clone()),
        ("PUT", ["redact", event, transaction]) => {
            let reason = call.body["reason"].as_str().unwrap_or_default();
            world.take_away(who, (room, event, transaction), reason)
        }
        ("POST", [act @ ("invite" | "leave" | "kick" | "ban"), ..]) => world.member(me, room, act, call),
        ("GET", ["event", event]) => world.event(who, room, event),
        ("GET", ["messages"]) => world.messages(who, room, call),
        ("GET", ["relations", rest @ ..]) if !rest.is_empty() => world.relations(who, room, rest),
        ("GET", ["joined_members"]) => match world.rooms.get(room) {
            Some(known) => {
                let people = known.members("join").into_iter();
                let people = people.map(|user| {
                    let display = world.users.get(&user).map(|known| known.display.clone());
                    (user, json!({"display_name": display, "avatar_url": null}))
                });
                ok(json!({"joined": people.collect::<serde_json::Map<_, _>>()}))
            }
            None => refuse(403, "M_FORBIDDEN", "Unknown room"),
        },
        ("PUT", ["state", kind, key @ ..]) => {
            let key = key.first().copied().unwrap_or_default().to_owned();
            let id = world.emit(room, kind, me, Some(key), call.body.clone(), None);
            ok(json!({"event_id": id}))
        }
        ("GET", ["state", kind, key @ ..]) => {
            let found =
                world.rooms.get(room).and_then(|known| known.state(kind, key.first().copied().unwrap_or_default()));
            match found {
                Some(event) => ok(event.json["content"].clone()),
                None => refuse(404, "M_NOT_FOUND", "Event not found."),
            }
        }
        ("POST", ["receipt", "m.read", event]) => {
            world.receipt(room, me, event);
            ok(json!({}))
        }
        ("POST", ["read_markers" | "report", ..]) | ("PUT", ["typing", _]) => ok(json!({})),
        _ => refuse(404, "M_UNRECOGNIZED", "Unrecognized request"),
    }
}
