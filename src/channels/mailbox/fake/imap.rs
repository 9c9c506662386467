//! `IMAP4rev1` as the played server speaks it (RFC 3501, with IDLE, UIDPLUS, CONDSTORE, SPECIAL-USE, MOVE).
//!
//! Owns: one connection. Promises: answers are those of the standard or `BAD`; what another connection changes is told when the
//! standard allows it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Post;
use super::fetch::{self, sequence};
use super::line::Line;
use super::search;
use super::words::{Word, in_set, quote, words};
use super::world::{FolderBox, Owner};
use crate::model::Timestamp;

/// The largest command without its literals, and the largest literal.
const LONGEST: usize = 64 * 1024;
const LARGEST: usize = 64 * 1024 * 1024;

/// One connection.
pub(super) struct Session {
    post: Post,
    line: Line,
    who: Option<String>,
    open: Option<Open>,
}

/// A selected folder, as this client knows it.
struct Open {
    name: String,
    read_only: bool,
    /// UIDs by sequence number, and up to which change their flags were told.
    known: Vec<u32>,
    modseq: u64,
    condstore: bool,
}

/// The end of an answer.
enum Done {
    Ok(String),
    No(String),
    Bad(String),
    /// Everything has been said.
    Quiet,
    Bye,
}

fn ok(text: &str) -> Done {
    Done::Ok(text.to_owned())
}

fn no(text: &str) -> Done {
    Done::No(text.to_owned())
}

fn bad() -> Done {
    Done::Bad("Syntax".to_owned())
}

impl Session {
    pub(super) fn new(post: Post, line: Line) -> Self {
        Self { post, line, who: None, open: None }
    }

    /// Serves until the line ends.
    pub(super) async fn run(mut self) {
        let greeting = format!("* OK [CAPABILITY {}] ready", self.capabilities());
        if self.line.say(&greeting).await.is_err() {
            return;
        }
        while let Some(command) = self.command().await {
            if !self.answer(&command).await {
                return;
            }
        }
    }

    fn capabilities(&self) -> String {
        format!("IMAP4rev1 {}", self.post.lock().manners.capabilities.join(" "))
    }

