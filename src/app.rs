//! Puts the house together: opens the store under its key, builds what works and what serves, and takes it down again.
//!
//! Promises: a wrong or missing master key is refused before anything is written; two servers never share one SQLite file;
//! the first start leaves somebody who can sign in; after `stop` nothing of us runs.
//! Must not: decide anything about conversations.

mod look;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::channels::Client;
use crate::cli::Failure;
use crate::clock::Clock;
use crate::config::{Part, Place, Serving};
use crate::desk::accounts::{AccountChange, NewAccount};
use crate::desk::connections::Connections;
use crate::desk::people::{self, NewUser};
use crate::desk::{Desk, DeskError, Rules, Viewer};
use crate::http::{self, Web};
use crate::lifecycle::{self, Lifecycle};
use crate::live::Hub;
use crate::model::{Role, UserId};
use crate::playground::{Playground, mail, visitors};
use crate::secret::{self, KeyError, MasterKey, Secret};
use crate::store::engine::Pools;
use crate::store::{Actor, Store, StoreError, migrate, settings};
use crate::work::{self, Pace, Supervisor};

pub use look::{Looked, look};

/// How long tasks get to finish when the process is asked to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Under this key of `settings` the check value of the master key is kept.
const KEY_SETTING: &str = "master_key";

/// A database under its key.
pub struct Opened {
    pub store: Store,
    pub key: Arc<MasterKey>,
}

/// Opens the database of a place, brings it up to date and checks the master key first.
pub async fn open_store(place: &Place) -> Result<Opened, Failure> {
    open_store_at(place, Clock::system()).await
}

/// As `open_store`, with another clock.
pub async fn open_store_at(place: &Place, clock: Clock) -> Result<Opened, Failure> {
    let url = place.database_url().map_err(Failure::new)?;
    make_folder(&place.data)?;
    let found = place.find_master_key().map_err(|e| key_failure(&e))?;
    let pools = open_pools(&url).await?;
    let known = settings::peek(&pools, KEY_SETTING).await.map_err(|e| database_failure(&url, &e))?;
    let key = match right_key(place, found, known.as_ref())? {
        Some(key) => key,
        None => MasterKey::of_folder(&place.data).map_err(|e| key_failure(&e))?,
    };
    migrate::run(&pools).await.map_err(|e| database_failure(&url, &e))?;
    let store = Store::with_pools(pools, clock).await.map_err(|e| database_failure(&url, &e))?;
    let mut tx = store.begin(Actor::System).await.map_err(|e| database_failure(&url, &e))?;
    let first = tx
        .init_setting(KEY_SETTING, &json!({ "check": key.check_value() }))
        .await
        .map_err(|e| database_failure(&url, &e))?;
    tx.commit().await.map_err(|e| database_failure(&url, &e))?;
    if !first && known.is_none() {
        // Another process made the database between our look and our migration.
        let now = store.setting(KEY_SETTING).await.map_err(|e| database_failure(&url, &e))?.unwrap_or_default();
        key.verify(now["check"].as_str().unwrap_or_default()).map_err(|e| key_failure(&e))?;
    }
    Ok(Opened { store, key: Arc::new(key) })
}

/// The key that was found, when it is the one this database `known` was made with; none for a database that is not made yet.
fn right_key(
    place: &Place,
    found: Option<MasterKey>,
    known: Option<&serde_json::Value>,
) -> Result<Option<MasterKey>, Failure> {
    match (found, known.and_then(|value| value["check"].as_str())) {
        (Some(key), Some(known)) => key.verify(known).map(|()| Some(key)).map_err(|e| key_failure(&e)),
        (Some(key), None) => Ok(Some(key)),
        (None, Some(_)) => Err(Failure::new(
            "the master key is missing: this database was made with one, and credentials cannot be read without it",
        )
        .cure(format!(
            "put {} back, or give the key in BALIE_MASTER_KEY or --master-key-file",
            place.data.join("master.key").display()
        ))),
        (None, None) => Ok(None),
    }
}

