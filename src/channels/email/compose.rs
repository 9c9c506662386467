//! Writing a mail: pure, the same for the same message on every attempt but for the boundaries between its parts.
//!
//! Sources: RFC 5322 (headers), 2045 to 2049 (MIME), 2231 (file names), 3834 §3.1.5 and §5 (what marks automatic mail: an agent's answer
//! is none).
//! Promises: nothing an agent or a stranger wrote ends a header line or becomes HTML; the Message-ID is made from the message's
//! key; References stay below the longest line a server takes.
//! Must not: send.

use std::fmt::Write as _;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::{Address, EmailAddress};
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;

use super::me::{LOOP, Me, Meta, NOBODY, OWN_ID};
use super::settings::{Settings, is_address};
use super::smtp::Envelope;
use crate::channels::{ChannelError, Class, Original, Outgoing, Words};
use crate::model::{Mailbox, Timestamp};

/// References beyond this lose those in the middle.
const REFERENCES: usize = 20;
const REFERENCES_KEPT: usize = 15;
/// As much of the answered mail as is repeated.
const QUOTED: usize = 32 * 1024;
/// What everybody between takes (Google and Microsoft 25 MB, in base64 a third more).
pub const LARGEST_FILES: usize = 18 * 1024 * 1024;

/// A mail ready to go.
pub struct Composed {
    /// As it goes out.
    pub raw: Vec<u8>,
    /// As it is filed: also says to whom it went unseen.
    pub filed: Vec<u8>,
    pub envelope: Envelope,
    pub meta: Meta,
}

/// The Message-ID of a message of ours; the same at every attempt.
#[must_use]
pub fn own_id(outgoing: &Outgoing, settings: &Settings) -> String {
    let domain = settings.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!("out.{}@{domain}", outgoing.key)
}

