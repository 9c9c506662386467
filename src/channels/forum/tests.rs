//! The connector against its fake: the contract, and what is Discourse's own.

mod lists;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderValue};
use reqwest::Method;
use serde_json::{Value, json};

use super::DESCRIPTOR;
use super::fake::{Board, KEY, New};
use crate::channels::contract::{Harness, Inbox, Said, Say, Way, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule, Running, Wire};
use crate::channels::{Channel, ChannelError, Client, Context, Hook, Item, Known, MemorySecrets, Pushed, signature};
use crate::clock::Clock;
use crate::model::{Direction, Timestamp};

mod kept;

const HOOK: &str = "a secret of the webhook";

pub struct Played {
    board: Board,
    running: Running,
    clock: Clock,
}

fn name(who: Who) -> &'static str {
    match who {
        Who::Brand => "brand",
        Who::Customer => "klant",
        Who::Other => "buur",
    }
}

impl Played {
    async fn told(&self, channel: &dyn Channel, event: &str, body: &Value) -> Result<Pushed, ChannelError> {
        let body = body.to_string();
        let right = format!("sha256={}", signature::hex(&signature::hmac(HOOK.as_bytes(), &[body.as_bytes()])));
        called(channel, event, &right, &body).await
    }
}

async fn called(channel: &dyn Channel, event: &str, signed: &str, body: &str) -> Result<Pushed, ChannelError> {
    let mut headers = HeaderMap::new();
    headers.insert("x-discourse-event", HeaderValue::from_str(event).unwrap());
    headers.insert("x-discourse-event-signature", HeaderValue::from_str(signed).unwrap());
    let (secrets, from) = (json!({"key": KEY, "hook_secret": HOOK}), IpAddr::from([127, 0, 0, 1]));
    let method = axum::http::Method::POST;
    let hook = Hook { method: &method, headers: &headers, query: "", body: body.as_bytes(), secrets: &secrets, from };
    channel.push().unwrap().receive(&hook).await
}

#[async_trait]
impl Harness for Played {
    async fn start() -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let board = Board::new(clock.clone());
        let running = board.serve("127.0.0.1:0".parse().unwrap()).await.expect("a free port");
        Self { board, running, clock }
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn wire(&self) -> &Wire {
        &self.running.wire
    }
    fn connect(&self) -> Arc<dyn Channel> {
        (DESCRIPTOR.connect)(Context {
            client: Client::new(true).unwrap(),
            clock: self.clock.clone(),
            settings: json!({"url": self.running.url, "username": "brand"}),
            secrets: Arc::new(MemorySecrets::new(json!({"key": KEY, "hook_secret": HOOK}))),
            history: Duration::from_secs(7 * 86_400),
        })
        .expect("a connection")
    }
    fn author(&self, who: Who) -> (String, String) {
        (format!("{}@127.0.0.1", name(who)), name(who).to_owned())
    }
    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
    fn ways() -> &'static [Way] {
        &[Way::Mention, Way::Private]
    }
    async fn say(&self, say: Say) -> String {
        self.clock.advance(Duration::from_secs(1));
        let named = say.names_brand && say.by != Who::Brand && !say.private;
        let raw = if named { format!("@brand {}", say.text) } else { say.text.clone() };
        let other = if say.by == Who::Brand { "klant" } else { "brand" };
        self.board.post(New {
            by: name(say.by),
            raw: &raw,
            to: say.to.as_deref(),
            private: say.private.then_some(other),
        })
    }
    async fn edit(&self, _: Who, id: &str, text: &str) {
        self.clock.advance(Duration::from_secs(1));
        self.board.edit(id, &format!("@brand {text}"));
    }
    async fn delete(&self, _: Who, id: &str) {
        self.board.delete(id);
    }
    async fn said(&self) -> Vec<Said> {
        let all = self.board.by("brand").into_iter();
        all.map(|(external_id, text, reply_to, private)| Said { external_id, text, reply_to, private }).collect()
    }
    fn page() -> (&'static str, &'static str) {
        ("/notifications.json", "/notifications")
    }
    fn page_size() -> usize {
        60
    }
    fn posting() -> (Method, &'static str) {
        (Method::POST, "/posts.json")
    }
}

crate::channel_contract!(Played: public, private, history, elsewhere, echo, edits, deletes, paging, quarantine, http, replies,
    quotes, reply_to_deleted, lookup, throttled, limits);