    /// A whole command, its literals in place.
    async fn command(&mut self) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        loop {
            let line = self.line.hear(LONGEST).await?;
            whole.extend_from_slice(&line);
            let Some((size, waits)) = announced(&line) else { return Some(whole) };
            if size > LARGEST {
                self.line.say("* BAD literal too large").await.ok()?;
                return None;
            }
            if waits {
                self.line.say("+ go on").await.ok()?;
            }
            whole.extend_from_slice(b"\r\n");
            let from = whole.len();
            whole.resize(from + size, 0);
            self.line.reader.read_exact(&mut whole[from..]).await.ok()?;
        }
    }

    async fn answer(&mut self, command: &[u8]) -> bool {
        let Some(mut said) = words(command).filter(|words| words.len() >= 2) else {
            return self.line.say("* BAD no command").await.is_ok();
        };
        let tag = said[0].text().unwrap_or_else(|| "*".to_owned());
        let mut verb = said[1].upper();
        let mut arguments = said.split_off(2);
        let by_uid = verb == "UID" && !arguments.is_empty();
        if by_uid {
            verb = arguments.remove(0).upper();
        }
        self.post.lock().log(&format!("{}{verb}", if by_uid { "UID " } else { "" }));
        let done = self.verb(&tag, &verb, &arguments, by_uid).await;
        let Some(done) = done else { return false };
        let may_tell = by_uid || !matches!(verb.as_str(), "FETCH" | "STORE" | "SEARCH");
        if may_tell && self.catch_up().await.is_none() {
            return false;
        }
        let (word, text, goes_on) = match done {
            Done::Ok(text) => ("OK", text, true),
            Done::No(text) => ("NO", text, true),
            Done::Bad(text) => ("BAD", text, true),
            Done::Quiet => return true,
            Done::Bye => ("OK", "done".to_owned(), false),
        };
        self.line.say(&format!("{tag} {word} {text}")).await.is_ok() && goes_on
    }

    async fn verb(&mut self, tag: &str, verb: &str, arguments: &[Word], by_uid: bool) -> Option<Done> {
        let capable = |what: &str| self.post.lock().manners.capabilities.contains(&what);
        Some(match verb {
            "CAPABILITY" => {
                self.line.say(&format!("* CAPABILITY {}", self.capabilities())).await.ok()?;
                ok("done")
            }
            "NOOP" | "CHECK" => ok("done"),
            "LOGOUT" => {
                self.line.say("* BYE until later").await.ok()?;
                Done::Bye
            }
            "ID" => {
                self.line.say("* ID (\"name\" \"balie-fake\")").await.ok()?;
                ok("done")
            }
            "LOGIN" => {
                let given: Vec<String> = arguments.iter().filter_map(Word::text).collect();
                let [user, password] = &given[..] else { return Some(bad()) };
                let who = self.post.lock().admits(user, Some(password), None);
                self.admit(who)
            }
            "AUTHENTICATE" => self.authenticate(arguments).await?,
            _ if self.who.is_none() => no("[PRIVACYREQUIRED] sign in first"),
            "ENABLE" => {
                self.line.say("* ENABLED CONDSTORE").await.ok()?;
                ok("done")
            }
            "NAMESPACE" => {
                self.line.say("* NAMESPACE ((\"\" \"/\")) NIL NIL").await.ok()?;
                ok("done")
            }
            "LIST" | "LSUB" => self.list(verb, arguments).await?,
            "SELECT" | "EXAMINE" => self.select(verb == "EXAMINE", arguments).await?,
            "STATUS" => self.status(arguments).await?,
            "CREATE" | "DELETE" | "SUBSCRIBE" | "UNSUBSCRIBE" => self.manage(verb, arguments),
            "APPEND" => self.append(arguments),
            "IDLE" if capable("IDLE") => self.idle(tag).await?,
            _ if self.open.is_none() => no("[CLIENTBUG] no folder is selected"),
            "CLOSE" | "UNSELECT" => {
                if verb == "CLOSE" {
                    self.expunge(None);
                }
                self.open = None;
                ok("done")
            }
            "EXPUNGE" => {
                let set = arguments.first().and_then(Word::text);
                self.expunge(set.as_deref());
                ok("done")
            }
            "SEARCH" => self.search(arguments, by_uid).await?,
            "FETCH" => self.fetch(arguments, by_uid).await?,
            "STORE" => self.store(arguments, by_uid).await?,
            "COPY" | "MOVE" => self.copy(arguments, by_uid, verb == "MOVE"),
            _ => Done::Bad(format!("{verb} is not known here")),
        })
    }

    fn admit(&mut self, who: Option<String>) -> Done {
        self.who = who;
        if self.who.is_some() {
            Done::Ok(format!("[CAPABILITY {}] welcome", self.capabilities()))
        } else {
            no("[AUTHENTICATIONFAILED] Invalid credentials")
        }
    }

    async fn authenticate(&mut self, arguments: &[Word]) -> Option<Done> {
        let method = arguments.first().map(Word::upper).unwrap_or_default();
        if !self.post.lock().manners.capabilities.contains(&format!("AUTH={method}").as_str()) {
            return Some(no("this method is not offered"));
        }
        let first = if let Some(given) = arguments.get(1) {
            given.text()?
        } else {
            self.line.say("+ ").await.ok()?;
            String::from_utf8_lossy(&self.line.hear(LONGEST).await?).into_owned()
        };
        let Some(who) = credentials(&method, &first) else { return Some(bad()) };
        let admitted = match &who {
            Credentials::Password(user, password) => self.post.lock().admits(user, Some(password), None),
            Credentials::Token(user, token) => self.post.lock().admits(user, None, Some(token)),
        };
        if admitted.is_none() && matches!(who, Credentials::Token(..)) {
            // As Gmail does it: the reason first, the client has to take note of it.
            let reason = STANDARD.encode(r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#);
            self.line.say(&format!("+ {reason}")).await.ok()?;
            self.line.hear(LONGEST).await?;
        }
        Some(self.admit(admitted))
    }

    fn with<R>(&self, look: impl FnOnce(&mut Owner) -> R) -> Option<R> {
        let who = self.who.as_ref()?;
        let mut world = self.post.lock();
        world.owners.get_mut(who).map(look)
    }

    fn with_open<R>(&self, look: impl FnOnce(&mut FolderBox, &Open) -> R) -> Option<R> {
        let open = self.open.as_ref()?;
        self.with(|owner| owner.folders.get_mut(&open.name).map(|folder| look(folder, open)))?
    }

    async fn list(&mut self, verb: &str, arguments: &[Word]) -> Option<Done> {
        // `LIST (SPECIAL-USE) "" "*"` and `LIST "" "*" RETURN (…)` ask the same.
        let texts: Vec<String> = arguments.iter().filter_map(Word::text).collect();
        let Some(pattern) = texts.get(1) else { return Some(bad()) };
        let only_special = matches!(arguments.first(), Some(Word::List(words)) if words.iter().any(|word| word.upper() == "SPECIAL-USE"));
        let folders = self.with(|owner| {
            owner.folders.iter().map(|(name, folder)| (name.clone(), folder.special)).collect::<Vec<_>>()
        })?;
        if pattern.is_empty() {
            self.line.say(&format!("* {verb} (\\Noselect) \"/\" \"\"")).await.ok()?;
            return Some(ok("done"));
        }
        for (name, special) in folders {
            if !matches_pattern(pattern, &name) || (only_special && special.is_none()) {
                continue;
            }
            let flags =
                special.map_or_else(|| "\\HasNoChildren".to_owned(), |special| format!("\\HasNoChildren {special}"));
            self.line.say(&format!("* {verb} ({flags}) \"/\" {}", quote(&name))).await.ok()?;
        }
        Some(ok("done"))
    }

    async fn select(&mut self, read_only: bool, arguments: &[Word]) -> Option<Done> {
        self.open = None;
        let Some(name) = arguments.first().and_then(Word::text).map(|name| inbox(&name)) else { return Some(bad()) };
        let condstore =
            matches!(arguments.get(1), Some(Word::List(words)) if words.iter().any(|word| word.upper() == "CONDSTORE"));
        let (shy, capable, shut) = {
            let manners = &self.post.lock().manners;
            (manners.shy, manners.capabilities.contains(&"CONDSTORE"), manners.shut.clone())
        };
        if let Some(why) = shut {
            return Some(no(&why));
        }
        let Some(folder) = self.with(|owner| owner.folders.get(&name).cloned())? else {
            return Some(no("[NONEXISTENT] there is no such folder"));
        };
        let mut lines = vec![
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Handled)".to_owned(),
            "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Handled \\*)] as listed".to_owned(),
            format!("* {} EXISTS", folder.mails.len()),
            "* 0 RECENT".to_owned(),
            format!("* OK [UIDVALIDITY {}] valid", folder.uidvalidity),
        ];
        if !shy {
            lines.push(format!("* OK [UIDNEXT {}] next", folder.uidnext));
        }
        if capable {
            lines.push(format!("* OK [HIGHESTMODSEQ {}] highest", folder.modseq));
        }
        for line in lines {
            self.line.say(&line).await.ok()?;
        }
        let known = folder.mails.iter().map(|mail| mail.uid).collect();
        self.open = Some(Open { name, read_only, known, modseq: folder.modseq, condstore });
        Some(Done::Ok(if read_only { "[READ-ONLY] selected" } else { "[READ-WRITE] selected" }.to_owned()))
    }

    async fn status(&mut self, arguments: &[Word]) -> Option<Done> {
        let (Some(name), Some(Word::List(wanted))) = (arguments.first().and_then(Word::text), arguments.get(1)) else {
            return Some(bad());
        };
        let name = inbox(&name);
        let Some(folder) = self.with(|owner| owner.folders.get(&name).cloned())? else {
            return Some(no("[NONEXISTENT] there is no such folder"));
        };
        let mut found = Vec::new();
        for word in wanted {
            let unseen = || folder.mails.iter().filter(|mail| !mail.flags.contains("\\Seen")).count();
            let (word, value) = match word.upper().as_str() {
                "MESSAGES" => ("MESSAGES", folder.mails.len() as u64),
                "UIDNEXT" => ("UIDNEXT", u64::from(folder.uidnext)),
                "UIDVALIDITY" => ("UIDVALIDITY", u64::from(folder.uidvalidity)),
                "UNSEEN" => ("UNSEEN", unseen() as u64),
                "RECENT" => ("RECENT", 0),
                "HIGHESTMODSEQ" => ("HIGHESTMODSEQ", folder.modseq),
                "SIZE" => ("SIZE", folder.mails.iter().map(|mail| mail.raw.len() as u64).sum()),
                _ => return Some(bad()),
            };
            found.push(format!("{word} {value}"));
        }
        self.line.say(&format!("* STATUS {} ({})", quote(&name), found.join(" "))).await.ok()?;
        Some(ok("done"))
    }

    fn manage(&mut self, verb: &str, arguments: &[Word]) -> Done {
        let Some(name) = arguments.first().and_then(Word::text).map(|name| inbox(&name)) else { return bad() };
        let now = self.post.lock().clock.now();
        let done = self.with(|owner| match verb {
            "CREATE" if owner.folders.contains_key(&name) => no("[ALREADYEXISTS] it is there already"),
            "CREATE" => {
                owner.create(&name, now);
                ok("created")
            }
            "DELETE" if name == "INBOX" => no("[CANNOT] the inbox stays"),
            "DELETE" if owner.folders.remove(&name).is_none() => no("[NONEXISTENT] there is no such folder"),
            _ => ok("done"),
        });
        done.unwrap_or_else(bad)
    }

    fn append(&mut self, arguments: &[Word]) -> Done {
        let [name, middle @ .., Word::Text(raw)] = arguments else { return bad() };
        let Some(name) = name.text().map(|name| inbox(&name)) else { return bad() };
        let flags = middle.iter().find_map(|word| match word {
            Word::List(flags) => {
                Some(flags.iter().filter_map(Word::text).map(|flag| known_flag(&flag)).collect::<BTreeSet<_>>())
            }
            _ => None,
        });
        let at = middle.iter().find_map(|word| match word {
            Word::Text(text) => moment(&String::from_utf8_lossy(text)),
            _ => None,
        });
        let at = at.unwrap_or_else(|| self.post.lock().clock.now());
        let added = self.with(|owner| {
            owner
                .folders
                .get_mut(&name)
                .map(|folder| (folder.uidvalidity, folder.add(raw.clone().into(), flags.unwrap_or_default(), at)))
        });
        self.post.lock().tell();
        match added.flatten() {
            Some((validity, uid)) => Done::Ok(format!("[APPENDUID {validity} {uid}] kept")),
            None => no("[TRYCREATE] there is no such folder"),
        }
    }

    async fn idle(&mut self, tag: &str) -> Option<Done> {
        let mut news = self.post.news();
        self.line.say("+ idling").await.ok()?;
        loop {
            self.catch_up().await?;
            tokio::select! {
                heard = self.line.hear(LONGEST) => {
                    if !heard?.eq_ignore_ascii_case(b"DONE") {
                        return Some(bad());
                    }
                    self.line.say(&format!("{tag} OK idled")).await.ok()?;
                    return Some(Done::Quiet);
                }
                changed = news.changed() => changed.ok()?,
            }
        }
    }

    /// Tells what changed in the selected folder since it was last told.
    async fn catch_up(&mut self) -> Option<()> {
        let Some(open) = &self.open else { return Some(()) };
        let (name, told, before, condstore) = (open.name.clone(), open.modseq, open.known.clone(), open.condstore);
        let Some(folder) = self.with(|owner| owner.folders.get(&name).cloned())? else {
            self.line.say("* BYE the folder is gone").await.ok()?;
            return None;
        };
        if folder.modseq == told && folder.mails.len() == before.len() {
            return Some(());
        }
        let mut known = before.clone();
        for uid in before {
            if !folder.mails.iter().any(|mail| mail.uid == uid) {
                let at = known.iter().position(|known| *known == uid)?;
                known.remove(at);
                self.line.say(&format!("* {} EXPUNGE", at + 1)).await.ok()?;
            }
        }
        let more: Vec<u32> = folder.mails.iter().map(|mail| mail.uid).filter(|uid| !known.contains(uid)).collect();
        let fresh = !more.is_empty();
        for mail in folder.mails.iter().filter(|mail| mail.modseq > told && !more.contains(&mail.uid)) {
            let at = known.iter().position(|uid| *uid == mail.uid)? + 1;
            let line = fetch::flags_line(at, mail, condstore);
            self.line.say(&line).await.ok()?;
        }
        known.extend(more);
        if fresh {
            self.line.say(&format!("* {} EXISTS", known.len())).await.ok()?;
        }
        if let Some(open) = &mut self.open {
            open.known = known;
            open.modseq = folder.modseq;
        }
        Some(())
    }

    fn expunge(&mut self, set: Option<&str>) {
        let read_only = self.open.as_ref().is_none_or(|open| open.read_only);
        if read_only {
            return;
        }
        self.with_open(|folder, _| {
            let last = folder.uidnext - 1;
            folder.expunge(|mail| mail.flags.contains("\\Deleted") && set.is_none_or(|set| in_set(set, mail.uid, last)))
        });
        self.post.lock().tell();
    }

    async fn search(&mut self, arguments: &[Word], by_uid: bool) -> Option<Done> {
        let found = self.with_open(|folder, open| search::search(folder, &open.known, arguments, by_uid))?;
        let Some(found) = found else { return Some(bad()) };
        let mut line = "* SEARCH".to_owned();
        for number in found {
            line.push_str(&format!(" {number}"));
        }
        self.line.say(&line).await.ok()?;
        Some(ok("done"))
    }

    async fn fetch(&mut self, arguments: &[Word], by_uid: bool) -> Option<Done> {
        let (Some(set), Some(items)) = (arguments.first().and_then(Word::text), arguments.get(1)) else {
            return Some(bad());
        };
        let Some(items) = fetch::items(items, by_uid) else { return Some(bad()) };
        if self.post.lock().manners.breaks_at.is_some_and(|uid| by_uid && set == uid.to_string()) {
            return None;
        }
        let since = changed_since(arguments.get(2));
        if since.is_some()
            && let Some(open) = &mut self.open
        {
            open.condstore = true;
        }
        let read_only = self.open.as_ref().is_none_or(|open| open.read_only);
        let answers = self.with_open(|folder, open| {
            let mut answers = Vec::new();
            for (number, uid) in chosen(folder, open, &set, by_uid) {
                let Some(mail) = folder.mails.iter_mut().find(|mail| mail.uid == uid) else { continue };
                if since.is_some_and(|since| mail.modseq <= since) {
                    continue;
                }
                let seen =
                    items.iter().any(fetch::Item::marks_seen) && !read_only && mail.flags.insert("\\Seen".to_owned());
                answers.push(fetch::answer(number, mail, &items, open.condstore, seen));
            }
            answers
        })?;
        for answer in answers {
            self.line.writer.write_all(&answer).await.ok()?;
        }
        self.line.writer.flush().await.ok()?;
        Some(ok("done"))
    }

    async fn store(&mut self, arguments: &[Word], by_uid: bool) -> Option<Done> {
        let mut arguments = arguments.to_vec();
        if arguments.len() == 4 {
            // UNCHANGEDSINCE: nobody else writes here.
            arguments.remove(1);
        }
        let [set, how, flags] = &arguments[..] else { return Some(bad()) };
        let (set, how) = (set.text().unwrap_or_default(), how.upper());
        let flags: BTreeSet<String> = match flags {
            Word::List(flags) => flags.iter().filter_map(Word::text).map(|flag| known_flag(&flag)).collect(),
            one => one.text().map(|flag| known_flag(&flag)).into_iter().collect(),
        };
        if self.open.as_ref().is_none_or(|open| open.read_only) {
            return Some(no("[READ-ONLY] nothing can be changed here"));
        }
        let lines = self.with_open(|folder, open| {
            let mut lines = Vec::new();
            for (number, uid) in chosen(folder, open, &set, by_uid) {
                folder.modseq += 1;
                let modseq = folder.modseq;
                let Some(mail) = folder.mails.iter_mut().find(|mail| mail.uid == uid) else { continue };
                match how.trim_end_matches(".SILENT") {
                    "+FLAGS" => mail.flags.extend(flags.iter().cloned()),
                    "-FLAGS" => mail.flags.retain(|flag| !flags.contains(flag)),
                    _ => mail.flags.clone_from(&flags),
                }
                mail.modseq = modseq;
                if !how.ends_with(".SILENT") || open.condstore {
                    lines.push(fetch::flags_line(number, mail, open.condstore));
                }
            }
            (lines, folder.modseq)
        })?;
        for line in &lines.0 {
            self.line.say(line).await.ok()?;
        }
        if let Some(open) = &mut self.open {
            open.modseq = lines.1;
        }
        self.post.lock().tell();
        Some(ok("done"))
    }

    fn copy(&mut self, arguments: &[Word], by_uid: bool, away: bool) -> Done {
        let (Some(set), Some(name)) = (arguments.first().and_then(Word::text), arguments.get(1).and_then(Word::text))
        else {
            return bad();
        };
        let name = inbox(&name);
        let mails = self.with_open(|folder, open| {
            let uids: Vec<u32> = chosen(folder, open, &set, by_uid).into_iter().map(|(_, uid)| uid).collect();
            folder.mails.iter().filter(|mail| uids.contains(&mail.uid)).cloned().collect::<Vec<_>>()
        });
        let Some(mails) = mails else { return bad() };
        let copied = self.with(|owner| {
            let folder = owner.folders.get_mut(&name)?;
            let uids: Vec<String> = mails
                .iter()
                .map(|mail| folder.add(mail.raw.clone(), mail.flags.clone(), mail.at).to_string())
                .collect();
            Some((folder.uidvalidity, uids.join(",")))
        });
        let Some((validity, new)) = copied.flatten() else { return no("[TRYCREATE] there is no such folder") };
        let old = mails.iter().map(|mail| mail.uid.to_string()).collect::<Vec<_>>().join(",");
        if away {
            self.with_open(|folder, _| folder.expunge(|mail| mails.iter().any(|moved| moved.uid == mail.uid)));
        }
        self.post.lock().tell();
        if mails.is_empty() { ok("nothing to do") } else { Done::Ok(format!("[COPYUID {validity} {old} {new}] done")) }
    }
}

