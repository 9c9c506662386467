//! What was left elsewhere becomes a thread of ours that can be answered.

use serde_json::json;

use super::super::me::Meta;
use super::super::thread::name_of;
use super::{Stage, Who};
use crate::channels::contract::Harness;
use crate::channels::{AnswerAt, Author, Channel, Left, Message, TakenIn, Words, claims};
use crate::model::{Answered, ClaimKind, MessageKind, ThreadKind, Timestamp};

fn claim() -> Message {
    Message {
        external_id: "6f1c1f3e".to_owned(),
        author: Author {
            external_id: "visitor".to_owned(),
            claims: vec![
                claims::email("noor@voorbeeld.nl", true).unwrap(),
                claims::customer("K-7", true).unwrap(),
                claims::phone("+31612345678", None, false).unwrap(),
            ],
            ..Author::default()
        },
        kind: MessageKind::Form,
        text: "De motor bromt.".to_owned(),
        sent_at: Timestamp(1_772_442_845_000),
        due_at: Some(Timestamp(1_773_000_000_000)),
        fields: vec![Answered { label: "Bestelnummer".to_owned(), value: "12345".to_owned() }],
        ..Message::default()
    }
}

fn taken(channel: &dyn Channel, at: &str, address: &str, name: Option<&str>, subject: &str) -> Option<TakenIn> {
    let answer_at =
        AnswerAt { address: address.to_owned(), name: name.map(str::to_owned), subject: subject.to_owned() };
    let (message, outcomes) = (claim(), [Words::new("Refunded", "Terugbetaald")]);
    channel.letters().unwrap().take_in(&Left { at, message: &message, answer_at: &answer_at, outcomes: &outcomes })
}

#[tokio::test]
async fn it_is_one_thread_of_whoever_left_it_however_often_it_comes() {
    let stage = Stage::start().await;
    let channel = stage.connect();
    let one = taken(&*channel, "form", "Noor@Voorbeeld.nl", Some("Noor"), "Garantie 6F1C").unwrap();
    assert_eq!(taken(&*channel, "form", "noor@voorbeeld.nl", Some("Noor"), "Garantie 6F1C").unwrap(), one);
    let message = &one.message;
    assert_eq!((message.kind, message.thread.kind), (MessageKind::Form, ThreadKind::Mail));
    assert_eq!(message.thread.external_id, name_of(&message.external_id), "a mail that refers to it belongs to it");
    assert_eq!((message.due_at, message.fields.len()), (claim().due_at, 1));
    let author = (message.author.external_id.as_str(), message.author.name.as_str());
    assert_eq!(author, ("noor@voorbeeld.nl", "Noor"));
    let claims: Vec<_> = message.author.claims.iter().map(|claim| (claim.kind, claim.verified)).collect();
    assert_eq!(claims, [(ClaimKind::Email, false), (ClaimKind::Customer, false), (ClaimKind::Phone, false)]);
    let memory = json!({ "thread": one.memory });
    assert_eq!(channel.allowance(&message.thread, &memory).outcomes, [Words::new("Refunded", "Terugbetaald")]);
    let elsewhere = taken(&*channel, "another form", "noor@voorbeeld.nl", None, "Garantie 6F1C").unwrap();
    assert_ne!(elsewhere.message.external_id, message.external_id);
}

#[tokio::test]
async fn nobody_is_answered_at_our_own_address_or_at_none() {
    let stage = Stage::start().await;
    let channel = stage.connect();
    let ours = stage.address(Who::Brand);
    let (local, domain) = ours.split_once('@').unwrap();
    let with_token = format!("{local}+t-{}@{domain}", "a".repeat(26));
    for address in
        [ours.as_str(), &ours.to_uppercase(), &with_token, "", "noor", "a@b.nl, c@d.nl", "a@b.nl\r\nBcc: c@d.nl"]
    {
        assert_eq!(taken(&*channel, "form", address, None, "x"), None, "{address}");
    }
}

#[tokio::test]
async fn what_was_typed_is_one_line() {
    let stage = Stage::start().await;
    let evil = "Eve\r\nBcc: c@d.nl\u{0}\u{2028}";
    let taken = taken(&*stage.connect(), "form", "noor@voorbeeld.nl", Some(evil), evil).unwrap();
    let meta = Meta::of(&taken.message.meta);
    let all = [meta.subject, meta.from.1, taken.message.author.name, taken.message.thread.title.unwrap()];
    for text in all {
        assert!(!text.chars().any(char::is_control) && text.starts_with("Eve Bcc: c@d.nl"), "{text:?}");
    }
}
