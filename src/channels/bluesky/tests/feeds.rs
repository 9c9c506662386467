//! What this network's feeds do that others do not: back-dated posts, filtered pages, deep threads, copies, holes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Stage;
use crate::channels::contract::{Harness, Inbox, Say, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::channels::{Known, above};
use crate::model::{Direction, MessageKind, Timestamp};

const DAY: Duration = Duration::from_secs(86_400);

fn naming(stage: &Stage) -> Value {
    json!([{
        "index": {"byteStart": 0, "byteEnd": 11},
        "features": [{"$type": "app.bsky.richtext.facet#mention", "did": stage.did(Who::Brand)}],
    }])
}

/// A mention that claims to be written at another time.
fn dated(stage: &Stage, text: &str, at: Timestamp) -> String {
    stage.post(
        Who::Customer,
        &format!("@brand.test {text}"),
        json!({"facets": naming(stage), "createdAt": at.to_rfc3339()}),
    )
}

#[tokio::test]
async fn a_back_dated_mention_is_not_missed() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    for n in 0..150 {
        stage.say(Say::mention(Who::Customer, format!("gewoon <{n}>"))).await;
    }
    inbox.pull().await.unwrap();
    let now = stage.clock.now();
    dated(&stage, "van een uur terug", now.minus(Duration::from_secs(3_600)));
    inbox.pull().await.unwrap();
    assert!(!inbox.find("van een uur terug").history);
    stage.clock.advance(3 * DAY);
    inbox.pull().await.unwrap();
    for n in 0..150 {
        stage.say(Say::mention(Who::Customer, format!("later <{n}>"))).await;
    }
    inbox.pull().await.unwrap();
    dated(&stage, "van lang geleden", now.minus(5 * DAY));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("van lang geleden"), 0, "it lies below the last day");
    stage.clock.advance(DAY);
    inbox.pull().await.unwrap();
    assert!(!inbox.find("van lang geleden").history, "once a day a walk goes a month deep");
    assert!(inbox.seen.values().all(|times| *times == 1), "what is known does not come again");
}

#[tokio::test]
async fn posts_of_one_moment_on_the_edge_of_a_page_all_arrive() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let at = stage.clock.now();
    for n in 0..60 {
        dated(&stage, &format!("eerst <{n}>"), at.plus(Duration::from_millis(n)));
    }
    for n in 0..70 {
        dated(&stage, &format!("tegelijk <{n}>"), at.plus(Duration::from_secs(1)));
    }
    for n in 0..60 {
        dated(&stage, &format!("daarna <{n}>"), at.plus(Duration::from_millis(2_000 + n)));
    }
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("eerst"), inbox.count("tegelijk"), inbox.count("daarna")), (60, 70, 60));
}

#[tokio::test]
async fn a_page_full_of_likes_hides_no_mention() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    stage.say(Say::mention(Who::Customer, "onder de duimpjes")).await;
    let post = stage.say(Say::post(Who::Brand, "een populair bericht")).await;
    for _ in 0..1_250 {
        stage.clock.advance(Duration::from_millis(10));
        let like = json!({"subject": {"uri": post, "cid": "c"}, "createdAt": stage.clock.now().to_rfc3339()});
        stage.network.lock().create(&stage.did(Who::Other), "app.bsky.feed.like", like).ok().unwrap();
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("onder de duimpjes"), 1);
}

#[tokio::test]
async fn a_quiet_account_costs_one_request_a_poll() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    stage.say(Say::mention(Who::Customer, "lang niets gehoord")).await;
    inbox.pull().await.unwrap();
    stage.clock.advance(Duration::from_secs(3_600));
    inbox.pull().await.unwrap();
    let before = stage.calls("listNotifications");
    for _ in 0..10 {
        stage.clock.advance(Duration::from_secs(30));
        inbox.pull().await.unwrap();
    }
    assert_eq!(stage.calls("listNotifications") - before, 10);
    let cursor = inbox.cursors["notifications"].clone();
    stage.clock.advance(Duration::from_secs(30));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.cursors["notifications"], cursor, "nothing happened, nothing is written");
}

