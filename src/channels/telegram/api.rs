//! Calls to the Bot API: addresses, the token, and what each refusal means.
//!
//! Promises: every refusal is classified here, once, with cause and cure; an answer that is not the platform's never fails
//! otherwise than as `Transient`; the token, which stands in every address, is in no error and in nothing that is kept.
//! Must not: know what the answers are for.
//! Source: sheet of 2026-11; tdlib/telegram-bot-api, 2026-05. The platform's sentences are no contract: they are looked for in
//! lower case, in part.

use std::time::Duration;

use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::channels::client::{Answer, Failure};
use crate::channels::error::Class;
use crate::channels::{ChannelError, Context, Words};
use crate::model::Timestamp;

/// How long a question may take. A server that hangs must be noticed twice within a minute, or the account is not red in time.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// How long a wait is when a 429 names none.
const UNNAMED_WAIT: i64 = 30;
const LONGEST_WAIT: i64 = 86_400;

/// One Bot API server and our bot there.
#[derive(Clone)]
pub struct Api {
    pub context: Context,
    base: url::Url,
}

/// A call that was refused, or of which nothing is known.
#[derive(Debug)]
pub enum Failed {
    /// The platform says no; what was asked for did not happen.
    Refused(Refused),
    /// The request may have arrived; the detail for a sentence.
    Lost(String),
    /// It certainly did not.
    NotSent(ChannelError),
}

/// A refusal, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    pub code: u16,
    /// Lower case; empty when something else than the platform answered.
    pub description: String,
    pub migrate_to: Option<i64>,
    /// Seconds.
    retry_after: Option<i64>,
    until: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    ok: bool,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
}

impl Refused {
    pub fn says(&self, part: &str) -> bool {
        self.description.contains(part)
    }

    fn of(answer: &Answer, text: &str, now: Timestamp) -> Self {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let code = body["error_code"].as_u64().and_then(|code| u16::try_from(code).ok());
        Self {
            code: code.filter(|_| body["ok"] == false).unwrap_or(answer.status.as_u16()),
            description: body["description"]
                .as_str()
                .unwrap_or_default()
                .chars()
                .take(300)
                .collect::<String>()
                .to_lowercase(),
            migrate_to: body["parameters"]["migrate_to_chat_id"].as_i64(),
            retry_after: body["parameters"]["retry_after"].as_i64(),
            until: answer.retry_after(now),
        }
    }
}

