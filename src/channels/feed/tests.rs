//! The poller against its fake and against what feeds in the wild do.

mod names;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::DESCRIPTOR;
use super::fake::Site;
use crate::channels::contract::{Harness, Said, Say, Way, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule, Running, Wire};
use crate::channels::{Batch, Channel, ChannelError, Client, Context, Item, MemorySecrets, Message};
use crate::clock::Clock;
use crate::model::{ThreadKind, Timestamp};

pub struct Played {
    site: Site,
    running: Running,
    clock: Clock,
}

impl Played {
    fn follow(&self, settings: Value) -> Result<Arc<dyn Channel>, ChannelError> {
        (DESCRIPTOR.connect)(Context {
            client: Client::new(true).unwrap(),
            clock: self.clock.clone(),
            settings,
            secrets: Arc::new(MemorySecrets::default()),
            history: Duration::from_secs(7 * 86_400),
        })
    }

    fn file(&self, name: &str) -> Arc<dyn Channel> {
        self.follow(json!({"url": format!("{}/{name}", self.running.url)})).unwrap()
    }

    /// Serves this body at `/x.xml` and reads it.
    async fn reads(&self, body: &str) -> Result<Batch, ChannelError> {
        let fault = Fault::Answer { status: 200, headers: Vec::new(), body: body.to_owned() };
        self.running.wire.inject(Rule::new("/x.xml", fault));
        self.file("x.xml").pull().unwrap().pull("entries", Some(&json!({}))).await
    }

    async fn answers(&self, status: u16, headers: &[(&str, &str)]) -> ChannelError {
        self.running.wire.inject(Rule::new("/atom.xml", Fault::with_headers(status, headers)));
        self.file("atom.xml").pull().unwrap().pull("entries", None).await.unwrap_err()
    }
}

#[async_trait]
impl Harness for Played {
    async fn start() -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let site = Site::new(clock.clone());
        let running = site.serve("127.0.0.1:0".parse().unwrap()).await.expect("a free port");
        Self { site, running, clock }
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn wire(&self) -> &Wire {
        &self.running.wire
    }
    fn connect(&self) -> Arc<dyn Channel> {
        self.file("atom.xml")
    }
    fn author(&self, who: Who) -> (String, String) {
        match who {
            Who::Brand => (format!("{}/atom.xml", self.running.url), "127.0.0.1".to_owned()),
            _ => ("127.0.0.1:buurman".to_owned(), "127.0.0.1".to_owned()),
        }
    }
    fn ways() -> &'static [Way] {
        &[Way::Mention]
    }
    fn kind(_: Way) -> ThreadKind {
        ThreadKind::Feed
    }
    async fn say(&self, say: Say) -> String {
        self.clock.advance(Duration::from_secs(1));
        self.site.write("Buurman", "", &format!("<p>{}</p>", say.text.replace('<', "&lt;").replace('>', "&gt;")))
    }
    async fn said(&self) -> Vec<Said> {
        Vec::new()
    }
    async fn edit(&self, _: Who, id: &str, text: &str) {
        self.clock.advance(Duration::from_secs(1));
        assert!(self.site.change(id, text));
    }
    fn page() -> (&'static str, &'static str) {
        ("/atom.xml", "")
    }
    fn page_size() -> usize {
        20
    }
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}

crate::channel_contract!(Played: history, edits, http);

