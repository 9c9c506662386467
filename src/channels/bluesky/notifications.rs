//! The feed `notifications`: mentions, replies and quotes, with the thread around them.
//!
//! The platform lists them newest first, sorted by a time that an author can date back, and its cursor walks into the past only.
//! So every poll reads from the top until it is past what the poll before had reached, past the last day, and on a page where all
//! is known; below what must be read it ends sooner when 1,000 in a row are known, and goes on for as long as there is news: an
//! index that was behind shows the posts of an hour at once. Once a day a walk goes a month deep. Never does one stop at the first
//! known one.
//!
//! Promises: a page with news ends the call and the walk's place is in the cursor, so a crash goes on there; what is known is in
//! the cursor; a poll without news leaves the cursor as it is; one thread that cannot be shown stops nothing else.
//! Must not: rely on the desk's memory.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::api::{Api, POSTS_MAX};
use super::around::{self, Shown};
use super::thread::Judge;
use super::walk::{DAY, KNOWN_WIDTH, Kind, OVERLAP, Walk, among, goes_on, hashes, onward, past};
use super::wire::{AtUri, Heading, Node, Notification, Notifications, PostView, Record};
use crate::channels::stumbles::{Failures, Stumbles};
use crate::channels::{Batch, ChannelError, Item, Message, Unreadable};
use crate::model::Timestamp;

/// Levels below a post that are read with it: what hangs further down comes by its own notification, or by the feed `own`. A post
/// of somebody famous has more below it than any answer holds.
const BELOW: u32 = 2;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// Hashes of address and reason in the order of the list, eight letters each: a string, because it is written at every poll.
    /// What stands at its end is forgotten first.
    known: String,
    /// When the account was connected; 0 until the first walk has ended.
    connected: i64,
    /// When the last finished walk began.
    reached: i64,
    /// When the last walk a month deep began.
    deep: i64,
    walk: Option<Walk>,
}

/// Reads on until a page brings news or the walk is done.
///
/// # Errors
/// The classes of any call.
pub async fn pull(api: &Api, stumbles: &Stumbles, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
    let now = api.context.clock.now().0;
    let mut cursor = cursor.and_then(|value| Cursor::deserialize(value).ok()).unwrap_or_default();
    let mut walk = cursor.walk.take().unwrap_or_else(|| {
        let kind = match cursor.connected {
            0 => Kind::First,
            _ if now - cursor.deep >= DAY => Kind::Deep,
            _ => Kind::Poll,
        };
        Walk::new(kind, now)
    });
    loop {
        let page = page(api, &cursor, &walk).await?;
        let news = page.news;
        walk.passed(cursor.reached, page.position, news);
        let goes_on = page.next.is_some() && goes_on(&walk, cursor.reached, now, page.position, news);
        if goes_on && !news {
            // Nothing to keep: a poll that finds no news leaves the cursor as it is, however many pages it read.
            (walk.at, walk.place) = (page.next, page.place);
            continue;
        }
        return keep(api, stumbles, cursor, walk, page, goes_on).await;
    }
}

/// A page of the list, and what of it is new.
#[derive(Default)]
struct Page {
    /// Whether it holds what was not known.
    news: bool,
    /// What is known after it, and where the list goes on in that.
    known: String,
    place: usize,
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
    let answer: Notifications = api.get_as("app.bsky.notification.listNotifications", &query).await?;

