//! What comes in: the right thing, once, in its place.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Harness, Inbox, Say, Way, Who, drop_after};
use crate::channels::Batch;
use crate::channels::error::Class;
use crate::model::{Direction, Lane};

pub async fn the_probe_says_who_we_are<H: Harness>() {
    let harness = H::start().await;
    let probe = harness.connect().probe().await.expect("a probe");
    assert_eq!(probe.external_id, harness.author(Who::Brand).0);
    assert!(probe.handle.contains(&harness.author(Who::Brand).1), "{}", probe.handle);
    assert!(probe.facts.is_object());
}

pub async fn what_reaches_the_brand_arrives_once<H: Harness>() {
    for &way in H::ways() {
        let harness = H::start().await;
        let mut inbox = Inbox::connected(&harness).await;
        let before = harness.clock().now();
        let id = harness.say(Say::by(way, Who::Customer, "hoort iemand mij?")).await;
        harness.bring(&mut inbox).await.unwrap();
        let message = inbox.find("hoort iemand mij?").clone();
        assert_eq!((message.external_id.as_str(), message.direction), (id.as_str(), Direction::In));
        assert_eq!((message.thread.lane, message.thread.kind), (way.lane(), H::kind(way)));
        assert_eq!((message.author.external_id, message.author.handle), harness.author(Who::Customer));
        assert!(!message.history);
        assert!(message.sent_at >= before && message.sent_at <= harness.clock().now());

        // Again from the same cursor, and from scratch after a restart: the same message, nothing beside it.
        let count = inbox.messages.len();
        harness.bring(&mut inbox).await.unwrap();
        inbox.restart(&harness);
        inbox.cursors.clear();
        harness.bring(&mut inbox).await.unwrap();
        assert_eq!(inbox.messages.len(), count);
    }
}

pub async fn a_mention_arrives_once_with_its_thread_lane_and_author<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let before = harness.clock().now();
    let id = harness.say(Say::mention(Who::Customer, "waar blijft mijn pakket?")).await;
    harness.bring(&mut inbox).await.unwrap();
    let message = inbox.find("waar blijft mijn pakket?").clone();
    assert_eq!(message.external_id, id);
    assert_eq!(message.thread.external_id, id, "the earliest post that the brand did not write names the thread");
    assert_eq!((message.thread.lane, message.thread.kind), (Lane::Public, H::kind(Way::Mention)));
    assert_eq!(message.direction, Direction::In);
    let (author, handle) = harness.author(Who::Customer);
    assert_eq!((message.author.external_id, message.author.handle), (author, handle));
    assert!(!message.history);
    assert!(message.sent_at >= before && message.sent_at <= harness.clock().now());
    assert!(message.url.is_some());

    // Again from the same cursor, and from scratch after a restart: the same message, nothing beside it.
    let count = inbox.messages.len();
    harness.bring(&mut inbox).await.unwrap();
    inbox.restart(&harness);
    inbox.cursors.clear();
    harness.bring(&mut inbox).await.unwrap();
    assert_eq!(inbox.messages.len(), count);
}

pub async fn an_exchange_stays_in_one_thread<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let first = harness.say(Say::mention(Who::Customer, "mijn storing duurt al een uur")).await;
    harness.bring(&mut inbox).await.unwrap();
    let mention = inbox.find("mijn storing").clone();
    let sent = inbox
        .channel
        .reply()
        .unwrap()
        .deliver(&inbox.answer(&mention, "we kijken ernaar", harness.clock()))
        .await
        .unwrap();
    harness.say(Say { to: Some(sent.external_id), ..Say::mention(Who::Customer, "dank, wacht af") }).await;
    harness.say(Say { to: Some(first.clone()), ..Say::mention(Who::Other, "hier ook storing") }).await;
    inbox.restart(&harness);
    harness.bring(&mut inbox).await.unwrap();
    assert_eq!(inbox.find("dank, wacht af").thread.external_id, first);
    assert_eq!(
        inbox.find("hier ook storing").thread.external_id,
        first,
        "bystanders in a customer's post are in its thread"
    );
    assert_eq!(
        inbox.find("dank, wacht af").reply_to.as_deref(),
        Some(inbox.find("we kijken ernaar").external_id.as_str())
    );
}

