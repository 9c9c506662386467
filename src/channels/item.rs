//! What comes in, in the desk's words.

use bytes::Bytes;
use serde_json::Value;

use super::{AnswerAt, ChannelError, packed};
use crate::model::{
    Answered, AttachmentKind, Automatic, Claim, Direction, Lane, MessageKind, ReceiptState, Recipients, ThreadKind,
    Timestamp,
};

/// A page of news and the place to go on from.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub items: Vec<Item>,
    /// What could not be read; kept whole, shown, replayable.
    pub unreadable: Vec<Unreadable>,
    /// The new cursor; `None` leaves the old one.
    pub next: Option<Value>,
    /// Another page waits: ask again at once.
    pub more: bool,
    /// What the platform said about how much may still be asked.
    pub quota: Option<Quota>,
}

/// Rate-limit headroom as the platform's headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Quota {
    pub limit: i64,
    pub remaining: i64,
    pub reset_at: Timestamp,
}

impl Quota {
    /// What asking may still take: the last tenth is for what people send.
    #[must_use]
    pub const fn spare(&self) -> i64 {
        self.remaining - self.limit / 10
    }
}

/// One piece of news. Its JSON is what is held of it when it cannot be stored: read again by later versions too.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A message, new or as it is now: the desk compares with what it has, and an other text with a later `edited_at` becomes a version.
    Message(Box<Message>),
    /// A message is gone from the platform. Unknown ids are ignored.
    Removed { external_id: String, at: Option<Timestamp> },
    /// How far a message of ours got, or that it came back (`error` says why). Unknown ids are ignored.
    Receipt { external_id: String, state: ReceiptState, at: Option<Timestamp>, error: Option<Box<ChannelError>> },
    /// Somebody put a sign at a message; `None` takes it back. Unknown ids are ignored, and what is older than their sign that
    /// is there.
    Reaction { external_id: String, author: Box<Author>, emoji: Option<String>, at: Option<Timestamp> },
    /// The platform gave a thread another id; its messages keep theirs.
    Moved { from: String, to: ThreadRef },
    /// What the channel has to remember of a thread (blocked, a window that ends): the fields of this object replace those of
    /// the same name, and all come back to `allowance` as `facts["thread"]`. Unknown threads are ignored.
    Remember { thread: String, memory: Value },
    /// The thread was settled without us: an accepted answer of a peer.
    Solved { thread: String, by: String, url: Option<String>, at: Option<Timestamp> },
}

/// One utterance on the platform.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Message {
    pub external_id: String,
    pub thread: ThreadRef,
    pub author: Author,
    /// `In` asks for an answer; `Out` is the brand's own, written elsewhere or by us; `Context` explains and rings no bell.
    pub direction: Direction,
    pub kind: MessageKind,
    /// Plain text, as the platform's own client shows it: no mark-up, paragraphs as blank lines, links whole.
    pub text: String,
    /// Sanitised again before it is shown; `None` when the text says it all.
    pub html: Option<String>,
    /// BCP 47 as the author or platform says.
    pub language: Option<String>,
    pub content_warning: Option<String>,
    /// The platform's word (`public`, `unlisted`, `private`, `direct`).
    pub visibility: Option<String>,
    pub sent_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    /// External id of the message this one answers.
    pub reply_to: Option<String>,
    /// External ids of messages said before in the same exchange, nearest first. The thread of the first that is known wins over
    /// `thread`: for media whose messages name what they follow and not where they belong.
    pub follows: Vec<String>,
    /// Where a person can see it.
    pub url: Option<String>,
    pub files: Vec<File>,
    /// What the author's client repeated below the own words (quotation, signature): shown folded.
    pub quoted: Option<String>,
    /// The original, whole: kept by its hash, to be read again.
    pub source: Option<Source>,
    /// Written by a machine: asks nobody for an answer, wakes nothing.
    pub automatic: Option<Automatic>,
    /// Where the medium addresses people one by one.
    pub recipients: Option<Recipients>,
    /// Structured answers (a form, a call), in order.
    pub fields: Vec<Answered>,
    /// When somebody was promised an answer or an outcome.
    pub due_at: Option<Timestamp>,
    /// Where its author wants the answer, when they are not there to get it where they spoke. An account with a mailbox hands the
    /// message over to it ([`super::Letters`]); without one it stays here.
    pub answer_at: Option<AnswerAt>,
    /// Came with the first pull, from before Balie was there: shown, but rings no bell and waits for nobody.
    pub history: bool,
    /// What the channel needs to answer or moderate this message (cids, mentions); opaque to the desk, kept as is.
    pub meta: Value,
}

impl Default for Message {
    fn default() -> Self {
        Self {
            external_id: String::new(),
            thread: ThreadRef::default(),
            author: Author::default(),
            direction: Direction::In,
            kind: MessageKind::Dm,
            text: String::new(),
            html: None,
            language: None,
            content_warning: None,
            visibility: None,
            sent_at: Timestamp(0),
            edited_at: None,
            reply_to: None,
            follows: Vec::new(),
            url: None,
            files: Vec::new(),
            quoted: None,
            source: None,
            automatic: None,
            recipients: None,
            fields: Vec::new(),
            due_at: None,
            answer_at: None,
            history: false,
            meta: Value::Object(serde_json::Map::new()),
        }
    }
}

/// The original of a message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Source {
    pub mime: String,
    #[serde(with = "packed")]
    pub bytes: Bytes,
}

/// Which thread a message belongs to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ThreadRef {
    pub external_id: String,
    pub lane: Lane,
    pub kind: ThreadKind,
    pub title: Option<String>,
    pub url: Option<String>,
}

impl Default for ThreadRef {
    fn default() -> Self {
        Self { external_id: String::new(), lane: Lane::Private, kind: ThreadKind::Dm, title: None, url: None }
    }
}

/// Who wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Author {
    /// Unique within the channel: `user@host`, a DID.
    pub external_id: String,
    /// As people write it, without a leading `@`.
    pub handle: String,
    pub name: String,
    pub avatar_url: Option<String>,
    pub url: Option<String>,
    /// What is known of who they are elsewhere.
    pub claims: Vec<Claim>,
}

/// A file at a message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct File {
    pub kind: AttachmentKind,
    /// Where to fetch it: an address, or the channel's own reference where it has [`super::Files`]. Empty with `content`.
    pub url: String,
    /// The bytes, when they came along.
    #[serde(with = "packed::maybe")]
    pub content: Option<Bytes>,
    /// By what name the message's HTML shows it (RFC 2392), without brackets.
    pub content_id: Option<String>,
    pub mime: Option<String>,
    pub name: Option<String>,
    pub alt: Option<String>,
    pub size: Option<i64>,
    pub width: Option<i64>,
    pub height: Option<i64>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            kind: AttachmentKind::File,
            url: String::new(),
            content: None,
            content_id: None,
            mime: None,
            name: None,
            alt: None,
            size: None,
            width: None,
            height: None,
        }
    }
}

/// A payload that could not be turned into an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The whole raw text.
    pub payload: String,
    /// Why, for the admin.
    pub error: String,
}

/// A message the desk knows, for `recheck`.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub external_id: String,
    pub thread: ThreadRef,
    pub meta: Value,
}

/// The id of the copy of a brand's post that is shown above one thread of the many under it.
#[must_use]
pub fn above(external_id: &str, thread: &str) -> String {
    format!("{external_id}~{thread}")
}
