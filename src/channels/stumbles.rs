//! What a platform fails to show, time after time: waited for a while, then gone without, so that one broken thread never stops
//! everything behind it on its page.
//!
//! Promises: nothing is given up at its first failures; a page goes on behind a failure, so that each of its broken threads
//! stumbles once in every pull; a platform that keeps silent is noticed in time all the same.
//! Must not: know which failures are a thread's own; the channel does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::ChannelError;
use crate::model::Timestamp;

/// How often a platform may fail to show one thing before it is gone without.
const PATIENCE: u8 = 3;
/// How many things that failed are remembered.
const KEEP: usize = 4_000;
/// How long a pull goes on behind its first failure: an account whose platform is silent is red within a minute.
const GOING_ON: Duration = Duration::from_secs(15);

/// How often what was asked for could not be shown, for the life of a connection.
#[derive(Default)]
pub struct Stumbles(Mutex<HashMap<String, u8>>);

impl Stumbles {
    /// It failed once more; whether that is enough.
    pub fn enough(&self, id: &str) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEEP {
            all.clear();
        }
        let times = all.entry(id.to_owned()).or_default();
        *times = times.saturating_add(1);
        *times > PATIENCE
    }

    /// It was shown.
    pub fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// The failures of one pull: the first of them is what the pull says in the end.
pub struct Failures {
    since: Timestamp,
    first: Option<ChannelError>,
}

impl Failures {
    /// None yet, in a pull that began then.
    #[must_use]
    pub const fn none(since: Timestamp) -> Self {
        Self { since, first: None }
    }

    /// Goes on behind a failure.
    ///
    /// # Errors
    /// The failure, when the pull took too long already.
    pub fn pass(&mut self, now: Timestamp, error: ChannelError) -> Result<(), ChannelError> {
        if now.since(self.since) >= GOING_ON {
            return Err(error);
        }
        self.first.get_or_insert(error);
        Ok(())
    }

    /// The end of the page.
    ///
    /// # Errors
    /// The first failure.
    pub fn end(self) -> Result<(), ChannelError> {
        self.first.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_waited_for_three_times_and_anew_once_it_was_shown() {
        let stumbles = Stumbles::default();
        let fails = |times: usize| (0..times).map(|_| stumbles.enough("a")).collect::<Vec<_>>();
        assert_eq!(fails(4), [false, false, false, true]);
        assert!(!stumbles.enough("b"), "each for itself");
        stumbles.forget("a");
        assert_eq!(fails(1), [false]);
    }

    #[test]
    fn a_pull_goes_on_behind_failures_but_not_for_long() {
        let error = |why: &str| ChannelError::transient(why);
        let mut failures = Failures::none(Timestamp(0));
        assert!(failures.pass(Timestamp(1_000), error("first")).is_ok());
        assert!(failures.pass(Timestamp(2_000), error("second")).is_ok());
        assert_eq!(failures.pass(Timestamp(15_000), error("third")), Err(error("third")));
        assert_eq!(failures.end(), Err(error("first")));
        assert!(Failures::none(Timestamp(0)).end().is_ok());
    }
}
