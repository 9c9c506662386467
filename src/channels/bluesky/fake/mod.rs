//! A small AT network on loopback: directory, account server, index and chat service in one address.
//!
//! Owns: playing the platform for the contract suite, for the playground and for judging by clients that others wrote.
//! Promises: answers in the shapes of the lexicons; sorts, pages, expires and refuses as the reference servers do where that was
//! tried (2026-11-22), and is stricter where a client must not rely on leniency (a used refresh token is dead at once).
//! Must not: be reachable unless somebody started it; keep anything.

mod accounts;
mod chat;
mod posts;
mod records;
mod views;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::channels::fake::{Running, Wire, serve as serve_router};
use crate::clock::Clock;

pub use accounts::Account;

/// The service that direct messages are asked of, as real clients name it.
const CHAT: &str = "did:web:api.bsky.chat#bsky_chat";

/// Starts a network with a brand and two customers.
pub fn serve(listen: SocketAddr, clock: Clock) -> BoxFuture<'static, io::Result<Running>> {
    Box::pin(async move { start(listen, clock).await.map(|(running, _)| running) })
}

/// As `serve`, and gives the network itself, to act in it without a client.
///
/// # Errors
/// What binding the address says.
pub async fn start(listen: SocketAddr, clock: Clock) -> io::Result<(Running, Network)> {
    let network = Network(Arc::new(Mutex::new(Net::new(clock))));
    let mut accounts = serde_json::Map::new();
    {
        let mut net = network.lock();
        for (name, shown) in [("brand", "Merk"), ("customer", "K. Lant"), ("customer2", "B. Zoeker")] {
            let handle = format!("{name}.test");
            let did = net.create_account(&handle, &format!("{name}-pass"), shown);
            let app_password = net.create_app_password(&did, "inbox", true);
            accounts.insert(
                name.to_owned(),
                json!({"handle": handle, "did": did, "password": format!("{name}-pass"), "app_password": app_password}),
            );
        }
    }
    let router = Router::new()
        .route("/xrpc/{nsid}", any(xrpc))
        .route("/xrpc/_health", get(|| async { axum::Json(json!({"version": "balie-fake"})) }))
        .route("/.well-known/did.json", get(own_document))
        .route("/img/{cid}", get(image))
        .route("/{did}", get(document))
        .with_state(network.clone());
    let running = serve_router(listen, router, Wire::default(), Value::Object(accounts)).await?;
    network.lock().url.clone_from(&running.url);
    Ok((running, network))
}

/// A network that is being played.
#[derive(Clone)]
pub struct Network(Arc<Mutex<Net>>);

