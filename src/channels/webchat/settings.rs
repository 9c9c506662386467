//! What an admin filled in, read and checked: the lines of origins, hours, questions and triggers.
//!
//! Promises: whatever cannot be read is refused when it is entered, with the line that is wrong.

use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::visit::{Identity, Question, Trigger};
use super::super::{ChannelError, Class, Words};
use super::hours::Hours;
use super::identity::public_keys;
use super::origin::Site;

/// Questions, answers and triggers beyond these are a mistake.
const MOST_LINES: usize = 40;

/// Everything filled in.
pub struct Settings {
    pub name: String,
    pub language: String,
    pub sites: Vec<Site>,
    pub hours: Hours,
    pub expected_wait: Option<String>,
    pub form_when_closed: bool,
    pub greeting: Option<String>,
    pub away: Option<String>,
    pub consent: Option<String>,
    pub color: String,
    pub side: String,
    pub quick_replies: Vec<String>,
    pub questions: Vec<Question>,
    pub triggers: Vec<Trigger>,
    pub identity: Identity,
    /// Of the site's server, under which it signs who a customer is.
    pub public_keys: Vec<ParsedPublicKey>,
    pub agent_names: AgentNames,
    pub files: bool,
    pub rating: bool,
}

/// By what name agents are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentNames {
    First,
    Full,
    Nobody,
}

