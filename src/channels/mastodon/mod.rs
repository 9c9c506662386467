//! Mastodon and servers that speak its API.
//!
//! Owns: everything about the fediverse's client API: its JSON (`wire`), calls and refusals (`api`), threads (`chains`,
//! `convert`), the feeds (`pull`), the stream, replies, moderation, connecting in the browser, and a server to play against
//! (`fake`).
//! Must not: know the desk.

mod api;
mod chains;
mod convert;
pub mod fake;
mod length;
mod moderate;
mod oauth;
mod own;
mod pull;
mod recheck;
mod reply;
mod reread;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, mpsc};

use self::api::Api;
use self::chains::Chains;
use self::convert::Me;
use super::{
    Allowance, AttachmentLimit, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field,
    FieldKind, Known, Limit, Measure, Moderate, Probe, Pull, Reply, Stream, ThreadRef, Unit, Warning, Words,
};
use crate::model::{Lane, Timestamp};

/// Mastodon.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "mastodon",
    name: ("Mastodon", "Mastodon"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: &[
        Field {
            key: "url",
            kind: FieldKind::Url,
            required: true,
            default: None,
            label: ("Server", "Server"),
            help: (
                "The address of the server the account is on, like https://mastodon.example.",
                "Het adres van de server waar het account op staat, zoals https://mastodon.example.",
            ),
            options: &[],
        },
        Field {
            key: "token",
            kind: FieldKind::Secret,
            required: false,
            default: None,
            label: ("Access token", "Toegangstoken"),
            help: (
                "From Preferences → Development → your application. Not needed when you connect in the browser.",
                "Van Voorkeuren → Ontwikkelaars → je toepassing. Niet nodig als je in de browser koppelt.",
            ),
            options: &[],
        },
    ],
    keeps: &[],
    lanes: &[Lane::Public, Lane::Private],
    oauth: Some(&oauth::Browser),
    connect,
    fake: Some(super::fake::Fake::Forgets(fake::boxed)),
};

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let address = context.settings["url"].as_str().unwrap_or_default().to_owned();
    let api = Api::new(context, &address)?;
    api.context.client.check(api.base())?;
    Ok(Arc::new(Mastodon {
        api,
        me: OnceCell::new(),
        limits: OnceCell::new(),
        chains: Chains::default(),
        turns: recheck::Turns::default(),
        since: AtomicI64::new(0),
    }))
}

/// A connected account.
pub struct Mastodon {
    api: Api,
    /// Asked once.
    me: OnceCell<Me>,
    /// What the server says about itself, asked once, for lengths.
    limits: OnceCell<Value>,
    chains: Chains,
    turns: recheck::Turns,
    /// When Balie came to this account, as the last cursor says; 0 before the first pull.
    since: AtomicI64,
}

impl Mastodon {
    /// Who we are here.
    async fn me(&self) -> Result<Me, ChannelError> {
        let found = self.me.get_or_try_init(|| async {
            let account: wire::Account =
                self.api.get(&["api", "v1", "accounts", "verify_credentials"], &[]).await.map_err(api::of_feed)?;
            let instance = self.limits().await?;
            Ok::<_, ChannelError>(Me { id: account.id.0, acct: account.acct, domain: self.domain(instance) })
        });
        found.await.cloned()
    }

    /// What the server says about itself, in the newer form; old servers' answers are put into it.
    async fn instance(&self) -> Result<Value, ChannelError> {
        match self.api.get(&["api", "v2", "instance"], &[]).await {
            Err(error) if error.code == "mastodon.gone" => {
                let mut old: Value = self.api.get(&["api", "v1", "instance"], &[]).await.map_err(api::of_feed)?;
                let host = old["uri"]
                    .as_str()
                    .unwrap_or_default()
                    .trim_start_matches("https://")
                    .trim_end_matches('/')
                    .to_owned();
                old["domain"] = host.into();
                if let Some(max) = old["max_toot_chars"].as_i64() {
                    old["configuration"]["statuses"]["max_characters"] = max.into();
                }
                if let Some(streaming) = old["urls"]["streaming_api"].as_str().map(str::to_owned) {
                    old["configuration"]["urls"]["streaming"] = streaming.into();
                }
                Ok(old)
            }
            other => other,
        }
    }

