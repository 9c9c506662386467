//! Where platforms call us: `/hooks/{account}`.
//!
//! Promises: the raw body is what is verified; what is taken in is committed before we say yes, so a platform that hears
//! nothing sends again; a text that a platform chooses is never taken for a page.

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Web;
use super::error::{Answer, ApiError, Json, Path};
use super::session::Peer;
use crate::desk::hook::{Call, Heard};
use crate::model::AccountId;

/// Largest call of a platform, in bytes.
pub const LARGEST: usize = 4 * 1024 * 1024;

/// `GET` (handshakes, forms), `POST` and `OPTIONS /hooks/{account}`
pub async fn receive(
    State(web): State<Web>,
    Path(account): Path<AccountId>,
    Peer(from): Peer,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let call =
        Call { method: &method, headers: &headers, query: query.as_deref().unwrap_or_default(), body: &body, from };
    Ok(match web.desk.receive(account, &call).await.map_err(refused)? {
        Heard::Nothing => StatusCode::NO_CONTENT.into_response(),
        Heard::Outcome(outcome) => (StatusCode::ACCEPTED, Json(outcome)).into_response(),
        Heard::Exactly { status, mime, headers, body } => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().append(HeaderName::from_static(name), value);
                }
            }
            response
        }
    })
}

/// Who signs wrongly is a stranger: 401, which every sender knows as its own fault. Being asked too often is 429.
fn refused(error: crate::desk::DeskError) -> ApiError {
    use crate::channels::error::Class;
    use crate::desk::DeskError;
    match error {
        DeskError::Channel(error) if error.class == Class::Unauthorized => {
            ApiError::new(StatusCode::UNAUTHORIZED, error.code, error.cause.en).cure(error.cure.en)
        }
        other => other.into(),
    }
}
