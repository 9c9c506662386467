//! The methods of the Bot API by name, and those too small for a file of their own.

use serde_json::{Value, json};

use super::Platform;
use super::http::Params;
use super::send;
use super::updates;
use super::world::{Done, Kept, Refusal, no};

/// The largest file the platform gives to a bot.
const LARGEST_DOWNLOAD: i64 = 20 << 20;

/// Calls a method; names are compared without case.
pub async fn call(platform: &Platform, method: &str, params: Params) -> Done {
    slowed(platform, method)?;
    let done = match method {
        "getupdates" => return updates::get(platform, &params).await,
        "setwebhook" => updates::set_webhook(platform, &params),
        "deletewebhook" => Ok(updates::delete_webhook(platform, &params)),
        "getwebhookinfo" => Ok(updates::webhook_info(platform)),
        "getme" => Ok(platform.world().bot.clone()),
        "sendmessage" => send::message(platform, &params),
        "sendmediagroup" => send::album(platform, &params),
        "editmessagetext" => send::edit(platform, &params, false),
        "editmessagecaption" => send::edit(platform, &params, true),
        "deletemessage" | "deletemessages" => send::delete(platform, &params, false),
        "deletebusinessmessages" => send::delete(platform, &params, true),
        "getfile" => get_file(platform, &params),
        "getchat" => get_chat(platform, &params),
        "getchatmember" => get_member(platform, &params),
        "getuserprofilephotos" => Ok(json!({"total_count": 0, "photos": []})),
        "setmessagereaction" => react(platform, &params),
        "answercallbackquery" => answer_press(platform, &params),
        "sendchataction" => action(platform, &params),
        "getbusinessconnection" => business(platform, &params).map(|(_, known)| known),
        "readbusinessmessage" => read(platform, &params),
        other => match other.strip_prefix("send").filter(|kind| send::MEDIA.contains(kind)) {
            Some(kind) => send::media(platform, kind, &params),
            None => Err(no(404, "Not Found: method not found")),
        },
    };
    platform.news.notify_waiters();
    done
}

fn slowed(platform: &Platform, method: &str) -> Result<(), Refusal> {
    let mut world = platform.world();
    let hit = |limited: &&mut super::world::Limited| {
        limited.calls > 0 && (limited.method == method || limited.method.is_empty() && method != "getupdates")
    };
    let Some(limited) = world.limits.iter_mut().find(hit) else { return Ok(()) };
    limited.calls -= 1;
    let seconds = limited.seconds;
    Err(Refusal {
        parameters: Some(json!({"retry_after": seconds})),
        ..no(429, format!("Too Many Requests: retry after {seconds}"))
    })
}

/// Where a file is downloaded from, without host and token.
pub fn file_path(id: &str, kept: &Kept) -> String {
    let folder = if kept.mime.starts_with("image/") { "photos" } else { "documents" };
    let end = kept.name.rsplit_once('.').map_or("", |(_, end)| end);
    format!("{folder}/file_{}.{end}", id.trim_start_matches("BQACAgQAAxkBAAIB"))
}

fn get_file(platform: &Platform, params: &Params) -> Done {
    let id = params.text("file_id").unwrap_or_default();
    let world = platform.world();
    let kept = world.files.get(id.trim_end_matches("-s"));
    let kept = kept.ok_or_else(|| no(400, "Bad Request: wrong file_id or the file is temporarily unavailable"))?;
    if kept.size > LARGEST_DOWNLOAD {
        return Err(no(400, "Bad Request: file is too big"));
    }
    Ok(json!({
        "file_id": id, "file_unique_id": id.replace("BQACAgQAAxkBAAIB", "AQAD"), "file_size": kept.size,
        "file_path": file_path(id.trim_end_matches("-s"), kept),
    }))
}

fn get_chat(platform: &Platform, params: &Params) -> Done {
    let world = platform.world();
    let chat = params.int("chat_id").and_then(|id| world.chats.get(&id));
    let chat = chat.ok_or_else(|| no(400, "Bad Request: chat not found"))?;
    let mut whole = world.chat_json(chat);
    whole["accent_color_id"] = 2.into();
    whole["max_reaction_count"] = 11.into();
    whole["accepted_gift_types"] = json!({
        "unlimited_gifts": true, "limited_gifts": true, "unique_gifts": true, "premium_subscription": true,
        "gifts_from_channels": true,
    });
    Ok(whole)
}

fn get_member(platform: &Platform, params: &Params) -> Done {
    let world = platform.world();
    let chat = params.int("chat_id").and_then(|id| world.chats.get(&id));
    let chat = chat.ok_or_else(|| no(400, "Bad Request: chat not found"))?;
    let user = params.int("user_id").unwrap_or_default();
    if user == world.bot_id() {
        let status = if chat.shut { "left" } else { "member" };
        return Ok(json!({"user": world.bot_user(), "status": status}));
    }
    let user = world.users.get(&user).ok_or_else(|| no(400, "Bad Request: user not found"))?;
    Ok(json!({"user": user, "status": "member"}))
}

fn react(platform: &Platform, params: &Params) -> Done {
    let now = platform.clock.now();
    let mut world = platform.world();
    let key = send::target(&world, params, now)?;
    let id = params.int("message_id").unwrap_or_default();
    if world.message(key, id).is_none() {
        return Err(no(400, "Bad Request: message to react not found"));
    }
    let reactions = params.json("reaction");
    let list = reactions.as_array().cloned().unwrap_or_default();
    if list.len() > 1 {
        return Err(no(400, "Bad Request: REACTIONS_TOO_MANY"));
    }
    if list.iter().any(|reaction| reaction["type"] != "emoji") {
        return Err(no(400, "Bad Request: REACTION_INVALID"));
    }
    if let Some(chat) = world.chats.get_mut(&key) {
        chat.reactions.insert(id, list.into());
    }
    Ok(true.into())
}

fn answer_press(platform: &Platform, params: &Params) -> Done {
    let id = params.text("callback_query_id").unwrap_or_default();
    let mut world = platform.world();
    if !world.presses.remove(&id) {
        return Err(no(400, "Bad Request: query is too old and response timeout expired or query ID is invalid"));
    }
    world.done.push(json!({"answered": id, "text": params.text("text")}));
    Ok(true.into())
}

fn action(platform: &Platform, params: &Params) -> Done {
    let now = platform.clock.now();
    let mut world = platform.world();
    let key = send::target(&world, params, now)?;
    world.done.push(json!({"chat": key, "action": params.text("action")}));
    Ok(true.into())
}

fn business(platform: &Platform, params: &Params) -> Result<(String, Value), Refusal> {
    let id = params.text("business_connection_id").unwrap_or_default();
    let known = platform.world().businesses.get(&id).cloned();
    known.map(|known| (id, known)).ok_or_else(|| no(400, "Bad Request: BUSINESS_CONNECTION_INVALID"))
}

fn read(platform: &Platform, params: &Params) -> Done {
    let (id, known) = business(platform, params)?;
    if known["rights"]["can_read_messages"] != true {
        return Err(no(400, "Bad Request: BUSINESS_CONNECTION_NOT_ALLOWED"));
    }
    platform.world().done.push(json!({
        "read": params.int("message_id"), "chat": params.int("chat_id"), "business": id,
    }));
    Ok(true.into())
}
