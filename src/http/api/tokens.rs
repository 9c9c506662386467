//! API tokens of the one who is signed in.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::desk::people::{self, TokenView};
use crate::http::Web;
use crate::http::error::{Answer, ApiError, Json, Path, Problem};
use crate::http::session::Signed;
use crate::model::{Timestamp, TokenId};

/// My tokens
#[utoipa::path(get, path = "/api/tokens", tag = "people", responses((status = 200, body = [TokenView])))]
pub async fn list(State(web): State<Web>, signed: Signed) -> Answer<Json<Vec<TokenView>>> {
    Ok(Json(people::tokens(&web.store, signed.id()).await?))
}

/// A token to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    name: String,
    /// When it stops; never, when left out.
    expires_at: Option<Timestamp>,
}

/// A new token. `token` is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MadeToken {
    #[serde(flatten)]
    view: TokenView,
    token: String,
}

/// Make a token; it may do what I may do
#[utoipa::path(post, path = "/api/tokens", tag = "people", request_body = NewToken, responses(
    (status = 201, body = MadeToken), (status = 403, description = "`token.by_token`: a token makes no tokens", body = Problem, content_type = "application/problem+json"),
))]
pub async fn add(
    State(web): State<Web>,
    signed: Signed,
    Json(given): Json<NewToken>,
) -> Answer<(StatusCode, Json<MadeToken>)> {
    let Some(session) = signed.session() else {
        // Else a token that leaks for an hour could outlive its own end.
        return Err(ApiError::forbidden("token.by_token", "A token cannot make tokens. Sign in in a browser."));
    };
    let (token, view) =
        people::add_token(&web.store, signed.id(), Some(session), &given.name, given.expires_at).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { view, token: token.expose().clone() })))
}

/// Revoke a token of mine
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "people", params(("id" = TokenId, Path)), responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn remove(State(web): State<Web>, signed: Signed, Path(id): Path<TokenId>) -> Answer<StatusCode> {
    people::remove_token(&web.store, signed.id(), id).await?;
    web.hub.doubt(signed.id());
    Ok(StatusCode::NO_CONTENT)
}
