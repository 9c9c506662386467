//! From the network's posts and chat messages to the desk's.
//!
//! Promises: pure; the same post gives the same message wherever it was seen (notification, thread, feed), because the desk keeps
//! the first it gets; nothing a platform sends makes it panic.
//! Must not: call anybody.

use serde_json::{Value, json};

use super::facets;
use super::wire::{AtUri, ChatMessage, Convo, Facet, PostView, Profile, did_of};
use crate::channels::{Author, File, Message, ThreadRef, above};
use crate::model::{AttachmentKind, Direction, Lane, MessageKind, ThreadKind, Timestamp};

/// Where a post stands, as its thread tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The earliest post of the chain that the brand did not write.
    pub anchor: String,
    pub direction: Direction,
    /// The message it answers, as the desk knows it.
    pub reply_to: Option<String>,
    pub history: bool,
    /// A post of the brand above the anchor: it heads many threads and is shown in each, under an id of its own.
    pub head: bool,
}

/// The public thread named by this post.
#[must_use]
pub fn thread(anchor: &str) -> ThreadRef {
    ThreadRef {
        external_id: anchor.to_owned(),
        lane: Lane::Public,
        kind: ThreadKind::Post,
        title: None,
        url: AtUri::parse(anchor).map(|at| at.permalink()),
    }
}

/// The address of a post behind its id: copies above a thread carry the thread's address behind their own.
#[must_use]
pub fn address(external_id: &str) -> &str {
    external_id.split("~at://").next().unwrap_or_default()
}

/// Whether the post names the brand, so that the platform tells the brand about it.
#[must_use]
pub fn mentions(post: &PostView, brand: &str) -> bool {
    post.record
        .facets
        .iter()
        .flat_map(|facet| &facet.features)
        .any(|feature| feature.kind == "app.bsky.richtext.facet#mention" && feature.did == brand)
}

/// Whether the post quotes the brand.
#[must_use]
pub fn quotes(post: &PostView, brand: &str) -> bool {
    quoted(&post.record.embed).is_some_and(|uri| did_of(uri) == brand)
}

fn quoted(embed: &Value) -> Option<&str> {
    embed["record"]["uri"].as_str().or_else(|| embed["record"]["record"]["uri"].as_str())
}

/// The best claim about when it was written.
#[must_use]
pub fn written(post: &PostView) -> Timestamp {
    Timestamp::parse_rfc3339(&post.record.created_at)
        .or_else(|| Timestamp::parse_rfc3339(&post.indexed_at))
        .unwrap_or_default()
}

