//! E-mail: a mailbox read over IMAP and answered over SMTP.
//!
//! Owns: everything about mail: which thread a mail belongs to (`thread`), reading it (`convert`).
//! Must not: know the desk.

pub mod convert;
pub mod me;
pub mod thread;
