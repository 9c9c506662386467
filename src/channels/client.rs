//! The one way out: every request to a platform goes through this client.
//!
//! Promises: every call ends (time-outs on connecting, on silence and on the whole); no answer larger than it asked for is
//! read; no private, loopback or link-local address is reached unless the admin allowed it, however the name resolves or
//! redirects, and whatever proxy the environment names: a proxy would look the name up itself, past this guard; errors never contain a URL's query or a header; a request that may have arrived is told apart from one that
//! certainly did not.
//! Must not: know a platform.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response, StatusCode};

use super::ChannelError;
use super::item::Quota;
use crate::model::Timestamp;

/// The largest answer read when the caller does not say otherwise.
pub const DEFAULT_MAX_BODY: usize = 16 * 1024 * 1024;

/// A guarded HTTP client; cheap to clone, shares its connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// No total time-out: for streams, which are watched for silence instead.
    streaming: reqwest::Client,
    /// Follows no redirect.
    straight: reqwest::Client,
    allow_private: bool,
    /// Private addresses that may be reached all the same.
    also: Arc<[SocketAddr]>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The request certainly did not arrive.
    NotSent(String),
    /// The request may have arrived; the answer did not.
    Lost(String),
}

impl From<Failure> for ChannelError {
    /// The right reading for calls that change nothing. Calls that post must look at the variant.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(why) | Failure::Lost(why) => Self::transient(why),
        }
    }
}

impl Client {
    /// `allow_private`: whether addresses of private networks may be reached (a deployment's own servers, tests).
    ///
    /// # Errors
    /// When the machine's TLS roots cannot be loaded.
    #[allow(clippy::disallowed_methods, reason = "this is the one place that makes a client")]
    pub fn new(allow_private: bool) -> Result<Self, reqwest::Error> {
        let build = || {
            reqwest::Client::builder()
                .user_agent(concat!("Balie/", env!("CARGO_PKG_VERSION"), " (webcare inbox)"))
                .connect_timeout(Duration::from_secs(10))
                .pool_idle_timeout(Duration::from_secs(60))
                // Where a redirect leads, nobody needs to know from which address: many hold a secret.
                .referer(false)
                .no_proxy()
                .dns_resolver(Arc::new(Guard { allow_private }))
                .redirect(reqwest::redirect::Policy::custom(move |attempt| {
                    if attempt.previous().len() > 5 {
                        attempt.error("too many redirects")
                    } else if !allow_private && literal(attempt.url()).is_some_and(is_private) {
                        attempt.error("redirected to a private address")
                    } else {
                        attempt.follow()
                    }
                }))
        };
        Ok(Self {
            http: build().timeout(Duration::from_secs(60)).read_timeout(Duration::from_secs(30)).build()?,
            streaming: build().read_timeout(Duration::from_secs(45)).build()?,
            straight: build()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(30))
                .read_timeout(Duration::from_secs(20))
                .build()?,
            allow_private,
            also: Arc::new([]),
        })
    }

    /// Lets one private address be reached, written as numbers, port included: a platform that this process plays itself.
    #[must_use]
    pub fn and_also(self, address: SocketAddr) -> Self {
        let also = self.also.iter().copied().chain([address]).collect();
        Self { also, ..self }
    }

    /// Whether private addresses may be reached.
    #[must_use]
    pub fn allows_private(&self) -> bool {
        self.allow_private
    }

    /// Starts a request.
    ///
    /// # Errors
    /// `Rejected` when the address is private and that is not allowed, or not http(s).
    pub fn request(&self, method: reqwest::Method, url: &url::Url) -> Result<RequestBuilder, ChannelError> {
        self.check(url)?;
        Ok(self.http.request(method, url.clone()))
    }

    /// Starts a request that follows no redirect: a 3xx is an answer. For what is signed for one address, and for who wants to
    /// know where something moved to.
    ///
    /// # Errors
    /// As `request`.
    pub fn straight(&self, method: reqwest::Method, url: &url::Url) -> Result<RequestBuilder, ChannelError> {
        self.check(url)?;
        Ok(self.straight.request(method, url.clone()))
    }

    /// Starts a request whose answer does not end; 45 s of silence ends it.
    ///
    /// # Errors
    /// As `request`.
    pub fn stream(&self, url: &url::Url) -> Result<RequestBuilder, ChannelError> {
        self.check(url)?;
        Ok(self.streaming.get(url.clone()))
    }

    /// Refuses addresses that may not be reached. Names are checked again when they are resolved.
    ///
    /// # Errors
    /// `Rejected`.
    pub fn check(&self, url: &url::Url) -> Result<(), ChannelError> {
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
            return Err(ChannelError::rejected(
                "address.scheme",
                format!("{} addresses cannot be fetched.", url.scheme()),
            ));
        }
        let also = || self.also.iter().any(|also| literal(url) == Some(also.ip()) && url.port() == Some(also.port()));
        if !self.allow_private && literal(url).is_some_and(is_private) && !also() {
            return Err(private());
        }
        Ok(())
    }

    /// Where a host that is no web server may be dialled: what its name leads to, without the private addresses unless those are
    /// allowed.
    ///
    /// # Errors
    /// `Transient` when the name leads nowhere; `Rejected` when it leads only to where we may not go.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ChannelError> {
        let bare = host.trim_matches(|c| c == '[' || c == ']');
        let found: Vec<SocketAddr> = tokio::net::lookup_host((bare, port))
            .await
            .map_err(|_| ChannelError::transient(format!("the name {bare} cannot be looked up")))?
            .collect();
        let allowed: Vec<SocketAddr> = found
            .iter()
            .copied()
            .filter(|at| self.allow_private || !is_private(at.ip()) || self.also.contains(at))
            .collect();
        if allowed.is_empty() && !found.is_empty() {
            return Err(private());
        }
        Ok(allowed)
    }

    /// Sends and reads the answer whole, at most `DEFAULT_MAX_BODY` bytes.
    ///
    /// # Errors
    /// `Failure`: nothing was sent, or the answer was lost. A status of any kind is an answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        self.send_limited(request, DEFAULT_MAX_BODY).await
    }

    /// As `send`, with another limit in bytes.
    ///
    /// # Errors
    /// As `send`.
    pub async fn send_limited(&self, request: RequestBuilder, max: usize) -> Result<Answer, Failure> {
        let response = request.send().await.map_err(|error| failure(&error))?;
        read(response, max).await
    }
}

