//! How posts hang together: which thread one belongs to, what stands above it, and whether it is said to us.

use std::sync::PoisonError;

use serde_json::json;

use super::wire::{Post, Topic};
use super::{Forum, api};
use crate::channels::{Author, ChannelError, Item, Message, ThreadRef, above, html};
use crate::model::{Direction, Lane, MessageKind, ThreadKind, Timestamp};

/// Longer chains are cut off above: whoever reads sees enough.
const LONGEST_CHAIN: usize = 30;
const MOST_KEPT: usize = 5_000;

/// A post with what stands above it, the nearest first.
pub struct Placed {
    pub post: Post,
    pub topic: Topic,
    above: Vec<Post>,
}

impl Forum {
    pub(super) async fn topic(&self, id: u64) -> Result<Topic, ChannelError> {
        let known = self.topics.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(topic) = known {
            return Ok(topic);
        }
        let topic: Topic = self.api.get(&format!("t/{id}.json"), &[]).await?;
        let mut kept = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(id, topic.clone());
        Ok(topic)
    }

    async fn by_number(&self, topic: u64, number: u64) -> Result<Post, ChannelError> {
        let known = self.posts.lock().unwrap_or_else(PoisonError::into_inner).get(&(topic, number)).cloned();
        if let Some(post) = known {
            return Ok(post);
        }
        let post: Post = self.api.get(&format!("posts/by_number/{topic}/{number}.json"), &[]).await?;
        self.keep(&post);
        Ok(post)
    }

    /// Keeps a post for those below it.
    pub(super) fn keep(&self, post: &Post) {
        let mut kept = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert((post.topic_id, post.post_number), post.clone());
    }

    /// Finds a post's place. A removed post above it ends the chain there.
    pub(super) async fn place(&self, post: Post) -> Result<Placed, ChannelError> {
        let topic = self.topic(post.topic_id).await?;
        let mut above = Vec::new();
        let mut next = post.parent();
        // The last step goes to where the topic began, however long the chain is.
        while let Some(number) = next {
            let number = if above.len() >= LONGEST_CHAIN { 1 } else { number };
            match self.by_number(post.topic_id, number).await {
                // Those who look after the forum are shown what was removed.
                Ok(parent) if parent.is_gone() => break,
                Ok(parent) => {
                    next = parent.parent();
                    above.push(parent);
                }
                Err(error) if api::is_away(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Placed { post, topic, above })
    }

    /// Whether somebody says it to us: in private, by name, or below a post of ours.
    pub(super) fn concerns_us(&self, placed: &Placed) -> bool {
        self.direction(&placed.post, placed) == Direction::In
    }

    /// The post, and what stands above it; nothing when nobody says anything in it.
    pub(super) fn items(&self, placed: &Placed, since: Timestamp) -> Vec<Item> {
        let thread = self.thread(placed);
        // In private everything that is said comes by itself.
        let above_it = if placed.is_private() { &[][..] } else { &placed.above[..] };
        let mut items = Vec::new();
        if !placed.post.is_said() {
            return items;
        }
        // Above the post that names the thread stand ours: each such thread gets a copy of its own.
        let mut beyond = false;
        for post in std::iter::once(&placed.post).chain(above_it).filter(|post| post.is_said()) {
            let mut message = self.message(post, placed, &thread, since);
            if beyond {
                message.external_id = above(&message.external_id, &thread.external_id);
                message.direction = Direction::Context;
            }
            beyond |= post.id.to_string() == thread.external_id;
            items.push(Item::Message(Box::new(message)));
        }
        items
    }

    fn names_us(&self, post: &Post) -> bool {
        post.cooked.to_lowercase().contains(&format!("/u/{}\"", self.api.username.to_lowercase()))
    }

    /// The same however a post is met: ours is out; what is said to us is in; the rest explains.
    fn direction(&self, post: &Post, placed: &Placed) -> Direction {
        let mut below = placed.above.iter().filter(|other| other.post_number < post.post_number);
        if self.is_us(&post.username) {
            Direction::Out
        } else if placed.is_private() || self.names_us(post) || below.any(|other| self.is_us(&other.username)) {
            Direction::In
        } else {
            Direction::Context
        }
    }

    pub(super) fn thread(&self, placed: &Placed) -> ThreadRef {
        let topic = &placed.topic;
        let title = Some(topic.title.clone()).filter(|title| !title.is_empty());
        if placed.is_private() {
            return ThreadRef {
                external_id: format!("pm-{}", topic.id),
                lane: Lane::Private,
                kind: ThreadKind::Dm,
                title,
                url: Some(self.api.page(&format!("t/{}/{}", slug(topic), topic.id))),
            };
        }
        // The earliest of the chain that we did not write.
        let chain = std::iter::once(&placed.post).chain(&placed.above);
        let top = chain.filter(|post| !self.is_us(&post.username)).last().unwrap_or(&placed.post);
        ThreadRef {
            external_id: top.id.to_string(),
            lane: Lane::Public,
            kind: ThreadKind::Post,
            title,
            url: Some(self.address(top, topic)),
        }
    }

    pub(super) fn address(&self, post: &Post, topic: &Topic) -> String {
        self.api.page(&format!("t/{}/{}/{}", slug(topic), topic.id, post.post_number))
    }

    /// `since`: what is older is history.
    pub(super) fn message(&self, post: &Post, placed: &Placed, thread: &ThreadRef, since: Timestamp) -> Message {
        let sent_at = post.created_at.unwrap_or(since);
        let clean = html::sanitise(&post.cooked);
        let reply_to = post.parent().and_then(|number| {
            let other = std::iter::once(&placed.post).chain(&placed.above).find(|other| other.post_number == number);
            other.map(|other| other.id.to_string())
        });
        Message {
            external_id: post.id.to_string(),
            thread: thread.clone(),
            author: self.author(post),
            direction: self.direction(post, placed),
            kind: match thread.lane {
                Lane::Private => MessageKind::Dm,
                Lane::Public if self.names_us(post) => MessageKind::Mention,
                Lane::Public => MessageKind::Reply,
            },
            text: html::to_text(&clean),
            html: Some(clean),
            sent_at,
            edited_at: post.updated_at.filter(|at| post.version.unwrap_or(1) > 1 && *at > sent_at),
            reply_to,
            url: Some(self.address(post, &placed.topic)),
            history: sent_at < since,
            meta: json!({ "topic_id": post.topic_id, "number": post.post_number, "version": post.version }),
            ..Message::default()
        }
    }

    fn author(&self, post: &Post) -> Author {
        let avatar = post.avatar_template.as_deref().map(|template| template.replace("{size}", "96"));
        Author {
            external_id: format!("{}@{}", post.username.to_lowercase(), self.host()),
            handle: post.username.clone(),
            name: post.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| post.username.clone()),
            avatar_url: avatar.and_then(|path| Some(self.api.base.join(&path).ok()?.to_string())),
            url: Some(self.api.page(&format!("u/{}", post.username))),
            ..Author::default()
        }
    }
}

fn slug(topic: &Topic) -> &str {
    if topic.slug.is_empty() { "-" } else { &topic.slug }
}

impl Placed {
    pub fn is_private(&self) -> bool {
        self.topic.archetype == "private_message"
    }
}
