//! Who is the same person: contacts that stand for one another, and the evidence for more.
//!
//! Promises: linking writes one row of its own and moves nothing, so unlinking restores both sides as they were, with
//! whatever each had been linked to before. A person is the contact at the top: the one that stands for no other.

use sqlx::AssertSqlSafe;

use super::contacts::search_key;
use super::{Store, StoreError, Tx, padded, placeholders};
use crate::model::{AccountId, Claim, ClaimKind, ContactId, IdentityId, Timestamp, UserId};
use crate::{on, read, rows_in, run};

/// Somebody who may be the same person, and why.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Match {
    pub contact_id: ContactId,
    pub kind: ClaimKind,
    pub value: String,
    /// Vouched for on both sides; otherwise somebody only typed it on one.
    pub verified: bool,
}

/// One contact standing for another, and why.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Link {
    pub contact_id: ContactId,
    pub person_id: ContactId,
    pub evidence: String,
    pub user_id: Option<UserId>,
    pub created_at: Timestamp,
}

const TOP: &str = "WITH RECURSIVE above (person_id) AS (\
    SELECT person_id FROM contact_links WHERE contact_id = $1 \
    UNION SELECT l.person_id FROM contact_links l JOIN above a ON l.contact_id = a.person_id) \
    SELECT person_id FROM above WHERE NOT EXISTS (SELECT 1 FROM contact_links u WHERE u.contact_id = above.person_id) LIMIT 1";

impl Store {
    /// The contact at the top of whom a contact stands for; itself when it is linked to none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn person(&self, contact: ContactId) -> Result<ContactId, StoreError> {
        let found: Option<ContactId> =
            read!(self, db => sqlx::query_scalar(TOP).bind(contact).fetch_optional(db).await)?;
        Ok(found.unwrap_or(contact))
    }

    /// A person's contacts, the person first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn contacts_of(&self, person: ContactId) -> Result<Vec<ContactId>, StoreError> {
        let linked: Vec<ContactId> = read!(self, db => sqlx::query_scalar(
            "WITH RECURSIVE below (contact_id, created_at) AS (\
             SELECT contact_id, created_at FROM contact_links WHERE person_id = $1 \
             UNION SELECT l.contact_id, l.created_at FROM contact_links l JOIN below b ON l.person_id = b.contact_id) \
             SELECT contact_id FROM below ORDER BY created_at, contact_id",
        ).bind(person).fetch_all(db).await)?;
        Ok(std::iter::once(person).chain(linked).collect())
    }

    /// Why a contact is linked; `None` when it stands for itself.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn links_of(&self, contacts: &[ContactId]) -> Result<Vec<Link>, StoreError> {
        let some = padded(contacts);
        let sql = format!(
            "SELECT contact_id, person_id, evidence, user_id, created_at FROM contact_links WHERE contact_id IN {} ORDER BY created_at, contact_id",
            placeholders(1, some.len())
        );
        Ok(read!(self, db => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str()));
            for id in &some {
                query = query.bind(*id);
            }
            query.fetch_all(db).await
        })?)
    }

    /// What is claimed of these identities.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn claims_of(&self, identities: &[IdentityId]) -> Result<Vec<(IdentityId, Claim)>, StoreError> {
        let rows: Vec<(IdentityId, ClaimKind, String, bool)> = rows_in!(read!(self), [], identities, within => format!(
            "SELECT identity_id, kind, value, verified FROM identity_claims WHERE identity_id IN {within} ORDER BY identity_id, kind, value"
        ));
        Ok(rows
            .into_iter()
            .map(|(identity, kind, value, verified)| (identity, Claim { kind, value, verified }))
            .collect())
    }

    /// People outside of these contacts of whom the same is claimed, at least one side vouched for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn matches(&self, contacts: &[ContactId]) -> Result<Vec<Match>, StoreError> {
        if contacts.is_empty() {
            return Ok(Vec::new());
        }
        let some = padded(contacts);
        let within = placeholders(1, some.len());
        let sql = format!(
            "SELECT theirs.contact_id, b.kind, b.value, (a.verified AND b.verified) AS verified \
             FROM identities ours JOIN identity_claims a ON a.identity_id = ours.id \
             JOIN identity_claims b ON b.kind = a.kind AND b.value = a.value \
             JOIN identities theirs ON theirs.id = b.identity_id \
             WHERE ours.contact_id IN {within} AND theirs.contact_id NOT IN {within} AND (a.verified OR b.verified) \
             ORDER BY verified DESC, b.kind, b.value, theirs.contact_id LIMIT 50"
        );
        let found: Vec<Match> = read!(self, db => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str()));
            for id in &some {
                query = query.bind(*id);
            }
            query.fetch_all(db).await
        })?;
        Ok(found)
    }

    /// Which of these contacts have a conversation on one of these accounts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn contacts_on(
        &self,
        contacts: &[ContactId],
        accounts: &[AccountId],
    ) -> Result<Vec<ContactId>, StoreError> {
        if contacts.is_empty() || accounts.is_empty() {
            return Ok(Vec::new());
        }
        let (contacts, accounts) = (padded(contacts), padded(accounts));
        let sql = format!(
            "SELECT DISTINCT contact_id FROM conversations WHERE contact_id IN {} AND account_id IN {}",
            placeholders(1, contacts.len()),
            placeholders(1 + contacts.len(), accounts.len())
        );
        Ok(read!(self, db => {
            let mut query = sqlx::query_scalar(AssertSqlSafe(sql.as_str()));
            for id in &contacts {
                query = query.bind(*id);
            }
            for id in &accounts {
                query = query.bind(*id);
            }
            query.fetch_all(db).await
        })?)
    }

    /// Contacts whose handle or name begins with these words, or of whom exactly this address or number is claimed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find_contacts(&self, words: &str, limit: i64) -> Result<Vec<ContactId>, StoreError> {
        let begins = search_key(words);
        let beyond = format!("{begins}\u{10ffff}");
        let bytes = self.pools().byte_order();
        let sql = format!(
            "SELECT contact_id FROM identities WHERE handle_key{bytes} >= $1 AND handle_key{bytes} < $2 \
             UNION SELECT contact_id FROM identities WHERE name_key{bytes} >= $1 AND name_key{bytes} < $2 \
             UNION SELECT i.contact_id FROM identity_claims c JOIN identities i ON i.id = c.identity_id WHERE c.kind IN ('email', 'phone', 'customer') AND c.value = $3 \
             LIMIT {limit}"
        );
        Ok(
            read!(self, db => sqlx::query_scalar(AssertSqlSafe(sql.as_str())).bind(&begins).bind(&beyond).bind(words).fetch_all(db).await)?,
        )
    }
}

