//! The words of a message: from `content` to text and HTML, whom they name, and back.
//!
//! Promises: pure; what a client repeated of the answered message (the reply fallback of before v1.13) is not part of the
//! words; a text is never cut short.
//! Source: client-server API v1.19, "Instant messaging", "Rich replies", "User and room mentions", read 2026-11.

use serde_json::{Value, json};

use super::wire::is_user;
use crate::channels::html;

/// What stands in the place of a message that was encrypted end to end.
pub const LOCKED: &str = "🔒 Versleuteld bericht: Balie kan het niet lezen. / Encrypted message: Balie cannot read it.";
/// What stands beside a file that was encrypted end to end.
pub const LOCKED_FILE: &str =
    "🔒 Versleutelde bijlage: Balie kan haar niet lezen. / Encrypted attachment: Balie cannot read it.";

const HTML: &str = "org.matrix.custom.html";

/// Text and HTML of a content; `name` is who acts in an emote.
#[must_use]
pub fn words(content: &Value, name: &str) -> (String, Option<String>) {
    let answers = content["m.relates_to"]["m.in_reply_to"].is_object();
    let body = content["body"].as_str().unwrap_or_default();
    let body = if answers { without_fallback(body) } else { body };
    let kind = content["msgtype"].as_str().unwrap_or_default();
    let text = match kind {
        "m.emote" => format!("* {name} {body}"),
        "m.location" => match content["geo_uri"].as_str().and_then(on_map) {
            Some(map) => format!("{body}\n{map}"),
            None => body.to_owned(),
        },
        "m.image" | "m.file" | "m.audio" | "m.video" => {
            let own = content["filename"].as_str().is_some_and(|name| name != body);
            let caption = if own { body } else { "" };
            match (content["file"].is_object(), caption) {
                (true, "") => LOCKED_FILE.to_owned(),
                (true, caption) => format!("{caption}\n{LOCKED_FILE}"),
                (false, caption) => caption.to_owned(),
            }
        }
        _ => body.to_owned(),
    };
    let formatted = content["formatted_body"].as_str().filter(|_| content["format"].as_str() == Some(HTML));
    let shown = matches!(kind, "m.text" | "m.notice");
    let html = formatted.filter(|_| shown).map(|raw| html::sanitise(without_quote(raw)).trim().to_owned());
    (text.trim().to_owned(), html.filter(|html| !html.is_empty()))
}

/// A place on a map from a `geo:` address (RFC 5870).
fn on_map(geo: &str) -> Option<String> {
    let (lat, rest) = geo.strip_prefix("geo:")?.split_once(',')?;
    let lon = rest.split([',', ';']).next()?;
    let (lat, lon): (f64, f64) = (lat.parse().ok()?, lon.parse().ok()?);
    (lat.abs() <= 90.0 && lon.abs() <= 180.0)
        .then(|| format!("https://www.openstreetmap.org/?mlat={lat}&mlon={lon}#map=16/{lat}/{lon}"))
}

