//! Tokens, limits, connecting in the browser.

use super::*;

#[tokio::test]
async fn an_account_is_connected_in_the_browser() {
    let played = Played::start().await;
    let oauth = DESCRIPTOR.oauth.unwrap();
    let context = played.context_with(json!({}));
    let back = "https://balie.example/connect/back";
    let start = oauth.start(&context, back, "the-state").await.unwrap();
    let query: std::collections::HashMap<_, _> = start.authorize_url.query_pairs().into_owned().collect();
    assert_eq!((query["code_challenge_method"].as_str(), query["state"].as_str()), ("S256", "the-state"));
    assert!(query["scope"].contains("write:statuses") && query["force_login"] == "true");

    // The browser: the page, the button, the way back.
    let browser = |query: &std::collections::HashMap<String, String>| {
        let mut form = query.clone();
        form.insert("login".to_owned(), "brand".to_owned());
        let platform = played.running.url.clone();
        async move {
            let client = Client::new(true).unwrap();
            let request =
                client.request(Method::POST, &format!("{platform}/oauth/authorize").parse().unwrap()).unwrap();
            // The way back leads off this machine; where it leads is all that is wanted.
            let request = request.form(&form).build().unwrap();
            let raw = reqwest_without_redirects(request).await;
            raw.parse::<url::Url>().unwrap().query_pairs().into_owned().collect::<Vec<_>>()
        }
    };
    let came_back = browser(&query).await;
    assert!(came_back.contains(&("state".to_owned(), "the-state".to_owned())));
    let secrets = oauth.finish(&context, back, &came_back, &start.keep).await.unwrap();
    let channel = (DESCRIPTOR.connect)(played.context_with(secrets.clone())).unwrap();
    assert_eq!(channel.probe().await.unwrap().handle, format!("@brand@{DOMAIN}"));
    assert!(channel.probe().await.unwrap().warnings.is_empty(), "all permissions were asked for");

    // A code is good once, and never without its verifier.
    assert_eq!(oauth.finish(&context, back, &came_back, &start.keep).await.unwrap_err().class, Class::Rejected);
    let again = oauth.start(&played.context_with(secrets), back, "2").await.unwrap();
    assert_eq!(played.running.wire.calls_to(&Method::POST, "/api/v1/apps").len(), 1, "a registration is kept");
    let query = again.authorize_url.query_pairs().into_owned().collect();
    let came_back = browser(&query).await;
    let mut keep = again.keep.clone();
    keep["verifier"] = "w".repeat(43).into();
    let error = oauth.finish(&context, back, &came_back, &keep).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "oauth.refused"));
    let with = |error: &str| {
        [("error".to_owned(), error.to_owned()), ("error_description".to_owned(), "Not today".to_owned())]
    };
    let denied = oauth.finish(&context, back, &with("access_denied"), &again.keep).await.unwrap_err();
    assert_eq!((denied.class, denied.code.as_str()), (Class::Rejected, "oauth.denied"));
    let broken = oauth.finish(&context, back, &with("server_error"), &again.keep).await.unwrap_err();
    assert!(broken.cause.en.contains("Not today"), "the server's own sentence is passed on");
}

/// The address in `Location`.
async fn reqwest_without_redirects(request: reqwest::Request) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = format!("{}:{}", request.url().host_str().unwrap(), request.url().port().unwrap());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let body = request.body().unwrap().as_bytes().unwrap();
    let head = format!(
        "POST /oauth/authorize HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().find_map(|line| line.strip_prefix("location: ")).expect("a way back").to_owned()
}

#[tokio::test]
async fn a_limit_ends_when_the_header_says() {
    let played = Played::start().await;
    let inbox = Inbox::connected(&played).await;
    let pull = inbox.channel.pull().unwrap();
    let batch = pull.pull("notifications", None).await.unwrap();
    let quota = batch.quota.unwrap();
    assert!(quota.limit == 1_000_000 && quota.remaining < quota.limit && quota.reset_at > played.clock.now());
    let reset = played.clock.now().plus(Duration::from_secs(240));
    let headers =
        [("x-ratelimit-limit", "300"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset.to_rfc3339())];
    played.running.wire.inject(Rule::new("/api/v1/notifications", Fault::with_headers(429, &headers)));
    let Class::RateLimited { until } = pull.pull("notifications", None).await.unwrap_err().class else {
        panic!("limited")
    };
    assert!(until >= reset && until.since(reset) < Duration::from_secs(5));
}

#[tokio::test]
async fn a_revoked_token_stops_the_account_with_a_cure() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    played.platform.revoke(&played.token);
    let error = inbox.pull().await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Unauthorized, "mastodon.token_refused"));
    assert!(error.cure.nl.contains("Koppel het account opnieuw"));
    let nothing = (DESCRIPTOR.connect)(played.context_with(json!({}))).unwrap();
    assert_eq!(nothing.probe().await.unwrap_err().code, "mastodon.no_token");
}

#[tokio::test]
async fn a_token_without_an_application_works() {
    let played = Played::start().await;
    for path in ["/api/v1/apps/verify_credentials", "/api/v2/notifications/policy"] {
        played.running.wire.inject(Rule::new(path, Fault::status(401)).always());
    }
    let probe = played.connect().probe().await.unwrap();
    assert!(probe.warnings.is_empty());
}

#[tokio::test]
async fn without_a_list_a_few_posts_are_looked_at_each_in_its_turn() {
    let played = Played::start().await;
    played.running.wire.inject(Rule::new("/api/v1/statuses", Fault::status(404)).method(Method::GET).always());
    let mut inbox = Inbox::connected(&played).await;
    let post = |n| played.platform.post(new("buur", &format!("@brand vraag {n}"), None, Visibility::Public)).unwrap();
    let ids: Vec<String> = (0..5).map(post).collect();
    inbox.pull().await.unwrap();
    for id in &ids {
        played.platform.delete(id);
    }
    for found in [2, 4, 5] {
        inbox.recheck().await.unwrap();
        assert_eq!(inbox.removed.len(), found);
    }
}
