//! Who wrote a mail, to whom it went, and to whom an answer would go.
//!
//! Promises: an address that could not be written to (white space, control characters, no `@`) is in no list; nobody is named
//! twice; our own addresses are in no list that is answered to.

use mail_parser::{Address, HeaderName, HeaderValue, Message};

use super::head::{tidy, words};
use crate::channels::email::me::Me;
use crate::model::{Mailbox, Recipients};

/// More than a mail has that is meant for people; the rest is in the original.
const MOST: usize = 500;

/// Everybody a mail names.
pub(super) struct People {
    pub from: Vec<Mailbox>,
    pub sender: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    /// How many are in the original and not in these lists.
    pub left_out: usize,
}

impl People {
    pub(super) fn of(mail: &Message<'_>) -> Self {
        let mut left_out = 0;
        let mut all = |name: HeaderName<'static>| {
            let mut found: Vec<Mailbox> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            let fields = mail.parts.first().map(|part| part.headers.as_slice()).unwrap_or_default();
            for address in fields.iter().filter(|field| field.name == name).filter_map(|field| match &field.value {
                HeaderValue::Address(address) => Some(address),
                _ => None,
            }) {
                for mailbox in mailboxes(address) {
                    if seen.insert(mailbox.address.to_lowercase()) {
                        if found.len() < MOST { found.push(mailbox) } else { left_out += 1 }
                    }
                }
            }
            found
        };
        let (from, sender, reply_to) = (all(HeaderName::From), all(HeaderName::Sender), all(HeaderName::ReplyTo));
        let (to, cc, bcc) = (all(HeaderName::To), all(HeaderName::Cc), all(HeaderName::Bcc));
        Self { from, sender, reply_to, to, cc, bcc, left_out }
    }

    /// To whom it went and to whom an answer would go. `author` is who is answered when nobody else is named; of a mail of
    /// our own that is whom it went to.
    pub(super) fn recipients(&self, me: &Me, author: Option<&Mailbox>, own: bool) -> Recipients {
        let others =
            |list: &[Mailbox]| list.iter().filter(|mailbox| !me.is(&mailbox.address)).cloned().collect::<Vec<_>>();
        let mut reply = if own { others(&self.to) } else { others(&self.reply_to) };
        if reply.is_empty() && !own {
            reply = author.into_iter().cloned().collect();
        }
        let named =
            |list: &[Mailbox], one: &Mailbox| list.iter().any(|it| it.address.eq_ignore_ascii_case(&one.address));
        let mut reply_all: Vec<Mailbox> = Vec::new();
        for mailbox in others(&self.to).into_iter().chain(others(&self.cc)) {
            if !named(&reply, &mailbox) && reply_all.len() < 100 && !named(&reply_all, &mailbox) {
                reply_all.push(mailbox);
            }
        }
        Recipients { to: self.to.clone(), cc: self.cc.clone(), bcc: self.bcc.clone(), reply, reply_all }
    }
}

fn mailboxes<'a>(address: &'a Address<'_>) -> impl Iterator<Item = Mailbox> + 'a {
    address.iter().filter_map(|one| {
        let name = one.name.as_deref().map(|name| tidy(&words(name))).unwrap_or_default();
        let name = name.trim_matches(['"', '\'']).chars().take(200).collect::<String>();
        let given = one.address.as_deref().unwrap_or_default();
        // "anna@example.org" alone is taken for a name by some readers.
        let given = if given.is_empty() && name.contains('@') { name.as_str() } else { given };
        let address = valid(given)?;
        let name = if name == address { String::new() } else { name };
        Some(Mailbox { address, name })
    })
}

/// An address that may be written to, as it is written.
pub(super) fn valid(raw: &str) -> Option<String> {
    let address = raw.trim().trim_start_matches("mailto:").trim_matches(['<', '>', '"', '\'']);
    let (local, domain) = address.rsplit_once('@')?;
    let plain = |c: char| {
        !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')' | '\u{202e}')
    };
    let fits = !local.is_empty() && !domain.is_empty() && address.len() <= 320 && !local.contains('@');
    (fits && address.chars().all(plain)).then(|| address.to_owned())
}
