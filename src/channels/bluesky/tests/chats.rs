//! Direct messages.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Stage;
use crate::channels::contract::{Harness, Inbox, Say, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::channels::{Message, OutFile, Reply};
use crate::model::Direction;

const SEND: &str = "/xrpc/chat.bsky.convo.sendMessage";

async fn asked(stage: &Stage) -> (Inbox, Message) {
    let mut inbox = Inbox::connected(stage).await;
    stage.say(Say::dm(Who::Customer, "in vertrouwen")).await;
    inbox.pull().await.unwrap();
    let message = inbox.find("in vertrouwen").clone();
    (inbox, message)
}

fn reply(inbox: &Inbox) -> &dyn Reply {
    inbox.channel.reply().unwrap()
}

#[tokio::test]
async fn a_lost_answer_is_uncertain_and_is_found_by_looking() {
    for fault in [Fault::CutAfter, Fault::Half, Fault::malformed()] {
        let stage = Stage::start().await;
        let (inbox, dm) = asked(&stage).await;
        let outgoing = inbox.answer(&dm, "kwam dit aan?", stage.clock());
        let arrives = !matches!(fault, Fault::Answer { .. });
        stage.wire().inject(Rule::new(SEND, fault));
        let error = reply(&inbox).deliver(&outgoing).await.unwrap_err();
        assert_eq!(error.class, Class::Uncertain);
        let found = reply(&inbox).find(&outgoing).await.unwrap();
        assert_eq!(found.is_some(), arrives);
        assert_eq!(stage.said().await.len(), usize::from(arrives), "nothing was sent again by itself");
    }
}

#[tokio::test]
async fn the_same_words_of_yesterday_are_not_taken_for_todays() {
    let stage = Stage::start().await;
    let (inbox, dm) = asked(&stage).await;
    reply(&inbox).deliver(&inbox.answer(&dm, "Graag gedaan!", stage.clock())).await.unwrap();
    stage.clock.advance(Duration::from_secs(86_400));
    let today = inbox.answer(&dm, "Graag gedaan!", stage.clock());
    assert_eq!(reply(&inbox).find(&today).await.unwrap(), None);
}

#[tokio::test]
async fn a_refusal_before_the_chat_service_is_no_uncertainty() {
    let stage = Stage::start().await;
    let (inbox, dm) = asked(&stage).await;
    let answer = |status: u16, error: &str, message: &str| Fault::Answer {
        status,
        headers: vec![],
        body: json!({"error": error, "message": message}).to_string(),
    };
    for (fault, class) in [
        (answer(503, "NotEnoughResources", ""), Class::Transient),
        (answer(502, "UpstreamFailure", "upstream service unreachable"), Class::Uncertain),
        (answer(504, "UpstreamTimeout", ""), Class::Uncertain),
        (answer(500, "InternalServerError", "could not resolve proxy did service url"), Class::Transient),
        (answer(501, "MethodNotImplemented", ""), Class::Transient),
        (answer(400, "InvalidConvo", "Convo is locked"), Class::Rejected),
    ] {
        stage.wire().inject(Rule::new(SEND, fault));
        let error = reply(&inbox).deliver(&inbox.answer(&dm, "hoi", stage.clock())).await.unwrap_err();
        assert_eq!(error.class, class, "{error:?}");
    }
}

#[tokio::test]
async fn a_balancer_that_gives_up_after_the_message_was_taken_is_no_reason_to_send_it_again() {
    for status in [503, 520, 524] {
        let stage = Stage::start().await;
        let (inbox, dm) = asked(&stage).await;
        let outgoing = inbox.answer(&dm, "kwam dit aan?", stage.clock());
        let brand = stage.did(Who::Brand);
        let convo = stage.network.lock().convo_of(&brand, &[&stage.did(Who::Customer)]);
        stage.network.lock().chat_say(&brand, &convo, &json!({"text": "kwam dit aan?"})).ok().unwrap();
        stage.wire().inject(Rule::new(SEND, Fault::html(status)));
        assert_eq!(reply(&inbox).deliver(&outgoing).await.unwrap_err().class, Class::Uncertain, "{status}");
        assert!(reply(&inbox).find(&outgoing).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_request_comes_in_and_is_accepted_by_answering() {
    let stage = Stage::start().await;
    stage.network.lock().set_open_chat(&stage.did(Who::Brand), false);
    stage.say(Say::dm(Who::Customer, "van voor de koppeling")).await;
    stage.clock.advance(Duration::from_secs(3_600));
    let mut inbox = Inbox::connected(&stage).await;
    let early = inbox.find("van voor de koppeling").clone();
    assert!(early.history, "requests are back-filled too");
    stage.say(Say::dm(Who::Other, "ik ken u niet")).await;
    inbox.pull().await.unwrap();
    let dm = inbox.find("ik ken u niet").clone();
    assert!(!dm.history);
    reply(&inbox).deliver(&inbox.answer(&dm, "maar wij u wel", stage.clock())).await.unwrap();
    assert_eq!(stage.calls("acceptConvo"), 1);
    // In the thread, without a message to answer, the peer tells the conversation.
    let mut outgoing = inbox.answer(&dm, "nogmaals", stage.clock());
    outgoing.reply_to = None;
    reply(&inbox).deliver(&outgoing).await.unwrap();
    assert_eq!((stage.calls("acceptConvo"), stage.calls("getConvoForMembers")), (1, 1));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("nogmaals").thread, dm.thread);
}

#[tokio::test]
async fn a_group_is_one_thread() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let (brand, customer, other) = (stage.did(Who::Brand), stage.did(Who::Customer), stage.did(Who::Other));
    let group = stage.network.lock().convo_of(&customer, &[&brand, &other]);
    for (by, text) in [(&customer, "wij samen"), (&other, "met ons drieën")] {
        stage.clock.advance(Duration::from_secs(1));
        stage.network.lock().chat_say(by, &group, &json!({"text": text})).ok().unwrap();
    }
    stage.say(Say::dm(Who::Customer, "ik alleen")).await;
    inbox.pull().await.unwrap();
    let one = inbox.find("wij samen").clone();
    assert_eq!(one.thread, inbox.find("met ons drieën").thread);
    assert_ne!(one.thread.external_id, inbox.find("ik alleen").thread.external_id);
    assert_eq!(one.thread.title.as_deref(), Some("B. Zoeker, K. Lant"));
    let mut outgoing = inbox.answer(&one, "welkom allen", stage.clock());
    outgoing.reply_to = None;
    reply(&inbox).deliver(&outgoing).await.unwrap();
    let said = stage.network.lock().chat_said();
    let (_, convo, ..) = said.iter().find(|(.., text)| text == "welkom allen").unwrap();
    assert_eq!(*convo, group);
}

#[tokio::test]
async fn what_is_written_to_one_person_goes_to_no_group() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let (brand, customer, other) = (stage.did(Who::Brand), stage.did(Who::Customer), stage.did(Who::Other));
    let say = |text: &str, convo: &str| {
        stage.clock.advance(Duration::from_secs(1));
        stage.network.lock().chat_say(&customer, convo, &json!({"text": text})).ok().unwrap();
    };
    let group = stage.network.lock().group_of(&[&customer, &brand], "Wij twee");
    say("nog met zijn tweeën", &group);
    stage.say(Say::dm(Who::Customer, "ik alleen")).await;
    inbox.pull().await.unwrap();
    let early = inbox.find("met zijn tweeën").clone();
    let alone = inbox.find("ik alleen").clone();
    assert_eq!(early.thread.external_id, format!("convo:{group}"), "a group of one customer is a group");
    assert_eq!(early.thread.title.as_deref(), Some("Wij twee"));
    assert_eq!(alone.thread.external_id, format!("dm:{customer}"));
    stage.network.lock().join(&group, &other);
    say("nu met zijn drieën", &group);
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("met zijn drieën").thread.external_id, early.thread.external_id);
    // A message of the group that once came in with the person's own thread, and a group whose kind nobody tells.
    let kindless = stage.network.lock().convo_of(&customer, &[&brand, &other]);
    for convo in [group, kindless] {
        let mut outgoing = inbox.answer(&alone, "uw rekening staat open", stage.clock());
        outgoing.reply_to = Some((early.external_id.clone(), json!({"convo": convo})));
        let error = reply(&inbox).deliver(&outgoing).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "bluesky.group"));
        assert!(stage.said().await.is_empty());
    }
    reply(&inbox).deliver(&inbox.answer(&alone, "alleen voor u", stage.clock())).await.unwrap();
    reply(&inbox).deliver(&inbox.answer(&early, "voor allen", stage.clock())).await.unwrap();
}

