//! Asking for a feed as a good guest: only what is new, not more often than is wanted, and where it moved to.
//!
//! Promises: at most five steps of redirection, each checked against private addresses; at most ten megabytes after
//! unpacking; where a feed moved for good is remembered, where it moved for now is not.
//! Source: RFC 9110 (conditional requests, redirection, `Retry-After`), RFC 9111 (`max-age`), read 2026-11.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION};
use serde::{Deserialize, Serialize};

use super::read::Entry;
use crate::channels::client::Answer;
use crate::channels::{ChannelError, Class, Context, Words};
use crate::model::Timestamp;

/// The largest feed read, in bytes, unpacked.
const LARGEST: usize = 10 * 1024 * 1024;
const STEPS: usize = 5;
/// A hang must be noticed twice within a minute, or the account is not red in time.
const PATIENCE: Duration = Duration::from_secs(20);
const UNNAMED_WAIT: Duration = Duration::from_secs(15 * 60);
/// An entry that has not been seen for so long is forgotten.
const REMEMBER: Duration = Duration::from_secs(90 * 86_400);
/// However long a feed is.
const MOST_SEEN: usize = 5_000;

/// Where we are in a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The address an admin gave, for which the next four are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<url::Url>,
    /// Where it moved to for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<url::Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// The server asks not to come back before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Entry's key → its content's fingerprint, and when it last stood in the feed.
    #[serde(default)]
    pub seen: BTreeMap<String, (String, Timestamp)>,
    /// Names that more than one entry goes by, and when one last stood in the feed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared: BTreeMap<String, Timestamp>,
}

impl Cursor {
    /// The cursor for this address: what another one said about itself says nothing about it.
    pub fn at(self, address: &url::Url) -> Self {
        let of = Some(address.clone());
        if self.of.is_none() || self.of == of {
            return Self { of, ..self };
        }
        Self { of, seen: self.seen, shared: self.shared, ..Self::default() }
    }

    pub fn see(&mut self, key: &str, hash: &str, now: Timestamp) {
        self.seen.insert(key.to_owned(), (hash.to_owned(), now));
    }

    /// Gives every entry a name of its own: where one name is on several that say different things, it names none of them. The one
    /// that was known by it keeps it while it says the same.
    pub fn tell_apart(&mut self, entries: &mut [Entry], now: Timestamp) {
        let mut first: BTreeMap<&str, String> = BTreeMap::new();
        for entry in &*entries {
            let says = entry.fingerprint();
            if *first.entry(&entry.key).or_insert_with(|| says.clone()) != says {
                self.shared.insert(entry.key.clone(), now);
            }
        }
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for entry in entries {
            let Some(last) = self.shared.get_mut(&entry.key) else { continue };
            *last = now;
            let says = entry.fingerprint();
            let known = self.seen.get(&entry.key).is_some_and(|(hash, _)| *hash == says);
            let mut key = if known { entry.key.clone() } else { entry.own_key() };
            if taken.get(&key).is_some_and(|other| *other != says) {
                key = entry.whole_key();
            }
            taken.insert(key.clone(), says);
            entry.key = key;
        }
        self.shared.retain(|_, last| now.since(*last) < REMEMBER);
    }

    /// Forgets what is long out of the feed: never what still stands in it, nor the latest as many again.
    pub fn forget(&mut self, size: usize, now: Timestamp) {
        let keep = (size * 2).clamp(200, MOST_SEEN.max(size));
        self.seen.retain(|_, (_, at)| now.since(*at) < REMEMBER);
        if self.seen.len() > keep {
            let mut times: Vec<Timestamp> = self.seen.values().map(|(_, at)| *at).collect();
            times.sort_unstable_by(|a, b| b.cmp(a));
            let oldest = times[keep - 1];
            self.seen.retain(|_, (_, at)| *at >= oldest);
        }
    }
}

/// A feed that came back.
pub struct News {
    pub body: Bytes,
    /// Where it was in the end.
    pub url: url::Url,
    /// How long the server calls it fresh.
    pub freshness: Duration,
    /// Where it is from now on.
    pub moved: Option<url::Url>,
    pub etag: Option<String>,
    pub modified: Option<String>,
}

