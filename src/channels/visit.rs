//! Visitors who talk to us through our own door: the platform is we ourselves.
//!
//! Owns: what a channel must know and decide for that, as pure questions: who may come, what they are told, whether they are who
//! they say, what their words become. The desk keeps visitors and sessions, the door carries frames; neither knows which
//! channel this is.
//! Must not: know a database, a socket or a token.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Message;
use crate::model::Timestamp;
use crate::text_enum;

/// The facet of a channel whose platform is our own door. Everything is pure.
pub trait Visit: Send + Sync {
    /// Whether a page of this `Origin` may speak for visitors; our own pages always may.
    fn admits(&self, origin: &str) -> bool;

    /// The sources for `frame-ancestors`, safe to stand in a header.
    fn ancestors(&self) -> Vec<String>;

    /// What a visitor is told before anything is said, in the nearest language there is to `locale`.
    fn config(&self, locale: &str, now: Timestamp) -> Config;

    /// What must be proven before somebody may speak.
    fn identity(&self) -> Identity;

    /// Whether somebody is the customer they say they are. `audience` is the account; `secrets` are the account's.
    ///
    /// # Errors
    /// `Unproven` when a proof was given and is wrong, too old or for somebody else.
    fn prove(
        &self,
        presented: &Presented,
        secrets: &Value,
        audience: &str,
        now: Timestamp,
    ) -> Result<Option<Proven>, Unproven>;

    /// What a visitor said, as a message, and the visitor with what they told about themselves.
    ///
    /// # Errors
    /// `Wrong` when something that was asked for is missing, or there is too much of it.
    fn message(&self, said: Said) -> Result<(Message, Guest), Wrong>;

    /// Name, address and number as somebody gave them without proof, in the form in which they are kept; what is none is dropped.
    fn tidy(&self, presented: &Presented) -> Guest;

    /// What a visitor thought of it, as a message that asks for nothing. `None` when nobody asks for it here.
    fn rating(&self, rated: Rated) -> Option<Message>;

    /// The kind of a file, when it is taken: by its content, whatever its name says.
    fn takes(&self, content: &[u8]) -> Option<&'static str>;

    /// What an agent wrote, as a visitor sees it.
    fn shown(&self, text: &str) -> Shown;

    /// By what name an agent is known to visitors; `None`: as the organisation.
    fn called(&self, agent: &str) -> Option<String>;
}

text_enum!(
    /// Whether customers can prove who they are.
    Identity {
        Off = "off",
        Optional = "optional",
        /// Nobody speaks who did not.
        Required = "required",
    }
);

/// What a visitor is told before anything is said. Shapes and meanings are in `docs/WEBCHAT.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub name: String,
    pub language: String,
    pub open: bool,
    pub opens_at: Option<Timestamp>,
    pub expected_wait: Option<String>,
    pub texts: Texts,
    pub color: String,
    pub side: String,
    pub quick_replies: Vec<String>,
    pub prechat: Vec<Question>,
    pub when_closed: String,
    pub identity: Identity,
    pub rating: bool,
    pub files: Option<FileLimit>,
    pub text_max: usize,
    pub triggers: Vec<Trigger>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    pub title: String,
    pub greeting: Option<String>,
    pub away: Option<String>,
    pub consent: Option<String>,
}

/// One question of the form before the chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub key: String,
    /// `text`, `email`, `phone`, `choice` or `lines`.
    pub kind: String,
    pub label: Option<String>,
    pub required: bool,
    pub options: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLimit {
    pub max: usize,
    pub max_bytes: usize,
    pub mimes: Vec<String>,
}

/// When to speak first. All conditions that are there must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The same as long as the line it was made from is.
    pub id: String,
    pub after_seconds: Option<u32>,
    /// A path; `*` stands for anything.
    pub page: Option<String>,
    pub event: Option<String>,
    pub text: String,
}

/// Somebody with a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guest {
    /// Names the identity and the thread.
    pub id: String,
    /// The organisation's own key for them, proven.
    pub customer: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub phone: Option<String>,
    pub phone_verified: bool,
    pub avatar_url: Option<String>,
    pub language: Option<String>,
}

/// The page a visitor is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VisitedPage {
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
}

/// What somebody says.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub external_id: String,
    pub guest: Guest,
    pub text: String,
    pub files: Vec<GivenFile>,
    pub page: Option<VisitedPage>,
    /// Answers by the key of their question.
    pub answers: Map<String, Value>,
    /// Nothing was said before: what was asked must be answered.
    pub first: bool,
    /// Left while nobody was there, with an address to answer to.
    pub left: bool,
    /// What we said first, when that made them speak.
    pub trigger: Option<String>,
    pub at: Timestamp,
}

/// A file that is here.
#[derive(Clone, Debug)]
pub struct GivenFile {
    pub name: String,
    pub mime: String,
    pub content: Bytes,
}

/// What somebody thought of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Rated {
    pub external_id: String,
    pub guest: Guest,
    /// 1 to 5.
    pub score: u8,
    pub comment: String,
    pub at: Timestamp,
    /// It replaces an earlier one.
    pub again: bool,
}

/// Who somebody says they are, and how they would prove it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Presented {
    pub id: Option<String>,
    /// `hex(HMAC-SHA256(secret, id))`
    pub user_hash: Option<String>,
    pub jwt: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub avatar_url: Option<String>,
}

/// Who somebody is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    pub customer: String,
    pub name: Option<String>,
    pub email: Option<String>,
    /// The address was signed along.
    pub email_verified: bool,
    pub phone: Option<String>,
    pub phone_verified: bool,
    pub avatar_url: Option<String>,
}

/// The proof is wrong, too old or for somebody else. Which of them is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unproven;

/// Why something that was said is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The key of what is missing.
    Missing(String),
    /// The key of what is not what it should be.
    Invalid(String),
    TooLong,
    Empty,
}

/// What an agent wrote, as a visitor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub text: String,
    pub quick_replies: Vec<String>,
}
