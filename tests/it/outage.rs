//! A database that goes away and comes back: what could not be stored comes again, and every screen catches up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use balie::channels::{
    Allowance, Batch, Channel, ChannelError, Draft, Feed, Item, Known, Measure, Probe, Pull, Stream, ThreadRef,
};
use balie::clock::Clock;
use balie::desk::DeskError;
use balie::live::{Hub, ServerMessage};
use balie::model::{HealthState, Status};
use balie::work::Pace;
use balie::work::pull::{Asking, Puller};
use balie::work::stream;
use serde_json::Value;
use sqlx::Connection as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::support::{Engine, Fixture, START, batch_of, fresh_postgres, mention};

/// A wire to the database that can be cut.
struct Wire {
    port: u16,
    away: Arc<AtomicBool>,
    cut: Arc<tokio::sync::watch::Sender<u64>>,
}

impl Wire {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (away, cut) = (Arc::new(AtomicBool::new(false)), Arc::new(tokio::sync::watch::Sender::new(0)));
        let wire = Self { port: listener.local_addr().unwrap().port(), away: away.clone(), cut: cut.clone() };
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if away.load(Ordering::SeqCst) {
                    continue;
                }
                let mut cut = cut.subscribe();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        wire
    }

    fn take_away(&self) {
        self.away.store(true, Ordering::SeqCst);
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    fn bring_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_database_that_is_away_for_a_while_loses_nothing() {
    let mut url: url::Url = fresh_postgres().await.parse().unwrap();
    let wire = Wire::to(url.port().unwrap()).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(wire.port)).unwrap();
    let f = Fixture::on(url.to_string(), tempfile::tempdir().unwrap(), Clock::manual(START)).await;
    let hub = Hub::new(f.desk.clone());
    let stop = CancellationToken::new();
    let tail = tokio::spawn({
        let (hub, stop) = (hub.clone(), stop.clone());
        async move { hub.run(stop).await }
    });
    let mut screen = hub.join(f.sanne.clone(), None).await.unwrap();
    f.arrives(mention("1", "anna", "voor de storing", 0)).await;

    wire.take_away();
    let batch = Batch {
        items: vec![Item::Message(Box::new(mention("2", "bram", "tijdens de storing", 1)))],
        ..Batch::default()
    };
    let failed = f.desk.ingest(&f.account, "notifications", &batch).await.unwrap_err();
    assert!(
        matches!(&failed, DeskError::Store(error) if error.is_unavailable()),
        "it says that trying again makes sense: {failed:?}"
    );
    assert!(f.desk.claim_next(&f.sanne).await.is_err(), "nothing is promised that cannot be kept");

    wire.bring_back();
    // The runner's next try, with the same page.
    f.desk.ingest(&f.account, "notifications", &batch).await.unwrap();
    assert_eq!(f.list(Status::Open).await.items.len(), 2);
    let seen = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let frame = screen.next().await.unwrap();
            if let ServerMessage::Events { events } = serde_json::from_str(&frame).unwrap()
                && events.iter().any(|event| event.row.as_ref().is_some_and(|row| row.snippet == "tijdens de storing"))
            {
                return;
            }
        }
    });
    seen.await.expect("the screen never caught up");
    assert!(!screen.cut.is_cancelled());
    stop.cancel();
    tail.await.unwrap();
}

/// A platform that says the same at every pull, twenty seconds after the last.
struct Talks(Clock);

const FEED: Feed = Feed { key: "notifications", busy: Duration::from_secs(20), idle: Duration::from_secs(20) };

#[async_trait::async_trait]
impl Channel for Talks {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        Err(ChannelError::transient("nobody asks"))
    }

    fn allowance(&self, _: &ThreadRef, _: &Value) -> Allowance {
        Allowance::default()
    }

    fn measure(&self, draft: &Draft<'_>, _: &Value) -> Measure {
        balie::channels::limits::characters(draft.text, 500)
    }

    fn pull(&self) -> Option<&dyn Pull> {
        Some(self)
    }
}

#[async_trait::async_trait]
impl Pull for Talks {
    fn feeds(&self) -> &'static [Feed] {
        &[FEED]
    }

    async fn pull(&self, _: &str, _: Option<&Value>) -> Result<Batch, ChannelError> {
        self.0.advance(Duration::from_secs(20));
        Ok(batch_of(mention("1", "anna", "hallo", 0)))
    }

    async fn recheck(&self, _: &[Known]) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }

    fn recheck_max(&self) -> usize {
        0
    }
}

/// From now on the database takes no message.
async fn refusing(f: &Fixture) -> sqlx::SqliteConnection {
    let mut beside = sqlx::SqliteConnection::connect(&f.database).await.unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refuse).execute(&mut beside).await.unwrap();
    beside
}

async fn relent(beside: &mut sqlx::SqliteConnection) {
    sqlx::query("DROP TRIGGER refuse").execute(beside).await.unwrap();
}

