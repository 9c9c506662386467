//! Who is asking: cookie sessions, API tokens, and where the request comes from.
//!
//! Promises: a cookie alone changes nothing from another site (`Origin` is checked on every unsafe method and on the socket);
//! the cookie cannot be read by scripts; the database holds only its fingerprint; guessing is slow.
//! Must not: know what anybody may see; `desk/access.rs` does.

use futures_util::future::BoxFuture;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use super::Web;
use super::error::{Answer, ApiError};
use crate::desk::Viewer;
use crate::desk::people::{self, By, SignedIn};
use crate::model::UserId;
use crate::secret::Secret;
use crate::store;

/// The name of the cookie.
pub const COOKIE: &str = "balie_session";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Somebody who is signed in. As an argument of a handler it turns everybody else away.
#[derive(Clone, Debug)]
pub struct Signed(pub SignedIn);

impl Signed {
    #[must_use]
    pub fn id(&self) -> UserId {
        self.0.user.id
    }

    /// As the author of a change.
    #[must_use]
    pub fn author(&self) -> store::Actor {
        store::Actor::User(self.id())
    }

    /// The fingerprint of the browser's session; `None` for an API token.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        match &self.0.by {
            By::Session(fingerprint) => Some(fingerprint),
            By::Token(_) => None,
        }
    }

    /// As the desk knows them.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        let user = &self.0.user;
        Viewer { user_id: user.id, name: user.name.clone(), role: user.role, teams: self.0.team_ids.clone() }
    }
}

impl FromRequestParts<Web> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, ApiError> {
        signed(&parts.headers, web).await
    }
}

// Boxed, so that it is compiled once: see "The binary" in docs/PERFORMANCE.md.
fn signed<'a>(headers: &'a HeaderMap, web: &'a Web) -> BoxFuture<'a, Result<Signed, ApiError>> {
    Box::pin(async move {
        if let Some(token) = bearer(headers) {
            let found = people::by_token(&web.store, token.expose()).await?;
            return found.map(Signed).ok_or_else(|| {
                ApiError::new(
                    axum::http::StatusCode::UNAUTHORIZED,
                    "token.unknown",
                    "This API token is not, or no longer, valid.",
                )
            });
        }
        let cookie = cookie(headers).ok_or_else(ApiError::signed_out)?;
        let found = people::by_session(&web.store, cookie.expose()).await?;
        found.map(Signed).ok_or_else(ApiError::signed_out)
    })
}

/// The address that asks. Of what a trusted proxy says of where a request came from, the last hop is believed that is no such proxy
/// itself; and only when a public address was configured, for else there is no proxy. Nobody else is believed: whoever may choose their
/// own address is never counted.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl FromRequestParts<Web> for Peer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, ApiError> {
        let direct = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([0, 0, 0, 0]), |c| c.0.ip());
        let trusted: &[IpNet] = if web.public_url.is_some() { &web.trusted } else { &[] };
        Ok(Self(origin_of(direct, &parts.headers, trusted)))
    }
}

fn origin_of(direct: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_ours = |ip: IpAddr| trusted.iter().any(|network| network.contains(&ip.to_canonical()));
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
    let mut origin = direct;
    for hop in hops.iter().rev() {
        if !is_ours(origin) {
            break;
        }
        let Ok(before) = hop.trim().parse() else { break };
        origin = before;
    }
    origin
}

/// Turns away requests that another site makes with our visitor's cookie.
pub async fn same_origin(State(web): State<Web>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe && let Err(refusal) = check_origin(&web, request.headers()) {
        return refusal.into_response();
    }
    next.run(request).await
}

