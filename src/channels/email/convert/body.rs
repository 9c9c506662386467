//! The words of a mail: which parts are its text, what its author wrote and what was repeated.
//!
//! Promises: the HTML is read where there is one, because there the quotation is marked; when nothing would be left, everything is
//! shown; a text too long for a screen is cut there, never in the original.

use mail_parser::{MimeHeaders, PartType};

use super::layout::lay;
use super::parse::{Parsed, kind};
use super::{quote_html, quote_text};
use crate::channels::markup::{self, Token, escape_into};

/// Longer HTML is no letter; what is beyond is in the original.
const LONGEST_HTML: usize = 3 * 1024 * 1024;
pub(super) const LONGEST_OWN: usize = 256 * 1024;
const LONGEST_QUOTE: usize = 128 * 1024;

/// A mail's words.
pub(super) struct Body {
    pub own: String,
    pub quoted: Option<String>,
    /// Own words with their formatting, when they have any.
    pub html: Option<String>,
    /// The parts that are the text in one form or the other: no files.
    pub shown: Vec<u32>,
    /// Everything, for looking things up in it.
    pub whole: String,
}

/// Reads the words.
pub(super) fn read(parsed: &Parsed<'_>) -> Body {
    let (marked_up, unmarked) = bodies(parsed);
    let mut shown: Vec<u32> = marked_up.into_iter().chain(unmarked).collect();
    shown.sort_unstable();
    shown.dedup();

    let from_html = html(parsed).map(|html| {
        let tokens = markup::tokens(&html);
        let apart = quote_html::part(&tokens);
        let more = quote_text::part(&apart.own.text);
        if more.own.trim().is_empty() && apart.own.text.trim().is_empty() {
            // All of it is marked as quotation: then it is the message.
            let laid = lay(tokens.iter().map(|token: &Token<'_>| (token, 0)));
            return (laid.text.clone(), String::new(), laid.formatted.then_some(laid.html), laid.text);
        }
        let untouched = more.quoted.is_empty();
        let quoted =
            [more.quoted, apart.quoted].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n");
        let whole = format!("{}\n{quoted}", apart.own.text);
        (more.own, quoted, (untouched && apart.own.formatted).then_some(apart.own.html), whole)
    });
    let (own, quoted, html, whole) = match from_html {
        Some(read) if !read.0.trim().is_empty() => read,
        _ => {
            let text = plain(parsed);
            let apart = quote_text::part(&text);
            (apart.own, apart.quoted, None, text)
        }
    };
    Body {
        own: cut(own, LONGEST_OWN),
        quoted: Some(cut(quoted, LONGEST_QUOTE)).filter(|text| !text.trim().is_empty()),
        html,
        shown,
        whole: cut(whole, LONGEST_OWN),
    }
}

/// The parts that are the text, in its rich and in its plain form. When the structure is so broken that the library found none: every
/// text that is no file.
fn bodies(parsed: &Parsed<'_>) -> (Vec<u32>, Vec<u32>) {
    let part = |id: u32| parsed.parts().get(id as usize);
    let is_text = |id: &u32| part(*id).is_some_and(|part| matches!(part.body, PartType::Text(_) | PartType::Html(_)));
    // A report about mail is no text, whatever its type says.
    let is_own = |id: &u32| part(*id).is_some_and(|part| kind(part) != "text/rfc822-headers");
    let chosen = |ids: &[u32]| ids.iter().copied().filter(|id| is_text(id) && is_own(id)).collect::<Vec<_>>();
    let (html, text) = (chosen(&parsed.mail.html_body), chosen(&parsed.mail.text_body));
    if !html.is_empty() || !text.is_empty() {
        return (html, text);
    }
    // A container without a boundary is no container.
    let is_loose = |id: &u32| {
        part(*id)
            .is_some_and(|part| !matches!(part.body, PartType::Multipart(_)) && kind(part).starts_with("multipart"))
    };
    let left: Vec<u32> = (0..parsed.parts().len() as u32)
        .filter(|id| {
            (is_text(id) || is_loose(id))
                && part(*id).is_some_and(|part| {
                    let kind = kind(part);
                    let plain = matches!(kind.as_str(), "text" | "text/plain" | "text/html" | "text/enriched" | "")
                        || kind.starts_with("multipart");
                    plain
                        && part.attachment_name().is_none()
                        && !part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment)
                })
        })
        .collect();
    let rich = left.iter().any(|id| part(*id).is_some_and(is_rich));
    (if rich { left.clone() } else { Vec::new() }, left)
}

fn is_rich(part: &mail_parser::MessagePart<'_>) -> bool {
    matches!(part.body, PartType::Html(_)) || kind(part) == "text/html"
}

/// The HTML of a mail as its author made it; `None` when it has none.
pub(super) fn html(parsed: &Parsed<'_>) -> Option<String> {
    let mut html = String::new();
    let mut any = false;
    for id in bodies(parsed).0 {
        let Some(part) = parsed.parts().get(id as usize) else { continue };
        if is_rich(part) {
            any = true;
            html.push_str(&parsed.text(part));
        } else {
            html.push_str("<pre>");
            escape_into(&mut html, &parsed.text(part));
            html.push_str("</pre>");
        }
        if html.len() > LONGEST_HTML {
            html = cut(html, LONGEST_HTML);
            break;
        }
    }
    any.then_some(html)
}

fn plain(parsed: &Parsed<'_>) -> String {
    let mut text = String::new();
    for id in bodies(parsed).1 {
        let Some(part) = parsed.parts().get(id as usize).filter(|part| !is_rich(part)) else { continue };
        let one = parsed.text(part).replace('\0', "");
        let attribute = |name: &str| {
            part.content_type().and_then(|kind| kind.attribute(name)).unwrap_or_default().to_ascii_lowercase()
        };
        let one = if attribute("format") == "flowed" {
            unflow(&one, attribute("delsp") == "yes")
        } else {
            one.replace('\r', "")
        };
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(one.trim_end());
        if text.len() > LONGEST_HTML {
            break;
        }
    }
    cut(text, LONGEST_HTML)
}

/// Joins what was wrapped for the way (RFC 3676).
fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // The depth of the line that goes on.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let bare = line.trim_start_matches('>');
        let depth = line.len() - bare.len();
        let content = bare.strip_prefix(' ').unwrap_or(bare);
        let signature = content == "-- ";
        if open != Some(depth) || signature {
            if !out.is_empty() || open.is_some() {
                out.push('\n');
            }
            if depth > 0 {
                out.push_str(&">".repeat(depth.min(20)));
                out.push(' ');
            }
        }
        let flowed = content.ends_with(' ') && !signature;
        let content = if flowed && delete_space { &content[..content.len() - 1] } else { content };
        out.push_str(content);
        open = flowed.then_some(depth);
        if open.is_none() && out.is_empty() {
            out.push('\n');
        }
    }
    out
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("\n\n[…]");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::unflow;

    #[test]
    fn flowed_text_is_joined_at_its_own_depth() {
        assert_eq!(
            unflow("Dit is een \nlange regel.\n> aan\n> gehaald \n> en door\nkort\n-- \nAnna", false),
            "Dit is een lange regel.\n> aan\n> gehaald en door\nkort\n-- \nAnna"
        );
        assert_eq!(unflow("boven \nleiding", true), "bovenleiding");
        assert_eq!(unflow(" From hier", false), "From hier");
    }
}
