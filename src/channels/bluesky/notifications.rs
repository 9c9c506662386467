//! The feed `notifications`: mentions, replies and quotes, with the thread around them.
//!
//! The platform lists them newest first, sorted by a time that an author can date back, and its cursor walks into the past only.
//! So every poll reads from the top until it is past what the poll before had reached, past the last day, and on a page where all
//! is known (at most 1,000 beyond what must be read); once a day it reads a month deep. Never does it stop at the first known one.
//!
//! Promises: a page with news ends the call and the walk's place is in the cursor, so a crash goes on there; what is known is in
//! the cursor; a poll without news leaves the cursor as it is.
//! Must not: rely on the desk's memory.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::api::{Api, POSTS_MAX};
use super::thread::Judge;
use super::wire::{AtUri, Node, Notification, PostView, Record};
use crate::channels::{Batch, ChannelError, Item, Message, Unreadable};
use crate::model::Timestamp;

const DAY: i64 = 86_400_000;
/// Pages of a walk that only looks for back-dated posts.
const CAP: u32 = 10;
/// Pages of a monthly walk.
const DEEP_CAP: u32 = 50;
/// No walk is longer: 100,000 notifications since the last poll.
const ABSOLUTE_CAP: u32 = 1_000;
const KNOWN_WIDTH: usize = 8;
/// More than a monthly walk can meet.
const KNOWN_MAX: usize = 6_000;
/// How far a poll reads below the moment the poll before it began: the service may hold back the newest for a while.
const OVERLAP: i64 = 600_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// Hashes of address and reason, newest first, eight letters each: a string, because it is written at every poll.
    known: String,
    /// When the account was connected; 0 until the first walk has ended.
    connected: i64,
    /// When the last finished walk began.
    reached: i64,
    /// When the last walk a month deep began.
    deep: i64,
    walk: Option<Walk>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Walk {
    kind: Kind,
    at: Option<String>,
    pages: u32,
    started: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    First,
    Poll,
    Deep,
}

/// Reads on until a page brings news or the walk is done.
///
/// # Errors
/// The classes of any call.
pub async fn pull(api: &Api, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
    let now = api.context.clock.now().0;
    let mut cursor = cursor.and_then(|value| Cursor::deserialize(value).ok()).unwrap_or_default();
    let mut walk = cursor.walk.take().unwrap_or_else(|| Walk {
        kind: match cursor.connected {
            0 => Kind::First,
            _ if now - cursor.deep >= DAY => Kind::Deep,
            _ => Kind::Poll,
        },
        at: None,
        pages: 0,
        started: now,
    });
    loop {
        let page = page(api, &cursor, &walk).await?;
        walk.pages += 1;
        let goes_on = page.next.is_some() && goes_on(&walk, cursor.reached, now, page.position, !page.fresh.is_empty());
        if goes_on && page.fresh.is_empty() {
            // Nothing to keep: a poll that finds no news leaves the cursor as it is, however many pages it read.
            walk.at = page.next;
            continue;
        }
        return keep(api, cursor, walk, page, goes_on).await;
    }
}

/// A page of the list, and what of it is new.
#[derive(Default)]
struct Page {
    /// Hashes of what was not known.
    fresh: Vec<String>,
    notes: Vec<Notification>,
    unreadable: Vec<Unreadable>,
    /// The sort time of its oldest item (epoch ms), as far as anything tells it.
    position: Option<i64>,
    next: Option<String>,
}

async fn page(api: &Api, cursor: &Cursor, walk: &Walk) -> Result<Page, ChannelError> {
    let mut query = vec![
        ("limit", "100"),
        ("reasons", "mention"),
        ("reasons", "reply"),
        ("reasons", "quote"),
        ("priority", "false"),
    ];
    if let Some(at) = &walk.at {
        query.push(("cursor", at));
    }
    let answer = api.get("app.bsky.notification.listNotifications", &query).await?;
    let raw =
        answer["notifications"].as_array().ok_or_else(|| ChannelError::transient("the answer has no notifications"))?;

    let known: HashSet<&str> =
        cursor.known.as_bytes().chunks(KNOWN_WIDTH).filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    let history_floor = walk.started - i64::try_from(api.context.history.as_millis()).unwrap_or(30 * DAY);
    let mut page = Page::default();
    for value in raw {
        let sorted = value["indexedAt"].as_str().and_then(Timestamp::parse_rfc3339).map(|at| at.0);
        page.position = match (page.position, sorted) {
            (Some(a), Some(b)) => Some(std::cmp::min::<i64>(a, b)),
            (a, b) => a.or(b),
        };
        let hash = hash(value);
        if known.contains(hash.as_str()) || page.fresh.contains(&hash) {
            continue;
        }
        page.fresh.push(hash);
        let wanted = walk.kind != Kind::First || sorted.is_none_or(|at| at >= history_floor);
        match read(value) {
            Ok(note) if wanted && matches!(note.reason.as_str(), "mention" | "reply" | "quote") => {
                page.notes.push(note);
            }
            Ok(_) => {}
            Err(error) => page.unreadable.push(Unreadable { payload: value.to_string(), error }),
        }
    }
    page.next = answer["cursor"].as_str().and_then(|next| onward(next, walk.at.as_deref()));
    // A page on which the filter left nothing still moved: then the cursor tells how far.
    let told = page.next.as_deref().and_then(Timestamp::parse_rfc3339).map(|at| at.0);
    page.position = page.position.or(told);
    Ok(page)
}

