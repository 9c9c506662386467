//! Which sites may embed the chat.
//!
//! Promises: an origin is compared as scheme, host and port, never as text; what comes out of here is safe in a header.

use url::Url;

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// Every site there is; only when the admin writes it.
    Any,
    /// Scheme, host (without `*.`), port, and whether the names below the host are meant.
    One { scheme: String, host: String, port: Option<u16>, below: bool },
}

impl Site {
    /// Reads `https://shop.example`, `https://*.shop.example`, `http://localhost:3000` or `*`.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim().trim_end_matches('/');
        if line == "*" {
            return Some(Self::Any);
        }
        let (scheme, rest) = line.split_once("://")?;
        let (rest, below) = rest.strip_prefix("*.").map_or((rest, false), |rest| (rest, true));
        let url: Url = format!("{scheme}://{rest}").parse().ok()?;
        let whole = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let host = url.host_str().filter(|host| is_plain(host))?;
        // *.com is nobody's site.
        let named = !below || host.contains('.');
        (whole && named).then(|| Self::One {
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port: url.port(),
            below,
        })
    }

    pub fn admits(&self, origin: &str) -> bool {
        let Ok(origin) = origin.parse::<Url>() else { return false };
        match self {
            Self::Any => matches!(origin.scheme(), "http" | "https"),
            Self::One { scheme, host, port, below } => {
                let theirs = origin.host_str().unwrap_or_default();
                let name = if *below {
                    theirs.strip_suffix(host.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
                } else {
                    theirs == host
                };
                name && origin.scheme() == scheme && origin.port() == *port
            }
        }
    }

    /// As a source of a content security policy.
    pub fn source(&self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::One { scheme, host, port, below } => {
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                format!("{scheme}://{}{host}{port}", if *below { "*." } else { "" })
            }
        }
    }
}

fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::Site;

    #[test]
    fn a_site_is_itself_and_nothing_that_looks_like_it() {
        let site = Site::parse("https://shop.example/").unwrap();
        assert!(site.admits("https://shop.example") && site.admits("https://SHOP.example:443"));
        for other in [
            "http://shop.example",
            "https://shop.example:8443",
            "https://www.shop.example",
            "https://evilshop.example",
            "https://shop.example.evil.test",
            "https://evil.test/https://shop.example",
            "null",
            "",
            "file://shop.example",
        ] {
            assert!(!site.admits(other), "{other}");
        }
    }

    #[test]
    fn a_star_stands_for_the_names_below_and_not_for_the_name_itself() {
        let site = Site::parse("https://*.shop.example").unwrap();
        assert!(site.admits("https://www.shop.example") && site.admits("https://a.b.shop.example"));
        for other in ["https://shop.example", "https://evilshop.example", "https://.shop.example"] {
            assert!(!site.admits(other), "{other}");
        }
        assert_eq!(site.source(), "https://*.shop.example");
    }

    #[test]
    fn what_is_no_site_is_refused() {
        for line in [
            "shop.example",
            "https://shop.example/path",
            "https://u:p@shop.example",
            "ftp://shop.example",
            "https://*.com",
            "https://shop.example; script-src *",
            "https://",
            "**",
        ] {
            assert_eq!(Site::parse(line), None, "{line}");
        }
        assert!(Site::parse("*").unwrap().admits("https://anything.example"));
        assert!(!Site::parse("*").unwrap().admits("null"));
        assert_eq!(Site::parse("http://localhost:3000").unwrap().source(), "http://localhost:3000");
    }
}
