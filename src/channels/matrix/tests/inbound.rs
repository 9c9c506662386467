//! What comes in: versions, reactions, receipts, locked rooms, files, and what cannot be had.

use super::super::text::{LOCKED, LOCKED_FILE};
use super::*;
use crate::channels::Item;
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::model::{Automatic, Direction, ReceiptState};

#[tokio::test]
async fn every_version_of_a_text_comes_and_only_its_author_makes_one() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let id = played.say(Say::mention(Who::Customer, "eerst dit")).await;
    played.edit(Who::Customer, &id, "toen dat").await;
    played.edit(Who::Other, &id, "dit is gekaapt").await;
    inbox.pull().await.unwrap();
    assert_eq!(inbox.seen[&id], 2, "the first words and the second");
    let message = inbox.find("toen dat");
    assert!(message.external_id == id && message.edited_at > Some(message.sent_at));
    assert_eq!(inbox.count("gekaapt"), 0);
    // A message that was edited long ago and is only now referred to has the words it has now.
    inbox.restart(&played);
    played.say(Say { to: Some(id.clone()), ..Say::mention(Who::Other, "zie hierboven") }).await;
    inbox.pull().await.unwrap();
    assert_eq!(inbox.messages[&id].text, "toen dat");
}

#[tokio::test]
async fn reactions_come_and_go_and_receipts_are_told() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let ours = played.say(Say::dm(Who::Brand, "het is opgelost")).await;
    let thumb = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": ours, "key": "👍"}});
    let reaction = played.platform.say(DM, "klant", "m.reaction", thumb);
    played.platform.read(DM, "klant", &ours);
    inbox.pull().await.unwrap();
    inbox.restart(&played);
    played.platform.redact(DM, "klant", &reaction);
    inbox.pull().await.unwrap();
    let emoji: Vec<Option<&str>> = inbox
        .others
        .iter()
        .filter_map(|item| match item {
            Item::Reaction { external_id, author, emoji, .. } if *external_id == ours => {
                assert_eq!(author.external_id, played.author(Who::Customer).0);
                Some(emoji.as_deref())
            }
            _ => None,
        })
        .collect();
    assert_eq!(emoji, [Some("👍"), None], "taken back after a restart, too");
    assert!(inbox.others.iter().any(|item| matches!(item, Item::Receipt { external_id, state: ReceiptState::Read, at: Some(_), .. } if *external_id == ours)));
    assert!(!inbox.removed.contains(&reaction));
    // What the brand itself reads or likes elsewhere is no news.
    let before = inbox.others.len();
    played.platform.read(DM, "brand", &ours);
    inbox.pull().await.unwrap();
    assert_eq!(inbox.others.len(), before);
}

#[tokio::test]
async fn words_that_were_taken_back_are_shown_no_longer() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let id = played.say(Say::mention(Who::Customer, "ik heb mijn kat gesproken")).await;
    let edit = async |text: &str| {
        played.edit(Who::Customer, &id, text).await;
        played.platform.last(SQUARE, "m.room.message").unwrap()["event_id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (edit("mijn wachtwoord is geheim1").await, edit("mijn wachtwoord is geheim2").await);
    inbox.pull().await.unwrap();
    assert_eq!(inbox.messages[&id].text, "mijn wachtwoord is geheim2");
    for (taken, left) in [(&second, "mijn wachtwoord is geheim1"), (&first, "ik heb mijn kat gesproken")] {
        inbox.restart(&played);
        let before = inbox.messages[&id].edited_at;
        played.clock.advance(Duration::from_secs(1));
        played.platform.redact(SQUARE, "klant", taken);
        inbox.pull().await.unwrap();
        let now = &inbox.messages[&id];
        assert_eq!(now.text, left);
        assert!(now.edited_at > before, "later words than those that were taken back");
    }
    assert!(!inbox.removed.contains(&id));
    // The message is taken back, and its edit is still to be seen: there is nothing to show.
    let gone = played.say(Say::dm(Who::Customer, "dit was niets")).await;
    played.edit(Who::Customer, &gone, "toch niet").await;
    played.platform.redact(DM, "klant", &gone);
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("dit was niets"), inbox.count("toch niet")), (0, 0));
}