/// Writes the mail.
///
/// # Errors
/// `Rejected` when there is nobody to send it to, or an address is none.
pub fn compose(outgoing: &Outgoing, settings: &Settings, me: &Me) -> Result<Composed, ChannelError> {
    let parent = outgoing.reply_to.as_ref().map(|(id, meta)| {
        let meta = Meta::of(meta);
        // As its author knows it: of two mails with one id, one got another name here.
        (if is_id(&meta.id) { meta.id.clone() } else { id.clone() }, meta)
    });
    let id = own_id(outgoing, settings);
    let (to, cc, bcc) = recipients(outgoing, parent.as_ref().map(|(_, meta)| meta), me)?;
    let references = references(parent.as_ref().map(|(id, meta)| (id.as_str(), meta)));
    let subject = subject(outgoing, parent.as_ref().map(|(_, meta)| meta));
    let mut mail = MessageBuilder::new()
        .from(mailbox(&settings.address, &one_line(&settings.name)))
        .to(list(&to))
        .subject(Text::new(subject.clone()))
        .date(Date::new(outgoing.written_at.0.div_euclid(1_000)))
        .message_id(MessageId::new(id.clone()))
        .header(OWN_ID, MessageId::new(id.clone()))
        .header(LOOP, Text::new(settings.address.clone()));
    if outgoing.automatic {
        // Machines do not answer it (RFC 3834 §2; the second is Exchange's own).
        mail = mail
            .header("Auto-Submitted", Text::new("auto-generated"))
            .header("X-Auto-Response-Suppress", Text::new("All"));
    }
    if !cc.is_empty() {
        mail = mail.cc(list(&cc));
    }
    if let Some((parent, _)) = &parent
        && is_id(parent)
        && !outgoing.forward
    {
        mail = mail.in_reply_to(MessageId::new(parent.clone()));
    }
    if !references.is_empty() {
        mail = mail.references(MessageId::new_list(references.iter().cloned()));
    }
    if settings.plus
        && let Some(address) = me.token.address(&settings.address, &outgoing.thread.external_id)
    {
        mail = mail.reply_to(mailbox(&address, &one_line(&settings.name)));
    }
    let (text, html) = body(outgoing, parent.as_ref().map(|(_, meta)| meta));
    let body = MimePart::new(
        "multipart/alternative",
        vec![MimePart::new("text/plain", text), MimePart::new("text/html", html)],
    );
    let whole = if outgoing.files.is_empty() {
        body
    } else {
        let mut parts = vec![body];
        parts.extend(outgoing.files.iter().map(|file| {
            let mut part = MimePart::new(mime(&file.mime), file.bytes.to_vec()).attachment(file_name(&file.name));
            let alt = one_line(&file.alt);
            if !alt.is_empty() {
                part = part.header("Content-Description", Text::new(alt));
            }
            part
        }));
        MimePart::new("multipart/mixed", parts)
    };
    let raw =
        mail.body(whole).write_to_vec().map_err(|error| ChannelError::rejected("email.compose", error.to_string()))?;
    let mut filed = Vec::new();
    if !bcc.is_empty() {
        let addresses: Vec<&str> = bcc.iter().map(|mailbox| mailbox.address.as_str()).collect();
        filed.extend_from_slice(format!("Bcc: {}\r\n", addresses.join(",\r\n ")).as_bytes());
    }
    filed.extend_from_slice(&raw);
    let pairs = |all: &[Mailbox]| all.iter().map(|m| (m.address.clone(), m.name.clone())).collect::<Vec<_>>();
    let mut envelope: Vec<String> = Vec::new();
    for mailbox in to.iter().chain(&cc).chain(&bcc) {
        if !envelope.iter().any(|known| known.eq_ignore_ascii_case(&mailbox.address)) {
            envelope.push(mailbox.address.clone());
        }
    }
    Ok(Composed {
        raw,
        filed,
        envelope: Envelope { from: settings.address.clone(), to: envelope },
        meta: Meta {
            id,
            references,
            subject,
            from: (settings.address.clone(), settings.name.clone()),
            reply_to: Vec::new(),
            to: pairs(&to),
            cc: pairs(&cc),
            date: Some(outgoing.written_at.to_rfc3339()),
        },
    })
}

type Three = (Vec<Mailbox>, Vec<Mailbox>, Vec<Mailbox>);

/// To whom: as chosen, else to whoever wants the answer.
fn recipients(outgoing: &Outgoing, parent: Option<&Meta>, me: &Me) -> Result<Three, ChannelError> {
    let chosen = match (&outgoing.addressed, parent) {
        (Some(chosen), _) => (chosen.to.clone(), chosen.cc.clone(), chosen.bcc.clone()),
        (None, Some(parent)) if !outgoing.forward => {
            let others = |all: &'_ [(String, String)]| -> Vec<(String, String)> {
                all.iter().filter(|(address, _)| !me.is(address)).cloned().collect()
            };
            let wants = others(&parent.reply_to);
            let from = match wants.as_slice() {
                // To our own mail is added what its readers are to know.
                [] if me.is(&parent.from.0) => others(&parent.to),
                [] => vec![parent.from.clone()],
                _ => wants,
            };
            let to = from
                .into_iter()
                .filter(|(address, _)| address != NOBODY)
                .map(|(address, name)| Mailbox { address, name })
                .collect();
            (to, Vec::new(), Vec::new())
        }
        _ => (Vec::new(), Vec::new(), Vec::new()),
    };
    let all = || chosen.0.iter().chain(&chosen.1).chain(&chosen.2);
    if let Some(wrong) = all().find(|mailbox| !is_address(&mailbox.address)) {
        let shown = one_line(&wrong.address);
        return Err(unsendable(
            "email.address",
            (&format!("\"{shown}\" is not a mail address."), &format!("\"{shown}\" is geen mailadres.")),
        ));
    }
    if all().next().is_none() {
        return Err(unsendable(
            "email.no_recipient",
            ("There is nobody to send it to.", "Er is niemand om het naar te sturen."),
        ));
    }
    let clean = |all: Vec<Mailbox>| {
        all.into_iter().map(|m| Mailbox { name: one_line(&m.name), address: m.address }).collect::<Vec<_>>()
    };
    Ok((clean(chosen.0), clean(chosen.1), clean(chosen.2)))
}

