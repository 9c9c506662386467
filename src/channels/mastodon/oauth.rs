//! Connecting in the browser: Balie registers itself with the server, then asks for a token with PKCE.
//!
//! Tokens do not expire and there is no refresh. A registration is limited to 5 in 10 minutes an address, so that one that
//! is known for this server and redirect address is used again.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{self, Api};
use crate::channels::descriptor::{OAuth, Start};
use crate::channels::oauth::Registration;
use crate::channels::{ChannelError, Context};

/// What is asked for: no more than what Balie does.
pub const SCOPES: &str = "read:accounts read:notifications read:search read:statuses write:blocks write:conversations write:favourites \
     write:media write:mutes write:notifications write:reports write:statuses";

/// The browser's way in.
pub struct Browser;

#[derive(Deserialize)]
struct App {
    client_id: String,
    client_secret: String,
}

#[async_trait::async_trait]
impl OAuth for Browser {
    async fn start(&self, context: &Context, redirect_uri: &str, state: &str) -> Result<Start, ChannelError> {
        let api = api_of(context)?;
        let app = match known(context, &api, redirect_uri).await {
            Some(app) => app,
            None => register(&api, redirect_uri).await?,
        };
        let (authorize, token) = (api.url(&["oauth", "authorize"]), api.url(&["oauth", "token"]));
        let registration = Registration {
            authorize: &authorize,
            token: &token,
            client_id: &app.client_id,
            client_secret: &app.client_secret,
            redirect_uri,
        };
        let scopes: Vec<&str> = SCOPES.split(' ').collect();
        let (mut authorize_url, verifier) = registration.start(&scopes, state)?;
        // Lets an admin connect a second account of the brand on the same server.
        authorize_url.query_pairs_mut().append_pair("force_login", "true");
        Ok(Start {
            authorize_url,
            keep: json!({"verifier": verifier, "client_id": app.client_id, "client_secret": app.client_secret}),
        })
    }

    async fn finish(
        &self,
        context: &Context,
        redirect_uri: &str,
        query: &[(String, String)],
        keep: &Value,
    ) -> Result<Value, ChannelError> {
        let api = api_of(context)?;
        let (authorize, token) = (api.url(&["oauth", "authorize"]), api.url(&["oauth", "token"]));
        let text = |key: &str| keep[key].as_str().unwrap_or_default();
        let registration = Registration {
            authorize: &authorize,
            token: &token,
            client_id: text("client_id"),
            client_secret: text("client_secret"),
            redirect_uri,
        };
        let token = registration.finish(&context.client, query, text("verifier")).await?;
        Ok(json!({
            "token": token,
            "app": {"server": api.base(), "redirect_uri": redirect_uri, "client_id": text("client_id"), "client_secret": text("client_secret")},
        }))
    }
}

fn api_of(context: &Context) -> Result<Api, ChannelError> {
    Api::new(context.clone(), context.settings["url"].as_str().unwrap_or_default())
}

async fn known(context: &Context, api: &Api, redirect_uri: &str) -> Option<App> {
    let mut secrets = context.secrets.load().await.ok()?;
    let app = secrets["app"].take();
    let fits =
        app["server"].as_str() == Some(api.base().as_str()) && app["redirect_uri"].as_str() == Some(redirect_uri);
    if fits { serde_json::from_value(app).ok() } else { None }
}

async fn register(api: &Api, redirect_uri: &str) -> Result<App, ChannelError> {
    let body = json!({"client_name": "Balie", "redirect_uris": redirect_uri, "scopes": SCOPES});
    let request = api.context.client.request(Method::POST, &api.url(&["api", "v1", "apps"]))?.json(&body);
    api::read(&api.ask(request).await.map_err(api::of_feed)?)
}
