//! Visitors at our own door, over HTTP and sockets as `docs/WEBCHAT.md` has it, on both engines.

mod attacks;
mod identity;
mod sockets;
mod story;

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::door::server::{Answer, Caller, House};
use balie::model::Role;

/// A site that may embed the chat.
pub const SITE: &str = "https://korst.example";
pub const SECRET: &str = "een geheim van de winkel zelf";

/// Somebody on a site with the chat.
#[derive(Clone)]
pub struct Visitor {
    pub caller: Caller,
    pub account: String,
}

/// An admin, and the account of a chat.
pub async fn chat(house: &House, more: Value) -> (Caller, String) {
    let admin = house.signed_in("Beheer", Role::Admin).await;
    let account = connect(&admin, "Korst", more).await;
    (admin, account)
}

/// Another chat.
pub async fn connect(admin: &Caller, name: &str, more: Value) -> String {
    let mut settings = json!({ "name": name, "origins": SITE, "identity_secret": SECRET });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = admin.post("/api/accounts", json!({ "channel": "webchat", "settings": settings })).await.must_be(201);
    made["id"].as_str().unwrap().to_owned()
}

impl Answer {
    /// The code of a visitor's refusal.
    #[track_caller]
    pub fn must_turn_away(&self, status: u16, code: &str) {
        let got = self.body["error"]["code"].as_str().unwrap_or_default();
        assert_eq!((self.status, got), (status, code), "{}", self.text);
        assert!(self.body["error"]["message"].is_string(), "{}", self.text);
    }
}

impl Visitor {
    /// A browser on the site, without a session.
    pub fn new(house: &House, account: &str) -> Self {
        let caller = Caller { origin: Some(SITE.to_owned()), ..house.stranger() };
        Self { caller, account: account.to_owned() }
    }

    /// With a session of their own.
    pub async fn arrive(house: &House, account: &str) -> Self {
        let mut visitor = Self::new(house, account);
        let entered = visitor.post("session", json!({ "locale": "nl" })).await.must_be(201);
        visitor.hold(&entered);
        visitor
    }

    /// Goes on with the token of an answer.
    pub fn hold(&mut self, answer: &Value) {
        self.caller.token = Some(answer["token"].as_str().unwrap().to_owned());
    }

    fn at(&self, path: &str) -> String {
        format!("/visit/{}/{path}", self.account)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.caller.get(&self.at(path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.caller.post(&self.at(path), body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.caller.call("DELETE", &self.at(path), Value::Null).await
    }

    pub async fn say(&self, text: &str) -> Answer {
        self.post("messages", json!({ "client_id": uuid::Uuid::new_v4(), "text": text })).await
    }

    pub async fn upload(&self, name: &str, content: &[u8]) -> Answer {
        let part = reqwest::multipart::Part::bytes(content.to_vec()).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = self.caller.request(Method::POST, &self.at("files")).multipart(form);
        self.caller.send(request).await
    }

    /// All they see, as texts.
    pub async fn texts(&self) -> Vec<String> {
        let page = self.get("messages").await.must_be(200);
        page["messages"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn dial(&self) -> Result<Socket, Error> {
        let address = format!("{}{}", self.caller.base.replace("http", "ws"), self.at("ws"));
        let mut request = address.into_client_request().unwrap();
        if let Some(origin) = &self.caller.origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        tokio_tungstenite::connect_async(request).await.map(|(socket, _)| Socket(socket))
    }

    /// A socket that said hello, and everything up to `ready` or `resync`.
    pub async fn socket(&self, last_seq: Option<i64>) -> (Socket, Vec<Value>) {
        let mut socket = self.dial().await.unwrap();
        socket.say(json!({ "type": "hello", "token": self.caller.token, "last_seq": last_seq })).await;
        let mut heard = Vec::new();
        loop {
            let frame = socket.hear().await;
            let kind = frame["type"].as_str().unwrap().to_owned();
            heard.push(frame);
            if ["ready", "resync", "close"].contains(&kind.as_str()) {
                return (socket, heard);
            }
        }
    }
}

/// A visitor's socket.
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn say(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub async fn hear(&mut self) -> Value {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.expect("nothing came");
            match next {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Close(frame))) => {
                    return json!({ "type": "close", "code": frame.map(|frame| u16::from(frame.code)) });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return json!({ "type": "close", "code": null }),
            }
        }
    }

    pub async fn hear_type(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.hear().await;
            if frame["type"] == kind {
                return frame;
            }
            assert_ne!(frame["type"], "close", "waiting for {kind}: {frame}");
        }
    }

    /// Everything until an answer to a ping that is sent now.
    pub async fn hear_all(&mut self) -> Vec<Value> {
        self.say(json!({ "type": "ping" })).await;
        let mut heard = Vec::new();
        loop {
            let frame = self.hear().await;
            if frame["type"] == "pong" {
                return heard;
            }
            heard.push(frame);
        }
    }
}

/// The only conversation an agent sees with this status.
pub async fn only(agent: &Caller, status: &str) -> Value {
    let page = agent.get(&format!("/api/conversations?status={status}")).await.must_be(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    page["items"][0].clone()
}

/// An agent claims and answers, and the answer leaves.
pub async fn answer(house: &House, agent: &Caller, conversation: &Value, text: &str) -> Value {
    answer_then(house, agent, conversation, text, "pending").await
}

pub async fn answer_then(house: &House, agent: &Caller, conversation: &Value, text: &str, then: &str) -> Value {
    let at = format!("/api/conversations/{}", conversation["id"].as_str().unwrap());
    let claim = agent.post(&format!("{at}/claim"), Value::Null).await.must_be(200);
    let opened = agent.get(&at).await.must_be(200);
    let thread = &opened["threads"][0];
    let body = json!({
        "thread_id": thread["id"], "text": text, "claim_token": claim["token"], "seen_version": thread["version"], "attachments": [], "then": then,
    });
    let key = uuid::Uuid::new_v4().to_string();
    let request = agent.request(Method::POST, &format!("{at}/replies")).header("idempotency-key", key).json(&body);
    let said = agent.send(request).await.must_be(201);
    balie::work::send::send_due(&house.desk, "test").await.unwrap();
    said
}

/// Beyond every limit of a minute.
pub fn a_minute_passes(house: &House) {
    house.later(Duration::from_secs(61));
}
