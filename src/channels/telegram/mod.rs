//! Telegram, through a bot: private chats, groups, and business accounts that have connected the bot.
//!
//! Owns: everything about the Bot API: its JSON (`wire`), calls and refusals (`api`), the names of places (`place`), what
//! messages say (`content`, `entities`, `convert`), what threads remember (`state`), hearing by asking (`pull`) or by being
//! called (`push`), replies, moderation, files, and a platform to play against (`fake`).
//! Must not: know the desk.

mod api;
mod content;
mod convert;
mod entities;
pub mod fake;
mod files;
mod moderate;
mod place;
mod pull;
mod push;
mod refused;
mod reply;
mod state;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use self::api::Api;
use self::convert::{Me, Since};
use self::entities::utf16;
use self::place::Place;
use self::wire::Business;
use super::{
    Allowance, AttachmentLimit, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field,
    FieldKind, Files, Known, Limit, Measure, Moderate, Probe, Pull, Push, Reply, ThreadRef, Unit, Warning, Words,
    limits,
};
use crate::model::{Lane, Timestamp};

/// Telegram.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "telegram",
    name: ("Telegram", "Telegram"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: FIELDS,
    keeps: &["hook_secret"],
    lanes: &[Lane::Private, Lane::Public],
    oauth: None,
    connect,
    fake: Some(super::fake::Fake::Keeps(fake::boxed)),
};

const FIELDS: &[Field] = &[
    Field {
        key: "token",
        kind: FieldKind::Secret,
        required: true,
        default: None,
        label: ("Bot token", "Token van de bot"),
        help: (
            "From @BotFather: /newbot or /mybots → API Token. Looks like 123456789:AA….",
            "Van @BotFather: /newbot of /mybots → API Token. Ziet eruit als 123456789:AA….",
        ),
        options: &[],
    },
    Field {
        key: "delivery",
        kind: FieldKind::Choice,
        required: false,
        default: Some("poll"),
        label: ("Delivery", "Aflevering"),
        help: (
            "How messages come in. Asking works everywhere; a webhook needs an address that Telegram can reach over https.",
            "Hoe berichten binnenkomen. Ophalen werkt overal; een webhook heeft een adres nodig dat Telegram over https kan bereiken.",
        ),
        options: &[
            ("poll", ("Balie asks", "Balie haalt op")),
            ("webhook", ("Telegram calls (webhook)", "Telegram belt (webhook)")),
        ],
    },
    Field {
        key: "hook",
        kind: FieldKind::Url,
        required: false,
        default: None,
        label: ("Webhook address", "Webhookadres"),
        help: (
            "Only for a webhook: the address that this account's page shows, on https. Connect with asking first; then it is there.",
            "Alleen voor een webhook: het adres dat de pagina van dit account toont, op https. Koppel eerst met ophalen; dan staat het daar.",
        ),
        options: &[],
    },
    Field {
        key: "url",
        kind: FieldKind::Url,
        required: false,
        default: Some("https://api.telegram.org"),
        label: ("Bot API server", "Bot API-server"),
        help: (
            "Telegram's own, unless you run a Bot API server yourself.",
            "Die van Telegram zelf, tenzij je zelf een Bot API-server draait.",
        ),
        options: &[],
    },
    Field {
        key: "wait",
        kind: FieldKind::Number,
        required: false,
        default: Some("20"),
        label: ("Seconds a question waits", "Seconden dat een vraag wacht"),
        help: (
            "When Balie asks, Telegram keeps the question open until there is news, at most so long. Lower it when a proxy cuts quiet connections; 0 to 20.",
            "Als Balie ophaalt, houdt Telegram de vraag open tot er nieuws is, hoogstens zo lang. Verlaag dit als een proxy stille verbindingen verbreekt; 0 tot 20.",
        ),
        options: &[],
    },
];

