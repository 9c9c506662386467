//! People: found, shown with every handle, and the evidence that two of them are one.
//!
//! Promises: nobody sees a handle from an account that is not theirs to see; a suggestion always names its evidence, and a name
//! that looks alike is none.

use std::collections::HashSet;

use super::access::Visible;
use super::{Desk, DeskError, Viewer};
use crate::model::conversation::{Contact, ConversationRow};
use crate::model::{ClaimKind, ContactId};
use crate::store::list::Filter;

const MOST_FOUND: usize = 20;
const SHORTEST_SEARCH: usize = 2;

/// Somebody who may be the same person, and why.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Suggestion {
    pub contact: Contact,
    pub kind: ClaimKind,
    /// The address, number or key that both have.
    pub value: String,
    /// Vouched for on both sides. Otherwise somebody only typed it on one of them: ask before linking.
    pub verified: bool,
}

/// A person with everything we have of them.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Person {
    pub contact: Contact,
    pub suggestions: Vec<Suggestion>,
    /// On every channel, newest first.
    pub conversations: Vec<ConversationRow>,
}

impl Desk {
    /// People whose name or handle begins with this, or who have exactly this address or number.
    ///
    /// # Errors
    /// `Refused` when there are fewer than two characters to look for.
    pub async fn find_contacts(&self, viewer: &Viewer, words: &str) -> Result<Vec<Contact>, DeskError> {
        let words = super::ingest::clean(words.trim().trim_start_matches('@'));
        if words.chars().count() < SHORTEST_SEARCH {
            return Err(DeskError::refused("contacts.short", "type at least two characters"));
        }
        let visible = self.visible(viewer).await?;
        let found = self.store.find_contacts(&words, 200).await?;
        let mut seen = HashSet::new();
        let mut people = Vec::new();
        for contact in self.visible_among(&visible, &found).await? {
            let person = self.store.person(contact).await?;
            if people.len() < MOST_FOUND
                && seen.insert(person)
                && let Some(person) = self.contact_within(&visible, person).await?
            {
                people.push(person);
            }
        }
        people.sort_by(|a, b| a.name.to_lowercase().cmp(&b.name.to_lowercase()).then(a.id.cmp(&b.id)));
        Ok(people)
    }

    /// A person, their conversations on every channel, and who else may be they.
    ///
    /// # Errors
    /// `NotFound` when there is none, or nothing of them is theirs to see.
    pub async fn person(&self, viewer: &Viewer, id: ContactId) -> Result<Person, DeskError> {
        let visible = self.visible(viewer).await?;
        let contact = self.contact_within(&visible, id).await?.ok_or(DeskError::NotFound("contact"))?;
        let suggestions = self.suggestions(&visible, contact.id).await?;
        let filter = Filter { contacts: Some(self.store.contacts_of(contact.id).await?), ..Filter::default() };
        let conversations = self.list(viewer, filter, None, 50).await?.items;
        Ok(Person { contact, suggestions, conversations })
    }

    /// Every contact of the person that a contact belongs to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn same_person(&self, contact: ContactId) -> Result<Vec<ContactId>, DeskError> {
        let person = self.store.person(contact).await?;
        Ok(self.store.contacts_of(person).await?)
    }

    /// A person without what somebody may not see of them; `None` when that leaves nothing.
    pub(super) async fn contact_within(&self, visible: &Visible, id: ContactId) -> Result<Option<Contact>, DeskError> {
        let Some(mut contact) = self.store.contact(id).await? else { return Ok(None) };
        if matches!(visible, Visible::All) {
            return Ok(Some(contact));
        }
        let all: Vec<ContactId> =
            std::iter::once(contact.id).chain(contact.links.iter().map(|link| link.contact_id)).collect();
        let theirs: HashSet<ContactId> = self.visible_among(visible, &all).await?.into_iter().collect();
        contact.identities.retain(|identity| theirs.contains(&identity.contact_id));
        contact.links.retain(|link| theirs.contains(&link.contact_id));
        if !theirs.contains(&contact.id)
            && let Some(name) = contact.identities.first().map(|identity| identity.name.clone())
        {
            contact.name = name;
        }
        Ok((!contact.identities.is_empty()).then_some(contact))
    }

    async fn visible_among(&self, visible: &Visible, contacts: &[ContactId]) -> Result<Vec<ContactId>, DeskError> {
        match visible {
            Visible::All => Ok(contacts.to_vec()),
            Visible::Only(accounts) => {
                let accounts: Vec<_> = accounts.iter().copied().collect();
                Ok(self.store.contacts_on(contacts, &accounts).await?)
            }
        }
    }

    /// Who else may be this person, best evidence first, each once. What is known from accounts that are not theirs to see is no
    /// evidence here, on neither side.
    pub(super) async fn suggestions(&self, visible: &Visible, person: ContactId) -> Result<Vec<Suggestion>, DeskError> {
        let ours = self.visible_among(visible, &self.store.contacts_of(person).await?).await?;
        let matches = self.store.matches(&ours).await?;
        let theirs: Vec<ContactId> = matches.iter().map(|found| found.contact_id).collect();
        let theirs: HashSet<ContactId> = self.visible_among(visible, &theirs).await?.into_iter().collect();
        // Whoever is linked already is among those found when a hidden account tells of them.
        let mut seen = HashSet::from([person]);
        let mut suggestions = Vec::new();
        for found in matches.into_iter().filter(|found| theirs.contains(&found.contact_id)) {
            let other = self.store.person(found.contact_id).await?;
            if !seen.insert(other) {
                continue;
            }
            if let Some(contact) = self.contact_within(visible, other).await? {
                suggestions.push(Suggestion {
                    contact,
                    kind: found.kind,
                    value: found.value,
                    verified: found.verified,
                });
            }
        }
        Ok(suggestions)
    }
}
