//! A server of feeds to play against: one list of entries as RSS, Atom and JSON Feed, with conditional requests.
//!
//! Promises: shares no code with the connector; a feed parser that others wrote finds nothing wrong with what it serves.
//! Must not: know the desk; be served when nobody asked for it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::channels::fake::{Running, Wire};
use crate::clock::Clock;
use crate::model::Timestamp;

/// One entry as it stands.
#[derive(Clone, Debug)]
pub struct Post {
    pub id: u64,
    pub title: String,
    /// HTML.
    pub body: String,
    pub author: String,
    pub at: Timestamp,
    pub changed: Timestamp,
}

/// The played site. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Site {
    state: Arc<Mutex<World>>,
    clock: Clock,
}

#[derive(Default)]
struct World {
    base: String,
    posts: Vec<Post>,
    next: u64,
    version: u64,
}

impl Site {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { state: Arc::default(), clock }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves it.
    ///
    /// # Errors
    /// What binding the address says.
    pub async fn serve(&self, listen: SocketAddr) -> std::io::Result<Running> {
        let router = Router::new()
            .route("/{file}", get(feed))
            // For stories: somebody writes, changes or takes away an entry.
            .route("/posts", post(write))
            .with_state(self.clone());
        let running = crate::channels::fake::serve(listen, router, Wire::default(), json!({})).await?;
        self.world().base.clone_from(&running.url);
        Ok(running)
    }

    /// Somebody writes; answers the entry's id.
    pub fn write(&self, author: &str, title: &str, body: &str) -> String {
        let (mut world, now) = (self.world(), self.clock.now());
        world.next += 1;
        world.version += 1;
        let (id, author) = (world.next, author.to_owned());
        world
            .posts
            .insert(0, Post { id, title: title.to_owned(), body: body.to_owned(), author, at: now, changed: now });
        tag(id)
    }

    /// Somebody changes what they wrote.
    pub fn change(&self, id: &str, body: &str) -> bool {
        let (mut world, now) = (self.world(), self.clock.now());
        world.version += 1;
        let found = world.posts.iter_mut().find(|post| tag(post.id) == id);
        found.is_some_and(|post| {
            body.clone_into(&mut post.body);
            post.changed = now;
            true
        })
    }
}

/// A served site with two entries, for the channel's descriptor.
#[must_use]
pub fn boxed(listen: SocketAddr, clock: Clock) -> BoxFuture<'static, std::io::Result<Running>> {
    Box::pin(async move {
        let site = Site::new(clock);
        site.write("Redactie", "Storing bij Merk & Co", "<p>Klanten <b>wachten</b> al een uur.</p>");
        site.write(
            "Buurman",
            "Merk: \"nooit meer\" <of toch?>",
            "<p>Een &amp; ander over <a href=\"https://merk.example/\">Merk</a> 👍</p>",
        );
        site.serve(listen).await
    })
}

fn tag(id: u64) -> String {
    format!("tag:blog.example,2026:{id}")
}

async fn write(State(site): State<Site>, axum::Json(post): axum::Json<Value>) -> axum::Json<Value> {
    let text = |key: &str| post[key].as_str().unwrap_or_default();
    let id = if let Some(id) = post["id"].as_str() {
        site.change(id, text("body"));
        id.to_owned()
    } else {
        site.write(text("author"), text("title"), text("body"))
    };
    axum::Json(json!({ "id": id }))
}

async fn feed(State(site): State<Site>, Path(file): Path<String>, asked: HeaderMap) -> Response {
    let world = site.world();
    let newest = world.posts.iter().map(|post| post.changed).max().unwrap_or(Timestamp(0));
    let etag = format!("\"{}-{file}\"", world.version);
    let (mime, body) = match file.as_str() {
        "atom.xml" => ("application/atom+xml; charset=utf-8", atom(&world, newest)),
        "rss.xml" => ("application/rss+xml; charset=utf-8", rss(&world)),
        "feed.json" => ("application/feed+json", json_feed(&world)),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let seconds = u64::try_from(newest.0 / 1000).unwrap_or(0);
    let modified = httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
    let is = |name, value: &str| asked.get(name).and_then(|given| given.to_str().ok()) == Some(value);
    let headers = [(header::ETAG, etag.clone()), (header::LAST_MODIFIED, modified.clone())];
    if is(header::IF_NONE_MATCH, &etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, mime)], body).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn atom(world: &World, newest: Timestamp) -> String {
    let base = &world.base;
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"nl\"><title>Het Blog</title>\
         <id>tag:blog.example,2026:feed</id><updated>{}</updated><link href=\"{base}/\"/><link rel=\"self\" href=\"{base}/atom.xml\"/>",
        newest.to_rfc3339()
    );
    for post in &world.posts {
        let _ = write!(
            out,
            "<entry><id>{}</id><title>{}</title><link href=\"{base}/artikel/{}\"/><author><name>{}</name></author>\
             <published>{}</published><updated>{}</updated><content type=\"html\">{}</content></entry>",
            tag(post.id),
            escape(&post.title),
            post.id,
            escape(&post.author),
            post.at.to_rfc3339(),
            post.changed.to_rfc3339(),
            escape(&post.body)
        );
    }
    out + "</feed>"
}

fn rss(world: &World) -> String {
    let base = &world.base;
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel>\
         <title>Het Blog</title><link>{base}/</link><description>Over winkels en merken</description><language>nl</language>"
    );
    for post in &world.posts {
        let _ = write!(
            out,
            "<item><guid isPermaLink=\"false\">{}</guid><title>{}</title><link>{base}/artikel/{}</link><dc:creator>{}</dc:creator>\
             <pubDate>{}</pubDate><description>{}</description></item>",
            tag(post.id),
            escape(&post.title),
            post.id,
            escape(&post.author),
            rfc_822(post.at),
            escape(&post.body)
        );
    }
    out + "</channel></rss>"
}

fn rfc_822(at: Timestamp) -> String {
    let seconds = u64::try_from(at.0 / 1000).unwrap_or(0);
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

fn json_feed(world: &World) -> String {
    let base = &world.base;
    let items: Vec<Value> = world
        .posts
        .iter()
        .map(|post| {
            json!({
                "id": tag(post.id), "url": format!("{base}/artikel/{}", post.id), "title": post.title,
                "content_html": post.body, "authors": [{"name": post.author}],
                "date_published": post.at.to_rfc3339(), "date_modified": post.changed.to_rfc3339(),
            })
        })
        .collect();
    json!({
        "version": "https://jsonfeed.org/version/1.1", "title": "Het Blog", "language": "nl",
        "home_page_url": format!("{base}/"), "feed_url": format!("{base}/feed.json"), "items": items,
    })
    .to_string()
}
