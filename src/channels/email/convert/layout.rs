//! HTML of a mail as its reader sees it: as plain text, and as the few tags our page knows.
//!
//! Promises: paragraphs as blank lines, breaks as newlines, what is hidden stays hidden, pictures as their description in
//! brackets, links whole; linear in the input, and the HTML never longer than is shown. Must not: show anything that is not
//! text.

use std::sync::Arc;

use super::body::LONGEST_OWN;
use crate::channels::markup::{Tag, Token, escape_into, is_void};

/// Deeper than this nobody writes; tags beyond it do nothing, their text stays.
const DEEPEST: usize = 200;
/// A longer address is no link: an open one is written again in every paragraph.
const LONGEST_ADDRESS: usize = 8 * 1024;

/// The two forms of one text.
#[derive(Default)]
pub(super) struct Laid {
    pub text: String,
    /// Only `p`, `br`, `a`, `b`, `i`, `u`, `s`, `code`; empty when it would be longer than is shown.
    pub html: String,
    /// Whether `html` says anything that `text` does not.
    pub formatted: bool,
}

/// Lays out those tokens for which `shown` answers; `quotes` marks quoted lines with `> `, as deep as it says.
pub(super) fn lay<'t, 'h: 't>(tokens: impl Iterator<Item = (&'t Token<'h>, usize)>) -> Laid {
    let mut layout = Layout::default();
    for (token, quoted) in tokens {
        layout.take(token, quoted);
    }
    layout.finish()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
    Paragraph,
}

