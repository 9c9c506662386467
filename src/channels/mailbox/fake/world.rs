//! The mailboxes of a played mail server: who has one, what is in it, what was sent.
//!
//! Owns: folders with their UIDs, flags and mod-sequences, delivery between the mailboxes, bounces to whom there is none.
//! Promises: a UID is never used twice in a folder; every change raises the mod-sequence and wakes who waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::model::Timestamp;

/// A mail in a folder.
#[derive(Clone, Debug)]
pub struct Held {
    pub uid: u32,
    pub modseq: u64,
    pub flags: BTreeSet<String>,
    /// When it arrived.
    pub at: Timestamp,
    pub raw: Bytes,
}

/// A folder.
#[derive(Clone, Debug)]
pub struct FolderBox {
    pub uidvalidity: u32,
    pub uidnext: u32,
    pub modseq: u64,
    pub mails: Vec<Held>,
    /// What was taken out: UID and when, as a mod-sequence.
    pub expunged: Vec<(u32, u64)>,
    /// As LIST tells it: `\Sent`, `\Junk`, …
    pub special: Option<&'static str>,
}

impl FolderBox {
    fn new(uidvalidity: u32, special: Option<&'static str>) -> Self {
        Self { uidvalidity, uidnext: 1, modseq: 1, mails: Vec::new(), expunged: Vec::new(), special }
    }

    /// Puts a mail in; gives its UID.
    pub fn add(&mut self, raw: Bytes, flags: BTreeSet<String>, at: Timestamp) -> u32 {
        let uid = self.uidnext;
        self.uidnext += 1;
        self.modseq += 1;
        self.mails.push(Held { uid, modseq: self.modseq, flags, at, raw });
        uid
    }

    /// Takes mails out for good.
    pub fn expunge(&mut self, gone: impl Fn(&Held) -> bool) -> Vec<u32> {
        let uids: Vec<u32> = self.mails.iter().filter(|mail| gone(mail)).map(|mail| mail.uid).collect();
        if !uids.is_empty() {
            self.modseq += 1;
            self.mails.retain(|mail| !uids.contains(&mail.uid));
            self.expunged.extend(uids.iter().map(|uid| (*uid, self.modseq)));
        }
        uids
    }
}

/// Somebody with a mailbox.
#[derive(Clone, Debug)]
pub struct Owner {
    pub password: String,
    /// A token that signs in by XOAUTH2.
    pub token: String,
    pub folders: BTreeMap<String, FolderBox>,
}

impl Owner {
    /// Makes a folder.
    pub fn create(&mut self, name: &str, now: Timestamp) {
        let validity = u32::try_from(now.0 / 1000).unwrap_or(1);
        self.folders.insert(name.to_owned(), FolderBox::new(validity, None));
    }
}

/// What a server does to the next mail that is handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Refused with this line when the mail has been read (`452 4.3.1 try later`).
    Refuse(String),
    /// Refused with this line at its sender or recipient.
    RefuseEarly(String),
    /// Taken, and the line is cut before the answer.
    CutAfter,
    /// Taken, and half the answer arrives.
    Half,
    /// Cut before the mail was taken.
    Cut,
    /// Taken; a bounce comes back.
    Bounce { status: String, said: String },
}

/// What may be switched at any time.
#[derive(Clone, Debug)]
pub struct Manners {
    /// Everything announced beyond `IMAP4rev1`.
    pub capabilities: Vec<&'static str>,
    /// Nobody's credentials are taken.
    pub locked: bool,
    /// UIDNEXT is not told at SELECT, as some servers do.
    pub shy: bool,
    /// Largest mail, in bytes.
    pub size: usize,
    /// Sent mail is filed by the server itself, as Gmail does.
    pub files_sent: bool,
    /// No folder can be opened, for this reason.
    pub shut: Option<String>,
    /// The line breaks when this mail is fetched.
    pub breaks_at: Option<u32>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            capabilities: vec![
                "IDLE",
                "UIDPLUS",
                "CONDSTORE",
                "SPECIAL-USE",
                "LIST-STATUS",
                "MOVE",
                "SASL-IR",
                "AUTH=PLAIN",
                "AUTH=XOAUTH2",
                "LITERAL+",
                "ENABLE",
                "ID",
                "UNSELECT",
                "NAMESPACE",
                "CHILDREN",
            ],
            locked: false,
            shy: false,
            size: 35 * 1024 * 1024,
            files_sent: false,
            shut: None,
            breaks_at: None,
        }
    }
}

