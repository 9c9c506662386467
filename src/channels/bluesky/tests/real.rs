//! The connector on the reference servers: PLC directory, account server and index of the real network, on loopback.
//!
//! `BALIE_TEST_ATPROTO` holds the line that `tests/real/servers/atproto-net.mjs` prints when it is ready; without it these tests
//! say that they did not run. No reference chat service exists: ours is reached through the real account server's proxy.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{fake, xrpc};
use crate::channels::bluesky::facets;
use crate::channels::contract::Inbox;
use crate::channels::{Action, Channel, Client, Context, MemorySecrets, OutFile, Outgoing};
use crate::clock::Clock;
use crate::model::{Direction, MessageId};

const PNG: &[u8] = include_bytes!("../fixtures/pixel.png");

fn network() -> Option<Value> {
    let Ok(line) = std::env::var("BALIE_TEST_ATPROTO") else {
        eprintln!("NOT RUN: BALIE_TEST_ATPROTO names no network");
        return None;
    };
    Some(serde_json::from_str(&line).expect("the ready line of atproto-net.mjs"))
}

/// Somebody on the real network, with the calls of a client.
struct Person {
    pds: url::Url,
    client: Client,
    did: String,
    token: String,
}

impl Person {
    async fn sign_in(net: &Value, name: &str) -> Self {
        let pds: url::Url = net["pds"].as_str().unwrap().parse().unwrap();
        let mut person = Self { pds, client: Client::new(true).unwrap(), did: String::new(), token: String::new() };
        let account = &net["accounts"][name];
        let input = json!({"identifier": account["handle"], "password": account["password"]});
        let session = person.post("com.atproto.server.createSession", input).await;
        person.did = session["did"].as_str().unwrap().to_owned();
        person.token = session["accessJwt"].as_str().unwrap().to_owned();
        person
    }

    async fn call(&self, nsid: &str, query: &[(&str, &str)], body: xrpc::Body) -> Result<Value, xrpc::Fault> {
        let url = xrpc::address(&self.pds, nsid, query).unwrap();
        let mut request = xrpc::request(&self.client, &url, &body).unwrap();
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        xrpc::send(&self.client, &Clock::system(), request).await.0
    }

    async fn get(&self, nsid: &str, query: &[(&str, &str)]) -> Value {
        self.call(nsid, query, xrpc::Body::None).await.unwrap()
    }

    async fn post(&self, nsid: &str, input: Value) -> Value {
        self.call(nsid, &[], xrpc::Body::Json(input)).await.unwrap()
    }

    async fn resolve(&self, handle: &str) -> String {
        let answer = self.get("com.atproto.identity.resolveHandle", &[("handle", handle)]).await;
        answer["did"].as_str().unwrap().to_owned()
    }

    /// Posts, and gives the reference to what was posted.
    async fn say(&self, text: &str, under: Option<(&Value, &Value)>) -> Value {
        let brand = self.resolve("brand.test").await;
        let facets = facets::build(text, |handle| (handle == "brand.test").then(|| brand.clone()));
        let mut record = json!({"$type": "app.bsky.feed.post", "text": text, "createdAt": Clock::system().now().to_rfc3339(), "facets": facets});
        if let Some((root, parent)) = under {
            record["reply"] = json!({"root": root, "parent": parent});
        }
        let made = self
            .post(
                "com.atproto.repo.createRecord",
                json!({"repo": self.did, "collection": "app.bsky.feed.post", "record": record}),
            )
            .await;
        json!({"uri": made["uri"], "cid": made["cid"]})
    }

    async fn delete(&self, uri: &str) {
        let rkey = uri.rsplit('/').next().unwrap();
        self.post(
            "com.atproto.repo.deleteRecord",
            json!({"repo": self.did, "collection": "app.bsky.feed.post", "rkey": rkey}),
        )
        .await;
    }
}

/// Asks until it is so; the index runs behind the account servers.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    for _ in 0..150 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} did not happen within 15 s")
}

fn connect(net: &Value, chat_proxy: &str) -> Arc<dyn Channel> {
    let context = Context {
        client: Client::new(true).unwrap(),
        clock: Clock::system(),
        settings: json!({"service": net["pds"], "plc": net["plc"], "identifier": net["accounts"]["brand"]["handle"], "chat_proxy": chat_proxy}),
        secrets: Arc::new(MemorySecrets::new(json!({"password": net["accounts"]["brand"]["app_password"]}))),
        history: Duration::from_secs(7 * 86_400),
    };
    (super::super::DESCRIPTOR.connect)(context).unwrap()
}

