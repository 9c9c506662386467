//! The kit to play a platform on loopback: for the contract suite, for judging by third-party clients, for the playground.
//!
//! Owns: serving a platform's router on a free port, the log of what was asked, the fault plane in front of the router, and what a
//! platform remembers of an earlier run (`memory`).
//! Promises: a fault hits exactly the calls it was scripted for; what is logged is what came over the wire; `Running`
//! stops everything when it is dropped, open streams included.
//! Must not: know a platform, or be reachable when nobody asked for it.

pub mod memory;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::clock::Clock;

/// Largest request a fake takes, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// How a channel's fake is started: where to listen (port 0 for any free one) and whose time it is there.
#[derive(Clone, Copy)]
pub enum Fake {
    /// It knows nothing of an earlier run.
    Forgets(fn(SocketAddr, Clock) -> BoxFuture<'static, io::Result<Running>>),
    /// It goes on from what the file holds, when one is named.
    Keeps(fn(SocketAddr, Clock, Option<PathBuf>) -> BoxFuture<'static, io::Result<Running>>),
}

/// Starts the fake of the channel with this key.
///
/// # Errors
/// `NotFound` when there is no such channel or it has no fake; else what binding the address says.
pub async fn serve_named(name: &str, listen: SocketAddr, clock: Clock) -> io::Result<Running> {
    serve_kept(name, listen, clock, None).await
}

/// The same, on what `keep` holds of an earlier run.
///
/// # Errors
/// Besides, `Unsupported` when it can keep nothing, and what reading the file says.
pub async fn serve_kept(name: &str, listen: SocketAddr, clock: Clock, keep: Option<PathBuf>) -> io::Result<Running> {
    match (super::registry::find(name).and_then(|channel| channel.fake), keep) {
        (Some(Fake::Keeps(serve)), keep) => serve(listen, clock, keep).await,
        (Some(Fake::Forgets(serve)), None) => serve(listen, clock).await,
        (Some(Fake::Forgets(_)), Some(_)) => {
            let why = format!("the fake of \"{name}\" keeps nothing: start it without a file");
            Err(io::Error::new(io::ErrorKind::Unsupported, why))
        }
        (None, _) => {
            Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no fake of a channel named \"{name}\"")))
        }
    }
}

/// A platform that is being played. Dropping it ends it.
pub struct Running {
    /// The base address, without a trailing slash.
    pub url: String,
    pub address: SocketAddr,
    /// What a client needs to sign in, as the platform's key → value: `{brand: {token}, customer: {token}, …}`.
    pub accounts: Value,
    pub wire: Wire,
    stop: CancellationToken,
    /// Other ports of the same platform.
    more: Vec<Running>,
}

impl Running {
    /// Keeps another port of the same platform open for as long as this one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.more.push(other);
        self
    }
}

impl Running {
    /// Runs this beside the platform until either ends: calling webhooks, for one.
    #[expect(clippy::disallowed_methods, reason = "a fake lives outside the product's lifecycle; its guard ends it")]
    pub fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopped = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = work => {}
            }
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        self.wire.cut_all();
    }
}

/// Serves `router` behind the fault plane.
///
/// # Errors
/// What binding the address says.
#[expect(clippy::disallowed_methods, reason = "a fake lives outside the product's lifecycle; its guard ends it")]
pub async fn serve(listen: SocketAddr, router: Router, wire: Wire, accounts: Value) -> io::Result<Running> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}");
    let stop = CancellationToken::new();
    let app = router
        .layer(axum::middleware::from_fn_with_state(wire.clone(), plane))
        .into_make_service_with_connect_info::<Line>();
    let lines = Lines { listener, wire: wire.clone() };
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stopped.cancelled() => {}
            _ = axum::serve(lines, app) => {}
        }
    });
    Ok(Running { url, address, accounts, wire, stop, more: Vec::new() })
}

/// Serves a protocol that is not HTTP: `session` gets every connection, which ends when [`Wire::cut_all`] says so. The other
/// faults of the plane are HTTP's; such a platform scripts its own.
///
/// # Errors
/// What binding the address says.
#[expect(clippy::disallowed_methods, reason = "a fake lives outside the product's lifecycle; its guard ends it")]
pub async fn serve_lines(
    listen: SocketAddr,
    scheme: &str,
    wire: Wire,
    accounts: Value,
    session: impl Fn(Cuttable) -> BoxFuture<'static, ()> + Send + Sync + 'static,
) -> io::Result<Running> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let (stopped, mut lines) = (stop.clone(), Lines { listener, wire: wire.clone() });
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stopped.cancelled() => return,
                (stream, _) = axum::serve::Listener::accept(&mut lines) => {
                    let (session, stopped) = (session(stream), stopped.clone());
                    tokio::spawn(async move {
                        tokio::select! {
                            () = stopped.cancelled() => {}
                            () = session => {}
                        }
                    });
                }
            }
        }
    });
    Ok(Running { url: format!("{scheme}://{address}"), address, accounts, wire, stop, more: Vec::new() })
}

