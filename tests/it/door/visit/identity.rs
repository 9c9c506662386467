//! Who sees whose words: only proof opens anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{SECRET, Visitor, a_minute_passes, chat, connect, only};
use crate::at_the_door;
use crate::support::START;
use balie::desk::visit::Saying;
use balie::model::Role;

fn mac(secret: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hash(secret: &str, id: &str) -> String {
    mac(secret, id).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn jwt(secret: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac(secret, &signed)))
}

fn proof(id: &str) -> Value {
    json!({ "id": id, "user_hash": hash(SECRET, id), "name": "Anna", "email": "anna@x.nl" })
}

at_the_door! {
    async fn proof_brings_what_was_said_along_and_opens_it_on_every_device(house) {
        let (admin, account) = chat(house, json!({})).await;
        let mut phone = Visitor::arrive(house, &account).await;
        phone.say("anoniem begonnen").await.must_be(201);
        let old = phone.clone();
        let known = phone.post("identify", proof("u-1")).await.must_be(200);
        assert_eq!((&known["switched"], &known["visitor"]["identified"], &known["visitor"]["verified"]), (&json!(false), &json!(true), &json!(false)));
        assert_eq!(known["messages"][0]["text"], "anoniem begonnen");
        phone.hold(&known);
        old.get("messages").await.must_turn_away(401, "token_invalid");

        let mut laptop = Visitor::arrive(house, &account).await;
        laptop.say("op de laptop, nog niet ingelogd").await.must_be(201);
        let known = laptop.post("identify", proof("u-1")).await.must_be(200);
        assert_eq!((&known["switched"], &known["messages"][0]["text"]), (&json!(true), &json!("anoniem begonnen")));
        laptop.hold(&known);
        laptop.say("en verder op de laptop").await.must_be(201);
        assert_eq!(phone.texts().await, ["anoniem begonnen", "en verder op de laptop"]);
        // The same proof again changes nothing: pages say it on every load.
        let again = phone.post("identify", proof("u-1")).await.must_be(200);
        assert_eq!((&again["token"], &again["switched"]), (&json!(phone.caller.token), &json!(false)));

        let rows = admin.get("/api/conversations?status=open").await.body;
        let contact = |text: &str| rows["items"].as_array().unwrap().iter().find(|row| row["snippet"] == text).unwrap()["contact"]["id"].clone();
        assert_ne!(contact("en verder op de laptop"), contact("op de laptop, nog niet ingelogd"), "nobody is merged behind an agent's back");
    }

    async fn another_customer_on_the_same_device_sees_nothing_of_the_first(house) {
        let (_, account) = chat(house, json!({})).await;
        let mut shared = Visitor::arrive(house, &account).await;
        let known = shared.post("identify", proof("u-1")).await.must_be(200);
        shared.hold(&known);
        shared.say("mijn geheim").await.must_be(201);
        let before = shared.clone();
        let known = shared.post("identify", proof("u-2")).await.must_be(200);
        assert_eq!((&known["switched"], &known["messages"]), (&json!(true), &json!([])));
        before.get("messages").await.must_turn_away(401, "token_invalid");
        shared.hold(&known);
        // Without proof, and with another's key, they are nobody again.
        let known = shared.post("identify", json!({ "id": "u-1", "email": "anna@x.nl" })).await.must_be(200);
        assert_eq!((&known["switched"], &known["visitor"]["identified"], &known["messages"]), (&json!(true), &json!(false), &json!([])));
    }

    async fn words_that_were_under_way_do_not_undo_a_proof(house) {
        let (_, account) = chat(house, json!({})).await;
        let mut anna = Visitor::arrive(house, &account).await;
        let door = house.desk.door(account.parse().unwrap()).await.unwrap();
        // As the call that brings her words knew her, when it began.
        let before = house.desk.guest(&door, anna.caller.token.as_deref().unwrap()).await.unwrap();
        let token = jwt(SECRET, &json!({ "sub": "u-1", "iat": START.0 / 1000, "exp": START.0 / 1000 + 600, "aud": account, "name": "Anna", "email": "anna@x.nl" }));
        let known = anna.post("identify", json!({ "jwt": token })).await.must_be(200);
        anna.hold(&known);
        let answers = json!({ "name": "Iemand", "email": "iemand@elders.nl", "phone": "0612345678" });
        let saying = Saying {
            client_id: uuid::Uuid::new_v4(),
            text: "dag".to_owned(),
            answers: answers.as_object().unwrap().clone(),
            ..Saying::default()
        };
        house.desk.say(&door, &before, saying).await.unwrap();
        let now = anna.post("session", json!({})).await.must_be(200);
        assert_eq!(now["visitor"], known["visitor"]);
        assert_eq!((&now["visitor"]["identified"], &now["visitor"]["verified"]), (&json!(true), &json!(true)));
        assert_eq!(anna.texts().await, ["dag"]);
        // The same customer elsewhere is still the same visitor.
        let mut laptop = Visitor::arrive(house, &account).await;
        let known = laptop.post("identify", proof("u-1")).await.must_be(200);
        laptop.hold(&known);
        assert_eq!(laptop.texts().await, ["dag"]);
    }

    async fn two_tabs_that_prove_it_at_once_are_both_let_in(house) {
        let (_, account) = chat(house, json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        anna.say("anoniem begonnen").await.must_be(201);
        let (one, two) = tokio::join!(anna.post("identify", proof("u-1")), anna.post("identify", proof("u-1")));
        let mut let_in = 0;
        for known in [one, two] {
            if known.status == 401 {
                // The other one was done before this one began: the token is void, and its tab takes the kept one.
                known.must_turn_away(401, "token_invalid");
                continue;
            }
            let known = known.must_be(200);
            let mut tab = anna.clone();
            tab.hold(&known);
            assert_eq!(tab.texts().await, ["anoniem begonnen"], "a token that is handed out opens");
            let_in += 1;
        }
        assert!(let_in > 0);
    }

    async fn what_was_asked_before_signing_in_is_not_answered_where_nobody_reads_it(house) {
        let (_, account) = chat(house, json!({})).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let mut phone = Visitor::arrive(house, &account).await;
        let known = phone.post("identify", proof("u-1")).await.must_be(200);
        phone.hold(&known);
        let mut laptop = Visitor::arrive(house, &account).await;
        laptop.say("nog niet ingelogd").await.must_be(201);
        let row = only(&sanne, "open").await;
        let at = format!("/api/conversations/{}", row["id"].as_str().unwrap());
        let allowance = sanne.get(&at).await.must_be(200)["threads"][0]["allowance"].clone();
        assert_eq!(allowance["may_reply"], true);
        let known = laptop.post("identify", proof("u-1")).await.must_be(200);
        laptop.hold(&known);
        assert_eq!(laptop.texts().await, Vec::<String>::new());
        let opened = sanne.get(&at).await.must_be(200);
        let allowance = &opened["threads"][0]["allowance"];
        assert_eq!((&allowance["may_reply"], &allowance["code"]), (&json!(false), &json!("webchat.went_on")));
        assert!(allowance["words"]["nl"].as_str().unwrap().contains("ingelogd"));
        let claim = sanne.post(&format!("{at}/claim"), Value::Null).await.must_be(200);
        let reply = json!({
            "thread_id": opened["threads"][0]["id"], "text": "Ziet niemand dit?", "claim_token": claim["token"],
            "seen_version": opened["threads"][0]["version"], "attachments": [], "then": "pending",
        });
        let request = sanne.request(reqwest::Method::POST, &format!("{at}/replies")).header("idempotency-key", "k").json(&reply);
        sanne.send(request).await.must_refuse(422, "reply.not_allowed");
        // What they say now is in their own chat, and answered there.
        laptop.say("nu wel").await.must_be(201);
        let rows = sanne.get("/api/conversations?status=open").await.must_be(200);
        let own = rows["items"].as_array().unwrap().iter().find(|row| row["snippet"] == "nu wel").unwrap();
        let own = sanne.get(&format!("/api/conversations/{}", own["id"].as_str().unwrap())).await.must_be(200);
        assert_eq!(own["threads"][0]["allowance"]["may_reply"], true);
    }

    async fn a_typed_address_opens_nobodys_history(house) {
        let (admin, account) = chat(house, json!({})).await;
        let mut anna = Visitor::arrive(house, &account).await;
        let token = jwt(SECRET, &json!({ "sub": "u-1", "iat": START.0 / 1000, "exp": START.0 / 1000 + 600, "aud": account, "email": "anna@x.nl" }));
        let known = anna.post("identify", json!({ "jwt": token })).await.must_be(200);
        assert_eq!((&known["visitor"]["email"], &known["visitor"]["verified"]), (&json!("anna@x.nl"), &json!(true)));
        anna.hold(&known);
        anna.say("van Anna zelf").await.must_be(201);

        let thief = Visitor::arrive(house, &account).await;
        let told = thief.post("identify", json!({ "id": "u-1", "email": "anna@x.nl", "name": "Anna" })).await.must_be(200);
        assert_eq!((&told["visitor"]["identified"], &told["visitor"]["verified"], &told["messages"]), (&json!(false), &json!(false), &json!([])));
        thief.post("messages", json!({ "client_id": uuid::Uuid::new_v4(), "text": "laat zien", "fields": { "email": "anna@x.nl", "name": "Anna" } })).await.must_be(201);
        assert_eq!(thief.texts().await, ["laat zien"]);
        let rows = admin.get("/api/conversations?status=open").await.body["items"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 2);
        assert_ne!(rows[0]["contact"]["id"], rows[1]["contact"]["id"], "an address that was typed attaches to nobody");
    }

    async fn a_wrong_proof_is_refused_in_every_shape(house) {
        let (admin, account) = chat(house, json!({})).await;
        let other = connect(&admin, "Anders", json!({})).await;
        let anna = Visitor::arrive(house, &account).await;
        let claims = |aud: &str, exp: i64| json!({ "sub": "u-1", "iat": START.0 / 1000, "exp": START.0 / 1000 + exp, "aud": aud });
        for wrong in [
            json!({ "id": "u-2", "user_hash": hash(SECRET, "u-1") }),
            json!({ "id": "u-1", "user_hash": hash("een ander geheim van iemand", "u-1") }),
            json!({ "id": "u-1", "user_hash": "" }),
            json!({ "user_hash": hash(SECRET, "") }),
            json!({ "jwt": jwt(SECRET, &claims(&other, 600)) }),
            json!({ "jwt": jwt(SECRET, &claims(&account, 4000)) }),
        ] {
            anna.post("identify", wrong.clone()).await.must_turn_away(401, "identity_invalid");
        }
        anna.post("identify", json!({ "jwt": jwt(SECRET, &claims(&account, 600)) })).await.must_turn_away(429, "rate_limited");
        a_minute_passes(house);
        anna.post("identify", json!({ "jwt": jwt(SECRET, &claims(&account, 600)) })).await.must_be(200);
    }

    async fn where_proof_is_required_nobody_speaks_without(house) {
        let (admin, account) = chat(house, json!({ "identity": "required" })).await;
        let mut anna = Visitor::arrive(house, &account).await;
        anna.say("dag").await.must_turn_away(401, "identity_invalid");
        anna.post("identify", json!({ "id": "u-1", "email": "anna@x.nl" })).await.must_turn_away(401, "identity_invalid");
        let known = anna.post("identify", proof("u-1")).await.must_be(200);
        anna.hold(&known);
        anna.say("dag").await.must_be(201);
        let off = connect(&admin, "Uit", json!({ "identity": "off" })).await;
        Visitor::arrive(house, &off).await.post("identify", proof("u-1")).await.must_turn_away(409, "not_possible");
    }

    async fn both_secrets_count_and_a_secret_is_never_told(house) {
        let next = "het geheim van volgend jaar";
        let (admin, account) = chat(house, json!({ "identity_secret_next": next })).await;
        let anna = Visitor::arrive(house, &account).await;
        anna.post("identify", json!({ "id": "u-9", "user_hash": hash(next, "u-9") })).await.must_be(200);
        let listed = admin.get("/api/accounts").await;
        let config = anna.get("config").await;
        for text in [&listed.text, &config.text] {
            assert!(!text.contains(next) && !text.contains(SECRET));
        }
    }
}
