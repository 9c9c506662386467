//! From Telegram's updates to the desk's items: threads, directions, people.
//!
//! Promises: pure; the same update always becomes the same items, whichever way it came.
//! Must not: call anything.

use std::time::Duration;

use serde_json::{Value, json};

use super::entities::{self, under};
use super::place::{Place, link};
use super::wire::{self, Business, Chat, Deleted, Membership, Message as Wire, Press, Reacted, Update, User, plain};
use super::{content, state};
use crate::channels::{Author, Item, Message, html};
use crate::model::{Direction, MessageKind, Timestamp};

/// For how long a business chat may be answered after the customer's last message.
pub const WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// The bot, as the platform knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    pub id: i64,
    pub username: String,
    /// The largest file that the server gives to a bot, where it has such a limit.
    pub largest_file: Option<i64>,
}

/// What an update turned into, besides items.
#[derive(Debug, Default)]
pub struct Read {
    pub items: Vec<Item>,
    /// A button press that its sender waits for an answer to.
    pub press: Option<String>,
    /// What the bot may do for a business account from now on.
    pub business: Option<Business>,
}

/// When messages are from before Balie was there.
#[derive(Clone, Copy, Debug)]
pub struct Since(pub Option<Timestamp>);

impl Since {
    /// The first look comes some seconds after the account was connected, and the platform tells whole seconds. Who wrote in
    /// the last minute before it is still there, and waits for an answer like everybody after.
    fn is_before(self, at: Timestamp) -> bool {
        self.0.is_some_and(|since| at.plus(Duration::from_secs(60)) <= since)
    }
}