/// One call as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What goes wrong.
#[derive(Clone)]
pub enum Fault {
    /// Answers this instead; the platform never sees the call.
    Answer { status: u16, headers: Vec<(String, String)>, body: String },
    /// The connection ends before the platform saw the call.
    Cut,
    /// The platform did it, then the connection ends without an answer.
    CutAfter,
    /// The platform did it, and half of its answer arrives.
    Half,
    /// The answer comes this much later.
    Late(Duration),
    /// No answer ever comes.
    Hang,
    /// The platform's answer is changed on the way.
    Rewrite(Arc<dyn Fn(Bytes) -> Bytes + Send + Sync>),
}

impl Fault {
    /// A bare status with an empty JSON object.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Answer {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: "{}".to_owned(),
        }
    }

    /// A status with headers.
    #[must_use]
    pub fn with_headers(status: u16, headers: &[(&str, &str)]) -> Self {
        Self::Answer {
            status,
            headers: headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            body: "{}".to_owned(),
        }
    }

    /// The HTML page a proxy in front of the platform shows.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::Answer {
            status,
            headers: vec![("content-type".to_owned(), "text/html".to_owned())],
            body: "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>".to_owned(),
        }
    }

    /// A 200 whose JSON breaks off.
    #[must_use]
    pub fn malformed() -> Self {
        Self::Answer {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: "[{\"id\": \"1\", ".to_owned(),
        }
    }

    /// Changes the platform's JSON answer on the way; answers that are not JSON pass.
    pub fn json(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::Rewrite(Arc::new(move |body| match serde_json::from_slice::<Value>(&body) {
            Ok(mut value) => {
                change(&mut value);
                Bytes::from(value.to_string())
            }
            Err(_) => body,
        }))
    }
}

/// When a fault strikes.
#[derive(Clone)]
pub struct Rule {
    method: Option<Method>,
    path: String,
    skip: u32,
    times: u32,
    fault: Fault,
}

impl Rule {
    /// Strikes the next call whose path matches; `*` in `path` stands for any run of characters.
    #[must_use]
    pub fn new(path: impl Into<String>, fault: Fault) -> Self {
        Self { method: None, path: path.into(), skip: 0, times: 1, fault }
    }
    /// Only calls with this method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }
    /// Strikes this many calls, then never again.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
    /// Strikes every call until `Wire::heal`.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }
    /// Lets this many calls pass first.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

/// The line between the platform and its clients: everything asked is logged, faults are scripted here.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<WireState>>);

#[derive(Default)]
struct WireState {
    calls: Vec<Call>,
    rules: Vec<Rule>,
    /// Ends every connection accepted since it was put here.
    open: CancellationToken,
}

impl Wire {
    /// How many calls the log keeps; the playground runs for days.
    const KEEP: usize = 5_000;

    fn state(&self) -> MutexGuard<'_, WireState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scripts a fault. The first rule that matches a call strikes it.
    pub fn inject(&self, rule: Rule) {
        self.state().rules.push(rule);
    }

    /// Takes back every fault.
    pub fn heal(&self) {
        self.state().rules.clear();
    }

    /// Every call so far (the last few thousand), faulty ones included.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls whose path matches.
    #[must_use]
    pub fn calls_to(&self, method: &Method, path: &str) -> Vec<Call> {
        self.state().calls.iter().filter(|call| call.method == *method && matches(path, &call.path)).cloned().collect()
    }

    /// Forgets the log.
    pub fn forget(&self) {
        self.state().calls.clear();
    }

    /// Cuts every open connection, streams included; new ones are taken.
    pub fn cut_all(&self) {
        std::mem::take(&mut self.state().open).cancel();
    }

    fn line(&self) -> CancellationToken {
        self.state().open.child_token()
    }

