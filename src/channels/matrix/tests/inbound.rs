//! What comes in: invitations, versions, reactions, receipts, locked rooms, rooms that move, places that are forgotten.

use super::super::text::{LOCKED, LOCKED_FILE};
use super::*;
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::channels::{Item, Message};
use crate::model::{Automatic, Direction, Lane, ReceiptState};

fn brand() -> String {
    format!("@brand:{DOMAIN}")
}

fn invite(played: &Played, room: &str, by: &str, direct: bool) {
    played.platform.room(room, by, &[], json!({}));
    played.platform.state(room, by, "m.room.member", &brand(), json!({"membership": "invite", "is_direct": direct}));
}

#[tokio::test]
async fn an_invitation_is_taken_and_what_was_said_before_it_arrives() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let _ = played.platform.person("nieuw", "N. Ieuw");
    invite(&played, "!nieuw", "nieuw", true);
    invite(&played, "!groot", "nieuw", false);
    played.text("!nieuw", "nieuw", "is daar iemand?");
    inbox.pull().await.unwrap();
    let message = inbox.find("is daar iemand?");
    assert_eq!(
        (message.thread.external_id.as_str(), message.thread.lane, message.history),
        ("!nieuw", Lane::Private, false)
    );
    assert_eq!(message.author.name, "N. Ieuw");
    let direct = played.platform.data("brand", "m.direct").unwrap();
    assert_eq!(direct[format!("@nieuw:{DOMAIN}")], json!(["!nieuw"]), "other clients see a private room, too");
    let joins =
        |room: &str| played.running.wire.calls_to(&Method::POST, &format!("/_matrix/client/v3/join/{room}")).len();
    assert_eq!((joins("!nieuw"), joins("!groot")), (1, 0), "larger rooms only where the setting says so");

    let all = played.connect_with(&json!({"invites": "all"}), json!({"password": "brand-pass"}));
    Inbox::new(all).pull().await.unwrap();
    assert_eq!(joins("!groot"), 1);
    invite(&played, "!stil", "nieuw", true);
    let none = played.connect_with(&json!({"invites": "none"}), json!({"password": "brand-pass"}));
    Inbox::new(none).pull().await.unwrap();
    assert_eq!(joins("!stil"), 0);
}

#[tokio::test]
async fn an_invitation_that_cannot_be_taken_yet_is_tried_again() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let _ = played.platform.person("ver", "Ver Weg");
    invite(&played, "!ver", "ver", true);
    played.text("!ver", "ver", "van een andere server");
    played.running.wire.inject(Rule::new("/_matrix/client/v3/join/*", Fault::status(404)).times(2));
    for _ in 0..2 {
        inbox.pull().await.unwrap();
        inbox.restart(&played);
        assert_eq!(inbox.count("van een andere server"), 0);
        played.clock.advance(Duration::from_secs(120));
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("van een andere server").thread.lane, Lane::Private);
}

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

#[tokio::test]
async fn a_room_that_is_upgraded_goes_on_as_the_same_talk() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::dm(Who::Customer, "in de oude ruimte")).await;
    inbox.pull().await.unwrap();
    let old = inbox.find("oude ruimte").clone();
    let created = json!({"creation_content": {"predecessor": {"room_id": DM}}});
    played.platform.room("!klant2", "klant", &[], created);
    played.platform.state("!klant2", "klant", "m.room.member", &brand(), json!({"membership": "invite"}));
    close(&played, DM, "klant", "!klant2");
    played.text("!klant2", "klant", "in de nieuwe ruimte");
    inbox.pull().await.unwrap();
    let moved = inbox.others.iter().find_map(|item| match item {
        Item::Moved { from, to } if from == DM => Some(to.clone()),
        _ => None,
    });
    let to = moved.expect("the thread has another name");
    assert_eq!((to.external_id.as_str(), to.lane), ("!klant2", Lane::Private));
    let new = inbox.find("nieuwe ruimte");
    assert_eq!((new.thread.external_id.as_str(), new.thread.lane), ("!klant2", Lane::Private), "and stays private");
    // An answer to what was said there goes to where the talk is now.
    let mut outgoing = inbox.answer(&old, "wij zijn meeverhuisd", &played.clock);
    outgoing.thread = to;
    inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap();
    let seen = played.platform.said("brand");
    assert_eq!(seen[0].room, "!klant2");
    assert!(seen[0].content.get("m.relates_to").is_none(), "a message of another room cannot be named");
    let direct = played.platform.data("brand", "m.direct").unwrap();
    assert_eq!(direct[format!("@klant:{DOMAIN}")], json!([DM, "!klant2"]), "other clients see a private room, too");
}

