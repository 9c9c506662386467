//! A visitor speaks, or leaves a word when nobody is there: exactly once by the id they gave it, through the one way in.

use serde_json::{Map, Value};

use super::{Desk, Door, Identity, Line, VisitError, VisitedPage, Visitor, guest};
use crate::channels::visit::{GivenFile, Guest, Said};
use crate::channels::{Batch, Item};
use crate::model::UploadId;
use crate::store::Actor;
use crate::store::messages::Stored;
use crate::text_enum;

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

text_enum!(
    /// Where a visitor who left a word finds the answer.
    AnswerBy {
        /// At the address they left.
        Mail = "mail",
        /// Where they left it.
        Chat = "chat",
    }
);

/// Words that were taken in, and whether they are new.
enum Spoken {
    Here(Box<Stored>, bool),
    /// They went to the account's mailbox.
    AtMailbox(bool),
}

impl Desk {
    /// Takes in what a visitor says. The second of the answer is false when it was here already.
    ///
    /// # Errors
    /// `Identity` where a proof is required and missing; `Reused`, `Missing`, `Invalid`, `TooLarge`, `NotFound` (a file).
    pub async fn say(&self, door: &Door, visitor: &Visitor, saying: Saying) -> Result<(Line, bool), VisitError> {
        match self.speak(door, visitor, Saying { left: false, ..saying }).await? {
            Spoken::Here(stored, fresh) => Ok((self.line(door, visitor, *stored).await?, fresh)),
            Spoken::AtMailbox(_) => Err(VisitError::Reused),
        }
    }

    /// Takes in what a visitor leaves while nobody is there, and says where the answer will be. The second of the answer is false
    /// when it was here already.
    ///
    /// # Errors
    /// As `say`; `Missing` (`email`) when they left no address.
    pub async fn leave_word(
        &self,
        door: &Door,
        visitor: &Visitor,
        saying: Saying,
    ) -> Result<(AnswerBy, bool), VisitError> {
        Ok(match self.speak(door, visitor, Saying { left: true, ..saying }).await? {
            Spoken::Here(_, fresh) => (AnswerBy::Chat, fresh),
            Spoken::AtMailbox(fresh) => (AnswerBy::Mail, fresh),
        })
    }

    async fn speak(&self, door: &Door, visitor: &Visitor, saying: Saying) -> Result<Spoken, VisitError> {
        let visit = door.visit()?;
        if visit.identity() == Identity::Required && visitor.customer.is_none() {
            return Err(VisitError::Identity);
        }
        let account = &door.account;
        let external_id = external(visitor, saying.client_id);
        let text = super::super::ingest::clean(saying.text.trim_end());
        let other = |stored: &Stored| stored.text != text && stored.edited_at.is_none();
        if let Some(stored) = self.store.message_named(account.id, &external_id).await? {
            return if other(&stored) { Err(VisitError::Reused) } else { Ok(Spoken::Here(Box::new(stored), false)) };
        }
        if let Some(id) = self.store.handed_over(account.id, &external_id).await? {
            let stored = self.store.stored_message(id).await?;
            let reused = stored.is_some_and(|stored| other(&stored));
            return if reused { Err(VisitError::Reused) } else { Ok(Spoken::AtMailbox(false)) };
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
            self.remember(visitor, &before, &after).await?;
        }
        let batch = Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() };
        let done = self.ingest(account, SOURCE, &batch).await?;
        if self.store.handed_over(account.id, &external_id).await?.is_some() {
            return Ok(Spoken::AtMailbox(done.added > 0));
        }
        let stored = self.store.message_named(account.id, &external_id).await?.ok_or(VisitError::NotFound)?;
        Ok(Spoken::Here(Box::new(stored), done.added > 0))
    }

    /// Whether a visitor said this already.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn was_said(&self, visitor: &Visitor, client_id: uuid::Uuid) -> Result<bool, VisitError> {
        let (account, external) = (visitor.account_id, external(visitor, client_id));
        Ok(self.store.message_named(account, &external).await?.is_some()
            || self.store.handed_over(account, &external).await?.is_some())
    }

    /// What a visitor told about themselves stays with them, beside what they proved while they spoke.
    pub(super) async fn remember(&self, visitor: &Visitor, before: &Guest, after: &Guest) -> Result<(), VisitError> {
        let name = after.name.as_deref().filter(|_| after.name != before.name);
        let email = after.email.as_deref().filter(|_| after.email != before.email);
        let phone = after.phone.as_deref().filter(|_| after.phone != before.phone);
        let mut tx = self.store.begin(Actor::Channel).await?;
        tx.note_visitor(visitor.id, name, email, phone).await?;
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
