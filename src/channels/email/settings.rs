//! What an admin fills in for a mailbox, and what the large providers need not be asked for.
//!
//! Sources: developers.google.com/workspace/gmail/imap (2026-11), learn.microsoft.com "POP, IMAP, and SMTP settings" (2026-11).

use serde_json::Value;

use super::thread::without_token;
use crate::channels::{ChannelError, Class, Field, FieldKind, Words};

/// Whose mail it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Generic,
    Google,
    Microsoft,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// From the first byte.
    Tls,
    /// After a few words in the clear.
    StartTls,
    /// Never; for a server on the same machine.
    Plain,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
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

const SECURITY: &[(&str, (&str, &str))] = &[
    ("tls", ("TLS", "TLS")),
    ("starttls", ("STARTTLS", "STARTTLS")),
    ("none", ("None (same machine only)", "Geen (alleen op dezelfde machine)")),
];

const fn field(
    key: &'static str,
    kind: FieldKind,
    label: (&'static str, &'static str),
    help: (&'static str, &'static str),
) -> Field {
    Field { key, kind, required: false, default: None, label, help, options: &[] }
}

/// What is asked.
pub static FIELDS: &[Field] = &[
    Field {
        default: Some("generic"),
        options: &[
            ("generic", ("Any mail server", "Willekeurige mailserver")),
            ("google", ("Google (Gmail, Workspace)", "Google (Gmail, Workspace)")),
            ("microsoft", ("Microsoft (365, Outlook.com)", "Microsoft (365, Outlook.com)")),
        ],
        ..field(
            "provider",
            FieldKind::Choice,
            ("Provider", "Aanbieder"),
            (
                "For Google and Microsoft the servers are known; leave those fields empty.",
                "Bij Google en Microsoft zijn de servers bekend; laat die velden leeg.",
            ),
        )
    },
    Field {
        required: true,
        ..field(
            "address",
            FieldKind::Text,
            ("Address", "Adres"),
            ("The mailbox's own address: help@brand.example.", "Het eigen adres van de mailbox: help@merk.example."),
        )
    },
    field(
        "name",
        FieldKind::Text,
        ("Sender name", "Naam van de afzender"),
        ("What customers see before the address.", "Wat klanten voor het adres zien staan."),
    ),
    field(
        "aliases",
        FieldKind::Text,
        ("Other own addresses", "Andere eigen adressen"),
        (
            "Addresses that arrive in this mailbox too, with commas between them.",
            "Adressen die ook in deze mailbox uitkomen, met komma's ertussen.",
        ),
    ),
    field(
        "user",
        FieldKind::Text,
        ("User name", "Gebruikersnaam"),
        ("When it is not the address.", "Als dat niet het adres is."),
    ),
    field(
        "password",
        FieldKind::Secret,
        ("Password", "Wachtwoord"),
        (
            "Of the mailbox, or an app password. Not needed when you sign in in the browser.",
            "Van de mailbox, of een app-wachtwoord. Niet nodig als je in de browser inlogt.",
        ),
    ),
    field(
        "imap_host",
        FieldKind::Text,
        ("IMAP server", "IMAP-server"),
        ("Where mail is read: imap.provider.example.", "Waar mail wordt gelezen: imap.aanbieder.example."),
    ),
    field(
        "imap_port",
        FieldKind::Number,
        ("IMAP port", "IMAP-poort"),
        (
            "993 with TLS, 143 with STARTTLS; empty for the usual one.",
            "993 met TLS, 143 met STARTTLS; leeg voor de gebruikelijke.",
        ),
    ),
    Field {
        default: Some("tls"),
        options: SECURITY,
        ..field(
            "imap_security",
            FieldKind::Choice,
            ("IMAP encryption", "IMAP-versleuteling"),
            ("TLS, unless your provider says otherwise.", "TLS, tenzij je aanbieder iets anders zegt."),
        )
    },
    field(
        "smtp_host",
        FieldKind::Text,
        ("SMTP server", "SMTP-server"),
        ("Where mail is sent: smtp.provider.example.", "Waar mail wordt verstuurd: smtp.aanbieder.example."),
    ),
    field(
        "smtp_port",
        FieldKind::Number,
        ("SMTP port", "SMTP-poort"),
        (
            "465 with TLS, 587 with STARTTLS; empty for the usual one.",
            "465 met TLS, 587 met STARTTLS; leeg voor de gebruikelijke.",
        ),
    ),
    Field {
        default: Some("tls"),
        options: SECURITY,
        ..field(
            "smtp_security",
            FieldKind::Choice,
            ("SMTP encryption", "SMTP-versleuteling"),
            ("TLS, unless your provider says otherwise.", "TLS, tenzij je aanbieder iets anders zegt."),
        )
    },
    Field {
        default: Some("INBOX"),
        ..field(
            "folders",
            FieldKind::Text,
            ("Folders", "Mappen"),
            (
                "Which folders are read, with commas between them. The first is listened to.",
                "Welke mappen worden gelezen, met komma's ertussen. Naar de eerste wordt geluisterd.",
            ),
        )
    },
    field(
        "sent_folder",
        FieldKind::Text,
        ("Sent folder", "Map Verzonden"),
        ("When the server does not say which it is.", "Als de server niet zegt welke dat is."),
    ),
    Field {
        default: Some("auto"),
        options: &[
            ("auto", ("As the provider does it", "Zoals de aanbieder het doet")),
            ("ours", ("Balie files it", "Balie bewaart ze")),
            ("theirs", ("The mail server files it", "De mailserver bewaart ze")),
            ("nobody", ("No copies", "Geen kopieën")),
        ],
        ..field(
            "copies",
            FieldKind::Choice,
            ("Copies of sent mail", "Kopieën van verzonden mail"),
            (
                "Google and Microsoft file them by themselves. Without copies, a broken connection leaves it unknown whether a mail left.",
                "Google en Microsoft bewaren ze zelf. Zonder kopieën blijft na een verbroken verbinding onbekend of een mail weg is.",
            ),
        )
    },
    Field {
        default: Some("false"),
        ..field(
            "plus",
            FieldKind::Bool,
            ("Plus addresses", "Plus-adressen"),
            (
                "The mailbox takes mail for name+anything@. Answers then find their conversation even when a mail client drops the references. Try it first: otherwise answers bounce.",
                "De mailbox neemt mail aan voor naam+iets@. Antwoorden vinden dan hun gesprek, ook als een mailprogramma de verwijzingen weglaat. Probeer het eerst: anders komen antwoorden terug.",
            ),
        )
    },
    field(
        "trusts",
        FieldKind::Text,
        ("Server that checks senders", "Server die afzenders controleert"),
        (
            "The first word of Authentication-Results in a mail you received (mx.example.org). Only what it vouches for counts as a proven sender. Empty: nobody is.",
            "Het eerste woord van Authentication-Results in een ontvangen mail (mx.example.org). Alleen waar die voor instaat telt als bewezen afzender. Leeg: niemand.",
        ),
    ),
    field(
        "certificate",
        FieldKind::Lines,
        ("Own certificate", "Eigen certificaat"),
        (
            "Of your own authority or server, from BEGIN to END CERTIFICATE. Only when the server's certificate is not publicly known.",
            "Van je eigen autoriteit of server, van BEGIN tot END CERTIFICATE. Alleen als het certificaat van de server niet algemeen bekend is.",
        ),
    ),
    field(
        "client_id",
        FieldKind::Text,
        ("Application (client) ID", "Toepassings-ID (client)"),
        ("For signing in in the browser.", "Voor inloggen in de browser."),
    ),
    field(
        "client_secret",
        FieldKind::Secret,
        ("Application secret", "Toepassingsgeheim"),
        ("For signing in in the browser.", "Voor inloggen in de browser."),
    ),
    field(
        "tenant",
        FieldKind::Text,
        ("Microsoft tenant", "Microsoft-tenant"),
        ("Its ID or domain; empty for any organisation.", "De ID of het domein; leeg voor elke organisatie."),
    ),
    field(
        "authorize_url",
        FieldKind::Url,
        ("Sign-in address", "Inlogadres"),
        ("Only for a provider of your own.", "Alleen voor een eigen aanbieder."),
    ),
    field(
        "token_url",
        FieldKind::Url,
        ("Token address", "Tokenadres"),
        ("Only for a provider of your own.", "Alleen voor een eigen aanbieder."),
    ),
    field(
        "scope",
        FieldKind::Text,
        ("Scope", "Scope"),
        ("Only for a provider of your own.", "Alleen voor een eigen aanbieder."),
    ),
];

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
            let (host, port) = (text(&format!("{what}_host")), &value[format!("{what}_port")]);
            if let (None, Some((host, port, security))) = (&host, known) {
                return Ok(Server { host: host.to_owned(), port, security });
            }
            let key = format!("{what}_host");
            let host = host.ok_or_else(|| wrong(&key, "which server is it?", "welke server is het?"))?;
            if host.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@')) {
                return Err(wrong(&key, "this is not the name of a server", "dit is geen naam van een server"));
            }
            let security = match value[format!("{what}_security")].as_str() {
                Some("starttls") => Security::StartTls,
                Some("none") => Security::Plain,
                _ => Security::Tls,
            };
            let usual = match security {
                Security::Tls => usual.0,
                Security::StartTls => usual.1,
                Security::Plain => usual.2,
            };
            let port = match port.as_i64() {
                None => usual,
                Some(port) => u16::try_from(port).ok().filter(|port| *port > 0).ok_or_else(|| {
                    wrong(&format!("{what}_port"), "a port is 1 to 65535", "een poort is 1 tot 65535")
                })?,
            };
            Ok(Server { host, port, security })
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
        let mut folders: Vec<String> = Vec::new();
        for folder in text("folders").unwrap_or_default().split(',').map(str::trim).filter(|folder| !folder.is_empty())
        {
            if !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_owned());
            }
        }
        if folders.is_empty() {
            folders.push("INBOX".to_owned());
        }
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
            folders,
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
    ChannelError::new(
        Class::Rejected,
        format!("email.field.{field}"),
        Words::new(format!("{field}: {en}."), format!("{field}: {nl}.")),
        Words::new("Correct this field of the account.", "Verbeter dit veld van het account."),
    )
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