pub async fn a_hundred_people_under_one_brand_post_are_a_hundred_threads<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let post = harness.say(Say::post(Who::Brand, "onze winkel is zondag open")).await;
    harness.bring(&mut inbox).await.unwrap();
    let one = harness.say(Say { to: Some(post.clone()), ..Say::mention(Who::Customer, "tot hoe laat?") }).await;
    let two = harness.say(Say { to: Some(post.clone()), ..Say::mention(Who::Other, "ook in Delft?") }).await;
    harness.bring(&mut inbox).await.unwrap();
    assert_eq!(inbox.find("tot hoe laat?").thread.external_id, one);
    assert_eq!(inbox.find("ook in Delft?").thread.external_id, two);
    for thread in [&one, &two] {
        let above: Vec<_> = inbox
            .messages
            .values()
            .filter(|m| m.thread.external_id == **thread && m.text.contains("zondag open"))
            .collect();
        assert_eq!(above.len(), 1, "the brand's post is shown above {thread}");
        assert_eq!(above[0].direction, Direction::Context, "it was said to everybody, and answers nobody");
    }
}

pub async fn a_reply_that_does_not_name_the_brand_arrives<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let post = harness.say(Say::post(Who::Brand, "nieuwe dienstregeling")).await;
    harness.bring(&mut inbox).await.unwrap();
    harness.clock().advance(Duration::from_secs(600));
    let id = harness.say(Say::reply(Who::Customer, &post, "belachelijk dit")).await;
    harness.bring(&mut inbox).await.unwrap();
    inbox.find("belachelijk dit");
    harness.say(Say::reply(Who::Other, &id, "helemaal mee eens")).await;
    // Nothing tells of what hangs below a reply: it is looked for now and then.
    harness.clock().advance(Duration::from_secs(700));
    harness.bring(&mut inbox).await.unwrap();
    let reply = inbox.find("belachelijk dit");
    assert_eq!((reply.direction, reply.thread.external_id.as_str()), (Direction::In, id.as_str()));
    let below = inbox.find("helemaal mee eens");
    assert_eq!((below.direction, below.thread.external_id.as_str()), (Direction::In, id.as_str()));
    assert_eq!(inbox.messages.values().filter(|m| m.external_id == id).count(), 1);
}

pub async fn the_post_above_a_mention_comes_along_as_context<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let root = harness.say(Say::post(Who::Other, "wie kent een goede fietsenmaker?")).await;
    let reply = harness.say(Say { to: Some(root.clone()), ..Say::mention(Who::Customer, "deze hier niet") }).await;
    harness.bring(&mut inbox).await.unwrap();
    let mention = inbox.find("deze hier niet").clone();
    assert_eq!(mention.thread.external_id, root, "bystanders in a chain are in its thread");
    assert_eq!((mention.external_id.as_str(), mention.reply_to.as_deref()), (reply.as_str(), Some(root.as_str())));
    let above = &inbox.messages[&root];
    assert_eq!(
        (above.direction, above.author.external_id.as_str()),
        (Direction::Context, harness.author(Who::Other).0.as_str())
    );
}

pub async fn a_direct_message_is_private_and_keeps_its_thread<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    harness.say(Say::dm(Who::Customer, "mijn ordernummer is 12345")).await;
    harness.say(Say::dm(Who::Other, "ik wil opzeggen")).await;
    harness.bring(&mut inbox).await.unwrap();
    let first = inbox.find("ordernummer").clone();
    let kind = H::kind(Way::Private);
    assert_eq!((first.thread.lane, first.thread.kind, first.direction), (Lane::Private, kind, Direction::In));
    assert_ne!(inbox.find("opzeggen").thread.external_id, first.thread.external_id);
    harness.clock().advance(Duration::from_secs(86_400 * 3));
    harness.say(Say::dm(Who::Customer, "nog steeds niets gehoord")).await;
    inbox.restart(&harness);
    harness.bring(&mut inbox).await.unwrap();
    assert_eq!(inbox.find("nog steeds niets").thread.external_id, first.thread.external_id);
}

