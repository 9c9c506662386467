//! Numbers for Prometheus at `/metrics`.
//!
//! Promises: no label holds anything about a person or a conversation, and every label has few values.
//! Must not: be asked by the desk; what the desk wants counted is in the database.

use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus::{Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use super::Web;

/// The process's counters.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    pub sockets: IntGauge,
    panics: IntGauge,
    newest_event: IntGauge,
}

impl Metrics {
    /// # Errors
    /// Two counters of one name: a mistake in this file.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("balie_http_requests_total", "Requests, by route and status."),
            &["method", "route", "status"],
        )?;
        let buckets = vec![0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
        let seconds = HistogramVec::new(
            HistogramOpts::new("balie_http_request_seconds", "Time to answer, by route.").buckets(buckets),
            &["method", "route"],
        )?;
        let sockets = IntGauge::new("balie_sockets", "Open live sockets.")?;
        let panics = IntGauge::new("balie_panics", "Panics since the start; each is in the log.")?;
        let newest_event = IntGauge::new("balie_newest_event", "Number of the newest event this process knows.")?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(sockets.clone()))?;
        registry.register(Box::new(panics.clone()))?;
        registry.register(Box::new(newest_event.clone()))?;
        Ok(Self { registry, requests, seconds, sockets, panics, newest_event })
    }

    /// Counts one answer. `route` is the pattern, not the path.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }
}

/// `GET /metrics`
pub async fn serve(State(web): State<Web>) -> impl IntoResponse {
    web.metrics.panics.set(i64::try_from(web.life.panics()).unwrap_or(i64::MAX));
    web.metrics.newest_event.set(*web.store.watch_events().borrow());
    let mut text = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&web.metrics.registry.gather(), &mut text) {
        tracing::error!(%error, "the metrics could not be written");
    }
    ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}
