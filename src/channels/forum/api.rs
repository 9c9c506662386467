//! Calls to one forum: addresses, headers, and what each refusal means.
//!
//! Promises: every refusal is classified here, once; the key is in no error, and goes to no other address than the forum's;
//! only the forum itself can say that something is not there, and only to a key that it knows.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::spent::Spent;
use crate::channels::client::{Answer, Failure};
use crate::channels::error::Class;
use crate::channels::{ChannelError, Context, Quota, Words};
use crate::model::Timestamp;

/// A forum that hangs must be noticed twice within a minute.
const PATIENCE: Duration = Duration::from_secs(20);
const UNNAMED_WAIT: Duration = Duration::from_secs(60);
/// A forum leads from one of its addresses to another; not often.
const STEPS: usize = 4;
/// What every user of every forum may see.
const EVERYBODYS: &str = "notifications.json";

/// One forum and who we are there.
pub struct Api {
    pub context: Context,
    pub base: url::Url,
    pub username: String,
    pub spent: Spent,
}

impl Api {
    fn url(&self, path: &str) -> url::Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        url
    }

    /// Where a person can see `path`.
    pub fn page(&self, path: &str) -> String {
        self.url(path).to_string()
    }

    /// How much may still be asked.
    pub fn left(&self) -> Quota {
        self.spent.left(self.context.clock.now())
    }

    /// Whether there is more left than what is kept for replies.
    pub fn may_ask(&self) -> bool {
        self.left().spare() > 0
    }

    async fn request(&self, method: Method, url: &url::Url) -> Result<RequestBuilder, ChannelError> {
        self.spent.one(self.context.clock.now());
        let secrets = self.context.secrets.load().await?;
        let key = secrets["key"].as_str().map(str::trim).unwrap_or_default();
        let question = method == Method::GET;
        let request = self
            .context
            .client
            .straight(method, url)?
            .header("Api-Key", key)
            .header("Api-Username", &self.username)
            .header("accept", "application/json");
        Ok(if question { request.timeout(PATIENCE) } else { request })
    }

    /// GET, read as JSON.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ChannelError> {
        match self.ask(path, query).await {
            Err(error) => Err(self.unless_it_is_the_key(error).await),
            found => found,
        }
    }

    /// A forum refuses a key that it does not know, and a user who was renamed or suspended, in the words with which it refuses
    /// what an account may not see.
    async fn unless_it_is_the_key(&self, error: ChannelError) -> ChannelError {
        if error.code != "forum.forbidden" {
            return error;
        }
        match self.ask::<IgnoredAny>(EVERYBODYS, &[("limit", "1")]).await {
            Ok(_) => error,
            Err(worse) => of_feed(worse),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ChannelError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        for _ in 0..STEPS {
            let answer = self.context.client.send(self.request(Method::GET, &url).await?).await?;
            if answer.status.is_success() {
                return serde_json::from_str(&String::from_utf8_lossy(&answer.body)).map_err(|_| not_json());
            }
            match leads_to(&answer, &url) {
                Some(next) if next.origin() == self.base.origin() => url = next,
                Some(next) => return Err(moved(&next)),
                None => return Err(refusal(&answer, path == EVERYBODYS, self.context.clock.now())),
            }
        }
        Err(moved(&url))
    }

    /// Posts a message. An answer that got lost is `Uncertain`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ChannelError> {
        let url = self.url(path);
        let request = self.request(Method::POST, &url).await?.json(body);
        let now = self.context.clock.now();
        match self.context.client.send(request).await {
            Ok(answer) if answer.status.is_success() => {
                serde_json::from_slice(&answer.body).map_err(|_| ChannelError::uncertain("the answer cannot be read"))
            }
            // A proxy that lost its patience does not know what the forum did; one that is busy did not ask it.
            Ok(answer) if answer.status.is_server_error() && answer.status.as_u16() != 503 => {
                Err(ChannelError::uncertain(format!("status {}", answer.status.as_u16())))
            }
            Ok(answer) => Err(match leads_to(&answer, &url) {
                Some(next) => moved(&next),
                None => self.unless_it_is_the_key(refusal(&answer, false, now)).await,
            }),
            Err(Failure::NotSent(why)) => Err(ChannelError::transient(why)),
            Err(Failure::Lost(why)) => Err(ChannelError::uncertain(why)),
        }
    }
}

