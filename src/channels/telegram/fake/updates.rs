//! How a bot hears what happened: by asking (offset, long poll, one asker at a time) or by being called (webhook).
//!
//! Not played: the answer to a hasty asker is not stretched to three seconds, and an ended asker hears of it at once.
//! Source: tdlib/telegram-bot-api, 2026-05 (offset semantics, the texts of 409, the clamp of 50 s, retries of webhooks).

use std::time::Duration;

use serde_json::{Value, json};

use super::Platform;
use super::http::Params;
use super::world::{Done, Refusal, Webhook, World, no};
use crate::channels::Client;

const LONGEST_POLL: i64 = 50;
const ENDED: &str = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
const CALLED: &str =
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

/// `getUpdates`
pub async fn get(platform: &Platform, params: &Params) -> Done {
    let limit = usize::try_from(params.int("limit").unwrap_or(100).clamp(1, 100)).unwrap_or(100);
    let wait = params.int("timeout").unwrap_or(0).clamp(0, LONGEST_POLL);
    let mine = {
        let mut world = platform.world();
        if !world.webhook.url.is_empty() {
            return Err(no(409, CALLED));
        }
        allow(&mut world, params)?;
        confirm(&mut world, params.int("offset").unwrap_or(0));
        world.poll += 1;
        world.poll
    };
    // Whoever waits already is told that it is over.
    platform.news.notify_waiters();
    let deadline = tokio::time::sleep(Duration::from_secs(wait.unsigned_abs()));
    tokio::pin!(deadline);
    loop {
        let news = platform.news.notified();
        tokio::pin!(news);
        // Listen before looking: what comes in between must not be missed.
        news.as_mut().enable();
        if let Some(page) = look(platform, mine, limit)? {
            return Ok(page);
        }
        tokio::select! {
            () = &mut news => {}
            () = &mut deadline => return Ok(look(platform, mine, limit)?.unwrap_or_else(|| json!([]))),
        }
    }
}

fn look(platform: &Platform, mine: u64, limit: usize) -> Result<Option<Value>, Refusal> {
    let now = platform.clock.now();
    let mut world = platform.world();
    if world.poll != mine {
        return Err(no(409, ENDED));
    }
    if !world.webhook.url.is_empty() {
        return Err(no(409, CALLED));
    }
    world.expire(now);
    let page: Vec<Value> = world.updates.iter().take(limit).map(|update| update.body.clone()).collect();
    Ok((!page.is_empty()).then(|| page.into()))
}

/// Forgets everything below the offset; a negative one keeps only that many of the newest.
fn confirm(world: &mut World, offset: i64) {
    if offset > 0 {
        // An offset beyond anything there ever was is from another numbering, and confirms nothing.
        world.updates.retain(|update| update.id >= offset || offset - update.id > 1_000_000);
    } else if offset < 0 {
        let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        let drop = world.updates.len().saturating_sub(keep);
        world.updates.drain(..drop);
    }
}

/// Which kinds the bot wants to hear of, kept until it says otherwise.
fn allow(world: &mut World, params: &Params) -> Result<(), Refusal> {
    match params.json("allowed_updates") {
        Value::Null => {}
        Value::Array(kinds) => {
            world.allowed = Some(kinds.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect());
        }
        _ => return Err(no(400, "Bad Request: can't parse allowed updates")),
    }
    Ok(())
}

