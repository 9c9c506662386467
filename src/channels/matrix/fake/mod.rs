//! A Matrix homeserver to play against: in memory, on loopback, good enough that an unmodified matrix-nio runs on it.
//!
//! Owns: people, devices, rooms and their events, receipts, account data and media of one invented homeserver, and what its
//! calls mean by the specification.
//! Promises: shares no code with the connector, so that a misreading of one is seen by the other and by the judge.
//! Must not: know the desk; be served when nobody asked for it.

mod look;
mod people;
mod rooms;
mod routes;
mod world;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::Response;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::watch;

use self::routes::{Answer, Call};
use self::world::World;
use crate::channels::fake::{Running, Wire};
use crate::clock::Clock;

/// The invented homeserver's name.
pub const DOMAIN: &str = "balie.example";

/// The longest that a call waits for news.
const LONGEST_WAIT: u64 = 60_000;

/// A served homeserver with a brand and two customers, and a square where everybody meets.
///
/// # Errors
/// What binding the address says.
pub async fn serve(listen: SocketAddr, clock: Clock) -> std::io::Result<Running> {
    let platform = Platform::new(clock);
    let mut accounts = serde_json::Map::new();
    for name in ["brand", "customer", "customer2"] {
        accounts.insert(name.to_owned(), platform.person(name, name));
    }
    platform.room("!plein", "brand", &["customer", "customer2"], json!({"name": "Plein"}));
    platform.serve(listen, Value::Object(accounts)).await
}

/// As `serve`, for the channel's descriptor.
#[must_use]
pub fn boxed(listen: SocketAddr, clock: Clock) -> BoxFuture<'static, std::io::Result<Running>> {
    Box::pin(serve(listen, clock))
}

/// The played homeserver, as its stage manager sees it. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Platform {
    world: Arc<Mutex<World>>,
    /// How far its stream is: who waits for news is woken.
    stream: watch::Sender<u64>,
}

/// A message as the stage manager sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub id: String,
    pub room: String,
    pub content: Value,
}

