//! What people on the played server do to posts and to each other.

use serde_json::{Value, json};

use super::Heard;
use super::entity;
use super::routes::{Answer, Call, missing, ok, refuse, visible};
use super::world::{Visibility, World};

/// Likes, boosts and what else one does to a post.
pub fn react(world: &mut World, call: &Call<'_>, me: u64, id: &str, verb: &str, heard: &mut Vec<Heard>) -> Answer {
    let Some(id) = visible(world, id, Some(me)).map(|post| post.id) else { return missing() };
    let private =
        world.posts.get(&id).is_some_and(|post| matches!(post.visibility, Visibility::Private | Visibility::Direct));
    let Some(post) = world.posts.get_mut(&id) else { return missing() };
    let mut news = None;
    match verb {
        "favourite" => news = post.likes.insert(me).then_some("favourite"),
        "unfavourite" => drop(post.likes.remove(&me)),
        "reblog" if private => return refuse(403, "This action is not allowed"),
        "reblog" => news = post.boosts.insert(me).then_some("reblog"),
        "unreblog" => drop(post.boosts.remove(&me)),
        "bookmark" | "unbookmark" | "mute" | "unmute" => {}
        _ => return missing(),
    }
    if let Some(kind) = news {
        heard.extend(world.react(kind, me, id, call.now));
    }
    let Some(post) = world.posts.get(&id) else { return missing() };
    let mut shown = entity::status(world, post, Some(me));
    if verb == "reblog" {
        // A boost is a post of its own around the boosted one.
        let mut boost = shown.clone();
        boost["id"] = format!("{}{me}", post.id).into();
        boost["account"] = entity::account(world, world.account(me));
        boost["uri"] = format!("https://{}/users/{me}/statuses/{id}/activity", super::DOMAIN).into();
        boost["content"] = "".into();
        boost["reblog"] = shown;
        shown = boost;
    }
    ok(shown)
}

/// Follows, mutes, blocks.
pub fn relate(world: &mut World, me: u64, id: &str, verb: &str) -> Answer {
    let Some(id) = id.parse::<u64>().ok().filter(|id| world.accounts.contains_key(id)) else { return missing() };
    let mine = world.account_mut(me);
    let done = match verb {
        "follow" => mine.follows.insert(id),
        "unfollow" => mine.follows.remove(&id),
        "mute" => mine.mutes.insert(id),
        "unmute" => mine.mutes.remove(&id),
        "block" => mine.blocks.insert(id),
        "unblock" => mine.blocks.remove(&id),
        _ => return missing(),
    };
    let _ = done;
    ok(relationship(world, me, id))
}

pub fn relationship(world: &World, me: u64, id: u64) -> Value {
    let (mine, theirs) = (world.account(me), world.account(id));
    json!({
        "id": id.to_string(), "following": mine.follows.contains(&id), "showing_reblogs": true, "notifying": false, "languages": null, "followed_by": theirs.follows.contains(&me),
        "blocking": mine.blocks.contains(&id), "blocked_by": theirs.blocks.contains(&me), "muting": mine.mutes.contains(&id), "muting_notifications": mine.mutes.contains(&id),
        "requested": false, "requested_by": false, "domain_blocking": false, "endorsed": false, "note": ""
    })
}
