//! The connector against its fake: the contract where it fits, and what is the scheme's own.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::DESCRIPTOR;
use super::fake::{SECRET, System};
use crate::channels::contract::{Harness, Hitch, Inbox, Said, Say, Way, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule, Running, Wire};
use crate::channels::{
    Channel, ChannelError, Client, Context, Hook, HookAnswer, Item, MemorySecrets, OutFile, Outgoing, Pushed,
};
use crate::clock::Clock;
use crate::model::{ClaimKind, Direction, Lane, ReceiptState, Timestamp};

const NEW: &str = "whsec_QW5vdGhlciBjb3VudGVyLCBhcyBnb29kIGFzIHRoZSBvbGQ=";

pub struct Played {
    system: System,
    running: Running,
    clock: Clock,
    /// What the system will post, until it is brought.
    waiting: Mutex<Vec<Value>>,
    number: Mutex<u32>,
}

impl Played {
    fn channel(&self, settings: &Value, secrets: Value, allow_private: bool) -> Result<Arc<dyn Channel>, ChannelError> {
        (DESCRIPTOR.connect)(Context {
            client: Client::new(allow_private).unwrap(),
            clock: self.clock.clone(),
            settings: settings.clone(),
            secrets: Arc::new(MemorySecrets::new(secrets)),
            history: Duration::from_secs(7 * 86_400),
        })
    }

    fn settings(&self) -> Value {
        json!({"name": "Winkel", "url": format!("{}/replies", self.running.url)})
    }

    fn next(&self, what: &str) -> String {
        let mut number = self.number.lock().unwrap();
        *number += 1;
        format!("{what}-{number}")
    }

    fn event(&self, kind: &str, data: &Value) -> Value {
        json!({"type": kind, "timestamp": self.clock.now().to_rfc3339(), "data": data})
    }

    /// Posts an event, signed as it should be.
    async fn posts(&self, channel: &dyn Channel, event: &Value) -> Result<Pushed, ChannelError> {
        let body = event.to_string();
        let headers = self.system.headers(&self.next("evt"), &body);
        called(channel, &headers, body.as_bytes()).await
    }
}

async fn called(channel: &dyn Channel, headers: &HeaderMap, body: &[u8]) -> Result<Pushed, ChannelError> {
    called_with(channel, headers, body, &json!({"secret": SECRET})).await
}

async fn called_with(
    channel: &dyn Channel,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &Value,
) -> Result<Pushed, ChannelError> {
    let from = IpAddr::from([127, 0, 0, 1]);
    let hook = Hook { method: &Method::POST, headers, query: "", body, secrets, from };
    channel.push().unwrap().receive(&hook).await
}

#[async_trait]
impl Harness for Played {
    async fn start() -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let system = System::new(clock.clone(), SECRET);
        let running = system.serve("127.0.0.1:0".parse().unwrap()).await.expect("a free port");
        Self { system, running, clock, waiting: Mutex::default(), number: Mutex::default() }
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn wire(&self) -> &Wire {
        &self.running.wire
    }
    fn connect(&self) -> Arc<dyn Channel> {
        self.channel(&self.settings(), json!({"secret": SECRET}), true).expect("a connection")
    }
    fn author(&self, who: Who) -> (String, String) {
        match who {
            Who::Brand => ("winkel".to_owned(), "Winkel".to_owned()),
            Who::Customer => ("winkel:c-7".to_owned(), "noor@voorbeeld.nl".to_owned()),
            Who::Other => ("winkel:c-8".to_owned(), "c-8".to_owned()),
        }
    }
    fn ways() -> &'static [Way] {
        &[Way::Private]
    }
    async fn say(&self, say: Say) -> String {
        self.clock.advance(Duration::from_secs(1));
        let id = self.next("m");
        let author = match say.by {
            Who::Customer => json!({"external_id": "c-7", "name": "Noor", "email": "noor@voorbeeld.nl"}),
            Who::Other => json!({"external_id": "c-8"}),
            Who::Brand => json!({"name": "De winkel"}),
        };
        let thread = if say.by == Who::Other { "t-8" } else { "t-7" };
        let data = json!({
            "external_id": id, "thread": {"external_id": thread}, "author": author, "text": say.text, "reply_to": say.to,
            "direction": if say.by == Who::Brand { "out" } else { "in" }, "sent_at": self.clock.now().to_rfc3339(),
        });
        self.waiting.lock().unwrap().push(self.event("message.created", &data));
        id
    }
    async fn bring(&self, inbox: &mut Inbox) -> Result<(), ChannelError> {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap());
        for event in waiting {
            let channel = Arc::clone(&inbox.channel);
            // A sender that heard nothing posts again: twice is once.
            for _ in 0..2 {
                inbox.take(self.posts(&*channel, &event).await?.batch);
            }
        }
        Ok(())
    }
    async fn edit(&self, _: Who, id: &str, text: &str) {
        self.clock.advance(Duration::from_secs(1));
        let data = json!({
            "external_id": id, "thread": {"external_id": "t-7"}, "text": text, "sent_at": "2026-03-02T09:14:06Z",
            "author": {"external_id": "c-7", "name": "Noor", "email": "noor@voorbeeld.nl"},
        });
        self.waiting.lock().unwrap().push(self.event("message.updated", &data));
    }
    async fn delete(&self, _: Who, id: &str) {
        let event = self.event("message.deleted", &json!({"external_id": id}));
        self.waiting.lock().unwrap().push(event);
    }
    async fn said(&self) -> Vec<Said> {
        let replies = self.system.replies().into_iter().enumerate();
        replies
            .map(|(at, data)| Said {
                external_id: format!("r-{}", at + 1),
                text: data["text"].as_str().unwrap().to_owned(),
                reply_to: data["in_reply_to"].as_str().map(str::to_owned),
                private: data["thread"]["lane"] == "private",
            })
            .collect()
    }
    fn posting() -> (Method, &'static str) {
        (Method::POST, "/replies")
    }
}

