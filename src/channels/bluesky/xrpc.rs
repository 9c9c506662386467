//! XRPC: one call, and what its answer means.
//!
//! Source: <https://atproto.com/specs/xrpc> and the behaviour of the reference PDS 0.5, read and tried 2026-11-22.
//! Promises: every refusal becomes one of the five classes here and nowhere else, with a cause and a cure in both languages.
//! Must not: know tokens; `session.rs` does.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::channels::client::{Answer, Failure};
use crate::channels::lenient::parse;
use crate::channels::{ChannelError, Class, Client, Quota, Words};
use crate::clock::Clock;
use crate::model::Timestamp;

/// How long a question may take, and what it needs before it can be asked. A server that hangs must be noticed twice within a
/// minute, or the account is not red in time; what posts or uploads keeps the client's own, longer limits.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a call carries.
#[derive(Clone, Debug)]
pub enum Body {
    None,
    Json(Value),
    Blob { mime: String, bytes: bytes::Bytes },
}

/// Why a call gave nothing.
#[derive(Debug)]
pub enum Fault {
    /// Decided before or without a refusal of the server: no session, a bad address, a rate limit.
    Decided(ChannelError),
    /// It certainly did not arrive.
    NotSent(String),
    /// It may have arrived.
    Lost(String),
    Refused(Refusal),
}

/// The server's no: `{"error": name, "message": sentence}` with a status.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    pub error: String,
    pub message: String,
}

impl Fault {
    /// Whether the server refused with this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.error == name)
    }
}

impl From<ChannelError> for Fault {
    fn from(error: ChannelError) -> Self {
        Self::Decided(error)
    }
}

impl From<Fault> for ChannelError {
    /// For calls that change nothing, or may be repeated: a lost answer is only a reason to ask again.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Decided(error) => error,
            Fault::NotSent(why) | Fault::Lost(why) => Self::transient(why),
            Fault::Refused(refusal) => refusal.into(),
        }
    }
}

