//! A day's work over the API.

use balie::model::Role;
use serde_json::{Value, json};

use crate::at_the_door;
use crate::door::server::{Caller, House};
use crate::support::{self, follow_up, mention};

async fn brand(house: &House) -> balie::store::accounts::Account {
    support::connect(&house.running.store, "brand").await
}

async fn only_row(caller: &Caller, query: &str) -> Value {
    let page = caller.get(&format!("/api/conversations?{query}")).await.must_be(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    page["items"][0].clone()
}

at_the_door! {
    async fn a_conversation_is_claimed_answered_noted_tagged_assigned_and_closed(house) {
        let account = brand(house).await;
        let (sanne, daan) = (house.signed_in("Sanne", Role::Agent).await, house.signed_in("Daan", Role::Agent).await);
        let first = mention("1", "anna", "waar blijft mijn pakket", 0);
        house.desk.ingest(&account, "n", &support::batch_of(first.clone())).await.unwrap();
        let row = only_row(&sanne, "status=open").await;
        assert_eq!((&row["snippet"], &row["lane"], &row["why"][0]["code"]), (&json!("waar blijft mijn pakket"), &json!("public"), &json!("waiting")));
        let at = format!("/api/conversations/{}", row["id"].as_str().unwrap());

        let claim = sanne.post(&format!("{at}/claim"), json!(null)).await.must_be(200);
        let held = daan.post(&format!("{at}/claim"), json!(null)).await;
        held.must_refuse(409, "claim.held");
        assert_eq!((&held.body["holder"]["name"], &held.body["until"]), (&json!("Sanne"), &claim["until"]));
        assert!(sanne.get(&at).await.body["claim"]["token"].is_i64());
        assert!(daan.get(&at).await.body["claim"].get("token").is_none(), "the token is the holder's");

        let opened = sanne.get(&at).await.must_be(200);
        let (thread, message) = (&opened["threads"][0], &opened["messages"][0]);
        let reply = |text: &str, version: &Value| json!({
            "thread_id": thread["id"], "in_reply_to": message["id"], "text": text, "claim_token": claim["token"], "seen_version": version,
            "attachments": [], "then": "pending",
        });
        let send = |caller: &Caller, key: Option<&str>, body: Value| {
            let mut request = caller.request(reqwest::Method::POST, &format!("{at}/replies")).json(&body);
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            let caller = caller.clone();
            async move { caller.send(request).await }
        };
        send(&sanne, None, reply("x", &thread["version"])).await.must_refuse(400, "idempotency.missing");
        send(&daan, Some("d"), reply("x", &thread["version"])).await.must_refuse(409, "claim.lost");

        house.desk.ingest(&account, "n", &support::batch_of(follow_up(&first, "2", "hallo?", 1))).await.unwrap();
        let moved = send(&sanne, Some("a"), reply("onderweg", &thread["version"])).await;
        moved.must_refuse(409, "thread.moved");
        assert_eq!(moved.body["messages"].as_array().unwrap().last().unwrap()["text"], "hallo?");
        let sent = send(&sanne, Some("a"), reply("onderweg", &moved.body["thread_version"])).await.must_be(201);
        assert_eq!((&sent["direction"], &sent["delivery"]["state"]), (&json!("out"), &json!("queued")));
        let again = send(&sanne, Some("a"), reply("onderweg", &moved.body["thread_version"])).await.must_be(201);
        assert_eq!(again["id"], sent["id"], "the same key sends once");

        assert_eq!(sanne.post(&format!("{at}/notes"), json!({ "text": "belt morgen terug" })).await.must_be(201)["direction"], "note");
        sanne.post(&format!("{at}/notes"), json!({ "text": "  " })).await.must_refuse(422, "note.empty");
        let tagged = sanne.post(&format!("{at}/tags"), json!({ "name": "Levering" })).await.must_be(200);
        let tag = tagged["tags"][0].as_str().unwrap();
        assert_eq!(only_row(&daan, &format!("tag={tag}")).await["id"], row["id"]);
        assert_eq!(daan.call("DELETE", &format!("{at}/tags/{tag}"), json!(null)).await.must_be(200)["tags"], json!([]));
        sanne.post(&format!("{at}/tags"), json!({})).await.must_refuse(422, "body.invalid");

        let daan_id = daan.get("/api/me").await.body["id"].clone();
        sanne.call("PUT", &format!("{at}/assignee"), json!({ "user_id": daan_id, "team_id": null })).await.must_be(200);
        assert_eq!(only_row(&daan, "assignee=me").await["assignee_id"], daan_id);
        assert_eq!(sanne.get("/api/conversations?assignee=none").await.body["items"], json!([]));
        assert_eq!(daan.call("PUT", &format!("{at}/priority"), json!({ "priority": "urgent" })).await.must_be(200)["priority"], "urgent");
        let until = house.clock.now().0 + 3_600_000;
        house.desk.ingest(&account, "n", &support::batch_of(follow_up(&first, "3", "nog steeds niets", 2))).await.unwrap();
        let unseen = daan.call("PUT", &format!("{at}/status"), json!({ "status": "closed", "seen_count": 3 })).await;
        unseen.must_refuse(409, "conversation.moved");
        assert_eq!((&unseen.body["message_count"], &unseen.body["messages"][0]["text"]), (&json!(4), &json!("nog steeds niets")));
        daan.call("PUT", &format!("{at}/snooze"), json!({ "until": until, "seen_count": 3 })).await.must_refuse(409, "conversation.moved");
        assert_eq!(daan.call("PUT", &format!("{at}/snooze"), json!({ "until": until })).await.must_be(200)["status"], "snoozed");
        assert_eq!(daan.call("PUT", &format!("{at}/status"), json!({ "status": "closed" })).await.must_be(200)["status"], "closed");
        daan.call("PUT", &format!("{at}/status"), json!({ "status": "snoozed" })).await.must_refuse(422, "status.snoozed");
        assert_eq!(only_row(&daan, "status=closed&q=pakket&lane=public&channel=bluesky").await["id"], row["id"]);
    }

    async fn a_list_is_read_page_by_page_without_holes_or_doubles(house) {
        let account = brand(house).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        for n in 0..7 {
            let post = mention(&n.to_string(), &format!("customer{n}"), &format!("bericht {n}"), n);
            house.desk.ingest(&account, "n", &support::batch_of(post)).await.unwrap();
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = sanne.get(&format!("/api/conversations?status=open&limit=3&cursor={cursor}")).await.must_be(200);
            seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["snippet"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(seen, (0..7).map(|n| format!("bericht {n}")).collect::<Vec<_>>());
        let next = sanne.post("/api/conversations/next", json!(null)).await.must_be(200);
        assert!(next["claim"]["token"].is_i64());
    }

    async fn what_was_said_at_a_disconnected_account_stays_readable(house) {
        let account = brand(house).await;
        let (chief, sanne) = (house.signed_in("Chief", Role::Admin).await, house.signed_in("Sanne", Role::Agent).await);
        house.desk.ingest(&account, "n", &support::batch_of(mention("1", "anna", "hallo", 0))).await.unwrap();
        chief.call("DELETE", &format!("/api/accounts/{}", account.id), json!(null)).await.must_be(204);
        let at = format!("/api/conversations/{}", only_row(&sanne, "status=open").await["id"].as_str().unwrap());
        let opened = sanne.get(&at).await.must_be(200);
        assert_eq!(opened["messages"][0]["text"], "hallo");
        assert_eq!(opened["threads"][0]["allowance"]["may_reply"], false);
        sanne.call("PUT", &format!("{at}/status"), json!({ "status": "closed" })).await.must_be(200);
        assert_eq!(sanne.get("/api/accounts").await.must_be(200), json!([]), "nothing can be said there any more");
    }

    async fn a_draft_is_kept_for_its_author_alone(house) {
        let account = brand(house).await;
        let (sanne, daan) = (house.signed_in("Sanne", Role::Agent).await, house.signed_in("Daan", Role::Agent).await);
        house.desk.ingest(&account, "n", &support::batch_of(mention("1", "anna", "hallo", 0))).await.unwrap();
        let at = format!("/api/conversations/{}", only_row(&sanne, "").await["id"].as_str().unwrap());
        let thread = sanne.get(&at).await.body["threads"][0]["id"].clone();
        sanne.call("PUT", &format!("{at}/draft"), json!({ "thread_id": thread, "text": "half af" })).await.must_be(204);
        assert_eq!(sanne.get(&at).await.body["draft"]["text"], "half af");
        assert_eq!(daan.get(&at).await.body["draft"], json!(null));
        sanne.call("PUT", &format!("{at}/draft"), json!({ "thread_id": thread, "text": "" })).await.must_be(204);
        assert_eq!(sanne.get(&at).await.body["draft"], json!(null));
    }

    async fn a_text_is_counted_as_its_platform_counts(house) {
        let account = brand(house).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        house.desk.ingest(&account, "n", &support::batch_of(mention("1", "anna", "hallo", 0))).await.unwrap();
        let at = format!("/api/conversations/{}", only_row(&sanne, "").await["id"].as_str().unwrap());
        let thread = sanne.get(&at).await.body["threads"][0]["id"].as_str().unwrap().to_owned();
        let measured = sanne.post(&format!("/api/threads/{thread}/measure"), json!({ "text": "👩‍👩‍👧‍👦 hoi" })).await.must_be(200);
        assert_eq!((&measured["used"], &measured["unit"], &measured["over"]), (&json!(5), &json!("graphemes"), &json!(false)));
        let long = sanne.post(&format!("/api/threads/{thread}/measure"), json!({ "text": "woord ".repeat(200) })).await.must_be(200);
        assert_eq!(long["over"], true);
        assert!(long["parts"].as_array().unwrap().len() > 1);
    }
}
