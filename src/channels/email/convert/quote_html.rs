//! What of a mail's HTML its author wrote, and what the mail program repeated below it.
//!
//! Owns: the marks by which Gmail, Outlook, Apple Mail, Thunderbird, Proton, Yahoo and others set off quotation and signature.
//! Promises: nothing is lost, every text is in the own words or in the quotation; answers written between the lines of
//! the quotation stay among them, the quotation marked with `> `.

use super::layout::{Laid, lay};
use crate::channels::markup::{Tag, Token};

const DEEPEST: usize = 200;

/// A mail taken apart.
pub(super) struct Parted {
    pub own: Laid,
    pub quoted: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mark {
    None,
    /// The element is quotation.
    Quote,
    /// The element holds quotation, or answers between pieces of it.
    Container,
    Signature,
    /// From here on, everything is quotation.
    Rest,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Own,
    Quote(usize),
    Signature,
}

/// Parts own words and quotation.
pub(super) fn part(tokens: &[Token<'_>]) -> Parted {
    let parts = parts(tokens);
    // The order of what has words in it: own, quote, own, …
    let mut regions: Vec<(bool, usize)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Text(text) = token else { continue };
        if parts[at] == Part::Signature || text.chars().all(|c| c.is_whitespace() || c == '\u{a0}') {
            continue;
        }
        let own = parts[at] == Part::Own;
        match regions.last_mut() {
            Some((last, end)) if *last == own => *end = at,
            _ => regions.push((own, at)),
        }
    }
    let last_own = regions.iter().rposition(|(own, _)| *own);
    let between = last_own.is_some_and(|last| last >= 2 || (last == 1 && regions.len() > 2));
    // Up to here the quotation stays among the answers.
    let end = if between { last_own.and_then(|last| regions.get(last)).map_or(0, |(_, end)| *end) } else { 0 };
    let among = |at: usize| between && at <= end;
    let own = lay(tokens.iter().enumerate().filter_map(|(at, token)| match parts[at] {
        Part::Own => Some((token, 0)),
        Part::Quote(depth) if among(at) => Some((token, depth)),
        _ => None,
    }));
    let quoted = lay(tokens.iter().enumerate().filter_map(|(at, token)| match parts[at] {
        Part::Quote(_) if among(at) => None,
        Part::Quote(_) | Part::Signature => Some((token, 0)),
        Part::Own => None,
    }));
    Parted { own, quoted: quoted.text }
}

/// To which part each token belongs. An element's end belongs where its beginning does.
fn parts(tokens: &[Token<'_>]) -> Vec<Part> {
    let split = containers_with_quotes(tokens);
    let mut open: Vec<(&str, Mark)> = Vec::new();
    let (mut quotes, mut signatures, mut rest) = (0_usize, 0_usize, false);
    let mut found = Vec::with_capacity(tokens.len());
    let now = |quotes: usize, signatures: usize, rest: bool| match (quotes + usize::from(rest), signatures) {
        (0, 0) => Part::Own,
        (0, _) => Part::Signature,
        (depth, _) => Part::Quote(depth),
    };
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(tag) => {
                let mut mark = mark(tag);
                if mark == Mark::Rest {
                    rest = true;
                    mark = Mark::None;
                }
                if mark == Mark::Container {
                    mark = if split.binary_search(&at).is_ok() { Mark::None } else { Mark::Quote };
                }
                let counts = !tag.is_void() && open.len() < DEEPEST;
                if counts {
                    quotes += usize::from(mark == Mark::Quote);
                    signatures += usize::from(mark == Mark::Signature);
                    open.push((&tag.name, mark));
                }
                found.push(now(quotes, signatures, rest));
            }
            Token::Close(name) => {
                found.push(now(quotes, signatures, rest));
                let Some(from) = open.iter().rposition(|(open, _)| open == name) else { continue };
                for (_, mark) in open.drain(from..) {
                    quotes -= usize::from(mark == Mark::Quote);
                    signatures -= usize::from(mark == Mark::Signature);
                }
            }
            Token::Comment(text) => {
                rest |= text.trim() == "originalMessage";
                found.push(now(quotes, signatures, rest));
            }
            Token::Text(_) => found.push(now(quotes, signatures, rest)),
        }
    }
    found
}

