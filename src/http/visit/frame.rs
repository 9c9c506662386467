//! What other sites embed: the loader, the page in the frame, and in the playground a shop that has both.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::error::{Answer, Refusal};
use crate::http::{Web, assets};
use crate::model::AccountId;

const CROSS_ORIGIN: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// What the page in the frame may do; who may frame it is added.
const FRAME_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";
const DEMO_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src 'self'; connect-src 'self'; \
     media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /widget.js`: the only thing of ours that runs in somebody else's page.
pub async fn loader(headers: HeaderMap) -> Response {
    let Some(mut response) = assets::built("widget/widget.js", &headers) else { return unbuilt() };
    let out = response.headers_mut();
    out.insert(CROSS_ORIGIN, HeaderValue::from_static("cross-origin"));
    out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

#[derive(Deserialize)]
pub struct Framed {
    account: String,
}

/// `GET /widget/frame?account=…`: the sites of the account may frame it, and nobody else.
pub async fn frame(
    State(web): State<Web>,
    framed: Result<Query<Framed>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Answer<Response> {
    let account: Option<AccountId> = framed.ok().and_then(|Query(framed)| framed.account.parse().ok());
    let door = web.desk.door(account.ok_or_else(Refusal::closed)?).await?;
    let mut response = assets::built("widget/frame.html", &headers).unwrap_or_else(unbuilt);
    let policy = format!("{FRAME_POLICY}; frame-ancestors 'self' {}", door.ancestors().join(" "));
    let policy = HeaderValue::from_str(&policy).map_err(|_| Refusal::closed())?;
    let out = response.headers_mut();
    out.insert(header::CONTENT_SECURITY_POLICY, policy);
    // A page that isolates itself (COEP) may have it too.
    out.insert(CROSS_ORIGIN, HeaderValue::from_static("cross-origin"));
    Ok(response)
}

fn unbuilt() -> Response {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "The chat was not built into this program.")
        .into_response()
}

/// `GET /demo`: only in the playground.
pub async fn demo(State(web): State<Web>) -> Answer<Response> {
    let door = if web.playground { web.desk.first_door().await? } else { None };
    let door = door.ok_or_else(Refusal::closed)?;
    let page = include_str!("demo/index.html").replace("{account}", &door.account.id.to_string());
    Ok(shown("text/html; charset=utf-8", page))
}

/// `GET /demo/{file}`
pub async fn demo_file(State(web): State<Web>, Path(file): Path<String>) -> Answer<Response> {
    match file.as_str() {
        "style.css" if web.playground => {
            Ok(shown("text/css; charset=utf-8", include_str!("demo/style.css").to_owned()))
        }
        // The shop's other pages are the same page: what is said goes on from one to the next.
        _ if web.playground && !file.contains('.') => demo(State(web)).await,
        _ => Err(Refusal::closed()),
    }
}

fn shown(kind: &'static str, text: String) -> Response {
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, DEMO_POLICY),
        ],
        text,
    )
        .into_response()
}
