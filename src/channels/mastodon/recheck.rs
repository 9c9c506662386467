//! What became of posts the desk has open: edited, removed.
//!
//! Promises: a post is removed only when it says so itself; what a list cannot tell is asked one by one, a few at a time and
//! each in its turn; the last of what may be asked is left to replies.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use reqwest::Method;

use super::wire::{self, Id, Status};
use super::{Mastodon, api};
use crate::channels::{Batch, ChannelError, Class, Item, Known, Quota};
use crate::model::{Direction, MessageKind};

/// The most ids one look takes (4.3).
pub const MAX: usize = 20;
/// How many posts one look asks for by themselves: older servers have no list, and others leave out.
const SINGLY: usize = 2;
/// Turns are forgotten past so many.
const TURNS: usize = 2_000;

/// Which posts were asked for by themselves since all were.
#[derive(Default)]
pub struct Turns(Mutex<HashSet<String>>);

impl Turns {
    /// Those of `ids` whose turn it is.
    fn next<'a>(&self, ids: &[&'a str]) -> Vec<&'a str> {
        let mut had = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if had.len() > TURNS {
            had.clear();
        }
        if ids.iter().all(|id| had.contains(*id)) {
            for id in ids {
                had.remove(*id);
            }
        }
        ids.iter().filter(|id| !had.contains(**id)).take(SINGLY).copied().collect()
    }

    fn had(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
    }
}

impl Mastodon {
    /// What became of posts the desk has open.
    pub(super) async fn look_again(&self, known: &[Known]) -> Result<Batch, ChannelError> {
        let me = self.me().await?;
        let known: Vec<(&Known, Id)> =
            known.iter().filter_map(|known| Some((known, status_id(&known.external_id, &known.meta)?))).collect();
        let (mut found, mut quota) = self.several(&known).await?;
        let mut missing: Vec<&str> = known.iter().map(|(_, id)| id.as_str()).collect();
        let mut seen = HashSet::new();
        missing.retain(|id| !found.contains_key(*id) && seen.insert(*id));
        let mut gone = HashSet::new();
        for id in self.turns.next(&missing) {
            if quota.is_some_and(|quota| quota.spare() <= 0) {
                break;
            }
            self.turns.had(id);
            // Only the post itself says for certain that it is gone: a list may leave out for other reasons.
            match self.one(id).await {
                Ok((status, left)) => {
                    quota = left.or(quota);
                    found.insert(id.to_owned(), status);
                }
                Err(error) if error.code == "mastodon.gone" => {
                    gone.insert(id);
                }
                // Present but not readable or not for us: nothing to report.
                Err(error) if error.code == "mastodon.not_json" || error.code == "mastodon.forbidden" => {}
                Err(error) => return Err(error),
            }
        }
        let mut items = Vec::new();
        // The same post may be asked for twice: as itself and as a copy above a thread.
        for (known, id) in &known {
            if gone.contains(id.as_str()) {
                items.push(Item::Removed { external_id: known.external_id.clone(), at: None });
            }
            let Some(status) = found.get(id.as_str()).filter(|status| status.edited_at.is_some()) else { continue };
            let direction = known.meta["direction"].as_str().and_then(|word| word.parse().ok());
            let direction = direction.unwrap_or(if me.wrote(status) { Direction::Out } else { Direction::In });
            let kind = if status.is_direct() { MessageKind::Dm } else { MessageKind::Post };
            let mut message = me.message(status, known.thread.clone(), direction, kind, true);
            message.external_id.clone_from(&known.external_id);
            items.push(Item::Message(Box::new(message)));
        }
        Ok(Batch { items, quota, ..Batch::default() })
    }

    async fn one(&self, id: &str) -> Result<(Status, Option<Quota>), ChannelError> {
        let answer = self.api.ask(self.api.request(Method::GET, &["api", "v1", "statuses", id]).await?).await?;
        let left = self.chains.heard(api::quota(&answer));
        Ok((api::read(&answer)?, left))
    }

    /// Several posts in one call, where the server can (4.3).
    async fn several(&self, known: &[(&Known, Id)]) -> Result<(BTreeMap<String, Status>, Option<Quota>), ChannelError> {
        let mut found = BTreeMap::new();
        if known.len() < 2 {
            return Ok((found, None));
        }
        let ids: Vec<(&str, &str)> = known.iter().map(|(_, id)| ("id[]", id.as_str())).collect();
        let request = self.api.request(Method::GET, &["api", "v1", "statuses"]).await?.query(&ids);
        let answer = self.api.context.client.send(request).await?;
        let left = self.chains.heard(api::quota(&answer));
        if !answer.status.is_success() {
            let refusal = api::refusal(&answer, self.api.context.clock.now());
            // Older servers do not have it; each post is then asked for by itself.
            return if refusal.class == Class::Rejected { Ok((found, left)) } else { Err(refusal) };
        }
        let text = api::text(&answer);
        for element in wire::elements(&text).unwrap_or_default() {
            if let Ok(status) = serde_json::from_str::<Status>(element.get()) {
                found.insert(status.id.0.clone(), status);
            }
        }
        Ok((found, left))
    }
}

/// The platform's id of a message: its own, or of the post it is a copy of.
pub fn status_id(external_id: &str, meta: &serde_json::Value) -> Option<Id> {
    meta["id"].as_str().or_else(|| external_id.split('~').next()).and_then(Id::new)
}
