//! Calls to one homeserver: where it is, headers, and what each refusal means.
//!
//! Promises: every refusal is classified here, once, with cause and cure; a token that ended is renewed once and the call
//! repeated once; an answer that is not JSON never fails otherwise than as `Transient`; no token is in an error.
//! Must not: know what the answers are for.
//! Source: Matrix client-server API v1.19 ("API standards", "Server discovery"), read 2026-11.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::session::{Login, Session};
use crate::channels::client::{Answer, Failure};
use crate::channels::error::Class;
use crate::channels::{ChannelError, Context, Words};
use crate::model::Timestamp;

/// How long a question may take: a server that hangs must be noticed twice within a minute.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a wait is when a 429 names none.
const UNNAMED_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Why a call has no answer of use.
#[derive(Debug)]
pub enum Fault {
    Refused(Refusal),
    /// It may have been done; the answer did not come.
    Lost(String),
    /// It certainly was not done.
    NotSent(String),
    Decided(ChannelError),
}

/// What the server said instead.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    pub status: u16,
    /// `M_…`; empty when something else than a homeserver answered.
    pub errcode: String,
    pub said: String,
    /// A page for people: something in front of the homeserver answered.
    page: bool,
    pub until: Option<Timestamp>,
}

impl Refusal {
    fn read(answer: &Answer, now: Timestamp) -> Self {
        let body: Value = serde_json::from_str(&text(answer)).unwrap_or_default();
        let short = |key: &str| body[key].as_str().unwrap_or_default().chars().take(300).collect::<String>();
        // The header counts; the field in the body is deprecated and the only one older servers send.
        let named = answer
            .retry_after(now)
            .or_else(|| body["retry_after_ms"].as_u64().map(|ms| now.plus(Duration::from_millis(ms))));
        let page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        Self { status: answer.status.as_u16(), errcode: short("errcode"), said: short("error"), page, until: named }
    }

    /// Our token is no good any more; whether softly or for good, another may be had.
    #[must_use]
    pub fn is_token(&self) -> bool {
        self.status == 401 && !matches!(self.errcode.as_str(), "M_USER_LOCKED" | "M_USER_DEACTIVATED")
    }

    /// The call, or what it is about, is not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self.status, 404 | 405 | 410)
    }

    fn detail(&self) -> String {
        match (self.said.is_empty(), self.errcode.is_empty()) {
            (false, _) => self.said.clone(),
            (true, false) => self.errcode.clone(),
            (true, true) => format!("status {}", self.status),
        }
    }

    fn class(self, now: Timestamp) -> ChannelError {
        let detail = self.detail();
        match (self.status, self.errcode.as_str()) {
            (429, _) | (_, "M_LIMIT_EXCEEDED") => {
                let until = self.until.unwrap_or(now.plus(UNNAMED_WAIT));
                ChannelError::rate_limited(until.clamp(now.plus(Duration::from_secs(1)), now.plus(LONGEST_WAIT)))
            }
            (_, "M_USER_LOCKED" | "M_USER_SUSPENDED" | "M_USER_DEACTIVATED") => fault(
                Class::Unauthorized,
                "account_blocked",
                (
                    &format!("The homeserver has blocked the account ({detail})."),
                    &format!("De homeserver heeft het account geblokkeerd ({detail})."),
                ),
                (
                    "Ask the administrator of the homeserver to let the account in again.",
                    "Vraag de beheerder van de homeserver het account weer toe te laten.",
                ),
            ),
            (401, _) => token_refused(&detail),
            (403, _) if self.page => ChannelError::transient("something in front of the homeserver refuses us (403)"),
            (403, _) => fault(
                Class::Rejected,
                "forbidden",
                (
                    &format!("The homeserver does not allow this ({detail})."),
                    &format!("De homeserver staat dit niet toe ({detail})."),
                ),
                (
                    "The account may have left the room or may not write in it: invite it again, or raise its power level.",
                    "Het account is misschien uit de ruimte of mag er niet schrijven: nodig het opnieuw uit, of geef het meer rechten.",
                ),
            ),
            (404 | 405 | 410, _) => fault(
                Class::Rejected,
                "gone",
                ("This is not on the homeserver (any more).", "Dit staat niet (meer) op de homeserver."),
                (
                    "It was probably removed. If it happens with everything, check the homeserver's address.",
                    "Waarschijnlijk is het verwijderd. Gebeurt het met alles, controleer dan het adres van de homeserver.",
                ),
            ),
            (413, _) | (_, "M_TOO_LARGE") => fault(
                Class::Rejected,
                "too_large",
                (
                    "The homeserver does not take a message or file of this size.",
                    "De homeserver neemt een bericht of bestand van deze grootte niet aan.",
                ),
                ("Shorten it or send it in parts.", "Kort het in of verstuur het in delen."),
            ),
            (500.., _) => ChannelError::transient(format!("the homeserver is in trouble ({}: {detail})", self.status)),
            (300..=399 | 408 | 425, _) => ChannelError::transient(format!("an unexpected answer ({})", self.status)),
            _ => ChannelError::rejected("matrix.refused", detail),
        }
    }
}

