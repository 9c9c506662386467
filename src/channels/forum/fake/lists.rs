//! What the forum lists: notifications, what the brand wrote, a stretch of a topic.
//! Source: Discourse's `post_alerter`, `notifications_controller`, `user_action_manager` and `topic_view`, read 2026-11.

use serde_json::{Value, json};

use super::{Post, World};

/// Answered, sent in private, posted in a topic that is watched.
fn collapses(kind: u64) -> bool {
    matches!(kind, 2 | 6 | 9)
}

impl World {
    /// Tells everybody whom a new post concerns. Of answers, private messages and posts the forum keeps one notification a topic:
    /// the earlier goes, the new one stands for all that was not read.
    pub(super) fn notify(&mut self, post: &Post) {
        let private = self.topic(post.topic).and_then(|topic| topic.private.clone());
        let answered = self.at(post.topic, post.to.unwrap_or(1)).map(|parent| parent.by.clone());
        for who in ["brand", "klant", "buur"].into_iter().filter(|who| *who != post.by) {
            let words = post.raw.split(|c: char| !c.is_alphanumeric() && c != '@');
            let kind = if private.as_ref().is_some_and(|pair| pair.iter().any(|one| one == who)) {
                6
            } else if private.is_some() {
                continue;
            } else if words.into_iter().any(|word| word == format!("@{who}")) {
                1
            } else if answered.as_deref() == Some(who) && post.number > 1 {
                2
            } else if post.number > 1 && self.began(who, post.topic) {
                // Who begins a topic watches it.
                9
            } else {
                continue;
            };
            let mut first = post.number;
            if collapses(kind) {
                first = self.first_unread(who, post.topic).unwrap_or(first);
                let (notices, posts) = (&mut self.notices, &self.posts);
                notices.retain(|(_, of, earlier, about, ..)| {
                    let here = posts.iter().any(|other| other.id == *about && other.topic == post.topic);
                    !(of == who && collapses(*earlier) && here)
                });
            }
            let notice = self.fresh();
            self.notices.push((notice, who.to_owned(), kind, post.id, first, post.at));
        }
    }

    fn began(&self, who: &str, topic: u64) -> bool {
        self.at(topic, 1).is_some_and(|first| first.by == who)
    }

    /// Whoever writes has read what stands above.
    fn first_unread(&self, who: &str, topic: u64) -> Option<u64> {
        let here = || self.posts.iter().filter(|post| post.topic == topic);
        let read = here().filter(|post| post.by == who).map(|post| post.number).max().unwrap_or(0);
        let watches = self.began(who, topic) || self.topic(topic).is_some_and(|topic| topic.private.is_some());
        let for_them =
            |post: &&Post| watches || post.to.and_then(|to| self.at(topic, to)).is_some_and(|parent| parent.by == who);
        here().filter(|post| post.number > read).filter(for_them).map(|post| post.number).min()
    }

    pub(super) fn notifications(&self, offset: usize, limit: usize) -> Value {
        let mine = || self.notices.iter().rev().filter(|notice| notice.1 == "brand");
        let page: Vec<Value> = mine()
            .skip(offset)
            .take(limit)
            .filter_map(|(id, _, kind, post, first, at)| {
                let post = self.find(&post.to_string())?;
                Some(json!({
                    "id": id, "notification_type": kind, "read": false, "created_at": at.to_rfc3339(),
                    "post_number": first, "topic_id": post.topic, "slug": "onderwerp",
                    "data": {"original_post_id": post.id, "display_username": post.by,
                        "topic_title": self.topic(post.topic).map(|topic| topic.title.clone())},
                }))
            })
            .collect();
        json!({"notifications": page, "total_rows_notifications": mine().count(), "seen_notification_id": 0})
    }

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

    /// The posts of a topic behind this number; from its first on without one.
    pub(super) fn stretch(&self, topic: u64, behind: usize) -> Value {
        let behind = u64::try_from(behind).unwrap_or(u64::MAX);
        let here = self.posts.iter().filter(|post| post.topic == topic && post.number > behind && !post.deleted);
        let posts: Vec<Value> = here.take(20).map(|post| self.show(post)).collect();
        json!({"post_stream": {"posts": posts}, "id": topic})
    }
}
