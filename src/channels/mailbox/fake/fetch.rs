//! What FETCH gives: flags, sizes, whole mails and pieces of them (RFC 3501 §6.4.5, §7.4.2).

use super::words::Word;
use super::world::{Held, internal_date};

/// One thing asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Uid,
    Flags,
    InternalDate,
    Size,
    Modseq,
    Envelope,
    Section { name: String, section: Section, partial: Option<(usize, usize)>, peek: bool },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Section {
    All,
    Header,
    Text,
    Fields(Vec<String>, bool),
}

impl Item {
    pub(super) fn marks_seen(&self) -> bool {
        matches!(self, Self::Section { peek: false, .. })
    }
}

/// Reads what is asked for; `None` when it is nothing we have.
pub(super) fn items(word: &Word, by_uid: bool) -> Option<Vec<Item>> {
    let words = match word {
        Word::List(words) => words.clone(),
        one => vec![one.clone()],
    };
    let mut found = if by_uid { vec![Item::Uid] } else { Vec::new() };
    for word in &words {
        let Word::Atom(name) = word else { return None };
        match name.to_ascii_uppercase().as_str() {
            "UID" if by_uid => {}
            "UID" => found.push(Item::Uid),
            "FLAGS" => found.push(Item::Flags),
            "INTERNALDATE" => found.push(Item::InternalDate),
            "RFC822.SIZE" => found.push(Item::Size),
            "MODSEQ" => found.push(Item::Modseq),
            "ENVELOPE" => found.push(Item::Envelope),
            "FAST" => found.extend([Item::Flags, Item::InternalDate, Item::Size]),
            "ALL" => found.extend([Item::Flags, Item::InternalDate, Item::Size, Item::Envelope]),
            "RFC822" => found.push(section("RFC822", Section::All, false)),
            "RFC822.HEADER" => found.push(section("RFC822.HEADER", Section::Header, true)),
            "RFC822.TEXT" => found.push(section("RFC822.TEXT", Section::Text, false)),
            upper => found.push(body(upper)?),
        }
    }
    Some(found)
}

fn section(name: &str, section: Section, peek: bool) -> Item {
    Item::Section { name: name.to_owned(), section, partial: None, peek }
}

/// `BODY[…]<a.b>` and `BODY.PEEK[…]<a.b>`.
fn body(upper: &str) -> Option<Item> {
    let (head, rest) = upper.split_once('[')?;
    let (inside, behind) = rest.rsplit_once(']')?;
    let peek = match head {
        "BODY" => false,
        "BODY.PEEK" => true,
        _ => return None,
    };
    let section = match inside {
        "" => Section::All,
        "HEADER" => Section::Header,
        "TEXT" => Section::Text,
        fields => {
            let (keyword, list) = fields.split_once(' ')?;
            let names: Vec<String> = list
                .trim_matches(['(', ')'])
                .split_whitespace()
                .map(|name| name.trim_matches('"').to_owned())
                .collect();
            Section::Fields(
                names,
                match keyword {
                    "HEADER.FIELDS" => false,
                    "HEADER.FIELDS.NOT" => true,
                    _ => return None,
                },
            )
        }
    };
    let partial = match behind.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        Some(range) => {
            let (from, count) = range.split_once('.')?;
            Some((from.parse().ok()?, count.parse().ok()?))
        }
        None if behind.is_empty() => None,
        None => return None,
    };
    Some(Item::Section { name: format!("BODY[{inside}]"), section, partial, peek })
}

