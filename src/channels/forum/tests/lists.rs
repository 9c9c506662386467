//! What a forum's lists leave out, hold together or refuse.

use std::sync::Arc;
use std::time::Duration;

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

#[tokio::test]
async fn what_the_forum_holds_together_in_one_notification_arrives_whole() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let ours = played.say(Say::post(Who::Brand, "zondag open")).await;
    inbox.pull().await.unwrap();
    for text in ["hallo", "mijn bestelnummer is 7"] {
        played.say(Say::dm(Who::Customer, text)).await;
    }
    let one = played.say(Say::reply(Who::Customer, &ours, "tot hoe laat?")).await;
    let two = played.say(Say::reply(Who::Other, &ours, "ook in Delft?")).await;
    inbox.pull().await.unwrap();
    let private = inbox.find("hallo").thread.external_id.clone();
    assert_eq!(inbox.find("bestelnummer").thread.external_id, private);
    assert_eq!(inbox.find("tot hoe laat?").thread.external_id, one);
    assert_eq!(inbox.find("ook in Delft?").thread.external_id, two);
    // What was read on the forum in between is news to us all the same; what was brought is not asked again.
    played.say(Say::dm(Who::Customer, "en vlug")).await;
    played.say(Say::dm(Who::Brand, "we kijken")).await;
    played.say(Say::dm(Who::Customer, "dank")).await;
    played.running.wire.forget();
    inbox.pull().await.unwrap();
    for text in ["en vlug", "we kijken", "dank"] {
        assert_eq!(inbox.find(text).thread.external_id, private, "{text}");
    }
    let read: Vec<_> = played.running.wire.calls().into_iter().filter(|call| call.path.starts_with("/t/")).collect();
    assert!(read.len() == 1 && read[0].query.contains("post_number=1"), "{read:?}");
}

#[tokio::test]
async fn a_long_private_topic_arrives_whole_whatever_the_key_allows() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..130 {
        played.say(Say::dm(Who::Customer, format!("regel <{n}>"))).await;
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("regel <"), 130);
}

#[tokio::test]
async fn a_page_that_leaves_out_what_is_not_for_us_is_not_the_last() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..70 {
        played.say(Say::mention(Who::Customer, format!("vraag <{n}>"))).await;
    }
    // The newest is in a topic that was shut.
    let shut = Fault::json(|answer| {
        let page = answer["notifications"].as_array_mut().unwrap();
        page.retain(|one| one["data"]["topic_title"].as_str().is_none_or(|title| !title.contains("<69>")));
    });
    played.running.wire.inject(Rule::new("/notifications.json", shut).always());
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("vraag <"), 69);
}

#[tokio::test]
async fn a_notification_that_comes_after_a_newer_one_is_not_passed_over() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::mention(Who::Customer, "de trage")).await;
    let ours = played.say(Say::post(Who::Brand, "zondag open")).await;
    played.say(Say::reply(Who::Other, &ours, "tot hoe laat?")).await;
    played.say(Say::mention(Who::Other, "de vlugge")).await;
    let not_yet = Fault::json(|answer| {
        let page = answer["notifications"].as_array_mut().unwrap();
        page.retain(|one| one["data"]["topic_title"].as_str().is_none_or(|title| !title.contains("de trage")));
    });
    played.running.wire.inject(Rule::new("/notifications.json", not_yet));
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("de trage"), inbox.count("de vlugge")), (0, 1));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("de trage"), 1);
    // Nothing is brought twice for it, nor does the place move while nothing happens.
    let (seen, place) = (inbox.seen.clone(), inbox.cursors.clone());
    inbox.pull().await.unwrap();
    assert_eq!((inbox.seen, inbox.cursors), (seen, place));
}

#[tokio::test]
async fn however_much_came_while_nobody_looked_all_of_it_is_brought() {
    // More than twenty pages, and more pages than the key allows calls in a minute.
    for likes in [1_300, 4_000] {
        let played = Played::start().await;
        let mut inbox = Inbox::connected(&played).await;
        let oldest = played.say(Say::mention(Who::Customer, "de oudste vraag")).await;
        played.board.like(&oldest, likes);
        played.say(Say::mention(Who::Customer, "de nieuwste vraag")).await;
        let channel = Arc::clone(&inbox.channel);
        let pull = channel.pull().unwrap();
        for round in 0.. {
            assert!(round < 5, "it never ends");
            played.running.wire.forget();
            let batch = pull.pull("notifications", inbox.cursors.get("notifications")).await.unwrap();
            assert!(played.running.wire.calls().len() <= 60);
            played.clock.advance(Duration::from_secs(60));
            inbox.cursors.insert("notifications", batch.next.clone().unwrap());
            let more = batch.more;
            inbox.take(batch);
            if !more {
                break;
            }
        }
        assert_eq!((inbox.count("de oudste vraag"), inbox.count("de nieuwste vraag")), (1, 1), "{likes}");
    }
}

#[tokio::test]
async fn a_cursor_from_before_goes_on_where_it_was() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::mention(Who::Customer, "de bekende")).await;
    // Ids: the topic, the post, its notification.
    inbox.cursors.insert("notifications", json!({"seen": 3, "since": played.clock.now()}));
    played.clock.advance(Duration::from_secs(60));
    inbox.pull().await.unwrap();
    inbox.pull().await.unwrap();
    played.say(Say::mention(Who::Customer, "de verse")).await;
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("de bekende"), inbox.count("de verse")), (0, 1));
    assert!(!inbox.find("de verse").history);
}

#[tokio::test]
async fn a_topic_of_ours_is_looked_up_once() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..5 {
        played.say(Say::post(Who::Brand, format!("nieuws <{n}>"))).await;
    }
    inbox.pull().await.unwrap();
    inbox.restart(&played);
    played.running.wire.forget();
    inbox.pull().await.unwrap();
    let calls = played.running.wire.calls();
    assert_eq!(
        calls.iter().map(|call| call.path.as_str()).collect::<Vec<_>>(),
        ["/notifications.json", "/user_actions.json"]
    );
}

#[tokio::test]
async fn the_forums_own_remarks_are_nobodys_words() {
    let played = Played::start().await;
    let channel = played.connect();
    let ours = played.say(Say::post(Who::Brand, "wij zijn open")).await;
    let below = played.say(Say::reply(Who::Other, &ours, "tot hoe laat?")).await;
    let direct = played.say(Say::dm(Who::Customer, "onder ons")).await;
    for id in [&below, &direct] {
        // Regular, of a moderator, a remark (closed, moved), a whisper among the staff.
        for (kind, said) in [(1, true), (2, true), (3, false), (4, false)] {
            let mut told = played.board.told(id);
            told["post"]["post_type"] = kind.into();
            for event in ["post_created", "post_edited"] {
                let pushed = played.told(&*channel, event, &told).await.unwrap();
                assert_eq!(!pushed.batch.items.is_empty(), said, "{event} {kind}");
            }
            let read = channel.pull().unwrap().reread("notifications", &told["post"].to_string()).await.unwrap();
            assert_eq!(!read.items.is_empty(), said, "{kind}");
        }
    }
    // Asked for they are none either.
    let remark = Fault::json(|answer| {
        for post in answer["post_stream"]["posts"].as_array_mut().unwrap() {
            post["post_type"] = 3.into();
        }
    });
    played.running.wire.inject(Rule::new("/t/*/posts.json", remark).always());
    let mut inbox = Inbox::new(channel);
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("tot hoe laat?"), inbox.count("onder ons")), (0, 0));
}