impl Platform {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(clock))), stream: watch::channel(0).0 }
    }

    fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let mut world: MutexGuard<'_, World> = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let done = act(&mut world);
        self.stream.send_if_modified(|at| std::mem::replace(at, world.pos) != world.pos);
        done
    }

    /// Somebody with an account here; answers id, password, token and device.
    #[must_use]
    pub fn person(&self, name: &str, display: &str) -> Value {
        self.with(|world| world.person(name, display))
    }

    /// A room of this id with these people in it. `more`: `name`, `direct`, `encrypted`, `creation_content`.
    #[expect(clippy::needless_pass_by_value, reason = "what more there is is written where it is said")]
    pub fn room(&self, id: &str, by: &str, others: &[&str], more: Value) {
        self.with(|world| world.open(id, by, others, &more));
    }

    /// Somebody says something; answers the event's id.
    pub fn say(&self, room: &str, by: &str, kind: &str, content: Value) -> String {
        self.with(|world| {
            let by = world.id(by);
            world.emit(room, kind, &by, None, content, None)
        })
    }

    /// Somebody sets something of a room.
    pub fn state(&self, room: &str, by: &str, kind: &str, key: &str, content: Value) {
        self.with(|world| world.emit(room, kind, &world.id(by), Some(key.to_owned()), content, None));
    }

    /// Somebody takes an event away.
    pub fn redact(&self, room: &str, by: &str, event: &str) {
        self.with(|world| world.redact(room, &world.id(by), event, "", None));
    }

    /// Somebody has read up to here.
    pub fn read(&self, room: &str, by: &str, event: &str) {
        self.with(|world| world.receipt(room, &world.id(by), event));
    }

    /// Which room an event is in.
    #[must_use]
    pub fn room_of(&self, event: &str) -> Option<String> {
        self.with(|world| world.room_of(event))
    }

    /// The messages of somebody, oldest first, without what was taken away.
    #[must_use]
    pub fn said(&self, by: &str) -> Vec<Seen> {
        self.with(|world| world.said(&world.id(by)))
    }

    /// The newest event of a kind in a room, whoever sent it.
    #[must_use]
    pub fn last(&self, room: &str, kind: &str) -> Option<Value> {
        self.with(|world| {
            world
                .rooms
                .get(room)?
                .events
                .iter()
                .rfind(|event| event.json["type"] == kind)
                .map(|event| event.json.clone())
        })
    }

    /// Somebody's account data.
    #[must_use]
    pub fn data(&self, by: &str, kind: &str) -> Option<Value> {
        self.with(|world| world.data.get(&(world.id(by), kind.to_owned())).map(|(_, content)| content.clone()))
    }

    /// Whether somebody likes an event now.
    #[must_use]
    pub fn likes(&self, by: &str, event: &str) -> bool {
        self.with(|world| world.likes(&world.id(by), event))
    }

    /// Ends every token of somebody. A soft logout keeps the device.
    pub fn log_out(&self, by: &str) {
        self.with(|world| world.log_out(&world.id(by)));
    }

    /// Ends access tokens but no refresh tokens, as time does.
    pub fn expire(&self, by: &str) {
        self.with(|world| world.expire(&world.id(by)));
    }

    /// Every token and password of somebody.
    #[must_use]
    pub fn secrets(&self, by: &str) -> Vec<String> {
        self.with(|world| world.secrets(&world.id(by)))
    }

    /// The devices somebody is signed in with.
    #[must_use]
    pub fn devices(&self, by: &str) -> Vec<String> {
        self.with(|world| world.devices(&world.id(by)))
    }

    /// Keeps a file; answers its `mxc://` reference.
    #[must_use]
    pub fn file(&self, mime: &str, bytes: &'static [u8]) -> String {
        self.with(|world| world.keep(mime, bytes::Bytes::from_static(bytes)))
    }

    /// Serves it. `accounts` is what a client needs to know, printed by whoever starts it.
    ///
    /// # Errors
    /// What binding the address says.
    pub async fn serve(&self, listen: SocketAddr, accounts: Value) -> std::io::Result<Running> {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let running = crate::channels::fake::serve(listen, router, Wire::default(), accounts).await?;
        self.with(|world| world.base.clone_from(&running.url));
        Ok(running)
    }
}

/// One call: read, answered, and waited for where it may wait.
async fn answer(State(platform): State<Platform>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 64 * 1024 * 1024).await.unwrap_or_default();
    let path: Vec<String> = parts.uri.path().split('/').skip(1).map(routes::decoded).collect();
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let call = Call {
        method: parts.method.as_str(),
        path: path.iter().map(String::as_str).collect(),
        query: &query,
        token: header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
        mime: header(CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
        bytes,
    };
    let until = call.number("timeout").filter(|_| call.path.ends_with(&["sync"])).unwrap_or(0).min(LONGEST_WAIT);
    let mut patience = std::pin::pin!(tokio::time::sleep(Duration::from_millis(until)));
    let mut stream = platform.stream.subscribe();
    loop {
        stream.borrow_and_update();
        let answer = platform.with(|world| routes::answer(world, &call));
        let Answer::Nothing(quiet) = answer else { return response(answer) };
        tokio::select! {
            _ = stream.changed() => {}
            () = &mut patience => return response(Answer::Json(200, quiet)),
        }
    }
}

fn response(answer: Answer) -> Response {
    let (status, mime, body) = match answer {
        Answer::Json(status, body) => (status, "application/json".to_owned(), Body::from(body.to_string())),
        Answer::Nothing(body) => (200, "application/json".to_owned(), Body::from(body.to_string())),
        Answer::File(mime, bytes) => (200, mime, Body::from(bytes)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    if let Ok(mime) = mime.parse() {
        response.headers_mut().insert(CONTENT_TYPE, mime);
    }
    response
}
