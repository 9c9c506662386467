//! Notes: internal text that has no thread and therefore no way out.

use sqlx::types::Json;

use super::answer::{fingerprint, led_to};
use super::{Desk, DeskError, Viewer};
use crate::model::message::Message;
use crate::model::{ConversationId, Direction, MessageId, MessageKind, Origin};
use crate::store::messages::Stored;

const LONGEST: usize = 20_000;

impl Desk {
    /// Writes a note. The same `key` again returns the note that it led to before.
    ///
    /// # Errors
    /// `Refused` when it is empty or longer than 20,000 characters, or with `idempotency.reused`.
    pub async fn note(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        text: &str,
        key: Option<&str>,
    ) -> Result<Message, DeskError> {
        let text = super::ingest::clean(text.trim());
        if text.is_empty() {
            return Err(DeskError::refused("note.empty", "write something first"));
        }
        if text.chars().count() > LONGEST {
            return Err(DeskError::refused("note.too_long", format!("a note may have {LONGEST} characters")));
        }
        let asked = fingerprint(&("note", id), &text);
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        if let Some(key) = key
            && let Some(before) = led_to(&mut tx, viewer, key, &asked).await?
        {
            drop(tx);
            return self.message(viewer, before).await;
        }
        let now = tx.now();
        let note = Stored {
            id: MessageId::new(),
            conversation_id: id,
            thread_id: None,
            account_id: conversation.account_id,
            direction: Direction::Note,
            origin: Origin::Balie,
            kind: MessageKind::Note,
            external_id: None,
            identity_id: None,
            user_id: Some(viewer.user_id),
            text,
            html: None,
            language: None,
            content_warning: None,
            visibility: None,
            url: None,
            reply_to: None,
            reply_to_id: None,
            meta: Json(serde_json::json!({})),
            history: false,
            turn: false,
            liked: false,
            boosted: false,
            sent_at: now,
            ingested_at: now,
            edited_at: None,
            removed_at: None,
            delivery: None,
            automatic: None,
            extra: None,
        };
        tx.insert_message(&note).await?;
        if let Some(key) = key {
            tx.remember_key(viewer.user_id, key, &asked, note.id).await?;
        }
        tx.save_conversation(&mut conversation).await?;
        tx.commit().await?;
        self.message(viewer, note.id).await
    }
}
