//! Connecting an account in the browser: to the platform, and back.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Web;
use super::error::{Answer, ApiError, Json, Path, Problem};
use super::session::Signed;

/// Where platforms send the browser back to.
pub const CALLBACK: &str = "/connect/callback";

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

/// `GET /connect/callback`: the browser is back. It is sent on to the accounts screen, with the outcome in the address.
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
    let outcome = match web.desk.finish_connecting(&signed.viewer(), &pairs, &redirect_uri).await {
        Ok(account) => format!("connected={}", account.id),
        Err(error) => {
            let error = ApiError::from(error);
            tracing::info!(code = error.code(), "an account could not be connected in the browser");
            let detail = url::form_urlencoded::byte_serialize(error.detail().as_bytes()).collect::<String>();
            format!("failed={}&detail={detail}", error.code())
        }
    };
    Redirect::to(&format!("/settings/accounts?{outcome}")).into_response()
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