#[derive(Default)]
struct Layout {
    laid: Laid,
    gap: Gap,
    /// Line breaks asked for with `br`, one after the other.
    breaks: usize,
    /// Open elements: name, whether it is hidden, its inline tag.
    open: Vec<(String, bool, Option<Inline>)>,
    hidden: usize,
    pre: usize,
    quoted: usize,
    /// How deep the last written line is quoted.
    written: usize,
    in_paragraph: bool,
    inline: Vec<Inline>,
    /// No more HTML is written: there is too much of it.
    full: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum Inline {
    Tag(&'static str),
    /// Where it leads, and where its text begins in `text`.
    Link(Arc<str>, usize),
}

impl Inline {
    fn end(&self) -> &'static str {
        match self {
            Self::Tag("b") => "</b>",
            Self::Tag("i") => "</i>",
            Self::Tag("u") => "</u>",
            Self::Tag("s") => "</s>",
            Self::Tag(_) => "</code>",
            Self::Link(..) => "</a>",
        }
    }
}

impl Layout {
    fn take(&mut self, token: &Token<'_>, quoted: usize) {
        if quoted != self.quoted {
            self.want(Gap::Line);
            self.flush_inline();
            self.quoted = quoted;
        }
        match token {
            Token::Text(text) if self.hidden == 0 => self.text(text),
            Token::Open(tag) => self.open(tag),
            Token::Close(name) => self.close(name),
            Token::Text(_) | Token::Comment(_) => {}
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        let name = tag.name.as_str();
        match name {
            "br" if self.hidden == 0 => {
                // A break on a line that has ended already is an empty line.
                self.breaks += if self.gap >= Gap::Line { 2 } else { 1 };
                self.want(Gap::Line);
            }
            "hr" => self.want(Gap::Paragraph),
            "img" if self.hidden == 0 && !is_hidden(tag) => {
                let alt = tag.get("alt").map(str::trim).unwrap_or_default();
                if !alt.is_empty() && alt.len() <= 200 {
                    let shown = format!("[{alt}]");
                    self.word(&shown);
                }
            }
            _ => {}
        }
        if is_void(name) || self.open.len() >= DEEPEST {
            return;
        }
        self.want(gap_of(name));
        if name == "li" && self.hidden == 0 {
            self.word("•");
            self.want(Gap::Space);
        }
        if matches!(name, "td" | "th") {
            self.want(Gap::Space);
        }
        self.pre += usize::from(name == "pre");
        let hidden = is_hidden(tag);
        self.hidden += usize::from(hidden);
        let inline = match name {
            "b" | "strong" | "h1" | "h2" | "h3" | "h4" | "th" => Some(Inline::Tag("b")),
            "i" | "em" | "cite" => Some(Inline::Tag("i")),
            "u" => Some(Inline::Tag("u")),
            "s" | "del" | "strike" => Some(Inline::Tag("s")),
            "code" | "tt" | "kbd" => Some(Inline::Tag("code")),
            "a" => tag.get("href").map(str::trim).filter(|href| is_link(href)).map(|href| {
                let href: String = href.chars().filter(|c| !c.is_control()).collect();
                Inline::Link(href.into(), self.laid.text.len())
            }),
            _ => None,
        };
        if let (Some(inline), 0) = (&inline, self.hidden) {
            if self.in_paragraph {
                self.settle();
                self.write_open(inline);
            }
            self.inline.push(inline.clone());
        }
        self.open.push((tag.name.clone(), hidden, inline));
    }

    fn close(&mut self, name: &str) {
        if name == "p" && !self.open.iter().any(|(open, ..)| open == "p") {
            self.want(Gap::Paragraph);
            return;
        }
        let Some(at) = self.open.iter().rposition(|(open, ..)| open == name) else { return };
        while self.open.len() > at {
            let Some((closed, hidden, inline)) = self.open.pop() else { break };
            self.pre -= usize::from(closed == "pre");
            let was_hidden = self.hidden > 0;
            self.hidden -= usize::from(hidden);
            if let Some(inline) = inline
                && !was_hidden
            {
                self.end_inline(&inline);
            }
            self.want(gap_of(&closed));
        }
    }

    fn end_inline(&mut self, inline: &Inline) {
        let Some(at) = self.inline.iter().rposition(|open| open == inline) else { return };
        self.inline.remove(at);
        if self.in_paragraph {
            self.write(inline.end());
        }
        if let Inline::Link(href, from) = inline {
            let shown = self.laid.text.get(*from..).unwrap_or_default().trim();
            // The text of a link may be anything; the reader of plain text must see where it leads.
            if !shown.is_empty() && !shows(shown, href) && href.len() <= 300 {
                let target = format!(" <{}>", href.strip_prefix("mailto:").unwrap_or(href));
                self.laid.text.push_str(&target);
                self.laid.formatted = true;
            }
        }
    }

    fn want(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn text(&mut self, text: &str) {
        if self.pre > 0 {
            for (n, line) in text.split('\n').enumerate() {
                if n > 0 {
                    self.breaks += if self.gap >= Gap::Line { 2 } else { 1 };
                    self.want(Gap::Line);
                }
                let line = line.trim_end_matches('\r');
                if !line.is_empty() {
                    self.word(line);
                }
            }
            return;
        }
        let space = |c: char| c.is_ascii_whitespace();
        if text.starts_with(space) {
            self.want(Gap::Space);
        }
        let mut first = true;
        for word in text.split(space).filter(|word| !word.is_empty()) {
            if !first {
                self.want(Gap::Space);
            }
            first = false;
            self.word(word);
        }
        if text.ends_with(space) {
            self.want(Gap::Space);
        }
    }

    fn word(&mut self, word: &str) {
        self.settle();
        // Invisible fillers of newsletters: soft hyphens, joiners, byte order marks.
        let shown = word.replace(['\u{ad}', '\u{200b}', '\u{feff}', '\u{34f}', '\0'], "").replace('\u{a0}', " ");
        self.laid.text.push_str(&shown);
        self.escape(&shown);
    }

    /// Writes the white space that is due, and begins a paragraph when none is open.
    fn settle(&mut self) {
        let empty = self.laid.text.is_empty();
        let gap = std::mem::take(&mut self.gap);
        let breaks = std::mem::take(&mut self.breaks);
        if !empty {
            match gap {
                Gap::None => {}
                Gap::Space => {
                    if !self.laid.text.ends_with([' ', '\n']) {
                        self.laid.text.push(' ');
                    }
                    if self.in_paragraph {
                        self.write(" ");
                    }
                }
                Gap::Line if breaks < 2 => {
                    self.end_line(self.quoted);
                    if self.in_paragraph {
                        self.write("<br>");
                    }
                }
                Gap::Line | Gap::Paragraph => {
                    // An empty line between an answer and a quotation belongs to neither.
                    self.end_line(self.quoted.min(self.written));
                    self.end_line(self.quoted);
                    self.end_paragraph();
                }
            }
        } else if self.quoted > 0 {
            self.laid.text.push_str(&"> ".repeat(self.quoted.min(8)));
        }
        self.written = self.quoted;
        if !self.in_paragraph {
            self.in_paragraph = true;
            self.write("<p>");
            for at in 0..self.inline.len() {
                self.write_open(&self.inline[at].clone());
            }
        }
    }

    fn end_line(&mut self, quoted: usize) {
        let kept = self.laid.text.trim_end_matches(' ').len();
        self.laid.text.truncate(kept);
        self.laid.text.push('\n');
        self.laid.text.push_str(&"> ".repeat(quoted.min(8)));
    }

    fn end_paragraph(&mut self) {
        if !self.in_paragraph {
            return;
        }
        for at in (0..self.inline.len()).rev() {
            self.write(self.inline[at].end());
        }
        self.write("</p>");
        self.in_paragraph = false;
    }

    fn write_open(&mut self, inline: &Inline) {
        match inline {
            Inline::Tag(name) => {
                self.laid.formatted = true;
                self.write("<");
                self.write(name);
                self.write(">");
            }
            Inline::Link(href, _) => {
                self.write("<a href=\"");
                self.escape(href);
                self.write("\">");
            }
        }
    }

    fn write(&mut self, html: &str) {
        if !self.full {
            self.laid.html.push_str(html);
            self.full = self.laid.html.len() > LONGEST_OWN;
        }
    }

    fn escape(&mut self, text: &str) {
        if !self.full {
            escape_into(&mut self.laid.html, text);
            self.full = self.laid.html.len() > LONGEST_OWN;
        }
    }

    /// Quoted and own words share no formatting.
    fn flush_inline(&mut self) {
        self.end_paragraph();
        self.inline.clear();
    }

    fn finish(mut self) -> Laid {
        self.end_paragraph();
        let text = self.laid.text.trim_end();
        self.laid.text.truncate(text.len());
        if self.full {
            self.laid.html.clear();
            self.laid.formatted = false;
        }
        self.laid
    }
}

fn gap_of(name: &str) -> Gap {
    match name {
        "p" | "blockquote" | "ul" | "ol" | "dl" | "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "hr" => {
            Gap::Paragraph
        }
        "div" | "li" | "tr" | "section" | "article" | "header" | "footer" | "address" | "center" | "dt" | "dd"
        | "main" | "aside" | "nav" | "fieldset" | "form" | "figure" | "figcaption" | "caption" | "body" | "tbody" => {
            Gap::Line
        }
        _ => Gap::None,
    }
}

fn is_link(href: &str) -> bool {
    if href.len() > LONGEST_ADDRESS {
        return false;
    }
    let scheme = href.split(':').next().unwrap_or_default().to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https" | "mailto" | "tel")
}

/// Whether the text of a link says where it leads.
fn shows(shown: &str, href: &str) -> bool {
    let bare = |url: &str| {
        let url = url.trim().trim_end_matches('/');
        let url = url.strip_prefix("mailto:").or_else(|| url.strip_prefix("tel:")).unwrap_or(url);
        let url = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
        url.strip_prefix("www.").unwrap_or(url).to_lowercase()
    };
    bare(shown) == bare(href)
}

/// Text that a mail's author hides (the line newsletters show in lists).
fn is_hidden(tag: &Tag<'_>) -> bool {
    if tag.get("hidden").is_some() {
        return true;
    }
    let Some(style) = tag.get("style") else { return false };
    let style: String =
        style.chars().take(2_000).filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    style.contains("display:none") || style.contains("mso-hide:all") || style.contains("visibility:hidden")
}

#[cfg(test)]
mod tests {
    use super::lay;
    use crate::channels::markup::tokens;

