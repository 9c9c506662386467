//! What is particular to a channel whose platform we are. The suite of `contract.rs` plays a platform over the wire; here there is
//! none, so what it promises of replies is asked directly, and what it promises of arrivals in `tests/it/door/visit`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::visit::{Guest, Presented, Rated, Said, VisitedPage, Wrong};
use super::super::{Action, Channel, Client, Context, Draft, MemorySecrets, Outgoing, ThreadRef, registry};
use super::DESCRIPTOR;
use crate::clock::Clock;
use crate::model::{ClaimKind, Direction, Lane, MessageId, MessageKind, ThreadKind, Timestamp};

const NOW: Timestamp = Timestamp(1_772_442_845_000);

fn channel(more: Value) -> Arc<dyn Channel> {
    let mut settings = json!({ "name": "Korst", "origins": "https://korst.example\nhttps://*.korst.example" });
    if let (Some(into), Value::Object(more)) = (settings.as_object_mut(), more) {
        into.extend(more);
    }
    let context = Context {
        client: Client::new(true).unwrap(),
        clock: Clock::manual(NOW),
        settings,
        secrets: Arc::new(MemorySecrets::default()),
        history: Duration::ZERO,
    };
    (DESCRIPTOR.connect)(context).unwrap()
}

fn said(text: &str) -> Said {
    Said {
        external_id: "v-1:c-1".to_owned(),
        guest: Guest { id: "v-1".to_owned(), ..Guest::default() },
        text: text.to_owned(),
        first: true,
        at: NOW,
        ..Said::default()
    }
}

fn message(channel: &Arc<dyn Channel>, said: Said) -> Result<crate::channels::Message, Wrong> {
    channel.visit().unwrap().message(said).map(|(message, _)| message)
}

fn outgoing() -> Outgoing {
    Outgoing {
        key: MessageId::new(),
        attempt: 1,
        written_at: NOW,
        thread: ThreadRef { external_id: "v-1".to_owned(), kind: ThreadKind::Chat, ..ThreadRef::default() },
        reply_to: None,
        text: "Dag".to_owned(),
        content_warning: None,
        visibility: None,
        language: None,
        files: Vec::new(),
        addressed: None,
        forward: false,
        automatic: false,
        subject: None,
        original: None,
    }
}

#[tokio::test]
async fn an_answer_is_sent_at_once_and_has_one_id_however_often_it_is_tried() {
    let (one, two, out) = (channel(json!({})), channel(json!({})), outgoing());
    let first = one.reply().unwrap().deliver(&out).await.unwrap();
    let again = two.reply().unwrap().deliver(&out).await.unwrap();
    let found = two.reply().unwrap().find(&out).await.unwrap().unwrap();
    assert_eq!((&first.external_id, &first.external_id), (&again.external_id, &found.external_id));
}

#[tokio::test]
async fn an_account_is_known_by_its_name_and_sites() {
    let probe = channel(json!({})).probe().await.unwrap();
    assert_eq!((probe.handle.as_str(), probe.url.as_deref()), ("korst.example", Some("https://korst.example")));
    assert!(probe.warnings.is_empty());
    let open = channel(json!({ "origins": "*" })).probe().await.unwrap();
    assert_eq!(open.warnings.len(), 1);
    assert_ne!(open.external_id, probe.external_id);
}

#[test]
fn every_field_of_the_descriptor_has_words_and_its_choices_hold_their_default() {
    assert!(registry::find("webchat").is_some());
    for field in DESCRIPTOR.fields {
        assert!(!field.label.0.is_empty() && !field.label.1.is_empty() && !field.help.1.is_empty(), "{}", field.key);
        if let (false, Some(default)) = (field.options.is_empty(), field.default) {
            assert!(field.options.iter().any(|(value, _)| *value == default), "{}", field.key);
        }
    }
}

#[test]
fn what_may_be_said_is_data() {
    let channel = channel(json!({}));
    let thread = ThreadRef::default();
    let allowance = channel.allowance(&thread, &Value::Null);
    assert!(allowance.may_reply && allowance.attachments.max == 4 && allowance.limit.max == 10_000);
    assert!(!allowance.attachments.mimes.iter().any(|mime| mime.contains("html") || mime.contains("svg")));
    let text = "a".repeat(10_001);
    let draft = Draft { thread: &thread, reply_to: None, text: &text, content_warning: None, visibility: None };
    let measure = channel.measure(&draft, &Value::Null);
    assert!(measure.over && measure.parts.unwrap().concat() == text);
    let moderate = channel.moderate().unwrap();
    assert_eq!(moderate.actions(true, Lane::Private), [Action::Delete]);
    assert_eq!(moderate.actions(false, Lane::Private), [Action::Block, Action::Unblock]);
    let gone = channel.allowance(&thread, &json!({ "thread": { "went_on": "v-2" } }));
    assert!(!gone.may_reply && gone.words.is_some(), "nobody would see the answer");
}

