//! The suite that every channel runs over its own fake: the contract of `channels/mod.rs` as tests that can fail.
//!
//! A channel's `tests.rs` implements [`Harness`] and chooses the groups of behaviours that its medium has:
//! `crate::channel_contract!(ItsHarness: public, private, edits, …);` (the groups: `contract/groups.rs` and `docs/CHANNELS.md`).
//! A behaviour that the medium lacks is not generated; none passes by skipping. Behaviours live in `contract/inbound.rs`,
//! `contract/outbound.rs` and `contract/faults.rs`; [`Inbox`] is the desk in small: it keeps what came by id, as the
//! database does, and fails when the same id comes back as something else.

mod faults;
mod groups;
mod inbound;
mod outbound;

/// Every behaviour by its name, for `channel_contract!`.
pub mod behaviours {
    pub use super::faults::*;
    pub use super::inbound::*;
    pub use super::outbound::*;
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::fake::{Fault, Rule, Wire};
use super::{Batch, Channel, ChannelError, Item, Known, Message, Outgoing};
use crate::clock::Clock;
use crate::model::{Direction, Lane, MessageId, ThreadKind};

/// Who acts on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Brand,
    Customer,
    Other,
}

/// How somebody reaches the brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In public, naming the brand.
    Mention,
    /// Between the two of them: a direct message, a mail, a chat.
    Private,
}

impl Way {
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::Mention => Lane::Public,
            Self::Private => Lane::Private,
        }
    }
}

/// What happens to the next attempt to post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hitch {
    /// The platform takes it; its answer is lost.
    AnswerLost,
    /// As `AnswerLost`, in the middle of the answer.
    AnswerCut,
    /// Refused for now; nothing was taken.
    Busy,
    /// Refused, to be tried again in a minute.
    TooFast,
    /// The credentials are refused, until `Harness::heal`.
    LockedOut,
}

/// Something said on the platform, past Balie.
#[derive(Clone, Debug)]
pub struct Say {
    pub by: Who,
    pub text: String,
    /// The id of the post that is answered.
    pub to: Option<String>,
    /// Mentions the brand in the platform's way.
    pub names_brand: bool,
    /// A direct message between this one and the brand (from the brand: to `Customer`).
    pub private: bool,
}

impl Say {
    /// A public post of its own that names nobody.
    pub fn post(by: Who, text: impl Into<String>) -> Self {
        Self { by, text: text.into(), to: None, names_brand: false, private: false }
    }
    /// A public post that mentions the brand.
    pub fn mention(by: Who, text: impl Into<String>) -> Self {
        Self { names_brand: true, ..Self::post(by, text) }
    }
    /// A public reply that does not mention the brand.
    pub fn reply(by: Who, to: &str, text: impl Into<String>) -> Self {
        Self { to: Some(to.to_owned()), ..Self::post(by, text) }
    }
    /// Whatever reaches the brand in this way.
    pub fn by(way: Way, who: Who, text: impl Into<String>) -> Self {
        match way {
            Way::Mention => Self::mention(who, text),
            Way::Private => Self::dm(who, text),
        }
    }
    /// A direct message.
    pub fn dm(by: Who, text: impl Into<String>) -> Self {
        Self { private: true, ..Self::mention(by, text) }
    }
}

/// A message of the brand as it stands on the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub external_id: String,
    pub text: String,
    pub reply_to: Option<String>,
    pub private: bool,
}

