//! A platform calls us.

use axum::http::HeaderMap;

use super::{Desk, DeskError};
use crate::model::AccountId;

impl Desk {
    /// Verifies and takes in what a platform sent for an account; returns what the platform wants to hear in a handshake.
    ///
    /// # Errors
    /// `NotFound` when there is no such account or its channel is not called; `Channel` (`Unauthorized`) when the signature is
    /// wrong; `Store` when it could not be kept: the platform has to send it again.
    pub async fn receive(
        &self,
        id: AccountId,
        headers: &HeaderMap,
        query: &str,
        body: &[u8],
    ) -> Result<Option<String>, DeskError> {
        let account = self.store.account(id).await?.filter(|account| account.removed_at.is_none() && account.enabled);
        let account = account.ok_or(DeskError::NotFound("account"))?;
        let channel = self.connections.get(&account)?;
        let push = channel.push().ok_or(DeskError::NotFound("account"))?;
        let secrets = self.connections.open(&account)?;
        let pushed = push.receive(headers, query, body, &secrets)?;
        if !pushed.batch.items.is_empty() || !pushed.batch.unreadable.is_empty() {
            self.ingest(&account, "hook", &pushed.batch).await?;
        }
        Ok(pushed.answer)
    }
}
