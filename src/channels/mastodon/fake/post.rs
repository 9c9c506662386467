//! Posting, editing and removing on the played server, and whom that notifies.

use std::collections::BTreeSet;
use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;

use super::entity;
use super::world::{Notification, Policy, Post, Version, Visibility, World};
use super::{DOMAIN, Heard};
use crate::model::Timestamp;

/// A post as the stage manager gives it.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub by: &'a str,
    pub text: &'a str,
    pub to: Option<&'a str>,
    pub visibility: Visibility,
    pub language: &'a str,
    /// When it was written, if not now.
    pub at: Option<Timestamp>,
}

/// What a client asks to be posted.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub text: String,
    pub spoiler: String,
    pub parent: Option<String>,
    pub visibility: Option<Visibility>,
    pub language: Option<String>,
    pub media: Vec<u64>,
    pub allowed: Option<Vec<String>>,
    pub app: Option<String>,
}

/// A refusal: status, the server's sentence, accounts that were not expected.
#[derive(Debug)]
pub struct Refusal(pub u16, pub String, pub Vec<u64>);

impl New<'_> {
    pub(super) fn draft(&self) -> Draft {
        Draft {
            text: self.text.to_owned(),
            parent: self.to.map(str::to_owned),
            visibility: Some(self.visibility),
            language: Some(self.language.to_owned()),
            ..Draft::default()
        }
    }
}

