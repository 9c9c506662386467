//! What was left where it cannot be answered goes to the account's mailbox instead.
//!
//! Promises: the words, their conversation and the note that they went are one transaction at the mailbox; what is sent again, before
//! or after another mailbox was chosen, or none, is the message it was. Without a mailbox that works everything stays where it was left.

use std::borrow::Cow;

use super::super::{Desk, DeskError};
use super::Intake;
use crate::channels::{AnswerAt, Batch, Item, Left, Message};
use crate::model::AccountId;
use crate::store::Tx;
use crate::store::accounts::Account;

/// What of a batch goes to a mailbox.
pub(super) struct Going {
    pub mailbox: Account,
    pub batch: Batch,
    pub record: Record,
}

/// Which words went, by their name where they were left and at the mailbox.
pub(super) struct Record {
    left_at: AccountId,
    names: Vec<(String, String)>,
}

impl Desk {
    /// Takes from a batch what goes to the account's mailbox, and what went there before.
    pub(super) async fn hand_over<'b>(
        &self,
        account: &Account,
        batch: &'b Batch,
    ) -> Result<(Cow<'b, Batch>, Option<Going>), DeskError> {
        let left: Vec<(&Message, &AnswerAt)> = batch.items.iter().filter_map(left_words).collect();
        if left.is_empty() {
            return Ok((Cow::Borrowed(batch), None));
        }
        let ids: Vec<&str> = left.iter().map(|(message, _)| message.external_id.as_str()).collect();
        let here = self.store.messages_by_external(account.id, &ids).await?;
        let mailbox = self.mailbox_of(account).await?;
        let letters = match &mailbox {
            Some(mailbox) => Some(self.connections.get(mailbox)?),
            None => None,
        };
        let letters = letters.as_ref().and_then(|channel| channel.letters());
        let at = account.id.to_string();
        let (mut gone, mut items, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (message, answer_at) in left {
            let id = &message.external_id;
            if self.store.handed_over(account.id, id).await?.is_some() {
                gone.push(id.clone());
                continue;
            }
            // It came before there was a mailbox, and stays.
            if here.iter().any(|stored| stored.external_id.as_ref() == Some(id)) {
                continue;
            }
            let Some(letters) = letters else { continue };
            let outcomes = self.connections.get(account)?.allowance(&message.thread, &account.facts).outcomes;
            let left = Left { at: &at, message, answer_at, outcomes: &outcomes };
            let Some(taken) = letters.take_in(&left) else { continue };
            gone.push(id.clone());
            names.push((id.clone(), taken.message.external_id.clone()));
            let thread = taken.message.thread.external_id.clone();
            items.push(Item::Message(Box::new(taken.message)));
            items.push(Item::Remember { thread, memory: taken.memory });
        }
        if gone.is_empty() {
            return Ok((Cow::Borrowed(batch), None));
        }
        let mut stays = batch.clone();
        stays.items.retain(|item| left_words(item).is_none_or(|(message, _)| !gone.contains(&message.external_id)));
        let going = mailbox.filter(|_| !items.is_empty()).map(|mailbox| Going {
            mailbox,
            batch: Batch { items, ..Batch::default() },
            record: Record { left_at: account.id, names },
        });
        Ok((Cow::Owned(stays), going))
    }
}

impl Record {
    /// Writes down which words went, in the transaction that takes them in.
    pub(super) async fn save(&self, tx: &mut Tx, intake: &Intake<'_>) -> Result<(), DeskError> {
        for (name, at_mailbox) in &self.names {
            if let Some(stored) = intake.known.get(at_mailbox)
                && tx.handed_over(self.left_at, name).await?.is_none()
            {
                tx.hand_over(self.left_at, name, stored.id).await?;
            }
        }
        Ok(())
    }
}

fn left_words(item: &Item) -> Option<(&Message, &AnswerAt)> {
    match item {
        Item::Message(message) => message.answer_at.as_ref().map(|answer_at| (&**message, answer_at)),
        _ => None,
    }
}
