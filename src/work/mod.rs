//! Background: what runs without anybody asking.
//!
//! Owns: when to pull, listen, send, wake and fetch. Promises: a sick account stops nothing but itself; what a platform or the
//! database refuses now is tried again later, with backoff; stopping loses nothing.
//! Must not: decide anything about a conversation (that is `desk`), or understand a platform's error beyond its class.

pub mod pace;
pub mod pull;
pub mod send;
pub mod stream;
pub mod supervisor;
pub mod timers;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use pace::Pace;
pub use supervisor::Supervisor;

/// True when told to stop meanwhile.
async fn pause(stop: &CancellationToken, span: Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(span) => false,
    }
}
