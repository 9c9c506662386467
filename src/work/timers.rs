//! What time alone brings about: sleeping conversations wake, claims run out, files are fetched.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pause;
use crate::desk::Desk;

/// Seconds between two tidyings.
const TIDY: u32 = 3600;

/// Looks once a second.
pub async fn run(desk: Desk, stop: CancellationToken) {
    let mut seconds = 0_u32;
    while !pause(&stop, Duration::from_secs(1)).await {
        seconds = (seconds + 1) % TIDY;
        if seconds == 1
            && let Err(error) = desk.tidy_visits().await
        {
            tracing::warn!(%error, "ended visits could not be cleared away");
        }
        if let Err(error) = tick(&desk).await {
            tracing::warn!(%error, "timers could not run; trying again");
        }
    }
}

/// Everything that is due now.
///
/// # Errors
/// When the database refuses.
pub async fn tick(desk: &Desk) -> Result<(), crate::desk::DeskError> {
    desk.wake_snoozed().await?;
    desk.expire_claims().await?;
    Ok(())
}

/// Fetches files as they come.
pub async fn run_media(desk: Desk, stop: CancellationToken) {
    loop {
        let wait = match desk.fetch_media().await {
            Ok(0) => Duration::from_secs(2),
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(%error, "files could not be fetched; trying again");
                Duration::from_secs(10)
            }
        };
        if pause(&stop, wait).await {
            return;
        }
    }
}
