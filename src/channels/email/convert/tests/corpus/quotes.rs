//! Answers as the mail programs of our customers write them, in their languages.

use super::{Case, html, plain};

/// Attribution lines by language, and the words above a quoted header.
const LANGUAGES: [(&str, &str, &str, &str); 4] = [
    (
        "nl",
        "Op ma 2 mrt 2026 om 10:14 schreef Merk <help@merk.example>:",
        "Van: Merk <help@merk.example>\nVerzonden: maandag 2 maart 2026 10:14\nAan: Anna <anna@thuis.example>\nOnderwerp: RE: Pakket",
        "Oorspronkelijk bericht",
    ),
    (
        "en",
        "On Mon, Mar 2, 2026 at 10:14 AM Merk <help@merk.example> wrote:",
        "From: Merk <help@merk.example>\nSent: Monday, March 2, 2026 10:14 AM\nTo: Anna <anna@thuis.example>\nSubject: RE: Parcel",
        "Original Message",
    ),
    (
        "de",
        "Am Mo., 2. März 2026 um 10:14 Uhr schrieb Merk <help@merk.example>:",
        "Von: Merk <help@merk.example>\nGesendet: Montag, 2. März 2026 10:14\nAn: Anna <anna@thuis.example>\nBetreff: AW: Paket",
        "Ursprüngliche Nachricht",
    ),
    (
        "fr",
        "Le lun. 2 mars 2026 à 10:14, Merk <help@merk.example> a écrit :",
        "De : Merk <help@merk.example>\nEnvoyé : lundi 2 mars 2026 10:14\nÀ : Anna <anna@thuis.example>\nObjet : RE: Colis",
        "Message d'origine",
    ),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (language, attribution, block, separator) in LANGUAGES {
        let rows = block.replace('\n', "<br>");
        let bold = block
            .split('\n')
            .map(|row| row.split_once(':').map_or(row.to_owned(), |(label, value)| format!("<b>{label}:</b>{value}")))
            .collect::<Vec<_>>()
            .join("<br>");
        let wrapped = attribution.replacen(" <help", "\n<help", 1);
        let case = |program: &str, raw: Vec<u8>| {
            Case::new(format!("{program} {language}"), raw)
                .text("Ja, graag.")
                .has_not("Vraag van")
                .quoted("Vraag van Merk")
        };
        cases.extend([
            case("Gmail text", plain("", &format!("Ja, graag.\n\n{attribution}\n\n> Vraag van Merk\n> regel\n"))),
            case("Gmail text, wrapped", plain("", &format!("Ja, graag.\n\n{wrapped}\n\n> Vraag van Merk\n"))),
            case("Outlook text", plain("", &format!("Ja, graag.\n\n{block}\n\nVraag van Merk\n"))),
            case("Outlook text, line", plain("", &format!("Ja, graag.\n\n________________________________\n{block}\n\nVraag van Merk\n"))),
            case("Outlook Express text", plain("", &format!("Ja, graag.\n\n-----{separator}-----\n{block}\n\nVraag van Merk\n"))),
            case("Gmail", html(&format!("<div dir=\"ltr\">Ja, graag.</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=\"ltr\" class=\"gmail_attr\">{attribution}<br></div><blockquote class=\"gmail_quote\" style=\"margin:0\">Vraag van Merk</blockquote></div>"))),
            case("Apple Mail", html(&format!("<html><body>Ja, graag.<br><div><br><blockquote type=\"cite\"><div>{attribution}</div><br><div>Vraag van Merk</div></blockquote></div></body></html>"))),
            case("Outlook", html(&format!("<html><body><p class=MsoNormal>Ja, graag.<o:p></o:p></p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>{bold}</p></div></div><p class=MsoNormal>Vraag van Merk</p></body></html>"))),
            case("Outlook on the web", html(&format!("<div>Ja, graag.</div><div id=\"appendonsend\"></div><hr tabindex=\"-1\"><div id=\"divRplyFwdMsg\" dir=\"ltr\"><font>{rows}</font></div><div>Vraag van Merk</div>"))),
            case("New Outlook", html(&format!("<div>Ja, graag.</div><div id=\"mail-editor-reference-message-container\"><div>{rows}</div><div>Vraag van Merk</div></div>"))),
            case("Proton", html(&format!("<div>Ja, graag.</div><div class=\"protonmail_quote\">{attribution}<br><blockquote class=\"protonmail_quote\" type=\"cite\">Vraag van Merk</blockquote><br></div>"))),
            case("Yahoo", html(&format!("<div>Ja, graag.</div><div id=\"ydp1yahoo_quoted_12\" class=\"yahoo_quoted\"><div>{attribution}</div><div>Vraag van Merk</div></div>"))),
            case("Thunderbird", html(&format!("<p>Ja, graag.</p><div class=\"moz-cite-prefix\">{attribution}<br></div><blockquote type=\"cite\" cite=\"mid:x\"><p>Vraag van Merk</p></blockquote>"))),
        ]);
    }
    cases.extend(signatures());
    cases.extend(odd());
    cases
}

