//! Record keys: timestamp identifiers (<https://atproto.com/specs/tid>, read 2026-11-22).
//!
//! Owns: making keys that follow from what they are for, so that a second attempt writes the same record and not a second one.
//! Promises: 13 characters, sorting by time; the same input gives the same key for ever.
//! Must not: ask a clock or a random source.

use sha2::{Digest, Sha256};

use crate::model::{MessageId, Timestamp};

const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
const MICROS_MASK: u64 = (1 << 53) - 1;
const CLOCK_MASK: u64 = (1 << 10) - 1;

/// 53 bits of microseconds since 1970 and 10 bits that tell writers apart; both are cut to size.
#[must_use]
pub fn encode(micros: u64, clock: u64) -> String {
    let value = ((micros & MICROS_MASK) << 10) | (clock & CLOCK_MASK);
    (0..13).map(|place| char::from(ALPHABET[usize::try_from((value >> (60 - 5 * place)) & 31).unwrap_or(0)])).collect()
}

/// The moment in a key; `None` when it is no such key. Authors choose their keys, so this is a claim, not a fact.
#[must_use]
pub fn moment(key: &str) -> Option<Timestamp> {
    if key.len() != 13 {
        return None;
    }
    let mut value: u64 = 0;
    for (place, byte) in key.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        if place == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | digit as u64;
    }
    i64::try_from((value >> 10) / 1000).ok().map(Timestamp)
}

/// The key of the post that carries this message. Two messages of one millisecond differ in the 20 bits that come from the id.
#[must_use]
pub fn for_message(key: MessageId, written_at: Timestamp) -> String {
    let bits = hash(&[b"message", key.0.as_bytes()]);
    let millis = u64::try_from(written_at.0).unwrap_or(0);
    encode(millis.saturating_mul(1000).saturating_add((bits >> 10) % 1000), bits)
}

/// The key of the one record of this kind that we hold about a subject (our like of that post, our block of that person).
#[must_use]
pub fn for_subject(collection: &str, subject: &str) -> String {
    let bits = hash(&[b"subject", collection.as_bytes(), b" ", subject.as_bytes()]);
    encode(bits >> 11, bits)
}

fn hash(parts: &[&[u8]]) -> u64 {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
    }
    let digest = sha.finalize();
    digest.iter().take(8).fold(0, |value, &byte| (value << 8) | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::{encode, for_message, for_subject, moment};
    use crate::model::{MessageId, Timestamp};

    #[test]
    fn keys_are_spelled_as_the_specification_spells_them() {
        // From the specification's examples: the zero key, and one of the valid ones read back.
        assert_eq!(encode(0, 0), "2222222222222");
        assert_eq!(moment("3jzfcijpj2z2a"), Some(Timestamp(1_688_137_381_887)));
        for bad in
            ["", "3jzfcijpj2z21", "0000000000000", "3JZFCIJPJ2Z2A", "3jzfcijpj2z2aa", "zzzzzzzzzzzzz", "kjzfcijpj2z2a"]
        {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_message_has_one_key_for_ever() {
        let key: MessageId = "01939f5e-8f00-7000-8000-000000000001".parse().unwrap();
        let other: MessageId = "01939f5e-8f00-7000-8000-000000000002".parse().unwrap();
        let at = Timestamp(1_772_442_845_120);
        assert_eq!(for_message(key, at), for_message(key, at));
        assert_ne!(for_message(key, at), for_message(other, at));
        assert_eq!(moment(&for_message(key, at)), Some(at));
    }

    proptest::proptest! {
        #[test]
        fn keys_sort_by_time_and_read_back(a in 0u64..(1 << 53), b in 0u64..(1 << 53), clock in 0u64..1024) {
            let (x, y) = (encode(a, clock), encode(b, clock));
            proptest::prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            proptest::prop_assert_eq!(x.len(), 13);
            proptest::prop_assert_eq!(moment(&x), Some(Timestamp(i64::try_from(a / 1000).unwrap())));
        }

        #[test]
        fn every_subject_gives_a_key_that_reads(subject in ".{0,60}") {
            proptest::prop_assert!(moment(&for_subject("app.bsky.feed.like", &subject)).is_some());
        }
    }
}
