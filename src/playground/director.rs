//! Who says what next on the invented platform.
//!
//! Promises: the same seed, the same moments and the same answers of the brand give the same play; nobody waits for an answer
//! in silence for ever, and nobody fills a queue that nobody empties.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::BRAND;
use super::lines::{BRAND_POSTS, ME_TOO, Place, SCRIPTS, Script};
use super::people::{PEOPLE, Person};
use crate::channels::mastodon::fake::{New, Platform, Visibility};
use crate::model::Timestamp;

/// How many stories stand ready when the curtain rises.
pub const READY: usize = 15;
/// So many unanswered stories, and hardly anybody new comes in: the person at the counter may have gone for lunch.
const ENOUGH: usize = 45;
/// How many stories are remembered.
const REMEMBERED: usize = 2_000;

/// One story that is going on.
struct Story {
    script: &'static Script,
    person: &'static Person,
    opening: String,
    /// Everything this person said in it.
    said: Vec<String>,
    /// How many of the script's answers were given.
    beat: usize,
    private: bool,
    answered: bool,
    /// The brand's post to react to, and when.
    react: Option<(Timestamp, String)>,
    nudge: Option<Timestamp>,
    edit: Option<Timestamp>,
    regret: Option<Timestamp>,
    /// When another one with the same trouble joins in.
    joins: Vec<Timestamp>,
    over: bool,
}

pub struct Director {
    platform: Platform,
    dice: StdRng,
    stories: Vec<Story>,
    /// Scripts still to be played before they come round again.
    deck: Vec<&'static Script>,
    /// The brand's last post that was taken notice of.
    heard: Option<String>,
    /// The brand's posts to answer under.
    brand_posts: Vec<(String, bool)>,
    /// Whether a colleague has answered somebody elsewhere.
    elsewhere: bool,
}

impl Director {
    pub fn new(platform: Platform, seed: u64) -> Self {
        Self {
            platform,
            dice: StdRng::seed_from_u64(seed),
            stories: Vec::new(),
            deck: Vec::new(),
            heard: None,
            brand_posts: Vec::new(),
            elsewhere: false,
        }
    }

    /// What stands ready at the start: the brand's own posts, and stories that came in during the last three quarters of an hour.
    pub fn set_the_scene(&mut self, now: Timestamp) {
        for (text, dutch) in BRAND_POSTS {
            let at = now.minus(Duration::from_secs(7_200));
            let language = if *dutch { "nl" } else { "en" };
            let new = New { by: BRAND, text, to: None, visibility: Visibility::Public, language, at: Some(at) };
            if let Some(id) = self.platform.post(new) {
                self.brand_posts.push((id.clone(), *dutch));
                self.heard = Some(id);
            }
        }
        for n in 0..READY {
            let minutes = 45 * (READY - 1 - n) / (READY - 1);
            self.open(now, now.minus(Duration::from_secs(60 * minutes as u64)));
        }
    }

    /// A colleague answers somebody by telephone: what the brand says elsewhere is seen in Balie, too.
    fn answer_elsewhere(&mut self) -> bool {
        self.elsewhere = true;
        let public = |story: &&Story| !story.private && story.script.place == Place::Public && !story.answered;
        let Some(story) = self.stories.iter().find(public) else { return false };
        let text = if story.person.dutch {
            "We kijken er nu naar, een momentje! ^Noud"
        } else {
            "Looking into it right now! ^Noud"
        };
        let (text, to) = (format!("@{} {text}", story.person.acct), Some(story.opening.as_str()));
        let language = if story.person.dutch { "nl" } else { "en" };
        self.platform
            .post(New { by: BRAND, text: &text, to, visibility: Visibility::Unlisted, language, at: None })
            .is_some()
    }

    /// One thing happens, or nothing when there is nothing to happen.
    pub fn step(&mut self, now: Timestamp) -> bool {
        self.listen(now);
        if !self.elsewhere && self.answer_elsewhere() {
            return true;
        }
        let due = self.due(now);
        // Who is spoken to answers sooner than somebody new comes in.
        if let Some(story) = due
            && self.dice.random_bool(0.7)
        {
            return self.go_on(story, now);
        }
        let waiting = self.stories.iter().filter(|story| !story.answered && !story.over).count();
        if waiting < ENOUGH || self.dice.random_bool(0.05) {
            return self.open(now, now);
        }
        due.is_some_and(|story| self.go_on(story, now))
    }

    /// Somebody new. `at` is when it was written.
    pub fn open(&mut self, now: Timestamp, at: Timestamp) -> bool {
        let script = self.draw();
        let same: Vec<&Person> = PEOPLE.iter().filter(|person| person.dutch == script.dutch).collect();
        // Somebody who is not already waiting, when there is one.
        let start = self.dice.random_range(0..same.len());
        let free = (0..same.len()).map(|n| same[(start + n) % same.len()]);
        let busy = |person: &Person| self.stories.iter().any(|story| story.person == person && !story.over);
        let person = free.clone().find(|person| !busy(person)).unwrap_or(same[start]);
        let under = self.brand_posts.iter().filter(|(_, dutch)| *dutch == script.dutch).map(|(id, _)| id.clone());
        let under: Vec<String> = under.collect();
        let (text, to, at) = match script.place {
            Place::Under if !under.is_empty() => {
                let to = under[self.dice.random_range(0..under.len())].clone();
                (script.open.to_owned(), Some(to), now)
            }
            _ => (format!("@{BRAND} {}", script.open), None, at),
        };
        let private = script.place == Place::Private;
        let Some(id) = self.say(person, &text, to.as_deref(), private, Some(at)) else { return false };
        let mut later = |from: u64, to: u64| now.plus(Duration::from_secs(self.dice.random_range(from..to)));
        let story = Story {
            script,
            person,
            opening: id.clone(),
            said: vec![id],
            beat: 0,
            private,
            answered: false,
            react: None,
            nudge: (!script.nudge.is_empty()).then(|| later(240, 900)),
            edit: script.edited.map(|_| later(25, 100)),
            regret: script.regretted.then(|| later(200, 500)),
            joins: if script.shared { vec![later(10, 40), later(40, 160)] } else { Vec::new() },
            over: false,
        };
        self.stories.push(story);
        if self.stories.len() > REMEMBERED {
            self.stories.drain(..REMEMBERED / 2);
        }
        true
    }