/// `setWebhook`. The real platform takes https only; this one also takes plain http to this machine.
pub fn set_webhook(platform: &Platform, params: &Params) -> Done {
    let address = params.text("url").unwrap_or_default();
    if address.is_empty() {
        return Ok(delete_webhook(platform, params));
    }
    let url: url::Url = address.parse().map_err(|_| no(400, "Bad Request: bad webhook: URL host is empty"))?;
    let home = matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    if url.scheme() != "https" && !home {
        return Err(no(400, "Bad Request: bad webhook: HTTPS URL must be provided for webhook"));
    }
    if !home && !matches!(url.port_or_known_default(), Some(443 | 80 | 88 | 8443)) {
        return Err(no(400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"));
    }
    let secret = params.text("secret_token").filter(|secret| !secret.is_empty());
    if let Some(secret) = &secret {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if secret.len() > 256 {
            return Err(no(400, "Bad Request: secret token is too long"));
        }
        if !secret.bytes().all(plain) {
            return Err(no(400, "Bad Request: secret token contains unallowed characters"));
        }
    }
    {
        let mut world = platform.world();
        allow(&mut world, params)?;
        if params.yes("drop_pending_updates") {
            world.updates.clear();
        }
        world.webhook = Webhook {
            url: address,
            secret,
            max_connections: params.int("max_connections").unwrap_or(40).clamp(1, 100),
            certificate: params.files.contains_key("certificate"),
            last_error: None,
            set: world.webhook.set + 1,
        };
    }
    platform.news.notify_waiters();
    Ok(true.into())
}

/// `deleteWebhook`
pub fn delete_webhook(platform: &Platform, params: &Params) -> Value {
    let mut world = platform.world();
    if params.yes("drop_pending_updates") {
        world.updates.clear();
    }
    world.webhook = Webhook { set: world.webhook.set + 1, ..Webhook::default() };
    true.into()
}

/// `getWebhookInfo`
pub fn webhook_info(platform: &Platform) -> Value {
    let world = platform.world();
    let hook = &world.webhook;
    let mut info = json!({
        "url": hook.url, "has_custom_certificate": hook.certificate, "pending_update_count": world.updates.len(),
    });
    if !hook.url.is_empty() {
        info["max_connections"] = hook.max_connections.into();
    }
    if let Some(kinds) = &world.allowed {
        info["allowed_updates"] = json!(kinds);
    }
    if let Some((at, why)) = &hook.last_error {
        info["last_error_date"] = (at.0 / 1_000).into();
        info["last_error_message"] = json!(why);
    }
    info
}

/// Calls the webhook as long as there is one: the oldest update first, again and again until it is taken.
pub async fn deliver(platform: Platform) {
    let Ok(client) = Client::new(true) else { return };
    let mut wait = Duration::from_secs(1);
    loop {
        let news = platform.news.notified();
        tokio::pin!(news);
        news.as_mut().enable();
        let next = {
            let world = platform.world();
            let hook = world.webhook.clone();
            world.updates.front().filter(|_| !hook.url.is_empty()).map(|update| (hook, update.clone()))
        };
        let Some((hook, update)) = next else {
            news.await;
            continue;
        };
        // What a bot has heard must not be unsaid by a restart.
        let failed = match platform.memory.write() {
            Ok(()) => call(&client, &hook, &update.body).await.err(),
            Err(error) => Some(error.to_string()),
        };
        wait = match note(&platform, &hook, update.id, failed) {
            Noted::Taken | Noted::Another => Duration::from_secs(1),
            Noted::Failed => {
                tokio::time::sleep(wait).await;
                (wait * 2).min(Duration::from_secs(60))
            }
        };
    }
}

/// What came of a call.
enum Noted {
    Taken,
    Failed,
    /// The settings changed meanwhile: it says nothing about the new ones.
    Another,
}

fn note(platform: &Platform, hook: &Webhook, update: i64, failed: Option<String>) -> Noted {
    let mut world = platform.world();
    if world.webhook.set != hook.set {
        return Noted::Another;
    }
    if let Some(why) = failed {
        world.webhook.last_error = Some((platform.clock.now(), why));
        return Noted::Failed;
    }
    world.updates.retain(|waiting| waiting.id != update);
    Noted::Taken
}

async fn call(client: &Client, hook: &Webhook, update: &Value) -> Result<(), String> {
    let url: url::Url = hook.url.parse().map_err(|_| "Wrong URL host".to_owned())?;
    let mut request = client.request(reqwest::Method::POST, &url).map_err(|error| error.cause.en)?.json(update);
    if let Some(secret) = &hook.secret {
        request = request.header("x-telegram-bot-api-secret-token", secret);
    }
    match client.send(request).await {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(format!("Wrong response from the webhook: {}", answer.status)),
        Err(_) => Err("Connection refused".to_owned()),
    }
}
