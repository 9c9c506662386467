//! Who has what on the screen. In memory, unnumbered, may be lost.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::ViewerHere;
use crate::model::{ConversationId, UserId};

/// Who looks at what, per connection.
#[derive(Default)]
pub struct Presence(Mutex<HashMap<u64, Here>>);

#[derive(Clone)]
struct Here {
    user_id: UserId,
    name: String,
    viewing: Option<ConversationId>,
    replying: bool,
}

impl Presence {
    pub(super) fn arrive(&self, connection: u64, user_id: UserId, name: &str) {
        self.lock().insert(connection, Here { user_id, name: name.to_owned(), viewing: None, replying: false });
    }

    /// Returns the conversation that was on the screen.
    pub(super) fn leave(&self, connection: u64) -> Option<ConversationId> {
        self.lock().remove(&connection)?.viewing
    }

    /// Returns the conversation that was on the screen before.
    pub fn view(&self, connection: u64, conversation: Option<ConversationId>) -> Option<ConversationId> {
        let mut all = self.lock();
        let here = all.get_mut(&connection)?;
        here.replying = false;
        std::mem::replace(&mut here.viewing, conversation)
    }

    /// True when that changed anything.
    pub fn reply(&self, connection: u64, conversation: ConversationId, active: bool) -> bool {
        let mut all = self.lock();
        let Some(here) = all.get_mut(&connection).filter(|here| here.viewing == Some(conversation)) else {
            return false;
        };
        std::mem::replace(&mut here.replying, active) != active
    }

    /// Who has a conversation on the screen, each person once, by name.
    pub fn viewers(&self, conversation: ConversationId) -> Vec<ViewerHere> {
        let mut found: HashMap<UserId, ViewerHere> = HashMap::new();
        for here in self.lock().values().filter(|here| here.viewing == Some(conversation)) {
            found.entry(here.user_id).and_modify(|viewer| viewer.replying |= here.replying).or_insert_with(|| {
                ViewerHere { user_id: here.user_id, name: here.name.clone(), replying: here.replying }
            });
        }
        let mut viewers: Vec<ViewerHere> = found.into_values().collect();
        viewers.sort_by(|a, b| a.name.cmp(&b.name));
        viewers
    }

    /// Who has a connection.
    pub fn online(&self) -> HashSet<UserId> {
        self.lock().values().map(|here| here.user_id).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Here>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
