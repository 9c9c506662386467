//! Around every call of a visitor: which chat it is for, whether that site may, whether this address asks too much; and the words
//! that browsers want to hear about it (CORS).

use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Answer, Refusal};
use super::limits::What;
use crate::desk::visit::{Door, Visitor};
use crate::http::session::{self, Peer};
use crate::http::{Web, limiter};
use crate::model::AccountId;

/// The address that asks, as it is counted.
#[derive(Clone, Debug)]
pub struct Address(pub String);

/// Lets a call through to its door, or not.
pub async fn gate(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN).cloned();
    if let Err(refusal) = judge(&web, &mut parts, origin.as_ref()).await {
        // A site that is refused may read why; the refusal tells nothing that the site did not say itself.
        let readable = matches!(refusal.code, "origin_not_allowed" | "inbox_disabled" | "rate_limited");
        let mut response = refusal.into_response();
        if readable && origin.is_some() {
            response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        response
    } else {
        let mut response = if parts.method == Method::OPTIONS {
            StatusCode::NO_CONTENT.into_response()
        } else {
            next.run(Request::from_parts(parts, body)).await
        };
        allow(response.headers_mut(), origin);
        response
    }
}

async fn judge(web: &Web, parts: &mut Parts, origin: Option<&HeaderValue>) -> Answer<()> {
    let peer = Peer::from_request_parts(parts, web).await.map_err(|_| Refusal::closed())?;
    let address = limiter::network(peer.0);
    web.rates.take(What::Calls, &address, web.desk.clock().now()).map_err(Refusal::slow_down)?;
    let account = parts.uri.path().split('/').nth(2).unwrap_or_default();
    let account: AccountId = account.parse().map_err(|_| Refusal::closed())?;
    let door = web.desk.door(account).await?;
    if let Some(origin) = origin {
        let text = origin.to_str().map_err(|_| Refusal::foreign())?;
        if !session::is_own_origin(web, &parts.headers, text) && !door.admits(text) {
            return Err(Refusal::foreign());
        }
    }
    parts.extensions.insert(door);
    parts.extensions.insert(Address(address));
    Ok(())
}

fn allow(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = origin else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

impl FromRequestParts<Web> for Door {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::closed)
    }
}

impl FromRequestParts<Web> for Address {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::closed)
    }
}

/// Whoever holds a token. As an argument of a call it turns everybody else away.
pub struct Known {
    pub visitor: Visitor,
    pub token: String,
}

impl FromRequestParts<Web> for Known {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Refusal> {
        let door = Door::from_request_parts(parts, web).await?;
        let token = session::bearer(&parts.headers).ok_or(crate::desk::visit::VisitError::Token)?;
        let visitor = web.desk.guest(&door, token.expose()).await?;
        Ok(Self { visitor, token: token.expose().clone() })
    }
}

impl Known {
    /// Counts one of something they do.
    ///
    /// # Errors
    /// 429
    pub fn take(&self, web: &Web, what: What) -> Answer<()> {
        web.rates.take(what, &self.visitor.id.to_string(), web.desk.clock().now()).map_err(Refusal::slow_down)
    }
}

/// A JSON body; nothing at all is an empty object.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Web> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, web).await.map_err(|error| {
            if error.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refusal::too_large()
            } else {
                Refusal::invalid("The body could not be read.")
            }
        })?;
        let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Refusal::invalid(error.to_string()))
    }
}

/// A JSON answer that nobody keeps.
pub struct Told<T>(pub T);

impl<T: Serialize> IntoResponse for Told<T> {
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, "no-store")], axum::Json(self.0)).into_response()
    }
}
