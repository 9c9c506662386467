//! Two engines, one SQL text.
//!
//! Owns: the pools, the dispatch macros and every visible difference between SQLite and PostgreSQL.
//! Promises: SQLite has one writer connection that begins immediate, so writers queue instead of failing; readers never
//! wait for it. Outside this file and the migrations no code asks which engine it is.

use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, SqlitePool};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use super::StoreError;

/// How many messages a search looks at: words that more messages have are found in the newest of them.
const HITS: u32 = 2000;

/// Letters that lose their marks when PostgreSQL searches (of western Europe; SQLite knows all), and what they become. The index is
/// made with the same: see its migration.
const MARKED: &str = "áàâäãåéèêëíìîïóòôöõúùûüýÿñç";
const BARE: &str = "aaaaaaeeeeiiiiooooouuuuyync";

/// The connections of one database.
#[derive(Clone)]
pub enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

/// An open transaction.
pub enum Conn {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// Runs an expression on a connection for reading, once per engine: `read!(store, db => query.fetch_all(db).await)`.
#[macro_export]
macro_rules! read {
    ($store:expr, $db:ident => $body:expr) => {
        match $store.pools() {
            $crate::store::engine::Pools::Sqlite { readers, .. } => {
                let $db = readers;
                $body
            }
            $crate::store::engine::Pools::Postgres(pool) => {
                let $db = pool;
                $body
            }
        }
    };
}

/// Executes a query in a transaction, once per engine, and says how many rows it touched: `run!(tx, query)`.
#[macro_export]
macro_rules! run {
    ($tx:expr, $query:expr) => {
        match $tx.conn() {
            $crate::store::engine::Conn::Sqlite(transaction) => {
                $query.execute(&mut **transaction).await.map(|done| done.rows_affected())
            }
            $crate::store::engine::Conn::Postgres(transaction) => {
                $query.execute(&mut **transaction).await.map(|done| done.rows_affected())
            }
        }
    };
}

/// Runs an expression on a transaction's connection, once per engine: `on!(tx, db => query.fetch_all(db).await)`.
#[macro_export]
macro_rules! on {
    ($tx:expr, $db:ident => $body:expr) => {
        match $tx.conn() {
            $crate::store::engine::Conn::Sqlite(transaction) => {
                let $db = &mut **transaction;
                $body
            }
            $crate::store::engine::Conn::Postgres(transaction) => {
                let $db = &mut **transaction;
                $body
            }
        }
    };
}

/// The rows for a list of values, however long, some hundred to a query:
/// `rows_in!(read!(self), [account], ids, within => format!("… WHERE account_id = $1 AND id IN {within}"))`. What stands in
/// brackets is bound before the list.
#[macro_export]
macro_rules! rows_in {
    ($engine:ident!($from:expr), [$($first:expr),*], $list:expr, $within:ident => $sql:expr) => {{
        let before = <[&str]>::len(&[$(stringify!($first)),*]);
        let mut found = Vec::new();
        for some in $list.chunks(256) {
            let some = $crate::store::padded(some);
            let $within = $crate::store::placeholders(before + 1, some.len());
            let sql: String = $sql;
            let mut rows = $engine!($from, db => {
                let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))$(.bind($first))*;
                for one in &some {
                    query = query.bind(*one);
                }
                query.fetch_all(db).await
            })?;
            found.append(&mut rows);
        }
        found
    }};
}

