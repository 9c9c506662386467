//! What there is on the played platform: people, chats, their messages, files, and what waits for the bot.
//!
//! Messages are kept as the Bot API shows them, so that what a bot reads is what is here.
//! Source: sheet of 2026-11 (Bot API 10.1); tdlib/telegram-bot-api, 2026-05.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channels::fake::memory;
use crate::model::Timestamp;

/// For how long an update waits for the bot.
const KEPT_MS: i64 = 24 * 3_600_000;
/// What a bot hears that never said what it wants to hear: all but these.
const UNASKED: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// The whole played platform.
#[derive(Deserialize, Serialize)]
pub struct World {
    pub token: String,
    pub bot: Value,
    pub users: BTreeMap<i64, Value>,
    pub chats: BTreeMap<i64, Chat>,
    pub files: BTreeMap<String, Kept>,
    pub businesses: BTreeMap<String, Value>,
    pub updates: VecDeque<Waiting>,
    pub allowed: Option<Vec<String>>,
    /// Counts the questions for updates: a later one ends an earlier one that still waits. None waits through a restart.
    #[serde(skip)]
    pub poll: u64,
    pub webhook: Webhook,
    /// Button presses that nobody has answered yet.
    pub presses: BTreeSet<String>,
    /// What bots did that changes no message: typing, read ticks, answered presses.
    pub done: Vec<Value>,
    pub limits: Vec<Limited>,
    last_update: i64,
    last_message: i64,
    last_user: i64,
    last_group: i64,
}

/// A chat and what was said in it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Chat {
    pub id: i64,
    /// `private`, `group`, `supergroup` or `channel`.
    pub kind: String,
    pub title: String,
    pub forum: bool,
    pub messages: BTreeMap<i64, Value>,
    /// Reactions of bots, by message.
    pub reactions: BTreeMap<i64, Value>,
    /// The bot was blocked or thrown out.
    pub shut: bool,
    /// Where it went when it became a supergroup.
    pub moved_to: Option<i64>,
    /// For private chats between two people, seen through a business connection.
    pub business: Option<String>,
    /// The newest number, where the chat counts for itself.
    pub own_numbers: i64,
}

/// A file's content and how it is called.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Kept {
    pub name: String,
    pub mime: String,
    pub size: i64,
    #[serde(with = "memory::base64")]
    pub bytes: Bytes,
}

/// An update that the bot has not confirmed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Waiting {
    pub id: i64,
    pub at: Timestamp,
    pub body: Value,
}

/// Where updates are pushed to, and how that goes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Webhook {
    pub url: String,
    pub secret: Option<String>,
    pub max_connections: i64,
    pub certificate: bool,
    pub last_error: Option<(Timestamp, String)>,
    /// Counts the settings: deliveries under an older one stop.
    pub set: u64,
}

/// Calls that are to be slowed down.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Limited {
    /// Empty: any method but asking for updates.
    pub method: String,
    pub calls: u32,
    pub seconds: i64,
}

/// A refusal as the platform writes it.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: u16,
    pub description: String,
    pub parameters: Option<Value>,
}

pub type Done = Result<Value, Refusal>;

/// A refusal in the platform's words.
pub fn no(code: u16, description: impl Into<String>) -> Refusal {
    Refusal { code, description: description.into(), parameters: None }
}

impl World {
    pub fn new(token: String, username: &str, name: &str) -> Self {
        let id = token.split(':').next().and_then(|id| id.parse::<i64>().ok()).unwrap_or(7_000_000_001);
        Self {
            token,
            bot: json!({
                "id": id, "is_bot": true, "first_name": name, "username": username, "can_join_groups": true,
                "can_read_all_group_messages": false, "supports_inline_queries": false,
                "can_connect_to_business": true, "has_main_web_app": false,
            }),
            users: BTreeMap::new(),
            chats: BTreeMap::new(),
            files: BTreeMap::new(),
            businesses: BTreeMap::new(),
            updates: VecDeque::new(),
            allowed: None,
            poll: 0,
            webhook: Webhook::default(),
            presses: BTreeSet::new(),
            done: Vec::new(),
            limits: Vec::new(),
            last_update: 730_011_222,
            last_message: 400,
            last_user: 55_501_233,
            last_group: 0,
        }
    }

    pub fn bot_id(&self) -> i64 {
        self.bot["id"].as_i64().unwrap_or_default()
    }

    pub fn username(&self) -> &str {
        self.bot["username"].as_str().unwrap_or_default()
    }

