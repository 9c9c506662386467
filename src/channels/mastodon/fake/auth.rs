//! Applications and tokens of the played server: registration, authorization code with PKCE, revocation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::routes::{Answer, Call, refuse};
use super::world::{App, Code, Token, World};
use crate::model::Timestamp;

/// The redirect address that shows the code instead.
const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";

/// Unguessable enough for a server on loopback, and the same on every run.
fn secret(kind: &str, id: u64) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{kind}/{id}").as_bytes()))
}

pub fn register(world: &mut World, call: &Call<'_>) -> Answer {
    let uris: Vec<String> = call
        .params
        .many("redirect_uris")
        .unwrap_or_default()
        .iter()
        .flat_map(|uris| uris.split_whitespace())
        .map(str::to_owned)
        .collect();
    let Some(name) = call.params.one("client_name").filter(|name| !name.is_empty()) else {
        return refuse(422, "Validation failed: Application name can't be blank");
    };
    if uris.is_empty() {
        return refuse(422, "Validation failed: Redirect URI must be an absolute URI.");
    }
    let id = world.id(call.now);
    let (client_id, client_secret) = (secret("client", id), secret("secret", id));
    let scopes = call.params.one("scopes").unwrap_or("read").to_owned();
    let app = App {
        name: name.to_owned(),
        secret: client_secret.clone(),
        redirect_uris: uris.clone(),
        scopes: scopes.clone(),
    };
    world.apps.insert(client_id.clone(), app);
    Answer::Json(
        200,
        json!({
            "id": id.to_string(), "name": name, "website": null, "client_id": client_id, "client_secret": client_secret, "client_secret_expires_at": 0,
            "redirect_uri": uris.join("\n"), "redirect_uris": uris, "scopes": scopes.split_whitespace().collect::<Vec<_>>(), "vapid_key": ""
        }),
        None,
    )
}

/// The application behind a token.
pub fn application(world: &World, call: &Call<'_>) -> Answer {
    let Some(token) = &call.viewer else { return refuse(401, "The access token is invalid") };
    let app = token.client.as_ref().and_then(|client| world.apps.get(client));
    Answer::Json(
        200,
        json!({
            "id": "1", "name": app.map_or("Development", |app| app.name.as_str()), "website": null, "redirect_uris": app.map(|app| app.redirect_uris.clone()).unwrap_or_default(),
            "redirect_uri": app.map(|app| app.redirect_uris.join("\n")).unwrap_or_default(), "scopes": token.scopes.split_whitespace().collect::<Vec<_>>(), "vapid_key": ""
        }),
        None,
    )
}

/// A page with a button for each local account, and one for who says no.
pub fn page(world: &World, call: &Call<'_>) -> Answer {
    if call.params.one("client_id").is_none_or(|client| !world.apps.contains_key(client)) {
        return refuse(401, "Client authentication failed due to unknown client");
    }
    let hidden = call
        .params
        .all()
        .iter()
        .map(|(name, value)| {
            let value = value.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
            format!("<input type=\"hidden\" name=\"{}\" value=\"{value}\">", name.replace(['"', '<', '&'], ""))
        })
        .collect::<Vec<_>>()
        .concat();
    let buttons = world
        .accounts
        .values()
        .filter(|account| !account.acct.contains('@'))
        .map(|account| format!("<p><button name=\"login\" value=\"{0}\">{0}</button></p>", account.acct))
        .collect::<Vec<_>>()
        .concat();
    Answer::Page(format!(
        "<!DOCTYPE html><title>Authorize</title><h1>Who are you?</h1><form method=\"post\" action=\"/oauth/authorize\">{hidden}{buttons}<p><button name=\"deny\" value=\"deny\">Deny</button></p></form>"
    ))
}

