//! A Mastodon server to play against: in memory, on loopback, good enough that an unmodified Mastodon.py runs on it.
//!
//! Owns: accounts, posts, notifications, OAuth, media and the stream of one invented server, its rules as the sheet gives
//! them (who sees what, what notifies whom, what a key, a limit and a page mean), and its clock.
//! Promises: shares no code with the connector, so that a misreading of one is seen by the other and by the judge.
//! Must not: know the desk; be served when nobody asked for it.

mod auth;
mod entity;
mod lists;
mod pages;
mod people;
mod post;
mod routes;
mod serve;
mod world;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::broadcast;

pub use self::post::New;
use self::world::World;
pub use self::world::{Kept, Policy, Visibility};
use crate::channels::fake::{Running, Wire};
use crate::clock::Clock;
use crate::model::Timestamp;

/// The domain of the played server: local accounts are `@name@balie.example`.
pub const DOMAIN: &str = "balie.example";

/// A served platform with a brand and two customers.
///
/// # Errors
/// What binding the address says.
pub async fn serve(listen: SocketAddr, clock: Clock) -> std::io::Result<Running> {
    let platform = Platform::new(clock);
    let mut accounts = serde_json::Map::new();
    for name in ["brand", "customer", "customer2"] {
        let token = platform.local(name, name);
        accounts.insert(name.to_owned(), json!({"acct": name, "token": token}));
    }
    platform.accept_all("brand");
    platform.serve(listen, Value::Object(accounts)).await
}

/// As `serve`, for the channel's descriptor.
#[must_use]
pub fn boxed(listen: SocketAddr, clock: Clock) -> BoxFuture<'static, std::io::Result<Running>> {
    Box::pin(serve(listen, clock))
}

/// Something that the people connected to the stream hear.
#[derive(Clone, Debug)]
struct Heard {
    account: u64,
    event: &'static str,
    payload: String,
}

/// The played server, as its stage manager sees it. Cheap to clone; all clones are the same server.
#[derive(Clone)]
pub struct Platform {
    world: Arc<Mutex<World>>,
    stream: broadcast::Sender<Heard>,
    /// Tells that somebody asked for something.
    asked: Arc<tokio::sync::Notify>,
    clock: Clock,
}

/// A post as the stage manager sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    /// `name` of local accounts, `name@host` of others.
    pub author: String,
    /// As it was typed.
    pub text: String,
    pub in_reply_to: Option<String>,
    pub visibility: Visibility,
    pub at: Timestamp,
}