    /// As `instance`, remembered.
    async fn limits(&self) -> Result<&Value, ChannelError> {
        self.limits.get_or_try_init(|| self.instance()).await
    }

    fn domain(&self, instance: &Value) -> String {
        let named = instance["domain"].as_str().filter(|domain| !domain.is_empty() && domain.len() < 254);
        named.or_else(|| self.api.base().host_str()).unwrap_or_default().to_owned()
    }

    /// Notes when Balie came, for what arrives without a cursor.
    fn came(&self, at: Timestamp) {
        self.since.store(at.0, Ordering::Relaxed);
    }

    /// When Balie came. Before the first pull: a day ago, so that a stream that is faster than the pull rings for what is new.
    fn since(&self) -> Timestamp {
        match self.since.load(Ordering::Relaxed) {
            0 => self.api.context.clock.now().minus(std::time::Duration::from_secs(86_400)),
            at => Timestamp(at),
        }
    }
}

#[async_trait]
impl Channel for Mastodon {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        let account: wire::Account =
            self.api.get(&["api", "v1", "accounts", "verify_credentials"], &[]).await.map_err(api::of_feed)?;
        let instance = self.instance().await?;
        let me = Me { id: account.id.0.clone(), acct: account.acct.clone(), domain: self.domain(&instance) };
        let full = me.full(&me.acct);
        let limits = &instance["configuration"];
        Ok(Probe {
            handle: format!("@{full}"),
            name: if account.display_name.is_empty() { account.acct.clone() } else { account.display_name.clone() },
            url: account.url,
            facts: json!({
                "id": me.id,
                "acct": me.acct,
                "domain": me.domain,
                "version": instance["version"],
                "api": instance["api_versions"]["mastodon"],
                "max": limits["statuses"]["max_characters"],
                "url_length": limits["statuses"]["characters_reserved_per_url"],
                "max_files": limits["statuses"]["max_media_attachments"],
                "file_bytes": limits["media_attachments"]["image_size_limit"],
                "alt_max": limits["media_attachments"]["description_limit"],
                "mimes": limits["media_attachments"]["supported_mime_types"],
            }),
            warnings: self.warnings().await?,
            external_id: full,
            expires_at: None,
        })
    }

    fn allowance(&self, thread: &ThreadRef, facts: &Value) -> Allowance {
        let number = |key: &str, default: i64| facts[key].as_i64().filter(|n| *n > 0).unwrap_or(default);
        let private = thread.lane == Lane::Private;
        let mimes: Vec<String> = facts["mimes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|mime| mime.as_str().map(str::to_owned))
            .collect();
        let usual = ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4"];
        Allowance {
            may_reply: true,
            code: None,
            words: None,
            until: None,
            limit: Limit { unit: Unit::Graphemes, max: number("max", length::DEFAULT_MAX) },
            visibilities: if private { &["direct"][..] } else { &reply::VISIBILITIES[..] }
                .iter()
                .map(|word| (*word).to_owned())
                .collect(),
            default_visibility: Some(if private { "direct" } else { "unlisted" }.to_owned()),
            content_warning: true,
            language: true,
            attachments: AttachmentLimit {
                max: number("max_files", 4),
                max_bytes: number("file_bytes", 16_777_216),
                mimes: if mimes.is_empty() { usual.map(str::to_owned).to_vec() } else { mimes },
                alt_max: number("alt_max", 1_500),
            },
            cost: None,
            ..Allowance::default()
        }
    }

    fn measure(&self, draft: &Draft<'_>, facts: &Value) -> Measure {
        length::measure(draft, facts)
    }

    fn pull(&self) -> Option<&dyn Pull> {
        Some(self)
    }
    fn stream(&self) -> Option<&dyn Stream> {
        Some(self)
    }
    fn reply(&self) -> Option<&dyn Reply> {
        Some(self)
    }
    fn moderate(&self) -> Option<&dyn Moderate> {
        Some(self)
    }
}

