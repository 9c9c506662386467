//! Whether a machine wrote a mail (RFC 3834 and what mail programs do instead).
//!
//! Promises: never asks for an answer what a machine wrote; a person who answers such a mail is a person.

use super::head::Head;
use crate::model::Automatic;

/// Looks at a header. `from` is the author's address, `kind` the type of the whole mail, both in lower case.
pub(super) fn judge(head: &Head, from: &str, kind: &str, looped: bool) -> Option<Automatic> {
    let is = |name: &str| head.get(name).map(|value| value.trim().to_ascii_lowercase());
    let has = |name: &str| head.get(name).is_some();
    let subject = head.text("subject").unwrap_or_default().to_lowercase();
    let away = is_away(&subject);
    if has("x-failed-recipients") {
        return Some(Automatic::Bounce);
    }
    if let Some(submitted) = is("auto-submitted")
        && !submitted.starts_with("no")
    {
        return Some(if submitted.starts_with("auto-replied") { Automatic::Reply } else { Automatic::Notice });
    }
    if ["x-autoreply", "x-autorespond", "x-autoreply-from", "x-autoresponder", "x-mail-autoreply"]
        .iter()
        .any(|name| has(name))
    {
        return Some(Automatic::Reply);
    }
    let precedence = is("precedence").or_else(|| is("x-precedence")).unwrap_or_default();
    if precedence == "auto_reply" || away || (has("x-auto-response-suppress") && subject.contains("afwezig")) {
        return Some(Automatic::Reply);
    }
    if has("list-id") || has("list-unsubscribe") || matches!(precedence.as_str(), "bulk" | "list" | "junk") {
        return Some(Automatic::List);
    }
    let null_sender = is("return-path").is_some_and(|path| path == "<>");
    if looped
        || null_sender
        || is_machine(from)
        || kind == "multipart/report"
        || kind == "message/disposition-notification"
    {
        return Some(Automatic::Notice);
    }
    None
}

/// Subjects with which mail servers and phones announce an absence. A person who answers one begins with `Re:`.
fn is_away(subject: &str) -> bool {
    const STARTS: &[&str] = &[
        "automatic reply",
        "automatisch antwoord",
        "automatische antwort",
        "automatisches antwort",
        "réponse automatique",
        "reponse automatique",
        "out of office",
        "out-of-office",
        "ooo:",
        "autoreply",
        "auto-reply",
        "auto reply",
        "auto:",
        "afwezigheidsbericht",
        "afwezigheidsassistent",
        "afwezig:",
        "niet op kantoor",
        "abwesenheitsnotiz",
        "abwesend:",
        "abwesenheit:",
        "message d'absence",
        "absence du bureau",
        "risposta automatica",
        "respuesta automática",
    ];
    STARTS.iter().any(|start| subject.starts_with(start))
}

/// Addresses that say of themselves that nobody reads them.
pub(super) fn is_noreply(address: &str) -> bool {
    let bare = bare(&local(address));
    bare.starts_with("noreply") || bare.ends_with("noreply") || bare.starts_with("donotreply")
}

/// Addresses that no person reads.
pub(super) fn is_machine(address: &str) -> bool {
    let local = local(address);
    let bare = bare(&local);
    is_noreply(address)
        || bare == "bounce"
        || bare == "bounces"
        || ["bounce+", "bounce-", "bounces+", "bounces-"].iter().any(|start| local.starts_with(start))
        || is_mailer(address)
}

fn local(address: &str) -> String {
    address.split('@').next().unwrap_or_default().to_ascii_lowercase()
}

fn bare(local: &str) -> String {
    local.chars().filter(|c| !matches!(c, '-' | '_' | '.')).collect()
}

/// Addresses from which mail servers write about mail.
pub(super) fn is_mailer(address: &str) -> bool {
    let local = local(address);
    matches!(local.as_str(), "mailer-daemon" | "postmaster" | "mail-daemon" | "mailerdaemon")
        || local.starts_with("microsoftexchange")
        || local == "mdaemon"
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::channels::email::convert::head::Head;
    use crate::model::Automatic;

    #[test]
    fn machines_are_recognised_and_people_are_not() {
        for (raw, from, expected) in [
            ("Auto-Submitted: auto-replied (vacation)", "a@x", Some(Automatic::Reply)),
            ("Auto-Submitted: auto-generated", "a@x", Some(Automatic::Notice)),
            ("Auto-Submitted: no", "a@x", None),
            ("Subject: Automatisch antwoord: Pakket", "a@x", Some(Automatic::Reply)),
            ("Subject: Re: Automatisch antwoord: Pakket", "a@x", None),
            ("Precedence: bulk", "a@x", Some(Automatic::List)),
            ("List-Id: <nieuws.example>", "a@x", Some(Automatic::List)),
            ("X-Auto-Response-Suppress: All", "a@x", None),
            ("X-Autoreply: yes", "a@x", Some(Automatic::Reply)),
            ("X-Failed-Recipients: b@y", "a@x", Some(Automatic::Bounce)),
            ("Return-Path: <>", "a@x", Some(Automatic::Notice)),
            ("Subject: hoi", "no-reply@x", Some(Automatic::Notice)),
            ("Subject: hoi", "noreply-orders@x", Some(Automatic::Notice)),
            ("Subject: hoi", "MAILER-DAEMON@x", Some(Automatic::Notice)),
            ("Subject: Vraag over autoreply", "anna@x", None),
        ] {
            assert_eq!(judge(&Head::of(raw.as_bytes()), from, "text/plain", false), expected, "{raw}");
        }
    }
}
