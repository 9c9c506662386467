//! Reading: folder after folder, by ids that only grow, from where the cursor says.
//!
//! When a folder's validity changes (it was made anew) or its ids shrink without that, the days since the newest mail seen are read
//! again; the desk knows what it has by its ids. Where the server counts changes (CONDSTORE, RFC 7162) an unchanged folder costs one
//! command. What is deleted or moved away in the mailbox changes nothing here, so QRESYNC has nothing to tell us.
//! Promises: no sequence number and no flag decides what is new; what cannot be read is handed over whole and passed by; one
//! folder's absence does not stop the others; nothing in the mailbox is marked, moved or deleted.
//! Must not: know what a mail means: that is its [`Judge`]'s.

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::Value;
use tokio::sync::Mutex;

use super::cursor::{Cursor, OVERLAP, Place};
use super::held::Held;
use super::imap::{Entry, Selected, Session};
use super::{Door, Folder, Resting, no_folder, utf7};
use crate::channels::{Batch, ChannelError, Item, Unreadable};
use crate::clock::Clock;
use crate::model::Timestamp;

/// Larger mails come in by their beginning.
pub const LARGEST: usize = 35 * 1024 * 1024;
/// How much one batch takes.
const MAILS: usize = 25;
const BYTES: usize = 12 * 1024 * 1024;
/// Ids that are listed at once.
const WINDOW: u32 = 500;
/// A mail that could not be fetched so often, on connections that work, is passed by.
const TRIES: u32 = 3;

/// A mail as it lies in a folder.
pub struct Found<'a> {
    pub raw: &'a [u8],
    /// When it arrived there.
    pub at: Timestamp,
    pub kind: Folder,
    /// Arrived before Balie came to this mailbox.
    pub history: bool,
    /// Where the rest can be fetched when `raw` is only its beginning.
    pub rest: Option<Rest<'a>>,
}

/// Where a mail is that was too large to take in.
#[derive(Clone, Copy, Debug)]
pub struct Rest<'a> {
    pub folder: &'a str,
    pub validity: u32,
    pub uid: u32,
    pub size: u32,
}

/// What became of a mail.
pub enum Read {
    Items(Vec<Item>),
    /// Kept whole and shown, with the reason.
    Unreadable(String),
    /// None of our business: it stays where it is, and is counted.
    Left,
}

/// Says what a mail means.
pub trait Judge: Send + Sync {
    fn read(&self, found: &Found<'_>) -> Read;
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

/// Folder, validity and id of a mail, and how often it could not be fetched.
type Stuck = ((String, u32, u32), u32);

/// Reads one mailbox.
pub struct Reader {
    clock: Clock,
    history: Duration,
    /// As an admin writes them, the first being listened to.
    folders: Vec<String>,
    /// Whether the folder for sent mail is read besides.
    sent: bool,
    /// Mails are judged by rules that may change: what was left alone under other rules in the last days is read again.
    rules: Option<(String, Duration)>,
    work: Resting,
    /// The mail that could not be fetched, and how often.
    stuck: Mutex<Option<Stuck>>,
}

impl Reader {
    #[must_use]
    pub fn new(clock: Clock, history: Duration, folders: Vec<String>, sent: bool) -> Self {
        Self { work: Resting::new(clock.clone()), clock, history, folders, sent, rules: None, stuck: Mutex::default() }
    }

    /// Reads so much of what came before again when these rules are others than those of last time.
    #[must_use]
    pub fn by_rules(self, fingerprint: String, again: Duration) -> Self {
        Self { rules: Some((fingerprint, again)), ..self }
    }

    /// One batch.
    ///
    /// # Errors
    /// When the mailbox cannot be entered, or none of its folders is there.
    pub async fn look(
        &self,
        door: &dyn Door,
        judge: &dyn Judge,
        cursor: Option<&Value>,
    ) -> Result<Batch, ChannelError> {
        let mut state: Cursor = cursor.and_then(|cursor| Cursor::deserialize(cursor).ok()).unwrap_or_default();
        if state.since == 0 {
            state.since = self.clock.now().0;
        }
        if let Some((rules, again)) = &self.rules {
            state.heed(rules, *again, self.clock.now());
        }
        let left = state.left;
        let mut session = self.work.take(door).await?;
        let mut batch = Batch::default();
        let (mut room, mut failed) = (Room { mails: MAILS, bytes: BYTES }, None);
        let mut folders: Vec<(String, Folder)> =
            self.folders.iter().map(|folder| (utf7::encode(folder), Folder::Watched)).collect();
        // After what it answers.
        let sent = session.sent.clone().filter(|sent| self.sent && folders.iter().all(|(folder, _)| folder != sent));
        folders.extend(sent.map(|sent| (sent, Folder::Sent)));
        let mut missing = Vec::new();
        for (folder, kind) in &folders {
            if room.is_full() {
                batch.more = true;
                break;
            }
            let visit = Visit { judge, folder, kind: *kind, since: Timestamp(state.since) };
            match self.read_folder(&mut session, &visit, &mut state, &mut batch, &mut room).await {
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
            Some(error) if batch.items.is_empty() && batch.unreadable.is_empty() && state.left == left => {
                return Err(error);
            }
            Some(_) => batch.more = true,
            None => {
                if missing.len() == self.folders.len() {
                    return Err(no_folder(&missing.join(", ")));
                }
                self.work.put(session).await;
            }
        }
        batch.next = serde_json::to_value(&state).ok();
        Ok(batch)
    }

    /// Reads on in one folder; false when it is not there.
    async fn read_folder(
        &self,
        session: &mut Session,
        visit: &Visit<'_>,
        state: &mut Cursor,
        batch: &mut Batch,
        room: &mut Room,
    ) -> Result<bool, ChannelError> {
        let folder = visit.folder;
        let Some(selected) = session.select(folder).await? else { return Ok(false) };
        let mut place = match state.folders.get(folder) {
            Some(place) if place.is_still(&selected) => place.clone(),
            before => self.begin(session, &selected, before, visit.since).await?,
        };
        if place.modseq.is_some() && place.modseq == selected.modseq && selected.next == Some(place.next) {
            return Ok(true);
        }
        let end = match selected.next {
            Some(next) => next,
            // An odd server: the ids themselves tell.
            None => session.search(&format!("UID {}:*", place.next)).await?.last().map_or(place.next, |last| last + 1),
        };
        let mut left = 0;
        let outcome = self.read_on(session, visit, &mut place, end, batch, room, &mut left).await;
        state.left += left;
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
        visit: &Visit<'_>,
        place: &mut Place,
        end: u32,
        batch: &mut Batch,
        room: &mut Room,
        left: &mut u64,
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
                    *left += self.read_mail(session, visit, place.validity, entry, batch, room).await?;
                }
                // Copied mail may come from any time; what comes after it must not seem older.
                let now = self.clock.now();
                place.newest = place.newest.max(entry.at.map_or(0, |at| at.0.min(now.0)));
                place.next = entry.uid + 1;
            }
            place.next = place.next.max(last + 1);
        }
        Ok(())
    }

