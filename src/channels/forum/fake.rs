//! A Discourse forum to play against, on loopback.
//!
//! Promises: shares no code with the connector; shapes from the published OpenAPI of 2026-08; remembers in a file it is given.
//! Must not: know the desk; be served when nobody asked for it.

mod lists;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channels::fake::memory::Memory;
use crate::channels::fake::{Running, Wire};
use crate::clock::Clock;
use crate::model::Timestamp;

/// The brand's key.
pub const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Post {
    id: u64,
    topic: u64,
    number: u64,
    by: String,
    raw: String,
    at: Timestamp,
    changed: Timestamp,
    version: u64,
    to: Option<u64>,
    deleted: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Topic {
    id: u64,
    title: String,
    private: Option<[String; 2]>,
    accepted: Option<(u64, String)>,
}

#[derive(Default, Deserialize, Serialize)]
struct World {
    topics: Vec<Topic>,
    posts: Vec<Post>,
    /// Id, for whom, type, post id, number of the first post it stands for, when.
    notices: Vec<(u64, String, u64, u64, u64, Timestamp)>,
    next: u64,
    moderated: bool,
}

/// The played forum. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Board {
    memory: Arc<Memory<World>>,
    clock: Clock,
}

/// Something to write.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub by: &'a str,
    pub raw: &'a str,
    /// The post that is answered.
    pub to: Option<&'a str>,
    /// A message between this one and another.
    pub private: Option<&'a str>,
}

impl Board {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { memory: Arc::default(), clock }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.memory.world()
    }

    /// Serves it.
    ///
    /// # Errors
    /// What binding the address says.
    pub async fn serve(&self, listen: SocketAddr) -> std::io::Result<Running> {
        let router = self.memory.kept(Router::new().fallback(handle).with_state(self.clone()));
        let accounts = json!({ "brand": { "username": "brand", "key": KEY } });
        crate::channels::fake::serve(listen, router, Wire::default(), accounts).await
    }

    /// Writes a post, in a topic of its own unless it answers one.
    pub fn post(&self, new: New<'_>) -> String {
        let mut world = self.world();
        let parent = new.to.and_then(|id| world.find(id));
        let topic = parent.as_ref().map(|parent| parent.topic).or_else(|| {
            let pair = new.private.map(|other| [new.by.to_owned(), other.to_owned()])?;
            let of = |topic: &&Topic| {
                topic.private.as_ref().is_some_and(|known| known.contains(&pair[0]) && known.contains(&pair[1]))
            };
            world.topics.iter().find(of).map(|topic| topic.id)
        });
        let topic = topic.unwrap_or_else(|| {
            let id = world.fresh();
            let private = new.private.map(|other| [new.by.to_owned(), other.to_owned()]);
            let title = new.raw.chars().take(40).collect();
            world.topics.push(Topic { id, title, private, accepted: None });
            id
        });
        world.write(new.by, new.raw, topic, parent.map(|parent| parent.number), self.clock.now()).id.to_string()
    }

    /// Changes a post.
    pub fn edit(&self, id: &str, raw: &str) {
        let now = self.clock.now();
        self.world().change(id, |post| {
            raw.clone_into(&mut post.raw);
            post.version += 1;
            post.changed = now;
        });
    }

    /// Removes a post.
    pub fn delete(&self, id: &str) {
        self.world().change(id, |post| post.deleted = true);
    }

    /// Marks a post as the answer of its topic.
    pub fn accept(&self, id: &str) {
        let mut world = self.world();
        if let Some(post) = world.find(id)
            && let Some(topic) = world.topics.iter_mut().find(|topic| topic.id == post.topic)
        {
            topic.accepted = Some((post.number, post.by));
        }
    }

    /// Many like a post, and the brand is told of each.
    pub fn like(&self, id: &str, times: usize) {
        let (mut world, now) = (self.world(), self.clock.now());
        let Some(post) = world.find(id) else { return };
        for _ in 0..times {
            let notice = world.fresh();
            world.notices.push((notice, "brand".to_owned(), 5, post.id, post.number, now));
        }
    }

    /// Holds what the brand posts for moderators, from now on.
    pub fn moderate(&self) {
        self.world().moderated = true;
    }

    /// What somebody wrote and is still there: id, text, the answered post's id, whether in private.
    #[must_use]
    pub fn by(&self, name: &str) -> Vec<(String, String, Option<String>, bool)> {
        let world = self.world();
        let posts = world.posts.iter().filter(|post| post.by == name && !post.deleted);
        posts
            .map(|post| {
                let to = post.to.and_then(|number| world.at(post.topic, number)).map(|parent| parent.id.to_string());
                let private = world.topic(post.topic).is_some_and(|topic| topic.private.is_some());
                (post.id.to_string(), post.raw.clone(), to, private)
            })
            .collect()
    }

    /// A post as a webhook tells it.
    #[must_use]
    pub fn told(&self, id: &str) -> Value {
        let world = self.world();
        world.find(id).map_or(Value::Null, |post| json!({ "post": world.show(&post) }))
    }
}

