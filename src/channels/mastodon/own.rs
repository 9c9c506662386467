//! The brand's own posts: what it said elsewhere, and who answered below them without naming it.
//!
//! Cursor: that of `notifications`, and `counts`: how many replies each recent post had when its replies were last read;
//! `looked`: when that was, and what stood there. A count tells of direct replies only: what hangs further down is looked for
//! by time.
//! Promises: a bounded number of threads in one pull.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::convert::{Me, before};
use super::pull::{Collected, Cursor, MAYBE_MORE, short_hash, to_value};
use super::wire::{self, Status};
use super::{Mastodon, api};
use crate::channels::stumbles::Failures;
use crate::channels::{Batch, ChannelError, Unreadable};
use crate::model::Timestamp;

/// The most a page of posts holds.
const POSTS: &str = "40";
/// How many threads are read in one pull of `own`; the rest follows at once in the next.
const THREADS_A_PULL: usize = 10;
/// How often a thread under a post of the brand is read again although the number of its direct replies stands still.
const AGAIN: Duration = Duration::from_secs(600);

/// A look at what stands under a post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// When (ms).
    at: i64,
    /// Which posts stood there, as a short hash.
    below: String,
}

/// Which threads under the brand's posts are read, and as what.
struct Watch {
    now: Timestamp,
    /// The beginning of the history asked for.
    horizon: Timestamp,
    /// Whether what is found is history.
    history: bool,
}

impl Mastodon {
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
        let mut page = self.posts(&me.id, place, false, &mut unreadable).await?;
        let mut caught_up = true;
        if !first
            && !walking_back
            && let Some(id) = next.id.clone()
        {
            // A full page of posts that are all new: there may be older new ones, so walk up from where we were.
            if page.len() >= MAYBE_MORE && page.iter().all(|status| status.id.is_newer_than(&id)) {
                page = self.posts(&me.id, Some(("min_id", &id)), false, &mut unreadable).await?;
                caught_up = page.len() < MAYBE_MORE;
            }
        }
        let mut failures = Failures::none(now);
        let history = first || walking_back;
        let beyond = history && page.iter().any(|status| status.created_at < horizon);
        if history {
            page.retain(|status| status.created_at >= horizon);
        }
        for status in &page {
            let new = history || next.id.as_deref().is_none_or(|id| status.id.is_newer_than(id));
            if new {
                let chain = self.chains.of_one_of_many(&self.api, status.clone()).await;
                let Some(chain) = self.past(chain, &mut failures)? else { continue };
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
            watched.extend(self.posts(&me.id, None, true, &mut Vec::new()).await?);
        }
        let watch = Watch { now, horizon, history };
        let waiting = self.answered(&me, watched, &watch, &mut next, &mut collected, &mut failures).await?;
        failures.end()?;

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
        Ok(Batch {
            items: collected.finish(),
            unreadable,
            next: Some(to_value(&next)),
            more,
            quota: self.chains.left(),
        })
    }

    /// Reads the threads under the brand's posts, some at a time: those whose number of replies changed, then those that were
    /// not read for the longest. Says whether some of the former wait.
    async fn answered(
        &self,
        me: &Me,
        mut watched: Vec<Status>,
        watch: &Watch,
        next: &mut Cursor,
        collected: &mut Collected,
        failures: &mut Failures,
    ) -> Result<bool, ChannelError> {
        let since = Timestamp(next.since);
        let mut ids = HashSet::new();
        watched.retain(|status| ids.insert(status.id.0.clone()));
        let changed =
            |status: &Status| status.replies_count != next.counts.get(&status.id.0).copied().unwrap_or_default();
        let looked = |status: &Status| next.looked.get(&status.id.0).map_or(0, |looked| looked.at);
        let (mut due, rest): (Vec<&Status>, Vec<&Status>) =
            watched.iter().filter(|status| !status.is_direct()).partition(|status| changed(status));
        let waiting = due.len() > THREADS_A_PULL;
        let mut again: Vec<&Status> = rest
            .into_iter()
            .filter(|status| status.replies_count > 0 && status.created_at >= watch.horizon)
            .filter(|status| watch.now.since(Timestamp(looked(status))) >= AGAIN)
            .collect();
        again.sort_by_key(|status| looked(status));
        due.extend(again);
        due.truncate(THREADS_A_PULL);

        // What is not read now is known as it was; what has no replies is known without reading.
        let mut counts: BTreeMap<String, i64> = watched
            .iter()
            .filter_map(|status| Some((status.id.0.clone(), next.counts.get(&status.id.0).copied()?)))
            .collect();
        let mut looks: BTreeMap<String, Looked> = watched
            .iter()
            .filter_map(|status| Some((status.id.0.clone(), next.looked.get(&status.id.0)?.clone())))
            .collect();
        for status in due {
            let Some(chains) = self.past(self.chains.under(&self.api, status).await, failures)? else { continue };
            let below = chains.iter().filter_map(|chain| chain.last()).map(|last| last.id.as_str());
            let below = short_hash(&below.collect::<Vec<_>>().join(" "));
            // The same posts as at the last look came with it.
            if looks.get(&status.id.0).is_none_or(|last| last.below != below) || changed(status) {
                for chain in &chains {
                    if chain.last().is_some_and(|last| last.created_at >= watch.horizon) {
                        collected.add(me.messages(chain, false, |status| watch.history || status.created_at < since));
                    }
                }
            }
            counts.insert(status.id.0.clone(), status.replies_count);
            looks.insert(status.id.0.clone(), Looked { at: watch.now.0, below });
        }
        if watch.history {
            next.counts.extend(counts);
            next.looked.extend(looks);
        } else {
            (next.counts, next.looked) = (counts, looks);
        }
        Ok(waiting)
    }

    /// A page of the brand's own posts, newest first.
    async fn posts(
        &self,
        me: &str,
        place: Option<(&str, &str)>,
        without_answers: bool,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Vec<Status>, ChannelError> {
        let mut query = vec![("limit", POSTS), ("exclude_reblogs", "true")];
        if without_answers {
            query.push(("exclude_replies", "true"));
        }
        query.extend(place);
        let request = self.api.request(Method::GET, &["api", "v1", "accounts", me, "statuses"]).await?.query(&query);
        let answer = self.api.ask(request).await.map_err(api::of_feed)?;
        self.chains.heard(api::quota(&answer));
        let text = api::text(&answer);
        let mut page = Vec::new();
        for element in wire::elements(&text).map_err(|_| api::not_json())? {
            match serde_json::from_str::<Status>(element.get()) {
                Ok(status) if status.reblog.is_some() || status.account.id.as_str() != me => {}
                Ok(status) => page.push(status),
                Err(error) => unreadable.push(self.unreadable(element.get(), &error)),
            }
        }
        Ok(page)
    }
}