async fn keep(api: &Api, mut cursor: Cursor, mut walk: Walk, page: Page, goes_on: bool) -> Result<Batch, ChannelError> {
    let history = walk.kind == Kind::First;
    let connected = if history { walk.started } else { cursor.connected };
    let found = messages(api, &page.notes, history, connected).await?;
    let news = !page.fresh.is_empty();
    cursor.known = page.fresh.concat() + &cursor.known;
    cursor.known.truncate(KNOWN_MAX * KNOWN_WIDTH);
    if goes_on {
        walk.at = page.next;
        cursor.walk = Some(walk);
    } else {
        cursor.connected = connected;
        // An older moment only makes the next poll read further down: not worth a write at every poll.
        if news || walk.kind != Kind::Poll || walk.started - cursor.reached >= OVERLAP {
            cursor.reached = walk.started;
        }
        if walk.kind != Kind::Poll {
            cursor.deep = walk.started;
        }
    }
    Ok(Batch {
        items: found.into_iter().map(|message| Item::Message(Box::new(message))).collect(),
        unreadable: page.unreadable,
        next: Some(json!(cursor)),
        more: goes_on,
        quota: api.quota(),
    })
}

/// The cursor to go on with; `None` when the list does not move.
///
/// The cursor is the time of the page's last item and the next page begins strictly below it, so what shares that
/// millisecond with it would never be seen (tried on the reference index: four posts of one moment, two to a page, two
/// lost). So we go on one millisecond above, meet the last item again, and step down only when that was all there is.
fn onward(next: &str, asked: Option<&str>) -> Option<String> {
    let Some(at) = Timestamp::parse_rfc3339(next) else {
        return (!next.is_empty() && asked != Some(next)).then(|| next.to_owned());
    };
    let below = asked.and_then(Timestamp::parse_rfc3339).unwrap_or(Timestamp(i64::MAX));
    [Timestamp(at.0 + 1), at].into_iter().find(|at| *at < below).map(Timestamp::to_rfc3339)
}

/// Whether the page after this one must be read too.
fn goes_on(walk: &Walk, reached: i64, now: i64, position: Option<i64>, news: bool) -> bool {
    if walk.pages >= ABSOLUTE_CAP {
        return false;
    }
    // A position that nobody tells counts as not far enough; the caps end the walk.
    let newer_than = |floor: i64| position.is_none_or(|at| at >= floor);
    if walk.kind != Kind::First && newer_than(reached - OVERLAP) {
        // What arrived since the last poll is read whatever it costs.
        return position.is_some() || walk.pages < DEEP_CAP;
    }
    match walk.kind {
        Kind::Poll => walk.pages < CAP && (newer_than(now - DAY) || news),
        Kind::First | Kind::Deep => walk.pages < DEEP_CAP && newer_than(now - 30 * DAY),
    }
}

fn hash(value: &Value) -> String {
    let mut sha = Sha256::new();
    match (value["uri"].as_str(), value["reason"].as_str()) {
        (Some(uri), Some(reason)) => sha.update(format!("{uri} {reason}")),
        _ => sha.update(value.to_string()),
    }
    let mut text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha.finalize());
    text.truncate(KNOWN_WIDTH);
    text
}

/// Reads one notification that was kept aside, as a page would.
///
/// # Errors
/// The classes of any call: what it answers is fetched along.
pub async fn reread(api: &Api, payload: &str) -> Result<Batch, ChannelError> {
    let note = serde_json::from_str(payload).map_err(|error| error.to_string()).and_then(|value: Value| read(&value));
    let note = match note {
        Ok(note) => note,
        Err(error) => {
            let unreadable = vec![Unreadable { payload: payload.to_owned(), error }];
            return Ok(Batch { unreadable, ..Batch::default() });
        }
    };
    let items = messages(api, &[note], false, 0).await?;
    Ok(Batch { items: items.into_iter().map(|message| Item::Message(Box::new(message))).collect(), ..Batch::default() })
}

fn read(value: &Value) -> Result<Notification, String> {
    let note = Notification::deserialize(value).map_err(|error| error.to_string())?;
    let at = AtUri::parse(&note.uri).ok_or_else(|| {
        format!("\"{}\" is not the address of a record", note.uri.chars().take(100).collect::<String>())
    })?;
    if at.did != note.author.did {
        return Err("the author is not the owner of the record".to_owned());
    }
    if !note.record.is_object() {
        return Err("there is no record".to_owned());
    }
    Ok(note)
}

