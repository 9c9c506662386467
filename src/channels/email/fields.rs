//! What an admin is asked for a mailbox, in words. What the answers mean is in `settings`.

use crate::channels::mailbox::SECURITY;
use crate::channels::{Field, FieldKind};

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
