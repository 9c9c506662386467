//! What no client of others asks of the played server: its troubles, and what happens to who waits.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Letter, Post, Trouble, start};
use crate::channels::fake::Running;
use crate::clock::Clock;
use crate::model::Timestamp;

struct Talk(BufReader<TcpStream>);

impl Talk {
    async fn to(port: u64) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).await.unwrap();
        let mut talk = Self(BufReader::new(stream));
        talk.hear().await.unwrap();
        talk
    }
    async fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.0.read_line(&mut line).await.ok()? > 0).then(|| line.trim_end().to_owned())
    }
    async fn say(&mut self, line: &str) {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }
    async fn ask(&mut self, line: &str) -> String {
        self.say(line).await;
        loop {
            let heard = self.hear().await.unwrap_or_default();
            // Untagged lines and continued replies come before the answer.
            if !heard.starts_with('*') && heard.as_bytes().get(3) != Some(&b'-') {
                return heard;
            }
        }
    }
}

async fn server() -> (Running, Post) {
    let clock = Clock::manual(Timestamp(1_772_442_845_000));
    start("127.0.0.1:0".parse().unwrap(), clock).await.unwrap()
}

async fn imap(running: &Running) -> Talk {
    let mut talk = Talk::to(running.accounts["imap"]["port"].as_u64().unwrap()).await;
    assert!(talk.ask("a LOGIN help@merk.test brand-pass").await.starts_with("a OK"));
    assert!(talk.ask("b SELECT INBOX").await.starts_with("b OK"));
    talk
}

async fn smtp(running: &Running) -> Talk {
    let mut talk = Talk::to(running.accounts["smtp"]["port"].as_u64().unwrap()).await;
    assert!(talk.ask("EHLO x").await.starts_with("250 "));
    assert!(talk.ask("AUTH PLAIN AGhlbHBAbWVyay50ZXN0AGJyYW5kLXBhc3M=").await.starts_with("235"));
    talk
}

/// Hands a mail in; what the server says at the end, `None` when it says nothing.
async fn hand_in(talk: &mut Talk, to: &str) -> Option<String> {
    for line in ["MAIL FROM:<help@merk.test>".to_owned(), format!("RCPT TO:<{to}>")] {
        let answer = talk.ask(&line).await;
        if !answer.starts_with("250") {
            return Some(answer);
        }
    }
    assert!(talk.ask("DATA").await.starts_with("354"));
    talk.say("Message-ID: <m@merk.test>\r\nSubject: x\r\n\r\nhoi\r\n.").await;
    talk.hear().await
}

#[tokio::test]
async fn troubles_strike_once_and_in_order() {
    let (running, post) = server().await;
    post.lock().troubles = vec![
        Trouble::RefuseEarly("451 4.7.1 Greylisted".to_owned()),
        Trouble::Refuse("452 4.3.1 Insufficient system storage".to_owned()),
        Trouble::CutAfter,
        Trouble::Cut,
    ];
    let mut talk = smtp(&running).await;
    assert_eq!(hand_in(&mut talk, "klant@thuis.test").await.as_deref(), Some("451 4.7.1 Greylisted"));
    assert_eq!(hand_in(&mut talk, "klant@thuis.test").await.as_deref(), Some("452 4.3.1 Insufficient system storage"));
    assert_eq!(post.lock().sent.len(), 0);
    assert_eq!(hand_in(&mut talk, "klant@thuis.test").await, None);
    assert_eq!(post.lock().sent.len(), 1, "taken, and nobody was told");
    let mut talk = smtp(&running).await;
    assert_eq!(hand_in(&mut talk, "klant@thuis.test").await, None);
    assert_eq!(post.lock().sent.len(), 1);
    let mut talk = smtp(&running).await;
    assert!(hand_in(&mut talk, "klant@thuis.test").await.unwrap().starts_with("250"));
    assert_eq!(post.lock().owners["klant@thuis.test"].folders["INBOX"].mails.len(), 2);
}

#[tokio::test]
async fn what_cannot_arrive_comes_back_to_its_sender() {
    let (running, post) = server().await;
    let mut talk = smtp(&running).await;
    assert!(hand_in(&mut talk, "niemand@thuis.test").await.unwrap().starts_with("250"));
    let world = post.lock();
    let inbox = &world.owners["help@merk.test"].folders["INBOX"];
    let bounce = String::from_utf8_lossy(&inbox.mails[0].raw).into_owned();
    assert!(bounce.contains("Action: failed") && bounce.contains("<m@merk.test>"), "{bounce}");
}

#[tokio::test]
async fn who_waits_is_told_and_a_renumbered_folder_says_so() {
    let (running, post) = server().await;
    let mut talk = imap(&running).await;
    talk.say("c IDLE").await;
    assert_eq!(talk.hear().await.as_deref(), Some("+ idling"));
    let letter = Letter {
        from: "K. Lant <klant@thuis.test>".to_owned(),
        to: "help+x@merk.test".to_owned(),
        subject: "Vraag".to_owned(),
        text: "Hoi".to_owned(),
        answers: Vec::new(),
    };
    let id = post.lock().write(&letter);
    assert_eq!(talk.hear().await.as_deref(), Some("* 1 EXISTS"));
    assert_eq!(talk.ask("DONE").await, "c OK idled");
    let before = post.lock().owners["help@merk.test"].folders["INBOX"].uidvalidity;
    post.lock().renumber("help@merk.test", "INBOX");
    assert_eq!(post.lock().owners["help@merk.test"].folders["INBOX"].uidvalidity, before + 1);
    assert!(id.ends_with("@thuis.test"));
    running.wire.cut_all();
    assert_eq!(talk.hear().await, None, "every line is cut");
    imap(&running).await;
}