fn unsendable(code: &str, cause: (&str, &str)) -> ChannelError {
    ChannelError::new(
        Class::Rejected,
        code,
        Words::new(cause.0, cause.1),
        Words::new("Fill in an address and send it again.", "Vul een adres in en verstuur het opnieuw."),
    )
}

/// Everything said before, oldest first; the beginning and the end of it when that is much.
fn references(parent: Option<(&str, &Meta)>) -> Vec<String> {
    let Some((id, meta)) = parent else { return Vec::new() };
    let mut all: Vec<String> = Vec::new();
    for one in meta.references.iter().map(String::as_str).chain([id]) {
        if is_id(one) && !all.iter().any(|known| known == one) {
            all.push(one.to_owned());
        }
    }
    if all.len() > REFERENCES {
        let newest = all.split_off(all.len() - REFERENCES_KEPT);
        all.truncate(1);
        all.extend(newest);
    }
    all
}

/// Whether an id may stand between angle brackets. What we made up for mails without one may not.
fn is_id(id: &str) -> bool {
    id.contains('@')
        && id.len() < 900
        && !id.starts_with("sha256:")
        && id.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>'))
}

fn subject(outgoing: &Outgoing, parent: Option<&Meta>) -> String {
    if let Some(chosen) = outgoing.subject.as_deref().map(one_line).filter(|subject| !subject.is_empty()) {
        return chosen;
    }
    let before = parent.map(|parent| one_line(&parent.subject)).unwrap_or_default();
    let bare = without_prefixes(&before);
    let prefix = if outgoing.forward { "Fwd: " } else { "Re: " };
    format!("{prefix}{bare}").trim_end().to_owned()
}

/// A subject without the answer marks that clients of many languages put before it, as often as they did.
fn without_prefixes(subject: &str) -> &str {
    const MARKS: &[&str] =
        &["re", "aw", "antw", "antwoord", "sv", "vs", "ref", "odp", "ynt", "fwd", "fw", "wg", "doorst", "tr"];
    let mut rest = subject.trim();
    while let Some((mark, tail)) = rest.split_once(':') {
        let word = mark.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')' | '^'));
        if !MARKS.contains(&word.trim().to_lowercase().as_str()) {
            break;
        }
        rest = tail.trim_start();
    }
    rest
}

/// Own words above, what is answered below; as text and as HTML.
fn body(outgoing: &Outgoing, parent: Option<&Meta>) -> (String, String) {
    let own = outgoing.text.replace("\r\n", "\n").trim_end().to_owned();
    let mut text = own.clone();
    let mut html =
        format!("<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body><div>{}</div>", as_html(&own));
    if let Some(original) = &outgoing.original {
        let said = shortened(original.text.trim_end());
        if outgoing.forward {
            let head = forwarded(original, parent);
            let _ = write!(text, "\n\n{head}\n\n{said}");
            let _ = write!(html, "<br><div>{}</div><br><div>{}</div>", as_html(&head), as_html(&said));
        } else if !said.is_empty() {
            let line = attribution(outgoing, original, parent);
            let quoted: Vec<String> =
                said.lines().map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") }).collect();
            let _ = write!(text, "\n\n{line}\n{}", quoted.join("\n"));
            let _ = write!(
                html,
                "<br><div class=\"gmail_quote\"><div>{}</div><blockquote type=\"cite\" style=\"margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex\">{}</blockquote></div>",
                as_html(&line),
                as_html(&said)
            );
        }
    }
    html.push_str("</body></html>\n");
    text.push('\n');
    (text.replace('\n', "\r\n"), html.replace('\n', "\r\n"))
}

