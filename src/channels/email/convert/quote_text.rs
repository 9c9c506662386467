//! What of a mail's plain text its author wrote, and what the mail program or the author repeats below it.
//!
//! Owns: quotation marks, attribution lines, header blocks and signatures in the languages our customers write in.
//! Promises: every line is in the own words or in the quotation; answers between quoted lines stay among them; when
//! nothing would be left, everything is own words. Linear in the text.

/// A text in two.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parted {
    pub own: String,
    pub quoted: String,
}

/// Parts own words from quotation and signature.
pub(super) fn part(text: &str) -> Parted {
    let lines: Vec<&str> = text.lines().collect();
    let quote = quotation(&lines);
    let (own, rest) = match quote {
        Quotation::None => (0..lines.len(), None),
        Quotation::From(at) => (0..at, Some(at..lines.len())),
        // Everything above is quotation: the answer is below it.
        Quotation::Until(at) => (at..lines.len(), Some(0..at)),
    };
    let body = &lines[own.clone()];
    let sign = signature(body);
    let mut quoted = Vec::new();
    if let Some(rest) = &rest
        && rest.start < own.start
    {
        quoted.extend(&lines[rest.clone()]);
    }
    quoted.extend(&body[sign..]);
    if let Some(rest) = &rest
        && rest.start >= own.start
    {
        quoted.extend(&lines[rest.clone()]);
    }
    let parted = Parted { own: joined(&body[..sign]), quoted: joined(&quoted) };
    if parted.own.is_empty() { Parted { own: joined(&lines), quoted: String::new() } } else { parted }
}

fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut blank = 0;
    for line in lines {
        let line = line.trim_end();
        if line.is_empty() {
            blank += 1;
            continue;
        }
        if !text.is_empty() {
            // More than two empty lines say no more than two.
            text.push_str(&"\n".repeat(blank.min(2) + 1));
        }
        blank = 0;
        text.push_str(line);
    }
    text
}

enum Quotation {
    None,
    /// From this line to the end.
    From(usize),
    /// Up to this line.
    Until(usize),
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

fn quotation(lines: &[&str]) -> Quotation {
    if let Some(at) = (0..lines.len()).find(|&at| begins_rest(lines, at)) {
        // A line drawn by the author above the own words is no quotation.
        if lines[..at].iter().any(|line| !line.trim().is_empty()) {
            return Quotation::From(at);
        }
    }
    // Quoted lines: what stands between or below them was written by the author.
    let own = |at: usize| !lines[at].trim().is_empty() && !is_quoted(lines[at]);
    let Some(first) = (0..lines.len()).find(|&at| is_quoted(lines[at])) else {
        return (0..lines.len())
            .find(|&at| attribution(lines, at).is_some_and(|end| (end..lines.len()).all(|at| !own(at))))
            .map_or(Quotation::None, Quotation::From);
    };
    let last = (first..lines.len()).rev().find(|&at| is_quoted(lines[at])).unwrap_or(first);
    let head = attribution_before(lines, first);
    let above = (0..head).any(own);
    let sign = first + signature(&lines[first..]);
    let below = (last + 1..sign.max(last + 1).min(lines.len())).any(own);
    let between = (first..last).any(own);
    match (above, between, below) {
        (_, false, false) => Quotation::From(head),
        (false, false, true) => Quotation::Until(last + 1),
        // Answers between the lines: cut only what is quoted after the last of them.
        _ => {
            let end =
                (0..lines.len().min(sign.max(last + 1))).rev().find(|&at| own(at)).map_or(lines.len(), |at| at + 1);
            if end < lines.len() && end <= last { Quotation::From(end) } else { Quotation::None }
        }
    }
}

/// Whether everything from this line on is another mail.
fn begins_rest(lines: &[&str], at: usize) -> bool {
    let line = lines[at].trim();
    if line.is_empty() {
        return false;
    }
    separator(line)
        || header_block(lines, at)
        || (underscores(line) && (at + 1..(at + 4).min(lines.len())).any(|at| header_block(lines, at)))
}

fn underscores(line: &str) -> bool {
    line.len() >= 5 && line.bytes().all(|b| b == b'_')
}

/// `-----Oorspronkelijk bericht-----` and its like.
fn separator(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "original message",
        "oorspronkelijk bericht",
        "ursprüngliche nachricht",
        "ursprungliche nachricht",
        "message d'origine",
        "message d’origine",
        "mensaje original",
        "messaggio originale",
        "doorgestuurd bericht",
        "forwarded message",
        "weitergeleitete nachricht",
        "message transféré",
        "begin doorgestuurd bericht",
        "original-nachricht",
        "originele bericht",
        "original appointment",
    ];
    let bare = line.trim_matches(['-', '_', '*', ' ', '\u{a0}', ':']).to_lowercase();
    let dashed = line.starts_with("--") || line.starts_with("__") || line.starts_with("**");
    let announced = [
        "begin forwarded message",
        "begin doorgestuurd bericht",
        "anfang der weitergeleiteten nachricht",
        "début du message réexpédié",
    ];
    (dashed && line.len() < 90 && WORDS.contains(&bare.as_str())) || announced.contains(&bare.as_str())
}