impl Network {
    /// To act in it. Never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything there is.
pub struct Net {
    pub clock: Clock,
    url: String,
    /// Makes every id, key and token differ.
    count: u64,
    accounts: BTreeMap<String, Account>,
    tokens: BTreeMap<String, accounts::Token>,
    records: BTreeMap<records::Address, records::Stored>,
    blobs: BTreeMap<String, (String, Bytes)>,
    notes: Vec<posts::Note>,
    chat: chat::Chat,
    /// Whether sign-ins are limited as at the reference server: 30 in 5 minutes for an account.
    pub limited: bool,
    sign_ins: BTreeMap<String, Vec<i64>>,
}

impl Net {
    fn new(clock: Clock) -> Self {
        Self {
            clock,
            url: String::new(),
            count: 0,
            accounts: BTreeMap::new(),
            tokens: BTreeMap::new(),
            records: BTreeMap::new(),
            blobs: BTreeMap::new(),
            notes: Vec::new(),
            chat: chat::Chat::default(),
            limited: false,
            sign_ins: BTreeMap::new(),
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().0
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A key by the clock that nobody else has.
    fn tid(&mut self) -> String {
        let count = self.next();
        // The clock may stand still: the count keeps keys apart and in order.
        super::tid::encode((self.now().unsigned_abs()).saturating_mul(1000).saturating_add(count % 1000), count / 1000)
    }
}

/// One call.
pub struct Ask {
    nsid: String,
    method: Method,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

/// A refusal as the network words it.
pub struct No {
    status: u16,
    error: &'static str,
    message: String,
    headers: Vec<(&'static str, String)>,
}

type Answer = Result<Value, No>;

fn no(status: u16, error: &'static str, message: impl Into<String>) -> No {
    No { status, error, message: message.into(), headers: Vec::new() }
}

fn invalid(message: impl Into<String>) -> No {
    no(400, "InvalidRequest", message)
}

impl Ask {
    fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
    fn need(&self, key: &str) -> Result<&str, No> {
        self.get(key).ok_or_else(|| invalid(format!("Error: Params must have the property \"{key}\"")))
    }
    fn all(&self, key: &str) -> Vec<&str> {
        self.query.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect()
    }
    fn limit(&self, default: usize) -> Result<usize, No> {
        let Some(text) = self.get("limit") else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| invalid("Error: limit can not be greater than 100"))
    }
    fn json(&self) -> Answer {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|_| invalid("Request body is not valid JSON"))
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

async fn xrpc(
    State(network): State<Network>,
    Path(nsid): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let ask = Ask { nsid, method, query, headers, body };
    let mut net = network.lock();
    match net.answer(&ask) {
        Ok(value) => {
            // Methods without output answer nothing at all.
            let mut response =
                if value.is_null() { StatusCode::OK.into_response() } else { axum::Json(value).into_response() };
            let reset = (net.now() / 1000 + 300).to_string();
            for (name, value) in [
                ("ratelimit-limit", "3000"),
                ("ratelimit-remaining", "2990"),
                ("ratelimit-reset", &reset),
                ("ratelimit-policy", "3000;w=300"),
            ] {
                if let Ok(value) = value.parse() {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Err(no) => {
            let body = axum::Json(json!({"error": no.error, "message": no.message}));
            let mut response =
                (StatusCode::from_u16(no.status).unwrap_or(StatusCode::BAD_REQUEST), body).into_response();
            for (name, value) in no.headers {
                if let Ok(value) = value.parse() {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
    }
}

impl Net {
    fn answer(&mut self, ask: &Ask) -> Answer {
        let area = ask.nsid.rsplit_once('.').map_or("", |(area, _)| area);
        match area {
            "com.atproto.server" | "com.atproto.identity" => self.server(ask),
            "com.atproto.repo" | "com.atproto.moderation" => self.repo(ask),
            "chat.bsky.convo" | "chat.bsky.actor" => self.convo(ask),
            "app.bsky.feed" | "app.bsky.notification" => self.feed(ask),
            "app.bsky.actor" | "app.bsky.graph" => self.people(ask),
            _ => Err(unknown()),
        }
    }
}

fn unknown() -> No {
    no(501, "MethodNotImplemented", "Method Not Implemented")
}

async fn document(State(network): State<Network>, Path(did): Path<String>) -> Response {
    match network.lock().document(&did) {
        Some(document) => axum::Json(document).into_response(),
        None => (StatusCode::NOT_FOUND, axum::Json(json!({"message": "DID not registered"}))).into_response(),
    }
}

/// Names this address as a chat service, for account servers that pass calls on to it. It is whatever name it is asked by.
async fn own_document(headers: HeaderMap) -> Response {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    axum::Json(json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": format!("did:web:{}", host.replace(':', "%3A")),
        "service": [{"id": "#bsky_chat", "type": "BskyChatService", "serviceEndpoint": format!("http://{host}")}],
    }))
    .into_response()
}

async fn image(State(network): State<Network>, Path(cid): Path<String>) -> Response {
    match network.lock().blobs.get(&cid) {
        Some((mime, bytes)) => ([("content-type", mime.clone())], bytes.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
