//! Answering: once, in its place, whole or not at all.
//!
//! The platform knows no idempotency key and a bot cannot read a chat back: what may have been sent is uncertain, and only a
//! person may decide. A refusal is certain; some of them are cured by asking otherwise (a parent that is gone, a group that
//! moved), which is then the first time that anything is sent.
//! Source: sheet of 2026-11.

use async_trait::async_trait;
use reqwest::multipart::{Form, Part};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::api::{Failed, Refused};
use super::entities::utf16;
use super::place::{Place, link};
use super::wire::Message as Wire;
use super::{LONGEST_CAPTION, LONGEST_TEXT, MOST_FILES, Telegram, at, refused, rejected};
use crate::channels::{ChannelError, OutFile, Outgoing, Reply, Sent};

/// Larger pictures go as files.
const LARGEST_PHOTO: usize = 10 << 20;
/// How often a refusal may be cured by asking otherwise.
const CURES: usize = 3;

/// A message as it will be asked for.
#[derive(Clone, Debug)]
struct Attempt {
    place: Place,
    answers: Option<i64>,
}

#[async_trait]
impl Reply for Telegram {
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
        let place = Place::read(&outgoing.thread.external_id).ok_or_else(|| {
            ChannelError::rejected("telegram.unknown_thread", "this thread is not one of this channel.")
        })?;
        let kinds = check(outgoing)?;
        // The number of the message answered counts in its own chat only.
        let answers = outgoing.reply_to.as_ref().map(|(_, meta)| meta).filter(|meta| meta["chat"] == place.chat);
        let mut attempt = Attempt { answers: answers.and_then(|meta| meta["message"].as_i64()), place };
        self.show_as_read(&attempt).await;
        for _ in 0..CURES {
            let refused = match self.post(&attempt, outgoing, &kinds).await {
                Ok(answer) => return sent(&attempt.place, &answer),
                Err(Failed::NotSent(error)) => return Err(error),
                Err(Failed::Lost(why)) => return Err(ChannelError::uncertain(why)),
                // Whoever answers with a 5xx does not know what was done.
                Err(Failed::Refused(refused)) if refused.code >= 500 => {
                    return Err(ChannelError::uncertain(format!("status {}", refused.code)));
                }
                Err(Failed::Refused(refused)) => refused,
            };
            attempt = match cure(&attempt, &refused) {
                Some(other) => other,
                None => return Err(refused::of_message(&self.api, &refused)),
            };
        }
        Err(rejected(
            "telegram.refused",
            ("Telegram refuses the message in one way after the other.", "Telegram weigert het bericht keer op keer."),
            ("Answer in the Telegram app.", "Antwoord in de Telegram-app."),
        ))
    }

    async fn find(&self, _outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
        Err(ChannelError::uncertain("a bot cannot look at what it sent"))
    }
}

/// What to ask instead after a refusal; `None` when it is final.
fn cure(attempt: &Attempt, refused: &Refused) -> Option<Attempt> {
    if let Some(to) = refused.migrate_to.filter(|to| *to != attempt.place.chat) {
        // Numbers of messages begin anew in the supergroup.
        return Some(Attempt { place: Place::chat(to), answers: None });
    }
    if refused.code != 400 {
        return None;
    }
    if attempt.answers.is_some() && (refused.says("message to be replied not found") || refused.says("quote_text")) {
        return Some(Attempt { answers: None, ..attempt.clone() });
    }
    if attempt.place.topic.is_some() && refused.says("message thread not found") {
        return Some(Attempt { place: Place { topic: None, ..attempt.place.clone() }, answers: attempt.answers });
    }
    None
}

/// Whether it can be sent at all, and as what each file goes.
fn check(outgoing: &Outgoing) -> Result<Vec<&'static str>, ChannelError> {
    let used = utf16(outgoing.text.trim());
    let (max, why_en, why_nl) = if outgoing.files.is_empty() {
        (LONGEST_TEXT, "", "")
    } else {
        (LONGEST_CAPTION, " with a file", " met een bestand")
    };
    if used > max {
        return Err(rejected(
            "reply.too_long",
            (
                &format!("The message is too long: {used} characters, and {max} are allowed{why_en}."),
                &format!("Het bericht is te lang: {used} tekens, en {max} mag{why_nl}."),
            ),
            (
                "Shorten it, or send it in parts (a long text apart from its files).",
                "Kort het in, of verstuur het in delen (een lange tekst los van de bestanden).",
            ),
        ));
    }
    if outgoing.files.len() > usize::try_from(MOST_FILES).unwrap_or(usize::MAX) {
        return Err(rejected(
            "reply.too_many_files",
            ("At most ten files go in one message.", "In één bericht gaan hooguit tien bestanden."),
            ("Send the others in messages of their own.", "Verstuur de andere in eigen berichten."),
        ));
    }
    if outgoing.files.iter().any(|file| file.mime.parse::<axum::http::HeaderValue>().is_err()) {
        return Err(rejected(
            "reply.file_type",
            ("The type of a file cannot be written.", "Het type van een bestand is niet te schrijven."),
            ("Send it as a PDF or a picture.", "Verstuur het als PDF of als afbeelding."),
        ));
    }
    let kinds: Vec<&'static str> = outgoing.files.iter().map(kind).collect();
    // Together go pictures with films, or sound with sound; any other mixture goes as plain files.
    let visual = kinds.iter().all(|kind| matches!(*kind, "photo" | "video"));
    let sound = kinds.iter().all(|kind| *kind == "audio");
    Ok(if kinds.len() > 1 && !visual && !sound { vec!["document"; kinds.len()] } else { kinds })
}

