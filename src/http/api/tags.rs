//! Tags.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::desk::Act;
use crate::desk::tags;
use crate::http::Web;
use crate::http::error::{Answer, Json, Path, Problem};
use crate::http::session::Signed;
use crate::model::TagId;
use crate::store::tags::Tag;

/// Every tag, also archived ones
#[utoipa::path(get, path = "/api/tags", tag = "tags", responses((status = 200, body = [Tag])))]
pub async fn list(State(web): State<Web>, _: Signed) -> Answer<Json<Vec<Tag>>> {
    Ok(Json(tags::all(&web.store).await?))
}

/// A tag to be added.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTag {
    name: String,
    #[serde(default)]
    #[schema(required = false)]
    color: String,
}

/// Add a tag
#[utoipa::path(post, path = "/api/tags", tag = "tags", request_body = NewTag, responses(
    (status = 201, body = Tag), (status = 409, description = "`tag.name_taken`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn add(State(web): State<Web>, signed: Signed, Json(given): Json<NewTag>) -> Answer<(StatusCode, Json<Tag>)> {
    signed.viewer().must(Act::Work)?;
    Ok((StatusCode::CREATED, Json(tags::add(&web.store, signed.author(), &given.name, &given.color).await?)))
}

/// What may change about a tag; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagChange {
    name: Option<String>,
    color: Option<String>,
    /// Not offered any more; conversations that carry it keep it.
    archived: Option<bool>,
}

/// Change a tag (admin)
#[utoipa::path(patch, path = "/api/tags/{id}", tag = "tags", params(("id" = TagId, Path)), request_body = TagChange, responses(
    (status = 200, body = Tag), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json"),
))]
pub async fn change(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<TagId>,
    Json(given): Json<TagChange>,
) -> Answer<Json<Tag>> {
    signed.viewer().must(Act::Administer)?;
    let TagChange { name, color, archived } = given;
    Ok(Json(tags::change(&web.store, signed.author(), id, name.as_deref(), color, archived).await?))
}