impl World {
    /// Everybody named in a text that this server knows, in order.
    fn named(&self, text: &str, by: u64) -> Vec<u64> {
        let mut found = Vec::new();
        for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '!' | '?' | '(' | ')' | '"')) {
            let Some(name) = word.strip_prefix('@') else { continue };
            let name = name.trim_end_matches(['.', ':', '\'', '-']);
            if let Some(id) = self.find(name)
                && !found.contains(&id)
                && id != by
            {
                found.push(id);
            }
        }
        found
    }

    /// Length as the server counts it: addresses as 23, names without their host.
    pub fn length(text: &str) -> usize {
        let mut plain = String::new();
        for piece in text.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            let bare = word.trim_end_matches(['.', ',', '!', '?', ';', ':', ')']);
            if bare.starts_with("https://") || bare.starts_with("http://") {
                plain.push_str(&"x".repeat(23));
                plain.push_str(&piece[bare.len()..]);
            } else if let Some((user, rest)) = bare.strip_prefix('@').and_then(|name| name.split_once('@')) {
                plain.push('@');
                plain.push_str(user);
                plain.push_str(&piece[2 + user.len() + rest.len()..]);
            } else {
                plain.push_str(piece);
            }
        }
        plain.graphemes(true).count()
    }

    fn check(&self, draft: &Draft) -> Result<(), Refusal> {
        let invalid = |why: &str| Err(Refusal(422, format!("Validation failed: {why}"), Vec::new()));
        if draft.text.trim().is_empty() && draft.media.is_empty() {
            return invalid("Text can't be blank");
        }
        if Self::length(&draft.spoiler) + Self::length(&draft.text) > self.max_characters {
            return invalid(&format!("Text character limit of {} exceeded", self.max_characters));
        }
        if draft.media.len() > 4 {
            return invalid("Cannot attach more than 4 files");
        }
        if draft.media.iter().any(|id| self.media.get(id).is_none_or(|upload| upload.busy > 0)) {
            return Err(Refusal(
                422,
                "Cannot attach files that have not finished processing. Try again in a moment!".to_owned(),
                Vec::new(),
            ));
        }
        Ok(())
    }

    /// Posts; says what the stream has to tell.
    pub fn post(
        &mut self,
        by: u64,
        draft: &Draft,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(u64, Vec<Heard>), Refusal> {
        self.check(draft)?;
        let parent = match draft.parent.as_deref() {
            None => None,
            Some(id) => {
                let parent =
                    id.parse().ok().and_then(|id| self.posts.get(&id)).filter(|post| self.sees(Some(by), post));
                match parent {
                    Some(post) => Some(post.id),
                    None => {
                        return Err(Refusal(
                            404,
                            "The post you are trying to reply to does not appear to exist.".to_owned(),
                            Vec::new(),
                        ));
                    }
                }
            }
        };
        let mentions = self.named(&draft.text, by);
        if let Some(allowed) = &draft.allowed {
            let unexpected: Vec<u64> =
                mentions.iter().copied().filter(|id| !allowed.contains(&id.to_string())).collect();
            if !unexpected.is_empty() {
                return Err(Refusal(422, "Post would be sent to unexpected accounts".to_owned(), unexpected));
            }
        }
        let id = self.id(now);
        let version = Version { text: draft.text.clone(), spoiler: draft.spoiler.clone(), at };
        let post = Post {
            id,
            by,
            at,
            visibility: draft.visibility.unwrap_or(Visibility::Public),
            language: draft.language.clone(),
            parent,
            mentions: mentions.clone(),
            media: draft.media.clone(),
            versions: vec![version],
            likes: BTreeSet::new(),
            boosts: BTreeSet::new(),
            app: draft.app.clone(),
        };
        let visibility = post.visibility;
        self.posts.insert(id, post);
        if let Some(parent) = parent {
            self.answers.entry(parent).or_default().push(id);
        }
        let mut heard = Vec::new();
        // The home timelines: one's own and the followers'.
        if visibility != Visibility::Direct {
            for to in self.home_of(by) {
                heard.extend(self.say(to, "update", id));
            }
        }
        for to in mentions {
            if self.notify(to, by, id, (at, now), visibility).is_some_and(|filtered| !filtered) {
                heard.extend(self.say_notification(to));
            }
        }
        if visibility == Visibility::Direct {
            let people = self.posts.get(&id).map(|post| post.mentions.clone()).unwrap_or_default();
            for to in std::iter::once(by).chain(people) {
                heard.extend(self.say_conversation(to, id));
            }
        }
        Ok((id, heard))
    }

    fn home_of(&self, by: u64) -> Vec<u64> {
        let followers =
            self.accounts.values().filter(|account| account.follows.contains(&by)).map(|account| account.id);
        std::iter::once(by).chain(followers).collect()
    }

    /// Notifies somebody of a mention. `None`: it never exists; else whether it was filtered away.
    fn notify(
        &mut self,
        to: u64,
        from: u64,
        post: u64,
        (at, now): (Timestamp, Timestamp),
        visibility: Visibility,
    ) -> Option<bool> {
        let account = self.account(to);
        if self.account(to).acct.contains('@') || account.blocks.contains(&from) || account.mutes.contains(&from) {
            return None;
        }
        // An answer to one's own private message is never filtered.
        let asked_for = self
            .posts
            .get(&post)
            .and_then(|post| post.parent)
            .and_then(|id| self.posts.get(&id))
            .is_some_and(|parent| parent.by == to);
        let stranger = visibility == Visibility::Direct && !account.follows.contains(&from) && !asked_for;
        let filtered = match account.private_mentions {
            Policy::Drop if stranger => return None,
            Policy::Filter if stranger => true,
            _ => false,
        };
        let id = self.notification_id(now);
        self.notifications
            .insert(id, Notification { id, to, from, kind: "mention".to_owned(), post: Some(post), at, filtered });
        Some(filtered)
    }

    /// Likes and the like, as notifications that are no tickets.
    pub fn react(&mut self, kind: &'static str, from: u64, post: u64, now: Timestamp) -> Vec<Heard> {
        let Some(to) = self.posts.get(&post).map(|post| post.by).filter(|to| *to != from) else { return Vec::new() };
        if self.account(to).acct.contains('@') {
            return Vec::new();
        }
        let id = self.notification_id(now);
        self.notifications.insert(
            id,
            Notification { id, to, from, kind: kind.to_owned(), post: Some(post), at: now, filtered: false },
        );
        self.say_notification(to).into_iter().collect()
    }

    fn say(&self, to: u64, event: &'static str, post: u64) -> Option<Heard> {
        let post = self.posts.get(&post)?;
        Some(Heard { account: to, event, payload: entity::status(self, post, Some(to)).to_string() })
    }

    fn say_notification(&self, to: u64) -> Option<Heard> {
        let last = self.notifications.values().rev().find(|notification| notification.to == to)?;
        Some(Heard { account: to, event: "notification", payload: entity::notification(self, last).to_string() })
    }

    fn say_conversation(&self, to: u64, post: u64) -> Option<Heard> {
        let post = self.posts.get(&post)?;
        Some(Heard { account: to, event: "conversation", payload: entity::conversation(self, post, to).to_string() })
    }

    fn audience(&self, post: &Post) -> BTreeSet<u64> {
        let mut audience: BTreeSet<u64> = post.mentions.iter().copied().collect();
        audience.extend(self.home_of(post.by));
        audience
    }

    /// Changes a text.
    pub fn edit(&mut self, id: u64, text: &str, spoiler: Option<&str>, now: Timestamp) -> Option<Vec<Heard>> {
        let by = self.posts.get(&id)?.by;
        let mentions = self.named(text, by);
        let post = self.posts.get_mut(&id)?;
        let spoiler = spoiler.map_or_else(
            || post.versions.last().map(|version| version.spoiler.clone()).unwrap_or_default(),
            str::to_owned,
        );
        post.versions.push(Version {
            text: text.to_owned(),
            spoiler,
            at: now.max(post.at.plus(Duration::from_millis(1))),
        });
        // An edit that names somebody new tells nobody.
        for id in mentions {
            if !post.mentions.contains(&id) {
                post.mentions.push(id);
            }
        }
        let post = self.posts.get(&id)?;
        Some(self.audience(post).into_iter().filter_map(|to| self.say(to, "status.update", id)).collect())
    }

    /// Removes a post, its notifications and the answers' link to it.
    pub fn delete(&mut self, id: u64) -> Option<Vec<Heard>> {
        let audience = self.audience(self.posts.get(&id)?);
        self.posts.remove(&id);
        self.notifications.retain(|_, notification| notification.post != Some(id));
        for answer in self.answers.remove(&id).unwrap_or_default() {
            if let Some(answer) = self.posts.get_mut(&answer) {
                answer.parent = None;
            }
        }
        Some(audience.into_iter().map(|account| Heard { account, event: "delete", payload: id.to_string() }).collect())
    }
}

