//! Accounts, their cursors, health and leases.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::types::Json;

use super::{Store, StoreError, Tx};
use crate::model::message::Sentence;
use crate::model::{AccountId, EventKind, HealthState, TeamId, Timestamp, UserId};
use crate::{on, read, run};

/// One connected presence, as stored. Secrets stay sealed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Account {
    pub id: AccountId,
    pub channel: String,
    pub name: String,
    pub external_id: String,
    pub handle: String,
    pub url: Option<String>,
    pub settings: Json<Value>,
    /// Sealed under the master key; base64.
    pub secrets: String,
    pub facts: Json<Value>,
    pub enabled: bool,
    pub health: HealthState,
    pub health_code: Option<String>,
    pub health_cause: Option<Json<Sentence>>,
    pub health_cure: Option<Json<Sentence>>,
    pub health_since: Timestamp,
    pub lag_ms: Option<i64>,
    pub last_success_at: Option<Timestamp>,
    pub quota: Option<Json<Value>>,
    pub revision: i64,
    pub created_at: Timestamp,
    pub removed_at: Option<Timestamp>,
    /// When the credentials end by themselves, as far as known.
    pub expires_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, channel, name, external_id, handle, url, settings, secrets, facts, enabled, health, health_code, health_cause, health_cure, health_since, lag_ms, last_success_at, quota, revision, created_at, removed_at, expires_at";

/// What a working pull, push or stream says about its account.
#[derive(Clone, Debug, Default)]
pub struct Working {
    pub lag_ms: Option<i64>,
    pub quota: Option<Value>,
    /// The platform called us, which does not say that we can reach it.
    pub called: bool,
    /// This makes nothing well: something else of the account does not work, or tells whether it does.
    pub ailing: bool,
}

/// Who a probe found us to be.
#[derive(Clone, Copy, Debug)]
pub struct Probed<'a> {
    pub external_id: &'a str,
    pub handle: &'a str,
    pub url: Option<&'a str>,
    pub facts: &'a Value,
    pub expires_at: Option<Timestamp>,
}

/// Why an account does not work.
#[derive(Clone, Debug, PartialEq)]
pub struct Sick {
    pub state: HealthState,
    pub code: String,
    pub cause: Sentence,
    pub cure: Sentence,
}

impl Store {
    /// Every account that was not removed, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM accounts WHERE removed_at IS NULL ORDER BY created_at, id"
        ))).fetch_all(db).await)?)
    }

    /// The accounts that may be somebody's or everybody's, removed ones too.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn account_ids(&self) -> Result<Vec<AccountId>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT id FROM accounts WHERE NOT withheld ORDER BY created_at, id").fetch_all(db).await)?,
        )
    }

    /// One account, removed or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM accounts WHERE id = $1")))
            .bind(id).fetch_optional(db).await)?,
        )
    }

    /// Where a feed goes on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn cursor(&self, account: AccountId, feed: &str) -> Result<Option<Value>, StoreError> {
        let found: Option<(Json<Value>,)> = read!(self, db => sqlx::query_as("SELECT cursor FROM cursors WHERE account_id = $1 AND feed = $2")
            .bind(account).bind(feed).fetch_optional(db).await)?;
        Ok(found.map(|(Json(cursor),)| cursor))
    }

    /// The teams an account was granted to; none means everybody.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn account_teams(&self) -> Result<Vec<(AccountId, TeamId)>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as("SELECT account_id, team_id FROM team_accounts ORDER BY account_id, team_id").fetch_all(db).await)?,
        )
    }

    /// Takes or keeps the right to work for an account, until `until`. False when another node has it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn lease_account(&self, id: AccountId, node: &str, until: Timestamp) -> Result<bool, StoreError> {
        let now = self.clock().now();
        let mut tx = self.begin(super::Actor::System).await?;
        let taken = run!(tx, sqlx::query(
            "UPDATE accounts SET lease_owner = $1, lease_until = $2 WHERE id = $3 AND (lease_owner IS NULL OR lease_owner = $1 OR lease_until < $4)",
        ).bind(node).bind(until).bind(id).bind(now))?;
        tx.commit().await?;
        Ok(taken == 1)
    }

    /// Who has the right to work for which account, and until when.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn account_leases(&self) -> Result<HashMap<AccountId, (String, Timestamp)>, StoreError> {
        let rows: Vec<(AccountId, String, Timestamp)> = read!(self, db => sqlx::query_as(
            "SELECT id, lease_owner, lease_until FROM accounts WHERE removed_at IS NULL AND lease_owner IS NOT NULL",
        ).fetch_all(db).await)?;
        Ok(rows.into_iter().map(|(id, owner, until)| (id, (owner, until))).collect())
    }

    /// Gives a node's rights to work for accounts back; `None` takes them from all, with every reply that was being sent, for a
    /// database nobody else can have open. A node that stops may still be sending: what it does not finish runs out its lease.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn release_leases(&self, node: Option<&str>) -> Result<(), StoreError> {
        let mut tx = self.begin(super::Actor::System).await?;
        run!(
            tx,
            sqlx::query("UPDATE accounts SET lease_owner = NULL, lease_until = 0 WHERE $1 IS NULL OR lease_owner = $1")
                .bind(node)
        )?;
        if node.is_none() {
            run!(tx, sqlx::query("UPDATE outbox SET lease_until = 0 WHERE state = 'sending'"))?;
        }
        tx.commit().await?;
        Ok(())
    }
}

