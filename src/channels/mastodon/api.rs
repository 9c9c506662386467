//! Calls to one Mastodon server: addresses, headers, and what each refusal means.
//!
//! Promises: every refusal is classified here, once, with cause and cure; an answer that is not JSON never fails otherwise
//! than as `Transient`; the token is in no error.
//! Must not: know what the answers are for.
//! Source: sheet of 2026-11; docs.joinmastodon.org/api/rate-limits; server source (`rack_attack`), 2026-08.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::channels::client::{Answer, Failure};
use crate::channels::error::Class;
use crate::channels::{ChannelError, Context, Quota, Words};
use crate::model::Timestamp;

/// How long a question may take. A server that hangs must be noticed twice within a minute, or the account is not red in time;
/// what posts or uploads keeps the client's own, longer limits.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a wait is when a 429 names none.
const UNNAMED_WAIT: Duration = Duration::from_secs(60);
/// The longest wait believed.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// One server and our token there.
#[derive(Clone)]
pub struct Api {
    pub context: Context,
    /// `https://host/`.
    base: url::Url,
}

impl Api {
    /// `address` as an admin types it: with or without `https://`, with or without a path.
    ///
    /// # Errors
    /// `Rejected` when it is no address.
    pub fn new(context: Context, address: &str) -> Result<Self, ChannelError> {
        Ok(Self { base: base(address)?, context })
    }

    pub fn base(&self) -> &url::Url {
        &self.base
    }

    /// The address of `path` (given as segments, so that an id can never be more than one).
    pub fn url(&self, path: &[&str]) -> url::Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path);
        }
        url
    }

    /// Our token.
    ///
    /// # Errors
    /// `Unauthorized` when there is none.
    pub async fn token(&self) -> Result<String, ChannelError> {
        let secrets = self.context.secrets.load().await?;
        match secrets["token"].as_str().map(str::trim) {
            Some(token) if !token.is_empty() => Ok(token.to_owned()),
            _ => Err(unauthorized("mastodon.no_token", "There is no access token.", "Er is geen toegangstoken.")),
        }
    }

    /// Starts a call with our token.
    ///
    /// # Errors
    /// As `token`, and when the address may not be reached.
    pub async fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, ChannelError> {
        let token = self.token().await?;
        let question = method == Method::GET;
        let request = self.context.client.request(method, &self.url(path))?.bearer_auth(token);
        Ok(if question { request.timeout(PATIENCE) } else { request })
    }

    /// Asks for something: any answer that is not a success is an error.
    ///
    /// # Errors
    /// Classified.
    pub async fn ask(&self, request: RequestBuilder) -> Result<Answer, ChannelError> {
        let answer = self.context.client.send(request).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(refusal(&answer, self.context.clock.now())) }
    }

    /// GET with a query, read as JSON.
    ///
    /// # Errors
    /// Classified.
    pub async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, ChannelError> {
        let answer = self.ask(self.request(Method::GET, path).await?.query(query)).await?;
        read(&answer)
    }

    /// POST without a body of interest; the answer is dropped.
    ///
    /// # Errors
    /// Classified.
    pub async fn post(&self, path: &[&str], body: Option<&Value>) -> Result<(), ChannelError> {
        let request = self.request(Method::POST, path).await?;
        let request = if let Some(body) = body { request.json(body) } else { request };
        self.ask(request).await.map(drop)
    }
}

/// The server's address from what an admin types.
///
/// # Errors
/// `Rejected` when it is none.
pub fn base(address: &str) -> Result<url::Url, ChannelError> {
    let address = address.trim();
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let wrong = || {
        ChannelError::new(
            Class::Rejected,
            "mastodon.address",
            Words::new("The server's address cannot be read.", "Het adres van de server is niet te lezen."),
            Words::new("Write it like https://mastodon.example.", "Schrijf het als https://mastodon.example."),
        )
    };
    let mut url: url::Url = whole.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(url)
}

/// The body as text: bytes that are no text cost those bytes alone.
pub fn text(answer: &Answer) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&answer.body)
}

/// The body as JSON.
///
/// # Errors
/// `Transient`: something between us and the server answered, or the answer is broken.
pub fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, ChannelError> {
    serde_json::from_str(&text(answer)).map_err(|_| not_json())
}

/// Where a JSON answer was due and something else came.
pub fn not_json() -> ChannelError {
    ChannelError::new(
        Class::Transient,
        "mastodon.not_json",
        Words::new(
            "The address answers, but not as a Mastodon server does (no JSON).",
            "Het adres antwoordt, maar niet zoals een Mastodon-server (geen JSON).",
        ),
        Words::new(
            "Balie keeps trying. If it lasts, check the server's address and whether a proxy or maintenance page is in front of it.",
            "Balie blijft het proberen. Duurt het voort, controleer dan het adres van de server en of er een proxy of onderhoudspagina voor staat.",
        ),
    )
}

/// How much may still be asked, from the headers of any answer.
pub fn quota(answer: &Answer) -> Option<Quota> {
    answer.quota("x-ratelimit-", Timestamp::parse_rfc3339)
}

fn unauthorized(code: &str, en: impl Into<String>, nl: impl Into<String>) -> ChannelError {
    ChannelError::new(
        Class::Unauthorized,
        code,
        Words::new(en, nl),
        Words::new(
            "Connect the account again, or make a new token under Preferences → Development and paste it here.",
            "Koppel het account opnieuw, of maak onder Voorkeuren → Ontwikkelaars een nieuw token en plak het hier.",
        ),
    )
}

