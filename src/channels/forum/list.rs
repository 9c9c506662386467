//! Where we are in a list that has its newest first, and grows while it is gone through.
//!
//! Promises: every line is dealt with, however many there are, whatever a page leaves out and whichever comes late; no line
//! that is remembered is dealt with again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// What got an earlier place in the list than what was seen may come so much later.
const LATE: Duration = Duration::from_secs(15 * 60);
/// Of how many topics it is remembered how far they were read.
const TOPICS: usize = 300;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When Balie came: what is older is history.
    since: Timestamp,
    /// All from before this was dealt with,
    #[serde(default)]
    until: Option<Timestamp>,
    /// and of what came later these; `0` is the moment of what names none.
    #[serde(default)]
    done: BTreeMap<String, Timestamp>,
    /// Above this place in the list all was dealt with, when there was more than one look could take.
    #[serde(default)]
    resume: usize,
    /// The last post that was read of a topic, and when.
    #[serde(default)]
    topics: BTreeMap<u64, (u64, Timestamp)>,
    /// The highest id that was dealt with, in cursors from before there was `until`.
    #[serde(default)]
    seen: u64,
}

/// One line of a list.
pub struct Line<T> {
    pub key: String,
    pub at: Option<Timestamp>,
    pub what: T,
}

impl Cursor {
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, ..Self::default() }
    }

    pub fn since(&self) -> Timestamp {
        self.since
    }

    pub fn resume(&self) -> usize {
        self.resume
    }

    /// Whether a line has to be dealt with. `back`: how far we ever look.
    pub fn is_new<T>(&self, line: &Line<T>, back: Timestamp) -> bool {
        !self.is_before(line, back) && !self.done.contains_key(&line.key)
    }

    /// Whether all below a line was dealt with.
    pub fn is_before<T>(&self, line: &Line<T>, back: Timestamp) -> bool {
        line.at.is_some_and(|at| at < self.until.unwrap_or(back).max(back))
            || line.key.parse::<u64>().is_ok_and(|id| id <= self.seen)
    }

    pub fn done(&mut self, key: String, at: Option<Timestamp>) {
        self.done.insert(key, at.unwrap_or(Timestamp(0)));
    }

    /// There is more than this look could take: down to here it did.
    pub fn stop_at(&mut self, place: usize) {
        self.resume = self.resume.max(place);
    }

    /// The list was gone through to what is known. `undated`: what stood in it without a moment.
    pub fn finish(&mut self, undated: &BTreeSet<String>, now: Timestamp) {
        self.resume = 0;
        let newest = self.done.values().max().copied().filter(|at| *at > Timestamp(0));
        let Some(newest) = newest else { return };
        let until = newest.min(now).minus(LATE).max(self.until.unwrap_or(Timestamp(i64::MIN)));
        self.until = Some(until);
        self.done.retain(|key, at| *at >= until || undated.contains(key));
    }

    /// The number of the last post that was read of a topic.
    pub fn read_to(&self, topic: u64) -> Option<u64> {
        self.topics.get(&topic).map(|(number, _)| *number)
    }

    pub fn read(&mut self, topic: u64, number: u64, now: Timestamp) {
        self.topics.insert(topic, (number, now));
        if self.topics.len() > TOPICS
            && let Some(oldest) = self.topics.iter().min_by_key(|(_, (_, at))| *at).map(|(topic, _)| *topic)
        {
            self.topics.remove(&oldest);
        }
    }
}
