//! Asking an account's feeds, each at its own pace, and taking in what they say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::pace::{Pace, jittered, with_headroom};
use crate::channels::{Channel, ChannelError, Class, Feed, Known, Pull, Quota};
use crate::desk::{Desk, DeskError};
use crate::model::Timestamp;
use crate::store::accounts::Account;

/// An idle account is marked as working this often, not at every pull.
const MARK: Duration = Duration::from_secs(30);
/// How far back known messages are looked after.
const RECHECK_BACK: Duration = Duration::from_secs(7 * 86_400);
const RECHECK_ROUND: i64 = 100;

/// What one account's loops share.
pub struct Puller {
    pub desk: Desk,
    pub account: Account,
    pub channel: Arc<dyn Channel>,
    pub pace: Pace,
    /// Rung when a stream stands again: what happened in between is in no stream.
    pub bell: watch::Sender<u64>,
    pub stop: CancellationToken,
}

/// The outcome of one pull.
struct Pulled {
    news: bool,
    more: bool,
    quota: Option<Quota>,
}

impl Puller {
    /// Asks one feed for ever.
    pub async fn run_feed(&self, feed: Feed) {
        let Some(pull) = self.channel.pull() else { return };
        let mut bell = self.bell.subscribe();
        let (mut quiet, mut failures, mut failing_since, mut marked) = (0_u32, 0_u32, None, Timestamp(0));
        loop {
            let wait = match self.pull_once(pull, feed.key, &mut marked, failures > 0).await {
                Ok(pulled) => {
                    (failures, failing_since) = (0, None);
                    if pulled.more {
                        continue;
                    }
                    quiet = if pulled.news { 0 } else { quiet.saturating_add(1) };
                    with_headroom(self.pace.after_pull(feed, quiet), pulled.quota, self.desk.clock().now())
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let since = *failing_since.get_or_insert(self.desk.clock().now());
                    self.wait_after(feed.key, &error, failures, since).await
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = bell.changed() => {}
                () = tokio::time::sleep(jittered(wait, rand::random())) => {}
            }
        }
    }

    async fn pull_once(
        &self,
        pull: &dyn Pull,
        feed: &str,
        marked: &mut Timestamp,
        was_failing: bool,
    ) -> Result<Pulled, DeskError> {
        let cursor = self.desk.store().cursor(self.account.id, feed).await?;
        let batch = pull.pull(feed, cursor.as_ref()).await?;
        let now = self.desk.clock().now();
        let unchanged =
            batch.items.is_empty() && batch.unreadable.is_empty() && (batch.next.is_none() || batch.next == cursor);
        let mut news = false;
        if !unchanged || was_failing || now.since(*marked) >= MARK || now < *marked {
            news = self.desk.ingest(&self.account, feed, &batch).await?.is_news();
            *marked = now;
        }
        Ok(Pulled { news, more: batch.more, quota: batch.quota })
    }

    /// Writes a failure down and says how long to wait.
    async fn wait_after(&self, feed: &str, error: &DeskError, failures: u32, since: Timestamp) -> Duration {
        let now = self.desk.clock().now();
        match error {
            DeskError::Channel(error) => {
                tracing::info!(account = %self.account.id, channel = self.account.channel, feed, code = error.code, failures, "a pull failed: {}", error.cause.en);
                // One hiccup is no news; the second in a row is.
                if failures > 1 || !error.is_transient() {
                    report(&self.desk, &self.account, error, now.since(since)).await;
                }
                match error.class {
                    Class::RateLimited { until } => until.since(now).max(Duration::from_secs(1)),
                    // Nothing changes by itself: look now and then whether it did.
                    Class::Unauthorized | Class::Rejected => {
                        self.pace.every.map_or(Duration::from_secs(300), |every| every * 4)
                    }
                    Class::Transient | Class::Uncertain => self.pace.after_failure(failures),
                }
            }
            other => {
                tracing::warn!(account = %self.account.id, feed, error = %other, "what was pulled could not be stored; it will be pulled again");
                self.pace.after_failure(failures.min(4))
            }
        }
    }

    /// Looks after known messages for ever: edits and removals that no feed tells.
    pub async fn run_recheck(&self) {
        let Some(pull) = self.channel.pull() else { return };
        let at_once = pull.recheck_max();
        if at_once == 0 {
            return;
        }
        loop {
            if super::pause(&self.stop, jittered(self.pace.recheck(), rand::random())).await {
                return;
            }
            if let Err(error) = self.recheck_once(pull, at_once).await {
                tracing::info!(account = %self.account.id, %error, "known messages could not be looked after; later again");
            }
        }
    }

    async fn recheck_once(&self, pull: &dyn Pull, at_once: usize) -> Result<(), DeskError> {
        let since = self.desk.clock().now().minus(RECHECK_BACK);
        let mut known = Vec::new();
        for message in self.desk.store().messages_to_recheck(self.account.id, since, RECHECK_ROUND).await? {
            let (Some(external_id), Some(thread)) = (message.external_id, message.thread_id) else { continue };
            if let Some(thread) = self.desk.store().thread(thread).await? {
                known.push(Known { external_id, thread: thread.as_channel_knows_it(), meta: message.meta.0 });
            }
        }
        for some in known.chunks(at_once) {
            let mut batch = pull.recheck(some).await?;
            batch.next = None;
            if !batch.items.is_empty() || !batch.unreadable.is_empty() {
                self.desk.ingest(&self.account, "recheck", &batch).await?;
            }
        }
        Ok(())
    }
}

/// Writes down why an account does not work; a database that is away right now will hear it next time.
pub(super) async fn report(desk: &Desk, account: &Account, error: &ChannelError, failing: Duration) {
    if let Err(error) = desk.account_failed(account.id, error, failing).await {
        tracing::warn!(account = %account.id, %error, "the account's health could not be written down");
    }
}
