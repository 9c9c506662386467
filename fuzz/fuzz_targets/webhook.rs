//! Any body and any headers at any channel's webhook are read or refused, and never break the reader.
//! The first byte chooses the channel, the second the method; a line of headers follows, then the body. Whoever would be asked
//! something back is a closed port.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use balie::channels::{Channel, Client, Context, FieldKind, Hook, MemorySecrets, registry};
use balie::clock::Clock;
use balie::model::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

/// Every channel that is called by its platform, connected with settings that fit its fields, and its secrets.
fn channels() -> &'static Vec<(Arc<dyn Channel>, Value)> {
    static ALL: OnceLock<Vec<(Arc<dyn Channel>, Value)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let client = Client::new(true).expect("a client");
        let mut all = Vec::new();
        for descriptor in registry::all() {
            let (mut settings, mut secrets) = (Map::new(), Map::new());
            for field in descriptor.fields {
                let value = match field.kind {
                    FieldKind::Bool => Value::Bool(field.default == Some("true")),
                    FieldKind::Number => json!(field.default.and_then(|text| text.parse::<i64>().ok()).unwrap_or(1)),
                    FieldKind::Url => json!("http://127.0.0.1:9"),
                    _ => json!(field.default.unwrap_or("help@merk.example")),
                };
                let into = if field.kind == FieldKind::Secret { &mut secrets } else { &mut settings };
                into.insert(field.key.to_owned(), value);
            }
            let secrets = Value::Object(secrets);
            let context = Context {
                client: client.clone(),
                clock: Clock::manual(Timestamp(1_772_442_845_000)),
                settings: Value::Object(settings),
                secrets: Arc::new(MemorySecrets::new(secrets.clone())),
                history: Duration::from_secs(86_400),
            };
            match (descriptor.connect)(context) {
                Ok(channel) if channel.push().is_some() => all.push((channel, secrets)),
                _ => {}
            }
        }
        all
    })
}

fn runtime() -> &'static Runtime {
    static ONE: OnceLock<Runtime> = OnceLock::new();
    ONE.get_or_init(|| Builder::new_current_thread().enable_all().build().expect("a runtime"))
}

fuzz_target!(|input: &[u8]| {
    let _inside = runtime().enter();
    let all = channels();
    let [which, how, rest @ ..] = input else { return };
    if all.is_empty() {
        return;
    }
    let (channel, secrets) = &all[usize::from(*which) % all.len()];
    let method = [Method::POST, Method::GET, Method::OPTIONS][usize::from(*how) % 3].clone();
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (line, body) = rest.split_at(end);
    let mut headers = HeaderMap::new();
    for header in line.split(|byte| *byte == b'\t') {
        let mut halves = header.splitn(2, |byte| *byte == b':');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.insert(name, value);
        }
    }
    let query = String::from_utf8_lossy(line);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let hook = Hook { method: &method, headers: &headers, query: &query, body, secrets, from };
    if let Some(push) = channel.push() {
        let _ = runtime().block_on(push.receive(&hook));
    }
});
