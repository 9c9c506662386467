//! What a bot sends, changes and takes back, with the platform's refusals.

use serde_json::{Value, json};

use super::Platform;
use super::compose::{self, business_key, utf16};
use super::http::Params;
use super::world::{Done, Refusal, World, no};
use crate::model::Timestamp;

const LONGEST_TEXT: usize = 4_096;
const LONGEST_CAPTION: usize = 1_024;
const DAY_MS: i64 = 24 * 3_600_000;
const LARGEST_PHOTO: usize = 10 << 20;
const LARGEST_FILE: usize = 50 << 20;
/// The kinds of file a bot sends, as their method and their field are called.
pub const MEDIA: [&str; 6] = ["photo", "document", "video", "audio", "voice", "animation"];

/// The chat a call is about, by its key here.
pub fn target(world: &World, params: &Params, now: Timestamp) -> Result<i64, Refusal> {
    let id = params.int("chat_id").ok_or_else(|| no(400, "Bad Request: chat_id is empty"))?;
    if let Some(connection) = params.text("business_connection_id").filter(|id| !id.is_empty()) {
        let known = world.businesses.get(&connection).filter(|known| known["is_enabled"] == true);
        let known = known.ok_or_else(|| no(400, "Bad Request: BUSINESS_CONNECTION_INVALID"))?;
        if known["rights"]["can_reply"] != true {
            return Err(no(400, "Bad Request: BUSINESS_CONNECTION_NOT_ALLOWED"));
        }
        let key = business_key(id);
        let chat = world.chats.get(&key).ok_or_else(|| no(400, "Bad Request: chat not found"))?;
        let last = chat.messages.values().filter(|message| message["from"]["id"] == id);
        let last = last.filter_map(|message| message["date"].as_i64()).max().unwrap_or_default();
        if now.0 - last * 1_000 > DAY_MS {
            return Err(no(400, "Bad Request: BUSINESS_PEER_USAGE_MISSING"));
        }
        return Ok(key);
    }
    let Some(chat) = world.chats.get(&id) else {
        return Err(if world.users.contains_key(&id) {
            no(403, "Forbidden: bot can't initiate conversation with a user")
        } else {
            no(400, "Bad Request: chat not found")
        });
    };
    if let Some(to) = chat.moved_to {
        return Err(Refusal {
            parameters: Some(json!({"migrate_to_chat_id": to})),
            ..no(400, "Bad Request: group chat was upgraded to a supergroup chat")
        });
    }
    if chat.shut {
        return Err(no(
            403,
            match chat.kind.as_str() {
                "private" => "Forbidden: bot was blocked by the user",
                "supergroup" => "Forbidden: bot was kicked from the supergroup chat",
                _ => "Forbidden: bot was kicked from the group chat",
            },
        ));
    }
    Ok(id)
}

/// A message of the bot, not yet put into its chat.
fn begin(world: &mut World, key: i64, params: &Params, now: Timestamp) -> Result<Value, Refusal> {
    let business = params.text("business_connection_id").filter(|id| !id.is_empty());
    let from = match &business {
        Some(id) => world.businesses[id]["user"].clone(),
        None => world.bot_user(),
    };
    let reply = params.json("reply_parameters");
    let answered = reply["message_id"].as_i64().or_else(|| params.int("reply_to_message_id"));
    let parent = answered.and_then(|id| compose::quoted(world, key, id));
    let survives = reply["allow_sending_without_reply"] == true || params.yes("allow_sending_without_reply");
    if answered.is_some() && parent.is_none() && !survives {
        return Err(no(400, "Bad Request: message to be replied not found"));
    }
    if let (Some(quote), Some(parent)) = (reply["quote"].as_str(), &parent) {
        let text = parent["text"].as_str().or_else(|| parent["caption"].as_str()).unwrap_or_default();
        if !text.contains(quote) || utf16(quote) > LONGEST_CAPTION {
            return Err(no(400, "Bad Request: QUOTE_TEXT_INVALID"));
        }
    }
    let topic = params.int("message_thread_id");
    if let Some(topic) = topic {
        let chat = world.chats.get(&key).cloned().unwrap_or_default();
        let there = chat.messages.values().any(|m| m["message_thread_id"] == topic || m["message_id"] == topic);
        if !there {
            return Err(no(400, "Bad Request: message thread not found"));
        }
    }
    let mut message = compose::bare(world, key, &from, now);
    if let Some(id) = business {
        message["business_connection_id"] = id.into();
        message["sender_business_bot"] = world.bot_user();
    }
    if let Some(topic) = topic {
        message["message_thread_id"] = topic.into();
        message["is_topic_message"] = world.chats.get(&key).is_some_and(|chat| chat.forum).into();
    }
    if let Some(parent) = parent {
        message["reply_to_message"] = parent;
        if let Some(quote) = reply["quote"].as_str() {
            message["quote"] = json!({"text": quote, "position": 0, "is_manual": true});
        }
    }
    let keyboard = params.json("reply_markup");
    if keyboard["inline_keyboard"].is_array() {
        message["reply_markup"] = keyboard;
    }
    Ok(message)
}

