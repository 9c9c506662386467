//! Signing in: one device, refreshing, what is refused, where the homeserver is.

use super::*;
use crate::channels::Secrets;
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};

impl Played {
    fn logins(&self) -> usize {
        self.running.wire.calls_to(&Method::POST, "/_matrix/client/v3/login").len()
    }

    async fn kept(&self) -> Value {
        self.secrets.load().await.unwrap()
    }
}

#[tokio::test]
async fn the_same_device_signs_in_once_and_again_when_it_was_put_out() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    inbox.restart(&played);
    inbox.pull().await.unwrap();
    assert_eq!(played.logins(), 1, "a restart goes on with the session");
    let device = played.kept().await["device"].as_str().unwrap().to_owned();
    assert!(device.starts_with("BALIE") && played.platform.devices("brand").contains(&device));
    played.platform.log_out("brand");
    let id = played.say(Say::dm(Who::Customer, "ben je daar nog?")).await;
    inbox.pull().await.unwrap();
    assert!(inbox.messages.contains_key(&id));
    assert_eq!(played.platform.devices("brand"), [device], "no second device");
}

#[tokio::test]
async fn a_token_that_ended_is_refreshed_once_however_many_notice() {
    let played = Played::start().await;
    let inbox = Inbox::connected(&played).await;
    let before = played.kept().await["session"].clone();
    played.platform.expire("brand");
    let (pull, channel) = (inbox.channel.pull().unwrap(), &inbox.channel);
    let cursor = inbox.cursors.get("sync");
    let done =
        tokio::join!(pull.pull("sync", cursor), pull.pull("sync", cursor), channel.probe(), pull.pull("sync", cursor));
    assert!(done.0.is_ok() && done.1.is_ok() && done.2.is_ok() && done.3.is_ok());
    let refreshes = played.running.wire.calls_to(&Method::POST, "/_matrix/client/v3/refresh").len();
    assert_eq!((refreshes, played.logins()), (1, 1));
    let after = played.kept().await["session"].clone();
    assert!(
        after["refresh"] != before["refresh"]
            && after["access"] != before["access"]
            && after["device"] == before["device"]
    );
    // A refresh whose answer got lost: the token is used up, and the password helps.
    played.platform.expire("brand");
    played.running.wire.inject(Rule::new("/_matrix/client/v3/refresh", Fault::CutAfter));
    assert_eq!(pull.pull("sync", cursor).await.unwrap_err().class, Class::Transient);
    pull.pull("sync", cursor).await.unwrap();
    assert_eq!(played.logins(), 2);
}

#[tokio::test]
async fn a_refused_password_stops_the_account_and_is_not_tried_again_and_again() {
    let played = Played::start().await;
    let channel = played.connect_with(&json!({}), json!({"password": "geheim-maar-fout"}));
    for _ in 0..5 {
        let error = channel.probe().await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "matrix.password_refused"));
        assert!(!format!("{error:?}").contains("geheim-maar-fout"));
    }
    assert_eq!(played.logins(), 1);
    played.clock.advance(Duration::from_secs(301));
    channel.probe().await.unwrap_err();
    assert_eq!(played.logins(), 2);
    let nothing = played.connect_with(&json!({}), json!({}));
    assert_eq!(nothing.probe().await.unwrap_err().code, "matrix.no_credentials");
    let nobody = played.connect_with(&json!({"user": ""}), json!({"password": "brand-pass"}));
    assert_eq!(nobody.probe().await.unwrap_err().code, "matrix.no_user");
    let refusal =
        Fault::Answer { status: 400, headers: vec![], body: r#"{"errcode":"M_UNKNOWN","error":"no"}"#.into() };
    played.running.wire.inject(Rule::new("/_matrix/client/v3/login", refusal));
    let error = played.connect_with(&json!({}), json!({"password": "brand-pass"})).probe().await.unwrap_err();
    assert!(error.code == "matrix.no_password_login" && error.cure.en.contains("access token"));
}

#[tokio::test]
async fn a_pasted_token_needs_no_name_and_dies_with_a_cure() {
    let played = Played::start().await;
    let token = played.platform.person("brand", "Het Merk")["access_token"].clone();
    let channel = played.connect_with(&json!({"user": ""}), json!({"token": token}));
    let probe = channel.probe().await.unwrap();
    assert_eq!((probe.handle.as_str(), probe.name.as_str()), ("@brand:balie.example", "Het Merk"));
    assert_eq!(probe.facts["file_bytes"], 52_428_800);
    assert_eq!(played.logins(), 0);
    played.platform.log_out("brand");
    let error = channel.pull().unwrap().pull("sync", None).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "matrix.token_refused"));
    assert!(error.cure.nl.contains("toegangstoken"));
}

#[tokio::test]
async fn a_homeserver_is_found_by_its_name() {
    let played = Played::start().await;
    // The name's own address has no API, and points to where it is.
    played.running.wire.inject(Rule::new("/_matrix/client/versions", Fault::html(404)));
    played.connect().probe().await.unwrap();
    assert_eq!(played.running.wire.calls_to(&Method::GET, "/.well-known/matrix/client").len(), 1);
    // What is no homeserver at all says so.
    played.running.wire.inject(Rule::new("*", Fault::html(404)).always());
    let error = played.connect().probe().await.unwrap_err();
    assert!(error.cure.en.contains("address"), "{error:?}");
    played.running.wire.heal();
    // A name may not lead into our own network.
    played.running.wire.inject(Rule::new("/_matrix/client/versions", Fault::status(404)).always());
    let inside = r#"{"m.homeserver":{"base_url":"file:///etc"}}"#;
    played
        .running
        .wire
        .inject(Rule::new("/.well-known/*", Fault::Answer { status: 200, headers: vec![], body: inside.into() }));
    assert!(played.connect().probe().await.is_err());
}
