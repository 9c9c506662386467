//! A visitor's socket: hello, then their own thread as it happens.
//!
//! Promises: who loses the right to be here is cut within half a minute; whoever does not read, or says too much, costs a bounded amount.
//! Must not: decide anything.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::error::{Answer, Refusal};
use super::gate::Address;
use super::limits::What;
use crate::desk::visit::{Door, VisitError, VisitedPage, Visitor};
use crate::http::Web;
use crate::http::hear::hang_up;
use crate::live::{Guest, Refused};
use crate::model::{MessageId, Timestamp};

/// The largest frame, bytes.
const LONGEST: usize = 64 * 1024;
/// How long we wait for `hello`, and for a visitor to take what we send.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often we look whether the visitor is there and still welcome.
const LOOK: Duration = Duration::from_secs(30);
/// Looks without a word after which a visitor is gone.
const SILENT_LOOKS: u32 = 2;
/// Frames between two looks; nobody needs half as many.
const TALKATIVE: u32 = 240;
const TYPING: Duration = Duration::from_secs(2);
const MOVING: Duration = Duration::from_secs(1);

/// What a visitor says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Frame {
    Hello {
        token: String,
        #[serde(default)]
        last_seq: Option<i64>,
        #[serde(default)]
        page: Option<VisitedPage>,
    },
    Ping,
    Typing {
        on: bool,
    },
    Read {
        up_to: MessageId,
    },
    Ack {},
    Page(VisitedPage),
}

/// `GET ws`
pub async fn open(
    State(web): State<Web>,
    door: Door,
    Address(address): Address,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    let upgrade = upgrade.map_err(|_| Refusal::invalid("This address speaks WebSocket only."))?;
    web.rates.take(What::Sockets, &address, web.desk.clock().now()).map_err(Refusal::slow_down)?;
    let place = web.rates.socket(&address).ok_or_else(|| Refusal::slow_down(60))?;
    Ok(upgrade
        .max_message_size(LONGEST)
        .max_frame_size(LONGEST)
        .on_upgrade(move |socket| async move {
            let _place = place;
            web.metrics.sockets.inc();
            let talk = Talk { web: web.clone(), door, socket, token: String::new() };
            if let Some((code, why)) = web.life.track(Box::pin(talk.run())).await {
                tracing::debug!(code, why, "a visitor's socket closed");
            }
            web.metrics.sockets.dec();
        })
        .into_response())
}