fn private() -> ChannelError {
    ChannelError::rejected(
        "address.private",
        "this address is in a private network; start Balie with --allow-private if that is meant.",
    )
}

async fn read(response: Response, max: usize) -> Result<Answer, Failure> {
    let status = response.status();
    let headers = response.headers().clone();
    if response.content_length().is_some_and(|n| n > max as u64) {
        return Err(Failure::Lost("the answer is too large".to_owned()));
    }
    let mut body = BytesMut::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| failure(&error))?;
        if body.len() + chunk.len() > max {
            return Err(Failure::Lost("the answer is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

fn failure(error: &reqwest::Error) -> Failure {
    let why = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        // The innermost cause says it best ("connection refused") and never holds the URL.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        if std::ptr::eq(cause, error as &dyn std::error::Error) {
            "the request failed".to_owned()
        } else {
            cause.to_string()
        }
    };
    if error.is_connect() || error.is_builder() || error.is_redirect() {
        Failure::NotSent(why)
    } else {
        Failure::Lost(why)
    }
}

impl Answer {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// When to come back, from `Retry-After` in either form (RFC 9110 §10.2.3): seconds or an HTTP date.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<Timestamp> {
        retry_after(self.header("retry-after")?, now)
    }

    /// Headroom from three headers whose reset is given by `reset`.
    #[must_use]
    pub fn quota(&self, prefix: &str, reset: impl Fn(&str) -> Option<Timestamp>) -> Option<Quota> {
        let number = |name: &str| self.header(&format!("{prefix}{name}"))?.trim().parse::<i64>().ok();
        Some(Quota {
            limit: number("limit")?,
            remaining: number("remaining")?,
            reset_at: reset(self.header(&format!("{prefix}reset"))?)?,
        })
    }

    /// The start of the body as text, for error sentences.
    #[must_use]
    pub fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(200).collect()
    }
}

/// Reads a `Retry-After` value; at most a day ahead, so that a nonsense value does not silence an account for ever.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Timestamp> {
    const DAY: Duration = Duration::from_secs(86_400);
    let at = if let Ok(seconds) = value.trim().parse::<u64>() {
        now.plus(Duration::from_secs(seconds.min(DAY.as_secs())))
    } else {
        let moment = httpdate::parse_http_date(value.trim()).ok()?;
        let ms = moment.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
        Timestamp(i64::try_from(ms).ok()?)
    };
    Some(at.clamp(now, now.plus(DAY)))
}

