//! A visitor's thread as a text: to keep, or by mail.
//!
//! By mail it is a message of its own in the chat's conversation, written by nobody, which the account's mailbox delivers: so it has
//! what every delivery has (leases, attempts, a person who decides when nobody knows whether it left), agents see to whom it went, and
//! the visitor's own thread does not change.
//! Promises: only what the visitor sees themselves; to no address but theirs, and not before somebody answered unless the address is
//! proven, so that nobody is written to by whoever types their address; once in a while.

use std::time::Duration;

use serde_json::{Map, Value};
use sqlx::types::Json;

use super::history::MOST;
use super::{Desk, Door, Guest, Line, Presented, VisitError, Visitor, guest};
use crate::model::{
    Addressed, Automatic, ClaimKind, DeliveryState, Direction, Extra, Mailbox, MessageId, MessageKind, Origin,
    OutboxId, ThreadId, Timestamp,
};
use crate::store::messages::Stored;
use crate::store::outbox::OutboxRow;
use crate::store::{Actor, Tx};

/// Between two transcripts of one thread.
const PAUSE: Duration = Duration::from_secs(600);
/// Of what the mailbox takes, kept free for the words above.
const HEAD: usize = 1000;

impl Desk {
    /// The whole thread as plain text.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn transcript(&self, door: &Door, visitor: &Visitor) -> Result<String, VisitError> {
        use std::fmt::Write as _;
        const PAGES: usize = 50;
        let mut lines: Vec<Line> = Vec::new();
        let mut before = None;
        for _ in 0..PAGES {
            let page = self.page_before(door, visitor, before, MOST).await?;
            before = page.messages.first().map(|line| line.id);
            lines.splice(0..0, page.messages);
            if !page.more {
                break;
            }
        }
        let organisation = &door.account.name;
        let mut text = format!("{organisation}\n");
        for line in &lines {
            let who = match (line.from, &line.name) {
                ("agent", Some(name)) => format!("{name} ({organisation})"),
                ("agent", None) => organisation.clone(),
                _ => visitor.name.clone().unwrap_or_else(|| "–".to_owned()),
            };
            let words = if line.removed { "[…]" } else { &line.text };
            let at = line.at.to_rfc3339();
            let minute = at.get(..16).unwrap_or_default().replace('T', " ");
            let _ = write!(text, "\n{minute} UTC, {who}:\n{words}\n");
            for file in &line.files {
                let _ = writeln!(text, "[{}]", file.name.as_deref().unwrap_or("file"));
            }
        }
        Ok(text)
    }

    /// Whether visitors of this door can have their conversation by mail.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn mails_transcripts(&self, door: &Door) -> Result<bool, VisitError> {
        Ok(self.mailbox_of(&door.account).await?.is_some())
    }

    /// Sends a visitor what was said, to their own address; `typed` is it when they gave none before.
    ///
    /// # Errors
    /// `NotPossible` without a mailbox, before somebody answered, or for another address than theirs; `Missing`, `Invalid` (`email`);
    /// `TooSoon`.
    pub async fn mail_transcript(&self, door: &Door, visitor: &Visitor, typed: &str) -> Result<(), VisitError> {
        let mailbox = self.mailbox_of(&door.account).await?;
        let mailbox = mailbox.ok_or(VisitError::NotPossible("a transcript by mail"))?;
        let address = address_of(door, visitor, typed)?;
        let standing = self.standing(visitor).await?;
        let (Some(thread), Some(conversation)) = (standing.thread, standing.conversation) else {
            return Err(VisitError::NotPossible("a transcript of nothing"));
        };
        if standing.answered_at.is_none() && !visitor.email_verified {
            return Err(VisitError::NotPossible("a transcript by mail before somebody answered"));
        }
        if visitor.email.is_none() {
            let before = guest(visitor);
            let after = Guest { email: Some(address.clone()), ..before.clone() };
            self.remember(visitor, &before, &after).await?;
        }
        let known = self.store.thread(thread).await?.ok_or(VisitError::NotFound)?;
        let channel = self.connections.get(&mailbox).map_err(super::DeskError::from)?;
        let most = channel.allowance(&known.as_channel_knows_it(), &mailbox.facts).limit.max;
        let most = usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(HEAD);
        let dutch = visitor.language.as_deref().is_none_or(|tag| tag.to_lowercase().starts_with("nl"));
        let organisation = &door.account.name;
        let (subject, text) = if dutch {
            (
                format!("Je gesprek met {organisation}"),
                format!("Dit is je gesprek met {organisation}, zoals je in de chat vroeg."),
            )
        } else {
            (
                format!("Your conversation with {organisation}"),
                format!("This is your conversation with {organisation}, as you asked in the chat."),
            )
        };
        // Before the work of putting it together; the second time, below, is for those who ask at one moment.
        let mut tx = self.store.begin(Actor::Channel).await?;
        rested(&mut tx, thread).await?;
        drop(tx);
        let said = newest(&self.transcript(door, visitor).await?, most);
        let to = Mailbox { address, name: visitor.name.clone().unwrap_or_default() };

        let mut tx = self.store.begin(Actor::Channel).await?;
        let now = tx.now();
        // Whoever else asks at this moment waits here, and then finds this one.
        let mut conversation = tx.conversation(conversation).await?.ok_or(VisitError::NotFound)?;
        rested(&mut tx, thread).await?;
        let message = Stored {
            id: MessageId::new(),
            conversation_id: conversation.id,
            thread_id: Some(thread),
            account_id: door.account.id,
            direction: Direction::Out,
            origin: Origin::Balie,
            kind: MessageKind::Mail,
            external_id: None,
            identity_id: None,
            user_id: None,
            text,
            html: None,
            language: Some(if dutch { "nl" } else { "en" }.to_owned()),
            content_warning: None,
            visibility: None,
            url: None,
            reply_to: None,
            reply_to_id: None,
            meta: Json(Value::Object(Map::new())),
            history: false,
            turn: false,
            liked: false,
            boosted: false,
            sent_at: now,
            ingested_at: now,
            edited_at: None,
            removed_at: None,
            delivery: Some(DeliveryState::Queued),
            automatic: Some(Automatic::Notice),
            extra: Some(Json(Extra {
                quoted: Some(said),
                subject: Some(subject),
                addressed: Some(Addressed { to: vec![to], ..Addressed::default() }),
                ..Extra::default()
            })),
        };
        tx.insert_message(&message).await?;
        tx.insert_outbox(&OutboxRow {
            id: OutboxId::new(),
            message_id: message.id,
            account_id: mailbox.id,
            thread_id: thread,
            state: DeliveryState::Queued,
            due_at: now,
            attempts: 0,
            doubtful: false,
            lease_owner: None,
            lease_until: Timestamp(0),
            code: None,
            cause: None,
            cure: None,
            waiting_before: conversation.waiting_since,
            status_before: conversation.status,
            created_at: now,
        })
        .await?;
        conversation.message_count += 1;
        tx.save_conversation(&mut conversation).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Whether the last one is long enough ago.
async fn rested(tx: &mut Tx, thread: ThreadId) -> Result<(), VisitError> {
    let ago = tx.newest_sent_along(thread).await?.map(|last| tx.now().since(last));
    match ago.filter(|ago| *ago < PAUSE) {
        Some(ago) => Err(VisitError::TooSoon(PAUSE.saturating_sub(ago).as_secs().max(1))),
        None => Ok(()),
    }
}

/// The visitor's own address: the one they gave or proved, else the one they give now.
fn address_of(door: &Door, visitor: &Visitor, typed: &str) -> Result<String, VisitError> {
    let presented = Presented { email: Some(typed.to_owned()), ..Presented::default() };
    let given = door.visit()?.tidy(&presented).email;
    match (&visitor.email, given) {
        (Some(known), given) if typed.trim().is_empty() || given.as_ref() == Some(known) => Ok(known.clone()),
        (Some(_), _) => Err(VisitError::NotPossible("a transcript to another address than yours")),
        (None, Some(address)) => Ok(address),
        (None, None) if typed.trim().is_empty() => Err(VisitError::Missing(ClaimKind::Email.as_str().to_owned())),
        (None, None) => Err(VisitError::Invalid(ClaimKind::Email.as_str().to_owned())),
    }
}

/// The end of a text that is longer than may be sent, from the beginning of a line.
fn newest(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(length - most).collect();
    let whole = kept.split_once('\n').map_or(kept.as_str(), |(_, rest)| rest);
    format!("[…]\n{whole}")
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn what_is_too_long_loses_its_beginning_and_says_so() {
        assert_eq!(newest("één\ntwee", 8), "één\ntwee");
        assert_eq!(newest("één\ntwee\ndrie", 7), "[…]\ndrie");
    }
}
