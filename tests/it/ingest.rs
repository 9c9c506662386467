//! What arrives: once, whole, in the right conversation.

use std::time::Duration;

use balie::channels::{self, Author, Batch, Item, ThreadRef, Unreadable};
use balie::desk::DeskError;
use balie::model::{Answered, Direction, Lane, Status, Timestamp};
use balie::store::Actor;
use balie::store::quarantine::QuarantineState;
use serde_json::json;

use crate::on_both_engines;
use crate::support::{START, direct, follow_up, mail, mention};

const HOUR: Duration = Duration::from_secs(3600);

on_both_engines! {
    async fn the_same_item_by_every_way_in_is_one_message(f) {
        let post = mention("1", "anna", "waar blijft mijn pakket?", 0);
        for source in ["notifications", "own", "stream", "hook", "notifications"] {
            let batch = Batch { items: vec![Item::Message(Box::new(post.clone()))], ..Batch::default() };
            f.desk.ingest(&f.account, source, &batch).await.unwrap();
        }
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.messages.len(), 1);
        assert_eq!(opened.messages[0].text, "waar blijft mijn pakket?");
        assert_eq!(opened.row.waiting_since, Some(START));
        assert_eq!(opened.row.contact.handle, "anna.test");
    }

    async fn two_nodes_that_take_in_the_same_page_at_once_make_it_once(f) {
        let items: Vec<Item> = (0..20).map(|i| Item::Message(Box::new(mention(&i.to_string(), &format!("c{}", i % 5), "hoi", i)))).collect();
        let batch = Batch { items, ..Batch::default() };
        let at_once = (0..6).map(|_| f.desk.ingest(&f.account, "notifications", &batch));
        for done in futures_util::future::join_all(at_once).await {
            done.unwrap();
        }
        let page = f.list(Status::Open).await;
        assert_eq!(page.items.len(), 5, "one conversation per customer");
        assert_eq!(page.items.iter().map(|row| row.message_count).sum::<i64>(), 20);
    }

    async fn what_comes_at_once_after_a_long_silence_begins_one_conversation(f) {
        let first = mention("1", "anna", "kapot", 0);
        f.arrives(first.clone()).await;
        let old = f.only(Status::Open).await;
        f.desk.set_status(&f.sanne, old, Status::Closed, None, None).await.unwrap();
        f.later(HOUR * 96);
        let say = |n: i64| f.arrives(follow_up(&first, &format!("again{n}"), "weer kapot", 96 * 3600 - n));
        futures_util::future::join_all((0..6).map(say)).await;
        let fresh = f.only(Status::Open).await;
        assert_eq!(f.list(Status::Open).await.items[0].message_count, 6);
        assert_ne!(fresh, old);

        // Somebody who is known begins elsewhere, twice.
        f.desk.set_status(&f.sanne, fresh, Status::Closed, None, None).await.unwrap();
        f.later(HOUR * 96);
        let begin = |n: i64| f.arrives(mention(&format!("new{n}"), "anna", "en nu dit", 192 * 3600 - n));
        futures_util::future::join_all((0..6).map(begin)).await;
        f.only(Status::Open).await;
        assert_eq!(f.list(Status::Open).await.items[0].message_count, 6);
    }

    async fn news_that_comes_at_once_replaces_no_other_news(f) {
        let post = mention("1", "anna", "kijk eens", 10);
        let mut parent = follow_up(&post, "0", "Wie kent dit merk?", 0);
        parent.direction = Direction::Context;
        f.batch(vec![Item::Message(Box::new(parent.clone())), Item::Message(Box::new(post.clone()))]).await;
        let clap = |n: i64| {
            let author = Author { external_id: format!("did:plc:fan{n}"), handle: format!("fan{n}.test"), ..Author::default() };
            f.batch(vec![Item::Reaction { external_id: post.external_id.clone(), author: Box::new(author), emoji: Some("+".into()), at: None }])
        };
        futures_util::future::join_all((0..6).map(clap)).await;
        let remember = |n: i64| f.batch(vec![Item::Remember { thread: post.thread.external_id.clone(), memory: json!({ (n.to_string()): n }) }]);
        futures_util::future::join_all((0..6).map(remember)).await;
        parent.direction = Direction::In;
        futures_util::future::join_all((0..6).map(|_| f.arrives(parent.clone()))).await;

        let id = f.only(Status::Open).await;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        assert_eq!(opened.row.message_count, 2, "who turned out to address us counts once");
        assert_eq!(opened.messages[1].extra.as_ref().unwrap().reactions.len(), 6);
        let memory = f.store.threads(id).await.unwrap().remove(0).memory.unwrap().0;
        assert_eq!(memory.as_object().unwrap().len(), 6, "{memory}");
    }

    async fn several_messages_in_a_row_are_one_turn(f) {
        let first = mention("1", "anna", "hallo?", 0);
        let items = (1..5).map(|i| Item::Message(Box::new(follow_up(&first, &i.to_string(), "?", i))));
        f.batch(std::iter::once(Item::Message(Box::new(first.clone()))).chain(items).collect()).await;
        let page = f.list(Status::Open).await;
        assert_eq!(page.items.len(), 1);
        assert_eq!(page.items[0].message_count, 5);
        assert_eq!(page.items[0].waiting_since, Some(START), "the wait counts from the first of them");
        let load = f.desk.load_now(&std::collections::HashSet::new()).await.unwrap();
        assert_eq!(load.arrivals_hour, 1, "one turn is one arrival");
    }

    async fn public_then_private_stays_one_conversation(f) {
        f.arrives(mention("1", "anna", "mijn bestelling is kwijt", 0)).await;
        f.arrives(direct("2", "anna", "ordernummer 12345", 60)).await;
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.threads.iter().map(|thread| thread.lane).collect::<Vec<_>>(), [Lane::Public, Lane::Private]);
        assert_eq!(opened.messages.len(), 2);
        assert_eq!(opened.row.lane, Lane::Private, "the row shows the lane of the newest message");
    }

    async fn what_waits_for_days_is_where_the_same_person_goes_on(f) {
        f.arrives(mention("1", "anna", "mijn bestelling is kwijt", 0)).await;
        let id = f.only(Status::Open).await;
        f.later(HOUR * 96);
        f.arrives(direct("2", "anna", "ordernummer 12345", 96 * 3600)).await;
        assert_eq!(f.only(Status::Open).await, id, "it was open all the time");

        f.arrives(mention("3", "bram", "bel me volgende week", 96 * 3600)).await;
        let rows = f.list(Status::Open).await.items;
        let slept = rows.iter().find(|row| row.id != id).unwrap().id;
        f.desk.snooze(&f.sanne, slept, f.clock.now().plus(HOUR * 168), None).await.unwrap();
        f.later(HOUR * 120);
        f.arrives(direct("4", "bram", "het mag ook nu", 216 * 3600)).await;
        assert!(f.list(Status::Snoozed).await.items.is_empty());
        assert_eq!(f.list(Status::Open).await.items.len(), 2);
        assert_eq!(f.desk.open(&f.sanne, slept).await.unwrap().messages.len(), 2);

        // What was closed longer ago than it may be opened again is another matter.
        f.desk.set_status(&f.sanne, id, Status::Closed, None, None).await.unwrap();
        f.later(HOUR * 73);
        f.arrives(mention("5", "anna", "iets anders", 289 * 3600)).await;
        assert_eq!(f.list(Status::Closed).await.items.len(), 1);
        assert_eq!(f.list(Status::Open).await.items.len(), 2);
    }

    async fn two_customers_under_one_brand_post_are_two_conversations(f) {
        f.arrives(mention("1", "anna", "mooie actie", 0)).await;
        f.arrives(mention("2", "bram", "doet de link het?", 1)).await;
        assert_eq!(f.list(Status::Open).await.items.len(), 2);
    }

    async fn an_answer_reopens_within_72_hours_and_starts_anew_after(f) {
        let first = mention("1", "anna", "kapot", 0);
        f.arrives(first.clone()).await;
        let id = f.only(Status::Open).await;
        f.desk.set_status(&f.sanne, id, Status::Closed, None, None).await.unwrap();

        f.later(HOUR * 71);
        f.arrives(follow_up(&first, "2", "nog steeds kapot", 71 * 3600)).await;
        assert_eq!(f.only(Status::Open).await, id);
        assert!(f.list(Status::Open).await.items[0].why.iter().any(|why| why.code == "reopened"));

        f.desk.set_status(&f.sanne, id, Status::Closed, None, None).await.unwrap();
        f.later(HOUR * 73);
        f.arrives(follow_up(&first, "3", "weer kapot", (71 + 73) * 3600)).await;
        let fresh = f.only(Status::Open).await;
        assert_ne!(fresh, id);
        let opened = f.desk.open(&f.sanne, fresh).await.unwrap();
        assert_eq!(opened.messages.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["weer kapot"]);
        assert_eq!(opened.history.iter().map(|row| row.id).collect::<Vec<_>>(), [id], "the old one stays in the contact's history");
    }

    async fn history_comes_in_without_ringing_a_bell(f) {
        let mut old = mention("1", "anna", "vorige week", -5 * 86_400);
        old.history = true;
        f.arrives(old.clone()).await;
        assert!(f.list(Status::Open).await.items.is_empty());
        let closed = f.only(Status::Closed).await;
        let load = f.desk.load_now(&std::collections::HashSet::new()).await.unwrap();
        assert_eq!((load.waiting, load.arrivals_hour), (0, 0));

        let mut live = follow_up(&old, "2", "en nu weer", 10);
        live.history = false;
        f.arrives(live).await;
        assert_eq!(f.only(Status::Open).await, closed, "the first live message wakes it");
    }

    async fn what_comes_between_connecting_and_the_first_look_is_no_history(f) {
        let mut quick = mention("1", "anna", "net nadat we verbonden waren", 1);
        quick.history = true;
        f.arrives(quick).await;
        assert_eq!(f.list(Status::Open).await.items.len(), 1);
    }

    async fn what_the_brand_says_elsewhere_counts_as_an_answer(f) {
        let first = mention("1", "anna", "hoe laat zijn jullie open?", 0);
        f.arrives(first.clone()).await;
        f.later(HOUR);
        let mut ours = follow_up(&first, "2", "Tot zes uur!", 600);
        ours.direction = Direction::Out;
        ours.author = Author { external_id: "did:plc:brand".into(), handle: "brand.test".into(), ..Author::default() };
        f.arrives(ours).await;
        let opened = f.desk.open(&f.sanne, f.only(Status::Pending).await).await.unwrap();
        assert_eq!(opened.row.waiting_since, None);
        assert_eq!(opened.messages[1].origin.as_str(), "elsewhere");
        assert!(opened.messages[1].author.brand);
    }

    async fn what_is_said_in_the_second_of_our_answer_stands_after_it(f) {
        let first = mention("1", "anna", "hoe laat zijn jullie open?", 0);
        f.arrives(first.clone()).await;
        f.later(Duration::from_millis(60_400));
        let id = f.only(Status::Open).await;
        f.desk.note(&f.sanne, id, "ook op zondag", None).await.unwrap();
        let mut ours = follow_up(&first, "2", "Tot zes uur!", 60);
        ours.direction = Direction::Out;
        ours.sent_at.0 += 400;
        f.arrives(ours).await;
        assert_eq!(f.only(Status::Pending).await, id);

        f.later(Duration::from_millis(500));
        f.arrives(follow_up(&first, "3", "Dank!", 60)).await;
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        let order: Vec<_> = opened.messages.iter().map(|m| m.direction).collect();
        assert_eq!(order, [Direction::In, Direction::Note, Direction::Out, Direction::In]);
        assert_eq!(opened.row.last_direction, "in");

        // What came a second earlier, and is heard only now, keeps its place.
        f.arrives(follow_up(&first, "4", "Hallo?", 59)).await;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        assert_eq!(opened.messages[1].text, "Hallo?");
    }

    async fn parents_and_siblings_explain_and_ring_no_bell(f) {
        let first = mention("1", "anna", "dit dus", 10);
        let mut parent = follow_up(&first, "0", "Wie kent dit merk?", 0);
        parent.direction = Direction::Context;
        parent.author = Author { external_id: "did:plc:piet".into(), handle: "piet.test".into(), ..Author::default() };
        f.batch(vec![Item::Message(Box::new(parent.clone())), Item::Message(Box::new(first.clone()))]).await;
        let id = f.only(Status::Open).await;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        assert_eq!(opened.messages.iter().map(|m| m.direction).collect::<Vec<_>>(), [Direction::Context, Direction::In]);
        assert_eq!(opened.row.message_count, 1);
        assert_eq!(opened.row.contact.handle, "anna.test", "the conversation is with who addressed us, not with who spoke first");

        // Later the bystander addresses us with the same post.
        parent.direction = Direction::In;
        f.arrives(parent).await;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        assert_eq!(opened.messages[0].direction, Direction::In);
        assert_eq!(opened.row.message_count, 2);
    }

    async fn a_copy_of_the_brands_post_above_a_comment_answers_nobody(f) {
        let first = mention("1", "anna", "waar blijft mijn pakket?", 0);
        f.arrives(first.clone()).await;
        f.later(HOUR);
        // The brand speaks to everybody; who waits comments under it too.
        let comment = mention("2", "anna", "en mijn pakket dan?", 3600);
        let mut broadcast = follow_up(&comment, "brand", "Zondag open!", 1800);
        broadcast.external_id = channels::above("at://did:plc:brand/app.bsky.feed.post/9", &comment.external_id);
        broadcast.direction = Direction::Context;
        broadcast.history = true;
        broadcast.reply_to = None;
        broadcast.author = Author { external_id: "did:plc:brand".into(), handle: "brand.test".into(), ..Author::default() };
        f.batch(vec![Item::Message(Box::new(broadcast)), Item::Message(Box::new(comment))]).await;
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.row.waiting_since, Some(START), "the place in the queue is kept");
        assert_eq!(opened.messages.iter().filter(|m| m.text == "Zondag open!").map(|m| m.direction).collect::<Vec<_>>(), [Direction::Context]);
        let sent = f.store.answers_since(START).await.unwrap();
        assert!(sent.is_empty(), "nor is it counted as sent: {sent:?}");
    }

    async fn a_post_of_ours_above_a_thread_is_shown_as_ours(f) {
        let first = mention("1", "anna", "wat kost dat?", 10);
        let above = |id: &str, who: &str, seconds| {
            let mut post = follow_up(&first, id, "Nieuw in de winkel!", seconds);
            post.direction = Direction::Context;
            post.author = Author { external_id: format!("did:plc:{who}"), handle: format!("{who}.test"), ..Author::default() };
            Item::Message(Box::new(post))
        };
        f.batch(vec![above("a", "brand", 0), above("b", "piet", 1), Item::Message(Box::new(first.clone()))]).await;
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.messages.iter().map(|m| m.author.brand).collect::<Vec<_>>(), [true, false, false]);
    }

    async fn an_edit_is_a_version_and_the_old_words_stay(f) {
        let mut post = mention("1", "anna", "jullie zijn dieven", 0);
        f.arrives(post.clone()).await;
        for (text, at) in [("jullie zijn traag", 60), ("jullie zijn wat traag", 120)] {
            post.text = text.to_owned();
            post.edited_at = Some(Timestamp(START.0 + at * 1000));
            f.later(Duration::from_secs(120));
            f.arrives(post.clone()).await;
            f.arrives(post.clone()).await;
        }
        // An older page that arrives late changes nothing.
        "jullie zijn traag".clone_into(&mut post.text);
        post.edited_at = Some(Timestamp(START.0 + 60_000));
        f.arrives(post.clone()).await;

        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.messages[0].text, "jullie zijn wat traag");
        let before: Vec<&str> = opened.messages[0].versions.iter().map(|version| version.text.as_str()).collect();
        assert_eq!(before, ["jullie zijn dieven", "jullie zijn traag"]);
        assert_eq!(opened.row.snippet, "jullie zijn wat traag");
    }

    async fn a_removed_post_is_shown_as_removed_and_its_words_stay(f) {
        let post = mention("1", "anna", "foutje", 0);
        f.arrives(post.clone()).await;
        let gone = Item::Removed { external_id: post.external_id.clone(), at: None };
        f.later(HOUR);
        assert_eq!(f.batch(vec![gone.clone()]).await.removed, 1);
        assert_eq!(f.batch(vec![gone, Item::Removed { external_id: "never seen".into(), at: None }]).await.removed, 0);
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.messages[0].removed_at, Some(f.clock.now()));
        assert_eq!(opened.messages[0].text, "foutje");
    }

    async fn a_customers_message_wakes_what_sleeps(f) {
        let first = mention("1", "anna", "ping", 0);
        f.arrives(first.clone()).await;
        let id = f.only(Status::Open).await;
        f.desk.snooze(&f.sanne, id, START.plus(HOUR * 24), None).await.unwrap();
        f.later(HOUR);
        f.arrives(follow_up(&first, "2", "pong", 3600)).await;
        assert_eq!(f.only(Status::Open).await, id);
    }

    async fn a_snooze_ends_by_itself(f) {
        f.arrives(mention("1", "anna", "morgen bellen", 0)).await;
        let id = f.only(Status::Open).await;
        f.desk.snooze(&f.sanne, id, START.plus(HOUR * 24), None).await.unwrap();
        f.later(HOUR * 23);
        assert_eq!(f.desk.wake_snoozed().await.unwrap(), 0);
        f.later(HOUR);
        assert_eq!(f.desk.wake_snoozed().await.unwrap(), 1);
        assert!(f.list(Status::Open).await.items[0].why.iter().any(|why| why.code == "snooze_over"));
    }

    async fn cursor_and_items_are_one_change(f) {
        let batch = Batch { items: vec![Item::Message(Box::new(mention("1", "anna", "hoi", 0)))], next: Some(json!({ "since": "1" })), ..Batch::default() };
        f.desk.ingest(&f.account, "notifications", &batch).await.unwrap();
        assert_eq!(f.store.cursor(f.account.id, "notifications").await.unwrap(), Some(json!({ "since": "1" })));
        assert_eq!(f.store.cursor(f.account.id, "own").await.unwrap(), None);
    }

    async fn what_a_channel_remembers_of_a_thread_is_kept_and_given_back(f) {
        let question = direct("1", "anna", "hoi", 0);
        let thread = question.thread.external_id.clone();
        let remember = |thread: &str, memory| Item::Remember { thread: thread.to_owned(), memory };
        f.batch(vec![remember(&thread, json!({"until": 5})), remember("nobody's", json!({"x": 1})), Item::Message(Box::new(question))]).await;
        let seen = f.only(Status::Open).await;
        let version = f.list(Status::Open).await.items[0].version;
        f.batch(vec![remember(&thread, json!({"closed": "blocked"}))]).await;
        assert!(f.list(Status::Open).await.items[0].version > version, "whoever has it open hears of it");
        assert!(!f.batch(vec![remember(&thread, json!({"closed": "blocked"}))]).await.is_news());
        let known = f.store.threads(seen).await.unwrap().remove(0);
        assert_eq!(known.memory.unwrap().0, json!({"until": 5, "closed": "blocked"}));
    }

    async fn a_mail_finds_its_thread_by_any_mail_it_follows(f) {
        f.arrives(mail("1@home.example", "anna", "waar blijft het?", 0, &[])).await;
        f.arrives(mail("2@home.example", "anna", "hallo?", 60, &["1@home.example"])).await;
        // A program that names only the mail it answers, and one that names mails nobody has seen before the one that is known.
        f.arrives(mail("3@home.example", "anna", "nog iets", 120, &["2@home.example"])).await;
        f.arrives(mail("4@home.example", "bob", "ik ook", 180, &["lost@home.example", "3@home.example"])).await;
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!((opened.messages.len(), opened.threads.len()), (4, 1));
        // Mails of one page, the answer before what it follows is stored.
        f.batch(vec![
            Item::Message(Box::new(mail("b@home.example", "carla", "en?", 260, &["a@home.example"]))),
            Item::Message(Box::new(mail("a@home.example", "carla", "een vraag", 200, &[]))),
        ]).await;
        let rows = f.list(Status::Open).await.items;
        assert_eq!(rows.iter().map(|row| row.message_count).collect::<std::collections::BTreeSet<_>>(), [2, 4].into());
    }

    async fn another_mail_under_a_known_id_is_a_mail_of_its_own_and_changes_no_words(f) {
        let first = mail("same@device.example", "anna", "waar blijft het?", 0, &[]);
        f.arrives(first.clone()).await;
        let forged = mail("same@device.example", "mallory", "laat maar, alles is goed", 60, &[]);
        let again = mail("same@device.example", "anna", "storing in hal 2", 120, &[]);
        let batch = || vec![Item::Message(Box::new(forged.clone())), Item::Message(Box::new(again.clone())), Item::Message(Box::new(first.clone()))];
        assert_eq!(f.batch(batch()).await.added, 2);
        // However often and in whatever order they come.
        assert!(!f.batch(batch()).await.is_news());
        assert!(!f.batch(batch().into_iter().rev().collect()).await.is_news());
        // The same mail by another way: one more line in its head, the same words at the same time.
        assert!(!f.arrives(channels::Message { text: format!("{} [list footer]", first.text), ..first.clone() }).await.is_news());
        let rows = f.list(Status::Open).await.items;
        let mut texts = Vec::new();
        for row in rows {
            for message in f.desk.open(&f.sanne, row.id).await.unwrap().messages {
                assert!(message.versions.is_empty() && message.edited_at.is_none());
                texts.push(message.text);
            }
        }
        texts.sort();
        assert_eq!(texts, ["laat maar, alles is goed", "storing in hal 2", "waar blijft het?"]);
    }

    async fn what_cannot_be_read_is_kept_whole_once(f) {
        let payload = format!("{{\"id\": {}}}\0", "9".repeat(3000));
        let unreadable = Unreadable { payload, error: "id is not a text".into() };
        let batch = Batch { unreadable: vec![unreadable], items: vec![Item::Message(Box::new(mention("1", "anna", "hoi", 0)))], ..Batch::default() };
        f.desk.ingest(&f.account, "notifications", &batch).await.unwrap();
        f.desk.ingest(&f.account, "notifications", &batch).await.unwrap();
        let held = f.desk.quarantine(&f.chief, None, None).await.unwrap().items;
        assert_eq!(held.len(), 1);
        assert_eq!((held[0].seen, held[0].payload.len()), (2, 3008), "whole, counted, and its neighbour arrived:");
        f.only(Status::Open).await;
        assert!(f.desk.quarantine(&f.sanne, None, None).await.is_err(), "payloads are for admins");
    }

    async fn what_cannot_be_read_is_paged_through_and_dismissed(f) {
        for number in 0..120_u64 {
            let unreadable = vec![Unreadable { payload: number.to_string(), error: "no".into() }];
            f.desk.ingest(&f.account, "hook", &Batch { unreadable, ..Batch::default() }).await.unwrap();
            f.later(Duration::from_millis(number % 2));
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = f.desk.quarantine(&f.chief, Some(f.account.id), after).await.unwrap();
            seen.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 120);
        assert!(seen.windows(2).all(|two| (two[0].created_at, two[0].id) > (two[1].created_at, two[1].id)), "newest first");
        let id = seen[7].id;
        assert!(matches!(f.desk.dismiss(&f.sanne, id).await, Err(balie::desk::DeskError::Forbidden)));
        f.desk.dismiss(&f.chief, id).await.unwrap();
        f.desk.dismiss(&f.chief, id).await.unwrap();
        let kept = f.desk.quarantined(&f.chief, id).await.unwrap();
        assert_eq!((kept.state, kept.payload), (QuarantineState::Dismissed, seen[7].payload.clone()));
        let page = f.desk.quarantine(&f.chief, None, Some(seen[6].id)).await.unwrap();
        assert_eq!(page.items[0].id, seen[8].id);
        let events = f.store.events_after(0, 1000).await.unwrap();
        let told: Vec<_> = events.iter().filter(|event| event.data["quarantine"] == json!(id)).collect();
        assert_eq!(told.len(), 1, "once, and by whom:");
        assert_eq!((told[0].user_id, told[0].account_id), (Some(f.chief.user_id), Some(f.account.id)));
    }

    async fn hostile_fields_do_no_harm(f) {
        let mut post = mention("1", "anna", "a\0b <script>alert(1)</script> \u{202e}abc", 0);
        post.html = Some("<p onclick=x>hoi<script>alert(1)</script><img src=x onerror=y></p>".into());
        post.sent_at = Timestamp(i64::MAX);
        post.url = Some("javascript:alert(1)".into());
        post.author.avatar_url = Some("data:text/html,x".into());
        post.author.name = "Robert'); DROP TABLE messages;--\0".into();
        post.meta = json!({ "nul": "\0", "deep": [{ "a": "\0" }] });
        f.arrives(post).await;
        let mut early = mention("2", "bram", "", 0);
        early.sent_at = Timestamp(i64::MIN);
        f.arrives(early).await;
        let page = f.list(Status::Open).await;
        let row = page.items.iter().find(|row| row.contact.handle == "anna.test").unwrap();
        let opened = f.desk.open(&f.sanne, row.id).await.unwrap();
        let message = &opened.messages[0];
        assert_eq!(message.sent_at, START, "a message from the future was written now");
        assert_eq!(message.html.as_deref(), Some("<p>hoi</p>"));
        assert_eq!((message.url.as_deref(), message.author.avatar_url.as_deref()), (None, None));
        assert!(message.text.starts_with("ab <script>"), "text is text");

        // Names and ids are texts too.
        let mut odd = direct("3\0", "carla", "kunt u mij helpen?", 1);
        odd.thread.title = Some("kamer\0 12".into());
        odd.reply_to = Some("\0elders".into());
        odd.visibility = Some("dir\0ect".into());
        odd.author.external_id.push('\0');
        odd.follows = vec!["\0".into()];
        odd.fields = vec![Answered { label: "\0bestelling".into(), value: "1\0".into() }];
        let thread = odd.thread.clone();
        f.batch(vec![Item::Message(Box::new(odd.clone())), Item::Remember { thread: thread.external_id.clone(), memory: json!({ "\0": "\0" }) }]).await;
        f.batch(vec![Item::Reaction { external_id: odd.external_id.clone(), author: Box::new(odd.author.clone()), emoji: Some("\0+".into()), at: None }]).await;
        let to = ThreadRef { external_id: "elders\0".into(), title: Some("\0hal 12".into()), ..thread.clone() };
        f.batch(vec![Item::Moved { from: thread.external_id, to }]).await;
        assert!(!f.arrives(channels::Message { thread: ThreadRef { external_id: "elders".into(), ..odd.thread.clone() }, ..odd }).await.is_news());
        let page = f.list(Status::Open).await;
        let row = page.items.iter().find(|row| row.contact.handle == "carla.test").unwrap();
        let opened = f.desk.open(&f.sanne, row.id).await.unwrap();
        assert_eq!(opened.messages[0].visibility.as_deref(), Some("direct"));
        assert_eq!(opened.messages[0].extra.as_ref().unwrap().reactions[0].emoji, "+");
        let thread = f.store.threads(row.id).await.unwrap().remove(0);
        assert_eq!((thread.external_id.as_str(), thread.title.as_deref()), ("elders", Some("hal 12")));
        assert!(f.desk.quarantine(&f.chief, None, None).await.unwrap().items.is_empty());
    }

    async fn what_the_database_has_no_room_for_is_held_and_stops_nothing_else(f) {
        // Longer than PostgreSQL's indexes take; SQLite's do.
        let endless: String = (0..500).map(|n| balie::secret::fingerprint(&n.to_string())).collect();
        let items = [("1", "anna"), (endless.as_str(), "bram"), ("3", "carla")];
        let items = items.map(|(id, customer)| Item::Message(Box::new(mention(id, customer, "hoi", 0))));
        let batch = Batch { items: items.to_vec(), next: Some(json!({ "since": "3" })), ..Batch::default() };
        let done = f.desk.ingest(&f.account, "notifications", &batch).await.unwrap();
        assert_eq!(done.added + done.quarantined, 3);
        let names: Vec<String> = f.list(Status::Open).await.items.into_iter().map(|row| row.contact.name).collect();
        assert!(["anna", "carla"].iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");
        assert_eq!(f.store.cursor(f.account.id, "notifications").await.unwrap(), Some(json!({ "since": "3" })));
        let held = f.desk.quarantine(&f.chief, None, None).await.unwrap().items;
        assert_eq!(held.len(), done.quarantined);
        for held in held {
            assert!(held.payload.contains(&endless), "whole");
            let error = f.desk.replay(&f.chief, held.id).await.unwrap_err();
            assert!(matches!(error, DeskError::Refused { code: "quarantine.still_unreadable", .. }), "{error}");
            assert_eq!(f.desk.quarantined(&f.chief, held.id).await.unwrap().state, QuarantineState::Held);
        }
    }

    async fn what_could_not_be_stored_comes_in_when_it_can_be(f) {
        let mut said = mention("1", "anna", "Waar blijft mijn pakket?", 0);
        said.fields = vec![Answered { label: "bestelling".into(), value: "12".into() }];
        let long = channels::Message { text: "x".repeat(600 * 1024), ..said.clone() };
        f.batch(vec![Item::Message(Box::new(long))]).await;
        let held = f.desk.quarantine(&f.chief, None, None).await.unwrap().items.remove(0);
        f.desk.replay(&f.chief, held.id).await.unwrap_err();
        assert_eq!(f.desk.quarantined(&f.chief, held.id).await.unwrap().state, QuarantineState::Held, "not yet");

        // Of a later version, which has room for it.
        let payload = serde_json::to_string(&Item::Message(Box::new(said))).unwrap();
        let mut tx = f.store.begin(Actor::System).await.unwrap();
        tx.quarantine(f.account.id, "notifications", &payload, &format!("{}x", held.fingerprint), "no room").await.unwrap();
        tx.commit().await.unwrap();
        let held = f.desk.quarantine(&f.chief, None, None).await.unwrap().items;
        let held = held.into_iter().find(|held| held.error == "no room").unwrap();
        f.desk.replay(&f.chief, held.id).await.unwrap();
        assert_eq!(f.desk.quarantined(&f.chief, held.id).await.unwrap().state, QuarantineState::Replayed);
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.messages[0].text, "Waar blijft mijn pakket?");
        assert_eq!(opened.messages[0].extra.as_ref().unwrap().fields[0].value, "12");
    }

    async fn a_payload_that_looks_like_an_item_is_not_taken_for_one(f) {
        let forged = Item::Message(Box::new(mention("1", "anna", "Geachte klant", 0)));
        let payload = serde_json::to_string(&forged).unwrap();
        let unreadable = vec![Unreadable { payload, error: "this is no post".into() }];
        f.desk.ingest(&f.account, "notifications", &Batch { unreadable, ..Batch::default() }).await.unwrap();
        let held = f.desk.quarantine(&f.chief, None, None).await.unwrap().items.remove(0);
        assert!(f.desk.replay(&f.chief, held.id).await.is_err());
        assert!(f.list(Status::Open).await.items.is_empty());
    }

    async fn a_text_longer_than_any_platform_allows_is_quarantined(f) {
        f.batch(vec![
            Item::Message(Box::new(mention("1", "anna", &"x".repeat(600 * 1024), 0))),
            Item::Message(Box::new(mention("2", "bram", "gewoon", 1))),
        ])
        .await;
        assert_eq!(f.list(Status::Open).await.items.len(), 1);
        assert_eq!(f.desk.quarantine(&f.chief, None, None).await.unwrap().items.len(), 1);
    }

    async fn a_clock_that_jumps_back_loses_nothing(f) {
        let first = mention("1", "anna", "een", 0);
        f.arrives(first.clone()).await;
        f.clock.set(Timestamp(START.0 - 86_400_000));
        f.arrives(follow_up(&first, "2", "twee", 60)).await;
        let opened = f.desk.open(&f.sanne, f.only(Status::Open).await).await.unwrap();
        assert_eq!(opened.messages.len(), 2);
        let seq = f.store.newest_seq().await.unwrap();
        let events = f.store.events_after(0, 1000).await.unwrap();
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=seq).collect::<Vec<_>>());
    }
}