crate::channel_contract!(Played: private, deletes, replies, quotes, reply_to_deleted, throttled, limits);

async fn asked(played: &Played) -> (Inbox, crate::channels::Message) {
    let mut inbox = Inbox::connected(played).await;
    played.reach(Who::Customer, "waar blijft mijn pakket?").await;
    played.bring(&mut inbox).await.unwrap();
    let message = inbox.find("pakket").clone();
    (inbox, message)
}

fn message(text: &str) -> Value {
    json!({"external_id": "m-1", "thread": {"external_id": "t-1"}, "author": {"external_id": 7}, "text": text})
}

fn only(pushed: Pushed) -> crate::channels::Message {
    let mut items = pushed.batch.items;
    assert_eq!(items.len(), 1, "{items:?}");
    match items.remove(0) {
        Item::Message(message) => *message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn everything_a_system_says_arrives() {
    let played = Played::start().await;
    let channel = played.connect();
    let event: Value = serde_json::from_str(include_str!("fixtures/message.created.json")).unwrap();
    let pushed = played.posts(&*channel, &event).await.unwrap();
    assert_eq!(pushed.answer, Some(HookAnswer::Outcome));
    let message = only(pushed);
    assert_eq!((message.external_id.as_str(), message.thread.external_id.as_str()), ("m-1", "t-9"));
    assert_eq!((message.thread.lane, message.thread.title.as_deref()), (Lane::Private, Some("Bestelling 12345")));
    assert_eq!((message.author.name.as_str(), message.author.external_id.as_str()), ("Noor", "winkel:c-7"));
    let claims: Vec<_> =
        message.author.claims.iter().map(|claim| (claim.kind, claim.value.as_str(), claim.verified)).collect();
    assert_eq!(
        claims,
        [
            (ClaimKind::Email, "noor@voorbeeld.nl", true),
            (ClaimKind::Phone, "+31612345678", true),
            (ClaimKind::Customer, "K-2024-7", true)
        ]
    );
    assert_eq!(message.sent_at, Timestamp::parse_rfc3339("2026-03-02T09:00:00Z").unwrap());
    assert_eq!(message.reply_to.as_deref(), Some("m-0"));
    assert_eq!(message.files.len(), 2);
    assert_eq!(message.files[1].content.as_deref(), Some(&b"hoi"[..]));
    assert_eq!((message.fields[0].label.as_str(), message.fields[1].value.as_str()), ("Bestelnummer", "2"));
    assert!(message.due_at.is_some());
    // What it gave along comes back with the reply.
    let inbox = Inbox::new(played.connect());
    let outgoing = Outgoing {
        files: vec![OutFile {
            name: "a.pdf".to_owned(),
            mime: "application/pdf".to_owned(),
            alt: "de bon".to_owned(),
            bytes: "%PDF".into(),
        }],
        ..inbox.answer(&message, "Onderweg.", &played.clock)
    };
    let sent = channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    assert_eq!(sent.external_id, "r-1");
    let reply = played.system.replies().remove(0);
    assert_eq!(reply["metadata"], json!({"order": 12345}));
    assert_eq!(reply["attachments"][0]["content"], "JVBERg==");
    assert_eq!(reply["thread"]["subject"], "Bestelling 12345");
}

#[tokio::test]
async fn an_edit_has_its_time_and_a_status_its_words() {
    let played = Played::start().await;
    let channel = played.connect();
    let event = played.event("message.updated", &message("beter zo"));
    let edited = only(played.posts(&*channel, &event).await.unwrap());
    assert_eq!(edited.edited_at, Some(played.clock.now()));
    let failed = json!({"external_id": "r-1", "status": "failed", "error": "mailbox full"});
    let pushed = played.posts(&*channel, &played.event("message.status", &failed)).await.unwrap();
    let [Item::Receipt { external_id, state, error, .. }] = &pushed.batch.items[..] else { panic!("{pushed:?}") };
    assert_eq!((external_id.as_str(), *state), ("r-1", ReceiptState::Failed));
    let error = error.as_ref().unwrap();
    assert!(error.cause.en.contains("mailbox full") && error.cause.nl.contains("mailbox full"));
    let solved = json!({"thread": {"external_id": "t-1"}, "by": "buurman"});
    let pushed = played.posts(&*channel, &played.event("thread.solved", &solved)).await.unwrap();
    assert!(matches!(&pushed.batch.items[..], [Item::Solved { thread, by, .. }] if thread == "t-1" && by == "buurman"));
    let pushed = played.posts(&*channel, &played.event("ping", &Value::Null)).await.unwrap();
    assert!(pushed.batch.items.is_empty() && pushed.answer.is_none());
}

#[tokio::test]
async fn what_is_not_signed_by_the_system_is_not_looked_at() {
    let played = Played::start().await;
    let channel = played.connect();
    let body = played.event("message.created", &message("geld terug!")).to_string();
    let good = played.system.headers("evt-1", &body);
    let refused = async |headers: &HeaderMap, body: &str, code: &str| {
        let error = called(&*channel, headers, body.as_bytes()).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, code));
    };
    refused(&HeaderMap::new(), &body, "api.unsigned").await;
    refused(&good, &body.replace("geld", "veel geld"), "api.signature").await;
    refused(&good, &format!("{body} "), "api.signature").await;
    for (name, value, code) in [
        ("webhook-id", "evt-2", "api.signature"),
        ("webhook-timestamp", "1772442846", "api.signature"),
        ("webhook-timestamp", "yesterday", "api.unsigned"),
        ("webhook-signature", "v1,AAAA", "api.signature"),
        ("webhook-signature", "", "api.signature"),
    ] {
        let mut headers = good.clone();
        headers.insert(name, HeaderValue::from_static(value));
        refused(&headers, &body, code).await;
    }
    // Two ids: which one was signed is anybody's guess.
    let mut twice = good.clone();
    twice.append("webhook-id", HeaderValue::from_static("evt-1"));
    refused(&twice, &body, "api.unsigned").await;
    // Another system's secret.
    let stranger = System::new(played.clock.clone(), NEW).headers("evt-1", &body);
    refused(&stranger, &body, "api.signature").await;
    // The same call, kept and sent again: good for five minutes (and the same message), then not.
    called(&*channel, &good, body.as_bytes()).await.unwrap();
    played.clock.advance(Duration::from_secs(299));
    called(&*channel, &good, body.as_bytes()).await.unwrap();
    played.clock.advance(Duration::from_secs(2));
    refused(&good, &body, "api.time").await;
}