    fn text(html: &str) -> String {
        lay(tokens(html).iter().map(|token| (token, 0))).text
    }

    #[test]
    fn html_reads_as_mail_programs_show_it() {
        for (html, expected) in [
            ("<div>Hoi</div><div><br></div><div>Dag</div>", "Hoi\n\nDag"),
            ("<div>Hoi</div><div>Dag</div>", "Hoi\nDag"),
            ("<p>Een</p>\n<p>Twee</p>", "Een\n\nTwee"),
            ("a<br>b<br><br>c", "a\nb\n\nc"),
            ("<ul><li>een<li>twee</ul>", "• een\n• twee"),
            ("<b>Let  op</b>: <i>nu</i>", "Let op: nu"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("<a href='https://a.example/x'>hier</a>", "hier <https://a.example/x>"),
            ("<a href='https://a.example/'>www.a.example</a>", "www.a.example"),
            ("<a href='javascript:alert(1)'>hier</a>", "hier"),
            ("<div style='display: none'>voorproefje</div>Hoi", "Hoi"),
            ("<img src=x alt=Logo> Hoi", "[Logo] Hoi"),
            ("<style>p{}</style><p class=MsoNormal>Hoi&nbsp;daar</p><p>&nbsp;</p>", "Hoi daar"),
            ("<pre>a\n  b</pre>", "a\n  b"),
        ] {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn formatting_is_kept_and_closed() {
        let laid = lay(tokens("<b><p>een</p><p>twee</b> <a href='https://x.example'>drie</a>").iter().map(|t| (t, 0)));
        assert_eq!(laid.html, "<p><b>een</b></p><p><b>twee</b></p><p><a href=\"https://x.example\">drie</a></p>");
        assert!(laid.formatted);
        assert!(!lay(tokens("<div>plat</div>").iter().map(|t| (t, 0))).formatted);
    }

    #[test]
    fn a_link_that_never_closes_is_not_written_in_every_paragraph() {
        for (long, blocks) in [(50_000, 10_000), (8_000, 10_000), (50, 100_000)] {
            let html = format!("<a href=\"https://x/{}\">{}", "A".repeat(long), "<hr>x".repeat(blocks));
            let laid = lay(tokens(&html).iter().map(|token| (token, 0)));
            assert_eq!(laid.text.matches('x').count(), blocks, "the words are there");
            assert!(laid.html.capacity() <= 4 * super::LONGEST_OWN, "{} bytes", laid.html.capacity());
        }
        let long = format!("<a href=\"https://x.example/{}\">hier</a> <b>en</b>", "A".repeat(2_000));
        let laid = lay(tokens(&long).iter().map(|token| (token, 0)));
        assert!(laid.formatted && laid.html.contains("AAAA") && laid.html.ends_with("hier</a> <b>en</b></p>"));
    }

    #[test]
    fn ten_thousand_levels_are_no_trouble() {
        let html = format!("{}diep{}", "<div>".repeat(10_000), "</div>".repeat(10_000));
        assert_eq!(text(&html), "diep");
    }
}
