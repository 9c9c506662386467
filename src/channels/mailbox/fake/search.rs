//! SEARCH (RFC 3501 §6.4.4): which mails of a folder are meant.

use super::fetch::sequence;
use super::words::{Word, in_set};
use super::world::{FolderBox, Held, day};
use crate::model::Timestamp;

/// The numbers of the mails that match, UIDs or sequence numbers; `None` when the question is none.
pub(super) fn search(folder: &FolderBox, known: &[u32], arguments: &[Word], by_uid: bool) -> Option<Vec<u32>> {
    let mut arguments = arguments;
    if arguments.first().is_some_and(|word| word.upper() == "CHARSET") {
        arguments = arguments.get(2..)?;
    }
    let last = (known.len() as u32, folder.mails.last().map_or(0, |mail| mail.uid));
    let mut found = Vec::new();
    for (at, uid) in known.iter().enumerate() {
        let Some(mail) = folder.mails.iter().find(|mail| mail.uid == *uid) else { continue };
        let one = One { mail, number: sequence(at), last };
        let mut rest = arguments;
        let mut all = true;
        while !rest.is_empty() {
            all &= one.key(&mut rest, 0)?;
        }
        if all {
            found.push(if by_uid { *uid } else { one.number });
        }
    }
    Some(found)
}

struct One<'a> {
    mail: &'a Held,
    number: u32,
    /// The last sequence number and the last UID.
    last: (u32, u32),
}

impl One<'_> {
    /// Takes one key off the front and answers it.
    fn key(&self, rest: &mut &[Word], depth: usize) -> Option<bool> {
        let (word, behind) = rest.split_first().filter(|_| depth < 16)?;
        *rest = behind;
        if let Word::List(inner) = word {
            let mut inner = inner.as_slice();
            let mut all = true;
            while !inner.is_empty() {
                all &= self.key(&mut inner, depth + 1)?;
            }
            return Some(all);
        }
        let flag = |name: &str| self.mail.flags.contains(name);
        let mut text = || -> Option<String> {
            let (word, behind) = rest.split_first()?;
            *rest = behind;
            word.text()
        };
        Some(match word.upper().as_str() {
            "ALL" | "OLD" => true,
            "NEW" | "RECENT" => false,
            "SEEN" => flag("\\Seen"),
            "UNSEEN" => !flag("\\Seen"),
            "ANSWERED" => flag("\\Answered"),
            "UNANSWERED" => !flag("\\Answered"),
            "DELETED" => flag("\\Deleted"),
            "UNDELETED" => !flag("\\Deleted"),
            "FLAGGED" => flag("\\Flagged"),
            "UNFLAGGED" => !flag("\\Flagged"),
            "KEYWORD" => {
                let name = text()?;
                flag(&name)
            }
            "SINCE" => day(self.mail.at) >= date(&text()?)?,
            "BEFORE" => day(self.mail.at) < date(&text()?)?,
            "ON" => day(self.mail.at) == date(&text()?)?,
            "LARGER" => self.mail.raw.len() > text()?.parse().ok()?,
            "SMALLER" => self.mail.raw.len() < text()?.parse().ok()?,
            "MODSEQ" => self.mail.modseq >= text()?.parse().ok()?,
            "UID" => in_set(&text()?, self.mail.uid, self.last.1),
            "HEADER" => {
                let (name, value) = (text()?, text()?);
                self.header(&name, &value)
            }
            name @ ("FROM" | "TO" | "CC" | "SUBJECT") => {
                let value = text()?;
                self.header(name, &value)
            }
            "BODY" | "TEXT" => {
                let value = text()?.to_lowercase();
                String::from_utf8_lossy(&self.mail.raw).to_lowercase().contains(&value)
            }
            "NOT" => !self.key(rest, depth + 1)?,
            "OR" => {
                let (one, other) = (self.key(rest, depth + 1)?, self.key(rest, depth + 1)?);
                one || other
            }
            set if set.starts_with(|c: char| c.is_ascii_digit() || c == '*') => in_set(set, self.number, self.last.0),
            _ => return None,
        })
    }

    /// Whether a field of this name contains this text.
    fn header(&self, name: &str, value: &str) -> bool {
        let raw = String::from_utf8_lossy(&self.mail.raw);
        let head = raw.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        head.lines().any(|line| {
            line.split_once(':').is_some_and(|(key, text)| {
                key.trim().eq_ignore_ascii_case(name) && text.to_lowercase().contains(&value.to_lowercase())
            })
        })
    }
}

/// `2-Mar-2026` as days since 1970.
fn date(text: &str) -> Option<i64> {
    let date = jiff::civil::Date::strptime("%d-%b-%Y", text).ok()?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(day(Timestamp(at.as_millisecond())))
}