    /// Reads one mail; gives how many were none of our business: one or none.
    async fn read_mail(
        &self,
        session: &mut Session,
        visit: &Visit<'_>,
        validity: u32,
        entry: &Entry,
        batch: &mut Batch,
        room: &mut Room,
    ) -> Result<u64, ChannelError> {
        let folder = visit.folder;
        let mut held = Held {
            folder: folder.to_owned(),
            kind: visit.kind,
            validity,
            uid: entry.uid,
            at: entry.at.unwrap_or_else(|| self.clock.now()).0,
            body: "none".to_owned(),
        };
        let fetched = match session.fetch(entry, LARGEST).await {
            Ok(fetched) => fetched,
            Err(error) if self.is_hopeless(folder, validity, entry.uid).await => {
                tracing::warn!(folder, uid = entry.uid, code = error.code, "a mail cannot be fetched; it is passed by");
                batch.unreadable.push(Unreadable { payload: held.payload(&[]), error: error.cause.en });
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        // Deleted or moved since it was listed: whoever did that saw it.
        let Some(raw) = fetched else { return Ok(0) };
        room.mails -= 1;
        room.bytes = room.bytes.saturating_sub(raw.len());
        let found = Found {
            raw: &raw,
            at: Timestamp(held.at),
            kind: visit.kind,
            // Mailboxes count in seconds: what came in the second in which we did is news.
            history: held.at < visit.since.0 - visit.since.0 % 1_000,
            rest: (entry.size as usize > LARGEST).then_some(Rest {
                folder,
                validity,
                uid: entry.uid,
                size: entry.size,
            }),
        };
        match visit.judge.read(&found) {
            Read::Items(mut items) => batch.items.append(&mut items),
            Read::Unreadable(error) => batch.unreadable.push(Unreadable { payload: held.payload(&raw), error }),
            Read::Left => return Ok(1),
        }
        Ok(0)
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
            _ => since.minus(self.history),
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
}

/// One look at one folder.
struct Visit<'a> {
    judge: &'a dyn Judge,
    folder: &'a str,
    kind: Folder,
    since: Timestamp,
}

/// A date as SEARCH takes it (RFC 3501 `date-text`).
#[must_use]
pub fn day(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.0.max(0)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.strftime("%-d-%b-%Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::day;
    use crate::model::Timestamp;

    #[test]
    fn days_are_english() {
        assert_eq!(day(Timestamp(1_772_442_845_000)), "2-Mar-2026");
    }
}
