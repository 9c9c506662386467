//! What is on the played server, and who may see it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Seen;
use crate::model::Timestamp;

/// Who can see a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Visibility {
    Public,
    Unlisted,
    Private,
    Direct,
}

impl Visibility {
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
            Self::Direct => "direct",
        }
    }

    pub fn read(word: &str) -> Option<Self> {
        [Self::Public, Self::Unlisted, Self::Private, Self::Direct]
            .into_iter()
            .find(|visibility| visibility.word() == word)
    }
}

/// What an account does with some kind of notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Policy {
    Accept,
    Filter,
    Drop,
}

impl Policy {
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Filter => "filter",
            Self::Drop => "drop",
        }
    }
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Account {
    pub id: u64,
    pub acct: String,
    pub display: String,
    pub private_mentions: Policy,
    pub follows: BTreeSet<u64>,
    pub mutes: BTreeSet<u64>,
    pub blocks: BTreeSet<u64>,
}

/// One state of a post's text.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Version {
    pub text: String,
    pub spoiler: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Post {
    pub id: u64,
    pub by: u64,
    pub at: Timestamp,
    pub visibility: Visibility,
    pub language: Option<String>,
    pub parent: Option<u64>,
    pub mentions: Vec<u64>,
    pub media: Vec<u64>,
    /// Never empty; the last is what stands.
    pub versions: Vec<Version>,
    pub likes: BTreeSet<u64>,
    pub boosts: BTreeSet<u64>,
    pub app: Option<String>,
}

impl Post {
    pub fn text(&self) -> &str {
        self.versions.last().map_or("", |version| &version.text)
    }
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Notification {
    pub id: u64,
    pub to: u64,
    pub from: u64,
    pub kind: String,
    pub post: Option<u64>,
    pub at: Timestamp,
    pub filtered: bool,
}

/// What is kept of a world between two runs of a server: people and what they said. Uploads, sign-ins and limits are not.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    accounts: Vec<Account>,
    posts: Vec<Post>,
    notifications: Vec<Notification>,
    last: u64,
    next_notification: u64,
}

#[derive(Debug)]
pub struct Upload {
    pub by: u64,
    pub mime: String,
    pub bytes: bytes::Bytes,
    pub description: String,
    /// How often it must still be asked after before it is ready.
    pub busy: u8,
}

#[derive(Clone, Debug)]
pub struct App {
    pub name: String,
    pub secret: String,
    pub redirect_uris: Vec<String>,
    pub scopes: String,
}

/// A code waiting to be traded.
#[derive(Debug)]
pub struct Code {
    pub client: String,
    pub account: u64,
    pub redirect_uri: String,
    pub scopes: String,
    pub challenge: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub account: u64,
    pub scopes: String,
    pub client: Option<String>,
}

/// Calls of one token in the current five minutes.
#[derive(Debug, Default)]
pub struct Spent {
    pub from: Timestamp,
    pub calls: i64,
}

/// Everything.
pub struct World {
    /// Where it is served.
    pub base: String,
    pub accounts: BTreeMap<u64, Account>,
    pub posts: BTreeMap<u64, Post>,
    pub notifications: BTreeMap<u64, Notification>,
    pub media: BTreeMap<u64, Upload>,
    pub apps: HashMap<String, App>,
    pub codes: HashMap<String, Code>,
    pub tokens: HashMap<String, Token>,
    pub spent: HashMap<String, Spent>,
    /// (account, key) → post, since when.
    pub keys: HashMap<(u64, String), (u64, Timestamp)>,
    /// (by, about, comment).
    pub reports: Vec<(u64, u64, String)>,
    /// The answers to each post, oldest first.
    pub answers: HashMap<u64, Vec<u64>>,
    /// Who has looked at its notifications.
    pub looked: BTreeSet<u64>,
    /// Who has looked at its own posts, without the answers among them.
    pub reviewed: BTreeSet<u64>,
    /// Conversations that were read: (account, last post).
    pub read: BTreeSet<(u64, u64)>,
    pub limit: i64,
    pub max_characters: usize,
    last: u64,
    next_notification: u64,
}

impl World {
    pub fn new() -> Self {
        Self {
            base: String::new(),
            accounts: BTreeMap::new(),
            posts: BTreeMap::new(),
            notifications: BTreeMap::new(),
            media: BTreeMap::new(),
            apps: HashMap::new(),
            codes: HashMap::new(),
            tokens: HashMap::new(),
            spent: HashMap::new(),
            keys: HashMap::new(),
            reports: Vec::new(),
            answers: HashMap::new(),
            looked: BTreeSet::new(),
            reviewed: BTreeSet::new(),
            read: BTreeSet::new(),
            limit: 300,
            max_characters: 500,
            last: 0,
            next_notification: 0,
        }
    }

