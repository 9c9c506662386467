//! From a mail's bytes to what the desk knows: pure, and ready for anything.
//!
//! Owns: which words are the author's, who they are, what a machine wrote, what came back. Promises: never panics; every mail
//! is a message with its whole original, or `Unreadable`; the same bytes give the same items.
//! Must not: look anything up, or answer.

mod auth;
mod automatic;
mod body;
mod calendar;
mod charset;
mod files;
mod head;
mod layout;
mod parse;
mod people;
mod quote_html;
mod quote_text;
mod report;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::me::{Folder, LOOP, Me, Meta, NOBODY, OWN_ID};
use super::thread::{made_up_id, message_id, name_of};
use crate::channels::{Author, Item, Message, Source, ThreadRef, Unreadable, html};
use crate::model::{
    Automatic, Claim, ClaimKind, Direction, Lane, Mailbox, MessageKind, Recipients, ThreadKind, Timestamp,
};
use head::Head;
use parse::{Parsed, kind};
use people::People;

const DAY_MS: i64 = 86_400_000;
/// Marks a kept payload that is not text.
const BASE64: &str = "base64:";

/// Reads one mail. `internal_date` is when it reached the mailbox.
///
/// What comes out: a message (`external_id` is `thread::message_id` of its Message-ID, or `thread::made_up_id` of its bytes;
/// `thread.external_id` is `thread::name_of` its root; `meta` is `me::Meta`), and with a bounce or a read receipt the
/// receipt. `Out` is what we wrote ourselves: in the Sent folder whatever comes from one of our addresses; elsewhere only
/// when it went to somebody and the receiving server vouches for it, because anybody can write our address into a mail.
/// Never panics.
///
/// # Errors
/// `Unreadable`, with the whole mail as payload, when not even a header could be found.
pub fn read(raw: &[u8], me: &Me, internal_date: Timestamp, folder: Folder) -> Result<Vec<Item>, Unreadable> {
    let read = std::panic::catch_unwind(AssertUnwindSafe(|| attempt(raw, me, internal_date, folder)));
    let error = match read {
        Ok(Some(items)) => return Ok(items),
        Ok(None) => "no header that makes it a mail",
        Err(_) => "the mail breaks the reader",
    };
    Err(Unreadable { payload: payload(raw), error: error.to_owned() })
}

/// A mail as a payload that survives any database: as it is, or marked base64.
#[must_use]
pub fn payload(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(text) if !text.contains('\0') && !text.starts_with(BASE64) => text.to_owned(),
        _ => format!("{BASE64}{}", STANDARD.encode(raw)),
    }
}

/// The mail a payload was made of.
#[must_use]
pub fn raw_of(payload: &str) -> Vec<u8> {
    payload
        .strip_prefix(BASE64)
        .and_then(|text| STANDARD.decode(text).ok())
        .unwrap_or_else(|| payload.as_bytes().to_vec())
}

/// The HTML of a mail as its author made it, unsanitised; `None` when it has none.
#[must_use]
pub fn page(raw: &[u8]) -> Option<String> {
    std::panic::catch_unwind(|| {
        let normal = parse::normal(raw);
        body::html(&Parsed::of(&normal)?)
    })
    .ok()
    .flatten()
}

