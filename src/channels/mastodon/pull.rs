//! Asking: the notifications and the brand's own posts.
//!
//! Cursor of `notifications`: `{since, id?, back?, fresh?}` — `since`: when Balie came (ms); `id`: the newest notification
//! read; `back`: while the past is walked, the oldest read so far; `fresh`: what is walked back is news, not history.
//! Cursor of `own`: the same, and `counts`: how many replies each recent post had when its replies were last read.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::convert::before;
use super::wire::{self, Id, NotificationBody, NotificationHead, Status};
use super::{Mastodon, api};
use crate::channels::client::Answer;
use crate::channels::{Batch, ChannelError, Feed, Item, Message, Unreadable};
use crate::model::Timestamp;

pub const NOTIFICATIONS: &str = "notifications";
pub const OWN: &str = "own";

pub const FEEDS: &[Feed] = &[
    Feed { key: NOTIFICATIONS, busy: Duration::from_secs(15), idle: Duration::from_secs(60) },
    Feed { key: OWN, busy: Duration::from_secs(60), idle: Duration::from_secs(180) },
];

/// The most a page of notifications holds.
const PAGE: &str = "80";
/// The most a page of posts holds.
const POSTS: &str = "40";
/// A page with at least so many may have a next one. Servers cap pages at will, so fullness cannot be told; a short page
/// that had a successor costs a pause of one cadence, nothing else.
const MAYBE_MORE: usize = 15;
/// How many threads are read in one pull of `own`; the rest follows at once in the next.
const THREADS_A_PULL: usize = 10;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    fresh: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    counts: BTreeMap<String, i64>,
    /// What of the last page could not be read and was reported, as short hashes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    bad: BTreeSet<String>,
}

impl Cursor {
    /// Of what could not be read, what was not reported the last time: the newest page is asked for again and again.
    fn report(&mut self, unreadable: Vec<Unreadable>) -> Vec<Unreadable> {
        let hash = |bad: &Unreadable| URL_SAFE_NO_PAD.encode(&Sha256::digest(bad.payload.as_bytes())[..9]);
        let old = std::mem::replace(&mut self.bad, unreadable.iter().map(hash).collect());
        unreadable.into_iter().filter(|bad| !old.contains(&hash(bad))).collect()
    }
}

/// Collects a batch: every message once, what came for its own sake before what came along.
#[derive(Default)]
pub struct Collected {
    items: Vec<Item>,
    ids: HashSet<String>,
    along: Vec<Message>,
}

impl Collected {
    /// Takes what `Me::messages` made: the last is the news, the others come along.
    pub fn add(&mut self, mut messages: Vec<Message>) {
        if let Some(news) = messages.pop() {
            self.one(news);
        }
        self.along.extend(messages);
    }

    fn one(&mut self, message: Message) {
        if self.ids.insert(message.external_id.clone()) {
            self.items.push(Item::Message(Box::new(message)));
        }
    }

    pub fn finish(mut self) -> Vec<Item> {
        for message in std::mem::take(&mut self.along) {
            self.one(message);
        }
        self.items
    }
}

impl Mastodon {
    fn cursor(&self, cursor: Option<&serde_json::Value>) -> Option<Cursor> {
        let cursor: Cursor = serde_json::from_value(cursor?.clone()).ok()?;
        self.came(Timestamp(cursor.since));
        Some(cursor)
    }