impl Api {
    /// `address`: of the server, `https://api.telegram.org` or one of one's own.
    ///
    /// # Errors
    /// `Rejected` when it is no address.
    pub fn new(context: Context, address: &str) -> Result<Self, ChannelError> {
        let wrong = || {
            ChannelError::new(
                Class::Rejected,
                "telegram.address",
                Words::new("The server's address cannot be read.", "Het adres van de server is niet te lezen."),
                Words::new("Write it like https://api.telegram.org.", "Schrijf het als https://api.telegram.org."),
            )
        };
        let mut base: url::Url = address.trim().parse().map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none_or(str::is_empty) {
            return Err(wrong());
        }
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self { context, base })
    }

    pub fn base(&self) -> &url::Url {
        &self.base
    }

    /// Whether this is Telegram's own server, with its limits; one of one's own has others.
    pub fn is_cloud(&self) -> bool {
        self.base.host_str() == Some("api.telegram.org")
    }

    pub fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    async fn token(&self) -> Result<String, ChannelError> {
        let secrets = self.context.secrets.load().await?;
        let token = secrets["token"].as_str().map(str::trim).unwrap_or_default();
        let shaped = |(id, rest): (&str, &str)| {
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) && super::wire::plain(rest)
        };
        if token.split_once(':').is_some_and(shaped) {
            return Ok(token.to_owned());
        }
        Err(unauthorized(
            "telegram.no_token",
            "There is no token that looks like one of Telegram's.",
            "Er is geen token dat op een token van Telegram lijkt.",
        ))
    }

    /// The address of a method or file. Given as segments, so that nothing can be more than one.
    async fn url(&self, before: &[&str], after: &[&str]) -> Result<url::Url, ChannelError> {
        let bot = format!("bot{}", self.token().await?);
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(before).push(&bot).extend(after);
        }
        Ok(url)
    }

    async fn request(&self, method: &str) -> Result<RequestBuilder, ChannelError> {
        self.context.client.request(Method::POST, &self.url(&[], &[method]).await?)
    }

    /// Calls a method with JSON. `patience` bounds the whole call; `None` leaves it to the client.
    ///
    /// # Errors
    /// `Failed`, for whoever has to tell "refused" from "maybe done".
    pub async fn call(&self, method: &str, body: &Value, patience: Option<Duration>) -> Result<Box<RawValue>, Failed> {
        let request = self.request(method).await.map_err(Failed::NotSent)?.json(body);
        self.send(match patience {
            Some(patience) => request.timeout(patience),
            None => request,
        })
        .await
    }

    /// Calls a method with files.
    ///
    /// # Errors
    /// As `call`.
    pub async fn upload(&self, method: &str, form: Form) -> Result<Box<RawValue>, Failed> {
        self.send(self.request(method).await.map_err(Failed::NotSent)?.multipart(form)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Box<RawValue>, Failed> {
        let answer = match self.context.client.send(request).await {
            Ok(answer) => answer,
            Err(Failure::NotSent(why)) => return Err(Failed::NotSent(ChannelError::transient(why))),
            Err(Failure::Lost(why)) => return Err(Failed::Lost(why)),
        };
        // Bytes that are no text cost those bytes alone.
        let text = String::from_utf8_lossy(&answer.body);
        if !answer.status.is_success() {
            return Err(Failed::Refused(Refused::of(&answer, &text, self.now())));
        }
        match serde_json::from_str::<Envelope<'_>>(&text) {
            Ok(Envelope { ok: true, result: Some(result) }) => Ok(result.to_owned()),
            Ok(Envelope { ok: false, .. }) if text.contains("error_code") => {
                Err(Failed::Refused(Refused::of(&answer, &text, self.now())))
            }
            _ => Err(Failed::Lost("the answer is not Telegram's".to_owned())),
        }
    }

    /// Asks something that changes nothing, or may be repeated: any failure becomes an error of the account.
    ///
    /// # Errors
    /// Classified.
    pub async fn ask(&self, method: &str, body: &Value) -> Result<Value, ChannelError> {
        let raw = self.call(method, body, Some(PATIENCE)).await.map_err(|failed| self.of_account(failed))?;
        serde_json::from_str(raw.get()).map_err(|_| not_json())
    }

    /// The content of a file, by the path that `getFile` gave.
    ///
    /// # Errors
    /// As `call`.
    pub async fn download(&self, path: &str, max: usize) -> Result<bytes::Bytes, Failed> {
        let path: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
        let url = self.url(&["file"], &path).await.map_err(Failed::NotSent)?;
        let request = self.context.client.request(Method::GET, &url).map_err(Failed::NotSent)?;
        match self.context.client.send_limited(request, max).await {
            Ok(answer) if answer.status.is_success() => Ok(answer.body),
            Ok(answer) => {
                Err(Failed::Refused(Refused::of(&answer, &String::from_utf8_lossy(&answer.body), self.now())))
            }
            Err(Failure::NotSent(why)) => Err(Failed::NotSent(ChannelError::transient(why))),
            Err(Failure::Lost(why)) => Err(Failed::Lost(why)),
        }
    }

    /// What a failure says about the account.
    pub fn of_account(&self, failed: Failed) -> ChannelError {
        match failed {
            Failed::NotSent(error) => error,
            Failed::Lost(why) if why == "the answer is not Telegram's" => not_json(),
            Failed::Lost(why) => ChannelError::transient(why),
            Failed::Refused(refused) => self.refusal(&refused),
        }
    }

    /// What a refusal means. Whoever sends looks at the sentences first.
    pub fn refusal(&self, refused: &Refused) -> ChannelError {
        let detail = if refused.description.is_empty() {
            format!("status {}", refused.code)
        } else {
            refused.description.clone()
        };
        match refused.code {
            401 => unauthorized(
                "telegram.token_refused",
                "Telegram does not accept the bot's token; it was probably replaced or taken back.",
                "Telegram accepteert het token van de bot niet; het is waarschijnlijk vervangen of ingetrokken.",
            ),
            404 if refused.says("not found") => unauthorized(
                "telegram.token_unknown",
                "The server knows no bot with this token.",
                "De server kent geen bot met dit token.",
            ),
            404 | 410 => ChannelError::new(
                Class::Transient,
                "telegram.not_there",
                Words::new(
                    "The address answers, but not as a Bot API server does.",
                    "Het adres antwoordt, maar niet zoals een Bot API-server.",
                ),
                Words::new(
                    "Check the server's address. Balie keeps trying.",
                    "Controleer het adres van de server. Balie blijft het proberen.",
                ),
            ),
            409 if refused.says("webhook") => webhook_set(None),
            409 => ChannelError::new(
                Class::Transient,
                "telegram.second_asker",
                Words::new(
                    "Another program asks for this bot's messages with the same token; Telegram answers only one at a time.",
                    "Een ander programma haalt met hetzelfde token de berichten van deze bot op; Telegram antwoordt er maar één tegelijk.",
                ),
                Words::new(
                    "Stop the other program (an old installation, a second Balie, a script), or replace the token with /revoke at @BotFather and enter the new one here. Just after a restart this passes by itself.",
                    "Stop het andere programma (een oude installatie, een tweede Balie, een script), of vervang het token met /revoke bij @BotFather en vul het nieuwe hier in. Vlak na een herstart gaat dit vanzelf over.",
                ),
            ),
            429 => {
                let now = self.now();
                let named = refused.retry_after.map(|seconds| seconds.clamp(1, LONGEST_WAIT));
                let until = match (named, refused.until) {
                    (None, Some(until)) => until,
                    (seconds, _) => Timestamp(now.0 + seconds.unwrap_or(UNNAMED_WAIT) * 1_000),
                };
                // Everybody's limit ends at the same second; not everybody should come back in it.
                ChannelError::rate_limited(until.plus(Duration::from_millis(rand::random_range(100..2_000))))
            }
            code @ 500.. => {
                ChannelError::transient(format!("Telegram or a proxy in front of it is in trouble ({code})"))
            }
            300..=399 | 408 | 425 => ChannelError::transient(format!("an unexpected answer ({})", refused.code)),
            _ => ChannelError::rejected("telegram.refused", detail),
        }
    }
}