/// A mail as it was handed in.
#[derive(Clone, Debug)]
pub struct Sent {
    pub from: String,
    pub to: Vec<String>,
    pub raw: Bytes,
}

/// Everything there is.
pub struct World {
    pub clock: Clock,
    /// By address, lower case.
    pub owners: BTreeMap<String, Owner>,
    pub manners: Manners,
    /// What happens to the next mails handed in, in order.
    pub troubles: Vec<Trouble>,
    /// Everything that was handed in and taken, oldest first.
    pub sent: Vec<Sent>,
    /// Every IMAP command so far (the last few thousand), without its arguments.
    pub commands: Vec<String>,
    count: u64,
    news: watch::Sender<u64>,
}

/// A server that is being played.
#[derive(Clone)]
pub struct Post(Arc<Mutex<World>>);

impl Post {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let (news, _) = watch::channel(0);
        Self(Arc::new(Mutex::new(World {
            clock,
            owners: BTreeMap::new(),
            manners: Manners::default(),
            troubles: Vec::new(),
            sent: Vec::new(),
            commands: Vec::new(),
            count: 0,
            news,
        })))
    }

    /// To act in it. Never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whenever anything does.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.lock().news.subscribe()
    }
}

impl World {
    /// Gives somebody a mailbox with the usual folders.
    pub fn open(&mut self, address: &str, password: &str) {
        let validity = u32::try_from(self.clock.now().0 / 1000).unwrap_or(1);
        let folders = [
            ("INBOX", None),
            ("Sent", Some("\\Sent")),
            ("Junk", Some("\\Junk")),
            ("Trash", Some("\\Trash")),
            ("Archief/2026", None),
        ];
        let folders =
            folders.into_iter().map(|(name, special)| (name.to_owned(), FolderBox::new(validity, special))).collect();
        let owner = Owner { password: password.to_owned(), token: format!("token-of-{address}"), folders };
        self.owners.insert(address.to_lowercase(), owner);
    }

    /// Whose mailbox an address is: `help+anything@` is `help@`.
    #[must_use]
    pub fn owner_of(&self, address: &str) -> Option<String> {
        let address = address.trim().trim_matches(['<', '>']).to_lowercase();
        let (local, domain) = address.rsplit_once('@')?;
        let bare = format!("{}@{domain}", local.split('+').next().unwrap_or(local));
        [address, bare].into_iter().find(|address| self.owners.contains_key(address))
    }

    /// Whether these credentials are somebody's.
    #[must_use]
    pub fn admits(&self, user: &str, password: Option<&str>, token: Option<&str>) -> Option<String> {
        let address = user.to_lowercase();
        let owner = self.owners.get(&address).filter(|_| !self.manners.locked)?;
        let right =
            password.is_some_and(|given| given == owner.password) || token.is_some_and(|given| given == owner.token);
        right.then_some(address)
    }

    /// Says that something changed.
    pub fn tell(&self) {
        self.news.send_modify(|count| *count += 1);
    }

    /// Delivers a mail into somebody's folder; gives its UID.
    pub fn put(&mut self, address: &str, folder: &str, raw: impl Into<Bytes>) -> Option<u32> {
        let at = self.clock.now();
        let folder = self.owners.get_mut(address)?.folders.get_mut(folder)?;
        let uid = folder.add(raw.into(), BTreeSet::new(), at);
        self.tell();
        Some(uid)
    }

