//! The live socket, as a page uses it.

use std::time::Duration;

use balie::model::Role;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::at_the_door;
use crate::door::server::{Caller, House, PASSWORD};
use crate::support::{self, mention};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn dial(caller: &Caller) -> Result<Socket, Error> {
    let mut request = format!("{}/api/live", caller.base.replace("http", "ws")).into_client_request().unwrap();
    for (name, value) in [("cookie", &caller.cookie), ("origin", &caller.origin)] {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    tokio_tungstenite::connect_async(request).await.map(|(socket, _)| Socket(socket))
}

fn status_of<T>(outcome: Result<T, Error>) -> u16 {
    match outcome {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => 101,
    }
}

impl Socket {
    async fn open(caller: &Caller, since: Option<i64>) -> (Self, Value) {
        let mut socket = dial(caller).await.unwrap();
        socket.say(json!({ "type": "hello", "since": since })).await;
        let first = socket.hear().await;
        (socket, first)
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(10), self.0.next())
                .await
                .expect("nothing came")
                .unwrap()
                .unwrap();
            match message {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => return json!({ "type": "close", "code": frame.map(|f| u16::from(f.code)) }),
                _ => {}
            }
        }
    }

    async fn hear_type(&mut self, kind: &str) -> Value {
        loop {
            let message = self.hear().await;
            if message["type"] == kind {
                return message;
            }
            assert_ne!(message["type"], "close", "waiting for {kind}");
        }
    }

    /// Waits for the event that brings this row.
    async fn sees(&mut self, snippet: &str) -> i64 {
        loop {
            let message = self.hear_type("events").await;
            for event in message["events"].as_array().unwrap() {
                if event["row"]["snippet"] == snippet {
                    return event["seq"].as_i64().unwrap();
                }
            }
        }
    }
}

async fn arrives(house: &House, account: &balie::store::accounts::Account, id: &str, text: &str) {
    house.desk.ingest(account, "n", &support::batch_of(mention(id, &format!("customer{id}"), text, 0))).await.unwrap();
}

