//! Who works here.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::types::Json;

use super::super::ingest::clean_json;
use super::{LONGEST_PASSWORD, Outcome, PeopleError, check_name, told};
use crate::model::{Role, TeamId, Timestamp, UserId};
use crate::secret::{self, Secret};
use crate::store::users::User;
use crate::store::{Actor, Store, StoreError};

const SHORTEST_PASSWORD: usize = 10;

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

/// Whether the only one who can administer is this person, with a password they did not choose.
pub async fn is_as_made(store: &Store, email: &str) -> Outcome<bool> {
    let admins = store.users().await?.into_iter().filter(|user| user.active && user.role == Role::Admin);
    let admins: Vec<User> = admins.collect();
    Ok(matches!(admins.as_slice(), [only] if only.email == email && only.password_temporary))
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

/// Changes somebody. Who loses the right to sign in, or gets another password, is out everywhere (but in the session `keep`): their API
/// tokens go too, unless they chose the password themselves, and what the former was to do is anybody's again.
// Boxed, so that it is compiled once: see "The binary" in docs/PERFORMANCE.md.
pub fn change_user<'a>(
    store: &'a Store,
    by: Actor,
    id: UserId,
    change: UserChange,
    keep: Option<&'a str>,
) -> BoxFuture<'a, Outcome<User>> {
    Box::pin(change_known(store, by, id, change, keep, None))
}

/// The same, of somebody whose password still is the one that `known` is the hash of.
async fn change_known(
    store: &Store,
    by: Actor,
    id: UserId,
    change: UserChange,
    keep: Option<&str>,
    known: Option<&str>,
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
    let (user, admins) = tx.user_and_admins(id).await?;
    let mut user = user.ok_or(PeopleError::NotFound("user"))?;
    if known.is_some_and(|known| known != user.password_hash) {
        return Err(PeopleError::Conflict("password.replaced", "Your password was replaced meanwhile.".into()));
    }
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
        user.preferences = Json(clean_json(&preferences));
    }
    user.role = change.role.unwrap_or(user.role);
    let put_out = hash.is_some() || change.active == Some(false);
    // Whoever gets another password from somebody else may have lost more than that: what they made before opens nothing any more.
    let from_another = hash.is_some() && by != Actor::User(id);
    user.active = change.active.unwrap_or(user.active);
    if let Some(hash) = hash {
        user.password_hash = hash;
        user.password_temporary = from_another;
    }
    tx.save_user(&user).await?;
    if let Some(teams) = &change.team_ids {
        let teams = tx.known_teams(teams).await?;
        tx.set_user_teams(id, &teams).await?;
    }
    if put_out {
        tx.delete_sessions_of(id, keep).await?;
    }
    if from_another || change.active == Some(false) {
        tx.delete_tokens_of(id).await?;
    }
    let teams = tx.teams_of_user(id).await?;
    tx.tell_user(told(&UserView::new(&user, teams)));
    tx.commit().await?;
    if change.active == Some(false) {
        hand_back(store, by, id).await?;
    }
    Ok(user)
}

/// Nobody waits for who is gone. In transactions of its own: others hold a conversation first and then look who is assigned.
async fn hand_back(store: &Store, by: Actor, id: UserId) -> Outcome<()> {
    loop {
        let ids = store.in_hands_of(id, 100).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let mut tx = store.begin(by).await?;
        for mut conversation in tx.conversations(&ids).await? {
            if conversation.assignee_id == Some(id) {
                conversation.assignee_id = None;
                tx.tell_decision(conversation.id, json!({ "assignee_id": null, "team_id": conversation.team_id }));
            }
            if conversation.claim_user_id == Some(id) {
                conversation.release();
            }
            tx.save_conversation(&mut conversation).await?;
        }
        tx.commit().await?;
    }
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
    // Whoever was given another password meanwhile knew the former one only.
    match change_known(store, Actor::User(user.id), user.id, change, keep, Some(&user.password_hash)).await {
        Err(PeopleError::Conflict("password.replaced", _)) => Ok(false),
        changed => changed.map(|_| true),
    }
}

fn check_email(email: &str) -> Outcome<()> {
    let parts: Vec<&str> = email.split('@').collect();
    let sound = email.len() <= 254
        && parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\",;".contains(c));
    if sound { Ok(()) } else { Err(PeopleError::Invalid("user.email", "This is not an e-mail address.".into())) }
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
