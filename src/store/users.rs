//! Everybody who signs in.

use serde_json::Value;
use sqlx::types::Json;

use super::{Store, StoreError, Tx};
use crate::model::{EventKind, Role, TeamId, Timestamp, UserId};
use crate::{on, read, rows_in, run};

/// Somebody who signs in, as stored. Has no `Serialize`: the hash never leaves.
#[derive(Clone, sqlx::FromRow)]
pub struct User {
    pub id: UserId,
    /// Lower case.
    pub email: String,
    pub name: String,
    pub role: Role,
    /// `nl` or `en`.
    pub locale: String,
    /// argon2id in PHC form; empty for somebody who cannot sign in with a password.
    pub password_hash: String,
    /// Somebody else chose it and knows it: the page asks for one of their own.
    pub password_temporary: bool,
    /// The screens' own; opaque here.
    pub preferences: Json<Value>,
    pub active: bool,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

const COLUMNS: &str =
    "id, email, name, role, locale, password_hash, password_temporary, preferences, active, created_at, last_seen_at";

impl Store {
    /// Everybody, also who may no longer sign in, by name.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM users ORDER BY lower(name), id")))
            .fetch_all(db).await)?,
        )
    }

    /// One person.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE id = $1")))
            .bind(id).fetch_optional(db).await)?)
    }

    /// The person with this address, in any spelling.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        let email = email.trim().to_lowercase();
        // Nobody was ever added with one, and PostgreSQL would not even look for it.
        if email.contains(char::is_control) {
            return Ok(None);
        }
        Ok(
            read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE email = $1")))
            .bind(&email).fetch_optional(db).await)?,
        )
    }

    /// Who is in which team.
    pub async fn memberships(&self) -> Result<Vec<(UserId, TeamId)>, StoreError> {
        Ok(read!(self, db => sqlx::query_as("SELECT user_id, team_id FROM team_members ORDER BY user_id, team_id")
            .fetch_all(db).await)?)
    }

    /// The teams somebody is in.
    pub async fn teams_of_user(&self, id: UserId) -> Result<Vec<TeamId>, StoreError> {
        Ok(read!(self, db => sqlx::query_scalar("SELECT team_id FROM team_members WHERE user_id = $1 ORDER BY team_id")
            .bind(id).fetch_all(db).await)?)
    }

    /// Whether anybody was ever added.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        let found: Option<UserId> =
            read!(self, db => sqlx::query_scalar("SELECT id FROM users LIMIT 1").fetch_optional(db).await)?;
        Ok(found.is_some())
    }

    /// Notes that somebody was here. Tells nobody: presence is not history.
    pub async fn touch_user(&self, id: UserId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin(super::Actor::System).await?;
        run!(
            tx,
            sqlx::query(
                "UPDATE users SET last_seen_at = $2 WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $2)"
            )
            .bind(id)
            .bind(at)
        )?;
        tx.commit().await?;
        Ok(())
    }
}

impl Tx {
    /// Adds somebody. `Conflict` when the address is taken.
    pub async fn insert_user(&mut self, user: &User) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query(
                "INSERT INTO users (id, email, name, role, locale, password_hash, preferences, active, created_at, password_temporary) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(user.id)
            .bind(&user.email)
            .bind(&user.name)
            .bind(user.role)
            .bind(&user.locale)
            .bind(&user.password_hash)
            .bind(&user.preferences)
            .bind(user.active)
            .bind(user.created_at)
            .bind(user.password_temporary)
        )?;
        Ok(())
    }

    /// One person, as they are until the end of the transaction.
    pub async fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let lock = self.conn().hold();
        Ok(
            on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM users WHERE id = $1{lock}")))
            .bind(id).fetch_optional(db).await)?,
        )
    }

    /// Writes everything but the address and the times.
    pub async fn save_user(&mut self, user: &User) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "UPDATE users SET name = $2, role = $3, locale = $4, password_hash = $5, preferences = $6, active = $7, password_temporary = $8 WHERE id = $1",
        )
        .bind(user.id).bind(&user.name).bind(user.role).bind(&user.locale).bind(&user.password_hash)
        .bind(&user.preferences).bind(user.active).bind(user.password_temporary))?;
        Ok(())
    }

    /// One person, for changing, and the admins who can sign in: held until the commit, so that two admins cannot remove each other
    /// at once, and always in the same order, so that nobody waits crosswise.
    pub async fn user_and_admins(&mut self, id: UserId) -> Result<(Option<User>, Vec<UserId>), StoreError> {
        let lock = self.conn().hold();
        let found: Vec<User> = on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM users WHERE id = $1 OR (role = 'admin' AND active) ORDER BY id{lock}"
        ))).bind(id).fetch_all(db).await)?;
        let admin = |user: &&User| user.active && user.role == Role::Admin;
        let admins = found.iter().filter(admin).map(|user| user.id).collect();
        Ok((found.into_iter().find(|user| user.id == id), admins))
    }

    /// Who of these may sign in, and goes on to until the end of the transaction; always in the same order.
    pub async fn hold_active(&mut self, ids: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let lock = self.conn().hold();
        let found: Vec<(UserId, bool)> = rows_in!(on!(self), [], ids, within =>
            format!("SELECT id, active FROM users WHERE id IN {within} ORDER BY id{lock}"));
        Ok(found.into_iter().filter(|(_, active)| *active).map(|(id, _)| id).collect())
    }

    /// Puts somebody in exactly these teams. Unknown teams are a `Broken` reference, so check them first.
    pub async fn set_user_teams(&mut self, id: UserId, teams: &[TeamId]) -> Result<(), StoreError> {
        run!(self, sqlx::query("DELETE FROM team_members WHERE user_id = $1").bind(id))?;
        for team in teams {
            run!(
                self,
                sqlx::query("INSERT INTO team_members (team_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                    .bind(team)
                    .bind(id)
            )?;
        }
        Ok(())
    }

    /// The teams somebody is in, as this change leaves them.
    pub async fn teams_of_user(&mut self, id: UserId) -> Result<Vec<TeamId>, StoreError> {
        Ok(on!(self, db => sqlx::query_scalar("SELECT team_id FROM team_members WHERE user_id = $1 ORDER BY team_id")
            .bind(id).fetch_all(db).await)?)
    }

    /// Tells that somebody changed; `data` is what the screens show of them.
    pub fn tell_user(&mut self, data: Value) {
        self.tell(EventKind::UserChanged, None, None, None, data);
    }
}
