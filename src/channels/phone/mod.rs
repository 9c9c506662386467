//! The telephone: no platform, but notes of calls that agents write down, in the same timeline as everything else.
//!
//! Owns: what a call looks like as a message, and whose number it was.
//! Must not: know the desk. Nothing comes in by itself and nothing goes out: one calls back.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    Allowance, Author, Call, Calls, Channel, ChannelError, Class, Context, Descriptor, Draft, Field, FieldKind,
    HandOff, Measure, Message, Probe, ThreadRef, Unit, Words, claims,
};
use crate::model::{Answered, Direction, Lane, MessageKind, ThreadKind};

/// A telephone.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "phone",
    name: ("Telephone", "Telefoon"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: &[
        Field {
            key: "number",
            kind: FieldKind::Text,
            required: true,
            default: None,
            label: ("Our number", "Ons nummer"),
            help: (
                "The number on which people call, like +31 20 123 4567.",
                "Het nummer waarop mensen bellen, zoals +31 20 123 4567.",
            ),
            options: &[],
        },
        Field {
            key: "country",
            kind: FieldKind::Text,
            required: false,
            default: Some("+31"),
            label: ("Country code", "Landnummer"),
            help: ("Put before numbers that begin with 0.", "Komt voor nummers die met een 0 beginnen."),
            options: &[],
        },
        Field {
            key: "language",
            kind: FieldKind::Choice,
            required: true,
            default: Some("nl"),
            label: ("Language of the notes", "Taal van de notities"),
            help: (
                "In which language the headings of a note are written.",
                "In welke taal de kopjes van een notitie staan.",
            ),
            options: &[("nl", ("Dutch", "Nederlands")), ("en", ("English", "Engels"))],
        },
    ],
    keeps: &[],
    lanes: &[Lane::Private],
    oauth: None,
    connect,
    fake: None,
};

#[allow(clippy::needless_pass_by_value, reason = "the signature that every channel has")]
fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let text = |key: &str| context.settings[key].as_str().unwrap_or_default().trim().to_owned();
    let country = Some(text("country")).filter(|country| !country.is_empty()).unwrap_or_else(|| "+31".to_owned());
    let ours = claims::phone(&text("number"), Some(&country), true).ok_or_else(|| no_number(&text("number")))?;
    Ok(Arc::new(Telephone { ours: ours.value, country, dutch: text("language") != "en" }))
}

fn no_number(number: &str) -> ChannelError {
    ChannelError::new(
        Class::Rejected,
        "call.number",
        Words::new(format!("\"{number}\" is no telephone number."), format!("\"{number}\" is geen telefoonnummer.")),
        Words::new("Write it like 06 12345678 or +31 6 12345678.", "Schrijf het als 06 12345678 of +31 6 12345678."),
    )
}

/// A number on which people call.
pub struct Telephone {
    /// E.164.
    ours: String,
    country: String,
    dutch: bool,
}

#[async_trait]
impl Channel for Telephone {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        Ok(Probe {
            external_id: self.ours.clone(),
            handle: self.ours.clone(),
            name: self.ours.clone(),
            url: None,
            facts: json!({}),
            ..Probe::default()
        })
    }

    fn allowance(&self, thread: &ThreadRef, _: &Value) -> Allowance {
        let number = Some(&thread.external_id).filter(|id| id.starts_with('+'));
        let words = match number {
            Some(number) => Words::new(
                format!("Call {number}, and write the call down."),
                format!("Bel {number} en schrijf het gesprek op."),
            ),
            None => Words::new(
                "The number was withheld: they can only call us.",
                "Het nummer was afgeschermd: ze kunnen alleen ons bellen.",
            ),
        };
        Allowance {
            hand_off: Some(HandOff { url: number.map(|number| format!("tel:{number}")), words }),
            ..Allowance::closed(
                "phone.call",
                Words::new("A call is answered by calling.", "Een telefoontje beantwoord je door te bellen."),
            )
        }
    }

    fn measure(&self, draft: &Draft<'_>, _: &Value) -> Measure {
        let used = i64::try_from(draft.text.chars().count()).unwrap_or(i64::MAX);
        Measure { used, max: 0, unit: Unit::Characters, over: used > 0, parts: None, notes: Vec::new() }
    }

    fn calls(&self) -> Option<&dyn Calls> {
        Some(self)
    }
}

impl Calls for Telephone {
    fn note(&self, call: &Call) -> Result<Message, ChannelError> {
        let claim = match &call.number {
            Some(number) => Some(claims::phone(number, Some(&self.country), false).ok_or_else(|| no_number(number))?),
            None => None,
        };
        let number = claim.as_ref().map(|claim| claim.value.clone());
        // Who withheld their number is nobody we have met: each such call stands alone.
        let who = number.clone().unwrap_or_else(|| format!("withheld:{}", call.key));
        let say = |en: &'static str, nl: &'static str| if self.dutch { nl } else { en };
        let handle = number.clone().unwrap_or_else(|| say("number withheld", "nummer afgeschermd").to_owned());
        let field = |en, nl, value: String| Answered { label: say(en, nl).to_owned(), value };
        let mut fields = vec![field(
            "Call",
            "Gesprek",
            if call.outbound { say("we called", "wij belden") } else { say("they called", "zij belden") }.to_owned(),
        )];
        fields.push(field("Taken by", "Gevoerd door", call.taken_by.clone()));
        if let Some(outcome) = &call.outcome {
            fields.push(field("Outcome", "Uitkomst", outcome.clone()));
        }
        Ok(Message {
            external_id: format!("call-{}", call.key),
            thread: ThreadRef {
                external_id: who.clone(),
                lane: Lane::Private,
                kind: ThreadKind::Call,
                title: None,
                url: None,
            },
            author: Author {
                external_id: who,
                name: call.name.clone().unwrap_or_else(|| handle.clone()),
                handle,
                claims: claim.into_iter().collect(),
                ..Author::default()
            },
            // Both sides spoke; it is about what the customer wanted.
            direction: Direction::In,
            kind: MessageKind::Call,
            text: call.notes.clone(),
            sent_at: call.at,
            fields,
            // In the reader's own time, where everything that is due stands.
            due_at: call.call_back_at,
            meta: json!({ "outbound": call.outbound }),
            ..Message::default()
        })
    }
}
