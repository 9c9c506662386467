//! Colleagues.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::desk::Act;
use crate::desk::people::{self, NewUser, UserChange, UserView};
use crate::http::Web;
use crate::http::error::{Answer, Json, Path, Problem};
use crate::http::session::Signed;
use crate::model::{Role, TeamId, UserId};
use crate::secret::Secret;

/// Everybody, also who may no longer sign in
#[utoipa::path(get, path = "/api/users", tag = "people", responses((status = 200, body = [UserView])))]
pub async fn list(State(web): State<Web>, _: Signed) -> Answer<Json<Vec<UserView>>> {
    Ok(Json(people::users(&web.store).await?))
}

/// Somebody to be added.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub struct Adding {
    email: String,
    name: String,
    role: Role,
    #[serde(default = "english")]
    #[schema(required = false)]
    locale: String,
    #[schema(value_type = String, format = Password)]
    password: Secret<String>,
    #[serde(default)]
    #[schema(required = false)]
    team_ids: Vec<TeamId>,
}

fn english() -> String {
    "en".to_owned()
}

/// Add somebody (admin)
#[utoipa::path(post, path = "/api/users", tag = "people", request_body = Adding, responses(
    (status = 201, body = UserView), (status = 403, description = "`role.insufficient`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`user.email_taken`", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`user.email`, `user.password`, `name.invalid`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn add(
    State(web): State<Web>,
    signed: Signed,
    Json(given): Json<Adding>,
) -> Answer<(StatusCode, Json<UserView>)> {
    signed.viewer().must(Act::Administer)?;
    let Adding { email, name, role, locale, password, team_ids } = given;
    let new = NewUser { email, name, role, locale, password, team_ids };
    let user = people::add_user(&web.store, signed.author(), new).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// What an admin may change about somebody; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub struct Changing {
    name: Option<String>,
    role: Option<Role>,
    locale: Option<String>,
    /// False: out everywhere at once, tokens included.
    enabled: Option<bool>,
    /// Exactly these teams.
    team_ids: Option<Vec<TeamId>>,
    /// Signs them out everywhere, tokens included.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret<String>>,
}

/// Change somebody (admin)
#[utoipa::path(patch, path = "/api/users/{id}", tag = "people", params(("id" = UserId, Path)), request_body = Changing, responses(
    (status = 200, body = UserView), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`user.last_admin`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn change(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<UserId>,
    Json(given): Json<Changing>,
) -> Answer<Json<UserView>> {
    signed.viewer().must(Act::Administer)?;
    let Changing { name, role, locale, enabled, team_ids, password } = given;
    let change = UserChange { name, role, locale, active: enabled, team_ids, password, preferences: None };
    let user = people::change_user(&web.store, signed.author(), id, change, signed.session()).await?;
    web.hub.doubt(id);
    let teams = web.store.teams_of_user(id).await?;
    Ok(Json(UserView::new(&user, teams)))
}