#[tokio::test]
async fn a_day_of_absence_is_caught_up_whole() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    for n in 0..1_130 {
        stage.say(Say::mention(Who::Customer, format!("gemist <{n}>"))).await;
    }
    stage.clock.advance(DAY / 2);
    inbox.restart(&stage);
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("gemist"), 1_130);
}

#[tokio::test]
async fn what_the_index_shows_an_hour_late_arrives_whole() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let began = stage.clock.now();
    for n in 0..150 {
        stage.say(Say::mention(Who::Customer, format!("op tijd <{n}>"))).await;
    }
    while stage.clock.now().since(began) < Duration::from_secs(3_600) {
        stage.clock.advance(Duration::from_secs(300));
        inbox.pull().await.unwrap();
    }
    for n in 0..1_200 {
        dated(&stage, &format!("te laat <{n}>"), began.plus(Duration::from_secs(n * 3)));
    }
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("te laat"), inbox.count("op tijd")), (1_200, 150));
    let before = stage.calls("listNotifications");
    inbox.pull().await.unwrap();
    assert!(stage.calls("listNotifications") - before <= 14, "and then nothing of it is news");
    assert!(inbox.seen.values().all(|times| *times == 1), "what is known does not come again");
}

#[tokio::test]
async fn what_the_brand_said_during_an_outage_comes_back_whole() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let mut asked = Vec::new();
    for n in 0..120 {
        asked.push(stage.say(Say::mention(Who::Customer, format!("vraag <{n}>"))).await);
    }
    inbox.pull().await.unwrap();
    for (n, id) in asked.iter().enumerate() {
        stage.say(Say::reply(Who::Brand, id, format!("antwoord <{n}>"))).await;
        // Between them, what is in the feed and is none of the brand's answers.
        stage.say(Say::post(Who::Brand, format!("nieuws <{n}>"))).await;
    }
    stage.clock.advance(DAY / 8);
    inbox.restart(&stage);
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("antwoord"), 120);
    assert!(inbox.messages.values().filter(|m| m.text.contains("antwoord")).all(|m| m.direction == Direction::Out));
    // What is known is not read again: one page, and nothing of it is looked at.
    let (pages, looks) = (stage.calls("getAuthorFeed"), stage.calls("getPostThread"));
    let cursor = inbox.cursors["own"].clone();
    stage.clock.advance(Duration::from_secs(60));
    inbox.pull().await.unwrap();
    assert_eq!((stage.calls("getAuthorFeed") - pages, stage.calls("getPostThread") - looks), (1, 0));
    assert_eq!(inbox.cursors["own"], cursor, "nothing happened, nothing is written");
}

#[tokio::test]
async fn a_thread_that_cannot_be_shown_stops_nothing_else() {
    let huge = Fault::Answer { status: 200, headers: vec![], body: "[".repeat(17 * 1024 * 1024) };
    for fault in [Fault::html(502), huge, Fault::malformed()] {
        let stage = Stage::start().await;
        let mut inbox = Inbox::connected(&stage).await;
        let famous = stage.say(Say::post(Who::Other, "een beroemde draad")).await;
        let asked: Vec<String> = {
            let mut asked = Vec::new();
            for n in 0..5 {
                let say = Say::mention(Who::Customer, format!("kijk eens <{n}>"));
                asked.push(stage.say(Say { to: Some(famous.clone()), ..say }).await);
            }
            asked
        };
        stage.say(Say::mention(Who::Other, "gewoon een vraag")).await;
        stage.wire().inject(Rule::new("*getPostThread", fault).always());
        for _ in 0..3 {
            assert_eq!(inbox.pull().await.unwrap_err().class, Class::Transient);
        }
        inbox.pull().await.unwrap();
        assert_eq!((inbox.count("kijk eens"), inbox.count("gewoon een vraag")), (5, 1), "each stumbled in every pull");
        assert_eq!(inbox.find("kijk eens <0>").thread.external_id, famous, "its references tell where it belongs");
        // The brand's answer from elsewhere, in the same broken thread.
        stage.say(Say::reply(Who::Brand, &asked[0], "vanaf de telefoon")).await;
        for _ in 0..3 {
            assert_eq!(inbox.pull().await.unwrap_err().class, Class::Transient);
        }
        inbox.pull().await.unwrap();
        let answer = inbox.find("vanaf de telefoon");
        assert_eq!((answer.direction, answer.thread.external_id.as_str()), (Direction::Out, famous.as_str()));
        stage.wire().heal();
        inbox.pull().await.unwrap();
    }
}

