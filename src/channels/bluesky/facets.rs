//! Rich text: which bytes of a text are a mention, a link or a tag, outward and inward.
//!
//! Promises: every offset is a UTF-8 byte offset on a character boundary; facets never overlap; a facet from outside that does
//! not fit its text is ignored, whatever it claims; no input makes it panic.
//! Follows the rules of the official client (`detectFacets` in @atproto/api, read 2026-11-22), without its list of top-level
//! domains: a bare `merk.nl` is linked only under the endings in `BARE_ENDINGS`, because `klaar.dus` is a typing slip.
//! Must not: resolve handles; the caller does, and drops those that lead nowhere.

use std::ops::Range;

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::wire::Facet;
use crate::channels::html;

const BARE_ENDINGS: &[&str] =
    &["nl", "be", "de", "fr", "eu", "uk", "com", "org", "net", "info", "io", "app", "dev", "shop", "social", "example"];

/// A stretch of text that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Bytes of the text.
    pub at: Range<usize>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A handle, without `@`, in lower case.
    Mention(String),
    Link(String),
    /// Without `#`.
    Tag(String),
}

/// Everything in the text that a reader expects to be live, in order.
#[must_use]
pub fn detect(text: &str) -> Vec<Found> {
    words(text).filter_map(|at| word(text, at)).collect()
}

/// The facets of a post as the record carries them; `did` gives the identity behind a handle, or `None` to leave it plain.
pub fn build(text: &str, did: impl Fn(&str) -> Option<String>) -> Vec<Value> {
    detect(text)
        .into_iter()
        .filter_map(|found| {
            let feature = match found.what {
                What::Mention(handle) => json!({"$type": "app.bsky.richtext.facet#mention", "did": did(&handle)?}),
                What::Link(uri) => json!({"$type": "app.bsky.richtext.facet#link", "uri": uri}),
                What::Tag(tag) => json!({"$type": "app.bsky.richtext.facet#tag", "tag": tag}),
            };
            Some(json!({"index": {"byteStart": found.at.start, "byteEnd": found.at.end}, "features": [feature]}))
        })
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_whitespace().map(move |word| {
        // Both come from the same string, so the distance is the offset.
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        start..start + word.len()
    })
}

fn word(text: &str, at: Range<usize>) -> Option<Found> {
    let whole = &text[at.clone()];
    let inner = whole.strip_prefix('(').unwrap_or(whole);
    let start = at.start + (whole.len() - inner.len());
    let found = |len: usize, what| Some(Found { at: start..start + len, what });
    if let Some(rest) = inner.strip_prefix('@') {
        let handle = handle(rest)?;
        return found(1 + handle.len(), What::Mention(handle.to_ascii_lowercase()));
    }
    if let Some(rest) = inner.strip_prefix(['#', '＃']) {
        if whole.len() != inner.len() {
            return None;
        }
        let tag = tag(rest)?;
        return found(inner.len() - rest.len() + tag.len(), What::Tag(tag.to_owned()));
    }
    let link = trim_link(inner);
    let lower = link.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return if host.is_empty() || url::Url::parse(link).is_err() {
            None
        } else {
            found(link.len(), What::Link(link.to_owned()))
        };
    }
    let host = lower.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let ending = host.rsplit_once('.').map(|(_, ending)| ending)?;
    let address = format!("https://{link}");
    if domain(host)
        && host.starts_with(|c: char| c.is_ascii_alphabetic())
        && BARE_ENDINGS.contains(&ending)
        && url::Url::parse(&address).is_ok()
    {
        return found(link.len(), What::Link(address));
    }
    None
}

fn handle(rest: &str) -> Option<&str> {
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).unwrap_or(rest.len());
    let handle = rest[..end].trim_end_matches(['.', '-']);
    (domain(handle) && handle.len() <= 253).then_some(handle)
}

fn domain(name: &str) -> bool {
    let mut labels = 0;
    for label in name.split('.') {
        labels += 1;
        let fine = !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !fine {
            return false;
        }
    }
    labels >= 2 && name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn tag(rest: &str) -> Option<&str> {
    const BREAKS: &[char] = &['\u{ad}', '\u{2060}', '\u{200a}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{20e2}'];
    // A keycap emoji begins with '#' too.
    if rest.starts_with('\u{fe0f}') {
        return None;
    }
    let end = rest.find(BREAKS).unwrap_or(rest.len());
    let tag = rest[..end].trim_end_matches(punctuation);
    let wordy = tag.chars().any(|c| !c.is_numeric() && !punctuation(c));
    (wordy && tag.len() <= 640 && tag.graphemes(true).count() <= 64).then_some(tag)
}

fn punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(
            c,
            '…' | '‘'
                | '’'
                | '“'
                | '”'
                | '„'
                | '«'
                | '»'
                | '–'
                | '—'
                | '¡'
                | '¿'
                | '·'
                | '、'
                | '。'
                | '！'
                | '？'
                | '，'
                | '：'
                | '；'
        )
}

