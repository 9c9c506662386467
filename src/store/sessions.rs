//! Who is signed in, where. Only fingerprints of cookies are kept.

use super::{Actor, Store, StoreError, Tx};
use crate::model::{Timestamp, UserId};
use crate::{on, read, run};

/// A browser that is signed in.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Session {
    /// Fingerprint of the cookie.
    pub id_hash: String,
    pub user_id: UserId,
    pub created_at: Timestamp,
    /// The end that no use postpones.
    pub expires_at: Timestamp,
    pub seen_at: Timestamp,
    pub user_agent: String,
}

impl Store {
    /// The session of a cookie, expired or not.
    pub async fn session(&self, id_hash: &str) -> Result<Option<Session>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(
            "SELECT id_hash, user_id, created_at, expires_at, seen_at, user_agent FROM sessions WHERE id_hash = $1",
        ).bind(id_hash).fetch_optional(db).await)?)
    }

    /// Notes that a session was used.
    pub async fn touch_session(&self, id_hash: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin(Actor::System).await?;
        run!(
            tx,
            sqlx::query("UPDATE sessions SET seen_at = $2 WHERE id_hash = $1 AND seen_at < $2").bind(id_hash).bind(at)
        )?;
        tx.commit().await?;
        Ok(())
    }
}

impl Tx {
    /// Adds a session.
    pub async fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "INSERT INTO sessions (id_hash, user_id, created_at, expires_at, seen_at, user_agent) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&session.id_hash).bind(session.user_id).bind(session.created_at).bind(session.expires_at)
        .bind(session.seen_at).bind(&session.user_agent))?;
        Ok(())
    }

    /// Whether a session was not ended.
    pub async fn has_session(&mut self, id_hash: &str) -> Result<bool, StoreError> {
        let found: Option<UserId> = on!(self, db => sqlx::query_scalar("SELECT user_id FROM sessions WHERE id_hash = $1").bind(id_hash).fetch_optional(db).await)?;
        Ok(found.is_some())
    }

    /// Ends a session.
    pub async fn delete_session(&mut self, id_hash: &str) -> Result<(), StoreError> {
        run!(self, sqlx::query("DELETE FROM sessions WHERE id_hash = $1").bind(id_hash))?;
        Ok(())
    }

    /// Ends every session of somebody, but `keep`.
    pub async fn delete_sessions_of(&mut self, user: UserId, keep: Option<&str>) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id_hash <> $2")
                .bind(user)
                .bind(keep.unwrap_or_default())
        )?;
        Ok(())
    }

    /// Forgets sessions that ended before `end` or were not used since `idle`.
    pub async fn delete_old_sessions(&mut self, end: Timestamp, idle: Timestamp) -> Result<(), StoreError> {
        run!(self, sqlx::query("DELETE FROM sessions WHERE expires_at < $1 OR seen_at < $2").bind(end).bind(idle))?;
        Ok(())
    }
}
