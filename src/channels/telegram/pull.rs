//! Asking for updates: a long poll whose offset is our cursor.
//!
//! The platform forgets what lies below the offset of a question. The offset that is sent is the one the desk stored together
//! with the messages, so that nothing is forgotten there before it is safe here; what comes again after a crash is known by
//! its id. A question waits on the platform for news, and the next follows at once: its cadence is the platform's.
//! Source: sheet of 2026-11; tdlib/telegram-bot-api, 2026-05.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::api::Failed;
use super::convert::{Me, Since};
use super::wire::{Business, KINDS, Update, number_of};
use super::{Delivery, Telegram, api};
use crate::channels::error::Class;
use crate::channels::{Batch, ChannelError, Feed, Unreadable, Words};
use crate::model::Timestamp;

pub const UPDATES: &str = "updates";
pub const WEBHOOK: &str = "webhook";
/// A wait between questions only keeps a server that answers empty at once from being asked without end.
pub static ASKING: &[Feed] =
    &[Feed { key: UPDATES, busy: Duration::from_millis(50), idle: Duration::from_millis(500) }];
/// Where the platform calls us, this looks whether it does.
pub static CALLED: &[Feed] = &[Feed { key: WEBHOOK, busy: Duration::from_secs(60), idle: Duration::from_secs(60) }];

/// The most the platform gives at once.
pub const PAGE: usize = 100;
/// How much longer than it waits on the platform a question may take.
const MARGIN: Duration = Duration::from_secs(5);
/// After a week without updates their numbers begin somewhere else; an offset from before then would hide them.
const NUMBERS_LAST_MS: i64 = 6 * 86_400_000;
/// A delivery that failed longer ago says nothing about now.
const RECENT_MS: i64 = 10 * 60_000;

/// Where we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cursor {
    offset: Option<i64>,
    /// When Balie came: what was said before is history.
    since: Option<Timestamp>,
    /// When the last update came.
    at: Option<Timestamp>,
}

impl Cursor {
    fn read(value: Option<&Value>) -> Self {
        let number = |field: &str| value.and_then(|value| value[field].as_i64());
        Self { offset: number("offset"), since: number("since").map(Timestamp), at: number("at").map(Timestamp) }
    }

    fn write(&self) -> Value {
        json!({"offset": self.offset, "since": self.since.map(|at| at.0), "at": self.at.map(|at| at.0)})
    }

    /// The offset to send: none when it may be from another numbering.
    fn to_send(&self, now: Timestamp) -> Option<i64> {
        self.offset.filter(|_| self.at.is_none_or(|at| now.0 - at.0 < NUMBERS_LAST_MS))
    }
}

impl Telegram {
    /// One question for updates.
    pub(super) async fn updates(&self, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        let now = self.api.now();
        let me = self.me().await?;
        let first = cursor.is_none();
        let mut cursor = Cursor::read(cursor);
        let since = *cursor.since.get_or_insert(now);
        // The first look does not wait: whoever connects the account wants to see that it works.
        let wait = if first { 0 } else { self.wait };
        let mut question = json!({"limit": PAGE, "timeout": wait, "allowed_updates": KINDS});
        if let Some(offset) = cursor.to_send(now) {
            question["offset"] = offset.into();
        }
        let patience = Duration::from_secs(wait) + MARGIN.max(if wait == 0 { api::PATIENCE } else { MARGIN });
        let page = match self.api.call("getUpdates", &question, Some(patience)).await {
            Err(Failed::Refused(refused)) if refused.code == 409 && refused.says("webhook") => {
                // A webhook of our own, from before, is ended; the next question is heard.
                self.clear_webhook().await?;
                return Ok(Batch { more: true, ..Batch::default() });
            }
            asked => asked.map_err(|failed| self.api.of_account(failed))?,
        };
        let page: Vec<Box<RawValue>> = serde_json::from_str(page.get()).map_err(|_| api::not_json())?;

        let mut batch = Batch { more: page.len() >= PAGE, ..Batch::default() };
        let mut newest: Option<i64> = None;
        for raw in &page {
            newest = newest.max(number_of(raw.get()));
            self.read(me, raw.get(), Since(Some(since)), &mut batch).await;
        }
        if !page.is_empty() {
            // A page of which no number can be read must not come for ever.
            let beyond = |offset: i64| offset.saturating_add(i64::try_from(page.len()).unwrap_or(0));
            cursor.offset = newest.map(|newest| newest + 1).or_else(|| cursor.offset.map(beyond));
            cursor.at = Some(now);
        }
        batch.next = Some(cursor.write());
        Ok(batch)
    }

