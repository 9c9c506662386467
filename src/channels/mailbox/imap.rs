//! One IMAP connection: signing in, looking into folders, fetching, filing.
//!
//! Sources: RFC 9051 and 3501 (IMAP), 6154 (special use), 7162 (CONDSTORE), 2177 (IDLE).
//! Promises: every command ends in time; nothing larger than asked for is read; a mail is never marked as read by looking at it;
//! an error holds the server's own words, never ours.
//! Must not: know a cursor.

use std::future::Future;
use std::time::Duration;

use async_imap::error::Error;
use async_imap::imap_proto::{NameAttribute, Response, Status};
use async_imap::types::{Capabilities, Flag};
use futures_util::TryStreamExt as _;
use tokio::time::timeout;

use super::{Keys, Login, Security, Server, utf7};
use crate::channels::dial::{Line, Trust, dial};
use crate::channels::{ChannelError, Class, Client, Words};
use crate::model::Timestamp;

/// A command's answer comes within this, unless it carries a mail.
pub const USUAL: Duration = Duration::from_secs(20);
/// Bytes that a listing may have.
const LISTING: usize = 8 * 1024 * 1024;

/// A signed-in connection.
pub struct Session {
    imap: async_imap::Session<Line>,
    capabilities: Option<Capabilities>,
    /// Bytes that the answer to the next command may have.
    room: usize,
    /// As the server names it, when it says which folder is for sent mail.
    pub sent: Option<String>,
    /// When it was last known to stand.
    pub used: Timestamp,
}

/// A folder as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    pub validity: u32,
    /// The id the next mail will get; `None` on odd servers.
    pub next: Option<u32>,
    pub exists: u32,
    /// Grows with every change; `None` without CONDSTORE.
    pub modseq: Option<u64>,
}

/// A mail in a folder, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub uid: u32,
    pub at: Option<Timestamp>,
    pub size: u32,
    pub draft: bool,
}

impl Session {
    /// Connects and signs in; a token that was revoked early is renewed once. `sent`: the folder for sent mail, when an admin
    /// named it.
    ///
    /// # Errors
    /// `Transient` when the server cannot be reached; `Unauthorized` with a cure when it refuses.
    pub async fn open(
        client: &Client,
        server: &Server,
        sent: Option<&str>,
        trust: &Trust,
        keys: &dyn Keys,
        now: Timestamp,
    ) -> Result<Self, ChannelError> {
        let login = keys.login().await?;
        let signed_in = match sign_in(client, server, trust, &login).await {
            Err(error) if error.class == Class::Unauthorized && error.code == REFUSED => {
                match keys.renewed(&login, error).await {
                    Ok(login) => sign_in(client, server, trust, &login).await,
                    Err(error) => Err(error),
                }
            }
            other => other,
        };
        let imap = match signed_in {
            Ok(imap) => {
                keys.accepted().await;
                imap
            }
            Err(error) => {
                if error.class == Class::Unauthorized && error.code == REFUSED {
                    keys.refused(&error).await;
                }
                return Err(error);
            }
        };
        let mut session = Self { imap, capabilities: None, room: LISTING, sent: sent.map(utf7::encode), used: now };
        session.capabilities = Some(session.ask(USUAL, |imap| Box::pin(imap.capabilities())).await?);
        if session.sent.is_none() {
            session.sent = session.find_sent().await?;
        }
        Ok(session)
    }

