//! Reading: folder after folder, by ids that only grow, from where the cursor says.
//!
//! A cursor holds for every folder its UIDVALIDITY and the next UID. When the validity changes (the folder was made anew) or
//! ids shrink without it changing, the days since the newest mail seen are read again; the desk knows what it has by Message-ID.
//! Where the server counts changes (CONDSTORE, RFC 7162) an unchanged folder costs one command. What is deleted or moved away
//! in the mailbox changes nothing here, so QRESYNC has nothing to tell us.
//! Promises: no sequence number and no flag decides what is new; what cannot be read is handed over whole and passed by; one
//! folder's absence does not stop the others.
//! Must not: mark anything as read.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::imap::{Entry, Selected, Session};
use super::me::{Folder, Me, Meta};
use super::{Email, convert, utf7};
use crate::channels::{Batch, ChannelError, Class, Feed, File, Item, Unreadable, Words};
use crate::model::{AttachmentKind, Timestamp};

/// The only feed.
pub static FEEDS: &[Feed] = &[Feed { key: "mail", busy: Duration::from_secs(10), idle: Duration::from_secs(25) }];

/// Larger mails come in by their beginning.
pub const LARGEST: usize = 35 * 1024 * 1024;
/// How much one batch takes.
const MAILS: usize = 25;
const BYTES: usize = 12 * 1024 * 1024;
/// Ids that are listed at once.
const WINDOW: u32 = 500;
/// A mail that could not be fetched so often, on connections that work, is passed by.
const TRIES: u32 = 3;
/// Servers' days begin elsewhere than ours, and clocks differ.
const OVERLAP: Duration = Duration::from_secs(2 * 86_400);

/// Where reading goes on; the channel's cursor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// When Balie came to this mailbox.
    #[serde(default)]
    since: i64,
    #[serde(default)]
    folders: BTreeMap<String, Place>,
}

/// How far one folder was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    validity: u32,
    next: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modseq: Option<u64>,
    /// When the newest mail seen here came.
    #[serde(default)]
    newest: i64,
    /// Below this id, what came before this time is not wanted: it is older than the history asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skip: Option<(u32, i64)>,
}

/// What a batch may still take.
struct Room {
    mails: usize,
    bytes: usize,
}

impl Room {
    const fn is_full(&self) -> bool {
        self.mails == 0 || self.bytes == 0
    }
}

/// A payload that could not be read, with what is needed to try again: one line of JSON, then the mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    folder: String,
    kind: Folder,
    validity: u32,
    uid: u32,
    at: i64,
    /// `text`, `base64`, or `none` when not even fetching worked.
    body: String,
}

const HELD: &str = "X-Balie-Held: ";