/// Closes a room and names another in its place.
fn close(played: &Played, room: &str, by: &str, other: &str) {
    played.platform.state(
        room,
        by,
        "m.room.tombstone",
        "",
        json!({"body": "upgraded", "replacement_room": other}),
    );
}

#[tokio::test]
async fn whoever_closes_their_room_cannot_move_the_talk_into_one_that_does_not_follow_it() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::dm(Who::Customer, "mijn rekening klopt niet")).await;
    inbox.pull().await.unwrap();
    let question = inbox.find("rekening").clone();
    played.platform.room("!markt", "klant", &["buur"], json!({}));
    played.platform.state("!markt", "klant", "m.room.join_rules", "", json!({"join_rule": "public"}));
    // A room the brand is in, and one it is not in.
    close(&played, DM, "klant", SQUARE);
    close(&played, OTHER_DM, "buur", "!markt");
    // Anybody may send a message that looks like it.
    played.platform.say(SQUARE, "klant", "m.room.tombstone", json!({"replacement_room": "!markt"}));
    inbox.pull().await.unwrap();
    played.text("!markt", "buur", "op de markt");
    played.text(SQUARE, "buur", "op het plein");
    inbox.pull().await.unwrap();
    assert!(!inbox.others.iter().any(|item| matches!(item, Item::Moved { .. })), "{:?}", inbox.others);
    assert_eq!((inbox.count("op de markt"), inbox.count("op het plein")), (0, 0), "nobody says that to us");
    let last = played.platform.last("!markt", "m.room.member").unwrap();
    assert_eq!((last["state_key"].as_str(), &last["content"]["membership"]), (Some(&*brand()), &json!("leave")));
    let sent = inbox.channel.reply().unwrap().deliver(&inbox.answer(&question, "het is 12 euro", &played.clock)).await;
    assert_eq!(played.platform.room_of(&sent.unwrap().external_id).as_deref(), Some(DM));
    // Who lets somebody go in with another client does not want us to follow either.
    let none = played.connect_with(&json!({"invites": "none"}), json!({"password": "brand-pass"}));
    played.running.wire.forget();
    Inbox::new(none).pull().await.unwrap();
    assert_eq!(played.running.wire.calls_to(&Method::POST, "/_matrix/client/v3/join/*").len(), 0);
}

#[tokio::test]
async fn an_invitation_that_calls_a_room_for_many_private_is_not_believed() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let open = json!({"join_rule": "public"});
    let many: Vec<String> = (0..12).map(|n| format!("gast{n}")).collect();
    played.platform.room("!zaal", "buur", &many.iter().map(String::as_str).collect::<Vec<_>>(), json!({}));
    for room in ["!hal", "!gang"] {
        played.platform.room(room, "buur", &[], json!({}));
        played.platform.state(room, "buur", "m.room.join_rules", "", open.clone());
    }
    for room in ["!hal", "!gang", "!zaal"] {
        let so = json!({"membership": "invite", "is_direct": true});
        played.platform.state(room, "buur", "m.room.member", &brand(), so);
    }
    // What an invitation tells of its room is what whoever invites wants to tell.
    let hide = |answer: &mut Value| {
        if let Some(Value::Array(told)) = answer.pointer_mut("/rooms/invite/!gang/invite_state/events") {
            told.retain(|event| event["type"] != "m.room.join_rules");
        }
    };
    played.running.wire.inject(Rule::new("/_matrix/client/v3/sync", Fault::json(hide)).always());
    inbox.pull().await.unwrap();
    let joined = |room: &str| played.running.wire.calls_to(&Method::POST, &format!("*/join/{room}")).len();
    assert_eq!((joined("!hal"), joined("!gang"), joined("!zaal")), (0, 1, 1));
    for room in ["!gang", "!zaal"] {
        played.text(room, "buur", "zomaar iets");
        let named = json!({"msgtype": "m.text", "body": format!("merk in {room}"), "m.mentions": {"user_ids": [brand()]}});
        played.platform.say(room, "buur", "m.room.message", named);
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("zomaar iets"), 0);
    for room in ["!gang", "!zaal"] {
        assert_eq!(inbox.find(&format!("merk in {room}")).thread.lane, Lane::Public, "{room}");
    }
    let direct = played.platform.data("brand", "m.direct").unwrap().to_string();
    assert!(!direct.contains("!gang") && !direct.contains("!zaal"), "{direct}");
}

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
async fn a_room_with_a_name_or_an_open_door_is_public_however_few_are_in_it() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.platform.room("!hulp", "klant", &["brand"], json!({"name": "Hulp"}));
    played.platform.room("!open", "klant", &["brand"], json!({}));
    played.platform.state("!open", "klant", "m.room.join_rules", "", json!({"join_rule": "public"}));
    played.platform.room("!stil", "klant", &["brand"], json!({}));
    for room in ["!hulp", "!open", "!stil"] {
        let content =
            json!({"msgtype": "m.text", "body": format!("hier in {room}"), "m.mentions": {"user_ids": [brand()]}});
        played.platform.say(room, "klant", "m.room.message", content);
    }
    inbox.pull().await.unwrap();
    let lane = |room: &str| inbox.find(&format!("hier in {room}")).thread.lane;
    assert_eq!((lane("!hulp"), lane("!open"), lane("!stil")), (Lane::Public, Lane::Public, Lane::Private));
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
async fn a_homeserver_that_forgot_our_place_is_read_back_and_nothing_is_lost() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::dm(Who::Customer, "voor de ramp")).await;
    inbox.pull().await.unwrap();
    for n in 0..70 {
        played.say(Say::dm(Who::Customer, format!("na de ramp <{n}>"))).await;
    }
    inbox.cursors.get_mut("sync").unwrap()["next"] = "s99999999".into();
    inbox.restart(&played);
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("voor de ramp"), inbox.count("na de ramp")), (1, 70));
    assert!(inbox.messages.values().all(|message: &Message| !message.history));
}

