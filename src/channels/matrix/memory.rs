//! What one connection remembers: events met lately, people's names, rooms. Everything in it can be had again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::convert::Room;
use super::wire::Event;

/// How many of each are remembered; twice as many at most.
const MANY: usize = 2_000;

#[derive(Default)]
pub struct Memory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    events: Recent<Option<Arc<Event>>>,
    names: Recent<Option<String>>,
    rooms: BTreeMap<String, Room>,
    /// How often an event could not be had.
    trouble: HashMap<String, u32>,
}

/// The newest entries: two generations, the older one goes as a whole.
struct Recent<T> {
    new: HashMap<String, T>,
    old: HashMap<String, T>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { new: HashMap::new(), old: HashMap::new() }
    }
}

impl<T: Clone> Recent<T> {
    fn get(&self, key: &str) -> Option<T> {
        self.new.get(key).or_else(|| self.old.get(key)).cloned()
    }
    fn put(&mut self, key: &str, value: T) {
        if self.new.len() >= MANY {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(key.to_owned(), value);
    }
}

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An event met before; `Some(None)`: it cannot be had.
    #[expect(clippy::option_option, reason = "known, known to be absent, and unknown are three answers")]
    pub fn event(&self, id: &str) -> Option<Option<Arc<Event>>> {
        self.inner().events.get(id)
    }

    pub fn keep_event(&self, event: &Arc<Event>) {
        self.inner().events.put(&event.id, Some(Arc::clone(event)));
    }

    /// Nobody can show us this event.
    pub fn keep_absence(&self, id: &str) {
        let mut inner = self.inner();
        inner.trouble.remove(id);
        inner.events.put(id, None);
    }

    /// What is known of an event is of the past: the next who wants it asks.
    pub fn forget_event(&self, id: &str) {
        let mut inner = self.inner();
        inner.events.new.remove(id);
        inner.events.old.remove(id);
    }

    /// Counts a failure to have an event; how many there were.
    pub fn troubled(&self, id: &str) -> u32 {
        let mut inner = self.inner();
        if inner.trouble.len() > MANY {
            inner.trouble.clear();
        }
        let times = inner.trouble.entry(id.to_owned()).or_default();
        *times += 1;
        *times
    }

    /// How somebody is called; `Some(None)`: they have no name.
    #[expect(clippy::option_option, reason = "known, known to be absent, and unknown are three answers")]
    pub fn name(&self, user: &str) -> Option<Option<String>> {
        self.inner().names.get(user)
    }

    pub fn keep_name(&self, user: &str, name: Option<String>) {
        self.inner().names.put(user, name);
    }

    pub fn room(&self, id: &str) -> Option<Room> {
        self.inner().rooms.get(id).cloned()
    }

    pub fn keep_rooms(&self, rooms: &BTreeMap<String, Room>) {
        let mut inner = self.inner();
        if inner.rooms != *rooms {
            inner.rooms.clone_from(rooms);
        }
    }
}