    let known: HashMap<&str, usize> = hashes(&cursor.known).enumerate().map(|(at, hash)| (hash, at)).collect();
    let history_floor = walk.started - i64::try_from(api.context.history.as_millis()).unwrap_or(30 * DAY);
    let mut page = Page { place: walk.place, ..Page::default() };
    let mut fresh: Vec<(usize, String)> = Vec::new();
    for raw in &answer.notifications {
        let raw = raw.get();
        let heading: Heading = serde_json::from_str(raw).unwrap_or_default();
        let sorted = Timestamp::parse_rfc3339(&heading.indexed_at).map(|at| at.0);
        page.position = match (page.position, sorted) {
            (Some(a), Some(b)) => Some(std::cmp::min::<i64>(a, b)),
            (a, b) => a.or(b),
        };
        let hash = hash(&heading, raw);
        if let Some(&at) = known.get(hash.as_str()) {
            page.place = past(page.place, at);
            continue;
        }
        if fresh.iter().any(|(_, other)| *other == hash) {
            continue;
        }
        fresh.push((page.place, hash));
        let wanted = walk.kind != Kind::First || sorted.is_none_or(|at| at >= history_floor);
        match read(raw) {
            Ok(note) if wanted && matches!(note.reason.as_str(), "mention" | "reply" | "quote") => {
                page.notes.push(note);
            }
            Ok(_) => {}
            Err(error) => page.unreadable.push(Unreadable { payload: raw.to_owned(), error }),
        }
    }
    page.news = !fresh.is_empty();
    page.place += fresh.len();
    page.known = among(&cursor.known, &fresh);
    page.next = answer.cursor.and_then(|next| onward(&next, walk.at.as_deref()));
    // A page on which the filter left nothing still moved: then the cursor tells how far.
    let told = page.next.as_deref().and_then(Timestamp::parse_rfc3339).map(|at| at.0);
    page.position = page.position.or(told);
    Ok(page)
}

async fn keep(
    api: &Api,
    stumbles: &Stumbles,
    mut cursor: Cursor,
    mut walk: Walk,
    page: Page,
    goes_on: bool,
) -> Result<Batch, ChannelError> {
    let history = walk.kind == Kind::First;
    let connected = if history { walk.started } else { cursor.connected };
    let found = messages(api, stumbles, &page.notes, history, connected).await?;
    cursor.known = page.known;
    if goes_on {
        (walk.at, walk.place) = (page.next, page.place);
        cursor.walk = Some(walk);
    } else {
        cursor.connected = connected;
        // An older moment only makes the next poll read further down: not worth a write at every poll.
        if page.news || walk.kind != Kind::Poll || walk.started - cursor.reached >= OVERLAP {
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

fn hash(heading: &Heading, raw: &str) -> String {
    let mut sha = Sha256::new();
    match (&heading.uri, &heading.reason) {
        (Some(uri), Some(reason)) => sha.update(format!("{uri} {reason}")),
        _ => sha.update(raw),
    }
    let mut text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha.finalize());
    text.truncate(KNOWN_WIDTH);
    text
}

/// Reads one notification that was kept aside, as a page would.
///
/// # Errors
/// The classes of any call: what it answers is fetched along.
pub async fn reread(api: &Api, stumbles: &Stumbles, payload: &str) -> Result<Batch, ChannelError> {
    let note = match read(payload) {
        Ok(note) => note,
        Err(error) => {
            let unreadable = vec![Unreadable { payload: payload.to_owned(), error }];
            return Ok(Batch { unreadable, ..Batch::default() });
        }
    };
    let items = messages(api, stumbles, &[note], false, 0).await?;
    Ok(Batch { items: items.into_iter().map(|message| Item::Message(Box::new(message))).collect(), ..Batch::default() })
}

fn read(raw: &str) -> Result<Notification, String> {
    let value: Value = serde_json::from_str(raw).map_err(|error| error.to_string())?;
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
    stumbles: &Stumbles,
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
    let mut failures = Failures::none(api.context.clock.now());
    for note in notes {
        if found.seen.contains(&note.uri) {
            continue;
        }
        let view = views.remove(&note.uri).unwrap_or_else(|| view(note));
        if view.record.reply.is_none() && view.reply_count == 0 {
            found.take(judge.alone(&view));
            continue;
        }
        let tree = match around::thread(api, stumbles, &note.uri, BELOW).await? {
            Shown::Tree(tree @ Node::Post(_)) => tree,
            // Deleted or blocked since: what it said is still in the notification, and a recheck will tell that it is gone.
            Shown::Tree(_) | Shown::Never => {
                found.take(judge.alone(&view));
                continue;
            }
            Shown::NotNow(error) => {
                failures.pass(api.context.clock.now(), error)?;
                continue;
            }
        };
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
            match around::thread(api, stumbles, &anchor, BELOW).await? {
                Shown::Tree(tree) => found.take(judge.read(&tree)),
                Shown::Never => {}
                Shown::NotNow(error) => failures.pass(api.context.clock.now(), error)?,
            }
        }
    }
    failures.end()?;
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
