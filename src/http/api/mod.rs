//! One file per noun: what the API takes, which use case it calls, what it answers.

pub mod accounts;
pub mod calls;
pub mod contacts;
pub mod conversations;
pub mod load;
pub mod me;
pub mod media;
pub mod messages;
pub mod originals;
pub mod quarantine;
pub mod session;
pub mod tags;
pub mod teams;
pub mod tokens;
pub mod users;
