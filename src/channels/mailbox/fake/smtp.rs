//! SMTP submission as the played server speaks it (RFC 5321, 6409, 4954): sign in, hand in, be refused.
//!
//! Promises: a mail is taken exactly when its `DATA` was answered 250, or when the scripted trouble says that the answer is lost.

use tokio::io::AsyncWriteExt;

use super::Post;
use super::imap::{Credentials, credentials};
use super::line::Line;
use super::world::{Sent, Trouble};

const LONGEST: usize = 4 * 1024;

/// One connection.
pub(super) struct Session {
    post: Post,
    line: Line,
    who: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

impl Session {
    pub(super) fn new(post: Post, line: Line) -> Self {
        Self { post, line, who: None, from: None, to: Vec::new() }
    }

    /// Serves until the line ends.
    pub(super) async fn run(mut self) {
        if self.line.say("220 mail.test ESMTP ready").await.is_err() {
            return;
        }
        while let Some(command) = self.line.hear(LONGEST).await {
            let command = String::from_utf8_lossy(&command).into_owned();
            if self.answer(&command).await.is_none() {
                return;
            }
        }
    }

    async fn say(&mut self, line: &str) -> Option<()> {
        self.line.say(line).await.ok()
    }

    async fn answer(&mut self, command: &str) -> Option<()> {
        let verb = command.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let rest = command.get(verb.len()..).unwrap_or_default().trim();
        match verb.as_str() {
            "EHLO" => {
                let size = self.post.lock().manners.size;
                for line in [
                    "mail.test",
                    "PIPELINING",
                    "8BITMIME",
                    "SMTPUTF8",
                    "ENHANCEDSTATUSCODES",
                    "AUTH PLAIN LOGIN XOAUTH2",
                ] {
                    self.say(&format!("250-{line}")).await?;
                }
                self.say(&format!("250 SIZE {size}")).await
            }
            "HELO" => self.say("250 mail.test").await,
            "NOOP" => self.say("250 2.0.0 yes").await,
            "RSET" => {
                self.reset();
                self.say("250 2.0.0 forgotten").await
            }
            "QUIT" => {
                let _ = self.say("221 2.0.0 bye").await;
                None
            }
            "AUTH" => self.authenticate(rest).await,
            "MAIL" | "RCPT" | "DATA" if self.who.is_none() => self.say("530 5.7.0 Authentication required").await,
            "MAIL" => self.mail(rest).await,
            "RCPT" => self.recipient(rest).await,
            "DATA" if self.from.is_none() || self.to.is_empty() => self.say("503 5.5.1 nobody to send to").await,
            "DATA" => self.data().await,
            _ => self.say("502 5.5.2 not known here").await,
        }
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn authenticate(&mut self, rest: &str) -> Option<()> {
        let mut parts = rest.split_ascii_whitespace();
        let method = parts.next().unwrap_or_default().to_ascii_uppercase();
        let given = match (method.as_str(), parts.next()) {
            ("PLAIN" | "XOAUTH2", Some(first)) => credentials(&method, first),
            ("PLAIN" | "XOAUTH2", None) => {
                self.say("334 ").await?;
                let first = self.line.hear(LONGEST).await?;
                credentials(&method, &String::from_utf8_lossy(&first))
            }
            ("LOGIN", first) => {
                let user = match first {
                    Some(first) => first.to_owned(),
                    None => self.ask("334 VXNlcm5hbWU6").await?,
                };
                let password = self.ask("334 UGFzc3dvcmQ6").await?;
                decode(&user).zip(decode(&password)).map(|(user, password)| Credentials::Password(user, password))
            }
            _ => return self.say("504 5.5.4 this method is not offered").await,
        };
        let Some(given) = given else { return self.say("501 5.5.2 that cannot be decoded").await };
        self.who = match &given {
            Credentials::Password(user, password) => self.post.lock().admits(user, Some(password), None),
            Credentials::Token(user, token) => self.post.lock().admits(user, None, Some(token)),
        };
        if self.who.is_some() {
            return self.say("235 2.7.0 Accepted").await;
        }
        if matches!(given, Credentials::Token(..)) {
            self.ask("334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=").await?;
        }
        self.say("535 5.7.8 Authentication credentials invalid").await
    }

    async fn ask(&mut self, line: &str) -> Option<String> {
        self.say(line).await?;
        let heard = self.line.hear(LONGEST).await?;
        Some(String::from_utf8_lossy(&heard).into_owned())
    }

    /// The next trouble, when it strikes before the mail is read.
    fn early(&self) -> Option<String> {
        let mut world = self.post.lock();
        match world.troubles.first() {
            Some(Trouble::RefuseEarly(line)) => {
                let line = line.clone();
                world.troubles.remove(0);
                Some(line)
            }
            _ => None,
        }
    }

    async fn mail(&mut self, rest: &str) -> Option<()> {
        let Some((address, more)) = path(rest, "FROM:") else { return self.say("501 5.5.4 MAIL FROM:<address>").await };
        if let Some(line) = self.early() {
            return self.say(&line).await;
        }
        let most = self.post.lock().manners.size;
        let size = more
            .to_ascii_uppercase()
            .split_ascii_whitespace()
            .find_map(|word| word.strip_prefix("SIZE=")?.parse::<usize>().ok());
        if size.is_some_and(|size| size > most) {
            return self.say("552 5.3.4 Message size exceeds fixed maximum message size").await;
        }
        let own = self.who.as_ref().is_some_and(|who| self.post.lock().owner_of(&address).as_ref() == Some(who));
        if !own && !address.is_empty() {
            return self.say("550 5.7.60 SMTP; Client does not have permissions to send as this sender").await;
        }
        self.reset();
        self.from = Some(address);
        self.say("250 2.1.0 Ok").await
    }

    async fn recipient(&mut self, rest: &str) -> Option<()> {
        let Some((address, _)) = path(rest, "TO:").filter(|(address, _)| address.contains('@')) else {
            return self.say("501 5.1.3 RCPT TO:<address>").await;
        };
        if self.from.is_none() {
            return self.say("503 5.5.1 from whom?").await;
        }
        if let Some(line) = self.early() {
            return self.say(&line).await;
        }
        if self.to.len() >= 1000 {
            return self.say("452 4.5.3 Too many recipients").await;
        }
        self.to.push(address);
        self.say("250 2.1.5 Ok").await
    }

    async fn data(&mut self) -> Option<()> {
        self.say("354 End data with <CR><LF>.<CR><LF>").await?;
        let most = self.post.lock().manners.size;
        let mut raw = Vec::new();
        loop {
            let line = self.line.hear(1024 * 1024).await?;
            if line == b"." {
                break;
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            // What is too large is still heard to its end.
            if raw.len() <= most {
                raw.extend_from_slice(line);
                raw.extend_from_slice(b"\r\n");
            }
        }
        let sent =
            Sent { from: self.from.take().unwrap_or_default(), to: std::mem::take(&mut self.to), raw: raw.into() };
        if sent.raw.len() > most {
            return self.say("552 5.3.4 Message too big").await;
        }
        let (trouble, number) = {
            let mut world = self.post.lock();
            let trouble = (!world.troubles.is_empty()).then(|| world.troubles.remove(0));
            let taken = !matches!(trouble, Some(Trouble::Refuse(_) | Trouble::RefuseEarly(_) | Trouble::Cut));
            if taken {
                world.take(sent, trouble.as_ref());
            }
            (trouble, world.next())
        };
        match trouble {
            Some(Trouble::Refuse(line) | Trouble::RefuseEarly(line)) => self.say(&line).await,
            Some(Trouble::Cut | Trouble::CutAfter) => None,
            Some(Trouble::Half) => {
                let _ = self.line.writer.write_all(b"250 2.0").await;
                let _ = self.line.writer.flush().await;
                None
            }
            Some(Trouble::Bounce { .. }) | None => self.say(&format!("250 2.0.0 Ok: queued as {number:010X}")).await,
        }
    }
}

/// The address of `FROM:<address> …`, and what follows.
fn path<'a>(rest: &'a str, label: &str) -> Option<(String, &'a str)> {
    let head = rest.get(..label.len()).filter(|head| head.eq_ignore_ascii_case(label))?;
    let rest = rest[head.len()..].trim_start().strip_prefix('<')?;
    let (address, more) = rest.split_once('>')?;
    Some((address.to_owned(), more))
}

fn decode(text: &str) -> Option<String> {
    use base64::Engine;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?).ok()
}