#[tokio::test]
async fn what_we_sent_cannot_be_sent_back_as_a_customers_word() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played).await;
    inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "Onderweg.", &played.clock)).await.unwrap();
    let sent = played.running.wire.calls_to(&Method::POST, "/replies").pop().unwrap();
    // Signed with the right key, by us.
    let pushed = called(&*inbox.channel, &sent.headers, &sent.body).await.unwrap();
    assert!(pushed.batch.items.is_empty(), "{pushed:?}");
    assert_eq!(pushed.batch.unreadable.len(), 1);
}

#[tokio::test]
async fn while_the_secret_is_changed_nothing_is_refused() {
    let played = Played::start().await;
    let both = json!({"secret": NEW, "secret_before": SECRET});
    let channel = played.channel(&played.settings(), both.clone(), true).unwrap();
    let body = played.event("message.created", &message("hoi")).to_string();
    for secret in [SECRET, NEW] {
        let headers = System::new(played.clock.clone(), secret).headers("evt-1", &body);
        called_with(&*channel, &headers, body.as_bytes(), &both).await.unwrap();
    }
    // The other end still knows the old one only.
    let (inbox, question) = asked(&played).await;
    channel.reply().unwrap().deliver(&inbox.answer(&question, "Onderweg.", &played.clock)).await.unwrap();
    let headers = played.system.headers("evt-1", &body);
    let after = json!({"secret": NEW, "secret_before": ""});
    let error = called_with(&*channel, &headers, body.as_bytes(), &after).await.unwrap_err();
    assert_eq!(error.code, "api.signature");
}