/// The address of a method at a host.
///
/// # Errors
/// `Rejected` when the host cannot carry a path.
pub fn address(host: &Url, nsid: &str, query: &[(&str, &str)]) -> Result<Url, ChannelError> {
    let mut url = host
        .join(&format!("/xrpc/{nsid}"))
        .map_err(|_| ChannelError::rejected("bluesky.address", "the server's address cannot be used."))?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// Makes a request; the caller adds its credentials.
///
/// # Errors
/// `Rejected` when the address may not be reached.
pub fn request(client: &Client, url: &Url, body: &Body) -> Result<RequestBuilder, ChannelError> {
    let method = if matches!(body, Body::None) { Method::GET } else { Method::POST };
    let request = client.request(method, url)?;
    Ok(match body {
        Body::None => request.timeout(PATIENCE),
        // Without fields there must be no body at all: the reference server refuses `{}` on methods without input.
        Body::Json(Value::Null) => request.header("content-length", "0"),
        Body::Json(value) => request.json(value),
        Body::Blob { mime, bytes } => request.header("content-type", mime).body(bytes.clone()),
    })
}

/// Sends and reads the answer's JSON, and the headroom that its headers tell.
///
/// # Errors
/// `Fault`.
pub async fn send(client: &Client, clock: &Clock, request: RequestBuilder) -> (Result<Value, Fault>, Option<Quota>) {
    send_for(client, clock, request).await
}

/// As `send`, for an answer of this shape.
///
/// # Errors
/// `Fault`.
pub async fn send_for<T: DeserializeOwned>(
    client: &Client,
    clock: &Clock,
    request: RequestBuilder,
) -> (Result<T, Fault>, Option<Quota>) {
    let answer = match client.send(request).await {
        Ok(answer) => answer,
        Err(Failure::NotSent(why)) => return (Err(Fault::NotSent(why)), None),
        Err(Failure::Lost(why)) => return (Err(Fault::Lost(why)), None),
    };
    let quota = answer
        .quota("ratelimit-", |text| text.trim().parse::<i64>().ok().and_then(|s| s.checked_mul(1000)).map(Timestamp));
    (read(&answer, quota, clock.now()), quota)
}

fn read<T: DeserializeOwned>(answer: &Answer, quota: Option<Quota>, now: Timestamp) -> Result<T, Fault> {
    if answer.status.is_success() {
        let body = if answer.body.is_empty() { b"null".as_slice() } else { &answer.body };
        return parse(body).map_err(|_| Fault::Lost("the answer cannot be read".to_owned()));
    }
    if answer.status.as_u16() == 429 {
        // A reset that has passed, or none at all, must not make us hammer; one that is absurd must not silence us for ever.
        let until = quota
            .filter(|quota| quota.remaining <= 0)
            .map(|quota| quota.reset_at)
            .or_else(|| answer.retry_after(now))
            .unwrap_or(Timestamp(now.0 + 60_000))
            .clamp(Timestamp(now.0 + 1_000), Timestamp(now.0 + 86_400_000));
        return Err(Fault::Decided(ChannelError::rate_limited(until)));
    }
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().chars().take(300).collect::<String>();
    let (error, message) = match &parse::<Value>(&answer.body) {
        Ok(value) => (text(value, "error"), text(value, "message")),
        Err(_) => (String::new(), answer.excerpt()),
    };
    Err(Fault::Refused(Refusal { status: answer.status.as_u16(), error, message }))
}

impl Refusal {
    /// The token is too old or unknown: a new one may help.
    #[must_use]
    pub fn is_stale_session(&self) -> bool {
        !self.is_missing_scope()
            && (matches!(self.error.as_str(), "ExpiredToken" | "InvalidToken" | "AuthMissing")
                || (self.status == 401 && self.error != "AuthFactorTokenRequired"))
    }

    /// The app password was made without access to direct messages; earlier versions said "scope".
    #[must_use]
    pub fn is_missing_scope(&self) -> bool {
        self.error == "InvalidToken" && self.message.starts_with("Bad token")
    }

    /// The service behind the account's server is not there or does not know the method. A service whose name leads nowhere
    /// is a bare 500 at the reference server.
    #[must_use]
    pub fn is_absent_service(&self) -> bool {
        self.status == 404 || self.status >= 500 || self.message.contains("could not resolve proxy")
    }

    /// The record, the repository or the account behind it is gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(
            self.error.as_str(),
            "RecordNotFound"
                | "NotFound"
                | "RepoNotFound"
                | "RepoTakendown"
                | "RepoDeactivated"
                | "RepoSuspended"
                | "AccountTakedown"
                | "AccountDeactivated"
        ) || (self.error == "InvalidRequest"
            && (self.message.starts_with("Could not locate record") || self.message.starts_with("Could not find repo")))
    }
}

/// An error with everything said.
pub fn fault(class: Class, code: &str, cause: (&str, &str), cure: (&str, &str)) -> ChannelError {
    ChannelError::new(class, format!("bluesky.{code}"), Words::new(cause.0, cause.1), Words::new(cure.0, cure.1))
}

const WAIT: (&str, &str) =
    ("Balie keeps trying and catches up by itself.", "Balie blijft het proberen en haalt vanzelf in.");
const NEW_PASSWORD: (&str, &str) = (
    "Make a new app password (bsky.app: Settings, Privacy and security, App passwords) and fill it in at this account.",
    "Maak een nieuw app-wachtwoord (bsky.app: Instellingen, Privacy en beveiliging, App-wachtwoorden) en vul het bij dit account in.",
);

