//! Any system of the organisation's own: it posts conversations here by signed webhook, and gets the replies the same way.
//!
//! Owns: our own contract with such systems, both ways, in the scheme of Standard Webhooks: what comes in (`wire`,
//! `convert`), what goes out (`reply`), and a system to play against (`fake`).
//! Must not: know the desk.

mod convert;
pub mod fake;
mod reply;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::signature::{Doubt, Keys};
use super::{
    Allowance, AttachmentLimit, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field,
    FieldKind, HandOff, Hook, HookAnswer, Known, Limit, Measure, Probe, Pull, Push, Pushed, Reply, ThreadRef, Unit,
    Unreadable, Words, limits,
};
use crate::model::Lane;

/// Longer than anybody writes by hand, shorter than what a system might choke on.
const LONGEST: i64 = 20_000;

/// Any system.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "api",
    name: ("API", "API"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: &[
        Field {
            key: "name",
            kind: FieldKind::Text,
            required: true,
            default: None,
            label: ("System", "Systeem"),
            help: (
                "What this system is called. Its customers are kept apart from those of other systems by this name.",
                "Hoe dit systeem heet. Aan deze naam worden de klanten van dit systeem uit elkaar gehouden van die van andere systemen.",
            ),
            options: &[],
        },
        Field {
            key: "url",
            kind: FieldKind::Url,
            required: false,
            default: None,
            label: ("Address for replies", "Adres voor antwoorden"),
            help: (
                "Where Balie posts replies. Without it, conversations of this system cannot be answered from here.",
                "Waar Balie antwoorden naartoe stuurt. Zonder dit adres zijn gesprekken van dit systeem hier niet te beantwoorden.",
            ),
            options: &[],
        },
        Field {
            key: "secret",
            kind: FieldKind::Secret,
            required: true,
            default: None,
            label: ("Signing secret", "Geheim voor ondertekening"),
            help: (
                "whsec_ and at least 24 random bytes in base64. Both sides sign with it.",
                "whsec_ en minstens 24 willekeurige bytes in base64. Beide kanten ondertekenen ermee.",
            ),
            options: &[],
        },
        Field {
            key: "secret_before",
            kind: FieldKind::Secret,
            required: false,
            default: None,
            label: ("Secret before", "Vorige geheim"),
            help: (
                "While you change the secret: the one before, which stays good until you empty this field.",
                "Terwijl je het geheim vervangt: het vorige, dat geldig blijft tot je dit veld leegmaakt.",
            ),
            options: &[],
        },
    ],
    keeps: &[],
    lanes: &[Lane::Private, Lane::Public],
    oauth: None,
    connect,
    fake: Some(super::fake::Fake::Forgets(fake::boxed)),
};

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let name = context.settings["name"].as_str().unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return Err(rejected(
            "api.name",
            ("The system has no name.", "Het systeem heeft geen naam."),
            ("Give it one.", "Geef het een naam."),
        ));
    }
    let url = match context.settings["url"].as_str().map(str::trim).filter(|url| !url.is_empty()) {
        None => None,
        Some(url) => {
            let url: url::Url = url.parse().map_err(|_| {
                rejected(
                    "api.address",
                    ("The address for replies cannot be read.", "Het adres voor antwoorden is niet te lezen."),
                    ("Write it like https://erp.example/balie.", "Schrijf het als https://erp.example/balie."),
                )
            })?;
            context.client.check(&url)?;
            Some(url)
        }
    };
    Ok(Arc::new(Api { context, name, url }))
}

/// A connected system.
pub struct Api {
    context: Context,
    name: String,
    /// Where replies go.
    url: Option<url::Url>,
}

/// The keys in an account's secrets.
fn keys(secrets: &Value) -> Result<Keys, ChannelError> {
    let one = |key: &str| secrets[key].as_str().unwrap_or_default();
    Keys::read(&[one("secret"), one("secret_before")]).map_err(|_| {
        ChannelError::new(
            Class::Unauthorized,
            "api.secret",
            Words::new("The signing secret cannot be used.", "Het geheim voor ondertekening is niet bruikbaar."),
            Words::new(
                "Make one of at least 24 random bytes in base64, like: echo whsec_$(openssl rand -base64 32)",
                "Maak er een van minstens 24 willekeurige bytes in base64, zoals: echo whsec_$(openssl rand -base64 32)",
            ),
        )
    })
}

