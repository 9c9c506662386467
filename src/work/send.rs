//! Sending: takes what is due from the outbox, hands it to its channel, writes down what came of it.
//!
//! Promises: no transaction is open while a platform is asked; what may have arrived is looked up before it is sent again; order
//! within a thread is kept by the lease; a platform that hangs holds up nobody else's replies; an outcome is written down
//! however long the database is away.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::channels::{Channel, ChannelError, Class, Sent};
use crate::desk::{Desk, DeskError};
use crate::model::{AccountId, HealthState};
use crate::store::accounts::Account;
use crate::store::outbox::OutboxRow;

/// Replies under way at once.
const AT_ONCE: usize = 64;
/// Of one account. A platform that hangs must leave room for the others.
const SHARE: usize = 4;
const LEASE: Duration = Duration::from_secs(180);
/// Shorter than the lease: nobody else may begin while this one still tries.
const LONGEST: Duration = Duration::from_secs(150);

/// Sends until told to stop; what is on its way then is finished first.
pub async fn run(desk: Desk, node: String, stop: CancellationToken) {
    let mut events = desk.store().watch_events();
    let mut crew = Crew { desk: &desk, node: &node, under_way: FuturesUnordered::new(), busy: HashMap::new() };
    loop {
        if !stop.is_cancelled()
            && let Err(error) = crew.begin().await
        {
            tracing::warn!(%error, "the outbox cannot be read; trying again");
            // What is under way has its outcomes to write down meanwhile.
            tokio::select! {
                () = stop.cancelled() => {}
                () = crew.end_one() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            continue;
        }
        if stop.is_cancelled() {
            return crew.end_all().await;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = crew.end_one() => {}
            _ = events.changed() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Sends all that is due now, and waits for the outcomes; returns how many were tried.
///
/// # Errors
/// When the outbox cannot be read.
pub async fn send_due(desk: &Desk, node: &str) -> Result<usize, DeskError> {
    let mut crew = Crew { desk, node, under_way: FuturesUnordered::new(), busy: HashMap::new() };
    let mut tried = 0;
    loop {
        let begun = crew.begin().await?;
        if begun == 0 && crew.under_way.is_empty() {
            return Ok(tried);
        }
        tried += begun;
        crew.end_one().await;
    }
}

/// Who is sending now, and for whom.
struct Crew<'d> {
    desk: &'d Desk,
    node: &'d str,
    under_way: FuturesUnordered<BoxFuture<'d, AccountId>>,
    busy: HashMap<AccountId, usize>,
}

impl Crew<'_> {
    /// Takes on what is due, as far as there is room; returns how many.
    async fn begin(&mut self) -> Result<usize, DeskError> {
        let now = self.desk.clock().now();
        let mut begun = 0;
        // A few at a time, so that no account gets much past its share before it counts as busy.
        while self.under_way.len() < AT_ONCE {
            if self.desk.store().next_outbox_due().await?.is_none_or(|due| due > now) {
                break;
            }
            let busy: Vec<AccountId> =
                self.busy.iter().filter(|(_, many)| **many >= SHARE).map(|(account, _)| *account).collect();
            let rows = self.desk.lease_deliveries(self.node, LEASE, SHARE, &busy).await?;
            if rows.is_empty() {
                break;
            }
            begun += rows.len();
            for row in rows {
                *self.busy.entry(row.account_id).or_default() += 1;
                let desk = self.desk;
                self.under_way.push(Box::pin(async move {
                    let account = row.account_id;
                    send(desk, row).await;
                    account
                }));
            }
        }
        Ok(begun)
    }

    /// Waits for the next outcome; for ever when there is none to come.
    async fn end_one(&mut self) {
        let Some(account) = self.under_way.next().await else { return std::future::pending().await };
        if let Some(many) = self.busy.get_mut(&account) {
            *many -= 1;
            if *many == 0 {
                self.busy.remove(&account);
            }
        }
    }

    async fn end_all(&mut self) {
        while !self.under_way.is_empty() {
            self.end_one().await;
        }
    }
}

async fn send(desk: &Desk, row: OutboxRow) {
    let Ok(outcome) = tokio::time::timeout(LONGEST, attempt(desk, &row)).await else {
        // It may have arrived. The lease runs out, the row becomes doubtful, and the next attempt looks first.
        tracing::warn!(message = %row.message_id, account = %row.account_id, "sending took too long; the next attempt looks whether it arrived");
        return;
    };
    match &outcome {
        Ok(sent) => {
            tracing::info!(message = %row.message_id, account = %row.account_id, external = sent.external_id, "sent");
        }
        Err(error) => {
            tracing::info!(message = %row.message_id, account = %row.account_id, code = error.code, attempts = row.attempts, "not sent: {}", error.cause.en);
        }
    }
    let mut failures = 0_u32;
    while let Err(error) = desk.settle(&row, outcome.clone()).await {
        failures += 1;
        tracing::warn!(message = %row.message_id, %error, failures, "the outcome could not be written down; trying again");
        // Past the lease another worker looks the message up; writing our outcome after that is refused by its attempt number.
        if failures > 60 {
            return;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn attempt(desk: &Desk, row: &OutboxRow) -> Result<Sent, ChannelError> {
    let (account, outgoing) = desk.outgoing(row).await.map_err(own_fault)?;
    if !account.enabled || account.removed_at.is_some() {
        return Err(ChannelError::rejected("account.off", "the account is switched off or removed."));
    }
    let channel = desk.connections().get(&account)?;
    let reply = channel
        .reply()
        .ok_or_else(|| ChannelError::rejected("reply.none", "this channel cannot be answered from here."))?;
    if row.doubtful
        && let Some(sent) = reply.find(&outgoing).await?
    {
        return Ok(sent);
    }
    let outcome = reply.deliver(&outgoing).await;
    if let Err(error) = tell_health(desk, &account, &*channel, &outcome).await {
        tracing::warn!(account = %account.id, %error, "the account's health could not be written down");
    }
    outcome
}

/// What an attempt says about the whole account. Whoever is asked for news tells by that whether they can be reached; of an
/// account that is only ever called, nothing but a reply does.
async fn tell_health(
    desk: &Desk,
    account: &Account,
    channel: &dyn Channel,
    outcome: &Result<Sent, ChannelError>,
) -> Result<(), DeskError> {
    let only_called = channel.pull().is_none_or(|pull| pull.feeds().is_empty()) && channel.stream().is_none();
    let well = matches!(account.health, HealthState::Ok | HealthState::Starting);
    match outcome {
        Err(error) if error.class == Class::Unauthorized => {
            desk.account_failed(account.id, error, Duration::ZERO).await
        }
        Err(error) if only_called && error.class == Class::Transient => {
            let failing = if well { Duration::ZERO } else { desk.clock().now().since(account.health_since) };
            desk.account_failed(account.id, error, failing).await
        }
        Ok(_) if only_called && account.health != HealthState::Ok => desk.account_reached(account.id).await,
        _ => Ok(()),
    }
}

/// Nothing was sent: our own database or media folder was in the way.
fn own_fault(error: DeskError) -> ChannelError {
    match error {
        DeskError::Channel(error) => error,
        DeskError::Store(error) => ChannelError::transient(error.to_string()),
        other => ChannelError::rejected("reply.incomplete", other.to_string()),
    }
}
