//! What a form asks, as an admin writes it down: JSON, checked once when the account is connected.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};

use crate::channels::Words;

/// A form with more is not filled in by anybody.
const MOST_FIELDS: usize = 40;
const LONGEST_TEXT: usize = 200;
const LONGEST_LINES: usize = 5_000;

/// A whole form.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    #[serde(deserialize_with = "words")]
    pub title: Words,
    #[serde(default, deserialize_with = "maybe_words")]
    pub intro: Option<Words>,
    #[serde(default, deserialize_with = "maybe_words")]
    pub thanks: Option<Words>,
    pub fields: Vec<Asked>,
    /// When the customer was promised an outcome, counted from sending.
    #[serde(default)]
    pub answer_within_days: Option<u16>,
    /// What closing the conversation may end in.
    #[serde(default, deserialize_with = "all_words")]
    pub outcomes: Vec<Words>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Names the field in what is sent.
    pub key: String,
    #[serde(default)]
    pub kind: Kind,
    #[serde(default)]
    pub required: bool,
    #[serde(deserialize_with = "words")]
    pub label: Words,
    #[serde(default, deserialize_with = "maybe_words")]
    pub help: Option<Words>,
    /// Longest answer in characters.
    #[serde(default)]
    pub max: Option<usize>,
    /// Of a choice.
    #[serde(default)]
    pub options: Vec<Choice>,
}

/// What an answer must look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Text,
    Lines,
    Email,
    Phone,
    Number,
    Date,
    Choice,
    /// A box to tick.
    Check,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub value: String,
    #[serde(deserialize_with = "words")]
    pub label: Words,
}

impl Asked {
    pub fn longest(&self) -> usize {
        let most = if self.kind == Kind::Lines { LONGEST_LINES } else { LONGEST_TEXT };
        self.max.unwrap_or(most).clamp(1, LONGEST_LINES)
    }
}

impl Definition {
    /// Reads and checks a form.
    ///
    /// # Errors
    /// A sentence for the admin: what is wrong, and where.
    pub fn read(text: &str) -> Result<Self, String> {
        let form: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if form.fields.is_empty() || form.fields.len() > MOST_FIELDS {
            return Err(format!("a form asks 1 to {MOST_FIELDS} things"));
        }
        let mut keys = HashSet::new();
        for field in &form.fields {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if field.key.is_empty()
                || field.key.len() > 40
                || !field.key.chars().all(plain)
                || field.key.starts_with('_')
            {
                return Err(format!("\"{}\" is no key: use a to z, digits and _ (not in front)", field.key));
            }
            if !keys.insert(field.key.as_str()) {
                return Err(format!("the key \"{}\" is used twice", field.key));
            }
            if (field.kind == Kind::Choice) == field.options.is_empty() {
                return Err(format!("{}: a choice has options, and nothing else has", field.key));
            }
        }
        Ok(form)
    }
}

/// One text for both languages, or one each.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Same(String),
    Each { en: String, nl: String },
}

impl From<Written> for Words {
    fn from(written: Written) -> Self {
        match written {
            Written::Same(text) => Self::new(text.clone(), text),
            Written::Each { en, nl } => Self::new(en, nl),
        }
    }
}

fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Words, D::Error> {
    Written::deserialize(from).map(Words::from)
}

fn maybe_words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Words>, D::Error> {
    Ok(Option::<Written>::deserialize(from)?.map(Words::from))
}

fn all_words<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Words>, D::Error> {
    Ok(Vec::<Written>::deserialize(from)?.into_iter().map(Words::from).collect())
}

#[cfg(test)]
mod tests {
    use super::{Definition, Kind};

    #[test]
    fn the_example_is_a_form() {
        let form = Definition::read(include_str!("guarantee.json")).unwrap();
        assert_eq!((form.fields.len(), form.answer_within_days, form.outcomes.len()), (7, Some(14), 4));
        assert_eq!(form.fields[6].kind, Kind::Lines);
    }

    #[test]
    fn a_form_that_cannot_work_is_refused_with_its_reason() {
        let field = |field: &str| format!(r#"{{"title": "T", "fields": [{field}]}}"#);
        for (text, says) in [
            (String::new(), "EOF"),
            ("{\"title\": \"T\", \"fields\": []}".to_owned(), "1 to 40"),
            (field(r#"{"key": "Name", "label": "N"}"#), "is no key"),
            (field(r#"{"key": "_once", "label": "N"}"#), "is no key"),
            (field(r#"{"key": "a", "label": "N"}, {"key": "a", "label": "M"}"#), "twice"),
            (field(r#"{"key": "a", "label": "N", "kind": "choice"}"#), "has options"),
            (field(r#"{"key": "a", "label": "N", "kind": "colour"}"#), "colour"),
            (field(r#"{"key": "a", "label": "N", "requird": true}"#), "requird"),
        ] {
            let error = Definition::read(&text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
