//! Any body and any headers at any channel's webhook are read or refused, and never break the reader.
//! The first byte chooses the channel; the second the method, and whether the call is made out as the platform would: signed, with
//! every secret shown. A line of headers follows, then the body. Where a channel asks its platform something back, its own fake
//! answers.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use balie::channels::fake::{self, Running};
use balie::channels::signature::{self, Keys};
use balie::channels::{Channel, Client, Context, Descriptor, FieldKind, Hook, MemorySecrets, registry};
use balie::clock::Clock;
use balie::model::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

/// One secret for everything; long enough for all of them.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const NOW: Timestamp = Timestamp(1_772_442_845_000);

struct Called {
    channel: Arc<dyn Channel>,
    secrets: Value,
    /// Its platform, for as long as the fuzzer runs.
    _platform: Option<Running>,
}

/// Every channel that is called by its platform, connected with settings that fit its fields.
fn channels() -> &'static Vec<Called> {
    static ALL: OnceLock<Vec<Called>> = OnceLock::new();
    ALL.get_or_init(|| registry::all().iter().filter_map(|descriptor| called(descriptor)).collect())
}

fn called(descriptor: &Descriptor) -> Option<Called> {
    let clock = Clock::manual(NOW);
    // A channel without a fake is called without a platform behind it.
    let platform =
        runtime().block_on(fake::serve_named(descriptor.key, (Ipv4Addr::LOCALHOST, 0).into(), clock.clone())).ok();
    let played = platform.as_ref().map(|played| played.accounts["brand"].clone()).unwrap_or_default();
    let (mut settings, mut secrets) = (Map::new(), Map::new());
    for field in descriptor.fields {
        let value = match (field.kind, &played[field.key], &platform) {
            (_, given @ Value::String(_), _) if field.key != "secret" => given.clone(),
            (FieldKind::Secret, ..) => json!(SECRET),
            (FieldKind::Bool, ..) => Value::Bool(field.default == Some("true")),
            (FieldKind::Url, _, Some(platform)) => json!(platform.url),
            (FieldKind::Url, ..) => json!("http://127.0.0.1:9"),
            _ if field.default.is_none() && !field.required => continue,
            (FieldKind::Number, ..) => json!(field.default.and_then(|text| text.parse::<i64>().ok()).unwrap_or(1)),
            _ => json!(field.default.unwrap_or("Merk")),
        };
        let into = if field.kind == FieldKind::Secret { &mut secrets } else { &mut settings };
        into.insert(field.key.to_owned(), value);
    }
    secrets.insert("hook_secret".to_owned(), json!(SECRET));
    let secrets = Value::Object(secrets);
    let context = Context {
        client: Client::new(true).ok()?,
        clock,
        settings: Value::Object(settings),
        secrets: Arc::new(MemorySecrets::new(secrets.clone())),
        history: Duration::from_secs(86_400),
    };
    let channel = (descriptor.connect)(context).ok()?;
    channel.push()?;
    Some(Called { channel, secrets, _platform: platform })
}

fn runtime() -> &'static Runtime {
    static ONE: OnceLock<Runtime> = OnceLock::new();
    ONE.get_or_init(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"))
}

/// What the platforms show to be believed; each looks only for its own.
fn believed(headers: &mut HeaderMap, secrets: &Value, body: &[u8]) {
    let key = secrets["key"].as_str().unwrap_or(SECRET);
    let seal = signature::hex(&signature::hmac(SECRET.as_bytes(), &[body]));
    let signed = Keys::read(&[SECRET]).map(|keys| keys.sign("evt_1", NOW, body)).unwrap_or_default();
    for (name, value) in [
        ("authorization", format!("Bearer {key}")),
        ("x-telegram-bot-api-secret-token", SECRET.to_owned()),
        ("x-discourse-event-signature", format!("sha256={seal}")),
        ("webhook-id", "evt_1".to_owned()),
        ("webhook-timestamp", (NOW.0 / 1000).to_string()),
        ("webhook-signature", signed),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

fuzz_target!(init: assert!(channels().len() >= 5, "every channel that is called is connected"), |input: &[u8]| {
    let _inside = runtime().enter();
    let all = channels();
    let [which, how, rest @ ..] = input else { return };
    let Called { channel, secrets, .. } = &all[usize::from(*which) % all.len()];
    let method = [Method::POST, Method::GET, Method::OPTIONS, Method::POST][usize::from(*how) % 4].clone();
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (line, body) = rest.split_at(end);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let mut headers = HeaderMap::new();
    for header in line.split(|byte| *byte == b'\t') {
        let mut halves = header.splitn(2, |byte| *byte == b':');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.insert(name, value);
        }
    }
    // One call in eight comes from somebody who knows no secret.
    if how & 0b11_1000 != 0 {
        believed(&mut headers, secrets, body);
    }
    let query = String::from_utf8_lossy(line);
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let hook = Hook { method: &method, headers: &headers, query: &query, body, secrets, from };
    if let Some(push) = channel.push() {
        let _ = runtime().block_on(push.receive(&hook));
    }
});
