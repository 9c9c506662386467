//! Teams: groups of agents that accounts are granted to and conversations belong to.

use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::{Store, StoreError, Tx};
use crate::model::{EventKind, TeamId, Timestamp, UserId};
use crate::{on, read, run};

/// Of an account: granted to the team `$1` and to no other.
const ONLY_GRANT: &str = "id IN (SELECT account_id FROM team_accounts WHERE team_id = $1) \
     AND id NOT IN (SELECT account_id FROM team_accounts WHERE team_id <> $1)";

/// A team as stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub created_at: Timestamp,
}

impl Store {
    /// Every team, by name.
    pub async fn teams(&self) -> Result<Vec<Team>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as("SELECT id, name, created_at FROM teams ORDER BY lower(name), id").fetch_all(db).await)?,
        )
    }
}

impl Tx {
    /// Adds a team. `Conflict` when the name is taken.
    pub async fn insert_team(&mut self, team: &Team) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("INSERT INTO teams (id, name, created_at) VALUES ($1, $2, $3)")
                .bind(team.id)
                .bind(&team.name)
                .bind(team.created_at)
        )?;
        Ok(())
    }

    /// Renames a team; false when there is none. `Conflict` when the name is taken.
    pub async fn rename_team(&mut self, id: TeamId, name: &str) -> Result<bool, StoreError> {
        let done = run!(self, sqlx::query("UPDATE teams SET name = $2 WHERE id = $1").bind(id).bind(name))?;
        Ok(done == 1)
    }

    /// Keeps others from removing a team, or granting to one, until the end of the transaction.
    pub async fn lock_teams(&mut self) -> Result<(), StoreError> {
        let lock = self.conn().for_update();
        let sql = format!("SELECT id FROM teams ORDER BY id{lock}");
        let _: Vec<TeamId> = on!(self, db => sqlx::query_scalar(AssertSqlSafe(sql.as_str())).fetch_all(db).await)?;
        Ok(())
    }

    /// The connected accounts that are granted to this team and to no other, by name.
    pub async fn granted_only_to(&mut self, id: TeamId) -> Result<Vec<String>, StoreError> {
        let sql = format!("SELECT name FROM accounts WHERE {ONLY_GRANT} AND removed_at IS NULL ORDER BY name, id");
        Ok(on!(self, db => sqlx::query_scalar(AssertSqlSafe(sql.as_str())).bind(id).fetch_all(db).await)?)
    }

    /// Removes a team; what belonged to it belongs to no team, and what was said at removed accounts that only it could see stays
    /// with who sees everything. False when there is none.
    pub async fn delete_team(&mut self, id: TeamId) -> Result<bool, StoreError> {
        let withhold = format!("UPDATE accounts SET withheld = TRUE WHERE {ONLY_GRANT} AND removed_at IS NOT NULL");
        run!(self, sqlx::query(AssertSqlSafe(withhold.as_str())).bind(id))?;
        run!(self, sqlx::query("UPDATE conversations SET team_id = NULL WHERE team_id = $1").bind(id))?;
        let done = run!(self, sqlx::query("DELETE FROM teams WHERE id = $1").bind(id))?;
        Ok(done == 1)
    }

    /// Puts exactly these people in a team; who does not exist is left out.
    pub async fn set_team_users(&mut self, id: TeamId, users: &[UserId]) -> Result<(), StoreError> {
        run!(self, sqlx::query("DELETE FROM team_members WHERE team_id = $1").bind(id))?;
        for user in users {
            run!(self, sqlx::query(
                "INSERT INTO team_members (team_id, user_id) SELECT $1, id FROM users WHERE id = $2 ON CONFLICT DO NOTHING",
            ).bind(id).bind(user))?;
        }
        Ok(())
    }

    /// The teams that exist, of these, each once; they go on existing until the end of the transaction.
    pub async fn known_teams(&mut self, ids: &[TeamId]) -> Result<Vec<TeamId>, StoreError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let sql = format!("SELECT id FROM teams WHERE id = $1{}", self.conn().hold());
        let mut known = Vec::with_capacity(ids.len());
        for id in ids {
            let found: Option<TeamId> =
                on!(self, db => sqlx::query_scalar(AssertSqlSafe(sql.as_str())).bind(id).fetch_optional(db).await)?;
            known.extend(found);
        }
        Ok(known)
    }

    /// Tells that a team changed; `data` is what the screens show of it.
    pub fn tell_team(&mut self, data: Value) {
        self.tell(EventKind::TeamChanged, None, None, None, data);
    }
}
