//! What an admin is asked for a source of notification mails, in words.

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
        key: "name",
        kind: FieldKind::Text,
        required: true,
        default: Some("Pinterest"),
        label: ("Name", "Naam"),
        help: ("What the team calls this source.", "Hoe het team deze bron noemt."),
        options: &[],
    },
    Field {
        key: "key",
        kind: FieldKind::Secret,
        required: false,
        default: None,
        label: ("Key", "Sleutel"),
        help: (
            "When your mail server hands over mail: at least 20 random characters, which it shows. Not needed for a mailbox.",
            "Als je mailserver mail aflevert: minstens 20 willekeurige tekens, die hij laat zien. Niet nodig bij een mailbox.",
        ),
        options: &[],
    },
    field(
        "imap_host",
        FieldKind::Text,
        ("IMAP server", "IMAP-server"),
        (
            "When the mails lie in a mailbox: imap.provider.example. Empty: your mail server hands them over.",
            "Als de mails in een mailbox liggen: imap.aanbieder.example. Leeg: je mailserver levert ze af.",
        ),
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
        "user",
        FieldKind::Text,
        ("User name", "Gebruikersnaam"),
        ("Of the mailbox; mostly its address.", "Van de mailbox; meestal het adres."),
    ),
    field(
        "password",
        FieldKind::Secret,
        ("Password", "Wachtwoord"),
        ("Of the mailbox, or an app password.", "Van de mailbox, of een app-wachtwoord."),
    ),
    Field {
        default: Some("INBOX"),
        ..field(
            "folders",
            FieldKind::Text,
            ("Folders", "Mappen"),
            (
                "Which are read, with commas between them. Nothing in them is marked, moved or deleted.",
                "Welke worden gelezen, met komma's ertussen. Er wordt niets gemarkeerd, verplaatst of verwijderd.",
            ),
        )
    },
    field(
        "certificate",
        FieldKind::Lines,
        ("Own certificate", "Eigen certificaat"),
        (
            "Only when the mail server's certificate is not publicly known: from BEGIN to END CERTIFICATE.",
            "Alleen als het certificaat van de mailserver niet algemeen bekend is: van BEGIN tot END CERTIFICATE.",
        ),
    ),
    Field {
        key: "checked_by",
        kind: FieldKind::Text,
        required: false,
        default: None,
        label: ("Mail server that checks senders", "Mailserver die afzenders controleert"),
        help: (
            "The name your mail server gives itself in Authentication-Results. Then only mail counts that it found genuine.",
            "De naam die je mailserver zichzelf geeft in Authentication-Results. Dan telt alleen mail die hij echt bevond.",
        ),
        options: &[],
    },
    Field {
        key: "rules",
        kind: FieldKind::Lines,
        required: true,
        default: Some(include_str!("rules.json")),
        label: ("Rules", "Regels"),
        help: (
            "Which mail is a notification of which platform, as JSON.",
            "Welke mail een melding van welk platform is, als JSON.",
        ),
        options: &[],
    },
];
