//! Where platforms call us: `/hooks/{account}`.
//!
//! Promises: the raw body is what is verified; what is taken in is committed before we say yes, so a platform that hears
//! nothing sends again.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Web;
use super::error::{Answer, Path};
use crate::model::AccountId;

/// Largest call of a platform, in bytes.
pub const LARGEST: usize = 4 * 1024 * 1024;

/// `GET` (handshakes) and `POST /hooks/{account}`
pub async fn receive(
    State(web): State<Web>,
    Path(account): Path<AccountId>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let answer = web.desk.receive(account, &headers, query.as_deref().unwrap_or_default(), &body).await?;
    Ok(match answer {
        // A platform chooses this text in a handshake: it must never be taken for a page.
        Some(text) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}
