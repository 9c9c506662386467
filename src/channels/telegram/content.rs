//! What a message says and brings, whatever kind it is: text in words, files as references.
//!
//! Promises: pure; a kind that is not known becomes a sentence that says so, and is never dropped, under a caption either.
//! Source: core.telegram.org/bots/api#message 10.1, read 2026-11.

use serde_json::Value;

use super::wire::{Message, plain};
use crate::channels::File;
use crate::model::AttachmentKind;

/// What a file's reference begins with; the address, which has the token in it, is made when the file is fetched.
pub const FILE: &str = "telegram:file/";
/// The largest file that Telegram's own server gives to a bot.
pub const LARGEST_FILE: i64 = 20 << 20;

/// What surrounds every message, or says how it is to be shown: no content of its own.
const FRAME: &[&str] = &[
    "message_id",
    "date",
    "chat",
    "from",
    "sender_chat",
    "sender_boost_count",
    "sender_business_bot",
    "sender_tag",
    "business_connection_id",
    "edit_date",
    "text",
    "caption",
    "entities",
    "caption_entities",
    "reply_to_message",
    "external_reply",
    "quote",
    "reply_to_story",
    "reply_to_checklist_task_id",
    "media_group_id",
    "message_thread_id",
    "is_topic_message",
    "is_automatic_forward",
    "direct_messages_topic",
    "forward_origin",
    "forward_from",
    "forward_date",
    "forward_from_chat",
    "forward_from_message_id",
    "forward_sender_name",
    "forward_signature",
    "via_bot",
    "has_protected_content",
    "is_from_offline",
    "is_from_online",
    "is_paid_post",
    "author_signature",
    "paid_star_count",
    "link_preview_options",
    "effect_id",
    "show_caption_above_media",
    "has_media_spoiler",
    "reply_markup",
    "suggested_post_info",
    "guest_query_id",
];

/// What the platform itself says in a chat: nobody's words.
const SERVICE: &[&str] = &[
    "new_chat_members",
    "new_chat_participant",
    "new_chat_member",
    "left_chat_member",
    "left_chat_participant",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "pinned_message",
    "connected_website",
    "write_access_allowed",
    "proximity_alert_triggered",
    "boost_added",
    "chat_background_set",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "giveaway_created",
    "giveaway",
    "giveaway_winners",
    "giveaway_completed",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
    "chat_owner_left",
    "chat_owner_changed",
    "paid_message_price_changed",
    "direct_message_price_changed",
];

/// What a message says and brings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    pub text: String,
    pub files: Vec<File>,
    /// The kind that could not be shown; the raw message is kept then.
    pub unknown: Option<String>,
}

/// `None` for what nobody said: people coming and going, a new title.
pub fn read(message: &Message, raw: &Value) -> Option<Content> {
    let mut content = Content {
        text: message.text.clone().or_else(|| message.caption.clone()).unwrap_or_default(),
        files: files(raw),
        unknown: None,
    };
    // A caption stands under something.
    let mut captioned = message.text.is_none() && message.caption.is_some();
    if let Some(words) = words(raw) {
        captioned = false;
        if content.text.is_empty() {
            content.text = words;
        } else {
            content.text = format!("{}\n\n{words}", content.text);
        }
    }
    let keys = || raw.as_object().into_iter().flat_map(serde_json::Map::keys);
    let kind = || keys().find(|key| !FRAME.contains(&key.as_str())).map(String::as_str);
    if content.text.is_empty() && content.files.is_empty() {
        if keys().any(|key| SERVICE.contains(&key.as_str())) {
            return None;
        }
        content.cannot_show(kind().unwrap_or("?"));
    } else if captioned
        && content.files.is_empty()
        && let Some(kind) = kind()
    {
        content.cannot_show(kind);
    }
    Some(content)
}

impl Content {
    fn cannot_show(&mut self, kind: &str) {
        let kind: String = kind.chars().filter(|c| !c.is_control()).take(60).collect();
        let said = format!(
            "({kind}) This kind of message cannot be shown here; open Telegram to see it. / Dit soort bericht is hier niet te tonen; open Telegram om het te zien."
        );
        self.text = if self.text.is_empty() { said } else { format!("{}\n\n{said}", self.text) };
        self.unknown = Some(kind);
    }
}

