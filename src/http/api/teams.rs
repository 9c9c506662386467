//! Teams.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::desk::Act;
use crate::desk::people::{self, TeamView};
use crate::http::Web;
use crate::http::error::{Answer, Json, Path, Problem};
use crate::http::session::Signed;
use crate::model::{TeamId, UserId};

/// Every team
#[utoipa::path(get, path = "/api/teams", tag = "people", responses((status = 200, body = [TeamView])))]
pub async fn list(State(web): State<Web>, _: Signed) -> Answer<Json<Vec<TeamView>>> {
    Ok(Json(people::teams(&web.store).await?))
}

/// A team to be added.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    name: String,
}

/// Add a team (admin)
#[utoipa::path(post, path = "/api/teams", tag = "people", request_body = NewTeam, responses(
    (status = 201, body = TeamView), (status = 409, description = "`team.name_taken`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn add(
    State(web): State<Web>,
    signed: Signed,
    Json(given): Json<NewTeam>,
) -> Answer<(StatusCode, Json<TeamView>)> {
    signed.viewer().must(Act::Administer)?;
    Ok((StatusCode::CREATED, Json(people::add_team(&web.store, signed.author(), &given.name).await?)))
}

/// What may change about a team; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamChange {
    name: Option<String>,
    /// Exactly these people.
    member_ids: Option<Vec<UserId>>,
}

/// Change a team (admin)
#[utoipa::path(patch, path = "/api/teams/{id}", tag = "people", params(("id" = TeamId, Path)), request_body = TeamChange, responses(
    (status = 200, body = TeamView), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json"),
))]
pub async fn change(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<TeamId>,
    Json(given): Json<TeamChange>,
) -> Answer<Json<TeamView>> {
    signed.viewer().must(Act::Administer)?;
    let team = people::change_team(&web.store, signed.author(), id, given.name.as_deref(), given.member_ids).await?;
    Ok(Json(team))
}

/// Remove a team (admin); its conversations belong to no team then
#[utoipa::path(delete, path = "/api/teams/{id}", tag = "people", params(("id" = TeamId, Path)), responses(
    (status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`team.only_grant`: an account is granted to it alone, and everybody would see that", body = Problem, content_type = "application/problem+json"),
))]
pub async fn remove(State(web): State<Web>, signed: Signed, Path(id): Path<TeamId>) -> Answer<StatusCode> {
    signed.viewer().must(Act::Administer)?;
    people::remove_team(&web.store, signed.author(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
