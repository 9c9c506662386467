//! From an event to items. Pure: nothing is looked up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::wire;
use crate::channels::{Author, ChannelError, Class, File, Item, Message, ThreadRef, Words, claims, html};
use crate::model::{Answered, AttachmentKind, Direction, Lane, MessageKind, ReceiptState, ThreadKind, Timestamp};

/// Reads an event. Nothing for a ping.
///
/// # Errors
/// A sentence for whoever builds the sending system: which field, and what was expected.
pub fn event(text: &str, system: &str, now: Timestamp) -> Result<Vec<Item>, String> {
    let event: wire::Event = serde_json::from_str(text).map_err(|error| format!("this is no event: {error}"))?;
    let at = event.timestamp;
    Ok(match event.kind.as_str() {
        "message.created" => vec![Item::Message(Box::new(message(data(event.data)?, system, at, now)?))],
        "message.updated" => {
            let mut message = message(data(event.data)?, system, at, now)?;
            // An edit without a time of its own is as new as its event.
            message.edited_at = message.edited_at.or(at).or(Some(now));
            vec![Item::Message(Box::new(message))]
        }
        "message.deleted" => {
            let deleted: wire::Deleted = data(event.data)?;
            vec![Item::Removed { external_id: deleted.external_id, at: deleted.deleted_at.or(at) }]
        }
        "message.status" => vec![receipt(data(event.data)?, at)?],
        "thread.solved" => {
            let solved: wire::Solved = data(event.data)?;
            vec![Item::Solved {
                thread: solved.thread.external_id,
                by: solved.by,
                url: solved.url,
                at: solved.at.or(at),
            }]
        }
        "ping" => Vec::new(),
        other => {
            return Err(format!(
                "\"{other}\" is no type of event; there are message.created, message.updated, message.deleted, message.status, thread.solved and ping"
            ));
        }
    })
}

fn data<T: DeserializeOwned>(data: Value) -> Result<T, String> {
    serde_json::from_value(data).map_err(|error| format!("data: {error}"))
}

fn message(message: wire::Message, system: &str, at: Option<Timestamp>, now: Timestamp) -> Result<Message, String> {
    let lane = match message.thread.lane.as_deref() {
        None | Some("private") => Lane::Private,
        Some("public") => Lane::Public,
        Some(other) => return Err(format!("data.thread.lane: \"{other}\" is neither private nor public")),
    };
    let html = message.html.as_deref().map(html::sanitise).filter(|html| !html.is_empty());
    let text = match message.text.trim() {
        "" => html.as_deref().map(html::to_text).unwrap_or_default(),
        text => text.to_owned(),
    };
    let files = message.attachments.into_iter().enumerate().map(|(at, file)| attachment(file, at));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    if text.is_empty() && files.is_empty() && message.fields.is_empty() {
        return Err("data: a message needs text, html, fields or attachments".to_owned());
    }
    let (direction, author) = match message.direction {
        wire::Direction::In => (Direction::In, author(message.author, system)?),
        wire::Direction::Out => (Direction::Out, ours(message.author, system)),
    };
    let private = lane == Lane::Private;
    Ok(Message {
        external_id: message.external_id,
        thread: ThreadRef {
            external_id: message.thread.external_id,
            lane,
            kind: if private { ThreadKind::Dm } else { ThreadKind::Post },
            title: message.thread.subject.filter(|subject| !subject.trim().is_empty()),
            url: message.thread.url,
        },
        author,
        direction,
        kind: if private { MessageKind::Dm } else { MessageKind::Mention },
        text,
        html,
        language: message.language,
        sent_at: message.sent_at.or(at).unwrap_or(now),
        edited_at: message.edited_at,
        reply_to: message.reply_to,
        url: message.url,
        files,
        fields: message.fields.into_iter().map(|one| Answered { label: one.label, value: one.value }).collect(),
        due_at: message.due_at,
        meta: json!({ "metadata": message.metadata }),
        ..Message::default()
    })
}

fn author(person: wire::Person, system: &str) -> Result<Author, String> {
    let email = person.email.as_deref().and_then(|email| claims::email(email, person.verified));
    let phone = person.phone.as_deref().and_then(|phone| claims::phone(phone, None, person.verified));
    let own = person.external_id.clone().or_else(|| person.customer.clone());
    let key = own
        .or_else(|| email.as_ref().map(|claim| claim.value.clone()))
        .or_else(|| phone.as_ref().map(|claim| claim.value.clone()))
        .ok_or("data.author: who says it? Give external_id, customer, a whole e-mail address or a number with +")?;
    let handle = person.email.clone().or(person.phone.clone()).unwrap_or_else(|| key.clone());
    let customer = person.customer.as_deref().and_then(|customer| claims::customer(customer, person.verified));
    Ok(Author {
        external_id: scoped(system, &key),
        name: person.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| handle.clone()),
        handle,
        avatar_url: person.avatar_url,
        url: person.url,
        claims: [email, phone, customer].into_iter().flatten().collect(),
    })
}

fn ours(person: wire::Person, system: &str) -> Author {
    Author {
        external_id: scoped(system, person.external_id.as_deref().unwrap_or_default()),
        handle: system.to_owned(),
        name: person.name.unwrap_or_else(|| system.to_owned()),
        ..Author::default()
    }
}

/// Two systems may number their customers alike.
fn scoped(system: &str, key: &str) -> String {
    format!("{}:{key}", system.to_lowercase())
}

fn attachment(file: wire::Attachment, at: usize) -> Result<File, String> {
    let content = match &file.content {
        None => None,
        Some(text) => {
            let bytes = STANDARD.decode(text).map_err(|_| format!("data.attachments[{at}].content is no base64"))?;
            Some(bytes::Bytes::from(bytes))
        }
    };
    let url = file.url.unwrap_or_default();
    let web = url.starts_with("https://") || url.starts_with("http://");
    if content.is_none() && !web {
        return Err(format!("data.attachments[{at}] needs a url (http or https) or content (base64)"));
    }
    let kind = match file.content_type.as_deref().and_then(|mime| mime.split('/').next()) {
        Some("image") => AttachmentKind::Image,
        Some("video") => AttachmentKind::Video,
        Some("audio") => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    };
    let size = content.as_ref().map(|bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX)).or(file.size);
    let url = if content.is_some() { String::new() } else { url };
    Ok(File { kind, url, content, mime: file.content_type, name: file.name, alt: file.alt, size, ..File::default() })
}

fn receipt(status: wire::Status, at: Option<Timestamp>) -> Result<Item, String> {
    let state = match status.status.as_str() {
        "delivered" => ReceiptState::Delivered,
        "read" => ReceiptState::Read,
        "failed" => ReceiptState::Failed,
        other => return Err(format!("data.status: \"{other}\" is none of delivered, read and failed")),
    };
    let error = (state == ReceiptState::Failed).then(|| {
        let said: String = status.error.unwrap_or_default().trim().chars().take(300).collect();
        let said = if said.is_empty() { ".".to_owned() } else { format!(": {said}") };
        Box::new(ChannelError::new(
            Class::Rejected,
            "api.failed",
            Words::new(
                format!("The system could not deliver it{said}"),
                format!("Het systeem kon het niet afleveren{said}"),
            ),
            Words::new(
                "Look in that system, or reach the customer another way.",
                "Kijk in dat systeem, of bereik de klant op een andere manier.",
            ),
        ))
    });
    Ok(Item::Receipt { external_id: status.external_id, state, at: status.at.or(at), error })
}
