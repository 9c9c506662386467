//! All SQL.
//!
//! Owns: the database, its migrations, one file of queries per noun. `Store` reads, `Tx` writes.
//! Promises: the same behaviour on SQLite and PostgreSQL (every test runs on both); every write is a `Tx` that carries its events.
//! Must not: decide anything. Business rules live in `desk`.

pub mod accounts;
pub mod attachments;
pub mod contacts;
pub mod conversations;
pub mod drafts;
pub mod engine;
pub mod events;
pub mod handed_over;
pub mod links;
pub mod list;
pub mod load;
pub mod messages;
pub mod migrate;
pub mod outbox;
pub mod quarantine;
pub mod sessions;
pub mod settings;
pub mod tags;
pub mod teams;
pub mod threads;
pub mod tokens;
pub mod users;
pub mod visitors;

mod error;
mod present;
mod tx;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::Clock;
use engine::Pools;
pub use error::StoreError;
pub use tx::{Actor, NewEvent, Tx};

/// The database; cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    pools: Pools,
    clock: Clock,
    newest: watch::Sender<i64>,
}

impl Store {
    /// Opens `sqlite:<path>` or `postgres://…` and brings it up to date.
    ///
    /// # Errors
    /// When it cannot be opened or migrated.
    pub async fn open(database: &str, clock: Clock) -> Result<Self, StoreError> {
        let pools = if database.starts_with("postgres:") || database.starts_with("postgresql:") {
            Pools::postgres(database).await?
        } else {
            Pools::sqlite(Path::new(database.strip_prefix("sqlite:").unwrap_or(database))).await?
        };
        migrate::run(&pools).await?;
        let store = Self::with_pools(pools, clock).await?;
        contacts::fill_search_keys(&store).await?;
        Ok(store)
    }

    /// On pools that are up to date already.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn with_pools(pools: Pools, clock: Clock) -> Result<Self, StoreError> {
        let (newest, _) = watch::channel(0);
        let store = Self(Arc::new(Inner { pools, clock, newest }));
        let seq = store.newest_seq().await?;
        store.wake(seq);
        Ok(store)
    }

    /// For the `read!` macro.
    #[must_use]
    pub fn pools(&self) -> &Pools {
        &self.0.pools
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Begins a change.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(&self, actor: Actor) -> Result<Tx, StoreError> {
        Ok(Tx::new(self.0.pools.begin().await?, self.clone(), self.0.clock.now(), actor))
    }

    /// The number of the newest event this process knows of; changes wake the watcher.
    #[must_use]
    pub fn watch_events(&self) -> watch::Receiver<i64> {
        self.0.newest.subscribe()
    }

    /// Tells this process of events up to `seq`.
    pub fn wake(&self, seq: i64) {
        self.0.newest.send_if_modified(|newest| {
            let news = seq > *newest;
            if news {
                *newest = seq;
            }
            news
        });
    }

    /// Waits for other nodes' commits and wakes this one; returns only on an error. On SQLite there are no other nodes.
    ///
    /// # Errors
    /// When the connection is lost: call again, then read the log from where you were.
    pub async fn listen(&self) -> Result<(), StoreError> {
        match &self.0.pools {
            Pools::Sqlite { .. } => std::future::pending().await,
            Pools::Postgres(pool) => {
                let mut listener = sqlx::postgres::PgListener::connect_with(pool).await?;
                listener.listen("balie_events").await?;
                self.wake(self.newest_seq().await?);
                loop {
                    let note = listener.recv().await?;
                    if let Ok(seq) = note.payload().parse() {
                        self.wake(seq);
                    }
                }
            }
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.0.pools.close().await;
    }
}

/// `($1, $2, …)` from `first`, for `count` values.
fn placeholders(first: usize, count: usize) -> String {
    let mut text = String::with_capacity(count * 5 + 2);
    for i in 0..count {
        text.push_str(if i == 0 { "($" } else { ", $" });
        text.push_str(&(first + i).to_string());
    }
    text.push(')');
    text
}

/// Values for an `IN` list, the last repeated until there are 1, 2, 4, 8 … of them: that makes ten statements to prepare and
/// keep instead of one for every length there is.
fn padded<T: Copy>(some: &[T]) -> Vec<T> {
    let Some(last) = some.last() else { return Vec::new() };
    let missing = some.len().next_power_of_two() - some.len();
    some.iter().copied().chain(std::iter::repeat_n(*last, missing)).collect()
}

/// Pieces of 64, 32, 16 … items, for `INSERT`s of many rows with few different lengths.
fn pieces<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let most = all.len().min(64);
        let (piece, rest) = all.split_at_checked(1 << most.checked_ilog2()?)?;
        all = rest;
        Some(piece)
    })
}

/// `($1, $2, …), (…)` for `rows` rows of `columns` values.
fn rows_of_values(rows: usize, columns: usize) -> String {
    (0..rows).map(|row| placeholders(row * columns + 1, columns)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{padded, pieces, rows_of_values};

    #[test]
    fn many_lengths_become_few_statements() {
        assert_eq!(padded(&[1, 2, 3, 4, 5]), [1, 2, 3, 4, 5, 5, 5, 5]);
        assert_eq!(padded(&[1]), [1]);
        let all: Vec<u8> = (0..150).collect();
        assert_eq!(pieces(&all).map(<[u8]>::len).collect::<Vec<_>>(), [64, 64, 16, 4, 2]);
        assert_eq!(pieces(&all).flatten().copied().collect::<Vec<_>>(), all);
        assert_eq!(pieces(&all[..0]).count(), 0);
        assert_eq!(rows_of_values(2, 2), "($1, $2), ($3, $4)");
    }
}
