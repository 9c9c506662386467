//! Reading survives what mailboxes go through.

use serde_json::json;

use super::{Harness, Stage, opened};
use crate::channels::contract::{Inbox, Say, Who};
use crate::model::{Direction, ReceiptState};

const BRAND: &str = "help@merk.test";

#[tokio::test]
async fn a_mailbox_that_began_anew_is_read_again_without_doubling() {
    let (stage, mut inbox) = opened(json!({})).await;
    for n in 0..5 {
        stage.fresh(&format!("vraag <{n}>"));
    }
    inbox.pull().await.unwrap();
    stage.fresh("vlak voor het herstel");
    stage.post.lock().renumber(BRAND, "INBOX");
    stage.fresh("vlak na het herstel");
    inbox.pull().await.unwrap();
    assert_eq!(inbox.messages.len(), 7);
    assert!(!inbox.find("vlak voor het herstel").history && !inbox.find("vlak na het herstel").history);
    // And the place is kept again.
    let before: usize = inbox.seen.values().sum();
    inbox.pull().await.unwrap();
    assert_eq!(inbox.seen.values().sum::<usize>(), before);
}

#[tokio::test]
async fn a_server_that_tells_little_is_read_all_the_same() {
    let stage = Stage::with(json!({})).await;
    {
        let mut world = stage.post.lock();
        world.manners.shy = true;
        world.manners.capabilities.clear();
    }
    stage.fresh("eerder");
    stage.clock.advance(std::time::Duration::from_secs(60));
    let mut inbox = Inbox::connected(&stage).await;
    stage.fresh("later");
    inbox.pull().await.unwrap();
    assert!(inbox.find("eerder").history && !inbox.find("later").history);
    let warnings = inbox.channel.probe().await.unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.code == "email.no_idle"), "{warnings:?}");
}

#[tokio::test]
async fn several_folders_are_read_and_one_that_is_missing_stops_none() {
    let (stage, mut inbox) = opened(json!({"folders": "INBOX, Archief/2026, Klächten"})).await;
    stage.fresh("in de postbus");
    let raw = "From: klant@thuis.test\r\nTo: help@merk.test\r\nMessage-ID: <a1@thuis.test>\r\nSubject: x\r\n\r\nin het archief\r\n";
    stage.post.lock().put(BRAND, "Archief/2026", raw.as_bytes().to_vec());
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("in de postbus"), inbox.count("in het archief")), (1, 1));
    let warnings = inbox.channel.probe().await.unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.text.nl.contains("Klächten")), "{warnings:?}");
    let (_stage, channel) = {
        let stage = Stage::with(json!({"folders": "Nergens"})).await;
        let channel = stage.connect();
        (stage, channel)
    };
    assert_eq!(channel.pull().unwrap().pull("mail", None).await.unwrap_err().code, "mailbox.no_folder");
}

#[tokio::test]
async fn nothing_is_marked_as_read() {
    let (stage, mut inbox) = opened(json!({})).await;
    stage.fresh("ongelezen blijft ongelezen");
    inbox.pull().await.unwrap();
    let world = stage.post.lock();
    let mail = &world.owners[BRAND].folders["INBOX"].mails[0];
    assert!(!mail.flags.contains("\\Seen"), "{:?}", mail.flags);
}

#[tokio::test]
async fn a_mail_that_is_none_is_held_whole_and_read_again() {
    let (stage, mut inbox) = opened(json!({})).await;
    let raw = b"\xff\xfe\0 this is no mail";
    stage.post.lock().put(BRAND, "INBOX", raw.to_vec());
    stage.fresh("deze wel");
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("deze wel"), 1);
    assert_eq!(inbox.unreadable.len(), 1);
    let payload = inbox.unreadable[0].payload.clone();
    let again = inbox.channel.pull().unwrap().reread("mail", &payload).await.unwrap();
    assert_eq!((again.items.len(), again.unreadable.len()), (0, 1));
    assert_eq!(again.unreadable[0].payload, payload);
    let nonsense = inbox.channel.pull().unwrap().reread("mail", "nonsense").await.unwrap();
    assert_eq!(nonsense.unreadable[0].payload, "nonsense");
}

#[tokio::test]
async fn a_bounce_is_the_receipt_of_the_mail_that_came_back() {
    let (stage, mut inbox) = opened(json!({})).await;
    let id = stage.say(Say::dm(Who::Customer, "mail me terug")).await;
    inbox.pull().await.unwrap();
    let mut outgoing = inbox.answer(&inbox.messages[&id], "hierbij", stage.clock());
    outgoing.addressed = Some(crate::model::Addressed {
        to: vec![crate::model::Mailbox { address: "niemand@thuis.test".to_owned(), name: String::new() }],
        ..Default::default()
    });
    let sent = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    inbox.pull().await.unwrap();
    let failed = inbox.others.iter().any(|item| {
        matches!(item, crate::channels::Item::Receipt { external_id, state: ReceiptState::Failed, .. } if *external_id == sent.external_id)
    });
    assert!(failed, "{:?}", inbox.others);
}