    /// Forgets a folder's UIDs, as after a restore from a backup: the same mails under new numbers.
    pub fn renumber(&mut self, address: &str, folder: &str) {
        if let Some(folder) = self.owners.get_mut(address).and_then(|owner| owner.folders.get_mut(folder)) {
            folder.uidvalidity += 1;
            folder.uidnext = 1;
            for mail in &mut folder.mails {
                mail.uid = folder.uidnext;
                folder.uidnext += 1;
            }
        }
        self.tell();
    }

    /// Notes a command.
    pub(super) fn log(&mut self, verb: &str) {
        if self.commands.len() >= 5_000 {
            self.commands.drain(..2_500);
        }
        self.commands.push(verb.to_owned());
    }

    /// A number nobody has had.
    pub(super) fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Takes a mail that was handed in: into every mailbox it is for, a bounce for every other.
    pub(super) fn take(&mut self, sent: Sent, trouble: Option<&Trouble>) {
        let stamp = |to: &str, raw: &[u8]| {
            let mut mail = format!("Return-Path: <{}>\r\nDelivered-To: {to}\r\n", sent.from).into_bytes();
            mail.extend_from_slice(raw);
            Bytes::from(mail)
        };
        for to in &sent.to {
            let failed = match trouble {
                Some(Trouble::Bounce { status, said }) => Some((status.clone(), said.clone())),
                _ if self.owner_of(to).is_none() => {
                    Some(("5.1.1".to_owned(), format!("550 5.1.1 <{to}>: Recipient address rejected: User unknown")))
                }
                _ => None,
            };
            match (failed, self.owner_of(to)) {
                (None, Some(owner)) => {
                    let mail = stamp(to, &sent.raw);
                    self.put(&owner, "INBOX", mail);
                }
                (Some((status, said)), _) => self.bounce(&sent, to, &status, &said),
                (None, None) => {}
            }
        }
        if self.manners.files_sent
            && let Some(owner) = self.owner_of(&sent.from)
        {
            self.put(&owner, "Sent", sent.raw.clone());
        }
        self.sent.push(sent);
    }

    /// A report to the sender that a mail did not arrive (RFC 3464). Nobody is told about a bounce that bounces.
    fn bounce(&mut self, sent: &Sent, to: &str, status: &str, said: &str) {
        let Some(owner) = self.owner_of(&sent.from) else { return };
        let (id, date) = (self.next(), rfc2822(self.clock.now()));
        let end = sent.raw.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(sent.raw.len());
        let head = String::from_utf8_lossy(&sent.raw[..end]).into_owned();
        let raw = format!(
            "Return-Path: <>\r\nDate: {date}\r\nFrom: MAILER-DAEMON@mail.test (Mail Delivery System)\r\nTo: {from}\r\nSubject: Undelivered Mail Returned to Sender\r\n\
             Message-ID: <bounce.{id}@mail.test>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b{id}\"\r\n\r\n\
             --b{id}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is the mail system at host mail.test.\r\n\r\n<{to}>: {said}\r\n\r\n\
             --b{id}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.test\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {said}\r\n\r\n\
             --b{id}\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n\r\n--b{id}--\r\n",
            from = sent.from,
        );
        self.put(&owner, "INBOX", raw.into_bytes());
    }
}

/// A date as mails have it.
#[must_use]
pub fn rfc2822(at: Timestamp) -> String {
    date(at, "%a, %d %b %Y %H:%M:%S +0000")
}

/// A date as IMAP has it.
#[must_use]
pub fn internal_date(at: Timestamp) -> String {
    date(at, "%d-%b-%Y %H:%M:%S +0000")
}

/// The day of a moment, as SEARCH compares it: days since 1970.
pub(super) fn day(at: Timestamp) -> i64 {
    at.0.div_euclid(86_400_000)
}

fn date(at: Timestamp, format: &str) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.strftime(format).to_string()
}