/// Sequence numbers and UIDs of a set.
fn chosen(folder: &FolderBox, open: &Open, set: &str, by_uid: bool) -> Vec<(usize, u32)> {
    let last = if by_uid { folder.mails.last().map_or(0, |mail| mail.uid) } else { open.known.len() as u32 };
    open.known
        .iter()
        .enumerate()
        .filter(|(at, uid)| in_set(set, if by_uid { **uid } else { sequence(*at) }, last))
        .map(|(at, uid)| (at + 1, *uid))
        .collect()
}

fn changed_since(word: Option<&Word>) -> Option<u64> {
    let Some(Word::List(words)) = word else { return None };
    let at = words.iter().position(|word| word.upper() == "CHANGEDSINCE")?;
    words.get(at + 1)?.text()?.parse().ok()
}

fn inbox(name: &str) -> String {
    if name.eq_ignore_ascii_case("INBOX") { "INBOX".to_owned() } else { name.to_owned() }
}

/// The flags of the standard have one spelling.
fn known_flag(flag: &str) -> String {
    ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(flag))
        .unwrap_or(flag)
        .to_owned()
}

fn matches_pattern(pattern: &str, name: &str) -> bool {
    match pattern.split_once(['*', '%']) {
        None => pattern.eq_ignore_ascii_case(name),
        Some((before, after)) => {
            let star = pattern.as_bytes().get(before.len()) == Some(&b'*');
            let Some(rest) = name
                .get(..before.len())
                .filter(|head| head.eq_ignore_ascii_case(before))
                .map(|_| &name[before.len()..])
            else {
                return false;
            };
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .take_while(|at| star || !rest[..*at].contains('/'))
                .any(|at| matches_pattern(after, &rest[at..]))
        }
    }
}

