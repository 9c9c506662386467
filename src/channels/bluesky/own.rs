//! The feed `own`: the brand's recent posts, for what notifications do not tell: answers written in another client, replies more
//! than five levels below the brand's post, and replies that were indexed before what they answer (seen at the reference index).
//!
//! A post is looked at when it is new and is or has a reply, when its number of direct replies changed, and, when its thread is
//! deep, every ten minutes: the number does not count what hangs further down.
//! Promises: a bounded number of calls for each pull; the cursor holds what was seen.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::Api;
use super::convert;
use super::thread::Judge;
use super::wire::{FeedPost, Node};
use crate::channels::{Batch, ChannelError, Item, Unreadable};
use crate::model::Direction;

const DAY: i64 = 86_400_000;
const AGAIN: i64 = 600_000;
/// Threads looked at in one pull.
const LOOKS: usize = 10;
/// Levels below a post from which on its own count says nothing about news.
const DEEP: u32 = 2;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    connected: i64,
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Seen {
    replies: i64,
    looked: i64,
    deep: bool,
}

/// One look at the brand's posts.
///
/// # Errors
/// The classes of any call.
pub async fn pull(api: &Api, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
    let now = api.context.clock.now().0;
    let brand = api.login().await?.did;
    let mut cursor = cursor.and_then(|value| Cursor::deserialize(value).ok()).unwrap_or_default();
    if cursor.connected == 0 {
        cursor.connected = now;
    }
    let history = i64::try_from(api.context.history.as_millis()).unwrap_or(30 * DAY);
    let oldest = cursor.connected - history;
    let query =
        [("actor", brand.as_str()), ("limit", "50"), ("filter", "posts_with_replies"), ("includePins", "false")];
    let answer = api.get("app.bsky.feed.getAuthorFeed", &query).await?;
    let raw = answer["feed"].as_array().ok_or_else(|| ChannelError::transient("the answer has no feed"))?;

    let mut batch = Batch::default();
    let mut listed = HashSet::new();
    let mut due = Vec::new();
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
        let sorted = convert::sorted(&entry.post).0;
        if sorted < oldest || sorted < now - 30 * DAY {
            continue;
        }
        let replies = entry.post.reply_count;
        let is_due = match cursor.seen.get(&entry.post.uri) {
            None => replies > 0 || entry.post.record.reply.is_some(),
            Some(seen) => seen.replies != replies || (seen.deep && now - seen.looked >= AGAIN),
        };
        if is_due {
            due.push((entry.post.uri, replies));
        } else {
            cursor.seen.entry(entry.post.uri).or_insert(Seen { replies, looked: now, deep: false });
        }
    }
    cursor.seen.retain(|uri, _| listed.contains(uri));
    batch.more = due.len() > LOOKS;
    let nobody = HashMap::new();
    let judge = Judge { brand: &brand, notified: &nobody, history_before: cursor.connected };
    let mut given = HashSet::new();
    for (uri, replies) in due.into_iter().take(LOOKS) {
        let tree = api.thread(&uri, 10, 80).await?;
        let deep = depth(&tree) >= DEEP;
        let found = judge.read(&tree);
        // A thread of long ago in which nothing happened since is no news.
        if found.iter().any(|message| message.sent_at.0 >= oldest && message.direction != Direction::Context) {
            batch.items.extend(
                found
                    .into_iter()
                    .filter(|message| given.insert(message.external_id.clone()))
                    .map(|message| Item::Message(Box::new(message))),
            );
        }
        cursor.seen.insert(uri, Seen { replies, looked: now, deep });
    }
    batch.quota = api.quota();
    batch.next = Some(json!(cursor));
    Ok(batch)
}

fn depth(node: &Node) -> u32 {
    match node {
        Node::Post(post) => post.replies.iter().map(|reply| 1 + depth(reply)).max().unwrap_or(0),
        Node::NotFound { .. } | Node::Blocked { .. } => 0,
    }
}
