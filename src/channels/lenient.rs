//! Reading JSON of a platform leniently: what is only nice to have never costs the object that it stands in.
//!
//! Promises: nonsense in the place of a field costs that field, a broken element of a list that element. For
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

#[cfg(test)]
mod tests {
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
}
