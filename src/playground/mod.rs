//! The playground: an invented brand on an invented platform, with customers who never existed, for somebody who wants to see
//! and try Balie without connecting anything.
//!
//! Owns: the people, what they say and when they say it, on fakes of channels served on loopback to the real connectors: the
//! platform here, the brand's mailbox in `mail`, its site's chat in `visitors`.
//! Promises: nothing of it is reachable when it was not asked for; it knows no more of Balie than a customer does; its pace
//! can be changed while it plays.
//! Must not: know the desk, the database or an agent.

mod director;
mod lines;
pub mod mail;
mod people;
pub mod visitors;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use self::director::Director;
use crate::channels::fake::Running;
use crate::channels::mastodon;
use crate::channels::mastodon::fake::{Kept, Platform};
use crate::clock::Clock;

/// The invented brand's name on its platform.
pub const BRAND: &str = "kabelkraai";
/// Fewer things a minute than this is a pause.
const STILL: f64 = 0.01;

/// A platform that is alive.
pub struct Playground {
    /// Where it is served.
    pub url: String,
    /// The brand's access token there.
    pub brand_token: String,
    /// The channel that connects to it.
    pub channel: &'static str,
    /// How the brand's account is called, here and there.
    pub name: &'static str,
    pub handle: String,
    /// Where it listens.
    pub address: SocketAddr,
    platform: Platform,
    director: Mutex<Director>,
    clock: Clock,
    pace: watch::Sender<f64>,
    /// Where the play is kept between two runs.
    memory: PathBuf,
    /// It goes on from an earlier run.
    goes_on: bool,
    _served: Running,
}

/// Serves the platform. Nothing happens on it until [`Playground::play`] runs. `pace`: things that happen a minute; the same
/// `seed` gives the same play. What people said in an earlier run is still there when `folder` remembers it: else the desk
/// would see every post it knows as taken down.
///
/// # Errors
/// When no port of loopback can be had.
pub async fn start(clock: Clock, pace: f64, seed: u64, folder: &Path) -> io::Result<Playground> {
    let platform = Platform::new(clock.clone());
    let memory = folder.join("playground.json");
    let kept: Option<Kept> = std::fs::read(&memory).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let goes_on = kept.is_some();
    if let Some(kept) = kept {
        platform.restore(kept);
    }
    let brand_token = platform.local(BRAND, "Kabelkraai");
    for person in people::PEOPLE {
        platform.remote(person.acct, person.name);
    }
    platform.accept_all(BRAND);
    // A storm may come, and the one who is learning should not learn about limits first.
    platform.limit(100_000);
    let served = platform.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Value::Null).await?;
    Ok(Playground {
        url: served.url.clone(),
        brand_token,
        channel: mastodon::DESCRIPTOR.key,
        name: "Kabelkraai",
        handle: format!("@{BRAND}@{}", mastodon::fake::DOMAIN),
        address: served.address,
        director: Mutex::new(Director::new(platform.clone(), seed)),
        platform,
        clock,
        pace: watch::channel(pace).0,
        memory,
        goes_on,
        _served: served,
    })
}

impl Playground {
    /// The settings and secrets with which the real connector connects, as one object.
    #[must_use]
    pub fn settings(&self) -> Value {
        json!({"url": self.url, "token": self.brand_token})
    }

    /// Lives: waits until the brand has come in, so that what stands ready is news and not history, then goes on at its pace.
    /// Never ends; drop it to stop.
    pub async fn play(&self) {
        self.platform.looked(BRAND).await;
        if !self.goes_on {
            self.director().set_the_scene(self.clock.now());
        }
        let mut pace = self.pace.subscribe();
        loop {
            let now = *pace.borrow_and_update();
            let pause = async {
                match pause(now) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = pause => {
                    self.director().step(self.clock.now());
                }
                // The sender lives as long as we do.
                _ = pace.changed() => {}
            }
        }
    }

    /// Writes down what was said, so that a crash loses at most half a second of play. Never ends; drop it to stop.
    pub async fn remember(&self) {
        let mut written = String::new();
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let Ok(text) = serde_json::to_string(&self.platform.keep()) else { continue };
            if text == written {
                continue;
            }
            // Under another name first: a crash in between leaves the old memory whole.
            let half = self.memory.with_extension("tmp");
            match std::fs::write(&half, &text).and_then(|()| std::fs::rename(&half, &self.memory)) {
                Ok(()) => written = text,
                Err(error) => tracing::warn!(%error, "the playground could not be remembered"),
            }
        }
    }

    /// Things a minute.
    #[must_use]
    pub fn pace(&self) -> f64 {
        *self.pace.borrow()
    }

    /// Changes the pace at once; 0 is a pause.
    pub fn set_pace(&self, a_minute: f64) {
        let pace = if a_minute.is_finite() { a_minute.clamp(0.0, 6_000.0) } else { 0.0 };
        self.pace.send_replace(pace);
    }

    /// A storm: so many people at once.
    pub fn burst(&self, people: usize) {
        let now = self.clock.now();
        let mut director = self.director();
        for _ in 0..people {
            director.open(now, now);
        }
    }

    fn director(&self) -> MutexGuard<'_, Director> {
        self.director.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Until the next thing: as long as the pace says on average, uneven as life is. `None`: for ever.
fn pause(pace: f64) -> Option<Duration> {
    if pace < STILL {
        return None;
    }
    let uneven = -rand::random::<f64>().max(1e-9).ln();
    Some(Duration::from_secs_f64((60.0 / pace * uneven.clamp(0.1, 4.0)).min(6_000.0)))
}

#[cfg(test)]
mod tests;
