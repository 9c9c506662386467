//! The feed `own`: the brand's recent posts, for what notifications do not tell: answers written in another client, replies more
//! than five levels below the brand's post, and replies that were indexed before what they answer (seen at the reference index).
//!
//! Every pull reads from the newest down to a page on which all is known. A post is looked at when it is new and is or has a reply,
//! when its number of direct replies changed, and, when its thread is deep, every ten minutes: the number does not count what hangs
//! further down.
//! Promises: a bounded number of calls for each pull, and the walk's place in the cursor; the cursor holds what was seen; one
//! thread that cannot be shown stops nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::Api;
use super::around::{self, Shown};
use super::convert;
use super::thread::Judge;
use super::walk::{DAY, onward};
use super::wire::{FeedPost, Node, PostView};
use crate::channels::stumbles::{Failures, Stumbles};
use crate::channels::{Batch, ChannelError, Item, Unreadable};
use crate::model::Direction;

const AGAIN: i64 = 600_000;
/// Threads looked at in one pull.
const LOOKS: usize = 10;
/// Levels read below a post.
const BELOW: u32 = 10;
/// Levels below a post from which on its own count says nothing about news.
const DEEP: u32 = 2;
/// Pages of one walk: a thousand posts.
const CAP: u32 = 20;
/// How many posts are remembered, the newest. What is older than all of them is not looked at again.
const KEEP: usize = 300;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    connected: i64,
    seen: BTreeMap<String, Seen>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    walk: Option<Walk>,
}

/// The page that is read, and what is known of it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Walk {
    at: Option<String>,
    pages: u32,
    /// Something on it had not been seen.
    news: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Seen {
    replies: i64,
    looked: i64,
    deep: bool,
    /// When it was written, as the feed is sorted.
    #[serde(default)]
    at: i64,
    /// Its thread cannot be shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    broken: bool,
}

impl Seen {
    fn is_due(&self, replies: i64, now: i64) -> bool {
        let rested = now - self.looked >= AGAIN;
        (self.replies != replies && (rested || !self.broken)) || (self.deep && rested)
    }
}

impl Cursor {
    /// Posts from before this are left alone: they are older than what was asked for, or than all that is remembered.
    fn floor(&self, api: &Api, now: i64) -> i64 {
        let history = i64::try_from(api.context.history.as_millis()).unwrap_or(30 * DAY);
        let asked = (self.connected - history).max(now - 30 * DAY);
        let remembered = if self.seen.len() < KEEP {
            None
        } else {
            self.seen.values().map(|seen| seen.at).filter(|at| *at > 0).min()
        };
        remembered.map_or(asked, |at| at.max(asked))
    }

    /// Forgets what no walk comes to again.
    fn forget(&mut self, floor: i64) {
        self.seen.retain(|_, seen| seen.at >= floor);
        if self.seen.len() > KEEP {
            let mut ages: Vec<i64> = self.seen.values().map(|seen| seen.at).collect();
            ages.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
            let oldest = ages[KEEP - 1];
            self.seen.retain(|_, seen| seen.at >= oldest);
        }
    }
}

/// A page of the feed.
#[derive(Default)]
struct Page {
    /// Posts whose threads are to be looked at.
    due: Vec<PostView>,
    /// Whether any post of it is one of the brand's.
    ours: bool,
    next: Option<String>,
}

/// One look at the brand's posts.
///
/// # Errors
/// The classes of any call.
pub async fn pull(api: &Api, stumbles: &Stumbles, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
    let now = api.context.clock.now();
    let brand = api.login().await?.did;
    let mut cursor = cursor.and_then(|value| Cursor::deserialize(value).ok()).unwrap_or_default();
    if cursor.connected == 0 {
        cursor.connected = now.0;
    }
    let mut batch = Batch::default();
    let mut walk = cursor.walk.take().unwrap_or_default();
    let page = loop {
        let page = page(api, &brand, &mut cursor, &mut walk, &mut batch).await?;
        let goes_on = page.next.is_some() && walk.pages + 1 < CAP && (walk.news || !page.ours);
        if !goes_on || !page.due.is_empty() {
            if page.due.len() > LOOKS {
                cursor.walk = Some(walk);
            } else if goes_on {
                cursor.walk = Some(Walk { at: page.next.clone(), pages: walk.pages + 1, news: false });
            }
            break page;
        }
        walk = Walk { at: page.next, pages: walk.pages + 1, news: false };
    };
    batch.more = cursor.walk.is_some();
    look(api, stumbles, &brand, &mut cursor, page.due, &mut batch).await?;
    if cursor.walk.is_none() {
        let floor = cursor.floor(api, now.0);
        cursor.forget(floor);
    }
    batch.quota = api.quota();
    batch.next = Some(json!(cursor));
    Ok(batch)
}

