//! What somebody might try, and what comes of it: nothing lost, nothing seen, nothing run, no 500.

use std::time::Duration;

use balie::model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::story::PNG;
use super::{SITE, Visitor, a_minute_passes, answer, chat, connect, only};
use crate::at_the_door;
use crate::door::server::Caller;

at_the_door! {
    async fn a_site_that_is_not_on_the_list_gets_nothing(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        for origin in ["https://evil.example", "null", "http://korst.example", "https://korst.example.evil.example", "https://korst.example:8443", "", "file://"] {
            let evil = Visitor { caller: Caller { origin: Some(origin.to_owned()), ..anna.caller.clone() }, ..anna.clone() };
            for answer in [evil.get("config").await, evil.get("messages").await, evil.post("session", json!({})).await, evil.say("dag").await] {
                answer.must_turn_away(403, "origin_not_allowed");
                assert_eq!(answer.headers["access-control-allow-origin"], "*", "the site may read why");
            }
            assert!(evil.dial().await.is_err(), "{origin}");
        }
        // The page in our own frame, and a program without a browser.
        for origin in [Some(house.url.clone()), None] {
            let own = Visitor { caller: Caller { origin, ..anna.caller.clone() }, ..anna.clone() };
            own.get("messages").await.must_be(200);
        }
    }

    async fn a_token_opens_its_own_thread_at_its_own_door_only(house) {
        let (admin, account) = chat(house, json!({})).await;
        let other = connect(&admin, "Anders", json!({})).await;
        let (anna, bram) = (Visitor::arrive(house, &account).await, Visitor::arrive(house, &account).await);
        let hers = anna.say("van Anna").await.must_be(201)["id"].as_str().unwrap().to_owned();
        bram.say("van Bram").await.must_be(201);
        assert_eq!(bram.texts().await, ["van Bram"]);
        bram.get(&format!("messages?before={hers}")).await.must_turn_away(404, "not_found");
        bram.post("read", json!({ "up_to": hers })).await.must_turn_away(404, "not_found");
        let elsewhere = Visitor { account: other.clone(), ..anna.clone() };
        elsewhere.get("messages").await.must_turn_away(401, "token_invalid");
        for token in ["", "x", "' OR 1=1 --", &"a".repeat(5000)] {
            let forged = Visitor { caller: Caller { token: Some(token.to_owned()), ..anna.caller.clone() }, ..anna.clone() };
            forged.get("messages").await.must_turn_away(401, "token_invalid");
        }
        let without = Visitor { caller: Caller { token: None, ..anna.caller.clone() }, ..anna.clone() };
        without.get("messages").await.must_turn_away(401, "token_invalid");
        // It opens nothing of the agents' side.
        assert_eq!(anna.caller.get("/api/conversations").await.status, 401);
        // And an agent's session opens nothing here.
        let agent = house.signed_in("Sanne", Role::Agent).await;
        assert_eq!(agent.get(&format!("/visit/{account}/messages")).await.status, 401);
    }

    async fn notes_refused_answers_and_other_peoples_words_stay_inside(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::arrive(house, &account).await;
        anna.say("dag").await.must_be(201);
        let (mut socket, _) = anna.socket(None).await;
        let row = only(&sanne, "open").await;
        let at = format!("/api/conversations/{}", row["id"].as_str().unwrap());
        sanne.post(&format!("{at}/notes"), json!({ "text": "GEHEIM zeurt altijd" })).await.must_be(201);
        sanne.post(&format!("{at}/tags"), json!({ "name": "GEHEIM lastig" })).await.must_be(200);
        let said = answer(house, &sanne, &row, "Hallo").await;
        let heard = socket.hear_type("message").await;
        assert_eq!(heard["data"]["text"], "Hallo");
        let rest = socket.hear_all().await;
        let all = format!("{heard} {rest:?} {}", anna.get("messages?after=0").await.text);
        assert!(!all.contains("GEHEIM"), "{all}");
        for inside in ["claim", "assignee", "user_id", "contact", "team", "conversation_id"] {
            assert!(!all.contains(inside), "{inside}: {all}");
        }
        // Taken back by the agent: gone for the visitor, kept for us.
        sanne.post(&format!("/api/messages/{}/actions", said["id"].as_str().unwrap()), json!({ "action": "delete", "reason": "verkeerde klant" })).await.must_be(200);
        let gone = socket.hear_type("message").await;
        assert_eq!((&gone["data"]["removed"], &gone["data"]["text"]), (&json!(true), &json!("")));
        assert_eq!(anna.texts().await, ["dag", ""]);
    }

    async fn flooding_is_stopped_before_it_costs(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        for n in 0..10 {
            anna.say(&format!("bericht {n}")).await.must_be(201);
        }
        let stopped = anna.say("nog een").await;
        stopped.must_turn_away(429, "rate_limited");
        assert_eq!(stopped.headers["retry-after"], "60");
        assert_eq!(stopped.body["error"]["retry_after"], 60);
        for _ in 0..4 {
            Visitor::arrive(house, &account).await;
        }
        Visitor::new(house, &account).post("session", json!({})).await.must_turn_away(429, "rate_limited");
        anna.get("messages").await.must_be(200);
        a_minute_passes(house);
        anna.say("nu wel").await.must_be(201);
        let mut refused = 0;
        for _ in 0..620 {
            refused += usize::from(anna.get("config").await.status == 429);
        }
        assert!(refused > 10, "{refused}");
    }

    async fn what_is_too_large_or_of_a_wrong_kind_is_refused(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        anna.say(&"x".repeat(10_001)).await.must_turn_away(413, "too_large");
        anna.say(&"x".repeat(2_000_000)).await.must_turn_away(413, "too_large");
        anna.say("  \n ").await.must_turn_away(422, "incomplete");
        anna.upload("plaatje.png", b"<!doctype html><script>alert(1)</script>").await.must_turn_away(415, "unsupported_type");
        anna.upload("plaatje.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").await.must_turn_away(415, "unsupported_type");
        anna.upload("leeg.png", b"").await.must_turn_away(415, "unsupported_type");
        anna.upload("vierde.png", PNG).await.must_turn_away(429, "rate_limited");
        a_minute_passes(house);
        let mut large = PNG.to_vec();
        large.resize(10 * 1024 * 1024 + 1, 0);
        anna.upload("groot.png", &large).await.must_turn_away(413, "too_large");
        let file = anna.upload("../..\\etc/passwd;X: y.png", PNG).await.must_be(201);
        let name = file["name"].as_str().unwrap();
        assert!(!name.contains(['/', '\\']), "{name}");
        let ids = json!([file["id"], file["id"], file["id"], file["id"], file["id"]]);
        anna.post("messages", json!({ "client_id": uuid::Uuid::new_v4(), "text": "x", "files": ids })).await.must_turn_away(413, "too_large");
    }

    async fn a_file_that_nobody_sends_goes_and_its_content_with_it(house) {
        let (_, account) = chat(house, json!({})).await;
        let (anna, bram) = (Visitor::arrive(house, &account).await, Visitor::arrive(house, &account).await);
        let picture = |n: u8| [PNG, &[n]].concat();
        for n in 0..8 {
            anna.upload("foto.png", &picture(n)).await.must_be(201);
            a_minute_passes(house);
        }
        anna.upload("foto.png", &picture(8)).await.must_turn_away(409, "not_possible");
        let file = bram.upload("foto.png", &picture(0)).await.must_be(201);
        bram.post("messages", json!({ "client_id": uuid::Uuid::new_v4(), "files": [file["id"]] })).await.must_be(201);
        anna.upload("foto.png", &picture(8)).await.must_be(201);

        let kept = async || {
            let mut kept = Vec::new();
            for n in 0..9 {
                kept.extend(house.desk.read_media(&balie::secret::digest(&picture(n))).await.is_ok().then_some(n));
            }
            kept
        };
        house.desk.tidy_visits().await.unwrap();
        assert_eq!(kept().await, [0, 1, 2, 3, 4, 5, 6, 7, 8], "nothing is old");
        house.later(Duration::from_secs(86_401));
        house.desk.tidy_visits().await.unwrap();
        assert_eq!(kept().await, [0], "somebody sent it");
        anna.upload("foto.png", &picture(1)).await.must_be(201);
        assert_eq!(kept().await, [0, 1]);
    }

    async fn a_chat_without_files_reads_none_and_a_stalled_one_leaves_room_for_others(house) {
        let (admin, account) = chat(house, json!({})).await;
        let (anna, bram) = (Visitor::arrive(house, &account).await, Visitor::arrive(house, &account).await);
        let mut stalled = Vec::new();
        for visitor in [&anna, &anna, &bram, &bram] {
            let token = visitor.caller.token.clone().unwrap();
            let mut line = tokio::net::TcpStream::connect(house.running.address).await.unwrap();
            let head = format!(
                "POST /visit/{account}/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\n\
                 content-type: multipart/form-data; boundary=x\r\ncontent-length: 1000000\r\n\r\n"
            );
            line.write_all(head.as_bytes()).await.unwrap();
            let mut answer = [0; 12];
            line.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 100", "it waits for the file now");
            stalled.push(line);
        }
        let full = bram.upload("foto.png", PNG).await;
        full.must_turn_away(429, "rate_limited");
        assert_eq!(full.headers["retry-after"], "5");

        let none = connect(&admin, "Zonder", json!({ "files": false })).await;
        let carla = Visitor::arrive(house, &none).await;
        carla.upload("groot.png", &vec![0; 26 * 1024 * 1024]).await.must_turn_away(409, "not_possible");
    }

    async fn a_picture_with_a_page_behind_it_is_never_a_page(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        let mut both = PNG.to_vec();
        both.extend_from_slice(b"<html><script>alert(1)</script></html>");
        let file = anna.upload("a.html", &both).await.must_be(201);
        let said = anna.post("messages", json!({ "client_id": uuid::Uuid::new_v4(), "files": [file["id"]] })).await.must_be(201);
        let got = anna.caller.get(said["files"][0]["url"].as_str().unwrap()).await;
        assert_eq!((got.headers["content-type"].to_str().unwrap(), got.headers["x-content-type-options"].to_str().unwrap()), ("image/png", "nosniff"));
        assert!(got.headers["content-security-policy"].to_str().unwrap().starts_with("sandbox; default-src 'none'"));
        let pdf = anna.upload("rekening.pdf", b"%PDF-1.7\n<script>").await.must_be(201);
        let said = anna.post("messages", json!({ "client_id": uuid::Uuid::new_v4(), "files": [pdf["id"]] })).await.must_be(201);
        let got = anna.caller.get(said["files"][0]["url"].as_str().unwrap()).await;
        assert_eq!(got.headers["content-type"], "application/octet-stream");
        assert!(got.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    }

    async fn broken_calls_are_refused_and_never_a_failure_of_ours(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        let raw = |method: Method, path: String, body: Vec<u8>| {
            let caller = anna.caller.clone();
            async move { caller.send(caller.request(method, &path).header("content-type", "application/json").body(body)).await }
        };
        let base = format!("/visit/{account}");
        for body in [&b"{"[..], b"[]", b"\xff\xfe", b"{\"text\": 5}", b"{\"client_id\": \"x\"}", b"{\"files\": \"x\"}", b"null", &b"[".repeat(100_000)] {
            for path in ["messages", "offline", "identify", "rating", "read", "session"] {
                let answer = raw(Method::POST, format!("{base}/{path}"), body.to_vec()).await;
                assert!(answer.status < 500 && (answer.status == 200 || answer.body["error"]["code"].is_string()), "{path}: {} {}", answer.status, answer.text);
            }
            a_minute_passes(house);
        }
        for path in ["messages?after=x", "messages?before=x", "messages?limit=-5", "messages?after=-9223372036854775808", "messages?limit=99999999999999999999", "config?locale=a&locale=b"] {
            let answer = anna.get(path).await;
            assert!(answer.status == 200 || answer.status == 400 && answer.body["error"]["code"] == "invalid", "{path}: {}", answer.text);
        }
        anna.post("messages", json!({ "client_id": uuid::Uuid::new_v4(), "text": "a\u{0}b", "fields": { "name": "\u{0}" }, "page": { "url": "\u{0}", "title": "\u{0}" } })).await.must_be(201);
        assert_eq!(anna.texts().await, ["ab"]);
        anna.post("messages", json!({ "client_id": uuid::Uuid::new_v4(), "text": "kopen!", "website": "https://spam.example" })).await.must_turn_away(400, "invalid");
        for account in ["x", "00000000-0000-0000-0000-000000000000", "..%2f..", ""] {
            let nowhere = Visitor { account: account.to_owned(), ..anna.clone() };
            assert_eq!(nowhere.get("config").await.status, 404, "{account}");
        }
        assert_eq!(anna.caller.call("PUT", &format!("{base}/messages"), Value::Null).await.status, 405);
    }

    async fn an_account_of_another_channel_or_switched_off_is_no_door(house) {
        let (admin, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        let post = crate::support::connect(&house.running.store, "brand").await;
        Visitor { account: post.id.to_string(), ..anna.clone() }.get("config").await.must_turn_away(404, "inbox_disabled");
        admin.call("PATCH", &format!("/api/accounts/{account}"), json!({ "enabled": false })).await.must_be(200);
        anna.get("messages").await.must_turn_away(404, "inbox_disabled");
        admin.call("PATCH", &format!("/api/accounts/{account}"), json!({ "enabled": true })).await.must_be(200);
        anna.get("messages").await.must_be(200);
    }

    async fn whoever_is_blocked_is_out_everywhere(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let rude = Visitor::arrive(house, &account).await;
        rude.say("!!!").await.must_be(201);
        let row = only(&sanne, "open").await;
        let opened = sanne.get(&format!("/api/conversations/{}", row["id"].as_str().unwrap())).await.must_be(200);
        let message = &opened["messages"][0];
        assert_eq!(message["actions"], json!(["block"]));
        sanne.post(&format!("/api/messages/{}/actions", message["id"].as_str().unwrap()), json!({ "action": "block", "reason": "scheldt" })).await.must_be(200);
        rude.say("?").await.must_turn_away(403, "blocked");
        rude.get("messages").await.must_turn_away(403, "blocked");
        let (_, heard) = rude.socket(None).await;
        assert_eq!(heard[0]["code"], 4403);
        let other = Visitor::arrive(house, &account).await;
        other.say("dag").await.must_be(201);
        house.later(Duration::from_secs(1));
        // It was a mistake: what was done is offered no more, and what undoes it is.
        let at = format!("/api/conversations/{}", row["id"].as_str().unwrap());
        let opened = sanne.get(&at).await.must_be(200);
        assert_eq!(opened["messages"][0]["actions"], json!(["unblock"]));
        let act = format!("/api/messages/{}/actions", message["id"].as_str().unwrap());
        sanne.post(&act, json!({ "action": "block", "reason": "nog eens" })).await.must_refuse(422, "moderate.not_possible");
        let changed = sanne.post(&act, json!({ "action": "unblock" })).await.must_be(200);
        assert_eq!(changed["actions"], json!(["block"]));
        assert_eq!(rude.texts().await, ["!!!"]);
        rude.say("sorry").await.must_be(201);
        let opened = sanne.get(&at).await.must_be(200);
        assert!(opened["log"].as_array().unwrap().iter().any(|line| line["data"]["action"] == "unblock"));
    }

    async fn settings_that_cannot_be_read_are_refused_when_they_are_entered(house) {
        let (admin, _) = chat(house, json!({})).await;
        for (key, value) in [("origins", "korst.example"), ("hours", "altijd"), ("timezone", "Mars"), ("prechat", "?"), ("triggers", "x"), ("color", "red;}")] {
            let mut settings = json!({ "name": "Nieuw", "origins": SITE });
            settings[key] = json!(value);
            let answer = admin.post("/api/accounts", json!({ "channel": "webchat", "settings": settings })).await;
            answer.must_refuse(422, &format!("setting.{key}"));
            assert!(answer.body["cures"]["nl"].is_string());
        }
        admin.post("/api/accounts", json!({ "channel": "webchat", "settings": { "name": "X", "origins": SITE, "identity": "misschien" } })).await.must_refuse(422, "account.field");
    }
}
