//! Submission: one mail over one connection.
//!
//! Sources: RFC 6409 (submission), 5321 (SMTP), 4954 (AUTH), 3207 (STARTTLS), 5321 §4.5.4.1 (when to try again).
//! Promises: it is always known whether a mail certainly did not leave: only a connection that breaks after the last byte and
//! before the answer leaves doubt; an error holds the server's own sentence.
//! Must not: know what a mail says.

use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::auth::Auth;
use super::settings::Settings;
use crate::channels::dial::{Line, Trust, dial};
use crate::channels::mailbox::imap::REFUSED;
use crate::channels::mailbox::{Login, Security};
use crate::channels::{ChannelError, Class, Client, Words};
use crate::model::Timestamp;

const USUAL: Duration = Duration::from_secs(30);
const LINE: usize = 2_000;

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> std::io::Result<std::net::SocketAddr> {
        Ok(self.peer())
    }
}

/// A signed-in connection that may send one mail.
pub struct Submission {
    smtp: AsyncSmtpConnection,
}

/// From whom to whom, as the servers between see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub from: String,
    pub to: Vec<String>,
}

impl Submission {
    /// Connects and signs in; a token that was revoked early is renewed once.
    ///
    /// # Errors
    /// `Transient` or `Unauthorized`; nothing was sent.
    pub async fn open(client: &Client, settings: &Settings, trust: &Trust, auth: &Auth) -> Result<Self, ChannelError> {
        let login = auth.login(settings).await?;
        let opened = match connect(client, settings, trust, &login).await {
            Err(error) if error.code == REFUSED => match auth.renewed(settings, &login, error).await {
                Ok(login) => connect(client, settings, trust, &login).await,
                Err(error) => Err(error),
            },
            other => other,
        };
        match opened {
            Ok(smtp) => {
                auth.accepted().await;
                Ok(Self { smtp })
            }
            Err(error) => {
                if error.code == REFUSED {
                    auth.refused(&error).await;
                }
                Err(error)
            }
        }
    }

    /// Says from whom and to whom, and that the mail follows. After this only `finish` is left.
    ///
    /// # Errors
    /// As the server says; nothing was sent.
    pub async fn begin(
        &mut self,
        envelope: &Envelope,
        ascii: bool,
        age: Duration,
        now: Timestamp,
    ) -> Result<(), ChannelError> {
        let address = |text: &str| {
            ascii_domain(text).and_then(|text| text.parse::<Address>().ok()).ok_or_else(|| {
                ChannelError::new(
                    Class::Rejected,
                    "email.address",
                    Words::new(
                        format!("No mail can be sent to {text}."),
                        format!("Naar {text} is geen mail te sturen."),
                    ),
                    Words::new("Correct the address and send it again.", "Verbeter het adres en verstuur het opnieuw."),
                )
            })
        };
        let mut parameters = Vec::new();
        if envelope.to.iter().chain([&envelope.from]).any(|address| ascii_domain(address).is_none_or(|a| !a.is_ascii()))
        {
            if !self.smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(ChannelError::new(
                    Class::Rejected,
                    "email.not_international",
                    Words::new(
                        "The mail server takes no addresses with letters beyond a to z.",
                        "De mailserver neemt geen adressen aan met andere letters dan a tot z.",
                    ),
                    Words::new(
                        "Use another address, or send from a mail server that knows SMTPUTF8.",
                        "Gebruik een ander adres, of verstuur via een mailserver die SMTPUTF8 kent.",
                    ),
                ));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !ascii {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.command(Mail::new(Some(address(&envelope.from)?), parameters))
            .await
            .map_err(|e| no(&e, None, age, now))?;
        for to in &envelope.to {
            // One refused address refuses all: half a mail is worse than a question.
            self.command(Rcpt::new(address(to)?, vec![])).await.map_err(|error| no(&error, Some(to), age, now))?;
        }
        self.command(Data).await.map_err(|error| no(&error, None, age, now))
    }

    /// Sends the mail. Lines end in CRLF; nothing is changed but the dots that SMTP doubles.
    ///
    /// # Errors
    /// `Uncertain` when the connection broke before the answer; else as the server says.
    pub async fn finish(mut self, mail: &[u8], age: Duration, now: Timestamp) -> Result<(), ChannelError> {
        // RFC 5321 §4.5.3.2.6 allows ten minutes for the answer; the sender's lease does not.
        let within = Duration::from_secs(60) + Duration::from_secs(mail.len() as u64 / 100_000);
        match timeout(within.min(Duration::from_secs(120)), self.smtp.message(mail)).await {
            Ok(Ok(_)) => {
                let _ = timeout(Duration::from_secs(2), self.smtp.quit()).await;
                Ok(())
            }
            Ok(Err(error)) if error.status().is_some() => Err(no(&Failure::Said(error), None, age, now)),
            Ok(Err(error)) => Err(ChannelError::uncertain(cause(&error))),
            Err(_) => Err(ChannelError::uncertain("no answer in time")),
        }
    }

    async fn command(&mut self, command: impl std::fmt::Display) -> Result<(), Failure> {
        say(&mut self.smtp, command).await.map(|_| ())
    }
}

/// Why a command did not work.
enum Failure {
    Said(Error),
    Silent,
}

impl Failure {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Said(error) => error.status().map(u16::from),
            Self::Silent => None,
        }
    }
}

