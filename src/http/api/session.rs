//! Signing in and out.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;

use super::me::Me;
use crate::desk::people;
use crate::http::Web;
use crate::http::error::{Answer, ApiError, Json, Problem};
use crate::http::session::{Peer, cookie, set_cookie};
use crate::secret::{Secret, fingerprint};

/// What it takes to sign in.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Credentials {
    email: String,
    #[schema(value_type = String, format = Password)]
    password: Secret<String>,
}

/// Sign in
#[utoipa::path(post, path = "/api/session", tag = "people", request_body = Credentials, security(()), responses(
    (status = 200, description = "Signed in; the answer sets the session cookie", body = Me),
    (status = 401, description = "`session.bad_credentials`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`session.too_many_tries`, with `Retry-After`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_in(
    State(web): State<Web>,
    Peer(address): Peer,
    headers: HeaderMap,
    Json(given): Json<Credentials>,
) -> Answer<Response> {
    let now = web.store.clock().now();
    web.limiter.count(address, &given.email, now).map_err(|seconds| {
        ApiError::slow_down("session.too_many_tries", "There were too many tries to sign in. Wait a little.", seconds)
    })?;
    let old = cookie(&headers).map(|cookie| fingerprint(cookie.expose()));
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((token, user)) = people::sign_in(&web.store, &given.email, given.password, agent, old.as_deref()).await?
    else {
        tracing::info!(%address, "somebody failed to sign in");
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "session.bad_credentials",
            "The e-mail address or the password is not right.",
        ));
    };
    web.limiter.forgive(address, &given.email, now);
    tracing::info!(user = %user.id, "signed in");
    let me = Me::of(&web, &user).await?;
    Ok((AppendHeaders([(header::SET_COOKIE, set_cookie(&web, Some(&token)))]), Json(me)).into_response())
}

/// Sign out
#[utoipa::path(delete, path = "/api/session", tag = "people", responses((status = 204, description = "Signed out, also when nobody was signed in")))]
pub async fn sign_out(State(web): State<Web>, headers: HeaderMap) -> Answer<impl IntoResponse> {
    if let Some(cookie) = cookie(&headers) {
        let whose = people::sign_out(&web.store, &fingerprint(cookie.expose())).await?;
        if let Some(user) = whose {
            web.hub.doubt(user);
        }
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, set_cookie(&web, None))])))
}