pub async fn the_first_pull_brings_history_and_says_so<H: Harness>() {
    let harness = H::start().await;
    harness.reach(Who::Customer, "van heel lang geleden").await;
    harness.clock().advance(Duration::from_secs(86_400 * 30));
    for n in 0..H::page_size() + 10 {
        harness.reach(Who::Customer, format!("vorige week <{n}>")).await;
    }
    for way in H::ways() {
        harness.say(Say::by(*way, Who::Customer, format!("gisteren langs {way:?}"))).await;
    }
    harness.clock().advance(Duration::from_secs(86_400));
    let mut inbox = Inbox::connected(&harness).await;
    for n in 0..H::page_size() + 10 {
        assert!(inbox.find(&format!("vorige week <{n}>")).history);
    }
    for way in H::ways() {
        assert!(inbox.find(&format!("gisteren langs {way:?}")).history);
    }
    assert_eq!(inbox.count("heel lang geleden"), 0, "older than the history asked for");
    harness.reach(Who::Customer, "zojuist").await;
    harness.bring(&mut inbox).await.unwrap();
    assert!(!inbox.find("zojuist").history);
}

pub async fn what_the_brand_says_elsewhere_comes_as_outbound<H: Harness>() {
    for &way in H::ways() {
        let harness = H::start().await;
        let mut inbox = Inbox::connected(&harness).await;
        let id = harness.say(Say::by(way, Who::Customer, "kan iemand helpen?")).await;
        harness.bring(&mut inbox).await.unwrap();
        let thread = inbox.find("kan iemand helpen?").thread.external_id.clone();
        let text = "vanaf de telefoon beantwoord";
        let ours = match way {
            Way::Mention => harness.say(Say::reply(Who::Brand, &id, text)).await,
            Way::Private => harness.say(Say { to: Some(id), ..Say::dm(Who::Brand, text) }).await,
        };
        inbox.restart(&harness);
        harness.bring(&mut inbox).await.unwrap();
        let message = inbox.find(text);
        assert_eq!(
            (message.direction, message.external_id.as_str(), message.thread.external_id.as_str()),
            (Direction::Out, ours.as_str(), thread.as_str())
        );
        assert_eq!(message.author.external_id, harness.author(Who::Brand).0);
    }
}

pub async fn a_deleted_post_is_noticed<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let gone = harness.reach(Who::Customer, "dit trek ik terug").await;
    let stays = harness.reach(Who::Customer, "dit blijft staan").await;
    harness.bring(&mut inbox).await.unwrap();
    harness.delete(Who::Customer, &gone).await;
    inbox.look_after(&harness).await.unwrap();
    assert!(inbox.removed.contains(&gone));
    assert!(!inbox.removed.contains(&stays));
}

pub async fn an_edited_post_is_noticed<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let id = harness.reach(Who::Customer, "mijn bestelling is te laad").await;
    harness.bring(&mut inbox).await.unwrap();
    assert_eq!(inbox.find("te laad").edited_at, None);
    harness.edit(Who::Customer, &id, "mijn bestelling is te laat").await;
    inbox.look_after(&harness).await.unwrap();
    assert_eq!(inbox.find("te laat").external_id, id);
    assert!(inbox.messages[&id].edited_at.is_some());
}

pub async fn more_than_a_page_of_news_arrives_whole<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let mut expected = BTreeSet::new();
    for n in 0..H::page_size() * 2 + 7 {
        expected.insert(harness.reach(Who::Customer, format!("storm <{n}>")).await);
    }
    harness.bring(&mut inbox).await.unwrap();
    let arrived: BTreeSet<_> = inbox.messages.keys().cloned().collect();
    assert_eq!(arrived, expected);
}

pub async fn a_pull_dropped_at_any_point_does_no_harm<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let id = harness.reach(Who::Customer, "een vraag die blijft hangen").await;
    dropped_pulls(&inbox).await;
    harness.bring(&mut inbox).await.unwrap();
    assert_eq!(inbox.find("een vraag die blijft hangen").external_id, id);
}

