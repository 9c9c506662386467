//! Every call the played server answers, on one page.

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::time::Duration;

use super::lists::{context, conversations, history, ids, notifications, posts, talks};
use super::post::{Draft, Refusal};
use super::serve::Params;
use super::world::{Policy, Post, Token, Visibility, World};
use super::{Heard, auth, entity, people};
use crate::model::Timestamp;

/// For how long a key means the post it made.
const KEY_LIFE: Duration = Duration::from_secs(3_600);

/// One call, read.
pub struct Call<'a> {
    pub method: &'a Method,
    pub path: &'a [&'a str],
    pub params: &'a Params,
    pub viewer: Option<Token>,
    pub headers: &'a HeaderMap,
    pub now: Timestamp,
}

/// What goes back.
pub enum Answer {
    /// Status, body, `Link`.
    Json(u16, Value, Option<String>),
    File(String, bytes::Bytes),
    Page(String),
    Redirect(String),
}

pub fn refuse(status: u16, error: &str) -> Answer {
    Answer::Json(status, json!({"error": error}), None)
}

pub fn ok(body: Value) -> Answer {
    Answer::Json(200, body, None)
}

pub fn missing() -> Answer {
    refuse(404, "Record not found")
}

/// Answers a call, and says what the stream has to tell.
pub fn answer(world: &mut World, call: &Call<'_>) -> (Answer, Vec<Heard>) {
    let mut heard = Vec::new();
    let viewer = call.viewer.as_ref().map(|token| token.account);
    let get = call.method == Method::GET;
    let answer = match (get, call.path) {
        (true, [".well-known", "oauth-authorization-server"]) => auth::discovery(world),
        (true, ["oauth", "authorize"]) => auth::page(world, call),
        (false, ["oauth", "authorize"]) => auth::authorize(world, call),
        (false, ["oauth", "token"]) => auth::token(world, call),
        (false, ["oauth", "revoke"]) => auth::revoke(world, call),
        (false, ["api", "v1", "apps"]) => auth::register(world, call),
        (true, ["api", "v1", "apps", "verify_credentials"]) => auth::application(world, call),
        (true, ["api", "v1", "instance"]) => ok(entity::instance(world, 1)),
        (true, ["api", "v2", "instance"]) => ok(entity::instance(world, 2)),
        (true, ["avatars", name]) => avatar(name),
        (true, ["media", id]) => match id.parse().ok().and_then(|id| world.media.get(&id)) {
            Some(upload) => Answer::File(upload.mime.clone(), upload.bytes.clone()),
            None => missing(),
        },
        (true, ["api", "v1", "accounts", "lookup"]) => {
            match call.params.one("acct").and_then(|acct| world.find(acct)) {
                Some(id) => ok(entity::account(world, world.account(id))),
                None => missing(),
            }
        }
        (true, ["api", "v1", "statuses", id, "context"]) => match visible(world, id, viewer) {
            Some(post) => ok(context(world, post, viewer)),
            None => missing(),
        },
        (true, ["api", "v1", "statuses", id, "history"]) => match visible(world, id, viewer) {
            Some(post) => ok(history(world, post)),
            None => missing(),
        },
        (true, ["api", "v1", "statuses", id]) => match visible(world, id, viewer) {
            Some(post) => ok(entity::status(world, post, viewer)),
            None => missing(),
        },
        (true, ["api", "v1", "timelines", "public"]) => {
            let ids = ids(world, |post| post.visibility == Visibility::Public);
            posts(world, &ids, call, viewer)
        }
        (true, ["api", "v1", "timelines", "tag", tag]) => {
            let tag = format!("#{}", tag.to_lowercase());
            let ids = ids(world, |post| {
                post.visibility == Visibility::Public
                    && post
                        .text()
                        .to_lowercase()
                        .split_whitespace()
                        .any(|word| word.trim_end_matches(['.', ',', '!', '?']) == tag)
            });
            posts(world, &ids, call, viewer)
        }
        (true, ["api", "v1", "accounts", id, "statuses"]) => match id.parse::<u64>() {
            Ok(by) if world.accounts.contains_key(&by) => {
                let without = call.params.yes("exclude_replies");
                if without && viewer == Some(by) {
                    world.reviewed.insert(by);
                }
                let ids =
                    ids(world, |post| post.by == by && world.sees(viewer, post) && !(without && post.parent.is_some()));
                posts(world, &ids, call, viewer)
            }
            _ => missing(),
        },
        (true, ["api", "v1", "accounts", id])
            if *id != "verify_credentials" && *id != "relationships" && *id != "search" =>
        {
            match id.parse().ok().and_then(|id| world.accounts.get(&id)) {
                Some(account) => ok(entity::account(world, account)),
                None => missing(),
            }
        }
        _ => match viewer {
            Some(me) => signed_in(world, call, me, &mut heard),
            None if call.path.first() == Some(&"api") => refuse(401, "This method requires an authenticated user"),
            None => missing(),
        },
    };
    (answer, heard)
}

