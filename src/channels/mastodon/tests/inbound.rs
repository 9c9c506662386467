//! What comes in: filters, broken threads, old servers, the stream.

use super::*;

#[tokio::test]
async fn a_private_mention_that_the_account_filters_arrives_by_asking() {
    let played = Played::start().await;
    played.platform.policy("brand", Policy::Filter);
    let (inbox, message) = asked(&played, "in stilte", Visibility::Direct).await;
    assert_eq!(message.thread.lane, Lane::Private);
    let warnings = inbox.channel.probe().await.unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.code == "mastodon.policy_filters"), "{warnings:?}");
}

#[tokio::test]
async fn a_thread_that_the_server_cannot_show_does_not_stop_the_others() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let root = played.platform.post(new("buur", "een draad die stuk is", None, Visibility::Public)).unwrap();
    let id = played
        .platform
        .post(new("klant@zorgplein.example", "@brand zie hierboven", Some(&root), Visibility::Public))
        .unwrap();
    played.platform.post(new("klant@zorgplein.example", "@brand en dit ook", None, Visibility::Public)).unwrap();
    played.running.wire.inject(Rule::new("/api/v1/statuses/*/context", Fault::html(500)).always());
    for _ in 0..3 {
        assert_eq!(inbox.pull().await.unwrap_err().class, Class::Transient);
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("zie hierboven").thread.external_id, id);
    inbox.find("en dit ook");
    // One that is not for us is no reason to wait at all.
    let other = played.platform.post(new("buur", "verborgen draad", None, Visibility::Public)).unwrap();
    played.platform.post(new("klant@zorgplein.example", "@brand deze", Some(&other), Visibility::Public)).unwrap();
    played.running.wire.heal();
    played.running.wire.inject(Rule::new("/api/v1/statuses/*/context", Fault::status(404)).always());
    inbox.pull().await.unwrap();
    inbox.find("@brand deze");
}

#[tokio::test]
async fn every_broken_thread_of_a_page_stumbles_in_the_same_pull() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let mut asked = Vec::new();
    for n in 0..10 {
        let root = played.platform.post(new("buur", "een draad die stuk is", None, Visibility::Public)).unwrap();
        let text = format!("@brand antwoord <{n}>");
        let id = played.platform.post(new("klant@zorgplein.example", &text, Some(&root), Visibility::Public)).unwrap();
        asked.push(id);
    }
    played.running.wire.inject(Rule::new("/api/v1/statuses/*/context", Fault::html(502)).always());
    for _ in 0..3 {
        assert_eq!(inbox.pull().await.unwrap_err().class, Class::Transient);
    }
    inbox.pull().await.unwrap();
    assert_eq!(inbox.count("antwoord"), 10);
    // Nor does it take longer where the brand answered all of them in another app.
    for id in &asked {
        played.platform.post(new("brand", "vanaf de telefoon", Some(id), Visibility::Public)).unwrap();
    }
    inbox.restart(&played);
    for _ in 0..3 {
        assert_eq!(inbox.pull().await.unwrap_err().class, Class::Transient);
    }
    inbox.pull().await.unwrap();
}

#[tokio::test]
async fn the_allowance_given_back_is_what_the_threads_leave() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..6 {
        let root = played.platform.post(new("buur", "een draad", None, Visibility::Public)).unwrap();
        let text = format!("@brand vraag <{n}>");
        played.platform.post(new("klant@zorgplein.example", &text, Some(&root), Visibility::Public)).unwrap();
    }
    let pull = inbox.channel.pull().unwrap();
    let first = pull.pull("notifications", inbox.cursors.get("notifications")).await.unwrap().quota.unwrap();
    let again = pull.pull("notifications", inbox.cursors.get("notifications")).await.unwrap().quota.unwrap();
    // The second asks for the page alone: the threads are remembered.
    assert_eq!(again.remaining, first.remaining - 1);
    inbox.pull().await.unwrap();
}

#[tokio::test]
async fn a_thread_in_which_nothing_happens_is_read_again_and_given_once() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let post = played.platform.post(new("brand", "nieuwe dienstregeling", None, Visibility::Public)).unwrap();
    let reply = played.platform.post(new("buur", "belachelijk dit", Some(&post), Visibility::Public)).unwrap();
    inbox.pull().await.unwrap();
    let path = format!("/api/v1/statuses/{post}/context");
    for _ in 0..20 {
        played.clock.advance(Duration::from_secs(61));
        inbox.pull().await.unwrap();
    }
    assert_eq!(inbox.seen[&reply], 1);
    assert_eq!(played.running.wire.calls_to(&Method::GET, &path).len(), 3, "every ten minutes");
}

