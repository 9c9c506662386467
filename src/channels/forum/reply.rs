//! Answering: in the topic, under the post that is answered.
//!
//! Discourse knows no idempotency key, and refuses the same words only for a few minutes: a lost answer is `Uncertain`, and
//! our own posts tell whether it arrived.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::wire::{Actions, Post};
use super::{Forum, OWN, api, measure};
use crate::channels::{ChannelError, Class, Outgoing, Reply, Sent, Words};

/// How far the forum's clock may be behind ours.
const SKEW: Duration = Duration::from_secs(120);

#[async_trait]
impl Reply for Forum {
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
        if measure(&outgoing.text).over {
            return Err(ChannelError::new(
                Class::Rejected,
                "reply.too_long",
                Words::new("The message is too long.", "Het bericht is te lang."),
                Words::new("Shorten it or send it in parts.", "Kort het in of verstuur het in delen."),
            ));
        }
        let (topic, number) = self.target(outgoing).await?;
        let mut body = json!({"raw": outgoing.text, "topic_id": topic});
        if let Some(number) = number {
            body["reply_to_post_number"] = number.into();
        }
        let answer = self.api.post("posts.json", &body).await.map_err(of_reply)?;
        if answer["action"] == "enqueued" {
            // When its moderators let it through it comes in as our own post, and settles this one.
            return Err(ChannelError::new(
                Class::Uncertain,
                "forum.enqueued",
                Words::new(
                    "The forum holds the reply for its moderators.",
                    "Het forum houdt het antwoord vast voor zijn moderators.",
                ),
                Words::new(
                    "Ask a moderator to let it through; do not send it again.",
                    "Vraag een moderator het door te laten; verstuur het niet opnieuw.",
                ),
            ));
        }
        // Some versions wrap the post.
        let post = if answer["post"].is_object() { &answer["post"] } else { &answer };
        let post: Post = serde_json::from_value(post.clone())
            .map_err(|_| ChannelError::uncertain("the forum's answer cannot be read"))?;
        Ok(self.sent(&post))
    }

    async fn find(&self, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
        let (topic, _) = self.target(outgoing).await?;
        let since = outgoing.written_at.minus(SKEW);
        let query = [("username", self.api.username.as_str()), ("filter", OWN), ("offset", "0")];
        let found: Actions = self.api.get("user_actions.json", &query).await.map_err(api::of_feed)?;
        let full = found.user_actions.len() >= 30;
        let mut older = false;
        for action in found.user_actions {
            if action.created_at.is_some_and(|at| at < since) {
                older = true;
                continue;
            }
            let Some(id) = action.post_id.filter(|_| action.topic_id == topic) else { continue };
            let post: Post = match self.api.get(&format!("posts/{id}.json"), &[]).await {
                Ok(post) => post,
                Err(error) if error.class == Class::Rejected => continue,
                Err(error) => return Err(error),
            };
            if post.raw.as_deref().map(squeeze) == Some(squeeze(&outgoing.text)) {
                return Ok(Some(self.sent(&post)));
            }
        }
        if full && !older {
            return Err(ChannelError::uncertain("too many posts since to look through"));
        }
        Ok(None)
    }
}

impl Forum {
    /// The topic, and the post in it that is answered.
    async fn target(&self, outgoing: &Outgoing) -> Result<(u64, Option<u64>), ChannelError> {
        if let Some((_, meta)) = &outgoing.reply_to
            && let Some(topic) = meta["topic_id"].as_u64()
        {
            return Ok((topic, meta["number"].as_u64()));
        }
        let thread = &outgoing.thread.external_id;
        if let Some(topic) = thread.strip_prefix("pm-").and_then(|id| id.parse().ok()) {
            return Ok((topic, None));
        }
        let post: Post = self.api.get(&format!("posts/{thread}.json"), &[]).await.map_err(of_reply)?;
        Ok((post.topic_id, Some(post.post_number)))
    }

    fn sent(&self, post: &Post) -> Sent {
        let slug = post.topic_slug.as_deref().filter(|slug| !slug.is_empty()).unwrap_or("-");
        Sent {
            external_id: post.id.to_string(),
            url: Some(self.api.page(&format!("t/{slug}/{}/{}", post.topic_id, post.post_number))),
            at: post.created_at,
            meta: json!({ "topic_id": post.topic_id, "number": post.post_number, "version": post.version }),
        }
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_reply(error: ChannelError) -> ChannelError {
    if error.code != "forum.gone" {
        return error;
    }
    ChannelError::new(
        Class::Rejected,
        "reply.parent_gone",
        Words::new(
            "The post or topic you answer was removed, or is closed to the account.",
            "Het bericht of onderwerp waarop je antwoordt is verwijderd, of gesloten voor het account.",
        ),
        Words::new(
            "Look on the forum; write a new topic there if need be.",
            "Kijk op het forum; begin daar zo nodig een nieuw onderwerp.",
        ),
    )
}