    fn log(&self, call: Call) -> Option<Fault> {
        let mut state = self.state();
        let mut struck = None;
        for (at, rule) in state.rules.iter_mut().enumerate() {
            if rule.method.as_ref().is_none_or(|method| *method == call.method) && matches(&rule.path, &call.path) {
                if rule.skip > 0 {
                    rule.skip -= 1;
                    continue;
                }
                if rule.times != u32::MAX {
                    rule.times = rule.times.saturating_sub(1);
                }
                struck = Some((at, rule.fault.clone(), rule.times == 0));
                break;
            }
        }
        if let Some((at, _, true)) = struck {
            state.rules.remove(at);
        }
        if state.calls.len() >= Self::KEEP {
            state.calls.drain(..Self::KEEP / 2);
        }
        state.calls.push(call);
        struck.map(|(_, fault, _)| fault)
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    last.is_some_and(|part| part.is_empty() || path.ends_with(part)) || rest.is_empty()
}

async fn plane(State(wire): State<Wire>, request: Request, next: Next) -> Response {
    let line = request.extensions().get::<ConnectInfo<Line>>().map(|info| info.0.0.clone());
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let fault = wire.log(Call {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
        body: body.clone(),
    });
    let cut = || {
        if let Some(line) = &line {
            line.cancel();
        }
        StatusCode::OK.into_response()
    };
    let request = Request::from_parts(parts, Body::from(body));
    match fault {
        None => next.run(request).await,
        Some(Fault::Answer { status, headers, body }) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) =
                    (name.parse::<axum::http::HeaderName>(), value.parse::<axum::http::HeaderValue>())
                {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Some(Fault::Cut) => cut(),
        Some(Fault::CutAfter) => {
            drop(next.run(request).await);
            cut()
        }
        Some(Fault::Half) => half(next.run(request).await).await,
        Some(Fault::Late(by)) => {
            tokio::time::sleep(by).await;
            next.run(request).await
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Rewrite(change)) => {
            let (mut parts, body) = next.run(request).await.into_parts();
            let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
            parts.headers.remove(axum::http::header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(change(body)))
        }
    }
}

async fn half(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
    parts.headers.insert(axum::http::header::CONTENT_LENGTH, body.len().into());
    let head = body.slice(..body.len() / 2);
    let chunks = futures_util::stream::iter([Ok(head), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    Response::from_parts(parts, Body::from_stream(chunks))
}

/// Accepts connections that can be cut.
struct Lines {
    listener: TcpListener,
    wire: Wire,
}

impl axum::serve::Listener for Lines {
    type Io = Cuttable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    // Small frames of a stream must not wait for more.
                    let _ = stream.set_nodelay(true);
                    let token = self.wire.line();
                    return (Cuttable { stream, cut: Box::pin(token.clone().cancelled_owned()), token }, from);
                }
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// Names the connection a call came over.
#[derive(Clone)]
struct Line(CancellationToken);

impl Connected<IncomingStream<'_, Lines>> for Line {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        Self(stream.io().token.clone())
    }
}

/// A connection that can be cut from outside.
pub struct Cuttable {
    stream: TcpStream,
    token: CancellationToken,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Cuttable {
    fn whole(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.whole(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.whole(context)?;
        Pin::new(&mut self.stream).poll_write(context, data)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fake, Fault, Rule, Wire, matches, serve, serve_kept};
    use crate::channels::Client;
    use crate::channels::client::Failure;
    use axum::{Router, routing::get};
    use reqwest::Method;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, path, hit) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/bc", false),
            ("/a/*", "/a/b/c", true),
            ("*", "/", true),
            ("/a/*/c", "/a/b/c", true),
            ("/a/*/c", "/a/b/d", false),
            ("/a/*/c", "/a/c/x/c", true),
        ] {
            assert_eq!(matches(pattern, path), hit, "{pattern} {path}");
        }
    }

    #[tokio::test]
    async fn who_keeps_nothing_takes_no_file() {
        let forgetful =
            crate::channels::registry::all().iter().filter(|one| matches!(one.fake, Some(Fake::Forgets(_))));
        for channel in forgetful {
            let (address, clock) = ("127.0.0.1:0".parse().unwrap(), crate::clock::Clock::system());
            let refused = serve_kept(channel.key, address, clock, Some("world.json".into())).await.err().unwrap();
            assert_eq!(refused.kind(), std::io::ErrorKind::Unsupported, "{}", channel.key);
        }
    }

    #[tokio::test]
    async fn every_fault_strikes_as_often_as_it_was_scripted() {
        let router = Router::new()
            .route("/x", get(|| async { axum::Json(serde_json::json!({"hoi": "daar, dit is een antwoord"})) }));
        let running =
            serve("127.0.0.1:0".parse().unwrap(), router, Wire::default(), serde_json::Value::Null).await.unwrap();
        let client = Client::new(true).unwrap();
        let url = format!("{}/x?q=1", running.url).parse().unwrap();
        let ask = || async { client.send(client.request(Method::GET, &url).unwrap()).await };

        running.wire.inject(Rule::new("/x", Fault::with_headers(429, &[("retry-after", "3")])).skip(1));
        assert_eq!(ask().await.unwrap().status, 200);
        let limited = ask().await.unwrap();
        assert_eq!((limited.status.as_u16(), limited.header("retry-after")), (429, Some("3")));
        for fault in [Fault::Cut, Fault::CutAfter, Fault::Half] {
            running.wire.inject(Rule::new("/*", fault));
            assert!(matches!(ask().await, Err(Failure::Lost(_))));
        }
        running.wire.inject(Rule::new("/x", Fault::json(|value| value["hoi"] = 1.into())));
        assert_eq!(ask().await.unwrap().body, "{\"hoi\":1}");
        assert_eq!(ask().await.unwrap().status, 200);
        assert_eq!(running.wire.calls_to(&Method::GET, "/x").len(), 7);
        assert_eq!(running.wire.calls()[0].query, "q=1");

        tokio::time::pause();
        running.wire.inject(Rule::new("/x", Fault::Hang));
        assert!(matches!(ask().await, Err(Failure::Lost(why)) if why.contains("in time")));
    }
}
