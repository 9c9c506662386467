//! From a room's events to the desk's messages: threads, directions, people, files.
//!
//! Promises: pure; the same event in the same chain always becomes the same message, whichever way it came.
//! Must not: call anything.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::text;
use super::wire::Event;
use crate::channels::{Author, File, Message, ThreadRef, above};
use crate::model::{AttachmentKind, Automatic, Direction, Lane, MessageKind, ThreadKind};

/// From the top event down to the one that is looked at.
pub type Chain = Vec<Arc<Event>>;

/// How many messages above one are shown besides the first of its thread.
const SHOWN_ABOVE: usize = 40;

/// What is known of a room. Kept with the cursor: whether a room is private is decided once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Between us and one or a few people; everything else is public.
    #[serde(default)]
    pub direct: bool,
    /// Encrypted end to end, for ever.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it got that name, in ms: its past is read backwards.
    #[serde(default)]
    pub named: i64,
    /// The room that took its place, as this one says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// The room whose place it took, as this one says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// Who invited us to it as to a private room. Until we are inside, that is only their word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited: Option<String>,
}

/// Who we are, and what in a public room asks for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// `@name:server`.
    pub user: String,
    /// Everything said in rooms asks for an answer, not only what names us or stands under our words.
    pub everything: bool,
}

/// Somebody, as their room shows them.
#[must_use]
pub fn author(user: &str, name: &str) -> Author {
    let handle = user.trim_start_matches('@');
    let name = name.trim();
    Author {
        external_id: user.to_owned(),
        handle: handle.to_owned(),
        name: if name.is_empty() { handle.split(':').next().unwrap_or(handle) } else { name }.to_owned(),
        avatar_url: None,
        url: Some(link(&[user])),
        ..Author::default()
    }
}

/// Where a person can see it (specification, "matrix.to navigation").
fn link(ids: &[&str]) -> String {
    let safe = |id: &&str| {
        id.replace('%', "%25").replace('/', "%2F").replace('?', "%3F").replace('#', "%23").replace('+', "%2B")
    };
    format!("https://matrix.to/#/{}", ids.iter().map(safe).collect::<Vec<_>>().join("/"))
}

/// The room in an address that `link` made.
#[must_use]
pub fn room_in(url: &str) -> Option<String> {
    let room = url.strip_prefix("https://matrix.to/#/")?.split('/').next()?;
    let room = room.replace("%2F", "/").replace("%3F", "?").replace("%23", "#").replace("%2B", "+").replace("%25", "%");
    super::wire::is_id(&room, '!').then_some(room)
}

/// The thread of a private room.
#[must_use]
pub fn private_thread(id: &str, room: &Room) -> ThreadRef {
    ThreadRef {
        external_id: id.to_owned(),
        lane: Lane::Private,
        kind: ThreadKind::Dm,
        title: room.name.clone(),
        url: Some(link(&[id])),
    }
}

impl Me {
    /// Whether the brand wrote it.
    #[must_use]
    pub fn wrote(&self, event: &Event) -> bool {
        event.sender == self.user
    }

    /// The last event of a chain as a message, and those above it that belong in its thread. Nothing when it is in no
    /// thread: the brand's own words that nobody answered, a stranger's that do not concern us.
    #[must_use]
    pub fn messages(
        &self,
        id: &str,
        room: &Room,
        chain: &Chain,
        name: impl Fn(&str) -> String,
        old: impl Fn(&Event) -> bool,
    ) -> Vec<Message> {
        let Some(last) = chain.last() else { return Vec::new() };
        let make = |event: &Event, thread: ThreadRef, direction, kind| {
            self.message(id, event, thread, (direction, kind), &name(&event.sender), old(event))
        };
        if room.direct {
            let direction = if self.wrote(last) { Direction::Out } else { Direction::In };
            return vec![make(last, private_thread(id, room), direction, MessageKind::Dm)];
        }
        let Some(first) = chain.iter().position(|event| !self.wrote(event)) else { return Vec::new() };
        let thread = ThreadRef {
            external_id: chain[first].id.clone(),
            lane: Lane::Public,
            kind: ThreadKind::Room,
            title: room.name.clone(),
            url: Some(link(&[id, &chain[first].id])),
        };
        let mut directions = Vec::with_capacity(chain.len());
        let mut under_brand = false;
        for event in chain {
            let ours = self.wrote(event);
            directions.push(match ours {
                true => Direction::Out,
                false if self.everything || under_brand || text::names(&event.content, &self.user) => Direction::In,
                false => Direction::Context,
            });
            under_brand |= ours;
        }
        let kind = |event: &Event| match event.parent() {
            Some(_) => MessageKind::Reply,
            None if text::names(&event.content, &self.user) => MessageKind::Mention,
            None => MessageKind::Post,
        };
        let news = make(last, thread.clone(), directions[chain.len() - 1], kind(last));
        if news.direction != Direction::In {
            // Who talks on among themselves explains a thread that is there; it makes none.
            return if chain.len() > 1 { vec![news] } else { Vec::new() };
        }
        let skip = chain.len().saturating_sub(SHOWN_ABOVE);
        let mut messages = Vec::new();
        for (at, event) in chain[..chain.len() - 1].iter().enumerate().filter(|(_, event)| !event.redacted) {
            if at < first && at >= skip {
                let mut copy = make(event, thread.clone(), Direction::Context, MessageKind::Post);
                copy.external_id = above(&event.id, &thread.external_id);
                // What is above it is in no thread of its own.
                (copy.reply_to, copy.history) = (None, true);
                messages.push(copy);
            } else if at == first || at >= skip {
                messages.push(make(event, thread.clone(), directions[at], kind(event)));
            }
        }
        messages.push(news);
        messages
    }

