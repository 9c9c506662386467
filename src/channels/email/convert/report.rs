//! Mail about mail: what came back (RFC 3464), what was read (RFC 8098), what was complained about (RFC 5965).
//!
//! Promises: a receipt is given only for what a report names by its Message-ID; a delay is no failure; servers that write prose
//! instead of reports are understood when they return the header. Must not: hide the mail itself.

use super::head::Head;
use super::parse::{Parsed, kind};
use super::people::valid;
use crate::channels::email::me::OWN_ID;
use crate::channels::email::thread::message_id;
use crate::channels::{ChannelError, Class, Item, Words};
use crate::model::{Answered, Automatic, ReceiptState, Timestamp};

/// What a report says.
#[derive(Default)]
pub(super) struct Report {
    pub automatic: Option<Automatic>,
    pub receipts: Vec<Item>,
    pub fields: Vec<Answered>,
    /// The ids that name the thread of the mail it is about, oldest first, itself last.
    pub about: Vec<String>,
}

/// Reads a report; empty when the mail is none. `from` mail servers alone prose is believed.
pub(super) fn read(parsed: &Parsed<'_>, head: &Head, text: &str, from_server: bool, at: Timestamp) -> Report {
    let find = |wanted: &[&str]| parsed.parts().iter().find(|part| wanted.contains(&kind(part).as_str()));
    let original = find(&[
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
    ])
    .map(|part| Head::of(&parsed.bytes(part)));
    let mut report = Report::default();
    if let Some(original) = &original {
        report.about = ancestry(original);
    }
    if let Some(part) = find(&["message/delivery-status", "message/global-delivery-status"]) {
        let recipients = recipients(&parsed.bytes(part));
        delivery(&mut report, &recipients, at);
    } else if let Some(part) = find(&["message/disposition-notification", "message/global-disposition-notification"]) {
        disposition(&mut report, &Head::of(&parsed.bytes(part)), at);
    } else if let Some(part) = find(&["message/feedback-report"]) {
        complaint(&mut report, &Head::of(&parsed.bytes(part)));
    } else if from_server || head.get("x-failed-recipients").is_some() {
        prose(&mut report, head, text, at);
    } else {
        return Report::default();
    }
    report
}

/// Its References, its In-Reply-To and its own id.
fn ancestry(original: &Head) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let own = original.get(&OWN_ID.to_ascii_lowercase()).or_else(|| original.get("message-id"));
    for field in [original.get("references"), original.get("in-reply-to"), own].into_iter().flatten() {
        for id in field.split_whitespace().filter_map(message_id) {
            if !ids.contains(&id) && ids.len() < 200 {
                ids.push(id);
            }
        }
    }
    ids
}

struct Recipient {
    address: String,
    action: String,
    status: String,
    diagnostic: String,
}

/// The groups of a delivery status, without the first, which is about the mail as a whole.
fn recipients(bytes: &[u8]) -> Vec<Recipient> {
    let text = String::from_utf8_lossy(bytes).replace('\r', "");
    text.split("\n\n")
        .map(|group| Head::of(group.trim_start().as_bytes()))
        .filter(|group| group.get("action").is_some() || group.get("final-recipient").is_some())
        .take(100)
        .map(|group| {
            let typed = |name: &str| {
                let value = group.get(name).unwrap_or_default();
                value.split_once(';').map_or(value, |(_, value)| value).trim().to_owned()
            };
            let status = typed("status");
            Recipient {
                address: valid(&typed("final-recipient"))
                    .or_else(|| valid(&typed("original-recipient")))
                    .unwrap_or_default(),
                action: typed("action").to_ascii_lowercase(),
                status: status.split_whitespace().next().unwrap_or_default().to_owned(),
                diagnostic: super::head::tidy(&typed("diagnostic-code")).chars().take(300).collect(),
            }
        })
        .collect()
}

fn delivery(report: &mut Report, recipients: &[Recipient], at: Timestamp) {
    for one in recipients {
        let words = [one.address.as_str(), &one.status, &one.diagnostic];
        let value = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" · ");
        report.fields.push(Answered { label: one.action.clone(), value });
    }
    let failed =
        recipients.iter().find(|one| one.action == "failed" || (one.action.is_empty() && one.status.starts_with('5')));
    report.automatic = Some(if failed.is_some() { Automatic::Bounce } else { Automatic::Notice });
    let Some(id) = report.about.last().cloned() else { return };
    if let Some(one) = failed {
        report.receipts.push(failure(id, &one.address, &one.status, &one.diagnostic, at));
    } else if recipients.iter().any(|one| matches!(one.action.as_str(), "delivered" | "relayed" | "expanded")) {
        report.receipts.push(Item::Receipt {
            external_id: id,
            state: ReceiptState::Delivered,
            at: Some(at),
            error: None,
        });
    }
}

