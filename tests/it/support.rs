//! A desk to test on: a fresh database per test on either engine, a clock that stands still, two agents and an account.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use balie::channels::{self, Author, Batch, Client, Item, ThreadRef};
use balie::clock::Clock;
use balie::desk::access::Viewer;
use balie::desk::connections::Connections;
use balie::desk::ingest::Ingested;
use balie::desk::{Desk, Rules};
use balie::model::{
    AccountId, ConversationId, Direction, HealthState, Lane, MessageKind, Role, Status, ThreadKind, Timestamp, UserId,
};
use balie::secret::MasterKey;
use balie::store::accounts::Account;
use balie::store::list::{Filter, Page};
use balie::store::users::User;
use balie::store::{Actor, Store};
use serde_json::json;
use sqlx::types::Json;

/// Which database.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Declares tests that run once per engine.
#[macro_export]
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($desk:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn story($desk: $crate::support::Fixture) $body

            #[tokio::test]
            async fn sqlite() {
                story($crate::support::Fixture::new($crate::support::Engine::Sqlite).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                story($crate::support::Fixture::new($crate::support::Engine::Postgres).await).await;
            }
        }
    )*};
}

/// Monday 2 March 2026, 09:14:05 UTC.
pub const START: Timestamp = Timestamp(1_772_442_845_000);

/// The master key of every desk here.
pub const KEY: [u8; 32] = [7; 32];

/// A desk of its own.
pub struct Fixture {
    pub desk: Desk,
    pub store: Store,
    pub clock: Clock,
    pub account: Account,
    pub sanne: Viewer,
    pub daan: Viewer,
    pub chief: Viewer,
    pub database: String,
    /// Kept for as long as the database in it is used.
    pub folder: tempfile::TempDir,
}

