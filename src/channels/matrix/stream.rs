//! The bell: waits at the homeserver until something happens, then rings for the sync to be read.
//!
//! What happened is not told from here: only the pull's place in the stream is kept with what it brought, and two readers of one
//! stream would have to agree on it. So this one asks for next to nothing.
//! Source: client-server API v1.19, `/sync` with `timeout` (long polling), tried on Synapse 1.163, 2026-11.

use reqwest::Method;
use serde_json::json;
use tokio::sync::mpsc::Sender;

use super::Matrix;
use super::api::{self, Call};
use super::wire::{self, TYPES};
use crate::channels::{Batch, ChannelError, Class};

/// How long the homeserver may wait, in ms; the client gives up on silence after 45 s.
const WAIT: &str = "25000";

impl Matrix {
    /// Listens until the connection ends or nobody wants to hear more.
    pub(super) async fn listen(&self, sink: &Sender<Batch>) -> Result<(), ChannelError> {
        let nothing =
            json!({"presence": {"types": []}, "account_data": {"types": []}, "room": {"rooms": []}}).to_string();
        let mut place = self.wait(&nothing, None).await?.next_batch;
        if sink.send(Batch::default()).await.is_err() {
            return Ok(());
        }
        let bell = json!({
            "presence": {"types": []},
            "account_data": {"types": ["m.direct"]},
            "room": {
                "timeline": {"limit": 1, "types": TYPES},
                "state": {"types": [], "lazy_load_members": true},
                "ephemeral": {"types": ["m.receipt"]},
                "account_data": {"types": []},
            },
        })
        .to_string();
        loop {
            let told = tokio::select! {
                () = sink.closed() => return Ok(()),
                told = self.wait(&bell, Some(&place)) => told?,
            };
            let rooms = &told.rooms;
            let quiet = rooms.join.is_empty() && rooms.invite.is_empty() && rooms.leave.is_empty();
            let rings = !quiet || !told.account_data.events.is_empty();
            place = told.next_batch;
            if rings && sink.send(Batch::default()).await.is_err() {
                return Ok(());
            }
        }
    }

    async fn wait(&self, filter: &str, place: Option<&str>) -> Result<wire::Sync, ChannelError> {
        let timeout = if place.is_some() { WAIT } else { "0" };
        let mut query = vec![("filter", filter), ("timeout", timeout), ("set_presence", "offline")];
        query.extend(place.map(|place| ("since", place)));
        let call = Call { query: &query, long: true, ..Call::new(Method::GET, &["client", "v3", "sync"]) };
        let answer = self.api.call(&call).await.map_err(|fault| self.say(fault));
        // That it cannot wait is no reason to stop for good: the pull goes on asking.
        let answer = answer.map_err(|error| match error.class {
            Class::Rejected => ChannelError::transient(error.cause.en),
            _ => error,
        })?;
        serde_json::from_str(&api::text(&answer)).map_err(|_| api::not_json())
    }
}
