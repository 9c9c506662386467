//! What goes wrong: the right class, nothing lost, nothing told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Harness, Inbox, Say, Way, Who};
use crate::channels::Item;
use crate::channels::error::Class;
use crate::channels::fake::{Fault, Rule};

/// The feed that brings what reaches the brand fails like this; what does the runner hear?
async fn class_of<H: Harness>(harness: &H, fault: Fault) -> Class {
    harness.wire().heal();
    harness.wire().inject(Rule::new(H::page().0, fault).always());
    let error = Inbox::new(harness.connect()).pull().await.expect_err("a fault on every call");
    harness.wire().heal();
    assert!(
        !error.cause.en.is_empty()
            && !error.cause.nl.is_empty()
            && !error.cure.en.is_empty()
            && !error.cure.nl.is_empty(),
        "{error:?}"
    );
    error.class
}

pub async fn a_cursor_after_half_a_page_loses_nothing<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let mut expected = Vec::new();
    for n in 0..H::page_size() + 5 {
        expected.push(harness.reach(Who::Customer, format!("vracht <{n}>")).await);
    }
    for way in H::ways() {
        let to = match way {
            Way::Mention => Some(harness.say(Say::post(Who::Other, "een vraag aan iedereen")).await),
            Way::Private => None,
        };
        expected.push(harness.say(Say { to, ..Say::by(*way, Who::Customer, "een antwoord") }).await);
    }
    // Every call fails once in turn, in three ways, before the whole goes through.
    for fault in [Fault::Half, Fault::Cut, Fault::html(502)] {
        for skip in 0..6 {
            harness.wire().heal();
            harness.wire().inject(Rule::new("*", fault.clone()).skip(skip));
            let _ = inbox.pull().await;
            inbox.restart(&harness);
        }
    }
    harness.wire().heal();
    inbox.pull().await.unwrap();
    for id in expected {
        assert!(inbox.messages.contains_key(&id), "{id} was lost");
    }
}

pub async fn an_unreadable_item_is_quarantined_and_its_neighbours_arrive<H: Harness>() {
    for broken in [json!("niet eens een object"), json!(42), json!({"id": {"deep": [1, 2]}}), json!([])] {
        let harness = H::start().await;
        let mut inbox = Inbox::connected(&harness).await;
        harness.reach(Who::Customer, "de eerste").await;
        harness.reach(Who::Customer, "de tweede").await;
        harness.reach(Who::Customer, "de derde").await;
        let (path, pointer) = H::page();
        let change = broken.clone();
        harness.wire().inject(Rule::new(
            path,
            Fault::json(move |page| {
                if let Some(item) =
                    page.pointer_mut(pointer).and_then(Value::as_array_mut).and_then(|items| items.get_mut(1))
                {
                    *item = change.clone();
                }
            }),
        ));
        inbox.pull().await.unwrap();
        assert!(inbox.count("de eerste") == 1 && inbox.count("de derde") == 1, "the neighbours of {broken}");
        assert_eq!(inbox.count("de tweede"), 0);
        assert_eq!(inbox.unreadable.len(), 1, "{broken}");
        assert!(
            inbox.unreadable[0].payload.contains(broken.to_string().as_str()),
            "kept whole: {:?}",
            inbox.unreadable
        );
        assert!(!inbox.unreadable[0].error.is_empty());
        // The page is behind us: it does not come again and again.
        inbox.pull().await.unwrap();
        assert_eq!(inbox.unreadable.len(), 1);
    }
}

