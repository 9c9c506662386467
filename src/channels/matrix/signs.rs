//! Signs at messages: reactions, and how far somebody has read.
//!
//! Promises: of several reactions of one person to one message the newest that still stands is told; what came about a message
//! that has yet to be read back is told again when it is there.
//! Source: client-server API v1.19, "Reactions", "Receipts", "Redactions", read 2026-11.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Matrix;
use super::convert::{self, Room};
use super::gaps::Gap;
use super::harvest::Harvest;
use super::sync::Cursor;
use super::text;
use super::wire::Event;
use crate::channels::Item;
use crate::model::{ReceiptState, Timestamp};

/// How many reactions are remembered: taking one back names only its event, and others of the same person may still stand.
const REACTIONS: usize = 300;
/// How many receipts wait for the end of a gap.
const RECEIPTS: usize = 50;

/// A reaction that stands, as far as we know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    event: String,
    room: String,
    target: String,
    by: String,
    emoji: String,
    at: i64,
}

impl Matrix {
    /// Somebody put a sign at a message.
    pub(super) fn reacted(&self, cursor: &mut Cursor, harvest: &mut Harvest, id: &str, room: &Room, event: &Event) {
        let Some((target, emoji)) = event.reaction() else { return };
        // In a larger room people react to much that is none of our business.
        let ours = |said: &Event| {
            harvest.me.wrote(said) || said.parent().is_some() || text::names(&said.content, &harvest.me.user)
        };
        let known = self.memory.event(target).flatten();
        if !room.direct && !harvest.me.everything && known.is_some_and(|said| !ours(&said)) {
            return;
        }
        let sign = Sign {
            event: event.id.clone(),
            room: id.to_owned(),
            target: target.to_owned(),
            by: event.sender.clone(),
            emoji: emoji.to_owned(),
            at: event.at.0,
        };
        cursor.signs.retain(|known| known.event != sign.event);
        // What is read back is older than what is here.
        let place = cursor.signs.partition_point(|known| known.at <= sign.at);
        cursor.signs.insert(place, sign.clone());
        // Before the surplus goes: a new one is told, however many there are.
        self.tell_newest(cursor, harvest, &sign.target, &sign.by, None);
        let surplus = cursor.signs.len().saturating_sub(REACTIONS);
        cursor.signs.drain(..surplus);
    }

    /// A reaction is taken back; whether it was one. What the same person put there besides stands again.
    pub(super) fn unreacted(
        &self,
        cursor: &mut Cursor,
        harvest: &mut Harvest,
        reaction: &str,
        at: Option<Timestamp>,
    ) -> bool {
        let Some(place) = cursor.signs.iter().position(|sign| sign.event == reaction) else { return false };
        let gone = cursor.signs.remove(place);
        self.tell_newest(cursor, harvest, &gone.target, &gone.by, at);
        true
    }

    /// Tells the newest sign of somebody at a message, or that there is none; `since` is when that became so.
    fn tell_newest(&self, cursor: &Cursor, harvest: &mut Harvest, target: &str, by: &str, since: Option<Timestamp>) {
        let newest = cursor.signs.iter().rfind(|sign| sign.target == target && sign.by == by);
        harvest.push(Item::Reaction {
            external_id: target.to_owned(),
            author: Box::new(convert::author(by, &self.name(by))),
            emoji: newest.map(|sign| sign.emoji.clone()),
            at: since.or(newest.map(|sign| Timestamp(sign.at))),
        });
    }

    /// Who read what of ours. A receipt stands at the newest message somebody has seen, whoever wrote it.
    pub(super) fn receipts(&self, cursor: &mut Cursor, harvest: &mut Harvest, id: &str, ephemeral: &[Value]) {
        for receipt in ephemeral.iter().filter(|event| event["type"].as_str() == Some("m.receipt")) {
            for (event, kinds) in receipt["content"].as_object().into_iter().flatten() {
                if self.memory.event(event).flatten().is_some_and(|event| !harvest.me.wrote(&event)) {
                    continue;
                }
                let readers = kinds["m.read"].as_object().into_iter().flatten();
                let read = readers.filter(|(user, _)| **user != harvest.me.user).find_map(|(_, at)| at["ts"].as_i64());
                if let Some(at) = read {
                    harvest.push(seen(event, at));
                    for gap in cursor.gaps.iter_mut().filter(|gap| gap.room == id) {
                        gap.read.push((event.clone(), at));
                        let surplus = gap.read.len().saturating_sub(RECEIPTS);
                        gap.read.drain(..surplus);
                    }
                }
            }
        }
    }

    /// A gap is read: what came meanwhile about messages in it finds them now.
    pub(super) fn told_again(&self, cursor: &Cursor, harvest: &mut Harvest, gap: &Gap) {
        let mut told = HashSet::new();
        for sign in cursor.signs.iter().filter(|sign| sign.room == gap.room) {
            if told.insert((&sign.target, &sign.by)) {
                self.tell_newest(cursor, harvest, &sign.target, &sign.by, None);
            }
        }
        for (event, at) in &gap.read {
            harvest.push(seen(event, *at));
        }
    }
}

fn seen(event: &str, at: i64) -> Item {
    let (external_id, at) = (event.to_owned(), Some(Timestamp(at)));
    Item::Receipt { external_id, state: ReceiptState::Read, at, error: None }
}
