//! Which mail is a notification of which platform, as data: sender, subject, link.

use serde::Deserialize;

use crate::model::Lane;

const MOST_RULES: usize = 100;

/// One platform.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub platform: String,
    /// Domains it sends from; what is below them counts too.
    pub from: Vec<String>,
    /// Subjects of notifications; `{name}` is who did it, `*` any text. Others are newsletters.
    pub subjects: Vec<String>,
    /// How links to what happened begin, the best first.
    pub links: Vec<String>,
    /// `public` or `private`.
    #[serde(default = "public")]
    pub lane: String,
}

fn public() -> String {
    "public".to_owned()
}

impl Rule {
    pub fn lane(&self) -> Lane {
        if self.lane == "private" { Lane::Private } else { Lane::Public }
    }

    /// Whether it sends from this address's domain.
    pub fn sends_from(&self, address: &str) -> bool {
        let Some((_, host)) = address.rsplit_once('@') else { return false };
        self.from.iter().any(|domain| is_below(host, domain))
    }

    /// Who did it, when the subject is one of a notification; an empty name when the subject names nobody.
    pub fn name_in(&self, subject: &str) -> Option<String> {
        self.subjects.iter().find_map(|pattern| matched(pattern, subject.trim()))
    }

    /// The best link to what happened.
    pub fn link_in<'t>(&self, links: &[&'t str]) -> Option<&'t str> {
        self.links.iter().find_map(|begin| links.iter().find(|link| link.starts_with(begin.as_str())).copied())
    }
}

/// Whether a host is a domain or stands below it.
pub fn is_below(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.trim().to_ascii_lowercase(), domain.trim().to_ascii_lowercase());
    !domain.is_empty() && (host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.')))
}

/// Reads and checks the rules.
///
/// # Errors
/// A sentence for the admin.
pub fn read(text: &str) -> Result<Vec<Rule>, String> {
    let rules: Vec<Rule> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if rules.is_empty() || rules.len() > MOST_RULES {
        return Err(format!("there are 1 to {MOST_RULES} rules"));
    }
    for rule in &rules {
        if rule.platform.trim().is_empty() || rule.from.is_empty() || rule.subjects.is_empty() {
            return Err("a rule has a platform, from and subjects".to_owned());
        }
        if rule.from.iter().any(|domain| !domain.contains('.') || domain.contains('@')) {
            return Err(format!("{}: from holds domains, like pinterest.com", rule.platform));
        }
        if rule.links.iter().any(|link| !link.starts_with("https://")) {
            return Err(format!("{}: links begin with https://", rule.platform));
        }
        if !matches!(rule.lane.as_str(), "public" | "private") {
            return Err(format!("{}: a lane is public or private", rule.platform));
        }
    }
    Ok(rules)
}

/// Matches a subject; gives what stood for `{name}`.
fn matched(pattern: &str, subject: &str) -> Option<String> {
    let mut rest = subject;
    let mut name = None;
    // What a wildcard before the next piece of text has to take in.
    let mut open: Option<bool> = None;
    let mut pattern = pattern;
    loop {
        let (literal, wild) = match (pattern.find("{name}"), pattern.find('*')) {
            (Some(n), s) if s.is_none_or(|s| n < s) => (&pattern[..n], Some((true, &pattern[n + 6..]))),
            (_, Some(s)) => (&pattern[..s], Some((false, &pattern[s + 1..]))),
            _ => (pattern, None),
        };
        let at = match open {
            None if starts(rest, literal) => 0,
            None => return None,
            Some(_) if literal.is_empty() && wild.is_none() => rest.len(),
            Some(_) => find(rest, literal)?,
        };
        if open == Some(true) {
            name = Some(rest[..at].trim().to_owned());
        }
        rest = &rest[at + literal.len()..];
        match wild {
            Some((is_name, after)) => {
                open = Some(is_name);
                pattern = after;
            }
            None if rest.is_empty() || (open.is_some() && literal.is_empty()) => return Some(name.unwrap_or_default()),
            None => return None,
        }
    }
}

fn starts(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}

fn find(text: &str, what: &str) -> Option<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).find(|at| starts(&text[*at..], what))
}

#[cfg(test)]
mod tests {
    use super::{is_below, matched, read};

    #[test]
    fn a_subject_says_who_did_it() {
        for (pattern, subject, name) in [
            ("{name} commented on your Pin*", "Noor de Vries commented on your Pin \"Fiets\"", Some("Noor de Vries")),
            ("{name} commented on your Pin*", "noor COMMENTED ON YOUR PIN", Some("noor")),
            ("{name} commented on your Pin*", "Your weekly ideas", None),
            ("New message from {name}", "New message from Noor", Some("Noor")),
            ("* by {name}!", "A comment by Noor!", Some("Noor")),
            ("* by {name}!", "A comment by Noor! And more", None),
            ("Somebody commented*", "Somebody commented on it", Some("")),
            ("exactly", "exactly", Some("")),
            ("exactly", "exactly this", None),
            ("{name} é*", "ÿ é", Some("ÿ")),
            ("*", "", Some("")),
        ] {
            assert_eq!(matched(pattern, subject).as_deref(), name, "{pattern} / {subject}");
        }
    }

    #[test]
    fn a_domain_that_only_looks_like_it_is_another() {
        assert!(is_below("pinterest.com", "pinterest.com") && is_below("Discover.Pinterest.com", "pinterest.com"));
        for host in ["evilpinterest.com", "pinterest.com.evil.example", "", "com"] {
            assert!(!is_below(host, "pinterest.com"), "{host}");
        }
    }

    #[test]
    fn rules_that_cannot_work_are_refused() {
        assert_eq!(read(include_str!("rules.json")).unwrap().len(), 2);
        let rule =
            |more: &str| format!("[{{\"platform\": \"P\", \"from\": [\"p.example\"], \"subjects\": [\"*\"], {more}}}]");
        assert!(read(&rule("\"links\": []")).is_ok());
        for bad in [
            "[]",
            "{}",
            &rule("\"links\": [\"http://p.example\"]"),
            &rule("\"links\": [], \"lane\": \"secret\""),
            &rule("\"links\": [], \"form\": 1"),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(
            read("[{\"platform\": \"P\", \"from\": [\"a@p.example\"], \"subjects\": [\"*\"], \"links\": []}]").is_err()
        );
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_and_subject_are_survived(pattern in "[a-zé*{}name ]{0,30}", subject in "[a-zé*{} 👍]{0,40}") {
            let _ = matched(&pattern, &subject);
        }
    }
}