    /// The bot as author of a message.
    pub fn bot_user(&self) -> Value {
        json!({
            "id": self.bot_id(), "is_bot": true, "first_name": self.bot["first_name"], "username": self.bot["username"],
        })
    }

    /// Somebody new.
    pub fn user(&mut self, name: &str, username: Option<&str>, language: &str) -> Value {
        self.last_user += 1;
        let mut user = json!({"id": self.last_user, "is_bot": false, "first_name": name, "language_code": language});
        if let Some(username) = username {
            user["username"] = username.into();
        }
        self.users.insert(self.last_user, user.clone());
        user
    }

    /// A new group; a supergroup's id begins with -100.
    pub fn group(&mut self, title: &str, kind: &str, forum: bool) -> i64 {
        self.last_group += 1;
        let id = if kind == "group" { -4_000_000_000 - self.last_group } else { -1_002_000_000_000 - self.last_group };
        let chat = Chat { id, kind: kind.to_owned(), title: title.to_owned(), forum, ..Chat::default() };
        self.chats.insert(id, chat);
        id
    }

    /// The private chat of a person and the bot; begins when the person does.
    pub fn private(&mut self, user: i64) -> &mut Chat {
        self.chats.entry(user).or_insert_with(|| Chat { id: user, kind: "private".to_owned(), ..Chat::default() })
    }

    /// A chat as it is written inside a message.
    pub fn chat_json(&self, chat: &Chat) -> Value {
        if chat.kind == "private" {
            let user = self.users.get(&chat.id).cloned().unwrap_or_default();
            let mut short = json!({"id": chat.id, "type": "private", "first_name": user["first_name"]});
            if user["username"].is_string() {
                short["username"] = user["username"].clone();
            }
            return short;
        }
        let mut short = json!({"id": chat.id, "type": chat.kind, "title": chat.title});
        if chat.forum {
            short["is_forum"] = true.into();
        }
        short
    }

    /// The number of the next message of a chat: supergroups count for themselves, all other chats of a bot together.
    pub fn next_message(&mut self, chat: i64) -> i64 {
        if let Some(chat) = self.chats.get_mut(&chat).filter(|chat| chat.kind == "supergroup") {
            chat.own_numbers += 1;
            return chat.own_numbers;
        }
        self.last_message += 1;
        self.last_message
    }

    /// Puts a message into its chat and answers it.
    pub fn put(&mut self, chat: i64, message: Value) -> Value {
        if let (Some(chat), Some(id)) = (self.chats.get_mut(&chat), message["message_id"].as_i64()) {
            chat.messages.insert(id, message.clone());
        }
        message
    }

    /// Tells the bot, when it wants to hear this kind.
    pub fn tell(&mut self, kind: &str, body: &Value, now: Timestamp) {
        let wanted = match self.allowed.as_deref() {
            None | Some([]) => !UNASKED.contains(&kind),
            Some(kinds) => kinds.iter().any(|wanted| wanted == kind),
        };
        if wanted {
            self.last_update += 1;
            let id = self.last_update;
            self.updates.push_back(Waiting { id, at: now, body: json!({"update_id": id, kind: body}) });
        }
    }

    /// An update of any shape, for what no version of the platform has sent yet.
    pub fn tell_raw(&mut self, mut body: Value, now: Timestamp) {
        self.last_update += 1;
        body["update_id"] = self.last_update.into();
        self.updates.push_back(Waiting { id: self.last_update, at: now, body });
    }

    /// Starts counting updates anew from somewhere else, as the platform does after a week without any.
    pub fn renumber(&mut self, from: i64) {
        self.last_update = from;
    }

    /// Forgets what waited too long.
    pub fn expire(&mut self, now: Timestamp) {
        self.updates.retain(|update| now.0 - update.at.0 < KEPT_MS);
    }

    /// Keeps content; answers the id under which this bot may ask for it, and the one that is the same for every bot.
    pub fn keep(&mut self, name: &str, mime: &str, size: Option<i64>, bytes: Bytes) -> (String, String) {
        let number = self.files.len() + 1;
        let unique = format!("AQAD{number:08}");
        let id = format!("BQACAgQAAxkBAAIB{number:08}");
        let size = size.unwrap_or(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.files.insert(id.clone(), Kept { name: name.to_owned(), mime: mime.to_owned(), size, bytes });
        (id, unique)
    }

    /// A message by where it stands.
    pub fn message(&self, chat: i64, id: i64) -> Option<&Value> {
        self.chats.get(&chat)?.messages.get(&id)
    }
}