fn shortened(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    if text.len() <= QUOTED {
        return text;
    }
    let end = (0..=QUOTED).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{} …", &text[..end])
}

/// The line that readers of answers, ours among them, know a quotation by.
fn attribution(outgoing: &Outgoing, original: &Original, parent: Option<&Meta>) -> String {
    let when = moment(original.sent_at, parent);
    let who = person(original, parent);
    if outgoing.language.as_deref().is_none_or(|language| language.starts_with("nl")) {
        format!("Op {when} schreef {who}:")
    } else {
        format!("On {when}, {who} wrote:")
    }
}

fn forwarded(original: &Original, parent: Option<&Meta>) -> String {
    let mut lines = vec![
        "---------- Forwarded message ----------".to_owned(),
        format!("From: {}", person(original, parent)),
        format!("Date: {}", moment(original.sent_at, parent)),
    ];
    if let Some(parent) = parent {
        lines.push(format!("Subject: {}", one_line(&parent.subject)));
        for (name, all) in [("To", &parent.to), ("Cc", &parent.cc)] {
            if !all.is_empty() {
                let all: Vec<String> = all.iter().map(|(address, name)| full(address, name)).collect();
                lines.push(format!("{name}: {}", all.join(", ")));
            }
        }
    }
    lines.join("\n")
}

fn person(original: &Original, parent: Option<&Meta>) -> String {
    match parent {
        Some(parent) if !parent.from.0.is_empty() => full(&parent.from.0, &parent.from.1),
        _ => full(&original.handle, &original.name),
    }
}

fn full(address: &str, name: &str) -> String {
    let (address, name) = (one_line(address), one_line(name));
    if name.is_empty() || name == address { format!("<{address}>") } else { format!("{name} <{address}>") }
}

/// In the writer's own time when it is known.
fn moment(at: Timestamp, parent: Option<&Meta>) -> String {
    let own = parent.and_then(|parent| parent.date.as_deref());
    if let Some(own) = own.and_then(|text| {
        let pieces = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text).ok()?;
        let time = pieces.time()?;
        Some(format!("{} {:02}:{:02}", pieces.date(), time.hour(), time.minute()))
    }) {
        return own;
    }
    let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Plain words as HTML: escaped, lines kept, web addresses made links.
fn as_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            out.push_str("<br>\n");
        }
        for (at, word) in line.split(' ').enumerate() {
            if at > 0 {
                out.push(' ');
            }
            let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
            let link = (bare.starts_with("https://") || bare.starts_with("http://")) && url::Url::parse(bare).is_ok();
            if link {
                let shown = escape(bare);
                let _ = write!(out, "<a href=\"{shown}\">{shown}</a>{}", escape(&word[bare.len()..]));
            } else {
                out.push_str(&escape(word));
            }
        }
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A text that is to stand in a header: no line ends, no other control characters, not longer than anybody writes.
fn one_line(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    flat.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(900).collect()
}

fn file_name(name: &str) -> String {
    let name: String =
        one_line(name).chars().filter(|c| !matches!(c, '/' | '\\' | '"' | '<' | '>')).take(120).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}

fn mime(given: &str) -> String {
    let fits = given.split_once('/').is_some_and(|(kind, sub)| {
        let token = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_'))
        };
        token(kind) && token(sub) && !kind.eq_ignore_ascii_case("multipart") && !kind.eq_ignore_ascii_case("message")
    });
    if fits { given.to_ascii_lowercase() } else { "application/octet-stream".to_owned() }
}

fn mailbox(address: &str, name: &str) -> Address<'static> {
    Address::Address(EmailAddress {
        name: (!name.is_empty()).then(|| name.to_owned().into()),
        email: address.to_owned().into(),
    })
}

fn list(all: &[Mailbox]) -> Address<'static> {
    Address::new_list(all.iter().map(|m| mailbox(&m.address, &m.name)).collect())
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
