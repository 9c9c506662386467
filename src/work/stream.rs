//! Listening to an account's stream: what it says is taken in as it comes, in order, with back-pressure.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::pace::jittered;
use super::pull::{Puller, report};
use crate::channels::{Batch, Class, Stream};

const BUFFER: usize = 16;
const LONGEST: Duration = Duration::from_secs(60);

/// Listens for ever; reconnects with growing, jittered waits.
pub async fn run(puller: &Puller) {
    let Some(stream) = puller.channel.stream() else { return };
    let mut failures = 0_u32;
    loop {
        let (error, stood) = listen(puller, stream).await;
        failures = if stood { 1 } else { failures.saturating_add(1) };
        tracing::info!(account = %puller.account.id, channel = puller.account.channel, code = error.code, failures, "the stream ended: {}", error.cause.en);
        let wait = match error.class {
            Class::RateLimited { until } => until.since(puller.desk.clock().now()),
            Class::Unauthorized | Class::Rejected => {
                report(&puller.desk, &puller.account, &error, Duration::ZERO).await;
                Duration::from_secs(300)
            }
            // Pulling goes on meanwhile, so a stream that is away is no sickness of the account.
            Class::Transient | Class::Uncertain => puller.pace.after_failure(failures).min(LONGEST),
        };
        if super::pause(&puller.stop, jittered(wait.max(Duration::from_millis(200)), rand::random())).await {
            return;
        }
    }
}

/// One connection's life. Also says whether it stood at all.
async fn listen(puller: &Puller, stream: &dyn Stream) -> (crate::channels::ChannelError, bool) {
    let (sink, mut batches) = mpsc::channel::<Batch>(BUFFER);
    let stood = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let took_in = stood.clone();
    let take_in = async move {
        while let Some(batch) = batches.recv().await {
            took_in.store(true, std::sync::atomic::Ordering::Relaxed);
            if batch.items.is_empty() && batch.unreadable.is_empty() {
                puller.bell.send_modify(|rung| *rung += 1);
                continue;
            }
            keep(puller, &batch).await;
        }
    };
    // The consumer ends when the stream drops its sink, after everything it sent is stored.
    let (error, ()) = tokio::join!(stream.run(sink), take_in);
    (error, stood.load(std::sync::atomic::Ordering::Relaxed))
}

/// Stores a batch; a stream does not repeat itself, so this tries until it is done or told to stop.
async fn keep(puller: &Puller, batch: &Batch) {
    let mut failures = 0_u32;
    while let Err(error) = puller.desk.ingest(&puller.account, "stream", batch).await {
        failures = failures.saturating_add(1);
        tracing::warn!(account = %puller.account.id, %error, failures, "what the stream said could not be stored; trying again");
        if super::pause(&puller.stop, puller.pace.after_failure(failures.min(5))).await {
            return;
        }
    }
}
