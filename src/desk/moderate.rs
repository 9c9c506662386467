//! What we do to a message on its platform: like, boost, delete our own, mute, block, report. With a reason where it
//! takes something from somebody, and in the log always.

use serde_json::json;

use super::{Act, Desk, DeskError, Viewer};
use crate::channels::Action;
use crate::model::message::Message;
use crate::model::{Direction, EventKind, Lane, MessageId};
use crate::store::messages::Stored;

impl Desk {
    /// Does it on the platform, then writes it down. A failure on the platform changes nothing here.
    ///
    /// # Errors
    /// `Refused` when the channel cannot, or a reason is missing; `Channel` when the platform says no.
    pub async fn moderate(
        &self,
        viewer: &Viewer,
        id: MessageId,
        action: Action,
        reason: Option<&str>,
    ) -> Result<Message, DeskError> {
        viewer.must(Act::Work)?;
        let message = self.store.stored_message(id).await?.ok_or(DeskError::NotFound("message"))?;
        self.must_see(viewer, message.account_id).await?;
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty()).map(super::ingest::clean);
        if action.needs_reason() && reason.is_none() {
            return Err(DeskError::refused("moderate.reason", "say why: it is kept in the log"));
        }
        if !self.actions(&message).await?.contains(&action) {
            return Err(DeskError::refused("moderate.not_possible", "this cannot be done to this message"));
        }
        let external_id = message
            .external_id
            .clone()
            .ok_or_else(|| DeskError::refused("moderate.not_possible", "the platform does not have this message"))?;
        let account = self.store.account(message.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let author = match message.identity_id {
            Some(identity) => self.store.identity_external(identity).await?.unwrap_or_default(),
            None => String::new(),
        };
        let channel = self.connections.get(&account)?;
        let moderate = channel
            .moderate()
            .ok_or_else(|| DeskError::refused("moderate.not_possible", "this channel has no moderation"))?;
        moderate.act(action, &external_id, &author, &message.meta, reason.as_deref()).await?;

        let mut tx = self.begin(viewer).await?;
        let mut conversation =
            tx.conversation(message.conversation_id).await?.ok_or(DeskError::NotFound("conversation"))?;
        let mut now_is = tx.message(id).await?.ok_or(DeskError::NotFound("message"))?;
        match action {
            Action::Like => now_is.liked = true,
            Action::Unlike => now_is.liked = false,
            Action::Boost => now_is.boosted = true,
            Action::Unboost => now_is.boosted = false,
            Action::Delete => {
                let at = tx.now();
                tx.mark_removed(&now_is, at).await?;
            }
            Action::Block if channel.visit().is_some() => {
                // The door is ours, so keeping somebody out is ours too.
                if let Ok(visitor) = author.parse() {
                    tx.block_visitor(account.id, visitor).await?;
                }
            }
            Action::Unblock if channel.visit().is_some() => {
                if let Ok(visitor) = author.parse() {
                    tx.unblock_visitor(account.id, visitor).await?;
                }
            }
            Action::Mute | Action::Block | Action::Unblock | Action::Report => {}
        }
        tx.save_reactions(&now_is).await?;
        tx.save_conversation(&mut conversation).await?;
        tx.tell(
            EventKind::Moderated,
            Some(message.conversation_id),
            Some(id),
            Some(account.id),
            json!({ "action": action, "reason": reason }),
        );
        tx.commit().await?;
        self.message(viewer, id).await
    }

    /// What may be done to a message now.
    pub(super) async fn actions(&self, message: &Stored) -> Result<Vec<Action>, DeskError> {
        if message.external_id.is_none() || message.removed_at.is_some() || message.direction == Direction::Note {
            return Ok(Vec::new());
        }
        let Some(account) = self.store.account(message.account_id).await? else { return Ok(Vec::new()) };
        let lane = match message.thread_id {
            Some(thread) => self.store.thread(thread).await?.map_or(Lane::Public, |thread| thread.lane),
            None => Lane::Public,
        };
        let blocked = self.kept_out(&account, message).await?;
        Ok(self.possible(&account, message, lane, blocked))
    }

    /// Whether we keep the author of a message out of a door of ours.
    pub(super) async fn kept_out(
        &self,
        account: &crate::store::accounts::Account,
        message: &Stored,
    ) -> Result<bool, DeskError> {
        let Some(identity) = message.identity_id.filter(|_| message.direction == Direction::In) else {
            return Ok(false);
        };
        if !self.connections.get(account).is_ok_and(|channel| channel.visit().is_some()) {
            return Ok(false);
        }
        let Some(author) = self.store.identity_external(identity).await? else { return Ok(false) };
        let Ok(visitor) = author.parse() else { return Ok(false) };
        Ok(self.store.visitor(visitor).await?.is_some_and(|visitor| visitor.blocked_at.is_some()))
    }

    /// As `actions`, when account and lane are at hand.
    pub(super) fn possible(
        &self,
        account: &crate::store::accounts::Account,
        message: &Stored,
        lane: Lane,
        blocked: bool,
    ) -> Vec<Action> {
        if message.external_id.is_none() || message.removed_at.is_some() || account.removed_at.is_some() {
            return Vec::new();
        }
        let Ok(channel) = self.connections.get(account) else { return Vec::new() };
        let Some(moderate) = channel.moderate() else { return Vec::new() };
        let mut actions = moderate.actions(message.direction == Direction::Out, lane);
        actions.retain(|action| match action {
            Action::Like => !message.liked,
            Action::Unlike => message.liked,
            Action::Boost => !message.boosted,
            Action::Unboost => message.boosted,
            Action::Block => !blocked,
            Action::Unblock => blocked,
            _ => true,
        });
        actions
    }
}
