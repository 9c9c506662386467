//! Notification mails as a mail server hands them over.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::DESCRIPTOR;
use crate::channels::{
    Channel, ChannelError, Class, Client, Context, Hook, HookAnswer, Item, MemorySecrets, Message, Pushed,
};
use crate::clock::Clock;
use crate::model::{Direction, Lane, Timestamp};

mod posted;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const COMMENT: &str = include_str!("fixtures/comment.eml");

fn notices(settings: &Value) -> Result<Arc<dyn Channel>, ChannelError> {
    let mut all = json!({"name": "Pinterest", "rules": include_str!("rules.json"), "checked_by": "mx.voorbeeld.nl"});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    (DESCRIPTOR.connect)(Context {
        client: Client::new(false).unwrap(),
        clock: Clock::manual(Timestamp(1_772_442_900_000)),
        settings: all,
        secrets: Arc::new(MemorySecrets::new(json!({"key": KEY}))),
        history: Duration::ZERO,
    })
}

async fn handed(channel: &dyn Channel, bearer: &str, query: &str, mail: &[u8]) -> Result<Pushed, ChannelError> {
    let mut headers = HeaderMap::new();
    if !bearer.is_empty() {
        headers.insert("authorization", HeaderValue::from_str(bearer).unwrap());
    }
    let (secrets, from) = (json!({"key": KEY}), IpAddr::from([127, 0, 0, 1]));
    let hook = Hook { method: &Method::POST, headers: &headers, query, body: mail, secrets: &secrets, from };
    channel.push().unwrap().receive(&hook).await
}

