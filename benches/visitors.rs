//! From a visitor's words to every screen that shows them: many visitors with a socket each, on the real server and route.
//!
//! Server, visitors and the agent share the machine's cores; the clients' own work is part of what is measured.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use balie::app;
use balie::cli::{Cli, Command};
use balie::clock::Clock;
use balie::desk::accounts::NewAccount;
use balie::desk::visit::Saying;
use balie::model::Role;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::report::{Report, p95};
use crate::support::{Engine, desk_on, fresh_database, person};
use clap::Parser;

const VISITORS: usize = 2000;
const PER_SECOND: usize = 100;
const SECONDS: usize = 10;
/// Before these the pools, caches and connections warm up.
const WARM: usize = PER_SECOND;
const MARK: &str = "nummer-";

pub async fn measure(engine: Engine, report: &mut Report) {
    let named = |what: &str| format!("{what}/{}", crate::name(engine));
    let (spent, expected) = run(engine).await;
    report.plain(named("visitors frames seen"), spent.len() as f64 / expected as f64 * 100.0, "%");
    report.below(named("visitors_hop_p95"), p95(spent), "ms", 100.0);
}

async fn run(engine: Engine) -> (Vec<Duration>, usize) {
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
        // So that each visitor may come from an address of their own.
        "--public-url",
        "http://localhost",
    ];
    let cli = Cli::try_parse_from(line).unwrap();
    let Command::Serve(serving) = &cli.command else { unreachable!() };
    let server = app::start(&cli.place, serving, Clock::system()).await.unwrap();
    let desk = desk_on(&server.store, folder.path());
    let admin = person(&server.store, "Beheer", Role::Admin).await;
    let new = NewAccount {
        channel: "webchat".to_owned(),
        name: None,
        settings: json!({ "name": "Winkel", "origins": "https://winkel.example" }),
        team_ids: Vec::new(),
    };
    let account = desk.add_account(&admin, &new).await.unwrap();
    let door = desk.door(account.id).await.unwrap();

    let total = PER_SECOND * SECONDS;
    let sent: Arc<Vec<Mutex<Option<Instant>>>> = Arc::new((0..total).map(|_| Mutex::new(None)).collect());
    let seen = Arc::new(AtomicUsize::new(0));
    let (mut visitors, mut clients) = (Vec::new(), Vec::new());
    for n in 0..VISITORS {
        let admitted = desk.enter(&door, None, "nl").await.unwrap();
        let mut request = format!("ws://{}/visit/{}/ws", server.address, account.id).into_client_request().unwrap();
        let address = format!("10.{}.{}.1", n / 250, n % 250);
        request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let hello = json!({ "type": "hello", "token": admitted.token.expose(), "last_seq": null });
        socket.send(Message::text(hello.to_string())).await.unwrap();
        while !matches!(socket.next().await, Some(Ok(Message::Text(text))) if text.contains(r#""ready""#)) {}
        visitors.push(admitted.visitor);
        let (sent, seen) = (sent.clone(), seen.clone());
        let mine = (n..total).step_by(VISITORS).count();
        clients.push(tokio::spawn(async move {
            let mut took = Vec::new();
            while took.len() < mine {
                let Some(Ok(frame)) = socket.next().await else { break };
                let now = Instant::now();
                let Message::Text(text) = frame else { continue };
                let Some(at) = text.find(MARK) else { continue };
                let number: usize = text[at + MARK.len()..at + MARK.len() + 6].parse().unwrap();
                let began = sent[number].lock().unwrap().unwrap();
                took.push((number, now - began));
                seen.fetch_add(1, Ordering::Relaxed);
            }
            // The others still listen: a socket that left would make their work less.
            (took, socket)
        }));
    }

    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / PER_SECOND as u64));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let start = Instant::now();
    for number in 0..total {
        ticks.tick().await;
        let text = format!("{MARK}{number:06} waar blijft mijn pakket? ik wacht al een week en niemand antwoordt");
        let saying = Saying { client_id: uuid::Uuid::new_v4(), text, ..Saying::default() };
        *sent[number].lock().unwrap() = Some(Instant::now());
        desk.say(&door, &visitors[number % VISITORS], saying).await.unwrap();
    }
    let kept = total as f64 / start.elapsed().as_secs_f64();
    if kept < PER_SECOND as f64 * 0.95 {
        println!("(only {kept:.0} messages/s could be said of the {PER_SECOND} wanted)");
    }
    let wait = Instant::now();
    while seen.load(Ordering::Relaxed) < total && wait.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop().await;
    let mut all = Vec::new();
    for client in clients {
        let (took, _socket) = client.await.unwrap();
        all.extend(took.into_iter().filter(|(number, _)| *number >= WARM).map(|(_, spent)| spent));
    }
    (all, total - WARM)
}
