//! The shapes of the network's JSON, as far as they are needed.
//!
//! Source: the lexicons of bluesky-social/atproto (`app.bsky.*`, `chat.bsky.*`, `com.atproto.*`), read 2026-11-22.
//! Promises: a missing, unknown or mistyped field that is not needed never fails the object it stands in; a list whose elements
//! may be broken is a list of raw values, read one by one.
//! Must not: interpret.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::channels::lenient::{lenient, readable};

/// `app.bsky.notification.listNotifications`: what strangers wrote, still unread, so that none costs its neighbours.
#[derive(Debug, Deserialize)]
pub struct Notifications {
    pub notifications: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "lenient")]
    pub cursor: Option<String>,
}

/// What places a notification in its list, readable where the whole may not be.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Heading {
    #[serde(default, deserialize_with = "lenient")]
    pub uri: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub reason: Option<String>,
    #[serde(default, rename = "indexedAt", deserialize_with = "lenient")]
    pub indexed_at: String,
}

/// `app.bsky.notification.listNotifications#notification`.
#[derive(Clone, Debug, Deserialize)]
pub struct Notification {
    pub uri: String,
    #[serde(default, deserialize_with = "lenient")]
    pub cid: String,
    pub author: Profile,
    pub reason: String,
    pub record: Value,
    /// The time by which the list is sorted: the earlier of the author's claim and the arrival.
    #[serde(default, rename = "indexedAt", deserialize_with = "lenient")]
    pub indexed_at: String,
    #[serde(default, deserialize_with = "readable")]
    pub labels: Vec<Label>,
}

/// `app.bsky.actor.defs#profileView*`, `chat.bsky.actor.defs#profileViewBasic`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Profile {
    pub did: String,
    #[serde(default, deserialize_with = "lenient")]
    pub handle: String,
    #[serde(default, rename = "displayName", deserialize_with = "lenient")]
    pub display_name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub avatar: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub viewer: ActorViewer,
    #[serde(default, deserialize_with = "readable")]
    pub labels: Vec<Label>,
}

/// What we are to somebody.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ActorViewer {
    #[serde(default, deserialize_with = "lenient")]
    pub muted: bool,
    /// The address of our block record.
    #[serde(default, deserialize_with = "lenient")]
    pub blocking: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Label {
    #[serde(default, deserialize_with = "lenient")]
    pub val: String,
}

/// `app.bsky.feed.post`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Record {
    #[serde(default, deserialize_with = "lenient")]
    pub text: String,
    #[serde(default, rename = "createdAt", deserialize_with = "lenient")]
    pub created_at: String,
    #[serde(default, deserialize_with = "readable")]
    pub langs: Vec<String>,
    #[serde(default, deserialize_with = "readable")]
    pub facets: Vec<Facet>,
    #[serde(default, deserialize_with = "lenient")]
    pub reply: Option<ReplyRefs>,
    #[serde(default)]
    pub embed: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct ReplyRefs {
    pub root: Ref,
    pub parent: Ref,
}

/// A strong reference: where a record is and which version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Ref {
    pub uri: String,
    #[serde(default)]
    pub cid: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Facet {
    pub index: Bytes,
    #[serde(default, deserialize_with = "readable")]
    pub features: Vec<Feature>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Bytes {
    #[serde(rename = "byteStart")]
    pub byte_start: i64,
    #[serde(rename = "byteEnd")]
    pub byte_end: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Feature {
    #[serde(rename = "$type", default, deserialize_with = "lenient")]
    pub kind: String,
    #[serde(default, deserialize_with = "lenient")]
    pub did: String,
    #[serde(default, deserialize_with = "lenient")]
    pub uri: String,
    #[serde(default, deserialize_with = "lenient")]
    pub tag: String,
}

/// `app.bsky.feed.defs#postView`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PostView {
    pub uri: String,
    #[serde(default, deserialize_with = "lenient")]
    pub cid: String,
    pub author: Profile,
    #[serde(default, deserialize_with = "lenient")]
    pub record: Record,
    /// The embed with addresses that can be fetched.
    #[serde(default)]
    pub embed: Value,
    #[serde(default, rename = "replyCount", deserialize_with = "lenient")]
    pub reply_count: i64,
    #[serde(default, rename = "indexedAt", deserialize_with = "lenient")]
    pub indexed_at: String,
    #[serde(default, deserialize_with = "readable")]
    pub labels: Vec<Label>,
    #[serde(default, deserialize_with = "lenient")]
    pub viewer: PostViewer,
}

/// What we did to a post and may do with it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PostViewer {
    #[serde(default, deserialize_with = "lenient")]
    pub like: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub repost: Option<String>,
    #[serde(default, rename = "replyDisabled", deserialize_with = "lenient")]
    pub reply_disabled: bool,
}

