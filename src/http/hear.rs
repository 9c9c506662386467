//! A refusal reaches whoever is still sending. A connection that is closed while something is under way to us is reset, and
//! then the sender sees a broken line instead of the answer that says what to do.
//!
//! Promises: what a handler left of a body is read and thrown away before the answer leaves, within [`MOST`] and [`LONGEST`];
//! what is said to a socket after its end, within [`LINGER`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::extract::Request;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::timeout;

/// What a connection has read of itself; a body this small is never under way.
const SMALL: u64 = 16 * 1024;
/// Beyond this we hang up.
const MOST: usize = 64 * 1024 * 1024;
/// Whoever takes longer than this is hung up on as well.
const LONGEST: Duration = Duration::from_secs(10);
/// How long we wait for the other side of a socket to see that it was closed.
const LINGER: Duration = Duration::from_secs(2);

/// Wraps a request.
pub async fn out(request: Request, next: Next) -> Response {
    if request.body().size_hint().upper().is_some_and(|size| size <= SMALL) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body.into_data_stream()));
    let response = next.run(Request::from_parts(parts, Body::from_stream(share(&body)))).await;
    let _ = timeout(LONGEST, discard(share(&body))).await;
    response
}

/// Closes a socket with a code and why, RFC 6455 section 7.1.1: the line ends when both have said so.
pub async fn hang_up(socket: &mut WebSocket, (code, why): (u16, &'static str), patience: Duration) {
    let close = Message::Close(Some(CloseFrame { code, reason: why.into() }));
    if matches!(timeout(patience, socket.send(close)).await, Ok(Ok(()))) {
        let _ = timeout(LINGER, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
    }
}

/// A reader of a body that outlives the handler it was given to.
fn share(body: &Arc<Mutex<BodyDataStream>>) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + use<> {
    let body = Arc::clone(body);
    stream::poll_fn(move |cx| body.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx))
}

async fn discard(mut rest: impl Stream<Item = Result<Bytes, axum::Error>> + Unpin) {
    let mut left = MOST;
    while let Some(Ok(chunk)) = rest.next().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}
