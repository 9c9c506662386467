//! All that knows a platform.
//!
//! A channel is one folder here plus one line in `registry.rs`. It owns the platform's wire format, limits and errors.
//! It promises to turn what the platform says into [`Item`]s and what the desk wants said into calls, each with one
//! of the five classes of [`ChannelError`]. It must not know a database, an agent, a route or another channel.
//!
//! # The contract in prose
//!
//! * **One truth.** What a channel can do is data: a static [`Descriptor`], and facets that are `Some` or `None`. Having
//!   the facet is the capability. Nothing outside the folder mentions the channel's key.
//! * **Ids.** `external_id`s are opaque, stable and unique within the account. The same item seen by pull, push and
//!   stream carries the same id; a retry of the same delivery yields the same id. Identity ids are unique within the
//!   channel (globally addressable: `user@host`, a DID), so that two accounts see one person.
//! * **Threads.** A public thread is named by the earliest post of its chain that the brand did not write, so that a
//!   hundred people under one brand post are a hundred threads and bystanders in a customer's post are one. A
//!   private thread is named by the set of its participants without the brand.
//! * **A message has one thread.** The brand's posts above the post that names a thread stand above many threads: each
//!   gets a copy as `Context`, under the id [`above`]. A brand's post that nobody answered yet is in no thread and is not
//!   brought. Everything else keeps its id, thread and direction however it is met.
//! * **Direction.** `Out` is the brand's. Of the others, `In` is what names the brand or stands under a post of the brand;
//!   the rest of a chain is `Context`.
//! * **Order.** Items of a batch may come in any order; the desk sorts by `sent_at`. A parent may be missing.
//! * **Cursors.** The channel makes them, the desk stores them in the same transaction as the items. A batch may be
//!   delivered any number of times. A cursor must never skip what the previous batch did not contain.
//! * **What cannot be read** becomes [`Unreadable`] with the whole raw text, and never fails its neighbours on the page.
//! * **Cancellation.** Any future may be dropped at any await point; nothing may be half-kept inside the channel.
//! * **Time.** `now` comes from [`Context::clock`]. Platform times that cannot be right (future, before 2000) are kept in
//!   `sent_at` as given; the desk clamps.
//! * **Secrets** live in [`Context::secrets`]; a channel that rotates them saves before it uses the new ones, one refresh
//!   at a time.

#[macro_use]
pub mod registry;

pub mod claims;
pub mod client;
#[cfg(test)]
pub mod contract;
pub mod descriptor;
pub mod dial;
pub mod error;
pub mod fake;
pub mod hook;
pub mod html;
pub mod letters;
pub mod limits;
pub mod mailbox;
pub mod markup;
pub mod oauth;
pub mod outgoing;
pub mod signature;
pub mod visit;

mod item;
mod lenient;
mod nest;
mod packed;
mod stumbles;

macro_rules! declare {
    ($($key:ident)*) => {
        $(pub mod $key;)*
    };
}

registry!(declare);

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::model::Timestamp;
pub use client::Client;
pub use descriptor::{Descriptor, Field, FieldKind, Words};
pub use error::{ChannelError, Class, Warning};
pub use hook::{Hook, HookAnswer, Pushed};
pub use item::{Author, Batch, File, Item, Known, Message, Quota, Source, ThreadRef, Unreadable, above};
pub use letters::{AnswerAt, Left, Letters, TakenIn};
pub use limits::{Allowance, AttachmentLimit, HandOff, Limit, Measure, Unit};
pub use outgoing::{Action, Original, OutFile, Outgoing, Sent};

/// What a channel gets when it is connected.
#[derive(Clone)]
pub struct Context {
    /// The shared, guarded HTTP client.
    pub client: Client,
    pub clock: Clock,
    /// The account's settings: the descriptor's fields that are not secret, as a JSON object.
    pub settings: Value,
    /// The account's secrets.
    pub secrets: Arc<dyn Secrets>,
    /// How far back the first pull reaches, before now.
    pub history: Duration,
}

