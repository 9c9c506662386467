//! Rooms: invitations, rooms that move, what is private, and pasts that are read back.

use super::*;
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};
use crate::channels::{Item, Message};
use crate::model::Lane;

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

fn close(played: &Played, room: &str, by: &str, other: &str) {
    played.platform.state(room, by, "m.room.tombstone", "", json!({"body": "upgraded", "replacement_room": other}));
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
        let named =
            json!({"msgtype": "m.text", "body": format!("merk in {room}"), "m.mentions": {"user_ids": [brand()]}});
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
