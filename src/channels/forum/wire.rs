//! Discourse's JSON, lenient: unknown fields ignored, missing ones defaulted.
//! Source: `discourse/discourse_api_docs`, `openapi.json` of 2026-08; notification types and webhook headers from Discourse's source.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::channels::lenient::lenient;
use crate::model::Timestamp;

#[derive(Debug, Default, Deserialize)]
pub struct Notifications {
    #[serde(default)]
    pub notifications: Vec<Value>,
    /// How many there are, also of those that are left out of a page because their topic is not for us.
    #[serde(default, deserialize_with = "lenient")]
    pub total_rows_notifications: usize,
}

#[derive(Debug, Deserialize)]
pub struct Notification {
    pub id: u64,
    #[serde(default)]
    pub notification_type: u64,
    #[serde(default, deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    #[serde(default)]
    pub post_number: Option<u64>,
    #[serde(default)]
    pub topic_id: Option<u64>,
    #[serde(default)]
    pub data: Value,
}

impl Notification {
    /// mentioned, replied, quoted, private message, posted, group mentioned, posted in what we watch: somebody says something.
    pub fn is_said(&self) -> bool {
        matches!(self.notification_type, 1 | 2 | 3 | 6 | 9 | 15 | 36) && self.topic_id.is_some()
    }

    /// Of these the forum keeps the last in a topic, with the number of the first post that was not read.
    pub fn stands_for_more(&self) -> bool {
        matches!(self.notification_type, 2 | 6 | 9 | 36)
    }

    pub fn is_private(&self) -> bool {
        self.notification_type == 6
    }

    /// Of a topic that we watch.
    pub fn is_watched(&self) -> bool {
        self.notification_type == 9
    }

    pub fn post_id(&self) -> Option<u64> {
        let id = &self.data["original_post_id"];
        id.as_u64().or_else(|| id.as_str()?.parse().ok())
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Post {
    pub id: u64,
    pub topic_id: u64,
    #[serde(default = "first")]
    pub post_number: u64,
    /// 1 regular, 2 of a moderator, 3 the forum's own remark (closed, moved), 4 whispered among its staff.
    #[serde(default = "first")]
    pub post_type: u64,
    pub username: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub avatar_template: Option<String>,
    #[serde(default)]
    pub cooked: String,
    #[serde(default)]
    pub raw: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub updated_at: Option<Timestamp>,
    #[serde(default)]
    pub reply_to_post_number: Option<u64>,
    #[serde(default)]
    pub version: Option<u64>,
    #[serde(default)]
    pub topic_slug: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    pub deleted_at: Option<Timestamp>,
    #[serde(default)]
    pub user_deleted: bool,
    /// Of the plugin for accepted answers.
    #[serde(default)]
    pub topic_accepted_answer: bool,
    #[serde(default)]
    pub accepted_answer: bool,
}

fn first() -> u64 {
    1
}

impl Post {
    pub fn is_gone(&self) -> bool {
        self.deleted_at.is_some() || self.user_deleted
    }

    /// Somebody's words, for everybody who may see the topic.
    pub fn is_said(&self) -> bool {
        matches!(self.post_type, 1 | 2)
    }

    /// The number of the post it answers: named, or the one that began the topic.
    pub fn parent(&self) -> Option<u64> {
        let named = self.reply_to_post_number.filter(|number| *number < self.post_number && *number > 0);
        named.or((self.post_number > 1).then_some(1))
    }
}

/// Some posts of a topic.
#[derive(Debug, Default, Deserialize)]
pub struct Stretch {
    #[serde(default)]
    pub post_stream: Posts,
}

#[derive(Debug, Default, Deserialize)]
pub struct Posts {
    #[serde(default)]
    pub posts: Vec<Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Topic {
    pub id: u64,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub archetype: String,
    #[serde(default)]
    pub slug: String,
    #[serde(default)]
    pub accepted_answer: Option<Accepted>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Accepted {
    #[serde(default)]
    pub post_number: u64,
    #[serde(default)]
    pub username: String,
}

#[derive(Debug, Default, Deserialize)]
pub struct Actions {
    #[serde(default)]
    pub user_actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
pub struct Action {
    #[serde(default)]
    pub post_id: Option<u64>,
    #[serde(default)]
    pub post_number: Option<u64>,
    pub topic_id: u64,
    #[serde(default, deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
}

/// RFC 3339; anything else is no moment.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Value::deserialize(from)?.as_str().and_then(Timestamp::parse_rfc3339))
}
