//! How posts and people are shown to somebody.

use serde_json::{Value, json};

use super::records::Stored;
use super::{Answer, Ask, Net, invalid, unknown};
use crate::model::Timestamp;

/// The time by which the index sorts.
pub fn sorted(stored: &Stored) -> i64 {
    stored.value["createdAt"]
        .as_str()
        .and_then(Timestamp::parse_rfc3339)
        .map_or(stored.arrived, |claimed| claimed.0.min(stored.arrived))
}

impl Net {
    /// Whether one blocks the other.
    pub(super) fn blocks(&self, one: &str, other: &str) -> bool {
        self.block_uri(one, other).is_some()
    }

    fn block_uri(&self, one: &str, other: &str) -> Option<String> {
        let found = self.of(one, "app.bsky.graph.block").find(|(_, stored)| stored.value["subject"] == other);
        found.map(|(rkey, _)| format!("at://{one}/app.bsky.graph.block/{rkey}"))
    }

    pub(super) fn profile(&self, did: &str, viewer: &str) -> Value {
        let Some(account) = self.accounts.get(did) else {
            return json!({"did": did, "handle": "handle.invalid"});
        };
        let muted = self.accounts.get(viewer).is_some_and(|me| me.muted.contains(did));
        let created = Timestamp(account.created).to_rfc3339();
        let mut view = json!({
            "did": did, "handle": account.handle, "displayName": account.name, "labels": [], "createdAt": created, "indexedAt": created,
            "viewer": {"muted": muted, "blockedBy": self.blocks(did, viewer)},
        });
        if let Some(uri) = self.block_uri(viewer, did) {
            view["viewer"]["blocking"] = json!(uri);
        }
        view
    }

    pub(super) fn people(&mut self, ask: &Ask) -> Answer {
        let method = ask.nsid.rsplit('.').next().unwrap_or_default();
        let viewer = match self.caller(ask) {
            Ok(caller) => caller.did,
            Err(_) if ask.bearer().is_none() && method.starts_with("getProfile") => String::new(),
            Err(no) => return Err(no),
        };
        match method {
            "getProfile" => {
                let did = self
                    .by_name(ask.need("actor")?)
                    .map(|account| account.did.clone())
                    .ok_or_else(|| invalid("Profile not found"))?;
                let mut view = self.profile(&did, &viewer);
                view["postsCount"] = json!(self.of(&did, "app.bsky.feed.post").count());
                view["followersCount"] = json!(0);
                view["followsCount"] = json!(0);
                Ok(view)
            }
            "getProfiles" => {
                let dids: Vec<String> = ask
                    .all("actors")
                    .into_iter()
                    .filter_map(|actor| self.by_name(actor))
                    .map(|account| account.did.clone())
                    .collect();
                let profiles: Vec<Value> = dids.iter().map(|did| self.profile(did, &viewer)).collect();
                Ok(json!({"profiles": profiles}))
            }
            "getPreferences" => Ok(json!({"preferences": []})),
            "muteActor" | "unmuteActor" => {
                let input = ask.json()?;
                let actor = input["actor"].as_str().unwrap_or_default();
                let did =
                    self.by_name(actor).map(|account| account.did.clone()).ok_or_else(|| invalid("Actor not found"))?;
                if let Some(me) = self.accounts.get_mut(&viewer) {
                    if method == "muteActor" {
                        me.muted.insert(did)
                    } else {
                        me.muted.remove(&did)
                    };
                }
                Ok(Value::Null)
            }
            _ => Err(unknown()),
        }
    }

