//! Making messages as the platform makes them: authors, entities found in the text, pictures in sizes.

use bytes::Bytes;
use serde_json::{Value, json};

use super::world::World;
use crate::model::Timestamp;

/// Where business chats stand among the chats: a person's own chat with the bot is another one.
const BUSINESS: i64 = 1 << 50;

/// The key of the chat between the business's owner and a customer.
pub fn business_key(customer: i64) -> i64 {
    BUSINESS + customer
}

/// Length as the platform counts it.
pub fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// What the platform marks in a text by itself: names, commands, addresses.
pub fn entities(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut offset = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end().trim_end_matches([',', '.', '!', '?', ':', ';', ')']);
        let name = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let kind = if word.strip_prefix('@').is_some_and(name) {
            Some("mention")
        } else if word.strip_prefix('/').is_some_and(|rest| rest.split('@').all(name)) {
            Some("bot_command")
        } else if word.starts_with("https://") || word.starts_with("http://") {
            Some("url")
        } else {
            None
        };
        if let Some(kind) = kind {
            found.push(json!({"type": kind, "offset": offset, "length": utf16(word)}));
        }
        offset += utf16(piece);
    }
    found
}

/// The bare message: who, where, when.
pub fn bare(world: &mut World, key: i64, from: &Value, now: Timestamp) -> Value {
    let id = world.next_message(key);
    let chat = world.chats.get(&key).cloned().unwrap_or_default();
    json!({"message_id": id, "date": now.0 / 1_000, "chat": world.chat_json(&chat), "from": from})
}

/// Adds a text, as caption when there is a file.
pub fn words(message: &mut Value, text: &str, caption: bool, given: &Value) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let (field, marks) = if caption { ("caption", "caption_entities") } else { ("text", "entities") };
    message[field] = text.into();
    let mut all = given.as_array().cloned().unwrap_or_default();
    all.extend(entities(text));
    if !all.is_empty() {
        message[marks] = all.into();
    }
}

/// Adds a file of a kind (`photo`, `document`, `video`, `audio`, `voice`, `animation`, `sticker`, `video_note`).
pub fn file(
    world: &mut World,
    message: &mut Value,
    kind: &str,
    name: &str,
    mime: &str,
    size: Option<i64>,
    bytes: Bytes,
) {
    let (id, unique) = world.keep(name, mime, size, bytes);
    attach(world, message, kind, &id, &unique);
}

/// Adds a file that is here already.
pub fn attach(world: &World, message: &mut Value, kind: &str, id: &str, unique: &str) {
    let Some(kept) = world.files.get(id) else { return };
    let mut object = json!({"file_id": id, "file_unique_id": unique, "file_size": kept.size});
    if kind == "photo" {
        object["width"] = 1_280.into();
        object["height"] = 960.into();
        // Small first, the whole last.
        let small = json!({
            "file_id": format!("{id}-s"), "file_unique_id": format!("{unique}-s"), "width": 90, "height": 67,
            "file_size": 1_200,
        });
        message["photo"] = json!([small, object]);
        return;
    }
    object["mime_type"] = json!(kept.mime);
    if matches!(kind, "document" | "video" | "audio" | "animation") {
        object["file_name"] = json!(kept.name);
    }
    match kind {
        "video" | "animation" => {
            (object["width"], object["height"], object["duration"]) = (640.into(), 360.into(), 3.into());
        }
        "audio" | "voice" => object["duration"] = 3.into(),
        "video_note" => (object["length"], object["duration"]) = (240.into(), 3.into()),
        "sticker" => {
            object["type"] = "regular".into();
            (object["width"], object["height"]) = (512.into(), 512.into());
            (object["is_animated"], object["is_video"]) = (false.into(), false.into());
            object["emoji"] = "👍".into();
        }
        _ => {}
    }
    message[kind] = object.clone();
    if kind == "animation" {
        message["document"] = object;
    }
}

/// The message answered as it stands inside another: without the one it answers itself.
pub fn quoted(world: &World, key: i64, id: i64) -> Option<Value> {
    let mut parent = world.message(key, id)?.clone();
    if let Some(fields) = parent.as_object_mut() {
        fields.remove("reply_to_message");
        fields.remove("quote");
    }
    Some(parent)
}
