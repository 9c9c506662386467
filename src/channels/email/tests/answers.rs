//! Answers leave once, and the Sent folder tells.

use serde_json::json;

use super::{Stage, Trouble, opened};
use crate::channels::contract::{Harness, Inbox};
use crate::channels::{Class, OutFile, Outgoing};

const BRAND: &str = "help@merk.test";

async fn asked(more: serde_json::Value) -> (Stage, Inbox, Outgoing) {
    let (stage, mut inbox) = opened(more).await;
    stage.fresh("waar blijft het?");
    inbox.pull().await.unwrap();
    let question = inbox.find("waar blijft het?").clone();
    let outgoing = inbox.answer(&question, "morgen", stage.clock());
    (stage, inbox, outgoing)
}

fn copies(stage: &Stage) -> Vec<bool> {
    let world = stage.post.lock();
    world.owners[BRAND].folders["Sent"].mails.iter().map(|mail| mail.flags.contains("\\Draft")).collect()
}

#[tokio::test]
async fn what_was_sent_is_filed_once_and_is_no_draft() {
    let (stage, inbox, outgoing) = asked(json!({})).await;
    let sent = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    assert_eq!(copies(&stage), [false]);
    let found = inbox.channel.reply().unwrap().find(&outgoing).await.unwrap().unwrap();
    assert_eq!((&found.external_id, &found.meta), (&sent.external_id, &sent.meta));
}

#[tokio::test]
async fn a_mail_whose_fate_nobody_knows_stays_a_draft_and_is_left_to_a_person() {
    let (stage, mut inbox, outgoing) = asked(json!({})).await;
    stage.post.lock().troubles.push(Trouble::Cut);
    let error = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap_err();
    assert_eq!(error.class, Class::Uncertain);
    assert_eq!(copies(&stage), [true]);
    assert_eq!(inbox.channel.reply().unwrap().find(&outgoing).await.unwrap_err().class, Class::Uncertain);
    // A draft is nobody's word: it does not come in.
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("morgen"), 0);
    // The person says: send it again. There is one copy then.
    inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    assert_eq!(copies(&stage), [false]);
}

#[tokio::test]
async fn a_refused_mail_leaves_no_copy_behind() {
    for line in ["550 5.7.1 we do not like it", "552 5.3.4 too big", "451 4.7.1 later"] {
        let (stage, inbox, outgoing) = asked(json!({})).await;
        stage.post.lock().troubles.push(Trouble::Refuse(line.to_owned()));
        let error = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap_err();
        assert!(error.cause.en.contains(&line[4..9]), "{error}");
        assert_eq!(copies(&stage), [] as [bool; 0], "{line}");
        assert_eq!(inbox.channel.reply().unwrap().find(&outgoing).await.unwrap(), None);
    }
}

#[tokio::test]
async fn without_copies_nobody_can_say_that_it_did_not_leave() {
    let (_stage, inbox, outgoing) = asked(json!({"copies": "nobody"})).await;
    inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    assert_eq!(inbox.channel.reply().unwrap().find(&outgoing).await.unwrap_err().class, Class::Uncertain);
}

#[tokio::test]
async fn files_that_are_too_large_together_are_refused_before_anything_is_sent() {
    let (stage, inbox, mut outgoing) = asked(json!({})).await;
    outgoing.files = vec![OutFile {
        name: "film.mp4".to_owned(),
        mime: "video/mp4".to_owned(),
        alt: String::new(),
        bytes: vec![0; super::super::LARGEST_FILES + 1].into(),
    }];
    assert_eq!(inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap_err().class, Class::Rejected);
    assert!(stage.said().await.is_empty() && copies(&stage).is_empty());
}
