//! Signing in, with passwords and with tokens that are renewed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::post;
use axum::{Form, Json, Router};
use serde_json::{Value, json};

use super::{Harness, Stage};
use crate::channels::descriptor::OAuth as _;
use crate::channels::fake::{Running, Wire, serve};
use crate::channels::{Class, MemorySecrets, Secrets as _};

#[tokio::test]
async fn a_server_that_refuses_three_times_is_left_alone_for_a_while() {
    let stage = Stage::start().await;
    stage.post.lock().manners.locked = true;
    let channel = stage.connect();
    let logins =
        || stage.post.lock().commands.iter().filter(|verb| verb.contains("LOGIN") || verb.contains("AUTH")).count();
    for _ in 0..8 {
        let error = channel.pull().unwrap().pull("mail", None).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "mailbox.refused"));
    }
    assert_eq!(logins(), 3);
    stage.post.lock().manners.locked = false;
    assert!(channel.pull().unwrap().pull("mail", None).await.is_err(), "still left alone");
    stage.clock.advance(std::time::Duration::from_secs(16 * 60));
    channel.pull().unwrap().pull("mail", None).await.unwrap();
}

#[tokio::test]
async fn no_error_tells_a_secret() {
    let stage = Stage::start().await;
    let secret = "hunter2-very-secret";
    stage.secrets.save(&json!({"password": secret})).await.unwrap();
    let channel = stage.connect();
    for error in [channel.probe().await.unwrap_err(), channel.pull().unwrap().pull("mail", None).await.unwrap_err()] {
        assert_eq!(error.class, Class::Unauthorized);
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

/// Whoever gives tokens: rotates refresh tokens and takes each once.
async fn giver(stage: &Stage) -> (Running, Arc<AtomicUsize>) {
    let (given, token) = (Arc::new(AtomicUsize::new(0)), stage.running.accounts["brand"]["token"].clone());
    let count = given.clone();
    let router = Router::new().route(
        "/token",
        post(move |Form(form): Form<std::collections::HashMap<String, String>>| {
            let (count, token) = (count.clone(), token.clone());
            async move {
                let now = count.load(Ordering::SeqCst);
                let right = match form["grant_type"].as_str() {
                    "refresh_token" => form["refresh_token"] == format!("refresh-{now}"),
                    "authorization_code" => form["code"] == "the-code" && form.contains_key("code_verifier"),
                    _ => false,
                };
                if !right {
                    return (axum::http::StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"})));
                }
                let next = count.fetch_add(1, Ordering::SeqCst) + 1;
                let answer = json!({
                    "access_token": token, "token_type": "Bearer", "expires_in": 3600,
                    "refresh_token": format!("refresh-{next}"), "refresh_token_expires_in": 604_800,
                });
                (axum::http::StatusCode::OK, Json(answer))
            }
        }),
    );
    let running = serve("127.0.0.1:0".parse().unwrap(), router, Wire::default(), Value::Null).await.unwrap();
    (running, given)
}

async fn with_tokens() -> (Stage, Running, Arc<AtomicUsize>) {
    let mut stage = Stage::start().await;
    let (running, given) = giver(&stage).await;
    stage.settings["client_id"] = "inbox".into();
    stage.settings["token_url"] = format!("{}/token", running.url).into();
    stage.settings["authorize_url"] = format!("{}/authorize", running.url).into();
    let old = json!({"access": "too-old", "refresh": "refresh-0", "until": stage.clock.now().0 - 1});
    stage.secrets = Arc::new(MemorySecrets::new(json!({"oauth": old, "client_secret": "s"})));
    (stage, running, given)
}

#[tokio::test]
async fn a_token_is_renewed_once_however_many_notice_and_saved_before_it_is_used() {
    let (stage, _giver, given) = with_tokens().await;
    let channel = stage.connect();
    let (probe, pulled) = tokio::join!(channel.probe(), channel.pull().unwrap().pull("mail", None));
    let probe = probe.unwrap();
    pulled.unwrap();
    assert_eq!(given.load(Ordering::SeqCst), 1);
    let kept = stage.secrets.load().await.unwrap();
    assert_eq!((kept["oauth"]["refresh"].as_str(), kept["client_secret"].as_str()), (Some("refresh-1"), Some("s")));
    assert_eq!(probe.expires_at, Some(stage.clock.now().plus(std::time::Duration::from_secs(604_800))));
    // A new connection goes on with what was kept; an hour later it is renewed again.
    stage.connect().probe().await.unwrap();
    assert_eq!(given.load(Ordering::SeqCst), 1);
    stage.clock.advance(std::time::Duration::from_secs(3_500));
    channel.probe().await.unwrap();
    assert_eq!(given.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_revoked_before_its_time_is_renewed_and_a_permission_that_ended_is_told() {
    let (stage, _giver, given) = with_tokens().await;
    let until = stage.clock.now().0 + 3_600_000;
    let revoked = |refresh: &str| json!({"oauth": {"access": "revoked", "refresh": refresh, "until": until}});
    stage.secrets.save(&revoked("refresh-0")).await.unwrap();
    stage.connect().probe().await.unwrap();
    assert_eq!(given.load(Ordering::SeqCst), 1);
    stage.secrets.save(&revoked("refresh-of-somebody")).await.unwrap();
    let error = stage.connect().probe().await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "oauth.ended"));
    assert!(!format!("{error:?}").contains("refresh-of"), "{error:?}");
}

#[tokio::test]
async fn the_browser_brings_tokens_that_sign_in() {
    let (mut stage, giver, _) = with_tokens().await;
    stage.secrets = Arc::new(MemorySecrets::new(json!({"client_secret": "s"})));
    let browser = &super::super::auth::Browser;
    let start = browser.start(&stage.context(), "https://balie.example/back", "state-1").await.unwrap();
    let query: std::collections::HashMap<_, _> = start.authorize_url.query_pairs().into_owned().collect();
    assert!(start.authorize_url.as_str().starts_with(&format!("{}/authorize", giver.url)));
    assert_eq!((query["code_challenge_method"].as_str(), query["state"].as_str()), ("S256", "state-1"));
    assert_eq!(query["login_hint"], "help@merk.test");
    let back = [("code".to_owned(), "the-code".to_owned()), ("state".to_owned(), "state-1".to_owned())];
    let secrets = browser.finish(&stage.context(), "https://balie.example/back", &back, &start.keep).await.unwrap();
    stage.secrets = Arc::new(MemorySecrets::new(secrets));
    stage.connect().probe().await.unwrap();
    let no = [("error".to_owned(), "access_denied".to_owned())];
    let error = browser.finish(&stage.context(), "https://balie.example/back", &no, &start.keep).await.unwrap_err();
    assert_eq!(error.class, Class::Rejected);
}
