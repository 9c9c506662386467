//! What somebody filled in: read from a browser or from a page's own code, checked against the questions.
//!
//! Promises: whatever is sent is answered with what is wrong at which field, or is a whole set of answers; nothing is cut.

use std::collections::BTreeMap;

use serde_json::Value;

use super::definition::{Asked, Definition, Kind};
use crate::channels::{Words, claims};

/// What was sent, before it is looked at: the field's key and its text.
pub type Given = BTreeMap<String, String>;

/// What is wrong with a field, by its key.
pub type Wrong = BTreeMap<String, Words>;

/// One question with its answer, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'f> {
    pub field: &'f Asked,
    /// As it was typed; of a choice, its value.
    pub value: String,
}

/// How it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A browser sent a form: it gets a page.
    Page,
    /// A page's own code: it gets JSON.
    Json,
}

/// Takes apart what was sent. `None` when it is neither kind.
pub fn read(mime: &str, body: &[u8]) -> Option<(Form, Given)> {
    if mime.starts_with("application/x-www-form-urlencoded") {
        let mut given = Given::new();
        for (key, value) in url::form_urlencoded::parse(body).take(200) {
            given.entry(key.into_owned()).or_insert_with(|| value.into_owned());
        }
        return Some((Form::Page, given));
    }
    if !mime.starts_with("application/json") {
        return None;
    }
    let Value::Object(fields) = serde_json::from_slice(body).ok()? else { return None };
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("yes".to_owned()),
        _ => None,
    };
    let given = fields.into_iter().take(200).filter_map(|(key, value)| Some((key, text(value)?)));
    Some((Form::Json, given.collect()))
}

/// Checks every answer.
///
/// # Errors
/// What is wrong, field by field.
pub fn check<'f>(form: &'f Definition, given: &Given) -> Result<Vec<Answer<'f>>, Wrong> {
    let (mut answers, mut wrong) = (Vec::new(), Wrong::new());
    for field in &form.fields {
        let typed = given.get(&field.key).map(|text| tidy(text, field.kind)).unwrap_or_default();
        if typed.is_empty() {
            if field.required {
                wrong.insert(field.key.clone(), missing(field.kind));
            }
            continue;
        }
        match fault(field, &typed) {
            Some(words) => {
                wrong.insert(field.key.clone(), words);
            }
            None => answers.push(Answer { field, value: typed }),
        }
    }
    if wrong.is_empty() { Ok(answers) } else { Err(wrong) }
}

/// Without what nobody can see; lines only where there may be lines.
fn tidy(text: &str, kind: Kind) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let keep = |c: &char| !c.is_control() || (*c == '\n' && kind == Kind::Lines);
    let text: String = text
        .chars()
        .map(|c| if c == '\t' || (c == '\n' && kind != Kind::Lines) { ' ' } else { c })
        .filter(keep)
        .collect();
    text.trim().to_owned()
}

fn missing(kind: Kind) -> Words {
    match kind {
        Kind::Choice => Words::new("Choose one.", "Maak een keuze."),
        Kind::Check => Words::new("Tick this box.", "Vink dit aan."),
        _ => Words::new("Fill this in.", "Vul dit in."),
    }
}

fn fault(field: &Asked, typed: &str) -> Option<Words> {
    let max = field.longest();
    if typed.chars().count() > max {
        return Some(Words::new(format!("Use at most {max} characters."), format!("Gebruik hoogstens {max} tekens.")));
    }
    let fine = match field.kind {
        Kind::Text | Kind::Lines => true,
        Kind::Email => claims::email(typed, false).is_some(),
        // Whatever has enough digits can be called.
        Kind::Phone => {
            let digits = typed.chars().filter(char::is_ascii_digit).count();
            (6..=20).contains(&digits) && typed.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c))
        }
        Kind::Number => typed.replace(',', ".").parse::<f64>().is_ok_and(f64::is_finite),
        Kind::Date => typed.parse::<jiff::civil::Date>().is_ok() && typed.len() == 10,
        Kind::Choice => field.options.iter().any(|option| option.value == typed),
        Kind::Check => matches!(typed, "yes" | "on" | "1" | "true"),
    };
    (!fine).then(|| match field.kind {
        Kind::Email => Words::new(
            "This is no e-mail address. Write it like name@example.org.",
            "Dit is geen e-mailadres. Schrijf het als naam@voorbeeld.nl.",
        ),
        Kind::Phone => Words::new(
            "This is no telephone number. Use digits, like 06 12345678.",
            "Dit is geen telefoonnummer. Gebruik cijfers, zoals 06 12345678.",
        ),
        Kind::Number => Words::new("This is no number.", "Dit is geen getal."),
        Kind::Date => {
            Words::new("This is no date. Write it like 2026-03-02.", "Dit is geen datum. Schrijf hem als 2026-03-02.")
        }
        _ => Words::new("Choose one of the answers.", "Kies een van de antwoorden."),
    })
}
