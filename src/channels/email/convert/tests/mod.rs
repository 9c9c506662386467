//! Every mail of the corpus is read or kept whole, and gives what stands beside it.

mod corpus;
mod mutations;

use super::{payload, raw_of, read};
use crate::channels::email::me::{Folder, Me};
use crate::channels::email::thread::name_of;
use crate::channels::{Item, Message, html};
use crate::model::{AttachmentKind, Timestamp};
use corpus::{ARRIVED, Case};

fn me() -> Me {
    Me {
        addresses: vec!["help@merk.example".to_owned(), "info@merk.example".to_owned()],
        trusts: Some("mx.merk.example".to_owned()),
        ..Me::default()
    }
}

fn read_case(case: &Case) -> Result<Vec<Item>, crate::channels::Unreadable> {
    let folder = if case.sent_folder { Folder::Sent } else { Folder::Watched };
    read(&case.raw, &me(), Timestamp(ARRIVED), folder)
}

fn message(items: &[Item]) -> &Message {
    let mut messages = items.iter().filter_map(|item| match item {
        Item::Message(message) => Some(message.as_ref()),
        _ => None,
    });
    let first = messages.next().expect("a mail is a message");
    assert!(messages.next().is_none(), "one mail is one message");
    first
}

/// What holds for every mail, whatever is in it.
fn sound(name: &str, raw: &[u8], items: &[Item]) {
    let mail = message(items);
    assert_eq!(mail.source.as_ref().map(|source| source.bytes.as_ref()), Some(raw), "{name}: the original");
    assert!(!mail.external_id.is_empty() && mail.external_id.len() <= 300, "{name}: {}", mail.external_id);
    assert_eq!(mail.thread.external_id.len(), 16, "{name}");
    assert!(!mail.author.external_id.is_empty() && !mail.author.name.contains(['\r', '\n']), "{name}");
    assert!(mail.text.len() < 512 * 1024, "{name}: {} bytes of text", mail.text.len());
    if let Some(shown) = &mail.html {
        assert_eq!(*shown, html::sanitise(shown), "{name}: unsanitised");
    }
    let recipients = mail.recipients.as_ref().expect("a mail has recipients");
    let all = [&recipients.to, &recipients.cc, &recipients.bcc, &recipients.reply, &recipients.reply_all];
    for mailbox in all.into_iter().flatten() {
        assert!(mailbox.address.contains('@') && !mailbox.address.contains(char::is_whitespace), "{name}: {mailbox:?}");
        assert!(!mailbox.name.contains(['\r', '\n', '\0']), "{name}: {mailbox:?}");
    }
    for file in &mail.files {
        assert!(file.content.is_some() && file.size == file.content.as_ref().map(|bytes| bytes.len() as i64), "{name}");
        let file_name = file.name.as_deref().unwrap_or_default();
        assert!(!file_name.is_empty() && !file_name.contains(['/', '\\', '\0', '\n']), "{name}: {file_name:?}");
        assert!(
            file.kind != AttachmentKind::Image || file.mime.as_deref().is_some_and(|mime| mime.starts_with("image")),
            "{name}: {file:?}"
        );
    }
    assert!(mail.files.len() <= 100, "{name}");
}

fn check(case: &Case) {
    let name = &case.name;
    let items = match read_case(case) {
        Ok(items) => items,
        Err(held) => {
            assert!(case.unreadable, "{name} was not read: {}", held.error);
            assert_eq!(raw_of(&held.payload), case.raw, "{name} is not whole");
            return;
        }
    };
    assert!(!case.unreadable, "{name} was read: {:?}", message(&items).text);
    sound(name, &case.raw, &items);
    let mail = message(&items);
    let cut = |text: &str| text.chars().take(600).collect::<String>();
    if let Some(text) = &case.text {
        assert_eq!(cut(&mail.text), cut(text), "{name}: text");
    }
    for text in &case.has {
        assert!(mail.text.contains(text.as_str()), "{name}: {text:?} is not in {:?}", cut(&mail.text));
    }
    for text in &case.has_not {
        let html = mail.html.as_deref().unwrap_or_default();
        assert!(
            !mail.text.contains(text.as_str()) && !html.contains(text.as_str()),
            "{name}: {text:?} is in {:?}",
            cut(&mail.text)
        );
    }
    if let Some(text) = &case.quoted {
        assert!(
            mail.quoted.as_ref().is_some_and(|quoted| quoted.contains(text.as_str())),
            "{name}: {text:?} is not in {:?}",
            mail.quoted
        );
    }
    assert!(!case.unquoted || mail.quoted.is_none(), "{name}: {:?}", mail.quoted);
    if let Some(subject) = &case.subject {
        assert_eq!(mail.meta["subject"], subject.as_str(), "{name}");
    }
    if let Some(from) = &case.from {
        assert_eq!(mail.author.external_id, *from, "{name}");
    }
    if let Some(names) = &case.files {
        let found: Vec<String> = mail.files.iter().filter_map(|file| file.name.clone()).collect();
        assert_eq!(found, *names, "{name}: files");
    }
    if let Some(kind) = &case.automatic {
        assert_eq!(mail.automatic.map_or("none", crate::model::Automatic::as_str), kind, "{name}");
    }
    if let Some((id, state)) = &case.receipt {
        let found: Vec<(String, String)> = items
            .iter()
            .filter_map(|item| match item {
                Item::Receipt { external_id, state, error, .. } => {
                    assert_eq!(state.as_str() == "failed", error.is_some(), "{name}: a failure says why");
                    Some((external_id.clone(), state.as_str().to_owned()))
                }
                _ => None,
            })
            .collect();
        let expected = if state.is_empty() { Vec::new() } else { vec![(id.clone(), state.clone())] };
        assert_eq!(found, expected, "{name}: receipts");
        if state == "failed" {
            assert_eq!(mail.reply_to.as_deref(), Some(id.as_str()), "{name}: what came back");
        }
    }
    if let Some(direction) = &case.direction {
        assert_eq!(mail.direction.as_str(), direction, "{name}");
    }
    if let Some(id) = &case.id {
        assert_eq!(mail.external_id, *id, "{name}");
    }
    let recipients = mail.recipients.clone().unwrap_or_default();
    let addresses = |list: &[crate::model::Mailbox]| list.iter().map(|one| one.address.clone()).collect::<Vec<_>>();
    if let Some(reply) = &case.reply {
        assert_eq!(addresses(&recipients.reply), *reply, "{name}: reply");
    }
    if let Some(reply_all) = &case.reply_all {
        assert_eq!(addresses(&recipients.reply_all), *reply_all, "{name}: reply all");
    }
    if let Some(at) = case.sent_at {
        assert_eq!(mail.sent_at, Timestamp(at), "{name}");
    }
}

