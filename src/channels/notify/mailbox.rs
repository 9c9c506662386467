//! The mailbox in which notification mails lie, where the mail server does not hand them over itself.
//!
//! Promises: what no rule knows stays where it is, and is counted; when the rules change, or the mailbox is another one, the last two
//! weeks are read again.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::KEY;
use crate::channels::dial::Trust;
use crate::channels::mailbox::imap::Session;
use crate::channels::mailbox::reader::{Found, Judge, Read, Reader};
use crate::channels::mailbox::{Door, Folder, Keys, Login, Patience, Resting, Server, folders, no_folder, utf7, wrong};
use crate::channels::signature::hex;
use crate::channels::{Batch, ChannelError, Class, Context, Feed, Warning, Words};

/// Platforms send within minutes; nobody waits for them by the second.
pub static FEEDS: &[Feed] = &[Feed { key: "mail", busy: Duration::from_secs(15), idle: Duration::from_secs(60) }];

/// What a new rule finds of what lay there already.
const AGAIN: Duration = Duration::from_secs(14 * 86_400);
/// So many of the newest mails are looked at when the connection is tried, of each so much.
const SAMPLE: usize = 20;
const WINDOW: u32 = 200;
const SMALL: usize = 256 * 1024;

/// One mailbox.
pub struct Mailbox {
    context: Context,
    server: Server,
    user: String,
    folders: Vec<String>,
    trust: Trust,
    patience: Mutex<Patience>,
    reader: Reader,
    resting: Resting,
}

impl Mailbox {
    /// The mailbox of the settings; `None` when there is none.
    ///
    /// # Errors
    /// `Rejected`, naming the field, when something cannot be.
    pub fn of(context: &Context) -> Result<Option<Self>, ChannelError> {
        let text = |key: &str| context.settings[key].as_str().unwrap_or_default().trim();
        if text("imap_host").is_empty() {
            return Ok(None);
        }
        let server = Server::read(&context.settings, KEY, "imap", (993, 143, 143))?;
        if text("user").is_empty() {
            return Err(wrong(KEY, "user", "whose mailbox is it?", "wiens mailbox is het?"));
        }
        let folders = folders(text("folders"));
        // Of another mailbox nothing was judged yet, whatever its ids are.
        let judged = [&server.host, text("user"), text("checked_by"), text("rules")].join("\n");
        let rules = hex(&Sha256::digest(judged)[..8]);
        let reader = Reader::new(context.clock.clone(), context.history, folders.clone(), false).by_rules(rules, AGAIN);
        Ok(Some(Self {
            server,
            user: text("user").to_owned(),
            trust: Trust::new(context.settings["certificate"].as_str())?,
            patience: Mutex::default(),
            resting: Resting::new(context.clock.clone()),
            reader,
            folders,
            context: context.clone(),
        }))
    }

    /// One batch.
    ///
    /// # Errors
    /// When the mailbox cannot be read.
    pub async fn look(&self, judge: &dyn Judge, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        self.reader.look(self, judge, cursor).await
    }

    /// The way to single mails, beside the one that reads on.
    pub fn way(&self) -> (&Resting, &dyn Door) {
        (&self.resting, self)
    }

    /// Whether it can be read, and what its newest mails are to the rules: in words, and as numbers.
    ///
    /// # Errors
    /// When one cannot get in, or none of the folders is there.
    pub async fn probe(&self, judge: &dyn Judge) -> Result<(Vec<Warning>, Value), ChannelError> {
        let mut session = self.open().await?;
        let (mut words, mut seen) = (Vec::new(), Seen::default());
        let mut missing = Vec::new();
        for folder in &self.folders {
            let Some(selected) = session.select(&utf7::encode(folder)).await? else {
                missing.push(folder.as_str());
                continue;
            };
            let next = match selected.next {
                Some(next) => next,
                None => session.search("UID 1:*").await?.last().map_or(1, |last| last + 1),
            };
            if next <= 1 {
                continue;
            }
            let entries = session.list(next.saturating_sub(WINDOW).max(1), next - 1).await?;
            for entry in entries.iter().rev().take(SAMPLE) {
                let Some(raw) = session.fetch(entry, SMALL).await? else { continue };
                let at = entry.at.unwrap_or_else(|| self.context.clock.now());
                let found = Found { raw: &raw, at, kind: Folder::Watched, history: true, rest: None };
                seen.count(&judge.read(&found));
            }
        }
        if missing.len() == self.folders.len() {
            return Err(no_folder(&missing.join(", ")));
        }
        for folder in missing {
            words.push(Warning::new(
                "notify.no_folder",
                format!("The mailbox has no folder {folder}; it is not read."),
                format!("De mailbox heeft geen map {folder}; die wordt niet gelezen."),
            ));
        }
        words.push(seen.words());
        Ok((words, json!({ "looked": seen.all(), "known": seen.known, "held": seen.held, "left": seen.left })))
    }
}

