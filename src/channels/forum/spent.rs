//! How much may still be asked. A forum tells it only by refusing, so our own calls are counted.
//!
//! Source: `max_admin_api_reqs_per_minute` in Discourse's `config/discourse_defaults.conf`, 60; who keeps a forum may allow more.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::channels::Quota;
use crate::model::Timestamp;

const LIMIT: i64 = 60;
const WINDOW: Duration = Duration::from_secs(60);

/// When this account called in the last minute.
#[derive(Default)]
pub struct Spent(Mutex<VecDeque<Timestamp>>);

impl Spent {
    pub fn one(&self, now: Timestamp) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut calls, now);
        calls.push_back(now);
    }

    /// What is left, and when all of it is there again.
    pub fn left(&self, now: Timestamp) -> Quota {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut calls, now);
        let reset_at = calls.back().map_or(now, |last| last.plus(WINDOW));
        Quota { limit: LIMIT, remaining: (LIMIT - calls.len() as i64).max(0), reset_at }
    }
}

fn forget(calls: &mut VecDeque<Timestamp>, now: Timestamp) {
    // A clock that was put back makes no call one of the future.
    calls.retain(|at| *at <= now && now.since(*at) < WINDOW);
}