/// Opens the desk of a place for a command: nothing runs beside it.
pub async fn open_desk(place: &Place) -> Result<Desk, Failure> {
    let opened = open_store(place).await?;
    desk(place, &opened)
}

fn desk(place: &Place, opened: &Opened) -> Result<Desk, Failure> {
    desk_beside(place, opened, &[])
}

/// The desk, and private addresses it may reach besides.
fn desk_beside(place: &Place, opened: &Opened, beside: &[SocketAddr]) -> Result<Desk, Failure> {
    let client = Client::new(place.allow_private).map_err(|error| Failure::new(error.to_string()))?;
    let client = beside.iter().fold(client, |client, address| client.and_also(*address));
    let connections = Connections::new(opened.store.clone(), client, opened.key.clone(), place.history());
    Ok(Desk::new(opened.store.clone(), connections, Rules::default(), place.data.join("media")))
}

/// Whose name stands at what the command line does: the first admin's, or nobody's before there is one. Who can run the
/// program on its data can do everything anyway.
pub async fn administrator(desk: &Desk) -> Result<Viewer, Failure> {
    let users = desk.store().users().await.map_err(|error| Failure::new(error.to_string()))?;
    let admin =
        users.into_iter().filter(|user| user.active && user.role == Role::Admin).min_by_key(|user| user.created_at);
    Ok(Viewer {
        user_id: admin.as_ref().map_or(UserId(uuid::Uuid::nil()), |user| user.id),
        name: admin.map_or_else(|| "command line".to_owned(), |user| user.name),
        role: Role::Admin,
        teams: Vec::new(),
    })
}

/// `balie fake`: plays a channel's platform until asked to stop. The first line on standard output says where and for whom.
pub async fn fake(channel: &str, listen: SocketAddr, keep: Option<PathBuf>) -> Result<(), Failure> {
    let running = crate::channels::fake::serve_kept(channel, listen, Clock::system(), keep).await?;
    let tokens: serde_json::Map<String, serde_json::Value> = running
        .accounts
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, account)| Some((name.clone(), account.get("token")?.clone())))
        .collect();
    crate::cli::print(&json!({ "url": running.url, "accounts": running.accounts, "tokens": tokens }).to_string());
    lifecycle::asked_to_stop().await;
    Ok(())
}

/// What the playground plays beside the server itself.
struct Stage {
    platform: Playground,
    mailbox: mail::Mailbox,
}

/// Serves the invented platforms when they were asked for. The play and the work on it belong together: a process that only
/// serves pages would play to nobody.
async fn set_up(place: &Place, serving: &Serving, clock: &Clock) -> Result<Option<Stage>, Failure> {
    if !serving.playground || !serving.does(Part::Work) {
        return Ok(None);
    }
    let (liveliness, seed) = (serving.playground_pace, rand::random());
    let failed = |error| Failure::new(format!("the playground cannot be played: {error}"));
    let platform = crate::playground::start(clock.clone(), liveliness, seed, &place.data).await.map_err(failed)?;
    let mailbox = mail::start(clock.clone(), liveliness, seed).await.map_err(failed)?;
    Ok(Some(Stage { platform, mailbox }))
}

/// Connects the brand and raises the curtain.
async fn raise(stage: Stage, desk: &Desk, life: &Lifecycle) -> Result<(), Failure> {
    let Stage { platform, mailbox } = stage;
    move_in(desk, platform.channel, platform.name, &platform.handle, platform.settings()).await?;
    let known = move_in(desk, mail::CHANNEL, mail::NAME, mail::ADDRESS, mailbox.settings()).await?;
    let stop = life.stopping();
    life.spawn("playground", async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = platform.play() => {}
            () = platform.remember() => {}
        }
    });
    let stop = life.stopping();
    life.spawn("playground mail", async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = mailbox.play(known) => {}
        }
    });
    Ok(())
}

