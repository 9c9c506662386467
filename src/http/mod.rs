//! The door: routes, sessions, sockets, hooks and the built pages.
//!
//! Owns: what HTTP says and how. Promises: every refusal is a problem with a stable code; nobody gets past `session.rs`
//! without being somebody; a request that panics is answered, logged and counted.
//! Must not: hold business rules. A handler reads the request, calls one use case and words the outcome.

pub mod api;
pub mod assets;
pub mod connect;
pub mod error;
pub mod hooks;
pub mod limiter;
pub mod listen;
pub mod metrics;
pub mod openapi;
pub mod router;
pub mod session;
pub mod socket;
pub mod trace;
pub mod visit;

mod health;
mod hear;
mod stall;

use std::ops::Deref;
use std::sync::Arc;

use crate::desk::Desk;
use crate::lifecycle::Lifecycle;
use crate::live::Hub;
use crate::store::Store;

/// What every handler gets. Cheap to clone.
#[derive(Clone)]
pub struct Web(Arc<Parts>);

/// What the door is made of.
pub struct Parts {
    pub store: Store,
    pub desk: Desk,
    pub hub: Hub,
    pub life: Lifecycle,
    /// How browsers reach us, when that was said.
    pub public_url: Option<url::Url>,
    /// Whose word is taken for who asks.
    pub trusted: Vec<ipnet::IpNet>,
    pub playground: bool,
    pub limiter: limiter::Limiter,
    pub rates: visit::limits::Rates,
    pub metrics: metrics::Metrics,
}

impl Web {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Whether browsers come over TLS, so that cookies may say so.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

impl Deref for Web {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