struct Guard {
    allow_private: bool,
}

impl reqwest::dns::Resolve for Guard {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|at| allow_private || !is_private(at.ip())).collect();
            if allowed.is_empty() {
                return Err("the name leads to a private address or to none".into());
            }
            Ok(Box::new(allowed.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

fn literal(url: &url::Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Ipv4(ip) => Some(ip.into()),
        url::Host::Ipv6(ip) => Some(ip.into()),
        // Resolved by the guard in any case; named here so that the refusal comes with the clearer sentence.
        url::Host::Domain("localhost") => Some(std::net::Ipv4Addr::LOCALHOST.into()),
        url::Host::Domain(_) => None,
    }
}

/// Whether an address is of this machine, of a private network or of no use on the public internet.
#[must_use]
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (b == 18 || b == 19))
                || (a == 192 && b == 0)
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || (a & 0xfe00) == 0xfc00
                || (a & 0xffc0) == 0xfe80
                || (a == 0x2001 && b == 0x0db8)
                || ip.to_ipv4().is_some_and(|v4| is_private(v4.into()))
                || (a == 0x0064 && b == 0xff9b)
                || a == 0x2002
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, is_private, retry_after};
    use crate::model::Timestamp;

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        let now = Timestamp(1_772_442_845_000);
        assert_eq!(retry_after("120", now), Some(Timestamp(now.0 + 120_000)));
        assert_eq!(retry_after("Mon, 02 Mar 2026 09:15:05 GMT", now), Some(Timestamp(now.0 + 60_000)));
        assert_eq!(retry_after("99999999999", now), Some(Timestamp(now.0 + 86_400_000)));
        assert_eq!(retry_after("Mon, 02 Mar 2020 09:15:05 GMT", now), Some(now));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn every_spelling_of_a_private_address_is_refused() {
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
        ] {
            assert!(is_private(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["8.8.8.8", "2a00:1450::1"] {
            assert!(!is_private(ip.parse().unwrap()), "{ip}");
        }
        let client = Client::new(false).unwrap();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://localhost:8080/",
            "file:///etc/passwd",
        ] {
            assert!(client.check(&url.parse().unwrap()).is_err(), "{url}");
        }
        assert!(client.check(&"https://mastodon.example/".parse().unwrap()).is_ok());
        let client = client.and_also("127.0.0.1:4000".parse().unwrap()).and_also("127.0.0.1:4002".parse().unwrap());
        for (url, allowed) in [
            ("http://127.0.0.1:4000/x", true),
            ("http://127.0.0.1:4001/", false),
            ("http://127.0.0.1:4002/", true),
            ("http://127.0.0.2:4000/", false),
        ] {
            assert_eq!(client.check(&url.parse().unwrap()).is_ok(), allowed, "{url}");
        }
    }

    #[tokio::test]
    async fn nobody_is_told_where_we_were_sent_from() {
        use crate::channels::fake::{Fault, Rule, Wire, serve};
        let start = async || {
            let page = axum::Router::new().fallback(|| async { "" });
            serve("127.0.0.1:0".parse().unwrap(), page, Wire::default(), serde_json::Value::Null).await.unwrap()
        };
        let (here, there) = (start().await, start().await);
        let to = format!("{}/there", there.url);
        here.wire.inject(Rule::new("/feed", Fault::with_headers(302, &[("location", &to)])));
        let client = Client::new(true).unwrap();
        // Many an address is a secret of its own: a bot's token, a feed's key.
        let url = format!("{}/feed?key=geheim", here.url).parse().unwrap();
        let answer = client.send(client.request(reqwest::Method::GET, &url).unwrap()).await.unwrap();
        assert!(answer.status.is_success());
        assert_eq!(there.wire.calls()[0].headers.get("referer"), None);
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused_when_it_is_resolved() {
        let client = Client::new(false).unwrap();
        // Past the check of names, as a public name that resolves to a private address would be.
        let request = client.http.get("http://localhost:9/");
        let failure = client.send(request).await.unwrap_err();
        assert!(format!("{failure:?}").contains("private address"), "{failure:?}");
    }
}
