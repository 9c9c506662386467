//! The board.

use axum::extract::State;

use crate::desk::load::Load;
use crate::http::Web;
use crate::http::error::{Answer, Json, Problem};
use crate::http::session::Signed;

/// How busy it is (supervisor, admin, auditor)
#[utoipa::path(get, path = "/api/load", tag = "board", responses((status = 200, body = Load), (status = 403, body = Problem, content_type = "application/problem+json")))]
pub async fn show(State(web): State<Web>, signed: Signed) -> Answer<Json<Load>> {
    Ok(Json(web.desk.load(&signed.viewer(), &web.hub.presence().online()).await?))
}