    #[must_use]
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.as_ref().is_some_and(|all| all.has_str(capability))
    }

    /// Where sent mail goes: as the server says (RFC 6154), else by the names that clients give it.
    async fn find_sent(&mut self) -> Result<Option<String>, ChannelError> {
        const USUAL_NAMES: &[&str] = &[
            "sent",
            "sent items",
            "sent messages",
            "sent mail",
            "verzonden",
            "verzonden items",
            "gesendet",
            "envoyés",
        ];
        let pattern = if self.has("SPECIAL-USE") { "\"*\" RETURN (SPECIAL-USE)" } else { "\"*\"" };
        let names = self
            .ask(USUAL, |imap| {
                Box::pin(async move { imap.list(Some(""), Some(pattern)).await?.try_collect::<Vec<_>>().await })
            })
            .await?;
        let by_use = names.iter().find(|name| {
            name.attributes().iter().any(|attribute| match attribute {
                NameAttribute::Sent => true,
                NameAttribute::Extension(word) => word.eq_ignore_ascii_case("\\sent"),
                _ => false,
            })
        });
        let by_name = || {
            names.iter().find(|name| {
                let plain = utf7::decode(name.name()).to_lowercase();
                let last = match name.delimiter() {
                    Some(delimiter) if !delimiter.is_empty() => {
                        plain.rsplit(delimiter).next().unwrap_or(&plain).to_owned()
                    }
                    _ => plain,
                };
                USUAL_NAMES.contains(&last.as_str())
            })
        };
        Ok(by_use.or_else(by_name).map(|name| name.name().to_owned()))
    }

    /// Opens a folder (its name as the server writes it) and says how it is. `None` when there is no such folder.
    ///
    /// # Errors
    /// When the connection or the server fails.
    pub async fn select(&mut self, folder: &str) -> Result<Option<Selected>, ChannelError> {
        let condstore = self.has("CONDSTORE") || self.has("QRESYNC");
        let name = folder.to_owned();
        let found = self
            .try_ask(USUAL, |imap| {
                Box::pin(async move {
                    if condstore { imap.select_condstore(&name).await } else { imap.select(&name).await }
                })
            })
            .await?;
        match found {
            Ok(mailbox) => Ok(Some(Selected {
                validity: mailbox.uid_validity.filter(|validity| *validity > 0).ok_or_else(|| {
                    ChannelError::transient("the mail server gives its folders no identity (UIDVALIDITY)")
                })?,
                next: mailbox.uid_next.filter(|next| *next > 0),
                exists: mailbox.exists,
                modseq: mailbox.highest_modseq,
            })),
            Err(Error::No(why)) if !is_busy(&why) => Ok(None),
            Err(error) => Err(of(&error)),
        }
    }

    /// What is in a range of ids, in their order. Ids beyond the range, which some servers add, are left out.
    ///
    /// # Errors
    /// As `select`.
    pub async fn list(&mut self, from: u32, to: u32) -> Result<Vec<Entry>, ChannelError> {
        let range = format!("{from}:{to}");
        let found = self
            .ask(USUAL, |imap| {
                Box::pin(async move {
                    imap.uid_fetch(range, "(UID FLAGS INTERNALDATE RFC822.SIZE)").await?.try_collect::<Vec<_>>().await
                })
            })
            .await?;
        let mut entries: Vec<Entry> = found
            .iter()
            .filter_map(|fetch| {
                Some(Entry {
                    uid: fetch.uid.filter(|uid| (from..=to).contains(uid))?,
                    at: fetch.internal_date().map(|at| Timestamp(at.timestamp_millis())),
                    size: fetch.size.unwrap_or_default(),
                    draft: fetch.flags().any(|flag| flag == Flag::Draft),
                })
            })
            .collect();
        entries.sort_unstable_by_key(|entry| entry.uid);
        entries.dedup_by_key(|entry| entry.uid);
        Ok(entries)
    }

    /// The ids of the mails a search finds, in order.
    ///
    /// # Errors
    /// As `select`.
    pub async fn search(&mut self, query: &str) -> Result<Vec<u32>, ChannelError> {
        let query = query.to_owned();
        let found = self.ask(USUAL * 2, |imap| Box::pin(imap.uid_search(query))).await?;
        let mut uids: Vec<u32> = found.into_iter().collect();
        uids.sort_unstable();
        Ok(uids)
    }

    /// One mail whole; of one larger than `max` bytes its header and the beginning of its text. `None` when it is gone.
    ///
    /// # Errors
    /// As `select`.
    pub async fn fetch(&mut self, entry: &Entry, max: usize) -> Result<Option<Vec<u8>>, ChannelError> {
        const BEGINNING: usize = 64 * 1024;
        let size = entry.size as usize;
        let whole = size <= max;
        self.room = if whole { size + size / 8 + 256 * 1024 } else { 4 * 1024 * 1024 };
        let items = if whole {
            "(UID BODY.PEEK[])".to_owned()
        } else {
            format!("(UID BODY.PEEK[HEADER] BODY.PEEK[TEXT]<0.{BEGINNING}>)")
        };
        let uid = entry.uid;
        // At least 50 kB a second: slower is not working.
        let within = USUAL + Duration::from_secs(size.min(max) as u64 / 50_000);
        let found = self
            .ask(within, |imap| {
                Box::pin(async move { imap.uid_fetch(uid.to_string(), items).await?.try_collect::<Vec<_>>().await })
            })
            .await?;
        let Some(fetch) =
            found.iter().find(|fetch| fetch.uid == Some(uid) && (fetch.body().is_some() || fetch.header().is_some()))
        else {
            return Ok(None);
        };
        let raw = match fetch.body() {
            Some(body) => body.to_vec(),
            None => [fetch.header().unwrap_or_default(), fetch.text().unwrap_or_default()].concat(),
        };
        Ok(Some(raw))
    }

    /// Files a mail, as a draft until `settled`.
    ///
    /// # Errors
    /// As `select`.
    pub async fn append_draft(&mut self, folder: &str, raw: &[u8]) -> Result<(), ChannelError> {
        let (folder, raw) = (folder.to_owned(), raw.to_vec());
        let within = USUAL + Duration::from_secs(raw.len() as u64 / 50_000);
        self.ask(within, |imap| Box::pin(async move { imap.append(folder, Some("(\\Seen \\Draft)"), None, raw).await }))
            .await
    }

    /// Changes the flags of one mail in the selected folder.
    ///
    /// # Errors
    /// As `select`.
    pub async fn flag(&mut self, uid: u32, change: &str) -> Result<(), ChannelError> {
        let change = change.to_owned();
        self.ask(USUAL, |imap| {
            Box::pin(
                async move { imap.uid_store(uid.to_string(), change).await?.try_collect::<Vec<_>>().await.map(|_| ()) },
            )
        })
        .await
    }

    /// Takes one mail that is marked as deleted out of the selected folder; without UIDPLUS it stays there, marked.
    ///
    /// # Errors
    /// As `select`.
    pub async fn expunge(&mut self, uid: u32) -> Result<(), ChannelError> {
        if !self.has("UIDPLUS") {
            return Ok(());
        }
        self.ask(USUAL, |imap| {
            Box::pin(async move { imap.uid_expunge(uid.to_string()).await?.try_collect::<Vec<_>>().await.map(|_| ()) })
        })
        .await
    }

    /// Whether the other end still answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn noop(&mut self) -> Result<(), ChannelError> {
        self.ask(Duration::from_secs(10), |imap| Box::pin(imap.noop())).await
    }

    /// Hands the connection over for listening.
    #[must_use]
    pub fn into_inner(self) -> async_imap::Session<Line> {
        self.imap
    }

    async fn ask<T, F>(&mut self, within: Duration, command: F) -> Result<T, ChannelError>
    where
        F: for<'s> FnOnce(
            &'s mut async_imap::Session<Line>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 's>>,
    {
        self.try_ask(within, command).await?.map_err(|error| of(&error))
    }

    async fn try_ask<T, F>(&mut self, within: Duration, command: F) -> Result<Result<T, Error>, ChannelError>
    where
        F: for<'s> FnOnce(
            &'s mut async_imap::Session<Line>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 's>>,
    {
        self.imap.get_mut().allow(std::mem::replace(&mut self.room, LISTING));
        // What a server says unasked is of no use here, and its queue is bounded.
        while self.imap.unsolicited_responses.try_recv().is_ok() {}
        let answer = timeout(within, command(&mut self.imap)).await.map_err(|_| silent())?;
        // The library takes the end of the connection for the end of a list: half an answer would pass for a whole one.
        if self.imap.get_ref().has_ended() {
            return Err(of(&Error::ConnectionLost));
        }
        Ok(answer)
    }
}

