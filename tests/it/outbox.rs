//! Deliveries: obeyed, ordered, never blind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use balie::channels::{Author, Batch, ChannelError, Item, Sent};
use balie::desk::DeskError;
use balie::desk::accounts::NewAccount;
use balie::desk::reply::{NewReply, ReplyFile};
use balie::desk::settle::Verdict;
use balie::model::{DeliveryState, Direction, HealthState, MessageId, Status};
use balie::store::Actor;
use balie::store::accounts::Account;
use balie::store::outbox::OutboxRow;
use balie::work::send::send_due;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::around::PNG;
use crate::on_both_engines;
use crate::replies::{answer, claimed};
use crate::support::{Fixture, batch_of, connect_to, follow_up, mention};

const LEASE: Duration = Duration::from_secs(180);

async fn due(f: &Fixture) -> Vec<OutboxRow> {
    f.desk.lease_deliveries("node", LEASE, 10, &[]).await.unwrap()
}

fn arrived(id: &str) -> Sent {
    Sent {
        external_id: id.to_owned(),
        url: Some("https://bsky.example/1".into()),
        at: None,
        meta: json!({ "cid": "x" }),
    }
}

/// Systems that are told of replies: `/well` takes them, `/hung` never answers.
struct Shops {
    address: std::net::SocketAddr,
    hanging: Arc<AtomicUsize>,
}

impl Shops {
    async fn open() -> Self {
        let hanging = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&hanging);
        let hung = move |event: Json<Value>| async move {
            if event["type"] == "reply.created" {
                count.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }
        };
        let router = Router::new().route("/well", post(|| async {})).route("/hung", post(hung));
        let line = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = line.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(line, router).await });
        Self { address, hanging }
    }

    async fn connect(&self, f: &Fixture, name: &str) -> Account {
        let secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
        let settings = json!({ "name": name, "url": format!("http://{}/{name}", self.address), "secret": secret });
        let new = NewAccount { channel: "api".into(), name: None, settings, team_ids: Vec::new() };
        f.desk.add_account(&f.chief, &new).await.unwrap();
        let accounts = f.store.accounts().await.unwrap();
        accounts.into_iter().find(|account| account.name == name).unwrap()
    }

    fn hanging(&self) -> usize {
        self.hanging.load(Ordering::SeqCst)
    }
}

/// A customer asks on this account, and gets an answer that is on its way.
async fn asked_and_answered(f: &Fixture, account: &Account, customer: &str) -> MessageId {
    let items = vec![Item::Message(Box::new(mention(&format!("{}-1", account.name), customer, "waar blijft het?", 0)))];
    f.desk.ingest(account, "hook", &Batch { items, ..Batch::default() }).await.unwrap();
    let page = f.list(Status::Open).await;
    let token = f.desk.claim(&f.sanne, page.items[0].id).await.unwrap().token;
    let opened = f.desk.open(&f.sanne, page.items[0].id).await.unwrap();
    f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Morgen"), customer).await.unwrap().id
}

/// A reply whose worker died after the platform may have taken it: the next attempt would look first.
async fn doubtful(f: &Fixture) -> MessageId {
    let (opened, token) = claimed(f).await;
    let message = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
    assert_eq!(due(f).await.len(), 1);
    f.later(LEASE + Duration::from_secs(1));
    message.id
}

async fn state(f: &Fixture, message: MessageId) -> DeliveryState {
    f.desk.message(&f.sanne, message).await.unwrap().delivery.unwrap().state
}

