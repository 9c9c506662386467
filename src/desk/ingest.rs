//! What arrives from a platform becomes messages in conversations: the one way in for pull, webhook, stream and replay.
//!
//! Promises: exactly once in effect. Messages, people, threads, conversations, events and the new cursor are one transaction;
//! the database's unique key is the judge; the same batch again changes nothing.

mod adopt;
mod afterwards;
mod apart;
mod change;
mod doors;
mod fit;
mod hand_over;
mod hold;
mod keep;
mod place;
mod take;
mod text;

use futures_util::future::BoxFuture;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

pub(super) use doors::Doors;
pub(super) use fit::fit;
use hand_over::Record;
pub(super) use hold::item_of;
use keep::Kept;
use place::Routing;
pub(super) use text::{clean, clean_json, snippet};

use super::{Desk, DeskError};
use crate::channels::{self, Batch, Item};
use crate::model::message::ThreadRow;
use crate::model::{ContactId, ConversationId, Direction, ThreadId, Timestamp};
use crate::store::accounts::{Account, Working};
use crate::store::contacts::{Identified, Known};
use crate::store::conversations::Conversation;
use crate::store::messages::Stored;
use crate::store::outbox::OutboxRow;
use crate::store::{Actor, StoreError, Tx};

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
        let done = self.ingest_fit(account, source, &fit(batch.clone())).await;
        self.went(account.id, source, &done).await;
        done
    }

    async fn ingest_fit(&self, account: &Account, source: &str, batch: &Batch) -> Result<Ingested, DeskError> {
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
    // Boxed, so that it is compiled once: see "The binary" in docs/PERFORMANCE.md.
    fn ingest_parts<'a>(
        &'a self,
        account: &'a Account,
        source: &'a str,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<Ingested, DeskError>> {
        Box::pin(async move {
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
        let mut unfit = Unfit::default();
        loop {
            match self.ingest_once(account, source, &batch, &kept, record, &mut unfit).await {
                // One of them cannot be stored, today or ever: it is held back, and the others come in without it.
                Err(DeskError::Store(StoreError::Unfit(why))) if unfit.at.is_some() => {
                    unfit.why.extend(unfit.at.take().map(|place| (place, why)));
                }
                done => return done,
            }
        }
    }

    async fn ingest_once(
        &self,
        account: &Account,
        source: &str,
        batch: &Batch,
        kept: &Kept,
        record: Option<&Record>,
        unfit: &mut Unfit,
    ) -> Result<Ingested, DeskError> {
        let mut tx = self.store.begin(Actor::Channel).await?;
        let mut intake = Intake::prepare(self, &mut tx, account, batch, kept).await?;
        for unreadable in &batch.unreadable {
            intake.hold(&mut tx, source, &unreadable.payload, &unreadable.error).await?;
        }
        let mut items: Vec<(usize, &Item)> = batch.items.iter().enumerate().collect();
        items.sort_by_key(|(_, item)| match item {
            // What comes next in a thread comes under its new name.
            Item::Moved { .. } => i64::MIN,
            Item::Message(message) => message.sent_at.0,
            _ => i64::MAX,
        });
        for (place, item) in items {
            if let Some(why) = unfit.why.get(&place) {
                intake.hold_item(&mut tx, source, item, why).await?;
                continue;
            }
            unfit.at = Some(place);
            match item {
                Item::Message(message) if message.text.len() > LONGEST_TEXT => {
                    intake.hold_item(&mut tx, source, item, "the text is longer than any platform allows").await?;
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
        unfit.at = None;
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
            // Where a platform is asked as well as it calls, whoever asks tells whether it works; but for what was wrong with the calls.
            let asked = source == "hook"
                && !self.doors.fails(account.id, source)
                && self.connections().get(account).is_ok_and(|channel| !channel.only_calls());
            let ailing = asked || self.doors.fail_beside(account.id, source, tx.now());
            let working = Working { lag_ms: done.lag_ms, quota, called: source == "hook", ailing };
            tx.account_works(account.id, &working).await?;
        }
        tx.commit().await?;
        Ok(done)
    }
}

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

/// Which items of a batch the database has no room for, by their place.
#[derive(Default)]
struct Unfit {
    why: HashMap<usize, String>,
    /// The one that is being stored.
    at: Option<usize>,
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
            let message = match item {
                Item::Message(message) => message,
                Item::Removed { external_id, .. }
                | Item::Receipt { external_id, .. }
                | Item::Reaction { external_id, .. } => {
                    conversations.extend(known.get(external_id).map(|message| message.conversation_id));
                    continue;
                }
                Item::Remember { thread, .. } | Item::Solved { thread, .. } => {
                    conversations.extend(threads.get(thread).map(|thread| thread.conversation_id));
                    continue;
                }
                Item::Moved { .. } => continue,
            };
            if let Some(stored) = known.get(&message.external_id) {
                conversations.extend(Some(stored.conversation_id).filter(|_| stored.direction == Direction::Context));
                continue;
            }
            authors.insert(message.author.external_id.as_str());
            conversations.extend(threads.get(&message.thread.external_id).map(|thread| thread.conversation_id));
        }
        let new_threads = openers.iter().filter(|(thread, _)| !threads.contains_key(**thread));
        let beginners: HashSet<&str> = new_threads.map(|(_, opener)| opener.author.external_id.as_str()).collect();
        authors.extend(&beginners);
        let met = tx.identities(&account.channel, &Vec::from_iter(authors)).await?;
        // Two threads of one person that begin at once are one conversation.
        let begin = met.iter().filter(|identity| beginners.contains(identity.external_id.as_str()));
        tx.lock_contacts(&begin.map(|identity| identity.contact_id).collect::<Vec<_>>()).await?;
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

    /// A message that is here, with its conversation held: what was read before that may be of the past.
    async fn as_it_is_now(&mut self, tx: &mut Tx, external_id: &str) -> Result<Option<Stored>, DeskError> {
        let Some((id, conversation)) = self.known.get(external_id).map(|known| (known.id, known.conversation_id))
        else {
            return Ok(None);
        };
        self.conversation(tx, conversation).await?;
        Ok(tx.message(id).await?)
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
