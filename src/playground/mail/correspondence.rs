//! Who mails what next.
//!
//! Promises: the same seed, the same moments and the same answers of the brand give the same words; whoever is answered answers;
//! nobody fills a mailbox that nobody empties.

use std::time::Duration;

use mail_parser::MessageParser;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::ADDRESS;
use super::letters::{SCRIPTS, Script, THANKS};
use super::write::{Habit, Heard, Letter, answer};
use crate::channels::mailbox::fake::{Post, Sent};
use crate::model::Timestamp;
use crate::playground::people::{PEOPLE, Person};

/// How many mails stand ready when the curtain rises.
pub const READY: usize = 5;
/// So many unanswered, and hardly anybody new writes.
const ENOUGH: usize = 14;
/// How many correspondences are remembered.
const REMEMBERED: usize = 400;
/// How many mails a folder of the brand holds, and how many go when it is full.
const HELD: usize = 400;
const GONE: usize = 200;

/// One correspondence.
struct Story {
    script: &'static Script,
    person: &'static Person,
    from: String,
    subject: String,
    /// Ids of everything that was written in it, oldest first.
    ids: Vec<String>,
    beat: usize,
    answered: bool,
    /// The absence was told.
    excused: bool,
    react: Option<(Timestamp, Heard)>,
    nudge: Option<Timestamp>,
    over: bool,
}

pub struct Correspondence {
    post: Post,
    dice: StdRng,
    stories: Vec<Story>,
    /// Scripts still to be played before they come round again.
    deck: Vec<&'static Script>,
}

impl Correspondence {
    pub fn new(post: Post, seed: u64) -> Self {
        Self { post, dice: StdRng::seed_from_u64(seed), stories: Vec::new(), deck: Vec::new() }
    }

    /// What stands ready at the start: came in during the last half hour.
    pub fn set_the_scene(&mut self, now: Timestamp) {
        for n in 0..READY {
            let minutes = 30 * (READY - 1 - n) / (READY - 1);
            self.open(now, now.minus(Duration::from_secs(60 * minutes as u64)));
        }
    }

    /// One thing happens, or nothing when there is nothing to happen.
    pub fn step(&mut self, now: Timestamp) -> bool {
        self.listen(now);
        let due = self.due(now);
        // Who was answered answers sooner than somebody new writes.
        if let Some(story) = due
            && self.dice.random_bool(0.7)
        {
            return self.go_on(story, now);
        }
        let waiting = self.stories.iter().filter(|story| !story.answered && !story.over).count();
        if waiting < ENOUGH || self.dice.random_bool(0.02) {
            return self.open(now, now);
        }
        due.is_some_and(|story| self.go_on(story, now))
    }

    /// Somebody new writes. `at` is when it was written.
    pub fn open(&mut self, now: Timestamp, at: Timestamp) -> bool {
        let script = self.draw();
        let person = self.somebody(script.dutch, |story, person| story.person == person && !story.over);
        let from = if script.gone { format!("vervallen.{}", person.acct) } else { person.acct.to_owned() };
        let patience = self.dice.random_range(900..2_400);
        self.stories.push(Story {
            script,
            person,
            from,
            subject: script.subject.to_owned(),
            ids: Vec::new(),
            beat: 0,
            answered: false,
            excused: false,
            react: None,
            nudge: (!script.nudge.is_empty()).then(|| now.plus(Duration::from_secs(patience))),
            over: false,
        });
        if self.stories.len() > REMEMBERED {
            self.stories.drain(..REMEMBERED / 2);
        }
        let last = self.stories.len() - 1;
        self.write(last, script.subject, script.open, script.drawn, at, false);
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

    /// Somebody who is not busy, when there is one.
    fn somebody(&mut self, dutch: bool, busy: impl Fn(&Story, &Person) -> bool) -> &'static Person {
        let same: Vec<&'static Person> = PEOPLE.iter().filter(|person| person.dutch == dutch).collect();
        let start = self.dice.random_range(0..same.len());
        let mut free = (0..same.len()).map(|n| same[(start + n) % same.len()]);
        free.find(|person| !self.stories.iter().any(|story| busy(story, person))).unwrap_or(same[start])
    }

    /// What did the brand write since? The server's memory of it is emptied on the way.
    pub(super) fn listen(&mut self, now: Timestamp) {
        let sent = {
            let mut world = self.post.lock();
            for (address, owner) in &mut world.owners {
                for folder in owner.folders.values_mut() {
                    if address != ADDRESS {
                        folder.mails.clear();
                    } else if folder.mails.len() > HELD {
                        let uid = folder.mails[GONE].uid;
                        folder.expunge(|mail| mail.uid < uid);
                    }
                }
            }
            std::mem::take(&mut world.sent)
        };
        for sent in &sent {
            self.hear(sent, now);
        }
    }

