//! A mail is written as readers expect it, whatever agents and strangers put into it.

use mail_parser::{MessageParser, MimeHeaders as _};
use serde_json::json;

use super::{Composed, compose};
use crate::channels::email::me::{Me, Meta};
use crate::channels::email::settings::Settings;
use crate::channels::email::thread::{ReplyToken, name_of};
use crate::channels::{Original, OutFile, Outgoing, ThreadRef};
use crate::model::{Addressed, Lane, Mailbox, MessageId, ThreadKind, Timestamp};

fn settings() -> Settings {
    Settings::read(&json!({
        "address": "help@brand.example", "name": "Merk", "aliases": "info@brand.example", "plus": true,
        "imap_host": "imap.example", "smtp_host": "smtp.example",
    }))
    .unwrap()
}

fn me() -> Me {
    Me { addresses: settings().addresses, token: ReplyToken::new(b"key".to_vec()), trusts: None }
}

fn parent() -> Meta {
    Meta {
        id: "question@home.example".to_owned(),
        references: vec!["root@home.example".to_owned()],
        subject: "RE: Aw: Re[2]: Waar blijft mijn pakket?".to_owned(),
        from: ("anna@home.example".to_owned(), "Anna".to_owned()),
        date: Some("2026-03-02T10:14:05+01:00".to_owned()),
        ..Meta::default()
    }
}

fn outgoing(meta: &Meta) -> Outgoing {
    Outgoing {
        key: MessageId::new(),
        attempt: 1,
        written_at: Timestamp(1_772_442_845_000),
        thread: ThreadRef {
            external_id: name_of("root@home.example"),
            lane: Lane::Private,
            kind: ThreadKind::Mail,
            title: None,
            url: None,
        },
        reply_to: Some((meta.id.clone(), serde_json::to_value(meta).unwrap())),
        text: "Morgen & <b>zeker</b>.\nKijk op https://brand.example/track?a=1&b=2.".to_owned(),
        content_warning: None,
        visibility: None,
        language: Some("nl".to_owned()),
        files: Vec::new(),
        addressed: None,
        forward: false,
        automatic: false,
        subject: None,
        original: Some(Original {
            name: "Anna".to_owned(),
            handle: "anna@home.example".to_owned(),
            sent_at: Timestamp(1_772_442_845_000),
            text: "Waar blijft het?\n\n<script>alert(1)</script>".to_owned(),
            html: None,
        }),
    }
}

fn written(outgoing: &Outgoing) -> Composed {
    compose(outgoing, &settings(), &me()).unwrap()
}

#[test]
fn an_answer_names_what_it_answers_and_repeats_it_below() {
    let outgoing = outgoing(&parent());
    let composed = written(&outgoing);
    let mail = MessageParser::default().parse(&composed.raw).unwrap();
    assert_eq!(mail.message_id().unwrap(), format!("out.{}@brand.example", outgoing.key));
    assert_eq!(composed.meta.id, mail.message_id().unwrap());
    assert_eq!(mail.in_reply_to().as_text().unwrap(), "question@home.example");
    assert_eq!(mail.references().as_text_list().unwrap(), ["root@home.example", "question@home.example"]);
    assert_eq!(mail.subject().unwrap(), "Re: Waar blijft mijn pakket?");
    assert_eq!(mail.to().unwrap().first().unwrap().address().unwrap(), "anna@home.example");
    assert_eq!(mail.from().unwrap().first().unwrap().name().unwrap(), "Merk");
    let reply_to = mail.reply_to().unwrap().first().unwrap().address().unwrap().to_owned();
    assert_eq!(me().token.thread(&reply_to), Some(outgoing.thread.external_id.clone()));
    let text = mail.body_text(0).unwrap().replace("\r\n", "\n");
    assert!(text.starts_with(&outgoing.text), "{text}");
    assert!(
        text.contains("\n\nOp 2026-03-02 10:14 schreef Anna <anna@home.example>:\n> Waar blijft het?\n>\n> <script>"),
        "{text}"
    );
    let html = mail.body_html(0).unwrap();
    assert!(html.contains("Morgen &amp; &lt;b&gt;zeker&lt;/b&gt;.<br>"), "{html}");
    assert!(
        html.contains("<a href=\"https://brand.example/track?a=1&amp;b=2\">") && !html.contains("<script>"),
        "{html}"
    );
    assert_eq!(
        (composed.envelope.from.as_str(), composed.envelope.to.as_slice()),
        ("help@brand.example", &["anna@home.example".to_owned()][..])
    );
    assert_eq!(composed.raw, composed.filed);
    // The same headers at every attempt.
    let again = written(&outgoing);
    let head = |raw: &[u8]| String::from_utf8_lossy(raw).split("MIME-Version").next().unwrap().to_owned();
    assert_eq!(head(&composed.raw), head(&again.raw));
}

