//! The chat on the organisation's own site: the platform is we ourselves.
//!
//! Owns: what visitors are told, who may embed the chat, whether customers are who they say, what is taken and what becomes of the
//! words on both sides. Promises: the contract of [`crate::channels`]; everything is pure, so an answer is sent the moment it is
//! handed over, under an id that is the same on every attempt.
//! Must not: know the desk, a session or a socket.

mod fields;
mod hours;
mod identity;
mod origin;
mod said;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::visit::{
    Config, FileLimit, Guest, Identity, Presented, Proven, Rated, Said, Shown, Texts, Unproven, Visit, Wrong,
};
use super::{
    Action, Allowance, AttachmentLimit, Channel, ChannelError, Context, Descriptor, Draft, Limit, Measure, Message,
    Moderate, Outgoing, Probe, Reply, Sent, ThreadRef, Unit, Warning, Words, limits,
};
use crate::model::{Lane, Timestamp};
use settings::{AgentNames, Settings};

/// The channel as data.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "webchat",
    name: ("Web chat", "Webchat"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: fields::FIELDS,
    keeps: &[],
    lanes: &[Lane::Private],
    oauth: None,
    connect,
    fake: None,
};

/// Characters of a message, of either side.
const LONGEST_TEXT: usize = 10_000;
/// Files at a message, of either side.
const MOST_FILES: usize = 4;
const LARGEST_FILE: usize = 10 * 1024 * 1024;
/// Kinds that are taken, as their content says: nothing that a browser would run, whatever it is called.
const KINDS: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "audio/ogg",
    "audio/m4a",
];

struct WebChat {
    settings: Settings,
    clock: crate::clock::Clock,
}

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    Ok(Arc::new(WebChat { settings: Settings::read(&context.settings)?, clock: context.clock }))
}

#[async_trait]
impl Channel for WebChat {
    /// We are there when we ask.
    async fn probe(&self) -> Result<Probe, ChannelError> {
        let sources = self.ancestors();
        let first = sources.first().cloned().unwrap_or_default();
        let mut warnings = Vec::new();
        if sources.iter().any(|source| source == "*") {
            warnings.push(Warning::new(
                "webchat.every_site",
                "Every site may embed this chat.",
                "Elke site mag deze chat insluiten.",
            ));
        }
        Ok(Probe {
            // One chat for one set of sites and one name.
            external_id: format!("{} {}", self.settings.name, sources.join(" ")),
            handle: first.split("://").nth(1).unwrap_or(&first).to_owned(),
            name: self.settings.name.clone(),
            url: first.starts_with("http").then_some(first).filter(|url| !url.contains('*')),
            facts: json!({}),
            warnings,
            ..Probe::default()
        })
    }

    fn allowance(&self, _thread: &ThreadRef, facts: &Value) -> Allowance {
        // Signed in, the visitor sees their own thread and no longer this one.
        let went_on = facts["thread"]["went_on"].is_string();
        Allowance {
            may_reply: !went_on,
            code: went_on.then(|| "webchat.went_on".to_owned()),
            words: went_on.then(|| {
                Words::new(
                    "This visitor signed in and no longer sees this conversation; go on in their own chat.",
                    "Deze bezoeker is ingelogd en ziet dit gesprek niet meer; ga verder in hun eigen chat.",
                )
            }),
            limit: Limit { unit: Unit::Characters, max: LONGEST_TEXT as i64 },
            attachments: AttachmentLimit {
                max: MOST_FILES as i64,
                max_bytes: LARGEST_FILE as i64,
                mimes: KINDS.iter().map(|kind| (*kind).to_owned()).collect(),
                alt_max: 1000,
            },
            ..Allowance::default()
        }
    }

    fn measure(&self, draft: &Draft<'_>, _facts: &Value) -> Measure {
        let used = draft.text.chars().count();
        let over = used > LONGEST_TEXT;
        Measure {
            used: used as i64,
            max: LONGEST_TEXT as i64,
            unit: Unit::Characters,
            over,
            parts: over.then(|| limits::split(draft.text, |part| part.chars().count() <= LONGEST_TEXT)),
            notes: Vec::new(),
        }
    }

    fn reply(&self) -> Option<&dyn Reply> {
        Some(self)
    }

    fn moderate(&self) -> Option<&dyn Moderate> {
        Some(self)
    }

    fn visit(&self) -> Option<&dyn Visit> {
        Some(self)
    }
}

