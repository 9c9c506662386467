//! The door for visitors: what `docs/WEBCHAT.md` promises, and nothing else.
//!
//! Promises: no cookie is set or read here; a site that is not on the account's list gets nothing; every refusal has the one shape
//! of that page; guessing, flooding and large things are stopped before they cost anything.
//! Must not: decide who sees what; `desk::visit` does.

pub mod calls;
pub mod error;
pub mod files;
pub mod frame;
pub mod gate;
pub mod limits;
pub mod socket;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

use super::Web;

/// Every address a visitor has.
pub fn router(web: &Web) -> Router<Web> {
    let calls = Router::new()
        .route("/visit/{account}/config", get(calls::config))
        .route("/visit/{account}/session", post(calls::enter))
        .route("/visit/{account}/session", delete(calls::leave))
        .route("/visit/{account}/identify", post(calls::identify))
        .route("/visit/{account}/messages", get(calls::messages).post(calls::say))
        .route("/visit/{account}/files", post(files::give).layer(DefaultBodyLimit::max(files::PATIENCE)))
        .route("/visit/{account}/files/{id}", get(files::show))
        .route("/visit/{account}/read", post(calls::read))
        .route("/visit/{account}/rating", post(calls::rate))
        .route("/visit/{account}/end", post(calls::end))
        .route("/visit/{account}/transcript", get(calls::transcript).post(calls::mail_transcript))
        .route("/visit/{account}/offline", post(calls::offline))
        .route("/visit/{account}/ws", get(socket::open))
        .method_not_allowed_fallback(error::wrong_method)
        .layer(from_fn_with_state(web.clone(), gate::gate));
    Router::new()
        .merge(calls)
        .route("/widget.js", get(frame::loader))
        .route("/widget/frame", get(frame::frame))
        .route("/demo", get(frame::demo))
        .route("/demo/{file}", get(frame::demo_file))
}