impl From<Refusal> for ChannelError {
    /// The table of refusals: section "Limits & errors" of the protocol, one row each.
    fn from(refusal: Refusal) -> Self {
        let said = if refusal.message.is_empty() { refusal.error.clone() } else { refusal.message.clone() };
        let with = |en: &str, nl: &str| (format!("{en} ({said})"), format!("{nl} ({said})"));
        let row = |class, code: &str, cause: (String, String), cure| fault(class, code, (&cause.0, &cause.1), cure);
        match (refusal.status, refusal.error.as_str()) {
            _ if refusal.is_missing_scope() => no_dm_access(Class::Rejected),
            (_, "AuthFactorTokenRequired") => row(
                Class::Unauthorized,
                "main_password",
                with(
                    "This is the main password of an account with a code by e-mail.",
                    "Dit is het hoofdwachtwoord van een account met een code per e-mail.",
                ),
                NEW_PASSWORD,
            ),
            (_, "AccountTakedown" | "AccountSuspended" | "AccountDeactivated" | "RepoTakendown") => row(
                Class::Unauthorized,
                "account_closed",
                with(
                    "The platform has closed or suspended this account.",
                    "Het platform heeft dit account gesloten of opgeschort.",
                ),
                (
                    "Sign in at bsky.app and see what the platform asks.",
                    "Log in op bsky.app en kijk wat het platform vraagt.",
                ),
            ),
            (401, _) | (_, "AuthenticationRequired") => row(
                Class::Unauthorized,
                "password",
                with(
                    "The name or the app password is not accepted.",
                    "De naam of het app-wachtwoord wordt niet geaccepteerd.",
                ),
                NEW_PASSWORD,
            ),
            (_, "ExpiredToken" | "InvalidToken" | "AuthMissing") => row(
                Class::Transient,
                "session",
                with(
                    "The session is not accepted, though it was just renewed.",
                    "De sessie wordt niet geaccepteerd, hoewel ze net vernieuwd is.",
                ),
                WAIT,
            ),
            (403, _) => row(
                Class::Rejected,
                "forbidden",
                with("The platform does not allow this.", "Het platform staat dit niet toe."),
                ("Look at bsky.app what this account may do.", "Kijk op bsky.app wat dit account mag."),
            ),
            (413, _) => row(
                Class::Rejected,
                "too_large",
                with("The file is too large for this server.", "Het bestand is te groot voor deze server."),
                ("Make it smaller and send it again.", "Maak het kleiner en verstuur het opnieuw."),
            ),
            (404 | 501, _) | (_, "MethodNotImplemented") => row(
                Class::Transient,
                "service_absent",
                with(
                    "The account's server does not offer this service.",
                    "De server van het account biedt deze dienst niet.",
                ),
                (
                    "Check the address of the service in the account's settings.",
                    "Controleer het adres van de dienst bij de instellingen van het account.",
                ),
            ),
            (500..=599, _) => row(
                Class::Transient,
                "upstream",
                with("The platform has a fault of its own.", "Het platform heeft zelf een storing."),
                WAIT,
            ),
            (300..=399, _) => row(
                Class::Transient,
                "moved",
                with("The server sends us to another address.", "De server stuurt ons naar een ander adres."),
                (
                    "Check the address of the service in the account's settings.",
                    "Controleer het adres van de dienst bij de instellingen van het account.",
                ),
            ),
            _ => row(
                Class::Rejected,
                "refused",
                with("The platform refuses.", "Het platform weigert."),
                ("Change the message and send it again.", "Pas het bericht aan en verstuur het opnieuw."),
            ),
        }
    }
}

