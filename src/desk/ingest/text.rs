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

/// Whether the platform's text is ours come back: behind names it may have put in front, and whatever became of white space.
/// A message of files alone is no echo of words, nor the other way round.
pub fn echoes(theirs: &str, ours: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    let (theirs, ours) = (squeeze(theirs), squeeze(ours));
    theirs.is_empty() == ours.is_empty() && theirs.ends_with(&ours)
}

/// An address that a browser may follow.
pub fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::echoes;

    #[test]
    fn an_echo_says_what_we_said_and_files_alone_echo_no_words() {
        for (theirs, ours, is) in [
            ("@anna Hoi\n\ndaar", "Hoi daar", true),
            ("Hoi daar", "Hoi", false),
            ("Iets heel anders", "", false),
            ("", "Hoi", false),
            ("", " ", true),
        ] {
            assert_eq!(echoes(theirs, ours), is, "{theirs:?} {ours:?}");
        }
    }
}