    fn draw(&mut self) -> &'static Script {
        if self.deck.is_empty() {
            self.deck = SCRIPTS.iter().collect();
            for n in (1..self.deck.len()).rev() {
                let other = self.dice.random_range(0..=n);
                self.deck.swap(n, other);
            }
        }
        self.deck.pop().unwrap_or(&SCRIPTS[0])
    }

    fn say(&self, by: &Person, text: &str, to: Option<&str>, private: bool, at: Option<Timestamp>) -> Option<String> {
        let visibility = if private { Visibility::Direct } else { Visibility::Public };
        let language = if by.dutch { "nl" } else { "en" };
        self.platform.post(New { by: by.acct, text, to, visibility, language, at })
    }

    /// What did the brand say since?
    fn listen(&mut self, now: Timestamp) {
        for post in self.platform.by_after(BRAND, self.heard.as_deref()) {
            self.heard = Some(post.id.clone());
            let answers = |story: &Story| match &post.in_reply_to {
                Some(to) => story.said.contains(to),
                None => post.text.contains(story.person.acct),
            };
            let Some(story) = self.stories.iter_mut().rev().find(|story| answers(story)) else { continue };
            let private = post.visibility == Visibility::Direct;
            let invited = ["dm", "privé", "prive", "private", "privébericht"]
                .iter()
                .any(|word| post.text.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|said| said == *word));
            story.private |= private || (invited && story.beat < story.script.then.len());
            story.answered = true;
            (story.nudge, story.regret) = (None, None);
            let seconds = self.dice.random_range(8..60);
            story.react = Some((now.plus(Duration::from_secs(seconds)), post.id));
        }
    }

    /// The story whose next moment came first.
    fn due(&self, now: Timestamp) -> Option<usize> {
        let next = |story: &Story| {
            let times = [story.react.as_ref().map(|(at, _)| *at), story.nudge, story.edit, story.regret];
            times.into_iter().flatten().chain(story.joins.iter().copied()).min().filter(|at| *at <= now)
        };
        let moments = self.stories.iter().enumerate().filter(|(_, story)| !story.over);
        moments.filter_map(|(n, story)| Some((next(story)?, n))).min().map(|(_, n)| n)
    }

    /// The next thing in a story.
    fn go_on(&mut self, n: usize, now: Timestamp) -> bool {
        let Some(story) = self.stories.get_mut(n) else { return false };
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if is_due(story.edit)
            && let Some(text) = story.script.edited
        {
            story.edit = None;
            return self.platform.edit(&story.opening, &format!("@{BRAND} {text}"));
        }
        if is_due(story.regret) {
            (story.regret, story.over) = (None, true);
            return self.platform.delete(&story.opening);
        }
        if let Some(at) = story.joins.iter().position(|at| *at <= now) {
            story.joins.remove(at);
            let (opening, not) = (story.opening.clone(), story.person);
            return self.join(&opening, not);
        }
        if let Some((_, to)) = story.react.take_if(|(at, _)| *at <= now) {
            let (person, private) = (story.person, story.private);
            let text = match story.script.then.get(story.beat) {
                Some(text) => text,
                None => story.script.thanks,
            };
            story.over = story.beat >= story.script.then.len();
            story.beat += 1;
            if text.is_empty() {
                return false;
            }
            // Thanks ask for nothing; the rest does.
            story.answered = story.over;
            return self.add(n, person, text, &to, private);
        }
        if is_due(story.nudge) {
            story.nudge = None;
            let (person, private, text, to) =
                (story.person, story.private, story.script.nudge, story.said.last().cloned());
            return to.is_some_and(|to| self.add(n, person, text, &to, private));
        }
        false
    }

    fn add(&mut self, n: usize, person: &Person, text: &str, to: &str, private: bool) -> bool {
        let Some(id) = self.say(person, &format!("@{BRAND} {text}"), Some(to), private, None) else { return false };
        if let Some(story) = self.stories.get_mut(n) {
            story.said.push(id);
        }
        true
    }

    fn join(&mut self, opening: &str, not: &Person) -> bool {
        let (text, dutch) = ME_TOO[self.dice.random_range(0..ME_TOO.len())];
        let others: Vec<&Person> = PEOPLE.iter().filter(|person| person.dutch == dutch && *person != not).collect();
        let person = others[self.dice.random_range(0..others.len())];
        self.say(person, &format!("@{BRAND} {text}"), Some(opening), false, None).is_some()
    }
}
