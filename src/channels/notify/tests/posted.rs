//! Notification mails as they lie in a mailbox: the contract on the played mail server, and what mailboxes alone do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::DESCRIPTOR;
use super::{COMMENT, KEY, handed};
use crate::channels::contract::{Harness, Inbox, Said, Say, Way, Who};
use crate::channels::fake::Running;
use crate::channels::mailbox::fake::{self, Letter, Post, rfc2822};
use crate::channels::{Channel, ChannelError, Class, Client, Context, MemorySecrets, Warning};
use crate::clock::Clock;
use crate::model::Timestamp;

const BOX: &str = "help@merk.test";

pub struct Posted {
    running: Running,
    post: Post,
    clock: Clock,
}

impl Posted {
    fn reads(&self, more: &Value, secrets: Value) -> Result<Arc<dyn Channel>, ChannelError> {
        let imap = &self.running.accounts["imap"];
        let mut settings = json!({
            "name": "Pinterest", "rules": include_str!("../rules.json"), "checked_by": "mx.voorbeeld.nl",
            "imap_host": imap["host"], "imap_port": imap["port"], "imap_security": "none", "user": BOX, "folders": "INBOX",
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (DESCRIPTOR.connect)(Context {
            client: Client::new(true).unwrap(),
            clock: self.clock.clone(),
            settings,
            secrets: Arc::new(MemorySecrets::new(secrets)),
            history: Duration::from_secs(7 * 86_400),
        })
    }

    fn with(&self, more: &Value) -> Arc<dyn Channel> {
        self.reads(more, json!({"password": "brand-pass"})).unwrap()
    }

    /// A mail of the platform's, as our mail server files it.
    fn notice(&self, id: &str, text: &str) -> String {
        let text = text.replace('<', "&lt;");
        format!(
            "Authentication-Results: mx.voorbeeld.nl; dkim=pass header.d=pinterest.com\r\nFrom: Pinterest <ideas@discover.pinterest.com>\r\n\
             To: {BOX}\r\nSubject: Noor commented on your Pin\r\nDate: {}\r\nMessage-ID: <{id}>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
             <p>{text}</p><a href=\"https://www.pinterest.com/pin/{id}/\">See it</a>\r\n",
            rfc2822(self.clock.now()),
        )
    }

    fn put(&self, mail: String) {
        self.post.lock().put(BOX, "INBOX", mail.into_bytes());
    }

    fn newsletter(&self) {
        self.clock.advance(Duration::from_secs(1));
        let letter = Letter {
            from: "Klant <klant@thuis.test>".to_owned(),
            to: BOX.to_owned(),
            subject: "Gewone post".to_owned(),
            text: "Hier is geen regel voor.".to_owned(),
            answers: Vec::new(),
        };
        self.post.lock().write(&letter);
    }
}

#[async_trait]
impl Harness for Posted {
    async fn start() -> Self {
        let clock = Clock::manual(Timestamp(1_772_442_845_000));
        let (running, post) = fake::start("127.0.0.1:0".parse().unwrap(), clock.clone()).await.unwrap();
        Self { running, post, clock }
    }
    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn connect(&self) -> Arc<dyn Channel> {
        self.with(&json!({}))
    }
    fn author(&self, who: Who) -> (String, String) {
        match who {
            Who::Brand => ("pinterest".to_owned(), "Pinterest".to_owned()),
            _ => ("pinterest:noor".to_owned(), "Pinterest".to_owned()),
        }
    }
    fn ways() -> &'static [Way] {
        &[Way::Mention]
    }
    async fn say(&self, say: Say) -> String {
        self.clock.advance(Duration::from_secs(1));
        let id = format!("{}@pinterest.com", uuid::Uuid::new_v4().simple());
        self.put(self.notice(&id, &say.text));
        id
    }
    async fn said(&self) -> Vec<Said> {
        Vec::new()
    }
    fn page_size() -> usize {
        25
    }
}

crate::channel_contract!(Posted: history, paging);

#[tokio::test]
async fn what_no_rule_knows_is_left_alone_and_counted() {
    let stage = Posted::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    stage.newsletter();
    stage.put(stage.notice("a@pinterest.com", "mooi").replace("commented on your Pin", "has ideas for you"));
    stage.put(stage.notice("b@pinterest.com", "in het groen?"));
    inbox.pull().await.unwrap();
    assert_eq!((inbox.messages.len(), inbox.unreadable.len()), (1, 0));
    assert_eq!(inbox.cursors["mail"]["left"], 2);
    let message = inbox.find("in het groen?");
    assert_eq!(message.url.as_deref(), Some("https://www.pinterest.com/pin/b@pinterest.com/"));
    let allowance = inbox.channel.allowance(&message.thread, &json!({"thread": {"platform": "Pinterest"}}));
    assert!(!allowance.may_reply && allowance.hand_off.unwrap().url.is_some());
    // Nothing was marked, moved or deleted, and nothing but looking was asked for.
    let world = stage.post.lock();
    let folder = &world.owners[BOX].folders["INBOX"];
    assert!(folder.mails.len() == 3 && folder.mails.iter().all(|mail| mail.flags.is_empty()));
    for changing in ["STORE", "MOVE", "COPY", "EXPUNGE", "APPEND", "CLOSE", "CREATE"] {
        assert!(!world.commands.iter().any(|command| command.ends_with(changing)), "{changing}: {:?}", world.commands);
    }
}

#[tokio::test]
async fn a_mail_in_a_platforms_name_that_nobody_vouches_for_is_held_and_can_be_read_later() {
    let stage = Posted::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    // One byte a letter, as old mailers write: it cannot be held as text.
    let mut mail = stage.notice("c@pinterest.com", "klik hier").replace("dkim=pass", "dkim=fail").into_bytes();
    mail.extend(b"Zo\xeb\r\n");
    stage.post.lock().put(BOX, "INBOX", mail);
    inbox.pull().await.unwrap();
    assert!(inbox.messages.is_empty());
    let held = inbox.unreadable.pop().unwrap();
    assert!(held.error.contains("does not vouch for it"), "{}", held.error);
    let again = inbox.channel.pull().unwrap().reread("mail", &held.payload).await.unwrap();
    assert_eq!((again.items.len(), again.unreadable.len()), (0, 1));
    let trusting = stage.with(&json!({"checked_by": ""}));
    let again = trusting.pull().unwrap().reread("mail", &held.payload).await.unwrap();
    assert_eq!(again.unreadable.len(), 0);
    let again_items = again.items.len();
    inbox.take(again);
    inbox.find("klik hier");
    // So it can when the mailbox is read no more.
    let elsewhere = stage.with(&json!({"checked_by": "", "imap_host": ""}));
    assert_eq!(elsewhere.pull().unwrap().reread("mail", &held.payload).await.unwrap().items.len(), again_items);
    // What a stranger hands over is never taken for something that we held.
    let batch = trusting.pull().unwrap().reread("hook", &held.payload).await.unwrap();
    assert_eq!((batch.items.len(), batch.unreadable.len()), (0, 1));
}

#[tokio::test]
async fn a_mailbox_that_began_anew_is_read_again_without_doubling() {
    let stage = Posted::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    stage.say(Say::mention(Who::Customer, "voor het herstel")).await;
    inbox.pull().await.unwrap();
    stage.post.lock().renumber(BOX, "INBOX");
    stage.say(Say::mention(Who::Customer, "na het herstel")).await;
    inbox.pull().await.unwrap();
    assert_eq!((inbox.messages.len(), inbox.unreadable.len()), (2, 0));
}

#[tokio::test]
async fn a_mail_that_is_handed_over_and_lies_in_the_mailbox_is_one_message() {
    let stage = Posted::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    let mail = stage.notice("g@pinterest.com", "twee wegen");
    let pushed = handed(&*inbox.channel, &format!("Bearer {KEY}"), "", mail.as_bytes()).await.unwrap();
    inbox.take(pushed.batch);
    // Whoever files it writes lines of their own above.
    stage.put(format!("Return-Path: <bounce@pinterest.com>\r\nReceived: from mx.voorbeeld.nl\r\n{mail}"));
    inbox.pull().await.unwrap();
    assert_eq!((inbox.messages.len(), inbox.seen["g@pinterest.com"], inbox.unreadable.len()), (1, 2, 0));
}

#[tokio::test]
async fn a_line_that_breaks_among_mail_of_others_gets_further_each_time() {
    let stage = Posted::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    for _ in 0..3 {
        stage.newsletter();
    }
    {
        let mut world = stage.post.lock();
        world.manners.breaks_at = world.owners[BOX].folders["INBOX"].mails.last().map(|mail| mail.uid);
    }
    stage.put(stage.notice("h@pinterest.com", "achter de rest"));
    assert!(inbox.pull().await.unwrap_err().is_transient());
    assert_eq!(inbox.cursors["mail"]["left"], 2, "those are behind us");
    stage.post.lock().manners.breaks_at = None;
    inbox.pull().await.unwrap();
    inbox.find("achter de rest");
    assert_eq!(inbox.cursors["mail"]["left"], 3);
}

#[tokio::test]
async fn another_mailbox_is_read_from_its_own_beginning() {
    const OTHER: &str = "klant@thuis.test";
    let stage = Posted::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    stage.say(Say::mention(Who::Customer, "in de ene")).await;
    inbox.pull().await.unwrap();
    for n in 0..3 {
        let mail = stage.notice(&format!("other-{n}@pinterest.com"), &format!("in de andere <{n}>"));
        stage.post.lock().put(OTHER, "INBOX", mail.into_bytes());
    }
    {
        // Ids tell nothing of whose they are.
        let mut world = stage.post.lock();
        let validity = world.owners[BOX].folders["INBOX"].uidvalidity;
        world.owners.get_mut(OTHER).unwrap().folders.get_mut("INBOX").unwrap().uidvalidity = validity;
    }
    inbox.channel = stage.reads(&json!({ "user": OTHER }), json!({"password": "customer-pass"})).unwrap();
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("in de andere"), 3);
}

