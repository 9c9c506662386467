//! The played server's answers: docs.joinmastodon.org/entities, 4.3.

use serde_json::{Value, json};

use super::DOMAIN;
use super::post::html;
use super::world::{Account, Notification, Post, Upload, World};

/// Addresses of things on the web are those of the account's own server.
fn host(acct: &str) -> &str {
    acct.split_once('@').map_or(DOMAIN, |(_, host)| host)
}

fn user(acct: &str) -> &str {
    acct.split('@').next().unwrap_or_default()
}

pub fn account(world: &World, account: &Account) -> Value {
    let (user, host) = (user(&account.acct), host(&account.acct));
    let avatar = format!("{}/avatars/{user}.svg", world.base);
    json!({
        "id": account.id.to_string(), "username": user, "acct": account.acct, "display_name": account.display, "locked": false, "bot": false,
        "discoverable": true, "indexable": true, "group": false, "created_at": "2024-01-05T00:00:00.000Z", "note": "", "url": format!("https://{host}/@{user}"),
        "uri": format!("https://{host}/users/{user}"), "avatar": avatar, "avatar_static": avatar, "header": avatar, "header_static": avatar,
        "followers_count": 0, "following_count": account.follows.len(), "statuses_count": 0, "last_status_at": null, "hide_collections": false,
        "noindex": false, "emojis": [], "roles": [], "fields": []
    })
}

/// One's own account.
pub fn own(world: &World, mine: &Account) -> Value {
    let mut value = account(world, mine);
    value["source"] = json!({"privacy": "public", "sensitive": false, "language": null, "note": "", "fields": [], "follow_requests_count": 0});
    value["role"] = json!({"id": "-99", "name": "", "permissions": "65536", "color": "", "highlighted": false});
    value
}

pub fn status(world: &World, post: &Post, viewer: Option<u64>) -> Value {
    let author = world.account(post.by);
    let (user, host) = (user(&author.acct), host(&author.acct));
    let parent = post.parent.and_then(|id| world.posts.get(&id));
    let replies = world.answers_to(post.id).filter(|answer| answer.visibility.word() != "direct").count();
    let mentions: Vec<Value> = post
        .mentions
        .iter()
        .map(|id| {
            let named = world.account(*id);
            json!({"id": id.to_string(), "username": self::user(&named.acct), "acct": named.acct, "url": format!("https://{}/@{}", self::host(&named.acct), self::user(&named.acct))})
        })
        .collect();
    let tags: Vec<Value> = post
        .text()
        .split_whitespace()
        .filter_map(|word| word.strip_prefix('#'))
        .map(|tag| tag.trim_end_matches(['.', ',', '!', '?']).to_lowercase())
        .filter(|tag| !tag.is_empty())
        .map(|tag| json!({"name": tag, "url": format!("https://{DOMAIN}/tags/{tag}")}))
        .collect();
    let media: Vec<Value> =
        post.media.iter().filter_map(|id| Some(attachment(world, *id, world.media.get(id)?))).collect();
    let edited =
        (post.versions.len() > 1).then(|| post.versions.last().map(|version| version.at.to_rfc3339())).flatten();
    let mine = |set: &std::collections::BTreeSet<u64>| viewer.is_some_and(|viewer| set.contains(&viewer));
    json!({
        "id": post.id.to_string(), "created_at": post.at.to_rfc3339(), "edited_at": edited,
        "in_reply_to_id": parent.map(|parent| parent.id.to_string()), "in_reply_to_account_id": parent.map(|parent| parent.by.to_string()),
        "sensitive": false, "spoiler_text": post.versions.last().map(|version| version.spoiler.as_str()).unwrap_or_default(),
        "visibility": post.visibility.word(), "language": post.language,
        "uri": format!("https://{host}/users/{user}/statuses/{}", post.id), "url": format!("https://{host}/@{user}/{}", post.id),
        "replies_count": replies, "reblogs_count": post.boosts.len(), "favourites_count": post.likes.len(), "quotes_count": 0,
        "favourited": mine(&post.likes), "reblogged": mine(&post.boosts), "muted": false, "bookmarked": false, "pinned": false,
        "content": html(world, post.text()), "filtered": [], "reblog": null, "quote": null,
        "application": post.app.as_ref().map(|name| json!({"name": name, "website": null})),
        "account": account(world, author), "media_attachments": media, "mentions": mentions, "tags": tags, "emojis": [], "card": null, "poll": null
    })
}