/// Puts it there; what a bot says for a business comes back to the bot like everything in that chat.
fn finish(world: &mut World, key: i64, message: Value, now: Timestamp) -> Value {
    let message = world.put(key, message);
    if message["business_connection_id"].is_string() {
        world.tell("business_message", &message, now);
    }
    message
}

/// `sendMessage`
pub fn message(platform: &Platform, params: &Params) -> Done {
    let now = platform.clock.now();
    let mut world = platform.world();
    let key = target(&world, params, now)?;
    let text = params.text("text").unwrap_or_default();
    if text.trim().is_empty() {
        return Err(no(400, "Bad Request: message text is empty"));
    }
    if utf16(text.trim()) > LONGEST_TEXT {
        return Err(no(400, "Bad Request: message is too long"));
    }
    let mut message = begin(&mut world, key, params, now)?;
    compose::words(&mut message, &text, false, &params.json("entities"));
    Ok(finish(&mut world, key, message, now))
}

/// `sendPhoto`, `sendDocument` and their like.
pub fn media(platform: &Platform, kind: &str, params: &Params) -> Done {
    let now = platform.clock.now();
    let mut world = platform.world();
    let key = target(&world, params, now)?;
    let mut message = begin(&mut world, key, params, now)?;
    one(&mut world, &mut message, kind, params.text(kind).unwrap_or_default().as_str(), params, kind)?;
    caption(&mut message, &params.text("caption").unwrap_or_default(), &params.json("caption_entities"))?;
    Ok(finish(&mut world, key, message, now))
}

/// `sendMediaGroup`: all or nothing.
pub fn album(platform: &Platform, params: &Params) -> Done {
    let now = platform.clock.now();
    let mut world = platform.world();
    let key = target(&world, params, now)?;
    let items = params.json("media").as_array().cloned().unwrap_or_default();
    if !(2..=10).contains(&items.len()) {
        return Err(no(400, "Bad Request: the media group must have between 2 and 10 items"));
    }
    let kinds: Vec<&str> = items.iter().map(|item| item["type"].as_str().unwrap_or_default()).collect();
    let apart = |kind: &str| kinds.contains(&kind) && kinds.iter().any(|other| *other != kind);
    if apart("document") || apart("audio") || kinds.contains(&"animation") {
        return Err(no(400, "Bad Request: can't use the media of the specified type in the album"));
    }
    let mut messages = Vec::new();
    let group = format!("1380{:010}", now.0 % 10_000_000_000);
    for (item, kind) in items.iter().zip(&kinds) {
        let mut message = begin(&mut world, key, params, now)?;
        let place = item["media"].as_str().unwrap_or_default();
        one(&mut world, &mut message, kind, place, params, place)?;
        caption(&mut message, item["caption"].as_str().unwrap_or_default(), &item["caption_entities"])?;
        message["media_group_id"] = json!(group);
        messages.push(message);
    }
    Ok(messages.into_iter().map(|message| finish(&mut world, key, message, now)).collect::<Vec<_>>().into())
}

fn caption(message: &mut Value, text: &str, marks: &Value) -> Result<(), Refusal> {
    if utf16(text.trim()) > LONGEST_CAPTION {
        return Err(no(400, "Bad Request: message caption is too long"));
    }
    compose::words(message, text, true, marks);
    Ok(())
}

