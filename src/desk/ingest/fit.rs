//! Every text of a batch made fit to be kept: once, before anything is done with it.
//!
//! Promises: whatever a stranger puts into a name, a title or an id, the batch it came in can be stored.

use serde_json::Value;

use super::text::clean_json;
use crate::channels::{Author, Batch, Item, Message, ThreadRef, Words};

/// The batch without what a database has no room for. See [`super::clean`].
pub fn fit(mut batch: Batch) -> Batch {
    batch.items.iter_mut().for_each(item);
    for unreadable in &mut batch.unreadable {
        text(&mut unreadable.payload);
        text(&mut unreadable.error);
    }
    batch.next.iter_mut().for_each(json);
    batch
}

fn item(item: &mut Item) {
    match item {
        Item::Message(one) => message(one),
        Item::Removed { external_id, at: _ } => text(external_id),
        Item::Receipt { external_id, state: _, at: _, error } => {
            text(external_id);
            if let Some(error) = error {
                text(&mut error.code);
                words(&mut error.cause);
                words(&mut error.cure);
            }
        }
        Item::Reaction { external_id, author: who, emoji, at: _ } => {
            text(external_id);
            author(who);
            emoji.iter_mut().for_each(text);
        }
        Item::Moved { from, to } => {
            text(from);
            thread(to);
        }
        Item::Remember { thread, memory } => {
            text(thread);
            json(memory);
        }
        Item::Solved { thread, by, url, at: _ } => {
            text(thread);
            text(by);
            url.iter_mut().for_each(text);
        }
    }
}

fn message(message: &mut Message) {
    thread(&mut message.thread);
    author(&mut message.author);
    for one in [&mut message.external_id, &mut message.text] {
        text(one);
    }
    for one in [
        &mut message.html,
        &mut message.language,
        &mut message.content_warning,
        &mut message.visibility,
        &mut message.reply_to,
        &mut message.url,
        &mut message.quoted,
    ] {
        one.iter_mut().for_each(text);
    }
    message.follows.iter_mut().for_each(text);
    for file in &mut message.files {
        text(&mut file.url);
        for one in [&mut file.content_id, &mut file.mime, &mut file.name, &mut file.alt] {
            one.iter_mut().for_each(text);
        }
    }
    if let Some(source) = &mut message.source {
        text(&mut source.mime);
    }
    if let Some(all) = &mut message.recipients {
        for some in [&mut all.to, &mut all.cc, &mut all.bcc, &mut all.reply, &mut all.reply_all] {
            for mailbox in some {
                text(&mut mailbox.address);
                text(&mut mailbox.name);
            }
        }
    }
    for field in &mut message.fields {
        text(&mut field.label);
        text(&mut field.value);
    }
    if let Some(at) = &mut message.answer_at {
        text(&mut at.address);
        at.name.iter_mut().for_each(text);
        text(&mut at.subject);
    }
    json(&mut message.meta);
}

fn thread(thread: &mut ThreadRef) {
    text(&mut thread.external_id);
    thread.title.iter_mut().for_each(text);
    thread.url.iter_mut().for_each(text);
}

fn author(author: &mut Author) {
    for one in [&mut author.external_id, &mut author.handle, &mut author.name] {
        text(one);
    }
    author.avatar_url.iter_mut().for_each(text);
    author.url.iter_mut().for_each(text);
    for claim in &mut author.claims {
        text(&mut claim.value);
    }
}

fn words(words: &mut Words) {
    text(&mut words.en);
    text(&mut words.nl);
}

fn text(text: &mut String) {
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
}

fn json(value: &mut Value) {
    *value = clean_json(value);
}
