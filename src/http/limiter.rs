//! Counts failed tries to sign in.
//!
//! Promises: guessing is slow from one address and for one person; one person's enemies cannot lock them out of where they signed in
//! lately, and of elsewhere not for long; memory is bounded however many addresses try.
//! Must not: know what a password is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::Timestamp;

/// Tries are forgotten after this.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// One address for one person.
const PER_PAIR: u32 = 10;
/// One address, whoever it tries to be: an office behind one address mistypes too.
const PER_ADDRESS: u32 = 60;
/// One person, from everywhere together.
const PER_PERSON: u32 = 100;
/// At most this many counters, about 1 MB.
const MOST: usize = 10_000;

/// Where somebody signed in stays theirs this long: longer than a session lasts.
const AT_HOME: Duration = Duration::from_secs(60 * 86_400);

/// Counters in memory; each process has its own.
#[derive(Default)]
pub struct Limiter(Mutex<Counters>);

#[derive(Default)]
struct Counters {
    tries: HashMap<String, Count>,
    /// A network and a person, and when they last signed in there.
    homes: HashMap<String, Timestamp>,
}

#[derive(Clone, Copy)]
struct Count {
    tries: u32,
    since: Timestamp,
}

impl Limiter {
    /// Counts one try, before the password is looked at, so that many at once do not slip through.
    ///
    /// # Errors
    /// Too many; the seconds to wait.
    pub fn count(&self, address: IpAddr, person: &str, now: Timestamp) -> Result<(), u64> {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = counters.keys(address, person, now);
        let counts = &mut counters.tries;
        for (key, most) in &keys {
            if let Some(count) = counts.get(key)
                && count.tries >= *most
                && now.since(count.since) < WINDOW
            {
                return Err(WINDOW.saturating_sub(now.since(count.since)).as_secs().max(1));
            }
        }
        for (key, _) in keys {
            if counts.len() >= MOST && !counts.contains_key(&key) {
                make_room(counts, now);
            }
            let count = counts.entry(key).or_insert(Count { tries: 0, since: now });
            if now.since(count.since) >= WINDOW {
                *count = Count { tries: 0, since: now };
            }
            count.tries += 1;
        }
        Ok(())
    }

    /// The try was right: it was no guess, so it and the mistypes before it do not count. What others do elsewhere does not keep this
    /// person out of here any more.
    pub fn forgive(&self, address: IpAddr, person: &str, now: Timestamp) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = counters.keys(address, person, now);
        for (n, (key, _)) in keys.iter().enumerate() {
            if n == 0 {
                counters.tries.remove(key);
            } else if let Some(count) = counters.tries.get_mut(key) {
                count.tries = count.tries.saturating_sub(1);
            }
        }
        let homes = &mut counters.homes;
        if homes.len() >= MOST {
            homes.retain(|_, at| now.since(*at) < AT_HOME);
        }
        if homes.len() >= MOST
            && let Some(oldest) = homes.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone())
        {
            homes.remove(&oldest);
        }
        homes.insert(keys[0].0.clone(), now);
    }
}

impl Counters {
    /// What a try counts for: this person here, everybody here, and this person everywhere, unless they are at home here.
    fn keys(&self, address: IpAddr, person: &str, now: Timestamp) -> Vec<(String, u32)> {
        let address = network(address);
        // A long made-up name costs no more memory than a short one.
        let person = &crate::secret::fingerprint(&person.trim().to_lowercase())[..32];
        let here = format!("{address} {person}");
        let at_home = self.homes.get(&here).is_some_and(|at| now.since(*at) < AT_HOME);
        let mut keys = vec![(here, PER_PAIR), (address, PER_ADDRESS)];
        if !at_home {
            keys.push((person.to_owned(), PER_PERSON));
        }
        keys
    }
}