/// The longest wait of a question. The platform allows 50 s; but a line that has died is noticed only when a question is over,
/// and it must be noticed twice within a minute, or the account is not red in time.
const LONGEST_WAIT: i64 = 20;
const LONGEST_TEXT: i64 = 4_096;
const LONGEST_CAPTION: i64 = 1_024;
/// The most files of one message, and the largest of them that a bot may send.
const MOST_FILES: i64 = 10;
const LARGEST_UPLOAD: i64 = 50 << 20;

/// How messages come in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Delivery {
    Poll,
    /// To this address.
    Webhook(String),
}

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let text = |field: &str| context.settings[field].as_str().unwrap_or_default().trim().to_owned();
    let hook = text("hook");
    let delivery = match (text("delivery").as_str(), hook.is_empty()) {
        ("webhook", false) => Delivery::Webhook(hook.clone()),
        ("webhook", true) => {
            return Err(ChannelError::new(
                Class::Rejected,
                "telegram.no_hook",
                Words::new("Delivery by webhook has no address.", "Aflevering via een webhook heeft geen adres."),
                Words::new(
                    "Fill in the webhook address, or let Balie ask.",
                    "Vul het webhookadres in, of laat Balie ophalen.",
                ),
            ));
        }
        _ => Delivery::Poll,
    };
    let wait = context.settings["wait"].as_i64().unwrap_or(LONGEST_WAIT).clamp(0, LONGEST_WAIT);
    let address = Some(text("url")).filter(|url| !url.is_empty()).unwrap_or("https://api.telegram.org".to_owned());
    let api = Api::new(context, &address)?;
    api.context.client.check(api.base())?;
    Ok(Arc::new(Telegram {
        api,
        delivery,
        hook,
        wait: wait.unsigned_abs(),
        me: OnceCell::new(),
        businesses: Mutex::default(),
    }))
}

/// A connected bot.
pub struct Telegram {
    api: Api,
    delivery: Delivery,
    /// Our own webhook's address, also when it is not in use (any more); empty when none was filled in.
    hook: String,
    wait: u64,
    /// Asked once.
    me: OnceCell<Me>,
    /// What the bot may do for business accounts, as far as it was told or asked since the start.
    businesses: Mutex<HashMap<String, Business>>,
}

impl Telegram {
    async fn me(&self) -> Result<&Me, ChannelError> {
        self.me.get_or_try_init(|| async { self.me_of(&self.api.ask("getMe", &json!({})).await?) }).await
    }

    fn me_of(&self, answer: &Value) -> Result<Me, ChannelError> {
        Ok(Me {
            id: answer["id"].as_i64().ok_or_else(api::not_json)?,
            username: answer["username"].as_str().unwrap_or_default().to_owned(),
            // A server of one's own has no such limit, or another one that it tells when it is asked.
            largest_file: self.api.is_cloud().then_some(content::LARGEST_FILE),
        })
    }

    fn businesses(&self) -> MutexGuard<'_, HashMap<String, Business>> {
        self.businesses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a webhook stands in the way of asking. One of our own, from before, is ended.
    async fn clear_webhook(&self) -> Result<(), ChannelError> {
        let info = self.api.ask("getWebhookInfo", &json!({})).await?;
        let url = info["url"].as_str().unwrap_or_default();
        if url.is_empty() {
            return Ok(());
        }
        if url == self.hook {
            return self.api.ask("deleteWebhook", &json!({"drop_pending_updates": false})).await.map(drop);
        }
        let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        Err(api::webhook_set(host.as_deref()))
    }
}

