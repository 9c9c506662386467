//! A contact form: a page of our own, or a site's own form that posts here. What was filled in becomes a conversation with a
//! deadline and an outcome.
//!
//! Owns: what a form asks (`definition`), what was filled in (`answers`), the page (`page`), what becomes of it (`convert`),
//! how often (`limit`).
//! Must not: know the desk. Cannot answer: whoever filled it in left an address. An account with a mailbox answers there; without one the
//! conversation says which it is.

mod answers;
mod convert;
mod definition;
mod limit;
mod page;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use self::answers::{Form, Given, Wrong};
use self::definition::Definition;
use self::limit::Limit;
use self::page::Lang;
use super::{
    Allowance, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field, FieldKind, HandOff, Hook,
    HookAnswer, Known, Measure, Probe, Pull, Push, Pushed, ThreadRef, Unit, Unreadable, Words,
};
use crate::model::Lane;

/// Largest filled-in form, in bytes. Forty answers of five thousand characters do not come.
const LARGEST: usize = 256 * 1024;

/// A contact form.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "form",
    name: ("Form", "Formulier"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: &[
        Field {
            key: "definition",
            kind: FieldKind::Lines,
            required: true,
            default: Some(include_str!("guarantee.json")),
            label: ("What it asks", "Wat het vraagt"),
            help: (
                "The form as JSON: title, fields, deadline, outcomes. The example is a guarantee claim.",
                "Het formulier als JSON: titel, velden, termijn, uitkomsten. Het voorbeeld is een garantieclaim.",
            ),
            options: &[],
        },
        Field {
            key: "language",
            kind: FieldKind::Choice,
            required: true,
            default: Some("nl"),
            label: ("Language", "Taal"),
            help: (
                "In which language the form opens; visitors can choose the other.",
                "In welke taal het formulier opent; bezoekers kunnen de andere kiezen.",
            ),
            options: &[("nl", ("Dutch", "Nederlands")), ("en", ("English", "Engels"))],
        },
        Field {
            key: "sites",
            kind: FieldKind::Text,
            required: false,
            default: None,
            label: ("Sites", "Sites"),
            help: (
                "Which sites may show or send the form, like https://www.voorbeeld.nl; with spaces between. Empty: only its own page.",
                "Welke sites het formulier mogen tonen of versturen, zoals https://www.voorbeeld.nl; met spaties ertussen. Leeg: alleen de eigen pagina.",
            ),
            options: &[],
        },
        Field {
            key: "country",
            kind: FieldKind::Text,
            required: false,
            default: Some("+31"),
            label: ("Country code", "Landnummer"),
            help: (
                "Put before telephone numbers that begin with 0.",
                "Komt voor telefoonnummers die met een 0 beginnen.",
            ),
            options: &[],
        },
        Field {
            key: "mailbox",
            kind: FieldKind::Mailbox,
            required: false,
            default: None,
            label: ("Answered by", "Beantwoord door"),
            help: (
                "The mailbox that answers who left an e-mail address: what they fill in becomes a conversation of that mailbox. Without one the form itself cannot answer.",
                "De mailbox die antwoordt wie een e-mailadres achterliet: wat ze invullen wordt een gesprek van die mailbox. Zonder kan het formulier zelf niet antwoorden.",
            ),
            options: &[],
        },
    ],
    keeps: &[],
    lanes: &[Lane::Private],
    oauth: None,
    connect,
    fake: None,
};

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let settings = context.settings.clone();
    let text = |key: &str| settings[key].as_str().unwrap_or_default().trim();
    let form = Definition::read(text("definition")).map_err(|why| {
        rejected(
            "form.definition",
            &format!("The form cannot be read: {why}."),
            &format!("Het formulier is niet te lezen: {why}."),
            "Correct it; the example shows how it is written.",
            "Verbeter het; het voorbeeld laat zien hoe het geschreven wordt.",
        )
    })?;
    let sites = text("sites").split([' ', ',', '\n']).filter(|site| !site.is_empty()).map(origin);
    let sites = sites.collect::<Result<Vec<_>, _>>()?;
    let country = text("country");
    let digits = country.strip_prefix('+').unwrap_or_default();
    if !country.is_empty() && (digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|b| b.is_ascii_digit())) {
        return Err(rejected(
            "form.country",
            "This is no country code.",
            "Dit is geen landnummer.",
            "Write it like +31.",
            "Schrijf het als +31.",
        ));
    }
    let country = if country.is_empty() { "+31" } else { country }.to_owned();
    let lang = Lang::of(text("language")).unwrap_or(Lang::Nl);
    Ok(Arc::new(ContactForm { form, sites, country, lang, limit: Limit::default(), context }))
}

