//! Opening: lists, counts, a conversation with everything around it.

use super::view::{Conversation, LogLine, Messages, OpenClaim};
use super::{Desk, DeskError, Viewer};
use crate::model::conversation::ConversationRow;
use crate::model::{ConversationId, MessageId, Status, TeamId, Timestamp};
use crate::store::list::{Assignee, Filter, Page, Seek};

const PAGE: i64 = 100;
/// Counting further is work without worth: nobody acts differently on 1,000 and on 1,400.
const CAP: i64 = 1000;

/// How many there are in each standing list, each at most 1,000.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Counts {
    pub open: i64,
    pub unassigned: i64,
    pub mine: i64,
    pub pending: i64,
    pub snoozed: i64,
    pub problems: i64,
    pub by_team: Vec<TeamCount>,
}

/// How many open conversations a team has.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct TeamCount {
    pub id: TeamId,
    pub count: i64,
}

impl Desk {
    /// A page of what somebody may see.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(
        &self,
        viewer: &Viewer,
        mut filter: Filter,
        after: Option<Seek>,
        limit: i64,
    ) -> Result<Page, DeskError> {
        filter.visible = self.visible(viewer).await?.accounts();
        Ok(self.store.list(&filter, after, limit.clamp(1, 200)).await?)
    }

    /// The counters of the rail.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn counts(&self, viewer: &Viewer) -> Result<Counts, DeskError> {
        let visible = self.visible(viewer).await?.accounts();
        let with = |status: Status, assignee: Option<Assignee>, team: Option<TeamId>| Filter {
            status: Some(status),
            assignee,
            team,
            visible: visible.clone(),
            ..Filter::default()
        };
        let mut by_team = Vec::new();
        for team in self.store.teams().await? {
            by_team.push(TeamCount {
                id: team.id,
                count: self.store.count(&with(Status::Open, None, Some(team.id)), CAP).await?,
            });
        }
        Ok(Counts {
            open: self.store.count(&with(Status::Open, None, None), CAP).await?,
            unassigned: self.store.count(&with(Status::Open, Some(Assignee::Nobody), None), CAP).await?,
            mine: self.store.count(&with(Status::Open, Some(Assignee::User(viewer.user_id)), None), CAP).await?,
            pending: self.store.count(&with(Status::Pending, None, None), CAP).await?,
            snoozed: self.store.count(&with(Status::Snoozed, None, None), CAP).await?,
            problems: self
                .store
                .count(&Filter { delivery_problem: true, ..with(Status::Open, None, None) }, CAP)
                .await?,
            by_team,
        })
    }

    /// A conversation with its threads, newest messages, person and past.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn open(&self, viewer: &Viewer, id: ConversationId) -> Result<Conversation, DeskError> {
        // Read first: everything read after it is at least as new.
        let seq = self.store.newest_seq().await?;
        let row = self.row(viewer, id).await?;
        let mut threads = Vec::new();
        for thread in self.store.threads(id).await? {
            threads.push(self.thread_view(thread, id).await?);
        }
        let Messages { items: messages, earlier } = self.messages(id, None).await?;
        let visible = self.visible(viewer).await?;
        let contact = self.contact_within(&visible, row.contact.id).await?.ok_or(DeskError::NotFound("contact"))?;
        let person = self.store.person(row.contact.id).await?;
        let suggestions = self.suggestions(&visible, person).await?;
        let history = self.history(viewer, &row).await?;
        let claim = match row.claim {
            None => None,
            Some(claim) => {
                let token = if claim.user_id == viewer.user_id { self.store.claim_token(id).await? } else { None };
                Some(OpenClaim { user_id: claim.user_id, until: claim.until, token })
            }
        };
        let log = self
            .store
            .events_of(id, 200)
            .await?
            .into_iter()
            .filter(|event| !event.data.is_null())
            .map(|event| LogLine { at: event.at, user_id: event.user_id, data: event.data })
            .collect();
        let draft = self.draft(viewer, id).await?;
        Ok(Conversation { row, threads, messages, earlier, contact, suggestions, history, draft, claim, log, seq })
    }

    /// Older messages of a conversation.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when the cursor is not one of ours.
    pub async fn earlier(&self, viewer: &Viewer, id: ConversationId, before: &str) -> Result<Messages, DeskError> {
        self.row(viewer, id).await?;
        let wrong = || DeskError::refused("cursor.wrong", "this cursor is not from here");
        let (at, message) = before.split_once('.').ok_or_else(wrong)?;
        let before = (Timestamp(at.parse().map_err(|_| wrong())?), message.parse::<MessageId>().map_err(|_| wrong())?);
        self.messages(id, Some(before)).await
    }

    async fn messages(
        &self,
        id: ConversationId,
        before: Option<(Timestamp, MessageId)>,
    ) -> Result<Messages, DeskError> {
        let (stored, more) = self.store.messages_of(id, before, PAGE).await?;
        let earlier = stored.first().filter(|_| more).map(|oldest| format!("{}.{}", oldest.sent_at.0, oldest.id));
        Ok(Messages { items: self.show(stored).await?, earlier })
    }

    async fn history(&self, viewer: &Viewer, row: &ConversationRow) -> Result<Vec<ConversationRow>, DeskError> {
        let filter = Filter { contacts: Some(self.same_person(row.contact.id).await?), ..Filter::default() };
        let page = self.list(viewer, filter, None, 20).await?;
        Ok(page.items.into_iter().filter(|other| other.id != row.id).collect())
    }
}