/// The code of a refused login.
pub const REFUSED: &str = "mailbox.refused";

async fn sign_in(
    client: &Client,
    server: &Server,
    trust: &Trust,
    login: &Login,
) -> Result<async_imap::Session<Line>, ChannelError> {
    let mut line = dial(client, &server.host, server.port).await?;
    if server.security == Security::Tls {
        line = line.secure(trust, &server.host).await?;
    }
    let mut imap = async_imap::Client::new(line);
    let greeting = timeout(USUAL, imap.read_response())
        .await
        .map_err(|_| silent())?
        .map_err(|error| of(&Error::Io(error)))?
        .ok_or_else(|| of(&Error::ConnectionLost))?;
    if let Response::Data { status: Status::Bye, outcome } = greeting.parsed() {
        return Err(busy(outcome.information.as_deref().unwrap_or_default()));
    }
    drop(greeting);
    if server.security == Security::StartTls {
        timeout(USUAL, imap.run_command_and_check_ok("STARTTLS", None))
            .await
            .map_err(|_| silent())?
            .map_err(|error| of(&error))?;
        // What was said in the clear after this is dropped with the old buffer.
        let line = imap.into_inner().secure(trust, &server.host).await?;
        imap = async_imap::Client::new(line);
    }
    let signing = async {
        match login {
            Login::Bearer { .. } => imap.authenticate("XOAUTH2", Once(Some(login.sasl()))).await,
            Login::Password { user, password } if user.is_ascii() && password.is_ascii() => {
                imap.login(user, password).await
            }
            Login::Password { .. } => imap.authenticate("PLAIN", Once(Some(login.sasl()))).await,
        }
    };
    timeout(USUAL, signing).await.map_err(|_| silent())?.map_err(|(error, _)| match error {
        Error::No(why) | Error::Bad(why) => no(&why),
        other => of(&other),
    })
}