impl Platform {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new())),
            stream: broadcast::channel(4_096).0,
            asked: Arc::default(),
            clock,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to keep, so that the same server can be played on after a restart.
    #[must_use]
    pub fn keep(&self) -> Kept {
        self.world().keep()
    }

    /// Goes on from what was kept. Local people sign in with the tokens that `local` answers.
    pub fn restore(&self, kept: Kept) {
        self.world().restore(kept);
    }

    /// Serves it. `accounts` is what a client needs to know, printed by whoever starts it.
    ///
    /// # Errors
    /// What binding the address says.
    pub async fn serve(&self, listen: SocketAddr, accounts: Value) -> std::io::Result<Running> {
        self.serve_on(listen, Wire::default(), accounts).await
    }

    /// As `serve`, with a wire that is known before.
    ///
    /// # Errors
    /// What binding the address says.
    pub async fn serve_on(&self, listen: SocketAddr, wire: Wire, accounts: Value) -> std::io::Result<Running> {
        let running = crate::channels::fake::serve(listen, serve::router(self.clone()), wire, accounts).await?;
        self.world().base.clone_from(&running.url);
        Ok(running)
    }

    /// Somebody on this server; answers the access token. Known names keep theirs.
    #[must_use]
    pub fn local(&self, name: &str, display: &str) -> String {
        self.world().local(name, display)
    }

    /// Somebody on another server: `name@host`.
    pub fn remote(&self, acct: &str, display: &str) {
        self.world().remote(acct, display);
    }

    /// Takes away the filter on strangers' private mentions, as a brand should do on connecting.
    pub fn accept_all(&self, acct: &str) {
        self.policy(acct, Policy::Accept);
    }

    /// What happens with private mentions of strangers. A server starts with `Filter`.
    pub fn policy(&self, acct: &str, policy: Policy) {
        let mut world = self.world();
        if let Some(id) = world.find(acct) {
            world.account_mut(id).private_mentions = policy;
        }
    }

    /// How many calls a token may make in five minutes; real servers say 300.
    pub fn limit(&self, calls: i64) {
        self.world().limit = calls;
    }

    /// How many characters a post may have.
    pub fn max_characters(&self, max: usize) {
        self.world().max_characters = max;
    }

    /// Ends a token, as its owner does in the settings.
    pub fn revoke(&self, token: &str) {
        self.world().tokens.remove(token);
    }

    /// Posts for somebody. `None` when the server would refuse (parent gone, nobody of that name).
    pub fn post(&self, new: New<'_>) -> Option<String> {
        let mut world = self.world();
        let by = world.find(new.by)?;
        let posted = world.post(by, &new.draft(), new.at.unwrap_or(self.clock.now()), self.clock.now());
        let (id, heard) = posted.ok()?;
        drop(world);
        self.tell(heard);
        Some(id.to_string())
    }

    /// Changes a text.
    pub fn edit(&self, id: &str, text: &str) -> bool {
        let Ok(id) = id.parse() else { return false };
        let mut world = self.world();
        let Some(heard) = world.edit(id, text, None, self.clock.now()) else { return false };
        drop(world);
        self.tell(heard);
        true
    }

    /// Removes a post.
    pub fn delete(&self, id: &str) -> bool {
        let Ok(id) = id.parse() else { return false };
        let mut world = self.world();
        let Some(heard) = world.delete(id) else { return false };
        drop(world);
        self.tell(heard);
        true
    }

    /// What somebody posted, oldest first.
    #[must_use]
    pub fn by(&self, acct: &str) -> Vec<Seen> {
        let world = self.world();
        let Some(id) = world.find(acct) else { return Vec::new() };
        world.posts.values().filter(|post| post.by == id).map(|post| world.seen(post)).collect()
    }

    /// What somebody posted after a post, oldest first.
    #[must_use]
    pub fn by_after(&self, acct: &str, after: Option<&str>) -> Vec<Seen> {
        let after = after.and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
        let world = self.world();
        let Some(id) = world.find(acct) else { return Vec::new() };
        world
            .posts
            .range(after.saturating_add(1)..)
            .map(|(_, post)| post)
            .filter(|post| post.by == id)
            .map(|post| world.seen(post))
            .collect()
    }

    /// Waits until somebody has looked at its notifications and at its own posts, as a client that comes in does.
    pub async fn looked(&self, acct: &str) {
        loop {
            let asked = self.asked.notified();
            let looked = {
                let world = self.world();
                world.find(acct).is_some_and(|id| world.looked.contains(&id) && world.reviewed.contains(&id))
            };
            if looked {
                return;
            }
            asked.await;
        }
    }

    /// One post.
    #[must_use]
    pub fn seen(&self, id: &str) -> Option<Seen> {
        let world = self.world();
        let post = world.posts.get(&id.parse().ok()?)?;
        Some(world.seen(post))
    }

    /// Whether somebody likes a post.
    #[must_use]
    pub fn likes(&self, acct: &str, id: &str) -> bool {
        let world = self.world();
        let (Some(account), Ok(id)) = (world.find(acct), id.parse::<u64>()) else { return false };
        world.posts.get(&id).is_some_and(|post| post.likes.contains(&account))
    }

    /// How many people stand in one relation to another: `mute`, `block` or `report` by `acct`.
    #[must_use]
    pub fn turned_away(&self, acct: &str) -> Vec<(&'static str, String)> {
        let world = self.world();
        let Some(id) = world.find(acct) else { return Vec::new() };
        let account = world.account(id);
        let name = |id: &u64| world.account(*id).acct.clone();
        let muted = account.mutes.iter().map(|id| ("mute", name(id)));
        let blocked = account.blocks.iter().map(|id| ("block", name(id)));
        let reported = world.reports.iter().filter(|report| report.0 == id).map(|report| ("report", name(&report.1)));
        muted.chain(blocked).chain(reported).collect()
    }

    fn tell(&self, heard: Vec<Heard>) {
        for heard in heard {
            // Nobody listening is no error.
            let _ = self.stream.send(heard);
        }
    }
}
