//! What a visitor sees of their thread.

use super::{Desk, Door, VisitError, Visitor, say};
use crate::model::message::Message;
use crate::model::{
    AttachmentId, AttachmentKind, AttachmentState, ConversationId, Direction, MessageId, Status, ThreadId, Timestamp,
    VisitorId,
};
use crate::store::messages::Stored;
use crate::text_enum;

/// Messages of a page, at most.
pub(super) const MOST: i64 = 100;

/// A message as a visitor sees it. See `docs/WEBCHAT.md`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Line {
    pub id: MessageId,
    /// It is shown as it was at this number.
    pub seq: i64,
    /// `visitor` or `agent`.
    pub from: &'static str,
    pub name: Option<String>,
    pub avatar_url: Option<String>,
    pub text: String,
    pub quick_replies: Vec<String>,
    pub at: Timestamp,
    pub edited: bool,
    pub removed: bool,
    pub client_id: Option<String>,
    pub seen: bool,
    pub files: Vec<LineFile>,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LineFile {
    pub id: AttachmentId,
    pub kind: AttachmentKind,
    pub name: Option<String>,
    pub mime: Option<String>,
    pub size: Option<i64>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub alt: Option<String>,
    pub url: Option<String>,
    pub state: AttachmentState,
}

text_enum!(
    /// Of what was said, to a visitor.
    VisitStatus {
        /// Nothing was said yet.
        Nothing = "none",
        Open = "open",
        Closed = "closed",
    }
);

impl From<Status> for VisitStatus {
    fn from(status: Status) -> Self {
        if status == Status::Closed { Self::Closed } else { Self::Open }
    }
}

/// Part of a thread.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Page {
    pub messages: Vec<Line>,
    /// All of it is at least as new as this.
    pub seq: i64,
    pub more: bool,
    pub status: VisitStatus,
}

/// A visitor's thread, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub thread: Option<ThreadId>,
    pub conversation: Option<ConversationId>,
    pub status: VisitStatus,
    /// When it was last answered.
    pub answered_at: Option<Timestamp>,
    /// The last thing the visitor said.
    pub last_in: Option<MessageId>,
}

impl Desk {
    /// The newest page, or the one above a message.
    ///
    /// # Errors
    /// `NotFound` when that message is not theirs to see.
    pub async fn page_before(
        &self,
        door: &Door,
        visitor: &Visitor,
        before: Option<MessageId>,
        limit: i64,
    ) -> Result<Page, VisitError> {
        let limit = limit.clamp(1, MOST);
        // Read first: what happens meanwhile is told again, never missed.
        let seq = self.store.newest_seq().await?;
        let standing = self.standing(visitor).await?;
        let Some(thread) = standing.thread else {
            return Ok(Page { messages: Vec::new(), seq, more: false, status: standing.status });
        };
        let before = match before {
            None => None,
            Some(id) => {
                let message = self.store.stored_message(id).await?;
                let message =
                    message.filter(|message| message.thread_id == Some(thread)).ok_or(VisitError::NotFound)?;
                Some((message.sent_at, message.id))
            }
        };
        let (stored, more) = self.store.seen_before(thread, before, limit).await?;
        let shown = self.store.present(stored.clone()).await?;
        let messages = stored
            .iter()
            .zip(&shown)
            .map(|(stored, shown)| self.line_of(door, visitor.id, stored, shown, seq, standing.answered_at))
            .collect();
        Ok(Page { messages, seq, more, status: standing.status })
    }