/// Where an answer sends us.
fn leads_to(answer: &Answer, from: &url::Url) -> Option<url::Url> {
    let leads = matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    answer.header("location").filter(|_| leads).and_then(|to| from.join(to).ok())
}

/// The forum is somewhere else, and our key is for this address.
fn moved(to: &url::Url) -> ChannelError {
    let to = to.origin().ascii_serialization();
    ChannelError::new(
        Class::Unauthorized,
        "forum.moved",
        Words::new(
            format!("The forum's address sends us on to {to}, where Balie does not take its key."),
            format!("Het adres van het forum stuurt ons door naar {to}; daar geeft Balie de sleutel niet af."),
        ),
        Words::new(
            "If that is the forum, fill in that address at this account.",
            "Is dat het forum, vul dan dat adres in bij dit account.",
        ),
    )
}

/// Something else than a forum answers.
fn not_json() -> ChannelError {
    ChannelError::new(
        Class::Transient,
        "forum.not_json",
        Words::new(
            "The address answers, but not as a Discourse forum does (no JSON).",
            "Het adres antwoordt, maar niet zoals een Discourse-forum (geen JSON).",
        ),
        Words::new(
            "Balie keeps trying. If it lasts, check the forum's address.",
            "Balie blijft het proberen. Duurt het voort, controleer dan het adres van het forum.",
        ),
    )
}

/// What a refusal means. `everybodys`: of what no user is refused.
fn refusal(answer: &Answer, everybodys: bool, now: Timestamp) -> ChannelError {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = body["errors"][0].as_str().map(|said| said.chars().take(300).collect::<String>());
    let status = answer.status.as_u16();
    let detail = said.clone().unwrap_or_else(|| format!("status {status}"));
    match status {
        403 if body["error_type"] == "invalid_access" && said.is_some() && !everybodys => ChannelError::new(
            Class::Rejected,
            "forum.forbidden",
            Words::new(
                format!("The forum does not allow this ({detail})."),
                format!("Het forum staat dit niet toe ({detail})."),
            ),
            Words::new(
                "Look on the forum whether the account may do this.",
                "Kijk op het forum of het account dit mag.",
            ),
        ),
        401 | 403 => ChannelError::new(
            Class::Unauthorized,
            "forum.key_refused",
            Words::new(
                format!("The forum does not accept the API key ({detail})."),
                format!("Het forum accepteert de API-sleutel niet ({detail})."),
            ),
            Words::new(
                "Look whether the user is still called so and not suspended; else make a new key for it under Admin → API, with scope Global, and fill it in.",
                "Kijk of de gebruiker nog zo heet en niet geschorst is; maak er anders onder Beheer → API een nieuwe sleutel voor, met bereik Globaal, en vul die in.",
            ),
        ),
        // A forum says so in its own words; a page of a proxy says nothing about a post.
        404 | 410 if said.is_none() => not_json(),
        404 | 410 => ChannelError::new(
            Class::Rejected,
            "forum.gone",
            Words::new("This is not on the forum (any more).", "Dit staat niet (meer) op het forum."),
            Words::new("It was probably removed.", "Waarschijnlijk is het verwijderd."),
        ),
        429 => {
            let named = body["extras"]["wait_seconds"]
                .as_u64()
                .map(|wait| now.plus(Duration::from_secs(wait.clamp(1, 86_400))));
            let until = named.or_else(|| answer.retry_after(now)).unwrap_or(now.plus(UNNAMED_WAIT));
            ChannelError::rate_limited(until.max(now.plus(Duration::from_secs(1))))
        }
        300..=399 | 408 | 500.. => ChannelError::transient(format!("the forum is in trouble ({detail})")),
        _ => ChannelError::rejected("forum.refused", detail),
    }
}

/// Whether the forum says that something is not there, or not for us.
pub fn is_away(error: &ChannelError) -> bool {
    matches!(error.code.as_str(), "forum.gone" | "forum.forbidden")
}

/// As `refusal`, where what was asked for must exist on every forum.
pub fn of_feed(error: ChannelError) -> ChannelError {
    if error.class != Class::Rejected || error.code.starts_with("address.") {
        return error;
    }
    ChannelError { class: Class::Transient, code: "forum.not_there".to_owned(), ..error }
}
