//! What some media put around the words of a message: addressees, quotations, answers of a form, receipts, reactions.
//!
//! Promises: a message without any of it costs nothing: `Extra::is_empty` and no column is written.
//! Must not: hold what is searched or sorted by; that has columns of its own.

use super::Timestamp;
use crate::text_enum;

text_enum!(
    /// Written by a machine: asks nobody for an answer, wakes nothing (RFC 3834).
    Automatic {
        /// Out of office and its like.
        Reply = "reply",
        /// A mailing list or newsletter.
        List = "list",
        /// A message of ours came back.
        Bounce = "bounce",
        /// Anything else that no person wrote.
        Notice = "notice",
    }
);

text_enum!(
    /// How far a message of ours got beyond being accepted.
    ReceiptState {
        Delivered = "delivered",
        Read = "read",
        /// It came back.
        Failed = "failed",
    }
);

text_enum!(
    /// What a claim is about.
    ClaimKind {
        /// Lower case.
        Email = "email",
        /// E.164, with the plus.
        Phone = "phone",
        /// The organisation's own key for the customer.
        Customer = "customer",
    }
);

/// Everything around a message's words that its medium has; what is absent is left out.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Extra {
    /// What the author's client repeated below the own words (quotation, signature): shown folded.
    #[serde(default)]
    pub quoted: Option<String>,
    #[serde(default)]
    pub recipients: Option<Recipients>,
    /// Structured answers, in order.
    #[serde(default)]
    pub fields: Vec<Answered>,
    /// When somebody was promised an answer or an outcome.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    #[serde(default)]
    pub source: Option<SourceHead>,
    #[serde(default)]
    pub receipt: Option<Receipt>,
    #[serde(default)]
    pub reactions: Vec<Reaction>,
    /// Of our own: the subject it goes out under.
    #[serde(default)]
    pub subject: Option<String>,
    /// Of our own: passes the answered message on instead of answering it.
    #[serde(default)]
    pub forward: bool,
    /// Of our own: to whom, where an agent chose it.
    #[serde(default)]
    pub addressed: Option<Addressed>,
}

impl Extra {
    /// Nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Somebody's address and name, as mail has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Mailbox {
    pub address: String,
    #[serde(default)]
    pub name: String,
}

/// To whom a message went, and to whom an answer would go; without our own addresses in the last two.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Recipients {
    #[serde(default)]
    pub to: Vec<Mailbox>,
    #[serde(default)]
    pub cc: Vec<Mailbox>,
    #[serde(default)]
    pub bcc: Vec<Mailbox>,
    /// Answering goes to these.
    #[serde(default)]
    pub reply: Vec<Mailbox>,
    /// Answering everybody adds these in Cc.
    #[serde(default)]
    pub reply_all: Vec<Mailbox>,
}

/// To whom a message of ours goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Addressed {
    pub to: Vec<Mailbox>,
    #[serde(default)]
    pub cc: Vec<Mailbox>,
    #[serde(default)]
    pub bcc: Vec<Mailbox>,
}

/// One question and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Answered {
    pub label: String,
    pub value: String,
}

/// The original of a message, kept whole in the media folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct SourceHead {
    /// SHA-256 of the content: its name in the media folder.
    pub digest: String,
    pub mime: String,
    pub size: i64,
}

/// What became of a message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    pub state: ReceiptState,
    pub at: Timestamp,
}

/// A sign somebody put at a message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Reaction {
    pub emoji: String,
    /// Whose, as the channel knows them.
    pub author: String,
    pub name: String,
    pub at: Timestamp,
}

/// Evidence about who somebody is: what may make two handles one person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
// The right to answer is a `Claim` too; in the API's description each needs a name of its own.
#[schema(as = IdentityClaim)]
pub struct Claim {
    pub kind: ClaimKind,
    /// Normalised as its kind says.
    pub value: String,
    /// The platform or a signature vouches for it; otherwise somebody only typed it.
    pub verified: bool,
}
