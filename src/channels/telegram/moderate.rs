//! Everything else one may do to a message: a thumb up, and taking back our own.
//!
//! A bot cannot block, mute or report a person; in groups that is the administrators' work.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::api::{Failed, PATIENCE};
use super::{Telegram, refused, rejected};
use crate::channels::{Action, ChannelError, Moderate};
use crate::model::Lane;

/// How liking looks here: a bot may put one sign at a message.
const THUMB: &str = "👍";

#[async_trait]
impl Moderate for Telegram {
    fn actions(&self, own: bool, _lane: Lane) -> Vec<Action> {
        if own { vec![Action::Delete] } else { vec![Action::Like, Action::Unlike] }
    }

    async fn act(
        &self,
        action: Action,
        _external_id: &str,
        _author: &str,
        meta: &Value,
        _reason: Option<&str>,
    ) -> Result<(), ChannelError> {
        let (Some(chat), Some(message)) = (meta["chat"].as_i64(), meta["message"].as_i64()) else {
            return Err(rejected(
                "telegram.unknown_message",
                ("This message is not one of this bot's chats.", "Dit bericht is niet uit een chat van deze bot."),
                ("Look in the Telegram app.", "Kijk in de Telegram-app."),
            ));
        };
        match (action, meta["business"].as_str()) {
            (Action::Like | Action::Unlike, Some(_)) => Err(rejected(
                "telegram.business_reaction",
                (
                    "A bot cannot react in a business account's chats.",
                    "Een bot kan niet reageren met een teken in de chats van een zakelijk account.",
                ),
                ("Do it in the Telegram app.", "Doe het in de Telegram-app."),
            )),
            (Action::Like | Action::Unlike, None) => {
                let sign = if action == Action::Like { json!([{"type": "emoji", "emoji": THUMB}]) } else { json!([]) };
                let body = json!({"chat_id": chat, "message_id": message, "reaction": sign});
                self.done("setMessageReaction", &body, if action == Action::Like { "" } else { "not found" }).await
            }
            (Action::Delete, business) => {
                let all = meta["messages"].as_array().filter(|all| !all.is_empty()).cloned();
                let all = all.unwrap_or_else(|| vec![message.into()]);
                match business {
                    Some(connection) => {
                        let body = json!({"business_connection_id": connection, "message_ids": all});
                        self.done("deleteBusinessMessages", &body, "not found").await
                    }
                    None if all.len() > 1 => {
                        let body = json!({"chat_id": chat, "message_ids": all});
                        self.done("deleteMessages", &body, "not found").await
                    }
                    None => {
                        self.done("deleteMessage", &json!({"chat_id": chat, "message_id": message}), "not found").await
                    }
                }
            }
            _ => Err(ChannelError::rejected("moderate.not_possible", "Telegram has nothing of the kind for bots.")),
        }
    }
}

impl Telegram {
    /// Calls what may be repeated. A refusal that says `as_good` means that it is so already.
    async fn done(&self, method: &str, body: &Value, as_good: &str) -> Result<(), ChannelError> {
        match self.api.call(method, body, Some(PATIENCE)).await {
            Ok(_) => Ok(()),
            Err(Failed::Refused(refused)) if !as_good.is_empty() && refused.code == 400 && refused.says(as_good) => {
                Ok(())
            }
            Err(Failed::Refused(refused)) if refused.says("can't be deleted") => Err(rejected(
                "telegram.too_old",
                (
                    "Telegram lets a bot take back its messages for 48 hours; this one is older.",
                    "Telegram laat een bot berichten tot 48 uur later terughalen; dit bericht is ouder.",
                ),
                ("Send a correction instead.", "Stuur in plaats daarvan een correctie."),
            )),
            Err(Failed::Refused(refused)) => Err(refused::of_message(&self.api, &refused)),
            Err(failed) => Err(self.api.of_account(failed)),
        }
    }
}
