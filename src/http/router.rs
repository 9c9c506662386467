//! Every route on one page.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, patch, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use super::api::{
    accounts, calls, contacts, conversations, load, me, media, messages, originals, quarantine, session, tags, teams,
    tokens, users,
};
use super::error::ApiError;
use super::session::same_origin;
use super::{Web, assets, connect, health, hooks, metrics, openapi, socket, trace, visit};

/// What an ordinary request may weigh. Uploads and hooks have their own limits.
const BODY: usize = 1024 * 1024;

/// The whole door.
pub fn router(web: Web) -> Router {
    let api = Router::new()
        .route("/session", post(session::sign_in).delete(session::sign_out))
        .route("/me", get(me::show).patch(me::change))
        .route("/me/password", post(me::password))
        .route("/tokens", get(tokens::list).post(tokens::add))
        .route("/tokens/{id}", delete(tokens::remove))
        .route("/users", get(users::list).post(users::add))
        .route("/users/{id}", patch(users::change))
        .route("/teams", get(teams::list).post(teams::add))
        .route("/teams/{id}", patch(teams::change).delete(teams::remove))
        .route("/tags", get(tags::list).post(tags::add))
        .route("/tags/{id}", patch(tags::change))
        .route("/contacts", get(contacts::find))
        .route("/contacts/{id}", get(contacts::show))
        .route("/contacts/{id}/links", post(contacts::link))
        .route("/contacts/{id}/links/{contact_id}", delete(contacts::unlink))
        .route("/conversations", get(conversations::list))
        .route("/conversations/counts", get(conversations::counts))
        .route("/conversations/next", post(conversations::next))
        .route("/conversations/{id}", get(conversations::open))
        .route("/conversations/{id}/messages", get(conversations::messages))
        .route("/conversations/{id}/claim", post(conversations::claim).delete(conversations::release))
        .route("/conversations/{id}/replies", post(conversations::reply))
        .route("/conversations/{id}/elsewhere", post(conversations::elsewhere))
        .route("/calls", post(calls::note))
        .route("/conversations/{id}/notes", post(conversations::note))
        .route("/conversations/{id}/assignee", put(conversations::assign))
        .route("/conversations/{id}/tags", post(conversations::tag))
        .route("/conversations/{id}/tags/{tag_id}", delete(conversations::untag))
        .route("/conversations/{id}/status", put(conversations::status))
        .route("/conversations/{id}/snooze", put(conversations::snooze))
        .route("/conversations/{id}/priority", put(conversations::priority))
        .route("/conversations/{id}/draft", put(conversations::draft))
        .route("/threads/{id}/measure", post(messages::measure))
        .route("/messages/{id}/actions", post(messages::act))
        .route("/messages/{id}/resolve", post(messages::resolve))
        .route("/messages/{id}/html", get(originals::html))
        .route("/messages/{id}/source", get(originals::source))
        .route("/messages/{id}/images", get(originals::image))
        .route("/uploads", post(media::upload).layer(DefaultBodyLimit::max(media::PATIENCE)))
        .route("/media/{id}", get(media::show))
        .route("/channels", get(accounts::channels))
        .route("/accounts", get(accounts::list).post(accounts::add))
        .route("/accounts/test", post(accounts::test))
        .route("/accounts/{id}", get(accounts::show).patch(accounts::change).delete(accounts::remove))
        .route("/accounts/{id}/probe", post(accounts::probe))
        .route("/connect/{channel}", post(connect::start))
        .route("/quarantine", get(quarantine::list))
        .route("/quarantine/{id}", get(quarantine::show))
        .route("/quarantine/{id}/replay", post(quarantine::replay))
        .route("/quarantine/{id}/dismiss", post(quarantine::dismiss))
        .route("/load", get(load::show))
        .route("/live", get(socket::live))
        .route("/openapi.json", get(openapi::serve))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(web.clone(), same_origin));

    Router::new()
        .nest("/api", api)
        .route(connect::CALLBACK, get(connect::callback))
        .route(
            "/hooks/{account}",
            get(hooks::receive)
                .post(hooks::receive)
                .options(hooks::receive)
                .layer(DefaultBodyLimit::max(hooks::LARGEST)),
        )
        .merge(visit::router(&web))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::serve))
        .fallback(assets::serve)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn(super::hear::out))
        .layer(from_fn(super::stall::guard))
        .layer(CatchPanicLayer::custom(trace::Net(web.life.clone())))
        .layer(from_fn_with_state(web.clone(), trace::around))
        .with_state(web)
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not know this method.",
    )
}
