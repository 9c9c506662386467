//! Who somebody proves to be, and what follows from it.
//!
//! | before | proven to be c, c is new | proven to be c, c is known | without proof |
//! |---|---|---|---|
//! | anonymous | becomes c, with what was said | goes on as the known c | told name and address are noted |
//! | c | goes on | goes on | goes on when the same key is named, else starts anew |
//! | somebody else | starts anew as c | goes on as the known c | starts anew |
//!
//! Whenever somebody gains or loses something by it, the old token is void. What an anonymous visitor said before they went on as the
//! known c can be shown to nobody any more, so it cannot be answered either.

use serde_json::json;

use super::session::{hand_out, nobody};
use super::{Admitted, Desk, Door, Identity, Presented, VisitError, Visitor};
use crate::channels::visit::{Guest, Proven};
use crate::model::VisitorId;
use crate::secret::{self, Secret};
use crate::store::{Actor, Tx};

/// The outcome.
pub struct Identified {
    pub admitted: Admitted,
    /// Another thread than before is theirs now.
    pub switched: bool,
}

impl Desk {
    /// Takes in who somebody says they are.
    ///
    /// # Errors
    /// `Identity` when a proof is wrong, or missing where one is required; `NotPossible` where nobody asks.
    pub async fn identify(&self, door: &Door, token: &str, given: &Presented) -> Result<Identified, VisitError> {
        let visit = door.visit()?;
        if visit.identity() == Identity::Off {
            return Err(VisitError::NotPossible("proving who you are"));
        }
        let secrets = self.connections.open(&door.account).map_err(|_| VisitError::Closed)?;
        let audience = door.account.id.to_string();
        let proven = visit.prove(given, &secrets, &audience, self.clock().now()).map_err(|_| VisitError::Identity)?;
        if proven.is_none() && visit.identity() == Identity::Required {
            return Err(VisitError::Identity);
        }
        let told = visit.tidy(given);
        let hint = given.id.as_deref().map(|id| id.chars().take(200).collect::<String>()).filter(|id| !id.is_empty());
        let mut tries = 0;
        loop {
            let visitor = self.guest(door, token).await?;
            let outcome = match &proven {
                Some(proven) => self.proven(door, token, visitor, proven).await,
                None => self.told(door, token, visitor, &told, hint.as_deref()).await,
            };
            match outcome {
                // The same customer came in by another tab at this moment.
                Err(VisitError::Desk(super::DeskError::Store(error))) if error.is_conflict() && tries < 3 => tries += 1,
                done => return done,
            }
        }
    }

    async fn proven(
        &self,
        door: &Door,
        token: &str,
        visitor: Visitor,
        proven: &Proven,
    ) -> Result<Identified, VisitError> {
        let mut tx = self.store.begin(Actor::Channel).await?;
        // As they are now: they may be speaking, or proving it in another tab, at this moment.
        let mut visitor = tx.visitor(visitor.id).await?.ok_or(VisitError::Token)?;
        let known = tx.visitor_of_customer(door.account.id, &proven.customer).await?;
        if known.as_ref().is_some_and(|known| known.blocked_at.is_some()) {
            return Err(VisitError::Blocked);
        }
        let same = known.as_ref().is_some_and(|known| known.id == visitor.id);
        if same {
            let before = visitor.clone();
            take(&mut visitor, proven);
            if visitor != before {
                tx.save_visitor(&visitor).await?;
            }
            let token = keep(&mut tx, token, visitor.id).await?;
            tx.commit().await?;
            return Ok(Identified { admitted: Admitted { token, visitor, fresh: false }, switched: false });
        }
        let language = visitor.language.clone();
        let (visitor, switched) = match known {
            Some(mut known) => {
                take(&mut known, proven);
                tx.save_visitor(&known).await?;
                if visitor.customer.is_none() {
                    went_on(&mut tx, &visitor, known.id).await?;
                }
                (known, true)
            }
            None if visitor.customer.is_none() => {
                take(&mut visitor, proven);
                tx.save_visitor(&visitor).await?;
                (visitor, false)
            }
            None => {
                let mut fresh = nobody(door, tx.now(), language.as_deref());
                take(&mut fresh, proven);
                tx.insert_visitor(&fresh).await?;
                (fresh, true)
            }
        };
        tx.end_visit(&secret::fingerprint(token)).await?;
        let token = hand_out(&mut tx, visitor.id).await?;
        tx.commit().await?;
        Ok(Identified { admitted: Admitted { token, visitor, fresh: false }, switched })
    }