    /// What is new or changed after a number, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn page_after(&self, door: &Door, visitor: &Visitor, after: i64, limit: i64) -> Result<Page, VisitError> {
        let limit = limit.clamp(1, MOST);
        let newest = self.store.newest_seq().await?;
        let standing = self.standing(visitor).await?;
        let Some(thread) = standing.thread else {
            return Ok(Page { messages: Vec::new(), seq: newest.max(after), more: false, status: standing.status });
        };
        let told = self.store.told_after(thread, after, limit).await?;
        let more = told.len() as i64 == limit;
        let seq = if more { told.last().map_or(newest, |(seq, _)| *seq) } else { newest.max(after) };
        let ids: Vec<MessageId> = told.iter().map(|(_, id)| *id).collect();
        let mut stored = self.store.stored_messages(&ids).await?;
        stored.retain(|message| message.thread_id == Some(thread) && message.is_for_visitors());
        let shown = self.store.present(stored.clone()).await?;
        let mut messages: Vec<Line> = stored
            .iter()
            .zip(&shown)
            .map(|(stored, shown)| {
                let seq = told.iter().find(|(_, id)| *id == stored.id).map_or(seq, |(seq, _)| *seq);
                self.line_of(door, visitor.id, stored, shown, seq, standing.answered_at)
            })
            .collect();
        messages.sort_by_key(|line| line.seq);
        Ok(Page { messages, seq, more, status: standing.status })
    }

    /// How a visitor's thread stands.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn standing(&self, visitor: &Visitor) -> Result<Standing, VisitError> {
        let thread = self.store.thread_named(visitor.account_id, &visitor.id.to_string()).await?;
        let Some(thread) = thread else {
            return Ok(Standing {
                thread: None,
                conversation: None,
                status: VisitStatus::Nothing,
                answered_at: None,
                last_in: None,
            });
        };
        let status = self.store.status_of(thread.conversation_id).await?.unwrap_or(Status::Open);
        Ok(Standing {
            thread: Some(thread.id),
            conversation: Some(thread.conversation_id),
            status: status.into(),
            answered_at: self.store.answered_at(thread.id).await?,
            last_in: self.store.newest_inbound(thread.id).await?.map(|message| message.id),
        })
    }

    /// One message, now.
    pub(super) async fn line(&self, door: &Door, visitor: &Visitor, stored: Stored) -> Result<Line, VisitError> {
        let seq = self.store.newest_seq().await?;
        let answered = match stored.thread_id {
            Some(thread) => self.store.answered_at(thread).await?,
            None => None,
        };
        let shown = self.store.present(vec![stored.clone()]).await?.pop().ok_or(VisitError::NotFound)?;
        Ok(self.line_of(door, visitor.id, &stored, &shown, seq, answered))
    }

    /// A message as its visitor sees it. Whoever calls this has made sure that they may.
    #[must_use]
    pub fn line_of(
        &self,
        door: &Door,
        visitor: VisitorId,
        stored: &Stored,
        shown: &Message,
        seq: i64,
        answered_at: Option<Timestamp>,
    ) -> Line {
        let ours = stored.direction == Direction::Out;
        let removed = stored.removed_at.is_some();
        let words = match door.visit() {
            Ok(visit) if ours && !removed => visit.shown(&stored.text),
            _ => crate::channels::visit::Shown { text: stored.text.clone(), quick_replies: Vec::new() },
        };
        let named = shown.author.user_id.is_some().then(|| door.called(&shown.author.name)).flatten();
        let files = shown.attachments.iter().map(|file| LineFile {
            id: file.id,
            kind: file.kind,
            name: file.name.clone(),
            mime: file.mime.clone(),
            size: file.size,
            width: file.width,
            height: file.height,
            alt: file.alt.clone(),
            url: (file.state == AttachmentState::Stored).then(|| self.file_address(door.account.id, visitor, file.id)),
            state: file.state,
        });
        Line {
            id: stored.id,
            seq,
            from: if ours { "agent" } else { "visitor" },
            name: if ours { named } else { None },
            avatar_url: None,
            text: if removed { String::new() } else { words.text },
            quick_replies: words.quick_replies,
            at: stored.sent_at,
            edited: stored.edited_at.is_some(),
            removed,
            client_id: (!ours)
                .then(|| stored.external_id.as_deref().and_then(say::client_id).map(str::to_owned))
                .flatten(),
            seen: !ours && answered_at.is_some_and(|at| at >= stored.sent_at),
            files: if removed { Vec::new() } else { files.collect() },
        }
    }
}
