//! How far a mailbox was read: for every folder its UIDVALIDITY and the next UID.
//!
//! Promises: a folder that was made anew, or whose ids shrank, is not taken for the one that was read; when the rules by which mails
//! are judged change, so much of what came before is read again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::imap::Selected;
use crate::model::Timestamp;

/// Servers' days begin elsewhere than ours, and clocks differ.
pub(super) const OVERLAP: Duration = Duration::from_secs(2 * 86_400);

/// Where reading goes on; the channel's cursor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// When Balie came to this mailbox.
    #[serde(default)]
    pub since: i64,
    #[serde(default)]
    pub folders: BTreeMap<String, Place>,
    /// How many mails were none of our business.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left: u64,
    /// By which rules they were judged, where there are rules.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    rules: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// How far one folder was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    pub validity: u32,
    pub next: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modseq: Option<u64>,
    /// When the newest mail seen here came.
    #[serde(default)]
    pub newest: i64,
    /// Below this id, what came before this time is not wanted: it is older than the history asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<(u32, i64)>,
}

impl Cursor {
    /// Goes back so much in every folder when the rules are others than those of last time.
    pub fn heed(&mut self, rules: &str, again: Duration, now: Timestamp) {
        if self.rules == rules {
            return;
        }
        if !self.rules.is_empty() {
            let from = now.minus(again).plus(OVERLAP);
            for place in self.folders.values_mut() {
                // No folder has this validity: it is begun anew, from the newest mail that is thought to have been seen.
                place.validity = 0;
                place.newest = place.newest.min(from.0);
            }
            self.left = 0;
        }
        rules.clone_into(&mut self.rules);
    }
}

impl Place {
    /// Ids go on where they were. Some servers lower them without saying that they began anew.
    pub fn is_still(&self, selected: &Selected) -> bool {
        self.validity == selected.validity && selected.next.is_none_or(|next| next >= self.next)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cursor, OVERLAP, Place, Selected};
    use crate::model::Timestamp;

    #[test]
    fn ids_that_began_anew_or_shrank_are_noticed() {
        let place = Place { validity: 1, next: 10, ..Place::default() };
        let now = |validity, next| Selected { validity, next, ..Selected::default() };
        assert!(place.is_still(&now(1, Some(10))) && place.is_still(&now(1, None)));
        assert!(!place.is_still(&now(2, Some(10))) && !place.is_still(&now(1, Some(4))));
    }

    #[test]
    fn a_cursor_reads_itself() {
        let mut cursor = Cursor { since: 5, ..Cursor::default() };
        cursor
            .folders
            .insert("INBOX".to_owned(), Place { validity: 1, next: 2, skip: Some((3, 4)), ..Place::default() });
        let json = serde_json::to_value(&cursor).unwrap();
        assert_eq!(serde_json::from_value::<Cursor>(json).unwrap(), cursor);
    }

    #[test]
    fn other_rules_go_back_once() {
        let day = Duration::from_secs(86_400);
        let now = Timestamp(1_772_442_845_000);
        let place = Place { validity: 1, next: 2, newest: now.0, ..Place::default() };
        let mut cursor = Cursor { left: 3, ..Cursor::default() };
        cursor.folders.insert("INBOX".to_owned(), place.clone());
        cursor.heed("first", 14 * day, now);
        assert_eq!((&cursor.folders["INBOX"], cursor.left), (&place, 3), "there were none before");
        cursor.heed("second", 14 * day, now);
        let back = now.minus(14 * day).plus(OVERLAP).0;
        assert_eq!((cursor.folders["INBOX"].validity, cursor.folders["INBOX"].newest, cursor.left), (0, back, 0));
        cursor.folders.insert("INBOX".to_owned(), place.clone());
        cursor.heed("second", 14 * day, now);
        assert_eq!(cursor.folders["INBOX"], place);
    }
}