/// The containers in which a marked quotation stands: what else is in them was written by the author, between its pieces.
/// One without is quotation altogether (a forwarded mail). In order.
fn containers_with_quotes(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut open: Vec<(&str, Option<usize>)> = Vec::new();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(tag) if !tag.is_void() && open.len() < DEEPEST => {
                if tag.name == "blockquote" && mark(tag) == Mark::Quote {
                    found.extend(open.iter().filter_map(|(_, container)| *container));
                    for (_, container) in &mut open {
                        *container = None;
                    }
                }
                open.push((&tag.name, (mark(tag) == Mark::Container).then_some(at)));
            }
            Token::Close(name) => {
                if let Some(from) = open.iter().rposition(|(open, _)| open == name) {
                    open.truncate(from);
                }
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found
}

fn mark(tag: &Tag<'_>) -> Mark {
    if tag.attributes.is_empty() {
        return Mark::None;
    }
    let class = tag.get("class").unwrap_or_default();
    let has = |wanted: &str| class.split_ascii_whitespace().any(|name| name == wanted);
    let id = tag.get("id").unwrap_or_default();
    // Outlook on the web puts `x_` before what it did not write itself.
    let id = id.trim_start_matches("x_");
    if matches!(
        id,
        "appendonsend" | "divRplyFwdMsg" | "OLK_SRC_BODY_SECTION" | "mail-editor-reference-message-container"
    ) || has("OutlookMessageHeader")
    {
        return Mark::Rest;
    }
    if id.contains("yahoo_quoted") || has("yahoo_quoted") || has("gmail_attr") || has("moz-cite-prefix") {
        return Mark::Quote;
    }
    if tag.name == "blockquote" {
        let cited = tag.get("type").is_some_and(|kind| kind.eq_ignore_ascii_case("cite"));
        let classed = ["gmail_quote", "protonmail_quote", "tutanota_quote", "iosymail", "zmail_extra"];
        if cited || classed.iter().any(|name| has(name)) {
            return Mark::Quote;
        }
    }
    if has("gmail_quote") || has("gmail_quote_container") || has("protonmail_quote") {
        return Mark::Container;
    }
    if id == "Signature"
        || ["gmail_signature", "moz-signature", "protonmail_signature_block"].iter().any(|name| has(name))
    {
        return Mark::Signature;
    }
    if tag.name == "div" && tag.get("style").is_some_and(is_word_header) {
        return Mark::Rest;
    }
    Mark::None
}

/// The line that Word and Outlook draw above the mail that is answered.
fn is_word_header(style: &str) -> bool {
    if style.len() > 500 {
        return false;
    }
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    ["border-top:solid#e1e1e11.0pt", "border-top:solid#b5c4df1.0pt", "border-top:1ptsolidrgb(225,225,225)"]
        .iter()
        .any(|line| style.contains(line))
        && (style.contains("padding:3.0pt0") || style.contains("padding:3pt0"))
}

#[cfg(test)]
mod tests {
    use super::part;
    use crate::channels::markup::tokens;

    fn parted(html: &str) -> (String, String) {
        let parted = part(&tokens(html));
        (parted.own.text, parted.quoted)
    }

    #[test]
    fn every_mail_program_marks_its_quotation() {
        for (html, own) in [
            (
                "<div dir=ltr>Ja</div><br><div class=\"gmail_quote\"><div class=gmail_attr>Op ma schreef X:<br></div><blockquote class=gmail_quote>Vraag</blockquote></div>",
                "Ja",
            ),
            (
                "<div>Ja</div><div class=\"protonmail_quote\">On Monday X wrote:<br><blockquote class=protonmail_quote type=cite>Vraag</blockquote><br></div>",
                "Ja",
            ),
            ("<p>Ja</p><div id=appendonsend></div><hr><div id=divRplyFwdMsg><b>Van:</b> X</div><div>Vraag</div>", "Ja"),
            (
                "<p>Ja</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p><b>Van:</b> X</p></div><p>Vraag</p>",
                "Ja",
            ),
            (
                "<div>Ja</div><div class=moz-cite-prefix>Op ma schreef X:</div><blockquote type=cite>Vraag</blockquote>",
                "Ja",
            ),
            (
                "<div>Ja</div><div id=\"yahoo_quoted_123\" class=yahoo_quoted><div>On X wrote:</div><div>Vraag</div></div>",
                "Ja",
            ),
            ("<div>Ja</div><div id=mail-editor-reference-message-container>Vraag</div>", "Ja"),
            ("<div>Ja</div><div class=gmail_signature>Jan</div>", "Ja"),
        ] {
            let (seen, quoted) = parted(html);
            assert!(seen.starts_with(own) && !seen.contains("Vraag"), "{html} gave {seen}");
            assert!(!quoted.is_empty(), "{html}");
        }
    }

    #[test]
    fn answers_between_the_lines_stay_there() {
        let (own, quoted) = parted(
            "<div class=\"gmail_quote gmail_quote_container\"><div class=gmail_attr>Op ma schreef Merk:</div><blockquote class=gmail_quote>Welke maat?</blockquote><div>Maat 42</div><blockquote class=gmail_quote>Welke kleur?</blockquote><div>Blauw</div><blockquote class=gmail_quote>Groet, Merk</blockquote></div>",
        );
        assert_eq!(own, "> Op ma schreef Merk:\n>\n> Welke maat?\n\nMaat 42\n\n> Welke kleur?\n\nBlauw");
        assert_eq!(quoted, "Groet, Merk");
    }

    #[test]
    fn an_answer_below_the_quotation_is_the_own_text() {
        let (own, quoted) = parted(
            "<div class=moz-cite-prefix>X schreef:</div><blockquote type=cite>Vraag</blockquote><p>Antwoord</p>",
        );
        assert_eq!((own.as_str(), quoted.as_str()), ("Antwoord", "X schreef:\n\nVraag"));
    }

    #[test]
    fn a_forwarded_mail_is_quotation_whole() {
        let (own, quoted) = parted(
            "<div>Zie hieronder</div><div class=gmail_quote>---------- Forwarded message ---------<br>Van: X<br><br>Kapot!</div>",
        );
        assert_eq!(own, "Zie hieronder");
        assert!(quoted.ends_with("Kapot!"));
    }
}