async fn pull_until(inbox: &mut Inbox, text: &str) -> crate::channels::Message {
    for _ in 0..150 {
        inbox.pull().await.unwrap();
        if inbox.count(text) > 0 {
            return inbox.find(text).clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("\"{text}\" did not arrive within 15 s")
}

fn answer(to: &crate::channels::Message, text: &str) -> Outgoing {
    Outgoing {
        key: MessageId::new(),
        attempt: 1,
        written_at: Clock::system().now(),
        thread: to.thread.clone(),
        reply_to: Some((to.external_id.clone(), to.meta.clone())),
        text: text.to_owned(),
        content_warning: None,
        visibility: None,
        language: Some("nl".to_owned()),
        files: Vec::new(),
        addressed: None,
        forward: false,
        automatic: false,
        subject: None,
        original: None,
    }
}

#[tokio::test]
async fn a_mention_is_answered_on_the_real_network() {
    let Some(net) = network() else { return };
    let mark = MessageId::new().to_string();
    let customer = Person::sign_in(&net, "customer").await;
    let other = Person::sign_in(&net, "customer2").await;
    let channel = connect(&net, "-");
    let probe = channel.probe().await.unwrap();
    assert_eq!(probe.external_id, net["accounts"]["brand"]["did"].as_str().unwrap());
    let mut inbox = Inbox::new(Arc::clone(&channel));
    inbox.pull().await.unwrap();

    // A customer asks, with an emoji before the link, so that offsets matter.
    let asked = customer.say(&format!("@brand.test 📦👩‍👩‍👧 waar blijft {mark}? https://volg.example/a"), None).await;
    let mention = pull_until(&mut inbox, &format!("waar blijft {mark}")).await;
    assert_eq!(
        (mention.external_id.as_str(), mention.direction, mention.history),
        (asked["uri"].as_str().unwrap(), Direction::In, false)
    );
    assert!(mention.html.as_deref().unwrap().contains("href=\"https://volg.example/a\""), "{:?}", mention.html);

    // A bystander in the thread is context; the brand answers with an image, twice the same.
    other.say(&format!("ik volg mee {mark}"), Some((&asked, &asked))).await;
    let reply = channel.reply().unwrap();
    let mut outgoing = answer(
        &mention,
        &format!("Hallo @customer.test 👋 zie https://merk.example/é en @niemand.test #pakket {mark}"),
    );
    outgoing.files.push(OutFile {
        name: "p.png".into(),
        mime: "image/png".into(),
        alt: "een stip".into(),
        bytes: PNG.into(),
    });
    let sent = reply.deliver(&outgoing).await.unwrap();
    assert_eq!(reply.deliver(&outgoing).await.unwrap(), sent, "the same record at the second attempt");
    assert_eq!(reply.find(&outgoing).await.unwrap().unwrap().external_id, sent.external_id);
    // The second part of an answer stands under the first, which the index may not have yet.
    let mut second = answer(&mention, &format!("En nog iets {mark}"));
    second.reply_to = Some((sent.external_id.clone(), sent.meta.clone()));
    reply.deliver(&second).await.unwrap();

    // The customer's client sees it under the question, with live facets and the image.
    let uri = asked["uri"].as_str().unwrap();
    let seen = until("the answer at the customer", || async {
        let thread = customer.get("app.bsky.feed.getPostThread", &[("uri", uri)]).await;
        let replies = thread["thread"]["replies"].as_array().cloned().unwrap_or_default();
        replies
            .into_iter()
            .find(|reply| reply["post"]["uri"] == sent.external_id.as_str() && reply["replies"][0].is_object())
    })
    .await;
    let record = &seen["post"]["record"];
    let text = record["text"].as_str().unwrap();
    let facets: Vec<&str> = record["facets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            &text[usize::try_from(f["index"]["byteStart"].as_u64().unwrap()).unwrap()
                ..usize::try_from(f["index"]["byteEnd"].as_u64().unwrap()).unwrap()]
        })
        .collect();
    assert_eq!(facets, ["@customer.test", "https://merk.example/é", "#pakket"], "who does not exist is not linked");
    assert_eq!(seen["post"]["embed"]["images"][0]["alt"], "een stip");
    assert_eq!(seen["post"]["embed"]["images"][0]["aspectRatio"], json!({"width": 1, "height": 1}));

    // The customer answers without naming the brand; it is the same thread.
    let ours = json!({"uri": sent.external_id, "cid": sent.meta["cid"]});
    let thanks = customer.say(&format!("dank je wel {mark}"), Some((&asked, &ours))).await;
    let thanked = pull_until(&mut inbox, &format!("dank je wel {mark}")).await;
    assert_eq!((thanked.thread.external_id.as_str(), thanked.direction), (uri, Direction::In));
    assert_eq!(thanked.reply_to.as_deref(), Some(sent.external_id.as_str()));
    // Another feed may have brought the thanks first; what stands beside it comes with the notification.
    let mut bystander = None;
    for _ in 0..150 {
        inbox.pull().await.unwrap();
        bystander = inbox.messages.values().find(|m| m.text.contains(&format!("ik volg mee {mark}"))).cloned();
        if bystander.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let bystander = bystander.expect("the bystander's post");
    assert_eq!((bystander.direction, bystander.thread.external_id.as_str()), (Direction::Context, uri));
    let own = pull_until(
        &mut inbox,
        &format!("Hallo @customer.test 👋 zie https://merk.example/é en @niemand.test #pakket {mark}"),
    )
    .await;
    assert_eq!(
        (own.external_id.as_str(), own.direction, own.files.len()),
        (sent.external_id.as_str(), Direction::Out, 1)
    );

    // Like and repost, twice each, and back.
    let moderate = channel.moderate().unwrap();
    let viewer = || async {
        let posts = Person::sign_in(&net, "brand").await.get("app.bsky.feed.getPosts", &[("uris", uri)]).await;
        posts["posts"][0]["viewer"].clone()
    };
    for action in [Action::Like, Action::Like, Action::Boost, Action::Boost] {
        moderate.act(action, uri, &customer.did, &mention.meta, None).await.unwrap();
    }
    until("the like and the repost", || async {
        let viewer = viewer().await;
        (viewer["like"].is_string() && viewer["repost"].is_string()).then_some(())
    })
    .await;
    for action in [Action::Unlike, Action::Unlike, Action::Unboost] {
        moderate.act(action, uri, &customer.did, &mention.meta, None).await.unwrap();
    }
    until("no like and no repost", || async {
        let viewer = viewer().await;
        (viewer["like"].is_null() && viewer["repost"].is_null()).then_some(())
    })
    .await;

    // The customer deletes: noticed; what stays, stays.
    let gone = thanks["uri"].as_str().unwrap();
    customer.delete(gone).await;
    for _ in 0..150 {
        inbox.recheck().await.unwrap();
        if inbox.removed.contains(gone) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(inbox.removed.iter().collect::<Vec<_>>(), [gone]);
    let late = reply.deliver(&answer(&thanked, "te laat")).await.unwrap_err();
    assert_eq!(late.code, "bluesky.parent_removed", "{late:?}");
}

#[tokio::test]
async fn answers_from_elsewhere_and_refusals_on_the_real_network() {
    let Some(net) = network() else { return };
    let mark = MessageId::new().to_string();
    let customer = Person::sign_in(&net, "customer").await;
    let brand = Person::sign_in(&net, "brand").await;
    let channel = connect(&net, "-");
    let mut inbox = Inbox::new(Arc::clone(&channel));
    inbox.pull().await.unwrap();

    let post = brand.say(&format!("wij zijn zondag open {mark}"), None).await;
    let one = customer.say(&format!("tot hoe laat {mark}?"), Some((&post, &post))).await;
    let asked = pull_until(&mut inbox, &format!("tot hoe laat {mark}")).await;
    assert_eq!(asked.thread.external_id, one["uri"].as_str().unwrap());
    brand.say(&format!("tot vijf uur {mark}"), Some((&post, &one))).await;
    let ours = pull_until(&mut inbox, &format!("tot vijf uur {mark}")).await;
    assert_eq!((ours.direction, &ours.thread), (Direction::Out, &asked.thread));

    // Eight posts of one moment, and the list cut in pages of two by a stricter index: ours asks for a hundred, so only the
    // sum is checked here; the pages are checked on our own network.
    let at = Clock::system().now().to_rfc3339();
    let did = net["accounts"]["brand"]["did"].as_str().unwrap();
    for n in 0..8 {
        let record = json!({
            "$type": "app.bsky.feed.post", "text": format!("@brand.test tegelijk <{n}> {mark}"), "createdAt": at,
            "facets": [{"index": {"byteStart": 0, "byteEnd": 11}, "features": [{"$type": "app.bsky.richtext.facet#mention", "did": did}]}],
        });
        customer
            .post(
                "com.atproto.repo.createRecord",
                json!({"repo": customer.did, "collection": "app.bsky.feed.post", "record": record}),
            )
            .await;
    }
    for n in 0..8 {
        pull_until(&mut inbox, &format!("tegelijk <{n}> {mark}")).await;
    }

    // A closed thread refuses us, with words.
    let closed = customer.say(&format!("@brand.test alleen voor mij {mark}"), None).await;
    let rkey = closed["uri"].as_str().unwrap().rsplit('/').next().unwrap();
    let gate = json!({"$type": "app.bsky.feed.threadgate", "post": closed["uri"], "allow": [], "createdAt": at});
    customer
        .post(
            "com.atproto.repo.putRecord",
            json!({"repo": customer.did, "collection": "app.bsky.feed.threadgate", "rkey": rkey, "record": gate}),
        )
        .await;
    let gated = pull_until(&mut inbox, &format!("alleen voor mij {mark}")).await;
    until("the gate", || async {
        let posts = brand.get("app.bsky.feed.getPosts", &[("uris", closed["uri"].as_str().unwrap())]).await;
        posts["posts"][0]["viewer"]["replyDisabled"].as_bool().filter(|closed| *closed)
    })
    .await;
    let refused = channel.reply().unwrap().deliver(&answer(&gated, "mag dit?")).await.unwrap_err();
    assert_eq!(refused.code, "bluesky.reply_disabled");

    // What is too long for the platform, if we let it through, is what we refuse.
    let mut wrong = connect(&net, "-").reply().unwrap().deliver(&answer(&asked, &"x".repeat(301))).await.unwrap_err();
    assert_eq!(wrong.code, "bluesky.too_long");
    let bad = json!({"service": net["pds"], "plc": net["plc"], "identifier": "brand.test"});
    let context = Context {
        client: Client::new(true).unwrap(),
        clock: Clock::system(),
        settings: bad,
        secrets: Arc::new(MemorySecrets::new(json!({"password": "nope-nope-nope-nope"}))),
        history: Duration::from_secs(60),
    };
    wrong = (super::super::DESCRIPTOR.connect)(context).unwrap().probe().await.unwrap_err();
    assert_eq!(wrong.code, "bluesky.password");
}

#[tokio::test]
async fn direct_messages_pass_the_real_account_server() {
    let Some(net) = network() else { return };
    let mark = MessageId::new().to_string();
    let (running, chats) = fake::start("127.0.0.1:0".parse().unwrap(), Clock::system()).await.unwrap();
    let port = running.url.rsplit(':').next().unwrap().to_owned();
    let channel = connect(&net, &format!("did:web:localhost%3A{port}#bsky_chat"));
    assert_eq!(channel.probe().await.unwrap().warnings, Vec::new());
    let brand = net["accounts"]["brand"]["did"].as_str().unwrap();
    let customer = net["accounts"]["customer"]["did"].as_str().unwrap();
    let mut inbox = Inbox::new(Arc::clone(&channel));
    inbox.pull().await.unwrap();

    let convo = chats.lock().convo_of(customer, &[brand]);
    chats.lock().chat_say(customer, &convo, &json!({"text": format!("mijn ordernummer {mark}")})).ok().unwrap();
    let dm = pull_until(&mut inbox, &format!("mijn ordernummer {mark}")).await;
    assert_eq!(
        (dm.thread.external_id.as_str(), dm.author.external_id.as_str()),
        (format!("dm:{customer}").as_str(), customer)
    );
    let outgoing = answer(&dm, &format!("dank, wij zoeken het uit {mark}"));
    let sent = channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    assert_eq!(channel.reply().unwrap().find(&outgoing).await.unwrap().unwrap().external_id, sent.external_id);
    assert!(chats.lock().chat_said().iter().any(|(by, _, _, text)| by == brand && text.contains(&mark)));
    drop(running);

    // The chat service is gone: the chat feed says so, the others go on.
    let pull = channel.pull().unwrap();
    let gone = pull.pull("chat", inbox.cursors.get("chat")).await.unwrap_err();
    assert_eq!(gone.code, "bluesky.chat_unavailable", "{gone:?}");
    pull.pull("notifications", inbox.cursors.get("notifications")).await.unwrap();
}