#[async_trait]
impl Channel for Telegram {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        let answer = self.api.ask("getMe", &json!({})).await?;
        let me = self.me_of(&answer)?;
        if self.delivery == Delivery::Poll {
            self.clear_webhook().await?;
        }
        let mut warnings = Vec::new();
        if answer["can_join_groups"] == true && answer["can_read_all_group_messages"] == false {
            warnings.push(Warning::new(
                "telegram.privacy_mode",
                "In groups the bot hears only commands, mentions and replies to itself. @BotFather → /setprivacy changes that; then add the bot to its groups again.",
                "In groepen hoort de bot alleen opdrachten, vermeldingen en antwoorden op zichzelf. @BotFather → /setprivacy verandert dat; voeg de bot daarna opnieuw aan zijn groepen toe.",
            ));
        }
        Ok(Probe {
            external_id: me.id.to_string(),
            handle: format!("@{}", me.username),
            name: answer["first_name"].as_str().unwrap_or(&me.username).to_owned(),
            url: Some(format!("https://t.me/{}", me.username)).filter(|_| wire::plain(&me.username)),
            facts: json!({
                "id": me.id,
                "username": me.username,
                "all_group_messages": answer["can_read_all_group_messages"],
                "business": answer["can_connect_to_business"],
            }),
            expires_at: None,
            warnings,
        })
    }

    fn allowance(&self, thread: &ThreadRef, facts: &Value) -> Allowance {
        let memory = &facts["thread"];
        let business = Place::read(&thread.external_id).and_then(|place| place.business);
        let known = business.as_ref().and_then(|id| self.businesses().get(id).cloned());
        let open = Allowance {
            may_reply: true,
            until: state::until(memory),
            limit: Limit { unit: Unit::Characters, max: LONGEST_TEXT },
            attachments: AttachmentLimit {
                max: MOST_FILES,
                max_bytes: LARGEST_UPLOAD,
                mimes: Vec::new(),
                alt_max: LONGEST_CAPTION,
            },
            ..Allowance::default()
        };
        match state::closed(memory, known.as_ref(), self.api.now()) {
            Some(closed) => Allowance {
                may_reply: false,
                code: Some(closed.code.to_owned()),
                words: Some(closed.words),
                until: None,
                ..open
            },
            None => open,
        }
    }

    /// UTF-16 code units, as the platform counts; emoji are two or more.
    fn measure(&self, draft: &Draft<'_>, _facts: &Value) -> Measure {
        let used = utf16(draft.text.trim());
        let over = used > LONGEST_TEXT;
        Measure {
            used,
            max: LONGEST_TEXT,
            unit: Unit::Characters,
            over,
            parts: over.then(|| limits::split(draft.text, |part| utf16(part) <= LONGEST_TEXT)),
            notes: Vec::new(),
        }
    }

    fn pull(&self) -> Option<&dyn Pull> {
        Some(self)
    }
    fn push(&self) -> Option<&dyn Push> {
        Some(self)
    }
    fn reply(&self) -> Option<&dyn Reply> {
        Some(self)
    }
    fn moderate(&self) -> Option<&dyn Moderate> {
        Some(self)
    }
    fn files(&self) -> Option<&dyn Files> {
        Some(self)
    }
}

#[async_trait]
impl Pull for Telegram {
    fn feeds(&self) -> &'static [Feed] {
        match self.delivery {
            Delivery::Poll => pull::ASKING,
            Delivery::Webhook(_) => pull::CALLED,
        }
    }

    async fn pull(&self, feed: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        match feed {
            pull::UPDATES => self.updates(cursor).await,
            pull::WEBHOOK => self.watch_webhook().await,
            _ => Ok(Batch::default()),
        }
    }

    async fn recheck(&self, _known: &[Known]) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }

    async fn reread(&self, _feed: &str, payload: &str) -> Result<Batch, ChannelError> {
        let mut batch = Batch::default();
        self.read(self.me().await?, payload, Since(None), &mut batch).await;
        Ok(batch)
    }

    /// A bot cannot look at a message again: edits come as updates, and of removals only business chats tell.
    fn recheck_max(&self) -> usize {
        0
    }
}

/// A refusal in the channel's own words.
fn rejected(code: &str, cause: (&str, &str), cure: (&str, &str)) -> ChannelError {
    ChannelError::new(Class::Rejected, code, Words::new(cause.0, cause.1), Words::new(cure.0, cure.1))
}

/// A moment in whole seconds from an answer.
fn at(seconds: &Value) -> Option<Timestamp> {
    seconds.as_i64().map(wire::moment)
}
