//! The store: numbering, paging, search, the same on both engines.

use balie::model::{Priority, Status};
use balie::store::list::{Assignee, Filter};
use balie::store::{Actor, Store};

use crate::on_both_engines;
use crate::support::mention;

on_both_engines! {
    async fn whoever_has_seen_an_event_has_seen_all_below_it(f) {
        // Writers at once, a reader tailing: what it sees must never have a hole that is filled later.
        let writers = (0..8).map(|w| {
            let f = &f;
            async move {
                for i in 0..10 {
                    f.arrives(mention(&format!("{w}-{i}"), &format!("c{w}"), "hoi", i)).await;
                }
            }
        });
        let store = f.store.clone();
        let done = tokio_util::sync::CancellationToken::new();
        let reader = tokio::spawn({
            let done = done.clone();
            async move {
                let mut seq = 0;
                loop {
                    let finished = done.is_cancelled();
                    for event in store.events_after(seq, 1000).await.unwrap() {
                        assert_eq!(event.seq, seq + 1, "a hole");
                        seq = event.seq;
                    }
                    if finished {
                        return seq;
                    }
                    tokio::task::yield_now().await;
                }
            }
        });
        futures_util::future::join_all(writers).await;
        done.cancel();
        assert_eq!(reader.await.unwrap(), f.store.newest_seq().await.unwrap());
    }

    async fn what_is_not_committed_never_was(f) {
        let before = f.store.newest_seq().await.unwrap();
        let mut tx = f.store.begin(Actor::System).await.unwrap();
        tx.save_cursor(f.account.id, "x", &serde_json::json!({})).await.unwrap();
        tx.tell(balie::model::EventKind::AccountChanged, None, None, Some(f.account.id), serde_json::Value::Null);
        drop(tx);
        assert_eq!(f.store.cursor(f.account.id, "x").await.unwrap(), None);
        assert_eq!(f.store.newest_seq().await.unwrap(), before);
    }

    async fn pages_follow_each_other_without_gap_or_repeat(f) {
        for i in 0..25 {
            f.arrives(mention(&i.to_string(), &format!("c{i}"), "hoi", i % 4)).await;
        }
        for status in [Status::Open, Status::Closed] {
            if status == Status::Closed {
                for row in f.list(Status::Open).await.items {
                    f.desk.set_status(&f.chief, row.id, Status::Closed, None, None).await.unwrap();
                }
            }
            let filter = Filter { status: Some(status), ..Filter::default() };
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = f.store.list(&filter, after, 7).await.unwrap();
                seen.extend(page.items.iter().map(|row| row.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let whole: Vec<_> = f.store.list(&filter, None, 100).await.unwrap().items.iter().map(|row| row.id).collect();
            assert_eq!(seen, whole);
            assert_eq!(seen.len(), 25);
        }
    }

    async fn priority_is_a_head_start_and_nobody_starves(f) {
        f.arrives(mention("1", "oud", "wacht al vijf uur", -5 * 3600)).await;
        f.arrives(mention("2", "nieuw", "net binnen", 0)).await;
        let rows = f.list(Status::Open).await.items;
        let new = rows.iter().find(|row| row.contact.handle == "nieuw.test").unwrap().id;
        f.desk.set_priority(&f.sanne, new, Priority::High).await.unwrap();
        assert_ne!(f.list(Status::Open).await.items[0].id, new, "four hours do not beat five");
        f.desk.set_priority(&f.sanne, new, Priority::Urgent).await.unwrap();
        assert_eq!(f.list(Status::Open).await.items[0].id, new);
    }

    async fn words_find_conversations_whatever_their_case(f) {
        f.arrives(mention("1", "anna", "Mijn PAKKET is kwijt, señor café", 0)).await;
        f.arrives(mention("2", "bram", "de storing duurt lang", 1)).await;
        for (words, expected) in [("pakket", 1), ("pak", 1), ("pakket kwijt", 1), ("pakket storing", 0), ("STORING", 1), ("'); --", 0), ("\"", 0), ("zzz", 0)] {
            let filter = Filter { words: Some(words.to_owned()), ..Filter::default() };
            assert_eq!(f.store.list(&filter, None, 10).await.unwrap().items.len(), expected, "{words}");
        }
    }

    async fn numbers_addresses_and_hosts_are_found_in_every_part(f) {
        f.arrives(mention("1", "anna", "Bestelling 2024-12345, mail anna.de-vries@example.org; zie https://merk.nl/retour?x=1 (Señor CAFÉ)", 0)).await;
        f.arrives(mention("2", "bram", "dank_u #merkdag <vet>echt</vet> l'eau 12,50", 1)).await;
        for words in [
            "2024-12345", "12345", "2024", "123", "bestelling 12345", "anna.de-vries@example.org", "vries", "example.org", "anna@example.org",
            "merk.nl", "https://merk.nl/retour", "retour", "senor cafe", "señor café", "SEÑOR",
        ] {
            let filter = Filter { words: Some(words.to_owned()), ..Filter::default() };
            let found = f.store.list(&filter, None, 10).await.unwrap().items;
            assert!(found.iter().any(|row| row.contact.handle == "anna.test"), "{words}");
        }
        for words in ["dank", "merkdag", "#merkdag", "vet", "echt", "eau", "l'eau", "12,50", "50"] {
            let filter = Filter { words: Some(words.to_owned()), ..Filter::default() };
            assert_eq!(f.store.list(&filter, None, 10).await.unwrap().items.len(), 1, "{words}");
        }
    }

    async fn filters_and_counts_agree(f) {
        for i in 0..6 {
            f.arrives(mention(&i.to_string(), &format!("c{i}"), "hoi", i)).await;
        }
        let rows = f.list(Status::Open).await.items;
        f.desk.assign(&f.chief, rows[0].id, Some(f.sanne.user_id), None).await.unwrap();
        f.desk.tag_by_name(&f.sanne, rows[1].id, "#levering").await.unwrap();
        f.desk.tag_by_name(&f.sanne, rows[2].id, "levering").await.unwrap();
        let tag = f.store.tags().await.unwrap()[0].id;
        for (filter, expected) in [
            (Filter { assignee: Some(Assignee::User(f.sanne.user_id)), ..Filter::default() }, 1),
            (Filter { assignee: Some(Assignee::Nobody), ..Filter::default() }, 5),
            (Filter { tag: Some(tag), ..Filter::default() }, 2),
            (Filter { channel: Some("bluesky".into()), ..Filter::default() }, 6),
            (Filter { channel: Some("fax".into()), ..Filter::default() }, 0),
            (Filter { visible: Some(vec![]), ..Filter::default() }, 0),
        ] {
            assert_eq!(f.store.list(&filter, None, 100).await.unwrap().items.len() as i64, expected, "{filter:?}");
            assert_eq!(f.store.count(&filter, 1000).await.unwrap(), expected, "{filter:?}");
        }
    }

    async fn who_was_met_before_names_were_kept_as_they_are_looked_for_is_found_after_a_start(f) {
        f.arrives(mention("1", "Özlem", "hoi", 0)).await;
        let mut tx = f.store.begin(Actor::System).await.unwrap();
        balie::run!(tx, sqlx::query("UPDATE identities SET handle_key = NULL, name_key = NULL")).unwrap();
        tx.commit().await.unwrap();
        let again = Store::open(&f.database, f.clock.clone()).await.unwrap();
        assert_eq!(again.find_contacts("öz", 10).await.unwrap().len(), 1);
        again.close().await;
    }

    async fn opening_twice_migrates_once(f) {
        let again = Store::open(&f.database, f.clock.clone()).await.unwrap();
        assert_eq!(again.accounts().await.unwrap().len(), 1);
        again.close().await;
    }
}