impl Pools {
    /// SQLite in a file; made when absent.
    ///
    /// # Errors
    /// When the file cannot be opened or is no database.
    pub async fn sqlite(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .statement_cache_capacity(256)
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-8000")
            .pragma("mmap_size", "268435456");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .idle_timeout(None)
            .max_lifetime(None)
            // A full disk makes SQLite roll back by itself; the driver's own ROLLBACK then fails and it believes for ever that
            // a transaction is open. Such a connection is replaced, or nothing could be written until a restart.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            // What is committed survives a power cut: a lease or a delivery that came undone would be sent again.
            .connect_with(options.clone().synchronous(SqliteSynchronous::Full))
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self::Sqlite { writer, readers })
    }

    /// PostgreSQL by URL.
    ///
    /// # Errors
    /// When the URL is wrong or the server cannot be reached.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?.application_name("balie").statement_cache_capacity(256);
        let pool = PgPoolOptions::new()
            .max_connections(20)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        Ok(Self::Postgres(pool))
    }

    // Boxed, so that it is compiled once: see "The binary" in docs/PERFORMANCE.md.
    pub(super) fn begin(&self) -> BoxFuture<'_, Result<Conn, StoreError>> {
        Box::pin(async move {
            Ok(match self {
                Self::Sqlite { writer, .. } => Conn::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
                Self::Postgres(pool) => Conn::Postgres(pool.begin().await?),
            })
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// The name for logs and `doctor`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// A `SELECT` of the conversations (as `id`) of the newest messages whose text matches; takes the query at `$n`.
    pub(super) fn search(&self, n: usize) -> String {
        match self {
            // FTS5 walks its rows backwards by itself; later messages have higher row numbers.
            Self::Sqlite { .. } => format!(
                "SELECT DISTINCT m.conversation_id AS id FROM (SELECT rowid AS number FROM message_search WHERE message_search MATCH ${n} \
                 ORDER BY rowid DESC LIMIT {HITS}) AS hit CROSS JOIN messages m WHERE m.rowid = hit.number"
            ),
            Self::Postgres(_) => format!(
                "SELECT DISTINCT hit.conversation_id AS id FROM (SELECT m.conversation_id FROM messages m WHERE m.search @@ to_tsquery('simple', translate(${n}, '{MARKED}', '{BARE}')) \
                 ORDER BY m.ingested_at DESC LIMIT {HITS}) AS hit"
            ),
        }
    }

    /// Of a message: the hash of its original, in the words of the index on it.
    pub(super) fn source_digest(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "json_extract(extra, '$.source.digest')",
            Self::Postgres(_) => "(extra -> 'source' ->> 'digest')",
        }
    }

    /// After a text: compared by its bytes, so that a range of texts is a range of an index.
    pub(super) fn byte_order(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "",
            Self::Postgres(_) => " COLLATE \"C\"",
        }
    }

    /// A person's words as the engine's query: every word must occur, the last may go on.
    pub(super) fn search_query(&self, words: &str) -> Option<String> {
        let words: Vec<String> = words
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(12)
            .map(str::to_lowercase)
            .collect();
        if words.is_empty() {
            return None;
        }
        // Whole words let PostgreSQL guess how many messages have them; of beginnings it knows nothing and then reads them all.
        Some(match self {
            Self::Sqlite { .. } => format!("\"{}\"*", words.join("\" \"")),
            Self::Postgres(_) => format!("'{}':*", words.join("' & '")),
        })
    }
}

impl Conn {
    /// Ends a `SELECT` that leases rows: several workers each take other rows instead of queueing for the same.
    pub(super) fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Ends a `SELECT` whose row is about to be changed on what it says.
    pub(super) fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE",
        }
    }

    /// An id's column as the text that names it elsewhere.
    pub(super) fn id_as_text(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => {
                let part = |from: u8, length: u8| format!("substr(hex({column}), {from}, {length})");
                let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
                format!("lower({})", parts.join(" || '-' || "))
            }
            Self::Postgres(_) => format!("{column}::text"),
        }
    }

    /// Ends a `SELECT` whose rows stay as they are and make others wait; what refers to them may be added meanwhile.
    pub(super) fn hold(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR NO KEY UPDATE",
        }
    }

    /// Makes the numbering of events safe: from here to the commit nobody else numbers. Taken last, so it is held shortly.
    pub(super) async fn lock_events(&mut self) -> Result<(), StoreError> {
        if let Self::Postgres(transaction) = self {
            sqlx::query("SELECT pg_advisory_xact_lock(4207849484)").execute(&mut **transaction).await?;
        }
        Ok(())
    }

    /// Tells the other nodes that there are events up to `seq`; delivered by the database at commit.
    pub(super) async fn notify(&mut self, seq: i64) -> Result<(), StoreError> {
        if let Self::Postgres(transaction) = self {
            sqlx::query("SELECT pg_notify('balie_events', $1)")
                .bind(seq.to_string())
                .execute(&mut **transaction)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Pools;

    #[tokio::test]
    async fn what_is_committed_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let pools = Pools::sqlite(&folder.path().join("kept.db")).await.unwrap();
        let Pools::Sqlite { writer, .. } = &pools else { unreachable!() };
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(writer).await.unwrap();
        assert_eq!(synchronous, 2, "FULL: the log is synced at every commit");
    }

    #[tokio::test]
    async fn after_a_full_disk_it_writes_again() {
        let folder = tempfile::tempdir().unwrap();
        let pools = Pools::sqlite(&folder.path().join("full.db")).await.unwrap();
        let Pools::Sqlite { writer, .. } = &pools else { unreachable!() };
        sqlx::query("CREATE TABLE t (b BLOB)").execute(writer).await.unwrap();
        sqlx::query("PRAGMA max_page_count = 20").execute(writer).await.unwrap();

        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let full = sqlx::query("INSERT INTO t VALUES (randomblob(1000000))").execute(&mut *tx).await;
        assert!(full.unwrap_err().to_string().contains("full"));
        drop(tx);

        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
        sqlx::query("INSERT INTO t VALUES (x'00')").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}