#[test]
fn the_answer_goes_to_whoever_wants_it_and_to_whom_an_agent_chose() {
    let mut meta = parent();
    meta.reply_to =
        vec![("shop@home.example".to_owned(), String::new()), ("info@brand.example".to_owned(), String::new())];
    assert_eq!(written(&outgoing(&meta)).envelope.to, ["shop@home.example"]);
    let mut chosen = outgoing(&meta);
    let mailbox = |address: &str| Mailbox { address: address.to_owned(), name: "Iemand, \"anders\"".to_owned() };
    chosen.addressed = Some(Addressed {
        to: vec![mailbox("a@x.example")],
        cc: vec![mailbox("b@x.example"), mailbox("A@x.example")],
        bcc: vec![mailbox("c@x.example")],
    });
    let composed = written(&chosen);
    assert_eq!(composed.envelope.to, ["a@x.example", "b@x.example", "c@x.example"]);
    let out = String::from_utf8(composed.raw.clone()).unwrap();
    assert!(!out.contains("c@x.example"), "who was copied unseen is not in the mail");
    assert!(String::from_utf8(composed.filed).unwrap().starts_with("Bcc: c@x.example\r\n"));
    let mail = MessageParser::default().parse(&composed.raw).unwrap();
    assert_eq!(mail.to().unwrap().first().unwrap().name().unwrap(), "Iemand, \"anders\"");
}

#[test]
fn nothing_written_by_anybody_ends_a_header() {
    let mut meta = parent();
    meta.subject = "x\r\nBcc: all@evil.example\r\n\r\n<html>".to_owned();
    meta.references = vec!["a@b>\r\nBcc: all@evil.example".to_owned(), "fine@b.example".to_owned()];
    let mut outgoing = outgoing(&meta);
    outgoing.subject = Some("y\nX-Evil: 1".to_owned());
    outgoing.files = vec![OutFile {
        name: "a\"\r\nX-Evil: 2\r\n/../b.pdf".to_owned(),
        mime: "text/html\r\nX-Evil: 3".to_owned(),
        alt: "een\r\nX-Evil: 4".to_owned(),
        bytes: vec![1, 2, 3].into(),
    }];
    outgoing.addressed = Some(Addressed {
        to: vec![Mailbox { address: "a@x.example".to_owned(), name: "n\r\nX-Evil: 5".to_owned() }],
        ..Addressed::default()
    });
    let composed = written(&outgoing);
    let raw = String::from_utf8(composed.raw.clone()).unwrap();
    for line in raw.split("\r\n") {
        assert!(!line.starts_with("Bcc:") && !line.starts_with("X-Evil"), "{line}");
        assert!(line.len() <= 998, "{}", line.len());
    }
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "bare line ends");
    let mail = MessageParser::default().parse(&composed.raw).unwrap();
    assert_eq!(mail.attachments().count(), 1);
    let file = mail.attachment(0).unwrap();
    assert_eq!(file.contents(), [1, 2, 3]);
    assert_eq!(file.content_type().unwrap().ctype(), "application");
    assert!(!file.attachment_name().unwrap().contains(['/', '\r', '\n']));
    for address in ["a@x.example\r\nRCPT TO:<b@x.example>", "nobody", "<a@x.example>", ""] {
        outgoing.addressed = Some(Addressed {
            to: vec![Mailbox { address: address.to_owned(), name: String::new() }],
            ..Addressed::default()
        });
        assert_eq!(compose(&outgoing, &settings(), &me()).map(|_| ()).unwrap_err().code, "email.address", "{address}");
    }
    outgoing.addressed = Some(Addressed::default());
    assert_eq!(compose(&outgoing, &settings(), &me()).map(|_| ()).unwrap_err().code, "email.no_recipient");
}

