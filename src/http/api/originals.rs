//! The original of a message: downloaded whole, or shown as its author laid it out, where nothing in it can run or load.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::http::Web;
use crate::http::error::{Answer, Path, Problem, Query};
use crate::http::session::Signed;
use crate::model::MessageId;

/// No script, no form, no frame, nothing from elsewhere; links open apart. The sandbox keeps our origin, and only that, because
/// without it the browser would send no session along for the pictures; without scripts nothing can use it.
const POLICY: &str = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const STYLE: &str = "body{margin:0;padding:12px;font:15px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}.blocked{display:inline-block;padding:0 6px;border:1px dashed #767676;color:#595959;font-size:13px}pre{white-space:pre-wrap}";

/// How to show it.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Shown {
    /// `1`: with the pictures of the web, fetched by way of us.
    images: Option<u8>,
}

/// The message as its author laid it out, as a page that can do nothing
#[utoipa::path(get, path = "/api/messages/{id}/html", tag = "messages", params(("id" = MessageId, Path), Shown), responses(
    (status = 200, description = "A page under a sandboxing policy. `x-blocked-images` says how many pictures are not shown.", content_type = "text/html"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn html(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<MessageId>,
    Query(shown): Query<Shown>,
) -> Answer<Response> {
    let page = web.desk.page(&signed.viewer(), id, shown.images == Some(1)).await?;
    let html = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\"><title>\u{2013}</title><style>{STYLE}</style></head><body>{}</body></html>",
        page.html
    );
    let mut response = Body::from(html).into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    out.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    out.insert(HeaderName::from_static("x-blocked-images"), page.blocked.into());
    Ok(response)
}

/// The original, whole, to be kept
#[utoipa::path(get, path = "/api/messages/{id}/source", tag = "messages", params(("id" = MessageId, Path)), responses(
    (status = 200, description = "The bytes as they arrived", content_type = "application/octet-stream"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn source(State(web): State<Web>, signed: Signed, Path(id): Path<MessageId>) -> Answer<Response> {
    let (head, bytes) = web.desk.source(&signed.viewer(), id).await?;
    let ending = if head.mime == "message/rfc822" { "eml" } else { "bin" };
    let mut response = Body::from(bytes).into_response();
    let out = response.headers_mut();
    // Never what it says it is: a browser would open it.
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    out.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'"),
    );
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let name = format!("attachment; filename=\"message-{id}.{ending}\"");
    out.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment")),
    );
    Ok(response)
}

/// Which picture.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Its address, as the message has it.
    u: String,
}

/// A picture of the web that the message shows, fetched by way of us
#[utoipa::path(get, path = "/api/messages/{id}/images", tag = "messages", params(("id" = MessageId, Path), Wanted), responses(
    (status = 200, description = "The picture", content_type = "application/octet-stream"),
    (status = 404, description = "The message does not show it, or it is no picture", body = Problem, content_type = "application/problem+json"),
))]
pub async fn image(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<MessageId>,
    Query(wanted): Query<Wanted>,
) -> Answer<Response> {
    let (kind, bytes) = web.desk.picture(&signed.viewer(), id, &wanted.u).await?;
    let mut response = Body::from(bytes).into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    out.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'"),
    );
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400"));
    Ok(response)
}
