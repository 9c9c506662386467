//! Likes, taking back our own words, ignoring and reporting.
//!
//! Source: client-server API v1.19, "Redactions", "Event annotations and reactions", "Ignoring users", "Reporting content", 2026-11.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{self, Fault};
use super::{Matrix, wire};
use crate::channels::{Action, ChannelError, Moderate};
use crate::model::Lane;

const THUMB: &str = "👍";

#[async_trait]
impl Moderate for Matrix {
    fn actions(&self, own: bool, _lane: Lane) -> Vec<Action> {
        if own {
            vec![Action::Like, Action::Unlike, Action::Delete]
        } else {
            vec![Action::Like, Action::Unlike, Action::Block, Action::Report]
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
        // A copy above a thread is the message itself.
        let event = external_id.split('~').next().unwrap_or_default();
        let room = meta["room"].as_str().filter(|_| wire::is_id(event, '$'));
        let room = room.ok_or_else(|| ChannelError::rejected("matrix.unknown", "this is no message of a room."))?;
        let reason: String = reason.unwrap_or_default().chars().take(500).collect();
        let done = match action {
            Action::Like => self.like(room, event).await,
            Action::Unlike => self.unlike(room, event).await,
            Action::Delete => self.redact(room, event, &reason).await,
            Action::Block => self.ignore(author).await,
            Action::Report => {
                let path = ["client", "v3", "rooms", room, "report", event];
                self.api.send(Method::POST, &path, &json!({"reason": reason, "score": -100})).await.map(drop)
            }
            Action::Boost | Action::Unboost | Action::Mute | Action::Unblock => {
                Err(ChannelError::rejected("matrix.no_such_action", "Matrix has no such action.").into())
            }
        };
        done.map_err(|fault| self.say(fault))
    }
}

impl Matrix {
    /// Our own thumbs at a message.
    async fn thumbs(&self, room: &str, event: &str) -> Result<Vec<String>, Fault> {
        let me = self.me().await?;
        let path = ["client", "v1", "rooms", room, "relations", event, "m.annotation", "m.reaction"];
        let found: Value = api::read(&self.api.get(&path, &[("limit", "200")]).await?)?;
        let ours = |event: &wire::Event| me.wrote(event) && event.reaction().is_some_and(|(_, key)| key == THUMB);
        let events = found["chunk"].as_array().into_iter().flatten();
        Ok(events
            .filter_map(|value| wire::Event::read(value).ok().flatten())
            .filter(ours)
            .map(|event| event.id)
            .collect())
    }

    async fn like(&self, room: &str, event: &str) -> Result<(), Fault> {
        if !self.thumbs(room, event).await?.is_empty() {
            return Ok(());
        }
        let transaction = format!("balie-like-{}", uuid::Uuid::new_v4());
        let path = ["client", "v3", "rooms", room, "send", "m.reaction", &transaction];
        let thumb = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": THUMB}});
        match self.api.send(Method::PUT, &path, &thumb).await {
            Err(Fault::Refused(refusal)) if refusal.errcode == "M_DUPLICATE_ANNOTATION" => Ok(()),
            done => done.map(drop),
        }
    }

    async fn unlike(&self, room: &str, event: &str) -> Result<(), Fault> {
        for thumb in self.thumbs(room, event).await? {
            self.redact(room, &thumb, "").await?;
        }
        Ok(())
    }

    async fn redact(&self, room: &str, event: &str, reason: &str) -> Result<(), Fault> {
        let transaction = format!("balie-redact-{}", event.trim_start_matches('$'));
        let path = ["client", "v3", "rooms", room, "redact", event, &transaction];
        let body = if reason.is_empty() { json!({}) } else { json!({"reason": reason}) };
        match self.api.send(Method::PUT, &path, &body).await {
            Err(Fault::Refused(refusal)) if refusal.is_absent() => Ok(()),
            done => done.map(drop),
        }
    }

    async fn ignore(&self, author: &str) -> Result<(), Fault> {
        let user = self.me().await?.user;
        let path = ["client", "v3", "user", user.as_str(), "account_data", "m.ignored_user_list"];
        let mut list: Value = match self.api.get(&path, &[]).await {
            Ok(answer) => api::read(&answer)?,
            Err(Fault::Refused(refusal)) if refusal.is_absent() => json!({}),
            Err(fault) => return Err(fault),
        };
        if !list["ignored_users"].is_object() {
            list["ignored_users"] = json!({});
        }
        if list["ignored_users"].get(author).is_some() {
            return Ok(());
        }
        list["ignored_users"][author] = json!({});
        self.api.send(Method::PUT, &path, &list).await.map(drop)
    }
}
