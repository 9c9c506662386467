//! The measured promises: `make bench` prints a table and writes `target/bench.json`.
//!
//! Promises: everything is compared within one run on one machine, on both engines; what falls short is printed, not hidden.
//! `make bench ARGS='ingest list'` takes only the measures whose names contain one of the words.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measure that cannot be taken says where")]
#![allow(
    clippy::disallowed_methods,
    reason = "a measure looks at the real clock and plays what the program does in its one place"
)]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod ingest;
mod list;
mod live;
mod mail;
mod many;
mod polled;
mod process;
mod report;
mod size;
#[path = "../tests/it/support.rs"]
#[allow(dead_code, unused_macros, reason = "the tests' world is used in part")]
mod support;
mod visitors;

use report::Report;
use support::Engine;

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let mut report = Report::default();
    // Memory and start first, while this process has not yet filled the machine's caches.
    if wanted("process") {
        process::measure(&mut report).await;
    }
    if wanted("size") {
        size::measure(&mut report);
    }
    if wanted("polled") {
        polled::measure(&mut report).await;
    }
    for engine in ENGINES {
        if wanted("ingest") {
            ingest::measure(engine, &mut report).await;
        }
        if wanted("mail") {
            mail::measure(engine, &mut report).await;
        }
        if wanted("event_to_socket") {
            live::measure(engine, &mut report).await;
        }
        if wanted("visitors") {
            visitors::measure(engine, &mut report).await;
        }
        if wanted("list") {
            list::measure(engine, &mut report).await;
        }
    }
    report.finish();
}

/// The engine's name in the report.
fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    }
}
