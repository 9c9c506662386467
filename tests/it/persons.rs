//! One person, many channels: suggested on evidence, linked and taken apart by a person, seen by whom it concerns.

use balie::channels::{Author, Message};
use balie::desk::link::Evidence;
use balie::desk::view::Conversation;
use balie::desk::{Act, DeskError};
use balie::model::{Claim, ClaimKind, ContactId, ConversationId, Status};
use balie::store::Actor;
use balie::store::accounts::Account;
use balie::store::list::Filter;

use crate::on_both_engines;
use crate::support::{Fixture, batch_of, connect, direct, mention};

fn claiming(message: Message, kind: ClaimKind, value: &str, verified: bool) -> Message {
    let author = Author { claims: vec![Claim { kind, value: value.into(), verified }], ..message.author.clone() };
    Message { author, ..message }
}

async fn of(f: &Fixture, name: &str) -> Conversation {
    let page = f.desk.list(&f.chief, Filter::default(), None, 50).await.unwrap();
    let row = page.items.into_iter().find(|row| row.contact.name == name).unwrap();
    f.desk.open(&f.chief, row.id).await.unwrap()
}

async fn contact(f: &Fixture, name: &str) -> ContactId {
    of(f, name).await.row.contact.id
}

/// Everything of a conversation that a reader sees, as text.
async fn timeline(f: &Fixture, id: ConversationId) -> String {
    let opened = f.desk.open(&f.chief, id).await.unwrap();
    serde_json::to_string(&(opened.messages, opened.contact, opened.history, opened.threads)).unwrap()
}

/// An account of its own that only a team of its own sees.
async fn other_account(f: &Fixture) -> Account {
    let account = connect(&f.store, "secret").await;
    let mut tx = f.store.begin(Actor::System).await.unwrap();
    let team = balie::model::TeamId::new();
    let row = balie::store::teams::Team { id: team, name: "Besloten".into(), created_at: crate::support::START };
    tx.insert_team(&row).await.unwrap();
    tx.set_account_teams(account.id, &[team]).await.unwrap();
    tx.commit().await.unwrap();
    account
}