#[tokio::test]
async fn a_room_whose_past_cannot_be_read_stops_no_other() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..70 {
        played.say(Say::dm(Who::Customer, format!("toen u weg was <{n}>"))).await;
    }
    let past = "/_matrix/client/v3/rooms/*/messages";
    let asked = || played.running.wire.calls_to(&Method::GET, past).len();
    for fault in [Fault::html(500), Fault::Cut, Fault::malformed()] {
        played.running.wire.inject(Rule::new(past, fault).times(2));
    }
    for n in 0..7 {
        played.say(Say::dm(Who::Other, format!("en ik dan? <{n}>"))).await;
        inbox.pull().await.unwrap();
        inbox.find(&format!("en ik dan? <{n}>"));
        inbox.restart(&played);
        let before = asked();
        inbox.pull().await.unwrap();
        assert_eq!(asked(), before, "not again at once");
        played.clock.advance(Duration::from_secs(3_900));
    }
    assert_eq!((inbox.count("toen u weg was"), inbox.unreadable.len()), (70, 0));
}

#[tokio::test]
async fn a_past_that_stays_unreadable_is_held_and_can_be_read_again() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let past = "/_matrix/client/v3/rooms/*/messages";
    for (round, (status, tries)) in [(500, 20), (400, 1)].into_iter().enumerate() {
        for n in 0..70 {
            played.say(Say::dm(Who::Customer, format!("ronde {round} <{n}>"))).await;
        }
        played.running.wire.forget();
        played.running.wire.inject(Rule::new(past, Fault::status(status)).always());
        for _ in 0..25 {
            inbox.pull().await.unwrap();
            played.clock.advance(Duration::from_secs(3_900));
        }
        assert_eq!(played.running.wire.calls_to(&Method::GET, past).len(), tries);
        assert_eq!((inbox.count(&format!("ronde {round} ")), inbox.unreadable.len()), (50, 1), "{status}");
        let held = inbox.unreadable.pop().unwrap();
        assert!(held.error.contains(DM), "{}", held.error);
        let pull = Arc::clone(&inbox.channel);
        let reread = async || pull.pull().unwrap().reread("sync", &held.payload).await;
        assert_eq!(reread().await.unwrap_err().class, Class::Transient, "it stays held");
        played.running.wire.heal();
        inbox.take(reread().await.unwrap());
        assert_eq!((inbox.count(&format!("ronde {round} ")), inbox.unreadable.len()), (70, 0));
    }
}