impl World {
    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn find(&self, id: &str) -> Option<Post> {
        self.posts.iter().find(|post| post.id.to_string() == id).cloned()
    }

    fn at(&self, topic: u64, number: u64) -> Option<&Post> {
        self.posts.iter().find(|post| post.topic == topic && post.number == number)
    }

    fn topic(&self, id: u64) -> Option<&Topic> {
        self.topics.iter().find(|topic| topic.id == id)
    }

    fn change(&mut self, id: &str, how: impl FnOnce(&mut Post)) {
        if let Some(post) = self.posts.iter_mut().find(|post| post.id.to_string() == id) {
            how(post);
        }
    }

    fn write(&mut self, by: &str, raw: &str, topic: u64, to: Option<u64>, now: Timestamp) -> Post {
        let id = self.fresh();
        let number =
            self.posts.iter().filter(|post| post.topic == topic).map(|post| post.number).max().unwrap_or(0) + 1;
        let post = Post {
            id,
            topic,
            number,
            by: by.to_owned(),
            raw: raw.to_owned(),
            at: now,
            changed: now,
            version: 1,
            to,
            deleted: false,
        };
        self.posts.push(post.clone());
        self.notify(&post);
        post
    }

    fn show(&self, post: &Post) -> Value {
        let topic = self.topic(post.topic);
        let accepted = topic.and_then(|topic| topic.accepted.as_ref());
        let cooked: Vec<String> = post
            .raw
            .split("\n\n")
            .map(|part| {
                let part = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let named = ["brand", "klant", "buur"].iter().fold(part, |text, who| {
                    text.replace(&format!("@{who}"), &format!("<a class=\"mention\" href=\"/u/{who}\">@{who}</a>"))
                });
                format!("<p>{named}</p>")
            })
            .collect();
        json!({
            "id": post.id, "name": if post.by == "klant" { "K. Lant" } else { "" }, "username": post.by,
            "avatar_template": format!("/user_avatar/{}/{{size}}/1.png", post.by), "created_at": post.at.to_rfc3339(),
            "updated_at": post.changed.to_rfc3339(), "cooked": cooked.join("\n"), "raw": post.raw, "post_number": post.number,
            "post_type": 1, "reply_to_post_number": post.to, "topic_id": post.topic, "topic_slug": "onderwerp", "version": post.version,
            "deleted_at": post.deleted.then(|| post.changed.to_rfc3339()), "user_deleted": post.deleted,
            "accepted_answer": accepted.is_some_and(|(number, _)| *number == post.number),
            "topic_accepted_answer": accepted.is_some(),
        })
    }
}

fn refuse(status: u16, kind: &str, error: &str) -> (u16, Value) {
    (status, json!({"errors": [error], "error_type": kind}))
}

