//! The description of the API: OpenAPI 3.1, made from the handlers themselves.

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::api::{
    accounts, calls, contacts, conversations, load, me, media, messages, originals, quarantine, session, tags, teams,
    tokens, users,
};
use super::error::Problem;
use super::{connect, socket};
use crate::live::{ClientMessage, ServerMessage};

#[derive(OpenApi)]
#[openapi(
    info(title = "Balie", description = "A self-hosted webcare inbox. Times are epoch milliseconds, ids are UUIDs, errors are RFC 9457 problems with a stable `code`.", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    paths(
        session::sign_in, session::sign_out,
        me::show, me::change, me::password,
        tokens::list, tokens::add, tokens::remove,
        users::list, users::add, users::change,
        teams::list, teams::add, teams::change, teams::remove,
        tags::list, tags::add, tags::change,
        contacts::find, contacts::show, contacts::link, contacts::unlink,
        conversations::list, conversations::counts, conversations::next, conversations::open, conversations::messages,
        conversations::claim, conversations::release, conversations::reply, conversations::note, conversations::assign,
        conversations::tag, conversations::untag, conversations::status, conversations::snooze, conversations::priority,
        conversations::draft, conversations::elsewhere, calls::note,
        messages::measure, messages::act, messages::resolve,
        originals::html, originals::source, originals::image,
        media::upload, media::show,
        accounts::channels, accounts::list, accounts::show, accounts::add, accounts::change, accounts::remove,
        accounts::probe, accounts::test, connect::start,
        quarantine::list, quarantine::show, quarantine::replay, quarantine::dismiss,
        load::show,
        socket::live,
    ),
    components(schemas(Problem, ClientMessage, ServerMessage)),
    modifiers(&Security, &Names),
    security(("cookie" = []), ("token" = [])),
)]
struct Description;

struct Security;

impl Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let cookie = ApiKeyValue::with_description(
            super::session::COOKIE,
            "Set by POST /api/session. Unsafe methods also need an Origin of ours.",
        );
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("balie_…")
            .description(Some("Made at POST /api/tokens."))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}

/// Handlers are short words (`list`, `add`) in a module each; the document wants one name per operation.
struct Names;

impl Modify for Names {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut api.paths.paths {
            let methods = [
                ("get", &mut item.get),
                ("put", &mut item.put),
                ("post", &mut item.post),
                ("patch", &mut item.patch),
                ("delete", &mut item.delete),
            ];
            let place = path.trim_start_matches("/api/").replace(['{', '}'], "").replace(['/', '.'], "_");
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    operation.operation_id = Some(format!("{method}_{place}"));
                }
            }
        }
    }
}

/// The document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// The document as text.
#[must_use]
pub fn json() -> String {
    document().to_pretty_json().unwrap_or_default()
}

/// `GET /api/openapi.json`
pub async fn serve() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], json())
}
