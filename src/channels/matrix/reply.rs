//! Answering: in its room, under what it answers, never twice.
//!
//! A homeserver keeps the transaction id of a send for its device and answers a repeat with the first event; Synapse forgets
//! it after a day (source of 1.163, `event_txn_id_device_id`). Inside that day a repeat is safe on one device, and a new token may
//! be another device; so before anything is repeated our own messages are looked through.
//! Source: client-server API v1.19, "Sending events to a room", "Size limits", read and tried 2026-11.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{self, Fault};
use super::{Matrix, convert, fault, locked, text, wire};
use crate::channels::{ChannelError, Class, Measure, OutFile, Outgoing, Reply, Sent, Unit, limits};
use crate::model::{Lane, Timestamp};

/// The most that the words of one message may take, in bytes of JSON: an event holds 65,536, and the homeserver adds its own.
pub const MAX: i64 = 60_000;
/// For how long a repeat is surely the same message.
const KEY_LIFE: Duration = Duration::from_secs(20 * 3_600);
/// How far the homeserver's clock may be behind ours.
const SKEW: Duration = Duration::from_secs(120);
/// How many pages of a room are searched for an earlier attempt.
const SEARCH_PAGES: usize = 20;

/// What a text takes of an event.
fn size(text: &str) -> usize {
    let content = text::content(text, None);
    let bytes = |key: &str| content.get(key).map_or(0, |value| value.to_string().len() - 2);
    bytes("body") + content.get("formatted_body").map_or(0, |_| bytes("formatted_body"))
}

/// Counts a text.
#[must_use]
pub fn measure(text: &str) -> Measure {
    let max = usize::try_from(MAX).unwrap_or_default();
    let used = size(text);
    let over = used > max;
    Measure {
        used: i64::try_from(used).unwrap_or(i64::MAX),
        max: MAX,
        unit: Unit::Bytes,
        over,
        parts: over.then(|| limits::split(text, |part| size(part) <= max)),
        notes: Vec::new(),
    }
}

#[async_trait]
impl Reply for Matrix {
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
        let room = Self::target(outgoing)?;
        let measured = measure(&outgoing.text);
        if measured.over {
            return Err(too_long(measured.used));
        }
        if self.is_locked(&room).await? {
            return Err(locked());
        }
        if outgoing.thread.lane == Lane::Private && self.is_open(&room).await? {
            return Err(super::open());
        }
        if (outgoing.attempt > 1 || self.age(outgoing) > KEY_LIFE)
            && let Some(sent) = self.search(outgoing, &room).await?
        {
            return Ok(sent);
        }
        let mut content = Self::content(outgoing, &room);
        match outgoing.files.as_slice() {
            [] => {}
            [file] => self.attach(&mut content, file).await?,
            _ => {
                return Err(fault(
                    Class::Rejected,
                    "files",
                    ("A message carries one file at most.", "Een bericht draagt hooguit één bestand."),
                    ("Send the others in messages of their own.", "Verstuur de andere in eigen berichten."),
                ));
            }
        }
        let path = ["client", "v3", "rooms", &room, "send", "m.room.message", &transaction(outgoing)];
        match self.api.send(Method::PUT, &path, &content).await {
            Ok(answer) => match answer["event_id"].as_str().filter(|id| wire::is_id(id, '$')) {
                Some(id) => Ok(Self::sent(&room, id, outgoing, None)),
                None => Err(self.unclear(outgoing, "the homeserver's answer cannot be read")),
            },
            Err(Fault::Lost(why)) => Err(self.unclear(outgoing, &why)),
            Err(Fault::Decided(error)) if error.code == "matrix.not_json" => {
                Err(self.unclear(outgoing, "the homeserver's answer cannot be read"))
            }
            // A proxy that lost its patience does not know what the homeserver did.
            Err(Fault::Refused(refusal)) if matches!(refusal.status, 500 | 502 | 504) => {
                Err(self.unclear(outgoing, &format!("the homeserver or a proxy is in trouble ({})", refusal.status)))
            }
            Err(fault) => Err(self.say(fault)),
        }
    }

    async fn find(&self, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
        let room = Self::target(outgoing)?;
        self.search(outgoing, &room).await
    }
}