    /// Reads one update into a batch, and does what cannot wait for the desk: a pressed button turns until it is answered.
    pub(super) async fn read(&self, me: &Me, raw: &str, since: Since, batch: &mut Batch) {
        let read = Update::read(raw).and_then(|update| match update {
            Some(update) => me.items(&update, number_of(raw), since, self.api.now()).map(|read| Some((update, read))),
            None => Ok(None),
        });
        let (update, read) = match read {
            Ok(Some(read)) => read,
            Ok(None) => return,
            Err(error) => return batch.unreadable.push(Unreadable { payload: raw.to_owned(), error }),
        };
        if let Some(business) = read.business {
            self.learn(business);
        }
        if let Some(connection) = update.body["business_connection_id"].as_str() {
            self.know(connection).await;
        }
        if let Some(press) = read.press {
            let answered = self.api.ask("answerCallbackQuery", &json!({"callback_query_id": press})).await;
            if let Err(error) = answered {
                tracing::debug!(code = error.code, "a pressed button could not be answered");
            }
        }
        batch.items.extend(read.items);
    }

    /// Remembers what the bot may do for a business account.
    fn learn(&self, business: Business) {
        self.businesses().insert(business.id.clone(), business);
    }

    /// Asks what the bot may do for a business account, when that is not known; an answer that does not come is no hindrance.
    async fn know(&self, connection: &str) {
        if self.businesses().contains_key(connection) {
            return;
        }
        let asked = self.api.ask("getBusinessConnection", &json!({"business_connection_id": connection})).await;
        if let Ok(business) = asked.and_then(|answer| serde_json::from_value(answer).map_err(|_| api::not_json())) {
            self.learn(business);
        }
    }

    /// Whether the platform calls us as it should; sets it right when not.
    pub(super) async fn watch_webhook(&self) -> Result<Batch, ChannelError> {
        let info = self.api.ask("getWebhookInfo", &json!({})).await?;
        let Delivery::Webhook(address) = &self.delivery else { return Ok(Batch::default()) };
        // Without a secret every call is refused, and nobody can tell which one was given.
        if info["url"].as_str() != Some(address.as_str()) || !self.has_hook_secret().await? {
            self.set_webhook(address).await?;
            return Ok(Batch::default());
        }
        let now = self.api.now();
        let recent = info["last_error_date"].as_i64().is_some_and(|at| now.0 - at.saturating_mul(1_000) < RECENT_MS);
        let waiting = info["pending_update_count"].as_i64().unwrap_or(0);
        if recent && waiting > 0 {
            let why: String = info["last_error_message"].as_str().unwrap_or("?").chars().take(200).collect();
            return Err(ChannelError::new(
                Class::Transient,
                "telegram.webhook_failing",
                Words::new(
                    format!("Telegram cannot deliver to Balie's address; {waiting} updates wait there ({why})."),
                    format!(
                        "Telegram kan niet bij het adres van Balie afleveren; er wachten daar {waiting} berichten ({why})."
                    ),
                ),
                Words::new(
                    "See to it that the address can be reached from the internet over https with a valid certificate, or set delivery to asking. What waits is kept for 24 hours.",
                    "Zorg dat het adres vanaf internet over https bereikbaar is met een geldig certificaat, of zet aflevering op ophalen. Wat wacht, wordt 24 uur bewaard.",
                ),
            ));
        }
        Ok(Batch::default())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, NUMBERS_LAST_MS};
    use crate::model::Timestamp;

    #[test]
    fn an_offset_from_another_numbering_is_not_sent() {
        let cursor = Cursor { offset: Some(9), since: Some(Timestamp(1)), at: Some(Timestamp(1_000)) };
        assert_eq!(Cursor::read(Some(&cursor.write())), cursor);
        assert_eq!(cursor.to_send(Timestamp(2_000)), Some(9));
        assert_eq!(cursor.to_send(Timestamp(1_000 + NUMBERS_LAST_MS)), None);
        assert_eq!(Cursor::read(None), Cursor::default());
    }
}
