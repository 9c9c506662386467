//! The nouns of the desk as plain values.
//!
//! Owns: ids, time stamps, the enumerations that the database, the API and the socket share.
//! Promises: no I/O, no clock, no randomness but in `Id::new`; every enumeration has one spelling everywhere.
//! Must not: know a channel, a table or a route.

pub mod conversation;
pub mod event;
pub mod extra;
pub mod id;
pub mod message;
pub mod text_enum;
pub mod time;
mod words;

pub use extra::{
    Addressed, Answered, Automatic, Claim, ClaimKind, Extra, Mailbox, Reaction, Receipt, ReceiptState, Recipients,
    SourceHead,
};
pub use id::{
    AccountId, AttachmentId, ContactId, ConversationId, DraftId, IdentityId, MessageId, OutboxId, QuarantineId, TagId,
    TeamId, ThreadId, TokenId, UploadId, UserId, VisitorId,
};
pub use time::Timestamp;
pub use words::{
    AttachmentKind, AttachmentState, DeliveryState, Direction, EventKind, HealthState, Lane, MessageKind, Origin,
    Priority, Role, Status, ThreadKind,
};
