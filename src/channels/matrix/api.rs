//! Calls to one homeserver: where it is, headers, who signs them.
//!
//! Promises: a token that ended is renewed once and the call repeated once; an answer that is not JSON never fails otherwise
//! than as `Transient`; no token is in an error.
//! Must not: know what the answers are for.
//! Source: Matrix client-server API v1.19 ("API standards", "Server discovery"), read 2026-11.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

pub use super::refusal::{Fault, Refusal, fault, not_json, of_feed};
use super::session::{Login, Session};
use crate::channels::client::{Answer, Failure};
use crate::channels::error::Class;
use crate::channels::{ChannelError, Context};

/// How long a question may take: a server that hangs must be noticed twice within a minute.
pub const PATIENCE: Duration = Duration::from_secs(15);

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
    /// How long the answer may take; `None` leaves it to the client.
    pub patience: Option<Duration>,
    pub max: usize,
}

impl<'a> Call<'a> {
    #[must_use]
    pub fn new(method: Method, path: &'a [&'a str]) -> Self {
        let max = crate::channels::client::DEFAULT_MAX_BODY;
        // What only asks may be asked again.
        let patience = (method == Method::GET).then_some(PATIENCE);
        Self { method, path, query: &[], body: Body::None, long: false, patience, max }
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
        if let Some(patience) = call.patience.filter(|_| !call.long) {
            request = request.timeout(patience);
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