/// A platform that is being played, with the brand and two customers on it.
///
/// The first part is for every medium; each method of the second part serves the groups its first line names.
#[async_trait]
pub trait Harness: Send + Sync + Sized + 'static {
    /// A fresh platform, nothing said yet, its time and the connection's given by one manual clock.
    async fn start() -> Self;
    fn clock(&self) -> &Clock;
    /// A fresh connection of the brand's account, as after a restart, with seven days of history.
    fn connect(&self) -> Arc<dyn Channel>;
    /// The id and handle of somebody as `Author` must give them.
    fn author(&self, who: Who) -> (String, String);
    /// Every way in which somebody reaches the brand there, the most usual first.
    fn ways() -> &'static [Way];
    /// What kind of thread a way leads to.
    fn kind(way: Way) -> ThreadKind {
        match way {
            Way::Mention => ThreadKind::Post,
            Way::Private => ThreadKind::Dm,
        }
    }
    /// Says something, returns the external id that the channel must give it. The fake's time moves on a little.
    async fn say(&self, say: Say) -> String;
    /// What the brand said, oldest first, mention prefixes of the platform included.
    async fn said(&self) -> Vec<Said>;
    /// Lets what waits on the platform reach the inbox: by asking, or by handing over what the platform calls with.
    async fn bring(&self, inbox: &mut Inbox) -> Result<(), ChannelError> {
        inbox.pull().await
    }
    /// Says something that reaches the brand in the most usual way.
    async fn reach(&self, who: Who, text: impl Into<String> + Send) -> String {
        self.say(Say::by(Self::ways()[0], who, text)).await
    }

    /// `edits`: changes a text.
    async fn edit(&self, by: Who, id: &str, text: &str) {
        let _ = (by, id, text);
        missing("edit")
    }
    /// `deletes`, `live_deletes`, `reply_to_deleted`: takes a message away.
    async fn delete(&self, by: Who, id: &str) {
        let _ = (by, id);
        missing("delete")
    }
    /// `likes`: whether the brand likes this message now.
    async fn liked(&self, id: &str) -> bool {
        let _ = id;
        missing("liked")
    }
    /// `paging`, `history`, `http`: how many items one page, or one round of asking, holds at most.
    fn page_size() -> usize {
        missing("page_size")
    }
    /// `http`, `quarantine`: the line to an HTTP platform.
    fn wire(&self) -> &Wire {
        missing("wire")
    }
    /// `http`, `quarantine`: the path of the feed that brings what `reach` says, and the JSON pointer to the items of its page.
    fn page() -> (&'static str, &'static str) {
        missing("page")
    }
    /// `http`: everything that may never be seen in an error: tokens, passwords.
    fn secrets(&self) -> Vec<String> {
        missing("secrets")
    }
    /// `idempotent`, `lookup`, `ambiguous`, `throttled` over HTTP: the method and path (with `*`) that post an answer to what `reach` says.
    fn posting() -> (reqwest::Method, &'static str) {
        missing("posting")
    }
    /// `idempotent`, `lookup`, `ambiguous`, `throttled`: scripts what happens to the next attempt to post.
    fn hitch(&self, hitch: Hitch) {
        let fault = match hitch {
            Hitch::AnswerLost => Fault::CutAfter,
            Hitch::AnswerCut => Fault::Half,
            Hitch::Busy => Fault::status(503),
            Hitch::TooFast => Fault::with_headers(429, &[("retry-after", "60")]),
            Hitch::LockedOut => Fault::status(401),
        };
        let (method, path) = Self::posting();
        let rule = Rule::new(path, fault).method(method);
        self.wire().inject(if hitch == Hitch::LockedOut { rule.always() } else { rule });
    }
    /// `throttled`: takes back every hitch.
    fn heal(&self) {
        self.wire().heal();
    }
    /// `stream` over HTTP: the path of the stream.
    fn streaming() -> &'static str {
        missing("streaming")
    }
    /// `stream`: ends every connection that stands.
    fn cut(&self) {
        self.wire().cut_all();
    }
    /// `stream`: from now on the stream refuses our credentials.
    fn lock_stream(&self) {
        self.wire().inject(Rule::new(Self::streaming(), Fault::status(401)).always());
    }
}

/// A group was chosen whose method the harness does not give.
fn missing(method: &str) -> ! {
    panic!("a chosen group needs Harness::{method}")
}

/// What the desk keeps, in small.
pub struct Inbox {
    pub channel: Arc<dyn Channel>,
    pub cursors: BTreeMap<&'static str, Value>,
    pub messages: BTreeMap<String, Message>,
    /// How often each id came in as something new or again.
    pub seen: BTreeMap<String, usize>,
    pub removed: BTreeSet<String>,
    pub unreadable: Vec<super::Unreadable>,
    /// Receipts, reactions, threads that moved or were settled, in the order in which they came.
    pub others: Vec<Item>,
}

