//! What arrives from a platform becomes messages in conversations: the one way in for pull, webhook, stream and replay.
//!
//! Promises: exactly once in effect. Messages, people, threads, conversations, events and the new cursor are one transaction;
//! the database's unique key is the judge; the same batch again changes nothing.

mod afterwards;
mod apart;
mod hand_over;
mod keep;
mod text;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::types::Json;

use hand_over::Record;
use keep::Kept;
pub(super) use text::{clean, snippet};
use text::{clean_json, echoes, is_web};

use super::{Desk, DeskError};
use crate::channels::{self, Batch, Item, html};
use crate::model::message::ThreadRow;
use crate::model::{
    ContactId, ConversationId, DeliveryState, Direction, Lane, MessageId, MessageKind, Origin, Priority, Status,
    TeamId, ThreadId, Timestamp,
};
use crate::store::accounts::{Account, Working};
use crate::store::contacts::{Face, Identified, Known};
use crate::store::conversations::Conversation;
use crate::store::messages::Stored;
use crate::store::outbox::OutboxRow;
use crate::store::threads::NewThread;
use crate::store::{Actor, Tx};

/// Longer than any platform allows; a text beyond it is a broken or hostile payload.
const LONGEST_TEXT: usize = 512 * 1024;
/// The year 2000: an earlier time is a platform's mistake.
const EARLIEST: Timestamp = Timestamp(946_684_800_000);

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
    pub quarantined: usize,
    /// Now minus the time of the newest live message; `None` when there was none.
    pub lag_ms: Option<i64>,
}

impl Ingested {
    /// Whether anything happened.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.added + self.changed + self.removed + self.quarantined > 0
    }
}

impl Desk {
    /// Takes a batch in. `source` names the feed (whose cursor moves), `hook` or `stream`.
    ///
    /// # Errors
    /// When the database refuses: then nothing of it happened, and the same batch may come again.
    pub async fn ingest(&self, account: &Account, source: &str, batch: &Batch) -> Result<Ingested, DeskError> {
        let mut tries = 0;
        loop {
            match self.ingest_parts(account, source, batch).await {
                // Another node took the same item in at this moment; with its rows visible there is nothing left to collide with.
                Err(DeskError::Store(error)) if error.is_conflict() && tries < 3 => tries += 1,
                done => return done,
            }
        }
    }

    /// What goes to the account's mailbox first: the account's cursor moves when nothing of the batch can be lost any more.
    async fn ingest_parts(&self, account: &Account, source: &str, batch: &Batch) -> Result<Ingested, DeskError> {
        let (stays, going) = self.hand_over(account, batch).await?;
        let mut done = Ingested::default();
        if let Some(going) = &going {
            done = self.ingest_part(&going.mailbox, source, &going.batch, Some(&going.record)).await?;
        }
        let rest = self.ingest_part(account, source, &stays, None).await?;
        Ok(Ingested {
            added: done.added + rest.added,
            changed: done.changed + rest.changed,
            removed: done.removed + rest.removed,
            quarantined: done.quarantined + rest.quarantined,
            lag_ms: rest.lag_ms.or(done.lag_ms),
        })
    }

    async fn ingest_part(
        &self,
        account: &Account,
        source: &str,
        batch: &Batch,
        record: Option<&Record>,
    ) -> Result<Ingested, DeskError> {
        let batch = self.apart(account, timely(account, batch)).await?;
        // Files first: a file without its message is waste, a message without its file a loss.
        let kept = self.keep_contents(&batch).await?;
        self.ingest_once(account, source, &batch, &kept, record).await
    }

