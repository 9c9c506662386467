//! What one answer turns into: every message once, what came for its own sake before what came along.

use std::collections::HashSet;

use serde_json::Value;

use super::convert::Me;
use crate::channels::{Batch, Item, Message, Unreadable};

/// What one answer turns into.
pub struct Harvest {
    pub me: Me,
    items: Vec<Item>,
    ids: HashSet<String>,
    along: Vec<Message>,
    unreadable: Vec<Unreadable>,
}

impl Harvest {
    pub fn new(me: Me) -> Self {
        Self { me, items: Vec::new(), ids: HashSet::new(), along: Vec::new(), unreadable: Vec::new() }
    }

    /// What came for its own sake, before what came along.
    pub fn add(&mut self, mut messages: Vec<Message>) {
        if let Some(news) = messages.pop() {
            self.ids.insert(news.external_id.clone());
            self.items.push(Item::Message(Box::new(news)));
        }
        self.along.extend(messages);
    }

    pub fn push(&mut self, item: Item) {
        self.items.push(item);
    }

    pub fn quarantine(&mut self, room: &str, raw: &str, error: &str) {
        // The room is not part of an event: without it, nobody could read it again.
        self.hold(format!("{{\"room_id\":{},\"event\":{raw}}}", Value::from(room)), error);
    }

    pub fn hold(&mut self, payload: String, error: &str) {
        self.unreadable.push(Unreadable { payload, error: error.to_owned() });
    }

    pub fn finish(mut self, next: Option<Value>, more: bool) -> Batch {
        for message in std::mem::take(&mut self.along) {
            if self.ids.insert(message.external_id.clone()) {
                self.items.push(Item::Message(Box::new(message)));
            }
        }
        Batch { items: self.items, unreadable: self.unreadable, next, more, quota: None }
    }
}
