//! Payloads that could not be read: kept whole, seen, replayable.

use super::{Store, StoreError, Tx};
use crate::model::{AccountId, EventKind, QuarantineId, Timestamp};
use crate::text_enum;
use crate::{read, run};

text_enum!(
    /// What became of it.
    QuarantineState { Held = "held", Replayed = "replayed", Dismissed = "dismissed" }
);

/// One payload.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow, serde::Serialize, utoipa::ToSchema)]
pub struct Quarantined {
    pub id: QuarantineId,
    pub account_id: AccountId,
    /// The feed, `hook` or `stream`.
    pub source: String,
    /// The whole raw text.
    pub payload: String,
    /// What it is known by when it comes again. See [`Tx::quarantine`].
    #[serde(skip)]
    pub fingerprint: String,
    pub error: String,
    pub state: QuarantineState,
    /// How often it came.
    pub seen: i64,
    pub created_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, account_id, source, payload, fingerprint, error, state, seen, created_at, settled_at";

impl Store {
    /// What is held, newest first; of one account when given, and from after another payload on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn quarantine(
        &self,
        account: Option<AccountId>,
        after: Option<QuarantineId>,
        limit: usize,
    ) -> Result<Vec<Quarantined>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM quarantine WHERE state = 'held' AND ($1 IS NULL OR account_id = $1) \
             AND ($2 IS NULL OR (created_at, id) < (SELECT last.created_at, last.id FROM quarantine last WHERE last.id = $2)) \
             ORDER BY created_at DESC, id DESC LIMIT {limit}"
        ))).bind(account).bind(after).fetch_all(db).await)?)
    }

    /// One payload.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn quarantined(&self, id: QuarantineId) -> Result<Option<Quarantined>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM quarantine WHERE id = $1"))).bind(id).fetch_optional(db).await)?,
        )
    }
}

impl Tx {
    /// Keeps a payload; one whose fingerprint is there already is counted.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn quarantine(
        &mut self,
        account: AccountId,
        source: &str,
        payload: &str,
        fingerprint: &str,
        error: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        run!(self, sqlx::query(
            "INSERT INTO quarantine (id, account_id, source, payload, fingerprint, error, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'held', $7) \
             ON CONFLICT (account_id, fingerprint) DO UPDATE SET seen = quarantine.seen + 1",
        )
        .bind(QuarantineId::new()).bind(account).bind(source).bind(payload).bind(fingerprint).bind(error).bind(now))?;
        Ok(())
    }

    /// Writes what became of a payload, and who decided it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle_quarantine(&mut self, held: &Quarantined, state: QuarantineState) -> Result<(), StoreError> {
        let now = self.now();
        run!(
            self,
            sqlx::query("UPDATE quarantine SET state = $2, settled_at = $3 WHERE id = $1")
                .bind(held.id)
                .bind(state)
                .bind(now)
        )?;
        let what = serde_json::json!({ "quarantine": held.id, "state": state });
        self.tell(EventKind::AccountChanged, None, None, Some(held.account_id), what);
        Ok(())
    }
}
