//! The live socket: hello, then everything one may see, in order, until one is too slow or no longer welcome.
//!
//! Promises: only our own pages connect; who signs out is cut at once, and who loses the right to be here in any other way
//! within half a minute; a client that does not read costs a bounded amount and is cut; nothing is decided here.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Web;
use super::error::{Answer, ApiError};
use super::hear::hang_up;
use super::session::{Signed, check_origin};
use crate::desk::people;
use crate::live::{ClientMessage, ServerMessage, Subscriber};

/// The longest a page can have to say.
const LONGEST: usize = 16 * 1024;
/// How long we wait for `hello`, and for a client to take what we send.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often we look whether the client is there and still welcome.
const LOOK: Duration = Duration::from_secs(30);
/// Looks without a word after which a client is gone; browsers answer our pings by themselves.
const SILENT_LOOKS: u32 = 3;
/// Sentences a page may say between two looks; a person clicks less.
const TALKATIVE: u32 = 600;

/// Everything that happens, as it happens: `ClientMessage` up, `ServerMessage` down
#[utoipa::path(get, path = "/api/live", tag = "live", responses((status = 101, description = "A WebSocket with JSON text frames. The page says `hello` first. See `ClientMessage` and `ServerMessage`."), (status = 403, description = "`origin.foreign`", body = super::error::Problem, content_type = "application/problem+json")))]
pub async fn live(
    State(web): State<Web>,
    signed: Signed,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answer<Response> {
    // A browser lets any site open a socket here, with our cookie.
    check_origin(&web, &headers)?;
    let upgrade =
        upgrade.map_err(|_| ApiError::bad_request("socket.expected", "This address speaks WebSocket only."))?;
    Ok(upgrade.max_message_size(LONGEST).max_frame_size(LONGEST).on_upgrade(move |socket| async move {
        web.metrics.sockets.inc();
        let talk = Talk { web: web.clone(), signed, socket };
        if let Some((code, why)) = web.life.track(talk.run()).await {
            tracing::debug!(code, why, "a socket closed");
        }
        web.metrics.sockets.dec();
    }))
}

struct Talk {
    web: Web,
    signed: Signed,
    socket: WebSocket,
}

type End = (u16, &'static str);

const GOING_AWAY: End = (1001, "the server stops");
const GONE: End = (1006, "the client is gone");
const WRONG: End = (1008, "that is not what a page says");
const UNWELCOME: End = (4401, "sign in again");
const SLOW: End = (4408, "too slow");
const LATER: End = (1013, "try again later");

impl Talk {
    async fn run(mut self) -> End {
        let end = match self.greet().await {
            Ok(subscriber) => match self.talk(subscriber).await {
                Err(end) => end,
            },
            Err(end) => end,
        };
        if end != GONE {
            hang_up(&mut self.socket, end, PATIENCE).await;
        }
        end
    }

    /// Waits for `hello` and joins.
    async fn greet(&mut self) -> Result<Subscriber, End> {
        let stopping = self.web.life.stopping();
        let first = tokio::select! {
            first = timeout(PATIENCE, self.socket.recv()) => first,
            () = stopping.cancelled() => return Err(GOING_AWAY),
        };
        let Ok(Some(Ok(Message::Text(text)))) = first else { return Err(WRONG) };
        let Ok(ClientMessage::Hello { since }) = serde_json::from_str(&text) else { return Err(WRONG) };
        self.web.hub.join(self.signed.viewer(), since).await.map_err(|error| {
            tracing::warn!(%error, "a client could not join");
            LATER
        })
    }

    async fn talk(&mut self, mut subscriber: Subscriber) -> Result<Infallible, End> {
        let stopping = self.web.life.stopping();
        let (cut, doubt) = (subscriber.cut.clone(), subscriber.doubt.clone());
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.reset();
        let (mut silent, mut said) = (0_u32, 0_u32);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Err(GOING_AWAY),
                () = cut.cancelled() => return Err(self.reset().await),
                () = doubt.notified() => self.still_welcome().await?,
                frame = subscriber.next() => {
                    let Some(frame) = frame else { return Err(GOING_AWAY) };
                    let sent = tokio::select! {
                        sent = timeout(PATIENCE, self.socket.send(Message::Text((&*frame).into()))) => sent,
                        () = cut.cancelled() => return Err(SLOW),
                    };
                    match sent {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return Err(GONE),
                        Err(_) => return Err(SLOW),
                    }
                }
                message = self.socket.recv() => {
                    silent = 0;
                    said += 1;
                    match message {
                        Some(Ok(Message::Text(text))) if said <= TALKATIVE => match serde_json::from_str(&text) {
                            Ok(message) => self.hear(&subscriber, message).await?,
                            // A newer page may say what we do not know yet.
                            Err(error) => tracing::debug!(%error, "a page said something unknown"),
                        },
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Text(_) | Message::Binary(_))) => return Err(WRONG),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(GONE),
                    }
                }
                _ = look.tick() => {
                    said = 0;
                    silent += 1;
                    if silent > SILENT_LOOKS {
                        return Err(GONE);
                    }
                    self.still_welcome().await?;
                    if !matches!(timeout(PATIENCE, self.socket.send(Message::Ping(bytes::Bytes::new()))).await, Ok(Ok(()))) {
                        return Err(GONE);
                    }
                }
            }
        }
    }

    /// Asks the database whether this session still stands.
    async fn still_welcome(&mut self) -> Result<(), End> {
        match people::is_still_signed_in(&self.web.store, &self.signed.0).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(UNWELCOME),
            // A database that is away for a minute is no reason to send everybody away.
            Err(error) => {
                tracing::warn!(%error, "a session could not be looked up");
                Ok(())
            }
        }
    }

    async fn hear(&mut self, subscriber: &Subscriber, message: ClientMessage) -> Result<(), End> {
        let (hub, id) = (&self.web.hub, subscriber.id);
        match message {
            ClientMessage::Hello { .. } => return Err(WRONG),
            ClientMessage::Ping => self.say(&ServerMessage::Pong).await?,
            ClientMessage::Board { on } => hub.set_board(id, on),
            ClientMessage::Viewing { conversation_id } => {
                // Who looks at what is only told among those who may look.
                let allowed = match conversation_id {
                    Some(conversation) => self.web.desk.row(&self.signed.viewer(), conversation).await.is_ok(),
                    None => true,
                };
                let now = conversation_id.filter(|_| allowed);
                let before = hub.presence().view(id, now);
                for conversation in [before.filter(|before| Some(*before) != now), now].into_iter().flatten() {
                    hub.show_presence(conversation);
                }
                if let Some((conversation_id, visitor)) = now.and_then(|now| Some((now, hub.visitor_at(now)?))) {
                    self.say(&ServerMessage::Visitor { conversation_id, visitor }).await?;
                }
            }
            ClientMessage::Replying { conversation_id, active } => {
                if hub.presence().reply(id, conversation_id, active) {
                    hub.show_presence(conversation_id);
                }
            }
        }
        Ok(())
    }

    async fn say(&mut self, message: &ServerMessage) -> Result<(), End> {
        let text = serde_json::to_string(message).unwrap_or_default();
        match timeout(PATIENCE, self.socket.send(Message::Text(text.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(GONE),
            Err(_) => Err(SLOW),
        }
    }

    /// Tells a client that it has to fetch everything again, and hangs up: it comes back by itself.
    async fn reset(&mut self) -> End {
        let seq = *self.web.store.watch_events().borrow();
        match self.say(&ServerMessage::Reset { seq }).await {
            Ok(()) => SLOW,
            Err(end) => end,
        }
    }
}
