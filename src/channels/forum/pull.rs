//! News by asking: notifications, what we wrote elsewhere, and whether known posts are still as they were.
//!
//! Promises: looking again leaves the last tenth of what may be asked to replies, and everything gets its turn.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::posts::Placed;
use super::wire::{Actions, Notification, Notifications, Post};
use super::{FEEDS, Forum, OWN, api};
use crate::channels::{Batch, ChannelError, Class, Feed, Item, Known, Pull, Unreadable};
use crate::model::Timestamp;

const PAGE: usize = 60;
/// How many pages back we look for where we were.
const PAGES: usize = 20;
/// How many posts one batch brings: each costs a call or two.
const ROUND: usize = 25;
const RECHECK: usize = 20;
/// Turns are forgotten past so many.
const TURNS: usize = 2_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// The last one that was taken in.
    seen: u64,
    /// When Balie came: what is older is history.
    since: Timestamp,
}

#[async_trait]
impl Pull for Forum {
    fn feeds(&self) -> &'static [Feed] {
        FEEDS
    }

    async fn pull(&self, feed: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        let now = self.api.context.clock.now();
        let at = cursor.and_then(|cursor| serde_json::from_value(cursor.clone()).ok());
        let at = at.unwrap_or(Cursor { seen: 0, since: now });
        let batch = match feed {
            "notifications" => self.notifications(at).await?,
            "own" => self.own(at).await?,
            _ => Batch::default(),
        };
        Ok(Batch { quota: Some(self.api.left()), ..batch })
    }

    async fn recheck(&self, known: &[Known]) -> Result<Batch, ChannelError> {
        let mut batch = Batch::default();
        for one in self.by_turns(known) {
            if self.api.left().spare() <= 0 {
                break;
            }
            self.looked().insert(one.external_id.clone());
            self.look_again(one, &mut batch).await?;
        }
        Ok(Batch { quota: Some(self.api.left()), ..batch })
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
    fn looked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those first that had no turn the last time.
    fn by_turns<'k>(&self, known: &'k [Known]) -> Vec<&'k Known> {
        let mut looked = self.looked();
        if looked.len() > TURNS {
            looked.clear();
        }
        if known.iter().all(|one| looked.contains(&one.external_id)) {
            for one in known {
                looked.remove(&one.external_id);
            }
        }
        let mut all: Vec<&Known> = known.iter().collect();
        all.sort_by_key(|one| looked.contains(&one.external_id));
        all
    }

    async fn notifications(&self, mut at: Cursor) -> Result<Batch, ChannelError> {
        let mut batch = Batch::default();
        let back = at.since.minus(self.api.context.history);
        let mut waiting: Vec<(Notification, Value)> = Vec::new();
        let mut highest = at.seen;
        for page in 0..PAGES {
            let (limit, offset) = (PAGE.to_string(), (page * PAGE).to_string());
            let query = [("limit", limit.as_str()), ("offset", offset.as_str())];
            let found: Notifications = self.api.get("notifications.json", &query).await.map_err(api::of_feed)?;
            let full = found.notifications.len() >= PAGE;
            // High-priority ones stand first whatever their age: only the last of a page says where it ends.
            let mut reached = false;
            for raw in found.notifications {
                let notification: Notification = match serde_json::from_value(raw.clone()) {
                    Ok(notification) => notification,
                    Err(error) => {
                        // Without a number it would come again with every look.
                        if raw["id"].as_u64().map_or(page == 0, |id| id > at.seen) {
                            batch.unreadable.push(Unreadable { payload: raw.to_string(), error: error.to_string() });
                            highest = highest.max(raw["id"].as_u64().unwrap_or(0));
                        }
                        continue;
                    }
                };
                reached = notification.id <= at.seen || notification.created_at.is_some_and(|moment| moment < back);
                if !reached {
                    highest = highest.max(notification.id);
                    waiting.push((notification, raw));
                }
            }
            if !full || reached {
                break;
            }
        }
        waiting.sort_by_key(|(notification, _)| notification.id);
        waiting.dedup_by_key(|(notification, _)| notification.id);
        batch.more = waiting.len() > ROUND;
        let last = waiting.get(ROUND - 1).map(|(notification, _)| notification.id);
        for (notification, raw) in waiting.into_iter().take(ROUND).filter(|(notification, _)| notification.is_said()) {
            match self.find_said(&notification).await {
                Ok(placed) => batch.items.extend(self.items(&placed, at.since)),
                // Removed before we saw it, or shown to us no more.
                Err(error) if api::is_away(&error) => {}
                Err(error) if error.class == Class::Rejected => {
                    batch.unreadable.push(Unreadable { payload: raw.to_string(), error: error.cause.en });
                }
                Err(error) => return Err(error),
            }
        }
        at.seen = if batch.more { last.unwrap_or(highest) } else { highest };
        batch.next = serde_json::to_value(at).ok();
        Ok(batch)
    }

    async fn find_said(&self, notification: &Notification) -> Result<Placed, ChannelError> {
        let post = self.said(notification).await?;
        self.place(post).await
    }

    /// The post a notification speaks of.
    async fn said(&self, notification: &Notification) -> Result<Post, ChannelError> {
        if let Some(id) = notification.post_id() {
            return self.api.get(&format!("posts/{id}.json"), &[]).await;
        }
        let (topic, number) = (notification.topic_id.unwrap_or(0), notification.post_number.unwrap_or(1));
        self.api.get(&format!("posts/by_number/{topic}/{number}.json"), &[]).await
    }

    async fn own(&self, mut at: Cursor) -> Result<Batch, ChannelError> {
        let mut batch = Batch::default();
        let back = at.since.minus(self.api.context.history);
        let mut ids: Vec<u64> = Vec::new();
        for page in 0..PAGES {
            let offset = (page * 30).to_string();
            let query = [("username", self.api.username.as_str()), ("filter", OWN), ("offset", offset.as_str())];
            let found: Actions = self.api.get("user_actions.json", &query).await.map_err(api::of_feed)?;
            let (full, before) = (found.user_actions.len() >= 30, ids.len());
            let count = found.user_actions.len();
            for action in found.user_actions {
                let id = match action.post_id {
                    Some(id) => id,
                    // What began a topic is named by the topic.
                    None => match self.by_topic(action.topic_id, action.post_number.unwrap_or(1)).await? {
                        Some(id) => id,
                        None => continue,
                    },
                };
                if id > at.seen && action.created_at.is_none_or(|moment| moment >= back) {
                    ids.push(id);
                }
            }
            if !full || ids.len() - before < count {
                break;
            }
        }
        ids.sort_unstable();
        ids.dedup();
        batch.more = ids.len() > ROUND;
        for id in ids.into_iter().take(ROUND) {
            match self.api.get::<Post>(&format!("posts/{id}.json"), &[]).await {
                Ok(post) => {
                    let placed = self.place(post).await?;
                    // Nobody else in the chain: a post of ours that nobody answered is in no thread yet.
                    if placed.is_private() || self.thread(&placed).external_id != placed.post.id.to_string() {
                        let thread = self.thread(&placed);
                        let message = self.message(&placed.post, &placed, &thread, at.since);
                        batch.items.push(Item::Message(Box::new(message)));
                    }
                }
                Err(error) if error.class == Class::Rejected => {}
                Err(error) => return Err(error),
            }
            at.seen = at.seen.max(id);
        }
        batch.next = serde_json::to_value(at).ok();
        Ok(batch)
    }

    async fn by_topic(&self, topic: u64, number: u64) -> Result<Option<u64>, ChannelError> {
        match self.api.get::<Post>(&format!("posts/by_number/{topic}/{number}.json"), &[]).await {
            Ok(post) => Ok(Some(post.id)),
            Err(error) if error.class == Class::Rejected => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Edited, removed, or settled by a peer?
    async fn look_again(&self, known: &Known, batch: &mut Batch) -> Result<(), ChannelError> {
        // A copy shown above a thread has another name than the post.
        let id = known.external_id.split('~').next().unwrap_or_default();
        if id.parse::<u64>().is_err() {
            return Ok(());
        }
        let post: Post = match self.api.get(&format!("posts/{id}.json"), &[]).await {
            Ok(post) => post,
            Err(error) if api::is_away(&error) => {
                batch.items.push(Item::Removed { external_id: known.external_id.clone(), at: None });
                return Ok(());
            }
            Err(error) => return Err(api::of_feed(error)),
        };
        if post.is_gone() {
            batch.items.push(Item::Removed { external_id: known.external_id.clone(), at: post.deleted_at });
            return Ok(());
        }
        if post.version.is_some_and(|version| version > known.meta["version"].as_u64().unwrap_or(1)) {
            let placed = self.place(post.clone()).await?;
            let mut message = self.message(&placed.post, &placed, &known.thread, Timestamp(i64::MIN));
            message.external_id.clone_from(&known.external_id);
            batch.items.push(Item::Message(Box::new(message)));
        }
        if post.topic_accepted_answer || post.accepted_answer {
            self.settled(&post, &known.thread.external_id, batch).await?;
        }
        Ok(())
    }

    /// A topic with an accepted answer needs none of ours, unless it is ours.
    async fn settled(&self, post: &Post, thread: &str, batch: &mut Batch) -> Result<(), ChannelError> {
        let topic: super::wire::Topic = self.api.get(&format!("t/{}.json", post.topic_id), &[]).await?;
        if let Some(answer) = topic.accepted_answer.as_ref().filter(|answer| !self.is_us(&answer.username)) {
            let solved = Item::Solved {
                thread: thread.to_owned(),
                by: answer.username.clone(),
                url: Some(self.api.page(&format!("t/{}/{}/{}", topic.slug, topic.id, answer.post_number))),
                at: None,
            };
            if !batch.items.contains(&solved) {
                batch.items.push(solved);
            }
        }
        Ok(())
    }
}
