//! What came in and could not be read.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::http::Web;
use crate::http::error::{Answer, Json, Path, Problem, Query};
use crate::http::session::Signed;
use crate::model::{AccountId, QuarantineId, Timestamp};
use crate::store::quarantine::{QuarantineState, Quarantined};

/// A payload that could not be read.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Quarantined)]
pub struct QuarantinedView {
    id: QuarantineId,
    account_id: AccountId,
    received_at: Timestamp,
    /// Why it could not be read.
    error: String,
    /// The feed, `hook` or `stream`.
    source: String,
    state: QuarantineState,
    /// How often it came.
    seen: i64,
    /// Bytes.
    size: usize,
    replayed_at: Option<Timestamp>,
    /// Whole; only when one is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

impl QuarantinedView {
    fn new(held: Quarantined, whole: bool) -> Self {
        Self {
            id: held.id,
            account_id: held.account_id,
            received_at: held.created_at,
            error: held.error,
            source: held.source,
            state: held.state,
            seen: held.seen,
            size: held.payload.len(),
            replayed_at: held.settled_at,
            payload: whole.then_some(held.payload),
        }
    }
}

/// Which.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QuarantineQuery {
    account: Option<AccountId>,
    /// `next` of the page before.
    cursor: Option<QuarantineId>,
}

/// A page of what could not be read.
#[derive(Serialize, utoipa::ToSchema)]
pub struct QuarantinePage {
    items: Vec<QuarantinedView>,
    /// Asks for the next page.
    next: Option<QuarantineId>,
}

/// What could not be read, newest first (admin)
#[utoipa::path(get, path = "/api/quarantine", tag = "accounts", params(QuarantineQuery), responses((status = 200, body = QuarantinePage)))]
pub async fn list(
    State(web): State<Web>,
    signed: Signed,
    Query(query): Query<QuarantineQuery>,
) -> Answer<Json<QuarantinePage>> {
    let held = web.desk.quarantine(&signed.viewer(), query.account, query.cursor).await?;
    let items = held.items.into_iter().map(|one| QuarantinedView::new(one, false)).collect();
    Ok(Json(QuarantinePage { items, next: held.next }))
}

/// One payload, whole (admin)
#[utoipa::path(get, path = "/api/quarantine/{id}", tag = "accounts", params(("id" = QuarantineId, Path)), responses((status = 200, body = QuarantinedView), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<QuarantineId>,
) -> Answer<Json<QuarantinedView>> {
    Ok(Json(QuarantinedView::new(web.desk.quarantined(&signed.viewer(), id).await?, true)))
}

/// Try again, with the connector as it is now (admin)
#[utoipa::path(post, path = "/api/quarantine/{id}/replay", tag = "accounts", params(("id" = QuarantineId, Path)), responses((status = 204), (status = 422, description = "`quarantine.still_unreadable`, `quarantine.not_possible`", body = Problem, content_type = "application/problem+json")))]
pub async fn replay(State(web): State<Web>, signed: Signed, Path(id): Path<QuarantineId>) -> Answer<StatusCode> {
    web.desk.replay(&signed.viewer(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take it off the list unread; it is kept (admin)
#[utoipa::path(post, path = "/api/quarantine/{id}/dismiss", tag = "accounts", params(("id" = QuarantineId, Path)), responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn dismiss(State(web): State<Web>, signed: Signed, Path(id): Path<QuarantineId>) -> Answer<StatusCode> {
    web.desk.dismiss(&signed.viewer(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
