//! What each refusal of a homeserver means.
//!
//! Promises: every refusal is classified here, once, with cause and cure.
//! Source: client-server API v1.19, "Standard error response", "Rate limiting", read and tried on Synapse 1.163, 2026-11.

use std::time::Duration;

use serde_json::Value;

use crate::channels::client::Answer;
use crate::channels::error::Class;
use crate::channels::{ChannelError, Words};
use crate::model::Timestamp;

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
    /// What an answer that is no success says.
    #[must_use]
    pub fn read(answer: &Answer, now: Timestamp) -> Self {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
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

    /// We are asked to slow down.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        self.status == 429 || self.errcode == "M_LIMIT_EXCEEDED"
    }

    /// Until when we are asked to wait.
    #[must_use]
    pub fn wait_until(&self, now: Timestamp) -> Timestamp {
        let until = self.until.unwrap_or(now.plus(UNNAMED_WAIT));
        until.clamp(now.plus(Duration::from_secs(1)), now.plus(LONGEST_WAIT))
    }

    fn detail(&self) -> String {
        match (self.said.is_empty(), self.errcode.is_empty()) {
            (false, _) => self.said.clone(),
            (true, false) => self.errcode.clone(),
            (true, true) => format!("status {}", self.status),
        }
    }

    /// What the runner does about it, in words.
    #[must_use]
    pub fn class(self, now: Timestamp) -> ChannelError {
        let detail = self.detail();
        match (self.status, self.errcode.as_str()) {
            _ if self.is_limit() => ChannelError::rate_limited(self.wait_until(now)),
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
