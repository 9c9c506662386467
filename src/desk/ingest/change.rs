//! A message that is here already: edited, removed, or addressed to us after all.
//!
//! Promises: the words that were replaced stay as a version; what we wrote ourselves is not edited from outside.

use sqlx::types::Json;

use super::super::DeskError;
use super::text::{clean, snippet};
use super::{EARLIEST, Intake};
use crate::channels::{self, html};
use crate::model::{Direction, MessageKind, Origin, Timestamp};
use crate::store::Tx;
use crate::store::messages::Stored;

impl Intake<'_> {
    /// A message we have: edited, promoted from context, or nothing new.
    pub(super) async fn compare(
        &mut self,
        tx: &mut Tx,
        mut stored: Stored,
        message: &channels::Message,
    ) -> Result<(), DeskError> {
        let addressed = |stored: &Stored| {
            stored.direction == Direction::Context && message.direction == Direction::In && !message.history
        };
        if addressed(&stored)
            && let Some(now) = self.as_it_is_now(tx, &message.external_id).await?
        {
            stored = now;
        }
        if addressed(&stored) {
            let turn = self.conversation(tx, stored.conversation_id).await?.waiting_since.is_none();
            tx.promote_context(&stored, message.kind, turn).await?;
            let promoted = Stored { direction: Direction::In, kind: message.kind, history: false, ..stored };
            let lane = message.thread.lane;
            self.apply(tx, &promoted, lane).await?;
            self.moved.extend(promoted.thread_id);
            self.done.changed += 1;
            self.known.insert(message.external_id.clone(), promoted);
            return Ok(());
        }
        // A mail that was sent stays what it was.
        if stored.origin == Origin::Balie || stored.kind == MessageKind::Mail {
            return Ok(());
        }
        let text = message.text.clone();
        let warning = message.content_warning.clone().filter(|warning| !warning.is_empty());
        let same = text == stored.text && warning == stored.content_warning;
        let stale = stored.edited_at.is_some() && message.edited_at <= stored.edited_at;
        if same || stale {
            return Ok(());
        }
        let edited = Stored {
            text,
            html: message.html.as_deref().map(|html| clean(&html::sanitise(html))),
            content_warning: warning,
            language: message.language.clone(),
            edited_at: message.edited_at.map(|at| at.clamp(EARLIEST, self.now)).or(Some(self.now)),
            meta: Json(message.meta.clone()),
            ..stored.clone()
        };
        tx.save_new_version(&stored, &edited).await?;
        if edited.direction != Direction::Context {
            let conversation = self.conversation(tx, edited.conversation_id).await?;
            if conversation.last_message_at == edited.sent_at {
                conversation.snippet = snippet(&edited.text);
            }
            self.touch(edited.conversation_id);
            // Whoever is writing an answer has read the old words.
            if edited.direction == Direction::In {
                self.moved.extend(edited.thread_id);
            }
        }
        self.done.changed += 1;
        self.known.insert(message.external_id.clone(), edited);
        Ok(())
    }

    pub(super) async fn remove(
        &mut self,
        tx: &mut Tx,
        external_id: &str,
        at: Option<Timestamp>,
    ) -> Result<(), DeskError> {
        let Some(stored) = self.known.get(external_id).cloned() else { return Ok(()) };
        if stored.removed_at.is_some() {
            return Ok(());
        }
        let at = at.unwrap_or(self.now).clamp(EARLIEST, self.now);
        tx.mark_removed(&stored, at).await?;
        self.conversation(tx, stored.conversation_id).await?;
        self.touch(stored.conversation_id);
        self.done.removed += 1;
        self.known.insert(external_id.to_owned(), Stored { removed_at: Some(at), ..stored });
        Ok(())
    }
}
