//! Replies: never two answers, never unseen words, never doubled.

use balie::desk::DeskError;
use balie::desk::reply::NewReply;
use balie::desk::view::Conversation;
use balie::model::{DeliveryState, Status};

use crate::on_both_engines;
use crate::support::{Fixture, direct, follow_up, mention};

/// A reply to what is on the screen, under the claim just made.
pub fn answer(opened: &Conversation, token: i64, text: &str) -> NewReply {
    NewReply {
        thread_id: opened.threads[0].id,
        in_reply_to: None,
        text: text.to_owned(),
        visibility: None,
        content_warning: None,
        language: Some("nl".to_owned()),
        attachments: Vec::new(),
        claim_token: token,
        recipients: None,
        forward: false,
        subject: None,
        seen_version: opened.threads[0].version,
        seen_count: None,
        then: Status::Pending,
    }
}

/// One mention, opened and claimed by Sanne.
pub async fn claimed(f: &Fixture) -> (Conversation, i64) {
    f.arrives(mention("1", "anna", "waar blijft mijn pakket?", 0)).await;
    let id = f.only(Status::Open).await;
    let token = f.desk.claim(&f.sanne, id).await.unwrap().token;
    (f.desk.open(&f.sanne, id).await.unwrap(), token)
}

on_both_engines! {
    async fn a_reply_is_queued_with_its_message_and_the_wait_ends(f) {
        let (opened, token) = claimed(&f).await;
        let sent = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "We zoeken het uit."), "k1").await.unwrap();
        assert_eq!(sent.delivery.as_ref().unwrap().state, DeliveryState::Queued);
        assert_eq!(sent.reply_to, Some(opened.messages[0].id));
        let row = &f.list(Status::Pending).await.items[0];
        assert_eq!((row.waiting_since, row.assignee_id, row.claim), (None, Some(f.sanne.user_id), None));
    }

    async fn the_same_key_sends_once_and_another_text_under_it_is_refused(f) {
        let (opened, token) = claimed(&f).await;
        let reply = answer(&opened, token, "Hoi");
        let first = f.desk.reply(&f.sanne, opened.row.id, &reply, "k1").await.unwrap();
        let again = f.desk.reply(&f.sanne, opened.row.id, &reply, "k1").await.unwrap();
        assert_eq!(first.id, again.id);
        let other = answer(&opened, token, "Iets anders");
        let refused = f.desk.reply(&f.sanne, opened.row.id, &other, "k1").await.unwrap_err();
        assert!(matches!(refused, DeskError::Refused { code: "idempotency.reused", .. }), "{refused:?}");
    }

    async fn the_same_words_under_the_same_key_are_one_answer_whatever_they_stand_on_by_then(f) {
        let (opened, token) = claimed(&f).await;
        let id = opened.row.id;
        let first = f.desk.reply(&f.sanne, id, &answer(&opened, token, "Hoi"), "k1").await.unwrap();
        // Its answer was lost; the page claims again, sees what is there now, and tries once more.
        f.arrives(follow_up(&mention("1", "anna", "", 0), "2", "hallo?", 60)).await;
        let token = f.desk.claim(&f.sanne, id).await.unwrap().token;
        let opened = f.desk.open(&f.sanne, id).await.unwrap();
        let mut retry = answer(&opened, token, "Hoi");
        retry.then = Status::Closed;
        let again = f.desk.reply(&f.sanne, id, &retry, "k1").await.unwrap();
        assert_eq!(first.id, again.id);
        assert_eq!(f.desk.open(&f.sanne, id).await.unwrap().messages.len(), 3, "two of hers, one of ours");
    }

    async fn the_same_key_at_the_same_moment_sends_once(f) {
        let (opened, token) = claimed(&f).await;
        let mut reply = answer(&opened, token, "Hoi");
        reply.then = Status::Open;
        let all = futures_util::future::join_all((0..8).map(|_| f.desk.reply(&f.sanne, opened.row.id, &reply, "k1"))).await;
        let ids: std::collections::HashSet<_> = all.into_iter().map(|outcome| outcome.unwrap().id).collect();
        assert_eq!(ids.len(), 1);
    }

    async fn without_the_claim_nothing_is_sent(f) {
        let (opened, token) = claimed(&f).await;
        let id = opened.row.id;
        let reply = answer(&opened, token, "Hoi");
        assert!(matches!(f.desk.reply(&f.daan, id, &reply, "k1").await, Err(DeskError::ClaimLost)));
        // Sanne's claim runs out, Daan takes over: her token is worth nothing any more.
        f.later(std::time::Duration::from_secs(600));
        assert!(matches!(f.desk.reply(&f.sanne, id, &reply, "k2").await, Err(DeskError::ClaimLost)));
        f.desk.claim(&f.daan, id).await.unwrap();
        assert!(matches!(f.desk.reply(&f.sanne, id, &reply, "k3").await, Err(DeskError::ClaimLost)));
        f.desk.release(&f.daan, id).await.unwrap();
        f.desk.claim(&f.sanne, id).await.unwrap();
        assert!(matches!(f.desk.reply(&f.sanne, id, &reply, "k4").await, Err(DeskError::ClaimLost)), "an old token of her own neither");
        assert_eq!(f.desk.open(&f.sanne, id).await.unwrap().messages.len(), 1);
    }

    async fn what_the_author_has_not_seen_stops_the_reply_and_is_shown(f) {
        let (opened, token) = claimed(&f).await;
        let first = mention("1", "anna", "waar blijft mijn pakket?", 0);
        f.arrives(follow_up(&first, "2", "laat maar, het is er!", 5)).await;
        let refused = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "We zoeken het uit."), "k1").await.unwrap_err();
        let DeskError::ThreadMoved { version, messages } = refused else { panic!("{refused:?}") };
        assert_eq!(messages.last().unwrap().text, "laat maar, het is er!");
        let mut again = answer(&opened, token, "Fijn!");
        again.seen_version = version;
        f.desk.reply(&f.sanne, opened.row.id, &again, "k2").await.unwrap();
    }

    async fn unseen_words_in_another_thread_of_the_conversation_stop_the_reply_too(f) {
        let (opened, token) = claimed(&f).await;
        let id = opened.row.id;
        f.arrives(direct("2", "anna", "mijn ordernummer is 1234", 5)).await;
        let mut reply = NewReply { seen_count: Some(opened.row.message_count), ..answer(&opened, token, "We zoeken het uit.") };
        let refused = f.desk.reply(&f.sanne, id, &reply, "k1").await.unwrap_err();
        let DeskError::ConversationMoved { message_count, messages } = refused else { panic!("{refused:?}") };
        assert_eq!(messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["mijn ordernummer is 1234"]);
        let row = f.desk.row(&f.sanne, id).await.unwrap();
        assert_eq!((row.status, row.waiting_since.is_some()), (Status::Open, true), "she still waits");

        // Read, they are the author's to answer as they like.
        reply.seen_count = Some(message_count);
        f.desk.reply(&f.sanne, id, &reply, "k1").await.unwrap();
        assert_eq!(f.only(Status::Pending).await, id);
    }

    async fn a_colleagues_answer_must_have_been_seen_too(f) {
        let (opened, token) = claimed(&f).await;
        let before = f.desk.open(&f.daan, opened.row.id).await.unwrap();
        f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "We zoeken het uit."), "k1").await.unwrap();
        // Her claim ended with her answer; Daan claims what he still has on his screen without it.
        let token = f.desk.claim(&f.daan, opened.row.id).await.unwrap().token;
        let refused = f.desk.reply(&f.daan, opened.row.id, &answer(&before, token, "Ik zoek het uit."), "k2").await.unwrap_err();
        let DeskError::ThreadMoved { messages, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(messages.last().unwrap().text, "We zoeken het uit.");
    }

    async fn an_edited_question_stops_the_reply_too(f) {
        let (opened, token) = claimed(&f).await;
        let mut edited = mention("1", "anna", "waar blijft mijn geld?", 0);
        edited.edited_at = Some(f.clock.now());
        f.arrives(edited).await;
        let refused = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Onderweg!"), "k1").await.unwrap_err();
        assert!(matches!(refused, DeskError::ThreadMoved { .. }), "{refused:?}");
    }

    async fn a_text_the_platform_would_refuse_never_leaves(f) {
        let (opened, token) = claimed(&f).await;
        let long = "Dit is een zin. ".repeat(40);
        let refused = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, &long), "k1").await.unwrap_err();
        let DeskError::Refused { code: "reply.too_long", extra, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(extra["max"], 300);
        assert!(extra["parts"].as_array().unwrap().len() >= 2, "a split is offered: {extra}");
        for empty in ["", "  \n "] {
            let refused = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, empty), "k2").await.unwrap_err();
            assert!(matches!(refused, DeskError::Refused { code: "reply.empty", .. }), "{refused:?}");
        }
    }

    async fn a_text_without_end_is_refused_before_anybody_counts_it(f) {
        let (opened, token) = claimed(&f).await;
        let endless = "x".repeat(100_001);
        // Nothing else was looked at: not even whose claim it is.
        let refused = f.desk.reply(&f.daan, opened.row.id, &answer(&opened, token + 1, &endless), "k1").await.unwrap_err();
        assert!(matches!(refused, DeskError::Refused { code: "text.too_long", .. }), "{refused:?}");
        let measured = f.desk.measure(&f.sanne, opened.threads[0].id, None, &endless, None, None).await.unwrap_err();
        assert!(matches!(measured, DeskError::Refused { code: "text.too_long", .. }), "{measured:?}");
        assert!(f.desk.measure(&f.sanne, opened.threads[0].id, None, &endless[1..], None, None).await.unwrap().over);
    }

    async fn a_removed_question_cannot_be_answered_by_accident(f) {
        let (opened, token) = claimed(&f).await;
        f.batch(vec![balie::channels::Item::Removed { external_id: mention("1", "anna", "", 0).external_id, at: None }]).await;
        let refused = f.desk.reply(&f.sanne, opened.row.id, &answer(&opened, token, "Hoi"), "k1").await.unwrap_err();
        assert!(matches!(refused, DeskError::Refused { code: "reply.parent_removed", .. }), "{refused:?}");
    }

    async fn a_note_under_the_same_key_is_one_note(f) {
        let (opened, _) = claimed(&f).await;
        let id = opened.row.id;
        let first = f.desk.note(&f.sanne, id, "Belt morgen.", Some("n1")).await.unwrap();
        let again = f.desk.note(&f.sanne, id, "Belt morgen.", Some("n1")).await.unwrap();
        assert_eq!(first.id, again.id);
        let refused = f.desk.note(&f.sanne, id, "Belt niet.", Some("n1")).await.unwrap_err();
        assert!(matches!(refused, DeskError::Refused { code: "idempotency.reused", .. }), "{refused:?}");
        let same = f.desk.note(&f.sanne, id, "Belt morgen.", None).await.unwrap();
        assert_ne!(first.id, same.id, "without a key it is said again");
        assert_eq!(f.desk.open(&f.sanne, id).await.unwrap().messages.len(), 3);
    }

    async fn a_note_stays_inside(f) {
        let (opened, _) = claimed(&f).await;
        let note = f.desk.note(&f.daan, opened.row.id, "Klant belde ook al. @Sanne kijk jij?", None).await.unwrap();
        assert_eq!((note.thread_id, note.delivery.is_none()), (None, true));
        assert_eq!(f.store.next_outbox_due().await.unwrap(), None, "there is nothing to send");
        assert_eq!(f.list(Status::Open).await.items[0].waiting_since, opened.row.waiting_since, "and the customer still waits");
    }

    async fn another_teams_conversation_is_not_there(f) {
        let team = balie::model::TeamId::new();
        let mut tx = f.store.begin(balie::store::Actor::System).await.unwrap();
        tx.insert_team(&balie::store::teams::Team { id: team, name: "Reviews".into(), created_at: f.clock.now() }).await.unwrap();
        tx.set_account_teams(f.account.id, &[team]).await.unwrap();
        tx.commit().await.unwrap();
        f.arrives(mention("1", "anna", "geheim", 0)).await;
        let id = f.only(Status::Open).await;
        assert!(f.desk.list(&f.sanne, balie::store::list::Filter::default(), None, 50).await.unwrap().items.is_empty());
        assert!(matches!(f.desk.open(&f.sanne, id).await, Err(DeskError::NotFound(_))));
        assert!(matches!(f.desk.claim(&f.sanne, id).await, Err(DeskError::NotFound(_))));
        let words = balie::store::list::Filter { words: Some("geheim".into()), ..Default::default() };
        assert!(f.desk.list(&f.sanne, words.clone(), None, 50).await.unwrap().items.is_empty());
        assert_eq!(f.desk.list(&f.chief, words, None, 50).await.unwrap().items.len(), 1);
        let mut member = f.sanne.clone();
        member.teams = vec![team];
        assert!(f.desk.open(&member, id).await.is_ok());
    }
}