async fn reads(channel: &dyn Channel, mail: &str) -> Result<Message, String> {
    let pushed = handed(channel, &format!("Bearer {KEY}"), "", mail.replace('\n', "\r\n").as_bytes()).await.unwrap();
    assert_eq!(pushed.answer, Some(HookAnswer::Outcome));
    if let Some(held) = pushed.batch.unreadable.first() {
        assert!(pushed.batch.items.is_empty());
        return Err(held.error.clone());
    }
    match pushed.batch.items.into_iter().next() {
        Some(Item::Message(message)) => Ok(*message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_comment_becomes_a_conversation_with_a_link() {
    let channel = notices(&json!({})).unwrap();
    let message = reads(&*channel, COMMENT).await.unwrap();
    assert_eq!((message.direction, message.thread.lane), (Direction::In, Lane::Public));
    assert_eq!((message.author.name.as_str(), message.author.handle.as_str()), ("Noëlle de Vries", "Pinterest"));
    assert!(
        message.text.starts_with("Noëlle de Vries commented: Is deze fiets er ook in het groen?"),
        "{}",
        message.text
    );
    assert_eq!(message.url.as_deref(), Some("https://www.pinterest.com/pin/987654321/?utm_source=mail&id=7"));
    assert_eq!(message.thread.external_id, "https://www.pinterest.com/pin/987654321");
    assert_eq!(message.external_id, "pin-123@notifications.pinterest.com");
    assert_eq!(message.sent_at, Timestamp(1_772_442_840_000));
    assert_eq!(message.source.as_ref().unwrap().bytes.len(), COMMENT.replace('\n', "\r\n").len(), "whole");
    assert!(message.html.is_none());
    // Handed over twice: the same message.
    assert_eq!(reads(&*channel, COMMENT).await.unwrap(), message);
    let facts = json!({"thread": {"platform": "Pinterest"}});
    let allowance = channel.allowance(&message.thread, &facts);
    assert!(!allowance.may_reply && channel.reply().is_none());
    let hand_off = allowance.hand_off.unwrap();
    assert_eq!(hand_off.url, message.url);
    assert!(hand_off.words.nl.contains("Antwoord op Pinterest"));
}

#[tokio::test]
async fn another_comment_on_the_same_pin_is_the_same_thread() {
    let channel = notices(&json!({})).unwrap();
    let one = reads(&*channel, COMMENT).await.unwrap();
    let two = COMMENT.replace("pin-123@", "pin-124@").replace("&id=3D7", "&id=3D8").replace("&amp;id=7", "&amp;id=8");
    let two = reads(&*channel, &two).await.unwrap();
    assert_ne!(one.external_id, two.external_id);
    assert_eq!(one.thread.external_id, two.thread.external_id);
    let bare = COMMENT.replace("https://www.pinterest.com/pin/987654321", "https://elsewhere.example");
    let bare = reads(&*channel, &bare).await.unwrap();
    assert_eq!(bare.url.as_deref(), Some("https://post.pinterest.com/f/a/track?x=1&y=2"), "better than none");
}

#[tokio::test]
async fn who_writes_in_a_platforms_name_is_held() {
    let channel = notices(&json!({})).unwrap();
    let forged = [
        COMMENT.replace("dkim=pass", "dkim=fail"),
        COMMENT.replace("header.d=pinterest.com", "header.d=evil.example"),
        COMMENT.replace("header.d=pinterest.com", "header.d=evilpinterest.com"),
        COMMENT.replace("mx.voorbeeld.nl;\n", "mx.evil.example;\n"),
        // A line of their own below ours.
        COMMENT.replace("dkim=pass", "dkim=none").replace(
            "Received:",
            "Authentication-Results: mx.voorbeeld.nl; dkim=pass header.d=pinterest.com\nReceived:",
        ),
        COMMENT.split_once("Received:").map(|(_, rest)| format!("Received:{rest}")).unwrap(),
    ];
    for mail in forged {
        let error = reads(&*channel, &mail).await.unwrap_err();
        assert!(error.contains("does not vouch for it"), "{error}");
    }
    let strange = COMMENT.replace("discover.pinterest.com>", "pinterest.com.evil.example>");
    assert!(reads(&*channel, &strange).await.unwrap_err().contains("no rule knows mail from"));
    // Nobody checks: it is believed, and the account says so.
    let open = notices(&json!({"checked_by": ""})).unwrap();
    assert!(reads(&*open, &COMMENT.replace("dkim=pass", "dkim=fail")).await.is_ok());
    let warning = open.probe().await.unwrap().warnings.remove(0);
    assert_eq!(warning.code, "notify.unchecked");
    assert!(warning.text.en.starts_with("Nobody checks") && warning.text.nl.starts_with("Niemand controleert"));
    assert!(channel.probe().await.unwrap().warnings.is_empty());
}

#[tokio::test]
async fn who_does_not_know_the_key_hands_over_nothing() {
    let channel = notices(&json!({})).unwrap();
    for (bearer, query) in [("", ""), ("Bearer ", ""), ("Bearer wrong", ""), (KEY, ""), ("", "key="), ("", "key=0123")]
    {
        let error = handed(&*channel, bearer, query, COMMENT.as_bytes()).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "notify.key"), "{bearer} {query}");
        assert!(!format!("{error:?}").contains(KEY));
    }
    handed(&*channel, "", &format!("key={KEY}"), COMMENT.as_bytes()).await.unwrap();
    // Without a key in the settings nothing is let in, least of all an empty one.
    let (headers, from) = (HeaderMap::new(), IpAddr::from([127, 0, 0, 1]));
    for secrets in [json!({}), json!({"key": ""}), json!({"key": "short"})] {
        let hook =
            Hook { method: &Method::POST, headers: &headers, query: "key=short", body: b"x", secrets: &secrets, from };
        assert_eq!(channel.push().unwrap().receive(&hook).await.unwrap_err().code, "notify.weak_key");
    }
}

#[tokio::test]
async fn what_no_rule_knows_waits_until_one_does() {
    let channel = notices(&json!({})).unwrap();
    let news = COMMENT.replace(
        "Subject: =?UTF-8?Q?No=C3=ABlle_de_Vries_commented_on_your_Pin_=22Stadsfiets=22?=",
        "Subject: 18 ideas for you",
    );
    assert!(reads(&*channel, &news).await.unwrap_err().contains("knows the subject"));
    let rules =
        r#"[{"platform": "Pinterest", "from": ["pinterest.com"], "subjects": ["* ideas for you"], "links": []}]"#;
    let wiser = notices(&json!({"rules": rules})).unwrap();
    let batch = wiser.pull().unwrap().reread("hook", &news).await.unwrap();
    assert!(
        matches!(&batch.items[0], Item::Message(message) if message.author.name == "Pinterest" && message.url.is_none())
    );
    for junk in ["hallo", "\0\0\0", "From: <\n\n", "From: a@pinterest.com\nSubject: =?utf-8?B?////?=\n\n"] {
        assert!(reads(&*channel, junk).await.is_err(), "{junk:?}");
    }
    let Err(error) = notices(&json!({"rules": "[]"})) else { panic!("no rules") };
    assert_eq!(error.code, "notify.rules");
}

#[tokio::test]
async fn a_mail_in_an_old_alphabet_is_read_again_as_it_came() {
    let channel = notices(&json!({})).unwrap();
    let news = COMMENT
        .replace(
            "Subject: =?UTF-8?Q?No=C3=ABlle_de_Vries_commented_on_your_Pin_=22Stadsfiets=22?=",
            "Subject: 18 ideas for you",
        )
        .replace('\n', "\r\n");
    // As an old mailer writes it: one byte per letter.
    let (top, _) = news.split_once("\r\n\r\n").unwrap();
    let top = top.replace(
        "Content-Type: multipart/alternative; boundary=\"b1\"",
        "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit",
    );
    let mut raw = format!("{top}\r\n\r\n").into_bytes();
    raw.extend(b"Een idee van Zo\xeb voor jou\r\n");
    let pushed = handed(&*channel, &format!("Bearer {KEY}"), "", &raw).await.unwrap();
    let held = &pushed.batch.unreadable[0];
    assert!(!held.payload.contains('\u{fffd}'), "{}", held.payload);
    let rules =
        r#"[{"platform": "Pinterest", "from": ["pinterest.com"], "subjects": ["* ideas for you"], "links": []}]"#;
    let wiser = notices(&json!({"rules": rules})).unwrap();
    let batch = wiser.pull().unwrap().reread("hook", &held.payload).await.unwrap();
    let Item::Message(message) = &batch.items[0] else { panic!("{batch:?}") };
    assert!(message.text.contains("Zoë"), "{}", message.text);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_survived(head in "[ -~é\n\r\t=?]{0,200}", body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let rules = super::rules::read(include_str!("rules.json")).unwrap();
        let mut raw = format!("From: x@pinterest.com\r\nSubject: N commented on your Pin\r\n{head}\r\n\r\n").into_bytes();
        raw.extend(body);
        let _ = super::convert::mail(&raw, &rules, "", Timestamp(0));
    }
}
