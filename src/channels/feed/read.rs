//! From a feed in any of its formats to entries, and from an entry to a message. Pure.
//!
//! Promises: no input makes it panic or loop; what an entry says in HTML is sanitised; an entry has the same key however
//! often it is read.

use std::time::Duration;

use feed_rs::model;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::channels::signature::hex;
use crate::channels::{Author, File, Message, ThreadRef, html};
use crate::model::{AttachmentKind, Direction, Lane, MessageKind, ThreadKind, Timestamp};

/// Deeper than any feed: beyond it somebody wants our stack.
const DEEPEST: usize = 200;
/// More entries than any feed has; the rest is left out, newest being first by custom.
const MOST: usize = 2_000;
/// Longer than any article; the whole stands behind the link.
const LONGEST: usize = 100_000;

/// A feed, as far as it concerns us.
#[derive(Debug, Default)]
pub struct Read {
    pub title: String,
    /// The site it belongs to.
    pub home: Option<String>,
    /// How long it calls itself fresh.
    pub ttl: Duration,
    pub entries: Vec<Entry>,
}

/// One entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its guid or id, else its link, else what it says.
    pub key: String,
    pub title: String,
    pub text: String,
    pub link: Option<String>,
    pub author: String,
    pub author_url: Option<String>,
    pub published: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    pub language: Option<String>,
    /// Address, type, size.
    pub files: Vec<(String, Option<String>, Option<i64>)>,
}

/// Reads a feed that came from `url`.
///
/// # Errors
/// Why it is none.
pub fn feed(body: &[u8], url: &url::Url) -> Result<Read, String> {
    if depth(body) > DEEPEST {
        return Err("it is nested deeper than any feed".to_owned());
    }
    // Ours is made below: the parser's own falls back on chance.
    let parser = feed_rs::parser::Builder::new()
        .base_uri(Some(url.as_str()))
        .id_generator(|_, _, _| String::new())
        .sanitize_content(false)
        .build();
    let feed = parser.parse(body).map_err(|error| error.to_string().chars().take(200).collect::<String>())?;
    let language = feed.language.clone();
    let owner = feed.authors.first().and_then(|person| person.name.clone()).unwrap_or_default();
    let home = feed.links.iter().find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
    Ok(Read {
        title: feed.title.map(|title| words(&title)).unwrap_or_default(),
        home: home.map(|link| link.href.clone()).filter(|link| is_web(link)),
        ttl: Duration::from_secs(u64::from(feed.ttl.unwrap_or(0)) * 60),
        entries: feed.entries.into_iter().take(MOST).map(|one| entry(one, &owner, language.as_deref())).collect(),
    })
}

/// Reads an entry that was held back.
///
/// # Errors
/// When it is none.
pub fn again(payload: &str) -> Result<Entry, String> {
    serde_json::from_str(payload).map_err(|error| error.to_string())
}