/// Somebody pressed a button: back to the application with a code.
pub fn authorize(world: &mut World, call: &Call<'_>) -> Answer {
    let param = |name: &str| call.params.one(name).unwrap_or_default().to_owned();
    let (client, redirect_uri) = (param("client_id"), param("redirect_uri"));
    let Some(app) = world.apps.get(&client) else {
        return refuse(401, "Client authentication failed due to unknown client");
    };
    if !app.redirect_uris.contains(&redirect_uri) {
        return refuse(400, "The redirect uri included is not valid.");
    }
    if param("response_type") != "code" {
        return refuse(400, "The authorization server does not support this response type.");
    }
    let challenge = call.params.one("code_challenge").map(str::to_owned);
    if challenge.is_some() && param("code_challenge_method") != "S256" {
        return refuse(400, "The code challenge method must be S256.");
    }
    let scopes = call.params.one("scope").unwrap_or("read").to_owned();
    let allowed =
        |scope: &str| app.scopes.split_whitespace().any(|own| own == scope || scope.split(':').next() == Some(own));
    if !scopes.split_whitespace().all(allowed) {
        return refuse(400, "The requested scope is invalid, unknown, or malformed.");
    }
    if call.params.one("deny").is_some() {
        return back(
            &redirect_uri,
            call,
            &[
                ("error", "access_denied"),
                ("error_description", "The resource owner or authorization server denied the request."),
            ],
        );
    }
    let Some(account) = world.find(&param("login")) else {
        return refuse(403, "Your login is currently pending approval");
    };
    let id = world.id(call.now);
    let code = secret("code", id);
    world.codes.insert(code.clone(), Code { client, account, redirect_uri: redirect_uri.clone(), scopes, challenge });
    if redirect_uri == OUT_OF_BAND {
        return Answer::Page(format!(
            "<!DOCTYPE html><title>Code</title><input class=\"oauth-code\" readonly value=\"{code}\">"
        ));
    }
    back(&redirect_uri, call, &[("code", &code)])
}

/// To where the application waits, with the outcome and its own state.
fn back(redirect_uri: &str, call: &Call<'_>, outcome: &[(&str, &str)]) -> Answer {
    let Ok(mut url) = redirect_uri.parse::<url::Url>() else {
        return refuse(400, "The redirect uri included is not valid.");
    };
    url.query_pairs_mut().extend_pairs(outcome);
    if let Some(state) = call.params.one("state") {
        url.query_pairs_mut().append_pair("state", state);
    }
    Answer::Redirect(url.into())
}

fn no(error: &str, description: &str) -> Answer {
    Answer::Json(400, json!({"error": error, "error_description": description}), None)
}

pub fn token(world: &mut World, call: &Call<'_>) -> Answer {
    let param = |name: &str| call.params.one(name).unwrap_or_default().to_owned();
    let client = param("client_id");
    if world.apps.get(&client).is_none_or(|app| app.secret != param("client_secret")) {
        return Answer::Json(
            401,
            json!({"error": "invalid_client", "error_description": "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."}),
            None,
        );
    }
    if param("grant_type") != "authorization_code" {
        return no(
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
        );
    }
    // A code is good for one try.
    let Some(code) = world.codes.remove(&param("code")) else {
        return no(
            "invalid_grant",
            "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.",
        );
    };
    let proven = match &code.challenge {
        None => true,
        Some(challenge) => URL_SAFE_NO_PAD.encode(Sha256::digest(param("code_verifier").as_bytes())) == *challenge,
    };
    if !proven || code.client != client || code.redirect_uri != param("redirect_uri") {
        return no("invalid_grant", "The provided authorization grant is invalid.");
    }
    let id = world.id(call.now);
    let token = secret("token", id);
    world
        .tokens
        .insert(token.clone(), Token { account: code.account, scopes: code.scopes.clone(), client: Some(client) });
    Answer::Json(
        200,
        json!({"access_token": token, "token_type": "Bearer", "scope": code.scopes, "created_at": seconds(call.now)}),
        None,
    )
}

fn seconds(at: Timestamp) -> i64 {
    at.0 / 1_000
}

pub fn revoke(world: &mut World, call: &Call<'_>) -> Answer {
    let client = call.params.one("client_id").unwrap_or_default();
    if world.apps.get(client).is_none_or(|app| Some(app.secret.as_str()) != call.params.one("client_secret")) {
        return Answer::Json(
            403,
            json!({"error": "unauthorized_client", "error_description": "You are not authorized to revoke this token"}),
            None,
        );
    }
    world.tokens.remove(call.params.one("token").unwrap_or_default());
    Answer::Json(200, json!({}), None)
}

pub fn discovery(world: &World) -> Answer {
    let base = &world.base;
    Answer::Json(
        200,
        json!({
            "issuer": format!("{base}/"), "authorization_endpoint": format!("{base}/oauth/authorize"), "token_endpoint": format!("{base}/oauth/token"),
            "app_registration_endpoint": format!("{base}/api/v1/apps"), "revocation_endpoint": format!("{base}/oauth/revoke"),
            "userinfo_endpoint": format!("{base}/oauth/userinfo"), "scopes_supported": ["read", "write", "follow", "push", "profile"], "response_types_supported": ["code"],
            "response_modes_supported": ["query", "fragment", "form_post"], "code_challenge_methods_supported": ["S256"], "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"], "service_documentation": "https://docs.joinmastodon.org/"
        }),
        None,
    )
}