fn failure(external_id: String, address: &str, status: &str, diagnostic: &str, at: Timestamp) -> Item {
    let (code, cure) = match status {
        s if s.starts_with("5.1.") => (
            "mail.no_such_address",
            Words::new("Check the address and send it again.", "Controleer het adres en verstuur het opnieuw."),
        ),
        "5.2.2" | "4.2.2" => (
            "mail.mailbox_full",
            Words::new(
                "Try again later, or reach the customer another way.",
                "Probeer het later opnieuw, of bereik de klant op een andere manier.",
            ),
        ),
        s if s.starts_with("5.7.") => (
            "mail.refused_by_policy",
            Words::new(
                "The other side does not trust the mail; ask the administrator to look at SPF, DKIM and DMARC.",
                "De andere kant vertrouwt de mail niet; vraag de beheerder naar SPF, DKIM en DMARC te kijken.",
            ),
        ),
        _ => (
            "mail.bounced",
            Words::new(
                "Read the report, then decide whether to send it again.",
                "Lees de melding en beslis of u het opnieuw verstuurt.",
            ),
        ),
    };
    let said = [status, diagnostic].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let to = if address.is_empty() { "?" } else { address };
    let cause = if said.is_empty() {
        Words::new(format!("The mail to {to} came back."), format!("De mail aan {to} kwam terug."))
    } else {
        Words::new(format!("The mail to {to} came back: {said}"), format!("De mail aan {to} kwam terug: {said}"))
    };
    let error = ChannelError::new(Class::Rejected, code, cause, cure);
    Item::Receipt { external_id, state: ReceiptState::Failed, at: Some(at), error: Some(Box::new(error)) }
}

fn disposition(report: &mut Report, fields: &Head, at: Timestamp) {
    report.automatic = Some(Automatic::Notice);
    let disposition = fields.get("disposition").unwrap_or_default().to_ascii_lowercase();
    report.fields.push(Answered { label: "Disposition".to_owned(), value: disposition.clone() });
    let read = disposition.rsplit(';').next().unwrap_or_default().trim().starts_with("displayed");
    if let Some(id) = fields.get("original-message-id").and_then(message_id) {
        if read {
            report.receipts.push(Item::Receipt {
                external_id: id.clone(),
                state: ReceiptState::Read,
                at: Some(at),
                error: None,
            });
        }
        if report.about.last() != Some(&id) {
            report.about.push(id);
        }
    }
}

fn complaint(report: &mut Report, fields: &Head) {
    report.automatic = Some(Automatic::Notice);
    for name in [
        "feedback-type",
        "user-agent",
        "original-mail-from",
        "original-rcpt-to",
        "arrival-date",
        "source-ip",
        "reported-domain",
    ] {
        if let Some(value) = fields.text(name) {
            report.fields.push(Answered { label: name.to_owned(), value });
        }
    }
}

/// What is said of a mail that is still on its way.
const LATER: &[&str] = &[
    "will be retried",
    "will keep trying",
    "still trying",
    "has not yet been delivered",
    "not yet been delivered",
    "warning message only",
    "no action is required",
    "delivery is delayed",
    "wordt opnieuw geprobeerd",
    "nog niet afgeleverd",
    "you do not need to resend",
];

/// What is said of a mail that will not arrive.
const FAILED: &[&str] = &[
    "undeliver",
    "could not be delivered",
    "couldn't be delivered",
    "wasn't able to deliver",
    "unable to deliver",
    "permanent error",
    "permanent fatal error",
    "delivery failed",
    "delivery failure",
    "failure notice",
    "delivery status notification",
    "returned mail",
    "mail delivery failed",
    "niet worden afgeleverd",
    "niet bezorgd",
    "onbestelbaar",
    "unzustellbar",
    "user unknown",
    "mailbox full",
    "address rejected",
    "does not exist",
];

/// A server that explains itself in words: qmail, old Exim, gateways. The returned header is somewhere in the text.
fn prose(report: &mut Report, head: &Head, text: &str, at: Timestamp) {
    let lower = text.to_lowercase();
    let named = lower.lines().find_map(|line| line.trim().trim_start_matches(['>', ' ']).strip_prefix("message-id:"));
    if let Some(named) = named {
        // Ids are case-sensitive: take it from the text as it is written.
        let from = named.as_ptr() as usize - lower.as_ptr() as usize;
        let id = if lower.len() == text.len() { text.get(from..from + named.len()) } else { Some(named) };
        report.about.extend(id.and_then(message_id));
    }
    let subject = head.text("subject").unwrap_or_default().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word) || subject.contains(word));
    if says(LATER) {
        report.automatic = Some(Automatic::Notice);
        return;
    }
    if !says(FAILED) && head.get("x-failed-recipients").is_none() {
        return;
    }
    report.automatic = Some(Automatic::Bounce);
    let Some(id) = report.about.last().cloned() else { return };
    let address = head.get("x-failed-recipients").and_then(|list| valid(list.split(',').next().unwrap_or_default()));
    let address =
        address.or_else(|| text.lines().find_map(|line| valid(line.trim().trim_end_matches(':')))).unwrap_or_default();
    let status = status_in(&lower).unwrap_or_default();
    report.receipts.push(failure(id, &address, &status, "", at));
}

/// The first thing that looks like an enhanced status code (`5.1.1`).
fn status_in(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|word| word.trim_end_matches('.'))
        .find(|word| {
            let parts: Vec<&str> = word.split('.').collect();
            matches!(parts[..], ["4" | "5", subject, detail] if !subject.is_empty() && subject.len() <= 2 && !detail.is_empty() && detail.len() <= 3)
        })
        .map(str::to_owned)
}