fn attempt(raw: &[u8], me: &Me, internal_date: Timestamp, folder: Folder) -> Option<Vec<Item>> {
    let normal = parse::normal(raw);
    let head = Head::of(&normal);
    if !head.is_mail() {
        return None;
    }
    let parsed = Parsed::of(&normal)?;
    let people = People::of(&parsed.mail);
    let body = body::read(&parsed);
    let files = files::read(&parsed, &body.shown);
    let sent_at = sent_at(&parsed, internal_date);

    let writer = Writer::of(&head, &people, me, folder);
    let direction = writer.direction;
    let from = writer.mailbox.address.to_lowercase();
    // What another mailbox's Balie wrote is a letter like any other.
    let looped = head.all(&LOOP.to_ascii_lowercase()).any(|by| me.is(by)) && direction != Direction::Out;
    let kind_of_all = parsed.kind();
    let null_sender = head.get("return-path").is_some_and(|path| path.trim() == "<>");
    let judged = (direction != Direction::Out).then(|| automatic::judge(&head, &from, &kind_of_all, looped)).flatten();
    let from_server = automatic::is_mailer(&from) || (null_sender && judged != Some(Automatic::Reply));
    let report = if direction == Direction::Out {
        report::Report::default()
    } else {
        report::read(&parsed, &head, &body.whole, from_server, sent_at)
    };

    let id = own_id(&head, folder).unwrap_or_else(|| made_up_id(raw));
    let references = references(&head);
    let root = report.about.first().or_else(|| references.first()).unwrap_or(&id);
    let thread = token(&head, &people, me).unwrap_or_else(|| name_of(root));
    let subject = head.text("subject").unwrap_or_default();
    let notices = notices(&parsed, &kind_of_all, &body.whole);
    let text = words(&body.own, &notices, &parsed, &subject);
    let recipients = people.recipients(me, writer.answered(&people).as_ref(), direction == Direction::Out);
    let mut fields = report.fields;
    fields.extend(files.fields);

    let message = Message {
        external_id: id.clone(),
        thread: ThreadRef {
            external_id: thread,
            lane: Lane::Private,
            kind: ThreadKind::Mail,
            title: Some(bare_subject(&subject)).filter(|title| !title.is_empty()),
            url: None,
        },
        author: author(&writer),
        direction,
        kind: MessageKind::Mail,
        html: (text == body.own).then(|| body.html.as_deref().map(html::sanitise)).flatten(),
        text,
        language: language(&head),
        sent_at,
        reply_to: report.about.last().or_else(|| references.last()).filter(|parent| **parent != id).cloned(),
        follows: report
            .about
            .iter()
            .rev()
            .chain(references.iter().rev())
            .filter(|one| **one != id)
            .take(100)
            .cloned()
            .collect(),
        quoted: body.quoted,
        source: Some(Source { mime: "message/rfc822".to_owned(), bytes: Bytes::copy_from_slice(raw) }),
        automatic: report.automatic.or(judged),
        meta: meta(&Told {
            id: &id,
            references: &references,
            subject: &subject,
            writer: &writer,
            people: &people,
            recipients: &recipients,
            parsed: &parsed,
            notices: &notices,
        }),
        recipients: Some(recipients),
        fields,
        files: files.files,
        ..Message::default()
    };
    let mut items = report.receipts;
    items.push(Item::Message(Box::new(message)));
    Some(items)
}

/// Who wrote a mail, and how sure that is.
struct Writer {
    mailbox: Mailbox,
    direction: Direction,
    auth: auth::Found,
}

impl Writer {
    fn of(head: &Head, people: &People, me: &Me, folder: Folder) -> Self {
        // A list that writes its own address into From leaves the author here.
        let original = ["x-original-from", "x-original-sender"]
            .into_iter()
            .find_map(|name| head.get(name).filter(|_| head.get("list-id").is_some()))
            .and_then(one_mailbox);
        let first = original
            .or_else(|| people.from.first().cloned())
            .or_else(|| people.sender.first().cloned())
            .or_else(|| people.reply_to.first().cloned())
            .or_else(|| {
                head.get("return-path").and_then(people::valid).map(|address| Mailbox { address, name: String::new() })
            });
        let mut mailbox = first
            .unwrap_or_else(|| Mailbox { address: NOBODY.to_owned(), name: head.text("from").unwrap_or_default() });
        let domain = mailbox.address.rsplit('@').next().unwrap_or_default().to_lowercase();
        let mut auth = auth::read(head.all("authentication-results"), me.trusts.as_deref(), &domain);
        // Of two authors nobody can vouch for one.
        auth.vouched &= people.from.len() == 1;
        let mut direction = Direction::In;
        if me.is(&mailbox.address) {
            let other = people.reply_to.iter().find(|mailbox| !me.is(&mailbox.address));
            let to_others = people.to.iter().chain(&people.cc).any(|mailbox| !me.is(&mailbox.address));
            match (folder, other) {
                (Folder::Sent, _) => direction = Direction::Out,
                // A form on our site writes in our name for a customer.
                (Folder::Watched, Some(customer)) => {
                    mailbox = customer.clone();
                    auth.vouched = false;
                }
                (Folder::Watched, None) if to_others => {
                    direction = if auth.vouched { Direction::Out } else { Direction::Context };
                }
                (Folder::Watched, None) => {}
            }
        } else if automatic::is_noreply(&mailbox.address)
            && let Some(customer) = people.reply_to.iter().find(|one| writes_through(one, &domain, me))
        {
            // A form service writes in its own name for a customer.
            mailbox = customer.clone();
            auth.vouched = false;
        }
        Self { mailbox, direction, auth }
    }

