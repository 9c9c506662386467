//! Connecting an account in the browser, with a played platform at the other end.

use balie::channels::fake;
use balie::clock::Clock;
use balie::model::Role;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::at_the_door;
use crate::door::server::Caller;

const ANYWHERE: &str = "127.0.0.1:0";

/// Presses the brand's button where the server sends the browser.
async fn consent(caller: &Caller, authorize_url: &str) -> String {
    answer(caller, authorize_url, ("login", "brand")).await
}

/// Goes where the server sends the browser, presses a button there, and gives where that leads: path and query here.
async fn answer(caller: &Caller, authorize_url: &str, (name, value): (&str, &str)) -> String {
    let url: url::Url = authorize_url.parse().unwrap();
    let mut form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    form.push((name.to_owned(), value.to_owned()));
    let mut post = url.clone();
    post.set_query(None);
    let answer = caller.http.post(post).form(&form).send().await.unwrap();
    assert!(answer.status().is_redirection(), "{}", answer.text().await.unwrap());
    let back: url::Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    assert!(back.as_str().starts_with(&caller.base), "{back}");
    format!("{}?{}", back.path(), back.query().unwrap())
}

async fn begin(caller: &Caller, platform: &str) -> String {
    let begun = caller.post("/api/connect/mastodon", json!({ "settings": { "url": platform } })).await.must_be(200);
    begun["authorize_url"].as_str().unwrap().to_owned()
}

at_the_door! {
    async fn an_admin_connects_an_account_in_the_browser_once(house) {
        let platform = fake::serve_named("mastodon", ANYWHERE.parse().unwrap(), Clock::system()).await.unwrap();
        let chief = house.signed_in("Chief", Role::Admin).await;
        let authorize = begin(&chief, &platform.url).await;
        assert!(authorize.contains("code_challenge_method=S256"), "{authorize}");
        let back = consent(&chief, &authorize).await;

        let done = chief.get(&back).await;
        let to = done.headers["location"].to_str().unwrap().to_owned();
        assert!(done.status == 303 && to.starts_with("/settings/accounts?connected="), "{to}");
        let accounts = chief.get("/api/accounts").await.must_be(200);
        assert_eq!(accounts.as_array().unwrap().len(), 1);
        assert_eq!(accounts[0]["channel"], "mastodon");
        assert!(accounts[0]["handle"].as_str().unwrap().contains("brand"), "{accounts}");

        let again = chief.get(&back).await;
        assert!(again.headers["location"].to_str().unwrap().contains("failed=connect.unknown"), "a code is good for once");
        let tested = chief.post(&format!("/api/accounts/{}/probe", accounts[0]["id"].as_str().unwrap()), Value::Null).await.must_be(200);
        assert_eq!(tested["health"]["state"], "ok", "{tested}");
    }

    async fn who_says_no_there_is_told_so_here_in_both_languages(house) {
        let platform = fake::serve_named("mastodon", ANYWHERE.parse().unwrap(), Clock::system()).await.unwrap();
        let chief = house.signed_in("Chief", Role::Admin).await;
        let back = answer(&chief, &begin(&chief, &platform.url).await, ("deny", "deny")).await;
        let done = chief.get(&back).await;
        assert_eq!(done.headers["location"], "/settings/accounts?failed=oauth.denied");
        let cookie = done.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("Path=/settings") && cookie.contains("Max-Age=60"), "{cookie}");
        let value = cookie.strip_prefix("balie_told=").unwrap().split(';').next().unwrap();
        let problem: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).unwrap()).unwrap();
        assert_eq!(problem["code"], "oauth.denied");
        assert!(problem["cause"]["nl"].as_str().unwrap().contains("toestemming"), "{problem}");
        assert!(!problem["cures"]["en"].as_str().unwrap().is_empty(), "{problem}");
        assert_eq!(chief.get("/api/accounts").await.body, json!([]));
    }

    async fn nobody_finishes_what_another_began_or_what_was_never_begun(house) {
        let platform = fake::serve_named("mastodon", ANYWHERE.parse().unwrap(), Clock::system()).await.unwrap();
        let (chief, other) = (house.signed_in("Chief", Role::Admin).await, house.signed_in("Other", Role::Admin).await);
        let back = consent(&chief, &begin(&chief, &platform.url).await).await;
        house.stranger().get(&back).await.must_refuse(401, "session.required");
        let failed = |answer: crate::door::server::Answer| answer.headers["location"].to_str().unwrap().to_owned();
        assert!(failed(other.get(&back).await).contains("failed=connect.unknown"));
        assert!(failed(chief.get("/connect/callback?code=1&state=made-up").await).contains("failed=connect.unknown"));
        assert!(failed(chief.get("/connect/callback").await).contains("failed=connect.unknown"));

        let late = consent(&chief, &begin(&chief, &platform.url).await).await;
        house.later(std::time::Duration::from_secs(16 * 60));
        assert!(failed(chief.get(&late).await).contains("failed=connect.unknown"));
        assert_eq!(chief.get("/api/accounts").await.body, json!([]));
        chief.post("/api/connect/nothing", json!({ "settings": {} })).await.must_refuse(422, "channel.unknown");
    }

    async fn settings_are_tried_and_kept_only_when_they_work(house) {
        let platform = fake::serve_named("mastodon", ANYWHERE.parse().unwrap(), Clock::system()).await.unwrap();
        let chief = house.signed_in("Chief", Role::Admin).await;
        let token = platform.accounts["brand"]["token"].as_str().unwrap();
        let settings = |token: &str| json!({ "url": platform.url, "token": token });
        let new = |token: &str| json!({ "channel": "mastodon", "name": "Merk", "settings": settings(token) });

        let tried = chief.post("/api/accounts/test", json!({ "channel": "mastodon", "settings": settings(token) })).await.must_be(200);
        assert!(tried["handle"].as_str().unwrap().contains("brand"), "{tried}");
        let refused = chief.post("/api/accounts", new("wrong-token")).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(!refused.body["cause"]["nl"].as_str().unwrap().is_empty() && !refused.body["cures"]["en"].as_str().unwrap().is_empty());
        assert!(!refused.text.contains("wrong-token"));
        assert_eq!(chief.get("/api/accounts").await.body, json!([]));

        let account = chief.post("/api/accounts", new(token)).await;
        assert!(!account.text.contains(token), "the token is never shown");
        let account = account.must_be(201);
        chief.post("/api/accounts", new(token)).await.must_refuse(422, "account.twice");
        let path = format!("/api/accounts/{}", account["id"].as_str().unwrap());
        let off = chief.call("PATCH", &path, json!({ "enabled": false, "name": "Anders" })).await.must_be(200);
        assert_eq!((&off["enabled"], &off["name"]), (&json!(false), &json!("Anders")));
        chief.call("PATCH", &path, json!({ "settings": { "colour": "red" } })).await.must_refuse(422, "account.field");
        chief.call("DELETE", &path, Value::Null).await.must_be(204);
        chief.get(&path).await.must_refuse(404, "not_found");
        let dead = json!({ "channel": "mastodon", "settings": { "url": "http://127.0.0.1:9", "token": "x" } });
        assert_eq!(chief.post("/api/accounts", dead).await.status, 502, "nobody answers there");
    }
}
