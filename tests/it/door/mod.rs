//! The door from outside: the real server on a free port, spoken to over HTTP and sockets, on both engines.

mod attacks;
mod cli;
mod connect;
mod conversations;
mod mailbox;
mod openapi;
mod originals;
mod people;
mod problems;
mod sessions;
mod socket;
mod start;
mod visit;

pub mod server;