#[tokio::test]
async fn a_peers_accepted_answer_settles_the_topic() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let asked = played.say(Say::mention(Who::Customer, "hoe reset ik hem?")).await;
    let answer = played.say(Say::reply(Who::Other, &asked, "tien tellen de knop")).await;
    inbox.pull().await.unwrap();
    inbox.recheck().await.unwrap();
    assert!(inbox.others.is_empty());
    played.board.accept(&answer);
    inbox.recheck().await.unwrap();
    let [Item::Solved { thread, by, url, .. }, ..] = &inbox.others[..] else { panic!("{:?}", inbox.others) };
    assert_eq!((thread.as_str(), by.as_str()), (asked.as_str(), "buur"));
    assert!(url.as_deref().unwrap().ends_with("/2"), "{url:?}");
    // Our own answer is no news.
    let asked = played.say(Say::mention(Who::Customer, "en de andere?")).await;
    let ours = played.say(Say::reply(Who::Brand, &asked, "ook zo")).await;
    played.board.accept(&ours);
    let mut inbox = Inbox::new(played.connect());
    inbox.pull().await.unwrap();
    inbox.recheck().await.unwrap();
    assert!(
        inbox.others.iter().all(|item| matches!(item, Item::Solved { by, .. } if by == "buur")),
        "{:?}",
        inbox.others
    );
}

#[tokio::test]
async fn a_webhook_brings_what_concerns_us_and_nothing_else() {
    let played = Played::start().await;
    let channel = played.connect();
    let mention = played.say(Say::mention(Who::Customer, "hoor je mij?")).await;
    let talk = played.say(Say::post(Who::Other, "mooi weer")).await;
    let direct = played.say(Say::dm(Who::Customer, "onder ons")).await;
    let ours = played.say(Say::post(Who::Brand, "wij zijn open")).await;
    let below = played.say(Say::reply(Who::Other, &ours, "tot hoe laat?")).await;
    for (id, news) in [(&mention, true), (&talk, false), (&direct, true), (&ours, false), (&below, true)] {
        let pushed = played.told(&*channel, "post_created", &played.board.told(id)).await.unwrap();
        let inbound: Vec<_> = pushed
            .batch
            .items
            .iter()
            .filter(|item| matches!(item, Item::Message(message) if message.direction == Direction::In))
            .collect();
        assert_eq!(inbound.len(), usize::from(news), "{id}");
    }
    // The same ids as the pull gives.
    let mut inbox = Inbox::new(played.connect());
    inbox.pull().await.unwrap();
    for id in [&mention, &direct, &below] {
        assert_eq!(inbox.messages[id].external_id, *id);
        let pushed = played.told(&*channel, "post_created", &played.board.told(id)).await.unwrap();
        inbox.take(pushed.batch);
    }
    played.board.delete(&mention);
    let gone = played.told(&*channel, "post_destroyed", &played.board.told(&mention)).await.unwrap();
    assert_eq!(gone.batch.items, [Item::Removed { external_id: mention, at: None }]);
    assert!(played.told(&*channel, "user_created", &json!({"user": {}})).await.unwrap().batch.items.is_empty());
    let odd = played.told(&*channel, "post_created", &json!({"post": {"id": "x"}})).await.unwrap();
    assert_eq!(odd.batch.unreadable.len(), 1);
}

#[tokio::test]
async fn what_the_forum_did_not_sign_is_refused() {
    let played = Played::start().await;
    let channel = played.connect();
    let mention = played.say(Say::mention(Who::Customer, "hoor je mij?")).await;
    let body = played.board.told(&mention).to_string();
    let right = format!("sha256={}", signature::hex(&signature::hmac(HOOK.as_bytes(), &[body.as_bytes()])));
    called(&*channel, "post_created", &right, &body).await.unwrap();
    let other = format!("sha256={}", signature::hex(&signature::hmac(b"", &[body.as_bytes()])));
    for (signed, body) in
        [("", body.as_str()), ("sha256=", &body), (&right[7..], &body), (&right, &body[1..]), (&other, &body)]
    {
        let error = called(&*channel, "post_created", signed, body).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "forum.signature"));
    }
}

