//! Visitors with a socket: one more audience of the log, each hearing of their own thread only.
//!
//! Promises: nothing reaches a visitor but what `is_for_visitors` of their own thread; what is told live comes from committed events; a
//! message that looks the same to them is not told twice; a slow visitor is cut. Typing, presence and who looks may be lost.
//! Must not: read the log; the hub does and hands over what it read.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ViewerHere;
use super::hub::Frame;
use super::wire::VisitorHere;
use crate::desk::visit::{Door, Line, VisitError, VisitStatus, VisitedPage, Visitor};
use crate::desk::{Desk, DeskError};
use crate::model::conversation::ConversationRow;
use crate::model::event::Event;
use crate::model::{AccountId, ConversationId, Direction, EventKind, MessageId, ThreadId, Timestamp, VisitorId};
use crate::store::messages::Stored;

/// Frames a visitor may lag behind before they are cut.
const BUFFER: usize = 64;
/// Tabs of one visitor.
pub const MOST_SOCKETS: usize = 10;
/// A visitor that missed more messages than this fetches them by page.
const REPLAY: i64 = 100;

/// Who is here, and what of the log is theirs.
#[derive(Default)]
pub struct Visits {
    next: AtomicU64,
    here: Mutex<HashMap<VisitorId, Here>>,
}

/// A visitor with at least one socket.
struct Here {
    door: Door,
    thread: Option<ThreadId>,
    conversation: Option<ConversationId>,
    status: VisitStatus,
    answered_at: Option<Timestamp>,
    last_in: Option<MessageId>,
    /// What was told last of the newest messages, without its number.
    told: VecDeque<(MessageId, String)>,
    typing: bool,
    page: Option<VisitedPage>,
    sockets: HashMap<u64, Socket>,
}

struct Socket {
    frames: mpsc::Sender<Numbered>,
    cut: CancellationToken,
}

/// A frame with its number in the log, where it has one.
type Numbered = (Option<i64>, Frame);

/// One socket's end. Dropping it leaves.
pub struct Guest {
    hub: super::Hub,
    pub id: u64,
    pub visitor: VisitorId,
    /// What was missed, then `ready` or `resync`.
    first: VecDeque<Frame>,
    /// All up to here is in `first`, or on the page that is fetched after it.
    since: i64,
    frames: mpsc::Receiver<Numbered>,
    /// Cancelled when this one was too slow.
    pub cut: CancellationToken,
}