#[test]
fn a_long_conversation_keeps_its_beginning_and_its_end() {
    let mut meta = parent();
    meta.references = (0..60).map(|n| format!("{n}@home.example")).collect();
    let composed = written(&outgoing(&meta));
    assert_eq!(composed.meta.references.len(), 16);
    assert_eq!(composed.meta.references[0], "0@home.example");
    assert_eq!(composed.meta.references[15], "question@home.example");
    for line in String::from_utf8(composed.raw).unwrap().split("\r\n") {
        assert!(line.len() < 200, "{line}");
    }
    // A mail without an id of its own cannot be pointed at.
    meta.id = "sha256:abc".to_owned();
    let composed = written(&outgoing(&meta));
    let mail = MessageParser::default().parse(&composed.raw).unwrap();
    assert!(mail.in_reply_to().as_text().is_none());
}

#[test]
fn passing_on_takes_the_files_along_and_answers_nobody() {
    let mut outgoing = outgoing(&parent());
    outgoing.forward = true;
    assert_eq!(compose(&outgoing, &settings(), &me()).map(|_| ()).unwrap_err().code, "email.no_recipient");
    outgoing.addressed = Some(Addressed {
        to: vec![Mailbox { address: "depot@carrier.example".to_owned(), name: String::new() }],
        ..Addressed::default()
    });
    outgoing.files = vec![OutFile {
        name: "foto van het pakket 📦.png".to_owned(),
        mime: "image/png".to_owned(),
        alt: "een doos".to_owned(),
        bytes: vec![0; 5_000].into(),
    }];
    let composed = written(&outgoing);
    let mail = MessageParser::default().parse(&composed.raw).unwrap();
    assert_eq!(mail.subject().unwrap(), "Fwd: Waar blijft mijn pakket?");
    assert!(mail.in_reply_to().as_text().is_none());
    assert!(mail.references().as_text_list().is_some());
    let text = mail.body_text(0).unwrap();
    assert!(text.contains("Forwarded message") && text.contains("From: Anna <anna@home.example>"), "{text}");
    assert_eq!(mail.attachment(0).unwrap().attachment_name().unwrap(), "foto van het pakket 📦.png");
    assert_eq!(mail.attachment(0).unwrap().contents().len(), 5_000);
}

#[test]
fn an_answer_names_the_mail_by_the_id_that_its_author_knows() {
    let mut outgoing = outgoing(&parent());
    // Of two mails with one id the second got a name of our own.
    outgoing.reply_to.as_mut().unwrap().0 = "question@home.example#0123456789abcdef".to_owned();
    let composed = written(&outgoing);
    let mail = MessageParser::default().parse(&composed.raw).unwrap();
    assert_eq!(mail.in_reply_to().as_text().unwrap(), "question@home.example");
    assert_eq!(mail.references().as_text_list().unwrap(), ["root@home.example", "question@home.example"]);
}

#[test]
fn who_answers_our_own_mail_writes_to_whom_it_went() {
    let ours = Meta {
        from: ("help@brand.example".to_owned(), "Merk".to_owned()),
        to: vec![("anna@home.example".to_owned(), "Anna".to_owned()), ("info@brand.example".to_owned(), String::new())],
        ..parent()
    };
    assert_eq!(written(&outgoing(&ours)).envelope.to, ["anna@home.example"]);
}

#[test]
fn nobody_writes_to_who_is_not_known() {
    let nobody = Meta { from: ("unknown@invalid".to_owned(), String::new()), ..parent() };
    let error = compose(&outgoing(&nobody), &settings(), &me()).map(|_| ()).unwrap_err();
    assert_eq!(error.code, "email.no_recipient");
}

#[test]
fn only_what_nobody_wrote_is_marked_as_automatic() {
    for automatic in [false, true] {
        let outgoing = Outgoing { automatic, ..outgoing(&parent()) };
        let raw = String::from_utf8(compose(&outgoing, &settings(), &me()).unwrap().raw).unwrap();
        assert_eq!(raw.contains("Auto-Submitted: auto-generated\r\n"), automatic, "{raw}");
        assert_eq!(raw.contains("X-Auto-Response-Suppress: All\r\n"), automatic);
    }
}