#[tokio::test]
async fn a_conversation_that_is_refused_stops_no_other() {
    let stage = Stage::start().await;
    let (brand, customer, other) = (stage.did(Who::Brand), stage.did(Who::Customer), stage.did(Who::Other));
    stage.say(Say::dm(Who::Customer, "van de een")).await;
    stage.say(Say::dm(Who::Other, "van de ander")).await;
    let left = stage.network.lock().group_of(&[&customer, &other, &brand], "Weg hier");
    stage.network.lock().chat_say(&other, &left, &json!({"text": "van ons allen"})).ok().unwrap();
    stage.clock.advance(Duration::from_secs(60));
    // One of the three is refused in the middle of the back-fill.
    stage.wire().inject(Rule::new("*getMessages", refused("InvalidConvo", "Convo not found")));
    let mut inbox = Inbox::connected(&stage).await;
    let came = inbox.count("van de") + inbox.count("van ons");
    assert_eq!(came, 2, "the others came");
    // And one that the brand left on the telephone, while the log still tells of it.
    stage.network.lock().chat_say(&customer, &left, &json!({"text": "nog van alles"})).ok().unwrap();
    stage.network.lock().leave(&left, &brand);
    stage.say(Say::dm(Who::Customer, "en ik wacht")).await;
    inbox.restart(&stage);
    stage.wire().inject(Rule::new("*getConvo", refused("ConvoGone", "no such conversation")));
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("nog van alles"), inbox.count("en ik wacht")), (1, 1));
    // What is about the account as a whole, or passes, leaves nothing out.
    stage.say(Say::dm(Who::Other, "niet overslaan")).await;
    for (fault, class) in [
        (Fault::with_headers(429, &[("retry-after", "60")]), Class::RateLimited { until: stage.clock.now() }),
        (refused("AccountTakedown", "closed"), Class::Unauthorized),
        (refused("InvalidRequest", "could not resolve proxy did service url"), Class::Transient),
        (Fault::status(404), Class::Transient),
        (Fault::status(502), Class::Transient),
    ] {
        inbox.restart(&stage);
        stage.wire().inject(Rule::new("*getConvo", fault));
        let error = inbox.pull().await.unwrap_err();
        assert_eq!(std::mem::discriminant(&error.class), std::mem::discriminant(&class), "{error:?}");
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("niet overslaan").thread.external_id, format!("dm:{other}"));
}