    fn posts_where<'a>(&'a self, wanted: impl Fn(&Value) -> bool + 'a) -> impl Iterator<Item = (String, &'a Stored)> {
        self.records
            .iter()
            .filter(move |((_, collection, _), stored)| collection == "app.bsky.feed.post" && wanted(&stored.value))
            .map(|((did, collection, rkey), stored)| (format!("at://{did}/{collection}/{rkey}"), stored))
    }

    fn mark<'a>(&'a self, collection: &'a str, uri: &'a str) -> impl Iterator<Item = &'a super::records::Address> {
        self.records
            .iter()
            .filter(move |((_, kind, _), stored)| kind == collection && stored.value["subject"]["uri"] == uri)
            .map(|(address, _)| address)
    }

    pub(super) fn post_view(&self, uri: &str, viewer: &str) -> Option<Value> {
        let ((did, collection, _), stored) = self.stored(uri)?;
        if collection != "app.bsky.feed.post"
            || self.blocks(viewer, did)
            || self.blocks(did, viewer)
            || !self.accounts.get(did)?.active
        {
            return None;
        }
        let replies = self.posts_where(move |value| value["reply"]["parent"]["uri"] == uri).count();
        let quotes = self.posts_where(move |value| value["embed"]["record"]["uri"] == uri).count();
        let mut seen = json!({"threadMuted": false, "embeddingDisabled": false});
        for (key, kind) in [("like", "app.bsky.feed.like"), ("repost", "app.bsky.feed.repost")] {
            if let Some((owner, kind, rkey)) = self.mark(kind, uri).find(|(owner, _, _)| owner == viewer) {
                seen[key] = json!(format!("at://{owner}/{kind}/{rkey}"));
            }
        }
        if self.reply_disabled(uri, &stored.value, viewer) {
            seen["replyDisabled"] = json!(true);
        }
        let mut view = json!({
            "uri": uri, "cid": stored.cid, "author": self.profile(did, viewer), "record": stored.value,
            "replyCount": replies, "repostCount": self.mark("app.bsky.feed.repost", uri).count(), "likeCount": self.mark("app.bsky.feed.like", uri).count(),
            "quoteCount": quotes, "indexedAt": Timestamp(sorted(stored)).to_rfc3339(), "labels": [], "viewer": seen,
        });
        if let Some(embed) = self.embed_view(&stored.value["embed"], viewer) {
            view["embed"] = embed;
        }
        Some(view)
    }

    /// Whether the post that began the thread lets this one reply.
    fn reply_disabled(&self, uri: &str, value: &Value, viewer: &str) -> bool {
        let root = value["reply"]["root"]["uri"].as_str().unwrap_or(uri);
        let gate = self.stored(&root.replacen("app.bsky.feed.post", "app.bsky.feed.threadgate", 1));
        let Some(allow) = gate.and_then(|(_, stored)| stored.value["allow"].as_array()) else { return false };
        let owner = root.strip_prefix("at://").and_then(|rest| rest.split('/').next());
        let named = self.stored(root).is_some_and(|(_, stored)| stored.value["facets"].to_string().contains(viewer));
        let by_name = allow.iter().any(|rule| rule["$type"] == "app.bsky.feed.threadgate#mentionRule") && named;
        owner != Some(viewer) && !by_name
    }

    fn embed_view(&self, embed: &Value, viewer: &str) -> Option<Value> {
        let kind = embed["$type"].as_str()?;
        match kind {
            "app.bsky.embed.images" => {
                let images: Vec<Value> =
                    embed["images"].as_array()?.iter().map(|image| self.image_view(image)).collect();
                Some(json!({"$type": "app.bsky.embed.images#view", "images": images}))
            }
            "app.bsky.embed.external" => {
                let external = &embed["external"];
                Some(
                    json!({"$type": "app.bsky.embed.external#view", "external": {"uri": external["uri"], "title": external["title"], "description": external["description"]}}),
                )
            }
            "app.bsky.embed.record" => {
                let uri = embed["record"]["uri"].as_str()?;
                let record = match self.stored(uri) {
                    Some(((did, _, _), stored)) => json!({
                        "$type": "app.bsky.embed.record#viewRecord", "uri": uri, "cid": stored.cid, "author": self.profile(did, viewer), "value": stored.value,
                        "labels": [], "indexedAt": Timestamp(sorted(stored)).to_rfc3339(),
                    }),
                    None => json!({"$type": "app.bsky.embed.record#viewNotFound", "uri": uri, "notFound": true}),
                };
                Some(json!({"$type": "app.bsky.embed.record#view", "record": record}))
            }
            _ => None,
        }
    }

    fn image_view(&self, image: &Value) -> Value {
        let at = format!("{}/img/{}", self.url, image["image"]["ref"]["$link"].as_str().unwrap_or_default());
        let mut view = json!({"thumb": at, "fullsize": at, "alt": image["alt"]});
        if image["aspectRatio"].is_object() {
            view["aspectRatio"] = image["aspectRatio"].clone();
        }
        view
    }

    /// A post with what is below it and, when `above` says how far, what is above it.
    pub(super) fn thread_view(&self, uri: &str, depth: usize, above: Option<usize>, viewer: &str) -> Value {
        let Some(post) = self.post_view(uri, viewer) else {
            return match self.stored(uri) {
                Some(((did, _, _), _)) if self.accounts.get(did).is_some_and(|account| account.active) => {
                    let seen = json!({"blockedBy": self.blocks(did, viewer)});
                    json!({"$type": "app.bsky.feed.defs#blockedPost", "uri": uri, "blocked": true, "author": {"did": did, "viewer": seen}})
                }
                _ => json!({"$type": "app.bsky.feed.defs#notFoundPost", "uri": uri, "notFound": true}),
            };
        };
        let parent = post["record"]["reply"]["parent"]["uri"].as_str().map(ToOwned::to_owned);
        let mut view = json!({"$type": "app.bsky.feed.defs#threadViewPost", "post": post});
        if let (Some(parent), Some(above)) = (parent, above.filter(|above| *above > 0)) {
            view["parent"] = self.thread_view(&parent, 0, Some(above - 1), viewer);
        }
        if depth > 0 {
            let mut below: Vec<(String, &Stored)> =
                self.posts_where(|value| value["reply"]["parent"]["uri"] == uri).collect();
            below.sort_by_key(|(_, stored)| (stored.arrived, stored.order));
            let replies: Vec<Value> = below
                .iter()
                .map(|(uri, _)| self.thread_view(uri, depth - 1, None, viewer))
                .filter(|reply| reply["post"].is_object())
                .collect();
            view["replies"] = json!(replies);
        }
        view
    }
}
