//! The ways in that keep failing: a feed that cannot be asked; a feed, the stream or a call of the platform that cannot be stored.
//!
//! Promises: an account of which something keeps failing is not well, whatever else of it works, until that way in works again or
//! was not tried for [`GIVEN_UP`]. Known to this process only: who starts anew finds out anew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::{Desk, DeskError};
use super::Ingested;
use crate::channels::{ChannelError, Class, Words};
use crate::model::{AccountId, Timestamp};

/// We try again much sooner; a platform that has not called again by then says it no more.
const GIVEN_UP: Duration = Duration::from_secs(900);

/// Which fail, by account and source.
#[derive(Default)]
pub struct Doors(Mutex<HashMap<AccountId, HashMap<String, Failing>>>);

#[derive(Clone, Copy)]
struct Failing {
    since: Timestamp,
    last: Timestamp,
    times: u32,
    /// The account is not well by it.
    told: bool,
}

impl Doors {
    /// How often in a row it failed, and for how long.
    fn failed(&self, account: AccountId, source: &str, now: Timestamp) -> (u32, Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Failing { since: now, last: now, times: 0, told: false };
        let one = all.entry(account).or_default().entry(source.to_owned()).or_insert(begun);
        if now.since(one.last) > GIVEN_UP {
            *one = begun;
        }
        (one.last, one.times) = (now, one.times.saturating_add(1));
        // One hiccup is no news; the second in a row is.
        one.told |= one.times > 1;
        (one.times, now.since(one.since))
    }

    fn told(&self, account: AccountId, source: &str, now: Timestamp) {
        self.failed(account, source, now);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = all.get_mut(&account).and_then(|doors| doors.get_mut(source)) {
            one.told = true;
        }
    }

    fn worked(&self, account: AccountId, source: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(doors) = all.get_mut(&account) {
            doors.remove(source);
            if doors.is_empty() {
                all.remove(&account);
            }
        }
    }

    /// Whether the account is not well by this one.
    pub(super) fn fails(&self, account: AccountId, source: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&account).and_then(|doors| doors.get(source)).is_some_and(|one| one.told)
    }

    /// Whether another one keeps failing.
    pub(super) fn fail_beside(&self, account: AccountId, source: &str, now: Timestamp) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut doors = all.get(&account).into_iter().flatten();
        doors.any(|(door, one)| door != source && one.told && now.since(one.last) <= GIVEN_UP)
    }
}

impl Desk {
    /// Writes down that a feed cannot be asked, and why, and for how long it could not. Another feed that works does not make up for it.
    ///
    /// # Errors
    /// `Store`.
    pub async fn feed_failed(
        &self,
        account: AccountId,
        feed: &str,
        error: &ChannelError,
        failing: Duration,
    ) -> Result<(), DeskError> {
        if !matches!(error.class, Class::RateLimited { .. }) {
            self.doors.told(account, feed, self.clock().now());
        }
        self.account_failed(account, error, failing).await
    }

    /// Writes down how taking something in went.
    pub(super) async fn went(&self, account: AccountId, source: &str, done: &Result<Ingested, DeskError>) {
        match done {
            Ok(_) => self.doors.worked(account, source),
            Err(DeskError::Channel(_)) => {}
            Err(_) => {
                let (times, failing) = self.doors.failed(account, source, self.clock().now());
                // A database that is away right now will hear it next time.
                if times > 1
                    && let Err(error) = self.account_failed(account, &not_stored(), failing).await
                {
                    tracing::warn!(%account, %error, "the account's health could not be written down");
                }
            }
        }
    }
}

/// What the account's people are told while something of what its platform says cannot be kept.
fn not_stored() -> ChannelError {
    ChannelError::new(
        Class::Transient,
        "not_stored",
        Words::new(
            "What the platform says cannot be stored: the database refuses.",
            "Wat het platform zegt kan niet worden opgeslagen: de database weigert.",
        ),
        Words::new(
            "Balie keeps trying, and a platform that calls us is asked to call again. See the log, and whether the disk is full.",
            "Balie blijft het proberen, en een platform dat ons aanroept wordt gevraagd dat nog eens te doen. Kijk in het logboek, en of de schijf vol is.",
        ),
    )
}
