//! Signing in, expiry, renewal, and passwords that stop working.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::Stage;
use crate::channels::contract::{Harness, Say, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::channels::{Channel, ChannelError, MemorySecrets, Pull, Secrets, ThreadRef};
use crate::model::{Lane, ThreadKind};

const HOUR: Duration = Duration::from_secs(3_600);
const NOTES: &str = "/xrpc/app.bsky.notification.listNotifications";

fn pull(channel: &Arc<dyn Channel>) -> &dyn Pull {
    channel.pull().unwrap()
}

#[tokio::test]
async fn an_expired_session_is_renewed_once_and_kept() {
    let stage = Stage::start().await;
    let channel = stage.connect();
    pull(&channel).pull("notifications", None).await.unwrap();
    let before = stage.secrets.load().await.unwrap();
    stage.clock.advance(3 * HOUR);
    pull(&channel).pull("notifications", None).await.unwrap();
    assert_eq!((stage.calls("createSession"), stage.calls("refreshSession")), (1, 1));
    let after = stage.secrets.load().await.unwrap();
    assert_ne!(before["session"]["access"], after["session"]["access"]);
    assert_eq!(before["password"], after["password"]);
    // A restart goes on with what was kept.
    pull(&stage.connect()).pull("notifications", None).await.unwrap();
    assert_eq!((stage.calls("createSession"), stage.calls("refreshSession")), (1, 1));
}

#[tokio::test]
async fn calls_that_meet_an_expired_token_at_once_renew_it_once() {
    let stage = Stage::start().await;
    let channel = stage.connect();
    pull(&channel).pull("notifications", None).await.unwrap();
    stage.clock.advance(3 * HOUR);
    let all = futures_util::future::join_all(
        ["notifications", "own", "chat", "notifications", "own"].map(|feed| pull(&channel).pull(feed, None)),
    )
    .await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((stage.calls("createSession"), stage.calls("refreshSession")), (1, 1));
}

#[tokio::test]
async fn two_processes_share_one_renewal() {
    let stage = Stage::start().await;
    let (one, two) = (stage.connect(), stage.connect());
    for channel in [&one, &two] {
        pull(channel).pull("notifications", None).await.unwrap();
    }
    stage.clock.advance(3 * HOUR);
    for channel in [&one, &two] {
        pull(channel).pull("notifications", None).await.unwrap();
    }
    assert_eq!((stage.calls("createSession"), stage.calls("refreshSession")), (1, 1));
}

#[tokio::test]
async fn a_refresh_token_that_somebody_else_used_costs_one_sign_in() {
    let stage = Stage::start().await;
    let one = stage.connect();
    pull(&one).pull("notifications", None).await.unwrap();
    let copy = Arc::new(MemorySecrets::new(stage.secrets.load().await.unwrap()));
    let two = (super::super::DESCRIPTOR.connect)(stage.context(Value::Null, copy)).unwrap();
    stage.clock.advance(3 * HOUR);
    pull(&one).pull("notifications", None).await.unwrap();
    pull(&two).pull("notifications", None).await.unwrap();
    assert_eq!((stage.calls("createSession"), stage.calls("refreshSession")), (2, 2));
}

#[tokio::test]
async fn a_token_that_stays_expired_is_not_renewed_for_ever() {
    let stage = Stage::start().await;
    let channel = stage.connect();
    let expired = Fault::Answer {
        status: 400,
        headers: vec![],
        body: r#"{"error":"ExpiredToken","message":"Token has expired"}"#.into(),
    };
    stage.wire().inject(Rule::new(NOTES, expired).always());
    let error = pull(&channel).pull("notifications", None).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Transient, "bluesky.session"));
    assert_eq!(stage.calls("refreshSession"), 1);
}

struct Unsafe(MemorySecrets);

#[async_trait]
impl Secrets for Unsafe {
    async fn load(&self) -> Result<Value, ChannelError> {
        self.0.load().await
    }
    async fn save(&self, _: &Value) -> Result<(), ChannelError> {
        Err(ChannelError::transient("the database is gone"))
    }
}

#[tokio::test]
async fn tokens_that_cannot_be_saved_are_not_used() {
    let stage = Stage::start().await;
    let mut context = stage.context(Value::Null, Arc::clone(&stage.secrets));
    context.secrets = Arc::new(Unsafe(MemorySecrets::new(stage.secrets.load().await.unwrap())));
    let channel = (super::super::DESCRIPTOR.connect)(context).unwrap();
    let error = pull(&channel).pull("notifications", None).await.unwrap_err();
    assert_eq!(error.class, Class::Transient);
    assert_eq!((stage.calls("createSession"), stage.calls("listNotifications")), (1, 0));
}

