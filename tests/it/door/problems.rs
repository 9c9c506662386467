//! Every refusal looks the same, whatever was wrong.

use balie::model::Role;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::at_the_door;
use crate::door::server::raw;
use crate::support;

at_the_door! {
    async fn what_is_no_address_or_no_method_is_a_problem_too(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        sanne.get("/api/nothing").await.must_refuse(404, "not_found");
        sanne.get("/hooks/x/y").await.must_refuse(404, "not_found");
        sanne.get("/hooks/no-uuid").await.must_refuse(404, "not_found");
        sanne.post("/hooks/01a20000-0000-7000-8000-000000000000", json!({})).await.must_refuse(404, "not_found");
        sanne.call("PUT", "/api/me", json!({})).await.must_refuse(405, "method_not_allowed");
        sanne.call("DELETE", "/health/live", json!(null)).await.must_refuse(405, "method_not_allowed");
        sanne.get("/api/conversations/1").await.must_refuse(404, "not_found");
        sanne.get("/api/live").await.must_refuse(400, "socket.expected");
    }

    async fn a_body_that_cannot_be_read_is_refused_without_a_guess(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let post = || sanne.request(reqwest::Method::POST, "/api/tags");
        let json_post = || post().header("content-type", "application/json");
        sanne.send(json_post().body("{\"name\": ")).await.must_refuse(400, "body.not_json");
        sanne.send(json_post().body("")).await.must_refuse(400, "body.not_json");
        sanne.send(json_post().body(&b"{\"name\":\"\xff\xfe\"}"[..])).await.must_refuse(400, "body.not_json");
        sanne.send(json_post().body("[]")).await.must_refuse(422, "body.invalid");
        sanne.send(json_post().body("{\"name\":7}")).await.must_refuse(422, "body.invalid");
        sanne.send(json_post().body("{\"name\":\"x\",\"evil\":1}")).await.must_refuse(422, "body.invalid");
        sanne.send(post().body("name=x")).await.must_refuse(415, "body.not_json");
        let deep = format!("{{\"preferences\":{{\"x\":{}{}}}}}", "[".repeat(100_000), "]".repeat(100_000));
        let patch = sanne.request(reqwest::Method::PATCH, "/api/me").header("content-type", "application/json");
        sanne.send(patch.body(deep)).await.must_refuse(400, "body.not_json");
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(2_000_000));
        sanne.send(json_post().body(large)).await.must_refuse(413, "body.too_large");
    }

    async fn a_sign_that_is_none_is_no_fault_of_ours(house) {
        let account = support::connect(&house.running.store, "brand").await;
        house.desk.ingest(&account, "n", &support::batch_of(support::mention("1", "anna", "hallo", 0))).await.unwrap();
        let chief = house.signed_in("Chief", Role::Admin).await;
        let nul = json!({ "email": "a\0b@example.org", "password": "x" });
        house.stranger().post("/api/session", nul).await.must_refuse(401, "session.bad_credentials");
        assert_eq!(chief.get("/api/conversations?channel=%00").await.must_be(200)["items"], json!([]));
        let me = chief.call("PATCH", "/api/me", json!({ "preferences": { "x": "\0y" } })).await.must_be(200);
        assert_eq!(me["preferences"], json!({ "x": "y" }));
        let row = chief.get("/api/conversations").await.must_be(200)["items"][0].clone();
        let at = format!("/api/conversations/{}", row["id"].as_str().unwrap());
        let thread = chief.get(&at).await.body["threads"][0]["id"].clone();
        let draft = json!({ "thread_id": thread, "text": "half af", "content_warning": "\0", "visibility": "pub\0lic" });
        chief.call("PUT", &format!("{at}/draft"), draft).await.must_be(204);
        assert_eq!(chief.get(&at).await.body["draft"]["visibility"], "public");
        let path = format!("/api/accounts/{}", account.id);
        let change = json!({ "name": "Mer\0k", "settings": { "identifier": "brand\0.test" } });
        let changed = chief.call("PATCH", &path, change).await.must_be(200);
        assert_eq!((&changed["name"], &changed["settings"]["identifier"]), (&json!("Merk"), &json!("brand.test")));
        // Whatever nobody thought of is refused, and is no failure.
        let tag = chief.post("/api/tags", json!({ "name": "a\0b" })).await;
        assert!(tag.status < 500, "{}", tag.text);
    }

    async fn a_refusal_reaches_whoever_is_still_sending(house) {
        const WEIGHT: usize = 8 * 1024 * 1024;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let (host, cookie) = (sanne.base.trim_start_matches("http://"), sanne.cookie.as_deref().unwrap());
        let mut line = TcpStream::connect(host).await.unwrap();
        let head = format!(
            "POST /api/tags HTTP/1.1\r\nhost: {host}\r\norigin: {}\r\ncookie: {cookie}\r\n\
             content-type: application/json\r\ncontent-length: {WEIGHT}\r\n\r\n",
            sanne.base
        );
        line.write_all(head.as_bytes()).await.unwrap();
        let chunk = vec![b'x'; 64 * 1024];
        for _ in 0..WEIGHT / chunk.len() {
            line.write_all(&chunk).await.expect("nobody hangs up on the sender");
        }
        let mut answer = [0; 12];
        line.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413");
    }

    async fn an_upload_that_is_no_form_is_a_problem_too(house) {
        let admin = house.signed_in("Chief", Role::Admin).await;
        let upload = admin.request(reqwest::Method::POST, "/api/uploads").body("no form");
        admin.send(upload).await.must_refuse(400, "body.invalid");
    }

    async fn a_query_that_means_nothing_is_refused_and_an_empty_one_narrows_nothing(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        for query in ["status=sleeping", "team=7", "limit=many", "assignee=somebody", "lane=secret"] {
            sanne.get(&format!("/api/conversations?{query}")).await.must_refuse(400, "query.invalid");
        }
        for cursor in ["x", "1.x", "x.01a20000-0000-7000-8000-000000000000"] {
            sanne.get(&format!("/api/conversations?cursor={cursor}")).await.must_refuse(400, "cursor.wrong");
        }
        sanne.get("/api/conversations?status=&team=&q=&assignee=&cursor=&limit=").await.must_be(200);
        sanne.get("/api/conversations?q=%27%22%20OR%201%3D1%20--%20%2A%28%29").await.must_be(200);
        sanne.get("/api/conversations?limit=-5").await.must_be(200);
    }

    async fn every_answer_carries_an_id_and_the_headers_that_protect(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        for path in ["/api/me", "/api/nothing", "/", "/inbox", "/health/ready", "/metrics", "/assets/none.js"] {
            let answer = sanne.get(path).await;
            let header = |name: &str| answer.headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
            assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
            assert!(!header("content-security-policy").contains("unsafe"), "{path}");
            assert!(!header("x-request-id").is_empty(), "{path}");
        }
        assert_eq!(sanne.get("/api/me").await.headers["cache-control"], "no-store");
        let own = sanne.request(reqwest::Method::GET, "/health/live").header("x-request-id", "from-the-proxy-1");
        assert_eq!(sanne.send(own).await.headers["x-request-id"], "from-the-proxy-1");
        let forged = sanne.request(reqwest::Method::GET, "/health/live").header("x-request-id", "a b\"c");
        assert_ne!(sanne.send(forged).await.headers["x-request-id"], "a b\"c");
    }

    async fn methods_that_somebody_makes_up_are_counted_as_one(house) {
        for method in ["XAQZ", &"B".repeat(5000)] {
            let answer = raw(house, &format!("{method} /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
        }
        let metrics = house.stranger().get("/metrics").await.text;
        assert!(metrics.contains("balie_http_requests_total{method=\"OTHER\",route=\"/health/live\",status=\"405\"} 2"), "{metrics}");
        assert!(!metrics.contains("XAQZ") && !metrics.contains("BBBB"));
    }

    async fn health_and_numbers_are_there_for_who_watches(house) {
        let stranger = house.stranger();
        stranger.get("/health/live").await.must_be(200);
        stranger.get("/health/ready").await.must_be(200);
        let metrics = stranger.get("/metrics").await.text;
        assert!(metrics.contains("balie_http_requests_total{method=\"GET\",route=\"/health/ready\",status=\"200\"} 1"), "{metrics}");
        assert!(metrics.contains("balie_panics 0"));
        house.running.store.close().await;
        stranger.get("/health/live").await.must_be(200);
        stranger.get("/health/ready").await.must_refuse(503, "database.unavailable");
    }
}
