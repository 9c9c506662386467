//! Errors as `application/problem+json` (RFC 9457), with a stable code that the web part translates.
//!
//! Promises: every refusal of the API looks the same, framework's own included; nothing internal reaches a browser; there is
//! no 500 without a line in the log.
//! Must not: decide; it only words what was decided.

use std::borrow::Cow;

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::channels::{ChannelError, error::Class};
use crate::desk::DeskError;
use crate::desk::people::PeopleError;
use crate::store::StoreError;

/// What every handler answers.
pub type Answer<T> = Result<T, ApiError>;

/// A refusal, or a failure of ours.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    cure: Option<String>,
    extra: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The body of every error.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code says what it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    pub status: u16,
    /// One sentence in English about this case.
    pub detail: String,
    /// Stable: `claim.held`, `thread.moved`, `conversation.moved`, `session.required`, …
    #[schema(example = "claim.held")]
    pub code: String,
    /// What to do about it, where we know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
    /// What belongs to the code (`holder`, `until`, `thread_version`, `used`, `max`, …).
    #[serde(flatten)]
    #[schema(value_type = std::collections::HashMap<String, Object>)]
    pub extra: Map<String, Value>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), cure: None, extra: Map::new(), headers: Vec::new() }
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: nobody is signed in.
    #[must_use]
    pub fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "session.required", "Sign in first.")
    }

    /// 403: somebody is signed in and may not do this.
    pub fn forbidden(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404; also for what exists and may not be seen, so that the answer does not tell.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}, or you may not see it."))
    }

    /// 409: the world has moved on.
    pub fn conflict(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: understood, and not possible like this.
    pub fn invalid(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429 with `Retry-After` in whole seconds.
    pub fn slow_down(code: impl Into<Cow<'static, str>>, detail: impl Into<String>, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
            .with("retry_after", seconds)
            .header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// 500. What happened goes to the log, not to the browser.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side. It has been logged.",
        )
    }

    /// 503: the database does not answer for now.
    pub fn unavailable(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed because the database does not answer");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "database.unavailable",
            "The database does not answer for now. Nothing was changed.",
        )
        .cure("Try again in a moment.")
        .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }

    /// Adds a member that belongs to the code.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl From<&ApiError> for Problem {
    fn from(error: &ApiError) -> Self {
        Self {
            kind: "about:blank",
            title: error.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: error.status.as_u16(),
            detail: error.detail.clone(),
            code: error.code.clone().into_owned(),
            cure: error.cure.clone(),
            extra: error.extra.clone(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&Problem::from(&self)).unwrap_or_default();
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")],
            body,
        )
            .into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::JsonDataError(error) => Self::invalid("body.invalid", inner(&error)),
            JsonRejection::JsonSyntaxError(error) => Self::bad_request("body.not_json", inner(&error)),
            JsonRejection::MissingJsonContentType(_) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "body.not_json",
                "The body must be JSON, with Content-Type: application/json.",
            ),
            JsonRejection::BytesRejection(error) => error.into(),
            other => Self::bad_request("body.invalid", other.body_text()),
        }
    }
}

/// The innermost cause names the field and the place; the outer ones only say "failed to parse".
fn inner(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body.too_large", "The body is larger than this address takes.")
        } else {
            Self::bad_request("body.unreadable", "The body could not be read.")
        }
    }
}

impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        // An id that is no id names nothing.
        Self::not_found("thing")
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request("query.invalid", inner(&rejection))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unfit(_) => Self::invalid(
                "text.unfit",
                "Something in it cannot be kept: a character that is none, or a word without end.",
            )
            .cure("Type it again instead of pasting it."),
            error if error.is_unavailable() => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::NotFound(what) => Self::not_found(what),
            DeskError::Forbidden => Self::forbidden("role.insufficient", "Your role does not allow this."),
            DeskError::Held { user_id, ref name, until } => Self::conflict("claim.held", error.to_string())
                .with("holder", serde_json::json!({ "id": user_id, "name": name }))
                .with("until", until.0),
            DeskError::ClaimLost => {
                Self::conflict("claim.lost", "Your claim on this conversation has ended. Your text is kept.")
            }
            DeskError::ThreadMoved { version, messages } => {
                Self::conflict("thread.moved", "Something was said that you had not seen. Your text is kept.")
                    .with("thread_version", version)
                    .with("messages", serde_json::to_value(messages).unwrap_or_default())
            }
            DeskError::ConversationMoved { message_count, messages } => {
                Self::conflict("conversation.moved", "Something was said that you had not seen. Nothing was changed.")
                    .with("message_count", message_count)
                    .with("messages", serde_json::to_value(messages).unwrap_or_default())
                    .cure("Read it, then do it again.")
            }
            DeskError::Refused { code, detail, extra } => {
                let mut refusal = Self::invalid(code, detail);
                if let Value::Object(extra) = extra {
                    refusal.extra.extend(extra);
                }
                refusal
            }
            DeskError::Channel(error) => error.into(),
            DeskError::Store(error) => error.into(),
        }
    }
}

impl From<ChannelError> for ApiError {
    /// A platform's refusal, in its own two sentences and in both languages.
    fn from(error: ChannelError) -> Self {
        let status = match error.class {
            Class::Rejected | Class::Unauthorized => StatusCode::UNPROCESSABLE_ENTITY,
            Class::RateLimited { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Class::Transient | Class::Uncertain => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, error.code, error.cause.en.clone())
            .cure(error.cure.en.clone())
            .with("cause", serde_json::to_value(&error.cause).unwrap_or_default())
            .with("cures", serde_json::to_value(&error.cure).unwrap_or_default())
    }
}

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Invalid(code, sentence) => Self::invalid(code, sentence),
            PeopleError::Conflict(code, sentence) => Self::conflict(code, sentence),
            PeopleError::NotFound(what) => Self::not_found(what),
            PeopleError::Store(error) => error.into(),
            PeopleError::Hash(error) => Self::internal(error),
        }
    }
}

/// A JSON body, in or out.
#[derive(axum::extract::FromRequest, Debug, Clone)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.0).into_response();
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

/// Path parameters.
#[derive(axum::extract::FromRequestParts, Debug, Clone)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub struct Path<T>(pub T);

/// Query parameters.
#[derive(axum::extract::FromRequestParts, Debug, Clone)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub struct Query<T>(pub T);

#[cfg(test)]
mod tests {
    use super::ApiError;
    use axum::response::IntoResponse as _;

    #[tokio::test]
    async fn a_problem_carries_its_code_its_cure_and_what_belongs_to_it() {
        let response = ApiError::slow_down("session.too_many_tries", "Too many.", 30).cure("Wait.").into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "30");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "session.too_many_tries");
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["retry_after"], 30);
        assert_eq!(problem["cure"], "Wait.");
    }

    #[tokio::test]
    async fn what_broke_inside_stays_inside() {
        let response = ApiError::internal("password=hunter2 at users.rs").into_response();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
    }
}
