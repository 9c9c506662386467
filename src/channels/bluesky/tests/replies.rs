//! What goes out in public.

use serde_json::{Value, json};

use super::Stage;
use crate::channels::contract::{Harness, Inbox, Say, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::channels::{Draft, Message, OutFile, Reply};

const PNG: &[u8] = include_bytes!("../fixtures/pixel.png");

async fn asked(stage: &Stage) -> (Inbox, Message) {
    let mut inbox = Inbox::connected(stage).await;
    stage.say(Say::mention(Who::Customer, "kan dit?")).await;
    inbox.pull().await.unwrap();
    let message = inbox.find("kan dit?").clone();
    (inbox, message)
}

fn reply(inbox: &Inbox) -> &dyn Reply {
    inbox.channel.reply().unwrap()
}

fn image(bytes: Vec<u8>) -> OutFile {
    OutFile { name: "foto.png".into(), mime: "image/png".into(), alt: "een foto".into(), bytes: bytes.into() }
}

fn written(stage: &Stage) -> Vec<Value> {
    let calls = stage.wire().calls_to(&reqwest::Method::POST, Stage::posting().1);
    calls.iter().map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
}

#[tokio::test]
async fn every_attempt_writes_the_same_bytes_and_a_lost_answer_may_be_tried_again() {
    let stage = Stage::start().await;
    let (inbox, mention) = asked(&stage).await;
    let mut outgoing = inbox.answer(&mention, "Hoi @customer2.test, zie https://merk.example #retour", stage.clock());
    outgoing.files = vec![image(PNG.to_vec())];
    stage.wire().inject(Rule::new(Stage::posting().1, Fault::CutAfter));
    let lost = reply(&inbox).deliver(&outgoing).await.unwrap_err();
    assert_eq!(lost.class, Class::Transient, "the retry is the look-up");
    stage.clock.advance(std::time::Duration::from_secs(7_300));
    reply(&inbox).deliver(&outgoing).await.unwrap();
    let bodies: Vec<_> =
        stage.wire().calls_to(&reqwest::Method::POST, Stage::posting().1).into_iter().map(|call| call.body).collect();
    assert!(bodies.len() >= 2 && bodies.iter().all(|body| *body == bodies[0]));
    let record = &written(&stage)[0]["record"];
    assert_eq!(record["createdAt"], outgoing.written_at.to_rfc3339());
    assert_eq!(record["langs"], json!(["nl"]));
    assert_eq!(record["facets"].as_array().unwrap().len(), 3);
    assert_eq!(record["embed"]["images"][0]["aspectRatio"], json!({"width": 1, "height": 1}));
    assert_eq!(record["embed"]["images"][0]["alt"], "een foto");
}

#[tokio::test]
async fn root_and_parent_are_those_of_the_chain() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let root = stage.say(Say::post(Who::Other, "het begin")).await;
    let mention = stage.say(Say { to: Some(root.clone()), ..Say::mention(Who::Customer, "halverwege") }).await;
    inbox.pull().await.unwrap();
    let outgoing = inbox.answer(&inbox.find("halverwege").clone(), "het antwoord", stage.clock());
    let sent = reply(&inbox).deliver(&outgoing).await.unwrap();
    let net = stage.network.lock();
    let refs = &net.record(&sent.external_id).unwrap().1["reply"];
    assert_eq!((&refs["root"]["uri"], &refs["parent"]["uri"]), (&json!(root), &json!(mention)));
    assert_eq!(refs["root"]["cid"], json!(net.record(&root).unwrap().0));
    assert!(sent.url.unwrap().starts_with("https://bsky.app/profile/did:plc:"));
}

#[tokio::test]
async fn a_handle_that_cannot_be_looked_up_now_makes_the_reply_wait() {
    let stage = Stage::start().await;
    let (inbox, mention) = asked(&stage).await;
    let outgoing = inbox.answer(&mention, "vraag het @customer2.test of @niemand.test", stage.clock());
    stage.wire().inject(Rule::new("*resolveHandle", Fault::status(502)));
    assert_eq!(reply(&inbox).deliver(&outgoing).await.unwrap_err().class, Class::Transient);
    assert!(stage.said().await.is_empty());
    reply(&inbox).deliver(&outgoing).await.unwrap();
    let facets = &written(&stage)[0]["record"]["facets"];
    assert_eq!(facets.as_array().unwrap().len(), 1, "who does not exist stays plain");
    assert_eq!(facets[0]["features"][0]["did"], stage.did(Who::Other));
}

#[tokio::test]
async fn a_removed_parent_is_told_but_not_when_we_were_in_time() {
    let stage = Stage::start().await;
    let (inbox, mention) = asked(&stage).await;
    let outgoing = inbox.answer(&mention, "net op tijd", stage.clock());
    stage.wire().inject(Rule::new(Stage::posting().1, Fault::CutAfter));
    reply(&inbox).deliver(&outgoing).await.unwrap_err();
    stage.delete(Who::Customer, &mention.external_id).await;
    let sent = reply(&inbox).deliver(&outgoing).await.expect("it stands although its parent is gone");
    assert_eq!(stage.said().await[0].external_id, sent.external_id);
    let late = reply(&inbox).deliver(&inbox.answer(&mention, "te laat", stage.clock())).await.unwrap_err();
    assert_eq!((late.class, late.code.as_str()), (Class::Rejected, "bluesky.parent_removed"));
}

