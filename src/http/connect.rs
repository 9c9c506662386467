//! Connecting an account in the browser: to the platform, and back.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Web;
use super::error::{Answer, ApiError, Json, Path, Problem};
use super::session::Signed;

/// Where platforms send the browser back to.
pub const CALLBACK: &str = "/connect/callback";
/// The cookie that tells the accounts screen why a connection failed.
const TOLD: &str = "balie_told";
/// Browsers keep four kilobytes a cookie, name and attributes included.
const ROOM: usize = 3_500;

/// The fields that are needed before the platform can be asked (its address).
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Connecting {
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: Value,
}

/// Where to send the browser.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SendTo {
    #[schema(value_type = String)]
    authorize_url: url::Url,
}

/// Begin to connect an account in the browser (admin)
#[utoipa::path(post, path = "/api/connect/{channel}", tag = "accounts", params(("channel" = String, Path)), request_body = Connecting, responses(
    (status = 200, body = SendTo), (status = 422, description = "`connect.not_possible`, `account.field`, or the platform's refusal", body = Problem, content_type = "application/problem+json"),
))]
pub async fn start(
    State(web): State<Web>,
    signed: Signed,
    Path(channel): Path<String>,
    headers: HeaderMap,
    Json(given): Json<Connecting>,
) -> Answer<Json<SendTo>> {
    let settings = if given.settings.is_null() { Value::Object(serde_json::Map::new()) } else { given.settings };
    let authorize_url =
        web.desk.start_connecting(&signed.viewer(), &channel, &settings, &redirect_uri(&web, &headers)?).await?;
    Ok(Json(SendTo { authorize_url }))
}

/// `GET /connect/callback`: the browser is back. It is sent on to the accounts screen, with the outcome in the address; the words
/// of a failure go along in a cookie of a minute, because words in an address could be anybody's.
pub async fn callback(
    State(web): State<Web>,
    signed: Signed,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let redirect_uri = match redirect_uri(&web, &headers) {
        Ok(uri) => uri,
        Err(error) => return error.into_response(),
    };
    match web.desk.finish_connecting(&signed.viewer(), &pairs, &redirect_uri).await {
        Ok(account) => Redirect::to(&format!("/settings/accounts?connected={}", account.id)).into_response(),
        Err(error) => {
            let error = ApiError::from(error);
            tracing::info!(code = error.code(), "an account could not be connected in the browser");
            let to = Redirect::to(&format!("/settings/accounts?failed={}", error.code()));
            (AppendHeaders([(header::SET_COOKIE, told(&web, &error))]), to).into_response()
        }
    }
}

/// The problem, for the accounts screen alone: whole, or without what belongs to it where a cookie has no room for that.
fn told(web: &Web, error: &ApiError) -> HeaderValue {
    let mut problem = Problem::from(error);
    let text = |problem: &Problem| URL_SAFE_NO_PAD.encode(serde_json::to_vec(problem).unwrap_or_default());
    let mut value = text(&problem);
    if value.len() > ROOM {
        problem.extra = serde_json::Map::new();
        problem.detail = problem.detail.chars().take(300).collect();
        value = text(&problem);
    }
    let secure = if web.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{TOLD}={value}; Path=/settings; SameSite=Lax; Max-Age=60{secure}");
    HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn redirect_uri(web: &Web, headers: &HeaderMap) -> Answer<String> {
    if let Some(url) = &web.public_url {
        return Ok(format!("{}{CALLBACK}", url.as_str().trim_end_matches('/')));
    }
    // Without a configured address: where the browser says it is. Its request was checked to be from here.
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let url: Option<url::Url> = host.and_then(|host| format!("http://{host}{CALLBACK}").parse().ok());
    url.map(|url| url.to_string())
        .ok_or_else(|| ApiError::bad_request("host.unknown", "The request does not say which host it is for."))
}