fn refused(error: &str, message: &str) -> Fault {
    Fault::Answer { status: 400, headers: vec![], body: json!({"error": error, "message": message}).to_string() }
}

#[tokio::test]
async fn what_happens_during_the_backfill_rings() {
    let stage = Stage::start().await;
    stage.say(Say::dm(Who::Customer, "van gisteren")).await;
    stage.clock.advance(Duration::from_secs(86_400));
    let channel = stage.connect();
    let pull = channel.pull().unwrap();
    let first = pull.pull("chat", None).await.unwrap();
    assert!(first.more && first.items.is_empty(), "the log's place is taken before anything is read");
    stage.clock.advance(Duration::from_secs(1));
    stage.say(Say::dm(Who::Customer, "tussendoor")).await;
    let mut inbox = Inbox::new(Arc::clone(&channel));
    inbox.cursors.insert("chat", first.next.unwrap());
    inbox.pull().await.unwrap();
    assert!(inbox.find("van gisteren").history && !inbox.find("tussendoor").history);
}

#[tokio::test]
async fn a_long_past_is_read_back_as_far_as_asked() {
    let stage = Stage::start().await;
    stage.say(Say::dm(Who::Customer, "van vorige maand")).await;
    stage.clock.advance(Duration::from_secs(20 * 86_400));
    for n in 0..130 {
        stage.say(Say::dm(Who::Customer, format!("bericht <{n}>"))).await;
    }
    stage.say(Say::dm(Who::Other, "ook ik")).await;
    let inbox = Inbox::connected(&stage).await;
    assert_eq!((inbox.count("bericht"), inbox.count("ook ik"), inbox.count("van vorige maand")), (130, 1, 0));
}

