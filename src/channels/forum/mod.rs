//! Discourse forums: mentions, replies and private messages, and topics that a peer's answer settled.
//!
//! Owns: Discourse's API (`api`, `wire`), how posts hang together (`posts`), news and webhooks (`pull`, `list`, `push`), what
//! became of known posts (`again`), what may still be asked (`spent`), replies (`reply`), and a forum to play against (`fake`).
//! Must not: know the desk.

mod again;
mod api;
pub mod fake;
mod list;
mod posts;
mod pull;
mod push;
mod reply;
mod spent;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use self::api::Api;
use super::{
    Allowance, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field, FieldKind, Limit, Measure, Probe,
    Pull, Push, Reply, ThreadRef, Unit, Words, limits,
};
use crate::model::Lane;

/// `max_post_length` of a fresh forum.
const LONGEST: i64 = 32_000;
/// New topics, replies and private messages: what a user's own activity is made of.
const OWN: &str = "4,5,12";
const FEEDS: &[Feed] = &[
    Feed { key: "notifications", busy: Duration::from_secs(20), idle: Duration::from_secs(120) },
    Feed { key: "own", busy: Duration::from_secs(60), idle: Duration::from_secs(600) },
];

/// A Discourse forum.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "forum",
    name: ("Discourse", "Discourse"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: &[
        Field {
            key: "url",
            kind: FieldKind::Url,
            required: true,
            default: None,
            label: ("Forum", "Forum"),
            help: (
                "The forum's address, like https://forum.example.",
                "Het adres van het forum, zoals https://forum.example.",
            ),
            options: &[],
        },
        Field {
            key: "username",
            kind: FieldKind::Text,
            required: true,
            default: None,
            label: ("User name", "Gebruikersnaam"),
            help: ("Of the organisation's own user there.", "Van de eigen gebruiker van de organisatie daar."),
            options: &[],
        },
        Field {
            key: "key",
            kind: FieldKind::Secret,
            required: true,
            default: None,
            label: ("API key", "API-sleutel"),
            help: ("From Admin → API, for that user.", "Van Beheer → API, voor die gebruiker."),
            options: &[],
        },
        Field {
            key: "hook_secret",
            kind: FieldKind::Secret,
            required: false,
            default: None,
            label: ("Webhook secret", "Webhook-geheim"),
            help: (
                "When the forum calls Balie (Admin → API → Webhooks), news is here at once.",
                "Als het forum Balie aanroept (Beheer → API → Webhooks), is nieuws hier meteen.",
            ),
            options: &[],
        },
        Field {
            key: "calls_per_minute",
            kind: FieldKind::Number,
            required: false,
            default: None,
            label: ("Calls a minute", "Aanroepen per minuut"),
            help: (
                "What the forum allows a key (max_admin_api_reqs_per_minute). Empty: 60, as a fresh forum does.",
                "Wat het forum een sleutel toestaat (max_admin_api_reqs_per_minute). Leeg: 60, zoals een nieuw forum.",
            ),
            options: &[],
        },
    ],
    keeps: &[],
    lanes: &[Lane::Public, Lane::Private],
    oauth: None,
    connect,
    fake: Some(super::fake::Fake::Keeps(fake::boxed)),
};

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let settings = context.settings.clone();
    let text = |key: &str| settings[key].as_str().unwrap_or_default().trim();
    let address = text("url");
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let base: Option<url::Url> = whole.parse().ok().filter(|url: &url::Url| url.has_host());
    let base = base.ok_or_else(|| {
        ChannelError::new(
            Class::Rejected,
            "forum.address",
            Words::new("The forum's address cannot be read.", "Het adres van het forum is niet te lezen."),
            Words::new("Write it like https://forum.example.", "Schrijf het als https://forum.example."),
        )
    })?;
    context.client.check(&base)?;
    let limit = match &settings["calls_per_minute"] {
        Value::Number(number) => number.as_i64(),
        Value::String(digits) if !digits.trim().is_empty() => digits.trim().parse().ok(),
        _ => Some(spent::LIMIT),
    };
    let limit = limit.filter(|limit| (10..=100_000).contains(limit)).ok_or_else(|| {
        ChannelError::new(
            Class::Rejected,
            "setting.calls_per_minute",
            Words::new(
                "So many calls a minute are no limit that a forum has.",
                "Zoveel aanroepen per minuut is geen grens die een forum heeft.",
            ),
            Words::new(
                "Write a number from 10 to 100000, or nothing.",
                "Schrijf een getal van 10 tot 100000, of niets.",
            ),
        )
    })?;
    let username = text("username").trim_start_matches('@').to_owned();
    Ok(Arc::new(Forum {
        api: Api { context, base, username, spent: spent::Spent::new(limit) },
        topics: Mutex::default(),
        posts: Mutex::default(),
        looked: Mutex::default(),
    }))
}

/// A connected user of a forum.
pub struct Forum {
    api: Api,
    /// What was asked before: neither a topic's kind nor a post's place in it changes.
    topics: Mutex<HashMap<u64, wire::Topic>>,
    posts: Mutex<HashMap<(u64, u64), wire::Post>>,
    /// What was looked at again since everything was.
    looked: Mutex<HashSet<String>>,
}

impl Forum {
    fn host(&self) -> &str {
        self.api.base.host_str().unwrap_or_default()
    }

    fn is_us(&self, username: &str) -> bool {
        username.eq_ignore_ascii_case(&self.api.username)
    }
}

#[async_trait]
impl Channel for Forum {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        // Whether the key is good; the profile below is shown to anybody.
        let _: wire::Notifications =
            self.api.get("notifications.json", &[("limit", "1")]).await.map_err(api::of_feed)?;
        let user: Value = self.api.get(&format!("u/{}.json", self.api.username), &[]).await.map_err(api::of_feed)?;
        let user = &user["user"];
        let username = user["username"].as_str().unwrap_or(&self.api.username);
        let name = user["name"].as_str().filter(|name| !name.is_empty()).unwrap_or(username);
        Ok(Probe {
            external_id: format!("{}@{}", username.to_lowercase(), self.host()),
            handle: format!("@{username}"),
            name: name.to_owned(),
            url: Some(self.api.page(&format!("u/{username}"))),
            facts: json!({}),
            ..Probe::default()
        })
    }

    fn allowance(&self, _: &ThreadRef, _: &Value) -> Allowance {
        Allowance { may_reply: true, limit: Limit { unit: Unit::Characters, max: LONGEST }, ..Allowance::default() }
    }

    fn measure(&self, draft: &Draft<'_>, _: &Value) -> Measure {
        measure(draft.text)
    }

    fn pull(&self) -> Option<&dyn Pull> {
        Some(self)
    }
    fn push(&self) -> Option<&dyn Push> {
        Some(self)
    }
    fn reply(&self) -> Option<&dyn Reply> {
        Some(self)
    }
}

fn measure(text: &str) -> Measure {
    limits::characters(text, LONGEST)
}
