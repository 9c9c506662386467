//! The people on the played platform: what they do, by name, for stories over HTTP (`/_play/…`) and for tests alike.
//!
//! Each verb takes and answers JSON; what is wrong is said in a sentence.

use base64::Engine;
use serde_json::{Value, json};

use super::Platform;
use super::compose::{self, business_key};
use super::world::{Limited, World};
use crate::model::Timestamp;

type Played = Result<Value, String>;

/// Does what somebody does, and lets the bot hear of it.
pub fn act(platform: &Platform, verb: &str, given: &Value) -> Played {
    let now = platform.clock.now();
    let mut guard = platform.world();
    let world = &mut *guard;
    let done = match verb {
        "user" => {
            let name = given["name"].as_str().unwrap_or("Klant");
            Ok(world.user(name, given["username"].as_str(), given["language"].as_str().unwrap_or("nl")))
        }
        "say" => say(world, given, now),
        "edit" => edit(world, given, now),
        "delete" => delete(world, given, now),
        "react" => react(world, given, now),
        "press" => press(world, given, now),
        "block" => shut(world, given, true, now),
        "unblock" => shut(world, given, false, now),
        "group" => {
            let kind = given["kind"].as_str().unwrap_or("supergroup");
            let id = world.group(given["title"].as_str().unwrap_or("Groep"), kind, given["forum"] == true);
            Ok(json!({"id": id}))
        }
        "migrate" => migrate(world, given, now),
        "business" => business(world, given, now),
        "limit" => {
            world.limits.push(Limited {
                method: given["method"].as_str().unwrap_or_default().to_lowercase(),
                calls: u32::try_from(number(given, "calls").unwrap_or(1)).unwrap_or(1),
                seconds: number(given, "seconds").unwrap_or(1),
            });
            Ok(json!({}))
        }
        "update" => {
            world.tell_raw(given["update"].clone(), now);
            Ok(json!({}))
        }
        "renumber" => {
            world.renumber(number(given, "from").unwrap_or(1));
            Ok(json!({}))
        }
        "chat" => Ok(chat(world, given)),
        "state" => Ok(json!({
            "pending": world.updates.len(), "webhook": world.webhook.url, "allowed": world.allowed, "done": world.done,
            "presses": world.presses, "failing": world.webhook.last_error.as_ref().map(|(_, why)| why.clone()),
        })),
        _ => Err(format!("there is no \"{verb}\" here")),
    };
    drop(guard);
    platform.news.notify_waiters();
    done
}

/// Numbers may come as text, from forms and queries.
fn number(given: &Value, field: &str) -> Option<i64> {
    given[field].as_i64().or_else(|| given[field].as_str()?.parse().ok())
}

fn someone(world: &World, given: &Value, field: &str) -> Result<Value, String> {
    let id = number(given, field).ok_or_else(|| format!("{field}: whose id?"))?;
    world.users.get(&id).cloned().ok_or_else(|| format!("there is nobody with the id {id}"))
}

/// Where it happens: the key of the chat, and the business connection it is seen through.
fn place(world: &mut World, given: &Value) -> Result<(i64, Option<String>), String> {
    if let Some(connection) = given["business"].as_str() {
        if !world.businesses.contains_key(connection) {
            return Err("there is no such business connection".to_owned());
        }
        let customer = number(given, "chat").or_else(|| number(given, "from")).ok_or("chat: with which customer?")?;
        let key = business_key(customer);
        world.chats.entry(key).or_insert_with(|| super::world::Chat {
            id: customer,
            kind: "private".to_owned(),
            business: Some(connection.to_owned()),
            ..super::world::Chat::default()
        });
        return Ok((key, Some(connection.to_owned())));
    }
    match number(given, "chat") {
        Some(chat) if world.chats.contains_key(&chat) => Ok((chat, None)),
        Some(chat) if world.users.contains_key(&chat) => {
            world.private(chat);
            Ok((chat, None))
        }
        Some(chat) => Err(format!("there is no chat {chat}")),
        None => {
            let user = number(given, "from").ok_or("from: who says it?")?;
            world.private(user);
            Ok((user, None))
        }
    }
}