impl From<ChannelError> for Fault {
    fn from(error: ChannelError) -> Self {
        Self::Decided(error)
    }
}

/// An error of this channel.
#[must_use]
pub fn fault(class: Class, code: &str, cause: (&str, &str), cure: (&str, &str)) -> ChannelError {
    ChannelError::new(class, format!("matrix.{code}"), Words::new(cause.0, cause.1), Words::new(cure.0, cure.1))
}

fn token_refused(detail: &str) -> ChannelError {
    fault(
        Class::Unauthorized,
        "token_refused",
        (
            &format!("The homeserver does not accept our access token ({detail})."),
            &format!("De homeserver accepteert ons toegangstoken niet ({detail})."),
        ),
        (
            "Fill in the password, or a new access token, at this account.",
            "Vul bij dit account het wachtwoord of een nieuw toegangstoken in.",
        ),
    )
}

/// Where a JSON answer was due and something else came.
#[must_use]
pub fn not_json() -> ChannelError {
    fault(
        Class::Transient,
        "not_json",
        (
            "The address answers, but not as a Matrix homeserver does.",
            "Het adres antwoordt, maar niet zoals een Matrix-homeserver.",
        ),
        (
            "Balie keeps trying. If it lasts, check the homeserver's address and whether a proxy or maintenance page is in front of it.",
            "Balie blijft het proberen. Duurt het voort, controleer dan het adres van de homeserver en of er een proxy of onderhoudspagina voor staat.",
        ),
    )
}

/// As a refusal means it where what was asked for must exist on every homeserver: that it is not there says something about
/// the server, never about a message.
#[must_use]
pub fn of_feed(error: ChannelError) -> ChannelError {
    if error.code == "matrix.gone" { ChannelError { class: Class::Transient, ..not_json() } } else { error }
}

/// The body as text: bytes that are no text cost those bytes alone.
#[must_use]
pub fn text(answer: &Answer) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&answer.body)
}

/// The body as JSON.
///
/// # Errors
/// `Transient`.
pub fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, ChannelError> {
    serde_json::from_str(&text(answer)).map_err(|_| not_json())
}

/// What a call sends.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    None,
    Json(&'a Value),
    Bytes { mime: &'a str, bytes: &'a bytes::Bytes },
}

/// A homeserver by its address, before anybody signs in.
pub struct Server {
    pub context: Context,
    typed: Url,
    found: OnceCell<Url>,
}

impl Server {
    /// `address` as an admin types it: a server name or the address of its API.
    ///
    /// # Errors
    /// `Rejected` when it is no address or may not be reached.
    pub fn new(context: Context, address: &str) -> Result<Self, ChannelError> {
        let typed = address_of(address)?;
        context.client.check(&typed)?;
        Ok(Self { context, typed, found: OnceCell::new() })
    }

