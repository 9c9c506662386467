//! How long to wait: cadence, backoff, headroom, jitter. Pure but for the dice, which are handed in.

use std::time::Duration;

use crate::channels::{Feed, Quota};
use crate::model::Timestamp;

/// How fast this deployment works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// One cadence for every feed instead of the channels' own; for trying things out and for tests.
    pub every: Option<Duration>,
}

impl Pace {
    /// The wait after a pull that found something, or `quiet` pulls in a row that did not.
    #[must_use]
    pub fn after_pull(&self, feed: Feed, quiet: u32) -> Duration {
        match self.every {
            Some(every) => every,
            None => feed.busy.saturating_mul(2_u32.saturating_pow(quiet.min(16))).min(feed.idle),
        }
    }

    /// The wait between looking whether known messages are still there.
    #[must_use]
    pub fn recheck(&self) -> Duration {
        self.every.unwrap_or(Duration::from_secs(60))
    }

    /// The wait after the `failures`th failure in a row: 1 s, 2 s, 4 s … five minutes; never longer than a test's patience.
    #[must_use]
    pub fn after_failure(&self, failures: u32) -> Duration {
        let wait = Duration::from_secs(2_u64.saturating_pow(failures.saturating_sub(1).min(9)).min(300));
        self.every.map_or(wait, |every| wait.min(every.saturating_mul(4)))
    }
}

/// The last tenth of an allowance is for what people send: asking for news keeps off it. With less than a fifth left, what is
/// above that tenth is spread until the allowance is filled up again.
#[must_use]
pub fn with_headroom(wait: Duration, quota: Option<Quota>, now: Timestamp) -> Duration {
    match quota {
        Some(quota) if quota.limit > 0 && quota.remaining * 5 < quota.limit => {
            let spare = u32::try_from(quota.spare()).unwrap_or(0);
            wait.max(quota.reset_at.since(now) / spare.max(1))
        }
        _ => wait,
    }
}

/// Up to a fifth longer or shorter, so that a thousand accounts do not ask at once. `dice` is in 0 to 1.
#[must_use]
pub fn jittered(wait: Duration, dice: f64) -> Duration {
    wait.mul_f64(0.8 + 0.4 * dice.clamp(0.0, 1.0))
}

/// Up to a fifth longer and never shorter, for a wait that the platform named. `dice` is in 0 to 1.
#[must_use]
pub fn lengthened(wait: Duration, dice: f64) -> Duration {
    wait.mul_f64(1.0 + 0.2 * dice.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::{Pace, jittered, lengthened, with_headroom};
    use crate::channels::{Feed, Quota};
    use crate::model::Timestamp;
    use std::time::Duration;

    const FEED: Feed = Feed { key: "f", busy: Duration::from_secs(15), idle: Duration::from_secs(120) };

    #[test]
    fn a_quiet_feed_is_asked_less_and_less_up_to_its_idle_cadence() {
        let waits: Vec<u64> = (0..6).map(|quiet| Pace::default().after_pull(FEED, quiet).as_secs()).collect();
        assert_eq!(waits, [15, 30, 60, 120, 120, 120]);
    }

    #[test]
    fn failures_double_the_wait_up_to_five_minutes() {
        let waits: Vec<u64> = [1, 2, 3, 9, 10, 99].map(|n| Pace::default().after_failure(n).as_secs()).to_vec();
        assert_eq!(waits, [1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn the_last_tenth_of_an_allowance_is_kept_for_replies_and_the_tenth_before_is_spread() {
        let now = Timestamp(0);
        let quota = |remaining| Some(Quota { limit: 300, remaining, reset_at: Timestamp(100_000) });
        let wait = Duration::from_secs(3);
        assert_eq!(with_headroom(wait, quota(200), now), wait);
        assert_eq!(with_headroom(wait, quota(60), now), wait);
        assert_eq!(with_headroom(wait, quota(40), now), Duration::from_secs(10));
        for none in [31, 30, 10, 0] {
            assert_eq!(with_headroom(wait, quota(none), now), Duration::from_secs(100), "{none}");
        }
        assert_eq!(with_headroom(wait, None, now), wait);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        let wait = Duration::from_secs(10);
        assert_eq!(jittered(wait, 0.0), Duration::from_secs(8));
        assert_eq!(jittered(wait, 1.0), Duration::from_secs(12));
        assert_eq!((lengthened(wait, 0.0), lengthened(wait, 1.0)), (wait, Duration::from_secs(12)));
    }
}
