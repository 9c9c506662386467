//! The forum calls: signed with the secret of its webhook, over the raw body.

use async_trait::async_trait;
use serde_json::Value;

use super::Forum;
use super::wire::Post;
use crate::channels::{Batch, ChannelError, Class, Hook, Item, Push, Pushed, Unreadable, Words, signature};

#[async_trait]
impl Push for Forum {
    async fn receive(&self, hook: &Hook<'_>) -> Result<Pushed, ChannelError> {
        let secret = hook.secrets["hook_secret"].as_str().unwrap_or_default();
        let right = format!("sha256={}", signature::hex(&signature::hmac(secret.as_bytes(), &[hook.body])));
        let given = hook.header("x-discourse-event-signature").unwrap_or_default();
        if secret.is_empty() || !signature::same(given.as_bytes(), right.as_bytes()) {
            return Err(ChannelError::new(
                Class::Unauthorized,
                "forum.signature",
                Words::new("The webhook's signature is not right.", "De handtekening van de webhook klopt niet."),
                Words::new(
                    "Put the same secret in the forum's webhook and in this account.",
                    "Zet hetzelfde geheim in de webhook van het forum en in dit account.",
                ),
            ));
        }
        let batch = match hook.header("x-discourse-event").unwrap_or_default() {
            "post_created" | "post_edited" | "post_recovered" => self.told(hook.body).await?,
            "post_destroyed" => {
                let body: Value = serde_json::from_slice(hook.body).unwrap_or_default();
                let id = body["post"]["id"].as_u64();
                let gone = id.map(|id| Item::Removed { external_id: id.to_string(), at: None });
                Batch { items: gone.into_iter().collect(), ..Batch::default() }
            }
            // Likes, users, topics: no words of anybody.
            _ => Batch::default(),
        };
        Ok(Pushed { batch, answer: None })
    }
}

impl Forum {
    async fn told(&self, body: &[u8]) -> Result<Batch, ChannelError> {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let post: Post = match serde_json::from_value(value["post"].clone()) {
            Ok(post) => post,
            Err(error) => {
                let payload = if value["post"].is_object() {
                    value["post"].to_string()
                } else {
                    String::from_utf8_lossy(body).into_owned()
                };
                let unreadable = vec![Unreadable { payload, error: error.to_string() }];
                return Ok(Batch { unreadable, ..Batch::default() });
            }
        };
        if post.is_gone() {
            let items = vec![Item::Removed { external_id: post.id.to_string(), at: post.deleted_at }];
            return Ok(Batch { items, ..Batch::default() });
        }
        if !post.is_said() {
            return Ok(Batch::default());
        }
        let placed = self.place(post).await?;
        // The webhook tells of every post of the forum; the pull asks after those we wrote.
        let items =
            if self.concerns_us(&placed) { self.items(&placed, crate::model::Timestamp(i64::MIN)) } else { Vec::new() };
        Ok(Batch { items, ..Batch::default() })
    }
}
