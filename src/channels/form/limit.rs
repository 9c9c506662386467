//! How often one address may send a form: enough for a person who mistypes, too little for a robot.
//!
//! Promises: memory is bounded however many addresses try; a busy day of many people passes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::Timestamp;

const WINDOW: Duration = Duration::from_secs(10 * 60);
/// One address: an office behind one address mistypes too.
const PER_ADDRESS: u32 = 20;
/// Everybody together.
const ALTOGETHER: u32 = 1_000;
/// At most this many counters.
const MOST: usize = 5_000;

#[derive(Default)]
pub struct Limit(Mutex<HashMap<Option<IpAddr>, (u32, Timestamp)>>);

impl Limit {
    /// Counts one try.
    ///
    /// # Errors
    /// Too many; the seconds to wait.
    pub fn count(&self, from: IpAddr, now: Timestamp) -> Result<(), u64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, (_, since)| now.since(*since) < WINDOW && *since <= now);
        let keys = [(None, ALTOGETHER), (Some(near(from)), PER_ADDRESS)];
        for (key, most) in &keys {
            if let Some((tries, since)) = counts.get(key)
                && tries >= most
            {
                return Err(WINDOW.saturating_sub(now.since(*since)).as_secs().max(1));
            }
        }
        for (key, _) in keys {
            if counts.len() < MOST || counts.contains_key(&key) {
                counts.entry(key).or_insert((0, now)).0 += 1;
            }
        }
        Ok(())
    }
}

/// Whoever has one address of IPv6 has a whole network of them.
fn near(from: IpAddr) -> IpAddr {
    match from {
        IpAddr::V4(_) => from,
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or_else(
            || {
                let [a, b, c, d, ..] = ip.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            },
            IpAddr::from,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::Limit;
    use crate::model::Timestamp;
    use std::net::IpAddr;

    #[test]
    fn one_address_is_slowed_down_and_its_neighbours_are_not() {
        let (limit, now) = (Limit::default(), Timestamp(1_000_000));
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for _ in 0..20 {
            assert_eq!(limit.count(ip("2001:db8:1:1::1"), now), Ok(()));
        }
        assert_eq!(limit.count(ip("2001:db8:1:1::ffff"), now), Err(600), "the same network");
        assert_eq!(limit.count(ip("2001:db8:1:2::1"), now), Ok(()));
        assert_eq!(limit.count(ip("2001:db8:1:1::1"), Timestamp(now.0 + 300_000)), Err(300));
        assert_eq!(limit.count(ip("2001:db8:1:1::1"), Timestamp(now.0 + 600_000)), Ok(()));
    }

    #[test]
    fn a_thousand_addresses_together_are_slowed_down_too() {
        let (limit, now) = (Limit::default(), Timestamp(1_000_000));
        let refused = (0..1_200_u32).filter(|n| limit.count(IpAddr::from(n.to_be_bytes()), now).is_err()).count();
        assert_eq!(refused, 200);
    }
}