fn say(world: &mut World, given: &Value, now: Timestamp) -> Played {
    let from = if given["from"].is_null() { Value::Null } else { someone(world, given, "from")? };
    let (key, business) = place(world, given)?;
    let mut message = compose::bare(world, key, &from, now);
    if let Some(connection) = &business {
        message["business_connection_id"] = json!(connection);
    }
    if let Some(parent) = number(given, "reply_to") {
        message["reply_to_message"] =
            compose::quoted(world, key, parent).ok_or_else(|| format!("there is no message {parent}"))?;
    }
    if let Some(file) = given["file"].as_object() {
        let text = |field: &str| file.get(field).and_then(Value::as_str).unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text("base64")).map_err(|e| e.to_string())?;
        let size = file.get("size").and_then(Value::as_i64);
        let kind = if text("kind").is_empty() { "document" } else { text("kind") };
        compose::file(world, &mut message, kind, text("name"), text("mime"), size, bytes.into());
    }
    if let Some(album) = given["album"].as_str() {
        message["media_group_id"] = json!(album);
    }
    if let Some(topic) = number(given, "topic") {
        message["message_thread_id"] = topic.into();
    }
    compose::words(
        &mut message,
        given["text"].as_str().unwrap_or_default(),
        given["file"].is_object(),
        &given["entities"],
    );
    if let (Some(message), Some(more)) = (message.as_object_mut(), given["fields"].as_object()) {
        message.extend(more.clone());
    }
    let message = world.put(key, message);
    let kind = if business.is_some() { "business_message" } else { "message" };
    if heard(world, &message) {
        world.tell(kind, &message, now);
    }
    Ok(message)
}

/// With privacy mode on, a bot hears in groups what is meant for it.
fn heard(world: &World, message: &Value) -> bool {
    let private = message["chat"]["type"] == "private";
    let all = world.bot["can_read_all_group_messages"] == true;
    let text = message["text"].as_str().or_else(|| message["caption"].as_str()).unwrap_or_default();
    private
        || all
        || text.to_lowercase().contains(&format!("@{}", world.username().to_lowercase()))
        || text.starts_with('/')
        || message["reply_to_message"]["from"]["id"] == world.bot_id()
        || message["is_automatic_forward"] == true
}

fn edit(world: &mut World, given: &Value, now: Timestamp) -> Played {
    let (key, business) = place(world, given)?;
    let id = number(given, "message_id").ok_or("message_id: which message?")?;
    let mut message = world.message(key, id).cloned().ok_or_else(|| format!("there is no message {id}"))?;
    let caption = message["caption"].is_string() || message["text"].is_null();
    compose::words(&mut message, given["text"].as_str().unwrap_or_default(), caption, &Value::Null);
    message["edit_date"] = (now.0 / 1_000).into();
    let message = world.put(key, message);
    if heard(world, &message) {
        world.tell(if business.is_some() { "edited_business_message" } else { "edited_message" }, &message, now);
    }
    Ok(message)
}

/// Outside of business chats nobody is told.
fn delete(world: &mut World, given: &Value, now: Timestamp) -> Played {
    let (key, business) = place(world, given)?;
    let id = number(given, "message_id").ok_or("message_id: which message?")?;
    let Some(chat) = world.chats.get_mut(&key) else { return Err("there is no such chat".to_owned()) };
    chat.messages.remove(&id).ok_or_else(|| format!("there is no message {id}"))?;
    if let Some(connection) = business {
        let chat = world.chats.get(&key).cloned().unwrap_or_default();
        let body = json!({
            "business_connection_id": connection, "chat": world.chat_json(&chat), "message_ids": [id],
        });
        world.tell("deleted_business_messages", &body, now);
    }
    Ok(json!({}))
}

fn react(world: &mut World, given: &Value, now: Timestamp) -> Played {
    let user = someone(world, given, "from")?;
    let (key, _) = place(world, given)?;
    let id = number(given, "message_id").ok_or("message_id: which message?")?;
    world.message(key, id).ok_or_else(|| format!("there is no message {id}"))?;
    let chat = world.chats.get(&key).cloned().unwrap_or_default();
    let new = given["emoji"].as_str().map(|emoji| json!({"type": "emoji", "emoji": emoji}));
    let body = json!({
        "chat": world.chat_json(&chat), "message_id": id, "user": user, "date": now.0 / 1_000, "old_reaction": [],
        "new_reaction": new.into_iter().collect::<Vec<_>>(),
    });
    world.tell("message_reaction", &body, now);
    Ok(json!({}))
}

