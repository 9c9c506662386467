//! A mail server on loopback: IMAP to read, submission to send, in one process.
//!
//! Owns: playing the platform of every channel that reads or sends mail, for the contract suite, for the playground and for judging by clients that others wrote.
//! Promises: answers as the standards say; keeps UIDs, flags and mod-sequences as real servers do; bounces as Postfix does.
//! Must not: be reachable unless somebody started it; relay a mail; keep anything.

mod fetch;
mod imap;
mod line;
mod search;
mod smtp;
#[cfg(test)]
mod tests;
mod words;
pub mod world;

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::channels::fake::{Running, Wire, serve_lines};
use crate::clock::Clock;
use line::Line;
pub use world::{Manners, Post, Sent, Trouble, World, rfc2822};

/// Who has a mailbox: the brand and two customers.
pub const PEOPLE: [(&str, &str, &str); 3] = [
    ("brand", "help@merk.test", "Merk"),
    ("customer", "klant@thuis.test", "K. Lant"),
    ("customer2", "zoeker@elders.test", "B. Zoeker"),
];

/// Starts a server with a brand and two customers. IMAP listens at `listen`, submission at a port of its own.
pub fn serve(listen: SocketAddr, clock: Clock) -> BoxFuture<'static, io::Result<Running>> {
    Box::pin(async move { start(listen, clock).await.map(|(running, _)| running) })
}

/// As `serve`, and gives the server itself, to act in it without a client.
///
/// # Errors
/// What binding the address says.
pub async fn start(listen: SocketAddr, clock: Clock) -> io::Result<(Running, Post)> {
    let post = Post::new(clock);
    let mut accounts = serde_json::Map::new();
    for (role, address, name) in PEOPLE {
        let password = format!("{role}-pass");
        post.lock().open(address, &password);
        accounts.insert(
            role.to_owned(),
            json!({"address": address, "name": name, "password": password, "token": format!("token-of-{address}")}),
        );
    }
    let (mut running, submission) = serve_post(listen, &post, Value::Null).await?;
    let server = |at: SocketAddr| json!({"host": at.ip().to_string(), "port": at.port()});
    accounts.insert("smtp".to_owned(), server(submission));
    accounts.insert("imap".to_owned(), server(running.address));
    running.accounts = Value::Object(accounts);
    Ok((running, post))
}

/// Serves mailboxes that somebody else made: IMAP at `listen`, submission at a port of its own beside it, which is given too.
///
/// # Errors
/// What binding the address says.
pub async fn serve_post(listen: SocketAddr, post: &Post, accounts: Value) -> io::Result<(Running, SocketAddr)> {
    let wire = Wire::default();
    let here = post.clone();
    let submission = serve_lines(SocketAddr::new(listen.ip(), 0), "smtp", wire.clone(), Value::Null, move |stream| {
        let session = smtp::Session::new(here.clone(), Line::new(stream));
        Box::pin(session.run())
    })
    .await?;
    let here = post.clone();
    let running = serve_lines(listen, "imap", wire, accounts, move |stream| {
        let session = imap::Session::new(here.clone(), Line::new(stream));
        Box::pin(session.run())
    })
    .await?;
    let at = submission.address;
    Ok((running.and(submission), at))
}

/// A mail as somebody's program writes it.
#[derive(Clone, Debug, Default)]
pub struct Letter {
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The Message-ID that is answered, and its References, oldest first, without brackets.
    pub answers: Vec<String>,
}

impl World {
    /// Writes a letter and delivers it to the mailbox of `to`; gives its Message-ID.
    pub fn write(&mut self, letter: &Letter) -> String {
        let number = self.next();
        let host = letter.from.rsplit('@').next().unwrap_or("host.test").trim_end_matches('>').to_owned();
        let id = format!("letter.{number}@{host}");
        let raw = self.letter(letter, &id);
        let mut delivered =
            format!("Return-Path: <{}>\r\nDelivered-To: {}\r\n", bare(&letter.from), bare(&letter.to)).into_bytes();
        delivered.extend_from_slice(&raw);
        if let Some(owner) = self.owner_of(bare(&letter.to)) {
            self.put(&owner, "INBOX", delivered);
        }
        if let Some(owner) = self.owner_of(bare(&letter.from)) {
            self.put(&owner, "Sent", raw);
        }
        id
    }

    fn letter(&self, letter: &Letter, id: &str) -> Bytes {
        let mut head = format!(
            "Date: {}\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{id}>\r\n",
            rfc2822(self.clock.now()),
            letter.from,
            letter.to,
            letter.subject
        );
        if let Some(parent) = letter.answers.last() {
            let all = letter.answers.iter().map(|id| format!("<{id}>")).collect::<Vec<_>>().join("\r\n ");
            head.push_str(&format!("In-Reply-To: <{parent}>\r\nReferences: {all}\r\n"));
        }
        let text = letter.text.replace('\n', "\r\n");
        Bytes::from(format!(
            "{head}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
        ))
    }
}

fn bare(address: &str) -> &str {
    match address.rsplit_once('<') {
        Some((_, rest)) => rest.trim_end_matches('>'),
        None => address,
    }
}