#[test]
fn a_visitor_is_told_what_was_filled_in_and_nothing_secret() {
    let channel = channel(json!({
        "greeting": "Dag!", "hours": "mon-fri 09:00-17:00", "prechat": "name*\ntopic: Onderwerp = A, B", "quick_replies": "Waar is mijn bestelling?",
        "triggers": "30s /winkel/* Hulp nodig?", "files": false, "rating": false, "when_closed": "chat", "identity_secret": "never",
    }));
    let visit = channel.visit().unwrap();
    let config = visit.config("en-GB", Timestamp(NOW.0 - 86_400_000));
    // Sunday 1 March 2026.
    assert!(!config.open && config.opens_at == Some(Timestamp(1_772_438_400_000)) && config.expected_wait.is_none());
    assert_eq!((config.language.as_str(), config.prechat.len(), config.triggers.len()), ("en", 2, 1));
    assert!(config.files.is_none() && !config.rating && config.when_closed == "chat");
    assert!(!serde_json::to_string(&config).unwrap().contains("never"));
    assert_eq!(visit.config("fr", NOW).language, "nl");
    assert!(visit.takes(b"\x89PNG\r\n\x1a\n").is_none(), "files are switched off");
}

#[test]
fn words_become_a_message_of_their_visitor() {
    let channel = channel(json!({ "prechat": "name*\nemail\ntopic*: Onderwerp = Bestelling, Retour" }));
    let mut said = said("Waar blijft het?\n");
    said.page =
        Some(VisitedPage { url: "https://korst.example/a".to_owned(), title: "Brood".to_owned(), referrer: None });
    said.answers = json!({ "name": "Sanne", "email": "Sanne@X.nl", "topic": "Retour", "unknown": "x" })
        .as_object()
        .unwrap()
        .clone();
    let message = message(&channel, said).unwrap();
    assert_eq!(
        (message.direction, message.kind, message.text.as_str()),
        (Direction::In, MessageKind::Chat, "Waar blijft het?")
    );
    assert_eq!((message.thread.external_id.as_str(), message.thread.kind), ("v-1", ThreadKind::Chat));
    assert_eq!((message.author.name.as_str(), message.author.handle.as_str()), ("Sanne", "sanne@x.nl"));
    let claim = &message.author.claims[0];
    assert_eq!((claim.kind, claim.value.as_str(), claim.verified), (ClaimKind::Email, "sanne@x.nl", false));
    let fields: Vec<String> = message.fields.iter().map(|field| format!("{}={}", field.label, field.value)).collect();
    assert_eq!(
        fields,
        ["Naam=Sanne", "E-mailadres=Sanne@X.nl", "Onderwerp=Retour", "Pagina=Brood (https://korst.example/a)"]
    );
}

#[test]
fn what_is_asked_must_be_answered_before_the_first_words_only() {
    let channel = channel(json!({ "prechat": "name*\ntopic: Onderwerp = A, B" }));
    assert_eq!(message(&channel, said("dag")).unwrap_err(), Wrong::Missing("name".to_owned()));
    let later = Said { first: false, ..said("dag") };
    assert!(message(&channel, later).is_ok());
    let mut odd = said("dag");
    odd.answers = json!({ "name": "S", "topic": "C" }).as_object().unwrap().clone();
    assert_eq!(message(&channel, odd).unwrap_err(), Wrong::Invalid("topic".to_owned()));
    let mut odd = said("dag");
    odd.answers = json!({ "name": "S", "email": "no address" }).as_object().unwrap().clone();
    assert_eq!(message(&channel, odd).unwrap_err(), Wrong::Invalid("email".to_owned()));
    assert_eq!(
        message(
            &channel,
            Said {
                left: true,
                first: false,
                guest: Guest { name: Some("S".to_owned()), ..Guest::default() },
                ..said("dag")
            }
        )
        .unwrap_err(),
        Wrong::Missing("email".to_owned())
    );
    assert_eq!(message(&channel, Said { first: false, ..said(" \n") }).unwrap_err(), Wrong::Empty);
    assert_eq!(message(&channel, Said { first: false, ..said(&"x".repeat(10_001)) }).unwrap_err(), Wrong::TooLong);
}

