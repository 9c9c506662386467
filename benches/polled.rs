//! A thousand polled accounts on one node: what that costs, and whether each is asked when it should be.
//!
//! The program as it is shipped, on SQLite, against a server on loopback that answers every question with nothing new and holds
//! every stream open. Asked every ten seconds, a fifth more or less: so no gap between two questions should be over twelve.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use balie::channels::Client;
use balie::clock::Clock;
use balie::desk::connections::Connections;
use balie::model::{AccountId, HealthState};
use balie::secret::MasterKey;
use balie::store::accounts::Account;
use balie::store::{Actor, Store};
use serde_json::json;
use sqlx::types::Json as Column;

use crate::process::Server;
use crate::report::{Report, p95};

const ACCOUNTS: usize = 1000;
const EVERY: Duration = Duration::from_secs(10);
/// Long enough for everybody to have been probed and asked once.
const WARM: Duration = Duration::from_secs(25);
const LONG: Duration = Duration::from_secs(40);

/// When each account's notifications were asked for.
type Asked = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

pub async fn measure(report: &mut Report) {
    let asked = Asked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let platform = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(asked.clone());
    let task = tokio::spawn(async move { axum::serve(listener, app).await });
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path()));
    fill(folder.path(), &platform).await;

    let every = EVERY.as_millis().to_string();
    let (server, _) = Server::start_with(folder.path(), &["--allow-private"], &[("BALIE_POLL_MIN_MS", &every)]);
    tokio::time::sleep(WARM).await;
    asked.lock().unwrap().clear();
    let (began, before) = (Instant::now(), server.cpu_seconds());
    tokio::time::sleep(LONG).await;
    let share = (server.cpu_seconds() - before) / began.elapsed().as_secs_f64();

    let asked = std::mem::take(&mut *asked.lock().unwrap());
    assert_eq!(asked.len(), ACCOUNTS, "every account is asked");
    let gaps = asked.values().flat_map(|times| times.windows(2).map(|two| two[1] - two[0])).collect();
    report.plain("polled_1000 cpu", share * 100.0, "% core");
    report.plain("polled_1000 rss", server.resident_mb(), "MB");
    // The longest gap that was planned is twelve seconds.
    report.below("polled_1000 gap_p95", p95(gaps) / 1000.0, "s", 12.6);
    drop(server);
    task.abort();
}

async fn answer(State(asked): State<Asked>, request: Request) -> Response {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let token = token.trim_start_matches("Bearer ").to_owned();
    match request.uri().path() {
        "/api/v1/accounts/verify_credentials" => {
            Json(json!({ "id": token, "acct": token, "username": token, "display_name": token, "url": null }))
                .into_response()
        }
        "/api/v2/instance" => {
            Json(json!({ "domain": "bench.test", "version": "4.5.0", "configuration": {} })).into_response()
        }
        "/api/v1/notifications" => {
            asked.lock().unwrap().entry(token).or_default().push(Instant::now());
            Json(json!([])).into_response()
        }
        "/api/v1/streaming/user" => {
            let silent = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
            ([(header::CONTENT_TYPE, "text/event-stream")], axum::body::Body::from_stream(silent)).into_response()
        }
        _ => Json(json!([])).into_response(),
    }
}

async fn fill(data: &Path, platform: &str) {
    let key = Arc::new(MasterKey::of_folder(data).unwrap());
    let store = Store::open(&format!("sqlite:{}", data.join("balie.db").display()), Clock::system()).await.unwrap();
    let connections = Connections::new(store.clone(), Client::new(true).unwrap(), key, Duration::ZERO);
    let mut tx = store.begin(Actor::System).await.unwrap();
    for number in 0..ACCOUNTS {
        let id = AccountId::new();
        let token = format!("t{number}");
        tx.insert_account(&Account {
            id,
            channel: "mastodon".to_owned(),
            name: token.clone(),
            external_id: format!("{token}@bench.test"),
            handle: format!("@{token}@bench.test"),
            url: None,
            settings: Column(json!({ "url": platform })),
            secrets: connections.seal(id, &json!({ "token": token })),
            facts: Column(json!({})),
            enabled: true,
            health: HealthState::Starting,
            health_code: None,
            health_cause: None,
            health_cure: None,
            health_since: tx.now(),
            lag_ms: None,
            last_success_at: None,
            quota: None,
            revision: 0,
            created_at: tx.now(),
            removed_at: None,
            expires_at: None,
        })
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    store.close().await;
}