/// Without the lines that repeat the answered message. They begin with who wrote it; a quotation of the author's own does not.
fn without_fallback(body: &str) -> &str {
    let first = body.strip_prefix("> ").map(|first| first.strip_prefix("* ").unwrap_or(first));
    let wrote = first.and_then(|first| first.strip_prefix('<')).and_then(|first| first.split_once('>'));
    if !wrote.is_some_and(|(user, _)| is_user(user)) {
        return body;
    }
    let mut rest = body;
    while rest.starts_with('>') {
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    // Nothing but quotation: it was the author's own.
    if rest.trim().is_empty() { body } else { rest.trim_start_matches('\n') }
}

fn without_quote(raw: &str) -> &str {
    match (raw.trim_start().starts_with("<mx-reply>"), raw.rsplit_once("</mx-reply>")) {
        (true, Some((_, own))) => own,
        _ => raw,
    }
}

/// Whether a message names somebody.
#[must_use]
pub fn names(content: &Value, user: &str) -> bool {
    named(content).iter().any(|named| named == user)
}

/// Whom a message names: by its list of mentions, by links to them, or, from clients that know neither, by id.
#[must_use]
pub fn named(content: &Value) -> Vec<String> {
    let mentions = &content["m.mentions"];
    let listed = mentions["user_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let formatted = content["formatted_body"].as_str().unwrap_or_default();
    let mut all: Vec<String> = listed.chain(links(without_quote(formatted))).collect();
    if !mentions.is_object() {
        let answers = content["m.relates_to"]["m.in_reply_to"].is_object();
        let body = content["body"].as_str().unwrap_or_default();
        all.extend(users_in(if answers { without_fallback(body) } else { body }));
    }
    all
}

/// Users that a piece of HTML links to.
fn links(formatted: &str) -> impl Iterator<Item = String> {
    formatted.split("https://matrix.to/#/").skip(1).filter_map(|rest| {
        let end = rest.find(['"', '\'', '?', '<', '>', ' ', '/']).unwrap_or(rest.len());
        // Only what clients encode: the rest of a user's id needs none.
        let user = rest[..end].replace("%40", "@").replace("%3A", ":").replace("%3a", ":");
        is_user(&user).then_some(user)
    })
}

/// `@name:server` as written in a text, in order, each once.
#[must_use]
pub fn users_in(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (user, _) in pieces(text) {
        if let Some(user) = user.filter(|user| !found.iter().any(|known| known == user)) {
            found.push(user.to_owned());
        }
    }
    found
}

/// A text in pieces: a user where one is written, and what stands behind it (or instead of one).
fn pieces(text: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '@' | ':' | '.' | '-' | '_' | '=' | '/' | '+');
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c: char| in_word(c) != in_word(first)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        let user = piece.trim_end_matches(['.', ':', '-', '/']);
        Some(if is_user(user) { (Some(user), &piece[user.len()..]) } else { (None, piece) })
    })
}

