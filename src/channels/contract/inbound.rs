//! What comes in: the right thing, once, in its place.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Harness, Inbox, Say, Who};
use crate::model::{Direction, Lane, ThreadKind};

pub async fn the_probe_says_who_we_are<H: Harness>() {
    let harness = H::start().await;
    let probe = harness.connect().probe().await.expect("a probe");
    assert_eq!(probe.external_id, harness.author(Who::Brand).0);
    assert!(probe.handle.contains(&harness.author(Who::Brand).1), "{}", probe.handle);
    assert!(probe.facts.is_object());
}

pub async fn a_mention_arrives_once_with_its_thread_lane_and_author<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let before = harness.clock().now();
    let id = harness.say(Say::mention(Who::Customer, "waar blijft mijn pakket?")).await;
    inbox.pull().await.unwrap();
    let message = inbox.find("waar blijft mijn pakket?").clone();
    assert_eq!(message.external_id, id);
    assert_eq!(message.thread.external_id, id, "the earliest post that the brand did not write names the thread");
    assert_eq!((message.thread.lane, message.thread.kind), (Lane::Public, ThreadKind::Post));
    assert_eq!(message.direction, Direction::In);
    let (author, handle) = harness.author(Who::Customer);
    assert_eq!((message.author.external_id, message.author.handle), (author, handle));
    assert!(!message.history);
    assert!(message.sent_at >= before && message.sent_at <= harness.clock().now());
    assert!(message.url.is_some());

    // Again from the same cursor, and from scratch after a restart: the same message, nothing beside it.
    let count = inbox.messages.len();
    inbox.pull().await.unwrap();
    inbox.restart(&harness);
    inbox.cursors.clear();
    inbox.pull().await.unwrap();
    assert_eq!(inbox.messages.len(), count);
}

pub async fn an_exchange_stays_in_one_thread<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let first = harness.say(Say::mention(Who::Customer, "mijn storing duurt al een uur")).await;
    inbox.pull().await.unwrap();
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
    inbox.pull().await.unwrap();
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
    inbox.pull().await.unwrap();
    let one = harness.say(Say { to: Some(post.clone()), ..Say::mention(Who::Customer, "tot hoe laat?") }).await;
    let two = harness.say(Say { to: Some(post.clone()), ..Say::mention(Who::Other, "ook in Delft?") }).await;
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("tot hoe laat?").thread.external_id, one);
    assert_eq!(inbox.find("ook in Delft?").thread.external_id, two);
    for thread in [&one, &two] {
        let above: Vec<_> = inbox
            .messages
            .values()
            .filter(|m| m.thread.external_id == **thread && m.text.contains("zondag open"))
            .collect();
        assert_eq!(above.len(), 1, "the brand's post is shown above {thread}");
        assert_ne!(above[0].direction, Direction::In);
    }
}

pub async fn a_reply_that_does_not_name_the_brand_arrives<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let post = harness.say(Say::post(Who::Brand, "nieuwe dienstregeling")).await;
    inbox.pull().await.unwrap();
    harness.clock().advance(Duration::from_secs(600));
    let id = harness.say(Say::reply(Who::Customer, &post, "belachelijk dit")).await;
    harness.say(Say::reply(Who::Other, &id, "helemaal mee eens")).await;
    inbox.pull().await.unwrap();
    let reply = inbox.find("belachelijk dit");
    assert_eq!((reply.direction, reply.thread.external_id.as_str()), (Direction::In, id.as_str()));
    assert_eq!(inbox.find("helemaal mee eens").thread.external_id, id);
    assert_eq!(inbox.messages.values().filter(|m| m.external_id == id).count(), 1);
}

pub async fn the_post_above_a_mention_comes_along_as_context<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let root = harness.say(Say::post(Who::Other, "wie kent een goede fietsenmaker?")).await;
    let reply = harness.say(Say { to: Some(root.clone()), ..Say::mention(Who::Customer, "deze hier niet") }).await;
    inbox.pull().await.unwrap();
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
    inbox.pull().await.unwrap();
    let first = inbox.find("ordernummer").clone();
    assert_eq!((first.thread.lane, first.thread.kind, first.direction), (Lane::Private, ThreadKind::Dm, Direction::In));
    assert_ne!(inbox.find("opzeggen").thread.external_id, first.thread.external_id);
    harness.clock().advance(Duration::from_secs(86_400 * 3));
    harness.say(Say::dm(Who::Customer, "nog steeds niets gehoord")).await;
    harness.say(Say::dm(Who::Brand, "wij hebben u gebeld")).await;
    inbox.restart(&harness);
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("nog steeds niets").thread.external_id, first.thread.external_id);
    let ours = inbox.find("wij hebben u gebeld");
    assert_eq!((ours.direction, ours.thread.external_id.as_str()), (Direction::Out, first.thread.external_id.as_str()));
}

