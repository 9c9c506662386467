//! The one who is signed in.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desk::people::{self, UserChange};
use crate::http::error::{Answer, ApiError, Json, Problem};
use crate::http::session::{Peer, Signed};
use crate::http::{VERSION, Web};
use crate::model::{Role, TeamId, UserId};
use crate::secret::Secret;
use crate::store::users::User;

/// The one who is signed in.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Me {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// `nl` or `en`.
    pub locale: String,
    pub teams: Vec<TeamName>,
    /// The screens' own.
    #[schema(value_type = Object)]
    pub preferences: Value,
    /// Somebody else chose the password and knows it (a first start, an admin, the command line): the page asks for one of their
    /// own. Nothing is refused until then.
    pub password_temporary: bool,
    /// The server plays with made-up customers.
    pub playground: bool,
    pub version: &'static str,
}

/// A team, by name.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TeamName {
    pub id: TeamId,
    pub name: String,
}

impl Me {
    /// Everything the screens need to know about somebody.
    pub async fn of(web: &Web, user: &User) -> Answer<Self> {
        let mine = web.store.teams_of_user(user.id).await?;
        let all = web.store.teams().await?;
        Ok(Self {
            id: user.id,
            name: user.name.clone(),
            email: user.email.clone(),
            role: user.role,
            locale: user.locale.clone(),
            teams: all
                .into_iter()
                .filter(|team| mine.contains(&team.id))
                .map(|team| TeamName { id: team.id, name: team.name })
                .collect(),
            preferences: user.preferences.0.clone(),
            password_temporary: user.password_temporary,
            playground: web.playground,
            version: VERSION,
        })
    }
}

/// Who am I
#[utoipa::path(get, path = "/api/me", tag = "people", responses((status = 200, body = Me), (status = 401, description = "`session.required`", body = Problem, content_type = "application/problem+json")))]
pub async fn show(State(web): State<Web>, signed: Signed) -> Answer<Json<Me>> {
    Ok(Json(Me::of(&web, &signed.0.user).await?))
}

/// What one may change about oneself; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeChange {
    name: Option<String>,
    locale: Option<String>,
    #[schema(value_type = Option<Object>)]
    preferences: Option<Value>,
}

/// Change my name, language or preferences
#[utoipa::path(patch, path = "/api/me", tag = "people", request_body = MeChange, responses((status = 200, body = Me), (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn change(State(web): State<Web>, signed: Signed, Json(given): Json<MeChange>) -> Answer<Json<Me>> {
    let change =
        UserChange { name: given.name, locale: given.locale, preferences: given.preferences, ..UserChange::default() };
    let user = people::change_user(&web.store, signed.author(), signed.id(), change, signed.session()).await?;
    Ok(Json(Me::of(&web, &user).await?))
}

/// A password for another.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    current: Secret<String>,
    #[schema(value_type = String, format = Password)]
    new: Secret<String>,
}

/// Change my password; every other browser of mine is signed out
#[utoipa::path(post, path = "/api/me/password", tag = "people", request_body = PasswordChange, responses(
    (status = 204), (status = 403, description = "`password.wrong`", body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"), (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub async fn password(
    State(web): State<Web>,
    signed: Signed,
    Peer(address): Peer,
    Json(given): Json<PasswordChange>,
) -> Answer<StatusCode> {
    let user = &signed.0.user;
    web.limiter.count(address, &user.email, web.store.clock().now()).map_err(|seconds| {
        ApiError::slow_down("session.too_many_tries", "There were too many tries. Wait a little.", seconds)
    })?;
    if !people::change_password(&web.store, user, given.current, given.new, signed.session()).await? {
        return Err(ApiError::forbidden("password.wrong", "The current password is not right."));
    }
    web.limiter.forgive(address, &user.email, web.store.clock().now());
    web.hub.doubt(user.id);
    Ok(StatusCode::NO_CONTENT)
}
