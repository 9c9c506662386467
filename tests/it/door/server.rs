//! A server of one's own, and somebody who talks to it.

use std::path::Path;
use std::time::Duration;

use balie::app::{self, Running};
use balie::cli::{Cli, Command};
use balie::clock::Clock;
use balie::desk::Desk;
use balie::desk::people::{self, NewUser};
use balie::model::{Role, TeamId};
use balie::secret::Secret;
use balie::store::Actor;
use clap::Parser as _;
use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{self, Engine, START};

/// Everybody's password.
pub const PASSWORD: &str = "een lange zin is goed";

/// Declares tests that run once per engine, each with a server of its own.
#[macro_export]
macro_rules! at_the_door {
    ($($(#[$meta:meta])* async fn $name:ident($house:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn story($house: &$crate::door::server::House) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let house = $crate::door::server::House::new($crate::support::Engine::Sqlite).await;
                story(&house).await;
                house.close().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let house = $crate::door::server::House::new($crate::support::Engine::Postgres).await;
                story(&house).await;
                house.close().await;
            }
        }
    )*};
}

/// A server that runs, with its clock in our hand.
pub struct House {
    pub running: Running,
    pub url: String,
    pub clock: Clock,
    pub desk: Desk,
    pub _folder: tempfile::TempDir,
}

impl House {
    pub async fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = support::fresh_database(engine, folder.path()).await;
        let clock = Clock::manual(START);
        write_key(folder.path());
        let (place, serving) = arguments(folder.path(), &database, &[]);
        let running = app::start(&place, &serving, clock.clone()).await.unwrap();
        let url = format!("http://{}", running.address);
        let desk = support::desk_on(&running.store, folder.path());
        Self { running, url, clock, desk, _folder: folder }
    }

    pub async fn close(self) {
        self.running.stop().await;
    }

    /// Adds somebody; their address is their name in lower case at example.org.
    pub async fn person(&self, name: &str, role: Role, team_ids: Vec<TeamId>) -> people::UserView {
        let new = NewUser {
            email: format!("{}@example.org", name.to_lowercase()),
            name: name.to_owned(),
            role,
            locale: "nl".to_owned(),
            password: Secret::new(PASSWORD.to_owned()),
            team_ids,
        };
        people::add_user(&self.running.store, Actor::System, new).await.unwrap()
    }

    /// Somebody new, signed in.
    pub async fn signed_in(&self, name: &str, role: Role) -> Caller {
        self.person(name, role, Vec::new()).await;
        self.sign_in(name).await
    }

    /// Somebody who is there, signed in.
    pub async fn sign_in(&self, name: &str) -> Caller {
        let mut caller = self.stranger();
        let answer = caller.try_sign_in(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        caller
    }

    /// Nobody yet.
    pub fn stranger(&self) -> Caller {
        browser(&self.url)
    }

    pub fn later(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// The server's key is the one our own desk has: both read what the other sealed.
fn write_key(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let key = folder.join("master.key");
    std::fs::write(&key, support::KEY.map(|byte| format!("{byte:02x}")).concat()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The command line of a server on this folder and database, without the part that works.
pub fn arguments(data: &Path, database: &str, more: &[&str]) -> (balie::config::Place, balie::config::Serving) {
    let data = data.to_str().unwrap();
    let line = [
        "balie",
        "serve",
        "--data",
        data,
        "--database",
        database,
        "--listen",
        "127.0.0.1:0",
        "--roles",
        "web",
        "--allow-private",
    ];
    let cli = Cli::try_parse_from(line.iter().chain(more)).unwrap();
    let Command::Serve(serving) = cli.command else { panic!("not a server") };
    (cli.place, serving)
}

#[expect(clippy::disallowed_methods, reason = "a test talks to its own server and needs no guard")]
fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Somebody with a browser or a script.
#[derive(Clone)]
pub struct Caller {
    pub http: reqwest::Client,
    pub base: String,
    /// What a browser would send.
    pub origin: Option<String>,
    pub cookie: Option<String>,
    pub token: Option<String>,
}

/// A browser at this address that nobody signed in with.
pub fn browser(url: &str) -> Caller {
    Caller { http: http(), base: url.to_owned(), origin: Some(url.to_owned()), cookie: None, token: None }
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub fn must_be(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    #[track_caller]
    pub fn must_refuse(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
    }
}

impl Caller {
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(origin) = &self.origin {
            request = request.header("origin", origin);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, body, text }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let mut request = self.request(method.parse().unwrap(), path);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, body).await
    }

    pub async fn try_sign_in(&mut self, name: &str, password: &str) -> Answer {
        let email = if name.contains('@') { name.to_owned() } else { format!("{}@example.org", name.to_lowercase()) };
        let answer = self.post("/api/session", serde_json::json!({ "email": email, "password": password })).await;
        if let Some(set) = answer.headers.get("set-cookie") {
            self.cookie = Some(set.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        answer
    }

    /// A script that holds this API token and has no browser.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), cookie: None, origin: None, ..self.clone() }
    }
}

/// Says these very bytes, which a client library would tidy up.
pub async fn raw(house: &House, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(house.running.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
