//! What became of posts the desk has open: edited, removed.

use std::collections::BTreeMap;

use reqwest::Method;

use super::wire::{self, Id, Status};
use super::{Mastodon, api};
use crate::channels::{Batch, ChannelError, Class, Item, Known};
use crate::model::{Direction, MessageKind};

/// The most ids one look takes (4.3).
pub const MAX: usize = 20;

impl Mastodon {
    /// What became of posts the desk has open.
    pub(super) async fn look_again(&self, known: &[Known]) -> Result<Batch, ChannelError> {
        let me = self.me().await?;
        let known: Vec<(&Known, Id)> =
            known.iter().filter_map(|known| Some((known, status_id(&known.external_id, &known.meta)?))).collect();
        let mut found = self.several(&known).await?;
        let mut items = Vec::new();
        for (known, id) in known {
            let status = match found.remove(&id.0) {
                Some(status) => status,
                // Only the post itself says for certain that it is gone: a list may leave out for other reasons.
                None => match self.api.get::<Status>(&["api", "v1", "statuses", id.as_str()], &[]).await {
                    Ok(status) => status,
                    Err(error) if error.code == "mastodon.gone" => {
                        items.push(Item::Removed { external_id: known.external_id.clone(), at: None });
                        continue;
                    }
                    // Present but not readable or not for us: nothing to report.
                    Err(error) if error.code == "mastodon.not_json" || error.code == "mastodon.forbidden" => continue,
                    Err(error) => return Err(error),
                },
            };
            if status.edited_at.is_some() {
                let direction = known.meta["direction"].as_str().and_then(|word| word.parse().ok());
                let direction = direction.unwrap_or(if me.wrote(&status) { Direction::Out } else { Direction::In });
                let kind = if status.is_direct() { MessageKind::Dm } else { MessageKind::Post };
                let mut message = me.message(&status, known.thread.clone(), direction, kind, true);
                message.external_id.clone_from(&known.external_id);
                items.push(Item::Message(Box::new(message)));
            }
            // The same post may be asked for twice: as itself and as a copy above a thread.
            found.insert(id.0, status);
        }
        Ok(Batch { items, ..Batch::default() })
    }

    /// Several posts in one call, where the server can (4.3).
    async fn several(&self, known: &[(&Known, Id)]) -> Result<BTreeMap<String, Status>, ChannelError> {
        let mut found = BTreeMap::new();
        if known.len() < 2 {
            return Ok(found);
        }
        let ids: Vec<(&str, &str)> = known.iter().map(|(_, id)| ("id[]", id.as_str())).collect();
        let request = self.api.request(Method::GET, &["api", "v1", "statuses"]).await?.query(&ids);
        let answer = match self.api.ask(request).await {
            Ok(answer) => answer,
            // Older servers do not have it; each post is then asked for by itself.
            Err(error) if error.class == Class::Rejected => return Ok(found),
            Err(error) => return Err(error),
        };
        let text = api::text(&answer);
        for element in wire::elements(&text).unwrap_or_default() {
            if let Ok(status) = serde_json::from_str::<Status>(element.get()) {
                found.insert(status.id.0.clone(), status);
            }
        }
        Ok(found)
    }
}

/// The platform's id of a message: its own, or of the post it is a copy of.
pub fn status_id(external_id: &str, meta: &serde_json::Value) -> Option<Id> {
    meta["id"].as_str().or_else(|| external_id.split('~').next()).and_then(Id::new)
}