#[tokio::test]
async fn what_the_forum_says_about_speed_and_moderators_is_believed() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.reach(Who::Customer, "wie helpt?").await;
    inbox.pull().await.unwrap();
    let outgoing = inbox.answer(inbox.find("wie helpt?"), "Wij!", &played.clock);
    let reply = inbox.channel.reply().unwrap();
    let answer = |status: u16, body: Value| {
        let fault = Fault::Answer { status, headers: Vec::new(), body: body.to_string() };
        played.running.wire.inject(Rule::new("/posts.json", fault).method(Method::POST));
    };
    answer(429, json!({"errors": ["slow"], "error_type": "rate_limit", "extras": {"wait_seconds": 12}}));
    let until = Timestamp(played.clock.now().0 + 12_000);
    assert_eq!(reply.deliver(&outgoing).await.unwrap_err().class, Class::RateLimited { until });
    answer(422, json!({"action": "create_post", "errors": ["Body is too similar to what you recently posted"]}));
    let error = reply.deliver(&outgoing).await.unwrap_err();
    assert!(error.class == Class::Rejected && error.cause.en.contains("too similar"), "{error}");
    played.board.moderate();
    let error = reply.deliver(&outgoing).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Uncertain, "forum.enqueued"));
    assert!(error.cure.nl.contains("moderator"));
}

#[tokio::test]
async fn only_a_forum_that_is_busy_certainly_did_nothing() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.reach(Who::Customer, "wie helpt?").await;
    inbox.pull().await.unwrap();
    let outgoing = inbox.answer(inbox.find("wie helpt?"), "Wij!", &played.clock);
    // 520 and 524 are what a content network says of a forum that was asked and did not answer in time.
    for (status, class) in [
        (500, Class::Uncertain),
        (502, Class::Uncertain),
        (504, Class::Uncertain),
        (520, Class::Uncertain),
        (524, Class::Uncertain),
        (503, Class::Transient),
    ] {
        played.running.wire.inject(Rule::new("/posts.json", Fault::html(status)).method(Method::POST));
        let error = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap_err();
        assert_eq!(error.class, class, "{status}");
    }
}

#[tokio::test]
async fn a_page_that_is_not_the_forums_removes_nothing() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let mention = played.say(Say::mention(Who::Customer, "sta ik er nog?")).await;
    inbox.pull().await.unwrap();
    for status in [400, 404, 405, 410, 451] {
        played.running.wire.inject(Rule::new("/posts/*", Fault::html(status)).always());
        assert_eq!(inbox.recheck().await.unwrap_err().class, Class::Transient, "{status}");
        played.running.wire.heal();
    }
    played.running.wire.inject(Rule::new("/posts/*", Fault::html(403)).always());
    assert_eq!(inbox.recheck().await.unwrap_err().class, Class::Unauthorized);
    played.running.wire.heal();
    assert!(inbox.removed.is_empty(), "{:?}", inbox.removed);
    played.board.delete(&mention);
    inbox.recheck().await.unwrap();
    assert!(inbox.removed.contains(&mention));
}

#[tokio::test]
async fn looking_again_leaves_the_last_tenth_to_replies_and_gives_everything_its_turn() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..15 {
        played.say(Say::mention(Who::Customer, format!("vraag <{n}>"))).await;
    }
    inbox.pull().await.unwrap();
    played.clock.advance(Duration::from_secs(60));
    let pull = inbox.channel.pull().unwrap();
    let known: Vec<Known> = inbox
        .messages
        .values()
        .map(|m| Known { external_id: m.external_id.clone(), thread: m.thread.clone(), meta: m.meta.clone() })
        .collect();
    played.running.wire.forget();
    for left in [45, 30, 15, 6, 6] {
        let quota = pull.recheck(&known).await.unwrap().quota.unwrap();
        assert_eq!((quota.limit, quota.remaining), (60, left));
        assert_eq!(quota.reset_at, played.clock.now().plus(Duration::from_secs(60)));
    }
    let calls = played.running.wire.calls();
    assert_eq!(calls.len(), 54);
    let asked = |id: &str| calls.iter().filter(|call| call.path == format!("/posts/{id}.json")).count();
    assert_eq!(known.iter().map(|one| asked(&one.external_id)).filter(|count| *count == 4).count(), 9);
    // The six that had no turn come first when there is more.
    played.clock.advance(Duration::from_secs(60));
    while pull.pull("own", None).await.unwrap().quota.unwrap().remaining > 12 {}
    played.running.wire.forget();
    pull.recheck(&known).await.unwrap();
    let again = played.running.wire.calls();
    assert_eq!(again.len(), 6);
    assert!(again.iter().all(|call| calls.iter().filter(|other| other.path == call.path).count() == 3));
}

