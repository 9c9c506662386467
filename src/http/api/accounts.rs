//! Channels there are, and accounts that are connected.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::desk::accounts::{Account, AccountChange, NewAccount, Tried};
use crate::desk::catalog::{self, ChannelView};
use crate::http::Web;
use crate::http::error::{Answer, Json, Path, Problem};
use crate::http::session::Signed;
use crate::model::AccountId;

/// Every channel, with what it takes to connect it
#[utoipa::path(get, path = "/api/channels", tag = "accounts", responses((status = 200, body = [ChannelView])))]
pub async fn channels(State(web): State<Web>, _: Signed) -> Json<Vec<ChannelView>> {
    let _ = web;
    Json(catalog::channels())
}

/// The accounts I may see
#[utoipa::path(get, path = "/api/accounts", tag = "accounts", responses((status = 200, body = [Account])))]
pub async fn list(State(web): State<Web>, signed: Signed) -> Answer<Json<Vec<Account>>> {
    Ok(Json(web.desk.accounts(&signed.viewer()).await?))
}

/// One account
#[utoipa::path(get, path = "/api/accounts/{id}", tag = "accounts", params(("id" = AccountId, Path)), responses((status = 200, body = Account), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn show(State(web): State<Web>, signed: Signed, Path(id): Path<AccountId>) -> Answer<Json<Account>> {
    Ok(Json(web.desk.account(&signed.viewer(), id).await?))
}

/// Connect an account (admin); it is tried first, and what fails is not kept
#[utoipa::path(post, path = "/api/accounts", tag = "accounts", request_body = NewAccount, responses(
    (status = 201, body = Account), (status = 422, description = "`account.field` with `field`, `account.twice`, `account.team_unknown`, or the platform's refusal with `cause` and `cure`", body = Problem, content_type = "application/problem+json"),
    (status = 502, description = "The platform does not answer", body = Problem, content_type = "application/problem+json"),
))]
pub async fn add(
    State(web): State<Web>,
    signed: Signed,
    Json(new): Json<NewAccount>,
) -> Answer<(StatusCode, Json<Account>)> {
    Ok((StatusCode::CREATED, Json(web.desk.add_account(&signed.viewer(), &new).await?)))
}

/// Change an account (admin); a secret that is left out stays
#[utoipa::path(patch, path = "/api/accounts/{id}", tag = "accounts", params(("id" = AccountId, Path)), request_body = AccountChange, responses((status = 200, body = Account), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, description = "`account.field` with `field`, `account.team_unknown`", body = Problem, content_type = "application/problem+json")))]
pub async fn change(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<AccountId>,
    Json(change): Json<AccountChange>,
) -> Answer<Json<Account>> {
    Ok(Json(web.desk.change_account(&signed.viewer(), id, &change).await?))
}

/// Disconnect an account (admin); its conversations stay, its secrets go
#[utoipa::path(delete, path = "/api/accounts/{id}", tag = "accounts", params(("id" = AccountId, Path)), responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn remove(State(web): State<Web>, signed: Signed, Path(id): Path<AccountId>) -> Answer<StatusCode> {
    web.desk.remove_account(&signed.viewer(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask the platform whether the account works (admin); the answer stands in its health
#[utoipa::path(post, path = "/api/accounts/{id}/probe", tag = "accounts", params(("id" = AccountId, Path)), responses((status = 200, body = Account), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn probe(State(web): State<Web>, signed: Signed, Path(id): Path<AccountId>) -> Answer<Json<Account>> {
    Ok(Json(web.desk.probe_account(&signed.viewer(), id).await?))
}

/// Settings to be tried and not kept.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Trial {
    channel: String,
    #[schema(value_type = Object)]
    settings: Value,
}

/// Try settings (admin)
#[utoipa::path(post, path = "/api/accounts/test", tag = "accounts", request_body = Trial, responses((status = 200, body = Tried), (status = 422, body = Problem, content_type = "application/problem+json"), (status = 502, body = Problem, content_type = "application/problem+json")))]
pub async fn test(State(web): State<Web>, signed: Signed, Json(trial): Json<Trial>) -> Answer<Json<Tried>> {
    Ok(Json(web.desk.try_account(&signed.viewer(), &trial.channel, &trial.settings).await?))
}
