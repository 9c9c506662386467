//! What goes out: in its place, once, whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use super::{Harness, Hitch, Inbox, Say, Way, Who, drop_after};
use crate::channels::error::Class;
use crate::channels::{Action, ChannelError, Draft, Message, Outgoing, Sent};
use crate::model::Direction;

/// A connected inbox with one question in it, asked in the most usual way.
async fn asked<H: Harness>(harness: &H) -> (Inbox, Message) {
    asked_by(harness, H::ways()[0]).await
}

async fn asked_by<H: Harness>(harness: &H, way: Way) -> (Inbox, Message) {
    let mut inbox = Inbox::connected(harness).await;
    harness.say(Say::by(way, Who::Customer, "wie helpt mij?")).await;
    harness.bring(&mut inbox).await.unwrap();
    let question = inbox.find("wie helpt mij?").clone();
    (inbox, question)
}

async fn deliver(inbox: &Inbox, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
    inbox.channel.reply().expect("a channel of the suite can reply").deliver(outgoing).await
}

/// What the sender does after an ambiguous end: look, and try again only when it is not there.
async fn settle(inbox: &Inbox, outgoing: &Outgoing) -> Sent {
    match inbox.channel.reply().unwrap().find(outgoing).await.expect("a look") {
        Some(sent) => sent,
        None => deliver(inbox, outgoing).await.expect("a second try"),
    }
}

pub async fn a_reply_lands_where_it_was_asked<H: Harness>() {
    for &way in H::ways() {
        let harness = H::start().await;
        let (inbox, question) = asked_by(&harness, way).await;
        let text = "Wij helpen: stuur een DM.\n\nGroet, Noor 👩‍💻";
        let sent = deliver(&inbox, &inbox.answer(&question, text, harness.clock())).await.unwrap();
        let said = harness.said().await;
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].external_id, sent.external_id);
        assert!(said[0].text.ends_with(text), "{:?}", said[0].text);
        assert_eq!(said[0].private, way == Way::Private);
    }
}

pub async fn a_reply_names_the_message_it_answers<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked(&harness).await;
    deliver(&inbox, &inbox.answer(&question, "Hierop dus.", harness.clock())).await.unwrap();
    assert_eq!(harness.said().await[0].reply_to.as_deref(), Some(question.external_id.as_str()));
}

pub async fn a_public_reply_can_be_pointed_at<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked_by(&harness, Way::Mention).await;
    assert!(question.url.is_some());
    let sent = deliver(&inbox, &inbox.answer(&question, "In het openbaar.", harness.clock())).await.unwrap();
    assert!(sent.url.is_some());
}

pub async fn a_private_reply_stays_private<H: Harness>() {
    let harness = H::start().await;
    let mut inbox = Inbox::connected(&harness).await;
    harness.say(Say::dm(Who::Customer, "dit is vertrouwelijk")).await;
    harness.bring(&mut inbox).await.unwrap();
    let dm = inbox.find("vertrouwelijk").clone();
    deliver(&inbox, &inbox.answer(&dm, "Blijft onder ons.", harness.clock())).await.unwrap();
    let said = harness.said().await;
    assert!(said.len() == 1 && said[0].private, "{said:?}");
}

pub async fn the_same_reply_twice_is_posted_once<H: Harness>() {
    let harness = H::start().await;
    let (mut inbox, question) = asked(&harness).await;
    let outgoing = inbox.answer(&question, "één keer is genoeg", harness.clock());
    let first = deliver(&inbox, &outgoing).await.unwrap();
    inbox.restart(&harness);
    let second = deliver(&inbox, &outgoing).await.unwrap();
    assert_eq!(first.external_id, second.external_id);
    assert_eq!(harness.said().await.len(), 1);
    let found = inbox.channel.reply().unwrap().find(&outgoing).await.unwrap().expect("it is there");
    assert_eq!(found.external_id, first.external_id);
    // Another message with the same words is another message.
    deliver(&inbox, &inbox.answer(&question, "één keer is genoeg", harness.clock())).await.unwrap();
    assert_eq!(harness.said().await.len(), 2);
}