impl Email {
    /// One batch.
    pub async fn look(&self, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        let now = self.context.clock.now();
        let mut state: Cursor = cursor.and_then(|cursor| Cursor::deserialize(cursor).ok()).unwrap_or_default();
        if state.since == 0 {
            state.since = now.0;
        }
        let me = self.me().await?;
        let mut session = self.session(&self.work).await?;
        let mut batch = Batch::default();
        let (mut room, mut failed) = (Room { mails: MAILS, bytes: BYTES }, None);
        let mut folders: Vec<(String, Folder)> =
            self.settings.folders.iter().map(|folder| (utf7::encode(folder), Folder::Watched)).collect();
        // After what it answers.
        if let Some(sent) = session.sent.clone().filter(|sent| folders.iter().all(|(folder, _)| folder != sent)) {
            folders.push((sent, Folder::Sent));
        }
        let mut missing = Vec::new();
        for (folder, kind) in &folders {
            if room.is_full() {
                batch.more = true;
                break;
            }
            match self.read_folder(&mut session, &me, folder, *kind, &mut state, &mut batch, &mut room).await {
                Ok(there) => {
                    if !there && *kind == Folder::Watched {
                        missing.push(utf7::decode(folder));
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        match failed {
            // What was read before the line broke is worth keeping; the rest comes next time.
            Some(error) if batch.items.is_empty() && batch.unreadable.is_empty() => return Err(error),
            Some(_) => batch.more = true,
            None => {
                if missing.len() == self.settings.folders.len() {
                    return Err(no_folder(&missing.join(", ")));
                }
                session.used = self.context.clock.now();
                *self.work.lock().await = Some(session);
            }
        }
        batch.next = serde_json::to_value(&state).ok();
        Ok(batch)
    }

    /// Reads on in one folder; false when it is not there.
    #[expect(clippy::too_many_arguments, reason = "a step of one loop, which owns all of this")]
    async fn read_folder(
        &self,
        session: &mut Session,
        me: &Me,
        folder: &str,
        kind: Folder,
        state: &mut Cursor,
        batch: &mut Batch,
        room: &mut Room,
    ) -> Result<bool, ChannelError> {
        let Some(selected) = session.select(folder).await? else { return Ok(false) };
        let since = Timestamp(state.since);
        let mut place = match state.folders.get(folder) {
            Some(place) if still_the_same(place, &selected) => place.clone(),
            before => self.begin(session, &selected, before, since).await?,
        };
        if place.modseq.is_some() && place.modseq == selected.modseq && selected.next == Some(place.next) {
            return Ok(true);
        }
        let end = match selected.next {
            Some(next) => next,
            // An odd server: the ids themselves tell.
            None => session.search(&format!("UID {}:*", place.next)).await?.last().map_or(place.next, |last| last + 1),
        };
        let outcome = self.read_on(session, me, (folder, kind, since), &mut place, end, batch, room).await;
        if place.next >= end {
            place.next = end.max(place.next);
            place.modseq = selected.modseq;
            place.skip = None;
        } else {
            place.modseq = None;
            batch.more = true;
        }
        state.folders.insert(folder.to_owned(), place);
        outcome.map(|()| true)
    }

    #[expect(clippy::too_many_arguments, reason = "a step of one loop, which owns all of this")]
    async fn read_on(
        &self,
        session: &mut Session,
        me: &Me,
        (folder, kind, since): (&str, Folder, Timestamp),
        place: &mut Place,
        end: u32,
        batch: &mut Batch,
        room: &mut Room,
    ) -> Result<(), ChannelError> {
        while place.next < end && !room.is_full() {
            let last = place.next.saturating_add(WINDOW - 1).min(end - 1);
            let entries = session.list(place.next, last).await?;
            if entries.is_empty() {
                // A gap may be millions of ids wide.
                let beyond =
                    if last + 1 < end { session.search(&format!("UID {}:*", last + 1)).await? } else { Vec::new() };
                place.next = beyond.into_iter().find(|uid| *uid > last).map_or(end, |uid| uid.min(end));
                continue;
            }
            for entry in &entries {
                if room.is_full() {
                    return Ok(());
                }
                let old = place
                    .skip
                    .is_some_and(|(below, before)| entry.uid < below && entry.at.is_some_and(|at| at.0 < before));
                // A draft is nobody's word yet; one of ours in the Sent folder is a mail on its way.
                if !old && !entry.draft {
                    self.read_mail(session, me, (folder, kind, since), place.validity, entry, batch, room).await?;
                }
                // Copied mail may come from any time; what comes after it must not seem older.
                let now = self.context.clock.now();
                place.newest = place.newest.max(entry.at.map_or(0, |at| at.0.min(now.0)));
                place.next = entry.uid + 1;
            }
            place.next = place.next.max(last + 1);
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a step of one loop, which owns all of this")]
    async fn read_mail(
        &self,
        session: &mut Session,
        me: &Me,
        (folder, kind, since): (&str, Folder, Timestamp),
        validity: u32,
        entry: &Entry,
        batch: &mut Batch,
        room: &mut Room,
    ) -> Result<(), ChannelError> {
        let mut held = Held {
            folder: folder.to_owned(),
            kind,
            validity,
            uid: entry.uid,
            at: entry.at.unwrap_or_else(|| self.context.clock.now()).0,
            body: "none".to_owned(),
        };
        let fetched = match session.fetch(entry, LARGEST).await {
            Ok(fetched) => fetched,
            Err(error) if self.is_hopeless(folder, validity, entry.uid).await => {
                tracing::warn!(folder, uid = entry.uid, code = error.code, "a mail cannot be fetched; it is passed by");
                batch.unreadable.push(Unreadable { payload: held.payload(&[]), error: error.cause.en });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // Deleted or moved since it was listed: whoever did that saw it.
        let Some(raw) = fetched else { return Ok(()) };
        room.mails -= 1;
        room.bytes = room.bytes.saturating_sub(raw.len());
        let at = Timestamp(held.at);
        match convert::read(&raw, me, at, kind) {
            Ok(mut items) => {
                for item in &mut items {
                    if let Item::Message(message) = item {
                        // Mailboxes count in seconds: what came in the second in which we did is news.
                        message.history = at.0 < since.0 - since.0 % 1_000;
                        message.follows = Meta::of(&message.meta).references;
                        message.follows.reverse();
                        if entry.size as usize > LARGEST {
                            message.files.push(whole(folder, validity, entry));
                        }
                    }
                }
                batch.items.append(&mut items);
            }
            Err(unreadable) => {
                let error = unreadable.error;
                batch.unreadable.push(Unreadable { payload: held.payload(&raw), error });
            }
        }
        Ok(())
    }

    /// The first look at a folder, or at one that was made anew.
    async fn begin(
        &self,
        session: &mut Session,
        selected: &Selected,
        before: Option<&Place>,
        since: Timestamp,
    ) -> Result<Place, ChannelError> {
        let from = match before {
            Some(place) if place.newest > 0 => Timestamp(place.newest).minus(OVERLAP),
            _ => since.minus(self.context.history),
        };
        let uids = session.search(&format!("SINCE {}", day(from))).await?;
        let end = match selected.next {
            Some(next) => next,
            None => session.search("UID 1:*").await?.last().map_or(1, |last| last + 1),
        };
        Ok(Place {
            validity: selected.validity,
            next: uids.first().copied().unwrap_or(end),
            modseq: None,
            newest: before.map_or(0, |place| place.newest),
            skip: Some((end, from.0)),
        })
    }

    /// Counts failures at the very same mail.
    async fn is_hopeless(&self, folder: &str, validity: u32, uid: u32) -> bool {
        let mut stuck = self.stuck.lock().await;
        let here = (folder.to_owned(), validity, uid);
        let count = match stuck.as_ref() {
            Some((place, count)) if *place == here => count + 1,
            _ => 1,
        };
        let hopeless = count >= TRIES;
        *stuck = (!hopeless).then_some((here, count));
        hopeless
    }

    /// Reads again what was held.
    pub async fn read_again(&self, payload: &str) -> Result<Batch, ChannelError> {
        let again = |error: String| Batch {
            unreadable: vec![Unreadable { payload: payload.to_owned(), error }],
            ..Batch::default()
        };
        let me = self.me().await?;
        let Some((held, raw)) = Held::read(payload) else {
            return Ok(again("this was not held by this channel".to_owned()));
        };
        let raw = match raw {
            Some(raw) => raw,
            None => match self.fetch_again(&held.folder, held.validity, held.uid, LARGEST).await? {
                Some(raw) => raw,
                None => return Ok(again("the mail is no longer in the mailbox".to_owned())),
            },
        };
        Ok(match convert::read(&raw, &me, Timestamp(held.at), held.kind) {
            Ok(items) => Batch { items, ..Batch::default() },
            Err(unreadable) => again(unreadable.error),
        })
    }

    /// A mail of before, if it is still where it was.
    pub async fn fetch_again(
        &self,
        folder: &str,
        validity: u32,
        uid: u32,
        max: usize,
    ) -> Result<Option<Vec<u8>>, ChannelError> {
        let mut session = self.session(&self.filing).await?;
        let here = session.select(folder).await?.is_some_and(|selected| selected.validity == validity);
        let entry = if here { session.list(uid, uid).await?.into_iter().next() } else { None };
        let raw = match entry {
            Some(entry) if entry.size as usize > max => {
                return Err(ChannelError::rejected("email.too_large", "the mail is larger than may be kept."));
            }
            Some(entry) => session.fetch(&entry, max).await?,
            None => None,
        };
        *self.filing.lock().await = Some(session);
        Ok(raw)
    }
}

/// Ids go on where they were. Some servers lower them without saying that they began anew.
fn still_the_same(place: &Place, selected: &Selected) -> bool {
    place.validity == selected.validity && selected.next.is_none_or(|next| next >= place.next)
}

/// A date as SEARCH takes it (RFC 3501 `date-text`).
pub fn day(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.0.max(0)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.strftime("%-d-%b-%Y").to_string()
}

/// The rest of a mail that was too large to take in: fetched when somebody asks.
fn whole(folder: &str, validity: u32, entry: &Entry) -> File {
    File {
        kind: AttachmentKind::File,
        url: format!("imap:{validity}/{}/{folder}", entry.uid),
        mime: Some("message/rfc822".to_owned()),
        name: Some("whole-mail.eml".to_owned()),
        size: Some(i64::from(entry.size)),
        ..File::default()
    }
}

impl Held {
    fn payload(&mut self, raw: &[u8]) -> String {
        let text = std::str::from_utf8(raw).ok().filter(|text| !text.contains('\0'));
        let encoded = || base64::engine::general_purpose::STANDARD.encode(raw);
        let (body, text) = match text {
            Some("") => ("none", String::new()),
            Some(text) => ("text", text.to_owned()),
            None => ("base64", encoded()),
        };
        body.clone_into(&mut self.body);
        format!("{HELD}{}\r\n{text}", serde_json::to_string(self).unwrap_or_default())
    }

    /// The mail is `None` when it was never fetched.
    fn read(payload: &str) -> Option<(Self, Option<Vec<u8>>)> {
        let (place, body) = payload.strip_prefix(HELD)?.split_once("\r\n")?;
        let held: Self = serde_json::from_str(place).ok()?;
        let raw = match held.body.as_str() {
            "text" => Some(body.as_bytes().to_vec()),
            "base64" => Some(base64::engine::general_purpose::STANDARD.decode(body.trim()).ok()?),
            _ => None,
        };
        Some((held, raw))
    }
}

pub fn no_folder(names: &str) -> ChannelError {
    ChannelError::new(
        Class::Unauthorized,
        "email.no_folder",
        Words::new(format!("The mailbox has no folder {names}."), format!("De mailbox heeft geen map {names}.")),
        Words::new(
            "Correct the folders in the account's settings.",
            "Verbeter de mappen bij de instellingen van het account.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Folder, Held, Place, Selected, day, still_the_same};
    use crate::model::Timestamp;

    #[test]
    fn what_was_held_is_given_back_byte_by_byte() {
        for raw in [&b"From: a@b\r\n\r\nhi\r\n"[..], b"\xff\xfe\r\n", b"nul \0 byte"] {
            let mut held = Held {
                folder: "IN&-BOX".to_owned(),
                kind: Folder::Watched,
                validity: 7,
                uid: 9,
                at: 5,
                body: String::new(),
            };
            let (read, back) = Held::read(&held.payload(raw)).unwrap();
            assert_eq!((back.as_deref(), read.uid, read.at, read.folder.as_str()), (Some(raw), 9, 5, "IN&-BOX"));
        }
        assert!(Held::read("From: x\r\n").is_none());
        assert!(Held::read("X-Balie-Held: {}\r\n").is_none());
    }

    #[test]
    fn ids_that_began_anew_or_shrank_are_noticed() {
        let place = Place { validity: 1, next: 10, ..Place::default() };
        let now = |validity, next| Selected { validity, next, ..Selected::default() };
        assert!(still_the_same(&place, &now(1, Some(10))) && still_the_same(&place, &now(1, None)));
        assert!(!still_the_same(&place, &now(2, Some(10))) && !still_the_same(&place, &now(1, Some(4))));
    }

    #[test]
    fn a_cursor_reads_itself_and_days_are_english() {
        let mut cursor = Cursor { since: 5, ..Cursor::default() };
        cursor
            .folders
            .insert("INBOX".to_owned(), Place { validity: 1, next: 2, skip: Some((3, 4)), ..Place::default() });
        let json = serde_json::to_value(&cursor).unwrap();
        assert_eq!(serde_json::from_value::<Cursor>(json).unwrap(), cursor);
        assert_eq!(day(Timestamp(1_772_442_845_000)), "2-Mar-2026");
    }
}
