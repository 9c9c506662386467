//! What cannot be answered from here: answered there and written down, and calls that agents write down.

use std::time::Duration;

use balie::channels::matrix::fake::Platform;
use balie::channels::{Batch, Item, Message, ThreadRef};
use balie::desk::DeskError;
use balie::desk::accounts::{AccountChange, NewAccount};
use balie::desk::call::NewCall;
use balie::desk::elsewhere::AnsweredElsewhere;
use balie::model::{AccountId, Direction, Lane, MessageKind, Origin, Status, ThreadKind};
use balie::store::Actor;
use balie::store::accounts::Account;
use serde_json::{Value, json};
use sqlx::types::Json;

use crate::on_both_engines;
use crate::support::{Fixture, START};

/// Another account on this desk, on a channel that cannot be answered from here.
async fn account(desk: &Fixture, channel: &str, settings: Value) -> Account {
    let account = Account {
        id: AccountId::new(),
        channel: channel.to_owned(),
        external_id: channel.to_owned(),
        name: channel.to_owned(),
        settings: Json(settings),
        ..desk.account.clone()
    };
    let mut tx = desk.store.begin(Actor::System).await.unwrap();
    tx.insert_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    account
}

/// An entry of a feed, in a conversation that Sanne has claimed.
async fn entry(desk: &Fixture) -> (balie::model::ConversationId, AnsweredElsewhere) {
    let feed = account(desk, "feed", json!({"url": "https://blog.example/feed.xml"})).await;
    let message = Message {
        external_id: "e-1".to_owned(),
        thread: ThreadRef {
            external_id: "e-1".to_owned(),
            lane: Lane::Public,
            kind: ThreadKind::Feed,
            title: Some("Nooit meer".to_owned()),
            url: Some("https://blog.example/1".to_owned()),
        },
        kind: MessageKind::Item,
        text: "Nooit meer!".to_owned(),
        sent_at: START,
        ..Message::default()
    };
    let batch = Batch { items: vec![Item::Message(Box::new(message))], ..Batch::default() };
    desk.desk.ingest(&feed, "entries", &batch).await.unwrap();
    let id = desk.only(Status::Open).await;
    let claim = desk.desk.claim(&desk.sanne, id).await.unwrap();
    let open = desk.desk.open(&desk.sanne, id).await.unwrap();
    let thread = &open.threads[0];
    let hand_off = thread.allowance.hand_off.as_ref().expect("where to answer instead");
    assert!(!thread.allowance.may_reply && hand_off.url.as_deref() == Some("https://blog.example/1"));
    let answered = AnsweredElsewhere {
        thread_id: thread.id,
        text: Some("Wij hebben gereageerd onder het artikel.".to_owned()),
        url: Some("https://blog.example/1#reactie-7".to_owned()),
        claim_token: claim.token,
        seen_version: thread.version,
        seen_count: Some(open.row.message_count),
        then: Status::Closed,
        outcome: None,
    };
    (id, answered)
}

/// Somebody called, and it is settled.
async fn call_to(desk: &Fixture) -> NewCall {
    let phone = account(desk, "phone", json!({"number": "+31201234567", "country": "+31", "language": "nl"})).await;
    NewCall {
        account_id: phone.id,
        direction: Direction::In,
        number: Some("06-12345678".to_owned()),
        name: None,
        notes: "Waar blijft haar pakket?".to_owned(),
        outcome: None,
        at: None,
        call_back_at: None,
        then: Status::Closed,
    }
}

