//! The use cases: one file per verb.
//!
//! Owns: every business rule. Promises: whoever calls (a route, a runner, the command line) gets the same decision; access is
//! decided in `access`; every change is one transaction with its events.
//! Must not: know a route, a socket, a task or the SQL behind the store.

pub mod access;
pub mod accounts;
mod answer;
pub mod assign;
pub mod call;
pub mod catalog;
pub mod claim;
pub mod connect;
pub mod connections;
pub mod contacts;
pub mod draft;
pub mod elsewhere;
pub mod error;
pub mod hook;
pub mod ingest;
pub mod link;
pub mod load;
pub mod mailbox;
pub mod media;
pub mod moderate;
pub mod note;
pub mod open;
pub mod original;
pub mod people;
pub mod quarantine;
pub mod reply;
pub mod settle;
pub mod status;
pub mod tag;
pub mod tags;
mod turn;
pub mod view;
pub mod visit;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use access::{Act, Viewer};
pub use error::DeskError;

use crate::clock::Clock;
use crate::store::{Actor, Store, Tx};
use connections::Connections;

/// What the desk goes by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// A customer's message this long after the last one still belongs to the same conversation.
    pub reopen: Duration,
    /// How long a claim lasts without renewal.
    pub claim: Duration,
    /// How long an unreachable platform is tried before the message is given back.
    pub give_up: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self { reopen: 72 * HOUR, claim: Duration::from_secs(300), give_up: 24 * HOUR }
    }
}

/// The counter: everything a use case needs. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    store: Store,
    connections: Arc<Connections>,
    rules: Arc<Rules>,
    /// Where files are kept, by hash.
    media: Arc<PathBuf>,
    doors: Arc<ingest::Doors>,
}

impl Desk {
    #[must_use]
    pub fn new(store: Store, connections: Connections, rules: Rules, media: PathBuf) -> Self {
        let (connections, rules, media) = (Arc::new(connections), Arc::new(rules), Arc::new(media));
        Self { store, connections, rules, media, doors: Arc::default() }
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.store.clock()
    }

    #[must_use]
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    async fn begin(&self, viewer: &Viewer) -> Result<Tx, DeskError> {
        Ok(self.store.begin(Actor::User(viewer.user_id)).await?)
    }
}