#[async_trait]
impl Reply for WebChat {
    /// What is written down as sent is what visitors are shown: there is nobody else to hand it to.
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
        let meta = json!({});
        Ok(Sent { external_id: outgoing.key.to_string(), url: None, at: Some(self.clock.now()), meta })
    }

    async fn find(&self, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
        self.deliver(outgoing).await.map(Some)
    }
}

#[async_trait]
impl Moderate for WebChat {
    fn actions(&self, own: bool, _lane: Lane) -> Vec<Action> {
        if own { vec![Action::Delete] } else { vec![Action::Block, Action::Unblock] }
    }

    /// The desk's own record of it is all there is to do.
    async fn act(
        &self,
        _action: Action,
        _external_id: &str,
        _author: &str,
        _meta: &Value,
        _reason: Option<&str>,
    ) -> Result<(), ChannelError> {
        Ok(())
    }
}

impl Visit for WebChat {
    fn admits(&self, origin: &str) -> bool {
        self.settings.sites.iter().any(|site| site.admits(origin))
    }

    fn ancestors(&self) -> Vec<String> {
        self.settings.sites.iter().map(origin::Site::source).collect()
    }

    fn config(&self, locale: &str, now: Timestamp) -> Config {
        let own = &self.settings;
        let (open, opens_at) = own.hours.at(now);
        // The admin's own texts are in one language; where they are silent the widget has words in the visitor's.
        let asked = locale.split(['-', '_']).next().unwrap_or_default().to_lowercase();
        let language = if matches!(asked.as_str(), "nl" | "en") { asked } else { own.language.clone() };
        Config {
            name: own.name.clone(),
            language,
            open,
            opens_at,
            expected_wait: own.expected_wait.clone().filter(|_| open),
            texts: Texts {
                title: own.name.clone(),
                greeting: own.greeting.clone(),
                away: own.away.clone(),
                consent: own.consent.clone(),
            },
            color: own.color.clone(),
            side: own.side.clone(),
            quick_replies: own.quick_replies.clone(),
            prechat: own.questions.clone(),
            when_closed: if own.form_when_closed { "form" } else { "chat" }.to_owned(),
            identity: own.identity,
            rating: own.rating,
            files: own.files.then(|| FileLimit {
                max: MOST_FILES,
                max_bytes: LARGEST_FILE,
                mimes: KINDS.iter().map(|kind| (*kind).to_owned()).collect(),
            }),
            text_max: LONGEST_TEXT,
            triggers: own.triggers.clone(),
        }
    }

    fn identity(&self) -> Identity {
        self.settings.identity
    }

    fn prove(
        &self,
        presented: &Presented,
        secrets: &Value,
        audience: &str,
        now: Timestamp,
    ) -> Result<Option<Proven>, Unproven> {
        let active: Vec<&str> =
            ["identity_secret", "identity_secret_next"].iter().filter_map(|key| secrets[key].as_str()).collect();
        let keys = identity::Keys { secrets: &active, public: &self.settings.public_keys };
        let proven = identity::prove(presented, keys, audience, now)?;
        Ok(proven.map(|proven| {
            let tidy = said::tidy(&Presented {
                name: proven.name,
                email: proven.email,
                phone: proven.phone,
                avatar_url: proven.avatar_url,
                ..Presented::default()
            });
            Proven {
                customer: proven.customer,
                email_verified: proven.email_verified && tidy.email.is_some(),
                phone_verified: proven.phone_verified && tidy.phone.is_some(),
                name: tidy.name,
                email: tidy.email,
                phone: tidy.phone,
                avatar_url: tidy.avatar_url,
            }
        }))
    }

    fn message(&self, said: Said) -> Result<(Message, Guest), Wrong> {
        said::message(&self.settings, said)
    }

    fn tidy(&self, presented: &Presented) -> Guest {
        said::tidy(presented)
    }

    fn rating(&self, rated: Rated) -> Option<Message> {
        (self.settings.rating && (1..=5).contains(&rated.score)).then(|| said::rating(&self.settings, &rated))
    }

    fn takes(&self, content: &[u8]) -> Option<&'static str> {
        if !self.settings.files {
            return None;
        }
        let kind = infer::get(content)?.mime_type();
        KINDS.iter().copied().find(|taken| *taken == kind)
    }

    fn shown(&self, text: &str) -> Shown {
        said::shown(text)
    }

    fn called(&self, agent: &str) -> Option<String> {
        match self.settings.agent_names {
            AgentNames::Full => Some(agent.to_owned()),
            AgentNames::First => agent.split_whitespace().next().map(str::to_owned),
            AgentNames::Nobody => None,
        }
    }
}