impl Me {
    /// One update, heard `now`. `number` orders what the platform's whole seconds do not.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn items(&self, update: &Update, number: Option<i64>, since: Since, now: Timestamp) -> Result<Read, String> {
        let mut read = Read::default();
        match update.kind {
            "message" | "business_message" | "edited_message" | "edited_business_message" => {
                let message = Wire::read(&update.body)?;
                read.items = self.message_items(&message, &update.body, number, since);
            }
            "callback_query" => {
                let press: Press = body(update)?;
                read.items = Self::press(&press, now).into_iter().collect();
                read.press = Some(press.id);
            }
            "my_chat_member" => {
                let membership: Membership = body(update)?;
                read.items.extend(state::membership(&membership));
            }
            "business_connection" => {
                let business: Business = body(update)?;
                if !plain(&business.id) {
                    return Err("this is not a business connection".to_owned());
                }
                read.business = Some(business);
            }
            "deleted_business_messages" => {
                let deleted: Deleted = body(update)?;
                let place = Place { business: Some(deleted.business_connection_id), ..Place::chat(deleted.chat.id) };
                let gone = deleted.message_ids.iter().take(1_000);
                read.items.extend(gone.map(|id| Item::Removed { external_id: place.message_id(*id), at: None }));
            }
            "message_reaction" => read.items.extend(self.reaction(&body(update)?)),
            _ => {}
        }
        Ok(read)
    }

    /// A message, with the one it answers where that explains it, and what the thread has to remember.
    fn message_items(&self, message: &Wire, raw: &Value, number: Option<i64>, since: Since) -> Vec<Item> {
        let mut items = Vec::new();
        if let Some(to) = message.migrate_to_chat_id {
            let chat = Chat { id: to, username: None, ..message.chat.clone() };
            items.push(Item::Moved { from: Place::of(message).thread_id(), to: Place::chat(to).thread(&chat) });
            return items;
        }
        // Somebody who shares where they are and walks on says nothing new, for hours.
        if message.edit_date.is_some() && raw["location"].is_object() && !raw["venue"].is_object() {
            return items;
        }
        let Some(mut converted) = self.message(message, raw, since) else { return items };
        if let (Some(edited), Some(number)) = (message.edit_date, number) {
            // Two edits within a second: the later number is the later edit.
            let place = u64::try_from(number % 1_000).unwrap_or_default();
            converted.edited_at = Some(wire::moment(edited).plus(Duration::from_millis(place)));
        }
        if let Some((mut parent, raw)) = message.parent() {
            // What stands inside another message is seen through the same connection and in the same topic.
            parent.business_connection_id.clone_from(&message.business_connection_id);
            parent.message_thread_id = message.message_thread_id;
            parent.is_topic_message = message.is_topic_message;
            parent.direct_messages_topic.clone_from(&message.direct_messages_topic);
            if let Some(mut above) = self.message(&parent, raw, Since(None)) {
                // It is not news: either we have it, or it is from before we listened.
                above.history = above.direction != Direction::Out;
                above.edited_at = None;
                items.push(Item::Message(Box::new(above)));
            }
        }
        items.extend(state::window(message, &converted));
        items.push(Item::Message(Box::new(converted)));
        items
    }

    /// `None` for what nobody said.
    fn message(&self, message: &Wire, raw: &Value, since: Since) -> Option<Message> {
        let mut content = content::read(message, raw)?;
        if let Some(largest) = self.largest_file {
            content.files.iter_mut().for_each(|file| content::explain(file, largest));
        }
        let place = Place::of(message);
        let (direction, kind) = self.role(message, &content.text);
        let marks = if message.text.is_some() { &message.entities } else { &message.caption_entities };
        let words = message.text.as_deref().or(message.caption.as_deref()).unwrap_or_default();
        let sent_at = wire::moment(message.date);
        let mut meta = json!({"chat": message.chat.id, "message": message.message_id});
        if let Some(connection) = &message.business_connection_id {
            meta["business"] = json!(connection);
        }
        if let Some(album) = &message.media_group_id {
            meta["album"] = json!(album.chars().take(64).collect::<String>());
        }
        if content.unknown.is_some() {
            // As text: numbers of any size survive, and nobody but a person reads it again.
            meta["raw"] = json!(raw.to_string());
        }
        Some(Message {
            external_id: place.message_id(message.message_id),
            thread: place.thread(&message.chat),
            author: author(message),
            direction,
            kind,
            html: entities::html(words, marks).filter(|_| content.text == words).map(|html| html::sanitise(&html)),
            text: content.text,
            language: message.from.as_ref().and_then(|from| from.language_code.clone()).filter(|tag| tag.len() <= 35),
            sent_at,
            edited_at: message.edit_date.map(wire::moment),
            reply_to: message.parent().map(|(parent, _)| place.message_id(parent.message_id)),
            url: link(&message.chat, message.message_id),
            files: content.files,
            history: since.is_before(sent_at),
            meta,
            ..Message::default()
        })
    }

    /// Whose turn a message is, and what it is.
    fn role(&self, message: &Wire, text: &str) -> (Direction, MessageKind) {
        let ours = message.from.as_ref().is_some_and(|from| from.id == self.id);
        if message.chat.is_private() {
            // In a business chat the customer is who the chat is named after; the other one is the account's owner.
            let from = message.from.as_ref().map_or(message.chat.id, |from| from.id);
            let direction = if ours || (message.business_connection_id.is_some() && from != message.chat.id) {
                Direction::Out
            } else if text.trim() == "/start" {
                // The button that opens the chat, not a question.
                Direction::Context
            } else {
                Direction::In
            };
            return (direction, MessageKind::Dm);
        }
        if let Some(topic) = &message.direct_messages_topic {
            // Whoever did not open the topic answers in it for the channel.
            let speaks = message.sender_chat.as_ref().map(|chat| chat.id);
            let speaks = speaks.or_else(|| message.from.as_ref().map(|from| from.id));
            let staff = topic.user.as_ref().zip(speaks).is_some_and(|(user, speaks)| user.id != speaks);
            return (if ours || staff { Direction::Out } else { Direction::In }, MessageKind::Dm);
        }
        if ours {
            return (Direction::Out, MessageKind::Reply);
        }
        if self.is_named_in(message) {
            return (Direction::In, MessageKind::Mention);
        }
        let under_us = message.parent().is_some_and(|(parent, _)| {
            parent.from.as_ref().is_some_and(|from| from.id == self.id) || parent.is_automatic_forward
        });
        if under_us { (Direction::In, MessageKind::Reply) } else { (Direction::Context, MessageKind::Chat) }
    }

    fn is_named_in(&self, message: &Wire) -> bool {
        let (text, marks) = match (&message.text, &message.caption) {
            (Some(text), _) => (text, &message.entities),
            (None, Some(caption)) => (caption, &message.caption_entities),
            (None, None) => return false,
        };
        marks.iter().any(|mark| match mark.kind.as_str() {
            "mention" => under(text, mark).is_some_and(|word| self.is_name(word.trim_start_matches('@'))),
            "text_mention" => mark.user.as_ref().is_some_and(|user| user.id == self.id),
            // A command without a name is for every bot that hears it.
            "bot_command" => {
                under(text, mark).is_some_and(|word| word.split_once('@').is_none_or(|(_, name)| self.is_name(name)))
            }
            _ => false,
        })
    }

    fn is_name(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.username)
    }

    /// A press on a button says what stood on it.
    fn press(press: &Press, now: Timestamp) -> Option<Item> {
        let under = Wire::read(&press.message).ok()?;
        let place = Place::of(&under);
        let data = press.data.as_deref().unwrap_or_default();
        let rows = press.message["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten();
        let mut buttons = rows.filter_map(Value::as_array).flatten();
        let label = buttons.find(|button| button["callback_data"] == data).and_then(|button| button["text"].as_str());
        let text: String = label.unwrap_or(data).chars().take(200).collect();
        let id: String = press.id.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
        Some(Item::Message(Box::new(Message {
            external_id: format!("press:{id}"),
            thread: place.thread(&under.chat),
            author: person(&press.from),
            direction: Direction::In,
            kind: if under.chat.is_private() { MessageKind::Dm } else { MessageKind::Reply },
            text: format!("▸ {text}"),
            // The platform gives a press no time of its own, and forgets it within a minute.
            sent_at: now,
            reply_to: Some(place.message_id(under.message_id)),
            meta: json!({"chat": under.chat.id, "message": under.message_id, "press": true, "data": data}),
            ..Message::default()
        })))
    }

    fn reaction(&self, reacted: &Reacted) -> Option<Item> {
        let author = match (&reacted.user, &reacted.actor_chat) {
            (Some(user), _) if user.id == self.id => return None,
            (Some(user), _) => person(user),
            (None, Some(chat)) => as_chat(chat),
            (None, None) => return None,
        };
        let emoji = reacted.new_reaction.first().map(|reaction| {
            // Drawings of Telegram's own have a number instead of a character.
            reaction["emoji"].as_str().filter(|emoji| emoji.len() <= 64).unwrap_or("⭐").to_owned()
        });
        Some(Item::Reaction {
            external_id: Place::chat(reacted.chat.id).message_id(reacted.message_id),
            author: Box::new(author),
            emoji,
            at: reacted.date.map(wire::moment),
        })
    }
}

