//! A newcomer sees a living queue, through the real connector.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::director::{Director, READY};
use super::lines::{Place, SCRIPTS};
use super::people::PEOPLE;
use super::{BRAND, Playground, mastodon, start};
use crate::channels::contract::Inbox;
use crate::channels::mastodon::fake::{New, Platform};
use crate::channels::{Client, Context, MemorySecrets};
use crate::clock::Clock;
use crate::model::{Direction, Lane, Timestamp};

const NOON: Timestamp = Timestamp(1_772_452_800_000);

fn connect(playground: &Playground, clock: &Clock) -> Inbox {
    let settings = playground.settings();
    let context = Context {
        client: Client::new(true).unwrap(),
        clock: clock.clone(),
        settings: json!({"url": settings["url"]}),
        secrets: Arc::new(MemorySecrets::new(json!({"token": settings["token"]}))),
        history: Duration::from_secs(7 * 86_400),
    };
    Inbox::new((mastodon::DESCRIPTOR.connect)(context).unwrap())
}

#[test]
fn there_is_enough_to_read_and_all_of_it_is_invented() {
    assert!(PEOPLE.len() >= 25 && SCRIPTS.len() >= 60, "{} people, {} stories", PEOPLE.len(), SCRIPTS.len());
    let unique: BTreeSet<_> = PEOPLE.iter().map(|person| person.acct).collect();
    assert_eq!(unique.len(), PEOPLE.len());
    assert!(PEOPLE.iter().all(|person| person.acct.ends_with(".example")));
    let openings: BTreeSet<_> = SCRIPTS.iter().map(|script| script.open).collect();
    assert_eq!(openings.len(), SCRIPTS.len());
    for dutch in [true, false] {
        for place in [Place::Public, Place::Private, Place::Under] {
            assert!(SCRIPTS.iter().any(|script| script.dutch == dutch && script.place == place));
        }
    }
    for script in SCRIPTS {
        for text in script.then.iter().chain([&script.open, &script.thanks, &script.nudge]) {
            assert!(text.chars().count() < 480, "{text}");
        }
    }
}

#[tokio::test]
async fn the_queue_is_alive_when_the_brand_comes_in() {
    let clock = Clock::manual(NOON);
    let folder = tempfile::tempdir().unwrap();
    let playground = start(clock.clone(), 0.0, 7, folder.path()).await.unwrap();
    let mut inbox = connect(&playground, &clock);
    let play = playground.play();
    let script = async {
        assert!(playground.platform.by(BRAND).is_empty(), "nothing happens before anybody looks");
        // The play goes on while we ask; how often until it is on is the machine's business.
        while inbox.messages.values().filter(|m| m.direction == Direction::In).count() < READY {
            inbox.pull().await.unwrap();
        }
        let incoming: Vec<_> = inbox.messages.values().filter(|m| m.direction == Direction::In).collect();
        assert!(incoming.iter().all(|m| !m.history), "what stands ready is news");
        assert!(incoming.iter().any(|m| m.sent_at < NOON), "some waited for a while already");
        assert!(
            incoming.iter().any(|m| m.thread.lane == Lane::Private)
                && incoming.iter().any(|m| m.language.as_deref() == Some("en"))
        );
        playground.director().step(clock.now());
        playground.burst(30);
        inbox.pull().await.unwrap();
        assert!(inbox.messages.values().any(|m| m.direction == Direction::Out), "a colleague answered by telephone");
        assert_eq!(inbox.messages.values().filter(|m| m.direction == Direction::In).count(), READY + 30);
    };
    tokio::select! {
        () = play => unreachable!("it never ends"),
        () = script => {}
    }
}

fn stage(seed: u64) -> (Platform, Director, Clock) {
    let clock = Clock::manual(NOON);
    let platform = Platform::new(clock.clone());
    let _ = platform.local(BRAND, "Kabelkraai");
    for person in PEOPLE {
        platform.remote(person.acct, person.name);
    }
    let director = Director::new(platform.clone(), seed);
    (platform, director, clock)
}

fn all(platform: &Platform) -> Vec<(String, String)> {
    PEOPLE.iter().flat_map(|person| platform.by(person.acct)).map(|post| (post.author, post.text)).collect()
}

fn run(director: &mut Director, clock: &Clock, steps: usize) {
    for _ in 0..steps {
        clock.advance(Duration::from_secs(5));
        director.step(clock.now());
    }
}

#[test]
fn the_same_seed_is_the_same_play() {
    let play = |seed| {
        let (platform, mut director, clock) = stage(seed);
        director.set_the_scene(clock.now());
        run(&mut director, &clock, 200);
        all(&platform)
    };
    assert_eq!(play(3), play(3));
    assert_ne!(play(3), play(4));
}

#[test]
fn whoever_is_answered_answers_back_and_thanks() {
    let (platform, mut director, clock) = stage(11);
    director.set_the_scene(clock.now());
    let asked = PEOPLE.iter().flat_map(|person| platform.by(person.acct)).find(|post| {
        SCRIPTS.iter().any(|script| {
            script.then.len() == 2 && !script.thanks.is_empty() && !script.shared && post.text.ends_with(script.open)
        })
    });
    let mut post = asked.expect("a story with two answers");
    let script = SCRIPTS.iter().find(|script| post.text.ends_with(script.open)).unwrap();
    for expected in [script.then[0], script.then[1], script.thanks] {
        let text = format!("@{} Dank voor je bericht!", post.author);
        let to = Some(post.id.as_str());
        platform
            .post(New { by: BRAND, text: &text, to, visibility: post.visibility, language: "nl", at: None })
            .unwrap();
        run(&mut director, &clock, 60);
        post = platform.by(&post.author).into_iter().find(|said| said.text.ends_with(expected)).expect(expected);
    }
}

#[test]
fn people_correct_themselves_take_things_back_and_do_not_wait_for_ever() {
    let (platform, mut director, clock) = stage(5);
    let mut seen = BTreeSet::new();
    for _ in 0..SCRIPTS.len() * 2 {
        director.open(clock.now(), clock.now());
    }
    seen.extend(all(&platform));
    run(&mut director, &clock, 600);
    let now: BTreeSet<_> = all(&platform).into_iter().collect();
    let gone: Vec<_> = seen.difference(&now).collect();
    assert!(
        gone.iter()
            .any(|(_, text)| text.contains("te laad") || text.contains("teruggestuurt") || text.contains("bestellnig")),
        "{gone:?}"
    );
    assert!(gone.iter().any(|(_, text)| text.contains("WAARDELOOS") || text.contains("worst company")), "{gone:?}");
    assert!(
        now.iter()
            .any(|(_, text)| SCRIPTS.iter().any(|script| !script.nudge.is_empty() && text.ends_with(script.nudge)))
    );
}

#[test]
fn a_queue_that_nobody_empties_does_not_grow_for_ever() {
    let (platform, mut director, clock) = stage(9);
    run(&mut director, &clock, 3_000);
    assert!(all(&platform).len() < 600, "{}", all(&platform).len());
}
