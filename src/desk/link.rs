//! Two contacts become one person, and two again.
//!
//! Promises: only a person links, never a rule and never a name; linking moves nothing, so that unlinking leaves both timelines
//! as they were; both are in the log.

use serde_json::json;

use super::{Act, Desk, DeskError, Viewer};
use crate::model::ContactId;
use crate::model::conversation::Contact;
use crate::store::Tx;
use crate::text_enum;

text_enum!(
    /// Why two contacts are one person.
    Evidence {
        Email = "email",
        Phone = "phone",
        /// The organisation's own key for the customer.
        Customer = "customer",
        /// The customer said so, or an agent knows.
        Statement = "statement",
    }
);

impl Desk {
    /// Lets the person of `other` be the person of `id`.
    ///
    /// # Errors
    /// `Refused` when they are one person already; `NotFound` when either is not theirs to see.
    pub async fn link(
        &self,
        viewer: &Viewer,
        id: ContactId,
        other: ContactId,
        evidence: Evidence,
    ) -> Result<Contact, DeskError> {
        viewer.must(Act::Work)?;
        let visible = self.visible(viewer).await?;
        let (into, from) = (self.store.person(id).await?, self.store.person(other).await?);
        for contact in [into, from] {
            self.contact_within(&visible, contact).await?.ok_or(DeskError::NotFound("contact"))?;
        }
        let one = || DeskError::refused("contacts.same", "these are one person already");
        if into == from {
            return Err(one());
        }
        let mut tx = self.begin(viewer).await?;
        tx.hold_contacts(into, from).await?;
        if tx.person(into).await? != into || tx.person(from).await? != from {
            return Err(DeskError::refused("contacts.changed", "a colleague linked one of these just now; look again"));
        }
        tx.link_contact(from, into, evidence.as_str(), viewer.user_id).await?;
        tell(&mut tx, [into, from], &json!({ "linked": [into, from], "evidence": evidence })).await?;
        tx.commit().await?;
        self.contact_within(&visible, into).await?.ok_or(DeskError::NotFound("contact"))
    }

    /// Takes a contact out of the person it was linked to. Returns that person.
    ///
    /// # Errors
    /// `NotFound` when it is not linked there.
    pub async fn unlink(&self, viewer: &Viewer, id: ContactId, linked: ContactId) -> Result<Contact, DeskError> {
        viewer.must(Act::Work)?;
        let visible = self.visible(viewer).await?;
        let person = self.store.person(id).await?;
        let known = self.contact_within(&visible, person).await?.ok_or(DeskError::NotFound("contact"))?;
        if !known.links.iter().any(|link| link.contact_id == linked) {
            return Err(DeskError::NotFound("contact"));
        }
        let mut tx = self.begin(viewer).await?;
        tx.hold_contacts(person, linked).await?;
        if !tx.unlink_contact(linked).await? {
            return Err(DeskError::NotFound("contact"));
        }
        tell(&mut tx, [person, linked], &json!({ "unlinked": [person, linked] })).await?;
        tx.commit().await?;
        self.contact_within(&visible, person).await?.ok_or(DeskError::NotFound("contact"))
    }
}

/// In the log of the newest conversation of both, where the next reader looks.
async fn tell(tx: &mut Tx, contacts: [ContactId; 2], what: &serde_json::Value) -> Result<(), DeskError> {
    for contact in contacts {
        if let Some(conversation) = tx.newest_conversation(contact).await? {
            tx.tell_decision(conversation, what.clone());
        }
    }
    Ok(())
}
