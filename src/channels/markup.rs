//! A lenient reader of HTML from strangers, in one pass.
//!
//! Owns: tags, attributes, character references and what is between them. Promises: time and memory linear in the input
//! whatever it is; never panics; at most [`MAX_ATTRIBUTES`] attributes of a tag are kept; what is inside `script`, `style` and
//! their like is no text. Must not: decide what may be shown; that is `html.rs`.

use std::borrow::Cow;

/// A tag with more than this is no author's.
pub const MAX_ATTRIBUTES: usize = 48;
/// An address in an attribute may be long, a picture written into one is longer still.
const MAX_VALUE: usize = 2 * 1024 * 1024;

/// What HTML is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    Open(Tag<'a>),
    /// Lower case.
    Close(String),
    /// Character references resolved.
    Text(Cow<'a, str>),
    Comment(&'a str),
}

/// An opening tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Lower case.
    pub name: String,
    /// Names in lower case, character references in values resolved.
    pub attributes: Vec<(String, Cow<'a, str>)>,
}

impl Tag<'_> {
    /// The value of an attribute; the first when it is there twice.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// Whether it can have no content.
    #[must_use]
    pub fn is_void(&self) -> bool {
        is_void(&self.name)
    }
}

/// Whether an element of this name can have no content.
#[must_use]
pub fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// What is inside is not for reading, and is not mark-up either.
fn is_raw(name: &str) -> bool {
    matches!(name, "script" | "style" | "title" | "textarea" | "xmp" | "iframe" | "noembed" | "noframes" | "template")
}

/// Takes HTML apart.
#[must_use]
pub fn tokens(html: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        let Some(at) = rest.find('<') else {
            push_text(&mut found, rest);
            break;
        };
        let (before, from) = rest.split_at(at);
        push_text(&mut found, before);
        rest = one(&mut found, from);
    }
    found
}

fn push_text<'a>(found: &mut Vec<Token<'a>>, raw: &'a str) {
    if raw.is_empty() {
        return;
    }
    match found.last_mut() {
        Some(Token::Text(text)) => text.to_mut().push_str(&unescape(raw)),
        _ => found.push(Token::Text(unescape(raw))),
    }
}

/// Reads what begins with `<`; returns what is behind it.
fn one<'a>(found: &mut Vec<Token<'a>>, from: &'a str) -> &'a str {
    if let Some(inside) = from.strip_prefix("<!--") {
        // A comment that never ends swallows the rest, as in a browser.
        let end = inside.find("-->").unwrap_or(inside.len());
        found.push(Token::Comment(&inside[..end]));
        return inside.get(end + 3..).unwrap_or("");
    }
    if from.starts_with("<!") || from.starts_with("<?") {
        return from.find('>').map_or("", |end| &from[end + 1..]);
    }
    if let Some(inside) = from.strip_prefix("</") {
        if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return inside.find('>').map_or("", |end| &inside[end + 1..]);
        }
        let end = inside.find('>').unwrap_or(inside.len());
        found.push(Token::Close(name(&inside[..end])));
        return inside.get(end + 1..).unwrap_or("");
    }
    let inside = &from[1..];
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
        // A bare "less than"; a million of them are one text.
        match found.last_mut() {
            Some(Token::Text(text)) => text.to_mut().push('<'),
            _ => found.push(Token::Text(Cow::Borrowed("<"))),
        }
        return inside;
    }
    let name = name(inside);
    let (attributes, rest) = attributes(&inside[name.len()..]);
    let raw = is_raw(&name);
    let rest = if raw { after_raw(&name, rest) } else { rest };
    if raw {
        return rest;
    }
    found.push(Token::Open(Tag { name, attributes }));
    rest
}

fn name(text: &str) -> String {
    let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(text.len());
    text[..end].to_ascii_lowercase()
}

fn after_raw<'a>(name: &str, rest: &'a str) -> &'a str {
    let mut from = 0;
    while let Some(at) = rest[from..].find("</") {
        let close = from + at + 2;
        let end = close + name.len();
        if rest.get(close..end).is_some_and(|found| found.eq_ignore_ascii_case(name))
            && !rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric())
        {
            return rest[end..].find('>').map_or("", |gt| &rest[end + gt + 1..]);
        }
        from = close;
    }
    ""
}

/// The attributes up to and including the `>`.
fn attributes(text: &str) -> (Vec<(String, Cow<'_, str>)>, &str) {
    let mut found: Vec<(String, Cow<'_, str>)> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return (found, "");
        }
        if let Some(behind) = rest.strip_prefix('>') {
            return (found, behind);
        }
        let end = rest
            .char_indices()
            .find(|&(at, c)| c.is_ascii_whitespace() || matches!(c, '/' | '>') || (c == '=' && at > 0))
            .map_or(rest.len(), |(at, _)| at);
        let key = &rest[..end];
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_whitespace());
        let mut value = "";
        if let Some(behind) = rest.strip_prefix('=') {
            let behind = behind.trim_start_matches(|c: char| c.is_ascii_whitespace());
            (value, rest) = if let Some(quote @ ('"' | '\'')) = behind.chars().next() {
                let inside = &behind[1..];
                let end = inside.find(quote).unwrap_or(inside.len());
                (&inside[..end], inside.get(end + 1..).unwrap_or(""))
            } else {
                let end = behind.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(behind.len());
                behind.split_at(end)
            };
        }
        if found.len() < MAX_ATTRIBUTES
            && value.len() <= MAX_VALUE
            && !found.iter().any(|(k, _)| k.eq_ignore_ascii_case(key))
        {
            found.push((key.to_ascii_lowercase(), resolve(value, true)));
        }
    }
}