#[tokio::test]
async fn an_old_server_works_with_what_it_has() {
    let played = Played::start().await;
    played.running.wire.inject(Rule::new("/api/v2/instance", Fault::status(404)).always());
    played.running.wire.inject(Rule::new("/api/v1/statuses", Fault::status(404)).method(Method::GET).always());
    let mut inbox = Inbox::connected(&played).await;
    assert_eq!(inbox.channel.probe().await.unwrap().handle, format!("@brand@{DOMAIN}"));
    let gone = played.platform.post(new("buur", "@brand weg", None, Visibility::Public)).unwrap();
    let edited = played.platform.post(new("buur", "@brand anders", None, Visibility::Public)).unwrap();
    inbox.pull().await.unwrap();
    played.platform.delete(&gone);
    played.platform.edit(&edited, "@brand beter");
    inbox.recheck().await.unwrap();
    assert!(inbox.removed.contains(&gone) && !inbox.removed.contains(&edited));
    inbox.find("beter");
}

#[tokio::test]
async fn a_server_that_ignores_the_ids_makes_nothing_disappear() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..3 {
        played.platform.post(new("buur", &format!("@brand bericht {n}"), None, Visibility::Public)).unwrap();
    }
    inbox.pull().await.unwrap();
    played
        .running
        .wire
        .inject(Rule::new("/api/v1/statuses", Fault::json(|page| *page = json!([]))).method(Method::GET).always());
    inbox.recheck().await.unwrap();
    assert!(inbox.removed.is_empty());
}

#[tokio::test]
async fn what_is_no_ticket_is_skipped() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let id = played.platform.post(new("buur", "@brand hoi", None, Visibility::Public)).unwrap();
    played.running.wire.inject(Rule::new(
        "/api/v1/notifications",
        Fault::json(move |page| {
            let mention = page[0].clone();
            let items = page.as_array_mut().unwrap();
            for (id, kind, status) in [
                ("99000001", "favourite", true),
                ("99000002", "collection_update", false),
                ("99000003", "mention", false),
            ] {
                let mut item = mention.clone();
                item["id"] = id.into();
                item["type"] = kind.into();
                if !status {
                    item["status"] = json!(null);
                }
                items.insert(0, item);
            }
        }),
    ));
    inbox.pull().await.unwrap();
    assert_eq!(inbox.messages.keys().collect::<Vec<_>>(), [&id]);
    assert!(inbox.unreadable.is_empty());
}

#[tokio::test]
async fn edits_and_the_brands_own_words_come_by_the_stream() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    let (sink, mut batches) = tokio::sync::mpsc::channel(4);
    let channel = Arc::clone(&inbox.channel);
    let running = async { channel.stream().unwrap().run(sink).await };
    let script = async {
        batches.recv().await.unwrap();
        let id = played.say(Say::mention(Who::Other, "de pakketdienst is zoek")).await;
        inbox.take(batches.recv().await.unwrap());
        played.edit(Who::Other, &id, "de pakketdienst is terug").await;
        inbox.take(batches.recv().await.unwrap());
        assert!(inbox.messages[&id].text.contains("terug") && inbox.messages[&id].edited_at.is_some());
        played.say(Say::reply(Who::Brand, &id, "vanaf de telefoon")).await;
        inbox.take(batches.recv().await.unwrap());
        assert_eq!(
            (inbox.find("vanaf de telefoon").direction, inbox.find("vanaf de telefoon").thread.external_id.as_str()),
            (Direction::Out, id.as_str())
        );
        played.say(Say::dm(Who::Brand, "in het geniep")).await;
        inbox.take(batches.recv().await.unwrap());
        assert_eq!(inbox.find("in het geniep").thread.lane, Lane::Private);
    };
    tokio::select! {
        error = running => panic!("{error}"),
        () = script => {}
    }
}

#[tokio::test]
async fn a_page_of_many_threads_leaves_the_last_tenth_to_replies() {
    let played = Played::start().await;
    let mut inbox = Inbox::connected(&played).await;
    for n in 0..70 {
        let root = played.platform.post(new("buur", "een draad", None, Visibility::Public)).unwrap();
        let text = format!("@brand vraag <{n}>");
        played.platform.post(new("klant@zorgplein.example", &text, Some(&root), Visibility::Public)).unwrap();
    }
    played.platform.limit(50);
    let mut windows = 0;
    loop {
        played.clock.advance(Duration::from_secs(300));
        let before = played.running.wire.calls().len();
        let pulled = inbox.pull().await;
        let asked = played.running.wire.calls().len() - before;
        assert!(asked <= 45, "{asked} of 50 calls");
        windows += 1;
        match pulled {
            Ok(()) => break,
            Err(error) => assert!(
                matches!(error.class, Class::RateLimited { until } if until == played.clock.now().plus(Duration::from_secs(300))),
                "{error}"
            ),
        }
        assert_eq!(asked, 45, "what can be spared is used");
        // Nor does anything else touch what is left.
        let pull = inbox.channel.pull().unwrap();
        assert!(pull.pull("own", None).await.is_err() && pull.recheck(&[]).await.is_err());
        assert_eq!(played.running.wire.calls().len() - before, asked);
    }
    assert_eq!((inbox.count("vraag"), windows), (70, 2));
}
