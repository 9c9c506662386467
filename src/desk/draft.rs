//! What somebody had begun to write, safe on the server.

use super::{Desk, DeskError, Viewer};
use crate::model::{ConversationId, ThreadId};

/// An unsent reply.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct DraftBody {
    /// `None`: a note.
    #[serde(default)]
    pub thread_id: Option<ThreadId>,
    pub text: String,
    #[serde(default)]
    pub visibility: Option<String>,
    #[serde(default)]
    pub content_warning: Option<String>,
}

/// Longer than anybody writes: counting it as a platform does would keep others waiting.
pub(super) fn is_too_long(text: &str, warning: Option<&str>) -> bool {
    text.chars().chain(warning.unwrap_or_default().chars()).nth(100_000).is_some()
}

pub(super) fn too_long() -> DeskError {
    DeskError::refused("text.too_long", "a text may have 100,000 characters")
}

impl Desk {
    /// Keeps a draft; an empty text forgets it. No event: a draft concerns its author alone.
    ///
    /// # Errors
    /// `Refused` when it is longer than 100,000 characters.
    pub async fn save_draft(&self, viewer: &Viewer, id: ConversationId, draft: &DraftBody) -> Result<(), DeskError> {
        if is_too_long(&draft.text, None) {
            return Err(DeskError::refused("draft.too_long", "a draft may have 100,000 characters"));
        }
        viewer.must(super::Act::Work)?;
        self.row(viewer, id).await?;
        let mut tx = self.begin(viewer).await?;
        if draft.text.trim().is_empty() {
            tx.delete_draft(id, viewer.user_id).await?;
        } else {
            let draft = serde_json::to_value(draft).unwrap_or_default();
            tx.save_draft(id, viewer.user_id, &super::ingest::clean_json(&draft)).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn draft(&self, viewer: &Viewer, id: ConversationId) -> Result<Option<DraftBody>, DeskError> {
        Ok(self.store.draft(id, viewer.user_id).await?.and_then(|body| serde_json::from_value(body).ok()))
    }
}
