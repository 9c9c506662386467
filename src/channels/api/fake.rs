//! A system of a customer's to play against: takes replies, believes only what is signed, takes an id once.
//!
//! Promises: shares no code with the connector: it signs and verifies on its own.
//! Must not: know the desk; be served when nobody asked for it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::channels::fake::{Running, Wire};
use crate::clock::Clock;

/// What both sides know when nobody says otherwise.
pub const SECRET: &str = "whsec_VGhlIGNvdW50ZXIgd2hlcmUgcGVvcGxlIGFyZSBoZWxwZWQ=";

/// The played system. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct System {
    state: Arc<Mutex<Taken>>,
    secret: String,
    clock: Clock,
}

#[derive(Default)]
struct Taken {
    /// By `webhook-id`, in order of arrival.
    replies: Vec<(String, Value)>,
    pings: usize,
}

impl System {
    #[must_use]
    pub fn new(clock: Clock, secret: &str) -> Self {
        Self { state: Arc::default(), secret: secret.to_owned(), clock }
    }

    fn state(&self) -> MutexGuard<'_, Taken> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves it.
    ///
    /// # Errors
    /// What binding the address says.
    pub async fn serve(&self, listen: SocketAddr) -> std::io::Result<Running> {
        let router = Router::new()
            .route("/replies", post(take).get(list))
            .route("/health", get(|| async { "ok" }))
            .with_state(self.clone());
        let accounts = json!({ "brand": { "secret": self.secret } });
        crate::channels::fake::serve(listen, router, Wire::default(), accounts).await
    }

    /// The `data` of every reply taken, oldest first.
    #[must_use]
    pub fn replies(&self) -> Vec<Value> {
        self.state().replies.iter().map(|(_, data)| data.clone()).collect()
    }

    /// How often somebody said hello.
    #[must_use]
    pub fn pings(&self) -> usize {
        self.state().pings
    }

    /// The headers of an event signed now.
    #[must_use]
    pub fn headers(&self, id: &str, body: &str) -> HeaderMap {
        let seconds = (self.clock.now().0 / 1000).to_string();
        let signature = self.signature(id, &seconds, body.as_bytes());
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("webhook-id", id.to_owned()), ("webhook-timestamp", seconds), ("webhook-signature", signature)]
        {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers
    }

    fn signature(&self, id: &str, seconds: &str, body: &[u8]) -> String {
        let key = STANDARD.decode(self.secret.trim_start_matches("whsec_")).unwrap_or_default();
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A served system, for the channel's descriptor.
#[must_use]
pub fn boxed(listen: SocketAddr, clock: Clock) -> BoxFuture<'static, std::io::Result<Running>> {
    Box::pin(async move { System::new(clock, SECRET).serve(listen).await })
}

async fn take(State(system): State<System>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, seconds) = (header("webhook-id"), header("webhook-timestamp"));
    let right = system.signature(id, seconds, &body);
    let fresh = seconds.parse::<i64>().is_ok_and(|seconds| (seconds - system.clock.now().0 / 1000).abs() <= 300);
    if id.is_empty() || !fresh || !header("webhook-signature").split(' ').any(|one| one == right) {
        return (StatusCode::UNAUTHORIZED, "not signed by a key of ours").into_response();
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "no JSON").into_response();
    };
    let mut state = system.state();
    match event["type"].as_str() {
        Some("ping") => {
            state.pings += 1;
            StatusCode::NO_CONTENT.into_response()
        }
        Some("reply.created") => {
            let at = state.replies.iter().position(|(known, _)| known == id).unwrap_or_else(|| {
                state.replies.push((id.to_owned(), event["data"].clone()));
                state.replies.len() - 1
            });
            axum::Json(json!({ "external_id": format!("r-{}", at + 1) })).into_response()
        }
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "no such event").into_response(),
    }
}

async fn list(State(system): State<System>) -> axum::Json<Value> {
    axum::Json(Value::Array(system.replies()))
}
