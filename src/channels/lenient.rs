//! Reading JSON of a platform leniently: what is only nice to have never costs the object that it stands in.
//!
//! Promises: nonsense in the place of a field costs that field, a broken element of a list that element, and what is nested
//! beyond reason costs itself. For
//! `#[serde(default, deserialize_with = "lenient")]`; what is needed is read without it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The value when it can be read, else its default.
pub fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// The elements that can be read; none when it is no list.
pub fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect(),
        _ => Vec::new(),
    })
}

/// Reads JSON: neither one broken letter in one post nor one record that is nested beyond reason may cost the page.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(&text).or_else(|error| match shallow(text.as_bytes()) {
        Some(text) => serde_json::from_slice(&text),
        None => Err(error),
    })
}

/// The JSON with `null` for what is nested deeper than the parser goes; `None` when nothing is. Threads nest, but not so far.
fn shallow(json: &[u8]) -> Option<Vec<u8>> {
    const DEEPEST: usize = 120;
    let (mut kept, mut depth, mut cut) = (Vec::with_capacity(json.len()), 0_usize, false);
    let (mut quoted, mut escaped) = (false, false);
    for &byte in json {
        let mut keep = depth <= DEEPEST;
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                keep = depth <= DEEPEST;
                if depth == DEEPEST + 1 {
                    kept.extend_from_slice(b"null");
                    cut = true;
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if keep {
            kept.push(byte);
        }
    }
    cut.then_some(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Post {
        id: String,
        #[serde(default, deserialize_with = "lenient")]
        likes: u32,
        #[serde(default, deserialize_with = "readable")]
        tags: Vec<String>,
    }

    fn read(json: &str) -> Option<Post> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn nonsense_costs_the_field_or_the_element_it_stands_in() {
        let post = |likes, tags: &[&str]| {
            Some(Post { id: "1".into(), likes, tags: tags.iter().map(|&tag| tag.into()).collect() })
        };
        assert_eq!(read(r#"{"id": "1", "likes": 3, "tags": ["a", 7, null, "b"]}"#), post(3, &["a", "b"]));
        assert_eq!(read(r#"{"id": "1", "likes": "three", "tags": {"a": 1}}"#), post(0, &[]));
        assert_eq!(read(r#"{"id": "1", "likes": null}"#), post(0, &[]));
    }

    #[test]
    fn what_is_needed_is_still_needed() {
        assert_eq!(read(r#"{"likes": 3}"#), None);
    }

    #[test]
    fn what_is_nested_beyond_reason_costs_itself_alone() {
        let deep = format!("{}\"]\\\"{{\"{}", "[".repeat(300), "]".repeat(300));
        let read: Value =
            parse(format!(r#"{{"before": "[[{{", "deep": {deep}, "after": ["a", {{}}]}}"#).as_bytes()).unwrap();
        assert_eq!((&read["before"], &read["after"]), (&json!("[[{"), &json!(["a", {}])));
        assert!(read["deep"].is_array());
        assert!(parse::<Value>(b"[[[").is_err());
    }
}
