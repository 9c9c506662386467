//! The connector against its fake: the contract, and what is Telegram's own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

mod business;
mod inbound;
mod kept;
mod reply;
mod webhook;

use super::DESCRIPTOR;
use super::fake::{Platform, USERNAME};
use crate::channels::contract::{Harness, Inbox, Said, Say, Way, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule, Running, Wire};
use crate::channels::{Action, Channel, Client, Context, Item, MemorySecrets, Message, OutFile, Outgoing};
use crate::clock::Clock;
use crate::model::{Direction, Lane, ThreadKind, Timestamp};

pub struct Played {
    platform: Platform,
    running: Running,
    clock: Clock,
    customer: Value,
    other: Value,
    group: i64,
}

impl Played {
    fn context(&self, settings: &Value) -> Context {
        let mut all = json!({"url": self.running.url, "delivery": "poll", "wait": 0});
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        Context {
            client: Client::new(true).expect("a client"),
            clock: self.clock.clone(),
            settings: all,
            secrets: Arc::new(MemorySecrets::new(json!({"token": self.platform.token()}))),
            history: Duration::from_secs(7 * 86_400),
        }
    }

    fn with(&self, settings: &Value) -> Arc<dyn Channel> {
        (DESCRIPTOR.connect)(self.context(settings)).expect("a connection")
    }

    fn who(&self, who: Who) -> Value {
        match who {
            Who::Brand => json!({"id": 7_000_000_001_i64, "username": USERNAME}),
            Who::Customer => self.customer.clone(),
            Who::Other => self.other.clone(),
        }
    }

    /// Somebody does something; the clock moves on.
    fn play(&self, verb: &str, given: &Value) -> Value {
        self.clock.advance(Duration::from_secs(1));
        let done = self.platform.play(verb, given).unwrap_or_else(|why| panic!("{verb} {given}: {why}"));
        self.clock.advance(Duration::from_secs(1));
        done
    }

    /// The customer writes to the bot; answers the message's number.
    fn writes(&self, text: &str) -> i64 {
        self.play("say", &json!({"from": self.customer["id"], "text": text}))["message_id"].as_i64().unwrap()
    }

    /// What stands in a chat.
    fn chat(&self, given: &Value) -> Vec<Value> {
        self.platform.play("chat", given).unwrap()["messages"].as_array().unwrap().clone()
    }

    fn state(&self) -> Value {
        self.platform.play("state", &json!({})).unwrap()
    }

    /// What was asked of a method, as JSON.
    fn asked(&self, method: &str) -> Vec<Value> {
        let calls = self.running.wire.calls_to(&Method::POST, &format!("/bot*/{method}"));
        calls.iter().map(|call| serde_json::from_slice(&call.body).unwrap_or_default()).collect()
    }
}

/// An external id taken apart: chat and number.
fn number(id: &str) -> (i64, i64) {
    let (chat, message) = id.rsplit_once(':').unwrap();
    (chat.parse().unwrap(), message.parse().unwrap())
}

#[async_trait]
impl Harness for Played {
    async fn start() -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let platform = Platform::new(clock.clone());
        let customer = platform.play("user", &json!({"name": "Noor", "username": "noor_x"})).unwrap();
        let other = platform.play("user", &json!({"name": "Bas", "username": "bas_y"})).unwrap();
        let group = platform.play("group", &json!({"title": "Wijk", "kind": "supergroup"})).unwrap()["id"].as_i64();
        let running = platform.serve("127.0.0.1:0".parse().unwrap(), json!({})).await.expect("a free port");
        Self { platform, running, clock, customer, other, group: group.unwrap() }
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn wire(&self) -> &Wire {
        &self.running.wire
    }
    fn connect(&self) -> Arc<dyn Channel> {
        self.with(&json!({}))
    }
    fn author(&self, who: Who) -> (String, String) {
        let who = self.who(who);
        (who["id"].to_string(), who["username"].as_str().unwrap().to_owned())
    }
    fn secrets(&self) -> Vec<String> {
        vec![self.platform.token(), self.platform.token().split_once(':').unwrap().1.to_owned()]
    }
    fn ways() -> &'static [Way] {
        &[Way::Private, Way::Mention]
    }
    fn kind(way: Way) -> ThreadKind {
        match way {
            Way::Private => ThreadKind::Dm,
            Way::Mention => ThreadKind::Room,
        }
    }
    async fn say(&self, say: Say) -> String {
        let from = self.who(say.by)["id"].as_i64().unwrap();
        let chat = if say.private { from } else { self.group };
        let text = if say.names_brand && !say.private { format!("@{USERNAME} {}", say.text) } else { say.text.clone() };
        let mut given = json!({"from": from, "chat": chat, "text": text});
        if let Some(to) = &say.to {
            given["reply_to"] = number(to).1.into();
        }
        let message = self.play("say", &given);
        format!("{chat}:{}", message["message_id"])
    }
    async fn edit(&self, _: Who, id: &str, text: &str) {
        let (chat, message) = number(id);
        self.play("edit", &json!({"chat": chat, "message_id": message, "text": text}));
    }
    async fn delete(&self, _: Who, id: &str) {
        let (chat, message) = number(id);
        self.play("delete", &json!({"chat": chat, "message_id": message}));
    }
    async fn said(&self) -> Vec<Said> {
        let mut said = Vec::new();
        for chat in [self.customer["id"].as_i64().unwrap(), self.group] {
            let all = self.platform.play("chat", &json!({"chat": chat})).unwrap();
            for message in all["messages"].as_array().unwrap().iter().filter(|m| m["from"]["is_bot"] == true) {
                let id = |message: &Value| format!("{chat}:{}", message["message_id"]);
                said.push(Said {
                    external_id: id(message),
                    text: message["text"].as_str().unwrap_or_default().to_owned(),
                    reply_to: message["reply_to_message"].is_object().then(|| id(&message["reply_to_message"])),
                    private: chat > 0,
                });
            }
        }
        said
    }
    async fn liked(&self, id: &str) -> bool {
        let (chat, message) = number(id);
        let reactions = self.platform.play("chat", &json!({"chat": chat})).unwrap()["reactions"].clone();
        reactions[message.to_string()].as_array().is_some_and(|all| all.iter().any(|one| one["emoji"] == "👍"))
    }
    fn page() -> (&'static str, &'static str) {
        ("/bot*/getUpdates", "/result")
    }
    fn page_size() -> usize {
        100
    }
    fn posting() -> (Method, &'static str) {
        (Method::POST, "/bot*/sendMessage")
    }
}

crate::channel_contract!(Played: private, edits, paging, quarantine, http, replies, quotes, reply_to_deleted, ambiguous,
    throttled, limits, likes, delete_own);

/// A connected inbox in which the customer asked something.
async fn asked(played: &Played, text: &str) -> (Inbox, Message) {
    let mut inbox = Inbox::connected(played).await;
    played.writes(text);
    inbox.pull().await.unwrap();
    let message = inbox.find(text).clone();
    (inbox, message)
}
