//! From a notification mail to a message: who did what, in which words, and where to answer it.

use std::fmt;

use bytes::Bytes;
use mail_parser::MessageParser;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::rules::{Rule, is_below};
use crate::channels::signature::hex;
use crate::channels::{Author, Item, Message, Source, ThreadRef, html};
use crate::model::{Answered, Direction, Lane, MessageKind, ThreadKind, Timestamp};

/// Longer than any notification.
const LONGEST: usize = 20_000;

/// Why a mail is no notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Not {
    /// No rule knows it.
    Known(String),
    /// A rule knows it, and nobody vouches for who wrote it.
    Vouched(String),
}

impl fmt::Display for Not {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Known(why) | Self::Vouched(why)) = self;
        f.write_str(why)
    }
}

/// Reads a mail. `checked_by` is the mail server whose word about the sender is believed; empty when nobody's is asked for.
///
/// # Errors
/// Why it is no notification that a rule knows.
pub fn mail(raw: &[u8], rules: &[Rule], checked_by: &str, now: Timestamp) -> Result<Vec<Item>, Not> {
    let mail = MessageParser::default().parse(raw).ok_or_else(|| Not::Known("this is no mail".to_owned()))?;
    let from = mail.from().and_then(|from| from.first()).and_then(|one| one.address()).unwrap_or_default();
    let subject = mail.subject().unwrap_or_default();
    let rule = rules
        .iter()
        .find(|rule| rule.sends_from(from))
        .ok_or_else(|| Not::Known(format!("no rule knows mail from \"{from}\"")))?;
    let name = rule.name_in(subject);
    if !checked_by.is_empty() && !is_vouched_for(mail.headers_raw(), checked_by, rule) {
        let why =
            format!("{checked_by} does not vouch for it: anybody may have sent this in the name of {}", rule.platform);
        return Err(if name.is_some() { Not::Vouched(why) } else { Not::Known(why) });
    }
    let name =
        name.ok_or_else(|| Not::Known(format!("no rule of {} knows the subject \"{subject}\"", rule.platform)))?;
    let markup = (0..4).find_map(|at| mail.body_html(at)).unwrap_or_default();
    let plain =
        mail.text_body.iter().filter_map(|part| mail.part(*part)).find(|part| part.is_text() && !part.is_text_html());
    let plain = plain.and_then(|part| part.text_contents()).unwrap_or_default();
    let written = if plain.trim().is_empty() { html::to_text(short(&markup)) } else { short(plain).trim().to_owned() };
    let mut links = links_in(&markup);
    links.extend(links_in(plain));
    let link = rule.link_in(&links.iter().map(String::as_str).collect::<Vec<_>>()).map(str::to_owned);
    let digest = hex(&Sha256::digest(raw)[..16]);
    let id = mail.message_id().filter(|id| !id.is_empty() && id.len() <= 400).map_or(digest, str::to_owned);
    // Everything about one pin is one thread; without a link each mail stands alone.
    let place =
        link.as_deref().map(|link| link.split(['?', '#']).next().unwrap_or(link).trim_end_matches('/').to_owned());
    let place = place.filter(|place| place.len() <= 400 && place.matches('/').count() > 3);
    let thread = place.unwrap_or_else(|| id.clone());
    let who = if name.is_empty() { rule.platform.clone() } else { name.clone() };
    let lane = rule.lane();
    let message = Message {
        external_id: id,
        thread: ThreadRef {
            external_id: thread.clone(),
            lane,
            kind: if lane == Lane::Public { ThreadKind::Post } else { ThreadKind::Dm },
            title: Some(subject.to_owned()).filter(|subject| !subject.is_empty()),
            url: link.clone(),
        },
        author: Author {
            external_id: format!("{}:{}", rule.platform.to_lowercase(), who.to_lowercase()),
            handle: rule.platform.clone(),
            name: who,
            ..Author::default()
        },
        direction: Direction::In,
        kind: if lane == Lane::Public { MessageKind::Mention } else { MessageKind::Dm },
        text: if written.is_empty() { subject.to_owned() } else { written },
        sent_at: mail.date().map_or(now, |date| Timestamp(date.to_timestamp().saturating_mul(1000))),
        url: link,
        source: Some(Source { mime: "message/rfc822".to_owned(), bytes: Bytes::copy_from_slice(raw) }),
        fields: vec![Answered { label: "Platform".to_owned(), value: rule.platform.clone() }],
        ..Message::default()
    };
    let memory = json!({ "platform": rule.platform });
    Ok(vec![Item::Message(Box::new(message)), Item::Remember { thread, memory }])
}

/// Whether the named server found a signature of the platform (RFC 8601). Only its own line counts, and only the topmost:
/// those below came with the mail, and anybody may write them.
fn is_vouched_for<'h>(headers: impl Iterator<Item = (&'h str, &'h str)>, server: &str, rule: &Rule) -> bool {
    let mut said = headers.filter(|(name, _)| name.eq_ignore_ascii_case("authentication-results"));
    let Some((_, value)) = said.next() else { return false };
    let value = value.to_ascii_lowercase();
    let mut parts = value.split(';');
    let id = parts.next().unwrap_or_default().split_whitespace().next().unwrap_or_default();
    id == server.to_ascii_lowercase()
        && parts.any(|part| {
            let mut words = part.split_whitespace();
            let passed = matches!(words.next(), Some("dkim=pass" | "dmarc=pass"));
            let named =
                words.find_map(|word| word.strip_prefix("header.d=").or_else(|| word.strip_prefix("header.from=")));
            passed && named.is_some_and(|domain| rule.from.iter().any(|own| is_below(domain, own)))
        })
}

fn short(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Every address in a text or in HTML, in order.
fn links_in(text: &str) -> Vec<String> {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'<>()[]{}".contains(c);
    text.match_indices("https://")
        .take(200)
        .map(|(at, _)| text[at..].split(ends).next().unwrap_or_default().replace("&amp;", "&"))
        .filter(|link| link.len() <= 2_000 && link.parse::<url::Url>().is_ok())
        .collect()
}