fn make_room(counts: &mut HashMap<String, Count>, now: Timestamp) {
    counts.retain(|_, count| now.since(count.since) < WINDOW);
    if counts.len() >= MOST {
        // The fullest counters are the guessers: they stay.
        let mut tries: Vec<u32> = counts.values().map(|c| c.tries).collect();
        tries.sort_unstable();
        let middle = tries[tries.len() / 2];
        let mut left = MOST / 2;
        counts.retain(|_, count| {
            let keep = count.tries > middle || left == 0;
            left -= usize::from(!keep);
            keep
        });
    }
}

/// An address as it is counted.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        // Whoever has one IPv6 address has 2^64.
        IpAddr::V6(ip) => format!("{:x?}", &ip.segments()[..4]),
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_HOME, Limiter, MOST, PER_ADDRESS, PER_PAIR, PER_PERSON, WINDOW};
    use crate::model::Timestamp;
    use std::net::IpAddr;

    fn ip(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn guessing_one_password_is_stopped_and_says_for_how_long() {
        let (limiter, now) = (Limiter::default(), Timestamp(1_000_000));
        for _ in 0..PER_PAIR {
            limiter.count(ip(1), "a@b", now).unwrap();
        }
        let wait = limiter.count(ip(1), "A@b ", now).unwrap_err();
        assert_eq!(wait, WINDOW.as_secs());
        assert!(limiter.count(ip(2), "a@b", now).is_ok(), "the same person from another address still may");
        assert!(limiter.count(ip(1), "a@b", now.plus(WINDOW)).is_ok());
    }

    #[test]
    fn trying_many_people_from_one_address_is_stopped() {
        let (limiter, now) = (Limiter::default(), Timestamp(1_000_000));
        for n in 0..PER_ADDRESS {
            limiter.count(ip(1), &format!("{n}@b"), now).unwrap();
        }
        assert!(limiter.count(ip(1), "new@b", now).is_err());
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_address() {
        let (limiter, now) = (Limiter::default(), Timestamp(1_000_000));
        for n in 0..PER_PAIR {
            limiter.count(format!("2001:db9::{n:x}").parse().unwrap(), "a@b", now).unwrap();
        }
        assert!(limiter.count("2001:db9::ffff".parse().unwrap(), "a@b", now).is_err());
    }

    #[test]
    fn a_right_try_forgives_the_mistypes_before_it() {
        let (limiter, now) = (Limiter::default(), Timestamp(1_000_000));
        for _ in 0..500 {
            limiter.count(ip(1), "a@b", now).unwrap();
            limiter.forgive(ip(1), "a@b", now);
        }
    }

    #[test]
    fn a_persons_enemies_do_not_lock_them_out_of_where_they_signed_in() {
        let (limiter, now) = (Limiter::default(), Timestamp(1_000_000));
        limiter.count(ip(1), "a@b", now).unwrap();
        limiter.forgive(ip(1), "a@b", now);
        for n in 0..PER_PERSON {
            limiter.count(ip(100 + n / PER_PAIR), "a@b", now).unwrap();
        }
        assert!(limiter.count(ip(2), "a@b", now).is_err(), "from anywhere else nobody is them for now");
        for _ in 0..PER_PAIR {
            limiter.count(ip(1), "a@b", now).unwrap();
        }
        assert!(limiter.count(ip(1), "a@b", now).is_err(), "guessing is slow at home, too");
        assert!(limiter.count(ip(1), "other@b", now).is_ok());
        let later = now.plus(AT_HOME);
        for n in 0..PER_PERSON {
            limiter.count(ip(100 + n / PER_PAIR), "a@b", later).unwrap();
        }
        assert!(limiter.count(ip(1), "a@b", later).is_err(), "what was home long ago is none");
    }

    #[test]
    fn memory_stays_bounded_and_guessers_stay_stopped() {
        let (limiter, now) = (Limiter::default(), Timestamp(1_000_000));
        for _ in 0..PER_PAIR {
            limiter.count(ip(0), "victim@b", now).unwrap();
        }
        for n in 1..30_000 {
            let _ = limiter.count(ip(n), &format!("{n}@b"), now);
        }
        assert!(limiter.0.lock().unwrap().tries.len() <= MOST + 3);
        assert!(limiter.count(ip(0), "victim@b", now).is_err());
    }
}