    /// What the admin typed, tidied.
    #[must_use]
    pub fn typed(&self) -> &Url {
        &self.typed
    }

    /// Where the API is: the address itself when a homeserver answers there, else where its `.well-known` points to.
    async fn base(&self) -> Result<&Url, Fault> {
        self.found.get_or_try_init(|| self.discover()).await
    }

    async fn discover(&self) -> Result<Url, Fault> {
        let refused = match self.versions(&self.typed).await {
            Ok(()) => return Ok(self.typed.clone()),
            Err(Fault::Refused(refusal)) if refusal.status < 500 && refusal.status != 429 => Fault::Refused(refusal),
            Err(Fault::Decided(error)) => Fault::Decided(error),
            Err(fault) => return Err(fault),
        };
        let mut known = self.typed.clone();
        known.set_path("/.well-known/matrix/client");
        let request = self.context.client.request(Method::GET, &known)?.timeout(PATIENCE);
        let Ok(answer) = self.send(request).await else { return Err(refused) };
        let named = read::<Value>(&answer)?["m.homeserver"]["base_url"].as_str().map(address_of);
        let Some(Ok(base)) = named else { return Err(refused) };
        self.context.client.check(&base)?;
        self.versions(&base).await?;
        Ok(base)
    }

    async fn versions(&self, base: &Url) -> Result<(), Fault> {
        let url = join(base, &["_matrix", "client", "versions"]);
        let request = self.context.client.request(Method::GET, &url)?.timeout(PATIENCE);
        let answer = self.send(request).await?;
        let known: Value = read(&answer)?;
        if known["versions"].is_array() { Ok(()) } else { Err(not_json().into()) }
    }

    /// Sends; any answer that is not a success is a `Fault`.
    ///
    /// # Errors
    /// As it says.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, Fault> {
        self.send_limited(request, crate::channels::client::DEFAULT_MAX_BODY).await
    }

    async fn send_limited(&self, request: RequestBuilder, max: usize) -> Result<Answer, Fault> {
        match self.context.client.send_limited(request, max).await {
            Ok(answer) if answer.status.is_success() => Ok(answer),
            Ok(answer) => Err(Fault::Refused(Refusal::read(&answer, self.context.clock.now()))),
            Err(Failure::Lost(why)) => Err(Fault::Lost(why)),
            Err(Failure::NotSent(why)) => Err(Fault::NotSent(why)),
        }
    }

    /// One call without signing in, read as JSON.
    ///
    /// # Errors
    /// As `send`.
    pub async fn post(&self, path: &[&str], token: Option<&str>, body: &Value) -> Result<Value, Fault> {
        let url = join(self.base().await?, &[&["_matrix", "client"], path].concat());
        let mut request = self.context.client.request(Method::POST, &url)?.timeout(PATIENCE).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Ok(read(&self.send(request).await?)?)
    }

    /// Who a token belongs to.
    ///
    /// # Errors
    /// As `send`.
    pub async fn whoami(&self, token: &str) -> Result<Value, Fault> {
        let url = join(self.base().await?, &["_matrix", "client", "v3", "account", "whoami"]);
        let request = self.context.client.request(Method::GET, &url)?.timeout(PATIENCE).bearer_auth(token);
        Ok(read(&self.send(request).await?)?)
    }

    /// The words of a fault.
    #[must_use]
    pub fn say(&self, fault: Fault) -> ChannelError {
        match fault {
            Fault::Refused(refusal) => refusal.class(self.context.clock.now()),
            Fault::Lost(why) | Fault::NotSent(why) => ChannelError::transient(why),
            Fault::Decided(error) => error,
        }
    }
}

/// The calls of one account.
pub struct Api {
    pub server: Server,
    session: Session,
}

/// A path below `/_matrix`, its query, and what is special about the call.
pub struct Call<'a> {
    pub method: Method,
    pub path: &'a [&'a str],
    pub query: &'a [(&'a str, &'a str)],
    pub body: Body<'a>,
    /// The server may wait with its answer until there is one.
    pub long: bool,
    pub max: usize,
}

