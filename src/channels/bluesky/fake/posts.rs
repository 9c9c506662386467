//! Who is told about what, and the lists of posts.

use serde_json::{Value, json};

use super::records::with_cursor;
use super::{Answer, Ask, Net, No, invalid, no, unknown};
use crate::model::Timestamp;

/// How far up a reply is told about.
const LEVELS: usize = 5;

/// Somebody is told about something.
pub struct Note {
    to: String,
    pub uri: String,
    reason: &'static str,
    subject: Option<String>,
    by: String,
    /// The earlier of the author's claim and the arrival.
    sorted: i64,
    order: u64,
}

impl Net {
    pub(super) fn tell(&mut self, by: &str, collection: &str, uri: &str, value: &Value) {
        let claimed = value["createdAt"].as_str().and_then(Timestamp::parse_rfc3339).map_or(i64::MAX, |at| at.0);
        let sorted = claimed.min(self.now());
        let owner = |uri: &str| {
            uri.strip_prefix("at://").and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned()
        };
        // In the order of preference: the first reason for each person counts.
        let mut told: Vec<(String, &'static str, Option<String>)> = Vec::new();
        let subject = value["subject"]["uri"].as_str();
        match (collection, subject) {
            ("app.bsky.feed.like", Some(subject)) => told.push((owner(subject), "like", Some(subject.to_owned()))),
            ("app.bsky.feed.repost", Some(subject)) => told.push((owner(subject), "repost", Some(subject.to_owned()))),
            ("app.bsky.feed.post", _) => {
                for feature in value["facets"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .flat_map(|facet| facet["features"].as_array().into_iter().flatten())
                {
                    if let Some(did) = feature["did"].as_str() {
                        told.push((did.to_owned(), "mention", None));
                    }
                }
                let embed = &value["embed"];
                if let Some(quoted) =
                    embed["record"]["uri"].as_str().or_else(|| embed["record"]["record"]["uri"].as_str())
                {
                    told.push((owner(quoted), "quote", Some(quoted.to_owned())));
                }
                let mut above = value["reply"]["parent"]["uri"].as_str().map(ToOwned::to_owned);
                for _ in 0..LEVELS {
                    let Some(parent) = above else { break };
                    told.push((owner(&parent), "reply", Some(parent.clone())));
                    above = self
                        .stored(&parent)
                        .and_then(|(_, stored)| stored.value["reply"]["parent"]["uri"].as_str().map(ToOwned::to_owned));
                }
            }
            _ => {}
        }
        for (to, reason, subject) in told {
            if to == by
                || self.notes.iter().any(|note| note.to == to && note.uri == uri)
                || !self.accounts.contains_key(&to)
            {
                continue;
            }
            let order = self.next();
            self.notes.push(Note { to, uri: uri.to_owned(), reason, subject, by: by.to_owned(), sorted, order });
        }
    }

    pub(super) fn feed(&mut self, ask: &Ask) -> Answer {
        // The public index answers strangers too; what is personal it does not.
        let caller = match self.caller(ask) {
            Ok(caller) => Some(caller.did),
            Err(no) if ask.bearer().is_some() || ask.nsid.starts_with("app.bsky.notification") => return Err(no),
            Err(_) => None,
        };
        let viewer = caller.unwrap_or_default();
        match ask.nsid.rsplit('.').next().unwrap_or_default() {
            "listNotifications" => self.list_notifications(ask, &viewer),
            "getUnreadCount" => {
                let seen = self.accounts.get(&viewer).map_or(0, |account| account.seen_at);
                let count = self.notes.iter().filter(|note| note.to == viewer && note.sorted > seen).count();
                Ok(json!({"count": count}))
            }
            "updateSeen" => {
                let at = ask.json()?["seenAt"]
                    .as_str()
                    .and_then(Timestamp::parse_rfc3339)
                    .ok_or_else(|| invalid("Input/seenAt must be a valid datetime"))?;
                if let Some(account) = self.accounts.get_mut(&viewer) {
                    account.seen_at = at.0;
                }
                Ok(Value::Null)
            }
            "getPosts" => {
                let uris = ask.all("uris");
                if uris.len() > 25 {
                    return Err(invalid("Error: uris must not have more than 25 elements"));
                }
                let posts: Vec<Value> = uris.iter().filter_map(|uri| self.post_view(uri, &viewer)).collect();
                Ok(json!({"posts": posts}))
            }
            "getPostThread" => {
                let number = |key: &str, default: usize| {
                    ask.get(key).map_or(Ok(default), |text| {
                        text.parse()
                            .ok()
                            .filter(|n| *n <= 1000)
                            .ok_or_else(|| invalid(format!("Error: {key} is not valid")))
                    })
                };
                let uri = ask.need("uri")?;
                let (depth, above) = (number("depth", 6)?, number("parentHeight", 80)?);
                let thread = self.thread_view(uri, depth, Some(above), &viewer);
                if thread["notFound"].as_bool() == Some(true) {
                    return Err(no(400, "NotFound", format!("Post not found: {uri}")));
                }
                Ok(json!({"thread": thread}))
            }
            "getAuthorFeed" => {
                let actor = ask.need("actor")?;
                let did = self
                    .by_name(actor)
                    .map(|account| account.did.clone())
                    .ok_or_else(|| invalid("Profile not found"))?;
                let plain = ask.get("filter") == Some("posts_no_replies");
                self.page(ask, &viewer, "feed", |net, post| post.1 == did && !(plain && net.is_reply(&post.2)))
            }
            "searchPosts" => {
                let words: Vec<String> =
                    ask.need("q")?.to_lowercase().split_whitespace().map(ToOwned::to_owned).collect();
                self.page(ask, &viewer, "posts", |net, post| {
                    let text = net
                        .stored(&post.2)
                        .map(|(_, stored)| stored.value["text"].as_str().unwrap_or_default().to_lowercase())
                        .unwrap_or_default();
                    words.iter().all(|word| text.contains(word.as_str()))
                })
            }
            _ => Err(unknown()),
        }
    }

    fn list_notifications(&self, ask: &Ask, viewer: &str) -> Answer {
        if ask.get("seenAt").is_some() {
            return Err(invalid("The seenAt parameter is unsupported"));
        }
        let limit = ask.limit(50)?;
        let before = match ask.get("cursor") {
            Some(cursor) => Timestamp::parse_rfc3339(cursor).ok_or_else(|| invalid("Malformed cursor"))?.0,
            None => i64::MAX,
        };
        let account = self.accounts.get(viewer).ok_or_else(|| no(400, "InvalidRequest", "Account not found"))?;
        let mut page: Vec<&Note> = self.notes.iter().filter(|note| note.to == viewer && note.sorted < before).collect();
        page.sort_by_key(|note| std::cmp::Reverse((note.sorted, note.order)));
        page.truncate(limit);
        let cursor =
            (page.len() == limit).then(|| page.last().map(|note| Timestamp(note.sorted).to_rfc3339())).flatten();
        // The filter comes after the cut: pages can be short, or empty, while more follow.
        let reasons = ask.all("reasons");
        let list: Vec<Value> = page
            .into_iter()
            .filter(|note| reasons.is_empty() || reasons.contains(&note.reason))
            .filter(|note| !account.muted.contains(&note.by) && !self.blocks(viewer, &note.by) && !self.blocks(&note.by, viewer))
            .filter_map(|note| {
                let (_, stored) = self.stored(&note.uri)?;
                let mut view = json!({
                    "uri": note.uri, "cid": stored.cid, "author": self.profile(&note.by, viewer), "reason": note.reason, "record": stored.value,
                    "isRead": note.sorted <= account.seen_at, "indexedAt": Timestamp(note.sorted).to_rfc3339(), "labels": [],
                });
                if let Some(subject) = &note.subject {
                    view["reasonSubject"] = json!(subject);
                }
                Some(view)
            })
            .collect();
        Ok(with_cursor(json!({"notifications": list, "priority": false}), cursor))
    }

    /// Every post as (sort time, author, address).
    fn all_posts(&self) -> Vec<(i64, String, String)> {
        self.records
            .iter()
            .filter(|((_, collection, _), _)| collection == "app.bsky.feed.post")
            .map(|((did, collection, rkey), stored)| {
                (super::views::sorted(stored), did.clone(), format!("at://{did}/{collection}/{rkey}"))
            })
            .collect()
    }

    fn is_reply(&self, uri: &str) -> bool {
        self.stored(uri).is_some_and(|(_, stored)| stored.value["reply"].is_object())
    }

    fn page(
        &self,
        ask: &Ask,
        viewer: &str,
        key: &str,
        wanted: impl Fn(&Self, &(i64, String, String)) -> bool,
    ) -> Result<Value, No> {
        let limit = ask.limit(50)?;
        let before = ask.get("cursor").and_then(Timestamp::parse_rfc3339).map_or(i64::MAX, |at| at.0);
        let mut all: Vec<_> =
            self.all_posts().into_iter().filter(|post| post.0 < before && wanted(self, post)).collect();
        all.sort_by(|a, b| b.cmp(a));
        all.truncate(limit);
        let cursor = (all.len() == limit).then(|| all.last().map(|post| Timestamp(post.0).to_rfc3339())).flatten();
        let views = all.iter().filter_map(|post| self.post_view(&post.2, viewer));
        let list: Vec<Value> =
            if key == "feed" { views.map(|post| json!({"post": post})).collect() } else { views.collect() };
        Ok(with_cursor(json!({key: list}), cursor))
    }
}