async fn say(
    smtp: &mut AsyncSmtpConnection,
    command: impl std::fmt::Display,
) -> Result<lettre::transport::smtp::response::Response, Failure> {
    match timeout(USUAL, smtp.command(command)).await {
        Ok(answer) => answer.map_err(Failure::Said),
        Err(_) => Err(Failure::Silent),
    }
}

async fn connect(
    client: &Client,
    settings: &Settings,
    trust: &Trust,
    login: &Login,
) -> Result<AsyncSmtpConnection, ChannelError> {
    let server = &settings.smtp;
    let mut line = dial(client, &server.host, server.port).await?;
    match server.security {
        Security::Tls => line = line.secure(trust, &server.host).await?,
        Security::StartTls => {
            line = timeout(USUAL, start_tls(line, &server.host, trust)).await.map_err(|_| silent())??;
        }
        Security::Plain => {}
    }
    let name = hello(settings);
    let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(line), &name);
    let mut smtp = timeout(USUAL, connecting)
        .await
        .map_err(|_| silent())?
        .map_err(|error| ChannelError::transient(cause(&error)))?;
    sign_in(&mut smtp, login).await?;
    Ok(smtp)
}

/// Our name in the greeting: the mailbox's domain, which says no more than From does.
fn hello(settings: &Settings) -> ClientId {
    let domain = settings.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    ClientId::Domain(ascii_domain(&format!("x@{domain}")).map_or("localhost".to_owned(), |a| a[2..].to_owned()))
}

/// The few words in the clear. They are read byte by byte, so that nothing said before the handshake is taken for said after it.
async fn start_tls(mut line: Line, host: &str, trust: &Trust) -> Result<Line, ChannelError> {
    answer(&mut line, "220").await?;
    for (command, code) in [("EHLO localhost\r\n", "250"), ("STARTTLS\r\n", "220")] {
        line.write_all(command.as_bytes()).await.map_err(|error| ChannelError::transient(error.to_string()))?;
        answer(&mut line, code).await?;
    }
    let mut line = line.secure(trust, host).await?;
    // After the handshake the client speaks first; the library waits for the greeting it knows.
    line.read_first(b"220 ready\r\n");
    Ok(line)
}

async fn answer(line: &mut Line, code: &str) -> Result<(), ChannelError> {
    for _ in 0..100 {
        let text = line.read_text(LINE).await.map_err(|error| ChannelError::transient(error.to_string()))?;
        if !text.starts_with(code) {
            let said: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(ChannelError::transient(format!("the mail server says: {said}")));
        }
        if text.as_bytes().get(3) != Some(&b'-') {
            return Ok(());
        }
    }
    Err(ChannelError::transient("the mail server talks without end"))
}

async fn sign_in(smtp: &mut AsyncSmtpConnection, login: &Login) -> Result<(), ChannelError> {
    let can = |mechanism| smtp.server_info().supports_auth_mechanism(mechanism);
    let base64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let refused = |failure: Failure| match failure.status() {
        Some(500..) => refused(&failure.sentence()),
        _ => ChannelError::transient(failure.sentence()),
    };
    match login {
        Login::Bearer { .. } => {
            let answer = say(smtp, format!("AUTH XOAUTH2 {}\r\n", login.sasl_base64())).await.map_err(refused)?;
            if answer.has_code(334) {
                // The error itself comes after an empty line of ours.
                say(smtp, "\r\n").await.map_err(refused)?;
            }
        }
        Login::Password { user, password } if !can(Mechanism::Plain) && can(Mechanism::Login) => {
            say(smtp, "AUTH LOGIN\r\n").await.map_err(refused)?;
            say(smtp, format!("{}\r\n", base64(user))).await.map_err(refused)?;
            say(smtp, format!("{}\r\n", base64(password))).await.map_err(refused)?;
        }
        Login::Password { .. } => {
            say(smtp, format!("AUTH PLAIN {}\r\n", login.sasl_base64())).await.map_err(refused)?;
        }
    }
    Ok(())
}

impl Failure {
    /// The server's own sentence with its code, or why there is none.
    fn sentence(&self) -> String {
        match self {
            Self::Said(error) => cause(error),
            Self::Silent => "no answer in time".to_owned(),
        }
    }
}

