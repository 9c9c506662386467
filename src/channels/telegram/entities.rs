//! Marks in a text: from offsets in UTF-16 code units to HTML, and which of them name the bot.
//!
//! Promises: any offsets are survived, also such that lie outside or cut a character in two.
//! Source: core.telegram.org/api/entities, read 2026-11.

use super::wire::Entity;

/// Where each UTF-16 offset is in the bytes of a text; `None` inside a character or beyond the end.
struct Offsets(Vec<Option<usize>>);

impl Offsets {
    fn of(text: &str) -> Self {
        let mut places = Vec::with_capacity(text.len() + 1);
        for (at, c) in text.char_indices() {
            places.push(Some(at));
            places.extend(std::iter::repeat_n(None, c.len_utf16() - 1));
        }
        places.push(Some(text.len()));
        Self(places)
    }

    fn span(&self, entity: &Entity) -> Option<(usize, usize)> {
        let from = (*self.0.get(entity.offset)?)?;
        let to = (*self.0.get(entity.offset.checked_add(entity.length)?)?)?;
        (from < to).then_some((from, to))
    }
}

/// Length as the platform counts it.
pub fn utf16(text: &str) -> i64 {
    i64::try_from(text.encode_utf16().count()).unwrap_or(i64::MAX)
}

/// The words under an entity.
pub fn under<'t>(text: &'t str, entity: &Entity) -> Option<&'t str> {
    let (from, to) = Offsets::of(text).span(entity)?;
    text.get(from..to)
}

/// The text with its marks as HTML, still to be sanitised; `None` when no mark is more than the text says already.
pub fn html(text: &str, entities: &[Entity]) -> Option<String> {
    let offsets = Offsets::of(text);
    let mut spans: Vec<(usize, usize, String, &str)> = Vec::new();
    for entity in entities.iter().take(200) {
        let Some((from, to)) = offsets.span(entity) else { continue };
        let (open, close) = match entity.kind.as_str() {
            "bold" => ("<b>", "</b>"),
            "italic" => ("<i>", "</i>"),
            "underline" => ("<u>", "</u>"),
            "strikethrough" => ("<s>", "</s>"),
            "code" => ("<code>", "</code>"),
            "pre" => ("<pre>", "</pre>"),
            "blockquote" | "expandable_blockquote" => ("<blockquote>", "</blockquote>"),
            "text_link" => {
                let Some(url) = entity.url.as_deref().filter(|url| url.len() <= 2_000) else { continue };
                spans.push((from, to, format!("<a href=\"{}\">", escape(url)), "</a>"));
                continue;
            }
            "url" => {
                let address = &text[from..to];
                let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
                spans.push((from, to, format!("<a href=\"{}\">", escape(&whole)), "</a>"));
                continue;
            }
            _ => continue,
        };
        spans.push((from, to, open.to_owned(), close));
    }
    if spans.is_empty() {
        return None;
    }
    // Piece by piece between the places where any mark begins or ends: marks may overlap, elements may not.
    let mut cuts: Vec<usize> = spans.iter().flat_map(|(from, to, ..)| [*from, *to]).chain([0, text.len()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut html = String::with_capacity(text.len() * 2);
    for pair in cuts.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let over: Vec<_> = spans.iter().filter(|(begin, end, ..)| *begin <= from && to <= *end).collect();
        html.extend(over.iter().map(|(_, _, open, _)| open.as_str()));
        html.push_str(&escape(&text[from..to]).replace('\n', "<br>"));
        html.extend(over.iter().rev().map(|(_, _, _, close)| *close));
    }
    Some(html)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{Entity, html, under, utf16};

    fn mark(kind: &str, offset: usize, length: usize, url: Option<&str>) -> Entity {
        Entity { kind: kind.to_owned(), offset, length, url: url.map(str::to_owned), user: None }
    }

    #[test]
    fn offsets_count_halves_of_emoji() {
        let text = "📦 pakket 👩‍👩‍👧 weg";
        assert_eq!(utf16("📦"), 2);
        assert_eq!(under(text, &mark("bold", 3, 6, None)), Some("pakket"));
        assert_eq!(
            html(text, &[mark("bold", 3, 6, None), mark("italic", 19, 3, None)]).unwrap(),
            "📦 <b>pakket</b> 👩‍👩‍👧 <i>weg</i>"
        );
    }

    #[test]
    fn marks_may_overlap_and_links_are_escaped() {
        let marks = [
            mark("bold", 0, 4, None),
            mark("italic", 2, 4, None),
            mark("text_link", 4, 2, Some("https://a.example/?a=1&b=\"2")),
        ];
        assert_eq!(
            html("abcdef", &marks).unwrap(),
            "<b>ab</b><b><i>cd</i></b><i><a href=\"https://a.example/?a=1&amp;b=&quot;2\">ef</a></i>"
        );
        assert_eq!(html("<b>", &[mark("mention", 0, 3, None)]), None);
        assert_eq!(html("a<\n", &[mark("code", 0, 3, None)]).unwrap(), "<code>a&lt;<br></code>");
    }

    proptest::proptest! {
        #[test]
        fn any_offsets_are_survived(text in "[a👍é\n<]{0,20}", marks in proptest::collection::vec((0usize..30, 0usize..30), 0..6)) {
            let marks: Vec<Entity> = marks.into_iter().map(|(offset, length)| mark("bold", offset, length, None)).collect();
            if let Some(html) = html(&text, &marks) {
                let plain = crate::channels::html::to_text(&html);
                let squeeze = |s: &str| s.split_whitespace().collect::<String>();
                proptest::prop_assert_eq!(squeeze(&plain), squeeze(&text));
            }
            let _ = under(&text, &mark("x", usize::MAX, usize::MAX, None));
        }
    }
}
