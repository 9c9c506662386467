//! What stands above a post: asked once, remembered for the life of the connection.
//!
//! Promises: what is remembered is complete (a chain is kept in one step, after its answer was read whole), and what is
//! remembered is given again every time, so that a batch that was lost on its way to the database loses nothing.
//! One thread that the server cannot show does not stop the others. However many threads a page is about, the last tenth of what
//! may be asked is left to replies: what was asked by then is remembered, and the page is asked for again when there is more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::api::{self, Api};
use super::convert::Chain;
use super::wire::{Status, Surroundings};
use crate::channels::error::Class;
use crate::channels::stumbles::Stumbles;
use crate::channels::{ChannelError, Quota};
use crate::model::Timestamp;

/// How many posts are remembered; about 10 MB.
const KEEP: usize = 4_000;
/// The longest chain followed; more than any server shows.
const LONGEST: usize = 5_000;

#[derive(Default)]
pub struct Chains {
    state: Mutex<State>,
    stumbles: Stumbles,
}

#[derive(Default)]
struct State {
    /// How much may still be asked, as the server said last.
    left: Option<Quota>,
    known: HashMap<String, (Arc<Status>, Option<String>)>,
}

/// Whether an error may be one thread's own: the server answered, or was silent, where it answers about others.
pub fn is_stumble(error: &ChannelError) -> bool {
    error.class == Class::Transient && (error.code == "unreachable" || error.code == "mastodon.not_json")
}

impl Chains {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers how much may still be asked as an answer told it, and says what is known of it. Not every answer tells.
    pub fn heard(&self, told: Option<Quota>) -> Option<Quota> {
        let left = &mut self.state().left;
        let counted = left.map(|left| Quota { remaining: left.remaining.saturating_sub(1).max(0), ..left });
        *left = told.or(counted);
        *left
    }

    /// What is known of how much may still be asked.
    pub fn left(&self) -> Option<Quota> {
        self.state().left
    }

    /// # Errors
    /// `RateLimited` while what is left is for replies.
    pub fn may_ask(&self, now: Timestamp) -> Result<(), ChannelError> {
        match self.left() {
            Some(left) if left.limit > 0 && left.spare() <= 0 && left.reset_at > now => {
                Err(ChannelError::rate_limited(left.reset_at))
            }
            _ => Ok(()),
        }
    }

    /// The chain down to this post.
    ///
    /// # Errors
    /// What asking the server says, unless it fails for this post again and again: then the post stands alone.
    pub async fn of(&self, api: &Api, status: Status) -> Result<Chain, ChannelError> {
        self.chain(api, status, false).await
    }

    /// As `of`, where there are many to ask for.
    ///
    /// # Errors
    /// As `of`; `RateLimited` while what is left is for replies.
    pub async fn of_one_of_many(&self, api: &Api, status: Status) -> Result<Chain, ChannelError> {
        self.chain(api, status, true).await
    }

    async fn chain(&self, api: &Api, status: Status, sparing: bool) -> Result<Chain, ChannelError> {
        let status = Arc::new(status);
        if status.is_direct() || status.in_reply_to_id.is_none() {
            return Ok(vec![status]);
        }
        if let Some(chain) = self.remembered(&status) {
            return Ok(chain);
        }
        if sparing {
            self.may_ask(api.context.clock.now())?;
        }
        match self.surroundings(api, &status).await {
            Ok(found) => {
                let mut chain: Chain = found.ancestors.into_iter().map(Arc::new).collect();
                chain.push(status);
                self.state().keep(&chain);
                Ok(chain)
            }
            Err(error) if self.bear(&status, &error) => Ok(vec![status]),
            Err(error) => Err(error),
        }
    }

    /// The chains down to everything under a post of the brand, the post's own first.
    ///
    /// # Errors
    /// As `of_one_of_many`.
    pub async fn under(&self, api: &Api, status: &Status) -> Result<Vec<Chain>, ChannelError> {
        self.may_ask(api.context.clock.now())?;
        let found = match self.surroundings(api, status).await {
            Ok(found) => found,
            Err(error) if self.bear(status, &error) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut chain: Chain = found.ancestors.into_iter().map(Arc::new).collect();
        chain.push(Arc::new(status.clone()));
        let mut state = self.state();
        state.keep(&chain);
        let mut chains = Vec::new();
        for below in found.descendants {
            let below = Arc::new(below);
            // A post whose parent the server left out stands in no chain that we know.
            let Some(parent) = below.in_reply_to_id.as_ref().map(|id| id.0.clone()) else { continue };
            let Some(mut above) = state.follow(&parent) else { continue };
            state.known.insert(below.id.0.clone(), (Arc::clone(&below), Some(parent)));
            above.push(below);
            chains.push(above);
        }
        Ok(chains)
    }

    async fn surroundings(&self, api: &Api, status: &Status) -> Result<Surroundings, ChannelError> {
        let request =
            api.request(reqwest::Method::GET, &["api", "v1", "statuses", status.id.as_str(), "context"]).await?;
        let answer = api.ask(request).await;
        self.heard(answer.as_ref().ok().and_then(api::quota));
        let found = api::read(&answer?)?;
        self.stumbles.forget(&status.id.0);
        Ok(found)
    }

    fn remembered(&self, status: &Arc<Status>) -> Option<Chain> {
        let parent = status.in_reply_to_id.as_ref()?;
        let mut state = self.state();
        let mut chain = state.follow(parent.as_str())?;
        chain.push(Arc::clone(status));
        state.make_room();
        state.known.insert(status.id.0.clone(), (Arc::clone(status), Some(parent.0.clone())));
        Some(chain)
    }

    /// Whether to go on without the surroundings of this post: when they are gone or not for us, and when the server
    /// stumbles over them every time.
    fn bear(&self, status: &Status, error: &ChannelError) -> bool {
        match error.class {
            Class::Rejected => true,
            _ if is_stumble(error) => self.stumbles.enough(&status.id.0),
            _ => false,
        }
    }
}

impl State {
    fn make_room(&mut self) {
        if self.known.len() >= KEEP {
            self.known.clear();
        }
    }

    fn keep(&mut self, chain: &[Arc<Status>]) {
        self.make_room();
        let mut parent = None;
        for status in chain {
            self.known.insert(status.id.0.clone(), (Arc::clone(status), parent));
            parent = Some(status.id.0.clone());
        }
    }

    /// From the top down to this id, when all of it is remembered.
    fn follow(&self, id: &str) -> Option<Chain> {
        let mut chain = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let (status, parent) = self.known.get(id)?;
            chain.push(Arc::clone(status));
            if chain.len() > LONGEST {
                return None;
            }
            next = parent.as_deref();
        }
        chain.reverse();
        Some(chain)
    }
}
