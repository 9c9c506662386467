//! Takes connections. A stranger who says nothing, or half of something, is hung up on, and one network does not take the room of all.
//!
//! Promises: a connection whose first request is not here within [`FIRST`] ends; one that is kept open between requests ends after
//! [`NEXT`]; one network holds at most [`NEAR`]; when the process stops, what was asked is answered and the lines are closed.
//! Must not: know a route. It speaks HTTP/1.1 only: proxies do so to what is behind them, and browsers without TLS know nothing else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::limiter::network;
use crate::lifecycle::Lifecycle;

/// Until the first request is here, its whole head.
const FIRST: Duration = Duration::from_secs(15);
/// Until the next one is. Longer than proxies keep a line without use (nginx: 60 s), so that it is they who hang up, and no request
/// meets a line that was closed at that moment.
const NEXT: Duration = Duration::from_secs(75);
/// Connections of one network: an office with many windows open, and no more than a part of what a process may open.
const NEAR: u32 = 1000;
/// Of a request's head. Every connection may take this much of our memory.
const HEAD: usize = 64 * 1024;

/// Serves until the process stops. Proxies of our own (`trusted`), and this machine, speak for many networks and are not counted.
pub async fn serve(listener: TcpListener, router: Router, life: Lifecycle, trusted: Vec<IpNet>) {
    let (crowd, stopping) = (Crowd::default(), life.stopping());
    loop {
        let taken = tokio::select! {
            () = stopping.cancelled() => return,
            taken = listener.accept() => taken,
        };
        let (stream, from) = match taken {
            Ok(taken) => taken,
            Err(error) if is_of_one(error.kind()) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection can be taken; trying again");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let ip = from.ip().to_canonical();
        let counted = !ip.is_loopback() && !trusted.iter().any(|network| network.contains(&ip));
        let place = if counted { crowd.enter(&network(ip)) } else { Some(None) };
        let Some(place) = place else { continue };
        let (router, stopping) = (router.clone(), stopping.clone());
        life.spawn_one_of_many("connection", async move {
            attend(stream, from, router, stopping).await;
            drop(place);
        });
    }
}

/// Whether a failure to take a connection is that connection's own.
fn is_of_one(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

/// Speaks with one caller until the line ends.
async fn attend(
    line: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    from: SocketAddr,
    router: Router,
    stopping: CancellationToken,
) {
    let heard = CancellationToken::new();
    let service = service_fn({
        let heard = heard.clone();
        move |request: Request<Incoming>| {
            heard.cancel();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(from));
            let answer = router.clone().call(request);
            async move { Ok::<Response, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        }
    });
    let line = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(line), service)
        .with_upgrades();
    let silence = async {
        if timeout(FIRST, heard.cancelled()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    let (mut line, mut silence, mut asked) = (pin!(line), pin!(silence), false);
    loop {
        tokio::select! {
            done = line.as_mut() => {
                if let Err(error) = done {
                    tracing::trace!(%error, "a connection broke");
                }
                return;
            }
            () = silence.as_mut() => return,
            () = stopping.cancelled(), if !asked => {
                asked = true;
                line.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Open connections by network.
#[derive(Clone, Default)]
struct Crowd(Arc<Mutex<HashMap<String, u32>>>);

/// A connection that is counted; dropping it makes room.
struct Place(Crowd, String);

impl Crowd {
    /// `None`: there is no room for another of this network.
    #[allow(clippy::option_option, reason = "no room, and room that is not counted, are two answers")]
    fn enter(&self, network: &str) -> Option<Option<Place>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(network.to_owned()).or_default();
        if *count >= NEAR {
            return None;
        }
        *count += 1;
        Some(Some(Place(self.clone(), network.to_owned())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self(crowd, network) = self;
        let mut open = crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                open.remove(network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Crowd, FIRST, NEAR, NEXT, attend};
    use axum::Router;
    use axum::routing::get;
    use std::net::SocketAddr;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;
    use tokio_util::sync::CancellationToken;

    const MOMENT: Duration = Duration::from_secs(1);

    /// What one hears who says this and then nothing, when the line ends within this time.
    async fn hears(said: &str, stopping: &CancellationToken, within: Duration) -> Option<String> {
        let (mut theirs, ours) = tokio::io::duplex(4096);
        let router = Router::new().route("/", get(|| async { "well" }));
        theirs.write_all(said.as_bytes()).await.unwrap();
        let mut heard = String::new();
        let from = SocketAddr::from(([192, 0, 2, 1], 1));
        let both = async {
            let ((), read) =
                tokio::join!(attend(ours, from, router, stopping.clone()), theirs.read_to_string(&mut heard));
            read.unwrap();
        };
        timeout(within, both).await.ok()?;
        Some(heard)
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_or_half_a_head_is_hung_up_on() {
        let stopping = CancellationToken::new();
        for said in ["", "GET / HTTP/1.1\r\nhost: x\r\n"] {
            assert_eq!(hears(said, &stopping, FIRST.saturating_sub(MOMENT)).await, None, "{said:?}");
            assert_eq!(hears(said, &stopping, FIRST + MOMENT).await.as_deref(), Some(""), "{said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_is_kept_for_the_next_request_and_not_for_ever() {
        let stopping = CancellationToken::new();
        let whole = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        assert_eq!(hears(whole, &stopping, NEXT.saturating_sub(MOMENT)).await, None);
        let heard = hears(whole, &stopping, NEXT + MOMENT).await.unwrap();
        assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with("well"), "{heard}");
        let heard = hears(&whole.repeat(2), &stopping, NEXT + MOMENT).await.unwrap();
        assert_eq!(heard.matches("well").count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_process_stops_the_lines_end() {
        let stopping = CancellationToken::new();
        stopping.cancel();
        assert!(hears("", &stopping, MOMENT).await.is_some());
    }

    #[test]
    fn one_network_leaves_room_for_the_others() {
        let crowd = Crowd::default();
        let mut open: Vec<_> = (0..NEAR).map(|_| crowd.enter("a").unwrap()).collect();
        assert!(crowd.enter("a").is_none() && crowd.enter("b").is_some());
        open.pop();
        assert!(crowd.enter("a").is_some());
        drop(open);
        assert!(crowd.0.lock().unwrap().is_empty());
    }
}
