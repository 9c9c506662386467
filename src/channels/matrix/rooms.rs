//! What is known of a room: its name, whether it is locked, which other it goes on from, and whether it is private.
//!
//! Promises: whether a room is private is decided once, when we are first seen inside, by what the room says of itself: an
//! invitation can claim anything. A talk goes on in another room only where both say so, the one that it moved and the other that
//! it came from there: whoever closes a room can name any other.
//! Source: client-server API v1.19, "Room upgrades", "Direct messaging", `m.room.create`, `m.room.join_rules`, read 2026-11.

use serde_json::Value;

use super::Matrix;
use super::convert::{self, Me, Room};
use super::doors::{Door, Policy};
use super::sync::Cursor;
use super::wire;
use crate::channels::Item;

/// More people than this are no talk between a few, whatever an invitation says.
const FEW: i64 = 10;

impl Matrix {
    /// What a state event says about its room.
    pub(super) fn note(&self, cursor: &mut Cursor, me: &Me, id: &str, room: &mut Room, event: &Value) {
        // A message of such a kind may be sent by anybody, and changes nothing.
        if event["state_key"].as_str() != Some("") {
            return;
        }
        let content = &event["content"];
        match event["type"].as_str() {
            Some("m.room.encryption") => room.locked = true,
            Some("m.room.name") => {
                let at = event["origin_server_ts"].as_i64().unwrap_or(room.named);
                if at >= room.named {
                    room.named = at;
                    room.name = content["name"].as_str().filter(|name| !name.trim().is_empty()).map(short);
                }
            }
            Some("m.room.canonical_alias") if room.name.is_none() => room.name = content["alias"].as_str().map(short),
            Some("m.room.create") => {
                let from = content["predecessor"]["room_id"].as_str().filter(|from| wire::is_id(from, '!'));
                room.follows = from.map(str::to_owned);
            }
            Some("m.room.tombstone") if room.moved_to.is_none() => {
                let Some(to) = content["replacement_room"].as_str().filter(|to| wire::is_id(to, '!')) else { return };
                room.moved_to = Some(to.to_owned());
                let inside = cursor.rooms.get(to).is_some_and(|there| there.joined);
                if !inside && self.invites != Policy::None && !cursor.doors.iter().any(|door| door.room == to) {
                    cursor.doors.push(Door::moved(to, event["sender"].as_str().unwrap_or(&me.user), id));
                }
            }
            _ => {}
        }
    }

    /// Decides what a room is that we are seen in for the first time; `told` is what it says of itself.
    pub(super) fn settle(cursor: &mut Cursor, me: &Me, id: &str, room: &mut Room, told: &[Value], summary: &Value) {
        let invited = room.invited.take();
        let from = room
            .follows
            .clone()
            .filter(|from| cursor.rooms.get(from).is_some_and(|old| old.direct && old.moved_to.as_deref() == Some(id)));
        let promised = invited.is_some() || from.is_some();
        room.direct = cursor.direct.contains(id) || is_private(told, summary, &me.user, promised);
        // Other clients of the account must know it for a private room, too.
        if room.direct && promised {
            let by = invited.unwrap_or_else(|| me.user.clone());
            cursor.doors.retain(|door| door.room != id);
            cursor.doors.push(Door::inside(id, &by, from.as_deref()));
        }
    }
}

/// A private talk that goes on in another room.
pub fn moved(cursor: &Cursor, from: &str, to: &str) -> Option<Item> {
    let (old, new) = (cursor.rooms.get(from)?, cursor.rooms.get(to)?);
    let agreed = old.moved_to.as_deref() == Some(to) && new.follows.as_deref() == Some(from);
    (agreed && old.direct && new.direct && new.joined)
        .then(|| Item::Moved { from: from.to_owned(), to: convert::private_thread(to, new) })
}

/// Whether anybody may walk into a room, or find it by its name.
pub fn is_open(told: &[Value]) -> bool {
    let free = |rule: &Value| matches!(rule.as_str(), Some("public" | "restricted" | "knock_restricted"));
    told.iter().any(|event| match event["type"].as_str() {
        Some("m.room.canonical_alias") => is_filled(event),
        Some("m.room.join_rules") => free(&event["content"]["join_rule"]),
        _ => false,
    })
}

fn is_filled(event: &Value) -> bool {
    event["content"].as_object().is_some_and(|content| !content.is_empty())
}

/// Whether a room is between us and one other, or a few where an invitation or the room before it said so: two people at
/// most, nobody gave it a name, and nobody may just walk in. What was said of it may still be in the timeline.
fn is_private(told: &[Value], summary: &Value, me: &str, promised: bool) -> bool {
    let invited_so = told.iter().any(|event| {
        event["state_key"].as_str() == Some(me)
            && (event["content"]["is_direct"].as_bool() == Some(true)
                || event["unsigned"]["prev_content"]["is_direct"].as_bool() == Some(true))
    });
    let people = |key: &str| summary[key].as_i64();
    let inside = people("m.joined_member_count").map(|joined| joined + people("m.invited_member_count").unwrap_or(0));
    let named = told.iter().any(|event| event["type"].as_str() == Some("m.room.name") && is_filled(event));
    let few = inside.is_none_or(|inside| inside <= FEW);
    let two = inside.is_some_and(|inside| inside <= 2);
    !is_open(told) && (((promised || invited_so) && few) || (two && !named))
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
