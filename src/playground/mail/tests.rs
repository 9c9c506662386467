//! The invented mailbox, read and answered through the real connector.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::correspondence::READY;
use super::letters::SCRIPTS;
use super::{ADDRESS, Mailbox, email, start};
use crate::channels::contract::Inbox;
use crate::channels::{Client, Context, MemorySecrets, Message};
use crate::clock::Clock;
use crate::model::{Automatic, Direction, Timestamp};

const NOON: Timestamp = Timestamp(1_772_452_800_000);

struct Table {
    clock: Clock,
    mailbox: Mailbox,
    inbox: Inbox,
}

impl Table {
    async fn laid(seed: u64) -> Self {
        let clock = Clock::manual(NOON);
        let mailbox = start(clock.clone(), 0.0, seed).await.unwrap();
        let mut settings = mailbox.settings();
        let password = settings.as_object_mut().unwrap().remove("password");
        let context = Context {
            client: Client::new(false).unwrap().and_also(mailbox.addresses[0]).and_also(mailbox.addresses[1]),
            clock: clock.clone(),
            settings,
            secrets: Arc::new(MemorySecrets::new(json!({ "password": password }))),
            history: Duration::from_secs(7 * 86_400),
        };
        let channel = (email::DESCRIPTOR.connect)(context).unwrap();
        channel.probe().await.unwrap();
        assert!(!mailbox.looked(), "a test of the connection is not yet reading");
        let mut inbox = Inbox::new(channel);
        inbox.pull().await.unwrap();
        assert!(mailbox.looked());
        clock.advance(Duration::from_secs(1));
        Self { clock, mailbox, inbox }
    }

    /// Everything in the deck, once.
    async fn all(&mut self) {
        for _ in SCRIPTS {
            self.mailbox.correspondence().open(self.clock.now(), self.clock.now());
        }
        self.inbox.pull().await.unwrap();
    }

    fn about(&self, subject: &str) -> Vec<&Message> {
        let mut found: Vec<&Message> = self
            .inbox
            .messages
            .values()
            .filter(|m| m.direction == Direction::In && m.thread.title.as_deref().is_some_and(|t| t.ends_with(subject)))
            .collect();
        found.sort_by_key(|m| m.sent_at);
        found
    }

    async fn answer(&mut self, to: &Message) {
        let outgoing = self.inbox.answer(to, "Dank voor je bericht. We zoeken het uit!", &self.clock);
        self.inbox.channel.reply().unwrap().deliver(&outgoing).await.unwrap();
        for _ in 0..80 {
            self.clock.advance(Duration::from_secs(10));
            let now = self.clock.now();
            let mut correspondence = self.mailbox.correspondence();
            correspondence.listen(now);
            if let Some(due) = correspondence.due(now) {
                correspondence.go_on(due, now);
            }
        }
        self.inbox.pull().await.unwrap();
    }
}

#[test]
fn every_kind_of_mail_is_written_in_both_languages() {
    for dutch in [true, false] {
        let some = |what: fn(&super::letters::Script) -> bool| SCRIPTS.iter().any(|s| s.dutch == dutch && what(s));
        assert!(
            some(|s| s.drawn.is_some()) && some(|s| s.enclosed.is_some()) && some(|s| s.copied) && some(|s| s.away)
        );
    }
    assert_eq!(SCRIPTS.iter().filter(|script| script.gone).count(), 1);
    let subjects: BTreeSet<_> = SCRIPTS.iter().map(|script| script.subject).collect();
    assert_eq!(subjects.len(), SCRIPTS.len());
    assert!(SCRIPTS.iter().all(|script| script.gone || !script.thanks.is_empty()));
}

#[tokio::test]
async fn mails_stand_ready_when_the_brand_comes_in() {
    let Table { mailbox, mut inbox, .. } = Table::laid(3).await;
    let play = mailbox.play(false);
    let script = async {
        while inbox.messages.len() < READY {
            inbox.pull().await.unwrap();
            tokio::task::yield_now().await;
        }
        assert!(inbox.messages.values().all(|m| m.direction == Direction::In && !m.history));
        assert!(inbox.messages.values().any(|m| m.sent_at < NOON), "some waited already");
        assert!(inbox.unreadable.is_empty());
    };
    tokio::select! {
        () = play => unreachable!("it never ends"),
        () = script => {}
    }
}

