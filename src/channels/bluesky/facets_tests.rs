//! What facets must do with emoji, combining marks, right-to-left text, line ends and hostile offsets.

use serde_json::json;
use unicode_segmentation::UnicodeSegmentation;

use super::{What, build, detect, to_html, to_text};
use crate::channels::bluesky::wire::Facet;

fn facets(value: serde_json::Value) -> Vec<Facet> {
    serde_json::from_value(value).unwrap()
}

fn link(start: i64, end: i64, uri: &str) -> serde_json::Value {
    json!({"index": {"byteStart": start, "byteEnd": end}, "features": [{"$type": "app.bsky.richtext.facet#link", "uri": uri}]})
}

#[test]
fn the_example_of_the_documentation_has_its_offsets() {
    let text = "@klant.example Wat vervelend, stuur ons een DM via https://merk.example/dm";
    let built = build(text, |handle| (handle == "klant.example").then(|| "did:plc:k".to_owned()));
    assert_eq!(built[0]["index"], json!({"byteStart": 0, "byteEnd": 14}));
    assert_eq!(built[1]["index"], json!({"byteStart": 51, "byteEnd": 74}));
    assert_eq!(built[1]["features"][0]["uri"], "https://merk.example/dm");
}

#[test]
fn offsets_count_bytes_behind_emoji_marks_and_right_to_left_text() {
    for before in ["👩‍👩‍👧‍👦 ", "cafe\u{301} ", "שלום عربي ", "line\r\nbreak\r\n", "🇳🇱\u{200d} ", "\u{202e}evil "]
    {
        let text = format!("{before}@klant.example en #pakket: https://merk.example/é?a=1.");
        for found in detect(&text) {
            let slice = &text[found.at.clone()];
            match found.what {
                What::Mention(handle) => assert_eq!(slice, format!("@{handle}"), "{text}"),
                What::Tag(tag) => assert_eq!((slice, tag.as_str()), ("#pakket", "pakket"), "{text}"),
                What::Link(uri) => assert_eq!(
                    (slice, uri.as_str()),
                    ("https://merk.example/é?a=1", "https://merk.example/é?a=1"),
                    "{text}"
                ),
            }
        }
        assert_eq!(detect(&text).len(), 3, "{text}");
    }
}

#[test]
fn what_only_looks_live_stays_plain() {
    for text in [
        "mail info@merk.nl",
        "@klant",
        "@-x.nl",
        "#",
        "#12",
        "#️⃣",
        "klaar.dus",
        "1.2",
        "https://",
        "v1.0.nl9",
        "a@b",
        "...",
        "(#tag)",
    ] {
        assert_eq!(detect(text), [], "{text}");
    }
    assert_eq!(detect("(merk.nl)").len(), 1);
    assert_eq!(detect("zie merk.nl/retour, ok")[0].what, What::Link("https://merk.nl/retour".into()));
    assert_eq!(detect("(@klant.example)!")[0].at, 1..15);
    assert_eq!(detect("https://a.example/(b)")[0].at, 0..21);
    assert_eq!(build("@weg.example", |_| None), Vec::<serde_json::Value>::new());
}

#[test]
fn a_shortened_link_is_shown_whole_and_a_lying_one_is_exposed() {
    let text = "zie merk.example/dm/lan... of bank.example";
    let facets = facets(json!([
        link(4, 26, "https://merk.example/dm/lang?x=1"),
        link(30, 42, "https://boef.example/bank.example"),
    ]));
    assert_eq!(
        to_text(text, &facets),
        "zie https://merk.example/dm/lang?x=1 of bank.example (https://boef.example/bank.example)"
    );
    let html = to_html(text, &facets).unwrap();
    assert!(
        html.contains("href=\"https://boef.example/bank.example\"")
            && html.contains("(https://boef.example/bank.example)"),
        "{html}"
    );
}

#[test]
fn script_in_a_facet_does_not_reach_the_page() {
    let text = "klik <img src=x onerror=alert(1)>";
    let facets = facets(json!([link(0, 4, "javascript:alert(1)"), link(5, 9, "https://a.example/\"onmouseover=\"x")]));
    let html = to_html(text, &facets).unwrap();
    assert!(!html.contains("href=\"javascript"), "{html}");
    for tag in html.split('<').skip(1) {
        let known = ["p>", "/p>", "a target=", "a href=\"https://a.example/&quot;onmouseover=&quot;x\" ", "/a>"];
        assert!(known.iter().any(|known| tag.starts_with(known)), "{tag} in {html}");
    }
    assert_eq!(to_html("gewoon", &[]), None);
}

proptest::proptest! {
    #[test]
    fn built_facets_lie_on_characters_and_do_not_overlap(text in "(@[a-z]{1,5}\\.nl|#[a-zé👍]{1,4}|https://[a-z]{1,6}\\.example/[é)(.,]{0,3}|[ \r\n\u{301}א👩\u{200d}👧().,]|\\PC){0,30}") {
        let mut done = 0;
        for found in detect(&text) {
            proptest::prop_assert!(found.at.start >= done && found.at.end > found.at.start);
            proptest::prop_assert!(text.get(found.at.clone()).is_some());
            done = found.at.end;
        }
    }

    #[test]
    fn facets_from_outside_never_lose_text(text in "\\PC{0,40}", spans in proptest::collection::vec((-5i64..60, -5i64..60), 0..6)) {
        let facets: Vec<Facet> = spans.iter().map(|&(a, b)| serde_json::from_value(link(a, b, "https://x.example/")).unwrap()).collect();
        let shown = to_text(&text, &facets);
        let stripped = shown.replace(" (https://x.example/)", "");
        proptest::prop_assert_eq!(stripped.graphemes(true).count(), text.graphemes(true).count());
        let _ = to_html(&text, &facets);
    }
}