on_both_engines! {
    async fn linking_shows_one_person_and_unlinking_restores_both_to_the_byte(f) {
        f.arrives(mention("1", "anna", "waar blijft mijn pakket?", 0)).await;
        f.arrives(direct("2", "annie", "nog steeds niets", 60)).await;
        let (anna, annie) = (of(&f, "anna").await, of(&f, "annie").await);
        let before = (timeline(&f, anna.row.id).await, timeline(&f, annie.row.id).await);

        let linked = f.desk.link(&f.sanne, anna.contact.id, annie.contact.id, Evidence::Statement).await.unwrap();
        assert_eq!(linked.identities.len(), 2);
        assert_eq!((linked.links[0].contact_id, linked.links[0].user_id), (annie.contact.id, Some(f.sanne.user_id)));
        for id in [anna.row.id, annie.row.id] {
            let opened = f.desk.open(&f.sanne, id).await.unwrap();
            assert_eq!(opened.contact, linked, "both show the person");
            assert_eq!(opened.history.len(), 1, "and what they said elsewhere");
            assert_eq!(opened.log.last().unwrap().data["evidence"], "statement");
        }
        // What is said meanwhile stays with who said it.
        f.desk.unlink(&f.daan, annie.contact.id, annie.contact.id).await.unwrap();
        assert_eq!((timeline(&f, anna.row.id).await, timeline(&f, annie.row.id).await), before);
    }

    async fn taking_one_apart_leaves_what_it_was_linked_to_before(f) {
        for (n, name) in ["a", "b", "c"].iter().enumerate() {
            f.arrives(mention(&n.to_string(), name, "hoi", n as i64)).await;
        }
        let (a, b, c) = (contact(&f, "a").await, contact(&f, "b").await, contact(&f, "c").await);
        f.desk.link(&f.sanne, a, b, Evidence::Statement).await.unwrap();
        let three = f.desk.link(&f.sanne, c, b, Evidence::Email).await.unwrap();
        assert_eq!((three.id, three.identities.len()), (c, 3), "whoever belongs to b comes along");
        let left = f.desk.unlink(&f.sanne, b, a).await.unwrap();
        assert_eq!((left.id, left.identities.len()), (c, 1));
        assert_eq!(f.desk.person(&f.sanne, b).await.unwrap().contact.identities.len(), 2, "a and b as they were");
    }

    async fn nobody_is_linked_to_themselves_or_twice(f) {
        f.arrives(mention("1", "a", "hoi", 0)).await;
        f.arrives(mention("2", "b", "hoi", 1)).await;
        let (a, b) = (contact(&f, "a").await, contact(&f, "b").await);
        f.desk.link(&f.sanne, a, b, Evidence::Phone).await.unwrap();
        for (one, other) in [(a, b), (b, a), (a, a)] {
            let refused = f.desk.link(&f.sanne, one, other, Evidence::Phone).await;
            assert!(matches!(refused, Err(DeskError::Refused { code: "contacts.same", .. })), "{refused:?}");
        }
        assert!(matches!(f.desk.unlink(&f.sanne, b, ContactId::new()).await, Err(DeskError::NotFound(_))));
        let auditor = balie::desk::Viewer { role: balie::model::Role::Auditor, ..f.sanne.clone() };
        assert!(matches!(f.desk.link(&auditor, a, b, Evidence::Phone).await, Err(DeskError::Forbidden)));
        assert!(auditor.must(Act::Work).is_err());
    }

    async fn evidence_suggests_and_a_name_never_does(f) {
        f.arrives(claiming(mention("1", "anna", "hoi", 0), ClaimKind::Email, "anna@example.org", true)).await;
        f.arrives(claiming(direct("2", "annie", "hoi", 1), ClaimKind::Email, "anna@example.org", true)).await;
        f.arrives(claiming(direct("3", "typte", "hoi", 2), ClaimKind::Email, "anna@example.org", false)).await;
        f.arrives(claiming(direct("4", "beller", "hoi", 3), ClaimKind::Phone, "anna@example.org", true)).await;
        let mut namesake = direct("5", "naamgenoot", "hoi", 4);
        namesake.author.name = "anna".into();
        namesake.author.handle = "anna.test".into();
        f.arrives(namesake).await;
        let page = f.desk.list(&f.chief, Filter::default(), None, 50).await.unwrap();
        let id = page.items.iter().find(|row| row.contact.name == "anna" && row.lane.as_str() == "public").unwrap().id;
        let suggestions = f.desk.open(&f.sanne, id).await.unwrap().suggestions;
        let told: Vec<(&str, bool)> = suggestions.iter().map(|s| (s.contact.name.as_str(), s.verified)).collect();
        assert_eq!(told, [("annie", true), ("typte", false)]);
        // Two who only typed it know nothing of each other.
        let typed = of(&f, "typte").await;
        assert!(typed.suggestions.iter().all(|s| s.contact.name != "beller"));
        f.desk.link(&f.sanne, f.desk.open(&f.sanne, id).await.unwrap().contact.id, suggestions[0].contact.id, Evidence::Email).await.unwrap();
        assert_eq!(f.desk.open(&f.sanne, id).await.unwrap().suggestions.len(), 1, "whoever is linked is not suggested");
    }

    async fn people_are_found_by_handle_name_address_and_number(f) {
        f.arrives(claiming(mention("1", "Marieke", "hoi", 0), ClaimKind::Phone, "+31612345678", false)).await;
        f.arrives(mention("2", "piet%_", "hoi", 1)).await;
        let found = async |words: &str| {
            let people = f.desk.find_contacts(&f.sanne, words).await.unwrap();
            people.into_iter().map(|contact| contact.name).collect::<Vec<_>>()
        };
        assert_eq!(found("mari").await, ["Marieke"]);
        assert_eq!(found("@MARIEKE.te").await, ["Marieke"]);
        assert_eq!(found("+31612345678").await, ["Marieke"]);
        assert_eq!(found("piet%").await, ["piet%_"]);
        assert!(found("%%").await.is_empty());
        f.arrives(mention("3", "Özlem", "hoi", 2)).await;
        f.arrives(mention("4", "ΟΔΥΣΣΕΥΣ", "hoi", 3)).await;
        assert_eq!(found("öz").await, ["Özlem"], "whatever the letters");
        assert_eq!(found("ÖZLEM").await, ["Özlem"]);
        assert_eq!(found("οδυς").await, found("ΟΔΥΣ").await);
        assert!(matches!(f.desk.find_contacts(&f.sanne, " m ").await, Err(DeskError::Refused { code: "contacts.short", .. })));
    }

    async fn nobody_sees_or_links_whom_they_may_not_see(f) {
        let secret = other_account(&f).await;
        f.arrives(claiming(mention("1", "anna", "hoi", 0), ClaimKind::Email, "anna@example.org", true)).await;
        let hidden = claiming(mention("2", "verborgen", "geheim", 1), ClaimKind::Email, "anna@example.org", true);
        f.desk.ingest(&secret, "notifications", &batch_of(hidden)).await.unwrap();
        let (anna, hidden) = (contact(&f, "anna").await, contact(&f, "verborgen").await);

        assert!(f.desk.find_contacts(&f.sanne, "verb").await.unwrap().is_empty());
        assert!(matches!(f.desk.person(&f.sanne, hidden).await, Err(DeskError::NotFound(_))));
        assert!(matches!(f.desk.link(&f.sanne, anna, hidden, Evidence::Email).await, Err(DeskError::NotFound(_))));
        assert!(f.desk.open(&f.sanne, f.only_of(anna).await).await.unwrap().suggestions.is_empty());

        f.desk.link(&f.chief, hidden, anna, Evidence::Email).await.unwrap();
        let seen = f.desk.open(&f.sanne, f.only_of(anna).await).await.unwrap();
        assert_eq!(seen.contact.identities.len(), 1, "not the handle on the other account");
        assert_eq!(seen.contact.name, "anna");
        assert!(seen.history.is_empty());
        assert!(seen.suggestions.is_empty(), "whom she is linked to is suggested to nobody");

        // What only the hidden account knows of her is no evidence for whoever may not see that.
        let typed = claiming(mention("3", "typte", "hoi", 2), ClaimKind::Email, "geheim@example.org", false);
        f.arrives(typed).await;
        let more = claiming(mention("4", "verborgen", "nog iets", 3), ClaimKind::Email, "geheim@example.org", true);
        f.desk.ingest(&secret, "notifications", &batch_of(more)).await.unwrap();
        for (reader, known) in [(&f.chief, 1), (&f.sanne, 0)] {
            assert_eq!(f.desk.open(reader, f.only_of(anna).await).await.unwrap().suggestions.len(), known, "{}", reader.name);
            assert_eq!(f.desk.open(reader, f.only_of(contact(&f, "typte").await).await).await.unwrap().suggestions.len(), known);
        }
        assert!(matches!(f.desk.unlink(&f.sanne, anna, hidden).await, Err(DeskError::NotFound(_))));
    }
}

impl Fixture {
    /// The one open conversation of a contact itself.
    async fn only_of(&self, contact: ContactId) -> ConversationId {
        let filter = Filter { status: Some(Status::Open), contacts: Some(vec![contact]), ..Filter::default() };
        let page = self.desk.list(&self.chief, filter, None, 10).await.unwrap();
        assert_eq!(page.items.len(), 1);
        page.items[0].id
    }
}
