//! What happens around every request: an id, a span, a line when it matters, a count, headers, and a net for panics.

use std::any::Any;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use super::error::ApiError;
use super::{Web, assets};
use crate::lifecycle::{Lifecycle, panic_text};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps a request.
pub async fn around(State(web): State<Web>, request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned);
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "(pages)".to_owned(), |path| path.as_str().to_owned());
    let (method, safe) = (named(request.method()), request.method().is_safe());
    // The path, without its query: that may hold what somebody searched for, or a code of a sign-in.
    let span = tracing::info_span!("request", id, method, path = path(request.uri()));
    let began = web.store.clock().now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = web.store.clock().now().since(began);
    let status = response.status();
    span.in_scope(|| {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), ms, "answered");
        } else if !safe {
            tracing::info!(status = status.as_u16(), ms, "answered");
        } else {
            tracing::debug!(status = status.as_u16(), ms, "answered");
        }
    });
    web.metrics.answered(method, &route, status.as_u16(), took);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    assets::harden(response.headers_mut());
    response
}

/// A method as it is counted and logged. HTTP takes any word for a method, however long: who makes words up makes no labels, which
/// are kept for ever, and no lines of any length.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

fn path(uri: &Uri) -> String {
    uri.path().chars().take(200).collect()
}

/// Answers a request whose handler panicked.
#[derive(Clone)]
pub struct Net(pub Lifecycle);

impl tower_http::catch_panic::ResponseForPanic for Net {
    type ResponseBody = axum::body::Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send + 'static>) -> Response {
        self.0.count_panic();
        tracing::error!(panic = panic_text(panic.as_ref()), "a request handler panicked");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side. It has been logged.",
        )
        .into_response()
    }
}
