//! What became of a delivery: by the platform's answer, or by a person where the platform's answer was lost.

use std::time::Duration;

use serde_json::json;
use sqlx::types::Json;

use super::{Desk, DeskError, Viewer};
use crate::channels::{ChannelError, Class, Original, OutFile, Outgoing, Sent, Words};
use crate::model::message::Message;
use crate::model::{AccountId, DeliveryState, MessageId, Origin, Status, Timestamp};
use crate::store::accounts::Account;
use crate::store::conversations::Conversation;
use crate::store::messages::{LaterAnswer, Stored};
use crate::store::outbox::OutboxRow;
use crate::store::{Actor, Tx};
use crate::text_enum;

text_enum!(
    /// A person's decision about a delivery that did not end well.
    Verdict {
        /// It is there; somebody looked.
        Sent = "sent",
        /// Send it again.
        Resend = "resend",
        /// Do not send it.
        Discard = "discard",
    }
);

impl Desk {
    /// Takes outbound work that is due, for `lease` from now, but none of accounts that are `busy`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lease_deliveries(
        &self,
        node: &str,
        lease: Duration,
        limit: usize,
        busy: &[AccountId],
    ) -> Result<Vec<OutboxRow>, DeskError> {
        let mut tx = self.store.begin(Actor::System).await?;
        let until = tx.now().plus(lease);
        let rows = tx.lease_outbox(node, until, limit, busy).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// The message of a piece of outbound work, as its channel wants it, with its files.
    ///
    /// # Errors
    /// When a row or a file is missing.
    pub async fn outgoing(&self, row: &OutboxRow) -> Result<(Account, Outgoing), DeskError> {
        let message = self.store.stored_message(row.message_id).await?.ok_or(DeskError::NotFound("message"))?;
        let thread = self.store.thread(row.thread_id).await?.ok_or(DeskError::NotFound("thread"))?;
        let account = self.store.account(row.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let parent = match message.reply_to_id {
            Some(id) => self.store.stored_message(id).await?,
            None => None,
        };
        let extra = message.extra();
        let mut files = self.out_files(message.id).await?;
        if let Some(parent) = parent.as_ref().filter(|_| extra.forward) {
            files.extend(self.out_files(parent.id).await?);
        }
        let original = match &parent {
            Some(parent) => self.original(parent).await?,
            None => None,
        };
        let automatic = message.automatic.is_some();
        // What nobody wrote carries what it is about below its own words, and is sent whole.
        let text = match extra.quoted.filter(|_| automatic) {
            Some(quoted) => format!("{}\n\n{quoted}", message.text),
            None => message.text,
        };
        let outgoing = Outgoing {
            key: message.id,
            attempt: row.attempts,
            written_at: message.ingested_at,
            thread: thread.as_channel_knows_it(),
            reply_to: parent.and_then(|parent| Some((parent.external_id?, parent.meta.0))),
            text,
            content_warning: message.content_warning,
            visibility: message.visibility,
            language: message.language,
            files,
            addressed: extra.addressed,
            forward: extra.forward,
            automatic,
            subject: extra.subject,
            original,
        };
        Ok((account, outgoing))
    }

    async fn out_files(&self, message: MessageId) -> Result<Vec<OutFile>, DeskError> {
        let mut files = Vec::new();
        for file in self.store.attachments_of(message).await? {
            let bytes = self.read_media(file.hash.as_deref().unwrap_or_default()).await?;
            files.push(OutFile {
                name: file.name.unwrap_or_default(),
                mime: file.mime.unwrap_or_default(),
                alt: file.alt.unwrap_or_default(),
                bytes,
            });
        }
        Ok(files)
    }

    /// What is answered, for a channel that repeats it below the answer.
    async fn original(&self, parent: &Stored) -> Result<Option<Original>, DeskError> {
        let shown = self.store.present(vec![parent.clone()]).await?.pop();
        Ok(shown.map(|shown| Original {
            name: shown.author.name,
            handle: shown.author.handle,
            sent_at: shown.sent_at,
            text: shown.text,
            html: shown.html,
        }))
    }

    /// Writes the platform's answer. Nothing happens when the work is no longer ours (the echo confirmed it, another node took it).
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle(&self, leased: &OutboxRow, outcome: Result<Sent, ChannelError>) -> Result<(), DeskError> {
        let Some((mut tx, mut conversation, mut message, mut row)) =
            self.open_delivery(leased.message_id, Actor::System).await?
        else {
            return Ok(());
        };
        if row.state != DeliveryState::Sending || row.attempts != leased.attempts {
            return Ok(());
        }
        match outcome {
            Ok(sent) => confirm(&mut tx, &mut message, &mut row, sent).await?,
            Err(error) => self.fail(&mut conversation, &mut message, &mut row, &error, tx.now()),
        }
        finish(tx, conversation, message, row).await
    }

    /// Decides about a delivery that is uncertain, refused or waiting.
    ///
    /// # Errors
    /// `Refused` when it is being sent at this moment or was sent. Sending again besides: `Held` when a colleague has the
    /// conversation, `Refused` with `delivery.answered` when it was answered since.
    pub async fn resolve(&self, viewer: &Viewer, id: MessageId, verdict: Verdict) -> Result<Message, DeskError> {
        let stored = self.store.stored_message(id).await?.ok_or(DeskError::NotFound("message"))?;
        viewer.must(super::Act::Work)?;
        self.must_see(viewer, stored.account_id).await?;
        let Some((mut tx, mut conversation, mut message, mut row)) =
            self.open_delivery(id, Actor::User(viewer.user_id)).await?
        else {
            return Err(DeskError::refused("delivery.none", "this message was not sent from here"));
        };
        if !matches!(row.state, DeliveryState::Uncertain | DeliveryState::Rejected | DeliveryState::Waiting) {
            return Err(DeskError::refused("delivery.settled", "this delivery needs no decision"));
        }
        let now = tx.now();
        match verdict {
            Verdict::Sent => {
                row.state = DeliveryState::Sent;
                // Until the platform's echo says under which id: it is this message, not another one.
                row.doubtful = true;
            }
            Verdict::Resend => {
                let waits = row.state == DeliveryState::Waiting;
                if !waits && message.automatic.is_none() {
                    if let Some(holder) = conversation.holder(now).filter(|holder| *holder != viewer.user_id) {
                        drop(tx);
                        return Err(self.held_by(holder, conversation.claim_until).await?);
                    }
                    never_twice(&mut tx, &message, &row).await?;
                }
                row.state = DeliveryState::Queued;
                row.due_at = now;
                // A person has looked; what the machine doubted is decided. At what merely waits, nobody has.
                row.doubtful &= waits;
                if message.automatic.is_none() {
                    conversation.answered(Status::Pending);
                }
            }
            Verdict::Discard => {
                row.state = DeliveryState::Discarded;
                give_back(&mut conversation, &message, &row);
            }
        }
        (row.code, row.cause, row.cure) = (None, None, None);
        message.delivery = Some(row.state);
        tx.tell(
            crate::model::EventKind::Moderated,
            Some(conversation.id),
            Some(id),
            Some(conversation.account_id),
            json!({ "delivery": verdict.as_str() }),
        );
        finish(tx, conversation, message, row).await?;
        self.message(viewer, id).await
    }

    async fn open_delivery(
        &self,
        id: MessageId,
        actor: Actor,
    ) -> Result<Option<(Tx, Conversation, Stored, OutboxRow)>, DeskError> {
        let Some(found) = self.store.stored_message(id).await? else { return Ok(None) };
        let mut tx = self.store.begin(actor).await?;
        // Always the conversation first: whoever else changes this message locks in the same order.
        let Some(conversation) = tx.conversation(found.conversation_id).await? else { return Ok(None) };
        let Some(message) = tx.message(id).await? else { return Ok(None) };
        let Some(row) = tx.outbox_of(id).await? else { return Ok(None) };
        Ok(Some((tx, conversation, message, row)))
    }

    fn fail(
        &self,
        conversation: &mut Conversation,
        message: &mut Stored,
        row: &mut OutboxRow,
        error: &ChannelError,
        now: Timestamp,
    ) {
        let given_up = now.since(row.created_at) > self.rules.give_up;
        (row.code, row.cause, row.cure) =
            (Some(error.code.clone()), Some(Json(error.cause.clone())), Some(Json(error.cure.clone())));
        match error.class {
            Class::Uncertain => leave_open(conversation, message, row),
            Class::Rejected => {
                row.state = DeliveryState::Rejected;
                give_back(conversation, message, row);
            }
            _ if given_up && row.doubtful => {
                let doubt = error.clone().in_doubt();
                (row.cause, row.cure) = (Some(Json(doubt.cause)), Some(Json(doubt.cure)));
                leave_open(conversation, message, row);
            }
            _ if given_up => {
                row.state = DeliveryState::Rejected;
                row.cure = Some(Json(Words::new(
                    "It was tried for a day. Send it again when the account works.",
                    "Het is een dag lang geprobeerd. Verstuur het opnieuw als het account werkt.",
                )));
                give_back(conversation, message, row);
            }
            Class::RateLimited { until } => {
                row.state = DeliveryState::Waiting;
                row.due_at = until.max(now.plus(Duration::from_secs(1)));
            }
            Class::Unauthorized => {
                row.state = DeliveryState::Waiting;
                row.due_at = now.plus(Duration::from_secs(60));
            }
            Class::Transient => {
                row.state = DeliveryState::Waiting;
                row.due_at = now.plus(backoff(row.attempts));
            }
        }
        message.delivery = Some(row.state);
    }
}

async fn confirm(tx: &mut Tx, message: &mut Stored, row: &mut OutboxRow, sent: Sent) -> Result<(), DeskError> {
    let mut external_id = sent.external_id;
    for other in tx.messages_by_external(message.account_id, &[&external_id]).await? {
        if other.origin == Origin::Elsewhere {
            // The platform's echo came in first, as the brand's post from elsewhere.
            tx.drop_echo(&other).await?;
        } else if other.id != message.id {
            // Some systems call an answer as they call the question. It was sent all the same, and must be settled.
            external_id = format!("{external_id}~{}", message.id);
        }
    }
    message.external_id = Some(external_id);
    message.url = sent.url;
    message.meta = Json(sent.meta);
    message.delivery = Some(DeliveryState::Sent);
    row.state = DeliveryState::Sent;
    row.doubtful = false;
    (row.code, row.cause, row.cure) = (None, None, None);
    Ok(())
}

/// Refuses to send again what was answered since: the customer would get two answers. Behind an uncertain delivery what came
/// later is still held up; what the same person wrote there was meant to follow it.
async fn never_twice(tx: &mut Tx, message: &Stored, row: &OutboxRow) -> Result<(), DeskError> {
    let behind = |later: &LaterAnswer| {
        row.state == DeliveryState::Uncertain
            && later.user_id == message.user_id
            && later.delivery.is_some_and(|state| state != DeliveryState::Sent)
    };
    let later = tx.answers_after(row.thread_id, message).await?;
    if later.iter().all(behind) {
        return Ok(());
    }
    Err(DeskError::refused("delivery.answered", "this was answered since; sent again it would be a second answer"))
}

async fn finish(mut tx: Tx, mut conversation: Conversation, message: Stored, row: OutboxRow) -> Result<(), DeskError> {
    tx.save_delivery(&message).await?;
    tx.save_outbox(&row).await?;
    let problem = tx.has_delivery_problem(conversation.id).await?;
    if problem != conversation.delivery_problem
        || matches!(row.state, DeliveryState::Uncertain | DeliveryState::Rejected | DeliveryState::Discarded)
    {
        conversation.delivery_problem = problem;
        tx.save_conversation(&mut conversation).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// A message that was sent came back: nobody got it, and the customer waits again.
pub(super) fn came_back(
    conversation: &mut Conversation,
    message: &mut Stored,
    row: &mut OutboxRow,
    error: Option<&ChannelError>,
) {
    let unknown = || {
        ChannelError::new(
            Class::Rejected,
            "came_back",
            Words::new("The message came back undelivered.", "Het bericht kwam onbestelbaar terug."),
            Words::new(
                "Check the address, or answer in another way.",
                "Controleer het adres, of antwoord op een andere manier.",
            ),
        )
    };
    let error = error.cloned().unwrap_or_else(unknown);
    (row.code, row.cause, row.cure) = (Some(error.code), Some(Json(error.cause)), Some(Json(error.cure)));
    row.state = DeliveryState::Rejected;
    message.delivery = Some(DeliveryState::Rejected);
    give_back(conversation, message, row);
}

/// The customer was not answered after all: they wait again, since when they did. What nobody wrote answered nobody.
fn give_back(conversation: &mut Conversation, message: &Stored, row: &OutboxRow) {
    if message.automatic.is_some() {
        return;
    }
    if conversation.waiting_since.is_none() {
        conversation.waiting_since = row.waiting_before;
    }
    reopen(conversation);
}

/// Nobody knows whether the customer was answered, until a person looks.
fn leave_open(conversation: &mut Conversation, message: &Stored, row: &mut OutboxRow) {
    row.state = DeliveryState::Uncertain;
    if message.automatic.is_none() {
        reopen(conversation);
    }
}

fn reopen(conversation: &mut Conversation) {
    conversation.status = Status::Open;
    conversation.closed_at = None;
    conversation.snoozed_until = None;
}

/// 5 s, 10 s, 20 s … at most ten minutes.
fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from((attempts - 1).clamp(0, 7)).unwrap_or(0);
    Duration::from_secs((5 * 2_u64.pow(doublings)).min(600))
}

#[cfg(test)]
mod tests {
    use super::backoff;

    #[test]
    fn waiting_doubles_up_to_ten_minutes() {
        let seconds: Vec<u64> = [1, 2, 3, 7, 8, 100].map(|n| backoff(n).as_secs()).to_vec();
        assert_eq!(seconds, [5, 10, 20, 320, 600, 600]);
    }
}