fn trim_link(link: &str) -> &str {
    let mut link = link;
    loop {
        let before = link.len();
        link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', '"', '\'', '”', '’', '…']);
        if link.ends_with(')') && !link.contains('(') {
            link = &link[..link.len() - 1];
        }
        if link.len() == before {
            return link;
        }
    }
}

/// A text from outside, cut at its facets.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Plain(&'a str),
    Link { shown: &'a str, uri: &'a str },
    Mention { shown: &'a str, did: &'a str },
    Tag { shown: &'a str, tag: &'a str },
}

fn pieces<'a>(text: &'a str, facets: &'a [Facet]) -> Vec<Piece<'a>> {
    let mut sorted: Vec<&Facet> = facets.iter().collect();
    sorted.sort_by_key(|facet| facet.index.byte_start);
    let mut out = Vec::new();
    let mut done = 0;
    for facet in sorted {
        let (Ok(start), Ok(end)) = (usize::try_from(facet.index.byte_start), usize::try_from(facet.index.byte_end))
        else {
            continue;
        };
        // `get` is `None` off the text or inside a character: both happen with clients that count in other units.
        if start < done || start >= end {
            continue;
        }
        let (Some(shown), Some(before)) = (text.get(start..end), text.get(done..start)) else { continue };
        let piece = facet.features.iter().find_map(|feature| match feature.kind.as_str() {
            "app.bsky.richtext.facet#link" if !feature.uri.is_empty() => Some(Piece::Link { shown, uri: &feature.uri }),
            "app.bsky.richtext.facet#mention" if !feature.did.is_empty() => {
                Some(Piece::Mention { shown, did: &feature.did })
            }
            "app.bsky.richtext.facet#tag" => Some(Piece::Tag { shown, tag: &feature.tag }),
            _ => None,
        });
        if let Some(piece) = piece {
            if !before.is_empty() {
                out.push(Piece::Plain(before));
            }
            out.push(piece);
            done = end;
        }
    }
    if done < text.len() {
        out.push(Piece::Plain(&text[done..]));
    }
    out
}

/// Plain text in which every link stands whole: clients shorten what they show, and a text may claim one address and carry another.
#[must_use]
pub fn to_text(text: &str, facets: &[Facet]) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text, facets) {
        match piece {
            Piece::Plain(plain) => out.push_str(plain),
            Piece::Mention { shown, .. } | Piece::Tag { shown, .. } => out.push_str(shown),
            Piece::Link { shown, uri } if abbreviates(shown, uri) => out.push_str(uri),
            Piece::Link { shown, uri } => {
                out.push_str(shown);
                out.push_str(" (");
                out.push_str(uri);
                out.push(')');
            }
        }
    }
    out
}

/// The same as HTML that may be shown; `None` when there is nothing that plain text does not say.
#[must_use]
pub fn to_html(text: &str, facets: &[Facet]) -> Option<String> {
    let pieces = pieces(text, facets);
    if !pieces.iter().any(|piece| !matches!(piece, Piece::Plain(_))) {
        return None;
    }
    let mut out = String::from("<p>");
    let link = |out: &mut String, href: &str, shown: &str| {
        for part in ["<a href=\"", &escape(href), "\">", &escape(shown), "</a>"] {
            out.push_str(part);
        }
    };
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => out.push_str(&escape(plain)),
            Piece::Link { shown, uri } if abbreviates(shown, uri) => link(&mut out, uri, uri),
            Piece::Link { shown, uri } => {
                link(&mut out, uri, shown);
                out.push_str(&escape(&format!(" ({uri})")));
            }
            Piece::Mention { shown, did } => link(&mut out, &format!("https://bsky.app/profile/{did}"), shown),
            Piece::Tag { shown, tag } => {
                let mut href = String::from("https://bsky.app/hashtag/");
                href.extend(url::form_urlencoded::byte_serialize(tag.as_bytes()));
                link(&mut out, &href, shown);
            }
        }
    }
    out.push_str("</p>");
    Some(html::sanitise(&out))
}

/// Whether `shown` is `uri` with parts left out at both ends, as clients show long addresses.
fn abbreviates(shown: &str, uri: &str) -> bool {
    let bare = |s: &str| {
        let s = s.trim();
        let s = s.strip_prefix("https://").or_else(|| s.strip_prefix("http://")).unwrap_or(s);
        s.strip_prefix("www.").unwrap_or(s).trim_end_matches('/').to_owned()
    };
    let shown = bare(shown);
    let uri = bare(uri);
    if shown.eq_ignore_ascii_case(&uri) {
        return true;
    }
    let head = shown.trim_end_matches(['…', '.']);
    // At least the whole host must be shown, else `b…` would pass for anything.
    let host = uri.split(['/', '?', '#']).next().unwrap_or_default();
    head.len() < shown.len() && head.len() >= host.len() && !host.is_empty() && uri.starts_with(head)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace("\r\n", "\n")
        .replace('\n', "<br>")
}

#[cfg(test)]
#[path = "facets_tests.rs"]
mod tests;
