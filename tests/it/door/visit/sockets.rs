//! The visitor's socket: nothing missed at any seam, nothing of others, nothing without bound.

use std::time::Duration;

use balie::model::Role;
use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Socket, Visitor, answer, answer_then, chat, only};
use crate::at_the_door;
use crate::door::server::{Caller, House};

fn texts(frames: &[Value]) -> Vec<&str> {
    frames.iter().filter(|f| f["type"] == "message").map(|f| f["data"]["text"].as_str().unwrap()).collect()
}

/// An agent's socket with a conversation on the screen.
async fn looks_at(agent: &Caller, conversation: &Value) -> Socket {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let mut request = format!("{}/api/live", agent.base.replace("http", "ws")).into_client_request().unwrap();
    request.headers_mut().insert("cookie", agent.cookie.as_ref().unwrap().parse().unwrap());
    request.headers_mut().insert("origin", agent.base.parse().unwrap());
    let mut socket = Socket(tokio_tungstenite::connect_async(request).await.unwrap().0);
    socket.say(json!({ "type": "hello" })).await;
    socket.hear_type("ready").await;
    socket.say(json!({ "type": "viewing", "conversation_id": conversation["id"] })).await;
    socket.hear_type("presence").await;
    socket
}

async fn standing(house: &House) -> (Caller, Visitor, Value) {
    let (_, account) = chat(house, json!({})).await;
    let sanne = house.signed_in("Sanne", Role::Agent).await;
    let anna = Visitor::arrive(house, &account).await;
    anna.say("dag").await.must_be(201);
    let row = only(&sanne, "open").await;
    (sanne, anna, row)
}

