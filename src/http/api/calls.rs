//! Calls, written down.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use crate::desk::call::{NewCall, Noted};
use crate::http::Web;
use crate::http::error::{Answer, Json, Problem};
use crate::http::session::Signed;

/// Write down what was said on the telephone. The same `Idempotency-Key` again gives the same note
#[utoipa::path(post, path = "/api/calls", tag = "conversations", params(("Idempotency-Key" = String, Header)), request_body = NewCall, responses(
    (status = 201, body = Noted),
    (status = 422, description = "`call.empty`; `call.at`; `call.call_back_at`; `call.outcome_long`; `call.not_here`; `call.number`; nothing is written then", body = Problem, content_type = "application/problem+json"),
))]
pub async fn note(
    State(web): State<Web>,
    signed: Signed,
    headers: HeaderMap,
    Json(call): Json<NewCall>,
) -> Answer<(StatusCode, Json<Noted>)> {
    let key = super::conversations::idempotency_key(&headers)?;
    Ok((StatusCode::CREATED, Json(web.desk.note_call(&signed.viewer(), &call, key).await?)))
}
