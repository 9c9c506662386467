//! Claiming: one agent at a time, for a while, with a fencing token that every send must show.

use super::{Act, Desk, DeskError, Viewer};
use crate::model::{ConversationId, Timestamp, UserId};
use crate::store::conversations::Conversation;

/// The right to answer a conversation, for its holder's eyes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Claim {
    pub user_id: UserId,
    /// Grows with every new claim; an older token can no longer send.
    pub token: i64,
    pub until: Timestamp,
}

impl Conversation {
    /// Who holds it at this moment.
    pub(super) fn holder(&self, now: Timestamp) -> Option<UserId> {
        self.claim_user_id.filter(|_| self.claim_until > now)
    }

    pub(super) fn release(&mut self) {
        self.claim_user_id = None;
        self.claim_until = Timestamp(0);
    }
}

impl Desk {
    /// Claims a conversation, or renews one's own claim (same token, later end).
    ///
    /// # Errors
    /// `Held` when a colleague has it.
    pub async fn claim(&self, viewer: &Viewer, id: ConversationId) -> Result<Claim, DeskError> {
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        let (now, until) = (tx.now(), tx.now().plus(self.rules.claim));
        match conversation.holder(now) {
            Some(holder) if holder == viewer.user_id => {
                tx.renew_claim(id, until).await?;
                tx.commit().await?;
                return Ok(Claim { user_id: holder, token: conversation.claim_token, until });
            }
            Some(holder) => {
                drop(tx);
                return Err(self.held_by(holder, conversation.claim_until).await?);
            }
            None => {}
        }
        conversation.claim_user_id = Some(viewer.user_id);
        conversation.claim_token += 1;
        conversation.claim_until = until;
        tx.save_conversation(&mut conversation).await?;
        tx.commit().await?;
        Ok(Claim { user_id: viewer.user_id, token: conversation.claim_token, until })
    }

    /// Gives one's own claim back; a supervisor may end anybody's. Nothing happens when there is none.
    ///
    /// # Errors
    /// `Held` when it is a colleague's.
    pub async fn release(&self, viewer: &Viewer, id: ConversationId) -> Result<(), DeskError> {
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        let Some(holder) = conversation.holder(tx.now()) else { return Ok(()) };
        if holder != viewer.user_id && viewer.must(Act::Supervise).is_err() {
            drop(tx);
            return Err(self.held_by(holder, conversation.claim_until).await?);
        }
        conversation.release();
        tx.save_conversation(&mut conversation).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Claims what is next in queue order for this agent. `None` when nothing waits that somebody else does not have.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_next(&self, viewer: &Viewer) -> Result<Option<(ConversationId, Claim)>, DeskError> {
        viewer.must(Act::Work)?;
        let visible = self.visible(viewer).await?;
        let mut skip = Vec::new();
        // A colleague may take the same one between looking and claiming: look again, a bounded number of times.
        while skip.len() < 20 {
            let Some(id) = self.store.next_in_queue(visible.accounts(), viewer.user_id, &skip).await? else {
                return Ok(None);
            };
            match self.claim(viewer, id).await {
                Ok(claim) => return Ok(Some((id, claim))),
                Err(DeskError::Held { .. } | DeskError::NotFound(_)) => skip.push(id),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Ends claims that ran out, so that every screen shows it. Returns how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn expire_claims(&self) -> Result<usize, DeskError> {
        // Looked up without a transaction: mostly there is nothing to write.
        let ids = self.store.expired_claims(100).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store.begin(crate::store::Actor::System).await?;
        let mut ended = 0;
        for id in ids {
            if let Some(mut conversation) = tx.conversation(id).await?
                && conversation.claim_user_id.is_some()
                && conversation.claim_until <= tx.now()
            {
                conversation.release();
                tx.save_conversation(&mut conversation).await?;
                ended += 1;
            }
        }
        tx.commit().await?;
        Ok(ended)
    }
}