pub async fn a_pull_dropped_at_any_point_keeps_the_context<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let root = harness.say(Say::post(Who::Other, "een oude draad")).await;
    let id = harness.say(Say { to: Some(root.clone()), ..Say::mention(Who::Customer, "met een nieuwe vraag") }).await;
    dropped_pulls(&inbox).await;
    harness.bring(&mut inbox).await.unwrap();
    assert_eq!(inbox.find("met een nieuwe vraag").external_id, id);
    assert_eq!(inbox.messages[&id].thread.external_id, root);
    assert!(inbox.messages.contains_key(&root), "the context was not taken for known");
}

/// Asks every feed and lets go after one poll, after two, after three.
async fn dropped_pulls(inbox: &Inbox) {
    let channel = Arc::clone(&inbox.channel);
    let pull = channel.pull().expect("a channel that is asked");
    for polls in 0..40 {
        for feed in pull.feeds() {
            drop_after(pull.pull(feed.key, inbox.cursors.get(feed.key)), polls).await;
        }
    }
}

/// Takes in what a stream says. A batch without anything rings the bell: ask.
async fn listen<H: Harness>(harness: &H, inbox: &mut Inbox, batches: &mut tokio::sync::mpsc::Receiver<Batch>) {
    let batch = batches.recv().await.expect("the stream goes on");
    if batch.items.is_empty() && batch.unreadable.is_empty() {
        harness.bring(inbox).await.unwrap();
    } else {
        inbox.take(batch);
    }
}

pub async fn a_stream_says_it_stands_and_brings_the_same_ids<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let (sink, mut batches) = tokio::sync::mpsc::channel(4);
    let channel = Arc::clone(&inbox.channel);
    let running = async move { channel.stream().expect("a stream").run(sink).await };
    let script = async {
        let first = batches.recv().await.expect("an empty batch when the connection stands");
        assert!(first.items.is_empty());
        let mut ids = Vec::new();
        for way in H::ways() {
            ids.push(harness.say(Say::by(*way, Who::Customer, format!("live langs {way:?}"))).await);
        }
        while !ids.iter().all(|id| inbox.messages.contains_key(id)) {
            listen(&harness, &mut inbox, &mut batches).await;
        }
        assert!(ids.iter().all(|id| !inbox.messages[id].history));
        // Asking brings them again: the same messages.
        let count = inbox.messages.len();
        harness.bring(&mut inbox).await.unwrap();
        assert_eq!(inbox.messages.len(), count);
    };
    tokio::select! {
        error = running => panic!("the stream ended: {error}"),
        () = script => {}
    }
}

pub async fn a_stream_tells_what_is_deleted<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let (sink, mut batches) = tokio::sync::mpsc::channel(4);
    let channel = Arc::clone(&inbox.channel);
    let running = async move { channel.stream().expect("a stream").run(sink).await };
    let script = async {
        batches.recv().await.expect("an empty batch when the connection stands");
        let id = harness.reach(Who::Customer, "even live").await;
        while !inbox.messages.contains_key(&id) {
            listen(&harness, &mut inbox, &mut batches).await;
        }
        harness.delete(Who::Customer, &id).await;
        while !inbox.removed.contains(&id) {
            listen(&harness, &mut inbox, &mut batches).await;
        }
    };
    tokio::select! {
        error = running => panic!("the stream ended: {error}"),
        () = script => {}
    }
}

pub async fn a_cut_stream_ends_and_loses_nothing<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let (sink, mut batches) = tokio::sync::mpsc::channel(4);
    let channel = Arc::clone(&inbox.channel);
    let running = async { channel.stream().expect("a stream").run(sink).await };
    let script = async {
        batches.recv().await.expect("the connection stands");
        harness.cut();
        while batches.recv().await.is_some() {}
    };
    let (error, ()) = tokio::join!(running, script);
    assert_eq!(error.class, Class::Transient, "{error:?}");
    let id = harness.reach(Who::Customer, "terwijl de lijn weg was").await;
    harness.bring(&mut inbox).await.unwrap();
    assert!(inbox.messages.contains_key(&id));
}

pub async fn a_stream_with_refused_credentials_says_so<H: Harness>() {
    let harness = H::start().await;
    harness.lock_stream();
    let (sink, _batches) = tokio::sync::mpsc::channel(4);
    assert_eq!(harness.connect().stream().expect("a stream").run(sink).await.class, Class::Unauthorized);
}
