//! What cannot be taken in is held: a payload that cannot be read, as it came; an item that cannot be stored, as JSON.
//!
//! Promises: either can be tried again. Which of the two it is, its fingerprint says and not its text: that is a stranger's, who
//! could write an item of their own.

use super::super::DeskError;
use super::Intake;
use crate::channels::Item;
use crate::secret;
use crate::store::Tx;
use crate::store::quarantine::Quarantined;

/// How the fingerprint of an item begins.
const ITEM: &str = "item:";

impl Intake<'_> {
    pub(super) async fn hold(
        &mut self,
        tx: &mut Tx,
        source: &str,
        payload: &str,
        error: &str,
    ) -> Result<(), DeskError> {
        tx.quarantine(self.account.id, source, payload, &secret::fingerprint(payload), error).await?;
        self.done.quarantined += 1;
        Ok(())
    }

    pub(super) async fn hold_item(
        &mut self,
        tx: &mut Tx,
        source: &str,
        item: &Item,
        error: &str,
    ) -> Result<(), DeskError> {
        let payload = serde_json::to_string(item).unwrap_or_else(|_| format!("{item:?}"));
        let fingerprint = format!("{ITEM}{}", secret::fingerprint(&payload));
        tx.quarantine(self.account.id, source, &payload, &fingerprint, error).await?;
        self.done.quarantined += 1;
        Ok(())
    }
}

/// The item that is held; `None` when a payload is.
pub fn item_of(held: &Quarantined) -> Option<Result<Item, serde_json::Error>> {
    held.fingerprint.starts_with(ITEM).then(|| serde_json::from_str(&held.payload))
}
