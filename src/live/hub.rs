//! The hub: tails the log, loads what events speak of once, serialises once, hands it to whoever may see it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::Presence;
use super::visits::Visits;
use super::wire::{Event, EventActor, ServerMessage, VisitorHere};
use crate::desk::access::Visible;
use crate::desk::{Desk, DeskError, Viewer};
use crate::model::conversation::ConversationRow;
use crate::model::event::Event as Stored;
use crate::model::{AccountId, ConversationId, EventKind, MessageId, UserId};
use crate::store::messages::Stored as StoredMessage;

/// Frames a client may lag behind before it is cut: some seconds of a busy desk, some hundred kilobytes at worst.
const BUFFER: usize = 256;
/// After something was told the next is gathered for so long: a busy desk then costs each client a hundred frames a second at
/// most, and a single event goes out at once.
const GATHER: Duration = Duration::from_millis(10);
/// Events told in one frame.
const CHUNK: i64 = 500;
/// A client that missed more than this fetches everything again: that is cheaper for both.
const REPLAY: i64 = 2000;

/// One frame, serialised once for everybody.
pub type Frame = Arc<str>;

/// Connections and the tail of the log. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    desk: Desk,
    presence: Presence,
    next: AtomicU64,
    clients: Mutex<HashMap<u64, Client>>,
    visits: Visits,
    /// Where the tail begins, read once by whoever comes first: a client that joined before the tail ran must not miss what
    /// came in between.
    start: tokio::sync::OnceCell<i64>,
}

struct Client {
    viewer: Viewer,
    visible: Visible,
    frames: mpsc::Sender<Frame>,
    board: bool,
    cut: CancellationToken,
    doubt: Arc<Notify>,
}

/// One connection's end of the hub. Dropping it leaves.
pub struct Subscriber {
    hub: Hub,
    pub id: u64,
    /// What was missed; goes first, so that a cut in between leaves no hole below what was seen.
    first: std::collections::VecDeque<Frame>,
    frames: mpsc::Receiver<Frame>,
    /// Cancelled when this client was too slow or lost its rights: say `reset` and close.
    pub cut: CancellationToken,
    /// Told when a session of this person ended: look at once whether it was this one.
    pub doubt: Arc<Notify>,
}

impl Subscriber {
    /// The next frame to send; `None` when the hub is gone. May be dropped at any time without losing a frame.
    pub async fn next(&mut self) -> Option<Frame> {
        match self.first.pop_front() {
            Some(frame) => Some(frame),
            None => self.frames.recv().await,
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.hub.clients().remove(&self.id);
        if let Some(conversation) = self.hub.0.presence.leave(self.id) {
            self.hub.show_presence(conversation);
        }
    }
}

/// An event with its frame's text and the account that decides who may see it.
struct Told {
    audience: Option<AccountId>,
    text: String,
    access: Option<Change>,
}

/// What some events speak of, as it is now.
struct Loaded {
    rows: HashMap<ConversationId, ConversationRow>,
    stored: Vec<StoredMessage>,
}

/// A change that may move somebody's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Only who does not see everything may see more or less now.
    Accounts,
    People,
}

