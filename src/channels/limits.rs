//! What may be said in a thread, as data: the composer, the API and the sender read one truth.

use crate::channels::Words;
use crate::model::Timestamp;

/// What is allowed in one thread now.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Allowance {
    pub may_reply: bool,
    /// Why not, or a caution; stable.
    pub code: Option<String>,
    pub words: Option<Words>,
    /// When `may_reply` turns false by itself.
    pub until: Option<Timestamp>,
    pub limit: Limit,
    /// The platform's words, widest first; empty when there is no choice.
    pub visibilities: Vec<String>,
    pub default_visibility: Option<String>,
    pub content_warning: bool,
    pub language: bool,
    pub attachments: AttachmentLimit,
    /// What a message costs, in words, when it costs.
    pub cost: Option<String>,
    /// The writer may choose to whom it goes.
    #[serde(default)]
    pub recipients: bool,
    /// What closing may be the outcome of; empty when there is no choice to make.
    #[serde(default)]
    pub outcomes: Vec<Words>,
    /// Where to answer instead, when it cannot be done from here.
    #[serde(default)]
    pub hand_off: Option<HandOff>,
}

impl Default for Allowance {
    /// Nothing may be said.
    fn default() -> Self {
        Self {
            may_reply: false,
            code: None,
            words: None,
            until: None,
            limit: Limit { unit: Unit::Graphemes, max: 0 },
            visibilities: Vec::new(),
            default_visibility: None,
            content_warning: false,
            language: false,
            attachments: AttachmentLimit::default(),
            cost: None,
            recipients: false,
            outcomes: Vec::new(),
            hand_off: None,
        }
    }
}

impl Allowance {
    /// Nothing may be said, and why.
    #[must_use]
    pub fn closed(code: impl Into<String>, words: Words) -> Self {
        Self { code: Some(code.into()), words: Some(words), ..Self::default() }
    }
}

/// Answering outside of Balie: where, and in which words to say so.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct HandOff {
    pub url: Option<String>,
    pub words: Words,
}

/// A length and the unit it is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Limit {
    pub unit: Unit,
    pub max: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Graphemes,
    Characters,
    Bytes,
}

/// What may be attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AttachmentLimit {
    /// 0: nothing may be attached.
    pub max: i64,
    pub max_bytes: i64,
    pub mimes: Vec<String>,
    /// Longest alternative text, in the platform's unit.
    pub alt_max: i64,
}

/// A text, counted as the platform counts it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Measure {
    pub used: i64,
    pub max: i64,
    pub unit: Unit,
    pub over: bool,
    /// A proposal when it is too long: texts that fit, in order, nothing lost.
    pub parts: Option<Vec<String>>,
    /// Cautions about this text, as stable codes (`mentions_others`, `not_notified`).
    pub notes: Vec<String>,
}

/// Counts a text by its characters.
#[must_use]
pub fn characters(text: &str, max: i64) -> Measure {
    let count = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let used = count(text);
    let over = used > max;
    Measure {
        used,
        max,
        unit: Unit::Characters,
        over,
        parts: over.then(|| split(text, |part| count(part) <= max)),
        notes: Vec::new(),
    }
}

/// Splits at paragraph, sentence or word ends so that every part fits; `fits` must hold for a single grapheme.
/// Nothing but white space at the cuts is lost. `fits` is never given much more than what fits: counting may be costly, and texts
/// long.
pub fn split(text: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = fitting(rest, &fits);
        if end == 0 || end == rest.len() {
            // All of it fits; or not even one grapheme does, and the caller still sees that it is too long.
            parts.push(rest.to_owned());
            break;
        }
        let head = &rest[..end];
        let cut = ["\n\n", ". ", "! ", "? ", "\n", " "]
            .iter()
            .filter_map(|mark| head.rfind(mark).map(|at| at + mark.len()))
            .find(|&at| at * 2 > end)
            .or_else(|| {
                head.rfind(char::is_whitespace).map(|at| at + head[at..].chars().next().map_or(1, char::len_utf8))
            })
            .unwrap_or(end);
        parts.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    parts
}

/// Where the longest beginning that fits ends: looked for in twice as much as before until too much is found, then by halving.
fn fitting(text: &str, fits: impl Fn(&str) -> bool) -> usize {
    use unicode_segmentation::UnicodeSegmentation;
    const FIRST: usize = 64;
    let fits = |end: usize| fits(text[..end].trim_end());
    let mut coming = text.grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len());
    let mut ends: Vec<usize> = Vec::new();
    loop {
        let known = ends.len();
        ends.extend(coming.by_ref().take(known.max(FIRST)));
        let more = &ends[known..];
        if more.last().is_some_and(|end| !fits(*end)) {
            let fitting = known + more.partition_point(|end| fits(*end));
            return fitting.checked_sub(1).map_or(0, |last| ends[last]);
        }
        if more.is_empty() {
            return text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::split;
    use unicode_segmentation::UnicodeSegmentation;

    proptest::proptest! {
        #[test]
        fn splitting_loses_nothing_but_white_space(text in "[a-zé👩‍👩‍👧. \n]{0,200}", max in 8usize..40) {
            let parts = split(&text, |part| part.graphemes(true).count() <= max);
            let squeeze = |s: &str| s.split_whitespace().collect::<String>();
            proptest::prop_assert_eq!(squeeze(&parts.concat()), squeeze(&text));
            for part in &parts {
                proptest::prop_assert!(part.graphemes(true).count() <= max, "{:?}", part);
            }
        }
    }

    #[test]
    fn a_long_text_is_counted_a_few_times_over_and_not_once_for_every_part() {
        let text = "Een zin van gewone lengte. ".repeat(4_000);
        let (calls, bytes) = (Cell::new(0), Cell::new(0));
        let parts = split(&text, |part| {
            calls.set(calls.get() + 1);
            bytes.set(bytes.get() + part.len());
            part.chars().count() <= 500
        });
        assert!(parts.len() > 200 && parts.iter().all(|part| part.chars().count() <= 500));
        assert!(calls.get() < parts.len() * 16 && bytes.get() < text.len() * 16, "{calls:?} {bytes:?}");
    }

    #[test]
    fn it_prefers_the_end_of_a_sentence() {
        let parts = split("Wat vervelend voor je. Stuur ons je ordernummer.", |p| p.len() <= 30);
        assert_eq!(parts, ["Wat vervelend voor je.", "Stuur ons je ordernummer."]);
    }
}
