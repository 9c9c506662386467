//! Answers recorded from the reference servers (@atproto/dev-env 0.6.7, 2026-11-22), read.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::thread::Judge;
use super::super::wire::{Node, Notification, PostView};
use crate::model::{Direction, MessageKind, Timestamp};

fn recorded(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The brand of the recordings: who wrote the post that began the thread.
fn brand() -> String {
    let thread = recorded(include_str!("../fixtures/thread.json"));
    thread["thread"]["parent"]["post"]["author"]["did"].as_str().unwrap().to_owned()
}

#[test]
fn a_recorded_page_of_notifications_is_read_whole() {
    let page = recorded(include_str!("../fixtures/notifications.json"));
    let notes: Vec<Notification> =
        page["notifications"].as_array().unwrap().iter().map(|n| Notification::deserialize(n).unwrap()).collect();
    let reasons: Vec<&str> = notes.iter().map(|note| note.reason.as_str()).collect();
    // A quote that mentions is a mention. The reply under the question is in the thread's recording and not in this one: it was
    // indexed before what it answers, and then the index tells nobody. That is what the feed of our own posts is for.
    assert_eq!(reasons, ["mention", "mention", "mention"]);
    assert!(notes.iter().all(|note| Timestamp::parse_rfc3339(&note.indexed_at).is_some()));
}

#[test]
fn a_recorded_thread_finds_its_threads_texts_and_files() {
    let brand = brand();
    let tree = Node::read(&recorded(include_str!("../fixtures/thread.json"))["thread"]).unwrap();
    let nobody = HashMap::new();
    let messages = Judge { brand: &brand, notified: &nobody, history_before: 0 }.read(&tree);
    let said: Vec<(Direction, MessageKind, &str)> =
        messages.iter().map(|m| (m.direction, m.kind, m.text.as_str())).collect();
    assert_eq!(
        said,
        [
            (Direction::Context, MessageKind::Post, "Onze winkel in Delft is zondag open."),
            (
                Direction::In,
                MessageKind::Mention,
                "👩‍👩‍👧 @brand.test tot hoe laat? https://merk.example/openingstijden?plaats=delft"
            ),
            (Direction::Out, MessageKind::Reply, "Tot vijf uur!"),
            (Direction::In, MessageKind::Reply, "dat wil ik ook weten"),
        ]
    );
    let question = &messages[1];
    assert!(messages.iter().all(|message| message.thread.external_id == question.external_id));
    assert_eq!(
        question.reply_to.as_deref(),
        Some(messages[0].external_id.as_str()),
        "it stands under the brand's post"
    );
    assert_eq!((question.author.handle.as_str(), question.author.name.as_str()), ("customer.test", "K. Lant 📦"));
    assert_eq!(question.language.as_deref(), Some("nl"));
    let file = &question.files[0];
    assert_eq!((file.alt.as_deref(), file.width, file.height), (Some("de dichte deur"), Some(1200), Some(800)));
    assert!(file.url.contains("/img/feed_fullsize/"));
    assert!(question.html.as_deref().unwrap().contains("href=\"https://merk.example/openingstijden?plaats=delft\""));
}

#[test]
fn recorded_cards_and_quotes_keep_their_addresses() {
    let brand = brand();
    let nobody = HashMap::new();
    let judge = Judge { brand: &brand, notified: &nobody, history_before: 0 };
    let posts = recorded(include_str!("../fixtures/posts.json"));
    let read = |n: usize| judge.alone(&PostView::deserialize(&posts["posts"][n]).unwrap()).pop().unwrap();
    let quote = read(1);
    assert!(quote.text.starts_with("kijk @brand.test nou\n\nhttps://bsky.app/profile/did:plc:"), "{}", quote.text);
    assert_eq!(quote.direction, Direction::In);
    assert_eq!(read(2).text, "@brand.test lees dit\n\nhttps://nieuws.example/artikel");
}

#[test]
fn a_recorded_hole_in_a_thread_still_asks_for_an_answer() {
    let brand = brand();
    let recorded = recorded(include_str!("../fixtures/thread_with_hole.json"));
    let tree = Node::read(&recorded["thread"]).unwrap();
    let nobody = HashMap::new();
    let messages = Judge { brand: &brand, notified: &nobody, history_before: 0 }.read(&tree);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].direction, Direction::In, "the brand began the thread");
    assert_eq!(messages[0].thread.external_id, recorded["thread"]["parent"]["uri"].as_str().unwrap());
}
