//! From a set of answers to a message in a thread of its own.

use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::answers::Answer;
use super::definition::{Definition, Kind};
use super::page::Lang;
use crate::channels::{AnswerAt, Author, Item, Message, ThreadRef, claims};
use crate::model::{Answered, Claim, Direction, Lane, MessageKind, ThreadKind, Timestamp};

const DAY: u64 = 86_400;

/// What a set of answers is known by: the same at every try of one page, another for other answers. Pages are sent again with other
/// words, from a browser's memory or by a site's own code.
pub fn name_of(once: uuid::Uuid, answers: &[Answer<'_>]) -> uuid::Uuid {
    let mut hash = Sha256::new_with_prefix(once.as_bytes());
    for answer in answers {
        // What was typed holds no such character.
        for part in [answer.field.key.as_str(), "\0", answer.value.as_str(), "\0"] {
            hash.update(part);
        }
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// What the customer is told to call it by: short enough to read out on the telephone.
pub fn reference(name: uuid::Uuid) -> String {
    name.simple().to_string()[..8].to_uppercase()
}

/// The message, known by `name`, and what has to be remembered to answer it. `country` is put before national telephone numbers.
pub fn items(
    form: &Definition,
    answers: &[Answer<'_>],
    name: uuid::Uuid,
    lang: Lang,
    country: &str,
    now: Timestamp,
) -> Vec<Item> {
    let first =
        |kind: Kind| answers.iter().find(|answer| answer.field.kind == kind).map(|answer| answer.value.as_str());
    let email = first(Kind::Email).and_then(|typed| claims::email(typed, false));
    let phone = first(Kind::Phone).and_then(|typed| claims::phone(typed, Some(country), false));
    let named = answers.iter().find(|answer| answer.field.key == "name").map(|answer| answer.value.clone());
    let id = name.to_string();
    let shown = |claim: &Option<Claim>| claim.as_ref().map(|claim| claim.value.clone());
    let handle = shown(&email).or_else(|| shown(&phone)).unwrap_or_else(|| reference(name));
    let fields: Vec<Answered> = answers
        .iter()
        .map(|answer| Answered { label: lang.say(&answer.field.label).to_owned(), value: readable(answer, lang) })
        .collect();
    let title = format!("{} {}", lang.say(&form.title), reference(name));
    let message = Message {
        external_id: id.clone(),
        thread: ThreadRef {
            external_id: id.clone(),
            lane: Lane::Private,
            kind: ThreadKind::Form,
            title: Some(title.clone()),
            url: None,
        },
        author: Author {
            // Who leaves no address is nobody we have met.
            external_id: shown(&email).or_else(|| shown(&phone)).unwrap_or_else(|| id.clone()),
            name: named.clone().unwrap_or_else(|| handle.clone()),
            handle,
            claims: [email.clone(), phone.clone()].into_iter().flatten().collect(),
            ..Author::default()
        },
        direction: Direction::In,
        kind: MessageKind::Form,
        text: fields.iter().map(|field| format!("{}: {}", field.label, field.value)).collect::<Vec<_>>().join("\n"),
        language: Some(lang.code().to_owned()),
        sent_at: now,
        fields,
        answer_at: shown(&email).map(|address| AnswerAt { address, name: named.clone(), subject: title }),
        due_at: form.answer_within_days.map(|days| now.plus(Duration::from_secs(u64::from(days) * DAY))),
        ..Message::default()
    };
    // How somebody can be answered: what the form's own channel cannot do.
    let memory = json!({ "email": shown(&email), "phone": first(Kind::Phone), "name": named });
    vec![Item::Message(Box::new(message)), Item::Remember { thread: id, memory }]
}

/// As a person reads it.
fn readable(answer: &Answer<'_>, lang: Lang) -> String {
    match answer.field.kind {
        Kind::Choice => {
            let chosen = answer.field.options.iter().find(|option| option.value == answer.value);
            chosen.map_or_else(|| answer.value.clone(), |option| lang.say(&option.label).to_owned())
        }
        Kind::Check => match lang {
            Lang::En => "yes",
            Lang::Nl => "ja",
        }
        .to_owned(),
        _ => answer.value.clone(),
    }
}
