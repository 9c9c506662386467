//! The mailbox that answers what is left at another account: which it is, and what when it is gone.
//!
//! Promises: an account may only name an account whose channel takes such words over; when that is removed or switched off later,
//! everything stays where it was left, and the account says so with a cure.
//! Must not: know which channels these are.

use serde_json::{Value, json};

use super::accounts::Health;
use super::connections::descriptor;
use super::{Desk, DeskError};
use crate::channels::{Descriptor, FieldKind, Words};
use crate::model::{AccountId, HealthState};
use crate::store::Tx;
use crate::store::accounts::Account;

impl Desk {
    /// Whether what was left elsewhere can go to this account now.
    pub(super) fn takes_letters(&self, account: &Account) -> bool {
        let here = account.enabled && account.removed_at.is_none();
        here && self.connections.get(account).is_ok_and(|channel| channel.letters().is_some())
    }

    /// The mailbox that answers what is left at this account, when it has one that works.
    pub(super) async fn mailbox_of(&self, account: &Account) -> Result<Option<Account>, DeskError> {
        let Some(id) = named(account) else { return Ok(None) };
        Ok(self.store.account(id).await?.filter(|mailbox| self.takes_letters(mailbox)))
    }

    /// What is wrong with an account whose mailbox does not answer any more. `all` are the accounts there are.
    pub(super) fn without_mailbox(&self, account: &Account, all: &[Account]) -> Option<Health> {
        let id = named(account)?;
        let mailbox = all.iter().find(|other| other.id == id && other.removed_at.is_none());
        if mailbox.is_some_and(|mailbox| self.takes_letters(mailbox)) {
            return None;
        }
        let (code, cause, cure) = match mailbox {
            Some(off) => (
                "mailbox.off",
                Words::new(
                    format!("The mailbox that answers what is left here ({}) is switched off.", off.handle),
                    format!("De mailbox die antwoordt wat hier wordt achtergelaten ({}) staat uit.", off.handle),
                ),
                Words::new(
                    "Switch it on, or choose another mailbox in the settings. Until then everything stays in this account.",
                    "Zet hem aan, of kies een andere mailbox in de instellingen. Tot dan blijft alles in dit account.",
                ),
            ),
            None => (
                "mailbox.gone",
                Words::new(
                    "The mailbox that answers what is left here was disconnected.",
                    "De mailbox die antwoordt wat hier wordt achtergelaten is losgekoppeld.",
                ),
                Words::new(
                    "Choose another mailbox in the settings, or none. Until then everything stays in this account.",
                    "Kies een andere mailbox in de instellingen, of geen. Tot dan blijft alles in dit account.",
                ),
            ),
        };
        Some(Health {
            state: HealthState::Degraded,
            code: Some(code.to_owned()),
            cause: Some(cause),
            cure: Some(cure),
            since: account.health_since,
        })
    }

    /// The accounts whose mailbox this is look otherwise when it comes or goes.
    pub(super) async fn tell_of_mailbox(&self, tx: &mut Tx, id: AccountId) -> Result<(), DeskError> {
        for account in self.store.accounts().await? {
            if named(&account) == Some(id) {
                tx.tell_account(account.id);
            }
        }
        Ok(())
    }

    /// Puts the id of the account in place of whatever an admin called it: its id, its name or its handle. What stood there `before` may
    /// stay, so that other settings can be changed while a mailbox is gone.
    ///
    /// # Errors
    /// `Refused` with `account.field` when there is no such account, or it answers no mail.
    pub(super) async fn name_mailbox(
        &self,
        descriptor: &Descriptor,
        settings: &mut Value,
        before: &Value,
    ) -> Result<(), DeskError> {
        let Some(field) = descriptor.fields.iter().find(|field| field.kind == FieldKind::Mailbox) else {
            return Ok(());
        };
        let Some(wanted) = settings[field.key].as_str().map(str::to_lowercase) else { return Ok(()) };
        if before[field.key].as_str() == Some(wanted.as_str()) {
            return Ok(());
        }
        let all = self.store.accounts().await?;
        let is = |account: &&Account| {
            account.id.to_string() == wanted
                || account.name.to_lowercase() == wanted
                || account.handle.to_lowercase() == wanted
        };
        let (able, unable): (Vec<&Account>, Vec<&Account>) =
            all.iter().filter(is).partition(|account| self.takes_letters(account));
        let why = match (&able[..], unable.first()) {
            ([mailbox], _) => {
                settings[field.key] = Value::String(mailbox.id.to_string());
                return Ok(());
            }
            ([], None) => "there is no such account; connect the mailbox first".to_owned(),
            ([], Some(other)) if !other.enabled => format!("{} is switched off", other.handle),
            ([], Some(other)) => {
                format!("{} cannot answer by mail; choose a connected mailbox", other.handle)
            }
            _ => "several mailboxes are called that; give the id".to_owned(),
        };
        Err(DeskError::Refused {
            code: "account.field",
            detail: format!("{}: {why}", field.key),
            extra: json!({ "field": field.key }),
        })
    }
}

/// The account that the settings of an account name as its mailbox.
fn named(account: &Account) -> Option<AccountId> {
    let field = descriptor(&account.channel).ok()?.fields.iter().find(|field| field.kind == FieldKind::Mailbox)?;
    account.settings.0[field.key].as_str()?.parse().ok()
}
