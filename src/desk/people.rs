//! People: signing in and out, users, teams, API tokens.
//!
//! Promises: there is always an admin who can sign in; who is put out is out everywhere at once; the answer and its time do
//! not tell which addresses exist; no answer holds a hash.
//! Must not: know a cookie or a route.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::types::Json;

use crate::model::{AccountId, Role, TeamId, Timestamp, TokenId, UserId};
use crate::secret::{self, Secret};
use crate::store::sessions::Session;
use crate::store::teams::Team;
use crate::store::tokens::Token;
use crate::store::users::User;
use crate::store::{Actor, Store, StoreError};

/// A session that is not used this long is over.
pub const IDLE: Duration = Duration::from_secs(72 * 3600);
/// A session is over after this, used or not.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// How exact `seen_at` and `last_used_at` are: each note is a write.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// What an API token begins with, so that people and scanners recognise one.
pub const TOKEN_PREFIX: &str = "balie_";

const SHORTEST_PASSWORD: usize = 10;
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

/// Somebody, as colleagues see them.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = User)]
pub struct UserView {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// `nl` or `en`.
    pub locale: String,
    /// May sign in.
    pub enabled: bool,
    pub team_ids: Vec<TeamId>,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
}

impl UserView {
    #[must_use]
    pub fn new(user: &User, team_ids: Vec<TeamId>) -> Self {
        Self {
            id: user.id,
            name: user.name.clone(),
            email: user.email.clone(),
            role: user.role,
            locale: user.locale.clone(),
            enabled: user.active,
            team_ids,
            created_at: user.created_at,
            last_seen_at: user.last_seen_at,
        }
    }
}

/// A team, with who is in it and what is granted to it.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Team)]
pub struct TeamView {
    pub id: TeamId,
    pub name: String,
    pub member_ids: Vec<UserId>,
    /// Accounts granted to it; an account that is granted to no team at all is everybody's.
    pub account_ids: Vec<AccountId>,
}

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

/// What is needed to add somebody.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub locale: String,
    pub password: Secret<String>,
    pub team_ids: Vec<TeamId>,
}

/// What may change about somebody; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub locale: Option<String>,
    pub active: Option<bool>,
    pub preferences: Option<Value>,
    pub team_ids: Option<Vec<TeamId>>,
    pub password: Option<Secret<String>>,
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
    let user = if email.len() <= 254 { store.user_by_email(email).await? } else { None };
    let hash = user.as_ref().filter(|user| user.active).map(|user| user.password_hash.clone());
    let right = password.expose().len() <= LONGEST_PASSWORD && secret::verify_password(password, hash).await;
    let Some(user) = user.filter(|user| right && user.active) else { return Ok(None) };
    let token = secret::token();
    let now = store.clock().now();
    let mut tx = store.begin(Actor::User(user.id)).await?;
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

/// Everybody.
pub async fn users(store: &Store) -> Outcome<Vec<UserView>> {
    let memberships = store.memberships().await?;
    let teams_of = |id: UserId| memberships.iter().filter(|(user, _)| *user == id).map(|(_, team)| *team).collect();
    Ok(store.users().await?.iter().map(|user| UserView::new(user, teams_of(user.id))).collect())
}

/// Whether anybody can administer.
pub async fn has_admin(store: &Store) -> Outcome<bool> {
    Ok(store.users().await?.iter().any(|user| user.active && user.role == Role::Admin))
}

/// Adds somebody.
pub async fn add_user(store: &Store, by: Actor, new: NewUser) -> Outcome<UserView> {
    let email = new.email.trim().to_lowercase();
    check_email(&email)?;
    let name = check_name(&new.name)?;
    check_locale(&new.locale)?;
    check_password(&new.password, &email)?;
    let password_hash = secret::hash_password(new.password).await.map_err(PeopleError::Hash)?;
    let mut tx = store.begin(by).await?;
    let user = User {
        id: UserId::new(),
        email,
        name,
        role: new.role,
        locale: new.locale,
        password_hash,
        // Whoever adds somebody knows the first password, so it is nobody's own yet.
        password_temporary: true,
        preferences: Json(json!({})),
        active: true,
        created_at: tx.now(),
        last_seen_at: None,
    };
    let teams = tx.known_teams(&new.team_ids).await?;
    match tx.insert_user(&user).await {
        Err(StoreError::Conflict(_)) => {
            return Err(PeopleError::Conflict(
                "user.email_taken",
                "Somebody with this e-mail address is there already.".into(),
            ));
        }
        other => other?,
    }
    tx.set_user_teams(user.id, &teams).await?;
    let view = UserView::new(&user, teams);
    tx.tell_user(told(&view));
    tx.commit().await?;
    Ok(view)
}

