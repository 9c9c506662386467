//! Visitors who talk through our own door: they come, prove who they are, speak, read, judge and go.
//!
//! Promises: a visitor sees their own thread and of it only what was said to them: no notes, nothing refused, nothing of others;
//! whoever has no proof never meets somebody else's history; what they say is exactly once, by the id they gave it; everything
//! said goes through the one way in.
//! Must not: know a route or a socket.

mod files;
mod history;
mod identify;
mod read;
mod say;
mod session;
mod transcript;

pub use crate::channels::visit::{Config, Identity, Presented, VisitedPage};
pub use history::{Line, LineFile, Page, VisitStatus};
pub use identify::Identified;
pub use read::{Ended, Rating};
pub use say::{AnswerBy, Saying};
pub use session::{Admitted, Welcome};

use std::sync::Arc;

use super::{Desk, DeskError};
use crate::channels::Channel;
use crate::channels::visit::{Guest, Visit, Wrong};
use crate::model::AccountId;
use crate::store::StoreError;
use crate::store::accounts::Account;
pub use crate::store::visitors::Visitor;

/// An account whose platform we are, open for visitors.
#[derive(Clone)]
pub struct Door {
    pub account: Account,
    channel: Arc<dyn Channel>,
}

impl Door {
    /// What the channel decides.
    ///
    /// # Errors
    /// `Closed` when it is no such channel.
    pub fn visit(&self) -> Result<&dyn Visit, VisitError> {
        self.channel.visit().ok_or(VisitError::Closed)
    }

    /// Whether a page of this origin may speak for visitors.
    #[must_use]
    pub fn admits(&self, origin: &str) -> bool {
        self.channel.visit().is_some_and(|visit| visit.admits(origin))
    }

    /// What may frame the chat, for a header.
    #[must_use]
    pub fn ancestors(&self) -> Vec<String> {
        self.channel.visit().map(Visit::ancestors).unwrap_or_default()
    }

    /// By what name an agent is known to visitors.
    #[must_use]
    pub fn called(&self, agent: &str) -> Option<String> {
        self.channel.visit().and_then(|visit| visit.called(agent))
    }

    /// What a visitor is told before anything is said.
    ///
    /// # Errors
    /// `Closed`.
    pub fn config(&self, locale: &str, now: crate::model::Timestamp) -> Result<Config, VisitError> {
        Ok(self.visit()?.config(locale, now))
    }
}

/// Why a visitor does not get what they asked for. The door has the words; see `docs/WEBCHAT.md`.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    #[error("there is no such chat, or it is switched off")]
    Closed,
    #[error("this token is not, or no longer, valid")]
    Token,
    #[error("the proof of identity is wrong, too old or missing")]
    Identity,
    #[error("this visitor was blocked")]
    Blocked,
    #[error("there is no such thing here")]
    NotFound,
    #[error("{0} is not possible in this chat")]
    NotPossible(&'static str),
    #[error("this client_id was used for another message")]
    Reused,
    #[error("it is longer or larger than this chat takes")]
    TooLarge,
    #[error("files of this kind are not taken")]
    Kind,
    #[error("{0} is needed")]
    Missing(String),
    #[error("{0} is not what it should be")]
    Invalid(String),
    #[error("this was done a moment ago")]
    TooSoon(u64),
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl From<StoreError> for VisitError {
    fn from(error: StoreError) -> Self {
        Self::Desk(error.into())
    }
}

impl From<Wrong> for VisitError {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Missing(field) => Self::Missing(field),
            Wrong::Invalid(field) => Self::Invalid(field),
            Wrong::TooLong => Self::TooLarge,
            Wrong::Empty => Self::Missing("text".to_owned()),
        }
    }
}

impl Desk {
    /// The door of an account.
    ///
    /// # Errors
    /// `Closed` when there is none, or it is switched off.
    pub async fn door(&self, id: AccountId) -> Result<Door, VisitError> {
        let account = self.store.account(id).await?;
        let account = account.filter(|one| one.enabled && one.removed_at.is_none()).ok_or(VisitError::Closed)?;
        let channel = self.connections.get(&account).map_err(|_| VisitError::Closed)?;
        let door = Door { account, channel };
        door.visit()?;
        Ok(door)
    }

    /// The first account there is a door of.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn first_door(&self) -> Result<Option<Door>, VisitError> {
        for account in self.store.accounts().await? {
            match self.door(account.id).await {
                Ok(door) => return Ok(Some(door)),
                Err(VisitError::Closed) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(None)
    }

    /// Forgets visits that ended, files that nobody sent with what was in them, and visitors who never said anything and cannot come back.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tidy_visits(&self) -> Result<(), DeskError> {
        let mut tx = self.store.begin(crate::store::Actor::System).await?;
        let before = tx.now().minus(files::UNSENT);
        let contents = tx.tidy_visitors(before).await?;
        tx.forget_silent_visitors(before).await?;
        tx.commit().await?;
        for hash in contents {
            self.forget_media(&hash).await?;
        }
        Ok(())
    }
}

/// A visitor as the channel knows them.
fn guest(visitor: &Visitor) -> Guest {
    Guest {
        id: visitor.id.to_string(),
        customer: visitor.customer.clone(),
        name: visitor.name.clone(),
        email: visitor.email.clone(),
        email_verified: visitor.email_verified,
        phone: visitor.phone.clone(),
        phone_verified: visitor.phone_verified,
        avatar_url: visitor.avatar_url.clone(),
        language: visitor.language.clone(),
    }
}
