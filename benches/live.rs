//! From a message's arrival to the frame on every agent's connection: the real server, the real route, real sockets.
//!
//! Server, customers and all agents share the machine's cores; the clients' own work is part of what is measured.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use balie::app;
use balie::cli::{Cli, Command};
use balie::clock::Clock;
use balie::desk::people;
use balie::model::Role;
use balie::store::Store;
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::report::{Report, p95};
use crate::support::{Engine, connect, desk_on, fresh_database, mention, person};
use balie::channels::{Batch, Item};

const SOCKETS: usize = 200;
const PER_SECOND: u64 = 200;
const SECONDS: u64 = 10;
/// Before these the pools, caches and connections warm up.
const WARM: Duration = Duration::from_secs(1);
/// Goes before the number of a message; its text is the first thing in an event that has it.
const MARK: &str = "nummer-";

pub async fn measure(engine: Engine, report: &mut Report) {
    let named = |what: &str| format!("{what}/{}", crate::name(engine));
    let (spent, expected) = run(engine, SOCKETS, PER_SECOND).await;
    report.plain(named("event_to_socket frames seen"), spent.len() as f64 / expected as f64 * 100.0, "%");
    report.below(named("event_to_socket_p95"), p95(spent), "ms", 50.0);
    for (sockets, rate) in [(50, PER_SECOND), (SOCKETS, 50)] {
        let (spent, _) = run(engine, sockets, rate).await;
        report.plain(named(&format!("event_to_socket_p95 {sockets} x {rate}/s")), p95(spent), "ms");
    }
}

/// How long each message took to each socket, and how many such there should be.
async fn run(engine: Engine, sockets: usize, rate: u64) -> (Vec<Duration>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let database = fresh_database(engine, folder.path()).await;
    let line = [
        "balie",
        "--data",
        folder.path().to_str().unwrap(),
        "--database",
        &database,
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--roles",
        "web",
    ];
    let cli = Cli::try_parse_from(line).unwrap();
    let Command::Serve(serving) = &cli.command else { unreachable!() };
    let server = app::start(&cli.place, serving, Clock::system()).await.unwrap();
    let account = connect(&server.store, "brand").await;
    let desk = desk_on(&server.store, folder.path());

    let total = (rate * SECONDS) as usize;
    let sent: Arc<Vec<Mutex<Option<Instant>>>> = Arc::new((0..total).map(|_| Mutex::new(None)).collect());
    let seen = Arc::new(AtomicUsize::new(0));
    let token = token(&server.store).await;
    let mut clients = Vec::new();
    for _ in 0..sockets {
        let mut request = format!("ws://{}/api/live", server.address).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket.send(Message::text(r#"{"type":"hello","since":null}"#)).await.unwrap();
        while !matches!(socket.next().await, Some(Ok(Message::Text(text))) if text.contains(r#""ready""#)) {}
        let (sent, seen) = (sent.clone(), seen.clone());
        clients.push(tokio::spawn(async move {
            let mut took = Vec::with_capacity(sent.len());
            while took.len() < sent.len() {
                let Some(Ok(frame)) = socket.next().await else { break };
                let now = Instant::now();
                let Message::Text(text) = frame else { continue };
                for number in numbers(&text) {
                    let began = sent[number].lock().unwrap().unwrap();
                    took.push((number, now - began));
                    seen.fetch_add(1, Ordering::Relaxed);
                }
            }
            took
        }));
    }

    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / rate));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let start = Instant::now();
    for number in 0..total {
        ticks.tick().await;
        let text = format!("{MARK}{number:06} waar blijft mijn pakket? ik wacht al een week en niemand antwoordt");
        let mut message = mention(&format!("m{number}"), &format!("klant{}", number % 500), &text, 0);
        message.sent_at = server.store.clock().now();
        let batch = Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() };
        *sent[number].lock().unwrap() = Some(Instant::now());
        desk.ingest(&account, "stream", &batch).await.unwrap();
    }
    let kept = rate as f64 * SECONDS as f64 / start.elapsed().as_secs_f64();
    if kept < rate as f64 * 0.95 {
        println!("(only {kept:.0} messages/s could be ingested of the {rate} wanted)");
    }
    let wait = Instant::now();
    while seen.load(Ordering::Relaxed) < total * sockets && wait.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop().await;
    let warm = (WARM.as_secs() * rate) as usize;
    let mut all = Vec::new();
    for client in clients {
        all.extend(client.await.unwrap().into_iter().filter(|(number, _)| *number >= warm).map(|(_, spent)| spent));
    }
    (all, (total - warm) * sockets)
}

/// Which messages a frame brings.
fn numbers(frame: &str) -> impl Iterator<Item = usize> {
    const TEXT: &str = r#""text":"nummer-"#;
    frame.match_indices(TEXT).map(|(at, _)| frame[at + TEXT.len()..at + TEXT.len() + 6].parse().unwrap())
}

async fn token(store: &Store) -> String {
    let agent = person(store, "Socket", Role::Supervisor).await;
    let (token, _) = people::add_token(store, agent.user_id, None, "bench", None).await.unwrap();
    token.expose().clone()
}