pub async fn what_was_quarantined_is_read_again_alone<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    harness.reach(Who::Customer, "de eerste").await;
    let (path, pointer) = H::page();
    // The page as the platform sent it, with its item taken out before we could read it.
    let taken: Arc<Mutex<Option<Value>>> = Arc::default();
    let keep = taken.clone();
    harness.wire().inject(Rule::new(
        path,
        Fault::json(move |page| {
            if let Some(item) =
                page.pointer_mut(pointer).and_then(Value::as_array_mut).and_then(|items| items.get_mut(0))
            {
                *keep.lock().unwrap() = Some(std::mem::replace(item, json!("onleesbaar")));
            }
        }),
    ));
    inbox.pull().await.unwrap();
    assert_eq!((inbox.count("de eerste"), inbox.unreadable.len()), (0, 1));
    let pull = inbox.channel.pull().unwrap();
    let feed = pull.feeds()[0].key;
    let still = pull.reread(feed, &inbox.unreadable[0].payload).await.unwrap();
    assert!(still.items.is_empty() && still.unreadable.len() == 1, "{still:?}");
    let original = taken.lock().unwrap().take().unwrap().to_string();
    let read = pull.reread(feed, &original).await.unwrap();
    let texts: Vec<&str> = read
        .items
        .iter()
        .filter_map(|item| if let Item::Message(message) = item { Some(message.text.as_str()) } else { None })
        .collect();
    assert!(texts.iter().any(|text| text.contains("de eerste")) && read.unreadable.is_empty(), "{read:?}");
}

/// Every place inside a value, as JSON pointers.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    let mut go = |key: &str, inner: &Value| {
        let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        into.push(path.clone());
        places(inner, &path, into);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| go(key, inner)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, inner)| go(&n.to_string(), inner)),
        _ => {}
    }
}

/// Puts `value` at a place, or takes the place away.
fn spoil(item: &mut Value, place: &str, value: Option<&Value>) {
    if let Some(value) = value {
        if let Some(place) = item.pointer_mut(place) {
            *place = value.clone();
        }
        return;
    }
    let (parent, key) = place.rsplit_once('/').unwrap_or_default();
    match item.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => items.clear(),
        _ => {}
    }
}

pub async fn hostile_fields_never_fail_a_page<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    harness.reach(Who::Customer, "het slachtoffer").await;
    harness.reach(Who::Customer, "de buurman").await;
    let cursors = inbox.cursors.clone();
    let (path, pointer) = H::page();

    // What the page looks like, and where the first of the two stands on it.
    let seen: Arc<std::sync::Mutex<Value>> = Arc::default();
    let keep = Arc::clone(&seen);
    harness.wire().inject(
        Rule::new(
            path,
            Fault::json(move |page| {
                if page.to_string().contains("slachtoffer") {
                    *keep.lock().unwrap() = page.clone();
                }
            }),
        )
        .always(),
    );
    inbox.pull().await.unwrap();
    harness.wire().heal();
    let page = seen.lock().unwrap().clone();
    let items = page.pointer(pointer).and_then(Value::as_array).expect("items where the harness says").clone();
    let victim =
        items.iter().position(|item| item.to_string().contains("slachtoffer")).expect("the victim is on the page");
    let mut spots = Vec::new();
    places(&items[victim], "", &mut spots);

    let hostile: Vec<(&str, Option<Value>)> = vec![
        ("missing", None),
        ("null", Some(Value::Null)),
        ("number", Some(json!(-1.5e300))),
        ("text", Some(json!("<script>alert(1)</script><img src=x onerror=alert(1)>\u{0}\u{202e}\u{fffd}"))),
        ("huge", Some(json!("9".repeat(200_000)))),
        ("list", Some(json!([[[[]]], null, 1]))),
        ("object", Some(json!({"id": null, "": {}}))),
    ];
    let channel = harness.connect();
    for spot in spots {
        let is_text = items[victim].pointer(&spot).is_some_and(Value::is_string);
        // Size is the same hazard wherever a text may be; elsewhere the small text already is of the wrong type.
        for (kind, value) in hostile.iter().filter(|(kind, _)| is_text || *kind != "huge") {
            let (spot_in, value_in) = (spot.clone(), value.clone());
            harness.wire().heal();
            harness.wire().inject(Rule::new(
                path,
                Fault::json(move |page| {
                    let Some(item) =
                        page.pointer_mut(pointer).and_then(Value::as_array_mut).and_then(|items| items.get_mut(victim))
                    else {
                        return;
                    };
                    spoil(item, &spot_in, value_in.as_ref());
                }),
            ));
            let mut inbox = Inbox::new(Arc::clone(&channel));
            inbox.cursors.clone_from(&cursors);
            if let Err(error) = inbox.pull().await {
                panic!("{kind} at {spot} failed the page: {error:?}");
            }
            assert!(inbox.count("de buurman") >= 1, "{kind} at {spot} cost the neighbour");
        }
    }
    // Bytes that are no text: the neighbours still arrive.
    harness.wire().heal();
    harness.wire().inject(Rule::new(
        path,
        Fault::Rewrite(Arc::new(|body| {
            let needle = b"slachtoffer";
            match body.windows(needle.len()).position(|window| window == needle) {
                Some(at) => [&body[..at], &[0xff, 0xfe, 0xc3], &body[at + 3..]].concat().into(),
                None => body,
            }
        })),
    ));
    let mut inbox = Inbox::new(harness.connect());
    inbox.cursors = cursors;
    inbox.pull().await.expect("invalid UTF-8 does not fail the page");
    assert!(inbox.count("de buurman") >= 1);
}