    async fn ingest_once(
        &self,
        account: &Account,
        source: &str,
        batch: &Batch,
        kept: &Kept,
        record: Option<&Record>,
    ) -> Result<Ingested, DeskError> {
        let mut tx = self.store.begin(Actor::Channel).await?;
        let mut intake = Intake::prepare(self, &mut tx, account, batch, kept).await?;
        for unreadable in &batch.unreadable {
            intake.hold(&mut tx, source, &unreadable.payload, &unreadable.error).await?;
        }
        let mut items: Vec<&Item> = batch.items.iter().collect();
        items.sort_by_key(|item| match item {
            // What comes next in a thread comes under its new name.
            Item::Moved { .. } => i64::MIN,
            Item::Message(message) => message.sent_at.0,
            _ => i64::MAX,
        });
        for item in items {
            match item {
                Item::Message(message) if message.text.len() > LONGEST_TEXT => {
                    intake.hold(&mut tx, source, &message.text, "the text is longer than any platform allows").await?;
                }
                Item::Message(message) => intake.take(&mut tx, message).await?,
                Item::Removed { external_id, at } => intake.remove(&mut tx, external_id, *at).await?,
                Item::Receipt { external_id, state, at, error } => {
                    intake.receipt(&mut tx, external_id, *state, *at, error.as_deref()).await?;
                }
                Item::Reaction { external_id, author, emoji, at } => {
                    intake.reaction(&mut tx, external_id, author, emoji.as_deref(), *at).await?;
                }
                Item::Moved { from, to } => intake.thread_renamed(&mut tx, from, to).await?,
                Item::Remember { thread, memory } => intake.remember(&mut tx, thread, memory).await?,
                Item::Solved { thread, by, url, at } => {
                    intake.solved(&mut tx, thread, by, url.as_deref(), *at).await?;
                }
            }
        }
        if let Some(record) = record {
            record.save(&mut tx, &intake).await?;
        }
        let done = intake.finish(&mut tx).await?;
        if let Some(cursor) = &batch.next {
            tx.save_cursor(account.id, source, cursor).await?;
        }
        // What another account took does not say that this one works.
        if record.is_none() {
            let quota = batch.quota.as_ref().and_then(|quota| serde_json::to_value(quota).ok());
            tx.account_works(account.id, &Working { lag_ms: done.lag_ms, quota, called: source == "hook" }).await?;
        }
        tx.commit().await?;
        Ok(done)
    }
}

/// The only team an account is granted to; none when it is everybody's or several teams'.
#[derive(Clone, Copy)]
struct Routing(Option<TeamId>);

/// A channel takes its first look for history, and that look comes some time after the account was connected. Who spoke up in
/// between waits for an answer like everybody after.
fn timely<'b>(account: &Account, batch: &'b Batch) -> Cow<'b, Batch> {
    // Some media count in seconds.
    let came = Timestamp(account.created_at.0 - account.created_at.0 % 1_000);
    let late = |item: &Item| matches!(item, Item::Message(m) if m.history && m.sent_at >= came);
    if !batch.items.iter().any(late) {
        return Cow::Borrowed(batch);
    }
    let mut batch = batch.clone();
    for item in &mut batch.items {
        if let Item::Message(message) = item {
            message.history &= message.sent_at < came;
        }
    }
    Cow::Owned(batch)
}

/// One batch on its way in.
struct Intake<'a> {
    account: &'a Account,
    reopen_after: Timestamp,
    now: Timestamp,
    known: HashMap<String, Stored>,
    threads: HashMap<String, ThreadRow>,
    /// Who wrote in this batch and was known before it.
    met: HashMap<String, Identified>,
    /// Who is known by now, and brought up to date.
    people: HashMap<String, Known>,
    /// Nobody had met them before this batch: they have no conversation yet.
    strangers: HashSet<ContactId>,
    /// Loaded once, saved once, however many of the batch's messages they get.
    conversations: HashMap<ConversationId, (Conversation, bool)>,
    /// The first customer of each thread of this batch: a new thread belongs to them, whoever spoke before.
    openers: HashMap<&'a str, &'a channels::Message>,
    /// Where something was said that has to be seen before answering.
    moved: BTreeSet<ThreadId>,
    unsettled: Option<Vec<OutboxRow>>,
    /// The team that new conversations of this account go to, once looked up.
    team: Option<Routing>,
    /// Content of this batch that is in the media folder by now.
    kept: &'a Kept,
    done: Ingested,
    newest: Option<Timestamp>,
}

