//! The desk, its store and its sockets, from outside. One binary, one file per theme; whatever touches the database runs on
//! SQLite and on PostgreSQL (`BALIE_TEST_POSTGRES`, which `make test` sets; without it that half fails and says so).

mod claims;
mod ingest;
mod live;
mod outbox;
mod replies;
mod store;
mod support;
