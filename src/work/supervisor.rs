//! Which accounts this node works for: desired against running.
//!
//! Promises: one node at a time works for an account (a lease that must be renewed); a changed account restarts; a worker that
//! fell over is started again with backoff and never takes another one with it.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use super::pull::{Puller, report};
use super::{pause, stream};
use crate::desk::{Desk, DeskError};
use crate::lifecycle::{Ended, Lifecycle};
use crate::model::AccountId;
use crate::store::accounts::Account;

const LOOK: Duration = Duration::from_secs(2);
const LEASE: Duration = Duration::from_secs(30);

/// Starts and stops the workers of accounts.
pub struct Supervisor {
    desk: Desk,
    lifecycle: Lifecycle,
    pace: Pace,
    /// This process, among others on the same database.
    node: String,
}

struct Running {
    revision: i64,
    stop: CancellationToken,
    task: JoinHandle<Ended<()>>,
    /// How often in a row it fell over, and when it may be started again.
    falls: u32,
}

impl Supervisor {
    #[must_use]
    pub fn new(desk: Desk, lifecycle: Lifecycle, pace: Pace, node: String) -> Self {
        Self { desk, lifecycle, pace, node }
    }

    /// Supervises until told to stop, then stops every worker and gives the leases back.
    pub async fn run(self, stop: CancellationToken) {
        let mut running: HashMap<AccountId, Running> = HashMap::new();
        let mut falls: HashMap<AccountId, u32> = HashMap::new();
        let mut events = self.desk.store().watch_events();
        loop {
            if let Err(error) = self.look(&mut running, &mut falls).await {
                tracing::warn!(%error, "the accounts cannot be read; trying again");
            }
            let deadline = tokio::time::sleep(LOOK);
            tokio::pin!(deadline);
            // An account that was just added or changed starts at once; a busy desk's other events are not looked at more than needed.
            tokio::select! {
                () = stop.cancelled() => break,
                () = &mut deadline => {}
                changed = events.changed() => {
                    if changed.is_ok() && pause(&stop, Duration::from_millis(200)).await { break }
                }
            }
        }
        for worker in running.values() {
            worker.stop.cancel();
        }
        for (_, worker) in running {
            let _ = tokio::time::timeout(Duration::from_secs(5), worker.task).await;
        }
        let _ = self.desk.store().release_leases(Some(&self.node)).await;
    }

    async fn look(
        &self,
        running: &mut HashMap<AccountId, Running>,
        falls: &mut HashMap<AccountId, u32>,
    ) -> Result<(), DeskError> {
        let mut desired: HashMap<AccountId, Account> = HashMap::new();
        let store = self.desk.store();
        let now = self.desk.clock().now();
        let leases = store.account_leases().await?;
        for account in store.accounts().await?.into_iter().filter(|account| account.enabled) {
            let ours = match leases.get(&account.id) {
                // Looked at several times a second on a busy desk; written only when half of it is gone.
                Some((owner, until)) if *owner == self.node && *until >= now.plus(LEASE / 2) => true,
                Some((owner, until)) if *owner != self.node && *until >= now => false,
                _ => store.lease_account(account.id, &self.node, now.plus(LEASE)).await?,
            };
            if ours {
                desired.insert(account.id, account);
            }
        }
        running.retain(|id, worker| {
            let wanted = desired.get(id).is_some_and(|account| account.revision == worker.revision);
            if !wanted {
                worker.stop.cancel();
                return false;
            }
            if worker.task.is_finished() {
                *falls.entry(*id).or_default() += 1;
                return false;
            }
            if worker.falls > 0 {
                falls.insert(*id, worker.falls);
            }
            true
        });
        for (id, account) in desired {
            if let std::collections::hash_map::Entry::Vacant(place) = running.entry(id) {
                let falls = falls.get(&id).copied().unwrap_or(0);
                let stop = CancellationToken::new();
                let (revision, wait) =
                    (account.revision, if falls == 0 { Duration::ZERO } else { self.pace.after_failure(falls) });
                let worker = work_for(self.desk.clone(), account, self.pace, stop.clone(), wait);
                place.insert(Running { revision, stop, task: self.lifecycle.spawn("account", worker), falls });
            }
        }
        Ok(())
    }
}