impl Fixture {
    pub async fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = fresh_database(engine, folder.path()).await;
        Self::on(database, folder, Clock::manual(START)).await
    }

    pub async fn on(database: String, folder: tempfile::TempDir, clock: Clock) -> Self {
        let store = Store::open(&database, clock.clone()).await.unwrap();
        let sanne = person(&store, "Sanne", Role::Agent).await;
        let daan = person(&store, "Daan", Role::Agent).await;
        let chief = person(&store, "Chief", Role::Admin).await;
        let account = connect(&store, "brand").await;
        let desk = desk_on(&store, folder.path());
        Self { desk, store, clock, account, sanne, daan, chief, database, folder }
    }

    /// Takes in one message as a feed of its own would bring it.
    pub async fn arrives(&self, message: channels::Message) -> Ingested {
        self.batch(vec![Item::Message(Box::new(message))]).await
    }

    pub async fn batch(&self, items: Vec<Item>) -> Ingested {
        self.desk.ingest(&self.account, "notifications", &Batch { items, ..Batch::default() }).await.unwrap()
    }

    pub async fn list(&self, status: Status) -> Page {
        let filter = Filter { status: Some(status), ..Filter::default() };
        self.desk.list(&self.chief, filter, None, 50).await.unwrap()
    }

    /// The one conversation there is with this status.
    pub async fn only(&self, status: Status) -> ConversationId {
        let page = self.list(status).await;
        assert_eq!(page.items.len(), 1, "{status} conversations: {:?}", page.items);
        page.items[0].id
    }

    /// Where the content with this hash is kept.
    pub fn kept(&self, hash: &str) -> std::path::PathBuf {
        self.folder.path().join("media").join(&hash[..2]).join(hash)
    }

    pub fn later(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// A desk on a store, as the program makes one.
pub fn desk_on(store: &Store, folder: &std::path::Path) -> Desk {
    let key = Arc::new(MasterKey::from_bytes(KEY));
    let connections = Connections::new(store.clone(), Client::new(true).unwrap(), key, Duration::from_secs(7 * 86_400));
    Desk::new(store.clone(), connections, Rules::default(), folder.join("media"))
}

pub async fn person(store: &Store, name: &str, role: Role) -> Viewer {
    let id = UserId::new();
    let mut tx = store.begin(Actor::System).await.unwrap();
    tx.insert_user(&User {
        id,
        email: format!("{}@example.org", name.to_lowercase()),
        name: name.to_owned(),
        role,
        locale: "nl".to_owned(),
        password_hash: String::new(),
        password_temporary: false,
        preferences: Json(json!({})),
        active: true,
        created_at: START,
        last_seen_at: None,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    Viewer { user_id: id, name: name.to_owned(), role, teams: Vec::new() }
}

pub async fn connect(store: &Store, name: &str) -> Account {
    let settings = json!({ "service": "http://127.0.0.1:9", "identifier": "brand.test" });
    connect_to(store, "bluesky", name, settings).await
}

pub async fn connect_to(store: &Store, channel: &str, name: &str, settings: serde_json::Value) -> Account {
    let account = Account {
        id: AccountId::new(),
        channel: channel.to_owned(),
        name: name.to_owned(),
        external_id: format!("did:plc:{name}"),
        handle: format!("@{name}.test"),
        url: None,
        settings: Json(settings),
        secrets: String::new(),
        facts: Json(json!({})),
        enabled: true,
        health: HealthState::Starting,
        health_code: None,
        health_cause: None,
        health_cure: None,
        health_since: START,
        lag_ms: None,
        last_success_at: None,
        quota: None,
        revision: 0,
        created_at: START,
        removed_at: None,
        expires_at: None,
    };
    let mut tx = store.begin(Actor::System).await.unwrap();
    tx.insert_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    account
}

/// A post of a customer that names the brand, `seconds` after the start.
pub fn mention(id: &str, customer: &str, text: &str, seconds: i64) -> channels::Message {
    let uri = format!("at://did:plc:{customer}/app.bsky.feed.post/{id}");
    channels::Message {
        external_id: uri.clone(),
        thread: ThreadRef { external_id: uri, lane: Lane::Public, kind: ThreadKind::Post, title: None, url: None },
        author: Author {
            external_id: format!("did:plc:{customer}"),
            handle: format!("{customer}.test"),
            name: customer.to_owned(),
            avatar_url: None,
            url: None,
            ..Author::default()
        },
        direction: Direction::In,
        kind: MessageKind::Mention,
        text: text.to_owned(),
        html: None,
        language: Some("nl".to_owned()),
        content_warning: None,
        visibility: None,
        sent_at: Timestamp(START.0 + seconds * 1000),
        edited_at: None,
        reply_to: None,
        url: None,
        files: Vec::new(),
        history: false,
        meta: json!({ "cid": "bafy" }),
        ..channels::Message::default()
    }
}

/// What a feed brings when it brings one message.
pub fn batch_of(message: channels::Message) -> Batch {
    Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() }
}

/// The same thread's next message.
pub fn follow_up(first: &channels::Message, id: &str, text: &str, seconds: i64) -> channels::Message {
    channels::Message {
        external_id: format!("{}/{id}", first.external_id),
        text: text.to_owned(),
        kind: MessageKind::Reply,
        sent_at: Timestamp(START.0 + seconds * 1000),
        reply_to: Some(first.external_id.clone()),
        ..first.clone()
    }
}

/// A mail of a customer that follows others, nearest first; named as the beginning of a thread of its own.
pub fn mail(id: &str, customer: &str, text: &str, seconds: i64, follows: &[&str]) -> channels::Message {
    let mut message = direct(id, customer, text, seconds);
    id.clone_into(&mut message.external_id);
    message.thread.external_id = format!("root of {id}");
    message.thread.kind = ThreadKind::Mail;
    message.kind = MessageKind::Mail;
    message.follows = follows.iter().map(|id| (*id).to_owned()).collect();
    message
}

/// A private message of a customer.
pub fn direct(id: &str, customer: &str, text: &str, seconds: i64) -> channels::Message {
    let mut message = mention(id, customer, text, seconds);
    message.thread = ThreadRef {
        external_id: format!("dm:{customer}"),
        lane: Lane::Private,
        kind: ThreadKind::Dm,
        title: None,
        url: None,
    };
    message.kind = MessageKind::Dm;
    message
}

pub async fn fresh_database(engine: Engine, folder: &std::path::Path) -> String {
    match engine {
        Engine::Sqlite => format!("sqlite:{}", folder.join("balie.sqlite").display()),
        Engine::Postgres => fresh_postgres().await,
    }
}

/// A private database on the test server, a copy of one that was migrated once.
pub async fn fresh_postgres() -> String {
    static TEMPLATE: tokio::sync::OnceCell<(String, String)> = tokio::sync::OnceCell::const_new();
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let (server, template) = TEMPLATE
        .get_or_init(|| async {
            let server = std::env::var("BALIE_TEST_POSTGRES").expect(
                "BALIE_TEST_POSTGRES is not set: run this as `scripts/with-postgres cargo test`, which starts a private PostgreSQL",
            );
            let name = format!("balie_template_{}", std::process::id());
            admin(&server, &format!("DROP DATABASE IF EXISTS {name}")).await;
            admin(&server, &format!("CREATE DATABASE {name}")).await;
            let store = Store::open(&named(&server, &name), Clock::system()).await.unwrap();
            store.close().await;
            (server, name)
        })
        .await;
    let name = format!("balie_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    // PostgreSQL copies a template only while nobody else does.
    let _turn = ONE_AT_A_TIME.lock().await;
    admin(server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    named(server, &name)
}

/// A private database in which nobody made anything yet.
pub async fn empty_database(engine: Engine, folder: &std::path::Path) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    match engine {
        Engine::Sqlite => fresh_database(engine, folder).await,
        Engine::Postgres => {
            let server = std::env::var("BALIE_TEST_POSTGRES").expect("BALIE_TEST_POSTGRES is not set");
            let name = format!("balie_empty_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
            admin(&server, &format!("CREATE DATABASE {name}")).await;
            named(&server, &name)
        }
    }
}

/// One number that a database knows.
pub async fn number(database: &str, sql: &str) -> i64 {
    use sqlx::Connection as _;
    let sql = sqlx::AssertSqlSafe(sql);
    if database.starts_with("postgres") {
        let mut connection = sqlx::PgConnection::connect(database).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    } else {
        let mut connection = sqlx::SqliteConnection::connect(database).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    }
}

fn named(server: &str, database: &str) -> String {
    let mut url: url::Url = server.parse().unwrap();
    url.set_path(database);
    url.to_string()
}

async fn admin(server: &str, sql: &str) {
    use sqlx::Connection;
    let mut connection = sqlx::PgConnection::connect(server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