impl<'a> Intake<'a> {
    async fn prepare(
        desk: &Desk,
        tx: &mut Tx,
        account: &'a Account,
        batch: &'a Batch,
        kept: &'a Kept,
    ) -> Result<Self, DeskError> {
        let mut openers: HashMap<&str, &channels::Message> = HashMap::new();
        let (mut externals, mut threads) = (HashSet::new(), HashSet::new());
        for item in &batch.items {
            match item {
                Item::Message(message) => {
                    externals.insert(message.external_id.as_str());
                    threads.insert(message.thread.external_id.as_str());
                    externals.extend(message.follows.iter().map(String::as_str));
                    if message.direction == Direction::In {
                        openers
                            .entry(&message.thread.external_id)
                            .and_modify(|first| {
                                if message.sent_at < first.sent_at {
                                    *first = message;
                                }
                            })
                            .or_insert(message);
                    }
                }
                Item::Removed { external_id, .. }
                | Item::Receipt { external_id, .. }
                | Item::Reaction { external_id, .. } => {
                    externals.insert(external_id);
                }
                Item::Moved { from, to } => threads.extend([from.as_str(), to.external_id.as_str()]),
                Item::Remember { thread, .. } | Item::Solved { thread, .. } => {
                    threads.insert(thread);
                }
            }
        }
        let externals: Vec<&str> = externals.into_iter().collect();
        let threads: Vec<&str> = threads.into_iter().collect();
        let known = tx.messages_by_external(account.id, &externals).await?;
        let threads = tx.threads_by_external(account.id, &threads).await?;
        let known: HashMap<String, Stored> =
            known.into_iter().filter_map(|message| Some((message.external_id.clone()?, message))).collect();
        let mut threads: HashMap<String, ThreadRow> =
            threads.into_iter().map(|thread| (thread.external_id.clone(), thread)).collect();
        // Threads that are met by what was said in them before.
        for item in &batch.items {
            let Item::Message(message) = item else { continue };
            let before = message.follows.iter().find_map(|id| known.get(id.as_str())?.thread_id);
            if let Some(id) = before.filter(|id| threads.values().all(|thread| thread.id != *id))
                && let Some(thread) = tx.thread(id).await?
            {
                threads.insert(thread.external_id.clone(), thread);
            }
        }
        // What the new messages need, each kind in one query.
        let (mut authors, mut conversations) = (HashSet::new(), Vec::new());
        for item in &batch.items {
            let Item::Message(message) = item else { continue };
            if known.contains_key(&message.external_id) {
                continue;
            }
            authors.insert(message.author.external_id.as_str());
            conversations.extend(threads.get(&message.thread.external_id).map(|thread| thread.conversation_id));
        }
        let new_threads = openers.iter().filter(|(thread, _)| !threads.contains_key(**thread));
        authors.extend(new_threads.map(|(_, opener)| opener.author.external_id.as_str()));
        let met = tx.identities(&account.channel, &Vec::from_iter(authors)).await?;
        let conversations = tx.conversations(&conversations).await?;
        let now = tx.now();
        Ok(Self {
            account,
            reopen_after: now.minus(desk.rules.reopen),
            now,
            known,
            threads,
            met: met.into_iter().map(|identity| (identity.external_id.clone(), identity)).collect(),
            people: HashMap::new(),
            strangers: HashSet::new(),
            conversations: conversations.into_iter().map(|c| (c.id, (c, false))).collect(),
            openers,
            moved: BTreeSet::new(),
            unsettled: None,
            team: None,
            kept,
            done: Ingested::default(),
            newest: None,
        })
    }

    async fn hold(&mut self, tx: &mut Tx, source: &str, payload: &str, error: &str) -> Result<(), DeskError> {
        let payload = clean(payload);
        tx.quarantine(self.account.id, source, &payload, &crate::secret::fingerprint(&payload), error).await?;
        self.done.quarantined += 1;
        Ok(())
    }

    async fn take(&mut self, tx: &mut Tx, message: &'a channels::Message) -> Result<(), DeskError> {
        if let Some(stored) = self.known.get(&message.external_id).cloned() {
            return self.compare(tx, stored, message).await;
        }
        if message.direction == Direction::Out && self.adopt(tx, message).await? {
            return Ok(());
        }
        let Some(thread) = self.thread(tx, message).await? else {
            // The brand's own post that nobody has answered: no customer, no conversation. It comes again as context when somebody does.
            return Ok(());
        };
        let author = self.person(tx, message).await?;
        let conversation_id = self.conversation_for(tx, &thread, message).await?;
        let conversation = self.conversation(tx, conversation_id).await?;
        let (turn, last) = (conversation.waiting_since.is_none(), conversation.last_message_at);
        let stored = self.store_form(message, &thread, conversation_id, author, turn, last);
        if !tx.insert_message(&stored).await? {
            // Another node was first, after we looked.
            return Err(crate::store::StoreError::Conflict(message.external_id.clone()).into());
        }
        tx.insert_attachments(stored.id, &self.kept.files(message)).await?;
        self.done.added += 1;
        let lane = thread.lane;
        let thread_id = thread.id;
        self.apply(tx, &stored, lane).await?;
        if !stored.history && stored.direction != Direction::Context && stored.automatic.is_none() {
            self.moved.insert(thread_id);
        }
        self.known.insert(message.external_id.clone(), stored);
        Ok(())
    }

