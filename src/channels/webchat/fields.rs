//! What an admin may fill in.

use super::super::{Field, FieldKind};

type Options = &'static [(&'static str, (&'static str, &'static str))];

const fn field(
    key: &'static str,
    kind: FieldKind,
    default: Option<&'static str>,
    label: (&'static str, &'static str),
    help: (&'static str, &'static str),
) -> Field {
    Field { key, kind, required: false, default, label, help, options: &[] }
}

const fn choice(
    key: &'static str,
    default: &'static str,
    options: Options,
    label: (&'static str, &'static str),
    help: (&'static str, &'static str),
) -> Field {
    Field { key, kind: FieldKind::Choice, required: false, default: Some(default), label, help, options }
}

const fn required(field: Field) -> Field {
    Field { required: true, ..field }
}

/// In the order in which they are asked.
pub static FIELDS: &[Field] = &[
    required(field(
        "name",
        FieldKind::Text,
        None,
        ("Name in the chat", "Naam in de chat"),
        ("What visitors see above the chat.", "Wat bezoekers boven de chat zien."),
    )),
    required(field(
        "origins",
        FieldKind::Lines,
        None,
        ("Sites", "Sites"),
        (
            "Where the chat may stand, one per line: https://www.shop.example or https://*.shop.example. Every other site is refused.",
            "Waar de chat mag staan, één per regel: https://www.winkel.example of https://*.winkel.example. Elke andere site wordt geweigerd.",
        ),
    )),
    choice(
        "language",
        "nl",
        &[("nl", ("Dutch", "Nederlands")), ("en", ("English", "Engels"))],
        ("Language", "Taal"),
        (
            "Of your own texts below, and for visitors of another language.",
            "Van je eigen teksten hieronder, en voor bezoekers met een andere taal.",
        ),
    ),
    field(
        "greeting",
        FieldKind::Lines,
        None,
        ("Greeting", "Begroeting"),
        ("Stands above an empty chat. Leave it empty for ours.", "Staat boven een lege chat. Laat leeg voor de onze."),
    ),
    field(
        "away",
        FieldKind::Lines,
        None,
        ("When nobody is there", "Als er niemand is"),
        ("Stands above the form when you are closed.", "Staat boven het formulier als je dicht bent."),
    ),
    field(
        "consent",
        FieldKind::Lines,
        None,
        ("Consent", "Toestemming"),
        (
            "What a visitor must agree to before the first message; empty when that is not needed.",
            "Waarmee een bezoeker moet instemmen voor het eerste bericht; leeg als dat niet nodig is.",
        ),
    ),
    field(
        "hours",
        FieldKind::Lines,
        None,
        ("Opening hours", "Openingstijden"),
        (
            "One rule per line: mon-fri 09:00-17:30, or 2026-12-25 closed. Empty: always open.",
            "Eén regel per keer: ma-vr 09:00-17:30, of 2026-12-25 dicht. Leeg: altijd open.",
        ),
    ),
    field(
        "timezone",
        FieldKind::Text,
        Some("Europe/Amsterdam"),
        ("Time zone", "Tijdzone"),
        ("Of the opening hours.", "Van de openingstijden."),
    ),
    choice(
        "expected_wait",
        "minutes",
        &[
            ("minutes", ("A few minutes", "Enkele minuten")),
            ("hours", ("A few hours", "Enkele uren")),
            ("day", ("A day", "Een dag")),
            ("none", ("Say nothing", "Niets zeggen")),
        ],
        ("Expected wait", "Verwachte wachttijd"),
        ("What a visitor is told while you are open.", "Wat een bezoeker hoort als je open bent."),
    ),
    choice(
        "when_closed",
        "form",
        &[
            ("form", ("A form with an e-mail address", "Een formulier met e-mailadres")),
            ("chat", ("The chat, answered later", "De chat, later beantwoord")),
        ],
        ("When closed", "Als je dicht bent"),
        ("What a visitor gets outside opening hours.", "Wat een bezoeker krijgt buiten openingstijden."),
    ),
    field(
        "prechat",
        FieldKind::Lines,
        None,
        ("Questions before the chat", "Vragen voor de chat"),
        (
            "One per line; * means required: name*, email*, phone, or topic*: Subject = Order, Return, Other.",
            "Eén per regel; * betekent verplicht: name*, email*, phone, of onderwerp*: Onderwerp = Bestelling, Retour, Anders.",
        ),
    ),
    field(
        "quick_replies",
        FieldKind::Lines,
        None,
        ("First buttons", "Eerste knoppen"),
        (
            "Questions a visitor can start with, one per line.",
            "Vragen waarmee een bezoeker kan beginnen, één per regel.",
        ),
    ),
    field(
        "triggers",
        FieldKind::Lines,
        None,
        ("Speak first", "Zelf beginnen"),
        (
            "One rule per line: 30s /checkout/* Can we help you? Conditions are seconds, a path and event:name; whoever declines is left alone.",
            "Eén regel per keer: 30s /afrekenen/* Kunnen we helpen? Voorwaarden zijn seconden, een pad en event:naam; wie het wegklikt wordt met rust gelaten.",
        ),
    ),
    choice(
        "identity",
        "optional",
        &[("off", ("Off", "Uit")), ("optional", ("Possible", "Mogelijk")), ("required", ("Required", "Verplicht"))],
        ("Customers prove who they are", "Klanten bewijzen wie ze zijn"),
        (
            "Your site signs the customer's id with the secret below. Required: nobody chats without.",
            "Je site ondertekent de id van de klant met het geheim hieronder. Verplicht: niemand chat zonder.",
        ),
    ),
    field(
        "mailbox",
        FieldKind::Mailbox,
        None,
        ("Answered by", "Beantwoord door"),
        (
            "The mailbox that answers what is left in the form while nobody is there, and that mails visitors their conversation when they ask for it.",
            "De mailbox die antwoordt wat in het formulier is achtergelaten terwijl er niemand is, en die bezoekers hun gesprek mailt als ze daarom vragen.",
        ),
    ),
    field(
        "identity_secret",
        FieldKind::Secret,
        None,
        ("Secret for customers", "Geheim voor klanten"),
        (
            "At least 16 characters; make it with: openssl rand -hex 32. It belongs on your server, never in a page.",
            "Minstens 16 tekens; maak het met: openssl rand -hex 32. Het hoort op je server, nooit in een pagina.",
        ),
    ),
    field(
        "identity_secret_next",
        FieldKind::Secret,
        None,
        ("Second secret", "Tweede geheim"),
        (
            "Both count, so that you can change the secret without anybody noticing.",
            "Beide gelden, zodat je het geheim kunt vervangen zonder dat iemand het merkt.",
        ),
    ),
    field(
        "identity_public_keys",
        FieldKind::Lines,
        None,
        ("Public keys for customers", "Openbare sleutels voor klanten"),
        (
            "Instead of a secret: when your server signs its tokens with RS256, its RSA public keys in PEM. Several count.",
            "In plaats van een geheim: als je server zijn tokens met RS256 tekent, zijn openbare RSA-sleutels in PEM. Meerdere gelden.",
        ),
    ),
    choice(
        "agent_names",
        "first",
        &[
            ("first", ("First name", "Voornaam")),
            ("full", ("Full name", "Volledige naam")),
            ("nobody", ("No name", "Geen naam")),
        ],
        ("Agents are called", "Medewerkers heten"),
        ("What visitors see at an answer.", "Wat bezoekers bij een antwoord zien."),
    ),
    field(
        "files",
        FieldKind::Bool,
        Some("true"),
        ("Visitors may send files", "Bezoekers mogen bestanden sturen"),
        ("Pictures, PDF, film and sound up to 10 MB.", "Plaatjes, pdf, film en geluid tot 10 MB."),
    ),
    field(
        "rating",
        FieldKind::Bool,
        Some("true"),
        ("Ask for a rating", "Om een beoordeling vragen"),
        ("When a chat was closed.", "Als een chat is afgesloten."),
    ),
    field(
        "color",
        FieldKind::Text,
        Some("#0b6b53"),
        ("Colour", "Kleur"),
        ("Of the button and the bar, as #0b6b53.", "Van de knop en de balk, als #0b6b53."),
    ),
    choice(
        "side",
        "right",
        &[("right", ("Right", "Rechts")), ("left", ("Left", "Links"))],
        ("Side of the page", "Kant van de pagina"),
        ("Where the button stands.", "Waar de knop staat."),
    ),
];