/// The account's secrets, one JSON object: the descriptor's secret fields and whatever the channel adds
/// (session tokens, client registrations). Encrypted at rest.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The current secrets.
    async fn load(&self) -> Result<Value, ChannelError>;
    /// Replaces the secrets; returns when they are safe.
    async fn save(&self, secrets: &Value) -> Result<(), ChannelError>;
}

/// Secrets in memory, for connection tests and for the contract suite.
#[derive(Default)]
pub struct MemorySecrets(std::sync::Mutex<Value>);

impl MemorySecrets {
    #[must_use]
    pub fn new(secrets: Value) -> Self {
        Self(std::sync::Mutex::new(secrets))
    }
}

#[async_trait]
impl Secrets for MemorySecrets {
    async fn load(&self) -> Result<Value, ChannelError> {
        Ok(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone())
    }
    async fn save(&self, secrets: &Value) -> Result<(), ChannelError> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone_from(secrets);
        Ok(())
    }
}

/// A connected account. Cheap to make, makes no call until asked.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Who are we there, is the token good, what are this server's limits. One or two calls.
    async fn probe(&self) -> Result<Probe, ChannelError>;

    /// The allowance of a thread: may we reply now, until when, how long, with what. Pure; uses what `probe` found last
    /// (passed back as `facts`, with the thread's own memory under `thread`: [`Item::Remember`]), so that the composer, the API
    /// and the sender read one truth without a call.
    fn allowance(&self, thread: &ThreadRef, facts: &Value) -> Allowance;

    /// Counts a text as the platform counts it, and proposes parts when it is too long. Pure.
    fn measure(&self, draft: &Draft<'_>, facts: &Value) -> Measure;

    fn pull(&self) -> Option<&dyn Pull> {
        None
    }
    fn push(&self) -> Option<&dyn Push> {
        None
    }
    fn stream(&self) -> Option<&dyn Stream> {
        None
    }
    fn reply(&self) -> Option<&dyn Reply> {
        None
    }
    fn moderate(&self) -> Option<&dyn Moderate> {
        None
    }
    fn visit(&self) -> Option<&dyn visit::Visit> {
        None
    }
    fn files(&self) -> Option<&dyn Files> {
        None
    }
    fn calls(&self) -> Option<&dyn Calls> {
        None
    }
    fn letters(&self) -> Option<&dyn Letters> {
        None
    }
    /// Whether nobody asks this platform for news: it calls, and that is all that is heard of it.
    fn only_calls(&self) -> bool {
        self.pull().is_none_or(|pull| pull.feeds().is_empty()) && self.stream().is_none()
    }

    /// The page in the original of a message ([`Source`]) as its author laid it out, not sanitised; `None` when it has none.
    fn page(&self, original: &[u8]) -> Option<String> {
        let _ = original;
        None
    }
}

/// The outcome of a probe.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Probe {
    /// The brand's identity id on the channel (`user@host`, a DID).
    pub external_id: String,
    /// As people write it: `@merk@voorbeeld.nl`.
    pub handle: String,
    pub name: String,
    pub url: Option<String>,
    /// What the channel wants back in `allowance` and `measure`: the server's limits. Opaque to the desk.
    pub facts: Value,
    /// When the credentials end by themselves; `None` when they do not, or nobody knows.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Things that work less well than they could.
    pub warnings: Vec<Warning>,
}

/// What the composer holds while somebody writes.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    pub thread: &'a ThreadRef,
    /// `meta` of the message that is answered (when none is chosen, of the thread's last inbound one): whom the platform
    /// makes us name in the text is counted too.
    pub reply_to: Option<&'a Value>,
    pub text: &'a str,
    pub content_warning: Option<&'a str>,
    pub visibility: Option<&'a str>,
}

/// A source that is asked again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Stable within the channel: names the cursor.
    pub key: &'static str,
    /// Cadence while things happen.
    pub busy: Duration,
    /// Cadence when nothing has happened for a while.
    pub idle: Duration,
}

/// Fetching by asking.
#[async_trait]
pub trait Pull: Send + Sync {
    fn feeds(&self) -> &'static [Feed];