fn cause(error: &Error) -> String {
    let text = match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    let text: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
    match error.status() {
        Some(code) => format!("{code} {text}"),
        None => text,
    }
}

fn silent() -> ChannelError {
    ChannelError::transient("the outgoing mail server does not answer in time")
}

/// The server does not believe us (RFC 4954 §6).
fn refused(sentence: &str) -> ChannelError {
    // Microsoft's words for a tenant without passwords (learn.microsoft.com, 2026-11).
    let basic =
        sentence.contains("5.7.30") || sentence.contains("5.7.139") || sentence.contains("Basic authentication");
    let cure = if basic {
        Words::new(
            "The provider takes no passwords any more: connect the account again and sign in in the browser.",
            "De aanbieder neemt geen wachtwoorden meer aan: koppel het account opnieuw en log in in de browser.",
        )
    } else {
        Words::new(
            "Check user name and password, and whether this mailbox may send (Microsoft: Authenticated SMTP).",
            "Controleer gebruikersnaam en wachtwoord, en of deze mailbox mag versturen (Microsoft: Geverifieerde SMTP).",
        )
    };
    ChannelError::new(
        Class::Unauthorized,
        if basic { "email.basic_auth_off" } else { REFUSED },
        Words::new(
            format!("The outgoing mail server refuses the login: {sentence}"),
            format!("De uitgaande mailserver weigert de inlog: {sentence}"),
        ),
        cure,
    )
}

/// A refusal of a mail: for now (4xx) or for good (5xx). `to` is whom it is about.
fn no(failure: &Failure, to: Option<&str>, age: Duration, now: Timestamp) -> ChannelError {
    let sentence = failure.sentence();
    let about = to.map(|to| format!("{to}: ")).unwrap_or_default();
    match failure.status() {
        // 421: the server itself goes away, whatever the mail.
        None | Some(421) => ChannelError::transient(sentence),
        Some(530 | 535) => refused(&sentence),
        Some(400..=499) => ChannelError::new(
            Class::RateLimited { until: now.plus(ladder(age)) },
            "email.later",
            Words::new(
                format!("The mail server asks to try again later: {about}{sentence}"),
                format!("De mailserver vraagt het later opnieuw te proberen: {about}{sentence}"),
            ),
            Words::new(
                "Nothing to do: Balie tries again by itself.",
                "Niets te doen: Balie probeert het vanzelf opnieuw.",
            ),
        ),
        Some(_) => {
            let size = sentence.contains("552") || sentence.contains("5.3.4");
            let alias = sentence.contains("5.7.60") || sentence.contains("SendAsDenied");
            let cure = if size {
                Words::new("Send smaller files, or a link to them.", "Stuur kleinere bestanden, of een link ernaartoe.")
            } else if alias {
                Words::new(
                    "Let the provider's administrator allow this mailbox to send under its address.",
                    "Laat de beheerder bij de aanbieder toestaan dat deze mailbox onder zijn adres verstuurt.",
                )
            } else {
                Words::new("Check the address, then send it again.", "Controleer het adres en verstuur het opnieuw.")
            };
            ChannelError::new(
                Class::Rejected,
                "email.rejected",
                Words::new(
                    format!("The mail server refuses: {about}{sentence}"),
                    format!("De mailserver weigert: {about}{sentence}"),
                ),
                cure,
            )
        }
    }
}

/// After how long a mail of this age is tried again: greylisting wants minutes, a full mailbox hours.
fn ladder(age: Duration) -> Duration {
    Duration::from_secs(match age.as_secs() {
        0..=119 => 60,
        120..=899 => 300,
        900..=3_599 => 900,
        3_600..=21_599 => 3_600,
        _ => 4 * 3_600,
    })
}

/// The address with its domain as the wire wants it; `None` when it is none.
pub fn ascii_domain(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    match url::Host::parse(domain).ok()? {
        url::Host::Domain(domain) => Some(format!("{local}@{domain}")),
        // An address without a name: nobody's mail lives there.
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ascii_domain, ladder};
    use std::time::Duration;

    #[test]
    fn waiting_grows_with_the_age_of_the_mail() {
        let waits: Vec<u64> =
            [0, 120, 1_000, 4_000, 90_000].map(|age| ladder(Duration::from_secs(age)).as_secs()).to_vec();
        assert_eq!(waits, [60, 300, 900, 3_600, 14_400]);
    }

    #[test]
    fn a_domain_of_any_letters_goes_over_the_wire() {
        assert_eq!(ascii_domain("info@bücher.example").unwrap(), "info@xn--bcher-kva.example");
        assert_eq!(ascii_domain("Info@Brand.example").unwrap(), "Info@brand.example");
        for none in ["info", "info@", "info@127.0.0.1", "info@a b"] {
            assert_eq!(ascii_domain(none), None, "{none}");
        }
    }
}
