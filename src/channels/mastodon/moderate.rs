//! Everything else one may do to a post or its author.
//!
//! Nobody can hide or delete somebody else's reply on Mastodon; muting a thread would make the brand deaf for it, so that
//! `Mute` is of the author.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::recheck::status_id;
use super::wire::Id;
use super::{Mastodon, delete, is_gone, rejected};
use crate::channels::{Action, ChannelError, Moderate};
use crate::model::Lane;

#[async_trait]
impl Moderate for Mastodon {
    fn actions(&self, own: bool, lane: Lane) -> Vec<Action> {
        match (own, lane) {
            (true, _) => vec![Action::Delete],
            (false, Lane::Public) => {
                vec![
                    Action::Like,
                    Action::Unlike,
                    Action::Boost,
                    Action::Unboost,
                    Action::Mute,
                    Action::Block,
                    Action::Report,
                ]
            }
            (false, Lane::Private) => vec![Action::Like, Action::Unlike, Action::Mute, Action::Block, Action::Report],
        }
    }

    async fn act(
        &self,
        action: Action,
        external_id: &str,
        author: &str,
        meta: &Value,
        reason: Option<&str>,
    ) -> Result<(), ChannelError> {
        let Some(id) = status_id(external_id, meta) else { return Err(unknown()) };
        let id = id.as_str();
        let status = async |verb: &str| self.api.post(&["api", "v1", "statuses", id, verb], None).await;
        // What is gone is no longer liked, boosted or there.
        let undo = |done: Result<(), ChannelError>| match done {
            Err(error) if is_gone(&error) => Ok(()),
            other => other,
        };
        match action {
            Action::Like => status("favourite").await,
            Action::Unlike => undo(status("unfavourite").await),
            Action::Boost => status("reblog").await,
            Action::Unboost => undo(status("unreblog").await),
            Action::Delete => delete(&self.api, id).await,
            Action::Mute | Action::Block => {
                let account = self.account(author, meta).await?;
                let verb = if action == Action::Mute { "mute" } else { "block" };
                self.api.post(&["api", "v1", "accounts", account.as_str(), verb], None).await
            }
            Action::Unblock => Err(ChannelError::rejected(
                "mastodon.no_such_action",
                "undo a block on the platform: it is not known here.",
            )),
            Action::Report => {
                let account = self.account(author, meta).await?;
                let comment: String = reason.unwrap_or_default().chars().take(1_000).collect();
                let forward = meta["acct"].as_str().is_some_and(|acct| acct.contains('@'));
                let body = json!({"account_id": account.as_str(), "status_ids": [id], "comment": comment, "category": "other", "forward": forward});
                self.api.post(&["api", "v1", "reports"], Some(&body)).await
            }
        }
    }
}

impl Mastodon {
    /// The server's id of somebody: remembered with the message, else looked up by address.
    pub(super) async fn account(&self, author: &str, meta: &Value) -> Result<Id, ChannelError> {
        if let Some(id) = meta["account"].as_str().and_then(Id::new) {
            return Ok(id);
        }
        let found: super::wire::Account =
            self.api.get(&["api", "v1", "accounts", "lookup"], &[("acct", author)]).await?;
        Ok(found.id)
    }
}

fn unknown() -> ChannelError {
    rejected(
        "mastodon.unknown_post",
        ("This message is not one of this server.", "Dit bericht is niet van deze server."),
        ("Look on the platform.", "Kijk op het platform."),
    )
}
