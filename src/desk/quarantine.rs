//! Payloads that could not be read: seen, tried again when the channel has learned to read them, or dismissed.

use super::ingest::item_of;
use super::{Act, Desk, DeskError, Viewer};
use crate::channels::Batch;
use crate::model::{AccountId, QuarantineId};
use crate::store::quarantine::{QuarantineState, Quarantined};

/// Payloads can be large.
const PAGE: usize = 50;

/// A page of what is held.
pub struct HeldPage {
    pub items: Vec<Quarantined>,
    /// After which the next page begins.
    pub next: Option<QuarantineId>,
}

impl Desk {
    /// What is held, newest first, from after another one on.
    ///
    /// # Errors
    /// `Forbidden` for who does not administer.
    pub async fn quarantine(
        &self,
        viewer: &Viewer,
        account: Option<AccountId>,
        after: Option<QuarantineId>,
    ) -> Result<HeldPage, DeskError> {
        viewer.must(Act::Administer)?;
        let mut items = self.store.quarantine(account, after, PAGE + 1).await?;
        let more = items.len() > PAGE;
        items.truncate(PAGE);
        Ok(HeldPage { next: items.last().filter(|_| more).map(|last| last.id), items })
    }

    /// One payload, whole.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn quarantined(&self, viewer: &Viewer, id: QuarantineId) -> Result<Quarantined, DeskError> {
        viewer.must(Act::Administer)?;
        self.store.quarantined(id).await?.ok_or(DeskError::NotFound("payload"))
    }

    /// Reads a payload again with the channel as it is now, and stores it. It stays held when that still cannot be done.
    ///
    /// # Errors
    /// `Refused` with the channel's sentence when it still cannot be read, and when it still cannot be stored.
    pub async fn replay(&self, viewer: &Viewer, id: QuarantineId) -> Result<Quarantined, DeskError> {
        let held = self.quarantined(viewer, id).await?;
        let account = self.store.account(held.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let still = |why: String| DeskError::refused("quarantine.still_unreadable", why);
        let batch = if let Some(item) = item_of(&held) {
            Batch { items: vec![item.map_err(|why| still(why.to_string()))?], ..Batch::default() }
        } else {
            let channel = self.connections.get(&account)?;
            let Some(pull) = channel.pull() else {
                return Err(DeskError::refused("quarantine.not_possible", "this channel cannot read single payloads"));
            };
            pull.reread(&held.source, &held.payload).await?
        };
        if let Some(unreadable) = batch.unreadable.first() {
            return Err(still(unreadable.error.clone()));
        }
        if self.ingest(&account, &held.source, &batch).await?.quarantined > 0 {
            return Err(still("it still cannot be stored".to_owned()));
        }
        let mut tx = self.begin(viewer).await?;
        tx.settle_quarantine(&held, QuarantineState::Replayed).await?;
        tx.commit().await?;
        self.quarantined(viewer, id).await
    }

    /// Takes a payload off the list without reading it. It is kept, and the log says who did it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn dismiss(&self, viewer: &Viewer, id: QuarantineId) -> Result<(), DeskError> {
        let held = self.quarantined(viewer, id).await?;
        if held.state == QuarantineState::Held {
            let mut tx = self.begin(viewer).await?;
            tx.settle_quarantine(&held, QuarantineState::Dismissed).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
