//! Asking: the notifications, and what both feeds share.
//!
//! Cursor of `notifications`: `{since, id?, back?, fresh?}` — `since`: when Balie came (ms); `id`: the newest notification
//! read; `back`: while the past is walked, the oldest read so far; `fresh`: what is walked back is news, not history.
//! One thread that the server cannot show fails the pull and not its neighbours: they stumble, or not, in the same pull.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::chains::is_stumble;
use super::convert::before;
use super::own::Looked;
use super::wire::{self, Id, NotificationBody, NotificationHead};
use super::{Mastodon, api};
use crate::channels::client::Answer;
use crate::channels::stumbles::Failures;
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
/// A page with at least so many may have a next one. Servers cap pages at will, so fullness cannot be told; a short page
/// that had a successor costs a pause of one cadence, nothing else.
pub(super) const MAYBE_MORE: usize = 15;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) back: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) fresh: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) counts: BTreeMap<String, i64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) looked: BTreeMap<String, Looked>,
    /// What of the last page could not be read and was reported, as short hashes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) bad: BTreeSet<String>,
}

impl Cursor {
    /// Of what could not be read, what was not reported the last time: the newest page is asked for again and again.
    pub(super) fn report(&mut self, unreadable: Vec<Unreadable>) -> Vec<Unreadable> {
        let hash = |bad: &Unreadable| short_hash(&bad.payload);
        let old = std::mem::replace(&mut self.bad, unreadable.iter().map(hash).collect());
        unreadable.into_iter().filter(|bad| !old.contains(&hash(bad))).collect()
    }
}

pub(super) fn short_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..9])
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
    pub(super) fn cursor(&self, cursor: Option<&serde_json::Value>) -> Option<Cursor> {
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
        self.chains.heard(api::quota(&answer));
        let mut failures = Failures::none(now);

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
                    let Some(chain) = self.past(self.chains.of_one_of_many(&self.api, status).await, &mut failures)?
                    else {
                        continue;
                    };
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

        failures.end()?;

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
            quota: self.chains.left(),
        })
    }

    /// What was asked about one thread; `None` when the pull goes on without it, to fail in the end.
    pub(super) fn past<T>(
        &self,
        asked: Result<T, ChannelError>,
        failures: &mut Failures,
    ) -> Result<Option<T>, ChannelError> {
        match asked {
            Ok(shown) => Ok(Some(shown)),
            Err(error) if is_stumble(&error) => failures.pass(self.api.context.clock.now(), error).map(|()| None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn unreadable(&self, payload: &str, error: &serde_json::Error) -> Unreadable {
        Unreadable {
            payload: payload.to_owned(),
            error: format!("{}: {error}", self.api.base().host_str().unwrap_or_default()),
        }
    }
}

pub(super) fn to_value(cursor: &Cursor) -> serde_json::Value {
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