/// The app password may not read direct messages.
#[must_use]
pub fn no_dm_access(class: Class) -> ChannelError {
    fault(
        class,
        "app_password_without_dm",
        (
            "The app password gives no access to direct messages.",
            "Het app-wachtwoord geeft geen toegang tot privéberichten.",
        ),
        (
            "Make a new app password with \"Allow access to your direct messages\" ticked and fill it in at this account.",
            "Maak een nieuw app-wachtwoord met \"Geef toegang tot je privéberichten\" aangevinkt en vul het bij dit account in.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Fault, Refusal, read};
    use crate::channels::client::Answer;
    use crate::channels::{ChannelError, Class};
    use crate::model::Timestamp;

    fn refusal(status: u16, error: &str, message: &str) -> ChannelError {
        Refusal { status, error: error.into(), message: message.into() }.into()
    }

    #[test]
    fn every_refusal_has_its_class_and_words_in_both_languages() {
        for (status, error, message, class, code) in [
            (401, "AuthenticationRequired", "Invalid identifier or password", Class::Unauthorized, "bluesky.password"),
            (401, "AuthFactorTokenRequired", "", Class::Unauthorized, "bluesky.main_password"),
            (400, "AccountTakedown", "", Class::Unauthorized, "bluesky.account_closed"),
            (400, "InvalidToken", "Bad token method", Class::Rejected, "bluesky.app_password_without_dm"),
            (400, "InvalidToken", "Bad token scope", Class::Rejected, "bluesky.app_password_without_dm"),
            (400, "ExpiredToken", "Token has expired", Class::Transient, "bluesky.session"),
            (400, "InvalidRequest", "grapheme too big (maximum 300, got 301)", Class::Rejected, "bluesky.refused"),
            (403, "Forbidden", "", Class::Rejected, "bluesky.forbidden"),
            (404, "", "<html>", Class::Transient, "bluesky.service_absent"),
            (413, "PayloadTooLarge", "", Class::Rejected, "bluesky.too_large"),
            (501, "MethodNotImplemented", "", Class::Transient, "bluesky.service_absent"),
            (500, "InternalServerError", "", Class::Transient, "bluesky.upstream"),
            (502, "UpstreamFailure", "", Class::Transient, "bluesky.upstream"),
            (503, "NotEnoughResources", "", Class::Transient, "bluesky.upstream"),
            (504, "UpstreamTimeout", "", Class::Transient, "bluesky.upstream"),
        ] {
            let it = refusal(status, error, message);
            assert_eq!((it.class, it.code.as_str()), (class, code), "{status} {error}");
            assert!(
                !it.cause.nl.is_empty() && !it.cure.nl.is_empty() && it.cause.nl != it.cause.en,
                "{status} {error}"
            );
            assert!(message.is_empty() || message.starts_with("Bad") || it.cause.en.contains(message));
        }
    }

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let mut map = reqwest::header::HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Answer { status: reqwest::StatusCode::from_u16(status).unwrap(), headers: map, body: body.to_owned().into() }
    }

    #[test]
    fn a_rate_limit_waits_until_its_reset_and_never_for_ever() {
        let now = Timestamp(1_772_442_845_000);
        for (headers, wait) in [
            (vec![("ratelimit-limit", "30"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "1772443000")], 155_000),
            (vec![("retry-after", "290")], 290_000),
            (vec![], 60_000),
            (
                vec![("ratelimit-limit", "30"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "99999999999999")],
                86_400_000,
            ),
            (vec![("ratelimit-limit", "30"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "12")], 1_000),
        ] {
            let answer = answer(429, &headers, r#"{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}"#);
            let quota = answer.quota("ratelimit-", |t| t.parse::<i64>().ok().map(|s| Timestamp(s * 1000)));
            let Err(Fault::Decided(error)) = read::<Value>(&answer, quota, now) else { panic!("not decided") };
            assert_eq!(error.class, Class::RateLimited { until: Timestamp(now.0 + wait) }, "{headers:?}");
        }
    }

    #[test]
    fn an_answer_that_is_not_json_is_lost_and_not_taken_for_success() {
        let now = Timestamp(0);
        let read = |status, body| read::<Value>(&answer(status, &[], body), None, now);
        assert!(matches!(read(200, "<html>portal</html>"), Err(Fault::Lost(_))));
        assert!(matches!(read(200, ""), Ok(Value::Null)));
        assert!(matches!(read(500, "\u{0}\u{1}"), Err(Fault::Refused(_))));
    }
}