pub async fn a_reply_whose_answer_is_lost_is_not_doubled<H: Harness>() {
    for hitch in [Hitch::AnswerLost, Hitch::AnswerCut] {
        for later in [Duration::from_secs(10), Duration::from_secs(2 * 3_600)] {
            let harness = H::start().await;
            let (mut inbox, question) = asked(&harness).await;
            let outgoing = inbox.answer(&question, "kwam dit aan?", harness.clock());
            harness.hitch(hitch);
            let error = deliver(&inbox, &outgoing).await.unwrap_err();
            assert!(matches!(error.class, Class::Transient | Class::Uncertain), "{error:?}");
            assert_eq!(harness.said().await.len(), 1, "the platform did take it");
            harness.clock().advance(later);
            inbox.restart(&harness);
            let sent = settle(&inbox, &outgoing).await;
            let said = harness.said().await;
            assert_eq!(said.len(), 1, "{later:?}");
            assert_eq!(said[0].external_id, sent.external_id);
        }
    }
}

/// Without a key a second attempt is a second message: only a look or a person may decide.
pub async fn a_lost_answer_is_uncertain<H: Harness>() {
    for hitch in [Hitch::AnswerLost, Hitch::AnswerCut] {
        let harness = H::start().await;
        let (inbox, question) = asked(&harness).await;
        harness.hitch(hitch);
        let outgoing = inbox.answer(&question, "kwam dit aan?", harness.clock());
        let error = deliver(&inbox, &outgoing).await.unwrap_err();
        assert_eq!(error.class, Class::Uncertain, "{hitch:?}: {error:?}");
        assert_eq!(harness.said().await.len(), 1, "the platform did take it");
    }
}

pub async fn what_is_uncertain_is_never_called_absent<H: Harness>() {
    let harness = H::start().await;
    let (mut inbox, question) = asked(&harness).await;
    harness.hitch(Hitch::AnswerLost);
    let outgoing = inbox.answer(&question, "kwam dit aan?", harness.clock());
    deliver(&inbox, &outgoing).await.unwrap_err();
    inbox.restart(&harness);
    match inbox.channel.reply().unwrap().find(&outgoing).await {
        Ok(found) => panic!("nobody can know: {found:?}"),
        Err(error) => assert_eq!(error.class, Class::Uncertain, "{error:?}"),
    }
    assert_eq!(harness.said().await.len(), 1);
}

pub async fn a_reply_that_never_left_is_not_found<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked(&harness).await;
    let outgoing = inbox.answer(&question, "nooit verstuurd", harness.clock());
    harness.hitch(Hitch::Busy);
    assert_eq!(deliver(&inbox, &outgoing).await.unwrap_err().class, Class::Transient);
    assert_eq!(inbox.channel.reply().unwrap().find(&outgoing).await.unwrap(), None);
    settle(&inbox, &outgoing).await;
    assert_eq!(harness.said().await.len(), 1);
}

pub async fn a_reply_to_a_deleted_post_is_refused_for_good<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked(&harness).await;
    harness.delete(Who::Customer, &question.external_id).await;
    match deliver(&inbox, &inbox.answer(&question, "te laat", harness.clock())).await {
        Err(error) => assert_eq!(error.class, Class::Rejected, "{error:?}"),
        // Some platforms take a reply to what is gone.
        Ok(_) => assert_eq!(harness.said().await.len(), 1),
    }
}

pub async fn a_limited_sender_waits<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked(&harness).await;
    let outgoing = inbox.answer(&question, "even geduld", harness.clock());
    harness.hitch(Hitch::TooFast);
    assert!(
        matches!(deliver(&inbox, &outgoing).await.unwrap_err().class, Class::RateLimited { until } if until > harness.clock().now())
    );
    harness.hitch(Hitch::LockedOut);
    assert_eq!(deliver(&inbox, &outgoing).await.unwrap_err().class, Class::Unauthorized);
    harness.heal();
    deliver(&inbox, &outgoing).await.unwrap();
    assert_eq!(harness.said().await.len(), 1);
}

