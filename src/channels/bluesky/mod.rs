//! Bluesky and other services on the AT Protocol.
//!
//! Owns: the wire format, lengths and refusals of this network; `SETUP.md` and `SETUP.nl.md` say how an account is connected.
//! Promises: the contract of [`crate::channels`]. Everything is keyed on DIDs, because handles change; all calls go to the account's
//! own server, which passes them on to the index and to the chat service.
//! Must not: know the desk.

mod api;
mod around;
mod chat;
mod convert;
mod facets;
pub mod fake;
mod image;
mod moderate;
mod notifications;
mod own;
mod recheck;
mod reply;
mod send;
mod session;
#[cfg(test)]
mod tests;
mod thread;
mod tid;
mod walk;
mod wire;
mod xrpc;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;

use super::stumbles::Stumbles;
use super::{
    Action, Allowance, AttachmentLimit, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field,
    FieldKind, Known, Limit, Measure, Moderate, Outgoing, Probe, Pull, Reply, Sent, ThreadRef, Unit, Unreadable, Words,
};
use crate::model::{Lane, ThreadKind};
use api::Api;
use session::Session;
use xrpc::Fault;

/// The channel as data.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "bluesky",
    name: ("Bluesky", "Bluesky"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: FIELDS,
    keeps: &[],
    lanes: &[Lane::Public, Lane::Private],
    oauth: None,
    connect,
    fake: Some(super::fake::Fake::Forgets(fake::serve)),
};

static FIELDS: &[Field] = &[
    Field {
        key: "identifier",
        kind: FieldKind::Text,
        required: true,
        default: None,
        label: ("Handle", "Handle"),
        help: (
            "As people write it, without @: merk.example. A DID works too.",
            "Zoals mensen het schrijven, zonder @: merk.example. Een DID mag ook.",
        ),
        options: &[],
    },
    Field {
        key: "password",
        kind: FieldKind::Secret,
        required: true,
        default: None,
        label: ("App password", "App-wachtwoord"),
        help: (
            "From bsky.app: Settings, Privacy and security, App passwords. Tick \"Allow access to your direct messages\".",
            "Uit bsky.app: Instellingen, Privacy en beveiliging, App-wachtwoorden. Vink \"Geef toegang tot je privéberichten\" aan.",
        ),
        options: &[],
    },
    Field {
        key: "service",
        kind: FieldKind::Url,
        required: false,
        default: Some("https://bsky.social"),
        label: ("Service", "Dienst"),
        help: (
            "Where the account signs in; another address for a server of your own.",
            "Waar het account inlogt; een ander adres voor een eigen server.",
        ),
        options: &[],
    },
    Field {
        key: "chat_proxy",
        kind: FieldKind::Text,
        required: false,
        default: Some(CHAT),
        label: ("Chat service", "Chatdienst"),
        help: (
            "Which service carries direct messages. A single - switches them off.",
            "Welke dienst de privéberichten vervoert. Een enkel streepje (-) zet ze uit.",
        ),
        options: &[],
    },
    Field {
        key: "plc",
        kind: FieldKind::Url,
        required: false,
        default: Some("https://plc.directory"),
        label: ("Directory", "Adresboek"),
        help: (
            "Where identities are looked up; only for networks of your own.",
            "Waar identiteiten worden opgezocht; alleen voor eigen netwerken.",
        ),
        options: &[],
    },
];

const CHAT: &str = "did:web:api.bsky.chat#bsky_chat";

static FEEDS: &[Feed] = &[NOTIFICATIONS, OWN, CHATS];
static FEEDS_WITHOUT_CHAT: &[Feed] = &[NOTIFICATIONS, OWN];
const NOTIFICATIONS: Feed = Feed { key: "notifications", busy: Duration::from_secs(5), idle: Duration::from_secs(30) };
const OWN: Feed = Feed { key: "own", busy: Duration::from_secs(30), idle: Duration::from_secs(120) };
const CHATS: Feed = Feed { key: "chat", busy: Duration::from_secs(10), idle: Duration::from_secs(60) };