    async fn told(
        &self,
        door: &Door,
        token: &str,
        visitor: Visitor,
        told: &Guest,
        hint: Option<&str>,
    ) -> Result<Identified, VisitError> {
        let mut tx = self.store.begin(Actor::Channel).await?;
        let mut visitor = tx.visitor(visitor.id).await?.ok_or(VisitError::Token)?;
        let is_somebody_else = match (&visitor.customer, &visitor.hint) {
            (Some(customer), _) => Some(customer.as_str()) != hint,
            (None, Some(before)) => hint.is_some_and(|now| now != before),
            (None, None) => false,
        };
        if is_somebody_else {
            let mut fresh = nobody(door, tx.now(), visitor.language.as_deref());
            note(&mut fresh, told, hint);
            tx.insert_visitor(&fresh).await?;
            tx.end_visit(&secret::fingerprint(token)).await?;
            let token = hand_out(&mut tx, fresh.id).await?;
            tx.commit().await?;
            let admitted = Admitted { token, visitor: fresh, fresh: false };
            return Ok(Identified { admitted, switched: true });
        }
        if visitor.customer.is_none() {
            let before = visitor.clone();
            note(&mut visitor, told, hint);
            if visitor != before {
                tx.save_visitor(&visitor).await?;
            }
        }
        let token = keep(&mut tx, token, visitor.id).await?;
        tx.commit().await?;
        Ok(Identified { admitted: Admitted { token, visitor, fresh: false }, switched: false })
    }
}

/// The token they came with; another one when it was ended at this moment, by the same proof in another tab.
async fn keep(tx: &mut Tx, token: &str, visitor: VisitorId) -> Result<Secret<String>, VisitError> {
    if tx.has_visit(&secret::fingerprint(token)).await? {
        return Ok(Secret::new(token.to_owned()));
    }
    hand_out(tx, visitor).await
}

/// The only key to what this visitor said is ended: its thread remembers where they went, and its channel allows no answer there.
async fn went_on(tx: &mut Tx, visitor: &Visitor, known: VisitorId) -> Result<(), VisitError> {
    let name = visitor.id.to_string();
    for thread in tx.threads_by_external(visitor.account_id, &[&name]).await? {
        let Some(mut conversation) = tx.conversation(thread.conversation_id).await? else { continue };
        let mut memory = thread.memory.map_or_else(|| json!({}), |memory| memory.0);
        memory["went_on"] = json!(known);
        tx.save_thread_memory(thread.id, &memory).await?;
        tx.save_conversation(&mut conversation).await?;
    }
    Ok(())
}

/// What a proof says counts; what it leaves out stays.
fn take(visitor: &mut Visitor, proven: &Proven) {
    visitor.customer = Some(proven.customer.clone());
    visitor.hint = None;
    if proven.name.is_some() {
        visitor.name.clone_from(&proven.name);
    }
    // An address that is signed replaces any; one that only came along replaces none that was signed.
    if proven.email.is_some() && (proven.email_verified || !visitor.email_verified) {
        visitor.email.clone_from(&proven.email);
        visitor.email_verified = proven.email_verified;
    }
    if proven.phone.is_some() && (proven.phone_verified || !visitor.phone_verified) {
        visitor.phone.clone_from(&proven.phone);
        visitor.phone_verified = proven.phone_verified;
    }
    if proven.avatar_url.is_some() {
        visitor.avatar_url.clone_from(&proven.avatar_url);
    }
}

/// What somebody only says is a claim of this visitor and opens nothing.
fn note(visitor: &mut Visitor, told: &Guest, hint: Option<&str>) {
    if let Some(hint) = hint {
        visitor.hint = Some(hint.to_owned());
    }
    if told.name.is_some() {
        visitor.name.clone_from(&told.name);
    }
    if told.email.is_some() && !visitor.email_verified {
        visitor.email.clone_from(&told.email);
    }
    if told.phone.is_some() && !visitor.phone_verified {
        visitor.phone.clone_from(&told.phone);
    }
    if told.avatar_url.is_some() {
        visitor.avatar_url.clone_from(&told.avatar_url);
    }
}
