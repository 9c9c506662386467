//! How much one visitor, and one address, may ask.
//!
//! Promises: counted before the work; memory is bounded however many ask; whoever is over hears how long to wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::Timestamp;

const WINDOW: Duration = Duration::from_secs(60);
/// At most this many counters, some megabytes.
const MOST: usize = 50_000;
/// Sockets open at once from one address.
const OPEN_SOCKETS: u32 = 60;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// Calls of an address, all together.
    Calls,
    /// New sessions of an address.
    Sessions,
    /// New sockets of an address.
    Sockets,
    /// Of a visitor:
    Messages,
    Files,
    Ratings,
    Identifications,
    Transcripts,
}

impl What {
    /// How many in how long.
    const fn most(self) -> (u32, Duration) {
        match self {
            Self::Calls => (600, WINDOW),
            Self::Sessions => (5, WINDOW),
            Self::Sockets => (60, WINDOW),
            Self::Messages => (10, WINDOW),
            Self::Files | Self::Ratings => (3, WINDOW),
            Self::Identifications => (6, WINDOW),
            Self::Transcripts => (1, Duration::from_secs(600)),
        }
    }
}

/// Counters in memory; each process has its own.
#[derive(Clone, Default)]
pub struct Rates(Arc<Mutex<Counters>>);

#[derive(Default)]
struct Counters {
    counts: HashMap<(What, String), Count>,
    sockets: HashMap<String, u32>,
}

struct Count {
    used: u32,
    since: Timestamp,
    /// What was counted by name, so that asking it again is free.
    names: Vec<uuid::Uuid>,
}

/// A socket that is open; dropping it makes room.
pub struct OpenSocket {
    rates: Rates,
    address: String,
}

impl Rates {
    /// Counts one.
    ///
    /// # Errors
    /// Too many; the seconds to wait.
    pub fn take(&self, what: What, who: &str, now: Timestamp) -> Result<(), u64> {
        self.count(what, who, None, now)
    }

    /// Counts one of this name: the same name again, also at the same moment, is the same one.
    ///
    /// # Errors
    /// Too many; the seconds to wait.
    pub fn take_named(&self, what: What, who: &str, name: uuid::Uuid, now: Timestamp) -> Result<(), u64> {
        self.count(what, who, Some(name), now)
    }

    fn count(&self, what: What, who: &str, name: Option<uuid::Uuid>, now: Timestamp) -> Result<(), u64> {
        let (most, window) = what.most();
        let mut counters = self.lock();
        let counts = &mut counters.counts;
        let key = (what, who.to_owned());
        if counts.len() >= MOST && !counts.contains_key(&key) {
            counts.retain(|(what, _), count| now.since(count.since) < what.most().1);
            if counts.len() >= MOST {
                // A flood of strangers: those who did least are forgotten, the busy stay counted.
                counts.retain(|_, count| count.used > 1);
            }
            if counts.len() >= MOST {
                return Err(window.as_secs());
            }
        }
        let fresh = || Count { used: 0, since: now, names: Vec::new() };
        let count = counts.entry(key).or_insert_with(fresh);
        if now.since(count.since) >= window {
            *count = fresh();
        }
        if name.is_some_and(|name| count.names.contains(&name)) {
            return Ok(());
        }
        if count.used >= most {
            return Err(window.saturating_sub(now.since(count.since)).as_secs().max(1));
        }
        count.used += 1;
        count.names.extend(name);
        Ok(())
    }

    /// Counts a socket for as long as it is open.
    #[must_use]
    pub fn socket(&self, address: &str) -> Option<OpenSocket> {
        let mut counters = self.lock();
        let open = counters.sockets.entry(address.to_owned()).or_default();
        if *open >= OPEN_SOCKETS {
            return None;
        }
        *open += 1;
        Some(OpenSocket { rates: self.clone(), address: address.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        let mut counters = self.rates.lock();
        if let Some(open) = counters.sockets.get_mut(&self.address) {
            *open -= 1;
            if *open == 0 {
                counters.sockets.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, OPEN_SOCKETS, Rates, WINDOW, What};
    use crate::model::Timestamp;

    #[test]
    fn one_too_many_waits_and_then_may_again() {
        let (rates, now) = (Rates::default(), Timestamp(1_000_000));
        for _ in 0..10 {
            rates.take(What::Messages, "v", now).unwrap();
        }
        assert_eq!(rates.take(What::Messages, "v", now), Err(60));
        assert!(rates.take(What::Messages, "w", now).is_ok() && rates.take(What::Files, "v", now).is_ok());
        assert!(rates.take(What::Messages, "v", now.plus(WINDOW)).is_ok());
    }

    #[test]
    fn the_same_thing_said_again_is_counted_once() {
        let (rates, now) = (Rates::default(), Timestamp(1_000_000));
        let names: Vec<uuid::Uuid> = (0..11).map(|_| uuid::Uuid::new_v4()).collect();
        for name in names.iter().take(10).chain(names.iter().take(10)) {
            rates.take_named(What::Messages, "v", *name, now).unwrap();
        }
        assert_eq!(rates.take_named(What::Messages, "v", names[10], now), Err(60));
        assert!(rates.take_named(What::Messages, "v", names[3], now).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_the_busy_stay_counted() {
        let (rates, now) = (Rates::default(), Timestamp(1_000_000));
        for _ in 0..5 {
            rates.take(What::Sessions, "busy", now).unwrap();
        }
        for n in 0..2 * MOST {
            let _ = rates.take(What::Sessions, &n.to_string(), now);
        }
        assert!(rates.lock().counts.len() <= MOST);
        assert!(rates.take(What::Sessions, "busy", now).is_err());
    }

    #[test]
    fn a_socket_that_closed_makes_room() {
        let rates = Rates::default();
        let mut open: Vec<_> = (0..OPEN_SOCKETS).map(|_| rates.socket("a").unwrap()).collect();
        assert!(rates.socket("a").is_none() && rates.socket("b").is_some());
        open.pop();
        assert!(rates.socket("a").is_some());
        drop(open);
        assert!(rates.lock().sockets.is_empty());
    }
}
