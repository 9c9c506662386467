//! Known posts: are they still as they were?
//!
//! Promises: looking again leaves the last tenth of what may be asked to replies, and everything gets its turn.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use super::wire::{Post, Topic};
use super::{Forum, api};
use crate::channels::{Batch, ChannelError, Item, Known};
use crate::model::Timestamp;

/// Turns are forgotten past so many.
const TURNS: usize = 2_000;

impl Forum {
    pub(super) fn looked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those first that had no turn the last time.
    pub(super) fn by_turns<'k>(&self, known: &'k [Known]) -> Vec<&'k Known> {
        let mut looked = self.looked();
        if looked.len() > TURNS {
            looked.clear();
        }
        if known.iter().all(|one| looked.contains(&one.external_id)) {
            for one in known {
                looked.remove(&one.external_id);
            }
        }
        let mut all: Vec<&Known> = known.iter().collect();
        all.sort_by_key(|one| looked.contains(&one.external_id));
        all
    }

    /// Edited, removed, or settled by a peer?
    pub(super) async fn look_again(&self, known: &Known, batch: &mut Batch) -> Result<(), ChannelError> {
        // A copy shown above a thread has another name than the post.
        let id = known.external_id.split('~').next().unwrap_or_default();
        if id.parse::<u64>().is_err() {
            return Ok(());
        }
        let post: Post = match self.api.get(&format!("posts/{id}.json"), &[]).await {
            Ok(post) => post,
            Err(error) if api::is_away(&error) => {
                batch.items.push(Item::Removed { external_id: known.external_id.clone(), at: None });
                return Ok(());
            }
            Err(error) => return Err(api::of_feed(error)),
        };
        if post.is_gone() {
            batch.items.push(Item::Removed { external_id: known.external_id.clone(), at: post.deleted_at });
            return Ok(());
        }
        if post.version.is_some_and(|version| version > known.meta["version"].as_u64().unwrap_or(1)) {
            let placed = self.place(post.clone()).await?;
            let mut message = self.message(&placed.post, &placed, &known.thread, Timestamp(i64::MIN));
            message.external_id.clone_from(&known.external_id);
            batch.items.push(Item::Message(Box::new(message)));
        }
        if post.topic_accepted_answer || post.accepted_answer {
            self.settled(&post, &known.thread.external_id, batch).await?;
        }
        Ok(())
    }

    /// A topic with an accepted answer needs none of ours, unless it is ours.
    async fn settled(&self, post: &Post, thread: &str, batch: &mut Batch) -> Result<(), ChannelError> {
        let topic: Topic = self.api.get(&format!("t/{}.json", post.topic_id), &[]).await?;
        if let Some(answer) = topic.accepted_answer.as_ref().filter(|answer| !self.is_us(&answer.username)) {
            let solved = Item::Solved {
                thread: thread.to_owned(),
                by: answer.username.clone(),
                url: Some(self.api.page(&format!("t/{}/{}/{}", topic.slug, topic.id, answer.post_number))),
                at: None,
            };
            if !batch.items.contains(&solved) {
                batch.items.push(solved);
            }
        }
        Ok(())
    }
}