#[tokio::test]
async fn a_rule_that_is_added_finds_what_lay_there_already() {
    let stage = Posted::start().await;
    let mut inbox = Inbox::connected(&stage).await;
    stage.put(stage.notice("d@pinterest.com", "lang geleden").replace("commented on", "pondered"));
    stage.clock.advance(Duration::from_secs(20 * 86_400));
    stage.put(stage.notice("e@pinterest.com", "gisteren").replace("commented on", "pondered"));
    stage.say(Say::mention(Who::Customer, "gewoon")).await;
    stage.clock.advance(Duration::from_secs(86_400));
    inbox.pull().await.unwrap();
    assert_eq!((inbox.messages.len(), &inbox.cursors["mail"]["left"]), (1, &json!(2)));
    let wiser = include_str!("../rules.json").replace("{name} commented on your Pin*", "{name} * your Pin*");
    inbox.channel = stage.with(&json!({ "rules": wiser }));
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("gisteren"), inbox.count("gewoon"), inbox.count("lang geleden")), (1, 1, 0));
    let before = inbox.seen.clone();
    inbox.pull().await.unwrap();
    assert_eq!(inbox.seen, before, "once");
}

#[tokio::test]
async fn the_connect_test_says_in_plain_words_what_it_found() {
    let stage = Posted::start().await;
    let said = |warnings: &[Warning]| warnings.iter().find(|one| one.code == "notify.mailbox").unwrap().text.clone();
    let probe = stage.connect().probe().await.unwrap();
    assert!(said(&probe.warnings).en.contains("no mail in it yet"), "{:?}", probe.warnings);
    stage.newsletter();
    let probe = stage.connect().probe().await.unwrap();
    assert!(said(&probe.warnings).en.contains("no rule knows one"), "{:?}", probe.warnings);
    stage.put(COMMENT.replace('\n', "\r\n"));
    stage.put(stage.notice("f@pinterest.com", "x").replace("dkim=pass", "dkim=fail"));
    let probe = stage.connect().probe().await.unwrap();
    let both = said(&probe.warnings);
    assert!(both.en.contains("the newest 3 mails the rules know 1, 1 will be held"), "{both:?}");
    assert!(both.nl.contains("de nieuwste 3 mails kennen de regels er 1, 1 worden opzij gezet"), "{both:?}");
    assert_eq!(probe.facts["mailbox"], json!({"looked": 3, "known": 1, "held": 1, "left": 1}));
    let probe = stage.with(&json!({"folders": "INBOX, Nergens"})).probe().await.unwrap();
    assert!(probe.warnings.iter().any(|one| one.code == "notify.no_folder" && one.text.nl.contains("Nergens")));
    for (more, secrets, code, class) in [
        (json!({"folders": "Nergens"}), json!({"password": "brand-pass"}), "mailbox.no_folder", Class::Unauthorized),
        (json!({}), json!({}), "notify.no_password", Class::Unauthorized),
        (json!({}), json!({"password": "wrong"}), "mailbox.refused", Class::Unauthorized),
        (json!({"imap_port": 1}), json!({"password": "brand-pass"}), "transient", Class::Transient),
    ] {
        let error = stage.reads(&more, secrets).unwrap().probe().await.unwrap_err();
        assert_eq!(error.class, class, "{error}");
        assert!(class == Class::Transient || error.code == code, "{error:?}");
        let words = [&error.cause.en, &error.cause.nl, &error.cure.en, &error.cure.nl];
        assert!(words.iter().all(|words| !words.is_empty()), "{error:?}");
        assert!(!format!("{error:?}").contains("brand-pass"));
    }
    for (more, field) in [
        (json!({"imap_host": "https://imap.example/"}), "imap_host"),
        (json!({"imap_port": 70_000}), "imap_port"),
        (json!({"user": ""}), "user"),
    ] {
        let Err(error) = stage.reads(&more, json!({})) else { panic!("{field}") };
        assert_eq!(error.code, format!("notify.field.{field}"));
    }
}