/// As what a file goes by itself.
fn kind(file: &OutFile) -> &'static str {
    match file.mime.as_str() {
        "image/jpeg" | "image/png" | "image/webp" if file.bytes.len() <= LARGEST_PHOTO => "photo",
        "image/gif" => "animation",
        "video/mp4" => "video",
        "audio/mpeg" | "audio/mp4" | "audio/x-m4a" | "audio/m4a" => "audio",
        _ => "document",
    }
}

impl Telegram {
    async fn post(
        &self,
        attempt: &Attempt,
        outgoing: &Outgoing,
        kinds: &[&'static str],
    ) -> Result<Box<RawValue>, Failed> {
        let mut body = json!({"chat_id": attempt.place.chat});
        if let Some(connection) = &attempt.place.business {
            body["business_connection_id"] = json!(connection);
        }
        if let Some(topic) = attempt.place.topic {
            body["message_thread_id"] = topic.into();
        }
        if let Some(inbox) = attempt.place.inbox {
            body["direct_messages_topic_id"] = inbox.into();
        }
        if let Some(id) = attempt.answers {
            // A parent that was deleted meanwhile must not keep the answer back.
            body["reply_parameters"] = json!({"message_id": id, "allow_sending_without_reply": true});
        }
        let text = outgoing.text.trim();
        match (outgoing.files.as_slice(), kinds) {
            ([], _) => {
                body["text"] = json!(text);
                self.api.call("sendMessage", &body, None).await
            }
            ([file], [kind]) => {
                body["caption"] = json!(text);
                let form = form(&body).part((*kind).to_owned(), part(file));
                self.api.upload(method(kind), form).await
            }
            (files, kinds) => {
                let mut media = Vec::new();
                for (n, kind) in kinds.iter().enumerate() {
                    let mut item = json!({"type": kind, "media": format!("attach://file{n}")});
                    if n == 0 && !text.is_empty() {
                        item["caption"] = json!(text);
                    }
                    media.push(item);
                }
                body["media"] = media.into();
                let mut form = form(&body);
                for (n, file) in files.iter().enumerate() {
                    form = form.part(format!("file{n}"), part(file));
                }
                self.api.upload("sendMediaGroup", form).await
            }
        }
    }

    /// In a business chat the customer sees that somebody has read, as with any shop. Nothing depends on it.
    async fn show_as_read(&self, attempt: &Attempt) {
        let (Some(connection), Some(message)) = (&attempt.place.business, attempt.answers) else { return };
        let may = self.businesses().get(connection).is_none_or(|known| known.rights.can_read_messages);
        if may {
            let body =
                json!({"business_connection_id": connection, "chat_id": attempt.place.chat, "message_id": message});
            let _ = self.api.ask("readBusinessMessage", &body).await;
        }
    }
}

fn method(kind: &str) -> &'static str {
    match kind {
        "photo" => "sendPhoto",
        "animation" => "sendAnimation",
        "video" => "sendVideo",
        "audio" => "sendAudio",
        _ => "sendDocument",
    }
}

/// Nested values travel as JSON in a text field.
fn form(body: &Value) -> Form {
    let mut form = Form::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !text.is_empty() {
            form = form.text(key.clone(), text);
        }
    }
    form
}

fn part(file: &OutFile) -> Part {
    let whole = || Part::stream_with_length(file.bytes.clone(), file.bytes.len() as u64).file_name(file.name.clone());
    whole().mime_str(&file.mime).unwrap_or_else(|_| whole())
}

/// What the platform made of it: one message, or one for each file.
fn sent(place: &Place, answer: &RawValue) -> Result<Sent, ChannelError> {
    let answer: Value = serde_json::from_str(answer.get()).unwrap_or_default();
    let all: Vec<&Value> = match &answer {
        Value::Array(messages) => messages.iter().collect(),
        one => vec![one],
    };
    let first = all.first().and_then(|raw| Wire::read(raw).ok());
    // It was sent; but under which number, nobody can say.
    let Some(first) = first else { return Err(ChannelError::uncertain("the answer cannot be read")) };
    let mut meta = json!({"chat": first.chat.id, "message": first.message_id});
    if let Some(connection) = &place.business {
        meta["business"] = json!(connection);
    }
    if all.len() > 1 {
        meta["messages"] = all.iter().map(|raw| raw["message_id"].clone()).collect();
    }
    let place = Place { chat: first.chat.id, ..place.clone() };
    Ok(Sent {
        external_id: place.message_id(first.message_id),
        url: link(&first.chat, first.message_id),
        at: all.first().and_then(|raw| at(&raw["date"])),
        meta,
    })
}