/// Asks once, following redirections. `None`: nothing has changed.
pub async fn fetch(context: &Context, address: &url::Url, cursor: &Cursor) -> Result<Option<News>, ChannelError> {
    let mut url = cursor.moved.clone().unwrap_or_else(|| address.clone());
    // Whether every step so far was for good.
    let (mut for_good, mut moved) = (true, None);
    for _ in 0..=STEPS {
        let mut request = context
            .client
            .straight(Method::GET, &url)?
            .timeout(PATIENCE)
            .header("accept", "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1");
        if let Some(etag) = &cursor.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(modified) = &cursor.modified {
            request = request.header(IF_MODIFIED_SINCE, modified);
        }
        let answer = context.client.send_limited(request, LARGEST).await?;
        let status = answer.status.as_u16();
        match status {
            200..=299 => {
                let text = |name: &str| answer.header(name).filter(|value| value.len() < 500).map(str::to_owned);
                return Ok(Some(News {
                    freshness: max_age(&answer),
                    moved,
                    etag: text(ETAG.as_str()),
                    modified: text(LAST_MODIFIED.as_str()),
                    body: answer.body,
                    url,
                }));
            }
            304 => return Ok(None),
            301 | 302 | 303 | 307 | 308 => {
                let next = answer.header(LOCATION.as_str()).and_then(|to| url.join(to).ok());
                let Some(next) = next else { return Err(odd("it moved without saying where")) };
                for_good &= matches!(status, 301 | 308);
                if for_good {
                    moved = Some(next.clone());
                }
                url = next;
            }
            _ => return Err(refusal(&answer, context.clock.now())),
        }
    }
    Err(odd("it sends us round in circles"))
}

/// `Cache-Control: max-age`; none for answers that must not be kept.
fn max_age(answer: &Answer) -> Duration {
    let mut seconds = 0;
    for part in answer.header("cache-control").unwrap_or_default().split(',') {
        let part = part.trim().to_ascii_lowercase();
        if part == "no-cache" || part == "no-store" {
            return Duration::ZERO;
        }
        if let Some(age) = part.strip_prefix("max-age=") {
            seconds = age.trim_matches('"').parse().unwrap_or(0);
        }
    }
    Duration::from_secs(seconds)
}

fn odd(why: &str) -> ChannelError {
    ChannelError::transient(format!("the feed's address is in disorder: {why}"))
}

/// The server says that there is no such feed any more.
pub fn gone() -> ChannelError {
    ChannelError::new(
        Class::Unauthorized,
        "feed.gone",
        Words::new(
            "The feed is gone for good, says its server (410).",
            "De feed is voorgoed weg, zegt zijn server (410).",
        ),
        Words::new(
            "Look for the site's new feed and fill in its address, or remove this account.",
            "Zoek de nieuwe feed van de site en vul dat adres in, of verwijder dit account.",
        ),
    )
}

fn refusal(answer: &Answer, now: Timestamp) -> ChannelError {
    match answer.status.as_u16() {
        410 => gone(),
        401 | 403 => ChannelError::new(
            Class::Unauthorized,
            "feed.closed",
            Words::new(
                format!("The server does not show us this feed ({}).", answer.status.as_u16()),
                format!("De server laat ons deze feed niet zien ({}).", answer.status.as_u16()),
            ),
            Words::new(
                "Use an address of the feed that needs no sign-in (many sites give one with a key in it).",
                "Gebruik een adres van de feed waarvoor niet ingelogd hoeft te worden (veel sites geven er een met een sleutel erin).",
            ),
        ),
        404 => ChannelError::new(
            Class::Transient,
            "feed.not_there",
            Words::new("There is no feed at this address (404).", "Op dit adres is geen feed (404)."),
            Words::new("Check the address. Balie keeps trying.", "Controleer het adres. Balie blijft het proberen."),
        ),
        429 => ChannelError::rate_limited(answer.retry_after(now).unwrap_or(now.plus(UNNAMED_WAIT))),
        // A server that says when it will be back is believed.
        503 if answer.retry_after(now).is_some_and(|at| at > now) => {
            ChannelError::rate_limited(answer.retry_after(now).unwrap_or(now))
        }
        code => ChannelError::transient(format!("the server answers {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;
    use crate::model::Timestamp;

    #[test]
    fn what_stands_in_the_feed_is_never_forgotten() {
        let mut cursor = Cursor::default();
        let day = |n: i64| Timestamp(n * 86_400_000);
        for n in 0..1_000 {
            cursor.see(&format!("old-{n}"), "x", day(n / 10));
        }
        for n in 0..300 {
            cursor.see(&format!("new-{n}"), "x", day(100));
        }
        cursor.forget(300, day(100));
        assert!(cursor.seen.len() >= 600 && cursor.seen.len() < 700, "{}", cursor.seen.len());
        assert!((0..300).all(|n| cursor.seen.contains_key(&format!("new-{n}"))));
        assert!(!cursor.seen.contains_key("old-0") && cursor.seen.contains_key("old-999"));
    }
}