#[test]
fn a_signed_address_is_not_overwritten_by_a_typed_one() {
    let channel = channel(json!({}));
    let guest = Guest {
        id: "v-1".to_owned(),
        customer: Some("u-1".to_owned()),
        name: Some("Sanne".to_owned()),
        email: Some("sanne@x.nl".to_owned()),
        email_verified: true,
        ..Guest::default()
    };
    let mut said = Said { guest, ..said("dag") };
    said.answers = json!({ "name": "Iemand", "email": "iemand@elders.nl" }).as_object().unwrap().clone();
    let message = message(&channel, said).unwrap();
    assert_eq!(message.author.name, "Sanne");
    let claims: Vec<_> = message.author.claims.iter().map(|c| (c.kind, c.value.as_str(), c.verified)).collect();
    assert_eq!(claims, [(ClaimKind::Email, "sanne@x.nl", true), (ClaimKind::Customer, "u-1", true)]);
}

#[test]
fn what_is_left_is_answered_at_the_address_that_was_typed() {
    let channel = channel(json!({}));
    let known = Guest {
        id: "v-1".to_owned(),
        customer: Some("u-1".to_owned()),
        email: Some("sanne@x.nl".to_owned()),
        email_verified: true,
        ..Guest::default()
    };
    let mut left = Said { guest: known, left: true, ..said("Bel mij") };
    let address = |said: Said| message(&channel, said).unwrap().answer_at.unwrap().address;
    assert_eq!(address(left.clone()), "sanne@x.nl");
    left.answers = json!({ "email": " Werk@Y.nl" }).as_object().unwrap().clone();
    assert_eq!(address(left.clone()), "werk@y.nl");
    let (_, after) = channel.visit().unwrap().message(left).unwrap();
    assert_eq!(after.email.as_deref(), Some("sanne@x.nl"), "what is proven stays theirs");
}

#[test]
fn a_visitor_without_a_name_can_be_told_from_the_next() {
    let channel = channel(json!({}));
    let name = |id: &str| {
        let guest = Guest { id: id.to_owned(), ..Guest::default() };
        message(&channel, Said { guest, ..said("dag") }).unwrap().author.name
    };
    assert!(name("019abc-1234").starts_with("Bezoeker ") && name("019abc-1234") != name("019abc-9876"));
}

#[test]
fn a_rating_asks_for_nothing() {
    let channel = channel(json!({}));
    let rated = Rated {
        external_id: "v-1:rating:x".to_owned(),
        score: 4,
        comment: "Snel\u{7}".to_owned(),
        at: NOW,
        ..Rated::default()
    };
    let message = channel.visit().unwrap().rating(rated.clone()).unwrap();
    assert!(message.automatic.is_some() && message.text == "★★★★☆\nSnel");
    assert!(message.fields.is_empty(), "a later rating replaces the words, and only the words");
    assert!(channel.visit().unwrap().rating(Rated { score: 6, ..rated }).is_none());
}

#[test]
fn a_file_is_what_its_content_says() {
    let channel = channel(json!({}));
    let visit = channel.visit().unwrap();
    assert_eq!(visit.takes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some("image/png"));
    assert_eq!(visit.takes(b"%PDF-1.7 x"), Some("application/pdf"));
    for refused in [
        &b"<!doctype html><script>alert(1)</script>"[..],
        b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
        b"MZ\x90\0",
        b"\x7fELF\x02\x01\x01\0",
        b"#!/bin/sh\nrm -rf /",
        b"PK\x03\x04",
        b"",
        b"just text",
    ] {
        assert_eq!(visit.takes(refused), None, "{refused:?}");
    }
}

#[test]
fn agents_have_the_name_that_was_chosen() {
    let named = |how: &str| channel(json!({ "agent_names": how })).visit().unwrap().called("Noor de Wit");
    assert_eq!(named("first").as_deref(), Some("Noor"));
    assert_eq!(named("full").as_deref(), Some("Noor de Wit"));
    assert_eq!(named("nobody"), None);
}

#[test]
fn what_is_only_told_is_tidied() {
    let channel = channel(json!({}));
    let told = channel.visit().unwrap().tidy(&Presented {
        name: Some(format!(" {} ", "n".repeat(500))),
        email: Some("nonsense".to_owned()),
        phone: Some("06 12345678".to_owned()),
        avatar_url: Some("javascript:alert(1)".to_owned()),
        ..Presented::default()
    });
    assert_eq!((told.name.map(|name| name.len()), told.email, told.avatar_url), (Some(100), None, None));
    assert_eq!(told.phone.as_deref(), Some("+31612345678"));
}
