//! RSS, Atom and JSON Feed: blogs, news, forums and alerts that speak of the organisation.
//!
//! Owns: asking politely (`fetch`), reading any of the formats (`read`), which entries concern us (`filter`), and a server of
//! feeds to play against (`fake`).
//! Must not: know the desk. Cannot answer: what stands in a feed is answered where it was written.

pub mod fake;
mod fetch;
mod filter;
pub mod read;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use self::fetch::{Cursor, News};
use self::filter::Filter;
use super::{
    Allowance, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field, FieldKind, HandOff, Item,
    Known, Measure, Probe, Pull, ThreadRef, Unit, Unreadable, Warning, Words,
};
use crate::model::{Lane, Timestamp};

/// Half an hour is what feeds are made for; a quarter while something happens.
const FEEDS: &[Feed] =
    &[Feed { key: "entries", busy: Duration::from_secs(15 * 60), idle: Duration::from_secs(60 * 60) }];
/// A feed that said it is gone is asked again after this, in case it was a mistake.
const GONE_FOR: Duration = Duration::from_secs(86_400);

/// A feed.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "feed",
    name: ("RSS / Atom", "RSS / Atom"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: &[
        Field {
            key: "url",
            kind: FieldKind::Url,
            required: true,
            default: None,
            label: ("Address of the feed", "Adres van de feed"),
            help: (
                "Of the feed itself (RSS, Atom or JSON Feed), not of the page.",
                "Van de feed zelf (RSS, Atom of JSON Feed), niet van de pagina.",
            ),
            options: &[],
        },
        Field {
            key: "include",
            kind: FieldKind::Text,
            required: false,
            default: None,
            label: ("Only with these words", "Alleen met deze woorden"),
            help: (
                "With commas between; one of them is enough. Empty: everything.",
                "Met komma's ertussen; één ervan is genoeg. Leeg: alles.",
            ),
            options: &[],
        },
        Field {
            key: "exclude",
            kind: FieldKind::Text,
            required: false,
            default: None,
            label: ("Not with these words", "Niet met deze woorden"),
            help: ("With commas between.", "Met komma's ertussen."),
            options: &[],
        },
    ],
    keeps: &[],
    lanes: &[Lane::Public],
    oauth: None,
    connect,
    fake: Some(super::fake::Fake::Forgets(fake::boxed)),
};

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let settings = context.settings.clone();
    let text = |key: &str| settings[key].as_str().unwrap_or_default().trim();
    let address = text("url");
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let url: url::Url = whole.parse().map_err(|_| {
        ChannelError::new(
            Class::Rejected,
            "feed.address",
            Words::new("The feed's address cannot be read.", "Het adres van de feed is niet te lezen."),
            Words::new(
                "Write it like https://blog.example/feed.xml.",
                "Schrijf het als https://blog.example/feed.xml.",
            ),
        )
    })?;
    context.client.check(&url)?;
    let filter = Filter::new(text("include"), text("exclude"));
    Ok(Arc::new(Reader { context, url, filter, gone: Mutex::default() }))
}

/// A feed that is followed.
pub struct Reader {
    context: Context,
    /// As the admin wrote it; where it moved to is in the cursor.
    url: url::Url,
    filter: Filter,
    /// When it said that it is gone, so that it is not asked every few minutes.
    gone: Mutex<Option<Timestamp>>,
}

#[async_trait]
impl Channel for Reader {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        let (feed, answered) = match self.fetch(&Cursor::default()).await? {
            Some(News { body, url, .. }) => (read::feed(&body, &url).map_err(not_a_feed)?, url),
            None => return Err(not_a_feed("it says that nothing changed since never".to_owned())),
        };
        let host = self.url.host_str().unwrap_or_default().to_owned();
        let mut warnings = Vec::new();
        if answered != self.url {
            warnings.push(Warning::new(
                "feed.moved",
                format!("The feed is at {answered} now; Balie follows it there."),
                format!("De feed staat nu op {answered}; Balie volgt hem daarheen."),
            ));
        }
        Ok(Probe {
            external_id: self.url.to_string(),
            handle: host.clone(),
            name: if feed.title.is_empty() { host } else { feed.title },
            url: feed.home.or_else(|| Some(self.url.to_string())),
            facts: json!({}),
            warnings,
            ..Probe::default()
        })
    }

    fn allowance(&self, thread: &ThreadRef, _: &Value) -> Allowance {
        let words = if thread.url.is_some() {
            Words::new(
                "Answer where it was written, and write down here that you did.",
                "Antwoord waar het geschreven is en leg hier vast dat je dat deed.",
            )
        } else {
            Words::new(
                "This entry says not where it stands: it can be noted and closed.",
                "Dit bericht zegt niet waar het staat: het kan genoteerd en gesloten worden.",
            )
        };
        Allowance {
            hand_off: Some(HandOff { url: thread.url.clone(), words }),
            ..Allowance::closed(
                "feed.read_only",
                Words::new("A feed can be read, not answered.", "Een feed is te lezen, niet te beantwoorden."),
            )
        }
    }

    fn measure(&self, draft: &Draft<'_>, _: &Value) -> Measure {
        let used = i64::try_from(draft.text.chars().count()).unwrap_or(i64::MAX);
        Measure { used, max: 0, unit: Unit::Characters, over: used > 0, parts: None, notes: Vec::new() }
    }

    fn pull(&self) -> Option<&dyn Pull> {
        Some(self)
    }
}