#[tokio::test]
async fn without_a_mailbox_nothing_is_asked_and_without_a_key_nothing_is_handed_over() {
    let stage = Posted::start().await;
    let alone = stage.reads(&json!({"imap_host": ""}), json!({"key": KEY})).unwrap();
    assert!(alone.pull().unwrap().feeds().is_empty());
    alone.probe().await.unwrap();
    for secrets in [json!({}), json!({"key": ""}), json!({"password": "brand-pass"})] {
        let neither = stage.reads(&json!({"imap_host": ""}), secrets).unwrap().probe().await.unwrap_err();
        assert_eq!((neither.class, neither.code.as_str()), (Class::Unauthorized, "notify.no_way_in"));
        assert!(neither.cure.en.contains("IMAP server") && neither.cure.nl.contains("sleutel"), "{neither:?}");
    }
    for host in ["", "imap.example"] {
        let weak = stage.reads(&json!({"imap_host": host}), json!({"key": "short", "password": "brand-pass"})).unwrap();
        assert_eq!(weak.probe().await.unwrap_err().code, "notify.weak_key", "{host}");
    }
    let posted = stage.connect();
    assert_eq!(posted.pull().unwrap().feeds().len(), 1);
    let headers = axum::http::HeaderMap::new();
    let (secrets, from) = (json!({}), std::net::IpAddr::from([127, 0, 0, 1]));
    let hook = crate::channels::Hook {
        method: &axum::http::Method::POST,
        headers: &headers,
        query: "key=",
        body: b"x",
        secrets: &secrets,
        from,
    };
    assert_eq!(posted.push().unwrap().receive(&hook).await.unwrap_err().code, "notify.weak_key");
}

#[tokio::test]
async fn who_is_refused_three_times_stops_knocking() {
    let stage = Posted::start().await;
    let channel = stage.reads(&json!({}), json!({"password": "wrong"})).unwrap();
    for _ in 0..5 {
        assert_eq!(channel.pull().unwrap().pull("mail", None).await.unwrap_err().class, Class::Unauthorized);
    }
    let knocks = stage.post.lock().commands.iter().filter(|command| *command == "LOGIN").count();
    assert_eq!(knocks, 3);
}