    /// Everything since the cursor, oldest first; without one, the past first.
    pub(super) async fn notifications(&self, cursor: Option<&serde_json::Value>) -> Result<Batch, ChannelError> {
        let now = self.api.context.clock.now();
        let me = self.me().await?;
        let old = self.cursor(cursor);
        let first = old.is_none();
        let mut next = old.unwrap_or(Cursor { since: now.0, ..Cursor::default() });
        if first {
            self.came(now);
        }
        let walking_back = next.back.is_some();
        // Nothing had ever come: there is no place to go on from, so the newest page is where the walk starts.
        let restart = !first && !walking_back && next.id.is_none();
        let mut query =
            vec![("types[]", "mention"), ("types[]", "quote"), ("include_filtered", "true"), ("limit", PAGE)];
        match (&next.back, &next.id) {
            (Some(back), _) => query.push(("max_id", back)),
            (None, Some(id)) => query.push(("min_id", id)),
            (None, None) => {}
        }
        let request = self.api.request(Method::GET, &["api", "v1", "notifications"]).await?.query(&query);
        let answer = self.api.ask(request).await.map_err(api::of_feed)?;
        let text = api::text(&answer);
        let raw = wire::elements(&text).map_err(|_| api::not_json())?;

        let history = first || (walking_back && !next.fresh);
        let horizon = now.minus(self.api.context.history);
        let (mut collected, mut unreadable) = (Collected::default(), Vec::new());
        let (mut newest, mut oldest): (Option<Id>, Option<Id>) = (None, None);
        let mut beyond = false;
        for element in &raw {
            let element = element.get();
            let head: NotificationHead = match serde_json::from_str(element) {
                Ok(head) => head,
                Err(error) => {
                    unreadable.push(self.unreadable(element, &error));
                    continue;
                }
            };
            if newest.as_ref().is_none_or(|id| head.id.is_newer_than(id.as_str())) {
                newest = Some(head.id.clone());
            }
            if oldest.as_ref().is_none_or(|id| !head.id.is_newer_than(id.as_str())) {
                oldest = Some(head.id.clone());
            }
            if history && head.created_at.is_some_and(|at| at < horizon) {
                beyond = true;
                continue;
            }
            // The filter by type is not implemented everywhere.
            if !matches!(head.kind.as_str(), "mention" | "quote") {
                continue;
            }
            match serde_json::from_str::<NotificationBody>(element) {
                // A post removed meanwhile leaves its notification behind on some servers.
                Ok(NotificationBody { status: None }) => {}
                Ok(NotificationBody { status: Some(status) }) => {
                    let chain = self.chains.of(&self.api, status).await?;
                    let since = before(self.since());
                    let last = chain.last().map(|status| status.id.clone());
                    let messages = me.messages(&chain, head.kind == "quote", |status| {
                        // What the page is about follows the page; what comes along, its own age.
                        if Some(&status.id) == last.as_ref() { history } else { history || since(status) }
                    });
                    collected.add(messages);
                }
                Err(error) => unreadable.push(self.unreadable(element, &error)),
            }
        }

        let more = if walking_back || first || restart {
            if next.id.is_none() {
                next.id = newest.map(|id| id.0);
                next.fresh = restart;
            }
            let go_on = !beyond && raw.len() >= MAYBE_MORE && oldest.is_some();
            next.back = oldest.filter(|_| go_on).map(|id| id.0);
            if next.back.is_none() {
                next.fresh = false;
            }
            go_on
        } else {
            let before = next.id.clone();
            // The server knows the newest even when we cannot read it.
            let told = link_min_id(&answer);
            for id in newest.into_iter().chain(told) {
                if next.id.as_deref().is_none_or(|known| id.is_newer_than(known)) {
                    next.id = Some(id.0);
                }
            }
            raw.len() >= MAYBE_MORE && next.id != before
        };
        let unreadable = next.report(unreadable);
        Ok(Batch {
            items: collected.finish(),
            unreadable,
            next: Some(to_value(&next)),
            more,
            quota: api::quota(&answer),
        })
    }

    /// What the brand said elsewhere, and who answered its posts without naming it.
    pub(super) async fn own(&self, cursor: Option<&serde_json::Value>) -> Result<Batch, ChannelError> {
        let now = self.api.context.clock.now();
        let me = self.me().await?;
        let old = self.cursor(cursor);
        let first = old.is_none();
        let mut next = old.unwrap_or(Cursor { since: now.0, ..Cursor::default() });
        let horizon = now.minus(self.api.context.history);
        let walking_back = next.back.is_some();
        let (mut collected, mut unreadable) = (Collected::default(), Vec::new());

        let place = next.back.as_deref().map(|back| ("max_id", back));
        let (mut page, mut answer) = self.posts(&me.id, place, false, &mut unreadable).await?;
        let mut caught_up = true;
        if !first
            && !walking_back
            && let Some(id) = next.id.clone()
        {
            // A full page of posts that are all new: there may be older new ones, so walk up from where we were.
            if page.len() >= MAYBE_MORE && page.iter().all(|status| status.id.is_newer_than(&id)) {
                (page, answer) = self.posts(&me.id, Some(("min_id", &id)), false, &mut unreadable).await?;
                caught_up = page.len() < MAYBE_MORE;
            }
        }
        let history = first || walking_back;
        let beyond = history && page.iter().any(|status| status.created_at < horizon);
        if history {
            page.retain(|status| status.created_at >= horizon);
        }
        for status in &page {
            let new = history || next.id.as_deref().is_none_or(|id| status.id.is_newer_than(id));
            if new {
                let chain = self.chains.of(&self.api, status.clone()).await?;
                let since = before(Timestamp(next.since));
                collected.add(me.messages(&chain, false, |status| history || since(status)));
            }
        }
        let newest =
            page.iter().map(|status| &status.id).reduce(|a, b| if b.is_newer_than(a.as_str()) { b } else { a });
        if let Some(newest) = newest
            && next.id.as_deref().is_none_or(|id| newest.is_newer_than(id))
        {
            next.id = Some(newest.0.clone());
        }

        // Posts of the brand's own stay interesting longer than its answers: a second page without answers.
        let mut watched = page.clone();
        if !walking_back && caught_up {
            let (top, _) = self.posts(&me.id, None, true, &mut Vec::new()).await?;
            watched.extend(top);
        }
        let (asked, waiting) = self.answered(&me, watched, horizon, &mut next, history, &mut collected).await?;
        let mut quota = api::quota(&answer);
        if let Some(quota) = &mut quota {
            quota.remaining = quota.remaining.saturating_sub(asked).max(0);
        }

        let mut more = waiting || !caught_up;
        if history {
            let go_on = !beyond && page.len() >= MAYBE_MORE;
            more |= go_on;
            // While threads of an old page wait, that page is asked for again; the newest is looked at in any case.
            if !(walking_back && waiting) {
                let oldest =
                    page.iter().map(|status| &status.id).reduce(|a, b| if a.is_newer_than(b.as_str()) { b } else { a });
                next.back = oldest.filter(|_| go_on).map(|id| id.0.clone());
            }
        }
        let unreadable = next.report(unreadable);
        Ok(Batch { items: collected.finish(), unreadable, next: Some(to_value(&next)), more, quota })
    }