pub async fn every_refusal_has_its_class<H: Harness>() {
    let harness = H::start().await;
    let now = harness.clock().now();
    assert_eq!(class_of(&harness, Fault::status(401)).await, Class::Unauthorized);
    assert!(matches!(class_of(&harness, Fault::status(403)).await, Class::Unauthorized | Class::Rejected));
    for gone in [404, 410] {
        assert!(!matches!(class_of(&harness, Fault::status(gone)).await, Class::RateLimited { .. } | Class::Uncertain));
    }
    let in_two_minutes = now.plus(Duration::from_secs(120));
    let date = httpdate::fmt_http_date(
        std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(in_two_minutes.0).unwrap()),
    );
    for retry_after in ["120", date.as_str()] {
        let Class::RateLimited { until } =
            class_of(&harness, Fault::with_headers(429, &[("retry-after", retry_after)])).await
        else {
            panic!("429 is a limit")
        };
        assert!(until.0.abs_diff(in_two_minutes.0) <= 30_000 && until > now, "{retry_after}: {until:?}");
    }
    let Class::RateLimited { until } = class_of(&harness, Fault::status(429)).await else { panic!("429 is a limit") };
    assert!(until > now && until < now.plus(Duration::from_secs(3_600)), "without a header too");
    for status in [500, 502, 503, 504] {
        assert_eq!(class_of(&harness, Fault::html(status)).await, Class::Transient, "{status}");
    }
}

pub async fn a_platform_that_answers_nonsense_is_tried_again<H: Harness>() {
    let harness = H::start().await;
    for fault in [Fault::malformed(), Fault::html(200), Fault::Cut, Fault::CutAfter, Fault::Half] {
        assert_eq!(class_of(&harness, fault).await, Class::Transient);
    }
}

pub async fn a_hanging_platform_is_given_up<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    harness.wire().inject(Rule::new(H::page().0, Fault::Hang));
    tokio::time::pause();
    // Twice, with a pause in between, is within the minute in which the account must be red.
    let within = tokio::time::timeout(std::time::Duration::from_secs(25), inbox.pull());
    let given_up = within.await.expect("given up in time").expect_err("no answer ever comes");
    assert_eq!(given_up.class, Class::Transient);
}

pub async fn errors_never_tell_a_secret<H: Harness>() {
    let harness = H::start().await;
    for fault in [Fault::status(401), Fault::status(403), Fault::status(500), Fault::malformed(), Fault::Cut] {
        harness.wire().heal();
        harness.wire().inject(Rule::new("*", fault).always());
        let channel = harness.connect();
        let errors = [Inbox::new(Arc::clone(&channel)).pull().await.unwrap_err(), channel.probe().await.unwrap_err()];
        for secret in harness.secrets() {
            for error in &errors {
                assert!(!format!("{error:?} {error}").contains(&secret), "{error:?}");
            }
        }
    }
}
