//! Platforms without an API: their notification mails become conversations with a link to where one answers.
//!
//! Owns: which mail is a notification of which platform (`rules`), what it says (`convert`), and where mails come from (`fields`): the
//! mail server hands each over at `/hooks/{account}`, or they are read where they lie (`mailbox`), or both.
//! Promises: a mail that comes both ways is one message.
//! Must not: know the desk; mark or move a mail.

mod convert;
mod fields;
mod mailbox;
mod rules;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use self::convert::Not;
use self::mailbox::Mailbox;
use self::rules::Rule;
use super::mailbox::read_again;
use super::mailbox::reader::{Found, Judge, Read};
use super::{
    Allowance, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, HandOff, Hook, HookAnswer, Item,
    Known, Measure, Probe, Pull, Push, Pushed, ThreadRef, Unit, Unreadable, Warning, Words, signature,
};
use crate::model::Lane;

/// A key that can be guessed is none.
const SHORTEST_KEY: usize = 20;
/// What this channel is called.
const KEY: &str = "notify";

/// Notification mails.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: KEY,
    name: ("Notification mails", "Meldingsmails"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: fields::FIELDS,
    keeps: &[],
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
    let mailbox = Mailbox::of(&context)?;
    Ok(Arc::new(Notices { context, rules, name, checked_by, mailbox }))
}

/// A source of notification mails.
pub struct Notices {
    context: Context,
    rules: Vec<Rule>,
    name: String,
    checked_by: String,
    mailbox: Option<Mailbox>,
}

/// Whether mails are handed over, as far as the account's secrets say.
fn is_handed_over(secrets: &Value) -> bool {
    secrets["key"].as_str().is_some_and(|key| !key.is_empty())
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

/// Neither handed over nor read.
fn no_way_in() -> ChannelError {
    ChannelError::new(
        Class::Unauthorized,
        "notify.no_way_in",
        Words::new(
            "There is neither a mailbox nor a key: no mail can come in.",
            "Er is geen mailbox en geen sleutel: er kan geen mail binnenkomen.",
        ),
        Words::new(
            "Fill in the IMAP server, user name and password of the mailbox in which the mails lie, or make a key for your mail server, like: openssl rand -hex 20",
            "Vul de IMAP-server, gebruikersnaam en wachtwoord in van de mailbox waar de mails in liggen, of maak een sleutel voor je mailserver, zoals: openssl rand -hex 20",
        ),
    )
}

#[async_trait]
impl Channel for Notices {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        let mut warnings = Vec::new();
        let mut facts = json!({});
        let secrets = self.context.secrets.load().await?;
        if is_handed_over(&secrets) {
            key(&secrets)?;
        } else if self.mailbox.is_none() {
            return Err(no_way_in());
        }
        if let Some(mailbox) = &self.mailbox {
            let (words, seen) = mailbox.probe(self).await?;
            warnings.extend(words);
            facts["mailbox"] = seen;
        }
        if self.checked_by.is_empty() {
            warnings.push(Warning::new(
                "notify.unchecked",
                "Nobody checks who sent a mail; whoever knows the address can write in a platform's name. Name the mail server that checks senders.",
                "Niemand controleert wie een mail stuurde; wie het adres kent kan in naam van een platform schrijven. Noem de mailserver die afzenders controleert.",
            ));
        }
        Ok(Probe {
            external_id: self.name.to_lowercase(),
            handle: self.name.clone(),
            name: self.name.clone(),
            facts,
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
        Ok(Pushed { batch: self.handed(hook.body), answer: Some(HookAnswer::Outcome) })
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
    /// A mail that was handed over.
    fn handed(&self, raw: &[u8]) -> Batch {
        match convert::mail(raw, &self.rules, &self.checked_by, self.context.clock.now()) {
            Ok(items) => Batch { items, ..Batch::default() },
            Err(not) => Batch {
                unreadable: vec![Unreadable { payload: payload(raw), error: not.to_string() }],
                ..Batch::default()
            },
        }
    }
}

/// Of a mailbox, in which other mail may lie too, only that is kept which is a notification or passes for one.
impl Judge for Notices {
    fn read(&self, found: &Found<'_>) -> Read {
        match convert::mail(found.raw, &self.rules, &self.checked_by, found.at) {
            Ok(mut items) => {
                for item in &mut items {
                    if let Item::Message(message) = item {
                        message.history = found.history;
                    }
                }
                Read::Items(items)
            }
            Err(Not::Known(_)) => Read::Left,
            Err(not @ Not::Vouched(_)) => Read::Unreadable(not.to_string()),
        }
    }
}

/// Reads the mailbox, where there is one; and again what was held, wherever it came from.
#[async_trait]
impl Pull for Notices {
    fn feeds(&self) -> &'static [Feed] {
        if self.mailbox.is_some() { mailbox::FEEDS } else { &[] }
    }
    async fn pull(&self, _: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        match &self.mailbox {
            Some(mailbox) => mailbox.look(self, cursor).await,
            None => Ok(Batch::default()),
        }
    }
    async fn recheck(&self, _: &[Known]) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }
    async fn reread(&self, feed: &str, payload: &str) -> Result<Batch, ChannelError> {
        // What a stranger handed over is never taken for something that was found.
        if mailbox::FEEDS.iter().any(|one| one.key == feed) {
            return read_again(self.mailbox.as_ref().map(Mailbox::way), self, payload).await;
        }
        Ok(match payload.strip_prefix(BYTES).and_then(|encoded| BASE64.decode(encoded).ok()) {
            Some(raw) => self.handed(&raw),
            None => self.handed(payload.as_bytes()),
        })
    }
    fn recheck_max(&self) -> usize {
        0
    }
}