pub async fn the_first_pull_brings_history_and_says_so<H: Harness>() {
    let harness = H::start().await;
    harness.say(Say::mention(Who::Customer, "van heel lang geleden")).await;
    harness.clock().advance(Duration::from_secs(86_400 * 30));
    for n in 0..H::page_size() + 10 {
        harness.say(Say::mention(Who::Customer, format!("vorige week <{n}>"))).await;
    }
    harness.say(Say::dm(Who::Customer, "gisteren in stilte")).await;
    harness.clock().advance(Duration::from_secs(86_400));
    let mut inbox = Inbox::connected(&harness).await;
    for n in 0..H::page_size() + 10 {
        assert!(inbox.find(&format!("vorige week <{n}>")).history);
    }
    assert!(inbox.find("gisteren in stilte").history);
    assert_eq!(inbox.count("heel lang geleden"), 0, "older than the history asked for");
    harness.say(Say::mention(Who::Customer, "zojuist")).await;
    inbox.pull().await.unwrap();
    assert!(!inbox.find("zojuist").history);
}

pub async fn what_the_brand_says_elsewhere_comes_as_outbound<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let id = harness.say(Say::mention(Who::Customer, "kan iemand helpen?")).await;
    inbox.pull().await.unwrap();
    let ours = harness.say(Say::reply(Who::Brand, &id, "vanaf de telefoon beantwoord")).await;
    inbox.pull().await.unwrap();
    let message = inbox.find("vanaf de telefoon");
    assert_eq!(
        (message.direction, message.external_id.as_str(), message.thread.external_id.as_str()),
        (Direction::Out, ours.as_str(), id.as_str())
    );
    assert_eq!(message.author.external_id, harness.author(Who::Brand).0);
}

pub async fn a_deleted_post_is_noticed<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let gone = harness.say(Say::mention(Who::Customer, "dit trek ik terug")).await;
    let stays = harness.say(Say::mention(Who::Customer, "dit blijft staan")).await;
    inbox.pull().await.unwrap();
    harness.delete(Who::Customer, &gone).await;
    inbox.recheck().await.unwrap();
    assert!(inbox.removed.contains(&gone));
    assert!(!inbox.removed.contains(&stays));
}

pub async fn an_edited_post_is_noticed<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let id = harness.say(Say::mention(Who::Customer, "mijn bestelling is te laad")).await;
    inbox.pull().await.unwrap();
    assert_eq!(inbox.find("te laad").edited_at, None);
    if !harness.edit(Who::Customer, &id, "mijn bestelling is te laat").await {
        return;
    }
    inbox.recheck().await.unwrap();
    assert_eq!(inbox.find("te laat").external_id, id);
    assert!(inbox.messages[&id].edited_at.is_some());
}

pub async fn more_than_a_page_of_news_arrives_whole<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    let mut expected = BTreeSet::new();
    for n in 0..H::page_size() * 2 + 7 {
        expected.insert(harness.say(Say::mention(Who::Customer, format!("storm <{n}>"))).await);
    }
    inbox.pull().await.unwrap();
    let arrived: BTreeSet<_> = inbox.messages.keys().cloned().collect();
    assert_eq!(arrived, expected);
}

pub async fn a_stream_says_it_stands_and_brings_the_same_ids<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    if inbox.channel.stream().is_none() {
        return;
    }
    let (sink, mut batches) = tokio::sync::mpsc::channel(4);
    let channel = Arc::clone(&inbox.channel);
    let running = async move { channel.stream().unwrap().run(sink).await };
    let script = async {
        let first = batches.recv().await.expect("an empty batch when the connection stands");
        assert!(first.items.is_empty());
        let id = harness.say(Say::mention(Who::Customer, "live en direct")).await;
        let dm = harness.say(Say::dm(Who::Customer, "live en stil")).await;
        while !(inbox.messages.contains_key(&id) && inbox.messages.contains_key(&dm)) {
            inbox.take(batches.recv().await.expect("the stream goes on"));
        }
        assert!(!inbox.find("live en direct").history);
        // The pull brings them again: the same messages.
        let count = inbox.messages.len();
        inbox.pull().await.unwrap();
        assert_eq!(inbox.messages.len(), count);
        harness.delete(Who::Customer, &id).await;
        while !inbox.removed.contains(&id) {
            inbox.take(batches.recv().await.expect("the stream goes on"));
        }
    };
    tokio::select! {
        error = running => panic!("the stream ended: {error}"),
        () = script => {}
    }
}
