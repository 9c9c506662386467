//! Files of visitors: taken in by what their content says, shown under addresses that nobody can guess.

use std::time::Duration;

use bytes::Bytes;

use super::{Desk, Door, VisitError, Visitor};
use crate::model::{AccountId, AttachmentId, Direction, Timestamp, UploadId, VisitorId};
use crate::store::Actor;
use crate::store::attachments::StoredAttachment;
use crate::store::visitors::VisitorFile;

/// A file that was not sent by then is forgotten.
pub(super) const UNSENT: Duration = Duration::from_secs(86_400);
/// Files of one visitor that wait to be sent: two messages full.
const MOST_UNSENT: i64 = 8;
const DAY: i64 = 86_400_000;

impl Desk {
    /// How large a file may be here; asked before anything of it is read.
    ///
    /// # Errors
    /// `NotPossible` where files are switched off.
    pub fn takes_files(&self, door: &Door) -> Result<usize, VisitError> {
        let limit = door.config("", self.clock().now())?.files;
        Ok(limit.ok_or(VisitError::NotPossible("sending files"))?.max_bytes)
    }

    /// Keeps a file to be sent. The channel says what it takes.
    ///
    /// # Errors
    /// `TooLarge`, `Kind`; `NotPossible` where files are switched off, or while many wait to be sent.
    pub async fn give(
        &self,
        door: &Door,
        visitor: &Visitor,
        name: &str,
        content: &[u8],
    ) -> Result<VisitorFile, VisitError> {
        if content.len() > self.takes_files(door)? {
            return Err(VisitError::TooLarge);
        }
        let mime = door.visit()?.takes(content).ok_or(VisitError::Kind)?;
        if self.store.unsent_files(visitor.id).await? >= MOST_UNSENT {
            return Err(VisitError::NotPossible("another file before those that wait are sent"));
        }
        let now = self.clock().now();
        let name: String = super::super::ingest::clean(name)
            .chars()
            .filter(|c| !c.is_control() && !matches!(c, '/' | '\\'))
            .take(200)
            .collect();
        let file = VisitorFile {
            id: UploadId::new(),
            visitor_id: visitor.id,
            name: if name.is_empty() { "file".to_owned() } else { name },
            mime: mime.to_owned(),
            size: content.len() as i64,
            hash: self.keep_media(content).await?,
            created_at: now,
        };
        let mut tx = self.store.begin(Actor::Channel).await?;
        tx.insert_visitor_file(&file).await?;
        tx.commit().await?;
        Ok(file)
    }

    /// Where a visitor finds a file, for a day and a bit: the same all day, so that browsers keep it.
    #[must_use]
    pub(super) fn file_address(&self, account: AccountId, visitor: VisitorId, file: AttachmentId) -> String {
        let until = (self.clock().now().0 / DAY + 2) * DAY;
        let mark = self.mark(account, visitor, file, until);
        format!("/visit/{account}/files/{file}?visitor={visitor}&until={until}&mark={mark}")
    }

    fn mark(&self, account: AccountId, visitor: VisitorId, file: AttachmentId, until: i64) -> String {
        self.connections.sign("visitor file", &format!("{account} {visitor} {file} {until}"))
    }

    /// A file by its address.
    ///
    /// # Errors
    /// `NotFound` when the address was not made here or is too old, or the file is not the visitor's to see any more.
    pub async fn file_for_visitor(
        &self,
        door: &Door,
        visitor: VisitorId,
        id: AttachmentId,
        until: i64,
        mark: &str,
    ) -> Result<(StoredAttachment, Bytes), VisitError> {
        let right = self.mark(door.account.id, visitor, id, until);
        let timely = Timestamp(until) > self.clock().now();
        if !crate::secret::same(right.as_bytes(), mark.as_bytes()) || !timely {
            return Err(VisitError::NotFound);
        }
        let file = self.store.attachment(id).await?.ok_or(VisitError::NotFound)?;
        let message = self.store.stored_message(file.message_id).await?.ok_or(VisitError::NotFound)?;
        let theirs = message.account_id == door.account.id
            && message.is_for_visitors()
            && message.removed_at.is_none()
            && matches!(message.direction, Direction::In | Direction::Out);
        if !theirs {
            return Err(VisitError::NotFound);
        }
        let content =
            self.read_media(file.hash.as_deref().unwrap_or_default()).await.map_err(|_| VisitError::NotFound)?;
        Ok((file, content))
    }
}
