//! What was left where it cannot be answered and went to a mailbox.
//!
//! Promises: each once; the database's key is the judge.

use super::{Store, StoreError, Tx};
use crate::model::{AccountId, MessageId};
use crate::{on, read, run};

const FIND: &str = "SELECT message_id FROM handed_over WHERE account_id = $1 AND external_id = $2";

impl Store {
    /// What became at a mailbox of what was left at this account under this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn handed_over(&self, account: AccountId, external: &str) -> Result<Option<MessageId>, StoreError> {
        Ok(read!(self, db => sqlx::query_scalar(FIND).bind(account).bind(external).fetch_optional(db).await)?)
    }
}

impl Tx {
    /// The same, within a change.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn handed_over(&mut self, account: AccountId, external: &str) -> Result<Option<MessageId>, StoreError> {
        Ok(on!(self, db => sqlx::query_scalar(FIND).bind(account).bind(external).fetch_optional(db).await)?)
    }

    /// Writes down what it became.
    ///
    /// # Errors
    /// `Conflict` when it was handed over already.
    pub async fn hand_over(
        &mut self,
        account: AccountId,
        external: &str,
        message: MessageId,
    ) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("INSERT INTO handed_over (account_id, external_id, message_id) VALUES ($1, $2, $3)")
                .bind(account)
                .bind(external)
                .bind(message)
        )?;
        Ok(())
    }
}
