//! How much may still be asked. A forum tells it only by refusing, so our own calls are counted.
//!
//! Source: `max_admin_api_reqs_per_minute` in Discourse's `config/discourse_defaults.conf`, 60; who keeps a forum may allow more, and
//! the account's settings say so.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::channels::Quota;
use crate::model::Timestamp;

/// What a fresh forum allows a key in a minute.
pub const LIMIT: i64 = 60;
const WINDOW: Duration = Duration::from_secs(60);

/// When this account called in the last minute, and how often it may.
pub struct Spent {
    limit: i64,
    calls: Mutex<VecDeque<Timestamp>>,
}

impl Spent {
    pub fn new(limit: i64) -> Self {
        Self { limit, calls: Mutex::default() }
    }

    pub fn one(&self, now: Timestamp) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut calls, now);
        calls.push_back(now);
    }

    /// What is left, and when a quarter of the minute's calls is there again: they come back one by one, and waiting for all of them
    /// would be a minute's silence.
    pub fn left(&self, now: Timestamp) -> Quota {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut calls, now);
        let quarter = usize::try_from(self.limit / 4).unwrap_or(0).min(calls.len()).saturating_sub(1);
        let reset_at = calls.get(quarter).map_or(now, |call| call.plus(WINDOW));
        Quota { limit: self.limit, remaining: (self.limit - calls.len() as i64).max(0), reset_at }
    }
}

fn forget(calls: &mut VecDeque<Timestamp>, now: Timestamp) {
    // A clock that was put back makes no call one of the future.
    calls.retain(|at| *at <= now && now.since(*at) < WINDOW);
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, Spent};
    use crate::model::Timestamp;

    #[test]
    fn who_called_evenly_waits_for_a_few_calls_and_not_for_a_minute() {
        let spent = Spent::new(LIMIT);
        for second in 0..54 {
            spent.one(Timestamp(second * 1_000));
        }
        let now = Timestamp(54_000);
        let left = spent.left(now);
        assert_eq!((left.remaining, left.reset_at), (6, Timestamp(74_000)));
        assert_eq!(spent.left(left.reset_at).remaining, 6 + 15);
    }
}