    /// Who gets the answer when no other address is named; nobody when there is none.
    fn answered(&self, people: &People) -> Option<Mailbox> {
        let known = self.mailbox.address != NOBODY;
        if known { Some(self.mailbox.clone()) } else { people.sender.first().cloned() }
    }
}

/// Whether it is somebody from elsewhere who let a machine of this domain write.
fn writes_through(one: &Mailbox, machine: &str, me: &Me) -> bool {
    let domain = one.address.rsplit('@').next().unwrap_or_default().to_lowercase();
    let part_of =
        |part: &str, whole: &str| part.strip_suffix(whole).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !part_of(&domain, machine)
        && !part_of(machine, &domain)
        && !me.is(&one.address)
        && !automatic::is_machine(&one.address.to_lowercase())
}

fn one_mailbox(field: &str) -> Option<Mailbox> {
    let field = head::words(field);
    let (name, address) = match field.rsplit_once('<') {
        Some((name, rest)) => (name, rest.split('>').next()?),
        None => ("", field.as_str()),
    };
    let address = people::valid(address)?;
    Some(Mailbox { address, name: head::tidy(name.trim().trim_matches('"')) })
}

fn author(writer: &Writer) -> Author {
    let address = &writer.mailbox.address;
    let lower = address.to_lowercase();
    let name = if writer.mailbox.name.is_empty() {
        address.split('@').next().unwrap_or_default()
    } else {
        &writer.mailbox.name
    };
    let known = lower != NOBODY;
    Author {
        external_id: lower.clone(),
        handle: address.clone(),
        name: name.to_owned(),
        claims: if known {
            vec![Claim { kind: ClaimKind::Email, value: lower, verified: writer.auth.vouched }]
        } else {
            Vec::new()
        },
        ..Author::default()
    }
}

/// The Date field where it can be right: within a day of the arrival.
fn sent_at(parsed: &Parsed<'_>, internal_date: Timestamp) -> Timestamp {
    let written = parsed
        .mail
        .date()
        .filter(|date| date.is_valid())
        .map(|date| Timestamp(date.to_timestamp().saturating_mul(1000)));
    written.filter(|at| at.0.abs_diff(internal_date.0) <= DAY_MS.unsigned_abs()).unwrap_or(internal_date)
}

/// The mail's id. In the Sent folder our own mark counts more: Exchange puts another id in its place.
fn own_id(head: &Head, folder: Folder) -> Option<String> {
    let marked = (folder == Folder::Sent).then(|| head.get(&OWN_ID.to_ascii_lowercase())).flatten();
    marked.and_then(message_id).or_else(|| head.all("message-id").find_map(message_id))
}

/// References and then In-Reply-To, each id once, oldest first.
fn references(head: &Head) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for field in head.all("references").chain(head.all("in-reply-to")) {
        let field = field.replace("><", "> <").replace(',', " ");
        // Old programs write words into In-Reply-To: only what is an id counts.
        for id in
            field.split_whitespace().filter(|word| word.contains('@') || word.starts_with('<')).filter_map(message_id)
        {
            if !ids.contains(&id) && ids.len() < 200 {
                ids.push(id);
            }
        }
    }
    ids
}

/// The thread that one of our own reply addresses names.
fn token(head: &Head, people: &People, me: &Me) -> Option<String> {
    let delivered = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to"];
    delivered
        .into_iter()
        .flat_map(|name| head.all(name).filter_map(people::valid))
        .chain(people.to.iter().chain(&people.cc).chain(&people.bcc).map(|mailbox| mailbox.address.clone()))
        .find_map(|address| me.token.thread(&address))
}