fn signed_in(world: &mut World, call: &Call<'_>, me: u64, heard: &mut Vec<Heard>) -> Answer {
    let params = call.params;
    match (call.method.as_str(), call.path) {
        ("GET", ["api", "v1", "accounts", "verify_credentials"]) => ok(entity::own(world, world.account(me))),
        ("GET", ["api", "v1", "accounts", "relationships"]) => {
            let ids: Vec<u64> = params.many("id").unwrap_or_default().iter().filter_map(|id| id.parse().ok()).collect();
            ok(ids
                .into_iter()
                .filter(|id| world.accounts.contains_key(id))
                .map(|id| people::relationship(world, me, id))
                .collect())
        }
        ("GET", ["api", "v1", "accounts", "search"]) => {
            let query = params.one("q").unwrap_or_default().trim_start_matches('@').to_lowercase();
            ok(world
                .accounts
                .values()
                .filter(|account| account.acct.to_lowercase().contains(&query))
                .take(40)
                .map(|account| entity::account(world, account))
                .collect())
        }
        ("POST", ["api", "v1", "accounts", id, verb]) => people::relate(world, me, id, verb),
        ("POST", ["api", "v1", "statuses"]) => create(world, call, me, heard),
        ("GET", ["api", "v1", "statuses"]) => {
            let ids: Vec<&str> = params.many("id").unwrap_or_default();
            if ids.len() > 20 {
                return refuse(422, "Too many ids");
            }
            ok(ids
                .into_iter()
                .filter_map(|id| visible(world, id, Some(me)))
                .map(|post| entity::status(world, post, Some(me)))
                .collect())
        }
        ("PUT", ["api", "v1", "statuses", id]) => {
            let Some(id) = own(world, id, me) else { return missing() };
            let Some(changed) =
                world.edit(id, params.one("status").unwrap_or_default(), params.one("spoiler_text"), call.now)
            else {
                return missing();
            };
            heard.extend(changed);
            world.posts.get(&id).map_or_else(missing, |post| ok(entity::status(world, post, Some(me))))
        }
        ("DELETE", ["api", "v1", "statuses", id]) => {
            let Some(id) = own(world, id, me) else { return missing() };
            let Some(mut body) =
                world.posts.get(&id).map(|post| (entity::status(world, post, Some(me)), post.text().to_owned()))
            else {
                return missing();
            };
            body.0["text"] = body.1.into();
            heard.extend(world.delete(id).unwrap_or_default());
            ok(body.0)
        }
        ("GET", ["api", "v1", "statuses", id, "source"]) => {
            match own(world, id, me).and_then(|id| world.posts.get(&id)) {
                Some(post) => ok(
                    json!({"id": post.id.to_string(), "text": post.text(), "spoiler_text": post.versions.last().map(|version| version.spoiler.clone())}),
                ),
                None => missing(),
            }
        }
        ("POST", ["api", "v1", "statuses", id, verb]) => people::react(world, call, me, id, verb, heard),
        ("GET", ["api", "v1", "notifications"]) => notifications(world, call, me),
        ("GET", ["api", "v1", "notifications", id]) => match id
            .parse()
            .ok()
            .and_then(|id| world.notifications.get(&id))
            .filter(|notification| notification.to == me)
        {
            Some(notification) => ok(entity::notification(world, notification)),
            None => missing(),
        },
        ("POST", ["api", "v1", "notifications", "clear"]) => {
            world.notifications.retain(|_, notification| notification.to != me);
            ok(json!({}))
        }
        ("GET" | "PATCH", ["api", "v2", "notifications", "policy"]) => {
            if let Some(policy) = params.one("for_private_mentions") {
                let known =
                    [Policy::Accept, Policy::Filter, Policy::Drop].into_iter().find(|known| known.word() == policy);
                let Some(policy) = known else {
                    return refuse(422, "Validation failed: For private mentions is not included in the list");
                };
                world.account_mut(me).private_mentions = policy;
            }
            let policy = world.account(me).private_mentions.word();
            let waiting = world
                .notifications
                .values()
                .filter(|notification| notification.to == me && notification.filtered)
                .count();
            ok(json!({
                "for_not_following": "accept", "for_not_followers": "accept", "for_new_accounts": "accept", "for_limited_accounts": "filter", "for_bots": "accept",
                "for_private_mentions": policy, "summary": {"pending_requests_count": waiting.min(100), "pending_notifications_count": waiting.min(100)}
            }))
        }
        ("GET", ["api", "v1", "conversations"]) => conversations(world, call, me),
        ("POST", ["api", "v1", "conversations", id, "read"]) => match talks(world, me)
            .into_iter()
            .find(|last| world.posts.get(last).is_some_and(|post| entity::conversation(world, post, me)["id"] == **id))
        {
            Some(last) => {
                world.read.insert((me, last));
                world.posts.get(&last).map_or_else(missing, |post| ok(entity::conversation(world, post, me)))
            }
            None => missing(),
        },
        ("GET", ["api", "v1", "timelines", "home"]) => {
            let ids = ids(world, |post| {
                post.visibility != Visibility::Direct && (post.by == me || world.account(me).follows.contains(&post.by))
            });
            posts(world, &ids, call, Some(me))
        }
        ("GET", ["api", "v1", "media", id]) => {
            let Some(id) =
                id.parse::<u64>().ok().filter(|id| world.media.get(id).is_some_and(|upload| upload.by == me))
            else {
                return missing();
            };
            if let Some(upload) = world.media.get_mut(&id).filter(|upload| upload.busy > 0) {
                upload.busy -= 1;
                let body = world.media.get(&id).map(|upload| entity::attachment(world, id, upload));
                return Answer::Json(206, body.unwrap_or_default(), None);
            }
            world.media.get(&id).map_or_else(missing, |upload| ok(entity::attachment(world, id, upload)))
        }
        ("POST", ["api", "v1", "reports"]) => {
            let Some(about) =
                params.one("account_id").and_then(|id| id.parse().ok()).filter(|id| world.accounts.contains_key(id))
            else {
                return missing();
            };
            let comment = params.one("comment").unwrap_or_default().to_owned();
            world.reports.push((me, about, comment.clone()));
            ok(json!({
                "id": world.reports.len().to_string(), "action_taken": false, "action_taken_at": null, "category": params.one("category").unwrap_or("other"), "comment": comment,
                "forwarded": params.yes("forward"), "created_at": call.now.to_rfc3339(), "status_ids": params.many("status_ids"), "rule_ids": null, "target_account": entity::account(world, world.account(about))
            }))
        }
        ("GET", ["api", "v2", "search"]) => ok(json!({"accounts": [], "statuses": [], "hashtags": []})),
        _ => missing(),
    }
}