async fn page(
    api: &Api,
    brand: &str,
    cursor: &mut Cursor,
    walk: &mut Walk,
    batch: &mut Batch,
) -> Result<Page, ChannelError> {
    let now = api.context.clock.now().0;
    let floor = cursor.floor(api, now);
    let mut query = vec![("actor", brand), ("limit", "50"), ("filter", "posts_with_replies"), ("includePins", "false")];
    if let Some(at) = &walk.at {
        query.push(("cursor", at));
    }
    let answer = api.get("app.bsky.feed.getAuthorFeed", &query).await?;
    let raw = answer["feed"].as_array().ok_or_else(|| ChannelError::transient("the answer has no feed"))?;
    let mut page = Page::default();
    let mut listed = HashSet::new();
    for value in raw {
        let entry = match FeedPost::deserialize(value) {
            Ok(entry) => entry,
            Err(error) => {
                batch.unreadable.push(Unreadable { payload: value.to_string(), error: error.to_string() });
                continue;
            }
        };
        if !entry.reason.is_null() || entry.post.author.did != brand || !listed.insert(entry.post.uri.clone()) {
            continue;
        }
        page.ours = true;
        let at = convert::sorted(&entry.post).0;
        if at < floor {
            continue;
        }
        let replies = entry.post.reply_count;
        let is_due = match cursor.seen.get_mut(&entry.post.uri) {
            None => {
                walk.news = true;
                replies > 0 || entry.post.record.reply.is_some()
            }
            Some(seen) => {
                seen.at = at;
                seen.is_due(replies, now)
            }
        };
        if is_due {
            page.due.push(entry.post);
        } else {
            let seen = Seen { replies, looked: now, deep: false, at, broken: false };
            cursor.seen.entry(entry.post.uri).or_insert(seen);
        }
    }
    page.next = answer["cursor"].as_str().and_then(|next| onward(next, walk.at.as_deref()));
    Ok(page)
}

/// Looks at the threads of some of these posts.
async fn look(
    api: &Api,
    stumbles: &Stumbles,
    brand: &str,
    cursor: &mut Cursor,
    due: Vec<PostView>,
    batch: &mut Batch,
) -> Result<(), ChannelError> {
    let now = api.context.clock.now();
    let history = i64::try_from(api.context.history.as_millis()).unwrap_or(30 * DAY);
    let oldest = cursor.connected - history;
    let nobody = HashMap::new();
    let judge = Judge { brand, notified: &nobody, history_before: cursor.connected };
    let mut given = HashSet::new();
    let mut failures = Failures::none(now);
    for post in due.into_iter().take(LOOKS) {
        let (found, deep, broken) = match around::thread(api, stumbles, &post.uri, BELOW).await? {
            Shown::Tree(tree) => (judge.read(&tree), depth(&tree) >= DEEP, false),
            Shown::Never => (judge.alone(&post), false, true),
            Shown::NotNow(error) => {
                failures.pass(api.context.clock.now(), error)?;
                continue;
            }
        };
        // A thread of long ago in which nothing happened since is no news.
        if found.iter().any(|message| message.sent_at.0 >= oldest && message.direction != Direction::Context) {
            batch.items.extend(
                found
                    .into_iter()
                    .filter(|message| given.insert(message.external_id.clone()))
                    .map(|message| Item::Message(Box::new(message))),
            );
        }
        let at = convert::sorted(&post).0;
        cursor.seen.insert(post.uri, Seen { replies: post.reply_count, looked: now.0, deep, at, broken });
    }
    failures.end()
}

fn depth(node: &Node) -> u32 {
    match node {
        Node::Post(post) => post.replies.iter().map(|reply| 1 + depth(reply)).max().unwrap_or(0),
        Node::NotFound { .. } | Node::Blocked { .. } => 0,
    }
}
