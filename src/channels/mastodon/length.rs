//! How long a post is, and whom it must name.
//!
//! Counted as Mastodon's `StatusLengthValidator` does (server source, 2026-08): grapheme clusters of content warning and
//! text together, every address with a scheme as a fixed number, `@user@host` as `@user`.

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use crate::channels::{Draft, Measure, Unit, limits};
use crate::model::Lane;

/// When the server does not say.
pub const DEFAULT_MAX: i64 = 500;
const DEFAULT_URL: usize = 23;

/// Counts a text.
pub fn count(text: &str, url_length: usize) -> usize {
    let mut counted = String::with_capacity(text.len());
    let mut extra = 0;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let at_word =
            counted.chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '/' | '=' | '@')));
        if at_word && let Some(length) = address(rest) {
            extra += url_length;
            // Nothing may join the graphemes before and after an address.
            counted.push('\n');
            extra -= 1;
            rest = &rest[length..];
        } else if at_word && let Some((user, whole)) = mention(rest) {
            counted.push_str(&rest[..user]);
            rest = &rest[whole..];
        } else {
            counted.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    counted.graphemes(true).count() + extra
}

/// The length in bytes of the web address a text starts with.
fn address(text: &str) -> Option<usize> {
    let scheme = ["https://", "http://"]
        .iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)))?;
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\u{201c}' | '\u{201d}'))
        .unwrap_or(text.len());
    let mut whole = &text[..end];
    // What ends a sentence does not belong to the address; nor does a bracket that was not opened in it.
    loop {
        let trimmed = whole.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '…']);
        let trimmed = match trimmed.strip_suffix(')') {
            Some(open) if open.matches('(').count() < trimmed.matches(')').count() => open,
            _ => trimmed,
        };
        if trimmed.len() == whole.len() {
            break;
        }
        whole = trimmed;
    }
    let host = whole.get(scheme.len()..)?.split(['/', '?', '#', ':']).next()?;
    let (name, top) = host.rsplit_once('.')?;
    (!name.is_empty() && top.chars().count() >= 2 && top.chars().all(char::is_alphabetic)).then_some(whole.len())
}

/// The lengths in bytes of `@user` and of all of `@user@host` at the start of a text.
fn mention(text: &str) -> Option<(usize, usize)> {
    let name = text.strip_prefix('@')?;
    let length = run(name, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if length == 0 {
        return None;
    }
    let user = 1 + length;
    let host = text[user..]
        .strip_prefix('@')
        .map_or(0, |host| run(host, |c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-')));
    Some((user, if host == 0 { user } else { user + 1 + host }))
}

/// How far a name reaches; dots and hyphens only inside it.
fn run(text: &str, part: impl Fn(char) -> bool) -> usize {
    let end = text.find(|c| !part(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', '-']).len()
}

/// Everybody a text names, as written: `user` or `user@host`.
pub fn named(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut before: Option<char> = None;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let at_word = before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '/' | '=' | '@')));
        let step = if at_word && let Some((_, whole)) = mention(rest) {
            names.push(&rest[1..whole]);
            whole
        } else if at_word && let Some(length) = address(rest) {
            length
        } else {
            next.len_utf8()
        };
        before = rest[..step].chars().next_back();
        rest = &rest[step..];
    }
    names
}

/// Whether `name` as written in a text means `acct` as the server knows it.
pub fn means(name: &str, acct: &str, domain: &str) -> bool {
    name.eq_ignore_ascii_case(acct)
        || (!acct.contains('@')
            && name
                .split_once('@')
                .is_some_and(|(user, host)| user.eq_ignore_ascii_case(acct) && host.eq_ignore_ascii_case(domain)))
}

/// The text with the names it lacks put in front.
pub fn with_names(text: &str, to: &[String], domain: &str) -> String {
    let there = named(text);
    let missing: Vec<String> = to
        .iter()
        .filter(|acct| !there.iter().any(|name| means(name, acct, domain)))
        .map(|acct| format!("@{acct}"))
        .collect();
    if missing.is_empty() { text.to_owned() } else { format!("{} {text}", missing.join(" ")) }
}

/// Whom an answer must name: what the message's `meta` says; for a private thread, else, those in it.
pub fn addressees(meta: Option<&Value>, thread: &crate::channels::ThreadRef) -> Vec<String> {
    if let Some(to) = meta.and_then(|meta| meta["to"].as_array()) {
        return to.iter().filter_map(|acct| acct.as_str().map(str::to_owned)).collect();
    }
    match thread.external_id.strip_prefix("dm:") {
        Some(names) if thread.lane == Lane::Private && !names.starts_with('#') => {
            names.split(',').map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Counts a draft with everything that will be sent.
pub fn measure(draft: &Draft<'_>, facts: &Value) -> Measure {
    let max = facts["max"].as_i64().filter(|max| *max > 0).unwrap_or(DEFAULT_MAX);
    let url = facts["url_length"].as_u64().map_or(DEFAULT_URL, |length| length as usize);
    let domain = facts["domain"].as_str().unwrap_or_default();
    let to = addressees(draft.reply_to, draft.thread);
    let warning = count(draft.content_warning.unwrap_or_default(), url);
    let used = |text: &str| (warning + count(&with_names(text, &to, domain), url)) as i64;
    let total = used(draft.text);
    let over = total > max;
    let mut notes = Vec::new();
    let there = named(draft.text);
    if with_names(draft.text, &to, domain).len() != draft.text.len() {
        notes.push("names_added".to_owned());
    }
    if there.iter().any(|name| !to.iter().any(|acct| means(name, acct, domain)))
        || (draft.thread.lane == Lane::Private && to.len() > 1)
    {
        notes.push("mentions_others".to_owned());
    }
    let parts = over.then(|| limits::split(draft.text, |part| used(part) <= max));
    Measure { used: total, max, unit: Unit::Graphemes, over, parts, notes }
}

#[cfg(test)]
mod tests {
    use super::{count, named, with_names};

    #[test]
    fn a_post_is_as_long_as_its_server_says() {
        for (text, length) in [
            ("hoi", 3),
            ("👩‍👩‍👧 é", 3),
            ("https://voorbeeld.example/een/heel/lang/pad?met=vragen&en=antwoorden#x", 23),
            ("zie https://a.example/b.", 4 + 23 + 1),
            ("(https://a.example/b)", 25),
            ("https://nl.example/Balie_(meubel)", 23),
            ("https://localhost/x", 19),
            ("a.example/b", 11),
            ("@klant@zorgplein.example hoi", 10),
            ("@klant hoi", 10),
            ("mail info@merk.example", 22),
            ("@a@b.example, @c@d.example!", 7),
            ("xhttps://a.example", 18),
            ("", 0),
        ] {
            assert_eq!(count(text, 23), length, "{text}");
        }
    }

    #[test]
    fn whoever_is_named_already_is_not_named_twice() {
        let to = ["klant@zorgplein.example".to_owned(), "piet".to_owned()];
        assert_eq!(with_names("Hoi!", &to, "merk.example"), "@klant@zorgplein.example @piet Hoi!");
        assert_eq!(
            with_names("Hoi @KLANT@zorgplein.example en @piet@merk.example.", &to, "merk.example"),
            "Hoi @KLANT@zorgplein.example en @piet@merk.example."
        );
        assert_eq!(with_names("Hoi @klant", &to, "merk.example"), "@klant@zorgplein.example @piet Hoi @klant");
        assert_eq!(named("mail a@b.example of zie https://x.example/@y"), Vec::<&str>::new());
    }
}
