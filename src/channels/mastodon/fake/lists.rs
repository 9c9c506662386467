//! The lists of the played server: timelines, notifications, private talks, threads.

use serde_json::{Value, json};

use super::routes::{Answer, Call};
use super::world::{Post, Visibility, World};
use super::{entity, pages, post};

/// Posts that fit, newest first.
pub fn ids(world: &World, fits: impl Fn(&Post) -> bool) -> Vec<u64> {
    world.posts.values().rev().filter(|post| fits(post)).map(|post| post.id).collect()
}

/// A page of posts.
pub fn posts(world: &World, ids: &[u64], call: &Call<'_>, viewer: Option<u64>) -> Answer {
    let (page, link) = pages::page(ids, call.params, 40, 20, &format!("{}/{}", world.base, call.path.join("/")));
    Answer::Json(
        200,
        page.iter().filter_map(|id| world.posts.get(id)).map(|post| entity::status(world, post, viewer)).collect(),
        link,
    )
}

/// A page of what somebody was notified of.
pub fn notifications(world: &mut World, call: &Call<'_>, me: u64) -> Answer {
    world.looked.insert(me);
    let (only, not) = (call.params.many("types"), call.params.many("exclude_types").unwrap_or_default());
    let all = call.params.yes("include_filtered");
    let fits = |kind: &str| only.as_ref().is_none_or(|only| only.contains(&kind)) && !not.contains(&kind);
    let mine = world.notifications.values().rev().filter(|n| n.to == me && fits(&n.kind) && (all || !n.filtered));
    let ids: Vec<u64> = mine.map(|notification| notification.id).collect();
    let (page, link) = pages::page(&ids, call.params, 80, 40, &format!("{}/api/v1/notifications", world.base));
    Answer::Json(
        200,
        page.iter()
            .filter_map(|id| world.notifications.get(id))
            .map(|notification| entity::notification(world, notification))
            .collect(),
        link,
    )
}

/// The last post of every thread of direct posts somebody is in, newest first.
pub fn talks(world: &World, me: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    let direct = world
        .posts
        .values()
        .rev()
        .filter(|post| post.visibility == Visibility::Direct && (post.by == me || post.mentions.contains(&me)));
    direct
        .filter(|post| {
            let id = entity::conversation(world, post, me)["id"].clone();
            let new = !seen.contains(&id);
            seen.push(id);
            new
        })
        .map(|post| post.id)
        .collect()
}

/// A page of private talks.
pub fn conversations(world: &World, call: &Call<'_>, me: u64) -> Answer {
    let (page, link) =
        pages::page(&talks(world, me), call.params, 40, 20, &format!("{}/api/v1/conversations", world.base));
    Answer::Json(
        200,
        page.iter().filter_map(|id| world.posts.get(id)).map(|post| entity::conversation(world, post, me)).collect(),
        link,
    )
}

/// What stands above and below a post.
pub fn context(world: &World, post: &Post, viewer: Option<u64>) -> Value {
    let mut ancestors = Vec::new();
    let mut at = post;
    while let Some(parent) = at.parent.and_then(|id| world.posts.get(&id)) {
        if world.sees(viewer, parent) {
            ancestors.push(entity::status(world, parent, viewer));
        }
        at = parent;
    }
    ancestors.reverse();
    // Depth first, as Mastodon sorts them.
    let mut descendants = Vec::new();
    let mut waiting = vec![post.id];
    while let Some(id) = waiting.pop() {
        if id != post.id
            && let Some(below) = world.posts.get(&id).filter(|below| world.sees(viewer, below))
        {
            descendants.push(entity::status(world, below, viewer));
        }
        waiting.extend(world.answers_to(id).rev().map(|answer| answer.id));
    }
    json!({"ancestors": ancestors, "descendants": descendants})
}

/// Every state of a post.
pub fn history(world: &World, post: &Post) -> Value {
    let account = entity::account(world, world.account(post.by));
    post.versions
        .iter()
        .map(|version| {
            json!({
                "content": post::html(world, &version.text), "spoiler_text": version.spoiler, "sensitive": false, "created_at": version.at.to_rfc3339(),
                "account": account, "media_attachments": [], "emojis": []
            })
        })
        .collect()
}
