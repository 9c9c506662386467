//! Asking for news: never at the expense of what people send.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use balie::channels::fake::{Fault, Rule, Running};
use balie::channels::mastodon::fake::{New, Platform, Visibility};
use balie::channels::{
    Allowance, Batch, Channel, ChannelError, Draft, Feed, Known, Measure, Probe, Pull, ThreadRef, Unit,
};
use balie::desk::accounts::NewAccount;
use balie::model::{DeliveryState, Status, Timestamp};
use balie::work::Pace;
use balie::work::pull::{Asking, Puller};
use balie::work::send::send_due;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::on_both_engines;
use crate::replies::answer;
use crate::support::Fixture;

const WINDOW: Duration = Duration::from_secs(300);

/// A server that allows 300 calls in five minutes, with an account of ours that customers wrote to.
async fn connected(f: &Fixture) -> (Puller, Platform, Running) {
    let platform = Platform::new(f.clock.clone());
    let token = platform.local("brand", "Het Merk");
    platform.accept_all("brand");
    for n in 0..30 {
        let customer = format!("klant{n}@zorgplein.example");
        platform.remote(&customer, "K. Lant");
        let text = format!("@brand vraag {n}");
        let (by, text) = (customer.as_str(), text.as_str());
        platform.post(New { by, text, to: None, visibility: Visibility::Public, language: "nl", at: None }).unwrap();
    }
    let running = platform.serve("127.0.0.1:0".parse().unwrap(), json!({})).await.unwrap();
    platform.limit(300);
    let settings = json!({ "url": running.url, "token": token });
    let new = NewAccount { channel: "mastodon".into(), name: None, settings, team_ids: Vec::new() };
    f.desk.add_account(&f.chief, &new).await.unwrap();
    let accounts = f.store.accounts().await.unwrap();
    let account = accounts.into_iter().find(|account| account.channel == "mastodon").unwrap();
    let channel: Arc<dyn Channel> = f.desk.connections().get(&account).unwrap();
    let puller = Puller {
        desk: f.desk.clone(),
        account,
        channel,
        // Far faster than the server allows.
        pace: Pace { every: Some(Duration::from_millis(200)) },
        bell: watch::Sender::new(0),
        quota: watch::Sender::new(None),
        stop: CancellationToken::new(),
    };
    (puller, platform, running)
}

/// A platform that has no news, or says how long to wait and nothing of a quota.
struct Quiet {
    wait_until: Option<Timestamp>,
    asked: AtomicUsize,
    heard: Notify,
}

const FEEDS: &[Feed] = &[Feed { key: "news", busy: Duration::from_secs(3_600), idle: Duration::from_secs(3_600) }];

#[async_trait]
impl Channel for Quiet {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        Ok(Probe::default())
    }
    fn allowance(&self, _thread: &ThreadRef, _facts: &Value) -> Allowance {
        Allowance::default()
    }
    fn measure(&self, _draft: &Draft<'_>, _facts: &Value) -> Measure {
        Measure { used: 0, max: 1, unit: Unit::Bytes, over: false, parts: None, notes: Vec::new() }
    }
    fn pull(&self) -> Option<&dyn Pull> {
        Some(self)
    }
}

#[async_trait]
impl Pull for Quiet {
    fn feeds(&self) -> &'static [Feed] {
        FEEDS
    }
    async fn pull(&self, _feed: &str, _cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.heard.notify_one();
        self.wait_until.map_or_else(|| Ok(Batch::default()), |until| Err(ChannelError::rate_limited(until)))
    }
    async fn recheck(&self, _known: &[Known]) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }
    fn recheck_max(&self) -> usize {
        0
    }
}

fn quiet(f: &Fixture, wait_until: Option<Timestamp>) -> (Arc<Quiet>, Puller) {
    let platform = Arc::new(Quiet { wait_until, asked: AtomicUsize::new(0), heard: Notify::new() });
    let puller = Puller {
        desk: f.desk.clone(),
        account: f.account.clone(),
        channel: platform.clone(),
        pace: Pace::default(),
        bell: watch::Sender::new(0),
        quota: watch::Sender::new(None),
        stop: CancellationToken::new(),
    };
    (platform, puller)
}

on_both_engines! {
    async fn a_bell_is_answered_at_once_but_not_before_the_moment_that_the_platform_named(f) {
        for (wait_until, asked) in [(None, 2), (Some(f.clock.now().plus(Duration::from_secs(100))), 1)] {
            let (platform, puller) = quiet(&f, wait_until);
            let mut feed = pin!(puller.run_feed(FEEDS[0]));
            tokio::select! {
                biased;
                () = &mut feed => unreachable!("it asks for ever"),
                () = platform.heard.notified() => {}
            }
            puller.bell.send_modify(|rung| *rung += 1);
            if wait_until.is_none() {
                tokio::select! {
                    biased;
                    () = &mut feed => unreachable!("it asks for ever"),
                    () = platform.heard.notified() => {}
                }
            }
            let waits = std::future::poll_fn(|context| Poll::Ready(feed.as_mut().poll(context).is_pending())).await;
            assert!(waits);
            // What was begun by now is finished.
            puller.stop.cancel();
            feed.await;
            assert_eq!(platform.asked.load(Ordering::SeqCst), asked);
        }
    }

    async fn asking_leaves_the_last_tenth_to_replies(f) {
        let (puller, _platform, running) = connected(&f).await;
        // Every post has to be asked for by itself.
        running.wire.inject(Rule::new("/api/v1/statuses", Fault::status(404)).method(Method::GET).always());
        let pull = puller.channel.pull().unwrap();
        let feed = pull.feeds()[0];
        let (mut asking, mut round) = (Asking::default(), Vec::new());
        let end = f.clock.now().plus(WINDOW);
        let (mut ask, mut look) = (f.clock.now(), f.clock.now());
        while ask.min(look) < end {
            f.clock.set(ask.min(look).max(f.clock.now()));
            let now = f.clock.now();
            if ask <= look {
                ask = now.plus(puller.ask(pull, feed, &mut asking).await);
            } else {
                look = now.plus(puller.look_after(pull, &mut round).await);
            }
            let quota = puller.quota.borrow().unwrap();
            assert!(quota.remaining >= quota.limit / 10, "{quota:?}");
        }
        let quota = puller.quota.borrow().unwrap();
        assert!(quota.remaining < quota.limit / 5, "what can be spared is used: {quota:?}");

        let id = f.list(Status::Open).await.items[0].id;
        let token = f.desk.claim(&f.sanne, id).await.unwrap().token;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        let message = f.desk.reply(&f.sanne, id, &answer(&opened, token, "Morgen"), "k").await.unwrap().id;
        send_due(&f.desk, "node").await.unwrap();
        assert_eq!(f.desk.message(&f.sanne, message).await.unwrap().delivery.unwrap().state, DeliveryState::Sent);
    }

    async fn looking_after_messages_waits_as_long_as_the_platform_says(f) {
        let (puller, _platform, running) = connected(&f).await;
        let pull = puller.channel.pull().unwrap();
        puller.ask(pull, pull.feeds()[0], &mut Asking::default()).await;
        let until = f.clock.now().plus(Duration::from_secs(240));
        let headers =
            [("x-ratelimit-limit", "300"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &until.to_rfc3339())];
        running.wire.inject(Rule::new("/api/v1/statuses", Fault::with_headers(429, &headers)).method(Method::GET));
        let wait = puller.look_after(pull, &mut Vec::new()).await;
        assert!(wait >= Duration::from_secs(240), "{wait:?}");
    }
}