#[tokio::test]
async fn a_withdrawn_password_stops_the_account_with_a_cure_and_is_not_hammered() {
    let stage = Stage::start().await;
    let channel = stage.connect();
    pull(&channel).pull("notifications", None).await.unwrap();
    stage.network.lock().revoke(&stage.did(Who::Brand));
    for _ in 0..5 {
        let error = pull(&channel).pull("notifications", None).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "bluesky.password"));
        assert!(error.cure.nl.contains("app-wachtwoord") && error.cure.en.contains("app password"));
    }
    assert_eq!(stage.calls("createSession"), 2, "one to sign in, one that was refused");
    stage.clock.advance(Duration::from_secs(301));
    pull(&channel).pull("notifications", None).await.unwrap_err();
    assert_eq!(stage.calls("createSession"), 3);
    // A new password, filled in at the account: the connection is made anew and the old session does not count.
    let fresh = stage.network.lock().create_app_password(&stage.did(Who::Brand), "new", true);
    let mut secrets = stage.secrets.load().await.unwrap();
    secrets["password"] = json!(fresh);
    stage.secrets.save(&secrets).await.unwrap();
    pull(&stage.connect()).pull("notifications", None).await.unwrap();
    assert_eq!(stage.calls("createSession"), 4);
}

#[tokio::test]
async fn sign_ins_wait_when_there_were_too_many() {
    let stage = Stage::start().await;
    stage.network.lock().limited = true;
    let password = stage.secrets.load().await.unwrap()["password"].clone();
    let mut last = None;
    for _ in 0..31 {
        // Each a process of its own that kept nothing.
        last = stage.connect_with(Value::Null, json!({"password": password})).probe().await.err();
    }
    let Some(Class::RateLimited { until }) = last.map(|error| error.class) else { panic!("no limit") };
    assert_eq!(until, stage.clock.now().plus(Duration::from_secs(300)));
}

#[tokio::test]
async fn a_closed_account_is_told_apart_from_a_wrong_password() {
    let stage = Stage::start().await;
    let channel = stage.connect();
    pull(&channel).pull("notifications", None).await.unwrap();
    stage.network.lock().set_active(&stage.did(Who::Brand), false);
    for error in [pull(&channel).pull("notifications", None).await.unwrap_err(), channel.probe().await.unwrap_err()] {
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "bluesky.account_closed"));
    }
}

#[tokio::test]
async fn a_password_without_messages_is_a_warning_and_not_a_sick_account() {
    let stage = Stage::start().await;
    let plain = stage.network.lock().create_app_password(&stage.did(Who::Brand), "plain", false);
    let channel = stage.connect_with(Value::Null, json!({"password": plain}));
    let probe = channel.probe().await.unwrap();
    assert!(
        probe.warnings.len() == 1 && probe.warnings[0].code == "bluesky.app_password_without_dm",
        "{:?}",
        probe.warnings
    );
    stage.say(Say::dm(Who::Customer, "onzichtbaar")).await;
    let batch = pull(&channel).pull("chat", None).await.unwrap();
    assert!(batch.items.is_empty() && batch.next.is_none() && !batch.more, "nothing is skipped when access comes");
    let thread =
        ThreadRef { external_id: "dm:x".into(), lane: Lane::Private, kind: ThreadKind::Dm, title: None, url: None };
    let allowance = channel.allowance(&thread, &probe.facts);
    assert!(!allowance.may_reply);
    assert_eq!(allowance.code.as_deref(), Some("bluesky.app_password_without_dm"));
    assert!(channel.allowance(&ThreadRef { kind: ThreadKind::Post, ..thread }, &probe.facts).may_reply);
}

#[tokio::test]
async fn the_directory_tells_where_the_account_lives_when_the_service_does_not() {
    let stage = Stage::start().await;
    let forget = Fault::json(|answer| {
        answer.as_object_mut().unwrap().remove("didDoc");
    });
    stage.wire().inject(Rule::new("/xrpc/com.atproto.server.createSession", forget));
    stage.connect().probe().await.unwrap();
    assert_eq!(stage.calls(&stage.did(Who::Brand)), 1);
}

#[test]
fn settings_that_cannot_work_are_refused_before_any_call() {
    for (settings, code) in [
        (json!({}), "bluesky.setting.identifier"),
        (json!({"identifier": "een naam"}), "bluesky.setting.identifier"),
        (json!({"identifier": "a.example", "service": "bsky"}), "bluesky.setting.address"),
        (json!({"identifier": "a.example", "service": "file:///etc/passwd"}), "bluesky.setting.address"),
        (json!({"identifier": "a.example", "chat_proxy": "api.bsky.chat"}), "bluesky.setting.chat_proxy"),
        (json!({"identifier": "a.example", "chat_proxy": "did:web:a#b\r\nx: y"}), "bluesky.setting.chat_proxy"),
    ] {
        let context = crate::channels::Context {
            client: crate::channels::Client::new(false).unwrap(),
            clock: crate::clock::Clock::system(),
            settings: settings.clone(),
            secrets: Arc::new(MemorySecrets::default()),
            history: HOUR,
        };
        let error = (super::super::DESCRIPTOR.connect)(context).err().expect("refused");
        assert_eq!((error.class, error.code.as_str()), (Class::Rejected, code), "{settings}");
    }
}
