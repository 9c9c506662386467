//! Answering: sent once, filed, and findable afterwards.
//!
//! SMTP has no idempotency key, and a receiver may or may not drop a second mail with the same Message-ID. So the copy in the
//! Sent folder is the proof. Where we file it ourselves it is put there as a draft when everything is said but the mail's own
//! bytes, and becomes a sent mail when the server has said yes: no copy means that it certainly did not leave, a draft that
//! nobody knows. Where the provider files, it does so in the moment in which it takes the mail.
//! Promises: never sent twice by a machine's decision.

use async_trait::async_trait;

use super::compose::{Composed, compose, own_id};
use super::me::OWN_ID;
use super::settings::{Copies, Provider};
use super::smtp::Submission;
use super::{Email, LARGEST_FILES, LONGEST};
use crate::channels::mailbox::imap::Session;
use crate::channels::mailbox::reader::day;
use crate::channels::{ChannelError, Class, Outgoing, Reply, Sent, Words};
use crate::model::Timestamp;

/// A mail that waited longer is looked for over as many days.
const LOOK_BACK: std::time::Duration = std::time::Duration::from_secs(2 * 86_400);

/// What the Sent folder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copy {
    None,
    /// Filed when it left, or when it did not.
    Draft(u32),
    Sent,
}

#[async_trait]
impl Reply for Email {
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
        if outgoing.text.chars().count() as i64 > LONGEST {
            return Err(ChannelError::new(
                Class::Rejected,
                "email.too_long",
                Words::new("The text is too long for a mail.", "De tekst is te lang voor een mail."),
                Words::new("Shorten it, or send it as a file.", "Kort hem in, of stuur hem als bestand."),
            ));
        }
        let me = self.me().await?;
        let files: usize = outgoing.files.iter().map(|file| file.bytes.len()).sum();
        if files > LARGEST_FILES {
            let most = LARGEST_FILES >> 20;
            return Err(ChannelError::new(
                Class::Rejected,
                "email.files_too_large",
                Words::new(
                    format!("The files together are larger than {most} MB, which many mail servers do not take."),
                    format!("De bestanden samen zijn groter dan {most} MB; dat nemen veel mailservers niet aan."),
                ),
                Words::new(
                    "Send smaller files, or a link to them.",
                    "Stuur kleinere bestanden, of een link ernaartoe.",
                ),
            ));
        }
        let composed = compose(outgoing, &self.settings, &me)?;
        let now = self.context.clock.now();
        let age = now.since(outgoing.written_at);
        let mut line = Submission::open(&self.context.client, &self.settings, &self.trust, &self.auth).await?;
        line.begin(&composed.envelope, composed.raw.is_ascii(), age, now).await?;
        let file = self.settings.copies == Copies::Ours;
        if file {
            self.file(outgoing, &composed).await?;
        }
        match line.finish(&composed.raw, age, now).await {
            Ok(()) => {
                if file && let Err(error) = self.settle(outgoing, true).await {
                    tracing::info!(code = error.code, "the copy of a sent mail stays a draft");
                }
                Ok(sent(&composed, now))
            }
            Err(error) => {
                // It certainly did not leave: the copy must not say otherwise.
                if file && error.class != Class::Uncertain {
                    let _ = self.settle(outgoing, false).await;
                }
                Err(error)
            }
        }
    }

    async fn find(&self, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
        let unknown = || Err(ChannelError::uncertain("there is no copy that tells whether it left"));
        if self.settings.copies == Copies::Nobody {
            return unknown();
        }
        let mut session = self.filing.take(self).await?;
        let found = self.copy(&mut session, outgoing).await?;
        self.filing.put(session).await;
        match found {
            None => unknown(),
            Some(Copy::None) => Ok(None),
            Some(Copy::Draft(_)) => {
                Err(ChannelError::uncertain("it was filed before it left, and nobody knows whether it did"))
            }
            Some(Copy::Sent) => {
                let me = self.me().await?;
                Ok(Some(sent(&compose(outgoing, &self.settings, &me)?, self.context.clock.now())))
            }
        }
    }
}

impl Email {
    /// Puts the copy into the Sent folder as a draft. A mailbox without such a folder gets none.
    async fn file(&self, outgoing: &Outgoing, composed: &Composed) -> Result<(), ChannelError> {
        let mut session = self.filing.take(self).await?;
        // An earlier attempt may have left its draft behind.
        if self.copy(&mut session, outgoing).await? == Some(Copy::None)
            && let Some(folder) = session.sent.clone()
        {
            session.append_draft(&folder, &composed.filed).await?;
        }
        session.used = self.context.clock.now();
        self.filing.put(session).await;
        Ok(())
    }

    /// Makes the draft a sent mail, or takes it away.
    async fn settle(&self, outgoing: &Outgoing, left: bool) -> Result<(), ChannelError> {
        let mut session = self.filing.take(self).await?;
        if let Some(Copy::Draft(uid)) = self.copy(&mut session, outgoing).await? {
            if left {
                session.flag(uid, "-FLAGS.SILENT (\\Draft)").await?;
            } else {
                session.flag(uid, "+FLAGS.SILENT (\\Deleted)").await?;
                session.expunge(uid).await?;
            }
        }
        session.used = self.context.clock.now();
        self.filing.put(session).await;
        Ok(())
    }

    /// What the Sent folder knows of this message; `None` when there is no such folder.
    async fn copy(&self, session: &mut Session, outgoing: &Outgoing) -> Result<Option<Copy>, ChannelError> {
        let Some(folder) = session.sent.clone() else { return Ok(None) };
        if session.select(&folder).await?.is_none() {
            return Ok(None);
        }
        let id = own_id(outgoing, &self.settings);
        let since = day(outgoing.written_at.minus(LOOK_BACK));
        let query = if self.settings.provider == Provider::Microsoft {
            format!("SINCE {since} OR HEADER Message-ID \"{id}\" HEADER {OWN_ID} \"{id}\"")
        } else {
            format!("SINCE {since} HEADER Message-ID \"{id}\"")
        };
        let mut copy = Copy::None;
        for uid in session.search(&query).await? {
            match session.list(uid, uid).await?.first() {
                Some(entry) if entry.draft => copy = Copy::Draft(uid),
                Some(_) => return Ok(Some(Copy::Sent)),
                None => {}
            }
        }
        Ok(Some(copy))
    }
}

fn sent(composed: &Composed, now: Timestamp) -> Sent {
    Sent {
        external_id: composed.meta.id.clone(),
        url: None,
        at: Some(now),
        meta: serde_json::to_value(&composed.meta).unwrap_or_default(),
    }
}
