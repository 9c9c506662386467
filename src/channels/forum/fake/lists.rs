//! What the forum lists: what the brand wrote.
//! Source: Discourse's `user_action_manager`, read 2026-11.

use serde_json::{Value, json};

use super::{Post, World};

impl World {
    /// What the brand wrote, of these kinds.
    pub(super) fn activity(&self, filter: &str, offset: usize) -> Value {
        let wanted: Vec<u64> = filter.split(',').filter_map(|kind| kind.parse().ok()).collect();
        let kind =
            |post: &Post| match (self.topic(post.topic).is_some_and(|topic| topic.private.is_some()), post.number) {
                (true, _) => 12,
                (false, 1) => 4,
                (false, _) => 5,
            };
        let mine = self.posts.iter().rev().filter(|post| post.by == "brand" && !post.deleted);
        let page: Vec<Value> = mine
            .map(|post| (kind(post), post))
            // Without a filter nothing private is shown.
            .filter(|(kind, _)| wanted.contains(kind) || (wanted.is_empty() && *kind != 12))
            .skip(offset)
            .take(30)
            .map(|(kind, post)| {
                let id = if post.number == 1 { Value::Null } else { post.id.into() };
                json!({"action_type": kind, "created_at": post.at.to_rfc3339(), "topic_id": post.topic,
                    "post_number": post.number, "post_id": id, "username": "brand"})
            })
            .collect();
        json!({ "user_actions": page })
    }
}