#[test]
fn every_mail_of_the_corpus_gives_what_it_must() {
    let cases = corpus::all();
    assert!(cases.len() >= 200, "{} mails", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(why) = std::panic::catch_unwind(|| check(case)) {
            let why = why.downcast_ref::<String>().cloned().unwrap_or_else(|| case.name.clone());
            wrong.push(why);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n---\n"));
}

#[test]
fn the_same_mail_is_the_same_message() {
    for case in corpus::all().iter().filter(|case| case.raw.len() < 100_000) {
        assert_eq!(read_case(case).ok(), read_case(case).ok(), "{}", case.name);
    }
}

#[test]
fn a_payload_that_is_kept_is_whole_whatever_is_in_it() {
    for raw in [&b"text"[..], b"\xff\xfe", b"a\0b", b"base64:aG9p", b""] {
        let kept = payload(raw);
        assert!(!kept.contains('\0'));
        assert_eq!(raw_of(&kept), raw);
    }
}

#[test]
fn an_answer_and_a_bounce_stand_in_the_thread_they_are_about() {
    let thread = |name: &str| {
        let cases = corpus::all();
        let case = cases.iter().find(|case| case.name == name).expect(name);
        message(&read_case(case).expect(name)).thread.external_id.clone()
    };
    for name in ["Postfix", "Postfix, header only", "Exchange"] {
        assert_eq!(thread(name), name_of("q1@thuis.example"), "{name}");
    }
    let answer = b"Message-ID: <a@x>\r\nReferences: <q1@thuis.example>\r\n <out.1@merk.example>\r\nIn-Reply-To: <out.1@merk.example>\r\nFrom: anna@thuis.example\r\n\r\nhoi";
    let items = read(answer, &me(), Timestamp(ARRIVED), Folder::Watched).unwrap();
    assert_eq!(message(&items).thread.external_id, name_of("q1@thuis.example"));
    assert_eq!(message(&items).reply_to.as_deref(), Some("out.1@merk.example"));
}

#[test]
fn a_reply_address_of_ours_names_the_thread() {
    let token = crate::channels::email::thread::ReplyToken::new(b"key".to_vec());
    let thread = name_of("root@thuis.example");
    let address = token.address("help@merk.example", &thread).unwrap();
    let me = Me { token, ..me() };
    let raw = format!("Message-ID: <z@x>\r\nFrom: anna@thuis.example\r\nTo: {address}\r\n\r\nhoi");
    let items = read(raw.as_bytes(), &me, Timestamp(ARRIVED), Folder::Watched).unwrap();
    assert_eq!(message(&items).thread.external_id, thread);
    assert!(message(&items).recipients.as_ref().unwrap().reply_all.is_empty());
}

#[test]
fn only_the_trusted_server_makes_a_claim_true() {
    let raw = |result: &str| format!("From: anna@thuis.example\r\nAuthentication-Results: {result}\r\n\r\nhoi");
    for (result, verified) in [
        ("mx.merk.example; dmarc=pass header.from=thuis.example", true),
        ("mx.kwaad.example; dmarc=pass header.from=thuis.example", false),
        ("mx.merk.example; dmarc=fail header.from=thuis.example", false),
    ] {
        let items = read(raw(result).as_bytes(), &me(), Timestamp(ARRIVED), Folder::Watched).unwrap();
        let claims = &message(&items).author.claims;
        assert_eq!(claims.len(), 1);
        assert_eq!((claims[0].value.as_str(), claims[0].verified), ("anna@thuis.example", verified), "{result}");
    }
}

/// `scripts/fuzz` starts from these mails.
#[test]
fn the_corpus_is_written_down_when_asked() {
    let mails = corpus::all();
    assert!(mails.iter().any(|case| case.raw.len() < 10_000));
    let Ok(folder) = std::env::var("BALIE_FUZZ_SEEDS") else { return };
    for (n, case) in mails.iter().filter(|case| case.raw.len() < 60_000).enumerate() {
        std::fs::write(std::path::Path::new(&folder).join(format!("mail-{n}")), &case.raw).unwrap();
    }
}