/// Whether a request comes from our own pages, or from no browser at all.
///
/// # Errors
/// `origin.foreign` when another site is behind it.
pub fn check_origin(web: &Web, headers: &HeaderMap) -> Answer<()> {
    // A browser adds no bearer token by itself, so such a request is nobody's forgery.
    if bearer(headers).is_some() {
        return Ok(());
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let ours = match text(header::ORIGIN) {
        Some(origin) => is_own_origin(web, headers, origin),
        None if headers.contains_key(FETCH_SITE) => text(FETCH_SITE) == Some("same-origin"),
        // No browser leaves out both. A cookie without either is somebody else's tool with a stolen cookie, or a very old browser.
        None => cookie(headers).is_none(),
    };
    if ours {
        return Ok(());
    }
    Err(ApiError::forbidden("origin.foreign", "This request comes from another site.")
        .cure("Behind a proxy: start Balie with --public-url set to the address in the browser. In a script: use an API token."))
}

/// Whether an `Origin` is where our own pages come from.
pub fn is_own_origin(web: &Web, headers: &HeaderMap, origin: &str) -> bool {
    let origin: Option<url::Url> = origin.parse().ok();
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let public =
        web.public_url.as_ref().zip(origin.as_ref()).is_some_and(|(ours, theirs)| ours.origin() == theirs.origin());
    public || origin.as_ref().zip(host).is_some_and(|(origin, host)| is_host(origin, host))
}

fn is_host(origin: &url::Url, host: &str) -> bool {
    if !matches!(origin.scheme(), "http" | "https") {
        return false;
    }
    let Ok(host) = format!("{}://{host}", origin.scheme()).parse::<url::Url>() else { return false };
    host.host() == origin.host() && host.port_or_known_default() == origin.port_or_known_default()
}

/// The token in the header for it.
pub fn bearer(headers: &HeaderMap) -> Option<Secret<String>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim().to_owned()))
}

/// The session cookie of a request.
#[must_use]
pub fn cookie(headers: &HeaderMap) -> Option<Secret<String>> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| Secret::new(value.to_owned()))
}

/// The header that gives a browser its session, or takes it (`None`).
#[must_use]
pub fn set_cookie(web: &Web, token: Option<&Secret<String>>) -> HeaderValue {
    let secure = if web.is_secure() { "; Secure" } else { "" };
    let (value, age) = token.map_or(("", 0), |token| (token.expose().as_str(), people::LONGEST.as_secs()));
    let text = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    let mut header = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::{cookie, is_host, origin_of};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn an_origin_is_ours_only_when_host_and_port_are() {
        let origin = |text: &str| text.parse::<url::Url>().unwrap();
        assert!(is_host(&origin("http://localhost:8080"), "localhost:8080"));
        assert!(is_host(&origin("https://balie.example"), "balie.example"));
        assert!(is_host(&origin("https://balie.example"), "Balie.Example:443"));
        for (theirs, host) in [
            ("http://localhost:8081", "localhost:8080"),
            ("https://evil.example", "balie.example"),
            ("https://balie.example.evil.example", "balie.example"),
            ("http://127.0.0.1:8080", "localhost:8080"),
            ("null:x", "localhost:8080"),
        ] {
            assert!(!is_host(&origin(theirs), host), "{theirs} {host}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_who_asks() {
        let trusted = ["127.0.0.0/8".parse().unwrap(), "172.16.0.0/12".parse().unwrap()];
        let origin = |direct: &str, said: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for said in said {
                headers.append("x-forwarded-for", HeaderValue::from_static(said));
            }
            origin_of(direct.parse().unwrap(), &headers, &trusted).to_string()
        };
        assert_eq!(origin("127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(origin("::ffff:172.18.0.1", &["forged, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(origin("127.0.0.1", &["192.0.2.9", "198.51.100.7, 172.18.0.2"]), "198.51.100.7");
        assert_eq!(origin("10.0.0.9", &["198.51.100.7"]), "10.0.0.9", "a colleague on the same network is no proxy");
        assert_eq!(origin("203.0.113.5", &["198.51.100.7"]), "203.0.113.5");
        assert_eq!(origin("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(origin("127.0.0.1", &["unknown"]), "127.0.0.1");
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; xbalie_session=no; balie_session=yes"));
        assert_eq!(cookie(&headers).unwrap().expose(), "yes");
        assert!(cookie(&HeaderMap::new()).is_none());
    }
}
