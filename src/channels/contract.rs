//! The suite that every channel runs over its own fake: the contract of `channels/mod.rs` as tests that can fail.
//!
//! A channel's `tests.rs` implements [`Harness`] and writes `crate::channel_contract!(ItsHarness);`. Behaviours live in
//! `contract/inbound.rs`, `contract/outbound.rs` and `contract/faults.rs`; [`Inbox`] is the desk in small: it keeps what
//! came by id, as the database does, and fails when the same id comes back as something else.

pub mod faults;
pub mod inbound;
pub mod outbound;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::fake::Wire;
use super::{Batch, Channel, ChannelError, Item, Known, Message, Outgoing};
use crate::clock::Clock;
use crate::model::{Direction, MessageId};

/// Who acts on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Brand,
    Customer,
    Other,
}

/// Something said on the platform, past Balie.
#[derive(Clone, Debug)]
pub struct Say {
    pub by: Who,
    pub text: String,
    /// The id of the post that is answered.
    pub to: Option<String>,
    /// Mentions the brand in the platform's way.
    pub names_brand: bool,
    /// A direct message between this one and the brand (from the brand: to `Customer`).
    pub private: bool,
}

impl Say {
    /// A public post of its own that names nobody.
    pub fn post(by: Who, text: impl Into<String>) -> Self {
        Self { by, text: text.into(), to: None, names_brand: false, private: false }
    }
    /// A public post that mentions the brand.
    pub fn mention(by: Who, text: impl Into<String>) -> Self {
        Self { names_brand: true, ..Self::post(by, text) }
    }
    /// A public reply that does not mention the brand.
    pub fn reply(by: Who, to: &str, text: impl Into<String>) -> Self {
        Self { to: Some(to.to_owned()), ..Self::post(by, text) }
    }
    /// A direct message.
    pub fn dm(by: Who, text: impl Into<String>) -> Self {
        Self { private: true, ..Self::mention(by, text) }
    }
}

/// A message of the brand as it stands on the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub external_id: String,
    pub text: String,
    pub reply_to: Option<String>,
    pub private: bool,
}

/// A platform that is being played, with the brand and two customers on it.
#[async_trait]
pub trait Harness: Send + Sync + Sized + 'static {
    /// A fresh platform, nothing said yet, its time and the connection's given by one manual clock.
    async fn start() -> Self;
    fn clock(&self) -> &Clock;
    fn wire(&self) -> &Wire;
    /// A fresh connection of the brand's account, as after a restart, with seven days of history.
    fn connect(&self) -> Arc<dyn Channel>;
    /// The id and handle of somebody as `Author` must give them.
    fn author(&self, who: Who) -> (String, String);
    /// Everything that may never be seen in an error: tokens, passwords.
    fn secrets(&self) -> Vec<String>;

    /// Says something, returns the external id that the channel must give it. The fake's time moves on a little.
    async fn say(&self, say: Say) -> String;
    /// Changes a text; `false` when the platform knows no edits.
    async fn edit(&self, by: Who, id: &str, text: &str) -> bool;
    async fn delete(&self, by: Who, id: &str);
    /// What the brand said, oldest first, mention prefixes of the platform included.
    async fn said(&self) -> Vec<Said>;
    /// Whether the brand likes this post now; `None` when the platform has no likes.
    async fn liked(&self, id: &str) -> Option<bool>;

    /// The path of the feed that brings mentions, and the JSON pointer to the items of its page.
    fn page() -> (&'static str, &'static str);
    /// How many items that page holds at most.
    fn page_size() -> usize;
    /// The method-POST path (with `*`) that posts a public reply.
    fn posting() -> &'static str;
    /// The path of the stream.
    fn streaming() -> Option<&'static str> {
        None
    }
}

/// What the desk keeps, in small.
pub struct Inbox {
    pub channel: Arc<dyn Channel>,
    pub cursors: BTreeMap<&'static str, Value>,
    pub messages: BTreeMap<String, Message>,
    /// How often each id came in as something new or again.
    pub seen: BTreeMap<String, usize>,
    pub removed: BTreeSet<String>,
    pub unreadable: Vec<super::Unreadable>,
}