/// A post somebody may see, by the id in an address.
pub fn visible<'w>(world: &'w World, id: &str, viewer: Option<u64>) -> Option<&'w Post> {
    world.posts.get(&id.parse().ok()?).filter(|post| world.sees(viewer, post))
}

fn own(world: &World, id: &str, me: u64) -> Option<u64> {
    visible(world, id, Some(me)).filter(|post| post.by == me).map(|post| post.id)
}

fn create(world: &mut World, call: &Call<'_>, me: u64, heard: &mut Vec<Heard>) -> Answer {
    let key = call.headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(|key| (me, key.to_owned()));
    if let Some((post, since)) = key.as_ref().and_then(|key| world.keys.get(key)).copied()
        && call.now.since(since) < KEY_LIFE
        && let Some(post) = world.posts.get(&post)
    {
        return ok(entity::status(world, post, Some(me)));
    }
    let params = call.params;
    let visibility = match params.one("visibility") {
        None => None,
        Some(name) => match Visibility::read(name) {
            Some(visibility) => Some(visibility),
            None => return refuse(422, "Validation failed: Visibility is not included in the list"),
        },
    };
    let draft = Draft {
        text: params.one("status").unwrap_or_default().to_owned(),
        spoiler: params.one("spoiler_text").unwrap_or_default().to_owned(),
        parent: params.one("in_reply_to_id").filter(|id| !id.is_empty()).map(str::to_owned),
        visibility,
        language: params.one("language").map(str::to_owned),
        media: params.many("media_ids").unwrap_or_default().iter().filter_map(|id| id.parse().ok()).collect(),
        allowed: params.many("allowed_mentions").map(|ids| ids.into_iter().map(str::to_owned).collect()),
        app: call
            .viewer
            .as_ref()
            .and_then(|token| token.client.as_ref())
            .and_then(|client| world.apps.get(client))
            .map(|app| app.name.clone()),
    };
    match world.post(me, &draft, call.now, call.now) {
        Ok((id, said)) => {
            heard.extend(said);
            if let Some(key) = key {
                world.keys.insert(key, (id, call.now));
            }
            world.posts.get(&id).map_or_else(missing, |post| ok(entity::status(world, post, Some(me))))
        }
        Err(Refusal(status, error, unexpected)) if !unexpected.is_empty() => {
            let accounts: Vec<Value> =
                unexpected.into_iter().map(|id| entity::account(world, world.account(id))).collect();
            Answer::Json(status, json!({"error": error, "unexpected_accounts": accounts}), None)
        }
        Err(Refusal(status, error, _)) => refuse(status, &error),
    }
}

/// A round picture with the first letter.
fn avatar(name: &str) -> Answer {
    let name = name.trim_end_matches(".svg");
    let hue = name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 360;
    let letter: String = name.chars().find(|c| c.is_alphanumeric()).into_iter().flat_map(char::to_uppercase).collect();
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 96 96\"><rect width=\"96\" height=\"96\" fill=\"hsl({hue} 45% 42%)\"/><text x=\"48\" y=\"64\" font-size=\"48\" font-family=\"sans-serif\" text-anchor=\"middle\" fill=\"#fff\">{letter}</text></svg>"
    );
    Answer::File("image/svg+xml".to_owned(), svg.into())
}