/// The same for every attempt at one message.
fn transaction(outgoing: &Outgoing) -> String {
    format!("balie-{}", outgoing.key)
}

impl Matrix {
    fn age(&self, outgoing: &Outgoing) -> Duration {
        self.now().since(outgoing.written_at)
    }

    /// What an answer that got lost means: inside the day a repeat gives the message that may be there already.
    fn unclear(&self, outgoing: &Outgoing, why: &str) -> ChannelError {
        if self.age(outgoing) <= KEY_LIFE { ChannelError::transient(why) } else { ChannelError::uncertain(why) }
    }

    /// The room to write in: that of the thread, which may have moved since the message that is answered.
    fn target(outgoing: &Outgoing) -> Result<String, ChannelError> {
        let answered = outgoing.reply_to.as_ref().and_then(|(_, meta)| meta["room"].as_str());
        let room = match outgoing.thread.lane {
            Lane::Private => Self::room_of(&outgoing.thread),
            Lane::Public => answered.map(str::to_owned).or_else(|| Self::room_of(&outgoing.thread)),
        };
        room.ok_or_else(|| {
            fault(
                Class::Rejected,
                "no_room",
                (
                    "Nobody knows any more in which room this was said.",
                    "Niemand weet nog in welke ruimte dit gezegd is.",
                ),
                ("Answer in a Matrix client.", "Antwoord in een Matrix-programma."),
            )
        })
    }

    /// Whether a room is encrypted: as the last sync said, else asked.
    async fn is_locked(&self, room: &str) -> Result<bool, ChannelError> {
        if let Some(known) = self.memory.room(room).filter(|known| known.joined || known.locked) {
            return Ok(known.locked);
        }
        match self.api.get(&["client", "v3", "rooms", room, "state", "m.room.encryption"], &[]).await {
            Ok(_) => Ok(true),
            // Not encrypted, or not our room: then the send says so.
            Err(Fault::Refused(refusal)) if matches!(refusal.status, 403 | 404) => Ok(false),
            Err(fault) => Err(self.say(fault)),
        }
    }

    /// Whether more people than those it was said to can read what is said in a room: as it was decided, else asked.
    async fn is_open(&self, room: &str) -> Result<bool, ChannelError> {
        if let Some(known) = self.memory.room(room).filter(|known| known.joined) {
            return Ok(!known.direct);
        }
        match self.api.get(&["client", "v3", "rooms", room, "state", "m.room.join_rules"], &[]).await {
            Ok(answer) => Ok(api::read::<Value>(&answer)?["join_rule"].as_str() == Some("public")),
            // Nobody said, or not our room: then the send says so.
            Err(Fault::Refused(refusal)) if matches!(refusal.status, 403 | 404) => Ok(false),
            Err(fault) => Err(self.say(fault)),
        }
    }

    fn content(outgoing: &Outgoing, room: &str) -> Value {
        let meta = outgoing.reply_to.as_ref().map(|(_, meta)| meta);
        let mut content = text::content(&outgoing.text, meta.and_then(|meta| meta["to"].as_str()));
        if let Some((answered, meta)) = &outgoing.reply_to
            && meta["room"].as_str().is_none_or(|was| was == room)
            && wire::is_id(answered, '$')
        {
            content["m.relates_to"] = json!({"m.in_reply_to": {"event_id": answered}});
            if let Some(root) = meta["root"].as_str() {
                content["m.relates_to"]["rel_type"] = "m.thread".into();
                content["m.relates_to"]["event_id"] = root.into();
                // It answers this very message, and is not only hung below it for clients that know no threads.
                content["m.relates_to"]["is_falling_back"] = false.into();
            }
        }
        content
    }

