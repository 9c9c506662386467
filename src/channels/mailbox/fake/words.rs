//! The words of an IMAP command: atoms, strings, lists (RFC 3501 §9).
//!
//! Promises: what is no word of the language is an error, never a panic.

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// An atom, a number, a flag, a set, with brackets where it has them: `BODY.PEEK[HEADER.FIELDS (FROM)]`.
    Atom(String),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    List(Vec<Word>),
}

impl Word {
    /// The word as text, whatever its form; `None` for a list.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Atom(text) => Some(text.clone()),
            Self::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Self::List(_) => None,
        }
    }

    /// The word in upper case.
    pub(super) fn upper(&self) -> String {
        self.text().unwrap_or_default().to_ascii_uppercase()
    }
}

/// Reads the words of a command; `literals` in their order stand where the line says `{n}`.
pub(super) fn words(line: &[u8]) -> Option<Vec<Word>> {
    let mut rest = line;
    let words = list(&mut rest, 0)?;
    rest.is_empty().then_some(words)
}

fn list(rest: &mut &[u8], depth: usize) -> Option<Vec<Word>> {
    if depth > 16 {
        return None;
    }
    let mut found = Vec::new();
    loop {
        match rest {
            [] => return Some(found),
            [b' ', behind @ ..] => *rest = behind,
            [b')', ..] if depth > 0 => return Some(found),
            [b')', ..] => return None,
            [b'(', behind @ ..] => {
                *rest = behind;
                let inner = list(rest, depth + 1)?;
                *rest = rest.strip_prefix(b")")?;
                found.push(Word::List(inner));
            }
            [b'"', behind @ ..] => {
                let (text, behind) = quoted(behind)?;
                found.push(Word::Text(text));
                *rest = behind;
            }
            [b'{', behind @ ..] => {
                let (text, behind) = literal(behind)?;
                found.push(Word::Text(text));
                *rest = behind;
            }
            _ => {
                let (text, behind) = atom(rest)?;
                found.push(Word::Atom(text));
                *rest = behind;
            }
        }
    }
}

fn quoted(from: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    let mut at = 0;
    loop {
        match from.get(at)? {
            b'"' => return Some((text, &from[at + 1..])),
            b'\\' => {
                text.push(*from.get(at + 1)?);
                at += 2;
            }
            byte => {
                text.push(*byte);
                at += 1;
            }
        }
    }
}

/// `n}` CRLF and n bytes, as the line was put together.
fn literal(from: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let end = from.iter().position(|b| *b == b'}')?;
    let size: usize = std::str::from_utf8(&from[..end]).ok()?.trim_end_matches('+').parse().ok()?;
    let from = from[end + 1..].strip_prefix(b"\r\n")?;
    Some((from.get(..size)?.to_vec(), &from[size..]))
}

fn atom(from: &[u8]) -> Option<(String, &[u8])> {
    let (mut at, mut brackets) = (0, 0_usize);
    while let Some(byte) = from.get(at) {
        match byte {
            b'[' => brackets += 1,
            b']' => brackets = brackets.saturating_sub(1),
            b' ' | b'(' | b')' if brackets == 0 => break,
            b'\r' | b'\n' => return None,
            _ => {}
        }
        at += 1;
    }
    (at > 0).then(|| (String::from_utf8_lossy(&from[..at]).into_owned(), &from[at..]))
}

/// Whether a number is in a set (`1:3,7,9:*`); `last` is what `*` means.
pub(super) fn in_set(set: &str, number: u32, last: u32) -> bool {
    let value = |text: &str| if text == "*" { Some(last) } else { text.parse().ok() };
    set.split(',').any(|range| match range.split_once(':') {
        Some((a, b)) => match (value(a), value(b)) {
            // A range may stand the wrong way round: `n:*` with n past the end means the last one.
            (Some(a), Some(b)) => (a.min(b)..=a.max(b)).contains(&number),
            _ => false,
        },
        None => value(range) == Some(number),
    })
}

/// A string as a response carries it.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::{Word, in_set, words};

    #[test]
    fn commands_are_read_word_by_word() {
        let atom = |text: &str| Word::Atom(text.to_owned());
        assert_eq!(
            words(b"UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM TO)])").unwrap(),
            [
                atom("UID"),
                atom("FETCH"),
                atom("1:*"),
                Word::List(vec![atom("FLAGS"), atom("BODY.PEEK[HEADER.FIELDS (FROM TO)]")])
            ]
        );
        assert_eq!(
            words(b"LOGIN \"a\\\"b\" {3}\r\nx y").unwrap(),
            [atom("LOGIN"), Word::Text(b"a\"b".to_vec()), Word::Text(b"x y".to_vec())]
        );
        for bad in [&b"LOGIN \"a"[..], b"A (B", b"A)", b"A {9}\r\nx", b"A {x}\r\n"] {
            assert_eq!(words(bad), None);
        }
    }

    #[test]
    fn a_set_past_the_end_means_the_last() {
        assert!(in_set("9:*", 5, 5) && !in_set("9:*", 4, 5) && in_set("1,3:4", 4, 9) && !in_set("x", 1, 1));
    }
}