#[tokio::test]
async fn a_shared_post_and_a_deleted_message_are_understood() {
    let stage = Stage::start().await;
    let (mut inbox, dm) = asked(&stage).await;
    let (brand, customer) = (stage.did(Who::Brand), stage.did(Who::Customer));
    let post = stage.say(Say::post(Who::Customer, "een openbaar bericht")).await;
    let convo = stage.network.lock().convo_of(&customer, &[&brand]);
    let share =
        json!({"text": "", "embed": {"$type": "app.bsky.embed.record#view", "record": {"uri": post, "cid": "b"}}});
    stage.network.lock().chat_say(&customer, &convo, &share).ok().unwrap();
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find(&format!("https://bsky.app/profile/{customer}/post/")).direction, Direction::In);
    // The brand deletes a message from its own view, in another client.
    let session = json!({"identifier": "brand.test", "password": "brand-pass"});
    let client = crate::channels::Client::new(true).unwrap();
    let call = async |nsid: &str, input: Value, token: &str| {
        let url = format!("{}/xrpc/{nsid}", stage.running.url).parse().unwrap();
        let request = client.request(reqwest::Method::POST, &url).unwrap().json(&input);
        let request = request.bearer_auth(token).header("atproto-proxy", "did:web:api.bsky.chat#bsky_chat");
        serde_json::from_slice::<Value>(&client.send(request).await.unwrap().body).unwrap()
    };
    let session = call("com.atproto.server.createSession", session, "").await;
    let message = dm.external_id.rsplit('/').next().unwrap();
    call(
        "chat.bsky.convo.deleteMessageForSelf",
        json!({"convoId": convo, "messageId": message}),
        session["accessJwt"].as_str().unwrap(),
    )
    .await;
    inbox.pull().await.unwrap();
    assert!(inbox.removed.contains(&dm.external_id));
}

#[tokio::test]
async fn what_a_chat_cannot_carry_is_refused_here() {
    let stage = Stage::start().await;
    let (inbox, dm) = asked(&stage).await;
    let mut outgoing = inbox.answer(&dm, "met foto", stage.clock());
    outgoing.files =
        vec![OutFile { name: "a".into(), mime: "image/png".into(), alt: String::new(), bytes: b"x".as_slice().into() }];
    assert_eq!(reply(&inbox).deliver(&outgoing).await.unwrap_err().code, "bluesky.dm_files");
    let long = inbox.answer(&dm, &"a".repeat(1_001), stage.clock());
    assert_eq!(reply(&inbox).deliver(&long).await.unwrap_err().code, "bluesky.too_long");
    reply(&inbox).deliver(&inbox.answer(&dm, &"a".repeat(1_000), stage.clock())).await.unwrap();
    let allowance = inbox.channel.allowance(&dm.thread, &json!({"chat": "ok"}));
    assert_eq!((allowance.limit.max, allowance.attachments.max, allowance.may_reply), (1_000, 0, true));
}

#[tokio::test]
async fn a_chat_service_that_is_not_there_stops_nothing_else() {
    let stage = Stage::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    for status in [404, 500, 501, 502, 504] {
        stage.wire().inject(Rule::new("/xrpc/chat.bsky.*", Fault::status(status)).always());
        let pull = inbox.channel.pull().unwrap();
        let error = pull.pull("chat", inbox.cursors.get("chat")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Transient, "bluesky.chat_unavailable"), "{status}");
        let probe = inbox.channel.probe().await.unwrap();
        assert!(probe.warnings[0].code == "bluesky.chat_unavailable");
        pull.pull("notifications", inbox.cursors.get("notifications")).await.unwrap();
        stage.wire().heal();
    }
    stage.say(Say::dm(Who::Customer, "toen de chat er weer was")).await;
    inbox.pull().await.unwrap();
    assert!(!inbox.find("toen de chat er weer was").history);
    // Switched off, nobody asks.
    let secrets = json!({"password": stage.account(Who::Brand)["app_password"]});
    let quiet = stage.connect_with(json!({"chat_proxy": "-"}), secrets);
    assert!(quiet.pull().unwrap().feeds().iter().all(|feed| feed.key != "chat"));
    assert!(quiet.probe().await.unwrap().warnings.is_empty());
    let asleep = stage.connect_with(
        json!({"chat_proxy": "did:web:elders.example#bsky_chat"}),
        json!({"password": stage.account(Who::Brand)["app_password"]}),
    );
    assert_eq!(asleep.pull().unwrap().pull("chat", None).await.unwrap_err().code, "bluesky.chat_unavailable");
}