/// Connects an account of the invented brand, or tells that of an earlier start where its platform is now; true in the latter
/// case.
async fn move_in(
    desk: &Desk,
    channel: &str,
    name: &str,
    handle: &str,
    settings: serde_json::Value,
) -> Result<bool, Failure> {
    let failed = |error: DeskError| Failure::new(format!("the playground's account cannot be connected: {error}"));
    let viewer = administrator(desk).await?;
    let known = desk.accounts(&viewer).await.map_err(failed)?;
    if let Some(account) = known.into_iter().find(|account| account.channel == channel && account.handle == handle) {
        let change = AccountChange { settings: Some(settings), enabled: Some(true), ..AccountChange::default() };
        desk.change_account(&viewer, account.id, &change).await.map_err(failed)?;
        return Ok(true);
    }
    let new = NewAccount { channel: channel.to_owned(), name: Some(name.to_owned()), settings, team_ids: Vec::new() };
    desk.add_account(&viewer, &new).await.map_err(failed)?;
    Ok(false)
}

/// The account of the invented brand's own chat, made at the first start.
async fn open_chat(desk: &Desk) -> Result<crate::model::AccountId, Failure> {
    let failed = |error: DeskError| Failure::new(format!("the playground's chat cannot be opened: {error}"));
    let viewer = administrator(desk).await?;
    let known = desk.accounts(&viewer).await.map_err(failed)?;
    if let Some(account) = known.into_iter().find(|account| account.channel == visitors::CHANNEL) {
        return Ok(account.id);
    }
    let new = NewAccount {
        channel: visitors::CHANNEL.to_owned(),
        name: Some(visitors::NAME.to_owned()),
        settings: visitors::settings(),
        team_ids: Vec::new(),
    };
    Ok(desk.add_account(&viewer, &new).await.map_err(failed)?.id)
}

async fn open_pools(url: &str) -> Result<Pools, Failure> {
    let opened = match url.strip_prefix("sqlite:") {
        Some(path) => Pools::sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))).await,
        None => Pools::postgres(url).await,
    };
    opened.map_err(|error| database_failure(url, &error))
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| {
        Failure::new(format!("the data folder {} cannot be made: {error}", path.display()))
            .cure("make it yourself for the user that runs balie, or give another with --data")
    })
}

pub(crate) fn key_failure(error: &KeyError) -> Failure {
    let cure = match error {
        KeyError::Wrong => "give the key this database was made with; nothing was changed",
        KeyError::TooOpen(_) => "a key that others can read protects nothing",
        _ => "give 32 bytes in base64 or hex: openssl rand -base64 32",
    };
    Failure::new(error.to_string()).cure(cure)
}

/// What is wrong with a database, in words that help.
#[must_use]
pub fn database_failure(url: &str, error: &StoreError) -> Failure {
    let Some(shown) = without_secrets(url) else {
        let scheme = url.split(':').next().unwrap_or_default();
        return Failure::new(format!("the database ({scheme}) cannot be used: {error}")).cure(
            "percent-encode the password in its address (/ is %2F, @ is %40, # is %23, ? is %3F), or leave it out and give it in PGPASSWORD",
        );
    };
    let cure = match error {
        StoreError::Unavailable(_) if url.starts_with("postgres") => {
            "check that PostgreSQL runs there and lets this user in"
        }
        StoreError::Unavailable(_) => "check that the file and its folder can be written and that the disk is not full",
        StoreError::Migration(_) => "the database is as it was; see the message for what to do",
        _ => "check the address of the database",
    };
    Failure::new(format!("the database {shown} cannot be used: {error}")).cure(cure)
}

/// The address of a database as it may be shown: no user, no password, no parameters. `None` when a part of a password may stand where
/// something else is expected: one that was not percent-encoded ends at its first `/`, `?` or `#`.
fn without_secrets(url: &str) -> Option<String> {
    if url.starts_with("sqlite:") {
        return Some(url.to_owned());
    }
    let parsed: url::Url = url.parse().ok()?;
    let named = parsed.query_pairs().any(|(key, _)| key.to_lowercase().contains("pass"));
    if named || parsed[url::Position::AfterPort..].contains('@') {
        return None;
    }
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}{}", parsed.scheme(), parsed.host_str().unwrap_or_default(), parsed.path()))
}

