//! News by asking: notifications, and what we wrote elsewhere.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::list::{Cursor, Line};
use super::wire::{Action, Actions, Notification, Notifications, Post, Stretch};
use super::{FEEDS, Forum, OWN, api};
use crate::channels::{Batch, ChannelError, Class, Feed, Item, Known, Pull, Unreadable, signature};
use crate::model::Timestamp;

const PAGE: usize = 60;
const OWN_PAGE: usize = 30;
/// Pages overlap: a line that is taken away moves those below it up.
const OVERLAP: usize = 5;
/// More lines than a forum keeps of a user.
const MOST: usize = 20_000;
/// How many lines one batch deals with: each costs a call or two.
const ROUND: usize = 25;
/// How many messages one batch holds, about.
const MANY: usize = 100;
const RECHECK: usize = 20;

/// What a line of a list means to us.
enum What {
    Said(Box<Notification>, Value),
    Wrote(Action),
    Broken(Unreadable),
    Nothing,
}

struct Page {
    lines: Vec<Line<What>>,
    size: usize,
    last: bool,
}

#[async_trait]
impl Pull for Forum {
    fn feeds(&self) -> &'static [Feed] {
        FEEDS
    }

    async fn pull(&self, feed: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        let now = self.api.context.clock.now();
        let at = cursor.and_then(|cursor| serde_json::from_value(cursor.clone()).ok());
        let mut batch = self.go_through(feed, at.unwrap_or(Cursor::new(now))).await?;
        batch.quota = Some(self.api.left());
        Ok(batch)
    }

    async fn recheck(&self, known: &[Known]) -> Result<Batch, ChannelError> {
        let mut batch = Batch::default();
        for one in self.by_turns(known) {
            if !self.api.may_ask() {
                break;
            }
            self.looked().insert(one.external_id.clone());
            self.look_again(one, &mut batch).await?;
        }
        batch.quota = Some(self.api.left());
        Ok(batch)
    }

    /// What was held back is a notification or a post; either names its post.
    async fn reread(&self, _: &str, payload: &str) -> Result<Batch, ChannelError> {
        let mut batch = Batch::default();
        let since = self.api.context.clock.now();
        let value: Value = serde_json::from_str(payload).unwrap_or_default();
        let read = if let Ok(post) = serde_json::from_value::<Post>(value.clone()) {
            Some(Ok(post))
        } else if let Ok(notification) = serde_json::from_value::<Notification>(value) {
            Some(self.said(&notification).await)
        } else {
            None
        };
        match read {
            Some(Ok(post)) => batch.items = self.items(&self.place(post).await?, since),
            Some(Err(error)) if error.class != Class::Rejected => return Err(error),
            _ => batch.unreadable.push(Unreadable { payload: payload.to_owned(), error: "this is no post".to_owned() }),
        }
        Ok(batch)
    }

    fn recheck_max(&self) -> usize {
        RECHECK
    }
}

