//! Texts of strangers, made fit to be kept: nothing visible is taken away.

use serde_json::Value;

const SNIPPET: usize = 160;

/// PostgreSQL has no room for U+0000 in a text; nobody can see it either.
pub fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}

/// [`clean`], for every text in it.
pub fn clean_json(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => Value::Array(items.iter().map(clean_json).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (clean(key), clean_json(value))).collect())
        }
        // A bare number would become an integer in SQLite's JSON columns.
        other => other.clone(),
    }
}

/// The start of a text on one line.
pub fn snippet(text: &str) -> String {
    let mut line = String::with_capacity(SNIPPET);
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() > SNIPPET {
            let room = SNIPPET.saturating_sub(line.chars().count());
            line.extend(word.chars().take(room));
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    clean(&line)
}

/// Without any white space: what two clients may differ in.
pub fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

/// An address that a browser may follow.
pub fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