#[async_trait]
impl Pull for Reader {
    fn feeds(&self) -> &'static [Feed] {
        FEEDS
    }

    async fn pull(&self, _: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        let now = self.context.clock.now();
        let first = cursor.is_none();
        let at: Cursor = cursor.and_then(|cursor| serde_json::from_value(cursor.clone()).ok()).unwrap_or_default();
        let mut at = at.at(&self.url);
        if at.not_before.is_some_and(|moment| now < moment) {
            return Ok(Batch::default());
        }
        let mut batch = Batch::default();
        if let Some(News { body, url, freshness, moved, etag, modified }) = self.fetch(&at).await? {
            // A page that is no feed for once (maintenance, a login) must not look like an empty feed.
            let mut feed = read::feed(&body, &url).map_err(not_a_feed)?;
            at.tell_apart(&mut feed.entries, now);
            let since = now.minus(self.context.history);
            let size = feed.entries.len();
            for entry in feed.entries {
                let hash = entry.fingerprint();
                let before = at.seen.get(&entry.key).cloned();
                at.see(&entry.key, &hash, now);
                let known = before.is_some();
                if before.as_ref().is_some_and(|(old, _)| *old == hash) || !self.filter.lets_through(&entry) {
                    continue;
                }
                let history = first && !known;
                // What stood there without a date when we came may be of any age: it is not news, and asks for nothing.
                if history && entry.published.is_none_or(|at| at < since) {
                    continue;
                }
                match entry.message(&feed.title, history, now) {
                    Ok(mut message) => {
                        if let Some((_, last)) = before {
                            // Not every feed says when it changed an entry: then it was after we last read it.
                            message.edited_at = Some(entry.updated.filter(|at| *at > last).unwrap_or(now));
                        }
                        batch.items.push(Item::Message(Box::new(message)));
                    }
                    Err(error) => batch.unreadable.push(Unreadable { payload: entry.raw(), error }),
                }
            }
            at.forget(size, now);
            (at.etag, at.modified) = (etag, modified);
            at.moved = moved.or(at.moved.take());
            // What the feed says about itself, but never longer than a day: a mistake must not silence it for ever.
            let stale = freshness.max(feed.ttl).min(Duration::from_secs(86_400));
            at.not_before = (!stale.is_zero()).then(|| now.plus(stale));
        }
        batch.next = serde_json::to_value(&at).ok();
        Ok(batch)
    }

    async fn recheck(&self, _: &[Known]) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }

    async fn reread(&self, _: &str, payload: &str) -> Result<Batch, ChannelError> {
        let now = self.context.clock.now();
        Ok(match read::again(payload).and_then(|entry| entry.message("", false, now)) {
            Ok(message) => Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() },
            Err(error) => {
                Batch { unreadable: vec![Unreadable { payload: payload.to_owned(), error }], ..Batch::default() }
            }
        })
    }

    fn recheck_max(&self) -> usize {
        0
    }
}

impl Reader {
    async fn fetch(&self, cursor: &Cursor) -> Result<Option<News>, ChannelError> {
        let now = self.context.clock.now();
        let gone = *self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if gone.is_some_and(|since| now.since(since) < GONE_FOR) {
            return Err(fetch::gone());
        }
        let fetched = fetch::fetch(&self.context, &self.url, cursor).await;
        let is_gone = matches!(&fetched, Err(error) if error.code == "feed.gone");
        *self.gone.lock().unwrap_or_else(PoisonError::into_inner) = is_gone.then_some(now);
        fetched
    }
}

/// The address answers, and not with a feed.
#[allow(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn not_a_feed(why: String) -> ChannelError {
    ChannelError::new(
        Class::Transient,
        "feed.not_a_feed",
        Words::new(
            format!("The address answers, but not with a feed that can be read ({why})."),
            format!("Het adres antwoordt, maar niet met een leesbare feed ({why})."),
        ),
        Words::new(
            "Balie keeps trying. If it lasts, open the address in a browser: it must be the feed itself, not a page.",
            "Balie blijft het proberen. Duurt het voort, open het adres dan in een browser: het moet de feed zelf zijn, geen pagina.",
        ),
    )
}
