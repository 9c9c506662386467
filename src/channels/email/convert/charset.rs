//! From bytes to text: by label where the label is honest, by detection where it is not.
//!
//! Promises: never fails; ASCII and valid UTF-8 always come out right; a wrong label costs no letters where a better guess exists.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Enough to know a language by.
const LOOKED_AT: usize = 64 * 1024;

/// Reads `bytes` as `label` says, unless they say otherwise.
pub(super) fn decode(bytes: &[u8], label: Option<&str>) -> String {
    let label = label.map(|label| label.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    let label = label.as_deref().filter(|label| !label.is_empty());
    // These are made of ASCII and are not ASCII.
    let disguised = label.is_some_and(|l| {
        l.starts_with("iso-2022")
            || l.starts_with("utf-7")
            || l.starts_with("utf-16")
            || l.starts_with("hz-")
            || l.contains("unicode-1-1-utf-7")
    });
    if !disguised && let Ok(text) = std::str::from_utf8(bytes) {
        // Valid UTF-8 with more than ASCII in it is UTF-8, whatever an eight-bit label claims. In the multi-byte charsets of
        // East Asia short texts may be both: there the label decides.
        if text.is_ascii() || !label.is_some_and(is_multi_byte) {
            return text.trim_start_matches('\u{feff}').to_owned();
        }
    }
    if let Some(decoder) = label.filter(|l| *l != "utf-8" && *l != "utf8").and_then(|l| charset_decoder(l.as_bytes())) {
        let text = decoder(bytes);
        if !text.contains('\u{fffd}') {
            return text;
        }
    }
    if (bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]))
        && let Some(decoder) = charset_decoder(b"utf-16")
    {
        return decoder(bytes);
    }
    let lossy = String::from_utf8_lossy(bytes);
    // A mail cut in the middle of a letter is still UTF-8.
    let broken = lossy.matches('\u{fffd}').count();
    let letters = lossy.chars().filter(|c| !c.is_ascii() && *c != '\u{fffd}').count();
    if broken > 0 && letters > broken * 8 {
        return lossy.into_owned();
    }
    detect(bytes)
}

fn is_multi_byte(label: &str) -> bool {
    ["gb", "big5", "euc-", "shift", "sjis", "ks_c", "cp9", "windows-31j", "x-sjis"]
        .iter()
        .any(|start| label.starts_with(start))
}

fn detect(bytes: &[u8]) -> String {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(LOOKED_AT)], true);
    detector.guess(None, chardetng::Utf8Detection::Deny).decode_without_bom_handling(bytes).0.into_owned()
}

/// The text of a header: UTF-8 where it is valid, else what the bytes look like.
pub(super) fn header(bytes: &[u8]) -> String {
    decode(bytes, None)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_label_is_believed_as_far_as_it_is_right() {
        for (bytes, label, expected) in [
            (&b"caf\xe9"[..], Some("iso-8859-1"), "café"),
            (b"\x80 5", Some("ISO-8859-1"), "€ 5"),
            (b"caf\xc3\xa9", Some("iso-8859-1"), "café"),
            (b"caf\xc3\xa9", Some("us-ascii"), "café"),
            (b"caf\xc3\xa9", None, "café"),
            (b"caf\xe9 met vla", Some("utf-8"), "café met vla"),
            (b"caf\xe9 met vla", Some("x-unknown"), "café met vla"),
            (b"\xf0\xd2\xc9\xd7\xc5\xd4", Some("koi8-r"), "Привет"),
            (b"\x1b$B%O%m!<\x1b(B", Some("iso-2022-jp"), "ハロー"),
            (b"Hi Mom -+Jjo--!", Some("utf-7"), "Hi Mom -☺-!"),
            (b"\xff\xfeh\0i\0", Some("utf-16"), "hi"),
            (b"\xef\xbb\xbfhoi", Some("utf-8"), "hoi"),
            (b"\x9b", Some("ibm850"), "ø"),
        ] {
            assert_eq!(decode(bytes, label), expected, "{label:?}");
        }
    }
}