impl Tx {
    /// Keeps others from linking or unlinking these two until the end of the transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn hold_contacts(&mut self, one: ContactId, other: ContactId) -> Result<usize, StoreError> {
        let lock = self.conn().for_update();
        let found: Vec<ContactId> = on!(self, db => sqlx::query_scalar(AssertSqlSafe(format!("SELECT id FROM contacts WHERE id IN ($1, $2) ORDER BY id{lock}")))
            .bind(one).bind(other).fetch_all(db).await)?;
        Ok(found.len())
    }

    /// Lets a contact, with whoever stands for it, stand for `person`. Both must be at the top.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn link_contact(
        &mut self,
        contact: ContactId,
        person: ContactId,
        evidence: &str,
        user: UserId,
    ) -> Result<(), StoreError> {
        let now = self.now();
        run!(self, sqlx::query(
            "INSERT INTO contact_links (contact_id, person_id, evidence, user_id, created_at) VALUES ($1, $2, $3, $4, $5)",
        ).bind(contact).bind(person).bind(evidence).bind(user).bind(now))?;
        Ok(())
    }

    /// Takes a contact out of whom it stands for. True when it stood for somebody.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unlink_contact(&mut self, contact: ContactId) -> Result<bool, StoreError> {
        Ok(run!(self, sqlx::query("DELETE FROM contact_links WHERE contact_id = $1").bind(contact))? == 1)
    }

    /// The contact at the top, as this transaction sees it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn person(&mut self, contact: ContactId) -> Result<ContactId, StoreError> {
        let found: Option<ContactId> = on!(self, db => sqlx::query_scalar(TOP).bind(contact).fetch_optional(db).await)?;
        Ok(found.unwrap_or(contact))
    }

    /// The newest conversation of a contact, to tell of what happened to its person.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest_conversation(
        &mut self,
        contact: ContactId,
    ) -> Result<Option<crate::model::ConversationId>, StoreError> {
        Ok(on!(self, db => sqlx::query_scalar(
            "SELECT id FROM conversations WHERE contact_id = $1 ORDER BY last_message_at DESC, id DESC LIMIT 1",
        ).bind(contact).fetch_optional(db).await)?)
    }
}
