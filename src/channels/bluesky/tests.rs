//! The contract on our own network, and what this network alone can do wrong.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::fake::{self, Network};
use crate::channels::contract::{Harness, Inbox, Said, Say, Way, Who};
use crate::channels::fake::{Running, Wire};
use crate::channels::{Channel, Client, Context, MemorySecrets, above};
use crate::clock::Clock;
use crate::model::Timestamp;

mod chats;
mod feeds;
mod fixtures;
mod moderation;
mod real;
mod replies;
mod sessions;

/// The network, its clock, and the brand's secrets as they outlive a connection.
pub struct Stage {
    running: Running,
    network: Network,
    clock: Clock,
    secrets: Arc<MemorySecrets>,
}

impl Stage {
    fn account(&self, who: Who) -> &Value {
        &self.running.accounts[match who {
            Who::Brand => "brand",
            Who::Customer => "customer",
            Who::Other => "customer2",
        }]
    }

    fn did(&self, who: Who) -> String {
        self.account(who)["did"].as_str().unwrap().to_owned()
    }

    fn context(&self, settings: Value, secrets: Arc<MemorySecrets>) -> Context {
        let mut all = json!({"service": self.running.url, "plc": self.running.url, "identifier": self.account(Who::Brand)["handle"]});
        if let Value::Object(settings) = settings {
            all.as_object_mut().unwrap().extend(settings);
        }
        Context {
            client: Client::new(true).unwrap(),
            clock: self.clock.clone(),
            settings: all,
            secrets,
            history: Duration::from_secs(7 * 86_400),
        }
    }

    fn connect_with(&self, settings: Value, secrets: Value) -> Arc<dyn Channel> {
        (super::DESCRIPTOR.connect)(self.context(settings, Arc::new(MemorySecrets::new(secrets)))).unwrap()
    }

    /// A post as its author's client writes it.
    fn post(&self, by: Who, text: &str, more: Value) -> String {
        self.clock.advance(Duration::from_millis(150));
        let mut record = json!({"text": text, "createdAt": self.clock.now().to_rfc3339(), "langs": ["nl"]});
        if let Value::Object(more) = more {
            record.as_object_mut().unwrap().extend(more);
        }
        let did = self.did(by);
        let answer = self.network.lock().create(&did, "app.bsky.feed.post", record);
        answer.ok().unwrap()["uri"].as_str().unwrap().to_owned()
    }

    /// What a reply must carry to stand under this post.
    fn under(&self, parent: &str) -> Value {
        let net = self.network.lock();
        let (cid, value) = net.record(parent).unwrap();
        let parent = json!({"uri": parent, "cid": cid});
        let root = if value["reply"]["root"].is_object() { value["reply"]["root"].clone() } else { parent.clone() };
        json!({"root": root, "parent": parent})
    }

    fn calls(&self, method: &str) -> usize {
        self.running.wire.calls().iter().filter(|call| call.path.ends_with(method)).count()
    }
}

#[async_trait]
impl Harness for Stage {
    async fn start() -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let (running, network) = fake::start("127.0.0.1:0".parse().unwrap(), clock.clone()).await.unwrap();
        let secrets = Arc::new(MemorySecrets::new(json!({"password": running.accounts["brand"]["app_password"]})));
        Self { running, network, clock, secrets }
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn wire(&self) -> &Wire {
        &self.running.wire
    }
    fn connect(&self) -> Arc<dyn Channel> {
        (super::DESCRIPTOR.connect)(self.context(Value::Null, Arc::clone(&self.secrets))).unwrap()
    }
    fn author(&self, who: Who) -> (String, String) {
        (self.did(who), self.account(who)["handle"].as_str().unwrap().to_owned())
    }
    fn ways() -> &'static [Way] {
        &[Way::Mention, Way::Private]
    }
    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.network.lock().live_tokens();
        secrets.push(self.account(Who::Brand)["app_password"].as_str().unwrap().to_owned());
        secrets
    }

    async fn say(&self, say: Say) -> String {
        if say.private {
            self.clock.advance(Duration::from_millis(150));
            let peer = self.did(if say.by == Who::Brand { Who::Customer } else { Who::Brand });
            let by = self.did(say.by);
            let mut net = self.network.lock();
            let convo = net.convo_of(&by, &[&peer]);
            let said = net.chat_say(&by, &convo, &json!({"text": say.text})).ok().unwrap();
            return super::convert::chat_id(&convo, said["id"].as_str().unwrap());
        }
        let mut more = json!({});
        let mut text = say.text;
        if say.names_brand {
            let name = "@brand.test";
            text = format!("{name} {text}");
            more["facets"] = json!([{
                "index": {"byteStart": 0, "byteEnd": name.len()},
                "features": [{"$type": "app.bsky.richtext.facet#mention", "did": self.did(Who::Brand)}],
            }]);
        }
        if let Some(to) = &say.to {
            more["reply"] = self.under(to);
        }
        self.post(say.by, &text, more)
    }
    async fn delete(&self, _by: Who, id: &str) {
        let at = super::wire::AtUri::parse(id).unwrap();
        self.network.lock().remove(at.did, at.collection, at.rkey);
    }
    async fn said(&self) -> Vec<Said> {
        let brand = self.did(Who::Brand);
        let net = self.network.lock();
        let posts = net.all_of(&brand, "app.bsky.feed.post").into_iter().map(|(uri, value)| Said {
            external_id: uri,
            text: value["text"].as_str().unwrap().to_owned(),
            reply_to: value["reply"]["parent"]["uri"].as_str().map(ToOwned::to_owned),
            private: false,
        });
        let chats = net.chat_said().into_iter().filter(|(by, ..)| *by == brand).map(|(_, convo, id, text)| Said {
            external_id: super::convert::chat_id(&convo, &id),
            text,
            reply_to: None,
            private: true,
        });
        posts.chain(chats).collect()
    }
    async fn liked(&self, id: &str) -> bool {
        let likes = self.network.lock().all_of(&self.did(Who::Brand), "app.bsky.feed.like");
        likes.iter().any(|(_, value)| value["subject"]["uri"] == id)
    }

    fn page() -> (&'static str, &'static str) {
        ("/xrpc/app.bsky.notification.listNotifications", "/notifications")
    }
    fn page_size() -> usize {
        100
    }
    fn posting() -> (reqwest::Method, &'static str) {
        (reqwest::Method::POST, "/xrpc/com.atproto.repo.putRecord")
    }
}

crate::channel_contract!(Stage: public, private, history, elsewhere, echo, deletes, paging, quarantine, http, replies, quotes,
    reply_to_deleted, idempotent, throttled, limits, likes, delete_own);

#[tokio::test]
async fn a_stage_starts_empty() {
    let stage = Stage::start().await;
    let inbox = Inbox::connected(&stage).await;
    assert!(inbox.messages.is_empty() && stage.said().await.is_empty());
    assert_eq!(
        super::convert::address(&above("at://did:plc:a/app.bsky.feed.post/b", "at://did:plc:c/app.bsky.feed.post/d")),
        "at://did:plc:a/app.bsky.feed.post/b"
    );
}
