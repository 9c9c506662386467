//! The connector against its fake: the contract, and what is Mastodon's own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

mod connect;
mod inbound;
mod reply;

use super::DESCRIPTOR;
use super::fake::{DOMAIN, New, Platform, Policy, Visibility};
use crate::channels::contract::{Harness, Inbox, Said, Say, Way, Who};
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule, Running, Wire};
use crate::channels::{Action, Channel, Client, Context, MemorySecrets, OutFile};
use crate::clock::Clock;
use crate::model::{Direction, Lane, Timestamp};

pub struct Played {
    platform: Platform,
    running: Running,
    clock: Clock,
    token: String,
}

impl Played {
    fn context(&self) -> Context {
        self.context_with(json!({"token": self.token}))
    }

    fn context_with(&self, secrets: serde_json::Value) -> Context {
        Context {
            client: Client::new(true).expect("a client"),
            clock: self.clock.clone(),
            settings: json!({"url": self.running.url}),
            secrets: Arc::new(MemorySecrets::new(secrets)),
            history: Duration::from_secs(7 * 86_400),
        }
    }

    fn name(who: Who) -> &'static str {
        match who {
            Who::Brand => "brand",
            Who::Customer => "klant@zorgplein.example",
            Who::Other => "buur",
        }
    }
}

#[async_trait]
impl Harness for Played {
    async fn start() -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let platform = Platform::new(clock.clone());
        let token = platform.local("brand", "Het Merk");
        let _ = platform.local("buur", "Buurman");
        platform.remote("klant@zorgplein.example", "K. Lant");
        platform.accept_all("brand");
        platform.limit(1_000_000);
        let running = platform.serve("127.0.0.1:0".parse().unwrap(), json!({})).await.expect("a free port");
        Self { platform, running, clock, token }
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn wire(&self) -> &Wire {
        &self.running.wire
    }
    fn connect(&self) -> Arc<dyn Channel> {
        (DESCRIPTOR.connect)(self.context()).expect("a connection")
    }
    fn author(&self, who: Who) -> (String, String) {
        let name = Self::name(who);
        let full = if name.contains('@') { name.to_owned() } else { format!("{name}@{DOMAIN}") };
        (full.clone(), full)
    }
    fn ways() -> &'static [Way] {
        &[Way::Mention, Way::Private]
    }
    fn secrets(&self) -> Vec<String> {
        vec![self.token.clone()]
    }
    async fn say(&self, say: Say) -> String {
        self.clock.advance(Duration::from_secs(1));
        let mut text = say.text.clone();
        if say.names_brand && say.by != Who::Brand {
            text = format!("@brand {text}");
        }
        if say.private && say.by == Who::Brand {
            text = format!("@{} {text}", Self::name(Who::Customer));
        }
        let visibility = if say.private { Visibility::Direct } else { Visibility::Public };
        let new =
            New { by: Self::name(say.by), text: &text, to: say.to.as_deref(), visibility, language: "nl", at: None };
        self.platform.post(new).expect("the fake takes it")
    }
    async fn edit(&self, _: Who, id: &str, text: &str) {
        self.clock.advance(Duration::from_secs(1));
        assert!(self.platform.edit(id, &format!("@brand {text}")));
    }
    async fn delete(&self, _: Who, id: &str) {
        self.platform.delete(id);
    }
    async fn said(&self) -> Vec<Said> {
        let posts = self.platform.by("brand").into_iter();
        posts
            .map(|post| Said {
                external_id: post.id,
                text: post.text,
                reply_to: post.in_reply_to,
                private: post.visibility == Visibility::Direct,
            })
            .collect()
    }
    async fn liked(&self, id: &str) -> bool {
        self.platform.likes("brand", id)
    }
    fn page() -> (&'static str, &'static str) {
        ("/api/v1/notifications", "")
    }
    fn page_size() -> usize {
        80
    }
    fn posting() -> (Method, &'static str) {
        (Method::POST, "/api/v1/statuses")
    }
    fn streaming() -> &'static str {
        "/api/v1/streaming/user"
    }
}

crate::channel_contract!(Played: public, private, history, elsewhere, echo, edits, deletes, paging, stream, live_deletes, quarantine,
    http, replies, quotes, reply_to_deleted, idempotent, throttled, limits, likes, delete_own);

async fn asked(played: &Played, text: &str, visibility: Visibility) -> (Inbox, crate::channels::Message) {
    let mut inbox = Inbox::connected(played).await;
    let text = format!("@brand {text}");
    played
        .platform
        .post(New { by: "klant@zorgplein.example", text: &text, to: None, visibility, language: "nl", at: None })
        .unwrap();
    inbox.pull().await.unwrap();
    let message = inbox.messages.values().next().unwrap().clone();
    (inbox, message)
}

fn new<'a>(by: &'a str, text: &'a str, to: Option<&'a str>, visibility: Visibility) -> New<'a> {
    New { by, text, to, visibility, language: "nl", at: None }
}
