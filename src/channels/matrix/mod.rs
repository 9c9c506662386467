//! Matrix: rooms on any homeserver, by the client-server API.
//!
//! Owns: everything about that API: its JSON (`wire`, `text`), calls (`api`) and refusals (`refusal`), signing in (`session`), rooms and
//! threads (`rooms`, `convert`, `history`), the sync and its gaps (`sync`, `gaps`), reactions and receipts (`signs`), invitations (`doors`), the bell (`stream`), replies,
//! files, moderation, and a homeserver to play against (`fake`).
//! Does not decrypt: a room that is encrypted end to end is shown as such, with what to do about it.
//! Must not: know the desk.

mod api;
mod convert;
mod doors;
pub mod fake;
mod files;
mod gaps;
mod harvest;
mod history;
mod memory;
mod moderate;
mod refusal;
mod reply;
mod rooms;
mod session;
mod signs;
mod stream;
mod sync;
#[cfg(test)]
mod tests;
mod text;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use self::api::{Api, Fault, Server, fault};
use self::convert::Me;
use self::memory::Memory;
use super::{
    Allowance, AttachmentLimit, Batch, Channel, ChannelError, Class, Context, Descriptor, Draft, Feed, Field,
    FieldKind, Files, Known, Limit, Measure, Moderate, Probe, Pull, Reply, Stream, ThreadRef, Unit, Warning, Words,
};
use crate::model::Lane;

/// Matrix.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "matrix",
    name: ("Matrix", "Matrix"),
    icon: include_str!("icon.svg"),
    setup: (include_str!("SETUP.md"), include_str!("SETUP.nl.md")),
    fields: &[
        Field {
            key: "server",
            kind: FieldKind::Text,
            required: true,
            default: None,
            label: ("Homeserver", "Homeserver"),
            help: (
                "Its name or address: example.org, or https://matrix.example.org.",
                "De naam of het adres: example.org, of https://matrix.example.org.",
            ),
            options: &[],
        },
        Field {
            key: "user",
            kind: FieldKind::Text,
            required: false,
            default: None,
            label: ("User name", "Gebruikersnaam"),
            help: (
                "Of the organisation's account, like webcare or @webcare:example.org. Not needed with a token.",
                "Van het account van de organisatie, zoals webcare of @webcare:example.org. Niet nodig met een token.",
            ),
            options: &[],
        },
        Field {
            key: "password",
            kind: FieldKind::Secret,
            required: false,
            default: None,
            label: ("Password", "Wachtwoord"),
            help: (
                "Balie signs in with it as a device of its own, and again when the homeserver ends the session.",
                "Balie logt er als eigen apparaat mee in, en opnieuw als de homeserver de sessie beëindigt.",
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
                "Instead of a password, where the homeserver takes none.",
                "In plaats van een wachtwoord, als de homeserver dat niet aanneemt.",
            ),
            options: &[],
        },
        Field {
            key: "invites",
            kind: FieldKind::Choice,
            required: true,
            default: Some("direct"),
            label: ("Accept invitations", "Uitnodigingen aannemen"),
            help: (
                "Somebody who writes to the account for the first time sends an invitation to a room of two.",
                "Wie het account voor het eerst schrijft, stuurt een uitnodiging voor een ruimte met z'n tweeën.",
            ),
            options: &[
                ("direct", ("Of people who write to us", "Van mensen die ons schrijven")),
                ("all", ("All, also to larger rooms", "Alle, ook voor grotere ruimtes")),
                ("none", ("None: somebody does it in another client", "Geen: iemand doet het in een ander programma")),
            ],
        },
        Field {
            key: "rooms",
            kind: FieldKind::Choice,
            required: true,
            default: Some("named"),
            label: ("In rooms, answer", "In ruimtes beantwoorden"),
            help: (
                "What in a room with more people becomes a conversation. A support room wants everything.",
                "Wat in een ruimte met meer mensen een gesprek wordt. Een hulpruimte wil alles.",
            ),
            options: &[
                ("named", ("What names us or replies to us", "Wat ons noemt of op ons antwoordt")),
                ("all", ("Everything", "Alles")),
            ],
        },
    ],
    keeps: &["device"],
    lanes: &[Lane::Public, Lane::Private],
    oauth: None,
    connect,
    fake: Some(super::fake::Fake::Forgets(fake::boxed)),
};

