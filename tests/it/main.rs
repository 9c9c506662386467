//! The desk, its store and its sockets, from outside. One binary, one file per theme; whatever touches the database runs on
//! SQLite and on PostgreSQL (`BALIE_TEST_POSTGRES`, which `make test` sets; without it that half fails and says so).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]
#![allow(
    clippy::similar_names,
    clippy::unchecked_time_subtraction,
    reason = "names and numbers of a story, not of a program"
)]
#![allow(clippy::disallowed_methods, reason = "a test plays what the program does in its one place")]

mod around;
mod chaos;
mod claims;
mod door;
mod elsewhere;
mod house;
mod ingest;
mod live;
mod outage;
mod outbox;
mod persons;
mod proxy;
mod pulling;
mod replies;
mod store;
mod support;
