//! Labels on conversations.

use super::{Desk, DeskError, Viewer};
use crate::model::conversation::ConversationRow;
use crate::model::{ConversationId, TagId};
use crate::store::tags::Tag;

impl Desk {
    /// Puts a label on; twice is once.
    ///
    /// # Errors
    /// `NotFound` when there is no such label.
    pub async fn tag(&self, viewer: &Viewer, id: ConversationId, tag: TagId) -> Result<ConversationRow, DeskError> {
        if !self.store.tags().await?.iter().any(|known| known.id == tag) {
            return Err(DeskError::NotFound("tag"));
        }
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        if tx.tag_conversation(id, tag).await? {
            tx.save_conversation(&mut conversation).await?;
            tx.commit().await?;
        }
        self.row(viewer, id).await
    }

    /// Puts a label on by its name; makes the label when it is new.
    ///
    /// # Errors
    /// `Refused` when the name is empty or too long.
    pub async fn tag_by_name(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        name: &str,
    ) -> Result<ConversationRow, DeskError> {
        let name = name.trim().trim_start_matches('#').trim();
        if name.is_empty() || name.chars().count() > 50 {
            return Err(DeskError::refused("tag.name", "a tag's name has 1 to 50 characters"));
        }
        viewer.must(super::Act::Work)?;
        let mut tx = self.begin(viewer).await?;
        let tag = if let Some(tag) = tx.tag_by_name(name).await? {
            tag.id
        } else {
            let tag = Tag {
                id: TagId::new(),
                name: name.to_owned(),
                color: String::new(),
                archived: false,
                created_at: tx.now(),
            };
            tx.insert_tag(&tag).await?;
            tag.id
        };
        tx.commit().await?;
        self.tag(viewer, id, tag).await
    }

    /// Takes a label off.
    ///
    /// # Errors
    /// When the conversation is not theirs to change.
    pub async fn untag(&self, viewer: &Viewer, id: ConversationId, tag: TagId) -> Result<ConversationRow, DeskError> {
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        if tx.untag_conversation(id, tag).await? {
            tx.save_conversation(&mut conversation).await?;
            tx.commit().await?;
        }
        self.row(viewer, id).await
    }
}