fn refused(result: Result<balie::desk::view::Message, DeskError>) -> &'static str {
    match result {
        Err(DeskError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

on_both_engines! {
    async fn what_was_answered_elsewhere_stands_in_the_timeline(fixture) {
        let (id, answered) = entry(&fixture).await;
        let desk = &fixture.desk;
        let message = desk.answered_elsewhere(&fixture.sanne, id, &answered, "k-1").await.unwrap();
        assert_eq!((message.direction, message.origin), (Direction::Out, Origin::Elsewhere));
        assert_eq!(message.url.as_deref(), Some("https://blog.example/1#reactie-7"));
        assert_eq!(message.author.user_id, Some(fixture.sanne.user_id));
        assert!(message.delivery.is_none(), "nothing is sent to anybody");
        let row = desk.open(&fixture.sanne, id).await.unwrap().row;
        assert_eq!((row.status, row.waiting_since, row.claim.is_none()), (Status::Closed, None, true));
        // The same request again is the same answer; the key for something else is refused.
        let again = desk.answered_elsewhere(&fixture.sanne, id, &answered, "k-1").await.unwrap();
        assert_eq!(again.id, message.id);
        let other = AnsweredElsewhere { text: Some("anders".to_owned()), ..answered };
        assert_eq!(refused(desk.answered_elsewhere(&fixture.sanne, id, &other, "k-1").await), "idempotency.reused");
        assert_eq!(desk.open(&fixture.sanne, id).await.unwrap().messages.len(), 2);
        assert!(desk.lease_deliveries("n", Duration::from_secs(60), 10, &[]).await.unwrap().is_empty());
    }

    async fn the_rules_of_a_reply_hold_for_an_answer_elsewhere(fixture) {
        let (id, answered) = entry(&fixture).await;
        let desk = &fixture.desk;
        let lost = desk.answered_elsewhere(&fixture.daan, id, &answered, "k-1").await;
        assert!(matches!(lost, Err(DeskError::ClaimLost)), "{lost:?}");
        let stale = AnsweredElsewhere { claim_token: answered.claim_token - 1, ..answered.clone() };
        assert!(matches!(desk.answered_elsewhere(&fixture.sanne, id, &stale, "k-2").await, Err(DeskError::ClaimLost)));
        let unseen = AnsweredElsewhere { seen_version: answered.seen_version - 1, ..answered.clone() };
        assert!(matches!(desk.answered_elsewhere(&fixture.sanne, id, &unseen, "k-3").await, Err(DeskError::ThreadMoved { .. })));
        for (text, url, code) in [
            (None, None, "elsewhere.empty"),
            (Some("  "), Some(""), "elsewhere.empty"),
            (Some("ja"), Some("javascript:alert(1)"), "elsewhere.url"),
            (Some("ja"), Some("blog.example"), "elsewhere.url"),
        ] {
            let wrong = AnsweredElsewhere {
                text: text.map(str::to_owned), url: url.map(str::to_owned), ..answered.clone()
            };
            assert_eq!(refused(desk.answered_elsewhere(&fixture.sanne, id, &wrong, "k-4").await), code);
        }
        let long = AnsweredElsewhere { text: Some("x".repeat(20_001)), ..answered.clone() };
        assert_eq!(refused(desk.answered_elsewhere(&fixture.sanne, id, &long, "k-5").await), "elsewhere.too_long");
        let only_url = AnsweredElsewhere { text: None, ..answered };
        let message = desk.answered_elsewhere(&fixture.sanne, id, &only_url, "k-6").await.unwrap();
        assert_eq!(message.text, "https://blog.example/1#reactie-7");
    }

    async fn what_can_be_answered_from_here_is_answered_from_here(fixture) {
        fixture.arrives(crate::support::mention("1", "noor", "hoi", 0)).await;
        let id = fixture.only(Status::Open).await;
        let claim = fixture.desk.claim(&fixture.sanne, id).await.unwrap();
        let thread = fixture.desk.open(&fixture.sanne, id).await.unwrap().threads.remove(0);
        let answered = AnsweredElsewhere {
            thread_id: thread.id, text: Some("al gedaan".to_owned()), url: None, claim_token: claim.token,
            seen_version: thread.version, seen_count: None, then: Status::Closed, outcome: None,
        };
        let code = refused(fixture.desk.answered_elsewhere(&fixture.sanne, id, &answered, "k").await);
        assert_eq!(code, "elsewhere.not_needed");
    }

    async fn a_call_stands_in_the_timeline_and_comes_back_when_they_are_called_back(fixture) {
        let phone = account(&fixture, "phone", json!({"number": "+31201234567", "country": "+31", "language": "nl"})).await;
        let desk = &fixture.desk;
        let back = balie::model::Timestamp(START.0 + 3_600_000);
        let call = NewCall {
            account_id: phone.id, direction: Direction::In, number: Some("06-12345678".to_owned()), name: Some("Noor".to_owned()),
            notes: "Waar blijft haar pakket?".to_owned(), outcome: Some("uitgezocht".to_owned()), at: None,
            call_back_at: Some(back), then: Status::Closed,
        };
        let noted = desk.note_call(&fixture.sanne, &call, "k-1").await.unwrap();
        assert_eq!((noted.message.kind, noted.message.direction), (MessageKind::Call, Direction::In));
        assert_eq!(noted.message.extra.as_ref().unwrap().fields[2].value, "uitgezocht");
        let row = &noted.conversation;
        assert_eq!((row.status, row.snoozed_until, row.due_at), (Status::Snoozed, Some(back), Some(back)));
        // Again: the same note, and what happened since stands.
        desk.set_status(&fixture.sanne, row.id, Status::Open, None, None).await.unwrap();
        let again = desk.note_call(&fixture.sanne, &call, "k-1").await.unwrap();
        assert_eq!((again.message.id, again.conversation.status), (noted.message.id, Status::Open));
        desk.snooze(&fixture.sanne, row.id, back, None).await.unwrap();
        fixture.later(Duration::from_secs(3_601));
        assert_eq!(desk.wake_snoozed().await.unwrap(), 1);
        assert_eq!(fixture.only(Status::Open).await, row.id);
        // They are called back; that call stands in the same conversation and closes it.
        let back = NewCall {
            direction: Direction::Out, number: Some("+31 6 1234 5678".to_owned()), call_back_at: None,
            outcome: Some("bezorgd".to_owned()), ..call.clone()
        };
        let done = desk.note_call(&fixture.sanne, &back, "k-2").await.unwrap();
        assert_eq!((done.conversation.id, done.conversation.status), (row.id, Status::Closed));
        assert_eq!(done.conversation.outcome.as_deref(), Some("bezorgd"));
        assert_eq!(done.conversation.waiting_since, None);
        let open = desk.open(&fixture.sanne, row.id).await.unwrap();
        assert_eq!(open.messages.len(), 2);
        assert_eq!(open.threads[0].allowance.hand_off.as_ref().unwrap().url.as_deref(), Some("tel:+31612345678"));

        let call = NewCall { call_back_at: None, ..call };
        let code = |result: Result<balie::desk::call::Noted, DeskError>| match result {
            Err(DeskError::Refused { code, .. }) => code.to_owned(),
            Err(DeskError::Channel(error)) => error.code,
            other => panic!("{other:?}"),
        };
        for (wrong, expected) in [
            (NewCall { notes: " ".to_owned(), ..call.clone() }, "call.empty"),
            (NewCall { notes: "x".repeat(20_001), ..call.clone() }, "call.too_long"),
            (NewCall { at: Some(balie::model::Timestamp(START.0 + 86_400_000)), ..call.clone() }, "call.at"),
            (NewCall { call_back_at: Some(START), ..call.clone() }, "call.call_back_at"),
            (NewCall { call_back_at: None, then: Status::Snoozed, ..call.clone() }, "call.then"),
            (NewCall { direction: Direction::Note, ..call.clone() }, "call.direction"),
            (NewCall { number: Some("bel me".to_owned()), ..call.clone() }, "call.number"),
            (NewCall { account_id: fixture.account.id, ..call.clone() }, "call.not_here"),
        ] {
            assert_eq!(code(desk.note_call(&fixture.sanne, &wrong, "k-3").await), expected);
        }
    }

    async fn a_call_that_is_refused_leaves_no_note_behind(fixture) {
        let call = call_to(&fixture).await;
        let desk = &fixture.desk;
        let year = balie::model::Timestamp(START.0 + 367 * 86_400_000);
        for (wrong, expected) in [
            (NewCall { outcome: Some("x".repeat(101)), ..call.clone() }, "call.outcome_long"),
            (NewCall { outcome: Some("x".repeat(101)), call_back_at: Some(balie::model::Timestamp(START.0 + 60_000)), ..call.clone() }, "call.outcome_long"),
            (NewCall { call_back_at: Some(year), ..call.clone() }, "call.call_back_at"),
        ] {
            match desk.note_call(&fixture.sanne, &wrong, "k-1").await {
                Err(DeskError::Refused { code, .. }) => assert_eq!(code, expected),
                other => panic!("{other:?}"),
            }
            for status in [Status::Open, Status::Pending, Status::Snoozed, Status::Closed] {
                assert!(fixture.list(status).await.items.is_empty(), "{expected}: nothing is written");
            }
        }
        // Corrected under the same key it is one note.
        let call = NewCall { outcome: Some("x".repeat(100)), ..call };
        let noted = desk.note_call(&fixture.sanne, &call, "k-1").await.unwrap();
        let again = desk.note_call(&fixture.sanne, &call, "k-1").await.unwrap();
        assert_eq!(noted.message.id, again.message.id);
        assert_eq!(desk.open(&fixture.sanne, noted.conversation.id).await.unwrap().messages.len(), 1);
        let other = NewCall { notes: "iets anders".to_owned(), ..call };
        let refused = desk.note_call(&fixture.sanne, &other, "k-1").await;
        assert!(matches!(refused, Err(DeskError::Refused { code: "idempotency.reused", .. })), "{refused:?}");
    }

    async fn a_call_about_what_a_colleague_is_answering_is_written_down_and_left_to_them(fixture) {
        let call = call_to(&fixture).await;
        let desk = &fixture.desk;
        let open = NewCall { then: Status::Open, ..call.clone() };
        let id = desk.note_call(&fixture.sanne, &open, "k-0").await.unwrap().conversation.id;
        desk.claim(&fixture.daan, id).await.unwrap();
        let noted = desk.note_call(&fixture.sanne, &call, "k-1").await.unwrap();
        assert_eq!((noted.left_to, noted.conversation.status), (Some(fixture.daan.user_id), Status::Open));
        let again = desk.note_call(&fixture.sanne, &call, "k-1").await.unwrap();
        assert_eq!((again.message.id, again.left_to), (noted.message.id, Some(fixture.daan.user_id)));
        assert_eq!(desk.open(&fixture.sanne, id).await.unwrap().messages.len(), 2);
        // What was left undone is done when it is asked again and nobody is answering.
        desk.release(&fixture.daan, id).await.unwrap();
        let done = desk.note_call(&fixture.sanne, &call, "k-1").await.unwrap();
        assert_eq!((done.message.id, done.left_to, done.conversation.status), (noted.message.id, None, Status::Closed));
        assert_eq!(desk.open(&fixture.sanne, id).await.unwrap().messages.len(), 2);
    }

    async fn an_optional_setting_can_be_emptied_and_a_needed_one_cannot(fixture) {
        let (desk, chief) = (&fixture.desk, &fixture.chief);
        let feed = account(&fixture, "feed", json!({"url": "https://blog.example/feed.xml", "include": "storing"})).await;
        let phone = account(&fixture, "phone", json!({"number": "+31201234567", "country": "+32", "language": "nl"})).await;
        let change = |settings: Value| AccountChange { settings: Some(settings), ..AccountChange::default() };
        let emptied = desk.change_account(chief, feed.id, &change(json!({"include": null}))).await.unwrap();
        assert_eq!(emptied.settings, json!({"url": "https://blog.example/feed.xml"}));
        let usual = desk.change_account(chief, phone.id, &change(json!({"country": " "}))).await.unwrap();
        assert_eq!(usual.settings["country"], "+31", "empty is the default where there is one");
        let refused = desk.change_account(chief, feed.id, &change(json!({"url": null}))).await;
        assert!(matches!(refused, Err(DeskError::Refused { code: "account.field", .. })), "{refused:?}");
    }

    async fn what_an_account_is_known_by_outlives_a_new_credential_and_not_another_account(fixture) {
        let platform = Platform::new(fixture.clock.clone());
        for name in ["merk", "ander"] {
            let _ = platform.person(name, name);
        }
        let running = platform.serve("127.0.0.1:0".parse().unwrap(), json!({})).await.unwrap();
        let (desk, chief) = (&fixture.desk, &fixture.chief);
        let settings = json!({"server": running.url, "user": "merk", "password": "merk-pass"});
        let new = NewAccount { channel: "matrix".to_owned(), name: None, settings, team_ids: Vec::new() };
        let id = desk.add_account(chief, &new).await.unwrap().id;
        let secrets = async || desk.connections().open(&fixture.store.account(id).await.unwrap().unwrap()).unwrap();
        let change = |settings: Value| AccountChange { settings: Some(settings), ..AccountChange::default() };
        let (before, devices) = (secrets().await, platform.devices("merk"));
        assert!(before["device"].is_string() && before["session"].is_object());
        desk.change_account(chief, id, &change(json!({"password": "merk-pass"}))).await.unwrap();
        let after = secrets().await;
        assert_eq!((&after["device"], &after["session"]), (&before["device"], &Value::Null), "signed in anew, as the same device");
        desk.probe_account(chief, id).await.unwrap();
        assert_eq!(platform.devices("merk"), devices);
        assert_eq!(secrets().await["device"], before["device"]);
        desk.change_account(chief, id, &change(json!({"user": "ander", "password": "ander-pass"}))).await.unwrap();
        let now = desk.probe_account(chief, id).await.unwrap();
        assert_eq!(now.handle, "@ander:balie.example");
        assert_eq!(secrets().await["device"], Value::Null, "that was another's");
    }

    async fn an_account_says_where_it_is_called_and_whether_it_takes_calls(fixture) {
        let form = account(&fixture, "form", json!({"definition": "{\"title\":\"T\",\"fields\":[{\"key\":\"a\",\"label\":\"A\"}]}"})).await;
        let phone = account(&fixture, "phone", json!({"number": "+31201234567"})).await;
        let all = fixture.desk.accounts(&fixture.chief).await.unwrap();
        let of = |id| all.iter().find(|account| account.id == id).unwrap();
        assert_eq!((of(form.id).hook.clone(), of(form.id).calls), (Some(format!("/hooks/{}", form.id)), false));
        assert_eq!((of(phone.id).hook.clone(), of(phone.id).calls), (None, true));
        assert_eq!((of(fixture.account.id).hook.clone(), of(fixture.account.id).calls), (None, false));
    }
}
