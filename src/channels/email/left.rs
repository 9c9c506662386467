//! Taking over what was left where it cannot be answered: as the first message of a mail thread that no mail began.
//!
//! It gets a Message-ID of our own making, so that the answer refers to it, the customer's mail refers to both, and the reply address
//! names the thread, as between mails.
//! Promises: pure; the same words left again have the same id. Nobody vouches for an address that was typed.
//! Must not: send. What a stranger typed reaches a header only through `compose`.

use serde_json::json;

use super::Email;
use super::me::Meta;
use super::settings::{Settings, is_address};
use super::thread::{name_of, without_token};
use crate::channels::{Author, Left, Letters, Message, TakenIn, ThreadRef, claims};
use crate::model::{Claim, Lane, Mailbox, Recipients, ThreadKind};

const LONGEST_NAME: usize = 100;

impl Letters for Email {
    fn take_in(&self, left: &Left<'_>) -> Option<TakenIn> {
        take_in(&self.settings, left)
    }
}

fn take_in(settings: &Settings, left: &Left<'_>) -> Option<TakenIn> {
    let address = claims::email(&left.answer_at.address, false)?.value;
    // An answer to ourselves would come back as a customer's.
    if !is_address(&address) || settings.addresses.contains(&without_token(&address)) {
        return None;
    }
    let domain = settings.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let digest = crate::secret::digest(format!("{}\n{}", left.at, left.message.external_id).as_bytes());
    let id = format!("left.{}@{domain}", &digest[..32]);
    let subject = flat(&left.answer_at.subject, 200);
    let given = left.answer_at.name.as_deref().map(|name| flat(name, LONGEST_NAME)).filter(|name| !name.is_empty());
    let customer = Mailbox { address: address.clone(), name: given.clone().unwrap_or_default() };
    let meta = Meta {
        id: id.clone(),
        subject: subject.clone(),
        from: (address.clone(), customer.name.clone()),
        to: vec![(settings.address.clone(), settings.name.clone())],
        date: Some(left.message.sent_at.to_rfc3339()),
        ..Meta::default()
    };
    let own = Mailbox { address: settings.address.clone(), name: settings.name.clone() };
    let message = Message {
        external_id: id.clone(),
        thread: ThreadRef {
            external_id: name_of(&id),
            lane: Lane::Private,
            kind: ThreadKind::Mail,
            title: Some(subject).filter(|subject| !subject.is_empty()),
            url: None,
        },
        author: Author {
            external_id: address.clone(),
            handle: address.clone(),
            name: given.unwrap_or_else(|| address.split('@').next().unwrap_or_default().to_owned()),
            claims: typed(left, &address),
            ..Author::default()
        },
        recipients: Some(Recipients { to: vec![own], reply: vec![customer], ..Recipients::default() }),
        // It was about a place that is not here.
        reply_to: None,
        follows: Vec::new(),
        answer_at: None,
        meta: serde_json::to_value(meta).unwrap_or_default(),
        ..left.message.clone()
    };
    Some(TakenIn { message, memory: json!({ "outcomes": left.outcomes }) })
}

/// What they said of themselves. Whatever was proven there, was proven of a visitor there and not of whoever has this address.
fn typed(left: &Left<'_>, address: &str) -> Vec<Claim> {
    let others = left.message.author.claims.iter().filter(|claim| claim.value != address);
    let others = others.map(|claim| Claim { verified: false, ..claim.clone() });
    claims::email(address, false).into_iter().chain(others).collect()
}

fn flat(text: &str, most: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}
