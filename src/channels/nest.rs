//! HTML from strangers, put in order before a browser's parser reads it.
//!
//! Such a parser opens again in every block what was left open before it, however long and however often: sixty kilobytes become
//! gigabytes. Promises: whatever is open is closed before a block begins or ends, so that nothing is left to open again; what
//! goes on behind it is written again here, and all of that together is no longer than the page (or sixteen kilobytes). Must not: decide which
//! tags may be shown; that is `html.rs`.

use super::markup::escape_into;

/// Deeper than this nobody writes; tags beyond it do nothing, their text stays.
const DEEPEST: usize = 150;
/// So many bytes of tags may be written again, however short the page.
const ALWAYS_AGAIN: usize = 16 * 1024;
/// More than any page has; tags beyond it do nothing, their text stays.
const MOST_TAGS: usize = 100_000;

/// A page that is being written in order.
pub struct Nest {
    out: String,
    open: Vec<Open>,
    /// How many bytes of tags may still be written again.
    again: usize,
    tags: usize,
}

/// An element that has begun.
struct Open {
    name: String,
    /// Its opening tag, where its effect goes on in the next block.
    inline: Option<String>,
    /// Whether it was written before.
    met: bool,
    /// Whether it is open where the page is written now.
    live: bool,
}

impl Nest {
    /// For a page of so many bytes.
    pub fn new(length: usize) -> Self {
        Self { out: String::with_capacity(length), open: Vec::new(), again: length.max(ALWAYS_AGAIN), tags: MOST_TAGS }
    }

    /// Words.
    pub fn text(&mut self, text: &str) {
        // Blank between the rows of a table is in no link.
        if !text.chars().all(|c| c.is_ascii_whitespace()) {
            self.resume();
        }
        escape_into(&mut self.out, text);
    }

    /// An element without content, as it is written.
    pub fn void(&mut self, name: &str, tag: &str) {
        if !self.count() {
            return;
        }
        match name {
            "img" => self.resume(),
            "br" => {}
            _ => {
                self.pause();
                self.end_paragraph(name);
            }
        }
        self.out.push_str(tag);
    }

    /// An element begins, as it is written.
    pub fn open(&mut self, name: &str, tag: String) {
        if name == "a" {
            // A link in a link ends it.
            self.close("a");
        }
        if self.open.len() >= DEEPEST {
            return;
        }
        let name = name.to_owned();
        if is_inline(&name) {
            // Written with its first words: what holds none is nothing.
            self.open.push(Open { name, inline: Some(tag), met: false, live: false });
            return;
        }
        if !self.count() {
            return;
        }
        self.pause();
        self.end_paragraph(&name);
        self.end_others(&name);
        self.out.push_str(&tag);
        self.open.push(Open { name, inline: None, met: true, live: true });
    }

    /// An element ends.
    pub fn close(&mut self, name: &str) {
        if is_inline(name) {
            let Some(at) = self.find(&[name], |other| matches!(other, "td" | "th" | "caption")) else { return };
            if self.open[at].live {
                self.pause_from(at);
            }
            self.open.remove(at);
            return;
        }
        match self.find(&[name], |other| ends_search(name, other)) {
            Some(at) => self.end(at),
            // A paragraph that ends and never began is an empty one.
            None if name == "p" && self.open.len() < DEEPEST => {
                self.open("p", "<p>".to_owned());
                self.close_newest_paragraph();
            }
            None => {}
        }
    }

    /// The page.
    pub fn finish(self) -> String {
        self.out
    }

    fn close_newest_paragraph(&mut self) {
        if let Some(at) = self.open.len().checked_sub(1).filter(|at| self.open[*at].name == "p") {
            self.end(at);
        }
    }

    fn count(&mut self) -> bool {
        let left = self.tags.checked_sub(1);
        self.tags = left.unwrap_or(0);
        left.is_some()
    }

    /// Opens what goes on.
    fn resume(&mut self) {
        for at in 0..self.open.len() {
            let one = &mut self.open[at];
            let Some(tag) = one.inline.as_ref().filter(|_| !one.live) else { continue };
            if one.met {
                let Some(left) = self.again.checked_sub(tag.len() + one.name.len() + 3) else { continue };
                self.again = left;
            }
            let Some(left) = self.tags.checked_sub(1) else { return };
            self.tags = left;
            self.out.push_str(tag);
            (one.met, one.live) = (true, true);
        }
    }

    /// Closes what goes on.
    fn pause(&mut self) {
        self.pause_from(0);
    }

    fn pause_from(&mut self, at: usize) {
        for one in self.open[at..].iter_mut().rev().filter(|one| one.inline.is_some() && one.live) {
            one.live = false;
            end_tag(&mut self.out, &one.name);
        }
    }

    /// Ends a block with all that is in it.
    fn end(&mut self, at: usize) {
        self.pause();
        for one in self.open.drain(at..).rev().filter(|one| one.inline.is_none()) {
            end_tag(&mut self.out, &one.name);
        }
    }

    /// A block ends the paragraph it stands in; what was open there goes on.
    fn end_paragraph(&mut self, name: &str) {
        if is_of_table(name) {
            return;
        }
        if let Some(at) = self.find(&["p"], |other| other != "p") {
            end_tag(&mut self.out, "p");
            self.open.remove(at);
        }
    }

    /// Ends what a block of this kind ends: many never write the end of an item or a cell.
    fn end_others(&mut self, name: &str) {
        let same: &[&str] = match name {
            "li" => &["li"],
            "dt" | "dd" => &["dt", "dd"],
            "td" | "th" => &["td", "th"],
            "tr" => &["tr"],
            "thead" | "tbody" | "tfoot" => &["thead", "tbody", "tfoot"],
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => &["h1", "h2", "h3", "h4", "h5", "h6"],
            _ => return,
        };
        let found = self.find(same, |other| match name {
            "li" | "dt" | "dd" => !matches!(other, "div" | "address"),
            "td" | "th" => matches!(other, "tr" | "table"),
            "tr" | "thead" | "tbody" | "tfoot" => other == "table",
            _ => true,
        });
        if let Some(at) = found {
            self.end(at);
        }
    }

    /// The innermost open element of these names; `stop` says which block it is not looked for behind.
    fn find(&self, names: &[&str], stop: impl Fn(&str) -> bool) -> Option<usize> {
        for (at, one) in self.open.iter().enumerate().rev() {
            if names.contains(&one.name.as_str()) {
                return Some(at);
            }
            if one.inline.is_none() && stop(&one.name) {
                return None;
            }
        }
        None
    }
}

fn end_tag(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// A cell is left by an end of its table only.
fn ends_search(name: &str, other: &str) -> bool {
    if is_of_table(name) || name == "table" { other == "table" } else { matches!(other, "td" | "th" | "caption") }
}

fn is_of_table(name: &str) -> bool {
    matches!(name, "thead" | "tbody" | "tfoot" | "tr" | "td" | "th" | "caption" | "colgroup" | "col")
}

/// Whether words stay on their line in it. All others are blocks.
fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "big"
            | "code"
            | "del"
            | "em"
            | "font"
            | "i"
            | "s"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "u"
    )
}
