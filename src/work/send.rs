//! Sending: takes what is due from the outbox, hands it to its channel, writes down what came of it.
//!
//! Promises: no transaction is open while a platform is asked; what may have arrived is looked up before it is sent again; order
//! within a thread is kept by the lease; a platform that hangs holds up nobody else's replies; an outcome is written down
//! however long the database is away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::channels::{Channel, ChannelError, Class, Outgoing, Sent};
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
    let mut under_way = FuturesUnordered::new();
    let mut busy: HashMap<AccountId, usize> = HashMap::new();
    // Taking on more never holds up what is under way: that may have the very transaction open which this waits for.
    let mut taking: Option<BoxFuture<'_, Result<Vec<OutboxRow>, DeskError>>> = None;
    let mut look = true;
    loop {
        if look && taking.is_none() && under_way.len() < AT_ONCE && !stop.is_cancelled() {
            let full = busy.iter().filter(|(_, many)| **many >= SHARE).map(|(account, _)| *account).collect();
            taking = Some(Box::pin(take(&desk, &node, full)));
            look = false;
        }
        if stop.is_cancelled() && taking.is_none() && under_way.is_empty() {
            return;
        }
        tokio::select! {
            taken = async { Some(taking.as_mut()?.await) }, if taking.is_some() => {
                taking = None;
                match taken {
                    Some(Ok(rows)) => {
                        look = !rows.is_empty();
                        for row in rows {
                            *busy.entry(row.account_id).or_default() += 1;
                            under_way.push(send(&desk, row));
                        }
                    }
                    Some(Err(error)) => tracing::warn!(%error, "the outbox cannot be read; trying again"),
                    None => {}
                }
            }
            Some(account) = under_way.next() => {
                look = true;
                if let Some(many) = busy.get_mut(&account) {
                    *many -= 1;
                    if *many == 0 {
                        busy.remove(&account);
                    }
                }
            }
            () = stop.cancelled(), if !stop.is_cancelled() => {}
            _ = events.changed() => look = true,
            () = tokio::time::sleep(Duration::from_secs(1)) => look = true,
        }
    }
}

/// Sends all that is due now, one handful after another; returns how many were tried.
///
/// # Errors
/// When the outbox cannot be read.
pub async fn send_due(desk: &Desk, node: &str) -> Result<usize, DeskError> {
    let mut tried = 0;
    loop {
        let rows = take(desk, node, Vec::new()).await?;
        if rows.is_empty() {
            return Ok(tried);
        }
        tried += rows.len();
        rows.into_iter().map(|row| send(desk, row)).collect::<FuturesUnordered<_>>().count().await;
    }
}

/// Takes on some of what is due, for accounts that are not `full`: a few at a time, so that none gets much past its share.
async fn take(desk: &Desk, node: &str, full: Vec<AccountId>) -> Result<Vec<OutboxRow>, DeskError> {
    let now = desk.clock().now();
    if desk.store().next_outbox_due().await?.is_none_or(|due| due > now) {
        return Ok(Vec::new());
    }
    desk.lease_deliveries(node, LEASE, SHARE, &full).await
}

/// One attempt and its outcome; returns whose it was.
async fn send(desk: &Desk, row: OutboxRow) -> AccountId {
    try_once(desk, &row).await;
    row.account_id
}

async fn try_once(desk: &Desk, row: &OutboxRow) {
    let Ok(outcome) = tokio::time::timeout(LONGEST, attempt(desk, row)).await else {
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
    while let Err(error) = desk.settle(row, outcome.clone()).await {
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
    // Whatever stands in the way of looking says nothing about whether an earlier attempt arrived.
    let unseen =
        |error: ChannelError| if row.doubtful && error.class == Class::Rejected { error.in_doubt() } else { error };
    let (account, channel, outgoing) = prepare(desk, row).await.map_err(unseen)?;
    let reply = channel
        .reply()
        .ok_or_else(|| ChannelError::rejected("reply.none", "this channel cannot be answered from here."))
        .map_err(unseen)?;
    if row.doubtful
        && let Some(sent) = reply.find(&outgoing).await.map_err(unseen)?
    {
        return Ok(sent);
    }
    let outcome = reply.deliver(&outgoing).await;
    if let Err(error) = tell_health(desk, &account, &*channel, &outcome).await {
        tracing::warn!(account = %account.id, %error, "the account's health could not be written down");
    }
    outcome
}

/// Everything an attempt needs before the platform is asked.
async fn prepare(desk: &Desk, row: &OutboxRow) -> Result<(Account, Arc<dyn Channel>, Outgoing), ChannelError> {
    let (account, outgoing) = desk.outgoing(row).await.map_err(own_fault)?;
    if !account.enabled || account.removed_at.is_some() {
        return Err(ChannelError::rejected("account.off", "the account is switched off or removed."));
    }
    let channel = desk.connections().get(&account)?;
    Ok((account, channel, outgoing))
}

/// What an attempt says about the whole account. Whoever is asked for news tells by that whether they can be reached; of an
/// account that is only ever called, nothing but a reply does.
async fn tell_health(
    desk: &Desk,
    account: &Account,
    channel: &dyn Channel,
    outcome: &Result<Sent, ChannelError>,
) -> Result<(), DeskError> {
    let only_called = channel.only_calls();
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