impl<'a> Call<'a> {
    #[must_use]
    pub fn new(method: Method, path: &'a [&'a str]) -> Self {
        let max = crate::channels::client::DEFAULT_MAX_BODY;
        Self { method, path, query: &[], body: Body::None, long: false, max }
    }
}

impl Api {
    #[must_use]
    pub fn new(server: Server, session: Session) -> Self {
        Self { server, session }
    }

    /// Who we are.
    ///
    /// # Errors
    /// As `Session::login`.
    pub async fn login(&self) -> Result<Login, ChannelError> {
        self.session.login(&self.server).await
    }

    /// Calls with our token; renews it once when it is refused.
    ///
    /// # Errors
    /// As `Server::send`.
    pub async fn call(&self, call: &Call<'_>) -> Result<Answer, Fault> {
        let login = self.session.login(&self.server).await?;
        match self.once(call, &login.access).await {
            Err(Fault::Refused(refusal)) if refusal.is_token() => {
                let login = self.session.renew(&self.server, &login.access, refusal).await?;
                self.once(call, &login.access).await
            }
            done => done,
        }
    }

    async fn once(&self, call: &Call<'_>, token: &str) -> Result<Answer, Fault> {
        let url = join(self.server.base().await?, &[&["_matrix"], call.path].concat());
        let client = &self.server.context.client;
        let mut request = if call.long { client.stream(&url)? } else { client.request(call.method.clone(), &url)? };
        if call.method == Method::GET && !call.long {
            request = request.timeout(PATIENCE);
        }
        request = request.query(call.query).bearer_auth(token);
        request = match call.body {
            Body::None => request,
            Body::Json(body) => request.json(body),
            Body::Bytes { mime, bytes } => request.header("content-type", mime).body(bytes.clone()),
        };
        self.server.send_limited(request, call.max).await
    }

    /// GET below `/_matrix`.
    ///
    /// # Errors
    /// As `call`.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer, Fault> {
        self.call(&Call { query, ..Call::new(Method::GET, path) }).await
    }

    /// PUT or POST of JSON below `/_matrix`.
    ///
    /// # Errors
    /// As `call`.
    pub async fn send(&self, method: Method, path: &[&str], body: &Value) -> Result<Value, Fault> {
        let answer = self.call(&Call { body: Body::Json(body), ..Call::new(method, path) }).await?;
        Ok(read(&answer)?)
    }

    /// The words of a fault.
    #[must_use]
    pub fn say(&self, fault: Fault) -> ChannelError {
        self.server.say(fault)
    }
}

/// An address below a base; every part is one segment, whatever is in it.
#[must_use]
pub fn join(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// The address from what an admin types.
///
/// # Errors
/// `Rejected` when it is none.
pub fn address_of(address: &str) -> Result<Url, ChannelError> {
    let address = address.trim();
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let wrong = || {
        fault(
            Class::Rejected,
            "address",
            ("The homeserver's address cannot be read.", "Het adres van de homeserver is niet te lezen."),
            (
                "Write it like https://matrix.example or example.org.",
                "Schrijf het als https://matrix.example of example.org.",
            ),
        )
    };
    let mut url: Url = whole.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::{address_of, join};

    #[test]
    fn a_homeserver_may_be_written_in_many_ways() {
        for address in ["chat.example", " https://chat.example ", "https://user:pw@chat.example/?x=1#y"] {
            assert_eq!(address_of(address).unwrap().as_str(), "https://chat.example/", "{address}");
        }
        for address in ["", "https://", "ftp://chat.example", "chat example"] {
            assert!(address_of(address).is_err(), "{address}");
        }
        let base = address_of("https://chat.example/matrix/").unwrap();
        let url = join(&base, &["_matrix", "client", "v3", "rooms", "!a/../b?c:d", "event", "$e#f"]);
        assert_eq!(url.as_str(), "https://chat.example/matrix/_matrix/client/v3/rooms/!a%2F..%2Fb%3Fc:d/event/$e%23f");
    }
}
