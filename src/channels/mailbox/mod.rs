//! Mailboxes over IMAP, for every channel that reads one: where the server is, how one signs in, and reading on from a cursor.
//!
//! Owns: the connection (`imap`), folder names (`utf7`), reading folder after folder (`reader`) from where it got (`cursor`), what could
//! not be read (`held`), being patient with a server that refuses (`patience`), and the mail server that is played for tests and the playground (`fake`).
//! Promises: a mailbox is left as it was found; only who files copies of what it sends asks a [`imap::Session`] for more.
//! Must not: know what a mail means, or a channel.

mod cursor;
pub mod fake;
mod held;
pub mod imap;
mod patience;
pub mod reader;
pub mod utf7;

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use self::imap::Session;
use super::{ChannelError, Class, Words};
use crate::clock::Clock;

pub use self::held::{fetch_again, read_again};
pub use self::patience::Patience;

/// A connection that was not used for so long is asked whether it still stands.
const DOUBTED: Duration = Duration::from_secs(45);

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// From the first byte.
    Tls,
    /// After a few words in the clear.
    StartTls,
    /// Never; for a server on the same machine.
    Plain,
}

/// The choice, as settings ask for it.
pub const SECURITY: &[(&str, (&str, &str))] = &[
    ("tls", ("TLS", "TLS")),
    ("starttls", ("STARTTLS", "STARTTLS")),
    ("none", ("None (same machine only)", "Geen (alleen op dezelfde machine)")),
];

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
}

impl Server {
    /// Reads `{what}_host`, `{what}_port` and `{what}_security`. `usual`: the ports of TLS, STARTTLS and neither.
    ///
    /// # Errors
    /// `Rejected` with the code `{channel}.field.…`, naming the field.
    pub fn read(settings: &Value, channel: &str, what: &str, usual: (u16, u16, u16)) -> Result<Self, ChannelError> {
        let key = format!("{what}_host");
        let host = settings[&key].as_str().map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned);
        let host = host.ok_or_else(|| wrong(channel, &key, "which server is it?", "welke server is het?"))?;
        if host.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@')) {
            return Err(wrong(channel, &key, "this is not the name of a server", "dit is geen naam van een server"));
        }
        let security = match settings[format!("{what}_security")].as_str() {
            Some("starttls") => Security::StartTls,
            Some("none") => Security::Plain,
            _ => Security::Tls,
        };
        let usual = match security {
            Security::Tls => usual.0,
            Security::StartTls => usual.1,
            Security::Plain => usual.2,
        };
        let key = format!("{what}_port");
        let port = match settings[&key].as_i64() {
            None => usual,
            Some(port) => u16::try_from(port)
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| wrong(channel, &key, "a port is 1 to 65535", "een poort is 1 tot 65535"))?,
        };
        Ok(Self { host, port, security })
    }
}

/// Folders as an admin writes them: commas between them, each once; the usual one when there is none.
#[must_use]
pub fn folders(text: &str) -> Vec<String> {
    let mut folders: Vec<String> = Vec::new();
    for folder in text.split(',').map(str::trim).filter(|folder| !folder.is_empty()) {
        if !folders.iter().any(|known| known == folder) {
            folders.push(folder.to_owned());
        }
    }
    if folders.is_empty() {
        folders.push("INBOX".to_owned());
    }
    folders
}

/// A field that cannot be as it is.
#[must_use]
pub fn wrong(channel: &str, field: &str, en: &str, nl: &str) -> ChannelError {
    ChannelError::new(
        Class::Rejected,
        format!("{channel}.field.{field}"),
        Words::new(format!("{field}: {en}."), format!("{field}: {nl}.")),
        Words::new("Correct this field of the account.", "Verbeter dit veld van het account."),
    )
}

/// None of the folders an admin named is there.
#[must_use]
pub fn no_folder(names: &str) -> ChannelError {
    ChannelError::new(
        Class::Unauthorized,
        "mailbox.no_folder",
        Words::new(format!("The mailbox has no folder {names}."), format!("De mailbox heeft geen map {names}.")),
        Words::new(
            "Correct the folders in the account's settings.",
            "Verbeter de mappen bij de instellingen van het account.",
        ),
    )
}

/// Where a mail was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Folder {
    /// One of those that are watched for what comes in.
    Watched,
    /// Where sent mail is filed: what stands here from one of our addresses is ours.
    Sent,
}

/// How to sign in now.
#[derive(Clone)]
pub enum Login {
    Password { user: String, password: String },
    Bearer { user: String, token: String },
}

impl Login {
    /// The answer of SASL PLAIN or XOAUTH2.
    #[must_use]
    pub fn sasl(&self) -> String {
        match self {
            Self::Password { user, password } => format!("\0{user}\0{password}"),
            Self::Bearer { user, token } => format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"),
        }
    }

    /// As `sasl`, in base64.
    #[must_use]
    pub fn sasl_base64(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(self.sasl())
    }
}

/// Who knows how to sign in.
#[async_trait]
pub trait Keys: Send + Sync {
    /// What to sign in with now.
    async fn login(&self) -> Result<Login, ChannelError>;
    /// Something newer, after this very login was refused; the refusal itself when there is nothing newer.
    async fn renewed(&self, refused: &Login, error: ChannelError) -> Result<Login, ChannelError>;
    /// The server said yes.
    async fn accepted(&self);
    /// The server said no.
    async fn refused(&self, error: &ChannelError);
}

/// The way into one mailbox.
#[async_trait]
pub trait Door: Send + Sync {
    /// A new connection, signed in.
    async fn open(&self) -> Result<Session, ChannelError>;
}

/// A connection at rest. Whoever uses it takes it out, so that a dropped future leaves none half-way.
pub struct Resting {
    clock: Clock,
    session: Mutex<Option<Session>>,
}

impl Resting {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, session: Mutex::default() }
    }

    /// The connection at rest if it still stands, else a new one.
    ///
    /// # Errors
    /// When there is no way in.
    pub async fn take(&self, door: &dyn Door) -> Result<Session, ChannelError> {
        let resting = self.session.lock().await.take();
        if let Some(mut session) = resting {
            let now = self.clock.now();
            if now.since(session.used) < DOUBTED {
                return Ok(session);
            }
            if session.noop().await.is_ok() {
                session.used = now;
                return Ok(session);
            }
        }
        door.open().await
    }

    /// Puts it back: it stands.
    pub async fn put(&self, mut session: Session) {
        session.used = self.clock.now();
        *self.session.lock().await = Some(session);
    }
}