/// Somebody else is being called.
pub fn webhook_set(host: Option<&str>) -> ChannelError {
    let (en, nl) =
        host.map_or((String::new(), String::new()), |host| (format!(" (to {host})"), format!(" (naar {host})")));
    ChannelError::new(
        Class::Rejected,
        "telegram.webhook_set",
        Words::new(
            format!("Telegram delivers this bot's messages by webhook{en}, so they cannot be asked for."),
            format!("Telegram levert de berichten van deze bot af via een webhook{nl}, dus ze zijn niet op te halen."),
        ),
        Words::new(
            "Use a bot of its own for Balie, or end the other program's webhook (deleteWebhook), or set delivery to webhook here: then Balie takes it over.",
            "Gebruik een eigen bot voor Balie, of beëindig de webhook van het andere programma (deleteWebhook), of zet aflevering hier op webhook: dan neemt Balie hem over.",
        ),
    )
}

/// Where the platform's JSON was due and something else came.
pub fn not_json() -> ChannelError {
    ChannelError::new(
        Class::Transient,
        "telegram.not_json",
        Words::new(
            "The address answers, but not as a Bot API server does (no JSON of its kind).",
            "Het adres antwoordt, maar niet zoals een Bot API-server (geen JSON van die soort).",
        ),
        Words::new(
            "Balie keeps trying. If it lasts, check the server's address and whether a proxy or maintenance page is in front of it.",
            "Balie blijft het proberen. Duurt het voort, controleer dan het adres van de server en of er een proxy of onderhoudspagina voor staat.",
        ),
    )
}

fn unauthorized(code: &str, en: &str, nl: &str) -> ChannelError {
    ChannelError::new(
        Class::Unauthorized,
        code,
        Words::new(en, nl),
        Words::new(
            "Ask @BotFather for the bot's token (/mybots → API Token) and enter it here.",
            "Vraag @BotFather om het token van de bot (/mybots → API Token) en vul het hier in.",
        ),
    )
}