#[tokio::test]
async fn a_closed_thread_and_a_block_are_told_with_a_cure() {
    let stage = Stage::start().await;
    let (inbox, mention) = asked(&stage).await;
    let customer = stage.did(Who::Customer);
    let rkey = mention.external_id.rsplit('/').next().unwrap();
    let now = stage.clock.now().to_rfc3339();
    let gate = json!({"post": mention.external_id, "allow": [], "createdAt": now});
    stage.network.lock().put(&customer, "app.bsky.feed.threadgate", rkey, gate).ok().unwrap();
    let outgoing = inbox.answer(&mention, "mag ik?", stage.clock());
    let closed = reply(&inbox).deliver(&outgoing).await.unwrap_err();
    assert_eq!((closed.class, closed.code.as_str()), (Class::Rejected, "bluesky.reply_disabled"));
    stage.network.lock().remove(&customer, "app.bsky.feed.threadgate", rkey);
    let block = json!({"subject": stage.did(Who::Brand), "createdAt": now});
    stage.network.lock().create(&customer, "app.bsky.graph.block", block).ok().unwrap();
    let blocked = reply(&inbox).deliver(&outgoing).await.unwrap_err();
    assert_eq!((blocked.class, blocked.code.as_str()), (Class::Rejected, "bluesky.blocked"));
    assert!(stage.said().await.is_empty());
}

#[tokio::test]
async fn the_second_part_stands_under_a_first_that_the_index_does_not_have_yet() {
    let stage = Stage::start().await;
    let (inbox, mention) = asked(&stage).await;
    let first = reply(&inbox).deliver(&inbox.answer(&mention, "deel een", stage.clock())).await.unwrap();
    let mut second = inbox.answer(&mention, "deel twee", stage.clock());
    second.reply_to = Some((first.external_id.clone(), first.meta.clone()));
    let absent = Fault::Answer {
        status: 400,
        headers: vec![],
        body: r#"{"error":"NotFound","message":"Post not found"}"#.into(),
    };
    stage.wire().inject(Rule::new("*getPostThread", absent));
    let sent = reply(&inbox).deliver(&second).await.unwrap();
    let refs = stage.network.lock().record(&sent.external_id).unwrap().1["reply"].clone();
    assert_eq!(
        (&refs["parent"]["uri"], &refs["root"]["uri"]),
        (&json!(first.external_id), &json!(mention.external_id))
    );
    assert_eq!(refs["parent"]["cid"], first.meta["cid"]);
}

#[tokio::test]
async fn files_that_the_platform_would_refuse_are_refused_with_clear_words() {
    let stage = Stage::start().await;
    let (inbox, mention) = asked(&stage).await;
    let deliver = async |files: Vec<OutFile>| {
        let mut outgoing = inbox.answer(&mention, "met bijlage", stage.clock());
        outgoing.files = files;
        reply(&inbox).deliver(&outgoing).await
    };
    for (files, code) in [
        (vec![image(vec![0; 1_000_000])], "bluesky.file_size"),
        (vec![OutFile { mime: "application/pdf".into(), ..image(vec![1]) }], "bluesky.file_kind"),
        (vec![image(PNG.to_vec()); 5], "bluesky.too_many_files"),
        (vec![OutFile { alt: "a".repeat(2_001), ..image(PNG.to_vec()) }], "bluesky.alt_long"),
    ] {
        let error = deliver(files).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Rejected, code));
        assert_ne!(error.cause.en, error.cause.nl);
    }
    assert_eq!(stage.calls("uploadBlob"), 0);
    deliver(vec![image(PNG.to_vec()); 4]).await.unwrap();
    let allowance = inbox.channel.allowance(&mention.thread, &Value::Null);
    assert_eq!((allowance.attachments.max, allowance.language, allowance.content_warning), (4, true, false));
}

#[tokio::test]
async fn signs_are_counted_as_people_see_them_and_bytes_where_they_bite() {
    let stage = Stage::start().await;
    let (inbox, mention) = asked(&stage).await;
    let measure = |text: &str| {
        let draft = Draft { thread: &mention.thread, reply_to: None, text, content_warning: None, visibility: None };
        inbox.channel.measure(&draft, &Value::Null)
    };
    assert_eq!(measure("👩‍👩‍👧e\u{301}🇳🇱").used, 3);
    assert!(!measure(&"é".repeat(300)).over && measure(&"é".repeat(301)).over);
    let families = "👩‍👩‍👧‍👦 ".repeat(140);
    let measured = measure(&families);
    assert!(measured.used <= 300 && measured.over && measured.notes == ["too_many_bytes"], "{measured:?}");
    assert!(measured.parts.unwrap().iter().all(|part| part.len() <= 3_000));
    let refused = reply(&inbox).deliver(&inbox.answer(&mention, &families, stage.clock())).await.unwrap_err();
    assert_eq!(refused.code, "bluesky.too_long");
    // One sign of four thousand bytes cannot be parted: no proposal is better than one that fails.
    assert_eq!(measure(&format!("a{}", "\u{301}".repeat(2_000))).parts, None);
}

#[tokio::test]
async fn what_the_platform_refuses_is_shown_in_its_own_words() {
    let stage = Stage::start().await;
    let (inbox, mention) = asked(&stage).await;
    let refusal =
        r#"{"error":"InvalidRequest","message":"Invalid app.bsky.feed.post record: bad blob at $.record.embed"}"#;
    stage
        .wire()
        .inject(Rule::new(Stage::posting().1, Fault::Answer { status: 400, headers: vec![], body: refusal.into() }));
    let error = reply(&inbox).deliver(&inbox.answer(&mention, "hoi", stage.clock())).await.unwrap_err();
    assert_eq!(error.class, Class::Rejected);
    assert!(error.cause.en.contains("bad blob at $.record.embed") && error.cause.nl.contains("bad blob"));
}