impl Inbox {
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self {
            channel,
            cursors: BTreeMap::new(),
            messages: BTreeMap::new(),
            seen: BTreeMap::new(),
            removed: BTreeSet::new(),
            unreadable: Vec::new(),
        }
    }

    /// The account was connected a moment ago and has taken its first, empty look.
    pub async fn connected<H: Harness>(harness: &H) -> Self {
        let mut inbox = Self::new(harness.connect());
        inbox.pull().await.expect("the first pull");
        harness.clock().advance(Duration::from_secs(60));
        inbox
    }

    /// Balie was restarted: cursors and messages are kept, the connection is new.
    pub fn restart<H: Harness>(&mut self, harness: &H) {
        self.channel = harness.connect();
    }

    /// Asks every feed until nothing more waits. Stops at the first error, as one feed's runner would.
    pub async fn pull(&mut self) -> Result<(), ChannelError> {
        let channel = Arc::clone(&self.channel);
        let pull = channel.pull().expect("a channel of the suite can be pulled");
        for feed in pull.feeds() {
            for round in 0.. {
                assert!(round < 200, "{} never ends", feed.key);
                let batch = pull.pull(feed.key, self.cursors.get(feed.key)).await?;
                let more = batch.more;
                if let Some(next) = &batch.next {
                    self.cursors.insert(feed.key, next.clone());
                }
                self.take(batch);
                if !more {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Rechecks everything known.
    pub async fn recheck(&mut self) -> Result<(), ChannelError> {
        let channel = Arc::clone(&self.channel);
        let pull = channel.pull().expect("a channel of the suite can be pulled");
        let known: Vec<Known> = self
            .messages
            .values()
            .filter(|m| !self.removed.contains(&m.external_id))
            .map(|m| Known { external_id: m.external_id.clone(), thread: m.thread.clone(), meta: m.meta.clone() })
            .collect();
        for some in known.chunks(pull.recheck_max().max(1)) {
            let batch = pull.recheck(some).await?;
            self.take(batch);
        }
        Ok(())
    }

    /// Keeps a batch; the same id must mean the same message in the same thread.
    pub fn take(&mut self, batch: Batch) {
        self.unreadable.extend(batch.unreadable);
        for item in batch.items {
            match item {
                Item::Removed { external_id, .. } => {
                    self.removed.insert(external_id);
                }
                Item::Message(message) => {
                    *self.seen.entry(message.external_id.clone()).or_default() += 1;
                    if let Some(html) = &message.html {
                        assert_eq!(*html, super::html::sanitise(html), "unsanitised html");
                    }
                    if let Some(before) = self.messages.get(&message.external_id) {
                        assert_eq!(
                            before.thread.external_id, message.thread.external_id,
                            "{} changed its thread",
                            message.external_id
                        );
                        assert_eq!(before.thread.lane, message.thread.lane, "{} changed its lane", message.external_id);
                        assert_eq!(
                            before.direction, message.direction,
                            "{} changed its direction",
                            message.external_id
                        );
                        assert_eq!(
                            before.author.external_id, message.author.external_id,
                            "{} changed its author",
                            message.external_id
                        );
                        assert_eq!(before.sent_at, message.sent_at, "{} changed its time", message.external_id);
                        let keep = before.history;
                        self.messages.insert(message.external_id.clone(), Message { history: keep, ..*message });
                    } else {
                        self.messages.insert(message.external_id.clone(), *message);
                    }
                }
            }
        }
    }

    /// The one message that contains this text, outside of copies made as context.
    #[track_caller]
    pub fn find(&self, text: &str) -> &Message {
        let hits: Vec<_> =
            self.messages.values().filter(|m| m.direction != Direction::Context && m.text.contains(text)).collect();
        assert_eq!(
            hits.len(),
            1,
            "{text:?} among {:#?}",
            self.messages.values().map(|m| (&m.external_id, m.direction, &m.text)).collect::<Vec<_>>()
        );
        hits[0]
    }

    /// How many messages contain this text, outside of context.
    pub fn count(&self, text: &str) -> usize {
        self.messages.values().filter(|m| m.direction != Direction::Context && m.text.contains(text)).count()
    }

    /// A reply to a message as the composer makes it.
    pub fn answer(&self, to: &Message, text: &str, clock: &Clock) -> Outgoing {
        Outgoing {
            key: MessageId::new(),
            written_at: clock.now(),
            thread: to.thread.clone(),
            reply_to: Some((to.external_id.clone(), to.meta.clone())),
            text: text.to_owned(),
            content_warning: None,
            visibility: None,
            language: Some("nl".to_owned()),
            files: Vec::new(),
        }
    }
}

/// Polls a future a few times and drops it, as a runner does that is stopped in the middle. `true` when it ended.
pub async fn drop_after<F: Future>(future: F, polls: usize) -> bool {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if future.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(true);
        }
        if left == 0 {
            return std::task::Poll::Ready(false);
        }
        left -= 1;
        std::task::Poll::Pending
    })
    .await
}

/// Runs every behaviour of the contract on a harness, one test each.
#[macro_export]
macro_rules! channel_contract {
    ($harness:ty) => {
        $crate::channel_contract!(@ $harness, inbound:
            the_probe_says_who_we_are,
            a_mention_arrives_once_with_its_thread_lane_and_author,
            an_exchange_stays_in_one_thread,
            a_hundred_people_under_one_brand_post_are_a_hundred_threads,
            a_reply_that_does_not_name_the_brand_arrives,
            the_post_above_a_mention_comes_along_as_context,
            a_direct_message_is_private_and_keeps_its_thread,
            the_first_pull_brings_history_and_says_so,
            what_the_brand_says_elsewhere_comes_as_outbound,
            a_deleted_post_is_noticed,
            an_edited_post_is_noticed,
            more_than_a_page_of_news_arrives_whole,
            a_stream_says_it_stands_and_brings_the_same_ids);
        $crate::channel_contract!(@ $harness, faults:
            a_cursor_after_half_a_page_loses_nothing,
            an_unreadable_item_is_quarantined_and_its_neighbours_arrive,
            what_was_quarantined_is_read_again_alone,
            hostile_fields_never_fail_a_page,
            every_refusal_has_its_class,
            a_platform_that_answers_nonsense_is_tried_again,
            a_hanging_platform_is_given_up,
            a_pull_dropped_at_any_point_does_no_harm,
            errors_never_tell_a_secret,
            a_cut_stream_ends_and_loses_nothing);
        $crate::channel_contract!(@ $harness, outbound:
            a_reply_lands_under_the_message_it_answers,
            a_private_reply_stays_private,
            the_same_reply_twice_is_posted_once,
            a_reply_whose_answer_is_lost_is_not_doubled,
            a_reply_that_never_left_is_not_found,
            a_reply_to_a_deleted_post_is_refused_for_good,
            a_limited_sender_waits,
            a_text_that_is_too_long_is_refused_whole,
            what_we_sent_comes_back_as_the_same_message,
            a_delivery_dropped_at_any_point_is_not_doubled,
            liking_twice_has_the_effect_of_once,
            our_own_message_can_be_deleted);
    };
    (@ $harness:ty, $group:ident: $($name:ident),*) => {
        mod $group {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                $crate::channels::contract::$group::$name::<$harness>().await;
            })*
        }
    };
}