fn signatures() -> Vec<Case> {
    [
        "-- \nAnna de Vries\n06-12345678",
        "Verstuurd vanaf mijn iPhone",
        "Sent from my Galaxy",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Verzonden vanuit Outlook voor Android<https://aka.ms/x>",
    ]
    .into_iter()
    .map(|sign| {
        Case::new(format!("signature {sign}"), plain("", &format!("Ja, graag.\n\n{sign}\n")))
            .text("Ja, graag.")
            .quoted(sign.lines().last().unwrap_or_default())
    })
    .collect()
}

fn odd() -> Vec<Case> {
    vec![
        Case::new("answers between the lines", plain("", "Hoi,\n\n> Welke maat?\n\n42\n\n> Welke kleur?\n\nBlauw\n\n> Groet\n> Merk\n")).has("> Welke maat?").has("42").has("Blauw").quoted("> Merk"),
        Case::new("answer below", plain("", "Op ma 2 mrt 2026 om 10:14 schreef Merk:\n> Vraag\n\nAntwoord\n")).text("Antwoord").quoted("> Vraag"),
        Case::new("quotation only", plain("", "> Vraag\n> van Merk\n")).has("> Vraag").unquoted(),
        Case::new("quotation only, marked", html("<div class=gmail_quote><div class=gmail_attr>Op ma schreef Merk:</div><blockquote class=gmail_quote>Vraag</blockquote></div>")).has("Vraag"),
        Case::new("answers between the lines in Gmail", html("<div dir=ltr></div><div class=\"gmail_quote\"><div class=gmail_attr>Op ma schreef Merk:</div><blockquote class=gmail_quote>Welke maat?</blockquote><div>42</div><blockquote class=gmail_quote>Welke kleur?</blockquote><div>Blauw</div></div>")).has("> Welke maat?").has("42").has("Blauw"),
        Case::new("forwarded", html("<div>Zie hieronder</div><div class=\"gmail_quote\"><div class=gmail_attr>---------- Forwarded message ---------<br>Van: Bert</div>Kapot!</div>")).text("Zie hieronder").quoted("Kapot!"),
        Case::new("a quotation of the author's own", html("<p>De site zegt:</p><blockquote>Binnen een dag</blockquote><p>Niet dus.</p>")).text("De site zegt:\n\nBinnen een dag\n\nNiet dus.").unquoted(),
        Case::new("dashes are no separator", plain("", "Adres:\n-----\nStraat 1\n")).text("Adres:\n-----\nStraat 1").unquoted(),
        Case::new("'Van:' in a sentence", plain("", "Van: dat weet ik niet.\nMaar toch.\n")).text("Van: dat weet ik niet.\nMaar toch.").unquoted(),
        Case::new("deep quotation", plain("", &format!("Ja, graag.\n\n{} Vraag\n", ">".repeat(5_000)))).text("Ja, graag."),
        Case::new("ten levels of quotation", html(&format!("<p>Ja, graag.</p>{}Vraag{}", "<blockquote type=cite>".repeat(10), "</blockquote>".repeat(10)))).text("Ja, graag.").quoted("Vraag"),
    ]
}
