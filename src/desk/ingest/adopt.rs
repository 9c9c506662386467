//! The platform's echo of a message of ours.
//!
//! Promises: what we sent and what comes back as sent are one message, whichever of the two is known first.

use sqlx::types::Json;
use uuid::Uuid;

use super::super::DeskError;
use super::text::{echoes, is_web};
use super::{EARLIEST, Intake};
use crate::channels;
use crate::model::{DeliveryState, ThreadId};
use crate::store::Tx;
use crate::store::messages::Stored;
use crate::store::outbox::OutboxRow;

impl Intake<'_> {
    /// The brand's own message may be the echo of one of ours whose confirmation has not come (yet, or ever): then the echo
    /// is the confirmation.
    pub(super) async fn adopt(&mut self, tx: &mut Tx, message: &channels::Message) -> Result<bool, DeskError> {
        let Some(thread) = self.threads.get(&self.thread_of(message)).map(|thread| thread.id) else {
            return Ok(false);
        };
        if self.unsettled.is_none() {
            self.unsettled = Some(tx.unsettled_outbox(self.account.id).await?);
        }
        let candidates: Vec<OutboxRow> =
            self.unsettled.iter().flatten().filter(|row| row.thread_id == thread).cloned().collect();
        for mut row in candidates {
            let Some(ours) = tx.message(row.message_id).await? else { continue };
            if ours.external_id.is_some() || !echoes(&message.text, &ours.text) {
                continue;
            }
            let settled = Stored {
                external_id: Some(message.external_id.clone()),
                url: message.url.clone().filter(|url| is_web(url)),
                meta: Json(message.meta.clone()),
                sent_at: message.sent_at.clamp(EARLIEST, self.now),
                delivery: Some(DeliveryState::Sent),
                ..ours
            };
            tx.save_delivery(&settled).await?;
            row.state = DeliveryState::Sent;
            row.doubtful = false;
            (row.code, row.cause, row.cure) = (None, None, None);
            tx.save_outbox(&row).await?;
            let problem = tx.has_delivery_problem(settled.conversation_id).await?;
            self.conversation(tx, settled.conversation_id).await?.delivery_problem = problem;
            self.touch(settled.conversation_id);
            self.unsettled.iter_mut().flatten().for_each(|other| {
                if other.id == row.id {
                    other.thread_id = ThreadId(Uuid::nil());
                }
            });
            self.known.insert(message.external_id.clone(), settled);
            self.done.changed += 1;
            return Ok(true);
        }
        Ok(false)
    }
}