/// Two or more of `Van:`, `Verzonden:`, `Aan:`, `Onderwerp:` under each other, the first of them the sender.
fn header_block(lines: &[&str], at: usize) -> bool {
    const FROM: &[&str] = &["from", "van", "von", "de", "da", "från", "fra"];
    const MORE: &[&str] = &[
        "sent",
        "verzonden",
        "gesendet",
        "to",
        "aan",
        "an",
        "subject",
        "onderwerp",
        "betreff",
        "date",
        "datum",
        "cc",
        "envoyé",
        "à",
        "objet",
        "enviado",
        "para",
        "asunto",
        "inviato",
        "a",
        "oggetto",
    ];
    let label = |line: &str| {
        let line = line.trim().trim_start_matches(['*', '>', ' ']);
        let (label, value) = line.split_once(':')?;
        let label = label.trim_matches(['*', ' ', '\u{a0}']).to_lowercase();
        (label.len() <= 12 && !value.trim_matches(['*', ' ']).is_empty()).then_some(label)
    };
    if is_quoted(lines[at]) || !label(lines[at]).is_some_and(|label| FROM.contains(&label.as_str())) {
        return false;
    }
    lines[at + 1..(at + 7).min(lines.len())]
        .iter()
        .filter(|line| label(line).is_some_and(|label| MORE.contains(&label.as_str())))
        .count()
        >= 2
}

/// Where the attribution above a quotation begins.
fn attribution_before(lines: &[&str], first: usize) -> usize {
    (first.saturating_sub(5)..first)
        .find(|&at| attribution(lines, at).is_some_and(|end| (end..first).all(|at| lines[at].trim().is_empty())))
        .unwrap_or(first)
}

/// An attribution line (`Op … schreef …:`), perhaps wrapped over two or three lines. Gives the line after it.
fn attribution(lines: &[&str], at: usize) -> Option<usize> {
    const STARTS: &[&str] =
        &["On ", "Op ", "Am ", "Le ", "Il ", "El ", "Em ", "Den ", "Dne ", "W dniu ", "Pe ", "Il giorno "];
    const ENDS: &[&str] = &[
        "wrote",
        "schreef",
        "schrieb",
        "a écrit",
        "ha scritto",
        "escribió",
        "escreveu",
        "skrev",
        "napsal",
        "napisał",
        "a scris",
        "geschreven",
        "geschrieben",
    ];
    let start = lines[at].trim_start();
    let by_name = start.ends_with(':')
        && start.len() < 200
        && ENDS.iter().any(|word| start.trim_end_matches([':', ' ', '\u{a0}']).ends_with(word));
    if by_name {
        return Some(at + 1);
    }
    if !STARTS.iter().any(|word| start.starts_with(word)) {
        return None;
    }
    let mut whole = String::new();
    for (n, line) in lines[at..(at + 4).min(lines.len())].iter().enumerate() {
        if n > 0 && line.trim().is_empty() {
            return None;
        }
        whole.push(' ');
        whole.push_str(line.trim());
        if whole.len() > 400 {
            return None;
        }
        if let Some(head) = whole.trim_end().strip_suffix(':') {
            let tail: Vec<char> = head.chars().rev().take(60).collect();
            let tail: String = tail.into_iter().rev().collect();
            return ENDS.iter().any(|word| tail.contains(word)).then_some(at + n + 1);
        }
    }
    None
}

/// Where the signature begins; the number of lines when there is none.
fn signature(lines: &[&str]) -> usize {
    let mut said = false;
    for (at, line) in lines.iter().enumerate() {
        // Nobody signs before having said something.
        if !said {
            said = !line.trim().is_empty();
            continue;
        }
        let dashes = *line == "-- " || *line == "--  " || *line == "--\u{a0}";
        let bare = *line == "--" && lines[at - 1].trim().is_empty();
        if dashes
            || bare
            || (is_device_line(line)
                && lines[at + 1..].iter().all(|line| line.trim().is_empty() || is_quoted(line) || is_link(line)))
        {
            return at;
        }
    }
    lines.len()
}