#[tokio::test]
async fn a_record_nested_beyond_reason_is_kept_aside_and_its_neighbours_arrive() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let first = stage.say(Say::mention(Who::Customer, "een vraag")).await;
    stage.say(Say { to: Some(first), ..Say::mention(Who::Other, "een diepe vraag") }).await;
    let deep = || (0..200).fold(json!(1), |inner, _| json!([inner]));
    // Wherever a stranger's record is shown: in the list, as it is, in a thread.
    stage.wire().inject(
        Rule::new(
            "*listNotifications",
            Fault::json(move |answer| answer["notifications"][0]["record"]["diep"] = deep()),
        )
        .always(),
    );
    stage.wire().inject(
        Rule::new(
            "*getPostThread",
            Fault::json(move |answer| answer["thread"]["replies"][0]["post"]["record"]["diep"] = deep()),
        )
        .always(),
    );
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("een vraag").direction, Direction::In);
    assert_eq!(inbox.unreadable.len(), 1);
    assert!(inbox.unreadable[0].payload.contains("een diepe vraag") && inbox.unreadable[0].payload.contains("[[[["));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.unreadable.len(), 1, "once");
}

#[tokio::test]
async fn a_reply_far_below_the_brands_post_arrives_without_a_notification() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let mut at = stage.say(Say::post(Who::Brand, "de start")).await;
    let first = stage.say(Say::reply(Who::Customer, &at, "niveau <0>")).await;
    at.clone_from(&first);
    for n in 1..5 {
        at = stage.say(Say::reply(Who::Other, &at, format!("niveau <{n}>"))).await;
    }
    inbox.pull().await.unwrap();
    for n in 5..8 {
        at = stage.say(Say::reply(Who::Customer, &at, format!("niveau <{n}>"))).await;
    }
    stage.clock.advance(Duration::from_secs(700));
    inbox.pull().await.unwrap();
    for n in 0..8 {
        let message = inbox.find(&format!("niveau <{n}>"));
        assert_eq!((message.direction, message.thread.external_id.as_str()), (Direction::In, first.as_str()), "{n}");
    }
}

#[tokio::test]
async fn a_quote_shows_what_it_quotes() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let post = stage.say(Say::post(Who::Brand, "onze belofte")).await;
    let embed = json!({"$type": "app.bsky.embed.record", "record": {"uri": post, "cid": "bafy"}});
    let id = stage.post(Who::Customer, "haha", json!({"embed": embed}));
    inbox.pull().await.unwrap();
    let quote = inbox.find("haha");
    assert_eq!(
        (quote.external_id.as_str(), quote.kind, quote.direction),
        (id.as_str(), MessageKind::Quote, Direction::In)
    );
    let link = format!("https://bsky.app/profile/{}/post/{}", stage.did(Who::Brand), post.rsplit('/').next().unwrap());
    assert!(quote.text.ends_with(&link), "{}", quote.text);
}

