//! What goes out: whom it tells, where it hangs, what the homeserver may refuse, and never twice.

use super::*;
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::channels::{Action, ChannelError, Message, OutFile, Outgoing, Sent};
use crate::model::Lane;

async fn asked(played: &Played) -> (Inbox, Message) {
    let mut inbox = Inbox::connected(played).await;
    played.say(Say::dm(Who::Customer, "wie helpt mij?")).await;
    inbox.pull().await.unwrap();
    let question = inbox.find("wie helpt mij?").clone();
    (inbox, question)
}

async fn deliver(inbox: &Inbox, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
    inbox.channel.reply().unwrap().deliver(outgoing).await
}

#[tokio::test]
async fn a_reply_tells_whom_it_answers_and_whom_it_names() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played).await;
    deliver(&inbox, &inbox.answer(&question, "Vraag het @buur:balie.example <even>", &played.clock)).await.unwrap();
    let said = &played.platform.said("brand")[0].content;
    assert_eq!(said["m.mentions"]["user_ids"], json!([played.author(Who::Customer).0, played.author(Who::Other).0]));
    let html = said["formatted_body"].as_str().unwrap();
    assert!(html.contains("matrix.to/#/@buur:balie.example") && html.contains("&lt;even&gt;"), "{html}");
    deliver(&inbox, &inbox.answer(&question, "Gewoon <b>tekst</b>", &played.clock)).await.unwrap();
    assert!(played.platform.said("brand")[1].content.get("formatted_body").is_none());
}

#[tokio::test]
async fn a_file_goes_along_with_its_text() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played).await;
    let mut outgoing = inbox.answer(&question, "zo ziet het eruit", &played.clock);
    let file = |name: &str| OutFile {
        name: name.into(),
        mime: "image/png".into(),
        alt: String::new(),
        bytes: b"png".as_slice().into(),
    };
    outgoing.files = vec![file("hoe.png")];
    // The upload is done twice, the message once.
    let (method, path) = Played::posting();
    played.running.wire.inject(Rule::new(path, Fault::CutAfter).method(method));
    deliver(&inbox, &outgoing).await.unwrap_err();
    deliver(&inbox, &outgoing).await.unwrap();
    let said = played.platform.said("brand");
    assert_eq!(said.len(), 1);
    let content = &said[0].content;
    assert_eq!((content["msgtype"].as_str(), content["body"].as_str()), (Some("m.image"), Some("zo ziet het eruit")));
    assert_eq!((content["filename"].as_str(), content["info"]["size"].as_i64()), (Some("hoe.png"), Some(3)));
    let url = content["url"].as_str().unwrap();
    assert_eq!(inbox.channel.files().unwrap().fetch(url, 10).await.unwrap().as_ref(), b"png");
    outgoing.files.push(file("twee.png"));
    assert_eq!(deliver(&inbox, &outgoing).await.unwrap_err().code, "matrix.files");
}

#[tokio::test]
async fn a_private_answer_is_never_said_where_others_read_it() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played).await;
    let mut outgoing = inbox.answer(&question, "uw saldo is 12 euro", &played.clock);
    outgoing.thread.external_id = SQUARE.to_owned();
    let allowance = inbox.channel.allowance(&outgoing.thread, &json!({}));
    assert!(!allowance.may_reply && allowance.code.as_deref() == Some("matrix.not_private"));
    let error = deliver(&inbox, &outgoing).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "matrix.not_private"));
    assert!(error.cure.en.contains("private room") && error.cure.nl.contains("privéruimte"));
    // Another process, which has read no sync, asks before it sends.
    played.platform.state(SQUARE, "buur", "m.room.join_rules", "", json!({"join_rule": "public"}));
    let error = played.connect().reply().unwrap().deliver(&outgoing).await.unwrap_err();
    assert_eq!(error.code, "matrix.not_private");
    assert!(played.platform.said("brand").is_empty());
}

