//! A visitor speaks: exactly once by the id they gave it, through the one way in.

use serde_json::{Map, Value};

use super::{Desk, Door, Identity, Line, VisitError, VisitedPage, Visitor, guest};
use crate::channels::visit::{GivenFile, Guest, Said};
use crate::channels::{Batch, Item};
use crate::model::UploadId;
use crate::store::Actor;

/// The feed under which visitors' words come in.
pub(super) const SOURCE: &str = "visit";

/// What somebody says.
#[derive(Clone, Debug, Default)]
pub struct Saying {
    pub client_id: uuid::Uuid,
    pub text: String,
    pub files: Vec<UploadId>,
    pub page: Option<VisitedPage>,
    /// Answers by the key of their question.
    pub answers: Map<String, Value>,
    pub trigger: Option<String>,
    /// Left while nobody was there.
    pub left: bool,
}

impl Desk {
    /// Takes in what a visitor says. The second of the answer is false when it was here already.
    ///
    /// # Errors
    /// `Identity` where a proof is required and missing; `Reused`, `Missing`, `Invalid`, `TooLarge`, `NotFound` (a file).
    pub async fn say(&self, door: &Door, visitor: &Visitor, saying: Saying) -> Result<(Line, bool), VisitError> {
        let visit = door.visit()?;
        if visit.identity() == Identity::Required && visitor.customer.is_none() {
            return Err(VisitError::Identity);
        }
        let account = &door.account;
        let external_id = external(visitor, saying.client_id);
        if let Some(stored) = self.store.message_named(account.id, &external_id).await? {
            if stored.text != super::super::ingest::clean(saying.text.trim_end()) && stored.edited_at.is_none() {
                return Err(VisitError::Reused);
            }
            return Ok((self.line(door, visitor, stored).await?, false));
        }
        let first = self.store.thread_named(account.id, &visitor.id.to_string()).await?.is_none();
        let files = self.given(visitor, &saying.files).await?;
        let before = guest(visitor);
        let (message, after) = visit.message(Said {
            external_id: external_id.clone(),
            guest: before.clone(),
            text: saying.text,
            files,
            page: saying.page,
            answers: saying.answers,
            first,
            left: saying.left,
            trigger: saying.trigger,
            at: self.clock().now(),
        })?;
        if after != before {
            self.remember(visitor, &after).await?;
        }
        let batch = Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() };
        let done = self.ingest(account, SOURCE, &batch).await?;
        let stored = self.store.message_named(account.id, &external_id).await?.ok_or(VisitError::NotFound)?;
        Ok((self.line(door, visitor, stored).await?, done.added > 0))
    }

    /// Whether a visitor said this already.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn was_said(&self, visitor: &Visitor, client_id: uuid::Uuid) -> Result<bool, VisitError> {
        Ok(self.store.message_named(visitor.account_id, &external(visitor, client_id)).await?.is_some())
    }

    /// What a visitor told about themselves stays with them.
    async fn remember(&self, visitor: &Visitor, after: &Guest) -> Result<(), VisitError> {
        let told = Visitor {
            name: after.name.clone(),
            email: after.email.clone(),
            phone: after.phone.clone(),
            ..visitor.clone()
        };
        let mut tx = self.store.begin(Actor::Channel).await?;
        tx.save_visitor(&told).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn given(&self, visitor: &Visitor, ids: &[UploadId]) -> Result<Vec<GivenFile>, VisitError> {
        let mut files = Vec::new();
        if ids.is_empty() {
            return Ok(files);
        }
        let mut tx = self.store.begin(Actor::Channel).await?;
        // One more than any chat takes is enough to be refused by it.
        for id in ids.iter().take(32) {
            let file = tx.visitor_file(*id, visitor.id).await?.ok_or(VisitError::NotFound)?;
            files.push(GivenFile { content: self.read_media(&file.hash).await?, name: file.name, mime: file.mime });
        }
        Ok(files)
    }
}

/// One visitor cannot take, or even guess at, another's ids.
fn external(visitor: &Visitor, client_id: uuid::Uuid) -> String {
    format!("{}:{client_id}", visitor.id)
}

/// The id a visitor gave a message of theirs.
pub(super) fn client_id(external: &str) -> Option<&str> {
    let (_, rest) = external.split_once(':')?;
    rest.parse::<uuid::Uuid>().is_ok().then_some(rest)
}
