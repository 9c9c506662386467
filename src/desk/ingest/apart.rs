//! Mails that share an id and nothing else.
//!
//! A Message-ID is whatever the sender wrote: devices that always write the same one exist, and anybody can copy one. Such a mail
//! must neither be taken for the one we have, nor change its words. So it gets an id of its own, made from what it says: the
//! same at every delivery.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::super::{Desk, DeskError};
use super::EARLIEST;
use super::text::echoes;
use crate::channels::{Batch, Item, Message};
use crate::model::{Direction, IdentityId, MessageKind};
use crate::store::Actor;
use crate::store::accounts::Account;
use crate::store::messages::Stored;

impl Desk {
    /// The batch, with ids of their own for mails whose id another mail has.
    pub(super) async fn apart<'b>(
        &self,
        account: &Account,
        batch: Cow<'b, Batch>,
    ) -> Result<Cow<'b, Batch>, DeskError> {
        let mails = || batch.items.iter().filter_map(mail);
        if mails().next().is_none() {
            return Ok(batch);
        }
        let ids: HashSet<&str> = mails().map(|mail| mail.external_id.as_str()).collect();
        let authors: HashSet<&str> = mails().map(|mail| mail.author.external_id.as_str()).collect();
        let mut tx = self.store.begin(Actor::Channel).await?;
        let known = tx.messages_by_external(account.id, &Vec::from_iter(ids)).await?;
        let met = tx.identities(&account.channel, &Vec::from_iter(authors)).await?;
        let now = tx.now();
        drop(tx);
        let known: HashMap<&str, &Stored> =
            known.iter().filter_map(|stored| Some((stored.external_id.as_deref()?, stored))).collect();
        let met: HashMap<&str, IdentityId> =
            met.iter().map(|identity| (identity.external_id.as_str(), identity.id)).collect();
        let mut first: HashMap<&str, &Message> = HashMap::new();
        let mut strangers = HashMap::new();
        for (place, item) in batch.items.iter().enumerate() {
            let Some(mail) = mail(item) else { continue };
            let same = if let Some(stored) = known.get(mail.external_id.as_str()) {
                // A moment to come was stored as the moment of its arrival and says nothing.
                let at = Some(mail.sent_at.max(EARLIEST)).filter(|at| *at <= now);
                (stored.direction == Direction::Out && comes_back(mail, stored))
                    || (stored.identity_id.is_some()
                        && stored.identity_id.as_ref() == met.get(mail.author.external_id.as_str())
                        && (Some(stored.sent_at) == at || stored.text == mail.text))
            } else if let Some(other) = first.get(mail.external_id.as_str()) {
                other.author.external_id == mail.author.external_id
                    && other.direction == mail.direction
                    && (other.sent_at == mail.sent_at || other.text == mail.text)
            } else {
                first.insert(&mail.external_id, mail);
                true
            };
            if !same {
                strangers.insert(place, own_id(mail));
            }
        }
        if strangers.is_empty() {
            return Ok(batch);
        }
        let mut batch = batch.into_owned();
        for (place, id) in strangers {
            if let Some(Item::Message(mail)) = batch.items.get_mut(place) {
                mail.external_id = id;
            }
        }
        Ok(Cow::Owned(batch))
    }
}

/// Whether a mail is the one we sent: seen as ours, or, where nobody vouches for that (a list we wrote to gives it back), in our name
/// with our words.
fn comes_back(mail: &Message, stored: &Stored) -> bool {
    match mail.direction {
        Direction::Out => true,
        Direction::Context => echoes(&mail.text, &stored.text),
        Direction::In | Direction::Note => false,
    }
}

fn mail(item: &Item) -> Option<&Message> {
    match item {
        Item::Message(message) if message.kind == MessageKind::Mail => Some(message),
        _ => None,
    }
}

fn own_id(mail: &Message) -> String {
    let said = format!("{}\n{}\n{}", mail.author.external_id, mail.sent_at.0, mail.text);
    let digest = crate::secret::digest(said.as_bytes());
    format!("{}#{}", mail.external_id, &digest[..16])
}