fn puller(f: &Fixture, channel: Arc<dyn Channel>, pace: Pace) -> Puller {
    Puller {
        desk: f.desk.clone(),
        account: f.account.clone(),
        channel,
        pace,
        bell: watch::Sender::new(0),
        quota: watch::Sender::new(None),
        stop: CancellationToken::new(),
    }
}

#[tokio::test]
async fn an_account_of_which_nothing_can_be_stored_is_red_until_it_can() {
    let f = Fixture::new(Engine::Sqlite).await;
    let mut beside = refusing(&f).await;
    let talks = Arc::new(Talks(f.clock.clone()));
    let puller = puller(&f, talks.clone(), Pace::default());
    let account = async || f.store.account(f.account.id).await.unwrap().unwrap();
    let mut asking = Asking::default();
    for _ in 0..4 {
        puller.ask(&*talks, FEED, &mut asking).await;
    }
    let red = account().await;
    assert_eq!((red.health, red.health_code.as_deref()), (HealthState::Down, Some("not_stored")));
    relent(&mut beside).await;
    puller.ask(&*talks, FEED, &mut asking).await;
    assert_eq!(account().await.health, HealthState::Ok);
    assert_eq!(f.list(Status::Open).await.items.len(), 1, "and nothing was lost");
}

/// A platform whose stream says one thing, and then stands.
struct Says;

#[async_trait::async_trait]
impl Channel for Says {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        Err(ChannelError::transient("nobody asks"))
    }

    fn allowance(&self, _: &ThreadRef, _: &Value) -> Allowance {
        Allowance::default()
    }

    fn measure(&self, draft: &Draft<'_>, _: &Value) -> Measure {
        balie::channels::limits::characters(draft.text, 500)
    }

    fn stream(&self) -> Option<&dyn Stream> {
        Some(self)
    }
}

#[async_trait::async_trait]
impl Stream for Says {
    async fn run(&self, sink: mpsc::Sender<Batch>) -> ChannelError {
        sink.send(batch_of(mention("1", "anna", "hallo", 0))).await.unwrap();
        std::future::pending().await
    }
}

/// Returns when the account is as well as this.
async fn until(f: &Fixture, health: HealthState) {
    let mut events = f.store.watch_events();
    let heard = tokio::time::timeout(Duration::from_secs(60), async {
        while f.store.account(f.account.id).await.unwrap().unwrap().health != health {
            events.changed().await.unwrap();
        }
    });
    heard.await.unwrap_or_else(|_| panic!("never {health}"));
}

#[tokio::test]
async fn an_account_whose_stream_cannot_be_stored_is_red_until_it_can_whatever_else_works() {
    let f = Fixture::new(Engine::Sqlite).await;
    let mut beside = refusing(&f).await;
    let puller = puller(&f, Arc::new(Says), Pace { every: Some(Duration::from_millis(1)) });
    let story = async {
        until(&f, HealthState::Degraded).await;
        f.clock.advance(Duration::from_secs(30));
        until(&f, HealthState::Down).await;
        let red = f.store.account(f.account.id).await.unwrap().unwrap();
        assert_eq!(red.health_code.as_deref(), Some("not_stored"));
        assert!(red.health_cause.is_some() && red.health_cure.is_some());
        relent(&mut beside).await;
        until(&f, HealthState::Ok).await;
    };
    tokio::select! {
        () = stream::run(&puller) => panic!("the stream ended"),
        () = story => {}
    }
    assert_eq!(f.list(Status::Open).await.items.len(), 1, "and nothing was lost");
}

#[tokio::test]
async fn an_account_whose_calls_cannot_be_stored_is_red_until_they_can_whatever_else_works() {
    let f = Fixture::new(Engine::Sqlite).await;
    let mut beside = refusing(&f).await;
    let health = async || f.store.account(f.account.id).await.unwrap().unwrap().health;
    let said = batch_of(mention("1", "anna", "hallo", 0));
    for _ in 0..2 {
        assert!(
            f.desk.ingest(&f.account, "hook", &said).await.is_err(),
            "the platform hears that it has to call again"
        );
        f.clock.advance(Duration::from_secs(40));
    }
    assert_eq!(health().await, HealthState::Down);
    f.desk.ingest(&f.account, "notifications", &Batch::default()).await.unwrap();
    assert_eq!(health().await, HealthState::Down, "that a feed says nothing new does not help");
    relent(&mut beside).await;
    f.desk.ingest(&f.account, "hook", &said).await.unwrap();
    assert_eq!(health().await, HealthState::Ok);
    // A caller that gave up does not keep the account red for ever.
    let mut beside = refusing(&f).await;
    let other = batch_of(mention("2", "bram", "hallo", 1));
    for _ in 0..2 {
        assert!(f.desk.ingest(&f.account, "hook", &other).await.is_err());
    }
    f.clock.advance(Duration::from_secs(3600));
    relent(&mut beside).await;
    f.desk.ingest(&f.account, "notifications", &Batch::default()).await.unwrap();
    assert_eq!(health().await, HealthState::Ok);
}