const FEEDS: &[Feed] = &[Feed { key: sync::FEED, busy: Duration::from_secs(10), idle: Duration::from_secs(30) }];

fn connect(context: Context) -> Result<Arc<dyn Channel>, ChannelError> {
    let setting = |key: &str| context.settings[key].as_str().unwrap_or_default().trim().to_owned();
    let (address, user) = (setting("server"), setting("user"));
    let (invites, everything) = (doors::Policy::of(&setting("invites")), setting("rooms") == "all");
    let server = Server::new(context, &address)?;
    Ok(Arc::new(Matrix {
        api: Api::new(server, session::Session::new(user)),
        invites,
        everything,
        memory: Memory::default(),
    }))
}

/// A connected account.
pub struct Matrix {
    api: Api,
    invites: doors::Policy,
    everything: bool,
    memory: Memory,
}

impl Matrix {
    /// Who we are here.
    async fn me(&self) -> Result<Me, ChannelError> {
        Ok(Me { user: self.api.login().await?.user, everything: self.everything })
    }

    fn say(&self, fault: Fault) -> ChannelError {
        self.api.say(fault)
    }

    fn now(&self) -> crate::model::Timestamp {
        self.api.server.context.clock.now()
    }

    /// The room of a thread.
    fn room_of(thread: &ThreadRef) -> Option<String> {
        match thread.lane {
            Lane::Private => wire::is_id(&thread.external_id, '!').then(|| thread.external_id.clone()),
            Lane::Public => convert::room_in(thread.url.as_deref()?),
        }
    }
}

/// Why a room that is encrypted cannot be answered.
fn locked_words() -> (Words, Words) {
    (
        Words::new(
            "This room is encrypted end to end, and Balie does not hold the keys.",
            "Deze ruimte is versleuteld van eind tot eind, en Balie heeft de sleutels niet.",
        ),
        Words::new(
            "Answer in a client that is signed in to the account, or ask the customer to write in a room without encryption. Encryption of a room cannot be switched off.",
            "Antwoord in een programma dat op het account is ingelogd, of vraag de klant te schrijven in een ruimte zonder versleuteling. De versleuteling van een ruimte kan niet uit.",
        ),
    )
}

fn locked() -> ChannelError {
    let (cause, cure) = locked_words();
    ChannelError::new(Class::Rejected, "matrix.encrypted", cause, cure)
}

/// Why a private answer does not go into a room that more can read.
fn open_words() -> (Words, Words) {
    (
        Words::new(
            "Others can read along in this room now, or walk in; a private answer does not go there.",
            "In deze ruimte kunnen nu anderen meelezen of binnenlopen; een privéantwoord gaat daar niet heen.",
        ),
        Words::new(
            "Ask the customer to write to the account in a private room.",
            "Vraag de klant het account in een privéruimte te schrijven.",
        ),
    )
}

fn open() -> ChannelError {
    let (cause, cure) = open_words();
    ChannelError::new(Class::Rejected, "matrix.not_private", cause, cure)
}