#[tokio::test]
async fn what_is_signed_and_cannot_be_read_is_held_and_says_which_field() {
    let played = Played::start().await;
    let channel = played.connect();
    let with = |path: &str, value: Value| {
        let mut event = played.event("message.created", &message("hoi"));
        *event.pointer_mut(path).unwrap() = value;
        event
    };
    let mut far = played.event("message.created", &message("hoi"));
    far["data"]["attachments"] = json!([{"url": "file:///etc/passwd"}]);
    let mut broken = played.event("message.created", &message("hoi"));
    broken["data"]["attachments"] = json!([{"content": "§"}]);
    for (event, says) in [
        (json!([1, 2]), "no event"),
        (json!({"data": {}}), "type"),
        (with("/type", json!("message.exploded")), "message.exploded"),
        (with("/type", json!("reply.created")), "reply.created"),
        (with("/data", json!("m-1")), "data"),
        (with("/data/external_id", json!("")), "500 bytes"),
        (with("/data/external_id", json!("x".repeat(501))), "500 bytes"),
        (with("/data/external_id", json!(["m"])), "a text or a number"),
        (with("/data/thread", json!({})), "external_id"),
        (with("/data/author", json!({"name": "iemand"})), "who says it"),
        (with("/data/text", json!("  ")), "needs text"),
        (far, "attachments[0] needs a url"),
        (broken, "no base64"),
    ] {
        let pushed = played.posts(&*channel, &event).await.unwrap();
        let Some(HookAnswer::Exactly { status, body, .. }) = &pushed.answer else { panic!("{pushed:?}") };
        assert_eq!(*status, 422);
        assert!(body.contains(says), "{body} without {says}");
        assert!(pushed.batch.items.is_empty());
        assert_eq!(pushed.batch.unreadable[0].payload, event.to_string(), "whole");
        let again = channel.pull().unwrap().reread("hook", &event.to_string()).await.unwrap();
        assert_eq!(again.unreadable.len(), 1);
    }
    let fine = played.event("message.created", &message("hoi")).to_string();
    assert_eq!(channel.pull().unwrap().reread("hook", &fine).await.unwrap().items.len(), 1);
    // Bytes that are no text.
    let body = b"\xff\xfe{";
    let mut headers = played.system.headers("evt", "");
    let right = crate::channels::signature::Keys::read(&[SECRET]).unwrap().sign("evt", played.clock.now(), body);
    headers.insert("webhook-signature", HeaderValue::from_str(&right).unwrap());
    assert_eq!(called(&*channel, &headers, body).await.unwrap().batch.unreadable.len(), 1);
}

#[tokio::test]
async fn html_is_never_more_than_words() {
    let played = Played::start().await;
    let channel = played.connect();
    let evil = "<b>hoi</b><script>alert(1)</script><img src=x onerror=alert(1)><a href=\"javascript:x\">klik</a>";
    let mut event = played.event("message.created", &message(""));
    event["data"]["html"] = json!(evil);
    event["data"]["thread"]["subject"] = json!(evil);
    event["data"]["author"]["name"] = json!(evil);
    let message = only(played.posts(&*channel, &event).await.unwrap());
    let html = message.html.unwrap();
    assert_eq!(html, crate::channels::html::sanitise(&html));
    assert!(!html.contains("script") && !html.contains("onerror") && !html.contains("img"));
    assert_eq!(message.text, "hoiklik");
}

#[tokio::test]
async fn a_reply_is_signed_and_repeated_under_one_name() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played).await;
    let outgoing = inbox.answer(&question, "kwam dit aan?", &played.clock);
    let reply = inbox.channel.reply().unwrap();
    for hitch in [Hitch::AnswerLost, Hitch::AnswerCut, Hitch::Busy] {
        played.hitch(hitch);
        assert_eq!(reply.deliver(&outgoing).await.unwrap_err().class, Class::Transient, "{hitch:?}");
        played.clock.advance(Duration::from_secs(3_600));
    }
    assert_eq!(reply.find(&outgoing).await.unwrap(), None, "a repeat is harmless");
    let first = reply.deliver(&outgoing).await.unwrap();
    let second = reply.deliver(&outgoing).await.unwrap();
    assert_eq!((first.external_id.as_str(), second.external_id.as_str()), ("r-1", "r-1"));
    assert_eq!(played.system.replies().len(), 1, "taken once");
    let calls = played.running.wire.calls_to(&Method::POST, "/replies");
    assert_eq!(calls.len(), 5);
    assert!(calls.iter().all(|call| call.headers["webhook-id"] == outgoing.key.to_string().as_str()));
    let another = inbox.answer(&question, "kwam dit aan?", &played.clock);
    reply.deliver(&another).await.unwrap();
    assert_eq!(played.system.replies().len(), 2, "the same words again are another message");
}

