//! What a forum's lists leave out, hold together or refuse.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::Played;
use crate::channels::contract::{Harness, Inbox, Say, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};

/// What a forum says to a key that it does not know, and of what the account may not see.
fn forbidden(why: &str) -> Fault {
    let body = json!({"errors": [why], "error_type": "invalid_access"});
    Fault::Answer { status: 403, headers: Vec::new(), body: body.to_string() }
}

#[tokio::test]
async fn a_key_that_is_refused_removes_nothing() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let mention = played.say(Say::mention(Who::Customer, "sta ik er nog?")).await;
    played.say(Say::dm(Who::Customer, "en ik?")).await;
    inbox.pull().await.unwrap();
    let outgoing = inbox.answer(inbox.find("sta ik er nog?"), "Ja!", &played.clock);
    let why = "You are not permitted to view the requested resource. The API username or key is invalid.";
    let channel = Arc::clone(&inbox.channel);
    let (pull, reply) = (channel.pull().unwrap(), channel.reply().unwrap());
    let ours = played.say(Say::post(Who::Brand, "zondag open")).await;
    let news = played.say(Say::reply(Who::Other, &ours, "tot hoe laat?")).await;
    let told = played.board.told(&news);
    played.running.wire.inject(Rule::new("*", forbidden(why)).always());
    let mut errors = vec![
        inbox.recheck().await.unwrap_err(),
        channel.probe().await.unwrap_err(),
        reply.deliver(&outgoing).await.unwrap_err(),
        reply.find(&outgoing).await.unwrap_err(),
        played.told(&*channel, "post_created", &told).await.unwrap_err(),
    ];
    for feed in pull.feeds() {
        errors.push(pull.pull(feed.key, inbox.cursors.get(feed.key)).await.unwrap_err());
    }
    for error in errors {
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "forum.key_refused"));
        assert!(error.cause.en.contains("key is invalid"), "{error}");
    }
    assert!(inbox.removed.is_empty() && played.said().await.len() == 1, "{:?}", inbox.removed);
    // What only this account may not see any more is away; whoever cannot be asked says nothing about that.
    played.running.wire.heal();
    played.running.wire.inject(Rule::new("/posts/*", forbidden("Not for you.")).always());
    played.running.wire.inject(Rule::new("/notifications.json", Fault::html(502)));
    assert_eq!(inbox.recheck().await.unwrap_err().class, Class::Transient);
    assert!(inbox.removed.is_empty());
    inbox.recheck().await.unwrap();
    assert!(inbox.removed.contains(&mention));
}

#[tokio::test]
async fn a_private_reply_whose_answer_is_lost_is_found() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::dm(Who::Customer, "onder ons")).await;
    inbox.pull().await.unwrap();
    let outgoing = inbox.answer(inbox.find("onder ons"), "Onder ons.", &played.clock);
    let reply = inbox.channel.reply().unwrap();
    assert_eq!(reply.find(&outgoing).await.unwrap(), None);
    played.running.wire.inject(Rule::new("/posts.json", Fault::CutAfter).method(Method::POST));
    assert_eq!(reply.deliver(&outgoing).await.unwrap_err().class, Class::Uncertain);
    let found = reply.find(&outgoing).await.unwrap().expect("it is there");
    assert_eq!(found.external_id, played.said().await[0].external_id);
}
