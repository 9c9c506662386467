//! What somebody who means harm would try.

use balie::model::{Role, TeamId};
use balie::store::Actor;
use serde_json::json;

use crate::at_the_door;
use crate::door::server::{House, PASSWORD, raw};
use crate::support::{self, mention};

/// Everything that changes something, with a body that would work.
fn unsafe_calls() -> Vec<(&'static str, &'static str, serde_json::Value)> {
    vec![
        ("POST", "/api/tags", json!({ "name": "forged" })),
        ("PATCH", "/api/me", json!({ "name": "forged" })),
        ("POST", "/api/me/password", json!({ "current": PASSWORD, "new": "van de aanvaller" })),
        ("POST", "/api/tokens", json!({ "name": "forged" })),
        (
            "POST",
            "/api/users",
            json!({ "email": "evil@example.org", "name": "E", "role": "admin", "password": PASSWORD }),
        ),
        ("POST", "/api/accounts", json!({ "channel": "bluesky", "settings": {} })),
        ("POST", "/api/conversations/next", json!(null)),
        ("DELETE", "/api/session", json!(null)),
        ("POST", "/api/uploads", json!(null)),
    ]
}

at_the_door! {
    async fn another_site_changes_nothing_with_our_cookie(house) {
        let mut chief = house.signed_in("Chief", Role::Admin).await;
        for origin in [Some("https://evil.example"), Some("null"), Some("http://127.0.0.1.evil.example"), Some("http://127.0.0.1:1"), None] {
            chief.origin = origin.map(str::to_owned);
            for (method, path, body) in unsafe_calls() {
                chief.call(method, path, body).await.must_refuse(403, "origin.foreign");
            }
        }
        chief.origin = Some(house.url.clone());
        assert_eq!(chief.get("/api/me").await.must_be(200)["name"], "Chief");
        assert_eq!(chief.get("/api/tags").await.body, json!([]));
    }

    async fn another_site_signs_nobody_in(house) {
        house.person("Sanne", Role::Agent, vec![]).await;
        let mut page = house.stranger();
        page.origin = Some("https://evil.example".to_owned());
        page.try_sign_in("sanne", PASSWORD).await.must_refuse(403, "origin.foreign");
        // A script outside a browser sends no Origin and has no cookie yet.
        page.origin = None;
        assert_eq!(page.try_sign_in("sanne", PASSWORD).await.status, 200);
    }

    async fn a_planted_session_is_worth_nothing_and_does_not_survive_signing_in(house) {
        house.person("Sanne", Role::Agent, vec![]).await;
        let mut victim = house.stranger();
        victim.cookie = Some("balie_session=planted-by-somebody".to_owned());
        assert_eq!(victim.try_sign_in("sanne", PASSWORD).await.status, 200);
        assert_ne!(victim.cookie.as_deref(), Some("balie_session=planted-by-somebody"));
        let mut planter = house.stranger();
        planter.cookie = Some("balie_session=planted-by-somebody".to_owned());
        planter.get("/api/me").await.must_refuse(401, "session.required");

        let before = victim.clone();
        victim.try_sign_in("sanne", PASSWORD).await.must_be(200);
        before.get("/api/me").await.must_refuse(401, "session.required");
    }

    async fn nobody_gets_a_role_by_asking(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let auditor = house.signed_in("Audit", Role::Auditor).await;
        let supervisor = house.signed_in("Super", Role::Supervisor).await;
        let own = sanne.get("/api/me").await.body["id"].as_str().unwrap().to_owned();
        let id = "01a20000-0000-7000-8000-000000000000";
        let settings = json!({ "identifier": "x", "password": "y", "service": "http://127.0.0.1:9" });
        let admin_only = [
            ("POST", "/api/users".to_owned(), json!({ "email": "a@b.nl", "name": "A", "role": "admin", "password": PASSWORD })),
            ("PATCH", format!("/api/users/{own}"), json!({ "role": "admin" })),
            ("POST", "/api/teams".to_owned(), json!({ "name": "A" })),
            ("PATCH", format!("/api/teams/{id}"), json!({ "name": "A" })),
            ("DELETE", format!("/api/teams/{id}"), json!(null)),
            ("PATCH", format!("/api/tags/{id}"), json!({ "name": "A" })),
            ("POST", "/api/accounts".to_owned(), json!({ "channel": "bluesky", "settings": settings })),
            ("POST", "/api/accounts/test".to_owned(), json!({ "channel": "bluesky", "settings": settings })),
            ("PATCH", format!("/api/accounts/{id}"), json!({ "enabled": false })),
            ("DELETE", format!("/api/accounts/{id}"), json!(null)),
            ("POST", format!("/api/accounts/{id}/probe"), json!(null)),
            ("POST", "/api/connect/mastodon".to_owned(), json!({ "settings": {} })),
            ("GET", "/api/quarantine".to_owned(), json!(null)),
            ("GET", format!("/api/quarantine/{id}"), json!(null)),
            ("POST", format!("/api/quarantine/{id}/replay"), json!(null)),
            ("POST", format!("/api/quarantine/{id}/dismiss"), json!(null)),
        ];
        for who in [&sanne, &auditor, &supervisor] {
            for (method, path, body) in &admin_only {
                let answer = who.call(method, path, body.clone()).await;
                assert_eq!((answer.status, answer.code()), (403, "role.insufficient"), "{method} {path}: {}", answer.text);
            }
        }
        sanne.get("/api/load").await.must_refuse(403, "role.insufficient");
        auditor.get("/api/load").await.must_be(200);
        auditor.post("/api/tags", json!({ "name": "x" })).await.must_refuse(403, "role.insufficient");
        auditor.post("/api/conversations/next", json!(null)).await.must_refuse(403, "role.insufficient");
        for path in ["/api/me", "/api/conversations", "/api/users", "/api/load", "/api/accounts", "/api/channels", "/api/media/x", "/api/live"] {
            let answer = house.stranger().get(path).await;
            assert_eq!((answer.status, answer.code()), (401, "session.required"), "{path}");
        }
    }

    async fn another_teams_conversation_is_not_there(house) {
        let (mine, theirs) = (team(house, "Mine").await, team(house, "Theirs").await);
        house.person("Sanne", Role::Agent, vec![mine]).await;
        house.person("Daan", Role::Agent, vec![theirs]).await;
        let (sanne, daan) = (house.sign_in("Sanne").await, house.sign_in("Daan").await);
        let account = support::connect(&house.running.store, "brand").await;
        grant(house, account.id, theirs).await;
        house.desk.ingest(&account, "notifications", &support::batch_of(mention("1", "anna", "geheim bericht", 0))).await.unwrap();

        let list = daan.get("/api/conversations").await.must_be(200);
        let row = &list["items"][0];
        let id = row["id"].as_str().unwrap();
        let opened = daan.get(&format!("/api/conversations/{id}")).await.must_be(200);
        let (thread, message) = (opened["threads"][0]["id"].as_str().unwrap(), opened["messages"][0]["id"].as_str().unwrap());

        assert_eq!(sanne.get("/api/conversations").await.must_be(200)["items"], json!([]));
        assert_eq!(sanne.get("/api/conversations?q=geheim").await.must_be(200)["items"], json!([]));
        assert_eq!(sanne.get("/api/conversations/counts").await.must_be(200)["open"], 0);
        assert_eq!(sanne.get("/api/accounts").await.must_be(200), json!([]));
        assert_eq!(sanne.post("/api/conversations/next", json!(null)).await.status, 204);
        let reply = json!({ "thread_id": thread, "text": "x", "claim_token": 1, "seen_version": 1 });
        let calls = [
            ("GET", format!("/api/conversations/{id}"), json!(null)),
            ("GET", format!("/api/conversations/{id}/messages?before=1.{message}"), json!(null)),
            ("POST", format!("/api/conversations/{id}/claim"), json!(null)),
            ("DELETE", format!("/api/conversations/{id}/claim"), json!(null)),
            ("POST", format!("/api/conversations/{id}/replies"), reply),
            ("POST", format!("/api/conversations/{id}/notes"), json!({ "text": "x" })),
            ("PUT", format!("/api/conversations/{id}/assignee"), json!({ "user_id": null, "team_id": null })),
            ("POST", format!("/api/conversations/{id}/tags"), json!({ "name": "x" })),
            ("PUT", format!("/api/conversations/{id}/status"), json!({ "status": "closed" })),
            ("PUT", format!("/api/conversations/{id}/snooze"), json!({ "until": house.clock.now().0 + 1_000_000 })),
            ("PUT", format!("/api/conversations/{id}/priority"), json!({ "priority": "high" })),
            ("PUT", format!("/api/conversations/{id}/draft"), json!({ "text": "x" })),
            ("POST", format!("/api/threads/{thread}/measure"), json!({ "text": "x" })),
            ("POST", format!("/api/messages/{message}/actions"), json!({ "action": "like" })),
            ("POST", format!("/api/messages/{message}/resolve"), json!({ "as": "sent" })),
            ("GET", format!("/api/accounts/{}", account.id), json!(null)),
        ];
        for (method, path, body) in calls {
            let mut request = sanne.request(method.parse().unwrap(), &path).header("idempotency-key", "k");
            if !body.is_null() {
                request = request.json(&body);
            }
            let answer = sanne.send(request).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{method} {path}: {}", answer.text);
            assert!(!answer.text.contains("geheim"));
        }
        let again = daan.get(&format!("/api/conversations/{id}")).await.must_be(200);
        assert_eq!(again["row"]["version"], opened["row"]["version"], "nothing changed");
    }

    async fn no_path_leads_out_of_the_pages(house) {
        let paths = ["/../Cargo.toml", "/..%2f..%2fetc/passwd", "/assets/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd.txt", "//etc/passwd.txt", "/assets/%00.js", "/.env", "/.git/config.txt", "/index.html.br"];
        for path in paths {
            let text = raw(house, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
            let status = text.split(' ').nth(1).unwrap_or_default();
            assert!(["400", "404"].contains(&status) || !text.contains("root:") && !text.contains("[package]"), "{path}: {text}");
        }
    }

    async fn no_answer_holds_a_secret(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let mut account = support::connect(&house.running.store, "brand").await;
        account.secrets = house.desk.connections().seal(account.id, &json!({ "password": "s3cr3t-app-password", "session": { "accessJwt": "s3cr3t-jwt" } }));
        let mut tx = house.running.store.begin(Actor::System).await.unwrap();
        tx.save_account(&account).await.unwrap();
        tx.commit().await.unwrap();
        house.desk.ingest(&account, "notifications", &support::batch_of(mention("1", "anna", "hallo", 0))).await.unwrap();
        let conversation = chief.get("/api/conversations").await.body["items"][0]["id"].as_str().unwrap().to_owned();
        let paths = [
            "/api/me".to_owned(), "/api/users".into(), "/api/teams".into(), "/api/tags".into(), "/api/tokens".into(), "/api/accounts".into(),
            format!("/api/accounts/{}", account.id), "/api/channels".into(), "/api/conversations".into(), "/api/conversations/counts".into(),
            format!("/api/conversations/{conversation}"), "/api/load".into(), "/api/quarantine".into(), "/api/openapi.json".into(), "/metrics".into(),
        ];
        let cookie = chief.cookie.clone().unwrap();
        for path in paths {
            let answer = chief.get(&path).await;
            assert_eq!(answer.status, 200, "{path}");
            for secret in ["s3cr3t", "argon2", account.secrets.as_str(), PASSWORD, cookie.split('=').nth(1).unwrap()] {
                assert!(!answer.text.contains(secret), "{path} holds {secret}");
            }
        }
        let changed = chief.call("PATCH", &format!("/api/accounts/{}", account.id), json!({ "name": "Other" })).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert!(!changed.text.contains("s3cr3t") && !changed.text.contains("secrets"));
    }

    async fn an_upload_is_what_its_bytes_say_and_no_larger_than_allowed(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let form = |name: &str, bytes: Vec<u8>| {
            let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned()).mime_str("image/png").unwrap();
            sanne.request(reqwest::Method::POST, "/api/uploads").multipart(reqwest::multipart::Form::new().part("file", part))
        };
        sanne.send(form("x.png", b"<html><script>alert(1)</script></html>".to_vec())).await.must_refuse(422, "upload.kind");
        sanne.send(form("x.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec())).await.must_refuse(422, "upload.kind");
        sanne.send(form("x.png", Vec::new())).await.must_refuse(422, "upload.empty");
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0; 64]);
        let made = sanne.send(form("../../../etc/pass wd.png", png.clone())).await.must_be(201);
        assert_eq!(made["mime"], "image/png");
        assert!(!made["name"].as_str().unwrap().contains('/'));
        png.resize(42 * 1024 * 1024, 0);
        let refused = sanne.send(form("x.png", png)).await;
        refused.must_refuse(413, "body.too_large");
        let none = sanne.request(reqwest::Method::POST, "/api/uploads").multipart(reqwest::multipart::Form::new().text("other", "x"));
        sanne.send(none).await.must_refuse(422, "upload.missing");
    }
}

async fn team(house: &House, name: &str) -> TeamId {
    balie::desk::people::add_team(&house.running.store, Actor::System, name).await.unwrap().id
}

async fn grant(house: &House, account: balie::model::AccountId, team: TeamId) {
    let mut tx = house.running.store.begin(Actor::System).await.unwrap();
    tx.set_account_teams(account, &[team]).await.unwrap();
    tx.commit().await.unwrap();
}