struct Bluesky {
    api: Api,
    members: chat::Members,
    stumbles: Stumbles,
}

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let text = |key: &str, default: &str| {
        let value = context.settings[key].as_str().map(str::trim).unwrap_or_default();
        if value.is_empty() { default.to_owned() } else { value.to_owned() }
    };
    let address = |key: &str, default: &str| {
        let value = text(key, default);
        let url = value.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.ok_or_else(|| {
            setting(
                "address",
                (&format!("\"{value}\" is not an address."), &format!("\"{value}\" is geen adres.")),
                ("Give it as https://name.", "Geef het op als https://naam."),
            )
        })
    };
    let service = address("service", "https://bsky.social")?;
    let plc = address("plc", "https://plc.directory")?;
    let identifier = text("identifier", "").trim_start_matches('@').to_owned();
    if identifier.is_empty() || identifier.len() > 300 || identifier.contains(char::is_whitespace) {
        return Err(setting(
            "identifier",
            ("The handle is missing or is no handle.", "De handle ontbreekt of is geen handle."),
            ("Give it as merk.example, without @.", "Geef hem op als merk.example, zonder @."),
        ));
    }
    let chat_proxy = match text("chat_proxy", CHAT) {
        off if off == "-" => String::new(),
        proxy if proxy.starts_with("did:") && proxy.contains('#') && proxy.bytes().all(|b| b.is_ascii_graphic()) => {
            proxy
        }
        _ => {
            return Err(setting(
                "chat_proxy",
                (
                    "The chat service is not written as a DID with a service.",
                    "De chatdienst is niet geschreven als een DID met een dienst.",
                ),
                (
                    "Give it as did:web:api.bsky.chat#bsky_chat, or - for none.",
                    "Geef hem op als did:web:api.bsky.chat#bsky_chat, of - voor geen.",
                ),
            ));
        }
    };
    let session = Session::new(context.clone(), service, identifier, plc);
    let api = Api::new(context, session, chat_proxy);
    Ok(Arc::new(Bluesky { api, members: chat::Members::default(), stumbles: Stumbles::default() }))
}

fn setting(what: &str, cause: (&str, &str), cure: (&str, &str)) -> ChannelError {
    xrpc::fault(Class::Rejected, &format!("setting.{what}"), cause, cure)
}

#[async_trait]
impl Channel for Bluesky {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        // Asked first, so that a session that was revoked is noticed and renewed here.
        let now = self.api.get("com.atproto.server.getSession", &[]).await?;
        if now["active"].as_bool() == Some(false) {
            let status = now["status"].as_str().unwrap_or("inactive").to_owned();
            return Err(xrpc::Refusal { status: 400, error: "AccountDeactivated".to_owned(), message: status }.into());
        }
        let login = self.api.login().await?;
        let handle = now["handle"].as_str().unwrap_or(&login.handle).to_owned();
        // The index may not know an account of a minute ago: the name is then the handle.
        let profile = self.api.get("app.bsky.actor.getProfile", &[("actor", &login.did)]).await.unwrap_or(Value::Null);
        let name = profile["displayName"]
            .as_str()
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .unwrap_or(&handle)
            .to_owned();
        let mut warnings = Vec::new();
        let mut chat_state = "off";
        if self.api.has_chat() {
            chat_state = match chat::probe(&self.api).await {
                Err(Fault::Refused(refusal)) if refusal.is_missing_scope() => {
                    warnings.push(xrpc::no_dm_access(Class::Rejected).into());
                    "no_access"
                }
                Err(Fault::Refused(refusal)) => {
                    warnings.push(chat::absent_or(Fault::Refused(refusal)).into());
                    "absent"
                }
                // Not told either way is no worse than fine: one bad minute must not close the composer.
                Ok(()) | Err(_) => "ok",
            };
        }
        Ok(Probe {
            external_id: login.did.clone(),
            handle: format!("@{handle}"),
            name,
            url: Some(format!("https://bsky.app/profile/{}", login.did)),
            facts: json!({"did": login.did, "pds": login.pds.as_str(), "chat": chat_state}),
            warnings,
            expires_at: None,
        })
    }

    fn allowance(&self, thread: &ThreadRef, facts: &Value) -> Allowance {
        let post = thread.kind == ThreadKind::Post;
        let closed = if post { None } else { closed_chat(facts["chat"].as_str()) };
        let lengths = if post { reply::POST } else { reply::DM };
        Allowance {
            may_reply: closed.is_none(),
            code: closed.as_ref().map(|error| error.code.clone()),
            words: closed.map(|error| {
                Words::new(
                    format!("{} {}", error.cause.en, error.cure.en),
                    format!("{} {}", error.cause.nl, error.cure.nl),
                )
            }),
            until: None,
            limit: Limit { unit: Unit::Graphemes, max: i64::try_from(lengths.graphemes).unwrap_or(i64::MAX) },
            visibilities: Vec::new(),
            default_visibility: None,
            content_warning: false,
            language: post,
            attachments: if post { reply::attachments() } else { AttachmentLimit::default() },
            cost: None,
            ..Allowance::default()
        }
    }

    fn measure(&self, draft: &Draft<'_>, _facts: &Value) -> Measure {
        reply::measure(draft.text, if draft.thread.kind == ThreadKind::Post { reply::POST } else { reply::DM })
    }

    fn pull(&self) -> Option<&dyn Pull> {
        Some(self)
    }
    fn reply(&self) -> Option<&dyn Reply> {
        Some(self)
    }
    fn moderate(&self) -> Option<&dyn Moderate> {
        Some(self)
    }
}

