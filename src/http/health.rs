//! Whether the process lives, and whether it can do its work.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Web;
use super::error::{ApiError, Json};

/// `GET /health/live`: the process answers. Asks nothing of anybody, so that a sick database does not get it killed.
pub async fn live() -> impl IntoResponse {
    Json(json!({ "status": "ok" }))
}

/// `GET /health/ready`: the database answers and we are not stopping. Who balances load sends nobody here otherwise.
pub async fn ready(State(web): State<Web>) -> Response {
    if web.life.stopping().is_cancelled() {
        return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "This process is stopping.").into_response();
    }
    match web.store.newest_seq().await {
        Ok(_) => Json(json!({ "status": "ok", "version": super::VERSION })).into_response(),
        Err(error) => ApiError::unavailable(error).into_response(),
    }
}
