//! A reply, posted to the system that asked: signed, to one address and no further, and repeated under one name.
//!
//! The scheme makes repeating harmless: `webhook-id` is the message's own id on every attempt, and a receiver takes an id
//! once (Standard Webhooks, "Idempotency"). So an answer that got lost is `Transient`, never `Uncertain`.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::Taken;
use super::{Api, keys, measure, rejected};
use crate::channels::client::{Answer, Failure};
use crate::channels::signature::Keys;
use crate::channels::{ChannelError, Class, Outgoing, Reply, Sent, Words};
use crate::model::Timestamp;

/// The largest answer read. It holds an id.
const ANSWER: usize = 1024 * 1024;
/// The wait when a 429 names none.
const UNNAMED_WAIT: std::time::Duration = std::time::Duration::from_secs(60);

#[async_trait]
impl Reply for Api {
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
        let url = self.url.as_ref().ok_or_else(|| ChannelError::rejected("api.one_way", "there is no address."))?;
        if measure(&outgoing.text).over {
            return Err(rejected(
                "reply.too_long",
                ("The message is too long.", "Het bericht is te lang."),
                ("Shorten it or send it in parts.", "Kort het in of verstuur het in delen."),
            ));
        }
        let secrets = self.context.secrets.load().await?;
        let id = outgoing.key.to_string();
        let answer = self.post(url, &keys(&secrets)?, &id, &event(outgoing)).await?;
        let taken: Taken = serde_json::from_slice(&answer.body).unwrap_or_default();
        Ok(Sent { external_id: taken.external_id.unwrap_or(id), url: taken.url, at: None, meta: json!({}) })
    }

    /// There is nothing to look in. That it may be there already does not matter: a repeat has no effect.
    async fn find(&self, _: &Outgoing) -> Result<Option<Sent>, ChannelError> {
        Ok(None)
    }
}

/// Other types than those that may come in: what we sent cannot be sent back to us as a customer's word.
fn event(outgoing: &Outgoing) -> Value {
    let files = outgoing.files.iter().map(|file| {
        json!({
            "name": file.name, "content_type": file.mime, "alt": file.alt, "size": file.bytes.len(),
            "content": STANDARD.encode(&file.bytes),
        })
    });
    let answered = outgoing.reply_to.as_ref();
    json!({
        "type": "reply.created",
        "timestamp": outgoing.written_at.to_rfc3339(),
        "data": {
            "id": outgoing.key,
            "text": outgoing.text,
            "language": outgoing.language,
            "attachments": files.collect::<Vec<_>>(),
            "thread": {
                "external_id": outgoing.thread.external_id,
                "subject": outgoing.thread.title,
                "url": outgoing.thread.url,
                "lane": outgoing.thread.lane,
            },
            "in_reply_to": answered.map(|(id, _)| id),
            "metadata": answered.map_or(&Value::Null, |(_, meta)| &meta["metadata"]),
        }
    })
}

impl Api {
    /// Says hello, to see whether the other end listens and believes us.
    pub(super) async fn ping(&self, url: &url::Url, keys: &Keys) -> Result<(), ChannelError> {
        let now = self.context.clock.now();
        let event = json!({"type": "ping", "timestamp": now.to_rfc3339(), "data": {}});
        self.post(url, keys, &format!("ping-{}", now.0), &event).await.map(drop)
    }

    async fn post(&self, url: &url::Url, keys: &Keys, id: &str, event: &Value) -> Result<Answer, ChannelError> {
        let (now, body) = (self.context.clock.now(), event.to_string());
        let request = self
            .context
            .client
            .straight(Method::POST, url)?
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.0.div_euclid(1000).to_string())
            .header("webhook-signature", keys.sign(id, now, body.as_bytes()))
            .body(body);
        match self.context.client.send_limited(request, ANSWER).await {
            Ok(answer) if answer.status.is_success() => Ok(answer),
            Ok(answer) => Err(refusal(&answer, now)),
            Err(Failure::NotSent(why) | Failure::Lost(why)) => Err(ChannelError::transient(why)),
        }
    }
}

/// What a status means. Whatever is wrong with the address or the secret is wrong for every message: the account waits.
fn refusal(answer: &Answer, now: Timestamp) -> ChannelError {
    let status = answer.status.as_u16();
    let account = |code: &str, en: String, nl: String, cure: (&str, &str)| {
        ChannelError::new(Class::Unauthorized, code, Words::new(en, nl), Words::new(cure.0, cure.1))
    };
    match status {
        300..=399 => account(
            "api.moved",
            format!("The address for replies sends us elsewhere ({status}); what is signed for it goes nowhere else."),
            format!(
                "Het adres voor antwoorden stuurt ons door ({status}); wat daarvoor ondertekend is gaat nergens anders heen."
            ),
            ("Fill in the address it leads to.", "Vul het adres in waar het naartoe leidt."),
        ),
        401 | 403 => account(
            "api.not_believed",
            format!("The system does not believe our signature ({status})."),
            format!("Het systeem gelooft onze handtekening niet ({status})."),
            (
                "Put the same secret on both sides, and set its clock right.",
                "Zet aan beide kanten hetzelfde geheim, en zet de klok daar goed.",
            ),
        ),
        404 | 405 | 410 => account(
            "api.nobody_there",
            format!("Nobody takes replies at this address ({status})."),
            format!("Op dit adres neemt niemand antwoorden aan ({status})."),
            ("Check the address for replies.", "Controleer het adres voor antwoorden."),
        ),
        429 => ChannelError::rate_limited(answer.retry_after(now).unwrap_or(now.plus(UNNAMED_WAIT))),
        408 | 425 | 500.. => ChannelError::transient(format!("the system is in trouble ({status})")),
        _ => ChannelError::rejected("api.refused", format!("{status} {}", answer.excerpt())),
    }
}
