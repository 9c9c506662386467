//! Refusals as visitors' programs get them: `{"error":{"code","message","retry_after"?,"field"?}}`.
//!
//! Promises: one shape; the codes of `docs/WEBCHAT.md`; nothing internal reaches a browser.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::desk::DeskError;
use crate::desk::visit::VisitError;

/// What every call answers.
pub type Answer<T> = Result<T, Refusal>;

/// A refusal, or a failure of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    pub retry_after: Option<u64>,
    pub field: Option<String>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None, field: None }
    }

    /// 400
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// 429
    #[must_use]
    pub fn slow_down(seconds: u64) -> Self {
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too much at once. Wait a moment.");
        refusal.retry_after = Some(seconds);
        refusal
    }

    /// 403
    #[must_use]
    pub fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            "This site is not on the list of the chat. An administrator adds it in Balie, under the account's sites.",
        )
    }

    /// 404
    #[must_use]
    pub fn closed() -> Self {
        VisitError::Closed.into()
    }

    /// 408
    #[must_use]
    pub fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "The file took too long to arrive. Try a smaller one, or a better line.",
        )
    }

    /// 413
    #[must_use]
    pub fn too_large() -> Self {
        VisitError::TooLarge.into()
    }

    fn unavailable() -> Self {
        let mut refusal =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible for now. Nothing was changed.");
        refusal.retry_after = Some(5);
        refusal
    }

    fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a visitor's call failed");
        let mut refusal = Self::unavailable();
        refusal.status = StatusCode::INTERNAL_SERVER_ERROR;
        refusal
    }
}

impl From<VisitError> for Refusal {
    fn from(error: VisitError) -> Self {
        let message = error.to_string();
        match error {
            VisitError::Closed => Self::new(StatusCode::NOT_FOUND, "inbox_disabled", message),
            VisitError::Token => Self::new(StatusCode::UNAUTHORIZED, "token_invalid", message),
            VisitError::Identity => Self::new(StatusCode::UNAUTHORIZED, "identity_invalid", message),
            VisitError::Blocked => Self::new(StatusCode::FORBIDDEN, "blocked", message),
            VisitError::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            VisitError::NotPossible(_) => Self::new(StatusCode::CONFLICT, "not_possible", message),
            VisitError::Reused => Self::new(StatusCode::CONFLICT, "client_id_reused", message),
            VisitError::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message),
            VisitError::Kind => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type", message),
            VisitError::Missing(field) => {
                let mut refusal = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "incomplete", message);
                refusal.field = Some(field);
                refusal
            }
            VisitError::Invalid(field) => {
                let mut refusal = Self::invalid(message);
                refusal.field = Some(field);
                refusal
            }
            VisitError::TooSoon(seconds) => Self::slow_down(seconds),
            VisitError::Desk(error) => error.into(),
        }
    }
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Store(error) if error.is_unavailable() || error.is_conflict() => {
                tracing::error!(%error, "a visitor's call failed because the database does not answer");
                Self::unavailable()
            }
            DeskError::NotFound(_) => VisitError::NotFound.into(),
            other => Self::internal(other),
        }
    }
}

impl From<crate::store::StoreError> for Refusal {
    fn from(error: crate::store::StoreError) -> Self {
        DeskError::Store(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(seconds) = self.retry_after {
            error["retry_after"] = seconds.into();
        }
        if let Some(field) = self.field {
            error["field"] = field.into();
        }
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")],
            json!({ "error": error }).to_string(),
        )
            .into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A known address, asked in a way it does not know.
pub async fn wrong_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "invalid", "This address does not know this method.")
}