async fn handle(State(board): State<Board>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let number = |name: &str, default: usize| {
        query.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok()).unwrap_or(default)
    };
    let now = board.clock.now();
    let mut world = board.world();
    let path = uri.path().trim_matches('/').trim_end_matches(".json").to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    // For stories: somebody writes, changes or takes away a post.
    if parts == ["_play"] {
        drop(world);
        return play(&board, &serde_json::from_slice(&body).unwrap_or_default()).into_response();
    }
    let (status, answer) = if header("api-key") != KEY || header("api-username") != "brand" {
        let why = "You are not permitted to view the requested resource. The API username or key is invalid.";
        refuse(403, "invalid_access", why)
    } else {
        match (method.as_str(), parts.as_slice()) {
            ("GET", ["notifications"]) => (200, world.notifications(number("offset", 0), number("limit", 60))),
            ("GET", ["user_actions"]) => {
                let filter = query.iter().find(|(key, _)| key == "filter").map_or("", |(_, value)| value.as_str());
                (200, world.activity(filter, number("offset", 0)))
            }
            ("GET", ["t", id, "posts"]) => match id.parse().ok().filter(|id| world.topic(*id).is_some()) {
                Some(topic) => (200, world.stretch(topic, number("post_number", 0))),
                None => refuse(404, "not_found", "The requested URL or resource could not be found."),
            },
            ("GET", ["u", name]) => (200, json!({"user": {"id": 1, "username": name, "name": "Het Merk"}})),
            ("GET", ["t", id]) => match id.parse().ok().and_then(|id| world.topic(id)) {
                Some(topic) => {
                    let accepted =
                        topic.accepted.as_ref().map(|(number, by)| json!({"post_number": number, "username": by}));
                    let kind = if topic.private.is_some() { "private_message" } else { "regular" };
                    (
                        200,
                        json!({"id": topic.id, "title": topic.title, "slug": "onderwerp", "archetype": kind, "accepted_answer": accepted}),
                    )
                }
                None => refuse(404, "not_found", "The requested URL or resource could not be found."),
            },
            ("GET", ["posts", "by_number", topic, at]) => {
                let found = topic.parse().ok().zip(at.parse().ok()).and_then(|(topic, at)| world.at(topic, at));
                match found.filter(|post| !post.deleted) {
                    Some(post) => (200, world.show(post)),
                    None => refuse(404, "not_found", "The requested URL or resource could not be found."),
                }
            }
            ("GET", ["posts", id]) => match world.find(id).filter(|post| !post.deleted) {
                Some(post) => (200, world.show(&post)),
                None => refuse(404, "not_found", "The requested URL or resource could not be found."),
            },
            ("POST", ["posts"]) => create(&mut world, &serde_json::from_slice(&body).unwrap_or_default(), now),
            _ => refuse(404, "not_found", "The requested URL or resource could not be found."),
        }
    };
    drop(world);
    (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), axum::Json(answer)).into_response()
}

fn create(world: &mut World, body: &Value, now: Timestamp) -> (u16, Value) {
    let raw = body["raw"].as_str().unwrap_or_default();
    let refused = |why: &str| (422, json!({"action": "create_post", "errors": [why]}));
    let Some(topic) = body["topic_id"].as_u64().filter(|id| world.topic(*id).is_some()) else {
        return refuse(404, "not_found", "The requested URL or resource could not be found.");
    };
    if raw.trim().is_empty() || raw.chars().count() > 32_000 {
        return refused("Body is limited to 32000 characters.");
    }
    let to = body["reply_to_post_number"].as_u64();
    if to.is_some_and(|number| world.at(topic, number).is_none_or(|post| post.deleted)) {
        return refuse(404, "not_found", "The requested URL or resource could not be found.");
    }
    if world.moderated {
        let id = world.fresh();
        return (200, json!({"action": "enqueued", "success": true, "pending_count": 1, "pending_post": {"id": id}}));
    }
    let post = world.write("brand", raw, topic, to, now);
    (200, world.show(&post))
}

fn play(board: &Board, what: &Value) -> axum::Json<Value> {
    let text = |key: &str| what[key].as_str();
    match text("do") {
        Some("edit") => board.edit(text("id").unwrap_or_default(), text("raw").unwrap_or_default()),
        Some("delete") => board.delete(text("id").unwrap_or_default()),
        Some("accept") => board.accept(text("id").unwrap_or_default()),
        Some("post") => {
            let new = New {
                by: text("by").unwrap_or("klant"),
                raw: text("raw").unwrap_or_default(),
                to: text("to"),
                private: text("private"),
            };
            return axum::Json(json!({ "id": board.post(new) }));
        }
        _ => {
            let said: Vec<Value> = board
                .by("brand")
                .into_iter()
                .map(|(id, text, to, private)| json!({"id": id, "text": text, "to": to, "private": private}))
                .collect();
            return axum::Json(json!({ "said": said }));
        }
    }
    axum::Json(json!({}))
}

/// A served forum, on what the file holds of an earlier run.
pub fn boxed(listen: SocketAddr, clock: Clock, keep: Option<PathBuf>) -> BoxFuture<'static, std::io::Result<Running>> {
    Box::pin(async move { Board { memory: Arc::new(Memory::open(keep, World::default)?), clock }.serve(listen).await })
}
