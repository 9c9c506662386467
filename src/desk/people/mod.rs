//! People: signing in and out, users, teams, API tokens.
//!
//! Promises: there is always an admin who can sign in; who is put out is out everywhere at once; the answer and its time do
//! not tell which addresses exist; no answer holds a hash.
//! Must not: know a cookie or a route.

mod sessions;
mod teams;
mod tokens;
mod users;

use serde_json::Value;

pub use self::sessions::{
    By, IDLE, LONGEST, SignedIn, TOKEN_PREFIX, admit, by_session, by_token, is_still_signed_in, recognise, sign_in,
    sign_out,
};
pub use self::teams::{TeamView, add_team, change_team, remove_team, teams};
pub use self::tokens::{TokenView, add_token, remove_token, tokens};
pub use self::users::{
    NewUser, UserChange, UserView, add_user, change_password, change_user, has_admin, is_as_made, users,
};
use crate::store::StoreError;

const LONGEST_PASSWORD: usize = 1000;
const LONGEST_NAME: usize = 100;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// What was given cannot be: code, sentence.
    #[error("{1}")]
    Invalid(&'static str, String),
    /// Somebody or something is in the way: code, sentence.
    #[error("{1}")]
    Conflict(&'static str, String),
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a password could not be hashed: {0}")]
    Hash(String),
}

type Outcome<T> = Result<T, PeopleError>;

fn told(view: &impl serde::Serialize) -> Value {
    serde_json::to_value(view).unwrap_or(Value::Null)
}

fn check_name(name: &str) -> Outcome<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(PeopleError::Invalid("name.invalid", format!("A name has 1 to {LONGEST_NAME} characters.")));
    }
    Ok(name.to_owned())
}