/// What the newest mails are to the rules.
#[derive(Default)]
struct Seen {
    known: usize,
    held: usize,
    left: usize,
}

impl Seen {
    fn count(&mut self, read: &Read) {
        match read {
            Read::Items(_) => self.known += 1,
            Read::Unreadable(_) => self.held += 1,
            Read::Left => self.left += 1,
        }
    }

    fn all(&self) -> usize {
        self.known + self.held + self.left
    }

    fn words(&self) -> Warning {
        let Self { known, held, left } = self;
        let all = self.all();
        let (held_en, held_nl) = match held {
            0 => (String::new(), String::new()),
            held => (
                format!(", {held} will be held because their sender is not vouched for"),
                format!(", {held} worden opzij gezet omdat niemand voor hun afzender instaat"),
            ),
        };
        let (en, nl) = if all == 0 {
            ("There is no mail in it yet.".to_owned(), "Er staat nog geen mail in.".to_owned())
        } else if *known == 0 {
            (
                format!(
                    "Of the newest {all} mails no rule knows one{held_en}; {left} are left alone. That is fine when no platform has written yet; else correct the rules."
                ),
                format!(
                    "Van de nieuwste {all} mails kent geen regel er een{held_nl}; {left} blijven ongemoeid. Dat is goed als nog geen platform schreef; verbeter anders de regels."
                ),
            )
        } else {
            (
                format!("Of the newest {all} mails the rules know {known}{held_en}; {left} are left alone."),
                format!("Van de nieuwste {all} mails kennen de regels er {known}{held_nl}; {left} blijven ongemoeid."),
            )
        };
        Warning::new(
            "notify.mailbox",
            format!("The mailbox can be read. {en}"),
            format!("De mailbox is te lezen. {nl}"),
        )
    }
}

#[async_trait]
impl Door for Mailbox {
    async fn open(&self) -> Result<Session, ChannelError> {
        let now = self.context.clock.now();
        Session::open(&self.context.client, &self.server, None, &self.trust, self, now).await
    }
}

#[async_trait]
impl Keys for Mailbox {
    async fn login(&self) -> Result<Login, ChannelError> {
        self.patience.lock().await.may_knock(self.context.clock.now())?;
        let secrets = self.context.secrets.load().await?;
        match secrets["password"].as_str() {
            Some(password) if !password.is_empty() => {
                Ok(Login::Password { user: self.user.clone(), password: password.to_owned() })
            }
            _ => Err(ChannelError::new(
                Class::Unauthorized,
                "notify.no_password",
                Words::new("There is no password for the mailbox.", "Er is geen wachtwoord voor de mailbox."),
                Words::new(
                    "Fill in the mailbox's password, or empty the mail server to have mails handed over instead.",
                    "Vul het wachtwoord van de mailbox in, of maak de mailserver leeg om mails te laten afleveren.",
                ),
            )),
        }
    }

    async fn renewed(&self, _: &Login, error: ChannelError) -> Result<Login, ChannelError> {
        Err(error)
    }

    async fn accepted(&self) {
        self.patience.lock().await.accepted();
    }

    async fn refused(&self, error: &ChannelError) {
        self.patience.lock().await.refused(error, self.context.clock.now());
    }
}
