//! The invented brand's mailbox: a mail server on loopback, read and answered by the real connector, and customers who write.
//!
//! Owns: who mails, what about, and what becomes of an answer: a reply below which ours is repeated, an absence, a bounce.
//! Promises: as the rest of the playground; the server holds no more mail than a day's work.

mod correspondence;
mod letters;
#[cfg(test)]
mod tests;
mod write;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use self::correspondence::Correspondence;
use super::pause;
use super::people::PEOPLE;
use crate::channels::email;
use crate::channels::fake::Running;
use crate::channels::mailbox::fake::{Post, serve_post};
use crate::clock::Clock;

/// The channel that connects to it.
pub const CHANNEL: &str = email::DESCRIPTOR.key;
/// How the account is called, and its address.
pub const NAME: &str = "Kabelkraai";
pub const ADDRESS: &str = "hallo@kabelkraai.example";
/// How the brand's mail server calls itself where it says who a mail is from.
const SERVER: &str = "mx.kabelkraai.example";
/// Of all that happens in the playground, one in so many is a mail.
const SHARE: f64 = 8.0;

/// A mail server that is alive.
pub struct Mailbox {
    /// Where it listens: reading and sending.
    pub addresses: [SocketAddr; 2],
    password: String,
    post: Post,
    clock: Clock,
    pace: f64,
    correspondence: Mutex<Correspondence>,
    _served: Running,
}

/// Serves the mailbox. Nobody writes until [`Mailbox::play`] runs. `pace`: things that happen a minute in all of the playground;
/// the same `seed` gives the same play.
///
/// # Errors
/// When no port of loopback can be had.
pub async fn start(clock: Clock, pace: f64, seed: u64) -> io::Result<Mailbox> {
    let post = Post::new(clock.clone());
    let password = uuid::Uuid::new_v4().to_string();
    {
        let mut world = post.lock();
        world.open(ADDRESS, &password);
        for person in PEOPLE {
            world.open(person.acct, &uuid::Uuid::new_v4().to_string());
        }
    }
    let (served, submission) = serve_post(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &post, Value::Null).await?;
    Ok(Mailbox {
        addresses: [served.address, submission],
        password,
        correspondence: Mutex::new(Correspondence::new(post.clone(), seed)),
        post,
        clock,
        pace,
        _served: served,
    })
}

impl Mailbox {
    /// The settings and secrets with which the real connector connects, as one object.
    #[must_use]
    pub fn settings(&self) -> Value {
        let [imap, smtp] = self.addresses;
        json!({
            "address": ADDRESS, "name": NAME, "password": self.password, "trusts": SERVER,
            "imap_host": imap.ip().to_string(), "imap_port": imap.port(), "imap_security": "none",
            "smtp_host": smtp.ip().to_string(), "smtp_port": smtp.port(), "smtp_security": "none",
        })
    }

    /// Lives: waits until the brand has come in, unless it was here before, so that what stands ready is news and not history.
    /// Never ends; drop it to stop.
    pub async fn play(&self, goes_on: bool) {
        if !goes_on {
            while !self.looked() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            self.correspondence().set_the_scene(self.clock.now());
        }
        loop {
            match pause(self.pace / SHARE) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
            self.correspondence().step(self.clock.now());
        }
    }

    /// Whether the connector has begun to read: it asks for what lies there already once, before everything else.
    fn looked(&self) -> bool {
        self.post.lock().commands.iter().any(|command| command == "UID SEARCH")
    }

    fn correspondence(&self) -> MutexGuard<'_, Correspondence> {
        self.correspondence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