/// Changes somebody. Who loses the right to sign in, or gets another password, is out everywhere (but in the session `keep`).
pub async fn change_user(
    store: &Store,
    by: Actor,
    id: UserId,
    change: UserChange,
    keep: Option<&str>,
) -> Outcome<User> {
    let hash = match change.password {
        None => None,
        Some(password) => {
            let email = store.user(id).await?.ok_or(PeopleError::NotFound("user"))?.email;
            check_password(&password, &email)?;
            Some(secret::hash_password(password).await.map_err(PeopleError::Hash)?)
        }
    };
    let mut tx = store.begin(by).await?;
    let admins = tx.active_admins().await?;
    let mut user = tx.user(id).await?.ok_or(PeopleError::NotFound("user"))?;
    let demoted = change.role.is_some_and(|role| role != Role::Admin) || change.active == Some(false);
    if demoted && admins == [id] {
        return Err(PeopleError::Conflict(
            "user.last_admin",
            "This is the last admin who can sign in. Make somebody else admin first.".into(),
        ));
    }
    if let Some(name) = change.name {
        user.name = check_name(&name)?;
    }
    if let Some(locale) = change.locale {
        check_locale(&locale)?;
        user.locale = locale;
    }
    if let Some(preferences) = change.preferences {
        if !preferences.is_object() || preferences.to_string().len() > 65_536 {
            return Err(PeopleError::Invalid(
                "user.preferences",
                "Preferences are a JSON object of at most 64 kB.".into(),
            ));
        }
        user.preferences = Json(preferences);
    }
    user.role = change.role.unwrap_or(user.role);
    let put_out = hash.is_some() || change.active == Some(false);
    user.active = change.active.unwrap_or(user.active);
    if let Some(hash) = hash {
        user.password_hash = hash;
        user.password_temporary = by != Actor::User(id);
    }
    tx.save_user(&user).await?;
    if let Some(teams) = &change.team_ids {
        let teams = tx.known_teams(teams).await?;
        tx.set_user_teams(id, &teams).await?;
    }
    if put_out {
        tx.delete_sessions_of(id, keep).await?;
    }
    if change.active == Some(false) {
        tx.delete_tokens_of(id).await?;
    }
    let teams = tx.teams_of_user(id).await?;
    tx.tell_user(told(&UserView::new(&user, teams)));
    tx.commit().await?;
    Ok(user)
}

/// Changes one's own password; every other browser of theirs is out. False when `current` is wrong.
pub async fn change_password(
    store: &Store,
    user: &User,
    current: Secret<String>,
    new: Secret<String>,
    keep: Option<&str>,
) -> Outcome<bool> {
    if !secret::verify_password(current, Some(user.password_hash.clone())).await {
        return Ok(false);
    }
    let change = UserChange { password: Some(new), ..UserChange::default() };
    change_user(store, Actor::User(user.id), user.id, change, keep).await?;
    Ok(true)
}

/// Every team.
pub async fn teams(store: &Store) -> Outcome<Vec<TeamView>> {
    let (memberships, grants) = (store.memberships().await?, store.account_teams().await?);
    Ok(store.teams().await?.into_iter().map(|team| view_team(team, &memberships, &grants)).collect())
}

fn view_team(team: Team, memberships: &[(UserId, TeamId)], grants: &[(AccountId, TeamId)]) -> TeamView {
    TeamView {
        id: team.id,
        name: team.name,
        member_ids: memberships.iter().filter(|(_, id)| *id == team.id).map(|(user, _)| *user).collect(),
        account_ids: grants.iter().filter(|(_, id)| *id == team.id).map(|(account, _)| *account).collect(),
    }
}

/// Adds a team.
pub async fn add_team(store: &Store, by: Actor, name: &str) -> Outcome<TeamView> {
    let name = check_name(name)?;
    let mut tx = store.begin(by).await?;
    let team = Team { id: TeamId::new(), name, created_at: tx.now() };
    tx.insert_team(&team).await.map_err(team_taken)?;
    let view = view_team(team, &[], &[]);
    tx.tell_team(told(&view));
    tx.commit().await?;
    Ok(view)
}

