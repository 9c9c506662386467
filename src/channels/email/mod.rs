//! E-mail: a mailbox read over IMAP and answered over SMTP.
//!
//! Owns: everything about mail: what an admin fills in (`fields`, `settings`), signing in (`auth`), handing in (`smtp`), which
//! thread a mail belongs to (`thread`), reading (`pull`, `stream`, `convert`), answering (`compose`, `reply`), and what was
//! left elsewhere to be answered by mail (`left`).
//! Must not: know the desk.

mod auth;
mod compose;
pub mod convert;
mod fields;
mod left;
pub mod me;
mod pull;
mod reply;
mod settings;
mod smtp;
mod stream;
#[cfg(test)]
mod tests;
pub mod thread;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use self::auth::{Auth, Signing};
use self::compose::LARGEST_FILES;
use self::me::Me;
use self::settings::{Copies, Settings};
use self::smtp::Submission;
use self::thread::ReplyToken;
use super::dial::Trust;
use super::mailbox::imap::Session;
use super::mailbox::reader::Reader;
use super::mailbox::{self, Door, Resting, utf7};
use super::{
    Allowance, AttachmentLimit, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Files, Known,
    Letters, Limit, Measure, Probe, Pull, Reply, Stream, ThreadRef, Unit, Warning, Words, limits,
};
use crate::model::Lane;

/// E-mail.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "email",
    name: ("E-mail", "E-mail"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: fields::FIELDS,
    keeps: &["reply_key"],
    lanes: &[Lane::Private],
    oauth: Some(&auth::Browser),
    connect,
    fake: Some(super::fake::Fake::Forgets(super::mailbox::fake::serve)),
};

/// Nobody writes more in one mail; what is longer is a file.
const LONGEST: i64 = 100_000;
const MOST_FILES: i64 = 20;

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let settings = Settings::read(&context.settings)?;
    let trust = Trust::new(settings.certificate.as_deref())?;
    Ok(Arc::new(Email {
        auth: Auth::new(context.clone()),
        reader: Reader::new(context.clock.clone(), context.history, settings.folders.clone(), true),
        filing: Resting::new(context.clock.clone()),
        context,
        settings,
        trust,
        me: OnceCell::new(),
    }))
}

/// One mailbox.
pub struct Email {
    context: Context,
    settings: Settings,
    trust: Trust,
    auth: Auth,
    me: OnceCell<Me>,
    reader: Reader,
    /// For the Sent folder and single mails: a reply does not wait until a thousand mails are read.
    filing: Resting,
}

impl Email {
    /// Who we are. The key of our reply addresses is made once, when it is first needed.
    async fn me(&self) -> Result<Me, ChannelError> {
        let made = self.me.get_or_try_init(|| async {
            let mut key = Vec::new();
            if self.settings.plus {
                let mut secrets = self.context.secrets.load().await?;
                if secrets["reply_key"].as_str().is_none_or(str::is_empty) {
                    secrets["reply_key"] = crate::secret::token().into();
                    self.context.secrets.save(&secrets).await?;
                }
                key = secrets["reply_key"].as_str().unwrap_or_default().as_bytes().to_vec();
            }
            Ok::<_, ChannelError>(Me {
                addresses: self.settings.addresses.clone(),
                token: ReplyToken::new(key),
                trusts: self.settings.trusts.clone(),
            })
        });
        made.await.cloned()
    }
}

#[async_trait]
impl Door for Email {
    async fn open(&self) -> Result<Session, ChannelError> {
        let (settings, now) = (&self.settings, self.context.clock.now());
        let keys = Signing { auth: &self.auth, settings };
        Session::open(&self.context.client, &settings.imap, settings.sent.as_deref(), &self.trust, &keys, now).await
    }
}