/// The sequence number of a place.
pub(super) fn sequence(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

/// The line that tells flags.
pub(super) fn flags_line(number: usize, mail: &Held, condstore: bool) -> String {
    let flags = mail.flags.iter().cloned().collect::<Vec<_>>().join(" ");
    let modseq = if condstore { format!(" MODSEQ ({})", mail.modseq) } else { String::new() };
    format!("* {number} FETCH (UID {} FLAGS ({flags}){modseq})", mail.uid)
}

/// One answer, with its line end. `seen`: the flag was set by this very command and has to be told.
pub(super) fn answer(number: usize, mail: &Held, items: &[Item], condstore: bool, seen: bool) -> Vec<u8> {
    let mut out = format!("* {number} FETCH (").into_bytes();
    let flags = || mail.flags.iter().cloned().collect::<Vec<_>>().join(" ");
    let mut first = true;
    let mut gap = |out: &mut Vec<u8>| {
        if !first {
            out.push(b' ');
        }
        first = false;
    };
    for item in items {
        gap(&mut out);
        match item {
            Item::Uid => out.extend(format!("UID {}", mail.uid).bytes()),
            Item::Flags => out.extend(format!("FLAGS ({})", flags()).bytes()),
            Item::InternalDate => out.extend(format!("INTERNALDATE \"{}\"", internal_date(mail.at)).bytes()),
            Item::Size => out.extend(format!("RFC822.SIZE {}", mail.raw.len()).bytes()),
            Item::Modseq => out.extend(format!("MODSEQ ({})", mail.modseq).bytes()),
            Item::Envelope => out.extend(envelope(&mail.raw).bytes()),
            Item::Section { name, section, partial, .. } => {
                let content = content(&mail.raw, section);
                let (content, origin) = match partial {
                    Some((from, count)) => {
                        let end = from.saturating_add(*count).min(content.len());
                        (content.get(*from..end).unwrap_or_default().to_vec(), format!("<{from}>"))
                    }
                    None => (content, String::new()),
                };
                out.extend(format!("{name}{origin} {{{}}}\r\n", content.len()).bytes());
                out.extend(content);
            }
        }
    }
    if seen && !items.contains(&Item::Flags) {
        gap(&mut out);
        out.extend(format!("FLAGS ({})", flags()).bytes());
    }
    if condstore && !items.contains(&Item::Modseq) {
        gap(&mut out);
        out.extend(format!("MODSEQ ({})", mail.modseq).bytes());
    }
    out.extend(b")\r\n");
    out
}

/// Where the header ends, the empty line included.
fn head_end(raw: &[u8]) -> usize {
    raw.windows(4)
        .position(|w| w == b"\r\n\r\n")
        .map(|at| at + 4)
        .or_else(|| raw.windows(2).position(|w| w == b"\n\n").map(|at| at + 2))
        .unwrap_or(raw.len())
}

fn content(raw: &[u8], section: &Section) -> Vec<u8> {
    let end = head_end(raw);
    match section {
        Section::All => raw.to_vec(),
        Section::Header => raw[..end].to_vec(),
        Section::Text => raw[end..].to_vec(),
        Section::Fields(names, not) => {
            let mut out = Vec::new();
            let mut keep = false;
            for line in raw[..end].split_inclusive(|b| *b == b'\n') {
                if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                    let name = line.split(|b| *b == b':').next().unwrap_or_default().to_ascii_uppercase();
                    let listed = names.iter().any(|wanted| wanted.as_bytes() == name.trim_ascii());
                    keep = listed != *not && !line.trim_ascii().is_empty();
                }
                if keep {
                    out.extend_from_slice(line);
                }
            }
            out.extend(b"\r\n");
            out
        }
    }
}

/// Date and subject, and nothing of the addresses: nobody here needs more of it.
fn envelope(raw: &[u8]) -> String {
    let field = |name: &str| {
        let found = content(raw, &Section::Fields(vec![name.to_owned()], false));
        let text = String::from_utf8_lossy(&found).replace(['\r', '\n'], "");
        match text.split_once(':') {
            Some((_, value)) => super::words::quote(value.trim()),
            None => "NIL".to_owned(),
        }
    };
    format!(
        "ENVELOPE ({} {} NIL NIL NIL NIL NIL NIL {} {})",
        field("DATE"),
        field("SUBJECT"),
        field("IN-REPLY-TO"),
        field("MESSAGE-ID")
    )
}

#[cfg(test)]
mod tests {
    use super::{Section, content, items};
    use crate::channels::mailbox::fake::words::words;

    #[test]
    fn pieces_of_a_mail_are_cut_where_they_end() {
        let raw = b"From: a\r\nTo: b,\r\n c\r\nSubject: x\r\n\r\nbody";
        assert_eq!(content(raw, &Section::Header), b"From: a\r\nTo: b,\r\n c\r\nSubject: x\r\n\r\n");
        assert_eq!(content(raw, &Section::Text), b"body");
        assert_eq!(content(raw, &Section::Fields(vec!["TO".into(), "CC".into()], false)), b"To: b,\r\n c\r\n\r\n");
        assert_eq!(content(raw, &Section::Fields(vec!["TO".into()], true)), b"From: a\r\nSubject: x\r\n\r\n");
        let asked = |text: &str| items(&words(text.as_bytes()).unwrap()[0], true).map(|items| items.len());
        assert_eq!(asked("(FLAGS BODY.PEEK[HEADER.FIELDS (FROM)] BODY[TEXT]<0.100>)"), Some(4));
        assert_eq!(asked("(NONSENSE)"), None);
    }
}