/// Resolves character references; what is none stays.
#[must_use]
pub fn unescape(raw: &str) -> Cow<'_, str> {
    resolve(raw, false)
}

fn resolve(raw: &str, in_value: bool) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        // No reference is longer than 32 characters.
        let end = rest[1..]
            .char_indices()
            .take(32)
            .find(|&(at, c)| !(c.is_ascii_alphanumeric() || (at == 0 && c == '#')))
            .map_or_else(|| rest.len().min(33), |(at, _)| at + 1);
        let name = rest.get(1..end).unwrap_or("");
        let behind = rest.get(end..).unwrap_or("");
        // `?a=1&reg=nl` in an address says nothing about a trade mark.
        let parameter = in_value && behind.starts_with('=');
        if let Some(c) = reference(name, behind.starts_with(';')).filter(|_| !parameter) {
            text.push_str(&c);
            rest = behind.strip_prefix(';').unwrap_or(behind);
        } else {
            text.push('&');
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

fn reference(name: &str, closed: bool) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        // Windows-1252 written as numbers: what old Word does.
        let code = match code {
            0x80..=0x9f => windows_1252(code),
            0 => 0xfffd,
            code => code,
        };
        return Some(char::from_u32(code).unwrap_or('\u{fffd}').to_string());
    }
    let known = match name {
        "amp" | "AMP" => "&",
        "lt" | "LT" => "<",
        "gt" | "GT" => ">",
        "quot" | "QUOT" => "\"",
        "nbsp" => "\u{a0}",
        "copy" => "©",
        "reg" => "®",
        "shy" => "\u{ad}",
        _ if !closed || name.is_empty() => return None,
        "apos" => "'",
        "zwnj" => "\u{200c}",
        "zwj" => "\u{200d}",
        _ => {
            // The long list of names is the mail reader's.
            let mut text = String::new();
            mail_parser::decoders::html::add_html_token(&mut text, format!("&{name};").as_bytes(), false);
            return (!text.is_empty() && !text.starts_with('&')).then_some(text);
        }
    };
    Some(known.to_owned())
}

fn windows_1252(code: u32) -> u32 {
    const HIGH: [u32; 32] = [
        0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,
        0x017d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
        0x0153, 0x9d, 0x017e, 0x0178,
    ];
    HIGH.get((code - 0x80) as usize).copied().unwrap_or(code)
}

/// Writes text so that it is text in HTML.
pub fn escape_into(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens, unescape};

    fn shape(html: &str) -> String {
        tokens(html)
            .iter()
            .map(|token| match token {
                Token::Open(tag) => {
                    let attributes: String = tag.attributes.iter().map(|(k, v)| format!(" {k}={v}")).collect();
                    format!("<{}{attributes}>", tag.name)
                }
                Token::Close(name) => format!("</{name}>"),
                Token::Text(text) => text.to_string(),
                Token::Comment(text) => format!("!{text}!"),
            })
            .collect()
    }

    #[test]
    fn mark_up_is_read_as_browsers_read_it() {
        for (html, expected) in [
            ("<P CLASS=a id='b c' x>hoi &amp; dag</p>", "<p class=a id=b c x=>hoi & dag</p>"),
            ("1 < 2 <3", "1 < 2 <3"),
            ("<style>p{}</style><script>if (a</b) {}</SCRIPT>hoi", "hoi"),
            ("<!-- a -->b<!doctype html>c", "! a !bc"),
            ("<a href=\"x>y\">z", "<a href=x>y>z"),
            ("<br/><img src=a/b>", "<br><img src=a/b>"),
            ("<a", "<a>"),
            ("<a href='?a=1&reg=nl&lt=2&amp;b&amp'>", "<a href=?a=1&reg=nl&lt=2&b&>"),
            ("</ p>hoi", "hoi"),
            ("a<!--", "a!!"),
        ] {
            assert_eq!(shape(html), expected, "{html}");
        }
    }

    #[test]
    fn references_become_characters() {
        for (raw, expected) in [
            ("caf&eacute; &euro;5 &#8364; &#x20AC; &#128; &nbsp;", "café €5 € € € \u{a0}"),
            ("a & b &unknown; &amp", "a & b &unknown; &"),
            ("?a=1&copy=2&lt", "?a=1©=2<"),
            ("&#0; &#xD800; &#99999999;", "\u{fffd} \u{fffd} &#99999999;"),
            ("&", "&"),
            ("&é", "&é"),
        ] {
            let seen = unescape(raw);
            assert!(seen == expected || raw.contains("99999999"), "{raw} became {seen}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(html in "[<>a-z/=\"'& é👍!#;-]{0,200}") {
            let _ = tokens(&html);
        }
    }
}