/// Kinds that are data, in words.
fn words(raw: &Value) -> Option<String> {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().trim().to_owned();
    let lines = |parts: Vec<String>| {
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join("\n"))
    };
    // A venue is a location too.
    if let venue @ Value::Object(_) = &raw["venue"] {
        return lines(vec![format!("📍 {}", text(venue, "title")), text(venue, "address"), map(&venue["location"])]);
    }
    if raw["location"].is_object() {
        return lines(vec![format!("📍 {}", map(&raw["location"]))]);
    }
    if let contact @ Value::Object(_) = &raw["contact"] {
        let name = format!("{} {}", text(contact, "first_name"), text(contact, "last_name"));
        return lines(vec![format!("👤 {}", name.trim()), text(contact, "phone_number")]);
    }
    if let poll @ Value::Object(_) = &raw["poll"] {
        let options = poll["options"].as_array().into_iter().flatten().take(50);
        let options = options.map(|option| format!("• {}", text(option, "text")));
        return lines(std::iter::once(format!("📊 {}", text(poll, "question"))).chain(options).collect());
    }
    if let checklist @ Value::Object(_) = &raw["checklist"] {
        let tasks = checklist["tasks"].as_array().into_iter().flatten().take(50);
        let tasks = tasks.map(|task| {
            let done = task["completion_date"].as_i64().is_some_and(|date| date > 0);
            format!("{} {}", if done { "☑" } else { "☐" }, text(task, "text"))
        });
        return lines(std::iter::once(text(checklist, "title")).chain(tasks).collect());
    }
    if let dice @ Value::Object(_) = &raw["dice"] {
        return lines(vec![format!("{} {}", text(dice, "emoji"), dice["value"].as_i64().unwrap_or_default())]);
    }
    if let sticker @ Value::Object(_) = &raw["sticker"] {
        return lines(vec![text(sticker, "emoji")]);
    }
    None
}

fn map(location: &Value) -> String {
    match (location["latitude"].as_f64(), location["longitude"].as_f64()) {
        (Some(lat), Some(lon)) if lat.abs() <= 90.0 && lon.abs() <= 180.0 => {
            format!("https://www.openstreetmap.org/?mlat={lat:.6}&mlon={lon:.6}#map=16/{lat:.6}/{lon:.6}")
        }
        _ => String::new(),
    }
}

/// Says at a file why it will not come along.
pub fn explain(file: &mut File, largest: i64) {
    if file.size.is_some_and(|size| size > largest) {
        file.alt = Some(
            "Larger than 20 MB: Telegram does not give it to a bot. Open it in the Telegram app. / Groter dan 20 MB: Telegram geeft het niet aan een bot. Open het in de Telegram-app."
                .to_owned(),
        );
    }
}

/// The files of a message, as references.
fn files(raw: &Value) -> Vec<File> {
    let mut files = Vec::new();
    // The largest size is the picture; the others are previews of it.
    let sizes = raw["photo"].as_array().into_iter().flatten();
    let area = |size: &&Value| size["width"].as_i64().unwrap_or(0).saturating_mul(size["height"].as_i64().unwrap_or(0));
    if let Some(photo) = sizes.max_by_key(area) {
        files.extend(file(AttachmentKind::Image, photo, "image/jpeg"));
    }
    // An animation comes as a document too.
    let document = if raw["animation"].is_object() { "" } else { "document" };
    for (field, kind, mime) in [
        ("animation", AttachmentKind::Video, "video/mp4"),
        ("video", AttachmentKind::Video, "video/mp4"),
        ("video_note", AttachmentKind::Video, "video/mp4"),
        ("voice", AttachmentKind::Audio, "audio/ogg"),
        ("audio", AttachmentKind::Audio, "audio/mpeg"),
        ("sticker", AttachmentKind::Image, "image/webp"),
        (document, AttachmentKind::File, "application/octet-stream"),
    ] {
        if raw[field].is_object() {
            files.extend(file(kind, &raw[field], mime));
        }
    }
    files
}

