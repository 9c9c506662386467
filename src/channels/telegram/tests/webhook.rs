//! Being called: the secret, the bodies, and whether it works.

use super::*;
use crate::channels::{ChannelError, Hook, Pushed, Secrets};
use axum::http::HeaderMap;

const ADDRESS: &str = "http://127.0.0.1:9/hooks/1";

async fn call(channel: &dyn Channel, secrets: &Value, headers: &[&str], body: &[u8]) -> Result<Pushed, ChannelError> {
    let mut map = HeaderMap::new();
    for secret in headers {
        map.append("x-telegram-bot-api-secret-token", secret.parse().unwrap());
    }
    let hook = Hook {
        method: &axum::http::Method::POST,
        headers: &map,
        query: "",
        body,
        secrets,
        from: [127, 0, 0, 1].into(),
    };
    channel.push().unwrap().receive(&hook).await
}

#[tokio::test]
async fn who_does_not_know_the_secret_gets_nothing_in() {
    let played = Played::start().await;
    let channel = played.connect();
    let body = include_bytes!("../fixtures/private.json");
    let secrets = json!({"hook_secret": "f00-Geheim_1"});
    for wrong in
        [&[][..], &[""], &["f00-geheim_1"], &["f00-Geheim_"], &["f00-Geheim_12"], &["f00-Geheim_1", "f00-Geheim_1"]]
    {
        let error = call(&*channel, &secrets, wrong, body).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "telegram.wrong_secret"), "{wrong:?}");
        assert!(!format!("{error:?}").contains("Geheim"));
    }
    // No secret was ever made: an empty one opens nothing.
    for none in [json!({}), json!({"hook_secret": ""}), json!({"hook_secret": null})] {
        for given in [&[][..], &[""]] {
            assert_eq!(call(&*channel, &none, given, body).await.unwrap_err().class, Class::Unauthorized);
        }
    }
    let pushed = call(&*channel, &secrets, &["f00-Geheim_1"], body).await.unwrap();
    let texts: Vec<&str> = pushed
        .batch
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Message(message) => Some(message.text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["Hallo!", "📦 Waar is bestelling 1234? @merkbot"]);
    assert!(pushed.answer.is_none() && pushed.batch.next.is_none(), "a call moves no cursor");
}

#[tokio::test]
async fn any_body_is_taken_or_held_and_never_fails() {
    let played = Played::start().await;
    let channel = played.connect();
    let secrets = json!({"hook_secret": "s"});
    for (body, held) in [
        (&b""[..], 1), (b"nonsense", 1), (b"[]", 1), (b"\xff\xfe{", 1), (b"{\"update_id\":1}", 0), (b"{\"update_id\":1,\"poll\":{}}", 0),
        (b"{\"update_id\":1,\"message\":{}}", 1), (b"{\"message\":{\"message_id\":1,\"date\":9223372036854775807,\"chat\":{\"id\":5}}}", 0),
        (b"{\"update_id\":1,\"callback_query\":{\"id\":\"x\",\"from\":{\"id\":5}}}", 0),
        (b"{\"update_id\":1,\"deleted_business_messages\":{\"business_connection_id\":\"../x\",\"chat\":{\"id\":5},\"message_ids\":[1,\"2\"]}}", 0),
    ] {
        let pushed = call(&*channel, &secrets, &["s"], body).await.unwrap();
        assert_eq!(pushed.batch.unreadable.len(), held, "{}", String::from_utf8_lossy(body));
    }
}

#[tokio::test]
async fn a_webhook_whose_secret_is_gone_is_set_again() {
    let played = Played::start().await;
    let secrets = Arc::new(MemorySecrets::new(json!({"token": played.platform.token()})));
    let context =
        Context { secrets: secrets.clone(), ..played.context(&json!({"delivery": "webhook", "hook": ADDRESS})) };
    let channel = (DESCRIPTOR.connect)(context).unwrap();
    let pull = channel.pull().unwrap();
    pull.pull("webhook", None).await.unwrap();
    secrets.save(&json!({"token": played.platform.token()})).await.unwrap();
    pull.pull("webhook", None).await.unwrap();
    let now = secrets.load().await.unwrap()["hook_secret"].clone();
    let set = played.asked("setWebhook");
    assert_eq!((set.len(), &set[1]["secret_token"]), (2, &now), "Telegram and we know the same one");
    pull.pull("webhook", None).await.unwrap();
    assert_eq!(played.asked("setWebhook").len(), 2);
}

#[tokio::test]
async fn the_webhook_is_set_with_a_secret_of_our_own_and_watched() {
    let played = Played::start().await;
    let secrets = Arc::new(MemorySecrets::new(json!({"token": played.platform.token()})));
    let context =
        Context { secrets: secrets.clone(), ..played.context(&json!({"delivery": "webhook", "hook": ADDRESS})) };
    let channel = (DESCRIPTOR.connect)(context).unwrap();
    let pull = channel.pull().unwrap();
    assert_eq!(pull.feeds().iter().map(|feed| feed.key).collect::<Vec<_>>(), ["webhook"]);
    channel.probe().await.unwrap();
    assert_eq!(played.state()["webhook"], "", "trying the settings changes nothing");
    pull.pull("webhook", None).await.unwrap();
    assert_eq!(played.state()["webhook"], ADDRESS);
    let secret = secrets.load().await.unwrap()["hook_secret"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 32 && played.asked("setWebhook")[0]["secret_token"] == secret);
    // Nobody listens there: the account says so while something waits.
    played.writes("hoort u mij?");
    while !played.state()["failing"].is_string() {
        tokio::task::yield_now().await;
    }
    let error = pull.pull("webhook", None).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Transient, "telegram.webhook_failing"));
    assert!(error.cure.nl.contains("24 uur"));
    assert_eq!(played.asked("setWebhook").len(), 1, "it is set once");
    // Back to asking: our own webhook is ended and nothing is lost.
    let mut inbox = Inbox::new(played.with(&json!({"hook": ADDRESS})));
    inbox.pull().await.unwrap();
    inbox.find("hoort u mij?");
    let missing = (DESCRIPTOR.connect)(played.context(&json!({"delivery": "webhook"}))).err().unwrap();
    assert_eq!(missing.code, "telegram.no_hook");
}