/// The size of a literal that a line announces at its end, and whether the client waits for leave to send it.
fn announced(line: &[u8]) -> Option<(usize, bool)> {
    let inside = line.strip_suffix(b"}")?;
    let from = inside.iter().rposition(|b| *b == b'{')?;
    let text = std::str::from_utf8(&inside[from + 1..]).ok()?;
    let waits = !text.ends_with('+');
    Some((text.trim_end_matches('+').parse().ok()?, waits))
}

pub(super) enum Credentials {
    Password(String, String),
    Token(String, String),
}

/// What a SASL answer holds (PLAIN, XOAUTH2).
pub(super) fn credentials(method: &str, encoded: &str) -> Option<Credentials> {
    let bytes = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    match method {
        "PLAIN" => {
            let mut parts = text.split('\0').skip(1);
            Some(Credentials::Password(parts.next()?.to_owned(), parts.next()?.to_owned()))
        }
        "XOAUTH2" => {
            let mut parts = text.split('\u{1}');
            let user = parts.next()?.strip_prefix("user=")?;
            let token = parts.next()?.strip_prefix("auth=Bearer ")?;
            Some(Credentials::Token(user.to_owned(), token.to_owned()))
        }
        _ => None,
    }
}

/// A moment as APPEND carries it: ` 2-Mar-2026 09:14:05 +0000`.
fn moment(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?.to_timestamp().ok()?;
    Some(Timestamp(at.as_millisecond()))
}