at_the_door! {
    async fn a_mention_reaches_the_page_and_a_page_that_comes_back_misses_nothing(house) {
        let account = support::connect(&house.running.store, "brand").await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let (mut socket, first) = Socket::open(&sanne, None).await;
        assert_eq!(first["type"], "ready");
        arrives(house, &account, "1", "een").await;
        let seen = socket.sees("een").await;
        drop(socket);
        arrives(house, &account, "2", "twee").await;
        arrives(house, &account, "3", "drie").await;
        let (mut socket, first) = Socket::open(&sanne, Some(seen)).await;
        assert_eq!(first["type"], "events");
        let snippets: Vec<&str> = first["events"].as_array().unwrap().iter().filter_map(|e| e["row"]["snippet"].as_str()).collect();
        assert!(snippets.contains(&"twee") && snippets.contains(&"drie") && !snippets.contains(&"een"), "{snippets:?}");
        assert_eq!(socket.hear_type("ready").await["seq"], *house.running.store.watch_events().borrow());
        socket.say(json!({ "type": "ping" })).await;
        socket.hear_type("pong").await;
    }

    async fn a_number_that_is_not_ours_starts_afresh(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let (_socket, first) = Socket::open(&sanne, Some(1_000_000)).await;
        assert_eq!(first["type"], "reset");
    }

    async fn only_our_own_pages_connect_and_only_for_somebody(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        assert_eq!(status_of(dial(&house.stranger()).await), 401);
        for origin in [Some("https://evil.example"), Some("null"), None] {
            let page = Caller { origin: origin.map(str::to_owned), ..sanne.clone() };
            assert_eq!(status_of(dial(&page).await), 403, "{origin:?}");
        }
        let (_socket, first) = Socket::open(&sanne, None).await;
        assert_eq!(first["type"], "ready");
    }

    async fn who_does_not_say_hello_is_shown_out_and_what_is_unknown_is_ignored(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let mut rude = dial(&sanne).await.unwrap();
        rude.say(json!({ "type": "ping" })).await;
        assert_eq!(rude.hear().await["code"], 1008);
        let (mut socket, _) = Socket::open(&sanne, None).await;
        socket.say(json!({ "type": "from-the-future" })).await;
        socket.say(json!("what")).await;
        socket.say(json!({ "type": "ping" })).await;
        socket.hear_type("pong").await;
        socket.0.send(Message::binary(vec![0, 159])).await.unwrap();
        assert_eq!(socket.hear().await["code"], 1008);
        let (mut socket, _) = Socket::open(&sanne, None).await;
        let _ = socket.0.send(Message::text("x".repeat(100_000))).await;
        let end = tokio::time::timeout(Duration::from_secs(10), async { while let Some(Ok(_)) = socket.0.next().await {} }).await;
        assert!(end.is_ok(), "a huge frame ends the line");
    }

    async fn colleagues_see_who_looks_and_writes_among_those_who_may_look(house) {
        let account = support::connect(&house.running.store, "brand").await;
        let (sanne, daan) = (house.signed_in("Sanne", Role::Agent).await, house.signed_in("Daan", Role::Agent).await);
        arrives(house, &account, "1", "een").await;
        let id = sanne.get("/api/conversations").await.body["items"][0]["id"].clone();
        let (mut hers, _) = Socket::open(&sanne, None).await;
        let (mut his, _) = Socket::open(&daan, None).await;
        hers.say(json!({ "type": "viewing", "conversation_id": id })).await;
        hers.hear_type("presence").await;
        his.say(json!({ "type": "viewing", "conversation_id": id })).await;
        let both = hers.hear_type("presence").await;
        assert_eq!(both["viewers"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect::<Vec<_>>(), ["Daan", "Sanne"]);
        his.say(json!({ "type": "replying", "conversation_id": id, "active": true })).await;
        assert_eq!(hers.hear_type("presence").await["viewers"][0]["replying"], true);
        let opened = sanne.get(&format!("/api/conversations/{}", id.as_str().unwrap())).await.body;
        assert_eq!(opened["viewers"].as_array().unwrap().len(), 2);
        drop(his);
        assert_eq!(hers.hear_type("presence").await["viewers"].as_array().unwrap().len(), 1);
    }

    async fn a_session_that_is_signed_out_ends_its_sockets_at_once_and_no_others(house) {
        let here = house.signed_in("Sanne", Role::Agent).await;
        let there = house.sign_in("Sanne").await;
        let (mut ends, _) = Socket::open(&here, None).await;
        let (mut stays, _) = Socket::open(&there, None).await;
        here.call("DELETE", "/api/session", json!(null)).await.must_be(204);
        // Nobody moves the clock and `hear` waits for ten seconds: less than the half minute after which a socket looks by itself.
        assert_eq!(ends.hear().await, json!({ "type": "close", "code": 4401 }));
        stays.say(json!({ "type": "ping" })).await;
        stays.hear_type("pong").await;
    }

    async fn another_password_ends_the_sockets_of_every_other_browser_at_once(house) {
        let here = house.signed_in("Sanne", Role::Agent).await;
        let there = house.sign_in("Sanne").await;
        let (mut stays, _) = Socket::open(&here, None).await;
        let (mut ends, _) = Socket::open(&there, None).await;
        here.post("/api/me/password", json!({ "current": PASSWORD, "new": "nog een lange zin" })).await.must_be(204);
        loop {
            let heard = ends.hear().await;
            if heard["type"] == "close" {
                assert_eq!(heard["code"], 4401);
                break;
            }
        }
        stays.say(json!({ "type": "ping" })).await;
        stays.hear_type("pong").await;
    }

    async fn who_is_put_out_is_cut_off(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let id = sanne.get("/api/me").await.body["id"].as_str().unwrap().to_owned();
        let (mut socket, _) = Socket::open(&sanne, None).await;
        chief.call("PATCH", &format!("/api/users/{id}"), json!({ "enabled": false })).await.must_be(200);
        loop {
            if socket.hear().await["type"] == "close" {
                break;
            }
        }
        assert_eq!(status_of(dial(&sanne).await), 401);
    }

    async fn the_board_is_for_who_supervises(house) {
        let (chief, sanne) = (house.signed_in("Chief", Role::Supervisor).await, house.signed_in("Sanne", Role::Agent).await);
        let (mut hers, _) = Socket::open(&sanne, None).await;
        hers.say(json!({ "type": "board", "on": true })).await;
        let (mut his, _) = Socket::open(&chief, None).await;
        his.say(json!({ "type": "board", "on": true })).await;
        assert_eq!(his.hear_type("load").await["load"]["agents"].as_array().unwrap().len(), 3);
        hers.say(json!({ "type": "ping" })).await;
        assert_eq!(hers.hear().await["type"], "pong", "no board for an agent");
    }
}