/// A server that runs.
pub struct Running {
    /// Where it listens; the port is real, also when 0 was asked.
    pub address: SocketAddr,
    pub store: Store,
    pub life: Lifecycle,
    /// The first admin's password, when this start made one.
    pub first_password: Option<Secret<String>>,
    /// An earlier start made it, and nobody has chosen another yet.
    pub first_password_unused: bool,
    _lock: Option<std::fs::File>,
}

impl Running {
    /// Stops everything and closes the database.
    pub async fn stop(self) {
        self.life.stop(GRACE).await;
        self.store.close().await;
    }
}

/// Starts a server and returns when it is ready.
pub async fn start(place: &Place, serving: &Serving, clock: Clock) -> Result<Running, Failure> {
    start_telling(place, serving, clock, |_| {}).await
}

/// As `start`; `tell` hears the first admin's password as soon as there is one. It cannot be had again, so whatever could keep the
/// server from starting is tried before, and what fails after does not take it along.
async fn start_telling(
    place: &Place,
    serving: &Serving,
    clock: Clock,
    tell: fn(&Secret<String>),
) -> Result<Running, Failure> {
    let url = place.database_url().map_err(Failure::new)?;
    make_folder(&place.data)?;
    let lock = lock_file(&url)?;
    let opened = open_store_at(place, clock).await?;
    let store = opened.store.clone();
    if lock.is_some() {
        // Nobody else has this database: what a crashed predecessor held is free at once.
        store.release_leases(None).await.map_err(|e| database_failure(&url, &e))?;
    }
    let listener = TcpListener::bind(serving.listen).await.map_err(|error| {
        Failure::new(format!("nothing can listen on {}: {error}", serving.listen))
            .cure("another program may have the port; give another with --listen")
    })?;
    let address = listener.local_addr()?;
    let metrics = http::metrics::Metrics::new().map_err(|e| Failure::new(e.to_string()))?;
    let life = Lifecycle::new();
    let stage = set_up(place, serving, store.clock()).await?;
    let played = stage.as_ref().map(|stage| [&[stage.platform.address][..], &stage.mailbox.addresses].concat());
    let desk = desk_beside(place, &opened, &played.unwrap_or_default())?;
    let first_password_unused = people::is_as_made(&store, FIRST_ADMIN).await.map_err(no_first_admin)?;
    let first_password = first_admin(&store).await?;
    if let Some(password) = &first_password {
        tell(password);
    }
    if let Some(stage) = stage {
        raise(stage, &desk, &life).await?;
    }
    let hub = Hub::new(desk.clone());
    let web = Web::new(http::Parts {
        store: store.clone(),
        desk: desk.clone(),
        hub: hub.clone(),
        life: life.clone(),
        public_url: serving.public_url.clone(),
        trusted: serving.trusted_proxy.clone(),
        playground: serving.playground,
        limiter: http::limiter::Limiter::default(),
        rates: http::visit::limits::Rates::default(),
        metrics,
    });
    let router = http::router::router(web);
    life.spawn("http", http::listen::serve(listener, router, life.clone(), serving.trusted_proxy.clone()));
    life.spawn("hub", {
        let (hub, stop) = (hub.clone(), life.stopping());
        async move { hub.run(stop).await }
    });
    life.spawn("board", {
        let (hub, stop) = (hub.clone(), life.stopping());
        async move { hub.run_board(stop).await }
    });
    life.spawn("visitors", {
        let (hub, stop) = (hub.clone(), life.stopping());
        async move { hub.run_presence(stop).await }
    });
    if serving.playground && serving.does(Part::Work) {
        let account = open_chat(&desk).await?.to_string();
        let liveliness = serving.playground_pace;
        let host = if address.ip().is_unspecified() { std::net::Ipv4Addr::LOCALHOST.into() } else { address.ip() };
        let door = SocketAddr::from((host, address.port()));
        let stop = life.stopping();
        life.spawn("playground visitors", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = visitors::play(door, account, liveliness) => {}
            }
        });
    }
    if serving.does(Part::Work) {
        start_work(&desk, &life, Pace { every: serving.poll_min_ms.map(Duration::from_millis) });
    }
    life.spawn("listen", listen(store.clone(), life.stopping()));
    tracing::info!(%address, database = store.pools().name(), "ready");
    Ok(Running { address, store, life, first_password, first_password_unused, _lock: lock })
}