impl Mastodon {
    /// What works less well than it could: permissions the application was not given, private mentions that the account
    /// filters away. Servers that cannot be asked are not warned about.
    async fn warnings(&self) -> Result<Vec<Warning>, ChannelError> {
        // A token of an account's own making may have no application, and old servers know no policy: no answer, no warning.
        let quiet = |answer: Result<Value, ChannelError>| match answer {
            Err(error) if error.is_transient() => Err(error),
            other => Ok(other.unwrap_or_default()),
        };
        let app = quiet(self.api.get(&["api", "v1", "apps", "verify_credentials"], &[]).await)?;
        let policy = quiet(self.api.get(&["api", "v2", "notifications", "policy"], &[]).await)?;
        let mut warnings = Vec::new();
        if let Some(scopes) = app["scopes"].as_array() {
            let has = |wanted: &str| {
                let group = wanted.split(':').next().unwrap_or_default();
                scopes.iter().filter_map(Value::as_str).any(|scope| scope == wanted || scope == group)
            };
            let missing: Vec<_> = oauth::SCOPES.split(' ').filter(|scope| !has(scope)).collect();
            if !missing.is_empty() {
                let missing = missing.join(", ");
                warnings.push(Warning::new(
                    "mastodon.scopes_missing",
                    format!("The application lacks {missing}; some actions will be refused."),
                    format!("De toepassing mist {missing}; sommige handelingen worden geweigerd."),
                ));
            }
        }
        for (field, en, nl) in [
            ("for_private_mentions", "private mentions from strangers", "privévermeldingen van onbekenden"),
            ("for_not_following", "people the account does not follow", "mensen die het account niet volgt"),
        ] {
            match policy[field].as_str() {
                Some("drop") => warnings.push(Warning::new(
                    "mastodon.policy_drops",
                    format!("The account drops {en}; they never arrive. Change it under Preferences → Notifications."),
                    format!("Het account weigert {nl}; die komen nooit aan. Wijzig het onder Voorkeuren → Meldingen."),
                )),
                Some("filter") => warnings.push(Warning::new(
                    "mastodon.policy_filters",
                    format!(
                        "The account filters {en}; they arrive with the next poll instead of at once. Change it under Preferences → Notifications."
                    ),
                    format!(
                        "Het account filtert {nl}; die komen met de volgende ronde binnen in plaats van meteen. Wijzig het onder Voorkeuren → Meldingen."
                    ),
                )),
                _ => {}
            }
        }
        Ok(warnings)
    }
}

#[async_trait]
impl Pull for Mastodon {
    fn feeds(&self) -> &'static [Feed] {
        pull::FEEDS
    }

    async fn pull(&self, feed: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        self.chains.may_ask(self.api.context.clock.now())?;
        match feed {
            pull::NOTIFICATIONS => self.notifications(cursor).await,
            pull::OWN => self.own(cursor).await,
            _ => Ok(Batch::default()),
        }
    }

    async fn recheck(&self, known: &[Known]) -> Result<Batch, ChannelError> {
        self.chains.may_ask(self.api.context.clock.now())?;
        self.look_again(known).await
    }

    async fn reread(&self, _feed: &str, payload: &str) -> Result<Batch, ChannelError> {
        self.read_again(payload).await
    }

    fn recheck_max(&self) -> usize {
        recheck::MAX
    }
}

#[async_trait]
impl Stream for Mastodon {
    async fn run(&self, sink: mpsc::Sender<Batch>) -> ChannelError {
        match self.listen(&sink).await {
            Ok(()) => ChannelError::transient("the stream ended"),
            Err(error) => error,
        }
    }
}

/// For calls whose answer is of no interest but its refusal is.
fn is_gone(error: &ChannelError) -> bool {
    error.code == "mastodon.gone"
}

/// A refusal in the channel's own words.
fn rejected(code: &str, cause: (&str, &str), cure: (&str, &str)) -> ChannelError {
    ChannelError::new(Class::Rejected, code, Words::new(cause.0, cause.1), Words::new(cure.0, cure.1))
}

/// `DELETE` of one post of ours; that it is gone already is as good.
async fn delete(api: &Api, id: &str) -> Result<(), ChannelError> {
    match api.ask(api.request(Method::DELETE, &["api", "v1", "statuses", id]).await?).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(error),
    }
}
