//! Balie, a self-hosted webcare inbox: every channel in one queue, answered once.
//!
//! The way through the house: `main → cli → app → http | work | live → desk → store → model`, and `desk → channels → model`.
//! `docs/ARCHITECTURE.md` is the map.

pub mod app;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
pub mod desk;
pub mod http;
pub mod lifecycle;
pub mod live;
pub mod model;
pub mod playground;
pub mod secret;
pub mod store;
pub mod telemetry;
pub mod work;