fn is_link(line: &str) -> bool {
    let line = line.trim().trim_matches(['<', '>', '(', ')']);
    line.starts_with("https://") || line.starts_with("http://")
}

/// `Verstuurd vanaf mijn iPhone`: the device signs, not the author.
fn is_device_line(line: &str) -> bool {
    const STARTS: &[&str] = &[
        "sent from my ",
        "sent from outlook",
        "sent from mail for",
        "sent from yahoo mail",
        "sent from proton mail",
        "sent with proton mail",
        "verstuurd vanaf mijn ",
        "verzonden vanaf mijn ",
        "verstuurd met ",
        "verzonden met ",
        "verzonden vanuit ",
        "verstuurd vanuit ",
        "von meinem ",
        "gesendet mit ",
        "gesendet von ",
        "envoyé de mon ",
        "envoyé depuis ",
        "envoyé à partir de ",
        "get outlook for ",
        "outlook voor ",
        "enviado desde ",
        "inviato da ",
    ];
    let line = line.trim().trim_start_matches(['[', '<', '-', ' ']).to_lowercase();
    line.len() < 160 && STARTS.iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{Parted, part};

    fn parts(own: &str, quoted: &str) -> Parted {
        Parted { own: own.to_owned(), quoted: quoted.to_owned() }
    }

    #[test]
    fn quotation_is_folded_in_every_language() {
        for quoted in [
            "> Vraag",
            "Op ma 2 mrt 2026 om 10:14 schreef Merk <help@merk.example>:\n\n> Vraag",
            "Op ma 2 mrt 2026 om 10:14 schreef Merk Klantenservice\n<help@merk.example>:\n> Vraag",
            "On Mon, Mar 2, 2026 at 10:14 AM Merk <help@merk.example> wrote:\n> Vraag",
            "Am 02.03.2026 um 10:14 schrieb Merk:\n> Vraag",
            "Le lun. 2 mars 2026 à 10:14, Merk <help@merk.example> a écrit :\n> Vraag",
            "-----Oorspronkelijk bericht-----\nVan: Merk\nVraag",
            "-----Original Message-----\nFrom: Merk\nVraag",
            "-------- Ursprüngliche Nachricht --------\nVon: Merk\nVraag",
            "Van: Merk <help@merk.example>\nVerzonden: maandag 2 maart 2026 10:14\nAan: Anna\nOnderwerp: RE: Pakket\n\nVraag",
            "________________________________\nFrom: Merk\nSent: Monday\nTo: Anna\nSubject: RE: x\n\nVraag",
            "-- \nAnna de Vries",
            "Verstuurd vanaf mijn iPhone",
            "Merk schreef:\n> Vraag",
        ] {
            let seen = part(&format!("Ja graag.\nGroet\n\n{quoted}"));
            assert_eq!(seen, parts("Ja graag.\nGroet", &quoted.replace("-- \n", "--\n")), "{quoted}");
        }
    }

    #[test]
    fn what_only_looks_like_quotation_stays() {
        for text in [
            "Op maandag schreef ik u al.\nNu weer.",
            "Van: dit weet ik niet zeker\nmaar goed",
            "Ik had > 3 pakketten",
            "Mijn adres is\n-----\nStraat 1",
            "--\nbegint met streepjes",
            "> alles is aangehaald",
        ] {
            assert_eq!(part(text).own, text, "{text}");
        }
    }

    #[test]
    fn answers_between_the_lines_stay_among_them() {
        let text = "Hoi,\n\n> Welke maat?\n\n42\n\n> Welke kleur?\n\nBlauw\n\n> Groet\n> Merk";
        assert_eq!(part(text), parts("Hoi,\n\n> Welke maat?\n\n42\n\n> Welke kleur?\n\nBlauw", "> Groet\n> Merk"));
    }

    #[test]
    fn an_answer_below_the_quotation_is_the_own_text() {
        let text = "Op ma schreef Merk:\n> Vraag\n> meer\n\nAntwoord\n\n-- \nAnna";
        assert_eq!(
            part(text),
            parts("Antwoord", "Op ma schreef Merk:\n> Vraag\n> meer\n-- \nAnna".replace("-- ", "--").as_str())
        );
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_somewhere(text in "(([>a-zO:-]{0,12}|Op ma schreef X:|-- |Van: x|Aan: y|Onderwerp: z|_____)\n){0,12}") {
            let parted = part(&text);
            let squeeze = |s: &str| { let mut c: Vec<char> = s.chars().filter(|c| !c.is_whitespace()).collect(); c.sort_unstable(); c };
            proptest::prop_assert_eq!(squeeze(&format!("{}{}", parted.own, parted.quoted)), squeeze(&text));
        }
    }
}