    fn store_form(
        &self,
        message: &channels::Message,
        thread: &ThreadRow,
        conversation_id: ConversationId,
        author: Known,
        turn: bool,
        last: Timestamp,
    ) -> Stored {
        let live = message.direction == Direction::In && !message.history && message.automatic.is_none();
        let sent_at =
            if message.direction == Direction::Context { message.sent_at } else { placed(message.sent_at, last) };
        let extra = self.kept.extra(message);
        Stored {
            id: MessageId::new(),
            conversation_id,
            thread_id: Some(thread.id),
            account_id: self.account.id,
            direction: message.direction,
            origin: if message.direction == Direction::Out { Origin::Elsewhere } else { Origin::Channel },
            kind: message.kind,
            external_id: Some(message.external_id.clone()),
            identity_id: Some(author.id),
            user_id: None,
            text: clean(&message.text),
            html: message.html.as_deref().map(|html| clean(&html::sanitise(html))),
            language: message.language.as_deref().map(clean),
            content_warning: message.content_warning.as_deref().filter(|warning| !warning.is_empty()).map(clean),
            visibility: message.visibility.clone(),
            url: message.url.as_deref().filter(|url| is_web(url)).map(str::to_owned),
            reply_to: message.reply_to.clone(),
            reply_to_id: None,
            meta: Json(clean_json(&message.meta)),
            history: message.history,
            turn: live && turn,
            liked: false,
            boosted: false,
            sent_at: sent_at.clamp(EARLIEST, self.now),
            ingested_at: self.now,
            edited_at: message.edited_at,
            removed_at: None,
            delivery: None,
            automatic: message.automatic,
            extra: (!extra.is_empty()).then_some(Json(extra)),
        }
    }

    /// The name of the thread that a message belongs to: that of what it follows, as far as that is known.
    fn thread_of(&self, message: &'a channels::Message) -> String {
        let before = message.follows.iter().find_map(|id| self.known.get(id.as_str())?.thread_id);
        let known = before.and_then(|id| self.threads.values().find(|thread| thread.id == id));
        known.map_or(&message.thread.external_id, |thread| &thread.external_id).clone()
    }

    /// The thread, made when somebody addresses us in it. `None` when nobody has.
    async fn thread(&mut self, tx: &mut Tx, message: &channels::Message) -> Result<Option<ThreadRow>, DeskError> {
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
        loaded.find(|c| c.contact_id == contact && c.last_message_at >= self.reopen_after).map(|c| c.id)
    }