/// The time by which the network sorts a post: its author cannot move it past its arrival.
#[must_use]
pub fn sorted(post: &PostView) -> Timestamp {
    match (Timestamp::parse_rfc3339(&post.record.created_at), Timestamp::parse_rfc3339(&post.indexed_at)) {
        (Some(claimed), Some(indexed)) => claimed.min(indexed),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

/// A post as a message.
#[must_use]
pub fn post(post: &PostView, brand: &str, place: &Place) -> Message {
    let kind = if mentions(post, brand) && post.author.did != brand {
        MessageKind::Mention
    } else if quoted(&post.record.embed).is_some() {
        MessageKind::Quote
    } else if post.record.reply.is_some() {
        MessageKind::Reply
    } else {
        MessageKind::Post
    };
    let record = &post.record;
    let labels: Vec<&str> = post
        .labels
        .iter()
        .chain(&post.author.labels)
        .map(|label| label.val.as_str())
        .filter(|val| !val.is_empty() && val.len() < 100)
        .take(10)
        .collect();
    let root = record.reply.as_ref().map(|reply| &reply.root);
    let mut meta = json!({"cid": post.cid});
    if let Some(root) = root {
        meta["root"] = json!(root);
    }
    if !labels.is_empty() {
        meta["labels"] = json!(labels);
    }
    if let Some(quote) = quoted(&record.embed) {
        meta["quote"] = json!(quote);
    }
    let mut files = Vec::new();
    media(&post.embed, &mut files);
    Message {
        external_id: if place.head { above(&post.uri, &place.anchor) } else { post.uri.clone() },
        thread: thread(&place.anchor),
        author: author(&post.author),
        direction: place.direction,
        kind,
        text: with_embed(facets::to_text(&record.text, &record.facets), &record.embed),
        html: html(&record.text, &record.facets, &record.embed),
        language: record.langs.first().filter(|lang| lang.len() <= 35).cloned(),
        content_warning: None,
        visibility: Some("public".to_owned()),
        sent_at: written(post),
        edited_at: None,
        reply_to: place.reply_to.clone(),
        url: AtUri::parse(&post.uri).map(|at| at.permalink()),
        files,
        history: place.history,
        meta,
        ..Message::default()
    }
}

/// Somebody. An account whose handle does not resolve is shown by its DID, as the handle it claims may be a lie.
#[must_use]
pub fn author(profile: &Profile) -> Author {
    let handle =
        if profile.handle.is_empty() || profile.handle == "handle.invalid" { &profile.did } else { &profile.handle };
    let name = profile.display_name.trim();
    Author {
        external_id: profile.did.clone(),
        handle: handle.clone(),
        name: if name.is_empty() { handle.clone() } else { name.chars().take(200).collect() },
        avatar_url: profile.avatar.clone().filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        url: profile.did.starts_with("did:").then(|| format!("https://bsky.app/profile/{}", profile.did)),
        ..Author::default()
    }
}

/// Addresses that the platform shows as a card below the text, and which the text alone would lose.
fn cards(embed: &Value) -> Vec<String> {
    let mut cards = Vec::new();
    for part in [embed, &embed["media"]] {
        if let Some(uri) = part["external"]["uri"].as_str() {
            cards.push(uri.to_owned());
        }
    }
    if let Some(at) = quoted(embed).and_then(AtUri::parse).filter(|at| at.collection == "app.bsky.feed.post") {
        cards.push(at.permalink());
    }
    cards.retain(|uri| uri.len() <= 2_000);
    cards
}

fn with_embed(mut text: String, embed: &Value) -> String {
    for uri in cards(embed) {
        if !text.contains(&uri) {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&uri);
        }
    }
    text
}

fn html(text: &str, facets: &[Facet], embed: &Value) -> Option<String> {
    // With a card below, plain text says it all and says it the same way.
    let html = facets::to_html(text, facets)?;
    cards(embed).iter().all(|uri| facets::to_text(text, facets).contains(uri)).then_some(html)
}

/// Images and the still of a video, from an embed's view (never from the record: that has only hashes).
fn media(embed: &Value, files: &mut Vec<File>) {
    const MOST: usize = 20;
    let web = |value: &Value| {
        value.as_str().filter(|url| url.starts_with("https://") || url.starts_with("http://")).map(ToOwned::to_owned)
    };
    let alt = |value: &Value| {
        value["alt"]
            .as_str()
            .map(str::trim)
            .filter(|alt| !alt.is_empty())
            .map(|alt| alt.chars().take(5_000).collect::<String>())
    };
    for list in [&embed["images"], &embed["items"]] {
        for image in list.as_array().into_iter().flatten().take(MOST) {
            let Some(url) = web(&image["fullsize"]).or_else(|| web(&image["thumb"])) else { continue };
            files.push(File {
                kind: AttachmentKind::Image,
                url,
                mime: None,
                name: None,
                alt: alt(image),
                size: None,
                width: image["aspectRatio"]["width"].as_i64(),
                height: image["aspectRatio"]["height"].as_i64(),
                ..File::default()
            });
        }
    }
    // A video is a playlist of pieces, which is no file; its still shows what it is about and the permalink plays it.
    if embed["playlist"].is_string()
        && let Some(url) = web(&embed["thumbnail"])
    {
        files.push(File {
            kind: AttachmentKind::Image,
            url,
            mime: None,
            name: Some("video".to_owned()),
            alt: alt(embed),
            size: None,
            width: embed["aspectRatio"]["width"].as_i64(),
            height: embed["aspectRatio"]["height"].as_i64(),
            ..File::default()
        });
    }
    if embed["media"].is_object() {
        media(&embed["media"], files);
    }
    files.truncate(MOST);
}

/// The private thread of a conversation: one peer by their DID, several by the conversation. A group is one by its kind and not
/// by how many are in it now: whoever joins it reads what is said there.
#[must_use]
pub fn chat_thread(convo: &Convo, brand: &str) -> ThreadRef {
    let peers: Vec<&Profile> = convo.members.iter().filter(|member| member.did != brand).collect();
    let (external_id, title) = match peers.as_slice() {
        [one] if !convo.is_group() => (format!("dm:{}", one.did), None),
        peers => {
            // The service promises no order, and a title should not change with it.
            let mut names: Vec<String> = peers.iter().map(|peer| author(peer).name).collect();
            names.sort();
            names.truncate(5);
            let called = convo.kind.name.trim();
            let title = if called.is_empty() { names.join(", ") } else { called.chars().take(200).collect() };
            (format!("convo:{}", convo.id), Some(title).filter(|title| !title.is_empty()))
        }
    };
    ThreadRef {
        external_id,
        lane: Lane::Private,
        kind: ThreadKind::Dm,
        title,
        url: Some("https://bsky.app/messages".to_owned()),
    }
}

/// The id of a chat message: message ids are unique within their conversation only.
#[must_use]
pub fn chat_id(convo: &str, message: &str) -> String {
    format!("chat:{convo}/{message}")
}

/// A chat message as a message.
#[must_use]
pub fn chat(message: &ChatMessage, convo: &Convo, brand: &str, history: bool) -> Message {
    let own = message.sender.did == brand;
    let stranger = Profile { did: message.sender.did.clone(), ..Profile::default() };
    let sender = convo.members.iter().find(|member| member.did == message.sender.did).unwrap_or(&stranger);
    Message {
        external_id: chat_id(&convo.id, &message.id),
        thread: chat_thread(convo, brand),
        author: author(sender),
        direction: if own { Direction::Out } else { Direction::In },
        kind: MessageKind::Dm,
        text: with_embed(facets::to_text(&message.text, &message.facets), &message.embed),
        html: html(&message.text, &message.facets, &message.embed),
        language: None,
        content_warning: None,
        visibility: Some("direct".to_owned()),
        sent_at: Timestamp::parse_rfc3339(&message.sent_at).unwrap_or_default(),
        edited_at: None,
        reply_to: message.reply_to["id"].as_str().map(|id| chat_id(&convo.id, id)),
        url: None,
        files: Vec::new(),
        history,
        meta: json!({"convo": convo.id}),
        ..Message::default()
    }
}
