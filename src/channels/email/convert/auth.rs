//! Whether the author is who the mail says: what the receiving server found (RFC 8601).
//!
//! Promises: only the topmost field of the server that the admin trusts counts, because anybody can write such fields into
//! a mail; a failed DMARC is never outvoted.

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Found {
    pub spf: Option<String>,
    pub dkim: Option<String>,
    pub dmarc: Option<String>,
    /// The domain of the author is vouched for.
    #[serde(skip)]
    pub vouched: bool,
}

/// Reads the fields `Authentication-Results`, topmost first.
pub(super) fn read<'a>(fields: impl Iterator<Item = &'a str>, trusts: Option<&str>, domain: &str) -> Found {
    let mut found = Found::default();
    let Some(trusts) = trusts.filter(|name| !name.is_empty()) else { return found };
    for field in fields {
        let bare = plain(field);
        let mut parts = bare.split(';');
        let server = parts.next().unwrap_or_default().split_ascii_whitespace().next().unwrap_or_default();
        if !server.eq_ignore_ascii_case(trusts) {
            continue;
        }
        let (mut aligned, mut failed) = (false, false);
        for part in parts {
            let mut words = part.split_ascii_whitespace();
            let Some((method, result)) = words.next().and_then(|word| word.split_once('=')) else { continue };
            let (method, result) = (method.trim().to_ascii_lowercase(), result.to_ascii_lowercase());
            let signed = words.any(|word| {
                let Some((name, value)) = word.split_once('=') else { return false };
                let by = value.rsplit('@').next().unwrap_or_default();
                matches!(name.to_ascii_lowercase().as_str(), "header.d" | "header.i" | "header.from")
                    && stands_for(by, domain)
            });
            match method.as_str() {
                "spf" => found.spf = found.spf.or(Some(result)),
                "dkim" => {
                    aligned |= result == "pass" && signed;
                    // Of several signatures one that holds is enough to show.
                    if found.dkim.as_deref() != Some("pass") {
                        found.dkim = Some(result);
                    }
                }
                "dmarc" => {
                    // Without a domain it can only be the author's.
                    aligned |= result == "pass" && (signed || !part.contains("header.from"));
                    failed |= matches!(result.as_str(), "fail" | "permerror" | "temperror");
                    found.dmarc = found.dmarc.or(Some(result));
                }
                _ => {}
            }
        }
        found.vouched = aligned && !failed && !domain.is_empty();
        break;
    }
    found
}

/// Whether a signature of `by` is one of `domain`: the same, or an organisation above it.
fn stands_for(by: &str, domain: &str) -> bool {
    let (by, domain) = (by.trim_end_matches('.').to_ascii_lowercase(), domain.to_ascii_lowercase());
    by == domain || (by.contains('.') && domain.strip_suffix(&by).is_some_and(|rest| rest.ends_with('.')))
}

/// A field without its comments, and with nothing in its quoted strings that could pass for a part of the field: what stands
/// between quotes there is often the sender's choice.
fn plain(field: &str) -> String {
    let (mut depth, mut quoted, mut out) = (0_usize, false, String::with_capacity(field.len()));
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted || depth > 0 => {
                chars.next();
            }
            // In a comment, too: servers repeat there what a sender chose.
            '"' => quoted = !quoted,
            _ if quoted && depth > 0 => {}
            c if quoted => out.push(if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '@') { c } else { '_' }),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::read;

    fn vouched(fields: &[&str], domain: &str) -> bool {
        read(fields.iter().copied(), Some("mx.brand.example"), domain).vouched
    }

    #[test]
    fn only_the_trusted_server_vouches_and_only_for_the_author() {
        let good = "mx.brand.example; dkim=pass (2048-bit key) header.d=home.example header.s=s1; spf=pass smtp.mailfrom=x@home.example; dmarc=pass (p=REJECT) header.from=home.example";
        assert!(vouched(&[good], "home.example"));
        assert!(vouched(&["mx.brand.example 1; dkim=pass header.i=@home.example"], "mail.home.example"));
        assert!(vouched(&[r#"mx.brand.example; dkim=pass header.d="home.example""#], "home.example"));
        for (fields, domain) in [
            (vec!["evil.example; dmarc=pass header.from=home.example"], "home.example"),
            (
                vec!["mx.brand.example; dmarc=fail header.from=home.example; dkim=pass header.d=home.example"],
                "home.example",
            ),
            (vec!["mx.brand.example; dkim=pass header.d=evil.example"], "home.example"),
            (vec!["mx.brand.example; dkim=pass header.d=me.example"], "home.example"),
            (vec!["mx.brand.example; spf=pass smtp.mailfrom=home.example"], "home.example"),
            // A second one below is the author's own work.
            (vec!["mx.brand.example; dkim=none", good], "home.example"),
            (vec!["mx.brand.example; none"], "home.example"),
            (vec!["(mx.brand.example; dmarc=pass header.from=home.example"], "home.example"),
            (vec!["mx.brand.example; dkim=pass header.d=example"], "home.example"),
            // What a sender chose, between quotes, is no finding.
            (
                vec![
                    r#"mx.brand.example; dmarc=fail header.from=home.example; spf=pass smtp.mailfrom="x; dmarc=pass header.from=home.example; y"@evil.example"#,
                ],
                "home.example",
            ),
            (
                vec![
                    r#"mx.brand.example; dmarc=none; spf=pass smtp.mailfrom="x\"; dkim=pass header.d=home.example; y"@evil.example"#,
                ],
                "home.example",
            ),
            (
                vec![
                    r#"mx.brand.example; spf=pass (domain of "a\) ; dkim=pass header.d=home.example (b"@evil.example) smtp.mailfrom=x@evil.example"#,
                ],
                "home.example",
            ),
            (
                vec![
                    r#"mx.brand.example; spf=pass (mx: domain of "a) ; dkim=pass header.d=home.example (b"@evil.example designates it) smtp.helo=x"#,
                ],
                "home.example",
            ),
            (
                vec![
                    r#"mx.brand.example; spf=pass smtp.mailfrom="(; "@evil.example; dmarc=fail header.from=home.example; x="); dkim=pass header.d=home.example""#,
                ],
                "home.example",
            ),
        ] {
            assert!(!vouched(&fields, domain), "{fields:?}");
        }
        assert!(!read([good].into_iter(), None, "home.example").vouched);
    }
}
