//! Asking an account's feeds, each at its own pace, and taking in what they say.
//!
//! Promises: however much there is to ask, the last tenth of what the platform allows is left to replies; where a platform
//! named a moment, nobody asks before it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::pace::{Pace, jittered, lengthened, with_headroom};
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
    /// How much may still be asked, as the platform last said to whichever loop.
    pub quota: watch::Sender<Option<Quota>>,
    pub stop: CancellationToken,
}

/// How asking a feed goes.
#[derive(Debug, Default)]
pub struct Asking {
    /// So many pulls in a row brought no news.
    quiet: u32,
    failures: u32,
    failing_since: Option<Timestamp>,
    marked: Timestamp,
    /// The moment that the platform named when it last refused, whether or not its quota is known.
    not_before: Timestamp,
}

/// The outcome of one pull.
struct Pulled {
    news: bool,
    more: bool,
}

impl Puller {
    /// Asks one feed for ever.
    pub async fn run_feed(&self, feed: Feed) {
        let Some(pull) = self.channel.pull() else { return };
        let mut bell = self.bell.subscribe();
        let mut asking = Asking::default();
        loop {
            let wait = self.ask(pull, feed, &mut asking).await;
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = bell.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Asks a feed once; says how long to wait before the next time.
    pub async fn ask(&self, pull: &dyn Pull, feed: Feed, asking: &mut Asking) -> Duration {
        if let Some(wait) = self.used_up() {
            return wait;
        }
        // A bell may have rung meanwhile; what it rang for is asked for then.
        let now = self.desk.clock().now();
        if asking.not_before > now {
            return until_allowed(asking.not_before, now);
        }
        let wait = match self.pull_once(pull, feed.key, &mut asking.marked, asking.failures > 0).await {
            Ok(pulled) => {
                (asking.failures, asking.failing_since) = (0, None);
                if pulled.more {
                    Duration::ZERO
                } else {
                    asking.quiet = if pulled.news { 0 } else { asking.quiet.saturating_add(1) };
                    jittered(self.pace.after_pull(feed, asking.quiet), rand::random())
                }
            }
            Err(error) => {
                asking.failures = asking.failures.saturating_add(1);
                let since = *asking.failing_since.get_or_insert(self.desk.clock().now());
                if let DeskError::Channel(ChannelError { class: Class::RateLimited { until }, .. }) = &error {
                    asking.not_before = *until;
                }
                self.wait_after(feed.key, &error, asking.failures, since).await
            }
        };
        wait.max(self.headroom())
    }

    /// Another loop took the last that could be spared, while this one waited: how long until there is more.
    fn used_up(&self) -> Option<Duration> {
        let now = self.desk.clock().now();
        let quota =
            self.quota.borrow().filter(|quota| quota.limit > 0 && quota.spare() <= 0 && quota.reset_at > now)?;
        Some(until_allowed(quota.reset_at, now))
    }

    /// How long to keep off what is left for replies.
    fn headroom(&self) -> Duration {
        let wait = with_headroom(Duration::ZERO, *self.quota.borrow(), self.desk.clock().now());
        lengthened(wait, rand::random())
    }

    fn allowed(&self, quota: Option<Quota>) {
        if quota.is_some() {
            self.quota.send_replace(quota);
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
        self.allowed(batch.quota);
        let now = self.desk.clock().now();
        let unchanged =
            batch.items.is_empty() && batch.unreadable.is_empty() && (batch.next.is_none() || batch.next == cursor);
        let mut news = false;
        if !unchanged || was_failing || now.since(*marked) >= MARK || now < *marked {
            news = self.desk.ingest(&self.account, feed, &batch).await?.is_news();
            *marked = now;
        }
        Ok(Pulled { news, more: batch.more })
    }

    /// Writes a failure down and says how long to wait.
    async fn wait_after(&self, feed: &str, error: &DeskError, failures: u32, since: Timestamp) -> Duration {
        let now = self.desk.clock().now();
        match error {
            DeskError::Channel(error) => {
                tracing::info!(account = %self.account.id, channel = self.account.channel, feed, code = error.code, failures, "a pull failed: {}", error.cause.en);
                // One hiccup is no news; the second in a row is.
                if failures > 1 || !error.is_transient() {
                    let told = self.desk.feed_failed(self.account.id, feed, error, now.since(since)).await;
                    heard(&self.account, told);
                }
                let wait = match error.class {
                    Class::RateLimited { until } => return until_allowed(until, now),
                    // Nothing changes by itself: look now and then whether it did.
                    Class::Unauthorized | Class::Rejected => {
                        self.pace.every.map_or(Duration::from_secs(300), |every| every * 4)
                    }
                    Class::Transient | Class::Uncertain => self.pace.after_failure(failures),
                };
                jittered(wait, rand::random())
            }
            other => {
                tracing::warn!(account = %self.account.id, feed, error = %other, "what was pulled could not be stored; it will be pulled again");
                jittered(self.pace.after_failure(failures.min(4)), rand::random())
            }
        }
    }

    /// Looks after known messages for ever: edits and removals that no feed tells.
    pub async fn run_recheck(&self) {
        let Some(pull) = self.channel.pull() else { return };
        if pull.recheck_max() == 0 {
            return;
        }
        let mut round = Vec::new();
        let mut wait = jittered(self.pace.recheck(), rand::random());
        while !super::pause(&self.stop, wait).await {
            wait = self.look_after(pull, &mut round).await;
        }
    }

    /// Looks after some of what this round still has to look at, and begins a new one when that is nothing; says how long to
    /// wait before the next.
    pub async fn look_after(&self, pull: &dyn Pull, round: &mut Vec<Known>) -> Duration {
        if let Some(wait) = self.used_up() {
            return wait;
        }
        let wait = match self.look_after_some(pull, round).await {
            Ok(()) if !round.is_empty() => Duration::ZERO,
            Ok(()) => jittered(self.pace.recheck(), rand::random()),
            Err(error) => {
                tracing::info!(account = %self.account.id, %error, "known messages could not be looked after; later again");
                match error {
                    DeskError::Channel(ChannelError { class: Class::RateLimited { until }, .. }) => {
                        until_allowed(until, self.desk.clock().now())
                    }
                    _ => jittered(self.pace.recheck(), rand::random()),
                }
            }
        };
        wait.max(self.headroom())
    }

    async fn look_after_some(&self, pull: &dyn Pull, round: &mut Vec<Known>) -> Result<(), DeskError> {
        if round.is_empty() {
            *round = self.known().await?;
        }
        let some = round.split_off(round.len().saturating_sub(pull.recheck_max()));
        if some.is_empty() {
            return Ok(());
        }
        let mut batch = pull.recheck(&some).await?;
        self.allowed(batch.quota);
        batch.next = None;
        if !batch.items.is_empty() || !batch.unreadable.is_empty() {
            self.desk.ingest(&self.account, "recheck", &batch).await?;
        }
        Ok(())
    }

    /// What is looked after, the newest last.
    async fn known(&self) -> Result<Vec<Known>, DeskError> {
        let since = self.desk.clock().now().minus(RECHECK_BACK);
        let mut known = Vec::new();
        for message in self.desk.store().messages_to_recheck(self.account.id, since, RECHECK_ROUND).await? {
            let (Some(external_id), Some(thread)) = (message.external_id, message.thread_id) else { continue };
            if let Some(thread) = self.desk.store().thread(thread).await? {
                known.push(Known { external_id, thread: thread.as_channel_knows_it(), meta: message.meta.0 });
            }
        }
        known.reverse();
        Ok(known)
    }
}

fn until_allowed(until: Timestamp, now: Timestamp) -> Duration {
    lengthened(until.since(now).max(Duration::from_secs(1)), rand::random())
}

/// Writes down why an account does not work; a database that is away right now will hear it next time.
pub(super) async fn report(desk: &Desk, account: &Account, error: &ChannelError, failing: Duration) {
    heard(account, desk.account_failed(account.id, error, failing).await);
}

fn heard(account: &Account, told: Result<(), DeskError>) {
    if let Err(error) = told {
        tracing::warn!(account = %account.id, %error, "the account's health could not be written down");
    }
}