impl Hub {
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self(Arc::new(Inner {
            desk,
            presence: Presence::default(),
            next: AtomicU64::new(1),
            clients: Mutex::default(),
            visits: Visits::default(),
            start: tokio::sync::OnceCell::new(),
        }))
    }

    #[must_use]
    pub fn presence(&self) -> &Presence {
        &self.0.presence
    }

    pub(super) fn visits(&self) -> &Visits {
        &self.0.visits
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// Whether anybody is there to answer.
    #[must_use]
    pub fn agents_online(&self) -> bool {
        !self.clients().is_empty()
    }

    /// Makes sure that the tail has begun.
    pub(super) async fn begin(&self) -> Result<(), crate::store::StoreError> {
        self.start().await.map(|_| ())
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.clients().len()
    }

    /// Joins, and makes up for what was missed since `since`: the first frames are the missed events and `ready`, or `reset`.
    /// From then on everything this viewer may see comes in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn join(&self, viewer: Viewer, since: Option<i64>) -> Result<Subscriber, DeskError> {
        self.start().await?;
        let visible = self.0.desk.visible(&viewer).await?;
        let (frames, receiver) = mpsc::channel(BUFFER);
        let (cut, doubt) = (CancellationToken::new(), Arc::new(Notify::new()));
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.presence.arrive(id, viewer.user_id, &viewer.name);
        // Registered before the log is read: what comes in between is in both, and telling twice is harmless.
        let client =
            Client { viewer, visible: visible.clone(), frames, board: false, cut: cut.clone(), doubt: doubt.clone() };
        self.clients().insert(id, client);
        let first = std::collections::VecDeque::new();
        let mut subscriber = Subscriber { hub: self.clone(), id, first, frames: receiver, cut, doubt };

        let newest = self.0.desk.store().newest_seq().await?;
        subscriber.first = match since {
            Some(since) if since <= newest && newest - since <= REPLAY && since >= 0 => {
                self.replay(&visible, since, newest).await?.into()
            }
            Some(_) => [frame(&ServerMessage::Reset { seq: newest })].into(),
            None => [frame(&ServerMessage::Ready { seq: newest })].into(),
        };
        Ok(subscriber)
    }

    async fn replay(&self, visible: &Visible, since: i64, newest: i64) -> Result<Vec<Frame>, DeskError> {
        let mut frames = Vec::new();
        let mut seq = since;
        while seq < newest {
            let events = self.0.desk.store().events_after(seq, CHUNK).await?;
            let Some(last) = events.last() else { break };
            seq = last.seq;
            let loaded = self.load(&events).await?;
            let told = self.hydrate(events, loaded).await?;
            if let Some(text) = bundle(&told, visible) {
                frames.push(text);
            }
        }
        frames.push(frame(&ServerMessage::Ready { seq: seq.max(newest) }));
        Ok(frames)
    }

    async fn start(&self) -> Result<i64, crate::store::StoreError> {
        self.0.start.get_or_try_init(|| self.0.desk.store().newest_seq()).await.copied()
    }

    /// Follows the log until told to stop. Survives a database that is away.
    pub async fn run(&self, stop: CancellationToken) {
        let store = self.0.desk.store().clone();
        let mut newest = store.watch_events();
        let mut seq = loop {
            match self.start().await {
                Ok(seq) => break seq,
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be read; trying again");
                    if pause(&stop, Duration::from_secs(1)).await {
                        return;
                    }
                }
            }
        };
        loop {
            let before = seq;
            match self.tell(&mut seq).await {
                Ok(true) => continue,
                Ok(false) if seq > before => {
                    if pause(&stop, GATHER).await {
                        return;
                    }
                    continue;
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be read; trying again");
                    if pause(&stop, Duration::from_secs(1)).await {
                        return;
                    }
                    continue;
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = newest.changed() => if changed.is_err() { return },
                // Should a wake-up be lost on its way from another node, this finds the event.
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    /// Tells what is new after `seq`; true when there may be more.
    async fn tell(&self, seq: &mut i64) -> Result<bool, DeskError> {
        let events = self.0.desk.store().events_after(*seq, CHUNK).await?;
        let Some(last) = events.last().map(|event| event.seq) else { return Ok(false) };
        let more = events.len() as i64 == CHUNK;
        let (agents, visitors) = (!self.clients().is_empty(), !self.0.visits.is_empty());
        if !agents && !visitors {
            *seq = last;
            return Ok(more);
        }
        let loaded = self.load(&events).await?;
        if visitors {
            let looked_at = |conversation| !self.0.presence.viewers(conversation).is_empty();
            self.0.visits.hear(&self.0.desk, &events, &loaded.rows, &loaded.stored, looked_at).await?;
        }
        if !agents {
            *seq = last;
            return Ok(more);
        }
        let told = self.hydrate(events, loaded).await?;
        if let Some(change) = told.iter().filter_map(|event| event.access).max() {
            self.refresh_access(change).await?;
        }
        self.fan_out(&told);
        *seq = last;
        Ok(more)
    }

    fn fan_out(&self, told: &[Told]) {
        // Everybody who sees all gets the very same frame.
        let all = bundle(told, &Visible::All);
        let mut some: HashMap<Vec<AccountId>, Option<Frame>> = HashMap::new();
        for client in self.clients().values() {
            let text = match &client.visible {
                Visible::All => all.clone(),
                Visible::Only(accounts) => {
                    let mut key: Vec<AccountId> = accounts.iter().copied().collect();
                    key.sort_unstable();
                    some.entry(key).or_insert_with(|| bundle(told, &client.visible)).clone()
                }
            };
            if let Some(text) = text
                && client.frames.try_send(text).is_err()
            {
                client.cut.cancel();
            }
        }
    }

    /// Loads what the events speak of, each once.
    async fn load(&self, events: &[Stored]) -> Result<Loaded, DeskError> {
        let store = self.0.desk.store();
        let conversations: Vec<ConversationId> = unique(events.iter().filter_map(|event| event.conversation_id));
        let messages: Vec<MessageId> = unique(events.iter().filter_map(|event| event.message_id));
        let (rows, stored) = tokio::try_join!(store.rows(&conversations), store.stored_messages(&messages))?;
        Ok(Loaded { rows: rows.into_iter().map(|row| (row.id, row)).collect(), stored })
    }

    /// Puts the events together with what they speak of.
    async fn hydrate(&self, events: Vec<Stored>, loaded: Loaded) -> Result<Vec<Told>, DeskError> {
        let desk = &self.0.desk;
        let Loaded { rows, stored } = loaded;
        let messages: HashMap<_, _> =
            desk.show(stored).await?.into_iter().map(|message| (message.id, message)).collect();
        let accounts: HashMap<_, _> = if events.iter().any(|event| event.kind == EventKind::AccountChanged) {
            desk.accounts_within(&Visible::All).await?.into_iter().map(|account| (account.id, account)).collect()
        } else {
            HashMap::new()
        };
        // Of several events about one row in this chunk only the last carries it: the row is the same in all.
        let mut last_row: HashMap<ConversationId, i64> = HashMap::new();
        let mut last_message: HashMap<MessageId, i64> = HashMap::new();
        for event in &events {
            if let Some(id) = event.conversation_id {
                last_row.insert(id, event.seq);
            }
            if let Some(id) = event.message_id {
                last_message.insert(id, event.seq);
            }
        }
        Ok(events
            .into_iter()
            .map(|event| {
                let row = event.conversation_id.and_then(|id| rows.get(&id));
                let audience = row.map(|row| row.account_id).or(event.account_id);
                let access = match event.kind {
                    EventKind::AccountChanged => Some(Change::Accounts),
                    EventKind::TeamChanged | EventKind::UserChanged => Some(Change::People),
                    _ => None,
                };
                let event = Event {
                    seq: event.seq,
                    at: event.at,
                    kind: event.kind,
                    conversation_id: event.conversation_id,
                    message_id: event.message_id,
                    account_id: event.account_id,
                    actor: EventActor { kind: event.actor, id: event.user_id },
                    row: row.filter(|row| last_row.get(&row.id) == Some(&event.seq)).cloned(),
                    message: event
                        .message_id
                        .filter(|id| last_message.get(id) == Some(&event.seq))
                        .and_then(|id| messages.get(&id))
                        .cloned(),
                    account: event.account_id.and_then(|id| accounts.get(&id)).cloned(),
                    data: event.data,
                };
                Told { audience, text: serde_json::to_string(&event).unwrap_or_default(), access }
            })
            .collect())
    }

    /// Rights may have changed: who sees less now starts afresh, so that nothing stays on a screen it may not be on.
    async fn refresh_access(&self, change: Change) -> Result<(), DeskError> {
        let concerned: Vec<u64> = self
            .clients()
            .iter()
            .filter(|(_, client)| change == Change::People || client.visible != Visible::All)
            .map(|(id, _)| *id)
            .collect();
        if concerned.is_empty() {
            return Ok(());
        }
        // Once for all of them, however many there are.
        let rights = self.0.desk.rights().await?;
        let mut clients = self.clients();
        for id in concerned {
            let Some(client) = clients.get_mut(&id) else { continue };
            match rights.of(client.viewer.user_id) {
                Some((viewer, visible)) if visible == client.visible => client.viewer = viewer,
                _ => client.cut.cancel(),
            }
        }
        Ok(())
    }

    /// Somebody opened or left a conversation, or began or stopped writing: tells the others who look at it.
    pub fn show_presence(&self, conversation: ConversationId) {
        let viewers = self.0.presence.viewers(conversation);
        self.0.visits.agents_at(conversation, &viewers);
        let here: HashSet<_> = viewers.iter().map(|viewer| viewer.user_id).collect();
        let text = frame(&ServerMessage::Presence { conversation_id: conversation, viewers });
        for client in self.clients().values().filter(|client| here.contains(&client.viewer.user_id)) {
            // May be lost: a full buffer is not a reason to cut.
            let _ = client.frames.try_send(text.clone());
        }
    }

    /// A session or a token of somebody ended: each of their connections here looks at once whether it may stay. Those on other
    /// nodes look by themselves within half a minute.
    pub fn doubt(&self, user: UserId) {
        for client in self.clients().values().filter(|client| client.viewer.user_id == user) {
            client.doubt.notify_one();
        }
    }

    /// The visitor at the other end came, went, moved or writes: tells those who look at the conversation.
    pub fn show_visitor(&self, conversation: ConversationId) {
        let here: HashSet<_> = self.0.presence.viewers(conversation).iter().map(|viewer| viewer.user_id).collect();
        if here.is_empty() {
            return;
        }
        let visitor = self.0.visits.at(conversation).unwrap_or_default();
        let text = frame(&ServerMessage::Visitor { conversation_id: conversation, visitor });
        for client in self.clients().values().filter(|client| here.contains(&client.viewer.user_id)) {
            let _ = client.frames.try_send(text.clone());
        }
    }

    /// Somebody opened a conversation: its visitor, when it has one, is shown with it.
    #[must_use]
    pub fn visitor_at(&self, conversation: ConversationId) -> Option<VisitorHere> {
        self.0.visits.at(conversation)
    }

    /// Tells visitors when somebody comes to answer, or nobody is left. Once in some seconds: it is a comfort, not a promise.
    pub async fn run_presence(&self, stop: CancellationToken) {
        let mut last = HashMap::new();
        while !pause(&stop, Duration::from_secs(3)).await {
            let now = self.0.desk.clock().now();
            self.0.visits.tell_presence(now, self.agents_online(), &mut last);
        }
    }

    /// Wants the board, or no longer.
    pub fn set_board(&self, id: u64, on: bool) {
        if let Some(client) = self.clients().get_mut(&id) {
            client.board = on && client.viewer.sees_all();
        }
    }

    /// Sends the board to who wants it, once a second while it changes.
    pub async fn run_board(&self, stop: CancellationToken) {
        let mut last = String::new();
        loop {
            if pause(&stop, Duration::from_secs(1)).await {
                return;
            }
            if !self.clients().values().any(|client| client.board) {
                last.clear();
                continue;
            }
            match self.0.desk.load_now(&self.0.presence.online()).await {
                Ok(load) => {
                    let text = frame(&ServerMessage::Load { load: Box::new(load) });
                    if *text != *last {
                        for client in self.clients().values().filter(|client| client.board) {
                            let _ = client.frames.try_send(text.clone());
                        }
                        last = text.to_string();
                    }
                }
                Err(error) => tracing::warn!(%error, "the board cannot be counted"),
            }
        }
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Client>> {
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events of one chunk that somebody may see, as one frame.
fn bundle(told: &[Told], visible: &Visible) -> Option<Frame> {
    let mut text = String::new();
    for event in told.iter().filter(|event| event.audience.is_none_or(|account| visible.includes(account))) {
        text.push_str(if text.is_empty() { r#"{"type":"events","events":["# } else { "," });
        text.push_str(&event.text);
    }
    if text.is_empty() {
        return None;
    }
    text.push_str("]}");
    Some(text.into())
}

fn frame(message: &ServerMessage) -> Frame {
    serde_json::to_string(message).unwrap_or_default().into()
}

fn unique<T: Eq + std::hash::Hash + Copy>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<HashSet<T>>().into_iter().collect()
}

/// True when told to stop meanwhile.
async fn pause(stop: &CancellationToken, span: Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(span) => false,
    }
}
