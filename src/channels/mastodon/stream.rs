//! The `user` stream: news as it happens, and the deletions that no list shows.
//!
//! Server-sent events; there is no resume and no id (documentation, "Streaming", 2026-07), so that everything that matters
//! is pulled as well. The server says `:thump` every 15 s; the client's 45 s of silence ends a dead connection.

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::convert::before;
use super::pull::Collected;
use super::wire::{Id, NotificationBody, NotificationHead, Status};
use super::{Mastodon, api};
use crate::channels::client::Answer;
use crate::channels::error::Class;
use crate::channels::{Batch, ChannelError, Item, Unreadable};

impl Mastodon {
    /// Listens until the connection ends or nobody wants to hear more.
    pub(super) async fn listen(&self, sink: &Sender<Batch>) -> Result<(), ChannelError> {
        self.me().await?;
        let url = self.streaming_url().await?;
        let request = self
            .api
            .context
            .client
            .stream(&url)?
            .bearer_auth(self.api.token().await?)
            .header("accept", "text/event-stream");
        // What reqwest says may hold the address; it says nothing an admin could use.
        let response = request.send().await.map_err(|_| ChannelError::transient("the stream cannot be opened"))?;
        if !response.status().is_success() {
            let (status, headers) = (response.status(), response.headers().clone());
            let answer = Answer { status, headers, body: bytes::Bytes::new() };
            let error = api::refusal(&answer, self.api.context.clock.now());
            // That a server has no stream is no reason to stop: pulling goes on, and it may come back.
            return Err(if error.class == Class::Rejected {
                ChannelError::transient(format!("the server refuses the stream ({status})"))
            } else {
                error
            });
        }
        if sink.send(Batch::default()).await.is_err() {
            return Ok(());
        }
        let mut events = response.bytes_stream().eventsource();
        while let Some(event) = events.next().await {
            let event = event.map_err(|_| ChannelError::transient("the stream broke off"))?;
            if let Some(batch) = self.heard(&event.event, &event.data).await?
                && sink.send(batch).await.is_err()
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The stream's address: the server may name another host, but not a less safe way there.
    async fn streaming_url(&self) -> Result<url::Url, ChannelError> {
        let mut url = self.api.base().clone();
        let instance = self.limits().await?;
        if let Some(named) = instance["configuration"]["urls"]["streaming"].as_str() {
            let named = named.replacen("wss://", "https://", 1).replacen("ws://", "http://", 1);
            if let Ok(named) = named.parse::<url::Url>()
                && named.has_host()
                && (named.scheme() == "https" || named.scheme() == url.scheme())
            {
                url = named;
            }
        }
        url.set_path("/api/v1/streaming/user");
        url.set_query(None);
        Ok(url)
    }

    async fn heard(&self, event: &str, data: &str) -> Result<Option<Batch>, ChannelError> {
        let me = self.me().await?;
        let unreadable = |error: serde_json::Error| Batch {
            unreadable: vec![Unreadable { payload: data.to_owned(), error: format!("stream, {event}: {error}") }],
            ..Batch::default()
        };
        let (status, quoted) = match event {
            "delete" => {
                let Some(id) = Id::new(data.trim()) else { return Ok(None) };
                let items = vec![Item::Removed { external_id: id.0, at: Some(self.api.context.clock.now()) }];
                return Ok(Some(Batch { items, ..Batch::default() }));
            }
            "notification" => {
                let head: NotificationHead = match serde_json::from_str(data) {
                    Ok(head) => head,
                    Err(error) => return Ok(Some(unreadable(error))),
                };
                if !matches!(head.kind.as_str(), "mention" | "quote") {
                    return Ok(None);
                }
                match serde_json::from_str::<NotificationBody>(data) {
                    Ok(NotificationBody { status: Some(status) }) => (status, head.kind == "quote"),
                    Ok(_) => return Ok(None),
                    Err(error) => return Ok(Some(unreadable(error))),
                }
            }
            // New posts of the people the account follows are not our business, its own are.
            "update" | "status.update" => match serde_json::from_str::<Status>(data) {
                Ok(status) if me.wrote(&status) || (event == "status.update" && me.is_named_in(&status)) => {
                    (status, false)
                }
                _ => return Ok(None),
            },
            // The brand's own private messages are in no other event.
            "conversation" => {
                let last = serde_json::from_str::<Value>(data).ok().map(|mut talk| talk["last_status"].take());
                match last.and_then(|last| serde_json::from_value::<Status>(last).ok()) {
                    Some(status) if me.wrote(&status) => (status, false),
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        if status.reblog.is_some() {
            return Ok(None);
        }
        let since = self.since();
        let chain = self.chains.of(&self.api, status).await?;
        let mut collected = Collected::default();
        // What somebody is notified of now is news, however long it was on its way; what comes along has its own age.
        let news = (event == "notification").then(|| chain.last().map(|status| status.id.clone())).flatten();
        let old = before(since);
        collected.add(me.messages(&chain, quoted, |status| Some(&status.id) != news.as_ref() && old(status)));
        let items = collected.finish();
        Ok((!items.is_empty()).then(|| Batch { items, ..Batch::default() }))
    }
}