/// Says its word once; to the error that a refused token is answered with first, it says nothing (Google's protocol).
struct Once(Option<String>);

impl async_imap::Authenticator for Once {
    type Response = String;
    fn process(&mut self, _: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}

/// Whether a server says no for now only: in a code (RFC 9051 §7.1), or in words.
fn is_busy(why: &str) -> bool {
    let upper = why.to_uppercase();
    ["UNAVAILABLE", "[LIMIT]", "INUSE", "SERVERBUG", "TEMPORAR", "TOO MANY", "TRY AGAIN"]
        .iter()
        .any(|word| upper.contains(word))
}

/// A refused login. Servers that are only busy say so.
fn no(why: &str) -> ChannelError {
    if is_busy(why) {
        return busy(why);
    }
    let said = said(why);
    ChannelError::new(
        Class::Unauthorized,
        REFUSED,
        Words::new(
            format!("The mail server refuses the login: {said}"),
            format!("De mailserver weigert de inlog: {said}"),
        ),
        Words::new(
            "Check user name and password. Google and Microsoft want an app password or signing in in the browser.",
            "Controleer gebruikersnaam en wachtwoord. Google en Microsoft willen een app-wachtwoord of inloggen in de browser.",
        ),
    )
}

fn busy(why: &str) -> ChannelError {
    ChannelError::transient(format!("the mail server says: {}", said(why)))
}

fn silent() -> ChannelError {
    ChannelError::transient("the mail server does not answer in time")
}

/// A server's words out of the library's sentence, for people, bounded.
fn said(why: &str) -> String {
    let words = why.split_once("info: Some(\"").map_or(why, |(_, rest)| rest.trim_end_matches([')', '"']));
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Any other failure of a command.
pub fn of(error: &Error) -> ChannelError {
    match error {
        Error::No(why) | Error::Bad(why) => busy(why),
        Error::ConnectionLost => ChannelError::transient("the mail server ended the connection"),
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            ChannelError::transient("the mail server's answer is larger than it said")
        }
        // The library puts the whole unreadable answer into such an error.
        Error::Io(error) if error.kind() == std::io::ErrorKind::Other => unreadable(),
        Error::Io(error) => ChannelError::transient(error.to_string()),
        Error::Parse(_) => unreadable(),
        other => ChannelError::transient(other.to_string()),
    }
}

fn unreadable() -> ChannelError {
    ChannelError::new(
        Class::Transient,
        "mailbox.not_imap",
        Words::new("The mail server's answer cannot be read.", "Het antwoord van de mailserver is niet te lezen."),
        Words::new(
            "Check server and port; Balie keeps trying.",
            "Controleer server en poort; Balie blijft het proberen.",
        ),
    )
}