/// A file by upload (under its field's name or as `attach://name`) or by the id of one that is here.
fn one(
    world: &mut World,
    message: &mut Value,
    kind: &str,
    given: &str,
    params: &Params,
    field: &str,
) -> Result<(), Refusal> {
    if !MEDIA.contains(&kind) {
        return Err(no(400, "Bad Request: wrong type of the media"));
    }
    let name = given.strip_prefix("attach://").unwrap_or(field);
    if let Some(upload) = params.files.get(name) {
        if kind == "photo" && upload.bytes.len() > LARGEST_PHOTO || upload.bytes.len() > LARGEST_FILE {
            return Err(no(413, "Request Entity Too Large"));
        }
        let upload = upload.clone();
        compose::file(world, message, kind, &upload.name, &upload.mime, None, upload.bytes);
        return Ok(());
    }
    if world.files.contains_key(given) {
        compose::attach(world, message, kind, given, &given.replace("BQACAgQAAxkBAAIB", "AQAD"));
        return Ok(());
    }
    Err(no(400, "Bad Request: wrong file identifier/HTTP URL specified"))
}

/// `editMessageText` and `editMessageCaption`
pub fn edit(platform: &Platform, params: &Params, is_caption: bool) -> Done {
    let now = platform.clock.now();
    let mut world = platform.world();
    let key = target(&world, params, now)?;
    let id = params.int("message_id").unwrap_or_default();
    let mut message =
        world.message(key, id).cloned().ok_or_else(|| no(400, "Bad Request: message to edit not found"))?;
    let ours = message["from"]["id"] == world.bot_id() || message["sender_business_bot"].is_object();
    if !ours {
        return Err(no(400, "Bad Request: message can't be edited"));
    }
    let (field, max) = if is_caption { ("caption", LONGEST_CAPTION) } else { ("text", LONGEST_TEXT) };
    let text = params.text(field).unwrap_or_default();
    if text.trim().is_empty() && !is_caption {
        return Err(no(400, "Bad Request: message text is empty"));
    }
    if utf16(text.trim()) > max {
        return Err(no(400, "Bad Request: MESSAGE_TOO_LONG"));
    }
    if message[field] == text.trim() {
        return Err(no(
            400,
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
        ));
    }
    compose::words(&mut message, &text, is_caption, &Value::Null);
    message["edit_date"] = (now.0 / 1_000).into();
    Ok(world.put(key, message))
}

/// `deleteMessage`, `deleteMessages` and `deleteBusinessMessages`
pub fn delete(platform: &Platform, params: &Params, business: bool) -> Done {
    let now = platform.clock.now();
    let mut world = platform.world();
    let many = params.json("message_ids");
    let ids: Vec<i64> = match &many {
        Value::Array(ids) => ids.iter().filter_map(Value::as_i64).collect(),
        _ => params.int("message_id").into_iter().collect(),
    };
    if business {
        let connection = params.text("business_connection_id").unwrap_or_default();
        let known = world.businesses.get(&connection);
        let known = known.ok_or_else(|| no(400, "Bad Request: BUSINESS_CONNECTION_INVALID"))?;
        if known["rights"]["can_delete_sent_messages"] != true {
            return Err(no(400, "Bad Request: BUSINESS_CONNECTION_NOT_ALLOWED"));
        }
        for chat in world.chats.values_mut().filter(|chat| chat.business.as_deref() == Some(&connection)) {
            chat.messages.retain(|id, _| !ids.contains(id));
        }
        return Ok(true.into());
    }
    let key = target(&world, params, now)?;
    let bot = world.bot_id();
    let Some(chat) = world.chats.get_mut(&key) else { return Err(no(400, "Bad Request: chat not found")) };
    for id in ids {
        let Some(message) = chat.messages.get(&id) else {
            if many.is_array() {
                continue;
            }
            return Err(no(400, "Bad Request: message to delete not found"));
        };
        let old = now.0 - message["date"].as_i64().unwrap_or_default() * 1_000 > 2 * DAY_MS;
        if old || (message["from"]["id"] != bot && chat.kind != "private") {
            return Err(no(400, "Bad Request: message can't be deleted for everyone"));
        }
        chat.messages.remove(&id);
    }
    Ok(true.into())
}
