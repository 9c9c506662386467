//! The hub: what changed reaches who may see it, in order, however often one comes back.

use std::time::Duration;

use balie::desk::access::Viewer;
use balie::desk::visit::Saying;
use balie::live::{Hub, ServerMessage, Subscriber};
use balie::model::{EventKind, Status};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::on_both_engines;
use crate::support::{Fixture, connect_to, mention};

fn hub(f: &Fixture) -> (Hub, tokio::task::JoinHandle<()>, CancellationToken) {
    let hub = Hub::new(f.desk.clone());
    let (task, stop) = run(&hub);
    (hub, task, stop)
}

fn run(hub: &Hub) -> (tokio::task::JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (hub, stop) = (hub.clone(), stop.clone());
        async move { hub.run(stop).await }
    });
    (task, stop)
}

async fn next(client: &mut Subscriber) -> ServerMessage {
    let frame = tokio::time::timeout(Duration::from_secs(10), client.next()).await.expect("nothing came").unwrap();
    serde_json::from_str(&frame).unwrap()
}

/// Reads until a row with this snippet comes by.
async fn until_snippet(client: &mut Subscriber, snippet: &str) -> i64 {
    loop {
        if let ServerMessage::Events { events } = next(client).await
            && let Some(event) =
                events.iter().rev().find(|event| event.row.as_ref().is_some_and(|row| row.snippet == snippet))
        {
            return event.seq;
        }
    }
}

async fn join(hub: &Hub, viewer: &Viewer, since: Option<i64>) -> Subscriber {
    hub.join(viewer.clone(), since).await.unwrap()
}

