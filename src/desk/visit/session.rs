//! Tokens: whoever holds one is a visitor, and nobody else.

use std::time::Duration;

use super::{Desk, Door, VisitError, Visitor};
use crate::model::{Timestamp, VisitorId};
use crate::secret::{self, Secret};
use crate::store::visitors::Visit;
use crate::store::{Actor, Tx};

/// A token lives this long after its last use.
const LIFE: Duration = Duration::from_secs(180 * 86_400);
/// Its use is noted no more often than this.
const NOTED: Duration = Duration::from_secs(3600);

/// Somebody at the door, with the token that lets them in again.
pub struct Admitted {
    pub token: Secret<String>,
    pub visitor: Visitor,
    /// They were not here before.
    pub fresh: bool,
}

/// What a visitor is told about themselves.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Welcome {
    pub id: VisitorId,
    pub name: Option<String>,
    pub email: Option<String>,
    /// The address is theirs for certain.
    pub verified: bool,
    /// They proved to be a customer.
    pub identified: bool,
}

impl From<&Visitor> for Welcome {
    fn from(visitor: &Visitor) -> Self {
        Self {
            id: visitor.id,
            name: visitor.name.clone(),
            email: visitor.email.clone(),
            verified: visitor.email_verified,
            identified: visitor.customer.is_some(),
        }
    }
}

impl Desk {
    /// Lets somebody in: with a token as who they are, without as somebody new.
    ///
    /// # Errors
    /// `Token` when theirs is void, `Blocked`.
    pub async fn enter(&self, door: &Door, token: Option<&str>, locale: &str) -> Result<Admitted, VisitError> {
        if let Some(token) = token {
            let visitor = self.guest(door, token).await?;
            return Ok(Admitted { token: Secret::new(token.to_owned()), visitor, fresh: false });
        }
        let mut tx = self.store.begin(Actor::Channel).await?;
        let visitor = nobody(door, tx.now(), Some(locale));
        tx.insert_visitor(&visitor).await?;
        let token = hand_out(&mut tx, visitor.id).await?;
        tx.commit().await?;
        Ok(Admitted { token, visitor, fresh: true })
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// `Token` when it is void or for another door, `Blocked`.
    pub async fn guest(&self, door: &Door, token: &str) -> Result<Visitor, VisitError> {
        let fingerprint = secret::fingerprint(token);
        let now = self.clock().now();
        let (visit, visitor) = self.store.visit(&fingerprint).await?.ok_or(VisitError::Token)?;
        if visit.expires_at <= now || visitor.account_id != door.account.id {
            return Err(VisitError::Token);
        }
        if visitor.blocked_at.is_some() {
            return Err(VisitError::Blocked);
        }
        if now.since(visit.seen_at) >= NOTED {
            let mut tx = self.store.begin(Actor::Channel).await?;
            tx.extend_visit(&fingerprint, now.plus(LIFE)).await?;
            tx.commit().await?;
        }
        Ok(visitor)
    }

    /// Makes a token void.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn leave(&self, token: &str) -> Result<(), VisitError> {
        let mut tx = self.store.begin(Actor::Channel).await?;
        tx.end_visit(&secret::fingerprint(token)).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Somebody of whom nothing is known.
pub(super) fn nobody(door: &Door, now: Timestamp, locale: Option<&str>) -> Visitor {
    let plain = |tag: &&str| tag.len() <= 35 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    Visitor {
        id: VisitorId::new(),
        account_id: door.account.id,
        customer: None,
        hint: None,
        name: None,
        email: None,
        email_verified: false,
        phone: None,
        phone_verified: false,
        avatar_url: None,
        language: locale.filter(|tag| !tag.is_empty()).filter(plain).map(str::to_owned),
        blocked_at: None,
        created_at: now,
    }
}

/// A fresh token for a visitor.
pub(super) async fn hand_out(tx: &mut Tx, visitor: VisitorId) -> Result<Secret<String>, VisitError> {
    let token = secret::token();
    let now = tx.now();
    tx.insert_visit(&Visit {
        token_hash: secret::fingerprint(&token),
        visitor_id: visitor,
        created_at: now,
        seen_at: now,
        expires_at: now.plus(LIFE),
    })
    .await?;
    Ok(Secret::new(token))
}