    /// Reads the threads under the posts whose number of replies changed, some at a time. Says how many, and whether some wait.
    async fn answered(
        &self,
        me: &super::convert::Me,
        watched: Vec<Status>,
        horizon: Timestamp,
        next: &mut Cursor,
        history: bool,
        collected: &mut Collected,
    ) -> Result<(i64, bool), ChannelError> {
        let since = Timestamp(next.since);
        let mut counts = BTreeMap::new();
        let (mut asked, mut waiting) = (0, false);
        for status in watched {
            if counts.contains_key(&status.id.0) {
                continue;
            }
            let known = next.counts.get(&status.id.0).copied();
            if status.replies_count == known.unwrap_or_default() || status.is_direct() {
                counts.insert(status.id.0.clone(), status.replies_count);
                continue;
            }
            if asked >= THREADS_A_PULL {
                waiting = true;
                counts.extend(known.map(|count| (status.id.0.clone(), count)));
                continue;
            }
            asked += 1;
            for chain in self.chains.under(&self.api, &status).await? {
                let Some(last) = chain.last() else { continue };
                if last.created_at < horizon {
                    continue;
                }
                collected.add(me.messages(&chain, false, |status| history || status.created_at < since));
            }
            counts.insert(status.id.0.clone(), status.replies_count);
        }
        if history {
            next.counts.extend(counts);
        } else {
            next.counts = counts;
        }
        Ok((i64::try_from(asked).unwrap_or(i64::MAX), waiting))
    }

    /// A page of the brand's own posts, newest first.
    async fn posts(
        &self,
        me: &str,
        place: Option<(&str, &str)>,
        without_answers: bool,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<(Vec<Status>, Answer), ChannelError> {
        let mut query = vec![("limit", POSTS), ("exclude_reblogs", "true")];
        if without_answers {
            query.push(("exclude_replies", "true"));
        }
        query.extend(place);
        let request = self.api.request(Method::GET, &["api", "v1", "accounts", me, "statuses"]).await?.query(&query);
        let answer = self.api.ask(request).await.map_err(api::of_feed)?;
        let text = api::text(&answer);
        let mut page = Vec::new();
        for element in wire::elements(&text).map_err(|_| api::not_json())? {
            match serde_json::from_str::<Status>(element.get()) {
                Ok(status) if status.reblog.is_some() || status.account.id.as_str() != me => {}
                Ok(status) => page.push(status),
                Err(error) => unreadable.push(self.unreadable(element.get(), &error)),
            }
        }
        Ok((page, answer))
    }

    fn unreadable(&self, payload: &str, error: &serde_json::Error) -> Unreadable {
        Unreadable {
            payload: payload.to_owned(),
            error: format!("{}: {error}", self.api.base().host_str().unwrap_or_default()),
        }
    }
}

fn to_value(cursor: &Cursor) -> serde_json::Value {
    serde_json::to_value(cursor).unwrap_or_default()
}

/// `min_id` of the `rel="prev"` link: where the server says that news will be (RFC 8288).
fn link_min_id(answer: &Answer) -> Option<Id> {
    let link = answer.header("link")?.split(',').find(|link| link.contains("rel=\"prev\""))?;
    let address = link.split('<').nth(1)?.split('>').next()?;
    let url: url::Url = address.parse().ok()?;
    let id = url.query_pairs().find(|(name, _)| name == "min_id")?.1;
    Id::new(&id)
}