fn closed_chat(state: Option<&str>) -> Option<ChannelError> {
    match state {
        Some("no_access") => Some(xrpc::no_dm_access(Class::Rejected)),
        Some("off") => Some(xrpc::fault(
            Class::Rejected,
            "chat_off",
            ("Direct messages are switched off for this account.", "Privéberichten staan uit voor dit account."),
            (
                "An administrator can fill in the chat service at the account.",
                "Een beheerder kan de chatdienst bij het account invullen.",
            ),
        )),
        _ => None,
    }
}

#[async_trait]
impl Pull for Bluesky {
    fn feeds(&self) -> &'static [Feed] {
        if self.api.has_chat() { FEEDS } else { FEEDS_WITHOUT_CHAT }
    }

    async fn pull(&self, feed: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        match feed {
            "notifications" => notifications::pull(&self.api, &self.stumbles, cursor).await,
            "own" => own::pull(&self.api, &self.stumbles, cursor).await,
            "chat" => chat::pull(&self.api, &self.members, cursor).await,
            other => Err(ChannelError::rejected("bluesky.feed", format!("there is no feed \"{other}\"."))),
        }
    }

    async fn recheck(&self, known: &[Known]) -> Result<Batch, ChannelError> {
        recheck::recheck(&self.api, known).await
    }

    async fn reread(&self, feed: &str, payload: &str) -> Result<Batch, ChannelError> {
        match feed {
            "notifications" => notifications::reread(&self.api, &self.stumbles, payload).await,
            other => {
                let error = format!("payloads of \"{other}\" cannot be read apart from their page");
                let unreadable = vec![Unreadable { payload: payload.to_owned(), error }];
                Ok(Batch { unreadable, ..Batch::default() })
            }
        }
    }

    fn recheck_max(&self) -> usize {
        api::POSTS_MAX
    }
}

#[async_trait]
impl Reply for Bluesky {
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
        match outgoing.thread.kind {
            ThreadKind::Dm => send::deliver(&self.api, outgoing).await,
            _ => reply::deliver(&self.api, outgoing).await,
        }
    }

    async fn find(&self, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
        match outgoing.thread.kind {
            ThreadKind::Dm => send::find(&self.api, outgoing).await,
            _ => reply::find(&self.api, outgoing).await,
        }
    }
}

#[async_trait]
impl Moderate for Bluesky {
    fn actions(&self, own: bool, lane: Lane) -> Vec<Action> {
        moderate::actions(own, lane)
    }

    async fn act(
        &self,
        action: Action,
        external_id: &str,
        author: &str,
        _meta: &Value,
        reason: Option<&str>,
    ) -> Result<(), ChannelError> {
        moderate::act(&self.api, action, external_id, author, reason).await
    }
}