#[tokio::test]
async fn a_room_we_were_shown_out_of_cannot_be_answered() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.say(Say::dm(Who::Customer, "en nu wegwezen")).await;
    played.platform.state(DM, "klant", "m.room.member", &brand(), json!({"membership": "leave"}));
    inbox.pull().await.unwrap();
    let message = inbox.find("wegwezen").clone();
    assert_eq!(inbox.channel.allowance(&message.thread, &json!({})).code.as_deref(), Some("matrix.left"));
    let outgoing = inbox.answer(&message, "maar", &played.clock);
    let error = played.connect().reply().unwrap().deliver(&outgoing).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "matrix.forbidden"));
    // Invited again, it is the same talk.
    played.platform.state(DM, "klant", "m.room.member", &brand(), json!({"membership": "invite"}));
    played.text(DM, "klant", "kom toch maar terug");
    let all = played.connect_with(&json!({"invites": "all"}), json!({"password": "brand-pass"}));
    inbox.channel = all;
    inbox.pull().await.unwrap();
    let back = inbox.find("kom toch maar terug");
    assert_eq!((back.thread.external_id.as_str(), back.thread.lane), (DM, Lane::Private));
    assert!(inbox.channel.allowance(&back.thread, &json!({})).may_reply);
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
async fn an_invitation_to_a_room_that_never_answers_stops_nobody() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let _ = played.platform.person("vreemd", "V. Reemd");
    invite(&played, "!put", "vreemd", true);
    played.running.wire.inject(Rule::new("/_matrix/client/v3/join/*", Fault::Cut).always());
    for n in 0..10 {
        played.say(Say::dm(Who::Customer, format!("en ik dan? <{n}>"))).await;
        inbox.pull().await.unwrap();
        inbox.find(&format!("en ik dan? <{n}>"));
        inbox.restart(&played);
        played.clock.advance(Duration::from_secs(7_200));
    }
    // It is only ever told once, so it is not forgotten as long as nobody says no.
    played.running.wire.heal();
    played.text("!put", "vreemd", "daar was ik weer");
    inbox.pull().await.unwrap();
    inbox.find("daar was ik weer");
}

#[tokio::test]
async fn more_invitations_than_may_be_taken_stop_nobody() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let _ = played.platform.person("vreemd", "V. Reemd");
    for n in 0..12 {
        invite(&played, &format!("!kamer{n}"), "vreemd", true);
        played.text(&format!("!kamer{n}"), "vreemd", &format!("uit kamer <{n}>"));
    }
    let joins = || played.running.wire.calls_to(&Method::POST, "/_matrix/client/v3/join/*").len();
    let slower = Fault::with_headers(429, &[("retry-after", "100")]);
    played.running.wire.inject(Rule::new("/_matrix/client/v3/join/*", slower).skip(3).always());
    played.say(Say::dm(Who::Customer, "en ik dan?")).await;
    inbox.pull().await.unwrap();
    inbox.find("en ik dan?");
    assert_eq!(joins(), 4, "whoever is asked to wait does not try the next room");
    // However often that happens, no invitation is given up.
    for n in 0..10 {
        inbox.restart(&played);
        played.clock.advance(Duration::from_secs(50));
        played.say(Say::dm(Who::Customer, format!("hallo <{n}>"))).await;
        inbox.pull().await.unwrap();
        inbox.find(&format!("hallo <{n}>"));
    }
    assert_eq!(joins(), 4 + 5, "nobody asks before the moment that was named");
    played.running.wire.heal();
    played.clock.advance(Duration::from_secs(100));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("uit kamer"), 12);
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
async fn much_that_was_said_before_we_were_shown_out_arrives() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..70 {
        played.say(Say::dm(Who::Customer, format!("voor het afscheid <{n}>"))).await;
    }
    played.platform.state(DM, "klant", "m.room.member", &brand(), json!({"membership": "leave"}));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("voor het afscheid"), 70);
}

#[tokio::test]
async fn a_room_is_called_by_its_last_name_however_it_was_read() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for name in ["Oud", "Nieuw"] {
        played.clock.advance(Duration::from_secs(1));
        played.platform.state(SQUARE, "buur", "m.room.name", "", json!({"name": name}));
        for n in 0..110 {
            played.text(SQUARE, "buur", &format!("geklets <{n}>"));
        }
    }
    inbox.pull().await.unwrap();
    played.say(Say::mention(Who::Customer, "hoe heet het hier?")).await;
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("hoe heet het hier?").thread.title.as_deref(), Some("Nieuw"));
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