/// The server's own sentence, when it gave one.
pub fn sentence(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_str(&text(answer)).ok()?;
    let said = body["error_description"].as_str().or_else(|| body["error"].as_str())?;
    Some(said.chars().take(300).collect())
}

/// What a refusal means. 5xx and pages of proxies are `Transient`; whoever posts looks at them first.
pub fn refusal(answer: &Answer, now: Timestamp) -> ChannelError {
    let said = sentence(answer);
    let detail = said.clone().unwrap_or_else(|| format!("status {}", answer.status.as_u16()));
    let html = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    match answer.status.as_u16() {
        401 => unauthorized(
            "mastodon.token_refused",
            format!("The server does not accept the access token ({detail})."),
            format!("De server accepteert het toegangstoken niet ({detail})."),
        ),
        403 if html => ChannelError::transient("a proxy in front of the server refuses us (403)"),
        403 if detail.to_lowercase().contains("scope") => unauthorized(
            "mastodon.scope_missing",
            "The access token lacks a permission that is needed here.",
            "Het toegangstoken mist een recht dat hier nodig is.",
        ),
        403 if ["suspend", "pending", "disabled", "confirm"]
            .iter()
            .any(|word| detail.to_lowercase().contains(word)) =>
        {
            unauthorized(
                "mastodon.account_blocked",
                format!("The server has blocked the account or has not let it in yet ({detail})."),
                format!("De server heeft het account geblokkeerd of nog niet toegelaten ({detail})."),
            )
        }
        403 => ChannelError::new(
            Class::Rejected,
            "mastodon.forbidden",
            Words::new(
                format!("The server does not allow this ({detail})."),
                format!("De server staat dit niet toe ({detail})."),
            ),
            Words::new(
                "The author may have blocked the account, or the token lacks a permission. Look on the platform.",
                "De schrijver kan het account geblokkeerd hebben, of het token mist een recht. Kijk op het platform.",
            ),
        ),
        404 | 410 => ChannelError::new(
            Class::Rejected,
            "mastodon.gone",
            Words::new("This is not on the server (any more).", "Dit staat niet (meer) op de server."),
            Words::new(
                "It was probably removed by its author. If it happens with everything, check the server's address.",
                "Waarschijnlijk is het door de schrijver verwijderd. Gebeurt het met alles, controleer dan het adres van de server.",
            ),
        ),
        429 => {
            let named = answer
                .retry_after(now)
                .or_else(|| answer.header("x-ratelimit-reset").and_then(Timestamp::parse_rfc3339));
            let until =
                named.unwrap_or(now.plus(UNNAMED_WAIT)).clamp(now.plus(Duration::from_secs(1)), now.plus(LONGEST_WAIT));
            // Everybody's limit ends at the same second; not everybody should come back in it.
            ChannelError::rate_limited(until.plus(Duration::from_millis(rand::random_range(0..3_000))))
        }
        code @ 500.. => ChannelError::transient(match said {
            Some(said) => format!("the server is in trouble ({code}: {said})"),
            None => format!("the server or a proxy in front of it is in trouble ({code})"),
        }),
        300..=399 | 408 | 425 => ChannelError::transient(format!("an unexpected answer ({})", answer.status.as_u16())),
        _ => ChannelError::rejected("mastodon.refused", detail),
    }
}

/// As `refusal`, where what was asked for must exist on every Mastodon server: that it is not there says something about
/// the server (moved, in maintenance, no Mastodon), never about a message. It may come back, so we keep asking.
pub fn of_feed(error: ChannelError) -> ChannelError {
    if error.code != "mastodon.gone" {
        return error;
    }
    ChannelError::new(
        Class::Transient,
        "mastodon.not_there",
        Words::new(
            "The address answers, but not as a Mastodon server does.",
            "Het adres antwoordt, maar niet zoals een Mastodon-server.",
        ),
        Words::new(
            "Check the server's address; it may have moved or closed. Balie keeps trying.",
            "Controleer het adres van de server; die kan verhuisd of gesloten zijn. Balie blijft het proberen.",
        ),
    )
}

/// Whether a call that posts may have been carried out although it failed.
pub enum Posting {
    Refused(ChannelError),
    /// The detail, for the error's sentence.
    Unclear(String),
    NotSent(ChannelError),
}

/// Sends a call that posts.
pub async fn post(api: &Api, request: RequestBuilder) -> Result<Answer, Posting> {
    match api.context.client.send(request).await {
        Ok(answer) if answer.status.is_success() => Ok(answer),
        Ok(answer) => {
            let error = refusal(&answer, api.context.clock.now());
            // A proxy that lost its patience does not know what the server did.
            if matches!(answer.status.as_u16(), 500 | 502 | 504) {
                Err(Posting::Unclear(error.cause.en))
            } else {
                Err(Posting::Refused(error))
            }
        }
        Err(Failure::NotSent(why)) => Err(Posting::NotSent(ChannelError::transient(why))),
        Err(Failure::Lost(why)) => Err(Posting::Unclear(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn a_server_may_be_written_in_many_ways() {
        for address in [
            "mastodon.example",
            " https://mastodon.example ",
            "https://mastodon.example/@merk",
            "https://user:pw@mastodon.example/?x=1#y",
        ] {
            assert_eq!(base(address).unwrap().as_str(), "https://mastodon.example/", "{address}");
        }
        for address in ["", "https://", "ftp://mastodon.example", "mastodon example"] {
            assert!(base(address).is_err(), "{address}");
        }
    }
}