fn body<T: serde::de::DeserializeOwned>(update: &Update) -> Result<T, String> {
    serde_json::from_value(update.body.clone()).map_err(|error| error.to_string())
}

fn author(message: &Wire) -> Author {
    // Anonymous administrators and channels speak as a chat; `from` is a stand-in then.
    match (&message.sender_chat, &message.from) {
        (Some(chat), _) => as_chat(chat),
        (None, Some(from)) => person(from),
        (None, None) => as_chat(&message.chat),
    }
}

fn person(user: &User) -> Author {
    let name = format!("{} {}", user.first_name, user.last_name.as_deref().unwrap_or_default());
    named(user.id, &name, user.username.as_deref())
}

fn as_chat(chat: &Chat) -> Author {
    let own =
        format!("{} {}", chat.first_name.as_deref().unwrap_or_default(), chat.last_name.as_deref().unwrap_or_default());
    named(chat.id, chat.title.as_deref().unwrap_or(&own), chat.username.as_deref())
}

fn named(id: i64, name: &str, username: Option<&str>) -> Author {
    let username = username.filter(|name| plain(name) && name.len() <= 64);
    let name: String = name.trim().chars().take(200).collect();
    Author {
        external_id: id.to_string(),
        handle: username.map_or_else(|| id.to_string(), str::to_owned),
        name: if name.is_empty() { username.map_or_else(|| id.to_string(), str::to_owned) } else { name },
        avatar_url: None,
        url: username.map(|name| format!("https://t.me/{name}")),
        ..Author::default()
    }
}