on_both_engines! {
    async fn a_node_that_stops_keeps_what_it_is_still_sending(f) {
        let (opened, token) = claimed(&f).await;
        f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        assert!(f.store.lease_account(f.account.id, "node", f.clock.now().plus(LEASE)).await.unwrap());
        assert_eq!(f.store.account_leases().await.unwrap()[&f.account.id].0, "node");
        assert_eq!(due(&f).await.len(), 1);
        f.store.release_leases(Some("node")).await.unwrap();
        assert!(f.store.account_leases().await.unwrap().is_empty(), "others may work for its accounts");
        assert!(due(&f).await.is_empty(), "and not send what it is sending");
        // Nobody else can have the database: whoever was sending is dead.
        f.store.release_leases(None).await.unwrap();
        assert!(due(&f).await[0].doubtful);
    }

    async fn switching_an_account_off_does_not_say_that_nothing_arrived(f) {
        let message = doubtful(&f).await;
        let mut tx = f.store.begin(Actor::System).await.unwrap();
        let off = Account { enabled: false, ..f.account.clone() };
        tx.save_account(&off).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(send_due(&f.desk, "another").await.unwrap(), 1);
        let delivery = f.desk.message(&f.sanne, message).await.unwrap().delivery.unwrap();
        assert_eq!((delivery.state, delivery.code.as_deref()), (DeliveryState::Uncertain, Some("account.off")));
        assert!(delivery.cure.unwrap().en.contains("Look on the platform"));
    }

    async fn a_platform_away_for_a_day_does_not_say_that_nothing_arrived(f) {
        let message = doubtful(&f).await;
        f.later(Duration::from_secs(25 * 3600));
        let row = due(&f).await.remove(0);
        assert!(row.doubtful);
        f.desk.settle(&row, Err(ChannelError::transient("nobody there"))).await.unwrap();
        assert_eq!(state(&f, message).await, DeliveryState::Uncertain);
        assert!(f.list(Status::Open).await.items[0].delivery_problem);
    }

    async fn a_file_that_cannot_be_read_for_now_is_sent_later(f) {
        let (opened, token) = claimed(&f).await;
        let upload = f.desk.upload(&f.sanne, "foto.png", PNG).await.unwrap();
        let file = ReplyFile { upload_id: upload.id, alt: "een foto".into() };
        let reply = NewReply { attachments: vec![file], ..answer(&opened, token, "Kijk") };
        let message = f.desk.reply(&f.sanne, opened.row.id, &reply, "k").await.unwrap().id;
        // What stands there can be seen and not be read.
        let path = f.kept(&upload.hash);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        send_due(&f.desk, "node").await.unwrap();
        assert_eq!(state(&f, message).await, DeliveryState::Waiting);
        // Gone is gone.
        std::fs::remove_dir(&path).unwrap();
        f.later(Duration::from_secs(60));
        send_due(&f.desk, "node").await.unwrap();
        assert_eq!(state(&f, message).await, DeliveryState::Rejected);
    }

    async fn what_was_answered_since_is_not_sent_again(f) {
        let (opened, token) = claimed(&f).await;
        let id = opened.row.id;
        let first = f.desk.reply(&f.sanne, id, &answer(&opened, token, "Hoi"), "k").await.unwrap().id;
        f.desk.settle(&due(&f).await[0], Err(ChannelError::rejected("x", "geblokkeerd"))).await.unwrap();
        let token = f.desk.claim(&f.daan, id).await.unwrap().token;
        let again = async || f.desk.resolve(&f.sanne, first, Verdict::Resend).await;
        assert!(matches!(again().await, Err(DeskError::Held { .. })), "a colleague is answering it");
        let opened = f.desk.open(&f.daan, id).await.unwrap();
        f.desk.reply(&f.daan, id, &answer(&opened, token, "Dag"), "k").await.unwrap();
        assert!(matches!(again().await, Err(DeskError::Refused { code: "delivery.answered", .. })));
        let rows = due(&f).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(f.desk.outgoing(&rows[0]).await.unwrap().1.text, "Dag");
        f.desk.settle(&rows[0], Ok(arrived("at://ours/1"))).await.unwrap();
        assert!(matches!(again().await, Err(DeskError::Refused { code: "delivery.answered", .. })));
        f.desk.resolve(&f.sanne, first, Verdict::Discard).await.unwrap();
    }

    async fn a_part_is_sent_again_before_the_parts_that_wait_for_it(f) {
        let (opened, token) = claimed(&f).await;
        let id = opened.row.id;
        let mut parts = Vec::new();
        for text in ["een", "twee"] {
            let opened = f.desk.open(&f.sanne, id).await.unwrap();
            let reply = NewReply { then: Status::Open, ..answer(&opened, token, text) };
            parts.push(f.desk.reply(&f.sanne, id, &reply, text).await.unwrap().id);
        }
        f.desk.settle(&due(&f).await[0], Err(ChannelError::uncertain("verbinding verbroken"))).await.unwrap();
        f.desk.resolve(&f.sanne, parts[0], Verdict::Resend).await.unwrap();
        let rows = due(&f).await;
        assert_eq!(rows.iter().map(|row| row.message_id).collect::<Vec<_>>(), parts[..1]);
    }

    async fn a_failed_delivery_leaves_nothing_half_asleep(f) {
        let until = f.clock.now().plus(Duration::from_secs(3600));
        let load = async |id| f.store.begin(Actor::System).await.unwrap().conversation(id).await.unwrap().unwrap();
        for (customer, failure) in
            [("anna", ChannelError::rejected("x", "geblokkeerd")), ("bram", ChannelError::uncertain("verbroken"))]
        {
            asked_and_answered(&f, &f.account, customer).await;
            let id = f.only(Status::Pending).await;
            f.desk.snooze(&f.sanne, id, until, None).await.unwrap();
            f.desk.settle(&due(&f).await[0], Err(failure.clone())).await.unwrap();
            let row = load(id).await;
            assert_eq!((row.status, row.snoozed_until), (Status::Open, None), "{failure}");
            f.desk.set_status(&f.chief, id, Status::Closed, None, None).await.unwrap();
        }
        asked_and_answered(&f, &f.account, "carla").await;
        let id = f.only(Status::Pending).await;
        f.desk.set_status(&f.chief, id, Status::Closed, None, None).await.unwrap();
        f.desk.settle(&due(&f).await[0], Err(ChannelError::uncertain("verbroken"))).await.unwrap();
        let mut row = load(id).await;
        assert_eq!((row.status, row.closed_at), (Status::Open, None));
        // What is awake is not due to wake, whatever else is written there.
        row.snoozed_until = Some(until);
        let mut tx = f.store.begin(Actor::System).await.unwrap();
        tx.save_conversation(&mut row).await.unwrap();
        tx.commit().await.unwrap();
        f.later(Duration::from_secs(7200));
        assert!(f.store.due_snoozes(100).await.unwrap().is_empty());
    }

    async fn parts_keep_their_order_where_clocks_differ(f) {
        let (opened, token) = claimed(&f).await;
        let id = opened.row.id;
        f.later(Duration::from_secs(1));
        let mut newest = f.clock.now();
        for text in ["een", "twee"] {
            let opened = f.desk.open(&f.sanne, id).await.unwrap();
            let reply = NewReply { then: Status::Open, ..answer(&opened, token, text) };
            f.desk.reply(&f.sanne, id, &reply, text).await.unwrap();
            let row = &f.list(Status::Open).await.items[0];
            assert!(row.last_message_at >= newest, "{text}");
            newest = row.last_message_at;
            // The next goes through a machine that is behind.
            f.clock.set(f.clock.now().minus(Duration::from_millis(50)));
        }
        f.later(Duration::from_millis(100));
        for text in ["een", "twee"] {
            let rows = due(&f).await;
            assert_eq!(rows.len(), 1);
            assert_eq!(f.desk.outgoing(&rows[0]).await.unwrap().1.text, text);
            f.desk.settle(&rows[0], Ok(arrived(text))).await.unwrap();
        }
        let said = f.desk.open(&f.sanne, id).await.unwrap().messages;
        assert_eq!(said.iter().map(|message| message.text.as_str()).collect::<Vec<_>>()[1..], ["een", "twee"]);
    }

    async fn a_delivery_is_leased_once_and_settled(f) {
        let (opened, token) = claimed(&f).await;
        let message = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        let rows = due(&f).await;
        assert_eq!(rows.len(), 1);
        assert!(due(&f).await.is_empty(), "nobody else gets it meanwhile");
        f.desk.settle(&rows[0], Ok(arrived("at://ours/1"))).await.unwrap();
        let message = f.desk.message(&f.sanne, message.id).await.unwrap();
        assert_eq!(message.delivery.unwrap().state, DeliveryState::Sent);
        assert_eq!(message.url.as_deref(), Some("https://bsky.example/1"));
    }

    async fn the_platforms_echo_is_not_a_second_message(f) {
        let (opened, token) = claimed(&f).await;
        f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi Anna"), "k").await.unwrap();
        let rows = due(&f).await;
        let mut echo = follow_up(&mention("1", "anna", "", 0), "ours", "Hoi Anna", 3);
        echo.direction = Direction::Out;
        echo.author = Author { external_id: "did:plc:brand".into(), ..Author::default() };
        // Before the confirmation, after it, and once more.
        f.arrives(echo.clone()).await;
        f.desk.settle(&rows[0], Ok(arrived(&echo.external_id))).await.unwrap();
        f.arrives(echo).await;
        let opened = f.desk.open(&f.sanne, opened.row.id).await.unwrap();
        assert_eq!(opened.messages.len(), 2);
        assert_eq!(opened.messages[1].delivery.as_ref().unwrap().state, DeliveryState::Sent);
        assert_eq!(opened.messages[1].origin.as_str(), "balie");
    }

    async fn a_colleagues_words_that_end_like_ours_are_not_ours(f) {
        let (opened, token) = claimed(&f).await;
        let message = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Fijne dag!"), "k").await.unwrap();
        f.desk.settle(&due(&f).await[0], Err(ChannelError::uncertain("verbinding verbroken"))).await.unwrap();
        let question = mention("1", "anna", "", 0);
        let mut elsewhere = follow_up(&question, "theirs", "Uw pakket komt morgen. Fijne dag!", 3);
        elsewhere.direction = Direction::Out;
        f.arrives(elsewhere.clone()).await;
        let texts = |opened: balie::desk::view::Conversation| opened.messages.into_iter().map(|m| m.text).collect::<Vec<_>>();
        let said = texts(f.desk.open(&f.sanne, opened.row.id).await.unwrap());
        assert!(said.contains(&elsewhere.text), "{said:?}");
        let state = async || f.desk.message(&f.sanne, message.id).await.unwrap().delivery.unwrap().state;
        assert_eq!(state().await, DeliveryState::Uncertain);
        elsewhere.external_id.push_str("-ours");
        "@anna.test Fijne dag!".clone_into(&mut elsewhere.text);
        f.arrives(elsewhere).await;
        assert_eq!(state().await, DeliveryState::Sent);
        assert_eq!(texts(f.desk.open(&f.sanne, opened.row.id).await.unwrap()).len(), 3);
    }

    async fn an_echo_nobody_could_recognise_is_merged_when_the_confirmation_comes(f) {
        let (opened, token) = claimed(&f).await;
        f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        let rows = due(&f).await;
        let mut echo = follow_up(&mention("1", "anna", "", 0), "ours", "Hoi (herschreven door het platform)", 3);
        echo.direction = Direction::Out;
        f.arrives(echo.clone()).await;
        f.desk.settle(&rows[0], Ok(arrived(&echo.external_id))).await.unwrap();
        assert_eq!(f.desk.open(&f.sanne, opened.row.id).await.unwrap().messages.len(), 2);
    }

    async fn a_rate_limit_is_obeyed_to_the_second(f) {
        let (opened, token) = claimed(&f).await;
        f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        let until = f.clock.now().plus(Duration::from_secs(90));
        f.desk.settle(&due(&f).await[0], Err(ChannelError::rate_limited(until))).await.unwrap();
        f.later(Duration::from_secs(89));
        assert!(due(&f).await.is_empty());
        f.later(Duration::from_secs(1));
        assert_eq!(due(&f).await.len(), 1);
    }

    async fn what_waits_for_a_platform_goes_when_the_platform_is_there_again(f) {
        let (opened, token) = claimed(&f).await;
        f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        let away = ChannelError::transient("nobody there");
        for _ in 0..6 {
            f.desk.settle(&due(&f).await[0], Err(away.clone())).await.unwrap();
            f.later(Duration::from_secs(600));
        }
        f.desk.settle(&due(&f).await[0], Err(away.clone())).await.unwrap();
        f.desk.account_failed(f.account.id, &away, Duration::from_secs(60)).await.unwrap();
        f.later(Duration::from_secs(1));
        assert!(due(&f).await.is_empty(), "it would wait for minutes");
        f.arrives(mention("2", "bram", "Zijn jullie er weer?", 2)).await;
        assert_eq!(due(&f).await.len(), 1);
    }

    async fn a_platform_that_is_there_again_still_gets_the_pause_it_asked_for(f) {
        let (opened, token) = claimed(&f).await;
        f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        let until = f.clock.now().plus(Duration::from_secs(90));
        f.desk.settle(&due(&f).await[0], Err(ChannelError::rate_limited(until))).await.unwrap();
        let away = ChannelError::transient("nobody there");
        f.desk.account_failed(f.account.id, &away, Duration::from_secs(60)).await.unwrap();
        f.desk.account_reached(f.account.id).await.unwrap();
        f.later(Duration::from_secs(89));
        assert!(due(&f).await.is_empty());
    }

    async fn being_called_by_a_platform_does_not_mean_that_it_can_be_reached(f) {
        let settings = json!({ "name": "winkel", "url": "http://127.0.0.1:9/winkel" });
        let account = connect_to(&f.store, "api", "winkel", settings).await;
        asked_and_answered(&f, &account, "anna").await;
        let away = ChannelError::transient("nobody there");
        let rows = due(&f).await;
        f.desk.settle(&rows[0], Err(away.clone())).await.unwrap();
        f.desk.account_failed(account.id, &away, Duration::from_secs(60)).await.unwrap();
        let health = || async { f.store.account(account.id).await.unwrap().unwrap().health };
        let calls = |id: &str| batch_of(mention(id, "bram", "Ik bel", 2));
        f.desk.ingest(&account, "hook", &calls("2")).await.unwrap();
        assert_eq!(health().await, HealthState::Down);
        f.later(Duration::from_secs(5));
        f.desk.settle(&due(&f).await[0], Ok(arrived("ours-1"))).await.unwrap();
        f.desk.ingest(&account, "hook", &calls("3")).await.unwrap();
        assert_eq!(health().await, HealthState::Ok, "nothing waits any more");
    }

    async fn a_platform_that_calls_and_is_asked_is_well_when_it_answers(f) {
        let refused = ChannelError::transient("nobody there");
        f.desk.account_failed(f.account.id, &refused, Duration::from_secs(60)).await.unwrap();
        let health = || async { f.store.account(f.account.id).await.unwrap().unwrap().health };
        f.desk.ingest(&f.account, "hook", &batch_of(mention("1", "anna", "Ik bel", 0))).await.unwrap();
        assert_eq!(health().await, HealthState::Down);
        f.desk.ingest(&f.account, "notifications", &batch_of(mention("2", "anna", "Gevonden", 1))).await.unwrap();
        assert_eq!(health().await, HealthState::Ok);
    }

    async fn a_feed_that_works_does_not_make_up_for_one_that_cannot_be_asked(f) {
        let health = || async { f.store.account(f.account.id).await.unwrap().unwrap().health };
        let away = ChannelError::transient("nobody there");
        f.desk.feed_failed(f.account.id, "chats", &away, Duration::from_secs(60)).await.unwrap();
        f.desk.ingest(&f.account, "notifications", &batch_of(mention("1", "anna", "Hoi", 0))).await.unwrap();
        assert_eq!(health().await, HealthState::Down);
        f.desk.ingest(&f.account, "chats", &Batch::default()).await.unwrap();
        assert_eq!(health().await, HealthState::Ok);
        // Being asked to slow down is no sickness.
        let slower = ChannelError::rate_limited(f.clock.now().plus(Duration::from_secs(60)));
        f.desk.feed_failed(f.account.id, "chats", &slower, Duration::from_secs(60)).await.unwrap();
        assert_eq!(health().await, HealthState::Ok);
    }

    async fn a_refusal_gives_the_customer_back_their_wait(f) {
        let (opened, token) = claimed(&f).await;
        let message = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        f.desk.settle(&due(&f).await[0], Err(ChannelError::rejected("x", "geblokkeerd"))).await.unwrap();
        let row = &f.list(Status::Open).await.items[0];
        assert_eq!(row.waiting_since, opened.row.waiting_since);
        assert!(row.delivery_problem);
        let delivery = f.desk.message(&f.sanne, message.id).await.unwrap().delivery.unwrap();
        assert_eq!(delivery.state, DeliveryState::Rejected);
        assert!(delivery.cause.unwrap().nl.contains("geblokkeerd") && !delivery.cure.unwrap().nl.is_empty());
        f.desk.resolve(&f.sanne, message.id, Verdict::Discard).await.unwrap();
        assert!(!f.list(Status::Open).await.items[0].delivery_problem);
    }

    async fn an_uncertain_delivery_is_never_repeated_without_a_person(f) {
        let (opened, token) = claimed(&f).await;
        let message = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        f.desk.settle(&due(&f).await[0], Err(ChannelError::uncertain("verbinding verbroken"))).await.unwrap();
        f.later(Duration::from_secs(10 * 86_400));
        assert!(due(&f).await.is_empty());
        assert!(f.list(Status::Open).await.items[0].delivery_problem);
        f.desk.resolve(&f.sanne, message.id, Verdict::Resend).await.unwrap();
        let rows = due(&f).await;
        assert_eq!((rows.len(), rows[0].doubtful), (1, false));
    }

    async fn what_a_person_vouched_for_is_not_doubled_when_its_echo_comes(f) {
        let (opened, token) = claimed(&f).await;
        let message = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        f.desk.settle(&due(&f).await[0], Err(ChannelError::uncertain("verbinding verbroken"))).await.unwrap();
        f.desk.resolve(&f.sanne, message.id, Verdict::Sent).await.unwrap();
        let mut echo = mention("ours", "us", "Hoi", 60);
        echo.direction = balie::model::Direction::Out;
        echo.thread.external_id = f.store.thread(opened.threads[0].id).await.unwrap().unwrap().external_id;
        for _ in 0..2 {
            f.batch(vec![Item::Message(Box::new(echo.clone()))]).await;
        }
        let opened = f.desk.open(&f.sanne, opened.row.id).await.unwrap();
        assert_eq!(opened.messages.len(), 2, "the question and one answer");
        assert_eq!(f.store.stored_message(message.id).await.unwrap().unwrap().external_id.unwrap(), echo.external_id);
    }

    async fn a_worker_that_died_while_sending_leaves_doubt(f) {
        let (opened, token) = claimed(&f).await;
        f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        let dead = due(&f).await;
        f.later(LEASE + Duration::from_secs(1));
        let again = due(&f).await;
        assert!(again[0].doubtful, "the next attempt looks before it sends");
        // The dead one comes back and says something: too late.
        f.desk.settle(&dead[0], Err(ChannelError::rejected("late", "te laat"))).await.unwrap();
        f.desk.settle(&again[0], Ok(arrived("at://ours/1"))).await.unwrap();
        let opened = f.desk.open(&f.sanne, opened.row.id).await.unwrap();
        assert_eq!(opened.messages[1].delivery.as_ref().unwrap().state, DeliveryState::Sent);
    }

    async fn a_platform_that_names_two_messages_alike_delays_neither(f) {
        let (opened, token) = claimed(&f).await;
        let message = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        // A system that answers with the id of the question, say.
        let question = f.store.stored_message(opened.messages[0].id).await.unwrap().unwrap().external_id.unwrap();
        f.desk.settle(&due(&f).await[0], Ok(arrived(&question))).await.unwrap();
        let opened = f.desk.open(&f.sanne, opened.row.id).await.unwrap();
        assert_eq!(opened.messages[1].delivery.as_ref().unwrap().state, DeliveryState::Sent);
        assert_eq!(opened.messages[1].id, message.id);
        let ours = f.store.stored_message(message.id).await.unwrap().unwrap().external_id.unwrap();
        assert!(ours.starts_with(&question) && ours != question, "{ours}");
        f.later(LEASE + Duration::from_secs(1));
        assert!(due(&f).await.is_empty());
    }

    async fn a_platform_that_hangs_holds_up_nobody_else(f) {
        let door = Shops::open().await;
        let hung = door.connect(&f, "hung").await;
        let well = door.connect(&f, "well").await;
        // More than its share waits for the one that hangs.
        for customer in 0..12 {
            asked_and_answered(&f, &hung, &format!("h{customer}")).await;
        }
        let first = asked_and_answered(&f, &well, "anna").await;
        let stop = CancellationToken::new();
        let mut events = f.store.watch_events();
        let sender = tokio::spawn(balie::work::send::run(f.desk.clone(), "node".into(), stop.clone()));
        let mut sent = async |message| {
            let looked = async {
                while f.desk.message(&f.sanne, message).await.unwrap().delivery.unwrap().state != DeliveryState::Sent {
                    events.changed().await.unwrap();
                }
            };
            tokio::time::timeout(Duration::from_secs(20), looked).await.expect("it is sent while the other hangs");
        };
        sent(first).await;
        // Outcomes are written down while more is taken on; on SQLite both want the one writer.
        let mut more = Vec::new();
        for n in 0..16 {
            more.push(asked_and_answered(&f, &well, &format!("bram{n}")).await);
        }
        for message in more {
            sent(message).await;
        }
        assert!(door.hanging() > 0 && door.hanging() < 12, "the one that hangs has its share: {}", door.hanging());
        sender.abort();
    }

    async fn replies_in_a_thread_keep_their_order(f) {
        let (opened, token) = claimed(&f).await;
        for (key, text) in [("k1", "een"), ("k2", "twee")] {
            let opened = f.desk.open(&f.sanne, opened.row.id).await.unwrap();
            let mut reply = answer(&opened, token, text);
            reply.then = Status::Open;
            f.desk.reply(&f.sanne, opened.row.id, &reply, key).await.unwrap();
        }
        let first = due(&f).await;
        assert_eq!(first.len(), 1, "the second waits for the first");
        f.desk.settle(&first[0], Err(ChannelError::transient("even weg"))).await.unwrap();
        assert!(due(&f).await.is_empty());
        f.later(Duration::from_secs(6));
        let first = due(&f).await;
        f.desk.settle(&first[0], Ok(arrived("at://ours/1"))).await.unwrap();
        let second = due(&f).await;
        assert_eq!(f.desk.outgoing(&second[0]).await.unwrap().1.text, "twee");
    }

    async fn two_workers_share_the_work(f) {
        for i in 0..10 {
            f.arrives(mention(&i.to_string(), &format!("c{i}"), "hoi", i)).await;
        }
        for row in f.list(Status::Open).await.items {
            let token = f.desk.claim(&f.sanne, row.id).await.unwrap().token;
            let opened = f.desk.open(&f.sanne, row.id).await.unwrap();
            f.desk.reply(&f.sanne, row.id, &answer(&opened, token, "Hoi"), &row.id.to_string()).await.unwrap();
        }
        let shares = futures_util::future::join_all((0..5).map(|i| {
            let desk = f.desk.clone();
            async move { desk.lease_deliveries(&format!("node{i}"), LEASE, 4, &[]).await.unwrap() }
        }))
        .await;
        let ids: Vec<_> = shares.iter().flatten().map(|row| row.id).collect();
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!((ids.len(), unique.len()), (10, 10), "every row once");
    }
}