    fn hear(&mut self, sent: &Sent, now: Timestamp) {
        let Some(mail) = MessageParser::default().parse(&sent.raw[..]) else { return };
        let heard = Heard {
            id: mail.message_id().unwrap_or_default().to_owned(),
            subject: mail.subject().unwrap_or_default().to_owned(),
            text: mail.body_text(0).unwrap_or_default().trim().to_owned(),
            at: now,
        };
        let follows =
            [mail.in_reply_to(), mail.references()].into_iter().filter_map(|value| value.as_text_list()).flatten();
        let follows: Vec<&str> = follows.map(AsRef::as_ref).collect();
        let known = self.stories.iter().rposition(|story| story.ids.iter().any(|id| follows.contains(&id.as_str())));
        let n = match known {
            Some(n) => n,
            None => match self.stranger(sent, &heard) {
                Some(n) => n,
                None => return,
            },
        };
        let seconds = self.dice.random_range(20..120);
        let Some(story) = self.stories.get_mut(n) else { return };
        story.ids.push(heard.id.clone());
        story.answered = true;
        story.nudge = None;
        if story.over || story.script.gone {
            return;
        }
        let away = story.script.away && !std::mem::replace(&mut story.excused, true);
        let (dutch, subject) = (story.person.dutch, story.subject.clone());
        let later = if away { seconds * 3 } else { seconds };
        story.react = Some((now.plus(Duration::from_secs(later)), heard));
        if away {
            let (subject, text) = if dutch {
                (
                    format!("Automatisch antwoord: {subject}"),
                    "Ik ben er even niet en lees mijn mail later. Voor brood: de winkel is open.",
                )
            } else {
                (format!("Automatic reply: {subject}"), "I am away from my desk and will read your mail later.")
            };
            self.write(n, &subject, text, None, now, true);
        }
    }

    /// Somebody whose story is not known is written to.
    fn stranger(&mut self, sent: &Sent, heard: &Heard) -> Option<usize> {
        let person = PEOPLE.iter().find(|person| sent.to.iter().any(|to| to.eq_ignore_ascii_case(person.acct)))?;
        self.stories.push(Story {
            script: &THANKS[usize::from(!person.dutch)],
            person,
            from: person.acct.to_owned(),
            subject: heard.subject.clone(),
            ids: Vec::new(),
            beat: 0,
            answered: true,
            excused: false,
            react: None,
            nudge: None,
            over: false,
        });
        Some(self.stories.len() - 1)
    }

    /// The story whose next moment came first.
    pub(super) fn due(&self, now: Timestamp) -> Option<usize> {
        let next = |story: &Story| {
            let times = [story.react.as_ref().map(|(at, _)| *at), story.nudge];
            times.into_iter().flatten().min().filter(|at| *at <= now)
        };
        let moments = self.stories.iter().enumerate().filter(|(_, story)| !story.over);
        moments.filter_map(|(n, story)| Some((next(story)?, n))).min().map(|(_, n)| n)
    }

    /// The next thing in a story.
    pub(super) fn go_on(&mut self, n: usize, now: Timestamp) -> bool {
        let Some(story) = self.stories.get_mut(n) else { return false };
        let (text, heard) = if let Some((_, heard)) = story.react.take_if(|(at, _)| *at <= now) {
            let text = story.script.then.get(story.beat).copied().unwrap_or(story.script.thanks);
            story.over = story.beat >= story.script.then.len();
            story.beat += 1;
            // Thanks ask for nothing; the rest does.
            story.answered = story.over;
            (text, Some(heard))
        } else if story.nudge.take_if(|at| *at <= now).is_some() {
            (story.script.nudge, None)
        } else {
            return false;
        };
        if text.is_empty() {
            return false;
        }
        let subject = match story.subject.get(..3) {
            Some(begin) if begin.eq_ignore_ascii_case("re:") => story.subject.clone(),
            _ => format!("Re: {}", story.subject),
        };
        let (text, drawn) = match heard {
            Some(heard) => answer(habit(story.person), story.person.dutch, story.person.name, text, &heard),
            None => (text.to_owned(), None),
        };
        self.write(n, &subject, &text, drawn.as_deref(), now, false);
        true
    }

    fn write(&mut self, n: usize, subject: &str, text: &str, html: Option<&str>, at: Timestamp, automatic: bool) {
        // A number that no earlier run of the play has had either: mails are known by it.
        let number = uuid::Uuid::new_v4().simple();
        let Some(story) = self.stories.get_mut(n) else { return };
        let host = story.from.rsplit_once('@').map_or("host.example", |(_, host)| host);
        let id = format!("{number}@{host}");
        let first = story.ids.is_empty();
        let beside = PEOPLE.iter().find(|person| person.dutch == story.person.dutch && *person != story.person);
        let letter = Letter {
            id: &id,
            from: (story.person.name, &story.from),
            copy: beside.filter(|_| story.script.copied).map(|person| (person.name, person.acct)),
            subject,
            text,
            html,
            enclosed: story.script.enclosed.as_ref().filter(|_| first),
            follows: &story.ids,
            at,
            automatic,
        };
        let mail = letter.delivered();
        if !automatic {
            story.ids.push(id);
        }
        self.post.lock().put(ADDRESS, "INBOX", mail);
    }
}

/// The same person always uses the same program.
fn habit(person: &Person) -> Habit {
    match person.acct.len() % 3 {
        0 => Habit::Web,
        1 => Habit::Plain,
        _ => Habit::Phone,
    }
}