/// `https://host[:port]`, as browsers name a site.
fn origin(site: &str) -> Result<String, ChannelError> {
    let url: Option<url::Url> = site.trim_end_matches('/').parse().ok();
    let named =
        url.filter(|url| matches!(url.scheme(), "http" | "https")).map(|url| url.origin().ascii_serialization());
    named.ok_or_else(|| {
        rejected(
            "form.site",
            &format!("\"{site}\" is no site."),
            &format!("\"{site}\" is geen site."),
            "Write it like https://www.voorbeeld.nl.",
            "Schrijf het als https://www.voorbeeld.nl.",
        )
    })
}

fn rejected(code: &str, en: &str, nl: &str, cure_en: &str, cure_nl: &str) -> ChannelError {
    ChannelError::new(Class::Rejected, code, Words::new(en, nl), Words::new(cure_en, cure_nl))
}

/// A form that stands somewhere.
pub struct ContactForm {
    form: Definition,
    /// Who may show it in a frame or send it.
    sites: Vec<String>,
    country: String,
    lang: Lang,
    limit: Limit,
    context: Context,
}

#[async_trait]
impl Channel for ContactForm {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        let title = self.lang.say(&self.form.title).to_owned();
        Ok(Probe {
            external_id: title.to_lowercase(),
            handle: title.clone(),
            name: title,
            facts: json!({}),
            ..Probe::default()
        })
    }

    fn allowance(&self, thread: &ThreadRef, facts: &Value) -> Allowance {
        let left = |key: &str| facts["thread"][key].as_str().filter(|value| !value.is_empty());
        let (url, words) = if let Some(address) = left("email") {
            let subject = thread.title.as_deref().unwrap_or_default();
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("subject", subject)
                .finish()
                .replace('+', "%20");
            let to: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
            let words = Words::new(
                format!("Answer by e-mail to {address}, and write down here that you did."),
                format!("Antwoord per e-mail aan {address} en leg hier vast dat je dat deed."),
            );
            (Some(format!("mailto:{}?{query}", to.replace("%40", "@"))), words)
        } else if let Some(number) = left("phone") {
            let words = Words::new(
                format!("Call {number}, and write down here that you did."),
                format!("Bel {number} en leg hier vast dat je dat deed."),
            );
            let dialled: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
            (Some(format!("tel:{dialled}")), words)
        } else {
            let words = Words::new(
                "No address or number was left: this can be noted and closed.",
                "Er is geen adres of nummer achtergelaten: dit kan genoteerd en gesloten worden.",
            );
            (None, words)
        };
        Allowance {
            outcomes: self.form.outcomes.clone(),
            hand_off: Some(HandOff { url, words }),
            ..Allowance::closed(
                "form.no_way_back",
                Words::new(
                    "A form has no way back: the answer goes by e-mail or telephone.",
                    "Een formulier heeft geen weg terug: het antwoord gaat per e-mail of telefoon.",
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
impl Push for ContactForm {
    async fn receive(&self, hook: &Hook<'_>) -> Result<Pushed, ChannelError> {
        let origin = hook.header("origin").filter(|origin| self.sites.iter().any(|site| site == origin));
        let mut pushed = match *hook.method {
            Method::GET => {
                let empty =
                    page::ask(&self.form, self.language(hook), &fresh().to_string(), &Given::new(), &Wrong::new());
                said(self.html(200, empty))
            }
            Method::OPTIONS => said(preflight()),
            _ => self.sent(hook),
        };
        pushed.answer = pushed.answer.map(|answer| {
            let answer = answer.with("vary", "origin");
            if let Some(origin) = origin { answer.with("access-control-allow-origin", origin) } else { answer }
        });
        Ok(pushed)
    }
}

/// A browser asks before a site's own code may send.
fn preflight() -> HookAnswer {
    HookAnswer::Exactly { status: 204, mime: "text/plain; charset=utf-8", headers: Vec::new(), body: String::new() }
        .with("access-control-allow-methods", "POST")
        .with("access-control-allow-headers", "content-type")
        .with("access-control-max-age", "600")
}

fn said(answer: HookAnswer) -> Pushed {
    Pushed { answer: Some(answer), ..Pushed::default() }
}

fn fresh() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

impl ContactForm {
    fn language(&self, hook: &Hook<'_>) -> Lang {
        hook.param("lang").as_deref().and_then(Lang::of).unwrap_or(self.lang)
    }

    fn html(&self, status: u16, body: String) -> HookAnswer {
        HookAnswer::Exactly { status, mime: "text/html; charset=utf-8", headers: Vec::new(), body }
            .with("content-security-policy", page::policy(&self.sites))
            .with("cross-origin-resource-policy", "cross-origin")
    }

    /// Somebody sends it.
    fn sent(&self, hook: &Hook<'_>) -> Pushed {
        let (lang, now) = (self.language(hook), self.context.clock.now());
        if let Err(seconds) = self.limit.count(hook.from, now) {
            let words = Words::new(
                "This form was sent too often from your address. Wait a few minutes and try again.",
                "Dit formulier is te vaak verstuurd vanaf jouw adres. Wacht een paar minuten en probeer het opnieuw.",
            );
            let answer = if is_json(hook) {
                HookAnswer::json(429, &json!({"code": "form.too_often", "detail": lang.say(&words)}))
            } else {
                self.html(429, page::tell(&self.form, lang, &words))
            };
            return said(answer.with("retry-after", seconds.to_string()));
        }
        if hook.body.len() > LARGEST {
            return said(HookAnswer::json(413, &json!({"code": "form.too_large", "detail": "the form is too large"})));
        }
        let Some((kind, given)) = answers::read(hook.header("content-type").unwrap_or_default(), hook.body) else {
            let detail = "send application/x-www-form-urlencoded, or application/json with one object of texts";
            return said(HookAnswer::json(415, &json!({"code": "form.not_readable", "detail": detail})));
        };
        let once = given.get(page::ONCE).and_then(|once| once.parse().ok()).unwrap_or_else(fresh);
        let thanks = |name: uuid::Uuid, batch: Batch| {
            let answer = match kind {
                Form::Page => self.html(200, page::thank(&self.form, lang, &convert::reference(name))),
                Form::Json => HookAnswer::json(202, &json!({"reference": convert::reference(name)})),
            };
            Pushed { batch, answer: Some(answer) }
        };
        let trapped = given.get(page::TRAP).is_some_and(|trap| !trap.is_empty());
        match answers::check(&self.form, &given) {
            Ok(answers) if trapped => {
                let name = convert::name_of(once, &answers);
                // A robot learns nothing; and should it have been a person after all, an admin can read it and let it in.
                // Only what this form asks is kept: the rest is the robot's.
                let mut asked: Given = given;
                asked.retain(|key, _| self.form.fields.iter().any(|field| field.key == *key));
                asked.insert(page::ONCE.to_owned(), once.to_string());
                let payload = serde_json::to_string(&asked).unwrap_or_default();
                let error = "a field that people do not see was filled in: it looks written by a robot".to_owned();
                thanks(name, Batch { unreadable: vec![Unreadable { payload, error }], ..Batch::default() })
            }
            Ok(answers) => {
                let name = convert::name_of(once, &answers);
                let items = convert::items(&self.form, &answers, name, lang, &self.country, now);
                thanks(name, Batch { items, ..Batch::default() })
            }
            Err(wrong) => said(match kind {
                Form::Page => self.html(422, page::ask(&self.form, lang, &once.to_string(), &given, &wrong)),
                Form::Json => {
                    let errors: Value = wrong.iter().map(|(key, words)| (key.clone(), lang.say(words))).collect();
                    HookAnswer::json(422, &json!({"code": "form.incomplete", "errors": errors}))
                }
            }),
        }
    }
}

fn is_json(hook: &Hook<'_>) -> bool {
    hook.header("content-type").is_some_and(|mime| mime.starts_with("application/json"))
}

/// Has no feeds: it is here to let in what was taken for a robot's.
#[async_trait]
impl Pull for ContactForm {
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
        let still = |error: String| {
            Ok(Batch { unreadable: vec![Unreadable { payload: payload.to_owned(), error }], ..Batch::default() })
        };
        let Ok(given) = serde_json::from_str::<Given>(payload) else { return still("this is no form".to_owned()) };
        let once = given.get(page::ONCE).and_then(|once| once.parse().ok()).unwrap_or_else(fresh);
        match answers::check(&self.form, &given) {
            Ok(answers) => {
                let now = self.context.clock.now();
                let name = convert::name_of(once, &answers);
                let items = convert::items(&self.form, &answers, name, self.lang, &self.country, now);
                Ok(Batch { items, ..Batch::default() })
            }
            Err(wrong) => {
                let fields: Vec<&str> = wrong.keys().map(String::as_str).collect();
                still(format!("not filled in as asked: {}", fields.join(", ")))
            }
        }
    }
    fn recheck_max(&self) -> usize {
        0
    }
}