    fn message(
        &self,
        room: &str,
        event: &Event,
        thread: ThreadRef,
        (direction, kind): (Direction, MessageKind),
        name: &str,
        history: bool,
    ) -> Message {
        let author = author(&event.sender, name);
        let (text, html) = if event.kind == "m.room.encrypted" {
            (text::LOCKED.to_owned(), None)
        } else {
            text::words(&event.content, &author.name)
        };
        let notice = event.content["msgtype"].as_str() == Some("m.notice") && direction != Direction::Out;
        Message {
            external_id: event.id.clone(),
            direction,
            kind,
            text,
            html,
            sent_at: event.at,
            edited_at: event.edited,
            reply_to: event.parent().map(str::to_owned),
            url: Some(link(&[room, &event.id])),
            files: file(event).into_iter().collect(),
            // A bot's word: answering it by machine would go round in circles.
            automatic: notice.then_some(Automatic::Notice),
            history,
            meta: self.meta(room, event),
            author,
            thread,
            ..Message::default()
        }
    }

    /// What answering and moderating this message needs.
    #[must_use]
    pub fn meta(&self, room: &str, event: &Event) -> Value {
        let mut meta = json!({"room": room});
        if !self.wrote(event) {
            meta["to"] = event.sender.clone().into();
        }
        if let Some(root) = event.root() {
            meta["root"] = root.into();
        }
        meta
    }
}

/// Where a message of ours can be seen.
#[must_use]
pub fn seen_at(room: &str, event: &str) -> String {
    link(&[room, event])
}

fn file(event: &Event) -> Option<File> {
    let content = &event.content;
    let kind = match content["msgtype"].as_str() {
        Some("m.image") => AttachmentKind::Image,
        Some("m.video") => AttachmentKind::Video,
        Some("m.audio") => AttachmentKind::Audio,
        Some("m.file") => AttachmentKind::File,
        None if event.kind == "m.sticker" => AttachmentKind::Image,
        _ => return None,
    };
    let url = content["url"].as_str().filter(|url| super::files::parse(url).is_some())?;
    let info = &content["info"];
    let number = |key: &str| info[key].as_i64().filter(|n| (1..=10_000_000_000).contains(n));
    let name = content["filename"].as_str().or_else(|| content["body"].as_str()).filter(|name| !name.is_empty());
    Some(File {
        kind,
        url: url.to_owned(),
        mime: info["mimetype"].as_str().map(|mime| mime.chars().take(100).collect()),
        name: name.map(|name| name.chars().take(200).collect()),
        size: number("size"),
        width: number("w").filter(|n| *n <= 100_000),
        height: number("h").filter(|n| *n <= 100_000),
        ..File::default()
    })
}

#[cfg(test)]
mod tests {
    use super::{link, room_in};

    #[test]
    fn a_room_is_found_again_in_the_address_of_its_thread() {
        // Since room version 12 a room has no server in its id, and base64 has slashes in older events.
        for room in ["!abc:chat.example", "!r0om/v12+x%2F-_"] {
            assert_eq!(room_in(&link(&[room, "$ev/ent"])).as_deref(), Some(room));
        }
        assert_eq!(room_in("https://matrix.to/#/@noor:x.y"), None);
    }
}