#[tokio::test]
async fn who_is_muted_or_blocked_does_not_ring_but_explains() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let asked = stage.say(Say::mention(Who::Customer, "een vraag")).await;
    inbox.pull().await.unwrap();
    let ours = stage.say(Say::reply(Who::Brand, &asked, "een antwoord")).await;
    let mute = json!({"actor": stage.did(Who::Other)});
    let channel = Arc::clone(&inbox.channel);
    channel
        .moderate()
        .unwrap()
        .act(crate::channels::Action::Mute, "", mute["actor"].as_str().unwrap(), &Value::Null, Some("spam"))
        .await
        .unwrap();
    let spam = stage.say(Say::reply(Who::Other, &ours, "koop nu")).await;
    stage.say(Say::reply(Who::Customer, &ours, "en mijn vraag?")).await;
    inbox.pull().await.unwrap();
    assert_eq!(inbox.messages[&spam].direction, Direction::Context);
    assert_eq!(inbox.find("en mijn vraag?").direction, Direction::In);
}

#[tokio::test]
async fn removal_is_reported_only_when_the_record_is_gone() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let post = stage.say(Say::post(Who::Brand, "boven de draad")).await;
    let one = stage.say(Say::reply(Who::Customer, &post, "onder de draad")).await;
    let two = stage.say(Say::mention(Who::Other, "van wie ons blokkeert")).await;
    inbox.pull().await.unwrap();
    let copy = above(&post, &one);
    assert!(inbox.messages.contains_key(&copy));
    // The author blocks us: we cannot see the post, and it is there.
    let block = json!({"subject": stage.did(Who::Brand), "createdAt": stage.clock.now().to_rfc3339()});
    stage.network.lock().create(&stage.did(Who::Other), "app.bsky.graph.block", block).ok().unwrap();
    // The index runs behind: it has none of them.
    stage.wire().inject(Rule::new("*getPosts", Fault::json(|answer| answer["posts"] = json!([]))));
    inbox.recheck().await.unwrap();
    assert!(inbox.removed.is_empty(), "{:?}", inbox.removed);
    stage.clock.advance(Duration::from_secs(300));
    stage.delete(Who::Brand, &post).await;
    inbox.recheck().await.unwrap();
    assert_eq!(inbox.removed.iter().collect::<Vec<_>>(), [&copy], "the copy above the thread goes with the post");
    let unknown =
        Known { external_id: "chat:a/b".into(), thread: inbox.messages[&two].thread.clone(), meta: Value::Null };
    assert!(inbox.channel.pull().unwrap().recheck(&[unknown]).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn nonsense_in_any_answer_never_panics_nor_stops_the_account() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let post = stage.say(Say::post(Who::Brand, "een bericht")).await;
    stage.say(Say { to: Some(post), ..Say::mention(Who::Customer, "een vraag") }).await;
    stage.say(Say::dm(Who::Customer, "een vraag in stilte")).await;
    let cursors = inbox.cursors.clone();
    let deep = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({"parent": inner, "replies": [{"post": 1}]}));
    for (method, keys) in [
        ("listNotifications", ["notifications", "cursor"].as_slice()),
        ("getPosts", ["posts"].as_slice()),
        ("getPostThread", ["thread"].as_slice()),
        ("getAuthorFeed", ["feed"].as_slice()),
        ("getLog", ["logs", "cursor"].as_slice()),
        ("getConvo", ["convo"].as_slice()),
        ("createSession", ["didDoc", "accessJwt"].as_slice()),
    ] {
        for &key in keys {
            for junk in [
                json!(null),
                json!(7),
                json!("x"),
                json!([null, 1, "x", {}, [[]]]),
                json!({"a": {}}),
                json!([{"post": {}, "reason": 1}]),
                deep(40),
            ] {
                let shown = junk.to_string();
                stage.wire().heal();
                stage.wire().inject(
                    Rule::new(
                        format!("/xrpc/*.{method}"),
                        Fault::json(move |answer| {
                            if answer.get(key).is_some() {
                                answer[key] = junk.clone();
                            }
                        }),
                    )
                    .times(3),
                );
                inbox.restart(&stage);
                inbox.cursors.clone_from(&cursors);
                if let Err(error) = inbox.pull().await {
                    assert_eq!(error.class, Class::Transient, "{method} {key} {shown}: {error:?}");
                }
            }
        }
    }
    stage.wire().heal();
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("een vraag"), 2);
}