    /// One page after `cursor`, oldest news first where the platform allows. `None` is the first pull ever: bring the last
    /// `Context::history` as items with `history: true`. `Batch::more` asks to be called again at once.
    async fn pull(&self, feed: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError>;

    /// Looks at messages that the desk has open, and reports which were edited or removed, with the quota of the last answer. At
    /// most `recheck_max` ids a call; where each costs a call of its own it may look at some, in turn.
    async fn recheck(&self, known: &[Known]) -> Result<Batch, ChannelError>;

    /// Reads one payload that was quarantined under this feed, as `pull` would read it on a page. What still cannot be read is
    /// `Unreadable` again.
    async fn reread(&self, feed: &str, payload: &str) -> Result<Batch, ChannelError> {
        let _ = feed;
        let error = "this channel cannot read single payloads".to_owned();
        Ok(Batch { unreadable: vec![Unreadable { payload: payload.to_owned(), error }], ..Batch::default() })
    }

    /// How many ids one `recheck` takes; 0 when the platform cannot be asked.
    fn recheck_max(&self) -> usize;
}

/// Being called by the platform.
#[async_trait]
pub trait Push: Send + Sync {
    /// Verifies the signature in constant time and reads the body. `Unauthorized` when the signature is wrong. May ask the
    /// platform for what the call leaves out, within seconds: the platform waits, and calls again when we fail.
    async fn receive(&self, hook: &Hook<'_>) -> Result<Pushed, ChannelError>;
}

/// A long connection.
#[async_trait]
pub trait Stream: Send + Sync {
    /// Connects and sends what comes until the connection ends; always returns an error (`Transient` for a plain end). The
    /// sink's bound is the back-pressure. The first thing sent after a connection stands is an empty batch: the runner
    /// then pulls once, because what happened in between is in no stream.
    async fn run(&self, sink: mpsc::Sender<Batch>) -> ChannelError;
}

/// Answering.
#[async_trait]
pub trait Reply: Send + Sync {
    /// Sends once. `Uncertain` when the platform may have taken it and cannot tell us; never used for a clear refusal.
    /// Calling it again with the same `Outgoing` must not post twice where the platform gives a means (key, chosen id).
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError>;

    /// Looks whether an earlier attempt arrived. `Ok(None)` only when it certainly did not.
    async fn find(&self, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError>;
}

/// Everything else one may do to a message or its author.
#[async_trait]
pub trait Moderate: Send + Sync {
    /// What may be offered for this message.
    fn actions(&self, own: bool, lane: crate::model::Lane) -> Vec<Action>;
    /// Does it. `meta` is the `meta` of the message as the channel made it. Doing it twice has the effect of once.
    async fn act(
        &self,
        action: Action,
        external_id: &str,
        author: &str,
        meta: &Value,
        reason: Option<&str>,
    ) -> Result<(), ChannelError>;
}

/// Fetching files that a plain request cannot have: behind a token, or under a reference of the platform's own.
#[async_trait]
pub trait Files: Send + Sync {
    /// The content of [`File::url`], at most `max` bytes; `Rejected` when it is larger or gone for good.
    async fn fetch(&self, url: &str, max: usize) -> Result<bytes::Bytes, ChannelError>;
}

/// Taking notes of what was said on the telephone: agents write them down, no platform does.
pub trait Calls: Send + Sync {
    /// The message that a call becomes. Pure; the same key gives the same id.
    ///
    /// # Errors
    /// `Rejected` when the number is none.
    fn note(&self, call: &Call) -> Result<Message, ChannelError>;
}

/// A call, written down by who took or made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Names this note for ever.
    pub key: String,
    /// We called them.
    pub outbound: bool,
    /// As it was shown or said; none when it was withheld.
    pub number: Option<String>,
    pub name: Option<String>,
    pub notes: String,
    pub outcome: Option<String>,
    pub at: Timestamp,
    /// When they were promised to be called back.
    pub call_back_at: Option<Timestamp>,
    /// The agent's name.
    pub taken_by: String,
}

/// Guards a shared place for the state of one connection (a session's tokens).
pub type Shared<T> = Arc<tokio::sync::Mutex<T>>;