    /// Where this message of a thread goes: on, or after a long silence into a new conversation on the same thread.
    async fn conversation_for(
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
            subject: subject.map(clean),
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

    async fn person(&mut self, tx: &mut Tx, message: &channels::Message) -> Result<Known, DeskError> {
        let author = &message.author;
        if let Some(known) = self.people.get(&author.external_id) {
            return Ok(*known);
        }
        let (handle, name) = (clean(&author.handle), clean(&author.name));
        let face = Face {
            channel: &self.account.channel,
            external_id: &author.external_id,
            handle: &handle,
            name: &name,
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

    async fn conversation(&mut self, tx: &mut Tx, id: ConversationId) -> Result<&mut Conversation, DeskError> {
        use std::collections::hash_map::Entry;
        Ok(match self.conversations.entry(id) {
            Entry::Occupied(here) => &mut here.into_mut().0,
            Entry::Vacant(place) => {
                let loaded = tx.conversation(id).await?.ok_or(DeskError::NotFound("conversation"))?;
                &mut place.insert((loaded, false)).0
            }
        })
    }

    fn touch(&mut self, id: ConversationId) {
        if let Some((_, dirty)) = self.conversations.get_mut(&id) {
            *dirty = true;
        }
    }

    /// What a new message means for its conversation.
    async fn apply(&mut self, tx: &mut Tx, message: &Stored, lane: Lane) -> Result<(), DeskError> {
        if message.direction == Direction::Context {
            return Ok(());
        }
        let now = self.now;
        if !message.history && message.direction == Direction::In {
            self.newest = self.newest.max(Some(message.sent_at));
        }
        let conversation = self.conversation(tx, message.conversation_id).await?;
        conversation.message_count += 1;
        if message.sent_at >= conversation.last_message_at || conversation.message_count == 1 {
            conversation.last_message_at = message.sent_at;
            conversation.lane = lane;
            conversation.snippet = snippet(&message.text);
            message.direction.as_str().clone_into(&mut conversation.last_direction);
        }
        if message.direction == Direction::In {
            conversation.first_in_at =
                Some(conversation.first_in_at.map_or(message.sent_at, |first| first.min(message.sent_at)));
            conversation.last_in_at = conversation.last_in_at.max(Some(message.sent_at));
            if !message.history && message.automatic.is_none() {
                conversation.customer_spoke(message.sent_at, now);
            }
            if let Some(due) = message.extra.as_ref().and_then(|Json(extra)| extra.due_at) {
                conversation.due_at = Some(conversation.due_at.map_or(due, |before| before.min(due)));
            }
        } else {
            conversation.last_out_at = conversation.last_out_at.max(Some(message.sent_at));
            if !message.history && Some(message.sent_at) >= conversation.last_in_at {
                conversation.answered(Status::Pending);
            }
        }
        self.touch(message.conversation_id);
        Ok(())
    }

    /// A message we have: edited, promoted from context, or nothing new.
    async fn compare(&mut self, tx: &mut Tx, stored: Stored, message: &channels::Message) -> Result<(), DeskError> {
        if stored.direction == Direction::Context && message.direction == Direction::In && !message.history {
            let turn = self.conversation(tx, stored.conversation_id).await?.waiting_since.is_none();
            tx.promote_context(&stored, message.kind, turn).await?;
            let promoted = Stored { direction: Direction::In, kind: message.kind, history: false, ..stored };
            let lane = message.thread.lane;
            self.apply(tx, &promoted, lane).await?;
            self.moved.extend(promoted.thread_id);
            self.done.changed += 1;
            self.known.insert(message.external_id.clone(), promoted);
            return Ok(());
        }
        // A mail that was sent stays what it was.
        if stored.origin == Origin::Balie || stored.kind == MessageKind::Mail {
            return Ok(());
        }
        let text = clean(&message.text);
        let warning = message.content_warning.as_deref().filter(|warning| !warning.is_empty()).map(clean);
        let same = text == stored.text && warning == stored.content_warning;
        let stale = stored.edited_at.is_some() && message.edited_at <= stored.edited_at;
        if same || stale {
            return Ok(());
        }
        let edited = Stored {
            text,
            html: message.html.as_deref().map(|html| clean(&html::sanitise(html))),
            content_warning: warning,
            language: message.language.as_deref().map(clean),
            edited_at: message.edited_at.map(|at| at.clamp(EARLIEST, self.now)).or(Some(self.now)),
            meta: Json(clean_json(&message.meta)),
            ..stored.clone()
        };
        tx.save_new_version(&stored, &edited).await?;
        if edited.direction != Direction::Context {
            let conversation = self.conversation(tx, edited.conversation_id).await?;
            if conversation.last_message_at == edited.sent_at {
                conversation.snippet = snippet(&edited.text);
            }
            self.touch(edited.conversation_id);
            // Whoever is writing an answer has read the old words.
            if edited.direction == Direction::In {
                self.moved.extend(edited.thread_id);
            }
        }
        self.done.changed += 1;
        self.known.insert(message.external_id.clone(), edited);
        Ok(())
    }

    async fn remove(&mut self, tx: &mut Tx, external_id: &str, at: Option<Timestamp>) -> Result<(), DeskError> {
        let Some(stored) = self.known.get(external_id).cloned() else { return Ok(()) };
        if stored.removed_at.is_some() {
            return Ok(());
        }
        let at = at.unwrap_or(self.now).clamp(EARLIEST, self.now);
        tx.mark_removed(&stored, at).await?;
        self.conversation(tx, stored.conversation_id).await?;
        self.touch(stored.conversation_id);
        self.done.removed += 1;
        self.known.insert(external_id.to_owned(), Stored { removed_at: Some(at), ..stored });
        Ok(())
    }

    /// The brand's own message may be the echo of one of ours whose confirmation has not come (yet, or ever): then the echo
    /// is the confirmation.
    async fn adopt(&mut self, tx: &mut Tx, message: &'a channels::Message) -> Result<bool, DeskError> {
        let Some(thread) = self.threads.get(&self.thread_of(message)).map(|thread| thread.id) else {
            return Ok(false);
        };
        if self.unsettled.is_none() {
            self.unsettled = Some(tx.unsettled_outbox(self.account.id).await?);
        }
        let candidates: Vec<OutboxRow> =
            self.unsettled.iter().flatten().filter(|row| row.thread_id == thread).cloned().collect();
        for mut row in candidates {
            let Some(ours) = tx.message(row.message_id).await? else { continue };
            if ours.external_id.is_some() || !echoes(&message.text, &ours.text) {
                continue;
            }
            let settled = Stored {
                external_id: Some(message.external_id.clone()),
                url: message.url.clone().filter(|url| is_web(url)),
                meta: Json(clean_json(&message.meta)),
                sent_at: message.sent_at.clamp(EARLIEST, self.now),
                delivery: Some(DeliveryState::Sent),
                ..ours
            };
            tx.save_delivery(&settled).await?;
            row.state = DeliveryState::Sent;
            row.doubtful = false;
            (row.code, row.cause, row.cure) = (None, None, None);
            tx.save_outbox(&row).await?;
            let problem = tx.has_delivery_problem(settled.conversation_id).await?;
            self.conversation(tx, settled.conversation_id).await?.delivery_problem = problem;
            self.touch(settled.conversation_id);
            self.unsettled.iter_mut().flatten().for_each(|other| {
                if other.id == row.id {
                    other.thread_id = ThreadId(uuid::Uuid::nil());
                }
            });
            self.known.insert(message.external_id.clone(), settled);
            self.done.changed += 1;
            return Ok(true);
        }
        Ok(false)
    }

    async fn finish(mut self, tx: &mut Tx) -> Result<Ingested, DeskError> {
        let mut changed: Vec<ConversationId> =
            self.conversations.iter().filter(|(_, (_, dirty))| *dirty).map(|(id, _)| *id).collect();
        changed.sort_unstable();
        for id in changed {
            if let Some((conversation, _)) = self.conversations.get_mut(&id) {
                tx.save_conversation(conversation).await?;
            }
        }
        tx.threads_moved(&Vec::from_iter(std::mem::take(&mut self.moved))).await?;
        self.done.lag_ms = self.newest.map(|newest| self.now.since(newest).as_millis() as i64);
        Ok(self.done)
    }
}

/// When a message that is new to us was sent, in a conversation whose last message was sent at `last`. Some media tell whole
/// seconds only: what was said in the second of our answer, and comes in after it, stands after it.
fn placed(at: Timestamp, last: Timestamp) -> Timestamp {
    if at.0 % 1000 == 0 && (0..1000).contains(&last.0.saturating_sub(at.0)) { last } else { at }
}

impl Conversation {
    /// A customer's turn, or more of it: it is ours to answer.
    pub(super) fn customer_spoke(&mut self, at: Timestamp, now: Timestamp) {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(at);
        }
        match self.status {
            Status::Open => {}
            Status::Closed if !self.history => {
                self.status = Status::Open;
                self.reopened_at = Some(now);
            }
            _ => self.status = Status::Open,
        }
        self.history = false;
        self.closed_at = None;
        self.snoozed_until = None;
    }

    /// Our side spoke: nobody waits for us any more.
    pub(super) fn answered(&mut self, then: Status) {
        self.waiting_since = None;
        self.reopened_at = None;
        self.woken_at = None;
        if self.status == Status::Open {
            self.status = then;
        }
    }
}