/// What to say about a mail whose words we cannot read, or of which somebody may want to know more.
fn notices(parsed: &Parsed<'_>, kind_of_all: &str, whole: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let any = |wanted: &[&str]| parsed.parts().iter().any(|part| wanted.contains(&kind(part).as_str()));
    if any(&["application/pkcs7-mime", "application/x-pkcs7-mime"]) {
        found.push("🔒 S/MIME: smime.p7m");
    }
    if kind_of_all == "multipart/encrypted"
        || any(&["application/pgp-encrypted"])
        || whole.contains("-----BEGIN PGP MESSAGE-----")
    {
        found.push("🔒 PGP");
    }
    if any(&["application/ms-tnef", "application/vnd.ms-tnef"]) {
        found.push("📎 winmail.dat (Outlook)");
    }
    found
}

/// The own words, what an invitation says, and what cannot be read.
fn words(own: &str, notices: &[&str], parsed: &Parsed<'_>, subject: &str) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    if !own.trim().is_empty() {
        paragraphs.push(own.to_owned());
    }
    let mut events: Vec<String> = Vec::new();
    for part in
        parsed.parts().iter().filter(|part| matches!(kind(part).as_str(), "text/calendar" | "application/ics")).take(3)
    {
        for event in calendar::summary(&parsed.text(part)) {
            if !events.contains(&event) {
                events.push(event);
            }
        }
    }
    if !events.is_empty() {
        paragraphs.push(events.join("\n"));
    }
    if !notices.is_empty() {
        paragraphs.push(notices.join("\n"));
    }
    // Many write all they have to say into the subject.
    if paragraphs.is_empty() { subject.to_owned() } else { paragraphs.join("\n\n") }
}

fn language(head: &Head) -> Option<String> {
    let tag = head.get("content-language")?.split(',').next()?.trim();
    let fits = tag.len() >= 2 && tag.len() <= 35 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then(|| tag.to_owned())
}

/// A subject without the prefixes of answering and forwarding.
fn bare_subject(subject: &str) -> String {
    const PREFIXES: &[&str] =
        &["re", "fw", "fwd", "aw", "wg", "antw", "antwoord", "doorst", "sv", "vs", "tr", "rif", "r", "enc", "odp"];
    let mut rest = subject.trim();
    while let Some((prefix, behind)) = rest.split_once(':') {
        let prefix = prefix.trim().to_lowercase();
        let prefix = prefix.split(['[', '(']).next().unwrap_or_default();
        if !PREFIXES.contains(&prefix) {
            break;
        }
        rest = behind.trim_start();
    }
    rest.to_owned()
}

/// What the meta is made of.
struct Told<'a> {
    id: &'a str,
    references: &'a [String],
    subject: &'a str,
    writer: &'a Writer,
    people: &'a People,
    recipients: &'a Recipients,
    parsed: &'a Parsed<'a>,
    notices: &'a [&'static str],
}

fn meta(told: &Told<'_>) -> Value {
    let pairs = |list: &[Mailbox]| -> Vec<(String, String)> {
        list.iter().take(100).map(|one| (one.address.clone(), one.name.clone())).collect()
    };
    let from = &told.writer.mailbox;
    let other = told.recipients.reply.iter().any(|one| !one.address.eq_ignore_ascii_case(&from.address));
    let meta = Meta {
        id: told.id.to_owned(),
        references: told.references.to_vec(),
        subject: told.subject.to_owned(),
        from: (from.address.clone(), from.name.clone()),
        reply_to: if other && told.writer.direction != Direction::Out {
            pairs(&told.recipients.reply)
        } else {
            Vec::new()
        },
        to: pairs(&told.people.to),
        cc: pairs(&told.people.cc),
        date: told.parsed.mail.date().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_rfc3339),
    };
    let mut value = serde_json::to_value(meta).unwrap_or_else(|_| json!({}));
    let signed = told.parsed.parts().iter().any(|part| kind(part) == "multipart/signed");
    if let Value::Object(fields) = &mut value {
        fields.insert("auth".to_owned(), serde_json::to_value(&told.writer.auth).unwrap_or_default());
        if signed {
            fields.insert("signed".to_owned(), Value::Bool(true));
        }
        if told.notices.iter().any(|notice| notice.starts_with('🔒')) {
            fields.insert("encrypted".to_owned(), Value::Bool(true));
        }
        if told.people.left_out > 0 {
            fields.insert("left_out".to_owned(), told.people.left_out.into());
        }
    }
    value
}