impl Tx {
    /// Adds an account.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_account(&mut self, account: &Account) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "INSERT INTO accounts (id, channel, name, external_id, handle, url, settings, secrets, facts, enabled, health, health_since, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(account.id).bind(&account.channel).bind(&account.name).bind(&account.external_id).bind(&account.handle)
        .bind(&account.url).bind(&account.settings).bind(&account.secrets).bind(&account.facts).bind(account.enabled)
        .bind(account.health).bind(account.health_since).bind(account.created_at).bind(account.expires_at))?;
        self.tell_account(account.id);
        Ok(())
    }

    /// One account, for changing it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn account(&mut self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let lock = self.conn().for_update();
        Ok(
            on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM accounts WHERE id = $1{lock}")))
            .bind(id).fetch_optional(db).await)?,
        )
    }

    /// Writes name, settings, secrets, enabled and removed; workers notice by the revision.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_account(&mut self, account: &Account) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "UPDATE accounts SET name = $2, settings = $3, secrets = $4, enabled = $5, removed_at = $6, revision = revision + 1 WHERE id = $1",
        )
        .bind(account.id).bind(&account.name).bind(&account.settings).bind(&account.secrets).bind(account.enabled).bind(account.removed_at))?;
        self.tell_account(account.id);
        Ok(())
    }

    /// Writes what a channel rotated; no new revision, because the channel that runs already has it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_secrets(&mut self, id: AccountId, sealed: &str) -> Result<(), StoreError> {
        run!(self, sqlx::query("UPDATE accounts SET secrets = $2 WHERE id = $1").bind(id).bind(sealed))?;
        Ok(())
    }

    /// Writes who a probe found us to be.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_probe(&mut self, id: AccountId, probe: &Probed<'_>) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query(
                "UPDATE accounts SET external_id = $2, handle = $3, url = $4, facts = $5, expires_at = $6 WHERE id = $1"
            )
            .bind(id)
            .bind(probe.external_id)
            .bind(probe.handle)
            .bind(probe.url)
            .bind(Json(probe.facts))
            .bind(probe.expires_at)
        )?;
        self.tell_account(id);
        Ok(())
    }

    /// The account works. Tells only when that is news, so that polling does not fill the log. What waited because the
    /// platform was not there goes at once then. Being called changes nothing while a reply waits for what made the account
    /// sick.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn account_works(&mut self, id: AccountId, working: &Working) -> Result<(), StoreError> {
        let now = self.now();
        run!(
            self,
            sqlx::query("UPDATE accounts SET last_success_at = $2, lag_ms = COALESCE($3, lag_ms) WHERE id = $1")
                .bind(id)
                .bind(now)
                .bind(working.lag_ms)
        )?;
        if let Some(quota) = &working.quota {
            run!(self, sqlx::query("UPDATE accounts SET quota = $2 WHERE id = $1").bind(id).bind(Json(quota)))?;
        }
        if working.ailing {
            return Ok(());
        }
        let turned = run!(self, sqlx::query(
            "UPDATE accounts SET health = 'ok', health_code = NULL, health_cause = NULL, health_cure = NULL, health_since = $2 \
             WHERE id = $1 AND health <> 'ok' AND (NOT $3 OR NOT EXISTS \
             (SELECT 1 FROM outbox WHERE account_id = $1 AND state = 'waiting' AND code = accounts.health_code))",
        ).bind(id).bind(now).bind(working.called))?;
        if turned > 0 {
            // What the platform asked for itself, a rate limit, stands.
            run!(self, sqlx::query(
                "UPDATE outbox SET due_at = $2 WHERE account_id = $1 AND state = 'waiting' AND code = 'unreachable' AND due_at > $2",
            ).bind(id).bind(now))?;
            self.tell_account(id);
        }
        Ok(())
    }

    /// The account does not work, and why. The same cause again is no news.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn account_is_sick(&mut self, id: AccountId, sick: &Sick) -> Result<(), StoreError> {
        let now = self.now();
        let turned = run!(
            self,
            sqlx::query(
                "UPDATE accounts SET health = $2, health_code = $3, health_cause = $4, health_cure = $5, \
             health_since = CASE WHEN health IN ('ok', 'starting') THEN $6 ELSE health_since END \
             WHERE id = $1 AND (health <> $2 OR health_code IS NULL OR health_code <> $3)",
            )
            .bind(id)
            .bind(sick.state)
            .bind(&sick.code)
            .bind(Json(&sick.cause))
            .bind(Json(&sick.cure))
            .bind(now)
        )?;
        if turned > 0 {
            self.tell_account(id);
        }
        Ok(())
    }

    /// Where a feed goes on from now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_cursor(&mut self, account: AccountId, feed: &str, cursor: &Value) -> Result<(), StoreError> {
        let now = self.now();
        run!(
            self,
            sqlx::query(
                "INSERT INTO cursors (account_id, feed, cursor, updated_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (account_id, feed) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at",
            )
            .bind(account)
            .bind(feed)
            .bind(Json(cursor))
            .bind(now)
        )?;
        Ok(())
    }

    /// Grants an account to exactly these teams; none means everybody.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_account_teams(&mut self, id: AccountId, teams: &[TeamId]) -> Result<(), StoreError> {
        run!(self, sqlx::query("DELETE FROM team_accounts WHERE account_id = $1").bind(id))?;
        for team in teams {
            run!(
                self,
                sqlx::query("INSERT INTO team_accounts (team_id, account_id) VALUES ($1, $2)").bind(team).bind(id)
            )?;
        }
        self.tell_account(id);
        Ok(())
    }

    /// The teams of one account.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn teams_of_account(&mut self, id: AccountId) -> Result<Vec<TeamId>, StoreError> {
        Ok(
            on!(self, db => sqlx::query_scalar("SELECT team_id FROM team_accounts WHERE account_id = $1 ORDER BY team_id").bind(id).fetch_all(db).await)?,
        )
    }

    /// Keeps a browser connection under way.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn start_connecting(
        &mut self,
        state: &str,
        channel: &str,
        user: UserId,
        settings: &Value,
        keep: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now();
        run!(self, sqlx::query("DELETE FROM connecting WHERE expires_at < $1").bind(now))?;
        run!(self, sqlx::query("INSERT INTO connecting (state, channel, user_id, settings, keep, expires_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(state).bind(channel).bind(user).bind(Json(settings)).bind(keep).bind(expires_at))?;
        Ok(())
    }

    /// Takes a browser connection under way; it can be taken once.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_connecting(
        &mut self,
        state: &str,
    ) -> Result<Option<(String, UserId, Value, String)>, StoreError> {
        let now = self.now();
        let found: Option<(String, UserId, Json<Value>, String)> = on!(self, db => sqlx::query_as(
            "DELETE FROM connecting WHERE state = $1 AND expires_at >= $2 RETURNING channel, user_id, settings, keep",
        ).bind(state).bind(now).fetch_optional(db).await)?;
        Ok(found.map(|(channel, user, Json(settings), keep)| (channel, user, settings, keep)))
    }

    /// People see this account otherwise now.
    pub fn tell_account(&mut self, id: AccountId) {
        self.tell(EventKind::AccountChanged, None, None, Some(id), Value::Null);
    }
}