    /// What to keep.
    pub fn keep(&self) -> Kept {
        Kept {
            accounts: self.accounts.values().cloned().collect(),
            posts: self.posts.values().cloned().collect(),
            notifications: self.notifications.values().cloned().collect(),
            last: self.last,
            next_notification: self.next_notification,
        }
    }

    /// Goes on from what was kept. Files that were attached are gone.
    pub fn restore(&mut self, kept: Kept) {
        self.accounts = kept.accounts.into_iter().map(|account| (account.id, account)).collect();
        self.posts = kept.posts.into_iter().map(|post| (post.id, Post { media: Vec::new(), ..post })).collect();
        self.notifications = kept.notifications.into_iter().map(|one| (one.id, one)).collect();
        self.last = kept.last;
        self.next_notification = kept.next_notification;
    }

    /// A fresh id: the moment and a counter, always greater than the last.
    pub fn id(&mut self, now: Timestamp) -> u64 {
        let moment = u64::try_from(now.0).unwrap_or_default() << 16;
        self.last = moment.max(self.last + 1);
        self.last
    }

    /// A fresh id of a notification: they grow with the clock, so that a server that starts anew goes on where it was.
    pub fn notification_id(&mut self, now: Timestamp) -> u64 {
        let moment = u64::try_from(now.0).unwrap_or_default();
        self.next_notification = moment.max(self.next_notification + 1);
        self.next_notification
    }

    fn add(&mut self, acct: &str, display: &str) -> u64 {
        if let Some(id) = self.find(acct) {
            return id;
        }
        let id = 5_500 + self.accounts.len() as u64;
        let account = Account {
            id,
            acct: acct.to_owned(),
            display: display.to_owned(),
            private_mentions: Policy::Filter,
            follows: BTreeSet::new(),
            mutes: BTreeSet::new(),
            blocks: BTreeSet::new(),
        };
        self.accounts.insert(id, account);
        id
    }

    pub fn local(&mut self, name: &str, display: &str) -> String {
        let account = self.add(name, display);
        let token = format!("{name}-token");
        let scopes = "read write follow push".to_owned();
        self.tokens.entry(token.clone()).or_insert(Token { account, scopes, client: None });
        token
    }

    pub fn remote(&mut self, acct: &str, display: &str) -> u64 {
        self.add(acct, display)
    }

    /// Somebody by `name` or `name@host`, in any case.
    pub fn find(&self, acct: &str) -> Option<u64> {
        let acct = acct.trim_start_matches('@').to_lowercase();
        let acct = acct.strip_suffix(&format!("@{}", super::DOMAIN)).unwrap_or(&acct);
        self.accounts.values().find(|account| account.acct.to_lowercase() == acct).map(|account| account.id)
    }

    /// An account that exists: ids come from this map and accounts are never removed.
    #[expect(clippy::indexing_slicing, reason = "accounts are never removed")]
    pub fn account(&self, id: u64) -> &Account {
        &self.accounts[&id]
    }

    #[expect(clippy::expect_used, reason = "accounts are never removed")]
    pub fn account_mut(&mut self, id: u64) -> &mut Account {
        self.accounts.get_mut(&id).expect("accounts are never removed")
    }

    /// The answers to a post.
    pub fn answers_to(&self, id: u64) -> impl DoubleEndedIterator<Item = &Post> {
        self.answers.get(&id).into_iter().flatten().filter_map(|id| self.posts.get(id))
    }

    /// Whether somebody may see a post.
    pub fn sees(&self, viewer: Option<u64>, post: &Post) -> bool {
        match post.visibility {
            Visibility::Public | Visibility::Unlisted => true,
            _ if viewer == Some(post.by) => true,
            _ if viewer.is_some_and(|viewer| post.mentions.contains(&viewer)) => true,
            Visibility::Private => viewer.is_some_and(|viewer| self.account(viewer).follows.contains(&post.by)),
            Visibility::Direct => false,
        }
    }

    pub fn seen(&self, post: &Post) -> Seen {
        Seen {
            id: post.id.to_string(),
            author: self.account(post.by).acct.clone(),
            text: post.text().to_owned(),
            in_reply_to: post.parent.map(|id| id.to_string()),
            visibility: post.visibility,
            at: post.at,
        }
    }

    /// Takes one call from a token's allowance: limit, what remains, when it is whole again; `remaining` below 0 is refused.
    pub fn spend(&mut self, token: &str, now: Timestamp) -> (i64, i64, Timestamp) {
        const WINDOW: std::time::Duration = std::time::Duration::from_secs(300);
        let limit = self.limit;
        let spent = self.spent.entry(token.to_owned()).or_default();
        if now < spent.from || now.since(spent.from) >= WINDOW {
            *spent = Spent { from: now, calls: 0 };
        }
        spent.calls += 1;
        (limit, limit - spent.calls, spent.from.plus(WINDOW))
    }
}