at_the_door! {
    async fn whoever_comes_back_misses_nothing_at_any_seam(house) {
        let (sanne, anna, row) = standing(house).await;
        let entered = anna.post("session", json!({})).await.must_be(200);
        let start = entered["seq"].as_i64().unwrap();
        // Between the page and the socket.
        answer(house, &sanne, &row, "een").await;
        let (mut socket, heard) = anna.socket(Some(start)).await;
        assert_eq!(texts(&heard), ["een"]);
        // Live.
        answer(house, &sanne, &row, "twee").await;
        let live = socket.hear_type("message").await;
        assert_eq!(live["data"]["text"], "twee");
        let seen = live["seq"].as_i64().unwrap();
        drop(socket);
        // While away, from both sides.
        answer(house, &sanne, &row, "drie").await;
        anna.say("van een ander tabblad").await.must_be(201);
        let (_socket, heard) = anna.socket(Some(seen)).await;
        assert_eq!(texts(&heard), ["drie", "van een ander tabblad"]);
        assert_eq!(heard.last().unwrap()["type"], "ready");
        // Twice the same number is twice the same answer.
        let (_socket, again) = anna.socket(Some(seen)).await;
        assert_eq!(texts(&again), ["drie", "van een ander tabblad"]);
    }

    async fn the_first_words_of_all_reach_the_other_tab_and_the_answer_both(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::arrive(house, &account).await;
        let ((mut one, heard), (mut two, _)) = (anna.socket(None).await, anna.socket(None).await);
        assert_eq!(heard[0]["status"], "none");
        anna.say("dag").await.must_be(201);
        for socket in [&mut one, &mut two] {
            assert_eq!(socket.hear_type("message").await["data"]["text"], "dag");
            assert_eq!(socket.hear_type("status").await["status"], "open");
        }
        let row = only(&sanne, "open").await;
        answer_then(house, &sanne, &row, "dag!", "closed").await;
        for socket in [&mut one, &mut two] {
            let said = socket.hear_type("message").await;
            assert_eq!((&said["data"]["from"], &said["data"]["text"]), (&json!("agent"), &json!("dag!")));
        }
    }

    async fn an_older_conversation_that_changes_does_not_become_the_visitors_own(house) {
        let (sanne, anna, row) = standing(house).await;
        let said = answer_then(house, &sanne, &row, "Tot ziens", "closed").await;
        house.later(Duration::from_secs(80 * 3600));
        // Agents sign in anew after a while.
        let daan = house.signed_in("Daan", Role::Agent).await;
        anna.say("Iets nieuws").await.must_be(201);
        let now = only(&daan, "open").await;
        assert_ne!(now["id"], row["id"]);
        let (mut socket, heard) = anna.socket(None).await;
        assert_eq!(heard.last().unwrap()["status"], "open");
        let act = format!("/api/messages/{}/actions", said["id"].as_str().unwrap());
        daan.post(&act, json!({ "action": "delete", "reason": "verkeerde klant" })).await.must_be(200);
        // What she said herself may be told once more at the seam.
        let gone = loop {
            let gone = socket.hear_type("message").await;
            if gone["data"]["id"] == said["id"] {
                break gone;
            }
        };
        assert_eq!(gone["data"]["removed"], true);
        let rest = socket.hear_all().await;
        assert!(!rest.iter().any(|frame| frame["type"] == "status"), "{rest:?}");
        // The one they are in is still told of.
        answer_then(house, &daan, &now, "Ook dit is klaar", "closed").await;
        assert_eq!(socket.hear_type("status").await["status"], "closed");
    }

    async fn a_number_that_is_not_ours_starts_afresh_and_so_does_a_long_absence(house) {
        let (_, anna, _) = standing(house).await;
        for number in [1_000_000, -1] {
            let (_, heard) = anna.socket(Some(number)).await;
            assert_eq!((heard.len(), &heard[0]["type"]), (1, &json!("resync")));
        }
        for n in 0..101 {
            house.later(Duration::from_secs(10));
            anna.say(&format!("bericht {n}")).await.must_be(201);
        }
        let (_, heard) = anna.socket(Some(0)).await;
        assert_eq!((heard.len(), &heard[0]["type"]), (1, &json!("resync")));
    }

    async fn visitors_hear_nothing_of_each_other(house) {
        let (sanne, anna, row) = standing(house).await;
        let bram = Visitor::arrive(house, &anna.account).await;
        let (mut his, _) = bram.socket(None).await;
        anna.say("mijn pincode is 1234").await.must_be(201);
        answer(house, &sanne, &row, "Die hoef ik niet te weten").await;
        bram.say("dag").await.must_be(201);
        let mut heard = his.hear_type("message").await.to_string();
        heard.push_str(&format!("{:?}", his.hear_all().await));
        assert!(!heard.contains("1234") && !heard.contains("hoef"), "{heard}");
    }

    async fn typing_and_looking_are_told_both_ways(house) {
        let (sanne, anna, row) = standing(house).await;
        let (mut hers, _) = anna.socket(None).await;
        let mut agents = looks_at(&sanne, &row).await;
        let seen = hers.hear_type("seen").await;
        assert!(seen["up_to"].is_string());
        hers.say(json!({ "type": "typing", "on": true })).await;
        loop {
            let told = agents.hear_type("visitor").await;
            if told["visitor"]["typing"] == true {
                assert_eq!((&told["conversation_id"], &told["visitor"]["online"]), (&row["id"], &json!(true)));
                break;
            }
        }
        hers.say(json!({ "type": "typing", "on": true })).await;
        assert_eq!(hers.hear_type("error").await["code"], "rate_limited");
        hers.say(json!({ "type": "page", "url": "https://korst.example/taart", "title": "Taart" })).await;
        loop {
            let told = agents.hear_type("visitor").await;
            if told["visitor"]["page"]["title"] == "Taart" {
                break;
            }
        }
        agents.say(json!({ "type": "replying", "conversation_id": row["id"], "active": true })).await;
        loop {
            let typing = hers.hear_type("typing").await;
            if typing["on"] == true {
                assert_eq!(typing["name"], "Sanne");
                break;
            }
        }
        drop(hers);
        loop {
            if agents.hear_type("visitor").await["visitor"]["online"] == false {
                break;
            }
        }
    }

    async fn reading_and_getting_are_told_over_the_socket_too(house) {
        let (sanne, anna, row) = standing(house).await;
        let (mut socket, _) = anna.socket(None).await;
        answer(house, &sanne, &row, "hallo").await;
        let said = socket.hear_type("message").await;
        let at = format!("/api/conversations/{}", row["id"].as_str().unwrap());
        socket.say(json!({ "type": "ack", "seq": said["seq"] })).await;
        socket.hear_all().await;
        assert_eq!(sanne.get(&at).await.body["messages"][1]["extra"]["receipt"]["state"], "delivered");
        socket.say(json!({ "type": "read", "up_to": said["data"]["id"] })).await;
        let rest = socket.hear_all().await;
        assert_eq!(sanne.get(&at).await.body["messages"][1]["extra"]["receipt"]["state"], "read");
        assert!(texts(&rest).is_empty(), "a receipt of one's own is no news: {rest:?}");
        socket.say(json!({ "type": "read", "up_to": uuid::Uuid::new_v4() })).await;
        assert_eq!(socket.hear_type("error").await["code"], "not_found");
    }

    async fn who_comes_back_and_lacks_nothing_has_got_everything(house) {
        let (sanne, anna, row) = standing(house).await;
        let (mut socket, _) = anna.socket(None).await;
        answer(house, &sanne, &row, "hallo").await;
        let seen = socket.hear_type("message").await["seq"].as_i64().unwrap();
        let at = format!("/api/conversations/{}", row["id"].as_str().unwrap());
        let receipt = || async { sanne.get(&at).await.body["messages"][1]["extra"]["receipt"]["state"].clone() };
        // What they said of it never came through.
        drop(socket);
        anna.socket(Some(seen - 1)).await;
        assert_eq!(receipt().await, json!(null), "it may not have arrived");
        anna.socket(Some(seen)).await;
        assert_eq!(receipt().await, "delivered");
    }

    async fn who_says_no_hello_or_too_much_is_shown_out(house) {
        let (_, anna, _) = standing(house).await;
        let mut rude = anna.dial().await.unwrap();
        rude.say(json!({ "type": "ping" })).await;
        assert_eq!(rude.hear().await["code"], 1008);
        let mut forged = anna.dial().await.unwrap();
        forged.say(json!({ "type": "hello", "token": "x" })).await;
        assert_eq!(forged.hear().await["code"], 4401);
        let (mut socket, _) = anna.socket(None).await;
        socket.say(json!({ "type": "from-the-future" })).await;
        socket.say(json!("what")).await;
        socket.hear_all().await;
        socket.say(json!({ "type": "hello", "token": "x" })).await;
        assert_eq!(socket.hear_type("close").await["code"], 1008);
        let (mut socket, _) = anna.socket(None).await;
        let _ = socket.0.send(Message::text("x".repeat(100_000))).await;
        loop {
            if socket.hear().await["type"] == "close" {
                break;
            }
        }
        let (mut socket, _) = anna.socket(None).await;
        for _ in 0..300 {
            let _ = socket.0.send(Message::text(r#"{"type":"read","up_to":"00000000-0000-0000-0000-000000000000"}"#)).await;
        }
        loop {
            let frame = socket.hear().await;
            if frame["type"] == "close" {
                assert_eq!(frame["code"], 4429);
                break;
            }
        }
    }

    async fn ten_tabs_are_enough(house) {
        let (_, anna, _) = standing(house).await;
        let mut open = Vec::new();
        for _ in 0..10 {
            open.push(anna.socket(None).await.0);
        }
        let (_, heard) = anna.socket(None).await;
        assert_eq!(heard[0]["code"], 4429);
        drop(open);
    }
}