/// A text as the server shows it: Mastodon's own mark-up.
pub fn html(world: &World, text: &str) -> String {
    let escape =
        |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let shown = |typed: &str| -> String {
        let bare = typed.trim_end_matches(['.', ',', '!', '?', ';', ':', ')', '\'', '"']);
        let tail = escape(&typed[bare.len()..]);
        if let Some((scheme, rest)) =
            bare.split_once("://").filter(|(scheme, rest)| matches!(*scheme, "http" | "https") && rest.len() > 2)
        {
            let cut = rest.char_indices().nth(30).map_or(rest.len(), |(at, _)| at);
            let ellipsis = if cut < rest.len() { "ellipsis" } else { "" };
            return format!(
                "<a href=\"{0}\" target=\"_blank\" rel=\"nofollow noopener\" translate=\"no\"><span class=\"invisible\">{scheme}://</span><span class=\"{ellipsis}\">{1}</span><span class=\"invisible\">{2}</span></a>{tail}",
                escape(bare),
                escape(&rest[..cut]),
                escape(&rest[cut..])
            );
        }
        if let Some(id) = bare.strip_prefix('@').and_then(|name| world.find(name)) {
            let account = world.account(id);
            let user = account.acct.split('@').next().unwrap_or_default();
            let host = account.acct.split('@').nth(1).unwrap_or(DOMAIN);
            return format!(
                "<span class=\"h-card\" translate=\"no\"><a href=\"https://{host}/@{user}\" class=\"u-url mention\">@<span>{user}</span></a></span>{tail}"
            );
        }
        format!("{}{tail}", escape(bare))
    };
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let lines = paragraph.split('\n').map(|line| line.split(' ').map(shown).collect::<Vec<_>>().join(" "));
        format!("<p>{}</p>", lines.collect::<Vec<_>>().join("<br />"))
    });
    paragraphs.collect()
}