pub async fn a_text_that_is_too_long_is_refused_whole<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked(&harness).await;
    let facts = inbox.channel.probe().await.unwrap().facts;
    let allowance = inbox.channel.allowance(&question.thread, &facts);
    assert!(allowance.may_reply);
    let measure = |text: &str| {
        inbox.channel.measure(
            &Draft {
                thread: &question.thread,
                reply_to: Some(&question.meta),
                text,
                content_warning: None,
                visibility: None,
            },
            &facts,
        )
    };
    let text = "Een zin die telkens terugkomt. ".repeat(usize::try_from(allowance.limit.max).unwrap() / 20);
    let measured = measure(&text);
    assert!(measured.over && measured.used > measured.max && measured.max <= allowance.limit.max);
    let parts = measured.parts.expect("a proposal in parts");
    let squeeze = |s: &str| s.split_whitespace().collect::<String>();
    assert_eq!(squeeze(&parts.concat()), squeeze(&text), "nothing is lost");
    assert!(parts.iter().all(|part| !measure(part).over));
    let error = deliver(&inbox, &inbox.answer(&question, &text, harness.clock())).await.unwrap_err();
    assert_eq!(error.class, Class::Rejected, "{error:?}");
    assert!(harness.said().await.is_empty(), "nothing was posted, least of all a part");
    assert!(!measure("kort").over);
    deliver(&inbox, &inbox.answer(&question, &parts[0], harness.clock())).await.expect("a part fits");
}

pub async fn what_we_sent_comes_back_as_the_same_message<H: Harness>() {
    for &way in H::ways() {
        let harness = H::start().await;
        let (mut inbox, question) = asked_by(&harness, way).await;
        let outgoing = inbox.answer(&question, "het echo-antwoord", harness.clock());
        let sent = deliver(&inbox, &outgoing).await.unwrap();
        harness.clock().advance(Duration::from_secs(120));
        harness.bring(&mut inbox).await.unwrap();
        let echo = inbox.find("het echo-antwoord");
        assert_eq!(
            (echo.external_id.as_str(), echo.direction, echo.thread.external_id.as_str(), echo.thread.lane),
            (sent.external_id.as_str(), Direction::Out, question.thread.external_id.as_str(), way.lane())
        );
    }
}

pub async fn a_delivery_dropped_at_any_point_is_not_doubled<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked(&harness).await;
    let outgoing = inbox.answer(&question, "midden in de zin", harness.clock());
    for polls in 0..25 {
        let channel = Arc::clone(&inbox.channel);
        drop_after(channel.reply().unwrap().deliver(&outgoing), polls).await;
    }
    settle(&inbox, &outgoing).await;
    assert_eq!(harness.said().await.len(), 1);
}

pub async fn liking_twice_has_the_effect_of_once<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked(&harness).await;
    let moderate = inbox.channel.moderate().expect("a channel with likes");
    assert!(moderate.actions(false, question.thread.lane).contains(&Action::Like));
    let act = async |action| {
        moderate.act(action, &question.external_id, &question.author.external_id, &question.meta, None).await.unwrap();
    };
    act(Action::Like).await;
    act(Action::Like).await;
    assert!(harness.liked(&question.external_id).await);
    act(Action::Unlike).await;
    act(Action::Unlike).await;
    assert!(!harness.liked(&question.external_id).await);
}

pub async fn our_own_message_can_be_deleted<H: Harness>() {
    let harness = H::start().await;
    let (inbox, question) = asked(&harness).await;
    let moderate = inbox.channel.moderate().expect("a channel that deletes");
    let lane = question.thread.lane;
    assert!(moderate.actions(true, lane).contains(&Action::Delete));
    assert!(!moderate.actions(false, lane).contains(&Action::Delete), "only our own");
    let sent = deliver(&inbox, &inbox.answer(&question, "per ongeluk", harness.clock())).await.unwrap();
    for _ in 0..2 {
        moderate
            .act(Action::Delete, &sent.external_id, &harness.author(Who::Brand).0, &sent.meta, Some("verkeerde draad"))
            .await
            .unwrap();
    }
    assert!(harness.said().await.is_empty());
}
