//! The header of a mail, field by field, whatever state it is in.
//!
//! Owns: unfolding, order, encoded words (RFC 2047). Promises: every field is here, in order, as text; an unreadable encoded
//! word stays as it is written.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::charset;

/// Many mail programs forget the padding, or a bit of it.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The fields of a header.
pub(super) struct Head {
    /// Name in lower case, value unfolded and as it is written.
    fields: Vec<(String, String)>,
}

impl Head {
    /// Reads up to the first empty line.
    pub(super) fn of(raw: &[u8]) -> Self {
        let text = charset::header(&raw[..end_of_head(raw)]);
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.split('\n') {
            let line = line.trim_end_matches('\r');
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                let name = name.trim_end();
                if !name.is_empty() && name.bytes().all(|b| (33..127).contains(&b)) {
                    fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                }
            }
        }
        Self { fields }
    }

    /// The first field of this name; `name` in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every field of this name, topmost first.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// As `get`, with encoded words decoded; `None` when nothing is left.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = tidy(&words(self.get(name)?));
        (!text.is_empty()).then_some(text)
    }

    /// Whether any field only a mail has is here.
    pub(super) fn is_mail(&self) -> bool {
        const MAIL: &[&str] = &[
            "from",
            "to",
            "cc",
            "subject",
            "date",
            "message-id",
            "received",
            "return-path",
            "delivered-to",
            "mime-version",
            "content-type",
            "reply-to",
            "sender",
            "x-mailer",
            "in-reply-to",
            "references",
            "envelope-to",
            "bcc",
        ];
        self.fields.iter().any(|(name, _)| MAIL.contains(&name.as_str()))
    }
}

/// Where the header ends: at the first empty line.
pub(super) fn end_of_head(raw: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = raw[at..].iter().position(|b| *b == b'\n') {
        let line = &raw[at..at + length];
        if line.is_empty() || line == b"\r" {
            return at;
        }
        at += length + 1;
    }
    raw.len()
}

/// One line without control characters and without marks that turn the reading direction.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{feff}' => {}
            c if c.is_control() || c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// Decodes encoded words. Neighbours in one charset are joined before they are decoded: letters are often cut in two.
pub(super) fn words(raw: &str) -> String {
    if !raw.contains("=?") {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(raw.len());
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut rest = raw;
    // Behind the last end there is no word: nobody's header is looked through again for every beginning in it.
    let last = raw.rfind("?=").unwrap_or(0);
    while let Some(at) = rest.find("=?").filter(|at| raw.len() - rest.len() + at < last) {
        let (before, from) = rest.split_at(at);
        let Some((charset, bytes, behind)) = word(from) else {
            flush(&mut out, &mut pending);
            out.push_str(before);
            out.push_str("=?");
            rest = &from[2..];
            continue;
        };
        // White space between two encoded words belongs to neither (RFC 2047 §6.2).
        let joined = pending.is_some() && before.trim().is_empty();
        if !joined {
            flush(&mut out, &mut pending);
            out.push_str(before);
        }
        match &mut pending {
            Some((open, so_far)) if open.eq_ignore_ascii_case(&charset) => so_far.extend(bytes),
            _ => {
                flush(&mut out, &mut pending);
                pending = Some((charset, bytes));
            }
        }
        rest = behind;
    }
    flush(&mut out, &mut pending);
    out.push_str(rest);
    out
}

fn flush(out: &mut String, pending: &mut Option<(String, Vec<u8>)>) {
    if let Some((charset, bytes)) = pending.take() {
        out.push_str(&charset::decode(&bytes, Some(&charset)));
    }
}

/// `=?charset*language?encoding?data?=`: charset, bytes, what is behind it.
fn word(from: &str) -> Option<(String, Vec<u8>, &str)> {
    let (charset, rest) = from.strip_prefix("=?")?.split_once('?')?;
    if charset.is_empty() || charset.len() > 60 || charset.contains(char::is_whitespace) {
        return None;
    }
    let charset = charset.split('*').next()?.to_owned();
    let encoding = rest.chars().next()?;
    let rest = rest.get(encoding.len_utf8()..)?.strip_prefix('?')?;
    let (data, behind) = match encoding {
        // A question mark that should have been encoded is forgiven in Q, where the end is clear.
        'q' | 'Q' => rest.split_once("?=")?,
        _ => rest.split_once('?').and_then(|(data, rest)| Some((data, rest.strip_prefix('=')?)))?,
    };
    let bytes = match encoding {
        'q' | 'Q' => q_bytes(data),
        'b' | 'B' => {
            let data: String = data.chars().filter(|c| !c.is_whitespace()).collect();
            LENIENT.decode(data.trim_end_matches('=')).ok()?
        }
        _ => return None,
    };
    Some((charset, bytes, behind))
}

fn q_bytes(data: &str) -> Vec<u8> {
    let raw = data.as_bytes();
    let mut bytes = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let hex = |b: u8| char::from(b).to_digit(16);
        match raw[at] {
            b'_' => bytes.push(b' '),
            b'=' if at + 2 < raw.len() => match (hex(raw[at + 1]), hex(raw[at + 2])) {
                (Some(high), Some(low)) => {
                    bytes.push((high * 16 + low) as u8);
                    at += 2;
                }
                _ => bytes.push(b'='),
            },
            b => bytes.push(b),
        }
        at += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Head, words};

    #[test]
    fn encoded_words_are_read_in_every_spelling() {
        for (raw, expected) in [
            ("=?utf-8?Q?Klacht_over_caf=C3=A9?=", "Klacht over café"),
            ("=?UTF-8?B?S2xhY2h0?= =?UTF-8?B?IG92ZXI=?=", "Klacht over"),
            // A letter cut in two.
            ("=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=", "café"),
            ("=?utf-8?B?w?= x", "=?utf-8?B?w?= x"),
            ("=?iso-8859-1*nl?q?caf=E9?= nu", "café nu"),
            ("Re: =?windows-1252?Q?=80_5?=", "Re: € 5"),
            ("=?utf-8?Q?Waar is het??= ja", "Waar is het? ja"),
            ("=?x?z?y?= =?", "=?x?z?y?= =?"),
            ("=?utf-8?b?8J+YgA?=", "😀"),
            ("=?utf-8?Q?a?=\t=?iso-8859-1?Q?=E9?=", "aé"),
            ("tekst=?utf-8?Q?_aan_elkaar?=", "tekst aan elkaar"),
        ] {
            assert_eq!(words(raw), expected, "{raw}");
        }
    }

    #[test]
    fn a_header_of_nothing_but_beginnings_is_read_in_time() {
        let raw = "=?a?q?x ".repeat(200_000);
        assert_eq!(words(&raw), raw);
        let ended = format!("{raw}?=");
        assert!(words(&ended).ends_with("=?a?q?x "), "all of it is one word");
    }

    #[test]
    fn folded_doubled_and_broken_fields_are_all_there() {
        let head = Head::of(
            b"Received: a\nReceived: b\r\nSubject: een\r\n\ttwee\r\n drie\r\nbroken line\nX-8bit: caf\xe9\n\nBody: no",
        );
        assert_eq!(head.all("received").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(head.get("subject"), Some("een twee drie"));
        assert_eq!(head.get("x-8bit"), Some("café"));
        assert_eq!(head.get("body"), None);
    }
}
