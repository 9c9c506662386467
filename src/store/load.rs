//! How busy it is, counted from messages and conversations.

use super::{Store, StoreError};
use crate::model::{AccountId, TeamId, Timestamp, UserId};
use crate::read;

/// What waits somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waiting {
    pub waiting: i64,
    pub oldest_since: Option<Timestamp>,
}

/// An account, team and assignee, and what waits there.
pub type WaitingPlace = (AccountId, Option<TeamId>, Option<UserId>, Waiting);

impl Store {
    /// What waits, per account, team and assignee.
    pub async fn waiting(&self) -> Result<Vec<WaitingPlace>, StoreError> {
        #[allow(clippy::type_complexity, reason = "the columns, once")]
        let rows: Vec<(AccountId, Option<TeamId>, Option<UserId>, i64, Option<Timestamp>)> = read!(self, db => sqlx::query_as(
            "SELECT account_id, team_id, assignee_id, count(*), min(waiting_since) FROM conversations WHERE status = 'open' GROUP BY account_id, team_id, assignee_id",
        ).fetch_all(db).await)?;
        Ok(rows
            .into_iter()
            .map(|(account, team, user, waiting, oldest_since)| {
                (account, team, user, Waiting { waiting, oldest_since })
            })
            .collect())
    }

    /// Customers' turns since a moment: per account and minute.
    pub async fn arrivals_since(&self, since: Timestamp) -> Result<Vec<(AccountId, i64, i64)>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(
            "SELECT account_id, ingested_at / 60000 AS minute, count(*) FROM messages WHERE turn AND ingested_at >= $1 GROUP BY account_id, ingested_at / 60000",
        ).bind(since).fetch_all(db).await)?)
    }

    /// Answers of people since a moment, from here or elsewhere: per account, person and minute.
    pub async fn answers_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(AccountId, Option<UserId>, i64, i64)>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(
            "SELECT account_id, user_id, sent_at / 60000 AS minute, count(*) FROM messages WHERE direction = 'out' AND sent_at >= $1 AND NOT history \
             AND (delivery IS NULL OR delivery NOT IN ('rejected', 'discarded')) GROUP BY account_id, user_id, sent_at / 60000",
        ).bind(since).fetch_all(db).await)?)
    }

    /// Who holds how many.
    pub async fn claims(&self) -> Result<Vec<(UserId, i64)>, StoreError> {
        let now = self.clock().now();
        Ok(read!(self, db => sqlx::query_as(
            "SELECT claim_user_id, count(*) FROM conversations WHERE claim_user_id IS NOT NULL AND claim_until > $1 GROUP BY claim_user_id",
        ).bind(now).fetch_all(db).await)?)
    }
}