/// The reactions to a message in the order in which they came.
fn reactions<'i>(inbox: &'i Inbox, id: &str) -> Vec<Option<&'i str>> {
    let emoji = |item: &'i Item| match item {
        Item::Reaction { external_id, emoji, .. } if external_id == id => Some(emoji.as_deref()),
        _ => None,
    };
    inbox.others.iter().filter_map(emoji).collect()
}

fn react(played: &Played, id: &str, emoji: &str) -> String {
    played.clock.advance(Duration::from_millis(200));
    let sign = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": id, "key": emoji}});
    played.platform.say(DM, "klant", "m.reaction", sign)
}

#[tokio::test]
async fn of_several_reactions_of_one_person_the_newest_that_stands_is_shown() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let ours = played.say(Say::dm(Who::Brand, "het is opgelost")).await;
    let first = react(&played, &ours, "👍");
    inbox.pull().await.unwrap();
    inbox.restart(&played);
    let second = react(&played, &ours, "❤️");
    inbox.pull().await.unwrap();
    played.clock.advance(Duration::from_secs(1));
    played.platform.redact(DM, "klant", &second);
    inbox.pull().await.unwrap();
    let back = inbox.others.iter().rev().find_map(|item| match item {
        Item::Reaction { at, .. } => *at,
        _ => None,
    });
    assert_eq!(back, Some(played.clock.now()), "newer than what it takes the place of");
    played.platform.redact(DM, "klant", &first);
    inbox.pull().await.unwrap();
    assert_eq!(reactions(&inbox, &ours), [Some("👍"), Some("❤️"), Some("👍"), None]);
}

#[tokio::test]
async fn what_came_about_a_message_that_was_read_back_later_finds_it() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let ours = played.say(Say::dm(Who::Brand, "het is opgelost")).await;
    react(&played, &ours, "👍");
    for n in 0..130 {
        played.say(Say::dm(Who::Customer, format!("tussendoor <{n}>"))).await;
    }
    react(&played, &ours, "❤️");
    played.platform.read(DM, "klant", &ours);
    let channel = Arc::clone(&inbox.channel);
    let (mut here, mut after) = (false, Vec::new());
    for _ in 0..6 {
        let batch = channel.pull().unwrap().pull("sync", inbox.cursors.get("sync")).await.unwrap();
        inbox.cursors.insert("sync", batch.next.clone().unwrap());
        here |= batch.items.iter().any(|item| matches!(item, Item::Message(said) if said.external_id == ours));
        after.extend(batch.items.iter().filter(|_| here).cloned());
        inbox.take(batch);
    }
    assert!(here && inbox.count("tussendoor") == 130);
    let last = after.iter().rev().find_map(|item| match item {
        Item::Reaction { external_id, emoji, .. } if *external_id == ours => Some(emoji.as_deref()),
        _ => None,
    });
    assert_eq!(last, Some(Some("❤️")), "the newest, not the one that was read last");
    assert!(after.iter().any(|item| matches!(item, Item::Receipt { external_id, .. } if *external_id == ours)));
}

#[tokio::test]
async fn a_locked_room_says_so_and_how_to_go_on() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.platform.room("!slot", "klant", &["brand"], json!({"direct": true, "encrypted": true}));
    let secret = json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgAEp"});
    played.platform.say("!slot", "klant", "m.room.encrypted", secret.clone());
    inbox.pull().await.unwrap();
    let message = inbox.find(LOCKED).clone();
    assert_eq!((message.direction, message.thread.external_id.as_str()), (Direction::In, "!slot"));
    let allowance = inbox.channel.allowance(&message.thread, &json!({}));
    assert!(!allowance.may_reply && allowance.code.as_deref() == Some("matrix.encrypted"));
    let words = allowance.words.unwrap();
    assert!(words.en.contains("another client") || words.en.contains("client that is signed in"), "{}", words.en);
    assert!(words.nl.contains("versleuteling"));
    // Another process, which has read no sync, asks before it sends.
    let fresh = played.connect();
    let outgoing = inbox.answer(&message, "dit mag er niet in", &played.clock);
    let error = fresh.reply().unwrap().deliver(&outgoing).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "matrix.encrypted"));
    assert!(played.said().await.is_empty());
    // A room that is locked later is closed from then on.
    played.platform.state(DM, "klant", "m.room.encryption", "", json!({"algorithm": "m.megolm.v1.aes-sha2"}));
    inbox.pull().await.unwrap();
    let thread = crate::channels::ThreadRef { external_id: DM.to_owned(), ..message.thread.clone() };
    assert!(!inbox.channel.allowance(&thread, &json!({})).may_reply);
    // In a larger room nobody knows whom it is for.
    played.platform.say(SQUARE, "klant", "m.room.encrypted", secret);
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("🔒"), 1);
}

