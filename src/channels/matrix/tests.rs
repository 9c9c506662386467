//! The connector against its fake: the contract, and what is Matrix's own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::DESCRIPTOR;
use super::fake::{DOMAIN, Platform};
use crate::channels::contract::{Harness, Inbox, Said, Say, Way, Who};
use crate::channels::fake::{Running, Wire};
use crate::channels::{Channel, Client, Context, MemorySecrets};
use crate::clock::Clock;
use crate::model::{ThreadKind, Timestamp};

mod inbound;
mod outbound;
mod rooms;
mod sessions;

/// The room of the customer, of the other one, and the one where everybody is.
const DM: &str = "!klant";
const OTHER_DM: &str = "!buur";
const SQUARE: &str = "!plein";

/// The brand's id.
fn brand() -> String {
    format!("@brand:{DOMAIN}")
}

pub struct Played {
    platform: Platform,
    running: Running,
    clock: Clock,
    secrets: Arc<MemorySecrets>,
}

impl Played {
    fn context_with(&self, settings: &Value, secrets: Arc<MemorySecrets>) -> Context {
        let mut all = json!({"server": self.running.url, "user": "brand"});
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        Context {
            client: Client::new(true).expect("a client"),
            clock: self.clock.clone(),
            settings: all,
            secrets,
            history: Duration::from_secs(7 * 86_400),
        }
    }

    fn connect_with(&self, settings: &Value, secrets: Value) -> Arc<dyn Channel> {
        (DESCRIPTOR.connect)(self.context_with(settings, Arc::new(MemorySecrets::new(secrets)))).unwrap()
    }

    fn name(who: Who) -> &'static str {
        match who {
            Who::Brand => "brand",
            Who::Customer => "klant",
            Who::Other => "buur",
        }
    }

    /// Says a text in a room.
    fn text(&self, room: &str, by: &str, text: &str) -> String {
        self.clock.advance(Duration::from_millis(200));
        self.platform.say(room, by, "m.room.message", json!({"msgtype": "m.text", "body": text, "m.mentions": {}}))
    }
}

#[async_trait]
impl Harness for Played {
    async fn start() -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let platform = Platform::new(clock.clone());
        for (name, display) in [("brand", "Het Merk"), ("klant", "K. Lant"), ("buur", "Buurman")] {
            let _ = platform.person(name, display);
        }
        platform.room(DM, "klant", &["brand"], json!({"direct": true}));
        platform.room(OTHER_DM, "buur", &["brand"], json!({"direct": true}));
        platform.room(SQUARE, "buur", &["klant", "brand"], json!({"name": "Het plein"}));
        let running = platform.serve("127.0.0.1:0".parse().unwrap(), json!({})).await.expect("a free port");
        let secrets = Arc::new(MemorySecrets::new(json!({"password": "brand-pass"})));
        Self { platform, running, clock, secrets }
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn wire(&self) -> &Wire {
        &self.running.wire
    }
    fn connect(&self) -> Arc<dyn Channel> {
        (DESCRIPTOR.connect)(self.context_with(&json!({}), Arc::clone(&self.secrets))).expect("a connection")
    }
    fn author(&self, who: Who) -> (String, String) {
        let name = Self::name(who);
        (format!("@{name}:{DOMAIN}"), format!("{name}:{DOMAIN}"))
    }
    fn ways() -> &'static [Way] {
        &[Way::Private, Way::Mention]
    }
    fn kind(way: Way) -> ThreadKind {
        match way {
            Way::Mention => ThreadKind::Room,
            Way::Private => ThreadKind::Dm,
        }
    }
    async fn say(&self, say: Say) -> String {
        self.clock.advance(Duration::from_millis(500));
        let room = match (say.private, say.by) {
            (true, Who::Other) => OTHER_DM,
            (true, _) => DM,
            (false, _) => SQUARE,
        };
        let mut content = json!({"msgtype": "m.text", "body": say.text, "m.mentions": {}});
        if say.names_brand && !say.private && say.by != Who::Brand {
            content["m.mentions"]["user_ids"] = json!([self.author(Who::Brand).0]);
        }
        if let Some(to) = say.to {
            content["m.relates_to"] = json!({"m.in_reply_to": {"event_id": to}});
        }
        self.platform.say(room, Self::name(say.by), "m.room.message", content)
    }
    async fn said(&self) -> Vec<Said> {
        let said = self.platform.said("brand").into_iter();
        said.map(|seen| Said {
            external_id: seen.id,
            text: seen.content["body"].as_str().unwrap().to_owned(),
            reply_to: seen.content["m.relates_to"]["m.in_reply_to"]["event_id"].as_str().map(str::to_owned),
            private: seen.room != SQUARE,
        })
        .collect()
    }
    async fn edit(&self, by: Who, id: &str, text: &str) {
        self.clock.advance(Duration::from_millis(500));
        let room = self.platform.room_of(id).unwrap();
        let content = json!({
            "msgtype": "m.text", "body": format!("* {text}"), "m.new_content": {"msgtype": "m.text", "body": text},
            "m.relates_to": {"rel_type": "m.replace", "event_id": id},
        });
        self.platform.say(&room, Self::name(by), "m.room.message", content);
    }
    async fn delete(&self, by: Who, id: &str) {
        let room = self.platform.room_of(id).unwrap();
        self.platform.redact(&room, Self::name(by), id);
    }
    async fn liked(&self, id: &str) -> bool {
        self.platform.likes("brand", id)
    }
    fn page() -> (&'static str, &'static str) {
        ("/_matrix/client/v3/sync", "/rooms/join/!klant/timeline/events")
    }
    fn page_size() -> usize {
        super::sync::PAGE
    }
    fn secrets(&self) -> Vec<String> {
        self.platform.secrets("brand")
    }
    fn posting() -> (Method, &'static str) {
        (Method::PUT, "/_matrix/client/v3/rooms/*/send/*")
    }
    fn streaming() -> &'static str {
        "/_matrix/client/v3/sync"
    }
}

crate::channel_contract!(Played: public, private, history, elsewhere, echo, edits, deletes, paging, stream, live_deletes, quarantine,
    http, replies, quotes, reply_to_deleted, idempotent, throttled, limits, likes, delete_own);