/// How deep the marks are nested, roughly: what never closes counts as open.
fn depth(body: &[u8]) -> usize {
    let json = body.iter().find(|byte| **byte == b'<' || **byte == b'{') == Some(&b'{');
    let (mut deep, mut deepest, mut at) = (0_usize, 0_usize, 0_usize);
    while at < body.len() {
        match body[at] {
            b'<' if !json => match body.get(at + 1) {
                Some(b'/') => deep = deep.saturating_sub(1),
                Some(b'!' | b'?') => {
                    // A comment or CDATA holds text that nests nothing.
                    let rest = &body[at..];
                    let (open, close): (&[u8], &[u8]) = if rest.starts_with(b"<![CDATA[") {
                        (b"<![CDATA[", b"]]>")
                    } else if rest.starts_with(b"<!--") {
                        (b"<!--", b"-->")
                    } else {
                        (b"<", b">")
                    };
                    let skip =
                        find(&rest[open.len()..], close).map_or(rest.len(), |found| open.len() + found + close.len());
                    at += skip;
                    continue;
                }
                Some(_) => {
                    let end = find(&body[at..], b">").map_or(body.len(), |found| at + found);
                    if body.get(end.wrapping_sub(1)) != Some(&b'/') {
                        deep += 1;
                        deepest = deepest.max(deep);
                    }
                    at = end;
                }
                None => {}
            },
            b'{' | b'[' if json => {
                deep += 1;
                deepest = deepest.max(deep);
            }
            b'}' | b']' if json => deep = deep.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn entry(entry: model::Entry, owner: &str, language: Option<&str>) -> Entry {
    let link = entry
        .links
        .iter()
        .find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"))
        .or_else(|| entry.links.iter().find(|link| link.rel.as_deref() != Some("enclosure")))
        .map(|link| link.href.clone())
        .filter(|link| is_web(link));
    let title = entry.title.map(|title| words(&title)).unwrap_or_default();
    let text = body(entry.content, entry.summary);
    let person = entry.authors.first();
    let author = person
        .and_then(|person| person.name.as_deref())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    let author = author.or_else(|| person.and_then(|person| person.email.clone())).unwrap_or_else(|| owner.to_owned());
    let published = entry.published.or(entry.updated).map(|at| Timestamp(at.timestamp_millis()));
    let key = [Some(entry.id), link.clone()].into_iter().flatten().find(|key| !key.trim().is_empty());
    let key = key.unwrap_or_else(|| digest(&[&title, &published.map(|at| at.0.to_string()).unwrap_or_default()]));
    let enclosed = entry.links.iter().filter(|link| link.rel.as_deref() == Some("enclosure"));
    let enclosed = enclosed.map(|link| (link.href.clone(), link.media_type.clone(), link.length));
    let media = entry.media.iter().flat_map(|media| &media.content).filter_map(|content| {
        let mime = content.content_type.as_ref().map(ToString::to_string);
        Some((content.url.as_ref()?.to_string(), mime, content.size))
    });
    let mut files: Vec<(String, Option<String>, Option<i64>)> = Vec::new();
    for (url, mime, size) in enclosed.chain(media) {
        if is_web(&url) && files.len() < 8 && !files.iter().any(|(known, _, _)| *known == url) {
            files.push((url, mime, size.and_then(|size| i64::try_from(size).ok())));
        }
    }
    Entry {
        // As long as an id may be; a longer one is named by its fingerprint.
        key: if key.len() <= 500 { key } else { digest(&[&key]) },
        title,
        text,
        link,
        author,
        author_url: person.and_then(|person| person.uri.clone()).filter(|uri| is_web(uri)),
        published,
        updated: entry.updated.map(|at| Timestamp(at.timestamp_millis())),
        language: entry.language.or_else(|| language.map(str::to_owned)),
        files,
    }
}

/// What it says, without mark-up.
fn body(content: Option<model::Content>, summary: Option<model::Text>) -> String {
    let content = content.and_then(|content| {
        let mime = content.content_type.to_string();
        let body = content.body.filter(|body| !body.trim().is_empty())?;
        (mime.starts_with("text/") || mime.ends_with("xhtml+xml")).then_some((body, mime != "text/plain"))
    });
    let summary = || summary.map(|text| (text.content.clone(), text.content_type.to_string() != "text/plain"));
    let Some((body, marked)) = content.or_else(summary) else { return String::new() };
    let body = short(&body);
    // RSS says nowhere whether a description is HTML; what looks like it is.
    if marked || (body.contains('<') && body.contains('>')) { html::to_text(body) } else { body.trim().to_owned() }
}

fn short(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A title without mark-up, on one line.
fn words(text: &model::Text) -> String {
    let plain = html::to_text(short(&text.content));
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..16])
}

impl Entry {
    /// Changes when what it says changes; dates and links alone are no edit.
    pub fn fingerprint(&self) -> String {
        digest(&[&self.title, &self.text])
    }

    /// A name for one of several under the same: it stays when the text is changed.
    pub fn own_key(&self) -> String {
        // Without a moment only its words tell it from another with the same title.
        let text = if self.published.is_none() { self.text.as_str() } else { "" };
        digest(&[&self.key, &self.title, &self.moment(), text])
    }

    /// As `own_key`, where title and moment are the same too.
    pub fn whole_key(&self) -> String {
        digest(&[&self.key, &self.title, &self.moment(), &self.text])
    }

    fn moment(&self) -> String {
        self.published.map(|at| at.0.to_string()).unwrap_or_default()
    }

    /// When it was written, as far as it says.
    pub fn at(&self, now: Timestamp) -> Timestamp {
        self.published.unwrap_or(now)
    }

    /// As it is held back.
    pub fn raw(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A message of its own in a thread of its own.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn message(&self, feed: &str, history: bool, now: Timestamp) -> Result<Message, String> {
        if self.title.is_empty() && self.text.is_empty() {
            return Err("the entry has neither a title nor a text".to_owned());
        }
        let name = if self.author.is_empty() { feed } else { &self.author };
        let host = self.link.as_deref().and_then(|link| link.parse::<url::Url>().ok());
        let host = host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let text = match (self.title.as_str(), self.text.as_str()) {
            (title, "") => title.to_owned(),
            ("", text) => text.to_owned(),
            // Short posts repeat themselves as their title.
            (title, text)
                if text
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .starts_with(title.trim_end_matches(['…', '.'])) =>
            {
                text.to_owned()
            }
            (title, text) => format!("{title}\n\n{text}"),
        };
        let kind = |mime: Option<&str>| match mime.and_then(|mime| mime.split('/').next()) {
            Some("image") => AttachmentKind::Image,
            Some("video") => AttachmentKind::Video,
            Some("audio") => AttachmentKind::Audio,
            _ => AttachmentKind::File,
        };
        // Sound and film are linked to, not fetched: a podcast is no attachment.
        let files = self.files.iter().filter(|(_, mime, _)| kind(mime.as_deref()) == AttachmentKind::Image);
        Ok(Message {
            external_id: self.key.clone(),
            thread: ThreadRef {
                external_id: self.key.clone(),
                lane: Lane::Public,
                kind: ThreadKind::Feed,
                title: Some(self.title.clone()).filter(|title| !title.is_empty()),
                url: self.link.clone(),
            },
            author: Author {
                // A name says who only together with where.
                external_id: format!("{host}:{}", name.to_lowercase()),
                handle: if host.is_empty() { name.to_owned() } else { host },
                name: name.to_owned(),
                url: self.author_url.clone(),
                ..Author::default()
            },
            direction: Direction::In,
            kind: MessageKind::Item,
            text,
            language: self.language.clone(),
            sent_at: self.at(now),
            url: self.link.clone(),
            files: files
                .map(|(url, mime, size)| File {
                    kind: kind(mime.as_deref()),
                    url: url.clone(),
                    mime: mime.clone(),
                    size: *size,
                    ..File::default()
                })
                .collect(),
            history,
            ..Message::default()
        })
    }
}