/// The notified posts and what stands around them.
async fn messages(
    api: &Api,
    notes: &[Notification],
    history: bool,
    connected: i64,
) -> Result<Vec<Message>, ChannelError> {
    if notes.is_empty() {
        return Ok(Vec::new());
    }
    let brand = api.login().await?.did;
    let notified: HashMap<String, bool> = notes.iter().map(|note| (note.uri.clone(), history)).collect();
    let judge = Judge { brand: &brand, notified: &notified, history_before: connected };
    let mut views = HashMap::new();
    for chunk in notes.chunks(POSTS_MAX) {
        let uris: Vec<&str> = chunk.iter().map(|note| note.uri.as_str()).collect();
        views.extend(api.posts(&uris).await?.into_iter().map(|view| (view.uri.clone(), view)));
    }
    let mut found = Found::default();
    for note in notes {
        if found.seen.contains(&note.uri) {
            continue;
        }
        let view = views.remove(&note.uri).unwrap_or_else(|| view(note));
        if view.record.reply.is_none() && view.reply_count == 0 {
            found.take(judge.alone(&view));
            continue;
        }
        let tree = api.thread(&note.uri, 6, 80).await?;
        if !matches!(tree, Node::Post(_)) {
            // Deleted or blocked since: what it said is still in the notification, and a recheck will tell that it is gone.
            found.take(judge.alone(&view));
            continue;
        }
        let chain = judge.read(&tree);
        let anchor = chain
            .iter()
            .find(|message| message.external_id == note.uri)
            .map(|message| message.thread.external_id.clone());
        found.take(chain);
        // The posts beside it: once for each thread, from the post that names it.
        if let Some(anchor) = anchor.filter(|anchor| *anchor != note.uri)
            && found.threads.insert(anchor.clone())
        {
            found.take(judge.read(&api.thread(&anchor, 6, 80).await?));
        }
    }
    Ok(found.messages)
}

/// Messages, each once.
#[derive(Default)]
struct Found {
    messages: Vec<Message>,
    seen: HashSet<String>,
    threads: HashSet<String>,
}

impl Found {
    fn take(&mut self, messages: Vec<Message>) {
        for message in messages {
            if self.seen.insert(message.external_id.clone()) {
                self.messages.push(message);
            }
        }
    }
}

/// A post as the notification alone tells it: without files, without counts.
fn view(note: &Notification) -> PostView {
    PostView {
        uri: note.uri.clone(),
        cid: note.cid.clone(),
        author: note.author.clone(),
        record: Record::deserialize(&note.record).unwrap_or_default(),
        indexed_at: note.indexed_at.clone(),
        labels: note.labels.clone(),
        ..PostView::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, Kind, Walk, goes_on, onward};

    fn walk(kind: Kind, pages: u32) -> Walk {
        Walk { kind, at: None, pages, started: 0 }
    }

    #[test]
    fn a_poll_ends_on_a_known_page_older_than_a_day_and_not_before() {
        let now = 100 * DAY;
        let reached = now - 5_000;
        let poll = |pages, position, news| goes_on(&walk(Kind::Poll, pages), reached, now, position, news);
        assert!(poll(1, Some(now - 1_000), false), "newer than the last poll");
        assert!(poll(1, Some(now - DAY / 2), false), "within the day");
        assert!(poll(1, Some(now - 2 * DAY), true), "something back-dated");
        assert!(!poll(1, Some(now - 2 * DAY), false), "old and known");
        assert!(!poll(10, Some(now - DAY / 2), true), "the cap");
        assert!(poll(10, Some(now - 1_000), true), "the cap never skips what is new");
        assert!(
            goes_on(&walk(Kind::Poll, 300), now - DAY, now, Some(now - DAY / 2), false),
            "after a day of absence all of the day is read"
        );
        assert!(!poll(1_000, Some(now), true), "nothing is endless");
        assert!(!poll(50, None, false), "nor is a list that tells no times");
    }

    #[test]
    fn the_next_page_overlaps_by_the_moment_the_list_would_skip() {
        let (at, above) = ("2026-11-22T02:00:45.746Z", "2026-11-22T02:00:45.747Z");
        assert_eq!(onward(at, None).as_deref(), Some(above));
        assert_eq!(onward(at, Some("2026-11-22T03:00:00.000Z")).as_deref(), Some(above));
        assert_eq!(onward(at, Some(above)).as_deref(), Some(at), "a page full of one moment");
        assert_eq!(onward(at, Some(at)), None, "a list that does not move");
        assert_eq!(onward("2026-11-22T03:00:00.000Z", Some(at)), None, "nor one that goes back up");
        assert_eq!(onward("opaque::1", None).as_deref(), Some("opaque::1"));
        assert_eq!(onward("", None), None);
    }

    #[test]
    fn the_first_and_the_daily_walk_go_a_month_deep() {
        let now = 100 * DAY;
        for kind in [Kind::First, Kind::Deep] {
            assert!(goes_on(&walk(kind, 3), now, now, Some(now - 29 * DAY), false));
            assert!(!goes_on(&walk(kind, 3), now, now, Some(now - 31 * DAY), true));
            assert!(!goes_on(&walk(kind, 50), now, now, Some(now - 2 * DAY), true));
        }
    }
}