#[tokio::test]
async fn mails_come_drawn_with_files_and_with_copies() {
    let mut table = Table::laid(5).await;
    table.all().await;
    assert!(table.inbox.unreadable.is_empty() && table.inbox.messages.len() == SCRIPTS.len());
    for script in SCRIPTS {
        let [mail] = table.about(script.subject)[..] else { panic!("{}", script.subject) };
        assert_eq!(mail.html.is_some(), script.drawn.is_some(), "{}", script.subject);
        assert_eq!(mail.files.len(), usize::from(script.enclosed.is_some()), "{}", script.subject);
        let copies = mail.recipients.as_ref().map_or(0, |recipients| recipients.cc.len());
        assert_eq!(copies, usize::from(script.copied), "{}", script.subject);
        assert!(mail.automatic.is_none() && mail.author.handle.ends_with(".example"));
        let page = table.inbox.channel.page(&mail.source.as_ref().unwrap().bytes).unwrap_or_default();
        assert_eq!(page.contains("<img"), script.drawn.is_some(), "{}", script.subject);
    }
}

#[tokio::test]
async fn whoever_is_answered_writes_back_above_our_words_and_thanks() {
    let mut table = Table::laid(11).await;
    table.all().await;
    let mut quoted = BTreeSet::new();
    for script in SCRIPTS.iter().filter(|script| !script.gone && !script.away) {
        let mut last = table.about(script.subject)[0].clone();
        for expected in script.then.iter().chain([&script.thanks]) {
            table.answer(&last.clone()).await;
            let mails = table.about(script.subject);
            let newest = mails.last().unwrap();
            assert_eq!(newest.text, *expected, "{}", script.subject);
            assert!(
                newest.quoted.as_ref().is_some_and(|old| old.contains("We zoeken het uit!")),
                "{:?}",
                newest.quoted
            );
            assert!(newest.follows.contains(&last.external_id));
            let drawn = newest.source.as_ref().is_some_and(|mail| mail.bytes.windows(9).any(|w| w == b"text/html"));
            quoted.insert(drawn);
            last = (*newest).clone();
        }
        table.answer(&last).await;
        let said = table.about(script.subject).iter().filter(|mail| mail.text != script.nudge).count();
        assert_eq!(said, script.then.len() + 2, "thanked once: {}", script.subject);
    }
    assert_eq!(quoted.len(), 2, "not everybody has the same mail program");
}

#[tokio::test]
async fn an_absence_is_told_by_a_machine_and_then_somebody_answers() {
    let mut table = Table::laid(2).await;
    table.all().await;
    for script in SCRIPTS.iter().filter(|script| script.away) {
        let first = table.about(script.subject)[0].clone();
        table.answer(&first).await;
        let mails = table.about(script.subject);
        let machines: Vec<_> = mails.iter().map(|mail| mail.automatic).collect();
        assert_eq!(machines, [None, Some(Automatic::Reply), None]);
        assert_eq!(mails[2].text, script.then[0]);
    }
}

#[tokio::test]
async fn an_answer_to_an_address_that_is_gone_comes_back() {
    let mut table = Table::laid(2).await;
    table.all().await;
    let script = SCRIPTS.iter().find(|script| script.gone).unwrap();
    let first = table.about(script.subject)[0].clone();
    table.answer(&first).await;
    let all = &table.inbox.messages;
    assert!(all.values().any(|m| m.automatic == Some(Automatic::Bounce)), "{all:#?}");
    assert_eq!(table.about(script.subject).len(), 1, "nobody answers");
}

#[tokio::test]
async fn who_is_written_to_out_of_the_blue_answers_once() {
    let mut table = Table::laid(2).await;
    table.all().await;
    let mut first = table.about("Vraag over oud modem")[0].clone();
    // As after a restart: the customers remember nothing.
    *table.mailbox.correspondence() = super::Correspondence::new(table.mailbox.post.clone(), 1);
    table.answer(&first.clone()).await;
    let mails = table.about("Vraag over oud modem");
    assert_eq!(mails.len(), 2);
    first = mails[1].clone();
    assert!(first.text.starts_with("Dank"), "{}", first.text);
    table.answer(&first).await;
    assert_eq!(table.about("Vraag over oud modem").len(), 2);
}

#[tokio::test]
async fn a_mailbox_that_nobody_empties_does_not_grow_for_ever() {
    let table = Table::laid(9).await;
    for _ in 0..6_000 {
        table.clock.advance(Duration::from_secs(5));
        table.mailbox.correspondence().step(table.clock.now());
    }
    let world = table.mailbox.post.lock();
    let held: usize = world.owners[ADDRESS].folders.values().map(|folder| folder.mails.len()).sum();
    assert!((SCRIPTS.len()..450).contains(&held), "{held}");
    assert!(world.sent.is_empty());
}