#[async_trait]
impl Channel for Matrix {
    async fn probe(&self) -> Result<Probe, ChannelError> {
        // A new look: the session may stand for long, the token must be good now.
        let who = self.api.get(&["client", "v3", "account", "whoami"], &[]).await.map_err(|fault| self.say(fault))?;
        let who: Value = api::read(&who)?;
        let user = who["user_id"].as_str().filter(|user| wire::is_user(user)).ok_or_else(api::not_json)?.to_owned();
        let optional = |answer: Result<super::client::Answer, Fault>| match answer {
            Ok(answer) => Ok(api::read::<Value>(&answer).unwrap_or_default()),
            Err(Fault::Refused(refusal)) if refusal.status < 500 && refusal.status != 429 && !refusal.is_token() => {
                Ok(Value::Null)
            }
            Err(fault) => Err(self.say(fault)),
        };
        let profile = optional(self.api.get(&["client", "v3", "profile", &user], &[]).await)?;
        let mut media = optional(self.api.get(&["client", "v1", "media", "config"], &[]).await)?;
        if media.is_null() {
            media = optional(self.api.get(&["media", "v3", "config"], &[]).await)?;
        }
        let mut warnings = Vec::new();
        if who["is_guest"].as_bool() == Some(true) {
            warnings.push(Warning::new(
                "matrix.guest",
                "The account is a guest of its homeserver and may be refused in rooms.",
                "Het account is gast op zijn homeserver en kan in kamers geweigerd worden.",
            ));
        }
        Ok(Probe {
            handle: user.clone(),
            name: profile["displayname"].as_str().filter(|name| !name.trim().is_empty()).unwrap_or(&user).to_owned(),
            url: convert::author(&user, "").url,
            facts: json!({"user": user, "file_bytes": media["m.upload.size"]}),
            expires_at: None,
            warnings,
            external_id: user,
        })
    }

    fn allowance(&self, thread: &ThreadRef, facts: &Value) -> Allowance {
        let room = Self::room_of(thread).and_then(|room| self.memory.room(&room));
        let closed = |code, (cause, cure): (Words, Words)| {
            Allowance::closed(
                code,
                Words::new(format!("{} {}", cause.en, cure.en), format!("{} {}", cause.nl, cure.nl)),
            )
        };
        if room.as_ref().is_some_and(|room| room.locked) {
            return closed("matrix.encrypted", locked_words());
        }
        if thread.lane == Lane::Private && room.as_ref().is_some_and(|room| room.joined && !room.direct) {
            return closed("matrix.not_private", open_words());
        }
        if room.as_ref().is_some_and(|room| !room.joined && room.moved_to.is_none()) {
            return Allowance::closed(
                "matrix.left",
                Words::new(
                    "The account is no longer in this room. It has to be invited again.",
                    "Het account is niet meer in deze ruimte. Het moet opnieuw worden uitgenodigd.",
                ),
            );
        }
        Allowance {
            may_reply: true,
            limit: Limit { unit: Unit::Bytes, max: reply::MAX },
            attachments: AttachmentLimit {
                max: 1,
                max_bytes: facts["file_bytes"].as_i64().filter(|bytes| *bytes > 0).unwrap_or(50 * 1024 * 1024),
                mimes: Vec::new(),
                alt_max: 0,
            },
            ..Allowance::default()
        }
    }

    fn measure(&self, draft: &Draft<'_>, _facts: &Value) -> Measure {
        reply::measure(draft.text)
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
    fn files(&self) -> Option<&dyn Files> {
        Some(self)
    }
}

#[async_trait]
impl Pull for Matrix {
    fn feeds(&self) -> &'static [Feed] {
        FEEDS
    }

    async fn pull(&self, _feed: &str, cursor: Option<&Value>) -> Result<Batch, ChannelError> {
        self.news(cursor).await
    }

    /// Edits and redactions are events of the room and are never missed.
    async fn recheck(&self, _known: &[Known]) -> Result<Batch, ChannelError> {
        Ok(Batch::default())
    }

    async fn reread(&self, _feed: &str, payload: &str) -> Result<Batch, ChannelError> {
        self.read_again(payload).await
    }

    fn recheck_max(&self) -> usize {
        0
    }
}

#[async_trait]
impl Stream for Matrix {
    async fn run(&self, sink: mpsc::Sender<Batch>) -> ChannelError {
        match self.listen(&sink).await {
            Ok(()) => ChannelError::transient("the stream ended"),
            Err(error) => error,
        }
    }
}