/// A node of `app.bsky.feed.getPostThread`.
#[derive(Clone, Debug)]
pub enum Node {
    Post(Box<ThreadPost>),
    /// Deleted, or never there.
    NotFound {
        uri: String,
    },
    /// Hidden from us by a block.
    Blocked {
        uri: String,
    },
}

#[derive(Clone, Debug)]
pub struct ThreadPost {
    pub post: PostView,
    pub parent: Option<Node>,
    pub replies: Vec<Node>,
}

impl Node {
    /// Reads a node and all below and above it; what cannot be read is left out. The depth of the JSON is bounded by the parser.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let uri = || value["uri"].as_str().unwrap_or_default().to_owned();
        if value["notFound"].as_bool() == Some(true) {
            return Some(Self::NotFound { uri: uri() });
        }
        if value["blocked"].as_bool() == Some(true) {
            return Some(Self::Blocked { uri: uri() });
        }
        let post = PostView::deserialize(&value["post"]).ok()?;
        let replies =
            value["replies"].as_array().map(|all| all.iter().filter_map(Self::read).collect()).unwrap_or_default();
        Some(Self::Post(Box::new(ThreadPost { post, parent: Self::read(&value["parent"]), replies })))
    }
}

/// `app.bsky.feed.defs#feedViewPost`.
#[derive(Clone, Debug, Deserialize)]
pub struct FeedPost {
    pub post: PostView,
    /// Set when it stands in the feed for another reason than being written (a repost, a pin).
    #[serde(default)]
    pub reason: Value,
}

/// `chat.bsky.convo.defs#convoView`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Convo {
    pub id: String,
    #[serde(default, deserialize_with = "readable")]
    pub members: Vec<Profile>,
    /// `request` until accepted.
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    #[serde(default, rename = "lastMessage")]
    pub last_message: Value,
    /// `#directConvo`: two people for ever. `#groupConvo`: anybody may join, and `members` are only some of them.
    #[serde(default, deserialize_with = "lenient")]
    pub kind: ConvoKind,
}

/// What a conversation is; services that know no groups do not say.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ConvoKind {
    #[serde(rename = "$type", default, deserialize_with = "lenient")]
    pub kind: String,
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
}

impl Convo {
    /// Whether others may come to read it.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.kind.kind.ends_with("#groupConvo")
    }
}

/// `chat.bsky.convo.defs#messageView`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ChatMessage {
    pub id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub text: String,
    #[serde(default, deserialize_with = "readable")]
    pub facets: Vec<Facet>,
    #[serde(default)]
    pub embed: Value,
    pub sender: Sender,
    #[serde(default, rename = "sentAt", deserialize_with = "lenient")]
    pub sent_at: String,
    #[serde(default, rename = "replyTo")]
    pub reply_to: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sender {
    pub did: String,
}

/// The parts of `at://did/collection/rkey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtUri<'a> {
    pub did: &'a str,
    pub collection: &'a str,
    pub rkey: &'a str,
}

impl<'a> AtUri<'a> {
    /// `None` when it is not the address of a record of a DID.
    #[must_use]
    pub fn parse(uri: &'a str) -> Option<Self> {
        let mut parts = uri.strip_prefix("at://")?.splitn(3, '/');
        let (did, collection, rkey) = (parts.next()?, parts.next()?, parts.next()?);
        let clean =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:~-%".contains(&b));
        (did.starts_with("did:") && clean(did) && clean(collection) && clean(rkey)).then_some(Self {
            did,
            collection,
            rkey,
        })
    }

    /// Where a person can see the post.
    #[must_use]
    pub fn permalink(&self) -> String {
        format!("https://bsky.app/profile/{}/post/{}", self.did, self.rkey)
    }
}

/// The DID in an address; empty when there is none.
#[must_use]
pub fn did_of(uri: &str) -> &str {
    AtUri::parse(uri).map_or("", |at| at.did)
}
