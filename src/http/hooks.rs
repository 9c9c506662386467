//! Where platforms call us: `/hooks/{account}`.
//!
//! Promises: the raw body is what is verified; what is taken in is committed before we say yes, so a platform that hears
//! nothing sends again; a text that a platform chooses is never taken for a page.

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Web;
use super::error::{Answer, ApiError, Json, Path};
use super::session::Peer;
use crate::desk::hook::{Call, Heard};
use crate::model::{AccountId, Timestamp};

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
    body: Result<Bytes, BytesRejection>,
) -> Answer<Response> {
    let body = body?;
    // Who asks for the head of a page gets it as for the page, RFC 9110 section 9.3.2.
    let method = if method == Method::HEAD { Method::GET } else { method };
    let call =
        Call { method: &method, headers: &headers, query: query.as_deref().unwrap_or_default(), body: &body, from };
    let told = web.desk.receive(account, &call).await;
    Ok(match told.map_err(|error| refused(error, web.desk.clock().now()))? {
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
fn refused(error: crate::desk::DeskError, now: Timestamp) -> ApiError {
    use crate::channels::error::Class;
    use crate::desk::DeskError;
    let DeskError::Channel(error) = error else { return error.into() };
    match error.class {
        Class::Unauthorized => ApiError::new(StatusCode::UNAUTHORIZED, error.code, error.cause.en).cure(error.cure.en),
        Class::RateLimited { until } => {
            let seconds = until.since(now).as_secs().max(1);
            ApiError::slow_down(error.code, error.cause.en, seconds).cure(error.cure.en)
        }
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::refused;
    use crate::channels::ChannelError;
    use crate::model::Timestamp;
    use axum::response::IntoResponse as _;

    #[test]
    fn a_caller_that_asks_too_often_hears_for_how_long() {
        let error = ChannelError::rate_limited(Timestamp(37_000));
        let answer = refused(error.into(), Timestamp(7_000)).into_response();
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"30".parse().unwrap()));
    }
}
