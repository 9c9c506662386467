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
/// Files that come in at once: from everybody, because each is in memory until it is whole, and from one address, so that one
/// who never finishes leaves room for the others; as many as go with one message.
const OPEN_UPLOADS: u32 = 16;
const OPEN_UPLOADS_NEAR: u32 = 4;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// Calls of an address, all together.
    Calls,
    /// New sessions of an address.
    Sessions,
    /// New sockets of an address.
    Sockets,
    /// Files of an address, whoever there gives them.
    Uploads,
    /// Of a visitor:
    Messages,
    Files,
    Ratings,
    Identifications,
    /// To keep or by mail: each reads the whole thread.
    Transcripts,
}

impl What {
    /// How many in how long.
    const fn most(self) -> (u32, Duration) {
        match self {
            Self::Calls => (600, WINDOW),
            Self::Sessions => (5, WINDOW),
            Self::Sockets => (60, WINDOW),
            Self::Messages | Self::Transcripts => (10, WINDOW),
            Self::Files | Self::Ratings => (3, WINDOW),
            Self::Uploads => (30, WINDOW),
            Self::Identifications => (6, WINDOW),
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
    uploads: HashMap<String, u32>,
}

struct Count {
    used: u32,
    since: Timestamp,
    /// What was counted by name, so that asking it again is free.
    names: Vec<uuid::Uuid>,
}

/// A socket that is open, or a file that is coming in; dropping it makes room.
pub struct Open {
    rates: Rates,
    address: String,
    which: fn(&mut Counters) -> &mut HashMap<String, u32>,
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
    pub fn socket(&self, address: &str) -> Option<Open> {
        self.open(address, |counters| &mut counters.sockets, OPEN_SOCKETS, u32::MAX)
    }

    /// Counts a file for as long as it is coming in.
    #[must_use]
    pub fn upload(&self, address: &str) -> Option<Open> {
        self.open(address, |counters| &mut counters.uploads, OPEN_UPLOADS_NEAR, OPEN_UPLOADS)
    }

    fn open(
        &self,
        address: &str,
        which: fn(&mut Counters) -> &mut HashMap<String, u32>,
        near: u32,
        altogether: u32,
    ) -> Option<Open> {
        let mut counters = self.lock();
        let all = which(&mut counters);
        let full = altogether < u32::MAX && all.values().sum::<u32>() >= altogether;
        if full || all.get(address).is_some_and(|open| *open >= near) {
            return None;
        }
        *all.entry(address.to_owned()).or_default() += 1;
        Some(Open { rates: self.clone(), address: address.to_owned(), which })
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut counters = self.rates.lock();
        let all = (self.which)(&mut counters);
        if let Some(open) = all.get_mut(&self.address) {
            *open -= 1;
            if *open == 0 {
                all.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, OPEN_SOCKETS, OPEN_UPLOADS, OPEN_UPLOADS_NEAR, Rates, WINDOW, What};
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

    #[test]
    fn few_files_come_in_at_once_and_one_address_does_not_take_all_the_room() {
        let rates = Rates::default();
        let mut open: Vec<_> = (0..OPEN_UPLOADS_NEAR).map(|_| rates.upload("a").unwrap()).collect();
        assert!(rates.upload("a").is_none());
        open.extend((OPEN_UPLOADS_NEAR..OPEN_UPLOADS).map(|n| rates.upload(&n.to_string()).unwrap()));
        assert!(rates.upload("b").is_none());
        open.pop();
        assert!(rates.upload("b").is_some());
        drop(open);
        assert!(rates.lock().uploads.is_empty());
    }
}
