//! Being called: one update a call, with our secret in a header.
//!
//! There is no signature over the body: whoever knows the secret is believed, so it is ours alone, made by the dice and kept
//! sealed. What is told here is stored before the platform hears a yes; otherwise it calls again.
//! Source: sheet of 2026-11; core.telegram.org/bots/api#setwebhook.

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Value, json};

use super::Telegram;
use super::convert::Since;
use super::wire::KINDS;
use crate::channels::error::Class;
use crate::channels::{Batch, ChannelError, Hook, Push, Pushed, Words, signature};

const HEADER: &str = "x-telegram-bot-api-secret-token";
/// Where our secret is kept among the account's.
const SECRET: &str = "hook_secret";

#[async_trait]
impl Push for Telegram {
    async fn receive(&self, hook: &Hook<'_>) -> Result<Pushed, ChannelError> {
        let right = hook.secrets[SECRET].as_str().unwrap_or_default();
        let given = hook.header(HEADER).unwrap_or_default();
        if right.is_empty() || !signature::same(given.as_bytes(), right.as_bytes()) {
            return Err(ChannelError::new(
                Class::Unauthorized,
                "telegram.wrong_secret",
                Words::new(
                    "A call to the webhook came without the right secret.",
                    "Een aanroep van de webhook kwam zonder het juiste geheim.",
                ),
                Words::new(
                    "Nothing was taken in. If Telegram itself called, set the delivery again.",
                    "Er is niets overgenomen. Was het Telegram zelf, stel de aflevering dan opnieuw in.",
                ),
            ));
        }
        let mut batch = Batch::default();
        if *hook.method == Method::POST {
            let body = String::from_utf8_lossy(hook.body);
            self.read(self.me().await?, &body, Since(None), &mut batch).await;
        }
        Ok(Pushed { batch, answer: None })
    }
}

impl Telegram {
    /// Whether there is a secret by which calls are known.
    pub(super) async fn has_hook_secret(&self) -> Result<bool, ChannelError> {
        let secrets = self.api.context.secrets.load().await?;
        Ok(secrets[SECRET].as_str().is_some_and(|secret| !secret.is_empty()))
    }

    /// Tells the platform to call us here, with our secret.
    pub(super) async fn set_webhook(&self, address: &str) -> Result<(), ChannelError> {
        let mut secrets = self.api.context.secrets.load().await?;
        let kept = secrets[SECRET].as_str().filter(|secret| !secret.is_empty()).map(str::to_owned);
        let secret = if let Some(secret) = kept {
            secret
        } else {
            let made = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
            secrets[SECRET] = Value::String(made.clone());
            // Kept before it is used: a call may come at once.
            self.api.context.secrets.save(&secrets).await?;
            made
        };
        let body = json!({"url": address, "secret_token": secret, "allowed_updates": KINDS, "max_connections": 8});
        self.api.ask("setWebhook", &body).await.map(drop)
    }
}
