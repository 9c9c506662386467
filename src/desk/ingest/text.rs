//! Texts of strangers, made fit to be kept: nothing visible is taken away.

use serde_json::Value;

const SNIPPET: usize = 160;
/// More names than this nobody puts before an answer.
const MOST_IN_FRONT: usize = 50;
/// What may follow a word and is none of it.
const ENDS: [char; 8] = ['.', ',', ':', ';', '!', '?', ')', '…'];

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

/// Whether the platform's text is ours come back: behind names it may have put in front, with addresses as it writes them, and
/// whatever became of white space. A message of files alone is no echo of words, nor the other way round.
pub fn echoes(theirs: &str, ours: &str) -> bool {
    let words = |text| str::split_whitespace(text).collect::<Vec<_>>();
    let (theirs, ours) = (words(theirs), words(ours));
    let in_front = theirs.iter().take(MOST_IN_FRONT).take_while(|word| word.starts_with('@')).count();
    theirs.is_empty() == ours.is_empty() && (0..=in_front).any(|names| same_words(&theirs[names..], &ours))
}

fn same_words(theirs: &[&str], ours: &[&str]) -> bool {
    (theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(theirs, ours)| same_word(theirs, ours)))
        || theirs.concat() == ours.concat()
}

fn same_word(theirs: &str, ours: &str) -> bool {
    if let (Some(theirs), Some(ours)) = (theirs.strip_prefix('@'), ours.strip_prefix('@')) {
        // Where somebody is at home may be left out.
        let name = |word: &str| word.split('@').next().unwrap_or_default().trim_end_matches(ENDS).to_lowercase();
        return name(theirs) == name(ours);
    }
    let (theirs, ours) = (address(theirs), address(ours));
    // A long address is shown by its beginning.
    let shortened = theirs.strip_suffix('…').filter(|head| !head.is_empty() && ours.contains(['.', '/']));
    theirs == ours || shortened.is_some_and(|head| ours.starts_with(head))
}

/// An address as people write it.
fn address(word: &str) -> &str {
    let bare = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://")).unwrap_or(word);
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    bare.strip_suffix('/').unwrap_or(bare)
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
            ("@anna @bram Hoi daar", "Hoi daar", true),
            ("@anna @bram Hoi daar", "@bram Hoi daar", true),
            ("Uw pakket komt morgen. Fijne dag!", "Fijne dag!", false),
            ("@anna Uw pakket komt morgen. Fijne dag!", "Fijne dag!", false),
            ("@anna", "", false),
            ("Kijk op https://merk.nl/retour of bel", "Kijk op merk.nl/retour of bel", true),
            ("Kijk op merk.nl", "Kijk op https://www.merk.nl/", true),
            ("Kijk op a.example/la…", "Kijk op https://a.example/lang/adres", true),
            ("Kijk op a.example/la…", "Kijk op https://b.example/lang/adres", false),
            ("Kijk op…", "Kijk ophaalpunt", false),
            ("Vraag het @anna, graag", "Vraag het @anna@elders.example, graag", true),
            ("Vraag het @bram graag", "Vraag het @anna@elders.example graag", false),
        ] {
            assert_eq!(echoes(theirs, ours), is, "{theirs:?} {ours:?}");
        }
    }
}
