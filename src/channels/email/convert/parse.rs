//! Taking a mail apart: the one place that meets the MIME library.
//!
//! Promises: any bytes are survived, in time and stack bounded by their number; a mail that other programs read is read (a byte
//! order mark, an mbox line or empty lines above it, bare carriage returns, bytes of any charset in the header); no part's
//! content is lost to a broken transfer encoding.
//! The library is told nothing of transfer encodings: it would read mails inside encoded parts recursively, as deep as
//! a stranger likes. Parts are decoded here, when they are wanted.

use std::borrow::Cow;

use base64::Engine;
use mail_parser::{HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::charset;
use super::head::{LENIENT, end_of_head};

/// A mail in parts.
pub(super) struct Parsed<'r> {
    raw: &'r [u8],
    pub mail: Message<'r>,
}

impl Drop for Parsed<'_> {
    /// Mails within mails, as deep as a stranger likes: taken apart one by one instead of by recursion.
    fn drop(&mut self) {
        let mut left = vec![std::mem::take(&mut self.mail)];
        while let Some(mut mail) = left.pop() {
            for part in &mut mail.parts {
                if let PartType::Message(inner) = &mut part.body {
                    left.push(std::mem::take(inner));
                }
            }
        }
    }
}

/// The bytes as a mail reader wants them.
pub(super) fn normal(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut bytes = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    while let [b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    for mark in [&b"From "[..], b">From "] {
        if bytes.starts_with(mark)
            && let Some(end) = bytes.iter().position(|b| *b == b'\n')
        {
            bytes = &bytes[end + 1..];
        }
    }
    let mut bytes = Cow::Borrowed(bytes);
    if !bytes.contains(&b'\n') && bytes.contains(&b'\r') {
        bytes = Cow::Owned(bytes.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect());
    }
    let end = end_of_head(&bytes);
    if std::str::from_utf8(&bytes[..end]).is_err() {
        let mut readable = charset::header(&bytes[..end]).into_bytes();
        readable.extend_from_slice(&bytes[end..]);
        bytes = Cow::Owned(readable);
    }
    bytes
}

impl<'r> Parsed<'r> {
    /// `None` when there is no header.
    pub(super) fn of(raw: &'r [u8]) -> Option<Self> {
        let parser = MessageParser::new()
            .with_mime_headers()
            .with_address_headers()
            .with_date_headers()
            .ignore_header(HeaderName::ContentTransferEncoding);
        let mail = parser.parse(raw)?;
        Some(Self { raw, mail })
    }

    /// Every part of the mail itself, in order, containers included; parts of mails in it are not.
    pub(super) fn parts(&self) -> &[MessagePart<'r>] {
        &self.mail.parts
    }

    /// The type of the whole, `type/subtype` in lower case; `text/plain` when it says none.
    pub(super) fn kind(&self) -> String {
        self.parts().first().map_or_else(|| "text/plain".to_owned(), kind)
    }

    /// The content of a part, its transfer encoding undone.
    pub(super) fn bytes(&self, part: &MessagePart<'_>) -> Vec<u8> {
        let body = self.raw.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize).unwrap_or_default();
        let encoding = part
            .headers
            .iter()
            .find(|header| header.name == HeaderName::ContentTransferEncoding)
            .and_then(|header| self.raw.get(header.offset_start as usize..header.offset_end as usize))
            .map(|value| String::from_utf8_lossy(value).trim().to_ascii_lowercase())
            .unwrap_or_default();
        if encoding.starts_with("base64") {
            let decoded = base64_bytes(body);
            // Said to be base64 and is not: then it is what it is.
            if decoded.is_empty() && !body.is_empty() { body.to_vec() } else { decoded }
        } else if encoding.starts_with("quoted-printable") {
            quoted_printable_bytes(body)
        } else {
            body.to_vec()
        }
    }

    /// The content of a text part, as text.
    pub(super) fn text(&self, part: &MessagePart<'_>) -> String {
        let label = part.content_type().and_then(|kind| kind.attribute("charset"));
        charset::decode(&self.bytes(part), label)
    }
}

/// The type of a part, `type/subtype` in lower case.
pub(super) fn kind(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(kind) => format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default())
            .trim_end_matches('/')
            .to_ascii_lowercase(),
        None if matches!(part.body, PartType::Message(_)) => "message/rfc822".to_owned(),
        None => "text/plain".to_owned(),
    }
}

/// What can be read of base64: what is no letter of it is skipped, padding in the middle ends a piece and not the whole.
fn base64_bytes(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len() / 4 * 3);
    let mut piece = Vec::with_capacity(body.len());
    let mut flush = |piece: &mut Vec<u8>| {
        // A lone letter at the end carries no byte.
        if piece.len() % 4 == 1 {
            piece.pop();
        }
        if let Ok(bytes) = LENIENT.decode(&*piece) {
            decoded.extend(bytes);
        }
        piece.clear();
    };
    for byte in body {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => piece.push(*byte),
            b'=' => flush(&mut piece),
            _ => {}
        }
    }
    flush(&mut piece);
    decoded
}

fn quoted_printable_bytes(body: &[u8]) -> Vec<u8> {
    let hex = |b: u8| char::from(b).to_digit(16).map(|digit| digit as u8);
    let mut decoded = Vec::with_capacity(body.len());
    let mut rest = body;
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'=' {
            decoded.push(*first);
            continue;
        }
        match behind {
            [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] => rest = behind,
            [high, low, behind @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                decoded.push(hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0));
                rest = behind;
            }
            // A soft break with blanks after it, which mail servers add.
            [b' ' | b'\t', ..] if blank_line(behind) => {
                rest = behind.iter().position(|b| *b == b'\n').map_or(&[][..], |at| &behind[at + 1..]);
            }
            [] => {}
            _ => decoded.push(b'='),
        }
    }
    decoded
}

fn blank_line(rest: &[u8]) -> bool {
    rest.iter().take(100).take_while(|b| **b != b'\n').all(|b| matches!(b, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::{base64_bytes, normal, quoted_printable_bytes};

    #[test]
    fn broken_transfer_encodings_give_what_is_there() {
        assert_eq!(base64_bytes(b"aG9p\r\nIGRh\nZw"), b"hoi dag");
        assert_eq!(base64_bytes(b"aG9p!!IGRhZw==aG9p"), b"hoi daghoi");
        assert_eq!(quoted_printable_bytes(b"caf=C3=A9 =\r\nen =ZZ = \r\nd=e9=\nx="), b"caf\xc3\xa9 en =ZZ d\xe9x");
    }

    #[test]
    fn what_stands_above_a_mail_is_no_part_of_it() {
        assert_eq!(&*normal(b"\xef\xbb\xbf\r\n\nFrom anna Mon Mar 2\nSubject: x\n\ny"), b"Subject: x\n\ny");
        assert_eq!(&*normal(b"Subject: x\r\ry\r"), b"Subject: x\n\ny\n");
        assert_eq!(&*normal(b"Subject: caf\xe9\n\n\xe9"), b"Subject: caf\xc3\xa9\n\n\xe9");
    }
}