impl Settings {
    pub fn read(settings: &Value) -> Result<Self, ChannelError> {
        let text = |key: &str| settings[key].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let or = |key: &str, default: &str| text(key).unwrap_or_else(|| default.to_owned());
        let lines = |key: &str| -> Vec<String> {
            let all = text(key).unwrap_or_default();
            all.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let flag = |key: &str| settings[key].as_bool().unwrap_or(true);
        let short = |key: &str| -> Result<Vec<String>, ChannelError> {
            let lines = lines(key);
            let wrong = lines.get(MOST_LINES).or_else(|| lines.iter().find(|line| line.chars().count() > 500));
            wrong.map_or(Ok(()), |line| Err(unreadable(key, line)))?;
            Ok(lines)
        };

        let name = text("name").ok_or_else(|| unreadable("name", ""))?;
        let sites = short("origins")?
            .iter()
            .map(|line| Site::parse(line).ok_or_else(|| unreadable("origins", line)))
            .collect::<Result<Vec<_>, _>>()?;
        if sites.is_empty() {
            return Err(unreadable("origins", ""));
        }
        let zone = or("timezone", "Europe/Amsterdam");
        Hours::parse("", &zone).map_err(|zone| unreadable("timezone", &zone))?;
        let hours = Hours::parse(&short("hours")?.join("\n"), &zone).map_err(|line| unreadable("hours", &line))?;
        let color = or("color", "#0b6b53");
        if !is_color(&color) {
            return Err(unreadable("color", &color));
        }
        let mut questions: Vec<Question> = Vec::new();
        for line in short("prechat")? {
            let question = question(&line).ok_or_else(|| unreadable("prechat", &line))?;
            if questions.iter().any(|other| other.key == question.key) {
                return Err(unreadable("prechat", &line));
            }
            questions.push(question);
        }
        let triggers = short("triggers")?
            .iter()
            .map(|line| trigger(line).ok_or_else(|| unreadable("triggers", line)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name,
            language: or("language", "nl"),
            sites,
            hours,
            expected_wait: Some(or("expected_wait", "minutes")).filter(|wait| wait != "none"),
            form_when_closed: or("when_closed", "form") == "form",
            greeting: text("greeting"),
            away: text("away"),
            consent: text("consent"),
            color,
            side: or("side", "right"),
            quick_replies: short("quick_replies")?,
            questions,
            triggers,
            public_keys: match text("identity_public_keys") {
                Some(pem) => public_keys(&pem).map_err(|()| unreadable("identity_public_keys", ""))?,
                None => Vec::new(),
            },
            identity: or("identity", "optional").parse().map_err(|_| unreadable("identity", ""))?,
            agent_names: match or("agent_names", "first").as_str() {
                "full" => AgentNames::Full,
                "nobody" => AgentNames::Nobody,
                _ => AgentNames::First,
            },
            files: flag("files"),
            rating: flag("rating"),
        })
    }
}

fn unreadable(field: &str, line: &str) -> ChannelError {
    let cause = if field == "identity_public_keys" {
        Words::new(
            "The public keys for customers cannot be read.".to_owned(),
            "De openbare sleutels voor klanten zijn niet te lezen.".to_owned(),
        )
    } else if line.is_empty() {
        Words::new(format!("The field \"{field}\" is empty."), format!("Het veld \"{field}\" is leeg."))
    } else {
        Words::new(
            format!("In \"{field}\" this cannot be read: {line}"),
            format!("In \"{field}\" is dit niet te lezen: {line}"),
        )
    };
    let (en, nl) = match field {
        "origins" => (
            "Write one site per line, as https://www.shop.example or https://*.shop.example.",
            "Schrijf één site per regel, als https://www.winkel.example of https://*.winkel.example.",
        ),
        "hours" => (
            "Write one rule per line, as mon-fri 09:00-17:30 or 2026-12-25 closed.",
            "Schrijf één regel per keer, als ma-vr 09:00-17:30 of 2026-12-25 dicht.",
        ),
        "timezone" => ("Write it as Europe/Amsterdam.", "Schrijf hem als Europe/Amsterdam."),
        "color" => ("Write it as #0b6b53.", "Schrijf hem als #0b6b53."),
        "prechat" => (
            "Write one question per line, as email* or topic*: Subject = Order, Return, Other.",
            "Schrijf één vraag per regel, als email* of onderwerp*: Onderwerp = Bestelling, Retour, Anders.",
        ),
        "triggers" => (
            "Write one rule per line, as 30s /checkout/* Can we help you? or event:cart_left Anything unclear?",
            "Schrijf één regel per keer, als 30s /afrekenen/* Kunnen we helpen? of event:cart_left Is er iets onduidelijk?",
        ),
        "identity_public_keys" => (
            "Paste RSA public keys of at least 2048 bits in PEM, each from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----.",
            "Plak openbare RSA-sleutels van minstens 2048 bits in PEM, elk van -----BEGIN PUBLIC KEY----- tot -----END PUBLIC KEY-----.",
        ),
        _ => ("Fill it in and try again.", "Vul het in en probeer het opnieuw."),
    };
    ChannelError::new(Class::Rejected, format!("setting.{field}"), cause, Words::new(en, nl))
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| matches!(hex.len(), 3 | 6) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `key[*][: label][ = choice, choice]`
fn question(line: &str) -> Option<Question> {
    let (head, options) = line.split_once('=').map_or((line, ""), |(head, options)| (head, options));
    let (key, label) = head.split_once(':').map_or((head, ""), |(key, label)| (key, label));
    let (key, required) = key.trim().strip_suffix('*').map_or((key.trim(), false), |key| (key.trim(), true));
    let is_key =
        !key.is_empty() && key.len() <= 40 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if !is_key || key == "website" {
        return None;
    }
    let options: Vec<String> =
        options.split(',').map(str::trim).filter(|option| !option.is_empty()).map(str::to_owned).collect();
    let known = matches!(key, "name" | "email" | "phone");
    let label = Some(label.trim().to_owned()).filter(|label| !label.is_empty());
    if label.is_none() && !known {
        return None;
    }
    let kind = match key {
        _ if !options.is_empty() => "choice",
        "email" => "email",
        "phone" => "phone",
        _ => "text",
    };
    Some(Question { key: key.to_owned(), kind: kind.to_owned(), label, required, options })
}

/// `[30s] [/path/*] [event:name] text`
fn trigger(line: &str) -> Option<Trigger> {
    let mut trigger = Trigger { id: id(line), after_seconds: None, page: None, event: None, text: String::new() };
    let mut rest = line.trim();
    while let Some((word, after)) = rest.split_once(char::is_whitespace) {
        let seconds = word.strip_suffix('s').and_then(|number| number.parse::<u32>().ok());
        if let Some(seconds) = seconds.filter(|_| trigger.after_seconds.is_none()) {
            trigger.after_seconds = Some(seconds);
        } else if word.starts_with('/') && trigger.page.is_none() {
            trigger.page = Some(word.to_owned());
        } else if let Some(event) = word.strip_prefix("event:").filter(|e| !e.is_empty() && trigger.event.is_none()) {
            trigger.event = Some(event.to_owned());
        } else {
            break;
        }
        rest = after.trim_start();
    }
    rest.clone_into(&mut trigger.text);
    let conditioned = trigger.after_seconds.is_some() || trigger.page.is_some() || trigger.event.is_some();
    (conditioned && !rest.is_empty()).then_some(trigger)
}

/// The same line has the same id, so that a decline is remembered; another text is another trigger.
fn id(line: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(line.trim().as_bytes()).iter().take(6).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{Settings, question, trigger};
    use serde_json::{Value, json};

    fn refused(key: &str, value: &str) -> String {
        let mut settings = json!({ "name": "Korst", "origins": "https://korst.example" });
        settings[key] = Value::String(value.to_owned());
        Settings::read(&settings).err().map(|error| error.code).unwrap_or_default()
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_its_field() {
        for (key, value) in [
            ("name", " "),
            ("origins", ""),
            ("origins", "korst.example"),
            ("origins", "https://korst.example\nhttps://*.com"),
            ("hours", "always"),
            ("timezone", "Mars"),
            ("color", "red; background: url(//evil.example)"),
            ("prechat", "topic*"),
            ("prechat", "email\nemail*"),
            ("prechat", "website: Website"),
            ("triggers", "30s"),
            ("triggers", "Can we help?"),
            ("identity", "maybe"),
            ("identity_public_keys", "ssh-rsa AAAA"),
        ] {
            assert_eq!(refused(key, value), format!("setting.{key}"), "{value}");
        }
        assert_eq!(refused("hours", "mon-fri 09:00-17:00"), "");
    }

    #[test]
    fn a_question_is_its_key_with_a_label_and_choices() {
        let topic = question("topic*: Onderwerp = Bestelling, Retour").unwrap();
        assert_eq!((topic.key.as_str(), topic.kind.as_str(), topic.required), ("topic", "choice", true));
        assert_eq!((topic.label.as_deref(), topic.options.len()), (Some("Onderwerp"), 2));
        let email = question("email").unwrap();
        assert_eq!((email.kind.as_str(), email.required, email.label), ("email", false, None));
    }

    #[test]
    fn a_trigger_has_conditions_and_words_and_keeps_its_id() {
        let line = "30s /winkel/* event:cart Kan ik 5s helpen?";
        let found = trigger(line).unwrap();
        assert_eq!(
            (found.after_seconds, found.page.as_deref(), found.event.as_deref()),
            (Some(30), Some("/winkel/*"), Some("cart"))
        );
        assert_eq!(found.text, "Kan ik 5s helpen?");
        assert_eq!(found.id, trigger(line).unwrap().id);
        assert_ne!(found.id, trigger("31s /winkel/* event:cart Kan ik 5s helpen?").unwrap().id);
    }
}
