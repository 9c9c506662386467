//! From a platform's HTML to plain text, and to HTML that may be shown.
//!
//! Promises: the output of `sanitise` contains no script, style, event handler, form, frame or remote image; every link opens
//! apart and tells nothing about us. `to_text` shows what the platform's own client shows. Neither panics on any input.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(HashSet::from([
            "p",
            "br",
            "span",
            "a",
            "del",
            "s",
            "pre",
            "blockquote",
            "code",
            "b",
            "strong",
            "u",
            "em",
            "i",
            "ul",
            "ol",
            "li",
        ]))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .allowed_classes(HashMap::from([("span", HashSet::from(["invisible", "ellipsis"]))]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("nofollow noopener noreferrer"))
        .clean_content_tags(HashSet::from([
            "script", "style", "iframe", "object", "svg", "math", "template", "noscript", "title",
        ]))
        .set_tag_attribute_value("a", "target", "_blank");
    builder
});

/// HTML that may be put on our page.
#[must_use]
pub fn sanitise(html: &str) -> String {
    CLEANER.clean(html).to_string()
}

/// What a reader sees: paragraphs as blank lines, breaks as newlines, no mark-up, no invisible parts.
#[must_use]
pub fn to_text(html: &str) -> String {
    let clean = CLEANER.clean(html).to_string();
    let mut text = String::with_capacity(clean.len());
    let mut rest = clean.as_str();
    // Depth of nested elements inside `span.invisible`, which browsers of the fediverse hide.
    let mut spans: Vec<bool> = Vec::new();
    while let Some(open) = rest.find('<') {
        push_text(&mut text, &rest[..open], spans.contains(&true));
        let Some(close) = rest[open..].find('>') else { break };
        let tag = &rest[open + 1..open + close];
        match tag.split([' ', '/']).next().unwrap_or_default() {
            "span" => spans.push(tag.contains("invisible")),
            "br" => text.push('\n'),
            "p" | "blockquote" | "pre" | "ul" | "ol" => paragraph(&mut text),
            "li" => {
                line(&mut text);
                text.push_str("• ");
            }
            "" => match &tag[1..] {
                "span" => {
                    spans.pop();
                }
                "p" | "blockquote" | "pre" | "ul" | "ol" => paragraph(&mut text),
                "li" => line(&mut text),
                _ => {}
            },
            _ => {}
        }
        if tag.starts_with("span") && tag.contains("ellipsis") {
            // The rest of the address is hidden after this span; show that there is more.
            if let Some(end) = rest[open + close + 1..].find("</span>") {
                push_text(&mut text, &rest[open + close + 1..open + close + 1 + end], false);
                text.push('…');
                rest = &rest[open + close + 1 + end..];
                continue;
            }
        }
        rest = &rest[open + close + 1..];
    }
    push_text(&mut text, rest, false);
    text.trim().to_owned()
}

fn push_text(text: &mut String, raw: &str, hidden: bool) {
    if hidden || raw.is_empty() {
        return;
    }
    // The sanitiser writes exactly these five entities and no others.
    text.push_str(
        &raw.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&nbsp;", "\u{a0}")
            .replace("&amp;", "&"),
    );
}

fn line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

fn paragraph(text: &mut String) {
    line(text);
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{sanitise, to_text};

    #[test]
    fn a_fediverse_post_reads_as_its_client_shows_it() {
        let html = r#"<p><span class="h-card"><a href="https://merk.example/@merk">@<span>merk</span></a></span> waar blijft &lt;mijn&gt; pakket?<br>Al 3 dagen &amp; niks.</p><p>Zie <a href="https://a.example/lang"><span class="invisible">https://</span><span class="ellipsis">a.example/la</span><span class="invisible">ng</span></a></p>"#;
        assert_eq!(to_text(html), "@merk waar blijft <mijn> pakket?\nAl 3 dagen & niks.\n\nZie a.example/la…");
    }

    #[test]
    fn script_in_any_form_does_not_survive() {
        for html in [
            "<script>alert(1)</script>hoi",
            "<img src=x onerror=alert(1)>hoi",
            "<a href=\"javascript:alert(1)\">hoi</a>",
            "<svg><script>alert(1)</script></svg>hoi",
            "<p style=\"background:url(//evil)\" onclick=\"x()\">hoi</p>",
            "<iframe srcdoc=\"<script>1</script>\"></iframe>hoi",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">hoi",
        ] {
            let clean = sanitise(html);
            for bad in ["<script", "onerror=", "javascript:", "onclick", "<img", "style=", "<iframe"] {
                assert!(!clean.contains(bad), "{html} became {clean}");
            }
        }
        assert_eq!(to_text("<script>alert(1)</script>hoi"), "hoi");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(html in "[<>a-z/=\"'& é👍]{0,120}") {
            let _ = to_text(&html);
            let clean = sanitise(&html);
            proptest::prop_assert_eq!(sanitise(&clean), clean.clone());
        }
    }
}
