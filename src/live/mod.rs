//! From committed events to sockets.
//!
//! Owns: who is connected, what each may see, what goes to whom. Promises: it only tails the log; nobody tells it anything by
//! hand; a row or message is loaded and serialised once however many look; a slow client is cut, never buffered without bound.
//! Must not: decide who may see what (that is `desk::access`), or write.

mod hub;
mod presence;
mod visits;
mod wire;

pub use hub::{Hub, Subscriber};
pub use presence::Presence;
pub use visits::{Guest, MOST_SOCKETS, Refused};
pub use wire::{ClientMessage, Event, EventActor, ServerMessage, ViewerHere, VisitorHere};
