//! Mails that could not be read: kept whole with the place where they lie, and read again.
//!
//! Promises: what was held is given back byte by byte; a mail is looked for only in the folder, and under the validity, it was found in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::reader::{Found, Judge, LARGEST, Read};
use super::{Door, Folder, Resting};
use crate::channels::{Batch, ChannelError, Unreadable};
use crate::model::Timestamp;

/// A payload that could not be read, with what is needed to try again: one line of JSON, then the mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub folder: String,
    pub kind: Folder,
    pub validity: u32,
    pub uid: u32,
    pub at: i64,
    /// `text`, `base64`, or `none` when not even fetching worked.
    pub body: String,
}

const HELD: &str = "X-Balie-Held: ";

impl Held {
    pub fn payload(&mut self, raw: &[u8]) -> String {
        let text = std::str::from_utf8(raw).ok().filter(|text| !text.contains('\0'));
        let encoded = || BASE64.encode(raw);
        let (body, text) = match text {
            Some("") => ("none", String::new()),
            Some(text) => ("text", text.to_owned()),
            None => ("base64", encoded()),
        };
        body.clone_into(&mut self.body);
        format!("{HELD}{}\r\n{text}", serde_json::to_string(self).unwrap_or_default())
    }

    /// The mail is `None` when it was never fetched.
    fn read(payload: &str) -> Option<(Self, Option<Vec<u8>>)> {
        let (place, body) = payload.strip_prefix(HELD)?.split_once("\r\n")?;
        let held: Self = serde_json::from_str(place).ok()?;
        let raw = match held.body.as_str() {
            "text" => Some(body.as_bytes().to_vec()),
            "base64" => Some(BASE64.decode(body.trim()).ok()?),
            _ => None,
        };
        Some((held, raw))
    }
}

/// Reads again what was held. Without a way into the mailbox, what was kept whole still can be.
///
/// # Errors
/// When the mail has to be fetched and cannot be.
pub async fn read_again(
    way: Option<(&Resting, &dyn Door)>,
    judge: &dyn Judge,
    payload: &str,
) -> Result<Batch, ChannelError> {
    let again = |error: String| Batch {
        unreadable: vec![Unreadable { payload: payload.to_owned(), error }],
        ..Batch::default()
    };
    let Some((held, raw)) = Held::read(payload) else {
        return Ok(again("this was not held by this channel".to_owned()));
    };
    let raw = match (raw, way) {
        (Some(raw), _) => Some(raw),
        (None, Some((resting, door))) => {
            fetch_again(resting, door, &held.folder, held.validity, held.uid, LARGEST).await?
        }
        (None, None) => None,
    };
    let Some(raw) = raw else { return Ok(again("the mail is no longer in the mailbox".to_owned())) };
    let found = Found { raw: &raw, at: Timestamp(held.at), kind: held.kind, history: false, rest: None };
    Ok(match judge.read(&found) {
        Read::Items(items) => Batch { items, ..Batch::default() },
        Read::Unreadable(error) => again(error),
        Read::Left => Batch::default(),
    })
}

/// A mail of before, if it is still where it was.
///
/// # Errors
/// When the mailbox cannot be entered, or the mail is larger than `max`.
pub async fn fetch_again(
    resting: &Resting,
    door: &dyn Door,
    folder: &str,
    validity: u32,
    uid: u32,
    max: usize,
) -> Result<Option<Vec<u8>>, ChannelError> {
    let mut session = resting.take(door).await?;
    let here = session.select(folder).await?.is_some_and(|selected| selected.validity == validity);
    let entry = if here { session.list(uid, uid).await?.into_iter().next() } else { None };
    let raw = match entry {
        Some(entry) if entry.size as usize > max => {
            return Err(ChannelError::rejected("mailbox.too_large", "the mail is larger than may be kept."));
        }
        Some(entry) => session.fetch(&entry, max).await?,
        None => None,
    };
    resting.put(session).await;
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::Held;
    use crate::channels::mailbox::Folder;

    #[test]
    fn what_was_held_is_given_back_byte_by_byte() {
        for raw in [&b"From: a@b\r\n\r\nhi\r\n"[..], b"\xff\xfe\r\n", b"nul \0 byte"] {
            let mut held = Held {
                folder: "IN&-BOX".to_owned(),
                kind: Folder::Watched,
                validity: 7,
                uid: 9,
                at: 5,
                body: String::new(),
            };
            let (read, back) = Held::read(&held.payload(raw)).unwrap();
            assert_eq!((back.as_deref(), read.uid, read.at, read.folder.as_str()), (Some(raw), 9, 5, "IN&-BOX"));
        }
        assert!(Held::read("From: x\r\n").is_none());
        assert!(Held::read("X-Balie-Held: {}\r\n").is_none());
    }
}