#[tokio::test]
async fn what_is_signed_goes_nowhere_else() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played).await;
    let outgoing = inbox.answer(&question, "antwoord", &played.clock);
    let elsewhere = format!("{}/health", played.running.url);
    for status in [301, 302, 307, 308] {
        played.running.wire.inject(Rule::new("/replies", Fault::with_headers(status, &[("location", &elsewhere)])));
        let error = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "api.moved"));
    }
    assert!(played.running.wire.calls_to(&Method::GET, "/health").is_empty());
    assert!(played.running.wire.calls_to(&Method::POST, "/health").is_empty());
    for (status, class, code) in [
        (403, Class::Unauthorized, "api.not_believed"),
        (404, Class::Unauthorized, "api.nobody_there"),
        (410, Class::Unauthorized, "api.nobody_there"),
        (422, Class::Rejected, "api.refused"),
        (413, Class::Rejected, "api.refused"),
        (500, Class::Transient, "unreachable"),
        (503, Class::Transient, "unreachable"),
    ] {
        played.running.wire.inject(Rule::new("/replies", Fault::status(status)));
        let error = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (class, code), "{status}");
        assert!(!format!("{error:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn a_private_address_is_not_reached_from_the_internet() {
    let played = Played::start().await;
    for url in [
        "http://127.0.0.1:9/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://0x7f.1/",
        "http://localhost/",
    ] {
        let settings = json!({"name": "Winkel", "url": url});
        let Err(error) = played.channel(&settings, json!({"secret": SECRET}), false) else { panic!("{url}") };
        assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "address.private"), "{url}");
    }
    for url in ["gopher://x.example/", "no address"] {
        assert!(
            played.channel(&json!({"name": "Winkel", "url": url}), json!({"secret": SECRET}), true).is_err(),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_test_of_the_account_says_whether_the_other_end_believes_us() {
    let played = Played::start().await;
    let probe = played.connect().probe().await.unwrap();
    assert_eq!((probe.handle.as_str(), probe.warnings.len(), played.system.pings()), ("Winkel", 0, 1));
    let wrong = played.channel(&played.settings(), json!({"secret": NEW}), true).unwrap();
    let warnings = wrong.probe().await.unwrap().warnings;
    assert!(warnings[0].code == "api.not_believed", "{warnings:?}");
    let weak = played.channel(&played.settings(), json!({"secret": "hunter2"}), true).unwrap();
    let error = weak.probe().await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "api.secret"));
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_system_that_takes_no_replies_says_where_to_answer() {
    let played = Played::start().await;
    let channel = played.channel(&json!({"name": "Oude kassa"}), json!({"secret": SECRET}), true).unwrap();
    assert!(channel.reply().is_none());
    let thread = crate::channels::ThreadRef {
        url: Some("https://kassa.example/7".to_owned()),
        ..crate::channels::ThreadRef::default()
    };
    let allowance = channel.allowance(&thread, &json!({}));
    assert!(!allowance.may_reply);
    let hand_off = allowance.hand_off.unwrap();
    assert_eq!(hand_off.url.as_deref(), Some("https://kassa.example/7"));
    assert!(hand_off.words.nl.contains("Oude kassa"));
    let mine = played.connect().allowance(&thread, &json!({}));
    assert!(mine.may_reply && mine.hand_off.is_none());
}

#[test]
fn a_message_of_ours_from_elsewhere_is_ours() {
    let now = Timestamp(1_772_442_845_000);
    let text = json!({"type": "message.created", "data": {
        "external_id": 12, "thread": {"external_id": 9}, "direction": "out", "text": "al geregeld"
    }})
    .to_string();
    let items = super::convert::event(&text, "Winkel", now).unwrap();
    let [Item::Message(message)] = &items[..] else { panic!("{items:?}") };
    assert_eq!((message.direction, message.external_id.as_str(), message.sent_at), (Direction::Out, "12", now));
}

proptest::proptest! {
    #[test]
    fn any_text_is_survived(text in "[{}\\[\\]\":,a-z0-9_. éø\\\\]{0,200}") {
        let _ = super::convert::event(&text, "Winkel", Timestamp(0));
    }
}
