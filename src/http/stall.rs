//! Who sends a request and then its body in drops, or not at all, is not waited for: the handler holds our memory meanwhile.
//!
//! Promises: a body brings at least [`LEAST`] in every [`SPAN`], or its end; else the request is refused with 408, whatever the route.
//! A body that comes slowly and steadily may be of any size. Must not: touch answers, however long, or sockets.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::error::ApiError;

/// Most bodies are whole by then, on the worst line.
const SPAN: Duration = Duration::from_secs(60);
/// Of a larger one at least this much has come: some 9 kbit/s.
const LEAST: usize = 64 * 1024;

/// Wraps a request.
pub async fn guard(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let stalled = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| {
        let wait = Box::pin(sleep(SPAN));
        Body::new(Watched { body, wait, came: 0, stalled: Arc::clone(&stalled) })
    });
    let response = next.run(request).await;
    // What the handler makes of half a body is no answer; that it did what was asked is one.
    if stalled.load(Ordering::Relaxed) && !response.status().is_success() {
        return too_slow().into_response();
    }
    response
}

fn too_slow() -> ApiError {
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "body.too_slow", "The body of the request took too long to arrive.")
        .cure("Send it again.")
}

/// A body on its way in.
struct Watched {
    body: Body,
    wait: Pin<Box<Sleep>>,
    /// Since the wait began.
    came: usize,
    stalled: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.stalled.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                self.came = self.came.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            }
            return Poll::Ready(frame);
        }
        loop {
            ready!(self.wait.as_mut().poll(cx));
            if self.came < LEAST {
                self.stalled.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut)))));
            }
            self.came = 0;
            self.wait = Box::pin(sleep(SPAN));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, SPAN, guard};
    use axum::Router;
    use axum::body::{Body, Bytes, to_bytes};
    use axum::extract::{DefaultBodyLimit, Request};
    use axum::middleware::from_fn;
    use axum::routing::post;
    use futures_util::{StreamExt as _, stream};
    use std::time::Duration;
    use tokio::time::timeout;
    use tower::Service as _;

    /// What one hears whose body comes in these pieces, a pause before each.
    async fn hears(pieces: Vec<usize>, pause: Duration, ends: bool) -> (u16, String, String) {
        let mut router = Router::new()
            .route("/", post(|body: Bytes| async move { body.len().to_string() }))
            .layer(DefaultBodyLimit::disable())
            .layer(from_fn(crate::http::hear::out))
            .layer(from_fn(guard));
        let pieces = stream::iter(pieces).then(move |size| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size]))
        });
        let rest = stream::iter((!ends).then_some(())).then(|()| std::future::pending());
        let request = Request::post("/").body(Body::from_stream(pieces.chain(rest))).unwrap();
        let response = timeout(SPAN * 100, router.call(request)).await.expect("nobody hung up").unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        let said = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, kind, String::from_utf8(said.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        for pieces in [vec![], vec![100], vec![LEAST, 1]] {
            let (status, kind, said) = hears(pieces, Duration::ZERO, false).await;
            assert_eq!((status, kind.as_str()), (408, "application/problem+json"));
            assert!(said.contains("\"body.too_slow\""), "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_not_waited_for() {
        let (status, _, said) = hears(vec![1; 1000], Duration::from_secs(5), true).await;
        assert_eq!(status, 408, "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_slowly_and_steadily_is_taken_however_long_it_lasts() {
        let (status, _, said) = hears(vec![LEAST / 2; 100], SPAN / 3, true).await;
        assert_eq!((status, said), (200, (50 * LEAST).to_string()));
        assert_eq!(hears(vec![10], SPAN / 2, true).await.2, "10");
    }
}