type End = (u16, &'static str);

const GOING_AWAY: End = (1001, "the server stops");
const GONE: End = (1006, "the visitor is gone");
const WRONG: End = (1008, "that is not what a visitor says");
const LATER: End = (1013, "try again later");
const UNKNOWN: End = (4401, "token_invalid");
const UNWELCOME: End = (4403, "blocked");
const CLOSED: End = (4404, "inbox_disabled");
const SLOW: End = (4408, "too slow");
const TOO_MUCH: End = (4429, "rate_limited");

struct Talk {
    web: Web,
    door: Door,
    socket: WebSocket,
    token: String,
}

/// When something was last said that may not be said often.
#[derive(Default)]
struct Pace {
    said: u32,
    typed: Option<Timestamp>,
    moved: Option<Timestamp>,
}

fn end_of(error: &VisitError) -> End {
    match error {
        VisitError::Token | VisitError::Identity => UNKNOWN,
        VisitError::Blocked => UNWELCOME,
        VisitError::Closed => CLOSED,
        error => {
            tracing::warn!(%error, "a visitor could not be served");
            LATER
        }
    }
}

impl Talk {
    async fn run(mut self) -> End {
        let end = match self.greet().await {
            Ok((visitor, guest)) => self.talk(&visitor, guest).await,
            Err(end) => end,
        };
        if end != GONE {
            hang_up(&mut self.socket, end, PATIENCE).await;
        }
        end
    }

    async fn greet(&mut self) -> Result<(Visitor, Guest), End> {
        let stopping = self.web.life.stopping();
        let first = tokio::select! {
            first = timeout(PATIENCE, self.socket.recv()) => first,
            () = stopping.cancelled() => return Err(GOING_AWAY),
        };
        let Ok(Some(Ok(Message::Text(text)))) = first else { return Err(WRONG) };
        let Ok(Frame::Hello { token, last_seq, page }) = serde_json::from_str(&text) else { return Err(WRONG) };
        let visitor = self.web.desk.guest(&self.door, &token).await.map_err(|error| end_of(&error))?;
        self.token = token;
        let page = page.map(short);
        let guest = self.web.hub.welcome(&self.door, &visitor, last_seq, page).await.map_err(|error| match error {
            Refused::TooMany => TOO_MUCH,
            Refused::Visit(error) => end_of(&error),
        })?;
        Ok((visitor, guest))
    }

    async fn talk(&mut self, visitor: &Visitor, mut guest: Guest) -> End {
        let stopping = self.web.life.stopping();
        let cut = guest.cut.clone();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.reset();
        let (mut silent, mut pace) = (0_u32, Pace::default());
        loop {
            tokio::select! {
                () = stopping.cancelled() => return GOING_AWAY,
                () = cut.cancelled() => return SLOW,
                frame = guest.next() => {
                    let Some(frame) = frame else { return GOING_AWAY };
                    let sent = tokio::select! {
                        sent = timeout(PATIENCE, self.socket.send(Message::Text((&*frame).into()))) => sent,
                        () = cut.cancelled() => return SLOW,
                    };
                    match sent {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return GONE,
                        Err(_) => return SLOW,
                    }
                }
                message = self.socket.recv() => {
                    silent = 0;
                    pace.said += 1;
                    if pace.said > TALKATIVE {
                        return TOO_MUCH;
                    }
                    match message {
                        Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                            Ok(frame) => if let Err(end) = self.hear(visitor, frame, &mut pace).await { return end },
                            // A newer widget may say what we do not know yet.
                            Err(error) => tracing::debug!(%error, "a visitor's page said something unknown"),
                        },
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Binary(_))) => return WRONG,
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return GONE,
                    }
                }
                _ = look.tick() => {
                    pace.said = 0;
                    silent += 1;
                    if silent > SILENT_LOOKS {
                        return GONE;
                    }
                    if let Err(end) = self.still_welcome(visitor).await {
                        return end;
                    }
                    if !matches!(timeout(PATIENCE, self.socket.send(Message::Ping(bytes::Bytes::new()))).await, Ok(Ok(()))) {
                        return GONE;
                    }
                }
            }
        }
    }

    async fn still_welcome(&mut self, visitor: &Visitor) -> Result<(), End> {
        let known = match self.web.desk.door(self.door.account.id).await {
            Ok(door) => self.web.desk.guest(&door, &self.token).await,
            Err(error) => Err(error),
        };
        match known {
            Ok(known) if known.id == visitor.id => Ok(()),
            Ok(_) => Err(UNKNOWN),
            // A database that is away for a minute is no reason to send everybody away.
            Err(VisitError::Desk(error)) => {
                tracing::warn!(%error, "a visit could not be looked up");
                Ok(())
            }
            Err(error) => Err(end_of(&error)),
        }
    }

    async fn hear(&mut self, visitor: &Visitor, frame: Frame, pace: &mut Pace) -> Result<(), End> {
        let now = self.web.desk.clock().now();
        let too_soon = |last: Option<Timestamp>, span| last.is_some_and(|last| now.since(last) < span);
        match frame {
            Frame::Hello { .. } => return Err(WRONG),
            Frame::Ping => self.say(&json!({ "type": "pong" })).await?,
            Frame::Typing { on } => {
                // Stopping is always heard.
                if on && too_soon(pace.typed, TYPING) {
                    return self.refuse("rate_limited", "typing is told once in two seconds").await;
                }
                if on {
                    pace.typed = Some(now);
                }
                self.web.hub.visitor_types(visitor.id, on);
            }
            Frame::Page(visited) => {
                if too_soon(pace.moved, MOVING) {
                    return self.refuse("rate_limited", "a page is told once in a second").await;
                }
                pace.moved = Some(now);
                self.web.hub.visitor_moves(visitor.id, short(visited));
            }
            Frame::Read { up_to } => match self.web.desk.read(&self.door, visitor, up_to).await {
                Err(VisitError::NotFound) => self.refuse("not_found", "there is no such message here").await?,
                Err(error) => self.failed(&error).await?,
                Ok(()) => {}
            },
            Frame::Ack {} => {
                if let Err(error) = self.web.desk.arrived(&self.door, visitor).await {
                    self.failed(&error).await?;
                }
            }
        }
        Ok(())
    }

    async fn failed(&mut self, error: &VisitError) -> Result<(), End> {
        tracing::warn!(%error, "a visitor's frame could not be obeyed");
        self.refuse("unavailable", "not possible for now").await
    }

    async fn refuse(&mut self, code: &str, message: &str) -> Result<(), End> {
        self.say(&json!({ "type": "error", "code": code, "message": message })).await
    }

    async fn say(&mut self, value: &Value) -> Result<(), End> {
        match timeout(PATIENCE, self.socket.send(Message::Text(value.to_string().into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(GONE),
            Err(_) => Err(SLOW),
        }
    }
}

/// A page may be called anything; agents need no more than this of it.
fn short(page: VisitedPage) -> VisitedPage {
    let cut = |text: String, most: usize| text.chars().filter(|c| !c.is_control()).take(most).collect::<String>();
    VisitedPage {
        url: cut(page.url, 1000),
        title: cut(page.title, 200),
        referrer: page.referrer.map(|url| cut(url, 1000)),
    }
}
