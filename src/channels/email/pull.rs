//! Reading a mailbox as mail between people: what the shared reader finds, judged by `convert`.

use std::time::Duration;

use super::convert;
use super::me::{Me, Meta};
use crate::channels::mailbox::reader::{Found, Judge, Read, Rest};
use crate::channels::{Feed, File, Item};
use crate::model::AttachmentKind;

/// The only feed.
pub static FEEDS: &[Feed] = &[Feed { key: "mail", busy: Duration::from_secs(10), idle: Duration::from_secs(25) }];

impl Judge for Me {
    fn read(&self, found: &Found<'_>) -> Read {
        match convert::read(found.raw, self, found.at, found.kind) {
            Ok(mut items) => {
                for item in &mut items {
                    if let Item::Message(message) = item {
                        message.history = found.history;
                        message.follows = Meta::of(&message.meta).references;
                        message.follows.reverse();
                        message.files.extend(found.rest.map(whole));
                    }
                }
                Read::Items(items)
            }
            Err(unreadable) => Read::Unreadable(unreadable.error),
        }
    }
}

/// The rest of a mail that was too large to take in: fetched when somebody asks.
fn whole(rest: Rest<'_>) -> File {
    File {
        kind: AttachmentKind::File,
        url: format!("imap:{}/{}/{}", rest.validity, rest.uid, rest.folder),
        mime: Some("message/rfc822".to_owned()),
        name: Some("whole-mail.eml".to_owned()),
        size: Some(i64::from(rest.size)),
        ..File::default()
    }
}
