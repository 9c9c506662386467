//! Who is to do it: a person, a team, both or nobody.

use super::{Desk, DeskError, Viewer};
use crate::model::conversation::ConversationRow;
use crate::model::{ConversationId, TeamId, UserId};

impl Desk {
    /// Assigns. A claim of somebody else than the new assignee ends: they are no longer to answer.
    ///
    /// # Errors
    /// `NotFound` when the person or team is not there, `Refused` when the person may not see the conversation.
    pub async fn assign(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        user: Option<UserId>,
        team: Option<TeamId>,
    ) -> Result<ConversationRow, DeskError> {
        if let Some(user) = user {
            let assignee = self.viewer(user).await?.ok_or(DeskError::NotFound("agent"))?;
            let row = self.row(viewer, id).await?;
            if !self.visible(&assignee).await?.includes(row.account_id) {
                return Err(DeskError::refused(
                    "assign.cannot_see",
                    format!("{} may not see this account", assignee.name),
                ));
            }
        }
        let (mut tx, mut conversation) = self.change_for(viewer, id, user, team).await?;
        if (conversation.assignee_id, conversation.team_id) != (user, team) {
            conversation.assignee_id = user;
            conversation.team_id = team;
            if user.is_some() && conversation.holder(tx.now()).is_some_and(|holder| Some(holder) != user) {
                conversation.release();
            }
            tx.save_conversation(&mut conversation).await?;
            tx.tell_decision(id, serde_json::json!({ "assignee_id": user, "team_id": team }));
            tx.commit().await?;
        }
        self.row(viewer, id).await
    }
}