#[tokio::test]
async fn a_topic_that_was_shut_meanwhile_stops_nobody() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::mention(Who::Customer, "weg ermee")).await;
    played.say(Say::mention(Who::Other, "en ik dan?")).await;
    let body =
        json!({"errors": ["You are not permitted to view the requested resource."], "error_type": "invalid_access"});
    let fault = Fault::Answer { status: 403, headers: Vec::new(), body: body.to_string() };
    played.running.wire.inject(Rule::new("/t/*", fault));
    inbox.pull().await.unwrap();
    inbox.find("en ik dan?");
}

#[tokio::test]
async fn a_notification_that_cannot_be_read_is_held_wherever_it_stands() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let mut ids = Vec::new();
    for n in 0..70 {
        ids.push(played.say(Say::mention(Who::Customer, format!("vraag <{n}>"))).await);
    }
    // The oldest stand on the second page.
    let broken: u64 = ids[3].parse().unwrap();
    let spoil = Fault::json(move |answer| {
        for one in answer["notifications"].as_array_mut().unwrap() {
            if one["data"]["original_post_id"] == broken {
                one["post_number"] = "x".into();
            }
        }
    });
    played.running.wire.inject(Rule::new("/notifications.json", spoil).always());
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("vraag <"), 69);
    assert!(inbox.unreadable.iter().any(|held| held.payload.contains(&format!("\"original_post_id\":{broken}"))));
}

#[tokio::test]
async fn the_key_goes_to_the_forum_and_to_nobody_it_points_to() {
    let played = Played::start().await;
    let elsewhere = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.reach(Who::Customer, "wie helpt?").await;
    inbox.pull().await.unwrap();
    let outgoing = inbox.answer(inbox.find("wie helpt?"), "Wij!", &played.clock);
    elsewhere.running.wire.forget();
    for status in [301, 302, 307, 308] {
        let to = format!("{}/notifications.json", elsewhere.running.url);
        let moved = |to: &str| Fault::with_headers(status, &[("location", to)]);
        played.running.wire.inject(Rule::new("/notifications.json", moved(&to)));
        let error = inbox.pull().await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "forum.moved"), "{status}");
        // What is posted is posted to one address: whoever follows it might post twice, or ask instead of post.
        played.running.wire.inject(Rule::new("/posts.json", moved("/posts.json")).method(Method::POST));
        let error = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "forum.moved"), "{status}");
    }
    assert!(elsewhere.running.wire.calls().is_empty());
    assert!(played.said().await.is_empty());
    // On the forum itself addresses may lead on.
    played.say(Say::mention(Who::Customer, "en verder?")).await;
    let on = Fault::with_headers(301, &[("location", "/notifications.json?limit=60&offset=0")]);
    played.running.wire.inject(Rule::new("/notifications.json", on));
    inbox.pull().await.unwrap();
    inbox.find("en verder?");
}

#[tokio::test]
async fn old_news_that_stands_first_hides_none_on_the_next_page() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..70 {
        played.say(Say::mention(Who::Customer, format!("vraag <{n}>"))).await;
    }
    // Unread and urgent, and seen long ago.
    let urgent = json!({"id": 0, "notification_type": 6, "topic_id": 1, "post_number": 1,
        "created_at": played.clock.now().to_rfc3339(), "data": {}});
    let first = Fault::json(move |answer| answer["notifications"].as_array_mut().unwrap().insert(0, urgent.clone()));
    played.running.wire.inject(Rule::new("/notifications.json", first));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("vraag <"), 70);
}

#[tokio::test]
async fn what_was_removed_is_not_shown_above_to_those_who_may_see_it() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let root = played.say(Say::post(Who::Other, "hier stond iets lelijks")).await;
    played.say(Say { to: Some(root), ..Say::mention(Who::Customer, "wat stond hier?") }).await;
    let removed = Fault::json(|post| post["deleted_at"] = "2026-03-02T09:00:00Z".into());
    played.running.wire.inject(Rule::new("/posts/by_number/*", removed).always());
    inbox.pull().await.unwrap();
    inbox.find("wat stond hier?");
    assert!(inbox.messages.values().all(|message| !message.text.contains("iets lelijks")));
}