fn file(kind: AttachmentKind, object: &Value, usual: &str) -> Option<File> {
    let id = object["file_id"].as_str().filter(|id| plain(id))?;
    let mime = object["mime_type"].as_str().filter(|mime| mime.len() <= 100).unwrap_or(usual);
    let kind = match (kind, mime.split('/').next()) {
        (AttachmentKind::File, Some("image")) => AttachmentKind::Image,
        (AttachmentKind::File, Some("video")) => AttachmentKind::Video,
        (AttachmentKind::File, Some("audio")) => AttachmentKind::Audio,
        // Stickers that move are films or drawings of Telegram's own.
        (AttachmentKind::Image, _) if object["is_video"] == true => AttachmentKind::Video,
        (AttachmentKind::Image, _) if object["is_animated"] == true => AttachmentKind::File,
        (kind, _) => kind,
    };
    let side = |name: &str| object[name].as_i64().filter(|n| (1..=100_000).contains(n));
    let name = object["file_name"]
        .as_str()
        .map(|name| name.chars().filter(|c| !c.is_control() && !matches!(c, '/' | '\\')).take(200).collect::<String>());
    Some(File {
        kind,
        url: format!("{FILE}{id}"),
        mime: Some(mime.to_owned()),
        name: name.filter(|name| !name.is_empty()),
        alt: None,
        size: object["file_size"].as_i64().filter(|size| *size >= 0),
        width: side("width").or_else(|| side("length")),
        height: side("height").or_else(|| side("length")),
        ..File::default()
    })
}

#[cfg(test)]
mod tests {
    use super::{Content, read};
    use crate::channels::telegram::wire::Message;
    use crate::model::AttachmentKind;
    use serde_json::{Value, json};

    fn content(more: &Value) -> Option<Content> {
        let mut raw = json!({"message_id": 1, "date": 1_767_345_000, "chat": {"id": 5, "type": "private"}});
        raw.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(&Message::read(&raw).unwrap(), &raw)
    }

    #[test]
    fn every_kind_says_something() {
        for (more, text) in [
            (
                json!({"location": {"latitude": 52.37, "longitude": 4.9}}),
                "📍 https://www.openstreetmap.org/?mlat=52.370000&mlon=4.900000#map=16/52.370000/4.900000",
            ),
            (
                json!({"venue": {"title": "Balie 3", "address": "Dam 1", "location": {}}, "location": {}}),
                "📍 Balie 3\nDam 1",
            ),
            (json!({"contact": {"first_name": "Noor", "phone_number": "+31612345678"}}), "👤 Noor\n+31612345678"),
            (
                json!({"poll": {"question": "Wanneer?", "options": [{"text": "Nu"}, {"text": "Straks"}]}}),
                "📊 Wanneer?\n• Nu\n• Straks",
            ),
            (
                json!({"checklist": {"title": "Retour", "tasks": [{"text": "doos", "completion_date": 1}, {"text": "bon"}]}}),
                "Retour\n☑ doos\n☐ bon",
            ),
            (json!({"dice": {"emoji": "🎲", "value": 6}}), "🎲 6"),
            (json!({"caption": "kijk", "voice": {"file_id": "abc", "duration": 3}}), "kijk"),
        ] {
            assert_eq!(content(&more).unwrap().text, text, "{more}");
        }
        let unknown = content(&json!({"hologram": {"beam": 1}})).unwrap();
        assert!(unknown.text.starts_with("(hologram) ") && unknown.unknown.as_deref() == Some("hologram"));
        assert_eq!(content(&json!({"new_chat_title": "Buurt"})), None);
    }

    #[test]
    fn the_largest_picture_is_the_picture_and_no_address_is_kept() {
        let photo = content(&json!({"photo": [
            {"file_id": "small", "width": 90, "height": 60}, {"file_id": "large", "width": 1280, "height": 960, "file_size": 88_000},
            {"file_id": "../../etc", "width": 9_000, "height": 9_000, "x": 1}]}));
        // A reference that could leave its place in an address is none.
        assert!(photo.unwrap().files.is_empty());
        let photo = content(&json!({"photo": [
            {"file_id": "small", "width": 90, "height": 60}, {"file_id": "large", "width": 1280, "height": 960, "file_size": 88_000}]})).unwrap();
        assert_eq!(
            (photo.files.len(), photo.files[0].url.as_str(), photo.files[0].size),
            (1, "telegram:file/large", Some(88_000))
        );
        let film =
            content(&json!({"animation": {"file_id": "g", "mime_type": "video/mp4"}, "document": {"file_id": "g"}}))
                .unwrap();
        assert_eq!((film.files.len(), film.files[0].kind), (1, AttachmentKind::Video));
        let named = content(
            &json!({"document": {"file_id": "d", "file_name": "../bon\u{0}.pdf", "mime_type": "application/pdf"}}),
        )
        .unwrap();
        assert_eq!(named.files[0].name.as_deref(), Some("..bon.pdf"));
    }
}
