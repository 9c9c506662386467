//! Telegram's Bot API to play against: in memory, on loopback, good enough that unmodified python-telegram-bot and aiogram
//! run on it.
//!
//! Owns: one bot, the people who write to it, its groups and business connections, files, and what waits for the bot, by the
//! rules of the sheet (offsets, one asker at a time, webhooks, limits, refusals).
//! Promises: shares no code with the connector, so that a misreading of one is seen by the other and by the judges.
//! Must not: know the desk; be served when nobody asked for it.

mod compose;
mod http;
mod methods;
mod play;
mod send;
mod updates;
mod world;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Notify;

use self::world::World;
use crate::channels::fake::{Running, Wire};
use crate::clock::Clock;

/// The bot's name on the played platform.
pub const USERNAME: &str = "merkbot";

/// Serves the platform with the brand's bot and two people.
///
/// # Errors
/// What binding the address says.
pub async fn serve(listen: SocketAddr, clock: Clock) -> std::io::Result<Running> {
    let platform = Platform::new(clock);
    let mut accounts = json!({"brand": {"token": platform.token(), "username": USERNAME}});
    for (role, name) in [("customer", "Noor"), ("customer2", "Bas")] {
        accounts[role] = platform.play("user", &json!({"name": name, "username": role})).unwrap_or_default();
    }
    platform.serve(listen, accounts).await
}

/// As `serve`, for the channel's descriptor.
#[must_use]
pub fn boxed(listen: SocketAddr, clock: Clock) -> BoxFuture<'static, std::io::Result<Running>> {
    Box::pin(serve(listen, clock))
}

/// The played platform, as its stage manager sees it. Cheap to clone; all clones are the same platform.
#[derive(Clone)]
pub struct Platform {
    world: Arc<Mutex<World>>,
    /// Rung when something may be new for whoever waits.
    news: Arc<Notify>,
    clock: Clock,
}

impl Platform {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let token = format!("7000000001:AAF{}", uuid::Uuid::new_v4().simple());
        Self { world: Arc::new(Mutex::new(World::new(token, USERNAME, "Het Merk"))), news: Arc::default(), clock }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves it. `accounts` is what a client needs to know, printed by whoever starts it.
    ///
    /// # Errors
    /// What binding the address says.
    pub async fn serve(&self, listen: SocketAddr, accounts: Value) -> std::io::Result<Running> {
        let running =
            crate::channels::fake::serve(listen, http::router(self.clone()), Wire::default(), accounts).await?;
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
        let token = format!("7000000001:AAF{}", uuid::Uuid::new_v4().simple());
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
