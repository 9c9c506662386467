//! The settings of a mailbox: what an admin filled in (`fields`), checked, and what the large providers need not be asked for.
//!
//! Sources: developers.google.com/workspace/gmail/imap (2026-11), learn.microsoft.com "POP, IMAP, and SMTP settings" (2026-11).

use serde_json::Value;

use super::thread::without_token;
use crate::channels::ChannelError;
use crate::channels::mailbox::{self, Security, Server, folders};

/// Whose mail it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Generic,
    Google,
    Microsoft,
}

/// Who files a copy of what we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// We do, before the last byte is sent: the copy then also tells whether a mail left.
    Ours,
    /// The provider does.
    Theirs,
    Nobody,
}

/// The settings of one mailbox, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub provider: Provider,
    /// The mailbox's own address, lower case.
    pub address: String,
    /// Our own addresses, the mailbox's first.
    pub addresses: Vec<String>,
    /// What stands before the address in From.
    pub name: String,
    pub user: String,
    pub imap: Server,
    pub smtp: Server,
    pub folders: Vec<String>,
    /// Where sent mail is filed, when the server does not tell.
    pub sent: Option<String>,
    pub copies: Copies,
    /// Whether the mailbox takes mail for `name+anything@`.
    pub plus: bool,
    /// The server that says in `Authentication-Results` who a mail really comes from, as it names itself there.
    pub trusts: Option<String>,
    /// Certificates of the deployment's own, PEM.
    pub certificate: Option<String>,
    /// Of the sign-in, when it is neither Google's nor Microsoft's.
    pub authorize_url: Option<String>,
    pub token_url: Option<String>,
    pub scope: Option<String>,
    pub client_id: Option<String>,
    pub tenant: String,
}

impl Settings {
    /// Reads the settings as the desk keeps them.
    ///
    /// # Errors
    /// `Rejected`, naming the field, when something cannot be.
    pub fn read(value: &Value) -> Result<Self, ChannelError> {
        let text = |key: &str| value[key].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let provider = match value["provider"].as_str() {
            Some("google") => Provider::Google,
            Some("microsoft") => Provider::Microsoft,
            _ => Provider::Generic,
        };
        let address = text("address").unwrap_or_default().to_lowercase();
        if !is_address(&address) {
            return Err(wrong("address", "this is not a mail address", "dit is geen mailadres"));
        }
        let mut addresses = vec![without_token(&address)];
        for alias in text("aliases").unwrap_or_default().split([',', ';', ' ']).map(str::trim).filter(|a| !a.is_empty())
        {
            let alias = alias.to_lowercase();
            if !is_address(&alias) {
                return Err(wrong(
                    "aliases",
                    &format!("{alias} is not a mail address"),
                    &format!("{alias} is geen mailadres"),
                ));
            }
            if !addresses.contains(&alias) {
                addresses.push(alias);
            }
        }
        let server = |what: &str, known: Option<(&str, u16, Security)>, usual: (u16, u16, u16)| {
            if let (None, Some((host, port, security))) = (text(&format!("{what}_host")), known) {
                return Ok(Server { host: host.to_owned(), port, security });
            }
            Server::read(value, "email", what, usual)
        };
        let imap = match provider {
            Provider::Generic => None,
            Provider::Google => Some(("imap.gmail.com", 993, Security::Tls)),
            Provider::Microsoft => Some(("outlook.office365.com", 993, Security::Tls)),
        };
        let smtp = match provider {
            Provider::Generic => None,
            Provider::Google => Some(("smtp.gmail.com", 465, Security::Tls)),
            Provider::Microsoft => Some(("smtp.office365.com", 587, Security::StartTls)),
        };
        let copies = match value["copies"].as_str() {
            Some("ours") => Copies::Ours,
            Some("theirs") => Copies::Theirs,
            Some("nobody") => Copies::Nobody,
            _ if provider == Provider::Generic => Copies::Ours,
            _ => Copies::Theirs,
        };
        Ok(Self {
            provider,
            user: text("user").unwrap_or_else(|| address.clone()),
            name: text("name").unwrap_or_default(),
            addresses,
            imap: server("imap", imap, (993, 143, 143))?,
            smtp: server("smtp", smtp, (465, 587, 25))?,
            folders: folders(&text("folders").unwrap_or_default()),
            sent: text("sent_folder"),
            copies,
            plus: value["plus"].as_bool().unwrap_or(false),
            // Microsoft's field names no server: there is nothing to tell it from a forged one by.
            trusts: text("trusts").or_else(|| (provider == Provider::Google).then(|| "mx.google.com".to_owned())),
            certificate: text("certificate"),
            authorize_url: text("authorize_url"),
            token_url: text("token_url"),
            scope: text("scope"),
            client_id: text("client_id"),
            tenant: text("tenant").unwrap_or_else(|| "organizations".to_owned()),
            address,
        })
    }
}

/// Whether a text is one mail address and nothing else: what goes into a header or a command, so nothing that could end either.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && local.len() <= 64
        && !domain.is_empty()
        && text.len() <= 254
        && !domain.starts_with('.')
        && !text.chars().any(|c| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '<' | '>' | ',' | ';' | ':' | '"' | '(' | ')' | '\\' | '[' | ']')
        })
        && !local.contains('@')
}

fn wrong(field: &str, en: &str, nl: &str) -> ChannelError {
    mailbox::wrong("email", field, en, nl)
}

#[cfg(test)]
mod tests {
    use super::{Copies, Provider, Security, Settings, is_address};
    use serde_json::json;

    #[test]
    fn a_large_provider_needs_only_an_address() {
        let google = Settings::read(&json!({"provider": "google", "address": "Help@Brand.Example"})).unwrap();
        assert_eq!((google.provider, google.copies), (Provider::Google, Copies::Theirs));
        assert_eq!((google.imap.host.as_str(), google.imap.port), ("imap.gmail.com", 993));
        assert_eq!(google.user, "help@brand.example");
        let microsoft = Settings::read(&json!({"provider": "microsoft", "address": "help@brand.example"})).unwrap();
        assert_eq!((microsoft.smtp.port, microsoft.smtp.security), (587, Security::StartTls));
    }

    #[test]
    fn what_cannot_be_is_named_by_its_field() {
        let whole = json!({"address": "help@brand.example", "imap_host": "imap.example", "smtp_host": "smtp.example", "imap_security": "starttls"});
        let settings = Settings::read(&whole).unwrap();
        assert_eq!(
            (settings.imap.port, settings.smtp.port, settings.folders.as_slice()),
            (143, 465, &["INBOX".to_owned()][..])
        );
        for (key, bad) in [
            ("address", json!("help")),
            ("address", json!("help@brand.example\r\nBcc: all@example.org")),
            ("aliases", json!("a@b.example, nobody")),
            ("imap_host", json!("https://imap.example/")),
            ("imap_host", json!(null)),
            ("smtp_port", json!(70_000)),
        ] {
            let mut settings = whole.clone();
            settings[key] = bad.clone();
            let error = Settings::read(&settings).unwrap_err();
            assert_eq!(error.code, format!("email.field.{key}"), "{bad}");
        }
    }

    #[test]
    fn nothing_that_could_end_a_header_or_a_command_is_an_address() {
        for good in ["a@b", "first.last+x@sub.example.org", "jørgen@exämple.org"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b>",
            "a@b\r\nRCPT TO:<c@d>",
            "<a@b>",
            "a@b,c@d",
            "a@b\0",
            "a@b@c",
            "a@[127.0.0.1]",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
