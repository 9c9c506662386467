//! Being cut off at any moment: nothing lost, nothing doubled, nothing half done.

use std::pin::pin;
use std::task::Poll;

use balie::channels::{Batch, Item, Sent};
use balie::model::{DeliveryState, Status};
use balie::store::Actor;
use balie::store::list::Filter;
use serde_json::json;

use crate::on_both_engines;
use crate::replies::{answer, claimed};
use crate::support::{follow_up, mention};

/// Runs a future for at most so many turns, then drops it where it stands, as a crash or a cancellation would.
async fn cut_after<T>(turns: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = turns;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

on_both_engines! {
    async fn an_ingest_that_is_cut_off_anywhere_is_all_or_nothing(f) {
        // How often an ingest has to wait depends on the machine, so many are cut, each at every turn it takes.
        let mut cuts = 0;
        for round in 1..=30_i64 {
            let first = mention(&format!("{round}-1"), &format!("anna{round}"), "een", 0);
            let items = vec![
                Item::Message(Box::new(first.clone())),
                Item::Message(Box::new(follow_up(&first, "2", "twee", 1))),
                Item::Message(Box::new(mention(&format!("{round}-3"), &format!("bram{round}"), "drie", 2))),
            ];
            let batch = Batch { items, next: Some(json!({ "since": round })), ..Batch::default() };
            for turns in 0..400 {
                let done = cut_after(turns, f.desk.ingest(&f.account, "notifications", &batch)).await;
                // A commit that was under way when it was cut may still succeed: wait until nobody holds the account.
                let mut tx = f.store.begin(Actor::System).await.unwrap();
                tx.account(f.account.id).await.unwrap();
                drop(tx);
                let filter = Filter { status: Some(Status::Open), ..Filter::default() };
                let rows = f.desk.list(&f.chief, filter, None, 200).await.unwrap().items;
                let messages: i64 = rows.iter().map(|row| row.message_count).sum();
                let newest = f.store.newest_seq().await.unwrap();
                let events = f.store.events_after(0, 10_000).await.unwrap();
                assert_eq!(events.len() as i64, newest, "the log has no hole");
                // All rounds up to the cursor are whole, and nothing of a later one is there.
                let cursor = f.store.cursor(f.account.id, "notifications").await.unwrap();
                let whole = cursor.map_or(0, |cursor| cursor["since"].as_i64().unwrap());
                assert_eq!((rows.len() as i64, messages), (2 * whole, 3 * whole), "round {round}, cut after {turns} turns");
                if done.is_some() {
                    assert_eq!(whole, round);
                    break;
                }
                cuts += 1;
            }
        }
        assert!(cuts >= 10, "the cuts never hit: {cuts}");
    }

    async fn a_reply_that_is_cut_off_and_repeated_is_sent_once(f) {
        let (opened, token) = claimed(&f).await;
        let reply = answer(&opened, token, "Hoi");
        for turns in 0..400 {
            if let Some(done) = cut_after(turns, f.desk.reply(&f.sanne, opened.row.id, &reply, "k")).await {
                done.unwrap();
                break;
            }
        }
        let messages = f.desk.open(&f.sanne, opened.row.id).await.unwrap().messages;
        assert_eq!(messages.len(), 2);
        assert_eq!(f.desk.lease_deliveries("node", std::time::Duration::from_secs(60), 10, &[]).await.unwrap().len(), 1);
    }

    async fn an_outcome_whose_writing_is_cut_off_is_written_when_repeated(f) {
        let (opened, token) = claimed(&f).await;
        let message = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k").await.unwrap();
        let row = f.desk.lease_deliveries("node", std::time::Duration::from_secs(60), 10, &[]).await.unwrap().remove(0);
        let sent = Sent { external_id: "at://ours/1".into(), url: None, at: None, meta: json!({}) };
        for turns in 0..400 {
            if let Some(done) = cut_after(turns, f.desk.settle(&row, Ok(sent.clone()))).await {
                done.unwrap();
                break;
            }
        }
        let state = f.desk.message(&f.sanne, message.id).await.unwrap().delivery.unwrap().state;
        assert_eq!(state, DeliveryState::Sent);
    }

    async fn a_thousand_claims_replies_and_walkouts_never_answer_twice(f) {
        // Twelve agents fight over one conversation: claim, sometimes walk off, reply with what they have seen.
        let first = mention("0", "anna", "help", 0);
        f.arrives(first.clone()).await;
        let id = f.only(Status::Open).await;
        let mut agents = Vec::new();
        for i in 0..12 {
            agents.push(crate::support::person(&f.store, &format!("agent{i}"), balie::model::Role::Agent).await);
        }
        let rounds = 6;
        let mut accepted = 0;
        for round in 0..rounds {
            if round > 0 {
                f.arrives(follow_up(&first, &format!("r{round}"), &format!("en nu? {round}"), round * 60)).await;
            }
            let outcomes = futures_util::future::join_all(agents.iter().enumerate().map(|(i, agent)| {
                let f = &f;
                async move {
                    let Ok(claim) = f.desk.claim(agent, id).await else { return 0 };
                    let opened = f.desk.open(agent, id).await.unwrap();
                    if (i as i64 + round) % 5 == 0 {
                        let _ = f.desk.release(agent, id).await;
                        return 0;
                    }
                    let reply = answer(&opened, claim.token, &format!("antwoord {round}"));
                    i64::from(f.desk.reply(agent, id, &reply, &format!("{round}-{i}")).await.is_ok())
                }
            }))
            .await;
            let answers: i64 = outcomes.iter().sum();
            accepted += answers;
        }
        // Whoever answered had everything before it on the screen: no two answers carry the same seen version.
        let messages = f.desk.open(&f.chief, id).await.unwrap().messages;
        let ours = messages.iter().filter(|message| message.author.brand).count() as i64;
        assert_eq!(ours, accepted, "what was accepted is there, once each");
        let version = f.desk.open(&f.chief, id).await.unwrap().threads[0].version;
        assert_eq!(version, rounds + accepted, "every turn of either side moved the thread by one");
    }
}