#[tokio::test]
async fn an_answer_without_references_finds_its_thread_by_our_address() {
    let (stage, mut inbox) = opened(json!({"plus": true})).await;
    stage.fresh("waar is het?");
    inbox.pull().await.unwrap();
    let question = inbox.find("waar is het?").clone();
    inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "onderweg", stage.clock())).await.unwrap();
    let raw = stage.post.lock().sent.last().unwrap().raw.clone();
    let reply_to = mail_parser::MessageParser::default().parse(&raw[..]).unwrap();
    let reply_to = reply_to.reply_to().unwrap().first().unwrap().address().unwrap().to_owned();
    assert_ne!(reply_to, BRAND);
    let bare = format!(
        "From: klant@thuis.test\r\nTo: {reply_to}\r\nDelivered-To: {reply_to}\r\nMessage-ID: <kaal@thuis.test>\r\nSubject: heel anders\r\n\r\nkaal antwoord\r\n"
    );
    stage.post.lock().put(BRAND, "INBOX", bare.into_bytes());
    inbox.restart(&stage);
    inbox.pull().await.unwrap();
    let answer = inbox.find("kaal antwoord");
    assert_eq!(
        (answer.thread.external_id.as_str(), answer.direction),
        (question.thread.external_id.as_str(), Direction::In)
    );
}

#[tokio::test]
async fn a_mail_names_what_it_follows_nearest_first() {
    let (stage, mut inbox) = opened(json!({})).await;
    let first = stage.say(Say::dm(Who::Customer, "een")).await;
    let second = stage.say(Say::dm(Who::Customer, "twee")).await;
    stage.say(Say::dm(Who::Customer, "drie")).await;
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("drie").follows, [second, first]);
}

/// A server that says goodbye and hangs up, politely, at the first command with this word.
async fn hangs_up_at(listener: &tokio::net::TcpListener, word: &str) {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        write.write_all(b"* OK ready\r\n").await.unwrap();
        let mut lines = BufReader::new(read).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains(word) {
                let _ = write.write_all(b"* BYE going down\r\n").await;
                break;
            }
            let (tag, rest) = line.split_once(' ').unwrap();
            let data = match rest.split(' ').next().unwrap() {
                "CAPABILITY" => "* CAPABILITY IMAP4rev1\r\n",
                "SELECT" => "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4] x\r\n",
                _ if rest.starts_with("UID SEARCH") => "* SEARCH 1 2 3\r\n",
                _ if rest.starts_with("UID FETCH 1:3") => {
                    "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 30 INTERNALDATE \"02-Mar-2026 09:00:00 +0000\")\r\n"
                }
                _ => "",
            };
            if write.write_all(format!("{data}{tag} OK done\r\n").as_bytes()).await.is_err() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_middle_of_anything_makes_no_mail_pass_by() {
    for word in ["CAPABILITY", "LIST", "SELECT", "SEARCH", "FETCH 1:3", "FETCH 1 "] {
        let mut stage = Stage::with(json!({})).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        stage.settings["imap_port"] = listener.local_addr().unwrap().port().into();
        let channel = stage.connect();
        tokio::select! {
            () = hangs_up_at(&listener, word) => {}
            pulled = channel.pull().unwrap().pull("mail", None) => {
                let error = pulled.expect_err(word);
                assert!(error.is_transient(), "{word}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_mail_from_the_future_hides_nothing_from_a_mailbox_that_began_anew() {
    let (stage, mut inbox) = opened(json!({})).await;
    let raw = "From: klant@thuis.test\r\nTo: help@merk.test\r\nMessage-ID: <later@thuis.test>\r\nSubject: x\r\n\r\nuit 2099\r\n";
    {
        let mut world = stage.post.lock();
        let folder = world.owners.get_mut(BRAND).unwrap().folders.get_mut("INBOX").unwrap();
        folder.add(raw.into(), std::collections::BTreeSet::new(), crate::model::Timestamp(4_070_908_800_000));
    }
    inbox.pull().await.unwrap();
    inbox.find("uit 2099");
    stage.fresh("vlak voor het herstel");
    stage.post.lock().renumber(BRAND, "INBOX");
    stage.fresh("vlak na het herstel");
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("vlak voor het herstel"), inbox.count("vlak na het herstel")), (1, 1));
}

#[tokio::test]
async fn a_folder_that_cannot_be_opened_for_now_is_not_missing() {
    for said in [
        "[INUSE] mailbox is locked by POP server",
        "[UNAVAILABLE] Temporary authentication failure",
        "[SERVERBUG] Internal error",
    ] {
        let (stage, mut inbox) = opened(json!({})).await;
        stage.fresh("kom ik nog?");
        stage.post.lock().manners.shut = Some(said.to_owned());
        let error = inbox.pull().await.unwrap_err();
        assert_eq!(error.class, crate::channels::Class::Transient, "{said}: {error}");
        assert!(error.cause.en.contains(&said[1..6]), "{error}");
        stage.post.lock().manners.shut = None;
        inbox.pull().await.unwrap();
        inbox.find("kom ik nog?");
    }
}
