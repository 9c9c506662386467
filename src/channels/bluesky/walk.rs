//! How far a walk down a list goes that begins at the top and tells no "since", and what it knows.
//!
//! Promises: pure. What must be read is read whatever it costs; below it a walk ends, and ends later when it finds something.

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

pub const DAY: i64 = 86_400_000;
/// Pages in a row without news after which a poll looks no further for what was dated back or came late.
const CAP: u32 = 10;
/// Pages of a monthly walk.
const DEEP_CAP: u32 = 50;
/// No walk is longer: 100,000 notifications since the last poll.
const ABSOLUTE_CAP: u32 = 1_000;
pub const KNOWN_WIDTH: usize = 8;
/// More than a monthly walk can meet.
const KNOWN_MAX: usize = 6_000;
/// Two pages of the list.
const NEAR: usize = 200;
/// How far a poll reads below the moment the poll before it began: the service may hold back the newest for a while.
pub const OVERLAP: i64 = 600_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Walk {
    pub kind: Kind,
    pub at: Option<String>,
    pub pages: u32,
    pub started: i64,
    /// The last pages in a row, below what must be read, that brought nothing.
    #[serde(default)]
    pub quiet: u32,
    /// Where in `known` the list goes on.
    #[serde(default)]
    pub place: usize,
}

impl Walk {
    /// From the top.
    #[must_use]
    pub const fn new(kind: Kind, started: i64) -> Self {
        Self { kind, at: None, pages: 0, started, quiet: 0, place: 0 }
    }

    /// A page was read.
    pub fn passed(&mut self, reached: i64, position: Option<i64>, news: bool) {
        self.pages += 1;
        let must_be_read = self.kind != Kind::First && position.is_none_or(|at| at >= reached - OVERLAP);
        self.quiet = if news || must_be_read { 0 } else { self.quiet + 1 };
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    First,
    Poll,
    Deep,
}

/// The cursor to go on with; `None` when the list does not move.
///
/// The cursor is the time of the page's last item and the next page begins strictly below it, so what shares that
/// millisecond with it would never be seen (tried on the reference index: four posts of one moment, two to a page, two
/// lost). So we go on one millisecond above, meet the last item again, and step down only when that was all there is.
#[must_use]
pub fn onward(next: &str, asked: Option<&str>) -> Option<String> {
    let Some(at) = Timestamp::parse_rfc3339(next) else {
        return (!next.is_empty() && asked != Some(next)).then(|| next.to_owned());
    };
    let below = asked.and_then(Timestamp::parse_rfc3339).unwrap_or(Timestamp(i64::MAX));
    [Timestamp(at.0 + 1), at].into_iter().find(|at| *at < below).map(Timestamp::to_rfc3339)
}

/// Whether the page after this one must be read too.
#[must_use]
pub fn goes_on(walk: &Walk, reached: i64, now: i64, position: Option<i64>, news: bool) -> bool {
    if walk.pages >= ABSOLUTE_CAP {
        return false;
    }
    // A position that nobody tells counts as not far enough; the caps end the walk.
    let newer_than = |floor: i64| position.is_none_or(|at| at >= floor);
    if walk.kind != Kind::First && newer_than(reached - OVERLAP) {
        // What arrived since the last poll is read whatever it costs.
        return position.is_some() || walk.pages < DEEP_CAP;
    }
    match walk.kind {
        Kind::Poll => walk.quiet < CAP && (newer_than(now - DAY) || news),
        Kind::First | Kind::Deep => walk.pages < DEEP_CAP && newer_than(now - 30 * DAY),
    }
}

/// The hashes in a string of them.
pub fn hashes(known: &str) -> impl Iterator<Item = &str> {
    known.as_bytes().chunks(KNOWN_WIDTH).filter_map(|chunk| std::str::from_utf8(chunk).ok())
}

/// What is known, with each new hash at its place in the list: before the one that has this number.
#[must_use]
pub fn among(known: &str, fresh: &[(usize, String)]) -> String {
    let mut fresh = fresh.iter().peekable();
    let mut all = String::with_capacity(known.len() + fresh.len() * KNOWN_WIDTH);
    for (at, old) in hashes(known).enumerate() {
        while let Some((_, new)) = fresh.next_if(|(place, _)| *place <= at) {
            all.push_str(new);
        }
        all.push_str(old);
    }
    all.extend(fresh.map(|(_, new)| new.as_str()));
    all.truncate(KNOWN_MAX * KNOWN_WIDTH);
    all
}

/// The place in what is known after one that stands at `at`. One that stands far off is out of order and moves nothing.
#[must_use]
pub fn past(place: usize, at: usize) -> usize {
    if at >= place && at - place <= NEAR { at + 1 } else { place }
}

#[cfg(test)]
mod tests {
    use super::{DAY, KNOWN_MAX, Kind, NEAR, Walk, among, goes_on, onward, past};

