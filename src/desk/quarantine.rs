//! Payloads that could not be read: seen, and tried again when the channel has learned to read them.

use super::{Act, Desk, DeskError, Viewer};
use crate::model::{AccountId, QuarantineId};
use crate::store::quarantine::{QuarantineState, Quarantined};

impl Desk {
    /// What is held, newest first.
    ///
    /// # Errors
    /// `Forbidden` for who does not administer.
    pub async fn quarantine(&self, viewer: &Viewer, account: Option<AccountId>) -> Result<Vec<Quarantined>, DeskError> {
        viewer.must(Act::Administer)?;
        Ok(self.store.quarantine(account, 500).await?)
    }

    /// One payload, whole.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn quarantined(&self, viewer: &Viewer, id: QuarantineId) -> Result<Quarantined, DeskError> {
        viewer.must(Act::Administer)?;
        self.store.quarantined(id).await?.ok_or(DeskError::NotFound("payload"))
    }

    /// Reads a payload again with the channel as it is now. It stays held when it still cannot be read.
    ///
    /// # Errors
    /// `Refused` with the channel's sentence when it still cannot be read.
    pub async fn replay(&self, viewer: &Viewer, id: QuarantineId) -> Result<Quarantined, DeskError> {
        let held = self.quarantined(viewer, id).await?;
        let account = self.store.account(held.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let channel = self.connections.get(&account)?;
        let Some(pull) = channel.pull() else {
            return Err(DeskError::refused("quarantine.not_possible", "this channel cannot read single payloads"));
        };
        let batch = pull.reread(&held.source, &held.payload).await?;
        if let Some(still) = batch.unreadable.first() {
            return Err(DeskError::refused("quarantine.still_unreadable", still.error.clone()));
        }
        self.ingest(&account, &held.source, &batch).await?;
        let mut tx = self.begin(viewer).await?;
        tx.settle_quarantine(id, QuarantineState::Replayed).await?;
        tx.commit().await?;
        self.quarantined(viewer, id).await
    }
}