impl Guest {
    /// The next frame to send; `None` when the hub is gone. May be dropped at any time without losing a frame.
    pub async fn next(&mut self) -> Option<Frame> {
        if let Some(frame) = self.first.pop_front() {
            return Some(frame);
        }
        loop {
            let (seq, frame) = self.frames.recv().await?;
            if seq.is_none_or(|seq| seq > self.since) {
                return Some(frame);
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let gone = {
            let mut here = self.hub.visits().lock();
            let Some(one) = here.get_mut(&self.visitor) else { return };
            one.sockets.remove(&self.id);
            one.typing = false;
            let conversation = one.conversation;
            if one.sockets.is_empty() {
                here.remove(&self.visitor);
            }
            conversation
        };
        if let Some(conversation) = gone {
            self.hub.show_visitor(conversation);
        }
    }
}

/// Why a socket cannot stand.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("too many sockets")]
    TooMany,
    #[error(transparent)]
    Visit(#[from] VisitError),
}

impl super::Hub {
    /// Joins as a visitor and makes up for what was missed since `last_seq`: the first frames are the missed messages and `ready`,
    /// or `resync`. From then on everything of their thread comes in order.
    ///
    /// # Errors
    /// When there are too many sockets, or the database cannot be read.
    pub async fn welcome(
        &self,
        door: &Door,
        visitor: &Visitor,
        last_seq: Option<i64>,
        page: Option<VisitedPage>,
    ) -> Result<Guest, Refused> {
        self.begin().await.map_err(|error| VisitError::Desk(error.into()))?;
        let (frames, receiver) = mpsc::channel(BUFFER);
        let cut = CancellationToken::new();
        let id = self.visits().next.fetch_add(1, Ordering::Relaxed);
        // Registered before anything is read: what comes in between is in both, and left out by its number.
        {
            let mut here = self.visits().lock();
            let one = here.entry(visitor.id).or_insert_with(|| Here::new(door));
            if one.sockets.len() >= MOST_SOCKETS {
                return Err(Refused::TooMany);
            }
            one.door = door.clone();
            one.page = page.or(one.page.take());
            one.sockets.insert(id, Socket { frames, cut: cut.clone() });
        }
        let mut guest = Guest {
            hub: self.clone(),
            id,
            visitor: visitor.id,
            first: VecDeque::new(),
            since: 0,
            frames: receiver,
            cut,
        };
        let standing = self.desk().standing(visitor).await?;
        if let Some(one) = self.visits().lock().get_mut(&visitor.id) {
            one.thread = one.thread.or(standing.thread);
            one.conversation = one.conversation.or(standing.conversation);
            if one.status == VisitStatus::Nothing {
                one.status = standing.status;
            }
            one.answered_at = one.answered_at.max(standing.answered_at);
            one.last_in = one.last_in.max(standing.last_in);
        }
        (guest.since, guest.first) = self.missed(door, visitor, last_seq).await?;
        if let Some(conversation) = standing.conversation {
            self.show_visitor(conversation);
        }
        Ok(guest)
    }

    /// The first frames, and the number up to which they tell all.
    async fn missed(
        &self,
        door: &Door,
        visitor: &Visitor,
        last_seq: Option<i64>,
    ) -> Result<(i64, VecDeque<Frame>), VisitError> {
        let newest = self.desk().store().newest_seq().await?;
        let after = match last_seq {
            Some(seq) if (0..=newest).contains(&seq) => seq,
            // A number that is not ours: of another database, or made up.
            Some(_) => return Ok((newest, [frame(&json!({ "type": "resync", "seq": newest }))].into())),
            None => newest,
        };
        let page = self.desk().page_after(door, visitor, after, REPLAY).await?;
        if page.more {
            return Ok((newest, [frame(&json!({ "type": "resync", "seq": newest }))].into()));
        }
        if last_seq.is_some() && page.messages.is_empty() {
            // They have everything. That they said so before may have gone down with a process.
            self.desk().arrived(door, visitor).await?;
        }
        let mut frames: VecDeque<Frame> = page.messages.iter().map(|line| message(line.seq, line)).collect();
        let open = door.config("", self.desk().clock().now())?.open;
        frames.push_back(frame(&json!({
            "type": "ready", "seq": page.seq, "status": page.status, "open": open, "agents_online": self.agents_online(),
        })));
        Ok((page.seq, frames))
    }

    /// A visitor writes, or stopped.
    pub fn visitor_types(&self, visitor: VisitorId, on: bool) {
        let conversation = {
            let mut here = self.visits().lock();
            let Some(one) = here.get_mut(&visitor) else { return };
            one.typing = on;
            one.conversation
        };
        if let Some(conversation) = conversation {
            self.show_visitor(conversation);
        }
    }

    /// A visitor went to another page.
    pub fn visitor_moves(&self, visitor: VisitorId, page: VisitedPage) {
        let conversation = {
            let mut here = self.visits().lock();
            let Some(one) = here.get_mut(&visitor) else { return };
            one.page = Some(page);
            one.conversation
        };
        if let Some(conversation) = conversation {
            self.show_visitor(conversation);
        }
    }

    /// How many visitors have a socket here.
    #[must_use]
    pub fn visitors(&self) -> usize {
        self.visits().lock().len()
    }
}

impl Here {
    fn new(door: &Door) -> Self {
        Self {
            door: door.clone(),
            thread: None,
            conversation: None,
            status: VisitStatus::Nothing,
            answered_at: None,
            last_in: None,
            told: VecDeque::new(),
            typing: false,
            page: None,
            sockets: HashMap::new(),
        }
    }

    fn send(&self, seq: i64, text: &Frame) {
        for socket in self.sockets.values() {
            if socket.frames.try_send((Some(seq), text.clone())).is_err() {
                socket.cut.cancel();
            }
        }
    }

    /// May be lost: a full buffer is no reason to cut.
    fn hint(&self, text: &Frame) {
        for socket in self.sockets.values() {
            let _ = socket.frames.try_send((None, text.clone()));
        }
    }

    /// Whether a line says anything new; remembers it.
    fn is_news(&mut self, line: &Line) -> bool {
        const REMEMBERED: usize = 20;
        let plain = serde_json::to_string(&Line { seq: 0, ..line.clone() }).unwrap_or_default();
        if self.told.iter().any(|(id, text)| *id == line.id && *text == plain) {
            return false;
        }
        self.told.retain(|(id, _)| *id != line.id);
        self.told.push_back((line.id, plain));
        if self.told.len() > REMEMBERED {
            self.told.pop_front();
        }
        true
    }
}

impl Visits {
    fn lock(&self) -> MutexGuard<'_, HashMap<VisitorId, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Hands each visitor what of these events is theirs.
    pub(super) async fn hear(
        &self,
        desk: &Desk,
        events: &[Event],
        rows: &HashMap<ConversationId, ConversationRow>,
        stored: &[Stored],
        looked_at: impl Fn(ConversationId) -> bool,
    ) -> Result<(), DeskError> {
        let theirs = self.sort_out(stored);
        if !theirs.is_empty() {
            let ours: Vec<Stored> = stored.iter().filter(|one| theirs.contains_key(&one.id)).cloned().collect();
            let shown = desk.store().present(ours.clone()).await?;
            let mut last: HashMap<MessageId, i64> = HashMap::new();
            for event in events {
                last.extend(event.message_id.map(|id| (id, event.seq)));
            }
            let mut lines: Vec<_> = ours.iter().zip(&shown).collect();
            lines.sort_by_key(|(one, _)| last.get(&one.id).copied().unwrap_or_default());
            let mut here = self.lock();
            for (one, shown) in lines {
                let Some(visitor) = theirs.get(&one.id) else { continue };
                let Some(guest) = here.get_mut(visitor) else { continue };
                let seq = last.get(&one.id).copied().unwrap_or_default();
                if one.direction == Direction::Out {
                    guest.answered_at = guest.answered_at.max(Some(one.sent_at));
                }
                let line = desk.line_of(&guest.door, *visitor, one, shown, seq, guest.answered_at);
                if guest.is_news(&line) {
                    guest.send(seq, &message(seq, &line));
                    if one.direction == Direction::In && looked_at(one.conversation_id) {
                        guest.hint(&frame(&json!({ "type": "seen", "up_to": one.id })));
                    }
                }
            }
        }
        self.tell_status(events, rows);
        Ok(())
    }

    /// Whose messages these are, of those that somebody here may see; learns on the way which thread is whose.
    fn sort_out(&self, stored: &[Stored]) -> HashMap<MessageId, VisitorId> {
        let mut here = self.lock();
        let accounts: HashSet<AccountId> = here.values().map(|one| one.door.account.id).collect();
        let mut theirs = HashMap::new();
        let mut threads: HashMap<ThreadId, VisitorId> =
            here.iter().filter_map(|(id, one)| Some((one.thread?, *id))).collect();
        for one in stored.iter().filter(|one| accounts.contains(&one.account_id)) {
            let Some(thread) = one.thread_id else { continue };
            let visitor = if let Some(visitor) = threads.get(&thread) {
                *visitor
            } else {
                // Their first words: the message's own name says whose they are.
                let name = one.external_id.as_deref().and_then(|name| name.split_once(':'));
                let Some(visitor) = name.and_then(|(id, _)| id.parse::<VisitorId>().ok()) else { continue };
                let Some(guest) = here.get_mut(&visitor) else { continue };
                if guest.thread.is_some() || guest.door.account.id != one.account_id || one.direction != Direction::In {
                    continue;
                }
                guest.thread = Some(thread);
                threads.insert(thread, visitor);
                visitor
            };
            if let Some(guest) = here.get_mut(&visitor) {
                // Something older that changes may be of a conversation before this one.
                if guest.last_in.is_none_or(|last| one.id >= last) {
                    guest.conversation = Some(one.conversation_id);
                }
                if one.direction == Direction::In && one.is_for_visitors() {
                    guest.last_in = guest.last_in.max(Some(one.id));
                }
            }
            if one.is_for_visitors() {
                theirs.insert(one.id, visitor);
            }
        }
        theirs
    }

    fn tell_status(&self, events: &[Event], rows: &HashMap<ConversationId, ConversationRow>) {
        let kinds = [EventKind::ConversationChanged, EventKind::ConversationCreated, EventKind::MessageAdded];
        let mut last: HashMap<ConversationId, i64> = HashMap::new();
        for event in events.iter().filter(|event| kinds.contains(&event.kind)) {
            last.extend(event.conversation_id.map(|id| (id, event.seq)));
        }
        if last.is_empty() {
            return;
        }
        for guest in self.lock().values_mut() {
            let Some(conversation) = guest.conversation else { continue };
            let (Some(seq), Some(row)) = (last.get(&conversation), rows.get(&conversation)) else { continue };
            let status = VisitStatus::from(row.status);
            if status != guest.status {
                guest.status = status;
                guest.send(*seq, &frame(&json!({ "type": "status", "seq": seq, "status": status })));
            }
        }
    }

    /// Agents look at a conversation, or write in it: its visitor hears that.
    pub(super) fn agents_at(&self, conversation: ConversationId, viewers: &[ViewerHere]) {
        let here = self.lock();
        for guest in here.values().filter(|guest| guest.conversation == Some(conversation)) {
            let writer = viewers.iter().find(|viewer| viewer.replying);
            let name = writer.and_then(|writer| guest.door.called(&writer.name));
            guest.hint(&frame(&json!({ "type": "typing", "on": writer.is_some(), "name": name })));
            if let Some(up_to) = guest.last_in.filter(|_| !viewers.is_empty()) {
                guest.hint(&frame(&json!({ "type": "seen", "up_to": up_to })));
            }
        }
    }

    /// Whether anybody is there to answer, or when the doors opened or closed.
    pub(super) fn tell_presence(
        &self,
        now: Timestamp,
        agents_online: bool,
        last: &mut HashMap<AccountId, (bool, bool)>,
    ) {
        let here = self.lock();
        let mut state: HashMap<AccountId, (bool, bool)> = HashMap::new();
        for guest in here.values() {
            let id = guest.door.account.id;
            state
                .entry(id)
                .or_insert_with(|| (guest.door.config("", now).is_ok_and(|config| config.open), agents_online));
        }
        for guest in here.values() {
            let id = guest.door.account.id;
            let Some((open, agents_online)) = state.get(&id) else { continue };
            if last.get(&id).is_some_and(|before| before != &(*open, *agents_online)) {
                guest.hint(&frame(&json!({ "type": "presence", "open": open, "agents_online": agents_online })));
            }
        }
        *last = state;
    }

    /// The visitor of a conversation, for the agents who look at it. `None` when it has none.
    pub(super) fn at(&self, conversation: ConversationId) -> Option<VisitorHere> {
        let here = self.lock();
        let guest = here.values().find(|guest| guest.conversation == Some(conversation))?;
        Some(VisitorHere { online: true, typing: guest.typing, page: guest.page.clone() })
    }
}

fn message(seq: i64, line: &Line) -> Frame {
    frame(&json!({ "type": "message", "seq": seq, "data": line }))
}

fn frame(value: &serde_json::Value) -> Frame {
    Arc::from(value.to_string())
}