#[async_trait]
impl Channel for Email {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        let mut warnings = Vec::new();
        let mut session = self.open().await?;
        let mut found = false;
        for folder in &self.settings.folders {
            let there = session.select(&utf7::encode(folder)).await?.is_some();
            found |= there;
            if !there {
                warnings.push(Warning::new(
                    "email.no_folder",
                    format!("The mailbox has no folder {folder}; it is not read."),
                    format!("De mailbox heeft geen map {folder}; die wordt niet gelezen."),
                ));
            }
        }
        if !found {
            return Err(mailbox::no_folder(&self.settings.folders.join(", ")));
        }
        if !session.has("IDLE") {
            warnings.push(Warning::new(
                "email.no_idle",
                "The server does not tell of new mail; it is asked every half minute.",
                "De server meldt nieuwe mail niet; er wordt elke halve minuut naar gevraagd.",
            ));
        }
        if session.sent.is_none() && self.settings.copies != Copies::Nobody {
            warnings.push(Warning::new(
                "email.no_sent",
                "There is no folder for sent mail, so no copies are kept, and after a broken connection nobody knows whether a mail left. Name the folder in the settings.",
                "Er is geen map voor verzonden mail, dus er worden geen kopieën bewaard, en na een verbroken verbinding weet niemand of een mail weg is. Noem de map bij de instellingen.",
            ));
        }
        // Mail that cannot be sent now can still be read; credentials that are refused need somebody.
        match Submission::open(&self.context.client, &self.settings, &self.trust, &self.auth).await {
            Ok(_) => {}
            Err(error) if matches!(error.class, Class::Unauthorized | Class::Rejected) => return Err(error),
            Err(error) => {
                let Words { en, nl } = error.cause;
                warnings.push(Warning::new(
                    "email.smtp_unreachable",
                    format!("Sending does not work now. {en}"),
                    format!("Verzenden werkt nu niet. {nl}"),
                ));
            }
        }
        let facts = json!({
            "address": self.settings.address,
            "sent": session.sent,
            "idle": session.has("IDLE"),
            "condstore": session.has("CONDSTORE"),
        });
        let name =
            if self.settings.name.is_empty() { self.settings.address.clone() } else { self.settings.name.clone() };
        Ok(Probe {
            external_id: self.settings.address.clone(),
            handle: self.settings.address.clone(),
            name,
            url: None,
            facts,
            warnings,
            expires_at: self.auth.ends().await,
        })
    }

    fn allowance(&self, _thread: &ThreadRef, facts: &Value) -> Allowance {
        Allowance {
            may_reply: true,
            limit: Limit { unit: Unit::Characters, max: LONGEST },
            attachments: AttachmentLimit {
                max: MOST_FILES,
                max_bytes: LARGEST_FILES as i64,
                mimes: Vec::new(),
                alt_max: 0,
            },
            recipients: true,
            // Of what was left in a form.
            outcomes: serde_json::from_value(facts["thread"]["outcomes"].clone()).unwrap_or_default(),
            ..Allowance::default()
        }
    }

    fn measure(&self, draft: &Draft<'_>, _facts: &Value) -> Measure {
        limits::characters(draft.text, LONGEST)
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
    fn files(&self) -> Option<&dyn Files> {
        Some(self)
    }
    fn letters(&self) -> Option<&dyn Letters> {
        Some(self)
    }
    fn page(&self, original: &[u8]) -> Option<String> {
        convert::page(original)
    }
}

#[async_trait]
impl Pull for Email {
    fn feeds(&self) -> &'static [Feed] {
        pull::FEEDS
    }

    async fn pull(&self, _feed: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        let me = self.me().await?;
        self.reader.look(self, &me, cursor).await
    }

    /// A mail that was sent stays what it was; that somebody deletes it in the mailbox unsays nothing.
    async fn recheck(&self, _known: &[Known]) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }

    async fn reread(&self, _feed: &str, payload: &str) -> Result<Batch, ChannelError> {
        let me = self.me().await?;
        mailbox::read_again(Some((&self.filing, self)), &me, payload).await
    }

    fn recheck_max(&self) -> usize {
        0
    }
}

#[async_trait]
impl Files for Email {
    async fn fetch(&self, url: &str, max: usize) -> Result<Bytes, ChannelError> {
        let gone = || ChannelError::rejected("email.gone", "the mail is no longer in the mailbox.");
        let mut parts = url.strip_prefix("imap:").ok_or_else(gone)?.splitn(3, '/');
        let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok()).ok_or_else(gone);
        let (validity, uid) = (number(parts.next())?, number(parts.next())?);
        let folder = parts.next().ok_or_else(gone)?;
        let mail = mailbox::fetch_again(&self.filing, self, folder, validity, uid, max).await?;
        mail.map(Bytes::from).ok_or_else(gone)
    }
}