fn press(world: &mut World, given: &Value, now: Timestamp) -> Played {
    let user = someone(world, given, "from")?;
    let (key, _) = place(world, given)?;
    let id = number(given, "message_id").ok_or("message_id: which message?")?;
    let message = world.message(key, id).cloned().ok_or_else(|| format!("there is no message {id}"))?;
    let press = format!("{}{:06}", now.0, world.presses.len() + 1);
    world.presses.insert(press.clone());
    let body = json!({
        "id": press, "from": user, "message": message, "chat_instance": "-3141592653589793238", "data": given["data"],
    });
    world.tell("callback_query", &body, now);
    Ok(json!({"id": press}))
}

fn shut(world: &mut World, given: &Value, shut: bool, now: Timestamp) -> Played {
    let (key, _) = place(world, given)?;
    let Some(chat) = world.chats.get_mut(&key) else { return Err("there is no such chat".to_owned()) };
    chat.shut = shut;
    let chat = chat.clone();
    let by = world.users.get(&number(given, "from").unwrap_or(key)).cloned().unwrap_or_else(|| world.bot_user());
    let member = |out: bool| {
        let mut member = json!({"user": world.bot_user(), "status": if out { "kicked" } else { "member" }});
        if out {
            member["until_date"] = 0.into();
        }
        member
    };
    let body = json!({
        "chat": world.chat_json(&chat), "from": by, "date": now.0 / 1_000, "old_chat_member": member(!shut),
        "new_chat_member": member(shut),
    });
    world.tell("my_chat_member", &body, now);
    Ok(json!({}))
}

fn migrate(world: &mut World, given: &Value, now: Timestamp) -> Played {
    let old = number(given, "chat").ok_or("chat: which group?")?;
    let title = world.chats.get(&old).map(|chat| chat.title.clone()).ok_or("there is no such group")?;
    let new = world.group(&title, "supergroup", false);
    if let Some(chat) = world.chats.get_mut(&old) {
        chat.moved_to = Some(new);
    }
    let from = someone(world, given, "from").unwrap_or_else(|_| world.bot_user());
    let mut gone = compose::bare(world, old, &from, now);
    gone["migrate_to_chat_id"] = new.into();
    let gone = world.put(old, gone);
    world.tell("message", &gone, now);
    let mut come = compose::bare(world, new, &from, now);
    come["migrate_from_chat_id"] = old.into();
    let come = world.put(new, come);
    world.tell("message", &come, now);
    Ok(json!({"id": new}))
}

/// Somebody connects the bot to a business account, or changes what it may do there.
fn business(world: &mut World, given: &Value, now: Timestamp) -> Played {
    let id = given["id"].as_str().map_or_else(|| format!("bc_{:04}", world.businesses.len() + 1), str::to_owned);
    let owner = match world.businesses.get(&id) {
        Some(known) => known["user"].clone(),
        None => someone(world, given, "owner")?,
    };
    let right = |name: &str| given[name].as_bool().unwrap_or(true);
    let connection = json!({
        "id": id, "user": owner, "user_chat_id": owner["id"], "date": now.0 / 1_000, "is_enabled": right("is_enabled"),
        "rights": {
            "can_reply": right("can_reply"), "can_read_messages": right("can_read_messages"),
            "can_delete_sent_messages": right("can_delete_sent_messages"),
        },
    });
    world.businesses.insert(id, connection.clone());
    world.tell("business_connection", &connection, now);
    Ok(connection)
}

/// A chat as somebody in it sees it.
fn chat(world: &mut World, given: &Value) -> Value {
    let Ok((key, _)) = place(world, given) else { return json!({"messages": [], "reactions": {}}) };
    let chat = world.chats.get(&key).cloned().unwrap_or_default();
    let reactions: serde_json::Map<String, Value> =
        chat.reactions.iter().map(|(id, reaction)| (id.to_string(), reaction.clone())).collect();
    json!({"messages": chat.messages.values().collect::<Vec<_>>(), "reactions": reactions})
}
