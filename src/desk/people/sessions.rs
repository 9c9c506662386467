//! Signing in and out, and who a cookie or an API token belongs to.

use std::time::Duration;

use super::{LONGEST_PASSWORD, Outcome};
use crate::model::{TeamId, TokenId, UserId};
use crate::secret::{self, Secret};
use crate::store::sessions::Session;
use crate::store::users::User;
use crate::store::{Actor, Store};

/// A session that is not used this long is over.
pub const IDLE: Duration = Duration::from_secs(72 * 3600);
/// A session is over after this, used or not.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// How exact `seen_at` and `last_used_at` are: each note is a write.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// What an API token begins with, so that people and scanners recognise one.
pub const TOKEN_PREFIX: &str = "balie_";

/// Who is there, and by what.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: User,
    pub team_ids: Vec<TeamId>,
    pub by: By,
}

/// By what somebody is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A browser; the fingerprint of its cookie.
    Session(String),
    Token(TokenId),
}

/// Signs in. `Ok(None)`: address or password is wrong, or the person may no longer; the caller cannot tell which. A session
/// the browser already had (`old`, a fingerprint) ends, so that nobody can plant one.
pub async fn sign_in(
    store: &Store,
    email: &str,
    password: Secret<String>,
    user_agent: &str,
    old: Option<&str>,
) -> Outcome<Option<(Secret<String>, User)>> {
    let Some(user) = recognise(store, email, password).await? else { return Ok(None) };
    admit(store, &user, user_agent, old).await
}

/// Whose address and password these are, if they may sign in.
pub async fn recognise(store: &Store, email: &str, password: Secret<String>) -> Outcome<Option<User>> {
    let user = if email.len() <= 254 { store.user_by_email(email).await? } else { None };
    let hash = user.as_ref().filter(|user| user.active).map(|user| user.password_hash.clone());
    let right = password.expose().len() <= LONGEST_PASSWORD && secret::verify_password(password, hash).await;
    Ok(user.filter(|user| right && user.active))
}

/// Gives who was recognised a session. `Ok(None)`: since then they got another password or were put out, which ended the sessions
/// that there were; this one would outlive that.
pub async fn admit(
    store: &Store,
    recognised: &User,
    user_agent: &str,
    old: Option<&str>,
) -> Outcome<Option<(Secret<String>, User)>> {
    let token = secret::token();
    let mut tx = store.begin(Actor::User(recognised.id)).await?;
    let now = tx.now();
    let user = tx.user(recognised.id).await?;
    let same = |user: &User| user.active && user.password_hash == recognised.password_hash;
    let Some(user) = user.filter(same) else { return Ok(None) };
    if let Some(old) = old {
        tx.delete_session(old).await?;
    }
    tx.delete_old_sessions(now, now.minus(IDLE)).await?;
    tx.insert_session(&Session {
        id_hash: secret::fingerprint(&token),
        user_id: user.id,
        created_at: now,
        expires_at: now.plus(LONGEST),
        seen_at: now,
        user_agent: user_agent.chars().take(200).collect(),
    })
    .await?;
    tx.commit().await?;
    Ok(Some((Secret::new(token), user)))
}

/// Ends a session. Returns whose it was.
pub async fn sign_out(store: &Store, fingerprint: &str) -> Outcome<Option<UserId>> {
    let whose = store.session(fingerprint).await?.map(|session| session.user_id);
    let mut tx = store.begin(Actor::System).await?;
    tx.delete_session(fingerprint).await?;
    tx.commit().await?;
    Ok(whose)
}

/// Who holds this cookie.
pub async fn by_session(store: &Store, cookie: &str) -> Outcome<Option<SignedIn>> {
    let fingerprint = secret::fingerprint(cookie);
    let now = store.clock().now();
    let Some(session) = store.session(&fingerprint).await? else { return Ok(None) };
    if session.expires_at <= now || session.seen_at.plus(IDLE) <= now {
        return Ok(None);
    }
    let Some(signed_in) = signed_in(store, session.user_id, By::Session(fingerprint)).await? else { return Ok(None) };
    if now.since(session.seen_at) >= NOTE_EVERY {
        // A note that cannot be written (a full disk) must not keep anybody from working.
        let noted = async {
            store.touch_session(&session.id_hash, now).await?;
            store.touch_user(session.user_id, now).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
    }
    Ok(Some(signed_in))
}

/// Who holds this API token.
pub async fn by_token(store: &Store, token: &str) -> Outcome<Option<SignedIn>> {
    if !token.starts_with(TOKEN_PREFIX) {
        return Ok(None);
    }
    let now = store.clock().now();
    let Some(found) = store.token(&secret::fingerprint(token)).await? else { return Ok(None) };
    if found.expires_at.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    let Some(signed_in) = signed_in(store, found.user_id, By::Token(found.id)).await? else { return Ok(None) };
    if found.last_used_at.is_none_or(|last| now.since(last) >= NOTE_EVERY)
        && let Err(error) = store.touch_token(found.id, now).await
    {
        tracing::warn!(%error, "the use of a token could not be noted");
    }
    Ok(Some(signed_in))
}

/// Whether somebody may still be where they are. Does not count as a use.
pub async fn is_still_signed_in(store: &Store, who: &SignedIn) -> Outcome<bool> {
    let now = store.clock().now();
    let stands = match &who.by {
        By::Session(fingerprint) => store
            .session(fingerprint)
            .await?
            .is_some_and(|session| session.expires_at > now && session.seen_at.plus(IDLE) > now),
        By::Token(id) => {
            let tokens = store.tokens_of(who.user.id).await?;
            tokens.iter().any(|token| token.id == *id && token.expires_at.is_none_or(|end| end > now))
        }
    };
    Ok(stands && store.user(who.user.id).await?.is_some_and(|user| user.active))
}

async fn signed_in(store: &Store, id: UserId, by: By) -> Outcome<Option<SignedIn>> {
    let Some(user) = store.user(id).await?.filter(|user| user.active) else { return Ok(None) };
    let team_ids = store.teams_of_user(id).await?;
    Ok(Some(SignedIn { user, team_ids, by }))
}
