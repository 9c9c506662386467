//! What a visitor and an agent do with each other, and what survives it.

use std::time::Duration;

use balie::model::Role;
use serde_json::{Value, json};

use super::{SITE, Visitor, a_minute_passes, answer, answer_then, chat, only};
use crate::at_the_door;

at_the_door! {
    async fn a_visitor_asks_an_agent_answers_and_both_see_it(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::arrive(house, &account).await;
        let said = anna.say("Waar blijft mijn brood?").await.must_be(201);
        assert_eq!((&said["from"], &said["text"], &said["seen"]), (&json!("visitor"), &json!("Waar blijft mijn brood?"), &json!(false)));
        let row = only(&sanne, "open").await;
        assert_eq!((&row["snippet"], &row["lane"], &row["channel"]), (&json!("Waar blijft mijn brood?"), &json!("private"), &json!("webchat")));

        answer(house, &sanne, &row, "Onderweg!\n[Dank je] [Hoe laat?]").await;
        let page = anna.get("messages").await.must_be(200);
        let lines = page["messages"].as_array().unwrap();
        assert_eq!((lines.len(), &lines[0]["seen"]), (2, &json!(true)));
        assert_eq!((&lines[1]["from"], &lines[1]["name"], &lines[1]["text"]), (&json!("agent"), &json!("Sanne"), &json!("Onderweg!")));
        assert_eq!(lines[1]["quick_replies"], json!(["Dank je", "Hoe laat?"]));

        let opened = sanne.get(&format!("/api/conversations/{}", row["id"].as_str().unwrap())).await.must_be(200);
        let receipt = |opened: &Value| opened["messages"].as_array().unwrap()[1]["extra"]["receipt"]["state"].clone();
        assert_eq!(receipt(&opened), "delivered", "fetching is getting it");
        assert_eq!(anna.post("read", json!({ "up_to": lines[1]["id"] })).await.status, 204);
        let opened = sanne.get(&format!("/api/conversations/{}", row["id"].as_str().unwrap())).await.must_be(200);
        assert_eq!(receipt(&opened), "read");

        anna.say("Hoe laat?").await.must_be(201);
        assert_eq!(only(&sanne, "open").await["id"], row["id"], "the same conversation waits again");
    }

    async fn the_same_words_under_one_id_are_said_once(house) {
        let (admin, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        let body = json!({ "client_id": "0b2c1d7e-4a41-4f0e-9d6a-111111111111", "text": "Dag" });
        let first = anna.post("messages", body.clone()).await.must_be(201);
        for _ in 0..15 {
            // Repeating costs nothing of what a visitor may say.
            let again = anna.post("messages", body.clone()).await.must_be(200);
            assert_eq!(again["id"], first["id"]);
        }
        let both = tokio::join!(
            anna.post("messages", json!({ "client_id": "0b2c1d7e-4a41-4f0e-9d6a-222222222222", "text": "Tegelijk" })),
            anna.post("messages", json!({ "client_id": "0b2c1d7e-4a41-4f0e-9d6a-222222222222", "text": "Tegelijk" })),
        );
        assert!(both.0.status / 100 == 2 && both.1.status / 100 == 2, "{} {}", both.0.text, both.1.text);
        assert_eq!(both.0.body["id"], both.1.body["id"]);
        let other = json!({ "client_id": "0b2c1d7e-4a41-4f0e-9d6a-111111111111", "text": "Iets anders" });
        anna.post("messages", other.clone()).await.must_turn_away(409, "client_id_reused");
        assert_eq!(anna.texts().await, ["Dag", "Tegelijk"]);
        // Another visitor's ids are their own.
        let bram = Visitor::arrive(house, &account).await;
        bram.post("messages", other).await.must_be(201);
        assert_eq!(admin.get("/api/conversations?status=open").await.body["items"].as_array().unwrap().len(), 2);
    }

    async fn a_page_is_read_back_in_pieces_and_forward_from_a_number(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        for n in 0..9 {
            house.later(Duration::from_secs(10));
            anna.say(&format!("bericht {n}")).await.must_be(201);
        }
        let (mut seen, mut before) = (Vec::new(), String::new());
        loop {
            let page = anna.get(&format!("messages?limit=4{before}")).await.must_be(200);
            let lines = page["messages"].as_array().unwrap().clone();
            seen.splice(0..0, lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()));
            before = format!("&before={}", lines[0]["id"].as_str().unwrap());
            if page["more"] == false {
                break;
            }
        }
        assert_eq!(seen, (0..9).map(|n| format!("bericht {n}")).collect::<Vec<_>>());
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let page = anna.get(&format!("messages?limit=4&after={after}")).await.must_be(200);
            seen.extend(page["messages"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned()));
            after = page["seq"].as_i64().unwrap();
            if page["more"] == false {
                break;
            }
        }
        assert_eq!(seen, (0..9).map(|n| format!("bericht {n}")).collect::<Vec<_>>());
        let page = anna.get(&format!("messages?after={after}")).await.must_be(200);
        assert_eq!(page["messages"], json!([]));
    }

    async fn a_session_goes_on_with_its_token_and_not_without(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        anna.say("Dag").await.must_be(201);
        let again = anna.post("session", json!({})).await.must_be(200);
        assert_eq!((&again["token"], &again["messages"][0]["text"]), (&json!(anna.caller.token), &json!("Dag")));
        house.later(Duration::from_secs(170 * 86_400));
        anna.get("messages").await.must_be(200);
        house.later(Duration::from_secs(170 * 86_400));
        anna.get("messages").await.must_be(200);
        house.later(Duration::from_secs(181 * 86_400));
        anna.get("messages").await.must_turn_away(401, "token_invalid");
        let bram = Visitor::arrive(house, &account).await;
        assert_eq!(bram.delete("session").await.status, 204);
        bram.get("messages").await.must_turn_away(401, "token_invalid");
    }

    async fn who_said_nothing_and_cannot_come_back_is_forgotten(house) {
        let (_, account) = chat(house, json!({})).await;
        let (silent, speaking, gone) = (Visitor::arrive(house, &account).await, Visitor::arrive(house, &account).await, Visitor::arrive(house, &account).await);
        speaking.say("Dag").await.must_be(201);
        let door = house.desk.door(account.parse().unwrap()).await.unwrap();
        let mut ids = Vec::new();
        for visitor in [&silent, &speaking, &gone] {
            ids.push(house.desk.guest(&door, visitor.caller.token.as_deref().unwrap()).await.unwrap().id);
        }
        assert_eq!(gone.delete("session").await.status, 204);
        let left = async || {
            house.desk.tidy_visits().await.unwrap();
            let mut left = Vec::new();
            for id in &ids {
                left.push(house.running.store.visitor(*id).await.unwrap().is_some());
            }
            left
        };
        house.later(Duration::from_secs(170 * 86_400));
        assert_eq!(left().await, [true, true, false], "a token may still bring them back");
        house.later(Duration::from_secs(20 * 86_400));
        assert_eq!(left().await, [false, true, false], "what was said keeps who said it");
    }

    async fn closing_asks_for_a_rating_and_a_rating_wakes_nobody(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::arrive(house, &account).await;
        anna.post("rating", json!({ "score": 5 })).await.must_turn_away(409, "not_possible");
        anna.say("Dag").await.must_be(201);
        let row = only(&sanne, "open").await;
        answer_then(house, &sanne, &row, "Tot ziens", "closed").await;
        assert_eq!(anna.get("messages").await.body["status"], "closed");
        anna.post("rating", json!({ "score": 9 })).await.must_turn_away(400, "invalid");
        assert_eq!(anna.post("rating", json!({ "score": 4, "comment": "Vlot" })).await.status, 204);
        a_minute_passes(house);
        assert_eq!(anna.post("rating", json!({ "score": 5, "comment": "Heel vlot" })).await.status, 204);
        let row = only(&sanne, "closed").await;
        let opened = sanne.get(&format!("/api/conversations/{}", row["id"].as_str().unwrap())).await.must_be(200);
        let ratings: Vec<&Value> = opened["messages"].as_array().unwrap().iter().filter(|m| m["automatic"] == "notice").collect();
        assert_eq!((ratings.len(), &ratings[0]["text"]), (1, &json!("★★★★★\nHeel vlot")));
        let rest = format!("{}{}", ratings[0]["extra"], ratings[0]["meta"]);
        assert!(!rest.contains("4 / 5") && !rest.contains("Vlot"), "nothing of the first is left: {rest}");
        assert_eq!(anna.texts().await, ["Dag", "Tot ziens"], "a rating is no message");
        anna.say("Toch nog iets").await.must_be(201);
        assert_eq!(only(&sanne, "open").await["id"], row["id"]);
        assert_eq!(anna.get("messages").await.body["status"], "open");
    }

    async fn a_visitor_ends_the_chat_and_may_begin_again(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::arrive(house, &account).await;
        assert_eq!(anna.post("end", json!({})).await.status, 204);
        anna.say("Dag").await.must_be(201);
        let claimed = only(&sanne, "open").await;
        sanne.post(&format!("/api/conversations/{}/claim", claimed["id"].as_str().unwrap()), Value::Null).await.must_be(200);
        assert_eq!(anna.post("end", json!({})).await.status, 204);
        assert_eq!(anna.post("end", json!({})).await.status, 204);
        let row = only(&sanne, "closed").await;
        assert!(row["claim"].is_null(), "nobody holds what is closed: {row}");
        let opened = sanne.get(&format!("/api/conversations/{}", row["id"].as_str().unwrap())).await.must_be(200);
        assert_eq!(opened["log"].as_array().unwrap().last().unwrap()["data"], json!({ "status": "closed", "by": "visitor" }));
        anna.say("Nog iets").await.must_be(201);
        assert_eq!(only(&sanne, "open").await["id"], row["id"]);
    }

    async fn what_is_asked_before_the_chat_stands_at_its_first_words(house) {
        let (_, account) = chat(house, json!({ "prechat": "name*\nemail\ntopic*: Onderwerp = Bestelling, Retour" })).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::arrive(house, &account).await;
        let refused = anna.say("Dag").await;
        refused.must_turn_away(422, "incomplete");
        assert_eq!(refused.body["error"]["field"], "name");
        let body = |fields: Value| json!({
            "client_id": uuid::Uuid::new_v4(), "text": "Dag", "fields": fields, "page": { "url": "https://korst.example/brood", "title": "Brood" },
        });
        anna.post("messages", body(json!({ "name": "Anna", "topic": "Anders" }))).await.must_turn_away(400, "invalid");
        anna.post("messages", body(json!({ "name": "Anna", "email": "anna@x.nl", "topic": "Retour" }))).await.must_be(201);
        let row = only(&sanne, "open").await;
        assert_eq!(row["contact"]["name"], "Anna");
        let opened = sanne.get(&format!("/api/conversations/{}", row["id"].as_str().unwrap())).await.must_be(200);
        let fields = opened["messages"][0]["extra"]["fields"].as_array().unwrap();
        let labels: Vec<&str> = fields.iter().map(|field| field["label"].as_str().unwrap()).collect();
        assert_eq!(labels, ["Naam", "E-mailadres", "Onderwerp", "Pagina"]);
        anna.say("Nog iets").await.must_be(201);
        let again = anna.post("session", json!({})).await.must_be(200);
        assert_eq!((&again["visitor"]["name"], &again["visitor"]["email"], &again["visitor"]["verified"]), (&json!("Anna"), &json!("anna@x.nl"), &json!(false)));
    }

    async fn opening_hours_are_told_and_what_is_left_when_closed_waits(house) {
        // The story begins on Monday 2 March 2026 at 10:14 in Amsterdam.
        let (_, account) = chat(house, json!({ "hours": "mon-fri 09:00-17:00", "expected_wait": "hours", "away": "Morgen weer!" })).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::new(house, &account);
        let config = anna.get("config?locale=nl").await.must_be(200);
        assert_eq!((&config["open"], &config["opens_at"], &config["expected_wait"]), (&json!(true), &json!(null), &json!("hours")));
        house.later(Duration::from_secs(8 * 3600));
        let config = anna.get("config?locale=en").await.must_be(200);
        assert_eq!((&config["open"], &config["opens_at"]), (&json!(false), &json!(1_772_524_800_000_i64)));
        assert_eq!((&config["language"], &config["texts"]["away"], &config["expected_wait"]), (&json!("en"), &json!("Morgen weer!"), &json!(null)));

        let anna = Visitor::arrive(house, &account).await;
        let left = |email: &str| json!({ "client_id": "0b2c1d7e-4a41-4f0e-9d6a-333333333333", "name": "Anna", "email": email, "text": "Bel mij" });
        anna.post("offline", left("")).await.must_turn_away(422, "incomplete");
        anna.post("offline", left("geen adres")).await.must_turn_away(400, "invalid");
        assert_eq!(anna.post("offline", left("Anna@X.nl")).await.must_be(201)["by"], "chat");
        anna.post("offline", left("anna@x.nl")).await.must_be(200);
        let row = only(&sanne, "open").await;
        assert_eq!((&row["snippet"], &row["contact"]["name"]), (&json!("Bel mij"), &json!("Anna")));
    }

    async fn a_file_goes_both_ways_and_is_shown_to_its_visitor_alone(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::arrive(house, &account).await;
        let file = anna.upload("bon.png", PNG).await.must_be(201);
        assert_eq!((&file["mime"], &file["name"]), (&json!("image/png"), &json!("bon.png")));
        let body = json!({ "client_id": uuid::Uuid::new_v4(), "text": "", "files": [file["id"]] });
        let said = anna.post("messages", body).await.must_be(201);
        let shown = &said["files"][0];
        assert_eq!((&shown["kind"], &shown["mime"], &shown["state"]), (&json!("image"), &json!("image/png"), &json!("stored")));
        let address = shown["url"].as_str().unwrap();
        let mut nobody = house.stranger();
        nobody.origin = None;
        let got = nobody.get(address).await;
        assert_eq!((got.status, got.headers["content-type"].to_str().unwrap()), (200, "image/png"));
        assert!(got.headers["content-security-policy"].to_str().unwrap().starts_with("sandbox"));
        assert!(got.headers["content-disposition"].to_str().unwrap().starts_with("inline"));
        assert_eq!(got.headers["x-content-type-options"], "nosniff");
        let row = only(&sanne, "open").await;
        let opened = sanne.get(&format!("/api/conversations/{}", row["id"].as_str().unwrap())).await.must_be(200);
        assert_eq!(opened["messages"][0]["attachments"][0]["name"], "bon.png");
        // Of another's file, and with an address that was bent, there is nothing.
        let bram = Visitor::arrive(house, &account).await;
        let stolen = json!({ "client_id": uuid::Uuid::new_v4(), "text": "x", "files": [file["id"]] });
        bram.post("messages", stolen).await.must_turn_away(404, "not_found");
        for bent in [address.replace("until=1", "until=2"), format!("{address}0"), address.replace("mark=", "mark=0"), address.split('?').next().unwrap().to_owned()] {
            nobody.get(&bent).await.must_turn_away(404, "not_found");
        }
        house.later(Duration::from_secs(3 * 86_400));
        nobody.get(address).await.must_turn_away(404, "not_found");
        let fresh = anna.get("messages").await.body["messages"][0]["files"][0]["url"].as_str().unwrap().to_owned();
        assert_eq!(nobody.get(&fresh).await.status, 200);
    }

    async fn a_transcript_holds_what_the_visitor_saw(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let anna = Visitor::arrive(house, &account).await;
        anna.say("Dag").await.must_be(201);
        let row = only(&sanne, "open").await;
        sanne.post(&format!("/api/conversations/{}/notes", row["id"].as_str().unwrap()), json!({ "text": "lastige klant" })).await.must_be(201);
        answer(house, &sanne, &row, "Hallo").await;
        let got = anna.get("transcript").await;
        assert!(got.text.contains("Dag") && got.text.contains("Sanne (Korst):\nHallo") && !got.text.contains("lastig"), "{}", got.text);
        assert!(got.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
        anna.post("transcript", json!({ "email": "a@b.nl" })).await.must_turn_away(409, "not_possible");
    }

    async fn the_page_in_the_frame_may_be_framed_by_the_sites_of_the_account_and_by_nobody_else(house) {
        let (_, account) = chat(house, json!({ "origins": "https://korst.example\nhttps://*.korst.example" })).await;
        let browser = house.stranger();
        let got = browser.get(&format!("/widget/frame?account={account}")).await;
        let policy = got.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("frame-ancestors 'self' https://korst.example https://*.korst.example"), "{policy}");
        assert!(!policy.contains("unsafe") && !got.headers.contains_key("x-frame-options"));
        browser.get("/widget/frame?account=nobody").await.must_turn_away(404, "inbox_disabled");
        browser.get("/widget/frame").await.must_turn_away(404, "inbox_disabled");
        assert_eq!(browser.get("/demo").await.status, 404, "no playground, no shop");
        // Our own pages stay where they are.
        assert_eq!(browser.get("/").await.headers["x-frame-options"], "DENY");
    }

    async fn a_site_on_the_list_may_read_the_config_and_is_told_so(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::new(house, &account);
        let got = anna.get("config").await;
        assert_eq!((got.status, got.headers["access-control-allow-origin"].to_str().unwrap()), (200, SITE));
        assert!(got.headers.get_all("vary").iter().any(|vary| vary == "origin"));
        assert!(!got.headers.contains_key("access-control-allow-credentials") && !got.headers.contains_key("set-cookie"));
        let asked = anna.caller.call("OPTIONS", &format!("/visit/{account}/messages"), Value::Null).await;
        assert_eq!((asked.status, asked.headers["access-control-allow-headers"].to_str().unwrap()), (204, "authorization, content-type"));
        a_minute_passes(house);
    }
}

/// The smallest picture.
pub const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8,
    6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x62, 0, 1, 0, 0, 5, 0, 1,
    0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
