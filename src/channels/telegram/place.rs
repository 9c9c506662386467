//! Where something is said: the names of threads and messages, made and read back.
//!
//! Promises: a name says all that is needed to answer there; one place has one name, whichever way it came.

use crate::channels::ThreadRef;
use crate::model::{Lane, ThreadKind};

use super::wire::{Chat, Message, plain};

/// A chat, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub chat: i64,
    /// The business connection through which the chat is seen.
    pub business: Option<String>,
    /// Topic of a forum.
    pub topic: Option<i64>,
    /// Direct-messages topic of a channel.
    pub inbox: Option<i64>,
}

impl Place {
    pub fn of(message: &Message) -> Self {
        Self {
            chat: message.chat.id,
            business: message.business_connection_id.clone(),
            // In a plain supergroup every chain of replies has such a number too, comments among them; only a forum's is a place.
            topic: message.message_thread_id.filter(|_| message.is_topic_message && !message.chat.is_private()),
            inbox: message.direct_messages_topic.as_ref().map(|topic| topic.topic_id),
        }
    }

    pub fn chat(chat: i64) -> Self {
        Self { chat, business: None, topic: None, inbox: None }
    }

    /// The thread's name.
    pub fn thread_id(&self) -> String {
        match (&self.business, self.topic, self.inbox) {
            (Some(connection), ..) => format!("business:{connection}:{}", self.chat),
            (None, Some(topic), _) => format!("chat:{}:topic:{topic}", self.chat),
            (None, None, Some(inbox)) => format!("chat:{}:inbox:{inbox}", self.chat),
            (None, None, None) => format!("chat:{}", self.chat),
        }
    }

    /// Reads a thread's name back.
    pub fn read(thread: &str) -> Option<Self> {
        let parts: Vec<&str> = thread.split(':').collect();
        match parts.as_slice() {
            ["chat", chat] => Some(Self::chat(chat.parse().ok()?)),
            ["chat", chat, "topic", topic] => {
                Some(Self { topic: Some(topic.parse().ok()?), ..Self::chat(chat.parse().ok()?) })
            }
            ["chat", chat, "inbox", inbox] => {
                Some(Self { inbox: Some(inbox.parse().ok()?), ..Self::chat(chat.parse().ok()?) })
            }
            ["business", connection, chat] if plain(connection) => {
                Some(Self { business: Some((*connection).to_owned()), ..Self::chat(chat.parse().ok()?) })
            }
            _ => None,
        }
    }

    /// A message's name: its number counts within the chat, and a business chat is another chat.
    pub fn message_id(&self, message: i64) -> String {
        match &self.business {
            Some(connection) => format!("b:{connection}:{}:{message}", self.chat),
            None => format!("{}:{message}", self.chat),
        }
    }

    /// The thread as the desk knows it.
    pub fn thread(&self, chat: &Chat) -> ThreadRef {
        let private = chat.is_private() || self.inbox.is_some();
        let title = chat.title.as_deref().map(|title| title.chars().take(200).collect::<String>());
        ThreadRef {
            external_id: self.thread_id(),
            lane: if private { Lane::Private } else { Lane::Public },
            kind: if private { ThreadKind::Dm } else { ThreadKind::Room },
            title: title.filter(|title| !private && !title.trim().is_empty()),
            url: chat
                .username
                .as_deref()
                .filter(|name| !private && plain(name))
                .map(|name| format!("https://t.me/{name}")),
        }
    }
}

/// Where a person can see a message: only groups have such addresses.
pub fn link(chat: &Chat, message: i64) -> Option<String> {
    if chat.is_private() {
        return None;
    }
    if let Some(name) = chat.username.as_deref().filter(|name| plain(name)) {
        return Some(format!("https://t.me/{name}/{message}"));
    }
    let inner = chat.id.to_string();
    inner.strip_prefix("-100").map(|inner| format!("https://t.me/c/{inner}/{message}"))
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_name_is_read_back_as_the_place_it_names() {
        for place in [
            Place::chat(55),
            Place::chat(-1_002_000_000_001),
            Place { topic: Some(17), ..Place::chat(-1_002_000_000_001) },
            Place { inbox: Some(88), ..Place::chat(-1_002_000_000_001) },
            Place { business: Some("bc_9-xY".to_owned()), ..Place::chat(55) },
        ] {
            assert_eq!(Place::read(&place.thread_id()), Some(place));
        }
        for bad in ["", "chat", "chat:x", "business:../x:5", "chat:1:topic", "dm:1"] {
            assert_eq!(Place::read(bad), None, "{bad}");
        }
    }
}
