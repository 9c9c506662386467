//! What stands above a message, and how people are called: what a page of news refers to and does not bring.
//!
//! Promises: a message above, or a name, that the homeserver cannot show, or not for now, is given up after a few tries and
//! never stops the news.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::Matrix;
use super::api::{self, Fault};
use super::convert::Chain;
use super::wire::Event;
use crate::channels::{ChannelError, Class};

/// The longest way up that is walked.
const LONGEST: usize = 200;
/// After so many failures an event or a name counts as absent.
const PATIENT: u32 = 3;

impl Matrix {
    /// The messages above an event, from the top down to itself.
    pub(super) async fn chain(&self, room: &str, event: Arc<Event>) -> Result<Chain, ChannelError> {
        let mut met = HashSet::from([event.id.clone()]);
        let mut chain = vec![event];
        while chain.len() < LONGEST {
            let Some(parent) = chain.last().and_then(|event| event.parent()).map(str::to_owned) else { break };
            if !met.insert(parent.clone()) {
                break;
            }
            let Some(above) = self.event(room, &parent).await? else { break };
            chain.push(above);
        }
        chain.reverse();
        Ok(chain)
    }

    /// One event of a room; `None` when nobody can show it to us.
    pub(super) async fn event(&self, room: &str, id: &str) -> Result<Option<Arc<Event>>, ChannelError> {
        if let Some(known) = self.memory.event(id) {
            return Ok(known);
        }
        let found = match self.api.get(&["client", "v3", "rooms", room, "event", id], &[]).await {
            Ok(answer) => api::read::<Value>(&answer).ok().and_then(|value| Event::read_now(&value)),
            Err(Fault::Refused(refusal)) if matches!(refusal.status, 400 | 403 | 404) => None,
            Err(fault) => {
                let error = self.say(fault);
                if error.class != Class::Transient || self.memory.troubled(id) < PATIENT {
                    return Err(error);
                }
                tracing::warn!(room, id, "the homeserver cannot show a message above another; going on without it");
                None
            }
        };
        if let Some(event) = found.filter(|event| event.id == id).map(Arc::new) {
            self.memory.keep_event(&event);
            Ok(Some(event))
        } else {
            self.memory.keep_absence(id);
            Ok(None)
        }
    }

    /// Learns a name from a membership event.
    pub(super) fn meet(&self, member: &Value) {
        let Some(user) = member["state_key"].as_str().filter(|_| member["type"].as_str() == Some("m.room.member"))
        else {
            return;
        };
        if member["content"]["membership"].as_str() != Some("join") {
            return;
        }
        let name = member["content"]["displayname"].as_str().map(|name| name.chars().take(200).collect());
        self.memory.keep_name(user, name);
    }

    /// Makes sure that the names of these people are known, as far as the homeserver tells them.
    pub(super) async fn learn_names(&self, chain: &Chain) -> Result<(), ChannelError> {
        for event in chain {
            if self.memory.name(&event.sender).is_some() {
                continue;
            }
            match self.api.get(&["client", "v3", "profile", &event.sender], &[]).await {
                Ok(answer) => {
                    let profile: Value = api::read(&answer).unwrap_or_default();
                    let name = profile["displayname"].as_str().map(|name| name.chars().take(200).collect());
                    self.memory.keep_name(&event.sender, name);
                }
                // A name is not worth waiting for: their server may be away for days.
                Err(Fault::Refused(refusal)) if refusal.status != 429 && !refusal.is_token() => {
                    self.memory.keep_name(&event.sender, None);
                }
                Err(fault) => {
                    let error = self.say(fault);
                    if error.class != Class::Transient || self.memory.troubled(&event.sender) < PATIENT {
                        return Err(error);
                    }
                    self.memory.keep_name(&event.sender, None);
                }
            }
        }
        Ok(())
    }

    /// How somebody is called.
    pub(super) fn name(&self, user: &str) -> String {
        self.memory.name(user).flatten().unwrap_or_default()
    }
}
