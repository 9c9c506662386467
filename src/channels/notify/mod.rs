//! Platforms without an API: their notification mails become conversations with a link to where one answers.
//!
//! Owns: which mail is a notification of which platform (`rules`), and what it says (`convert`).
//! Must not: know the desk, or a mailbox: the mail server hands each mail over at `/hooks/{account}`.

mod convert;
mod rules;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use self::rules::Rule;
use super::{
    Allowance, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field, FieldKind, HandOff, Hook,
    HookAnswer, Known, Measure, Probe, Pull, Push, Pushed, ThreadRef, Unit, Unreadable, Words, signature,
};
use crate::model::Lane;

/// A key that can be guessed is none.
const SHORTEST_KEY: usize = 20;

/// Notification mails.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "notify",
    name: ("Notification mails", "Meldingsmails"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: &[
        Field {
            key: "name",
            kind: FieldKind::Text,
            required: true,
            default: Some("Pinterest"),
            label: ("Name", "Naam"),
            help: ("What the team calls this source.", "Hoe het team deze bron noemt."),
            options: &[],
        },
        Field {
            key: "key",
            kind: FieldKind::Secret,
            required: true,
            default: None,
            label: ("Key", "Sleutel"),
            help: (
                "At least 20 random characters. Whoever hands over mail shows it.",
                "Minstens 20 willekeurige tekens. Wie mail aflevert laat hem zien.",
            ),
            options: &[],
        },
        Field {
            key: "checked_by",
            kind: FieldKind::Text,
            required: false,
            default: None,
            label: ("Mail server that checks senders", "Mailserver die afzenders controleert"),
            help: (
                "The name your mail server gives itself in Authentication-Results. Then only mail counts that it found genuine.",
                "De naam die je mailserver zichzelf geeft in Authentication-Results. Dan telt alleen mail die hij echt bevond.",
            ),
            options: &[],
        },
        Field {
            key: "rules",
            kind: FieldKind::Lines,
            required: true,
            default: Some(include_str!("rules.json")),
            label: ("Rules", "Regels"),
            help: (
                "Which mail is a notification of which platform, as JSON.",
                "Welke mail een melding van welk platform is, als JSON.",
            ),
            options: &[],
        },
    ],
    lanes: &[Lane::Public, Lane::Private],
    oauth: None,
    connect,
    fake: None,
};

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let settings = context.settings.clone();
    let text = |key: &str| settings[key].as_str().unwrap_or_default().trim();
    let rules = rules::read(text("rules")).map_err(|why| {
        ChannelError::new(
            Class::Rejected,
            "notify.rules",
            Words::new(format!("The rules cannot be read: {why}."), format!("De regels zijn niet te lezen: {why}.")),
            Words::new(
                "Correct them; the example shows how they are written.",
                "Verbeter ze; het voorbeeld laat zien hoe ze geschreven worden.",
            ),
        )
    })?;
    let (name, checked_by) = (text("name").to_owned(), text("checked_by").to_owned());
    Ok(Arc::new(Notices { context, rules, name, checked_by }))
}

/// A source of notification mails.
pub struct Notices {
    context: Context,
    rules: Vec<Rule>,
    name: String,
    checked_by: String,
}

/// The key in an account's secrets.
fn key(secrets: &Value) -> Result<&str, ChannelError> {
    let key = secrets["key"].as_str().unwrap_or_default();
    if key.len() >= SHORTEST_KEY {
        return Ok(key);
    }
    Err(ChannelError::new(
        Class::Unauthorized,
        "notify.weak_key",
        Words::new("The key is too short.", "De sleutel is te kort."),
        Words::new(
            "Make one of at least 20 random characters, like: openssl rand -hex 20",
            "Maak er een van minstens 20 willekeurige tekens, zoals: openssl rand -hex 20",
        ),
    ))
}

#[async_trait]
impl Channel for Notices {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        key(&self.context.secrets.load().await?)?;
        let mut warnings = Vec::new();
        if self.checked_by.is_empty() {
            warnings.push(
                "notify.unchecked: nobody checks who sent a mail; whoever knows the address can write in a platform's name. Name the mail server that checks senders."
                    .to_owned(),
            );
        }
        Ok(Probe {
            external_id: self.name.to_lowercase(),
            handle: self.name.clone(),
            name: self.name.clone(),
            facts: json!({}),
            warnings,
            ..Probe::default()
        })
    }

    fn allowance(&self, thread: &ThreadRef, facts: &Value) -> Allowance {
        let platform = facts["thread"]["platform"].as_str().unwrap_or(&self.name);
        Allowance {
            hand_off: Some(HandOff {
                url: thread.url.clone(),
                words: Words::new(
                    format!("Answer on {platform}, and write down here that you did."),
                    format!("Antwoord op {platform} en leg hier vast dat je dat deed."),
                ),
            }),
            ..Allowance::closed(
                "notify.no_api",
                Words::new(
                    format!("{platform} lets no other program answer."),
                    format!("{platform} laat geen ander programma antwoorden."),
                ),
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
    fn push(&self) -> Option<&dyn Push> {
        Some(self)
    }
}

#[async_trait]
impl Push for Notices {
    async fn receive(&self, hook: &Hook<'_>) -> Result<Pushed, ChannelError> {
        let bearer = hook.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        let shown = bearer.or_else(|| hook.param("key")).unwrap_or_default();
        if !signature::same(shown.trim().as_bytes(), key(hook.secrets)?.as_bytes()) {
            return Err(ChannelError::new(
                Class::Unauthorized,
                "notify.key",
                Words::new("The key is not right.", "De sleutel klopt niet."),
                Words::new(
                    "Send it as Authorization: Bearer, or as ?key= behind the address.",
                    "Stuur hem als Authorization: Bearer, of als ?key= achter het adres.",
                ),
            ));
        }
        if *hook.method != Method::POST || hook.body.is_empty() {
            let body = json!({"code": "notify.no_mail", "detail": "Post one whole mail (message/rfc822) here."});
            return Ok(Pushed { answer: Some(HookAnswer::json(422, &body)), ..Pushed::default() });
        }
        // A mail that no rule knows is kept too: platforms change their words, and a rule can be added afterwards.
        Ok(Pushed { batch: self.read(hook.body), answer: Some(HookAnswer::Outcome) })
    }
}

/// Before a mail that is no text: its bytes follow in base64, so that it can be read again as it came.
const BYTES: &str = "data:message/rfc822;base64,";

fn payload(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => format!("{BYTES}{}", BASE64.encode(raw)),
    }
}

impl Notices {
    fn read(&self, raw: &[u8]) -> Batch {
        match convert::mail(raw, &self.rules, &self.checked_by, self.context.clock.now()) {
            Ok(items) => Batch { items, ..Batch::default() },
            Err(error) => {
                let payload = payload(raw);
                Batch { unreadable: vec![Unreadable { payload, error }], ..Batch::default() }
            }
        }
    }
}

/// Has no feeds: it is here to read again what no rule knew.
#[async_trait]
impl Pull for Notices {
    fn feeds(&self) -> &'static [Feed] {
        &[]
    }
    async fn pull(&self, _: &str, _: Option<&Value>) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }
    async fn recheck(&self, _: &[Known]) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }
    async fn reread(&self, _: &str, payload: &str) -> Result<Batch, ChannelError> {
        Ok(match payload.strip_prefix(BYTES).and_then(|encoded| BASE64.decode(encoded).ok()) {
            Some(raw) => self.read(&raw),
            None => self.read(payload.as_bytes()),
        })
    }
    fn recheck_max(&self) -> usize {
        0
    }
}
