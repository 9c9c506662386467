//! Which entries concern us: by words, as a whole, whatever their case.

use super::read::Entry;

/// Words to look for and words to leave out.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Filter {
    /// Words or phrases, with commas between.
    pub fn new(include: &str, exclude: &str) -> Self {
        let words = |text: &str| -> Vec<String> {
            text.split([',', '\n']).map(|word| plain(word.trim())).filter(|word| word.trim() != "").collect()
        };
        Self { include: words(include), exclude: words(exclude) }
    }

    pub fn lets_through(&self, entry: &Entry) -> bool {
        if self.include.is_empty() && self.exclude.is_empty() {
            return true;
        }
        let text = plain(&format!("{} {} {}", entry.title, entry.text, entry.author));
        let has = |word: &String| text.contains(word.as_str());
        (self.include.is_empty() || self.include.iter().any(has)) && !self.exclude.iter().any(has)
    }
}

/// Lower case, with one space around and between words, so that a word is found as a whole.
fn plain(text: &str) -> String {
    let mut out = String::from(" ");
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '@' | '#' | '&' | '+') {
            out.extend(c.to_lowercase());
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use crate::channels::feed::read::Entry;

    #[test]
    fn words_are_found_as_a_whole_in_any_case() {
        let says = |include, exclude, title: &str| {
            Filter::new(include, exclude).lets_through(&Entry { title: title.to_owned(), ..Entry::default() })
        };
        assert!(says("", "", "anything"));
        assert!(says("merk, ander woord", "", "Storing bij MERK: klanten boos"));
        assert!(says("ander woord", "", "Een Ander\nwoord."));
        assert!(!says("merk", "", "een opmerkelijk merkteken"));
        assert!(!says("merk", "vacature", "Vacature bij Merk"));
        assert!(!says("", "vacature", "vacature!"));
        assert!(says("café", "", "in het CAFÉ"));
        assert!(says(" , ,", "", "nothing asked, everything through"));
    }
}