    /// Uploads a file and makes the message carry it, the text as its caption. A file that was uploaded twice is in no message.
    async fn attach(&self, content: &mut Value, file: &OutFile) -> Result<(), ChannelError> {
        let call = api::Call {
            query: &[("filename", file.name.as_str())],
            body: api::Body::Bytes { mime: &file.mime, bytes: &file.bytes },
            ..api::Call::new(Method::POST, &["media", "v3", "upload"])
        };
        let answer = self.api.call(&call).await.map_err(|fault| self.say(fault))?;
        let answer: Value = api::read(&answer)?;
        let url = answer["content_uri"].as_str().filter(|url| super::files::parse(url).is_some());
        let url = url.ok_or_else(|| ChannelError::transient("the homeserver did not say where the file is"))?;
        let kind = match file.mime.split('/').next() {
            Some("image") => "m.image",
            Some("video") => "m.video",
            Some("audio") => "m.audio",
            _ => "m.file",
        };
        content["msgtype"] = kind.into();
        content["url"] = url.into();
        content["filename"] = file.name.clone().into();
        content["info"] = json!({"mimetype": file.mime, "size": file.bytes.len()});
        if content["body"].as_str().unwrap_or_default().trim().is_empty() {
            content["body"] = file.name.clone().into();
        }
        Ok(())
    }

    fn sent(room: &str, id: &str, outgoing: &Outgoing, at: Option<Timestamp>) -> Sent {
        let mut meta = json!({"room": room});
        if let Some(root) = outgoing.reply_to.as_ref().and_then(|(_, meta)| meta["root"].as_str()) {
            meta["root"] = root.into();
        }
        Sent { external_id: id.to_owned(), url: Some(convert::seen_at(room, id)), at, meta }
    }

    /// Looks for an earlier attempt among our own messages in the room, back to when it was written: by its transaction, which
    /// the homeserver shows to the device that sent it; by its words where another device did.
    async fn search(&self, outgoing: &Outgoing, room: &str) -> Result<Option<Sent>, ChannelError> {
        let me = self.me().await?;
        let since = outgoing.written_at.minus(SKEW);
        let (wanted, key) = (Self::content(outgoing, room), transaction(outgoing));
        let filter = json!({"types": ["m.room.message"], "senders": [me.user]}).to_string();
        let (mut place, mut likely): (Option<String>, Option<Sent>) = (None, None);
        for _ in 0..SEARCH_PAGES {
            let mut query = vec![("dir", "b"), ("limit", "50"), ("filter", filter.as_str())];
            query.extend(place.as_deref().map(|place| ("from", place)));
            let path = ["client", "v3", "rooms", room, "messages"];
            let answer = self.api.get(&path, &query).await.map_err(|fault| self.say(fault))?;
            let page: wire::Page = serde_json::from_str(&api::text(&answer)).map_err(|_| api::not_json())?;
            for raw in &page.chunk {
                let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
                let Ok(Some(event)) = wire::Event::read(&value) else { continue };
                if event.at < since {
                    return Ok(likely);
                }
                let found = || Some(Self::sent(room, &event.id, outgoing, Some(event.at)));
                match event.transaction.as_deref() {
                    _ if !me.wrote(&event) => {}
                    Some(transaction) if transaction == key => return Ok(found()),
                    Some(transaction) if transaction.starts_with("balie-") => {}
                    _ if event.content["body"] == wanted["body"]
                        && event.content["m.relates_to"] == wanted["m.relates_to"] =>
                    {
                        likely = found();
                    }
                    _ => {}
                }
            }
            match page.end {
                Some(end) if !page.chunk.is_empty() && place.as_ref() != Some(&end) => place = Some(end),
                _ => return Ok(likely),
            }
        }
        Err(ChannelError::uncertain("too many messages since to look through"))
    }
}

fn too_long(used: i64) -> ChannelError {
    fault(
        Class::Rejected,
        "too_long",
        (
            &format!("The message is too long: {used} bytes, {MAX} are allowed."),
            &format!("Het bericht is te lang: {used} bytes, {MAX} mag."),
        ),
        ("Shorten it or send it in parts.", "Kort het in of verstuur het in delen."),
    )
}
