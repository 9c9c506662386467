//! Who wrote, in which thread, and which conversation that belongs to.
//!
//! Promises: a thread is made when somebody addresses us in it, never for what we post ourselves; what comes after the reopen
//! window begins a conversation of its own. Must not: write messages.

use super::super::DeskError;
use super::text::{is_web, snippet};
use super::{EARLIEST, Intake};
use crate::channels;
use crate::model::message::ThreadRow;
use crate::model::{ContactId, ConversationId, Direction, Priority, Status, TeamId, Timestamp};
use crate::store::contacts::{Face, Known};
use crate::store::conversations::Conversation;
use crate::store::threads::NewThread;
use crate::store::{StoreError, Tx};

/// The only team an account is granted to; none when it is everybody's or several teams'.
#[derive(Clone, Copy)]
pub(super) struct Routing(Option<TeamId>);

impl Intake<'_> {
    /// The name of the thread that a message belongs to: that of what it follows, as far as that is known.
    pub(super) fn thread_of(&self, message: &channels::Message) -> String {
        let before = message.follows.iter().find_map(|id| self.known.get(id.as_str())?.thread_id);
        let known = before.and_then(|id| self.threads.values().find(|thread| thread.id == id));
        known.map_or(&message.thread.external_id, |thread| &thread.external_id).clone()
    }

    /// The thread, made when somebody addresses us in it. `None` when nobody has.
    pub(super) async fn thread(
        &mut self,
        tx: &mut Tx,
        message: &channels::Message,
    ) -> Result<Option<ThreadRow>, DeskError> {
        if let Some(thread) = self.threads.get(&self.thread_of(message)) {
            return Ok(Some(thread.clone()));
        }
        let key = message.thread.external_id.as_str();
        let Some(opener) = self.openers.get(key).copied() else { return Ok(None) };
        let person = self.person(tx, opener).await?;
        let recent = if self.strangers.contains(&person.contact_id) {
            None
        } else {
            tx.recent_conversation(person.contact_id, self.account.id, self.reopen_after).await?
        };
        // The same person may have opened another thread in this batch, whose conversation is not in the table by its final times.
        let conversation_id = match recent.or_else(|| self.begun_here(person.contact_id)) {
            Some(id) => id,
            None => self.begin_conversation(tx, person, opener, message.thread.title.as_deref()).await?,
        };
        let thread = tx
            .insert_thread(&NewThread {
                account_id: self.account.id,
                conversation_id,
                external_id: key,
                lane: message.thread.lane,
                kind: message.thread.kind,
                title: message.thread.title.as_deref(),
                url: message.thread.url.as_deref().filter(|url| is_web(url)),
            })
            .await?;
        self.threads.insert(key.to_owned(), thread.clone());
        Ok(Some(thread))
    }

    fn begun_here(&self, contact: ContactId) -> Option<ConversationId> {
        let mut loaded = self.conversations.values().map(|(conversation, _)| conversation);
        let goes_on = |c: &Conversation| c.status != Status::Closed || c.last_message_at >= self.reopen_after;
        loaded.find(|c| c.contact_id == contact && goes_on(c)).map(|c| c.id)
    }

    /// Where this message of a thread goes: on, or after a long silence into a new conversation on the same thread.
    pub(super) async fn conversation_for(
        &mut self,
        tx: &mut Tx,
        thread: &ThreadRow,
        message: &channels::Message,
    ) -> Result<ConversationId, DeskError> {
        let id = thread.conversation_id;
        if message.direction != Direction::In || message.history || message.automatic.is_some() {
            return Ok(id);
        }
        let reopen_after = self.reopen_after;
        let current = self.conversation(tx, id).await?;
        if current.status != Status::Closed || current.history || current.last_message_at >= reopen_after {
            return Ok(id);
        }
        // It is held by now, but the thread was read before: somebody may have begun the next conversation meanwhile.
        if tx.thread(thread.id).await?.is_none_or(|now| now.conversation_id != id) {
            return Err(StoreError::Conflict(thread.external_id.clone()).into());
        }
        let person = self.person(tx, message).await?;
        let fresh = self.begin_conversation(tx, person, message, thread.title.as_deref()).await?;
        tx.point_thread(thread.id, fresh).await?;
        if let Some(thread) = self.threads.get_mut(&thread.external_id) {
            thread.conversation_id = fresh;
        }
        Ok(fresh)
    }

    async fn begin_conversation(
        &mut self,
        tx: &mut Tx,
        person: Known,
        opener: &channels::Message,
        subject: Option<&str>,
    ) -> Result<ConversationId, DeskError> {
        let at = opener.sent_at.clamp(EARLIEST, self.now);
        let team_id = if let Some(Routing(team)) = self.team {
            team
        } else {
            let teams = tx.teams_of_account(self.account.id).await?;
            let team = if let [only] = teams[..] { Some(only) } else { None };
            self.team = Some(Routing(team));
            team
        };
        // What came before we were there, or from a machine, waits for nobody.
        let waits = !opener.history && opener.automatic.is_none();
        let mut conversation = Conversation {
            id: ConversationId::new(),
            account_id: self.account.id,
            contact_id: person.contact_id,
            identity_id: person.id,
            status: if waits { Status::Open } else { Status::Closed },
            lane: opener.thread.lane,
            subject: subject.map(str::to_owned),
            snippet: snippet(&opener.text),
            last_direction: Direction::In.as_str().to_owned(),
            priority: Priority::Normal,
            queue_key: 0,
            waiting_since: None,
            snoozed_until: None,
            reopened_at: None,
            woken_at: None,
            closed_at: (!waits).then_some(at),
            assignee_id: None,
            team_id,
            claim_user_id: None,
            claim_token: 0,
            claim_until: Timestamp(0),
            message_count: 0,
            delivery_problem: false,
            history: opener.history,
            version: 0,
            first_in_at: None,
            last_in_at: None,
            last_out_at: None,
            last_message_at: at,
            created_at: self.now,
            due_at: None,
            outcome: None,
        };
        conversation.queue_key = conversation.place();
        let id = conversation.id;
        tx.insert_conversation(&conversation).await?;
        self.conversations.insert(id, (conversation, false));
        Ok(id)
    }

    pub(super) async fn person(&mut self, tx: &mut Tx, message: &channels::Message) -> Result<Known, DeskError> {
        let author = &message.author;
        if let Some(known) = self.people.get(&author.external_id) {
            return Ok(*known);
        }
        let face = Face {
            channel: &self.account.channel,
            external_id: &author.external_id,
            handle: &author.handle,
            name: &author.name,
            avatar_url: author.avatar_url.as_deref().filter(|url| is_web(url)),
            url: author.url.as_deref().filter(|url| is_web(url)),
        };
        let known = if let Some(met) = self.met.get(&author.external_id) {
            tx.update_identity(met, &face).await?;
            Known { id: met.id, contact_id: met.contact_id }
        } else {
            let (known, stranger) = tx.insert_identity(&face).await?;
            if stranger {
                self.strangers.insert(known.contact_id);
            }
            known
        };
        if !author.claims.is_empty() {
            tx.save_claims(known.id, &author.claims).await?;
        }
        self.people.insert(author.external_id.clone(), known);
        Ok(known)
    }
}