/// The content that says this text; `to` is told besides those it names.
#[must_use]
pub fn content(text: &str, to: Option<&str>) -> Value {
    let written = users_in(text);
    let mut content = json!({"msgtype": "m.text", "body": text});
    if !written.is_empty() {
        let mut shown = String::new();
        for (user, plain) in pieces(text) {
            if let Some(user) = user {
                shown.push_str(&format!("<a href=\"https://matrix.to/#/{user}\">{user}</a>"));
            }
            shown.push_str(&escape(plain));
        }
        content["format"] = HTML.into();
        content["formatted_body"] = shown.replace('\n', "<br>").into();
    }
    let mut told: Vec<&str> = to.into_iter().collect();
    told.extend(written.iter().map(String::as_str).filter(|user| Some(*user) != to));
    content["m.mentions"] = if told.is_empty() { json!({}) } else { json!({"user_ids": told}) };
    content
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{content, names, users_in, words};

    const ME: &str = "@merk:chat.example";

    #[test]
    fn what_a_client_repeated_of_the_answered_message_is_not_said_again() {
        let said = json!({
            "msgtype": "m.text", "body": "> <@merk:chat.example> Hoe heet u?\n> En waar?\n\nNoor", "format": "org.matrix.custom.html",
            "formatted_body": "<mx-reply><blockquote><a href=\"https://matrix.to/#/@merk:chat.example\">x</a></blockquote></mx-reply><b>Noor</b>",
            "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}},
        });
        assert_eq!(words(&said, "Noor"), ("Noor".to_owned(), Some("<b>Noor</b>".to_owned())));
        assert!(!names(&said, ME), "the quotation names nobody");
        let act = json!({"msgtype": "m.text", "body": "> * <@merk:chat.example> zwaait\n\ndag!", "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}});
        assert_eq!(words(&act, "").0, "dag!");
        let quote = json!({"msgtype": "m.text", "body": "> mijn eigen citaat"});
        assert_eq!(words(&quote, "").0, "> mijn eigen citaat");
        let own = "> gratis retour\n> binnen 30 dagen\nzo staat het op uw site";
        let answer = json!({"msgtype": "m.text", "body": own, "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}});
        assert_eq!(words(&answer, "").0, own, "what the author quotes is the author's");
    }

    #[test]
    fn formatting_that_never_closes_makes_no_more_of_a_text_than_it_is() {
        let link = format!("<p><a href=\"https://x.example/{}\">", "A".repeat(4_000));
        let formatted = format!("{link}{}", "<p>a</p>".repeat(7_000));
        let said = json!({
            "msgtype": "m.text", "body": "a", "format": "org.matrix.custom.html", "formatted_body": formatted,
        });
        let html = words(&said, "").1.unwrap();
        assert!(html.len() < 8 * formatted.len(), "{} bytes became {}", formatted.len(), html.len());
    }

    #[test]
    fn media_say_their_caption_and_never_their_file_name() {
        let plain = json!({"msgtype": "m.image", "body": "IMG_1.jpg", "url": "mxc://a/b"});
        let named = json!({"msgtype": "m.image", "body": "IMG_1.jpg", "filename": "IMG_1.jpg", "url": "mxc://a/b"});
        let caption = json!({"msgtype": "m.image", "body": "de deuk", "filename": "IMG_1.jpg", "url": "mxc://a/b"});
        let locked = json!({"msgtype": "m.image", "body": "IMG_1.jpg", "file": {"url": "mxc://a/b"}});
        assert_eq!((words(&plain, "").0, words(&named, "").0), (String::new(), String::new()));
        assert_eq!(words(&caption, "").0, "de deuk");
        assert!(words(&locked, "").0.starts_with('🔒'));
        let place = json!({"msgtype": "m.location", "body": "hier", "geo_uri": "geo:52.37,4.89;u=35"});
        assert!(words(&place, "").0.ends_with("mlat=52.37&mlon=4.89#map=16/52.37/4.89"));
        assert_eq!(words(&json!({"msgtype": "m.emote", "body": "zwaait"}), "Noor").0, "* Noor zwaait");
    }

    #[test]
    fn the_brand_is_named_by_list_by_link_or_by_id() {
        for said in [
            json!({"body": "hoi", "m.mentions": {"user_ids": [ME]}}),
            json!({"body": "hoi", "formatted_body": "<a href=\"https://matrix.to/#/%40merk%3Achat.example\">Merk</a>", "m.mentions": {}}),
            json!({"body": "dag @merk:chat.example, hoe laat?"}),
        ] {
            assert!(names(&said, ME), "{said}");
        }
        for said in [
            json!({"body": "mail merk@chat.example"}),
            json!({"body": "dag @merk:chat.example", "m.mentions": {}}),
            json!({"body": "dag @merk:chat.example.org"}),
            json!({"body": 7, "m.mentions": [], "formatted_body": {}}),
        ] {
            assert!(!names(&said, ME), "{said}");
        }
    }

    #[test]
    fn whoever_is_written_is_told_and_linked() {
        assert_eq!(users_in("(@a:x.y), @b:z:8448. en @a:x.y!"), ["@a:x.y", "@b:z:8448"]);
        let said = content("Dag @noor:x.y <3\nGroet", Some("@noor:x.y"));
        assert_eq!(said["m.mentions"], json!({"user_ids": ["@noor:x.y"]}));
        assert_eq!(
            said["formatted_body"],
            "Dag <a href=\"https://matrix.to/#/@noor:x.y\">@noor:x.y</a> &lt;3<br>Groet"
        );
        let plain = content("Dag <b>", None);
        assert_eq!(plain, json!({"msgtype": "m.text", "body": "Dag <b>", "m.mentions": {}}));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(body in "[@:a-z.> \n<é👍/#=+-]{0,80}") {
            let said = json!({"msgtype": "m.text", "body": body, "formatted_body": body, "format": "org.matrix.custom.html",
                "m.relates_to": {"m.in_reply_to": {}}});
            let _ = (words(&said, "x"), names(&said, ME), content(&body, None));
        }
    }
}