    fn walk(kind: Kind, pages: u32) -> Walk {
        Walk { pages, ..Walk::new(kind, 0) }
    }

    #[test]
    fn a_poll_ends_on_a_known_page_older_than_a_day_and_not_before() {
        let now = 100 * DAY;
        let reached = now - 5_000;
        let poll = |pages, position, news| goes_on(&walk(Kind::Poll, pages), reached, now, position, news);
        assert!(poll(1, Some(now - 1_000), false), "newer than the last poll");
        assert!(poll(1, Some(now - DAY / 2), false), "within the day");
        assert!(poll(1, Some(now - 2 * DAY), true), "something back-dated");
        assert!(!poll(1, Some(now - 2 * DAY), false), "old and known");
        assert!(poll(500, Some(now - DAY / 2), true), "what came late is read to its end");
        let quiet = |pages, position, news| {
            let mut walk = walk(Kind::Poll, 0);
            for _ in 0..pages {
                walk.passed(reached, Some(position), false);
            }
            walk.passed(reached, Some(position), news);
            goes_on(&walk, reached, now, Some(position), news)
        };
        assert!(quiet(8, now - DAY / 2, false), "something may have come late below");
        assert!(!quiet(9, now - DAY / 2, false), "a thousand known in a row");
        assert!(quiet(9, now - DAY / 2, true), "counted from the last news");
        assert!(quiet(40, now - 1_000, false), "what is new is never skipped");
        assert!(
            goes_on(&walk(Kind::Poll, 300), now - DAY, now, Some(now - DAY / 2), false),
            "after a day of absence all of the day is read"
        );
        assert!(!poll(1_000, Some(now), true), "nothing is endless");
        assert!(!poll(50, None, false), "nor is a list that tells no times");
    }

    #[test]
    fn what_is_known_is_kept_in_the_order_of_the_list_and_its_end_is_forgotten() {
        let fresh = |all: &[(usize, &str)]| all.iter().map(|(at, hash)| (*at, (*hash).to_owned())).collect::<Vec<_>>();
        assert_eq!(among("", &fresh(&[(0, "aaaaaaaa"), (0, "bbbbbbbb")])), "aaaaaaaabbbbbbbb");
        let between = fresh(&[(0, "xxxxxxxx"), (1, "yyyyyyyy"), (2, "zzzzzzzz")]);
        assert_eq!(among("aaaaaaaabbbbbbbb", &between), "xxxxxxxxaaaaaaaayyyyyyyybbbbbbbbzzzzzzzz");
        let full = "aaaaaaaa".repeat(KNOWN_MAX);
        assert_eq!(among(&full, &fresh(&[(KNOWN_MAX, "new-late")])), full);
        assert!(among(&full, &fresh(&[(0, "new-soon")])).starts_with("new-soon"));
        assert_eq!([past(0, 0), past(3, 5), past(3, 2), past(3, 4 + NEAR)], [1, 6, 3, 3]);
    }

    #[test]
    fn the_next_page_overlaps_by_the_moment_the_list_would_skip() {
        let (at, above) = ("2026-11-22T02:00:45.746Z", "2026-11-22T02:00:45.747Z");
        assert_eq!(onward(at, None).as_deref(), Some(above));
        assert_eq!(onward(at, Some("2026-11-22T03:00:00.000Z")).as_deref(), Some(above));
        assert_eq!(onward(at, Some(above)).as_deref(), Some(at), "a page full of one moment");
        assert_eq!(onward(at, Some(at)), None, "a list that does not move");
        assert_eq!(onward("2026-11-22T03:00:00.000Z", Some(at)), None, "nor one that goes back up");
        assert_eq!(onward("opaque::1", None).as_deref(), Some("opaque::1"));
        assert_eq!(onward("", None), None);
    }

    #[test]
    fn the_first_and_the_daily_walk_go_a_month_deep() {
        let now = 100 * DAY;
        for kind in [Kind::First, Kind::Deep] {
            assert!(goes_on(&walk(kind, 3), now, now, Some(now - 29 * DAY), false));
            assert!(!goes_on(&walk(kind, 3), now, now, Some(now - 31 * DAY), true));
            assert!(!goes_on(&walk(kind, 50), now, now, Some(now - 2 * DAY), true));
        }
    }
}