/// Fetches, listens, sends and keeps time.
fn start_work(desk: &Desk, life: &Lifecycle, pace: Pace) {
    let node = uuid::Uuid::now_v7().to_string();
    let stop = || life.stopping();
    life.spawn("supervisor", Supervisor::new(desk.clone(), life.clone(), pace, node.clone()).run(stop()));
    life.spawn("sender", work::send::run(desk.clone(), node, stop()));
    life.spawn("timers", work::timers::run(desk.clone(), stop()));
    life.spawn("media", work::timers::run_media(desk.clone(), stop()));
}

/// Hears of other processes' changes; comes back when the connection is lost.
async fn listen(store: Store, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            heard = store.listen() => if let Err(error) = heard {
                tracing::warn!(%error, "the wake-up line to the database is lost; coming back");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// `balie serve`
pub async fn serve(place: &Place, serving: &Serving) -> Result<(), Failure> {
    lifecycle::raise_open_files();
    let running = start_telling(place, serving, Clock::system(), |password| {
        crate::cli::print(&format!(
            "\n  Sign in as   {FIRST_ADMIN}\n  password     {}\n\nThis password is shown only now. Change it under your name, or with: balie user password {FIRST_ADMIN}\n",
            password.expose()
        ));
    })
    .await?;
    if running.first_password_unused {
        crate::cli::print(&format!(
            "{FIRST_ADMIN} still has the password that the first start printed. Another one, if it was lost: balie user password {FIRST_ADMIN}"
        ));
    }
    let address =
        serving.public_url.as_ref().map_or_else(|| format!("http://{}", running.address), ToString::to_string);
    crate::cli::print(&format!("Balie is at {}", address.trim_end_matches('/')));
    lifecycle::asked_to_stop().await;
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
}

/// Who can sign in after the very first start.
pub const FIRST_ADMIN: &str = "admin@localhost";

#[allow(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn no_first_admin(error: people::PeopleError) -> Failure {
    Failure::new(format!("the first admin could not be made: {error}"))
}

/// Makes an admin when there is none.
async fn first_admin(store: &Store) -> Result<Option<Secret<String>>, Failure> {
    if people::has_admin(store).await.map_err(no_first_admin)? {
        return Ok(None);
    }
    let password = Secret::new(secret::one_time_password());
    let admin = NewUser {
        email: FIRST_ADMIN.to_owned(),
        name: "Admin".to_owned(),
        role: Role::Admin,
        locale: "en".to_owned(),
        password: password.clone(),
        team_ids: Vec::new(),
    };
    match people::add_user(store, Actor::System, admin).await {
        Ok(_) => Ok(Some(password)),
        // Another process of the same database was first.
        Err(people::PeopleError::Conflict(..)) => Ok(None),
        Err(error) => Err(no_first_admin(error)),
    }
}

/// Holds a SQLite database against a second server. Commands (`balie user add`) may use it meanwhile: they are short, and
/// SQLite itself keeps their writes apart.
fn lock_file(url: &str) -> Result<Option<std::fs::File>, Failure> {
    let Some(path) = url.strip_prefix("sqlite:") else { return Ok(None) };
    let path = PathBuf::from(format!("{}.lock", path.strip_prefix("//").unwrap_or(path)));
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|error| {
        Failure::new(format!("the lock file {} cannot be opened: {error}", path.display()))
            .cure("check that the folder can be written")
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Failure::new(format!("another balie serves this database already ({})", path.display()))
                .cure("stop it first; several servers on one database need PostgreSQL (--database postgres://…)"))
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(Failure::new(format!("{} cannot be locked: {error}", path.display()))
                .cure("SQLite needs a file system with locks; a network share often has none"))
        }
    }
}