/// Closes a room and names another in its place.
#[tokio::test]
async fn in_a_room_what_names_us_in_any_way_or_is_in_our_thread_asks_for_an_answer() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let say = |content: Value| {
        played.clock.advance(Duration::from_millis(200));
        played.platform.say(SQUARE, "klant", "m.room.message", content)
    };
    let pill = format!("<a href=\"https://matrix.to/#/{}\">Merk</a> met een link", brand());
    say(
        json!({"msgtype": "m.text", "body": "Merk met een link", "format": "org.matrix.custom.html", "formatted_body": pill}),
    );
    say(json!({"msgtype": "m.text", "body": format!("{} met de hand", brand())}));
    say(json!({"msgtype": "m.text", "body": "zomaar iets over het merk", "m.mentions": {}}));
    let root = played.say(Say::mention(Who::Customer, "een draad begint")).await;
    inbox.pull().await.unwrap();
    for text in ["met een link", "met de hand", "een draad begint"] {
        assert_eq!(inbox.find(text).direction, Direction::In, "{text}");
    }
    assert_eq!(inbox.count("zomaar iets"), 0);
    // In a thread: ours hangs below theirs, and what follows below ours is for us.
    let question = inbox.find("een draad begint").clone();
    let thread = |body: &str, to: &str| {
        json!({"msgtype": "m.text", "body": body, "m.mentions": {},
            "m.relates_to": {"rel_type": "m.thread", "event_id": root, "is_falling_back": true, "m.in_reply_to": {"event_id": to}}})
    };
    let more = say(thread("en nog iets", &root));
    inbox.pull().await.unwrap();
    let more = inbox.messages[&more].clone();
    assert_eq!(more.direction, Direction::Context, "nobody named us there, nor answered us");
    let outgoing = inbox.answer(&more, "wij zijn er", &played.clock);
    let sent = inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    let related = &played.platform.said("brand")[0].content["m.relates_to"];
    assert_eq!((related["rel_type"].as_str(), related["event_id"].as_str()), (Some("m.thread"), Some(root.as_str())));
    assert_eq!(related["m.in_reply_to"]["event_id"], more.external_id.as_str());
    inbox.restart(&played);
    let thanks = say(thread("dank", &sent.external_id));
    inbox.pull().await.unwrap();
    let thanks = &inbox.messages[&thanks];
    assert_eq!((thanks.direction, &thanks.thread.external_id), (Direction::In, &question.thread.external_id));
}

#[tokio::test]
async fn in_a_support_room_everything_asks_for_an_answer() {
    let played = Played::start().await;
    let channel = played.connect_with(&json!({"rooms": "all"}), json!({"password": "brand-pass"}));
    let mut inbox = Inbox::new(channel);
    inbox.pull().await.unwrap();
    played.text(SQUARE, "klant", "mijn app doet niets");
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("doet niets").direction, Direction::In);
}

#[tokio::test]
async fn a_machines_word_asks_nobody() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.platform.say(DM, "klant", "m.room.message", json!({"msgtype": "m.notice", "body": "Ik ben er even niet"}));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("even niet").automatic, Some(Automatic::Notice));
}