impl Inbox {
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self {
            channel,
            cursors: BTreeMap::new(),
            messages: BTreeMap::new(),
            seen: BTreeMap::new(),
            removed: BTreeSet::new(),
            unreadable: Vec::new(),
            others: Vec::new(),
        }
    }

    /// The account was connected a moment ago and has taken its first, empty look.
    pub async fn connected<H: Harness>(harness: &H) -> Self {
        let mut inbox = Self::new(harness.connect());
        harness.bring(&mut inbox).await.expect("the first look");
        harness.clock().advance(Duration::from_secs(60));
        inbox
    }

    /// Balie was restarted: cursors and messages are kept, the connection is new.
    pub fn restart<H: Harness>(&mut self, harness: &H) {
        self.channel = harness.connect();
    }

    /// Asks every feed until nothing more waits. Stops at the first error, as one feed's runner would.
    pub async fn pull(&mut self) -> Result<(), ChannelError> {
        let channel = Arc::clone(&self.channel);
        let pull = channel.pull().expect("a channel of the suite can be pulled");
        for feed in pull.feeds() {
            for round in 0.. {
                assert!(round < 200, "{} never ends", feed.key);
                let batch = pull.pull(feed.key, self.cursors.get(feed.key)).await?;
                let more = batch.more;
                if let Some(next) = &batch.next {
                    self.cursors.insert(feed.key, next.clone());
                }
                self.take(batch);
                if !more {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Looks after everything known: by asking for it where the platform can be asked, else the news tells.
    pub async fn look_after<H: Harness>(&mut self, harness: &H) -> Result<(), ChannelError> {
        let channel = Arc::clone(&self.channel);
        if channel.pull().is_some_and(|pull| pull.recheck_max() > 0) {
            self.recheck().await
        } else {
            harness.bring(self).await
        }
    }

    /// Rechecks everything known.
    pub async fn recheck(&mut self) -> Result<(), ChannelError> {
        let channel = Arc::clone(&self.channel);
        let pull = channel.pull().expect("a channel of the suite can be pulled");
        let known: Vec<Known> = self
            .messages
            .values()
            .filter(|m| !self.removed.contains(&m.external_id))
            .map(|m| Known { external_id: m.external_id.clone(), thread: m.thread.clone(), meta: m.meta.clone() })
            .collect();
        for some in known.chunks(pull.recheck_max().max(1)) {
            let batch = pull.recheck(some).await?;
            self.take(batch);
        }
        Ok(())
    }

    /// Keeps a batch; the same id must mean the same message in the same thread.
    pub fn take(&mut self, batch: Batch) {
        self.unreadable.extend(batch.unreadable);
        for item in batch.items {
            match item {
                Item::Removed { external_id, .. } => {
                    self.removed.insert(external_id);
                }
                other @ (Item::Receipt { .. }
                | Item::Reaction { .. }
                | Item::Moved { .. }
                | Item::Remember { .. }
                | Item::Solved { .. }) => {
                    self.others.push(other);
                }
                Item::Message(message) => {
                    *self.seen.entry(message.external_id.clone()).or_default() += 1;
                    if let Some(html) = &message.html {
                        assert_eq!(*html, super::html::sanitise(html), "unsanitised html");
                    }
                    if let Some(before) = self.messages.get(&message.external_id) {
                        assert_eq!(
                            before.thread.external_id, message.thread.external_id,
                            "{} changed its thread",
                            message.external_id
                        );
                        assert_eq!(before.thread.lane, message.thread.lane, "{} changed its lane", message.external_id);
                        assert_eq!(
                            before.direction, message.direction,
                            "{} changed its direction",
                            message.external_id
                        );
                        assert_eq!(
                            before.author.external_id, message.author.external_id,
                            "{} changed its author",
                            message.external_id
                        );
                        assert_eq!(before.sent_at, message.sent_at, "{} changed its time", message.external_id);
                        let keep = before.history;
                        self.messages.insert(message.external_id.clone(), Message { history: keep, ..*message });
                    } else {
                        self.messages.insert(message.external_id.clone(), *message);
                    }
                }
            }
        }
    }

    /// The one message that contains this text, outside of copies made as context.
    #[track_caller]
    pub fn find(&self, text: &str) -> &Message {
        let hits: Vec<_> =
            self.messages.values().filter(|m| m.direction != Direction::Context && m.text.contains(text)).collect();
        assert_eq!(
            hits.len(),
            1,
            "{text:?} among {:#?}",
            self.messages.values().map(|m| (&m.external_id, m.direction, &m.text)).collect::<Vec<_>>()
        );
        hits[0]
    }

    /// How many messages contain this text, outside of context.
    pub fn count(&self, text: &str) -> usize {
        self.messages.values().filter(|m| m.direction != Direction::Context && m.text.contains(text)).count()
    }

    /// A reply to a message as the composer makes it.
    pub fn answer(&self, to: &Message, text: &str, clock: &Clock) -> Outgoing {
        Outgoing {
            key: MessageId::new(),
            attempt: 1,
            written_at: clock.now(),
            thread: to.thread.clone(),
            reply_to: Some((to.external_id.clone(), to.meta.clone())),
            text: text.to_owned(),
            content_warning: None,
            visibility: None,
            language: Some("nl".to_owned()),
            files: Vec::new(),
            addressed: None,
            forward: false,
            automatic: false,
            subject: None,
            original: None,
        }
    }
}

/// Polls a future a few times and drops it, as a runner does that is stopped in the middle. `true` when it ended.
pub async fn drop_after<F: Future>(future: F, polls: usize) -> bool {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if future.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(true);
        }
        if left == 0 {
            return std::task::Poll::Ready(false);
        }
        left -= 1;
        std::task::Poll::Pending
    })
    .await
}
