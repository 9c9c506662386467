//! Folder names as `IMAP4rev1` writes them: modified UTF-7 (RFC 3501 §5.1.3).

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const ENGINE: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A name as people write it, as the server writes it.
#[must_use]
pub fn encode(name: &str) -> String {
    let (mut out, mut odd) = (String::with_capacity(name.len()), Vec::new());
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            flush(&mut odd, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut pair = [0; 2];
            odd.extend(c.encode_utf16(&mut pair).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut odd, &mut out);
    out
}

fn flush(odd: &mut Vec<u8>, out: &mut String) {
    if !odd.is_empty() {
        out.push('&');
        out.push_str(&ENGINE.encode(&*odd));
        out.push('-');
        odd.clear();
    }
}

/// A name as the server writes it, as people write it; what is not in this form is left as it is.
#[must_use]
pub fn decode(name: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(name.len()), name);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let Some(end) = tail.find('-') else {
            out.push_str(&rest[at..]);
            return out;
        };
        if end == 0 {
            out.push('&');
        } else {
            let units: Option<Vec<u16>> = LENIENT
                .decode(&tail[..end])
                .ok()
                .map(|bytes| bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect());
            match units.and_then(|units| String::from_utf16(&units).ok()) {
                Some(text) => out.push_str(&text),
                None => out.push_str(&rest[at..=at + 1 + end]),
            }
        }
        rest = &tail[end + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn folder_names_go_there_and_back() {
        for (people, server) in [
            ("INBOX", "INBOX"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("Vragen & klachten", "Vragen &- klachten"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("📦", "&2D3c5g-"),
        ] {
            assert_eq!(encode(people), server);
            assert_eq!(decode(server), people);
        }
    }

    #[test]
    fn what_is_no_such_name_is_left_alone() {
        for odd in ["a&b", "&", "&!!-", "&2D0-", "x&AGE-y"] {
            let _ = decode(odd);
        }
        assert_eq!(decode("a&b"), "a&b");
        assert_eq!(decode("&!!-"), "&!!-");
    }

    proptest::proptest! {
        #[test]
        fn every_name_survives(name in "\\PC{0,40}") {
            proptest::prop_assert_eq!(decode(&encode(&name)), name);
        }
    }
}
