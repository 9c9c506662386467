//! Mails of the corpus with bytes changed, cut, doubled and crossed: twenty thousand of them, the same in every run.

use super::corpus::{self, ARRIVED};
use super::{me, sound};
use crate::channels::email::convert::{page, raw_of, read};
use crate::channels::email::me::Folder;
use crate::model::Timestamp;

const ROUNDS: usize = 20_000;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

/// What breaks readers: ends, marks of MIME, of HTML, of encoded words.
const SPICE: &[&[u8]] = &[
    b"\r\n",
    b"\n\n",
    b"\r",
    b"\0",
    b"--=_b1",
    b"--",
    b"=?utf-8?B?",
    b"?=",
    b"<",
    b">",
    b"\"",
    b"(",
    b";",
    b":",
    b"=",
    b"\xff",
    b"\xc3",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"<div class=gmail_quote>",
    b"<blockquote type=cite>",
    b"> ",
    b"-- \r\n",
    b"&#",
    b"charset=utf-7",
    b"BEGIN:VEVENT\r\n",
    b"\xf0\x9f\x98\x80",
];

fn mutate(raw: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(raw.len() + 1);
        let end = (at + random.below(40)).min(raw.len());
        match random.below(7) {
            0 if at < raw.len() => raw[at] = random.below(256) as u8,
            1 => drop(raw.drain(at..end)),
            2 => {
                let again = raw[at..end].to_vec();
                raw.splice(at..at, again);
            }
            3 => raw.truncate(at.max(1)),
            4 => {
                let from = random.below(other.len());
                let piece = other[from..(from + random.below(200)).min(other.len())].to_vec();
                raw.splice(at..end, piece);
            }
            _ => {
                let spice = SPICE[random.below(SPICE.len())];
                raw.splice(at..at, spice.iter().copied());
            }
        }
    }
}

#[test]
fn twenty_thousand_damaged_mails_are_read_or_kept_whole() {
    let seeds: Vec<Vec<u8>> = corpus::all().into_iter().map(|case| case.raw).filter(|raw| raw.len() < 6_000).collect();
    let mut random = Random(42);
    let mut held = 0;
    for round in 0..ROUNDS {
        let mut raw = seeds[random.below(seeds.len())].clone();
        let other = &seeds[random.below(seeds.len())];
        mutate(&mut raw, other, &mut random);
        let folder = if round % 5 == 0 { Folder::Sent } else { Folder::Watched };
        match read(&raw, &me(), Timestamp(ARRIVED), folder) {
            Ok(items) => sound(&format!("round {round}"), &raw, &items),
            Err(unreadable) => {
                assert_eq!(raw_of(&unreadable.payload), raw, "round {round}");
                assert!(
                    !unreadable.error.contains("breaks"),
                    "round {round} breaks the reader: {}",
                    String::from_utf8_lossy(&raw)
                );
                held += 1;
            }
        }
        if round % 10 == 0 {
            let _ = page(&raw);
        }
    }
    assert!(held < ROUNDS / 10, "{held} of {ROUNDS} were kept unread");
}
