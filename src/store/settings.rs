//! What the deployment remembers about itself: one JSON value per key.

use serde_json::Value;
use sqlx::types::Json;

use super::engine::Pools;
use super::error::is_no_table;
use super::{Store, StoreError, Tx};
use crate::{read, run};

/// The value of a key before anything is migrated; `None` also in a database that has no tables yet.
pub async fn peek(pools: &Pools, key: &str) -> Result<Option<Value>, StoreError> {
    const SQL: &str = "SELECT value FROM settings WHERE key = $1";
    let found: Result<Option<Json<Value>>, sqlx::Error> = match pools {
        Pools::Sqlite { writer, .. } => sqlx::query_scalar(SQL).bind(key).fetch_optional(writer).await,
        Pools::Postgres(pool) => sqlx::query_scalar(SQL).bind(key).fetch_optional(pool).await,
    };
    match found {
        Ok(found) => Ok(found.map(|Json(value)| value)),
        Err(error) if is_no_table(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Store {
    /// The value of a key.
    pub async fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let found: Option<Json<Value>> = read!(self, db => sqlx::query_scalar("SELECT value FROM settings WHERE key = $1")
            .bind(key).fetch_optional(db).await)?;
        Ok(found.map(|Json(value)| value))
    }
}

impl Tx {
    /// Sets a key. The value is an object, an array or a string, never a bare number (see migration 1).
    pub async fn save_setting(&mut self, key: &str, value: &Value) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        ).bind(key).bind(Json(value)))?;
        Ok(())
    }

    /// Sets a key that has no value yet; false when it has one. Of two processes that start at once, one is first.
    pub async fn init_setting(&mut self, key: &str, value: &Value) -> Result<bool, StoreError> {
        let done = run!(
            self,
            sqlx::query("INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING")
                .bind(key)
                .bind(Json(value))
        )?;
        Ok(done == 1)
    }
}