fn messages(batch: &Batch) -> Vec<&Message> {
    batch
        .items
        .iter()
        .map(|item| match item {
            Item::Message(message) => &**message,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn the_same_entries_come_from_all_three_formats() {
    let played = Played::start().await;
    let id = played.site.write(
        "Redactie",
        "Merk & Co: \"storing\"",
        "<p>Al <b>een uur</b> &amp; niks.</p><script>x()</script>",
    );
    let mut seen = Vec::new();
    for file in ["atom.xml", "rss.xml", "feed.json"] {
        let batch = played.file(file).pull().unwrap().pull("entries", Some(&json!({}))).await.unwrap();
        let found = messages(&batch);
        assert_eq!(found.len(), 1, "{file}");
        let message = found[0].clone();
        assert_eq!(message.external_id, id, "{file}");
        assert_eq!(message.text, "Merk & Co: \"storing\"\n\nAl een uur & niks.", "{file}");
        assert_eq!(message.url.as_deref(), Some(format!("{}/artikel/1", played.running.url).as_str()), "{file}");
        assert!(message.html.is_none() && !message.history);
        seen.push((message.author, message.thread, message.sent_at));
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:?}");
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let played = Played::start().await;
    played.site.write("Redactie", "Een", "een");
    let channel = played.connect();
    let first = channel.pull().unwrap().pull("entries", None).await.unwrap();
    let cursor = first.next.unwrap();
    let second = channel.pull().unwrap().pull("entries", Some(&cursor)).await.unwrap();
    assert!(second.items.is_empty());
    assert_eq!(second.next.as_ref(), Some(&cursor));
    let calls = played.running.wire.calls_to(&Method::GET, "/atom.xml");
    assert_eq!(calls[1].headers["if-none-match"], "\"1-atom.xml\"");
    assert!(calls[1].headers.contains_key("if-modified-since"));
    // A server without conditions: the entries tell.
    let mut bare = cursor.clone();
    for key in ["etag", "modified"] {
        bare.as_object_mut().unwrap().remove(key);
    }
    assert!(channel.pull().unwrap().pull("entries", Some(&bare)).await.unwrap().items.is_empty());
    // A cursor that cannot be read is no reason to stop; what came before is not doubled, because ids stay.
    assert_eq!(channel.pull().unwrap().pull("entries", Some(&json!([1]))).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn where_it_moved_for_good_is_remembered_and_for_now_is_not() {
    let played = Played::start().await;
    played.site.write("Redactie", "Een", "een");
    let to = format!("{}/rss.xml", played.running.url);
    for (status, kept) in [(301, true), (308, true), (302, false), (307, false)] {
        played.running.wire.forget();
        played.running.wire.inject(Rule::new("/old.xml", Fault::with_headers(status, &[("location", "/rss.xml")])));
        let channel = played.file("old.xml");
        let batch = channel.pull().unwrap().pull("entries", None).await.unwrap();
        assert_eq!(batch.items.len(), 1, "{status}");
        let cursor = batch.next.unwrap();
        assert_eq!(cursor["moved"].as_str(), kept.then_some(to.as_str()), "{status}");
        let again = channel.pull().unwrap().pull("entries", Some(&cursor)).await;
        // The old address answers nothing any more.
        assert_eq!(again.is_ok(), kept, "{status}");
    }
    played.running.wire.inject(Rule::new("/atom.xml", Fault::with_headers(301, &[("location", "/atom.xml")])).always());
    let error = played.connect().pull().unwrap().pull("entries", None).await.unwrap_err();
    assert!(error.cause.en.contains("circles"), "{error}");
    assert!(played.running.wire.calls_to(&Method::GET, "/atom.xml").len() < 10);
}

#[tokio::test]
async fn a_feed_cannot_send_us_into_the_cellar() {
    let played = Played::start().await;
    let guarded = Client::new(false).unwrap().and_also(played.running.address);
    for to in
        ["http://169.254.169.254/latest/", "http://localhost:1/", "http://[::1]/", "file:///etc/passwd", "gopher://x/"]
    {
        played.running.wire.inject(Rule::new("/atom.xml", Fault::with_headers(302, &[("location", to)])));
        let channel = (DESCRIPTOR.connect)(Context {
            client: guarded.clone(),
            clock: played.clock.clone(),
            settings: json!({"url": format!("{}/atom.xml", played.running.url)}),
            secrets: Arc::new(MemorySecrets::default()),
            history: Duration::from_secs(86_400),
        })
        .unwrap();
        let error = channel.pull().unwrap().pull("entries", None).await.unwrap_err();
        assert!(error.code.starts_with("address."), "{to}: {error}");
    }
}

#[tokio::test]
async fn refusals_have_their_class_and_gone_is_not_asked_again_all_day() {
    let played = Played::start().await;
    for (status, headers, class, code) in [
        (404, &[][..], Class::Transient, "feed.not_there"),
        (401, &[], Class::Unauthorized, "feed.closed"),
        (403, &[], Class::Unauthorized, "feed.closed"),
        (500, &[], Class::Transient, "unreachable"),
        (503, &[], Class::Transient, "unreachable"),
        (301, &[], Class::Transient, "unreachable"),
    ] {
        let error = played.answers(status, headers).await;
        assert_eq!((error.class, error.code.as_str()), (class, code), "{status}");
    }
    let later = Timestamp(played.clock.now().0 + 7_200_000);
    for status in [429, 503] {
        let error = played.answers(status, &[("retry-after", "7200")]).await;
        assert_eq!(error.class, Class::RateLimited { until: later }, "{status}");
    }
    played.running.wire.inject(Rule::new("/atom.xml", Fault::status(410)));
    let channel = played.connect();
    played.running.wire.forget();
    for _ in 0..3 {
        let error = channel.pull().unwrap().pull("entries", None).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "feed.gone"));
        played.clock.advance(Duration::from_secs(300));
    }
    assert_eq!(played.running.wire.calls().len(), 1);
    played.clock.advance(Duration::from_secs(86_400));
    assert!(channel.pull().unwrap().pull("entries", None).await.is_ok(), "it was a mistake");
}

#[tokio::test]
async fn a_feed_is_asked_as_often_as_it_wants() {
    let played = Played::start().await;
    let channel = played.file("x.xml");
    let serve = |headers: &[(&str, &str)], ttl: &str| {
        let body = format!("<rss version=\"2.0\"><channel><title>T</title>{ttl}</channel></rss>");
        let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        played.running.wire.inject(Rule::new("/x.xml", Fault::Answer { status: 200, headers, body }));
    };
    for (headers, ttl, minutes) in [
        (&[("cache-control", "public, max-age=3600")][..], "", 60),
        (&[], "<ttl>120</ttl>", 120),
        (&[("cache-control", "max-age=60")], "<ttl>120</ttl>", 120),
        (&[("cache-control", "no-cache, max-age=3600")], "", 0),
        (&[("cache-control", "max-age=99999999999")], "", 24 * 60),
    ] {
        serve(headers, ttl);
        let cursor = channel.pull().unwrap().pull("entries", Some(&json!({}))).await.unwrap().next.unwrap();
        played.running.wire.forget();
        if minutes > 0 {
            played.clock.advance(Duration::from_secs(minutes * 60 - 1));
            let early = channel.pull().unwrap().pull("entries", Some(&cursor)).await.unwrap();
            assert!(early.next.is_none() && played.running.wire.calls().is_empty(), "{headers:?} {ttl}");
        }
        played.clock.advance(Duration::from_secs(1));
        serve(&[], "");
        channel.pull().unwrap().pull("entries", Some(&cursor)).await.unwrap();
        assert_eq!(played.running.wire.calls().len(), 1, "{headers:?} {ttl}");
    }
}

#[tokio::test]
async fn only_what_concerns_us_arrives() {
    let played = Played::start().await;
    played.site.write("Redactie", "Storing bij Merk", "een uur");
    played.site.write("Redactie", "Vacature bij Merk", "kom werken");
    let other = played.site.write("Redactie", "Weer", "zon");
    let url = format!("{}/atom.xml", played.running.url);
    let channel = played.follow(json!({"url": url, "include": "merk", "exclude": "vacature"})).unwrap();
    let batch = channel.pull().unwrap().pull("entries", None).await.unwrap();
    assert_eq!(
        messages(&batch).iter().map(|m| m.thread.title.as_deref().unwrap()).collect::<Vec<_>>(),
        ["Storing bij Merk"]
    );
    // An entry that did not concern us and now does is new to us.
    played.clock.advance(Duration::from_secs(3_600));
    played.site.change(&other, "zon, en Merk ligt plat");
    let batch = channel.pull().unwrap().pull("entries", batch.next.as_ref()).await.unwrap();
    assert_eq!(messages(&batch)[0].external_id, other);
}

#[tokio::test]
async fn feeds_of_the_wild_are_read_or_refused_and_never_harm() {
    let played = Played::start().await;
    let item =
        |inner: &str| format!("<rss version=\"2.0\"><channel><title>T</title><item>{inner}</item></channel></rss>");
    // No guid and no link: named by what it says, the same every time.
    let nameless = item("<title>Zonder naam</title><pubDate>Mon, 02 Mar 2026 09:00:00 GMT</pubDate>");
    let one = messages(&played.reads(&nameless).await.unwrap())[0].external_id.clone();
    assert_eq!(one, messages(&played.reads(&nameless).await.unwrap())[0].external_id);
    let evil = item(
        "<guid>1</guid><link>javascript:alert(1)</link><title>&lt;img src=x onerror=alert(1)&gt;Hoi</title><description>&lt;script&gt;alert(1)&lt;/script&gt;dag&lt;style&gt;p{}&lt;/style&gt;</description>",
    );
    let batch = played.reads(&evil).await.unwrap();
    let message = messages(&batch)[0];
    assert_eq!(
        (message.text.as_str(), message.url.as_deref(), message.thread.url.as_deref()),
        ("Hoi\n\ndag", None, None)
    );
    // An entry that says nothing is held, and its neighbour arrives.
    let half = "<rss version=\"2.0\"><channel><title>T</title><item><guid>1</guid></item><item><guid>2</guid><title>Hoi</title></item></channel></rss>";
    let batch = played.reads(half).await.unwrap();
    assert_eq!((batch.items.len(), batch.unreadable.len()), (1, 1));
    let again = played.connect().pull().unwrap().reread("entries", &batch.unreadable[0].payload).await.unwrap();
    assert_eq!(again.unreadable.len(), 1);
    let long = item(&format!("<guid>{}</guid><title>{}</title>", "g".repeat(5_000), "t".repeat(200_000)));
    let batch = played.reads(&long).await.unwrap();
    assert!(messages(&batch)[0].external_id.len() <= 500 && messages(&batch)[0].text.len() <= 100_000);
    for bad in [
        String::new(),
        "<html><body>Onderhoud</body></html>".to_owned(),
        "{\"version\": \"https://jsonfeed.org/version/1\"".to_owned(),
        "hallo".to_owned(),
        // A billion laughs: entities are not expanded.
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><rss version=\"2.0\"><channel><title>&b;</title></channel>".to_owned(),
        // A tower: nobody nests so deep.
        format!("<rss version=\"2.0\"><channel><item><title>{}", "<b>".repeat(100_000)),
        format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><content type=\"xhtml\">{}{}</content></entry></feed>", "<div>".repeat(50_000), "</div>".repeat(50_000)),
        "[".repeat(1_000_000),
        format!("{{\"a\":{}", "[".repeat(1_000_000)),
    ] {
        match played.reads(&bad).await {
            Err(error) => assert_eq!((error.class, error.code.as_str()), (Class::Transient, "feed.not_a_feed"), "{}", &bad[..bad.len().min(60)]),
            Ok(batch) => assert!(batch.items.is_empty(), "{}", &bad[..bad.len().min(60)]),
        }
    }
}

#[tokio::test]
async fn what_unpacks_to_more_than_ten_megabytes_is_left() {
    let played = Played::start().await;
    let body = format!("<rss version=\"2.0\"><channel><title>{}</title></channel></rss>", "x".repeat(11 * 1024 * 1024));
    let error = played.reads(&body).await.unwrap_err();
    assert_eq!(error.class, Class::Transient);
    assert!(error.cause.en.contains("too large"), "{error}");
}

#[tokio::test]
async fn a_conversation_says_where_to_answer() {
    let played = Played::start().await;
    played.site.write("Redactie", "Een", "een");
    let channel = played.connect();
    let batch = channel.pull().unwrap().pull("entries", None).await.unwrap();
    let thread = &messages(&batch)[0].thread;
    let allowance = channel.allowance(thread, &json!({}));
    assert!(channel.reply().is_none() && !allowance.may_reply);
    assert_eq!(allowance.hand_off.unwrap().url, thread.url);
    let probe = channel.probe().await.unwrap();
    assert_eq!((probe.name.as_str(), probe.warnings.len()), ("Het Blog", 0));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_survived(body in "[<>/!\\[\\]{}a-z\"=&; é-]{0,300}") {
        let url = "https://blog.example/feed".parse().unwrap();
        let _ = super::read::feed(body.as_bytes(), &url);
        let _ = super::read::feed(format!("<rss version=\"2.0\"><channel><item><title>{body}").as_bytes(), &url);
    }
}

#[tokio::test]
async fn every_change_of_an_entry_is_newer_than_the_one_before() {
    let played = Played::start().await;
    let channel = played.file("x.xml");
    let mut cursor = json!({});
    let mut edits = Vec::new();
    for text in ["eerst", "toen", "nu"] {
        let body = format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>T</title><entry><id>1</id><title>Storing</title>\
             <published>2026-03-02T08:00:00Z</published><updated>2026-03-02T08:30:00Z</updated><content>{text}</content></entry></feed>"
        );
        played.running.wire.inject(Rule::new("/x.xml", Fault::Answer { status: 200, headers: Vec::new(), body }));
        let batch = channel.pull().unwrap().pull("entries", Some(&cursor)).await.unwrap();
        edits.push(messages(&batch)[0].edited_at);
        cursor = batch.next.unwrap();
        played.clock.advance(Duration::from_secs(3_600));
    }
    // Who forgets to say that it changed has changed it all the same.
    assert!(edits[0] < edits[1] && edits[1] < edits[2], "{edits:?}");
}

#[tokio::test]
async fn the_address_an_admin_fills_in_counts_more_than_where_the_old_one_led() {
    let played = Played::start().await;
    played.site.write("Redactie", "Een", "een");
    played.running.wire.inject(Rule::new("/old.xml", Fault::with_headers(301, &[("location", "/rss.xml")])));
    let batch = played.file("old.xml").pull().unwrap().pull("entries", None).await.unwrap();
    played.running.wire.forget();
    let batch = played.file("atom.xml").pull().unwrap().pull("entries", batch.next.as_ref()).await.unwrap();
    let calls = played.running.wire.calls();
    assert_eq!(calls.iter().map(|call| call.path.as_str()).collect::<Vec<_>>(), ["/atom.xml"]);
    assert!(!calls[0].headers.contains_key("if-none-match") && !calls[0].headers.contains_key("if-modified-since"));
    assert!(batch.items.is_empty(), "what was read at the old address is not read twice");
    let again = played.file("atom.xml").pull().unwrap().pull("entries", batch.next.as_ref()).await.unwrap();
    assert!(again.items.is_empty() && played.running.wire.calls()[1].headers.contains_key("if-none-match"));
}