/// Changes a team's name, or who is in it.
pub async fn change_team(
    store: &Store,
    by: Actor,
    id: TeamId,
    name: Option<&str>,
    user_ids: Option<Vec<UserId>>,
) -> Outcome<TeamView> {
    let mut tx = store.begin(by).await?;
    if tx.known_teams(&[id]).await?.is_empty() {
        return Err(PeopleError::NotFound("team"));
    }
    if let Some(name) = name {
        tx.rename_team(id, &check_name(name)?).await.map_err(team_taken)?;
    }
    if let Some(user_ids) = user_ids {
        tx.set_team_users(id, &user_ids).await?;
    }
    tx.tell_team(json!({ "id": id }));
    tx.commit().await?;
    teams(store).await?.into_iter().find(|team| team.id == id).ok_or(PeopleError::NotFound("team"))
}

/// Removes a team; its conversations belong to no team then.
pub async fn remove_team(store: &Store, by: Actor, id: TeamId) -> Outcome<()> {
    let mut tx = store.begin(by).await?;
    if !tx.delete_team(id).await? {
        return Err(PeopleError::NotFound("team"));
    }
    tx.tell_team(json!({ "id": id, "removed": true }));
    tx.commit().await?;
    Ok(())
}

fn team_taken(error: StoreError) -> PeopleError {
    match error {
        StoreError::Conflict(_) => {
            PeopleError::Conflict("team.name_taken", "There is a team of this name already.".into())
        }
        other => other.into(),
    }
}

/// Somebody's API tokens.
pub async fn tokens(store: &Store, user: UserId) -> Outcome<Vec<TokenView>> {
    Ok(store.tokens_of(user).await?.into_iter().map(Into::into).collect())
}

/// Makes an API token; this is the only time it is seen.
pub async fn add_token(
    store: &Store,
    user: UserId,
    name: &str,
    expires_at: Option<Timestamp>,
) -> Outcome<(Secret<String>, TokenView)> {
    let name = check_name(name)?;
    let secret = format!("{TOKEN_PREFIX}{}", secret::token());
    let mut tx = store.begin(Actor::User(user)).await?;
    let now = tx.now();
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

fn told(view: &impl serde::Serialize) -> Value {
    serde_json::to_value(view).unwrap_or(Value::Null)
}

fn check_email(email: &str) -> Outcome<()> {
    let parts: Vec<&str> = email.split('@').collect();
    let sound = email.len() <= 254
        && parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\",;".contains(c));
    if sound { Ok(()) } else { Err(PeopleError::Invalid("user.email", "This is not an e-mail address.".into())) }
}

fn check_name(name: &str) -> Outcome<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(PeopleError::Invalid("name.invalid", format!("A name has 1 to {LONGEST_NAME} characters.")));
    }
    Ok(name.to_owned())
}

fn check_locale(locale: &str) -> Outcome<()> {
    if ["nl", "en"].contains(&locale) {
        Ok(())
    } else {
        Err(PeopleError::Invalid("user.locale", "The screens speak nl and en.".into()))
    }
}

fn check_password(password: &Secret<String>, email: &str) -> Outcome<()> {
    let text = password.expose();
    let sentence = if text.chars().count() < SHORTEST_PASSWORD {
        format!("A password has at least {SHORTEST_PASSWORD} characters.")
    } else if text.len() > LONGEST_PASSWORD {
        format!("A password has at most {LONGEST_PASSWORD} bytes.")
    } else if text.to_lowercase() == email || text.chars().all(|c| text.starts_with(c)) {
        "This password is the first that anybody would guess.".to_owned()
    } else {
        return Ok(());
    };
    Err(PeopleError::Invalid("user.password", sentence))
}

#[cfg(test)]
mod tests {
    use super::{check_email, check_name, check_password};
    use crate::secret::Secret;

    #[test]
    fn what_cannot_be_an_address_a_name_or_a_password_is_refused() {
        for bad in ["", "a", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "\"x\"@b"] {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
        assert!(check_email("admin@localhost").is_ok());
        assert!(check_name("  ").is_err() && check_name(&"x".repeat(101)).is_err() && check_name("x\ny").is_err());
        assert_eq!(check_name(" Ann ").unwrap(), "Ann");
        for bad in ["short", "aaaaaaaaaaaa", "jan@voorbeeld.nl", &"x1".repeat(501)] {
            assert!(check_password(&Secret::new(bad.to_owned()), "jan@voorbeeld.nl").is_err(), "{bad}");
        }
        assert!(check_password(&Secret::new("een zin is goed".to_owned()), "jan@voorbeeld.nl").is_ok());
    }
}
