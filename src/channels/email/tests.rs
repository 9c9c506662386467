//! The contract on our own mail server, and what mail alone can do wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::thread::message_id;
use crate::channels::contract::{Harness, Hitch, Inbox, Said, Say, Way, Who};
use crate::channels::fake::Running;
use crate::channels::mailbox::fake::{self, Letter, Post, Trouble};
use crate::channels::{Channel, Client, Context, MemorySecrets};
use crate::clock::Clock;
use crate::model::{ThreadKind, Timestamp};

mod answers;
mod left;
mod reading;
mod signing;

/// The server, its clock, and the brand's secrets as they outlive a connection.
pub struct Stage {
    running: Running,
    post: Post,
    clock: Clock,
    secrets: Arc<MemorySecrets>,
    settings: Value,
    /// What was said between the brand and somebody, as ids: a mail program answers the newest.
    exchanges: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Stage {
    async fn with(more: Value) -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let (running, post) = fake::start("127.0.0.1:0".parse().unwrap(), clock.clone()).await.unwrap();
        let accounts = &running.accounts;
        let mut settings = json!({
            "address": accounts["brand"]["address"], "name": "Merk",
            "imap_host": accounts["imap"]["host"], "imap_port": accounts["imap"]["port"], "imap_security": "none",
            "smtp_host": accounts["smtp"]["host"], "smtp_port": accounts["smtp"]["port"], "smtp_security": "none",
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let secrets = Arc::new(MemorySecrets::new(json!({"password": accounts["brand"]["password"]})));
        Self { post, clock, secrets, settings, exchanges: Mutex::default(), running }
    }

    fn account(&self, who: Who) -> &Value {
        &self.running.accounts[match who {
            Who::Brand => "brand",
            Who::Customer => "customer",
            Who::Other => "customer2",
        }]
    }

    fn address(&self, who: Who) -> String {
        self.account(who)["address"].as_str().unwrap().to_owned()
    }

    fn context(&self) -> Context {
        Context {
            client: Client::new(true).unwrap(),
            clock: self.clock.clone(),
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
            history: Duration::from_secs(7 * 86_400),
        }
    }

    fn letter(&self, by: Who, to: Who, text: &str, answers: Vec<String>) -> String {
        self.clock.advance(Duration::from_secs(1));
        let name = self.account(by)["name"].as_str().unwrap();
        let letter = Letter {
            from: format!("{name} <{}>", self.address(by)),
            to: self.address(to),
            subject: "Mijn bestelling".to_owned(),
            text: text.to_owned(),
            answers,
        };
        self.post.lock().write(&letter)
    }

    /// A mail of the customer that begins something new.
    fn fresh(&self, text: &str) -> String {
        self.letter(Who::Customer, Who::Brand, text, Vec::new())
    }
}

/// The own words of a mail that was handed in, above what it repeats.
fn words(raw: &[u8]) -> String {
    let mail = mail_parser::MessageParser::default().parse(raw).unwrap();
    let text = mail.body_text(0).unwrap().replace("\r\n", "\n");
    text.split("\n\nOp ").next().unwrap().trim_end().to_owned()
}

#[async_trait]
impl Harness for Stage {
    async fn start() -> Self {
        Self::with(json!({})).await
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn connect(&self) -> Arc<dyn Channel> {
        (super::DESCRIPTOR.connect)(self.context()).unwrap()
    }
    fn author(&self, who: Who) -> (String, String) {
        (self.address(who), self.address(who))
    }
    fn ways() -> &'static [Way] {
        &[Way::Private]
    }
    fn kind(_way: Way) -> ThreadKind {
        ThreadKind::Mail
    }
    async fn say(&self, say: Say) -> String {
        let (peer, to) = match say.by {
            Who::Brand => (Who::Customer, Who::Customer),
            other => (other, Who::Brand),
        };
        let mut answers = self.exchanges.lock().unwrap().get(&self.address(peer)).cloned().unwrap_or_default();
        answers.extend(say.to.filter(|to| !answers.contains(to)));
        let id = self.letter(say.by, to, &say.text, answers.clone());
        answers.push(id.clone());
        self.exchanges.lock().unwrap().insert(self.address(peer), answers);
        id
    }
    async fn said(&self) -> Vec<Said> {
        let sent = self.post.lock().sent.clone();
        let parse = |raw: &[u8]| mail_parser::MessageParser::default().parse(raw).unwrap().into_owned();
        sent.iter()
            .filter(|sent| sent.from == self.address(Who::Brand))
            .map(|sent| {
                let mail = parse(&sent.raw);
                Said {
                    external_id: message_id(mail.message_id().unwrap()).unwrap(),
                    text: words(&sent.raw),
                    reply_to: mail.in_reply_to().as_text().and_then(message_id),
                    private: true,
                }
            })
            .collect()
    }
    fn page_size() -> usize {
        25
    }
    fn hitch(&self, hitch: Hitch) {
        let mut world = self.post.lock();
        match hitch {
            Hitch::AnswerLost => world.troubles.push(Trouble::CutAfter),
            Hitch::AnswerCut => world.troubles.push(Trouble::Half),
            Hitch::Busy => world.troubles.push(Trouble::Refuse("421 4.3.2 going down".to_owned())),
            Hitch::TooFast => world.troubles.push(Trouble::Refuse("451 4.7.1 greylisted, come back".to_owned())),
            Hitch::LockedOut => world.manners.locked = true,
        }
    }
    fn heal(&self) {
        let mut world = self.post.lock();
        world.manners.locked = false;
        world.troubles.clear();
    }
    fn cut(&self) {
        self.running.wire.cut_all();
    }
    fn lock_stream(&self) {
        self.post.lock().manners.locked = true;
    }
}

crate::channel_contract!(Stage: private, history, elsewhere, echo, paging, stream, replies, quotes, ambiguous, throttled, limits);

/// A provider that files what is sent by itself, as Google and Microsoft do.
mod filed_by_the_provider {
    use super::*;

    pub struct Filed(Stage);

    #[async_trait]
    impl Harness for Filed {
        async fn start() -> Self {
            let stage = Stage::with(json!({"copies": "theirs"})).await;
            stage.post.lock().manners.files_sent = true;
            Self(stage)
        }
        fn clock(&self) -> &Clock {
            self.0.clock()
        }
        fn connect(&self) -> Arc<dyn Channel> {
            self.0.connect()
        }
        fn author(&self, who: Who) -> (String, String) {
            self.0.author(who)
        }
        fn ways() -> &'static [Way] {
            Stage::ways()
        }
        fn kind(way: Way) -> ThreadKind {
            Stage::kind(way)
        }
        async fn say(&self, say: Say) -> String {
            self.0.say(say).await
        }
        async fn said(&self) -> Vec<Said> {
            self.0.said().await
        }
        fn hitch(&self, hitch: Hitch) {
            self.0.hitch(hitch);
        }
        fn heal(&self) {
            self.0.heal();
        }
    }

    crate::channel_contract!(Filed: echo, lookup);
}

/// The stage with an inbox that has taken its first look.
async fn opened(more: Value) -> (Stage, Inbox) {
    let stage = Stage::with(more).await;
    let inbox = Inbox::connected(&stage).await;
    (stage, inbox)
}
