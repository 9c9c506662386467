//! API tokens. Only fingerprints are kept.

use super::{Actor, Store, StoreError, Tx};
use crate::model::{Timestamp, TokenId, UserId};
use crate::{read, run};

/// A token as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Token {
    pub id: TokenId,
    pub user_id: UserId,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

impl Store {
    /// Somebody's tokens, newest first.
    pub async fn tokens_of(&self, user: UserId) -> Result<Vec<Token>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(
            "SELECT id, user_id, name, created_at, last_used_at, expires_at FROM api_tokens WHERE user_id = $1 ORDER BY created_at DESC, id DESC",
        ).bind(user).fetch_all(db).await)?)
    }

    /// The token with this fingerprint, expired or not.
    pub async fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(
            "SELECT id, user_id, name, created_at, last_used_at, expires_at FROM api_tokens WHERE hash = $1",
        ).bind(hash).fetch_optional(db).await)?)
    }

    /// Notes that a token was used.
    pub async fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin(Actor::System).await?;
        run!(
            tx,
            sqlx::query(
                "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)"
            )
            .bind(id)
            .bind(at)
        )?;
        tx.commit().await?;
        Ok(())
    }
}

impl Tx {
    /// Adds a token under its fingerprint.
    pub async fn insert_token(&mut self, token: &Token, hash: &str) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "INSERT INTO api_tokens (id, user_id, name, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(token.id).bind(token.user_id).bind(&token.name).bind(hash).bind(token.created_at).bind(token.expires_at))?;
        Ok(())
    }

    /// Revokes somebody's token; false when they have none with this id.
    pub async fn delete_token(&mut self, user: UserId, id: TokenId) -> Result<bool, StoreError> {
        let done =
            run!(self, sqlx::query("DELETE FROM api_tokens WHERE id = $1 AND user_id = $2").bind(id).bind(user))?;
        Ok(done == 1)
    }

    /// Revokes everything of somebody.
    pub async fn delete_tokens_of(&mut self, user: UserId) -> Result<(), StoreError> {
        run!(self, sqlx::query("DELETE FROM api_tokens WHERE user_id = $1").bind(user))?;
        Ok(())
    }
}