#[tokio::test]
async fn files_are_fetched_with_our_token() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let url = played.platform.file("image/png", b"\x89PNG");
    played.platform.say(DM, "klant", "m.room.message", json!({
        "msgtype": "m.image", "body": "de deuk", "filename": "IMG_1.png", "url": url, "info": {"mimetype": "image/png", "size": 4, "w": 2, "h": 1},
    }));
    played.platform.say(
        DM,
        "klant",
        "m.room.message",
        json!({"msgtype": "m.image", "body": "x.png", "file": {"url": url, "key": {}}}),
    );
    inbox.pull().await.unwrap();
    let file = inbox.find("de deuk").files[0].clone();
    assert_eq!((file.name.as_deref(), file.width, file.url.as_str()), (Some("IMG_1.png"), Some(2), url.as_str()));
    let files = inbox.channel.files().unwrap();
    assert_eq!(files.fetch(&file.url, 1_000).await.unwrap().as_ref(), b"\x89PNG");
    assert_eq!(files.fetch(&file.url, 3).await.unwrap_err().class, Class::Rejected, "larger than asked for");
    assert_eq!(files.fetch("mxc://balie.example/nothing", 9).await.unwrap_err().class, Class::Rejected);
    assert_eq!(files.fetch("http://127.0.0.1/etc", 9).await.unwrap_err().code, "matrix.no_file");
    assert_eq!(inbox.find(LOCKED_FILE).files, []);
    // An old homeserver has the files at their old place.
    let old = "/_matrix/media/v3/download/*";
    played.running.wire.inject(Rule::new("/_matrix/client/v1/media/download/*", Fault::status(404)).always());
    played.running.wire.inject(Rule::new(old, Fault::Answer { status: 200, headers: vec![], body: "oud".into() }));
    assert_eq!(files.fetch(&file.url, 9).await.unwrap().as_ref(), b"oud");
    played.running.wire.inject(Rule::new(old, Fault::Answer { status: 200, headers: vec![], body: "oud".into() }));
    assert_eq!(files.fetch(&file.url, 2).await.unwrap_err().class, Class::Rejected, "larger than asked for there, too");
}

#[tokio::test]
async fn a_message_above_that_cannot_be_shown_stops_nobody() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let root = played.text(SQUARE, "buur", "iets van lang geleden");
    inbox.pull().await.unwrap();
    inbox.restart(&played);
    let id = played.say(Say { to: Some(root), ..Say::mention(Who::Customer, "zie hierboven") }).await;
    played.running.wire.inject(Rule::new("*/event/*", Fault::html(500)).always());
    for _ in 0..2 {
        assert_eq!(inbox.pull().await.unwrap_err().class, Class::Transient);
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("zie hierboven").thread.external_id, id);
}

#[tokio::test]
async fn a_name_that_nobody_tells_stops_nobody() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let root = played.text(SQUARE, "buur", "iets van lang geleden");
    inbox.pull().await.unwrap();
    inbox.restart(&played);
    // The server of whoever wrote above hangs; ours waits for it, and we for ours.
    played.running.wire.inject(Rule::new("*/profile/*", Fault::Cut).always());
    played.say(Say { to: Some(root.clone()), ..Say::mention(Who::Customer, "zie hierboven") }).await;
    for _ in 0..2 {
        assert_eq!(inbox.pull().await.unwrap_err().class, Class::Transient);
    }
    inbox.pull().await.unwrap();
    inbox.find("zie hierboven");
    assert_eq!(inbox.messages[&root].author.name, "buur", "by the name everybody has");
}

#[tokio::test]
async fn what_was_taken_back_is_not_repeated_above_an_answer_to_it() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let ours = played.say(Say::post(Who::Brand, "dit had er niet moeten staan")).await;
    inbox.pull().await.unwrap();
    played.delete(Who::Brand, &ours).await;
    inbox.pull().await.unwrap();
    played.say(Say { to: Some(ours), ..Say::mention(Who::Customer, "wat stond hier?") }).await;
    inbox.pull().await.unwrap();
    inbox.find("wat stond hier?");
    assert!(inbox.messages.values().all(|message| !message.text.contains("dit had er niet")));
}