pub fn attachment(world: &World, id: u64, upload: &Upload) -> Value {
    let kind =
        upload.mime.split('/').next().filter(|kind| matches!(*kind, "image" | "video" | "audio")).unwrap_or("unknown");
    let url = (upload.busy == 0).then(|| format!("{}/media/{id}", world.base));
    json!({
        "id": id.to_string(), "type": kind, "url": url, "preview_url": url, "remote_url": null, "preview_remote_url": null, "text_url": null,
        "meta": {}, "description": if upload.description.is_empty() { None } else { Some(&upload.description) }, "blurhash": null
    })
}

pub fn notification(world: &World, notification: &Notification) -> Value {
    let mut value = json!({
        "id": notification.id.to_string(), "type": notification.kind, "created_at": notification.at.to_rfc3339(),
        "group_key": format!("ungrouped-{}", notification.id), "account": account(world, world.account(notification.from)),
    });
    if let Some(post) = notification.post.and_then(|id| world.posts.get(&id)) {
        value["status"] = status(world, post, Some(notification.to));
    }
    if notification.filtered {
        value["filtered"] = true.into();
    }
    value
}

/// The thread of direct posts that this is the last of, as one of its people sees it.
pub fn conversation(world: &World, last: &Post, viewer: u64) -> Value {
    let mut root = last;
    while let Some(parent) = root.parent.and_then(|id| world.posts.get(&id)) {
        root = parent;
    }
    let people: Vec<Value> = std::iter::once(&last.by)
        .chain(&last.mentions)
        .filter(|id| **id != viewer)
        .map(|id| account(world, world.account(*id)))
        .collect();
    json!({
        "id": (root.id % 1_000_000_007).to_string(), "unread": last.by != viewer && !world.read.contains(&(viewer, last.id)), "accounts": people,
        "last_status": status(world, last, Some(viewer))
    })
}

pub fn instance(world: &World, version: u8) -> Value {
    let streaming = world.base.replacen("http", "ws", 1);
    let configuration = json!({
        "urls": {"streaming": streaming, "status": null, "about": null, "privacy_policy": null, "terms_of_service": null},
        "vapid": {"public_key": ""}, "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {"max_characters": world.max_characters, "max_media_attachments": 4, "characters_reserved_per_url": 23},
        "media_attachments": {
            "supported_mime_types": ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "audio/mpeg"], "description_limit": 1500,
            "image_size_limit": 16_777_216, "image_matrix_limit": 33_177_600, "video_size_limit": 103_809_024, "video_frame_rate_limit": 120, "video_matrix_limit": 8_294_400
        },
        "polls": {"max_options": 4, "max_characters_per_option": 50, "min_expiration": 300, "max_expiration": 2_629_746},
        "translation": {"enabled": false}, "limited_federation": false,
        "timelines_access": {
            "live_feeds": {"local": "public", "remote": "public"}, "hashtag_feeds": {"local": "public", "remote": "public"}, "trending_link_feeds": {"local": "public", "remote": "public"}
        }
    });
    if version == 1 {
        return json!({
            "uri": DOMAIN, "title": "Balie's playground", "short_description": "", "description": "", "email": "", "version": "4.5.0",
            "urls": {"streaming_api": streaming}, "stats": {"user_count": world.accounts.len(), "status_count": world.posts.len(), "domain_count": 1},
            "thumbnail": null, "languages": ["en", "nl"], "registrations": false, "approval_required": false, "invites_enabled": false,
            "configuration": configuration, "contact_account": null, "rules": []
        });
    }
    json!({
        "domain": DOMAIN, "title": "Balie's playground", "version": "4.5.0", "source_url": "https://github.com/mastodon/mastodon", "description": "A server that is played.",
        "usage": {"users": {"active_month": world.accounts.len()}}, "thumbnail": {"url": format!("{}/avatars/server.svg", world.base)}, "icon": [], "languages": ["en", "nl"],
        "configuration": configuration, "registrations": {"enabled": false, "approval_required": false, "message": null, "url": null},
        "api_versions": {"mastodon": 7}, "contact": {"email": "", "account": null}, "rules": []
    })
}
