//! API tokens: a person, for a program.

use super::{Outcome, PeopleError, TOKEN_PREFIX, check_name};
use crate::model::{Timestamp, TokenId, UserId};
use crate::secret::{self, Secret};
use crate::store::tokens::Token;
use crate::store::{Actor, Store};

/// An API token, as its owner sees it; never the token itself.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    pub id: TokenId,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        let Token { id, name, created_at, last_used_at, expires_at, .. } = token;
        Self { id, name, created_at, last_used_at, expires_at }
    }
}

/// Somebody's API tokens.
pub async fn tokens(store: &Store, user: UserId) -> Outcome<Vec<TokenView>> {
    Ok(store.tokens_of(user).await?.into_iter().map(Into::into).collect())
}

/// Makes an API token; this is the only time it is seen. `session`, by which it was asked for, must not have ended: whoever was
/// put out leaves nothing behind.
pub async fn add_token(
    store: &Store,
    user: UserId,
    session: Option<&str>,
    name: &str,
    expires_at: Option<Timestamp>,
) -> Outcome<(Secret<String>, TokenView)> {
    let name = check_name(name)?;
    let secret = format!("{TOKEN_PREFIX}{}", secret::token());
    let mut tx = store.begin(Actor::User(user)).await?;
    let now = tx.now();
    if tx.hold_active(&[user]).await?.is_empty() {
        return Err(PeopleError::NotFound("user"));
    }
    if let Some(session) = session
        && !tx.has_session(session).await?
    {
        return Err(PeopleError::NotFound("session"));
    }
    if expires_at.is_some_and(|end| end <= now) {
        return Err(PeopleError::Invalid("token.expired", "This token would be over before it begins.".into()));
    }
    let token = Token { id: TokenId::new(), user_id: user, name, created_at: now, last_used_at: None, expires_at };
    tx.insert_token(&token, &secret::fingerprint(&secret)).await?;
    tx.commit().await?;
    Ok((Secret::new(secret), token.into()))
}

/// Revokes one's own API token.
pub async fn remove_token(store: &Store, user: UserId, id: TokenId) -> Outcome<()> {
    let mut tx = store.begin(Actor::User(user)).await?;
    if !tx.delete_token(user, id).await? {
        return Err(PeopleError::NotFound("token"));
    }
    tx.commit().await?;
    Ok(())
}
