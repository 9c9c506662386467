//! Claims: one holder, fenced, expiring.

use std::time::Duration;

use balie::desk::DeskError;
use balie::desk::people::{self, UserChange};
use balie::model::{Role, Status};
use balie::store::Actor;

use crate::on_both_engines;
use crate::support::{follow_up, mention, person};

on_both_engines! {
    async fn a_claim_excludes_colleagues_and_runs_out(f) {
        f.arrives(mention("1", "anna", "hoi", 0)).await;
        let id = f.only(Status::Open).await;
        let first = f.desk.claim(&f.sanne, id).await.unwrap();
        let refused = f.desk.claim(&f.daan, id).await.unwrap_err();
        assert!(matches!(&refused, DeskError::Held { user_id, name, .. } if *user_id == f.sanne.user_id && name == "Sanne"), "{refused:?}");
        assert!(matches!(f.desk.set_status(&f.daan, id, Status::Closed, None, None).await, Err(DeskError::Held { .. })));

        f.later(Duration::from_secs(200));
        let renewed = f.desk.claim(&f.sanne, id).await.unwrap();
        assert_eq!(renewed.token, first.token, "renewing keeps the token");

        f.later(Duration::from_secs(301));
        assert_eq!(f.list(Status::Open).await.items[0].claim, None, "what ran out is not shown");
        assert_eq!(f.desk.expire_claims().await.unwrap(), 1);
        let second = f.desk.claim(&f.daan, id).await.unwrap();
        assert!(second.token > first.token, "a new claim has a higher token");
    }

    async fn of_many_who_claim_at_once_one_gets_it(f) {
        f.arrives(mention("1", "anna", "hoi", 0)).await;
        let id = f.only(Status::Open).await;
        let mut agents = Vec::new();
        for i in 0..12 {
            agents.push(person(&f.store, &format!("agent{i}"), Role::Agent).await);
        }
        let outcomes = futures_util::future::join_all(agents.iter().map(|agent| f.desk.claim(agent, id))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().filter(|outcome| outcome.is_err()).all(|outcome| matches!(outcome, Err(DeskError::Held { .. }))));
    }

    async fn next_gives_everybody_another_conversation_in_queue_order(f) {
        for i in 0..8 {
            f.arrives(mention(&i.to_string(), &format!("c{i}"), "hoi", i)).await;
        }
        let order: Vec<_> = f.list(Status::Open).await.items.iter().map(|row| row.id).collect();
        let mut agents = Vec::new();
        for i in 0..6 {
            agents.push(person(&f.store, &format!("agent{i}"), Role::Agent).await);
        }
        let taken = futures_util::future::join_all(agents.iter().map(|agent| f.desk.claim_next(agent))).await;
        let mut taken: Vec<_> = taken.into_iter().map(|outcome| outcome.unwrap().unwrap().0).collect();
        taken.sort_by_key(|id| order.iter().position(|one| one == id));
        assert_eq!(taken, order[..6], "six agents hold the six first, each another");
    }

    async fn next_leaves_what_is_assigned_to_a_colleague(f) {
        f.arrives(mention("1", "anna", "hoi", 0)).await;
        let id = f.only(Status::Open).await;
        f.desk.assign(&f.chief, id, Some(f.sanne.user_id), None).await.unwrap();
        assert_eq!(f.desk.claim_next(&f.daan).await.unwrap(), None);
        assert_eq!(f.desk.claim_next(&f.sanne).await.unwrap().map(|(id, _)| id), Some(id));
    }

    async fn what_a_departed_agent_had_is_served_to_others(f) {
        let first = mention("1", "anna", "hoi", 0);
        f.arrives(first.clone()).await;
        let closed = f.only(Status::Open).await;
        f.desk.assign(&f.chief, closed, Some(f.sanne.user_id), None).await.unwrap();
        f.desk.set_status(&f.sanne, closed, Status::Closed, None, None).await.unwrap();
        f.arrives(mention("2", "bram", "hoi", 1)).await;
        let held = f.only(Status::Open).await;
        f.desk.assign(&f.chief, held, Some(f.sanne.user_id), None).await.unwrap();
        f.desk.claim(&f.sanne, held).await.unwrap();
        assert_eq!(f.desk.claim_next(&f.daan).await.unwrap(), None);

        let seen = f.store.newest_seq().await.unwrap();
        let gone = UserChange { active: Some(false), ..UserChange::default() };
        people::change_user(&f.store, Actor::User(f.chief.user_id), f.sanne.user_id, gone, None).await.unwrap();
        let row = &f.list(Status::Open).await.items[0];
        assert_eq!((row.assignee_id, &row.claim), (None, &None));
        let events = f.store.events_after(seen, 100).await.unwrap();
        assert!(events.iter().any(|event| event.conversation_id == Some(held)), "every screen hears of it");
        assert_eq!(f.desk.claim_next(&f.daan).await.unwrap().map(|(id, _)| id), Some(held));

        // What was closed keeps its name, until the customer comes back.
        f.arrives(follow_up(&first, "3", "nog iets", 2)).await;
        assert_eq!(f.desk.claim_next(&f.daan).await.unwrap().map(|(id, _)| id), Some(closed));
    }

    async fn nothing_is_closed_or_put_away_over_words_that_were_not_seen(f) {
        let first = mention("1", "anna", "waar blijft mijn pakket?", 0);
        f.arrives(first.clone()).await;
        let id = f.only(Status::Open).await;
        let seen = Some(f.desk.row(&f.sanne, id).await.unwrap().message_count);
        f.arrives(follow_up(&first, "2", "het is er, maar kapot!", 5)).await;
        let until = f.clock.now().plus(Duration::from_secs(3600));
        for refused in [
            f.desk.set_status(&f.sanne, id, Status::Closed, None, seen).await,
            f.desk.set_status(&f.sanne, id, Status::Pending, None, seen).await,
            f.desk.snooze(&f.sanne, id, until, seen).await,
        ] {
            let Err(DeskError::ConversationMoved { message_count: 2, messages }) = refused else { panic!("{refused:?}") };
            assert_eq!(messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["het is er, maar kapot!"]);
        }
        let row = f.desk.row(&f.sanne, id).await.unwrap();
        assert_eq!((row.status, row.waiting_since.is_some()), (Status::Open, true));

        // A note of a colleague is nobody's wait, and who has read everything decides.
        f.desk.note(&f.daan, id, "Ik bel hem wel.", None).await.unwrap();
        f.desk.snooze(&f.sanne, id, until, Some(2)).await.unwrap();
        f.desk.set_status(&f.sanne, id, Status::Open, None, Some(0)).await.unwrap();
        f.desk.set_status(&f.sanne, id, Status::Closed, None, Some(2)).await.unwrap();
        assert_eq!(f.desk.set_status(&f.sanne, id, Status::Pending, None, Some(0)).await.unwrap().status, Status::Pending, "nobody waits");
    }

    async fn nothing_comes_into_the_hands_of_who_is_put_out_at_that_moment(f) {
        f.arrives(mention("1", "anna", "hoi", 0)).await;
        let id = f.only(Status::Open).await;
        let mut leaving = f.store.begin(Actor::User(f.chief.user_id)).await.unwrap();
        let mut sanne = leaving.user(f.sanne.user_id).await.unwrap().unwrap();
        sanne.active = false;
        leaving.save_user(&sanne).await.unwrap();
        let leaves = async {
            // The others find her active and go on for as far as they can.
            for _ in 0..50 {
                assert!(f.store.user(sanne.id).await.unwrap().unwrap().active);
            }
            leaving.commit().await.unwrap();
        };
        let (assigned, claimed, ()) =
            tokio::join!(f.desk.assign(&f.daan, id, Some(sanne.id), None), f.desk.claim(&f.sanne, id), leaves);
        assert!(matches!(assigned, Err(DeskError::NotFound("agent"))), "{assigned:?}");
        assert!(matches!(claimed, Err(DeskError::Forbidden)), "{claimed:?}");
        let row = f.desk.row(&f.daan, id).await.unwrap();
        assert_eq!((row.assignee_id, row.claim), (None, None));
        assert_eq!(f.desk.claim_next(&f.daan).await.unwrap().map(|(id, _)| id), Some(id));
    }

    async fn an_auditor_changes_nothing(f) {
        f.arrives(mention("1", "anna", "hoi", 0)).await;
        let id = f.only(Status::Open).await;
        let auditor = person(&f.store, "auditor", Role::Auditor).await;
        assert!(f.desk.open(&auditor, id).await.is_ok());
        assert!(matches!(f.desk.claim(&auditor, id).await, Err(DeskError::Forbidden)));
        assert!(matches!(f.desk.note(&auditor, id, "x", None).await, Err(DeskError::Forbidden)));
        assert!(matches!(f.desk.set_status(&auditor, id, Status::Closed, None, None).await, Err(DeskError::Forbidden)));
    }
}
