//! Telegram's Bot API to play against: on loopback, good enough that unmodified python-telegram-bot and aiogram
//! run on it.
//!
//! Owns: one bot, the people who write to it, its groups and business connections, files, and what waits for the bot, by the
//! rules of the sheet (offsets, one asker at a time, webhooks, limits, refusals).
//! Promises: shares no code with the connector, so that a misreading of one is seen by the other and by the judges; forgets
//! everything at the end, unless it is given a file: then a later run goes on from there.
//! Must not: know the desk; be served when nobody asked for it.

mod compose;
mod http;
mod methods;
mod play;
mod send;
mod updates;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Notify;

use self::world::World;
use crate::channels::fake::memory::Memory;
use crate::channels::fake::{Running, Wire};
use crate::clock::Clock;

/// The bot's name on the played platform.
pub const USERNAME: &str = "merkbot";

/// Serves the platform with the brand's bot and two people, on what the file holds of an earlier run.
///
/// # Errors
/// What reading the file or binding the address says.
pub async fn serve(listen: SocketAddr, clock: Clock, keep: Option<PathBuf>) -> std::io::Result<Running> {
    let platform = Platform { memory: Arc::new(Memory::open(keep, bot_alone)?), news: Arc::default(), clock };
    let mut accounts = json!({"brand": {"token": platform.token(), "username": USERNAME}});
    for (role, name) in [("customer", "Noor"), ("customer2", "Bas")] {
        let known = platform.world().users.values().find(|user| user["username"] == role).cloned();
        accounts[role] = known.unwrap_or_else(|| platform.world().user(name, Some(role), "nl"));
    }
    platform.serve(listen, accounts).await
}

/// As `serve`, for the channel's descriptor.
#[must_use]
pub fn boxed(listen: SocketAddr, clock: Clock, keep: Option<PathBuf>) -> BoxFuture<'static, std::io::Result<Running>> {
    Box::pin(serve(listen, clock, keep))
}

/// A world in which nobody has met the bot.
fn bot_alone() -> World {
    World::new(fresh_token(), USERNAME, "Het Merk")
}

fn fresh_token() -> String {
    format!("7000000001:AAF{}", uuid::Uuid::new_v4().simple())
}

/// The played platform, as its stage manager sees it. Cheap to clone; all clones are the same platform.
#[derive(Clone)]
pub struct Platform {
    memory: Arc<Memory<World>>,
    /// Rung when something may be new for whoever waits.
    news: Arc<Notify>,
    clock: Clock,
}

impl Platform {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { memory: Arc::new(Memory::of(bot_alone())), news: Arc::default(), clock }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.memory.world()
    }

    /// Serves it. `accounts` is what a client needs to know, printed by whoever starts it.
    ///
    /// # Errors
    /// What binding the address says.
    pub async fn serve(&self, listen: SocketAddr, accounts: Value) -> std::io::Result<Running> {
        // Who is told the token finds it again.
        self.memory.write()?;
        let router = self.memory.kept(http::router(self.clone()));
        let running = crate::channels::fake::serve(listen, router, Wire::default(), accounts).await?;
        running.beside(updates::deliver(self.clone()));
        Ok(running)
    }

    /// The bot's token.
    #[must_use]
    pub fn token(&self) -> String {
        self.world().token.clone()
    }

    /// Takes the token back, as its owner does with /revoke; answers the new one.
    #[must_use]
    pub fn revoke(&self) -> String {
        let token = fresh_token();
        self.world().token.clone_from(&token);
        token
    }

    /// Whether the bot hears everything in its groups.
    pub fn privacy(&self, on: bool) {
        self.world().bot["can_read_all_group_messages"] = (!on).into();
    }

    /// Somebody does something: `user`, `say`, `edit`, `delete`, `react`, `press`, `block`, `group`, `migrate`, `business`,
    /// `limit`, `chat`, `state` and more, as `/_play/…` does over HTTP.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn play(&self, verb: &str, given: &Value) -> Result<Value, String> {
        play::act(self, verb, given)
    }
}