/// Everything one account needs, as one task: dropping it ends all.
async fn work_for(desk: Desk, account: Account, pace: Pace, stop: CancellationToken, wait: Duration) {
    if pause(&stop, wait).await {
        return;
    }
    let channel = match desk.connections().get(&account) {
        Ok(channel) => channel,
        Err(error) => {
            report(&desk, &account, &error, Duration::ZERO).await;
            // Nothing helps but a change, and a change restarts this worker.
            stop.cancelled().await;
            return;
        }
    };
    let mut failures = 0_u32;
    let began = desk.clock().now();
    let account = loop {
        match desk.probe(&account).await {
            Ok(_) => match desk.store().account(account.id).await {
                Ok(Some(account)) => break account,
                _ => return,
            },
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::info!(account = %account.id, channel = account.channel, %error, failures, "the account cannot be reached yet");
                if let DeskError::Channel(error) = &error {
                    report(&desk, &account, error, desk.clock().now().since(began)).await;
                }
                if pause(&stop, pace.after_failure(failures)).await {
                    return;
                }
            }
        }
    };
    let puller = Puller {
        desk,
        account,
        channel: channel.clone(),
        pace,
        bell: watch::Sender::new(0),
        quota: watch::Sender::new(None),
        stop: stop.clone(),
    };
    let feeds = channel.pull().map_or(&[][..], |pull| pull.feeds());
    let mut loops = vec![stream::run(&puller).boxed(), puller.run_recheck().boxed()];
    loops.extend(feeds.iter().map(|feed| puller.run_feed(*feed).boxed()));
    tokio::select! {
        () = stop.cancelled() => {}
        _ = join_all(loops) => stop.cancelled().await,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;

    use super::{LEASE, Pace, Supervisor};
    use crate::channels::Client;
    use crate::clock::Clock;
    use crate::desk::accounts::NewAccount;
    use crate::desk::connections::Connections;
    use crate::desk::{Desk, Rules, Viewer};
    use crate::lifecycle::Lifecycle;
    use crate::model::{Role, Timestamp, UserId};
    use crate::secret::MasterKey;
    use crate::store::Store;

    #[tokio::test]
    async fn a_lease_is_written_again_when_half_of_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let store = Store::open(&format!("sqlite:{}", folder.path().join("balie.sqlite").display()), clock.clone())
            .await
            .unwrap();
        let key = Arc::new(MasterKey::from_bytes([7; 32]));
        let connections = Connections::new(store.clone(), Client::new(true).unwrap(), key, Duration::from_secs(86_400));
        let desk = Desk::new(store.clone(), connections, Rules::default(), folder.path().join("media"));
        let admin = Viewer { user_id: UserId::new(), name: "A".into(), role: Role::Admin, teams: Vec::new() };
        let settings = json!({ "number": "+31201234567" });
        let new = NewAccount { channel: "phone".into(), name: None, settings, team_ids: Vec::new() };
        desk.add_account(&admin, &new).await.unwrap();
        let id = store.account_ids().await.unwrap()[0];

        let life = Lifecycle::new();
        let node = |name: &str| Supervisor::new(desk.clone(), life.clone(), Pace::default(), name.to_owned());
        let (one, other) = (node("one"), node("other"));
        let (mut running, mut elsewhere, mut falls) = (HashMap::new(), HashMap::new(), HashMap::new());
        let lease = async || store.account_leases().await.unwrap().remove(&id).unwrap();

        one.look(&mut running, &mut falls).await.unwrap();
        let first = clock.now().plus(LEASE);
        assert_eq!((lease().await, running.len()), (("one".to_owned(), first), 1));
        clock.advance(LEASE / 2);
        one.look(&mut running, &mut falls).await.unwrap();
        other.look(&mut elsewhere, &mut falls).await.unwrap();
        assert_eq!(
            (lease().await, running.len(), elsewhere.len()),
            (("one".to_owned(), first), 1, 0),
            "nothing is written"
        );
        clock.advance(Duration::from_secs(1));
        one.look(&mut running, &mut falls).await.unwrap();
        assert_eq!(lease().await, ("one".to_owned(), clock.now().plus(LEASE)));
        // It dies; the other takes over when the lease ran out.
        clock.advance(LEASE + Duration::from_secs(1));
        other.look(&mut elsewhere, &mut falls).await.unwrap();
        assert_eq!((lease().await.0.as_str(), elsewhere.len()), ("other", 1));
        life.stop(Duration::ZERO).await;
    }
}