impl Forum {
    async fn go_through(&self, feed: &str, mut at: Cursor) -> Result<Batch, ChannelError> {
        let now = self.api.context.clock.now();
        let back = at.since().minus(self.api.context.history);
        let mut batch = Batch::default();
        let (mut place, mut taken, mut moved, mut undated) = (0, 0, false, BTreeSet::new());
        let whole = 'pages: loop {
            if moved && !self.api.may_ask() {
                break false;
            }
            let page = match self.page(feed, place).await {
                Err(_) if moved => break false,
                page => page?,
            };
            // High-priority ones may stand first whatever their age: only the last of a page says where it ends.
            let reached = page.lines.last().is_some_and(|line| at.is_before(line, back));
            let mut news = false;
            for line in page.lines.into_iter().rev() {
                if line.at.is_none() {
                    undated.insert(line.key.clone());
                }
                if !at.is_new(&line, back) {
                    continue;
                }
                news = true;
                if taken >= ROUND || (taken > 0 && !self.api.may_ask()) {
                    break 'pages false;
                }
                let costs = usize::from(matches!(line.what, What::Said(..) | What::Wrote(_)));
                match self.take(line.what, &mut at, &mut batch).await {
                    Ok(true) => at.done(line.key, line.at),
                    Ok(false) => break 'pages false,
                    // What was dealt with before it is kept; it is met again with the next look.
                    Err(_) if moved => break 'pages false,
                    Err(error) => return Err(error),
                }
                moved = true;
                taken += costs;
            }
            if page.last || reached {
                break true;
            }
            let next = place + page.size - OVERLAP;
            place = if news { next } else { next.max(at.resume()) };
        };
        if whole {
            at.finish(&undated, now);
        } else {
            at.stop_at(place.saturating_sub(PAGE));
        }
        batch.more = !whole;
        batch.next = serde_json::to_value(at).ok();
        Ok(batch)
    }

    async fn page(&self, feed: &str, place: usize) -> Result<Page, ChannelError> {
        let offset = place.to_string();
        if feed == "own" {
            let query = [("username", self.api.username.as_str()), ("filter", OWN), ("offset", offset.as_str())];
            let found: Actions = self.api.get("user_actions.json", &query).await.map_err(api::of_feed)?;
            let last = found.user_actions.len() < OWN_PAGE || place >= MOST;
            let lines = found.user_actions.into_iter().map(wrote).collect();
            return Ok(Page { lines, size: OWN_PAGE, last });
        }
        let limit = PAGE.to_string();
        let query = [("limit", limit.as_str()), ("offset", offset.as_str())];
        let found: Notifications = self.api.get("notifications.json", &query).await.map_err(api::of_feed)?;
        // What is not for us is taken out of a page and counted all the same: a short page is not the last.
        let last = match found.total_rows_notifications {
            0 => found.notifications.is_empty(),
            total => place + PAGE >= total,
        };
        let lines = found.notifications.into_iter().map(said).collect();
        Ok(Page { lines, size: PAGE, last: last || place >= MOST })
    }

    /// Deals with a line; `false` when there is more to it than one batch can hold.
    async fn take(&self, what: What, at: &mut Cursor, batch: &mut Batch) -> Result<bool, ChannelError> {
        match what {
            What::Nothing => {}
            What::Broken(unreadable) => batch.unreadable.push(unreadable),
            What::Wrote(action) => {
                if let Err(error) = self.wrote(&action, at.since(), batch).await
                    && error.class != Class::Rejected
                {
                    return Err(error);
                }
            }
            What::Said(notification, raw) => match self.told_of(&notification, at, batch).await {
                Ok(whole) => return Ok(whole),
                // Removed before we saw it, or shown to us no more.
                Err(error) if api::is_away(&error) => {}
                Err(error) if error.class == Class::Rejected => {
                    batch.unreadable.push(Unreadable { payload: raw.to_string(), error: error.cause.en });
                }
                Err(error) => return Err(error),
            },
        }
        Ok(true)
    }

    /// What a notification speaks of: a post, or all in its topic that was not read before it.
    async fn told_of(
        &self,
        notification: &Notification,
        at: &mut Cursor,
        batch: &mut Batch,
    ) -> Result<bool, ChannelError> {
        if let Some(topic) = notification.topic_id.filter(|_| notification.stands_for_more()) {
            let back = at.since().minus(self.api.context.history);
            let mut found = false;
            // Of a private topic all is for us, also what a colleague read on the forum before we came to look.
            let unread = if notification.is_private() { 1 } else { notification.post_number.unwrap_or(1) };
            let mut behind = at.read_to(topic).unwrap_or(unread.saturating_sub(1));
            let begun = behind;
            while !found {
                if behind > begun && (batch.items.len() >= MANY || !self.api.may_ask()) {
                    return Ok(false);
                }
                let (posts, end) = self.stretch(topic, behind, batch).await?;
                let Some(end) = end else { break };
                for post in posts {
                    found |= Some(post.id) == notification.post_id();
                    let old = post.created_at.is_some_and(|moment| moment < back);
                    if old || post.is_gone() || !post.is_said() || self.is_us(&post.username) {
                        continue;
                    }
                    let placed = self.place(post).await?;
                    if notification.is_watched() || self.concerns_us(&placed) {
                        batch.items.extend(self.items(&placed, at.since()));
                    }
                }
                at.read(topic, end, self.api.context.clock.now());
                behind = end;
            }
            if found {
                return Ok(true);
            }
        }
        let placed = self.place(self.said(notification).await?).await?;
        if !notification.stands_for_more() || notification.is_watched() || self.concerns_us(&placed) {
            batch.items.extend(self.items(&placed, at.since()));
        }
        Ok(true)
    }

    /// The next posts of a topic behind this number, and the last number among them.
    async fn stretch(
        &self,
        topic: u64,
        behind: u64,
        batch: &mut Batch,
    ) -> Result<(Vec<Post>, Option<u64>), ChannelError> {
        // A number that no post has any more means the post nearest to it, which may be the one after: the one before is named.
        let before = behind.saturating_sub(1).to_string();
        let query = [("post_number", before.as_str()), ("asc", "true")];
        let query = if behind > 1 { &query[..] } else { &[] };
        let found: Stretch = self.api.get(&format!("t/{topic}/posts.json"), query).await?;
        let (mut posts, mut end) = (Vec::new(), None);
        for raw in found.post_stream.posts {
            let number = raw["post_number"].as_u64().filter(|number| *number > behind);
            end = end.max(number);
            match serde_json::from_value::<Post>(raw.clone()) {
                Ok(post) if number.is_some() => {
                    self.keep(&post);
                    posts.push(post);
                }
                Err(error) if number.is_some() => {
                    batch.unreadable.push(Unreadable { payload: raw.to_string(), error: error.to_string() });
                }
                _ => {}
            }
        }
        Ok((posts, end))
    }

    /// The post a notification speaks of.
    async fn said(&self, notification: &Notification) -> Result<Post, ChannelError> {
        if let Some(id) = notification.post_id() {
            return self.api.get(&format!("posts/{id}.json"), &[]).await;
        }
        let (topic, number) = (notification.topic_id.unwrap_or(0), notification.post_number.unwrap_or(1));
        self.api.get(&format!("posts/by_number/{topic}/{number}.json"), &[]).await
    }

    async fn wrote(&self, action: &Action, since: Timestamp, batch: &mut Batch) -> Result<(), ChannelError> {
        let path = match action.post_id {
            Some(id) => format!("posts/{id}.json"),
            // What began a topic is named by the topic.
            None => format!("posts/by_number/{}/{}.json", action.topic_id, action.post_number.unwrap_or(1)),
        };
        let post: Post = self.api.get(&path, &[]).await?;
        if !post.is_said() {
            return Ok(());
        }
        let placed = self.place(post).await?;
        let thread = self.thread(&placed);
        // Nobody else in the chain: a post of ours that nobody answered is in no thread yet.
        if placed.is_private() || thread.external_id != placed.post.id.to_string() {
            let message = self.message(&placed.post, &placed, &thread, since);
            batch.items.push(Item::Message(Box::new(message)));
        }
        Ok(())
    }
}

fn said(raw: Value) -> Line<What> {
    match serde_json::from_value::<Notification>(raw.clone()) {
        Ok(one) => Line {
            key: one.id.to_string(),
            at: one.created_at,
            what: if one.is_said() { What::Said(Box::new(one), raw) } else { What::Nothing },
        },
        Err(error) => {
            let payload = raw.to_string();
            let named = || format!("x{}", signature::hex(&Sha256::digest(payload.as_bytes())[..8]));
            Line {
                key: raw["id"].as_u64().map_or_else(named, |id| id.to_string()),
                at: raw["created_at"].as_str().and_then(Timestamp::parse_rfc3339),
                what: What::Broken(Unreadable { payload, error: error.to_string() }),
            }
        }
    }
}

fn wrote(action: Action) -> Line<What> {
    let key = action.post_id.map_or_else(|| format!("t{}", action.topic_id), |id| id.to_string());
    Line { key, at: action.created_at, what: What::Wrote(action) }
}