#[async_trait]
impl Channel for Api {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        let secrets = self.context.secrets.load().await?;
        let keys = keys(&secrets)?;
        let mut warnings = Vec::new();
        if let Some(url) = &self.url
            && let Err(error) = self.ping(url, &keys).await
        {
            // What comes in works all the same; the other end may not be built yet.
            warnings.push(error.into());
        }
        Ok(Probe {
            external_id: self.name.to_lowercase(),
            handle: self.name.clone(),
            name: self.name.clone(),
            url: None,
            facts: json!({}),
            warnings,
            ..Probe::default()
        })
    }

    fn allowance(&self, thread: &ThreadRef, _: &Value) -> Allowance {
        if self.url.is_none() {
            return Allowance {
                hand_off: Some(HandOff {
                    url: thread.url.clone(),
                    words: Words::new(
                        format!("Answer in {} and write down here that you did.", self.name),
                        format!("Antwoord in {} en leg hier vast dat je dat deed.", self.name),
                    ),
                }),
                ..Allowance::closed(
                    "api.one_way",
                    Words::new(
                        format!("{} takes no replies from here.", self.name),
                        format!("{} neemt van hieruit geen antwoorden aan.", self.name),
                    ),
                )
            };
        }
        Allowance {
            may_reply: true,
            limit: Limit { unit: Unit::Characters, max: LONGEST },
            language: true,
            attachments: AttachmentLimit { max: 5, max_bytes: 5_000_000, mimes: Vec::new(), alt_max: 1_500 },
            ..Allowance::default()
        }
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
        self.url.is_some().then_some(self as &dyn Reply)
    }
}

fn measure(text: &str) -> Measure {
    limits::characters(text, LONGEST)
}

#[async_trait]
impl Push for Api {
    async fn receive(&self, hook: &Hook<'_>) -> Result<Pushed, ChannelError> {
        if hook.method != axum::http::Method::POST {
            return Ok(Pushed { answer: Some(refusal(405, "Post a signed event here.")), ..Pushed::default() });
        }
        let now = self.context.clock.now();
        let [id, timestamp, signature] =
            ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| hook.header(name));
        keys(hook.secrets)?.verify(id, timestamp, signature, hook.body, now).map_err(doubted)?;
        // What is signed with our key is said by that system, also when we cannot read it.
        let text = String::from_utf8_lossy(hook.body);
        match convert::event(&text, &self.name, now) {
            Ok(items) if items.is_empty() => Ok(Pushed::default()),
            Ok(items) => Ok(Pushed { batch: Batch { items, ..Batch::default() }, answer: Some(HookAnswer::Outcome) }),
            Err(error) => {
                let answer = Some(refusal(422, &error));
                let unreadable = vec![Unreadable { payload: text.into_owned(), error }];
                Ok(Pushed { batch: Batch { unreadable, ..Batch::default() }, answer })
            }
        }
    }
}

/// Has no feeds: it is here to read again what was held back.
#[async_trait]
impl Pull for Api {
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
        Ok(match convert::event(payload, &self.name, self.context.clock.now()) {
            Ok(items) => Batch { items, ..Batch::default() },
            Err(error) => {
                Batch { unreadable: vec![Unreadable { payload: payload.to_owned(), error }], ..Batch::default() }
            }
        })
    }
    fn recheck_max(&self) -> usize {
        0
    }
}

/// A problem in the form of RFC 9457, as the rest of our API answers.
fn refusal(status: u16, detail: &str) -> HookAnswer {
    let body = json!({"type": "about:blank", "status": status, "code": "event.invalid", "detail": detail});
    HookAnswer::Exactly { status, mime: "application/problem+json", headers: Vec::new(), body: body.to_string() }
}

fn doubted(doubt: Doubt) -> ChannelError {
    let (code, cause, cure) = match doubt {
        Doubt::Incomplete => (
            "api.unsigned",
            (
                "webhook-id, webhook-timestamp or webhook-signature is missing.",
                "webhook-id, webhook-timestamp of webhook-signature ontbreekt.",
            ),
            (
                "Sign the event as Standard Webhooks says.",
                "Onderteken de gebeurtenis zoals Standard Webhooks het zegt.",
            ),
        ),
        Doubt::Time => (
            "api.time",
            (
                "The event was signed more than five minutes from now.",
                "De gebeurtenis is meer dan vijf minuten van nu ondertekend.",
            ),
            (
                "Sign it again for every try, and set the sender's clock right.",
                "Onderteken hem bij elke poging opnieuw, en zet de klok van de afzender goed.",
            ),
        ),
        Doubt::Signature => (
            "api.signature",
            ("The signature is not right.", "De handtekening klopt niet."),
            (
                "Sign the raw body with the secret of this account.",
                "Onderteken de rauwe inhoud met het geheim van dit account.",
            ),
        ),
    };
    ChannelError::new(Class::Unauthorized, code, Words::new(cause.0, cause.1), Words::new(cure.0, cure.1))
}

fn rejected(code: &str, cause: (&str, &str), cure: (&str, &str)) -> ChannelError {
    ChannelError::new(Class::Rejected, code, Words::new(cause.0, cause.1), Words::new(cure.0, cure.1))
}
