//! Who we are in a mailbox, and what a mail is remembered by: what reading and writing mail share.

use serde::{Deserialize, Serialize};

use super::thread::{ReplyToken, without_token};

pub use crate::channels::mailbox::Folder;

/// Who reads.
#[derive(Clone, Debug, Default)]
pub struct Me {
    /// Our own addresses, lower case; the first is the mailbox itself.
    pub addresses: Vec<String>,
    /// Knows the reply addresses that we gave out.
    pub token: ReplyToken,
    /// The server whose `Authentication-Results` are believed, as it names itself there (`mx.google.com`); without one nobody
    /// is vouched for.
    pub trusts: Option<String>,
}

impl Me {
    /// Whether an address is one of ours, with or without a token in it.
    #[must_use]
    pub fn is(&self, address: &str) -> bool {
        let bare = without_token(address);
        self.addresses.contains(&bare)
    }
}

/// The address of an author who gave none that can be read.
pub const NOBODY: &str = "unknown@invalid";

/// The header in which our own mail carries its Message-ID a second time: Exchange puts another one in the first place. Only
/// to be believed in the Sent folder.
pub const OWN_ID: &str = "X-Balie-Message";
/// The header that says which mailbox a mail of ours left from: when it comes back to that mailbox, it went round.
pub const LOOP: &str = "X-Balie-Loop";

/// What is needed to answer a mail; `Message::meta` of this channel. Ids are without brackets, as `thread::message_id` makes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// The mail's own id.
    pub id: String,
    /// Its References, then its In-Reply-To when that is not among them; oldest first, each once.
    pub references: Vec<String>,
    pub subject: String,
    /// Who wrote it: address and name.
    pub from: (String, String),
    /// Who wants the answer, when that is somebody else (Reply-To): addresses and names.
    pub reply_to: Vec<(String, String)>,
    pub to: Vec<(String, String)>,
    pub cc: Vec<(String, String)>,
    /// When it was written, in the author's own time: RFC 3339 with their offset.
    pub date: Option<String>,
}

impl Meta {
    /// From the desk's keeping; what cannot be read is as if it were not there.
    #[must_use]
    pub fn of(value: &serde_json::Value) -> Self {
        Self::deserialize(value).unwrap_or_default()
    }
}