on_both_engines! {
    async fn a_mention_reaches_every_agent_with_its_whole_row(f) {
        let (hub, task, stop) = hub(&f);
        let (mut sanne, mut daan) = (join(&hub, &f.sanne, None).await, join(&hub, &f.daan, None).await);
        assert!(matches!(next(&mut sanne).await, ServerMessage::Ready { .. }));
        f.arrives(mention("1", "anna", "hallo allemaal", 0)).await;
        for client in [&mut sanne, &mut daan] {
            until_snippet(client, "hallo allemaal").await;
        }
        stop.cancel();
        task.await.unwrap();
    }

    async fn who_comes_back_gets_what_was_missed_and_no_more(f) {
        let (hub, task, stop) = hub(&f);
        f.arrives(mention("1", "anna", "een", 0)).await;
        let seen = f.store.newest_seq().await.unwrap();
        f.arrives(mention("2", "bram", "twee", 1)).await;
        let mut client = join(&hub, &f.sanne, Some(seen)).await;
        let ServerMessage::Events { events } = next(&mut client).await else { panic!("events first") };
        assert!(events.iter().all(|event| event.seq > seen));
        assert_eq!(events.iter().filter(|event| event.kind == EventKind::ConversationCreated).count(), 1);
        let ServerMessage::Ready { seq } = next(&mut client).await else { panic!("then ready") };
        assert_eq!(seq, f.store.newest_seq().await.unwrap());
        // From a future that never was (a restored backup): everything afresh.
        let mut lost = join(&hub, &f.sanne, Some(seq + 100)).await;
        assert!(matches!(next(&mut lost).await, ServerMessage::Reset { .. }));
        stop.cancel();
        task.await.unwrap();
    }

    async fn who_joins_before_the_hub_runs_misses_nothing(f) {
        let hub = Hub::new(f.desk.clone());
        let mut client = join(&hub, &f.sanne, None).await;
        let ServerMessage::Ready { seq } = next(&mut client).await else { panic!("ready first") };
        // A busy start: what comes in now is in no list that the client fetched, and the tail is not there yet.
        f.arrives(mention("1", "anna", "tussendoor", 0)).await;
        let (task, stop) = run(&hub);
        assert!(until_snippet(&mut client, "tussendoor").await > seq);
        stop.cancel();
        task.await.unwrap();
    }

    async fn a_visitor_who_comes_before_the_hub_caught_up_hears_nothing_again(f) {
        let account = connect_to(&f.store, "webchat", "korst", json!({ "name": "Korst", "origins": "https://korst.example" })).await;
        let door = f.desk.door(account.id).await.unwrap();
        let hub = Hub::new(f.desk.clone());
        let anna = f.desk.enter(&door, None, "nl").await.unwrap().visitor;
        let bram = f.desk.enter(&door, None, "nl").await.unwrap().visitor;
        let says = async |text: &str| {
            let saying = Saying { client_id: uuid::Uuid::new_v4(), text: text.to_owned(), ..Saying::default() };
            f.desk.say(&door, &anna, saying).await.unwrap();
        };
        // From here on the tail has to tell; it does not run yet.
        let _first = hub.welcome(&door, &bram, None, None).await.unwrap();
        says("eerder").await;
        let mut socket = hub.welcome(&door, &anna, None, None).await.unwrap();
        let ready: Value = serde_json::from_str(&socket.next().await.unwrap()).unwrap();
        assert_eq!(ready["type"], "ready");
        // In a transaction of its own, and read by the tail together with what was before, or after it.
        let (task, stop) = run(&hub);
        says("later").await;
        let next = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("nothing came").unwrap();
        let next: Value = serde_json::from_str(&next).unwrap();
        assert_eq!((&next["type"], &next["data"]["text"]), (&json!("message"), &json!("later")), "{next}");
        assert!(next["seq"].as_i64() > ready["seq"].as_i64());
        stop.cancel();
        task.await.unwrap();
    }

    async fn nobody_hears_of_what_they_may_not_see(f) {
        let team = balie::model::TeamId::new();
        let mut tx = f.store.begin(balie::store::Actor::System).await.unwrap();
        tx.insert_team(&balie::store::teams::Team { id: team, name: "Pers".into(), created_at: f.clock.now() }).await.unwrap();
        tx.set_account_teams(f.account.id, &[team]).await.unwrap();
        tx.commit().await.unwrap();
        let open = crate::support::connect(&f.store, "open").await;
        let (hub, task, stop) = hub(&f);
        let mut outside = join(&hub, &f.sanne, None).await;
        assert!(matches!(next(&mut outside).await, ServerMessage::Ready { .. }));
        f.arrives(mention("1", "anna", "vertrouwelijk", 0)).await;
        let visible = balie::channels::Batch { items: vec![balie::channels::Item::Message(Box::new(mention("2", "bram", "voor iedereen", 1)))], ..Default::default() };
        f.desk.ingest(&open, "notifications", &visible).await.unwrap();
        let frame = tokio::time::timeout(Duration::from_secs(10), outside.next()).await.unwrap().unwrap();
        assert!(frame.contains("voor iedereen") && !frame.contains("vertrouwelijk") && !frame.contains("anna"), "{frame}");
        stop.cancel();
        task.await.unwrap();
    }

    async fn a_client_that_does_not_read_is_cut(f) {
        let (hub, task, stop) = hub(&f);
        let slow = join(&hub, &f.sanne, None).await;
        let id = {
            f.arrives(mention("1", "anna", "hoi", 0)).await;
            f.only(Status::Open).await
        };
        let mut urgent = false;
        tokio::time::timeout(Duration::from_secs(60), async {
            while !slow.cut.is_cancelled() {
                urgent = !urgent;
                let priority = if urgent { balie::model::Priority::Urgent } else { balie::model::Priority::Normal };
                f.desk.set_priority(&f.daan, id, priority).await.unwrap();
            }
        })
        .await
        .expect("the slow client was not cut");
        stop.cancel();
        task.await.unwrap();
    }

    async fn colleagues_see_each_other_at_a_conversation(f) {
        let (hub, _task, stop) = hub(&f);
        f.arrives(mention("1", "anna", "hoi", 0)).await;
        let id = f.only(Status::Open).await;
        let (sanne, daan) = (join(&hub, &f.sanne, None).await, join(&hub, &f.daan, None).await);
        hub.presence().view(sanne.id, Some(id));
        hub.presence().view(daan.id, Some(id));
        assert!(hub.presence().reply(daan.id, id, true));
        let viewers = hub.presence().viewers(id);
        assert_eq!(viewers.iter().map(|v| (v.name.as_str(), v.replying)).collect::<Vec<_>>(), [("Daan", true), ("Sanne", false)]);
        drop(daan);
        assert_eq!(hub.presence().viewers(id).len(), 1);
        assert_eq!(hub.presence().online().len(), 1);
        stop.cancel();
    }
}