#[tokio::test]
async fn what_the_homeserver_refuses_is_refused_in_words() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::mention(Who::Customer, "op het plein")).await;
    inbox.pull().await.unwrap();
    let question = inbox.find("op het plein").clone();
    let levels = json!({"users": {}, "users_default": 0, "events_default": 50});
    played.platform.state(SQUARE, "buur", "m.room.power_levels", "", levels);
    let error = deliver(&inbox, &inbox.answer(&question, "mag niet", &played.clock)).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "matrix.forbidden"));
    assert!(error.cure.en.contains("power level") && error.cure.nl.contains("rechten"));
    let (method, path) = Played::posting();
    let refuse = |status, body: &str| {
        Rule::new(path, Fault::Answer { status, headers: vec![], body: body.to_owned() }).method(method.clone())
    };
    played.running.wire.inject(refuse(413, r#"{"errcode":"M_TOO_LARGE","error":"event too large"}"#));
    let outgoing = inbox.answer(&question, "groot", &played.clock);
    assert_eq!(deliver(&inbox, &outgoing).await.unwrap_err().code, "matrix.too_large");
    played.running.wire.inject(refuse(403, r#"{"errcode":"M_USER_SUSPENDED","error":"suspended"}"#));
    let error = deliver(&inbox, &outgoing).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "matrix.account_blocked"));
}

#[tokio::test]
async fn a_limit_is_read_from_the_header_or_the_body() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played).await;
    let outgoing = inbox.answer(&question, "rustig aan", &played.clock);
    let body = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":40000}"#;
    let until = async |headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (method, path) = Played::posting();
        played
            .running
            .wire
            .inject(Rule::new(path, Fault::Answer { status: 429, headers, body: body.into() }).method(method));
        match deliver(&inbox, &outgoing).await.unwrap_err().class {
            Class::RateLimited { until } => until.since(played.clock.now()).as_secs(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(until(&[]).await, 40);
    assert_eq!(until(&[("retry-after", "9")]).await, 9, "the header counts");
}

#[tokio::test]
async fn after_a_day_nothing_is_sent_without_looking() {
    let played = Played::start().await;
    let (mut inbox, question) = asked(&played).await;
    let outgoing = inbox.answer(&question, "laat bezorgd", &played.clock);
    let first = deliver(&inbox, &outgoing).await.unwrap();
    for n in 0..120 {
        played.say(Say::dm(Who::Customer, format!("hallo <{n}>"))).await;
    }
    // The same words again, by a colleague and by us: other messages.
    played.say(Say { to: Some(question.external_id.clone()), ..Say::dm(Who::Brand, "laat bezorgd") }).await;
    deliver(&inbox, &inbox.answer(&question, "laat bezorgd", &played.clock)).await.unwrap();
    played.clock.advance(Duration::from_secs(30 * 3_600));
    inbox.restart(&played);
    let sends = || played.running.wire.calls_to(&Method::PUT, "/_matrix/client/v3/rooms/*/send/*").len();
    let before = sends();
    assert_eq!(deliver(&inbox, &outgoing).await.unwrap().external_id, first.external_id);
    assert_eq!(sends(), before);
    // One that never left is sent, late as it is.
    let late = Outgoing { key: crate::model::MessageId::new(), text: "nooit bezorgd".into(), ..outgoing };
    deliver(&inbox, &late).await.unwrap();
    assert_eq!(sends(), before + 1);
    // And when its answer is lost now, nobody repeats it.
    let later = Outgoing { key: crate::model::MessageId::new(), text: "kwijt".into(), ..late };
    let (method, path) = Played::posting();
    played.running.wire.inject(Rule::new(path, Fault::CutAfter).method(method));
    assert_eq!(deliver(&inbox, &later).await.unwrap_err().class, Class::Uncertain);
    assert!(inbox.channel.reply().unwrap().find(&later).await.unwrap().is_some());
}

#[tokio::test]
async fn a_reply_whose_answer_was_lost_is_not_repeated_by_another_device() {
    let played = Played::start().await;
    let (mut inbox, question) = asked(&played).await;
    let outgoing = inbox.answer(&question, "eenmaal is genoeg", &played.clock);
    let (method, path) = Played::posting();
    played.running.wire.inject(Rule::new(path, Fault::CutAfter).method(method));
    assert_eq!(deliver(&inbox, &outgoing).await.unwrap_err().class, Class::Transient);
    // A new connection without the old one's device: the homeserver does not know our transaction.
    inbox.channel = played.connect_with(&json!({}), json!({"password": "brand-pass"}));
    let before = played.platform.devices("brand").len();
    let sent = deliver(&inbox, &Outgoing { attempt: 2, ..outgoing.clone() }).await.unwrap();
    assert_eq!(played.platform.devices("brand").len(), before + 1);
    let said = played.platform.said("brand");
    assert_eq!((said.len(), &said[0].id), (1, &sent.external_id));
    // What did not arrive is sent.
    let other = Outgoing { key: crate::model::MessageId::new(), attempt: 2, text: "en dit ook".into(), ..outgoing };
    deliver(&inbox, &other).await.unwrap();
    assert_eq!(played.platform.said("brand").len(), 2);
}

#[tokio::test]
async fn somebody_can_be_ignored_and_reported() {
    let played = Played::start().await;
    let (inbox, question) = asked(&played).await;
    let moderate = inbox.channel.moderate().unwrap();
    assert!(!moderate.actions(false, Lane::Private).contains(&Action::Boost));
    for _ in 0..2 {
        for action in [Action::Block, Action::Report] {
            let author = question.author.external_id.as_str();
            moderate.act(action, &question.external_id, author, &question.meta, Some("spam")).await.unwrap();
        }
    }
    let list = played.platform.data("brand", "m.ignored_user_list").unwrap();
    assert_eq!(list["ignored_users"], json!({played.author(Who::Customer).0: {}}));
}
