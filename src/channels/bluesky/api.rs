//! The calls that are made, with credentials: one function per method of the network.
//!
//! Promises: an expired token is renewed once and the call repeated once; whoever calls gets a `Fault` that still tells a lost
//! answer from a refusal; the headroom of the last answer is remembered.
//! Must not: interpret posts; `convert.rs` and `thread.rs` do.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::session::{Login, Session};
use super::wire::{Convo, Node, PostView};
use super::xrpc::{self, Body, Fault};
use crate::channels::{ChannelError, Context, Quota};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How many posts one `getPosts` takes.
pub const POSTS_MAX: usize = 25;

/// The account's calls.
pub struct Api {
    pub context: Context,
    session: Session,
    /// Which chat service the account's server passes `chat.bsky.*` on to.
    chat_proxy: String,
    quota: Mutex<Option<Quota>>,
}

impl Api {
    #[must_use]
    pub fn new(context: Context, session: Session, chat_proxy: String) -> Self {
        Self { context, session, chat_proxy, quota: Mutex::new(None) }
    }

    /// Whether direct messages are wanted at all.
    #[must_use]
    pub fn has_chat(&self) -> bool {
        !self.chat_proxy.is_empty()
    }

    /// Who we are.
    ///
    /// # Errors
    /// As `Session::login`.
    pub async fn login(&self) -> Result<Login, ChannelError> {
        self.session.login().await
    }

    /// The headroom that the last answer told.
    #[must_use]
    pub fn quota(&self) -> Option<Quota> {
        *self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T: DeserializeOwned>(&self, nsid: &str, query: &[(&str, &str)], body: Body) -> Result<T, Fault> {
        let login = self.session.login().await?;
        match self.once(&login, nsid, query, &body).await {
            Err(Fault::Refused(refusal)) if refusal.is_stale_session() => {
                let login = self.session.renew(&login.access).await?;
                self.once(&login, nsid, query, &body).await
            }
            done => done,
        }
    }

    async fn once<T: DeserializeOwned>(
        &self,
        login: &Login,
        nsid: &str,
        query: &[(&str, &str)],
        body: &Body,
    ) -> Result<T, Fault> {
        let url = xrpc::address(&login.pds, nsid, query)?;
        let mut request = xrpc::request(&self.context.client, &url, body)?.bearer_auth(&login.access);
        if nsid.starts_with("chat.bsky.") {
            request = request.header("atproto-proxy", &self.chat_proxy);
        }
        let (result, quota) = xrpc::send_for(&self.context.client, &self.context.clock, request).await;
        if quota.is_some() {
            *self.quota.lock().unwrap_or_else(PoisonError::into_inner) = quota;
        }
        result
    }

    /// A query.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn get(&self, nsid: &str, query: &[(&str, &str)]) -> Result<Value, Fault> {
        self.call(nsid, query, Body::None).await
    }

    /// A query whose answer has this shape.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn get_as<T: DeserializeOwned>(&self, nsid: &str, query: &[(&str, &str)]) -> Result<T, Fault> {
        self.call(nsid, query, Body::None).await
    }

    /// A procedure.
    ///
    /// # Errors
    /// `Fault`; look at `Lost` when a repetition would do harm.
    pub async fn post(&self, nsid: &str, input: Value) -> Result<Value, Fault> {
        self.call(nsid, &[], Body::Json(input)).await
    }

    /// Posts as they are now; those that cannot be seen are absent.
    ///
    /// # Errors
    /// `Fault`. At most `POSTS_MAX` addresses.
    pub async fn posts(&self, uris: &[&str]) -> Result<Vec<PostView>, Fault> {
        let query: Vec<(&str, &str)> = uris.iter().map(|&uri| ("uris", uri)).collect();
        let answer = self.get("app.bsky.feed.getPosts", &query).await?;
        let posts = answer["posts"].as_array().ok_or_else(|| Fault::Lost("the answer has no posts".to_owned()))?;
        Ok(posts.iter().filter_map(|post| PostView::deserialize(post).ok()).collect())
    }

    /// A post with what is above and below it; `NotFound` as a node when it is gone.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn thread(&self, uri: &str, depth: u32, above: u32) -> Result<Node, Fault> {
        let (depth, above) = (depth.to_string(), above.to_string());
        match self
            .get("app.bsky.feed.getPostThread", &[("uri", uri), ("depth", &depth), ("parentHeight", &above)])
            .await
        {
            Ok(answer) => {
                Node::read(&answer["thread"]).ok_or_else(|| Fault::Lost("the thread cannot be read".to_owned()))
            }
            Err(fault) if fault.is("NotFound") => Ok(Node::NotFound { uri: uri.to_owned() }),
            Err(fault) => Err(fault),
        }
    }

    /// A record of anybody, or `None` when it is certainly not there.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn record(&self, did: &str, collection: &str, rkey: &str) -> Result<Option<Value>, Fault> {
        match self.get("com.atproto.repo.getRecord", &[("repo", did), ("collection", collection), ("rkey", rkey)]).await
        {
            Ok(answer) => Ok(Some(answer)),
            Err(Fault::Refused(refusal)) if refusal.is_gone() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Writes a record of ours under a key; the same again changes nothing.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn put(&self, collection: &str, rkey: &str, record: &Value) -> Result<Value, Fault> {
        let did = self.login().await?.did;
        self.post(
            "com.atproto.repo.putRecord",
            json!({"repo": did, "collection": collection, "rkey": rkey, "record": record}),
        )
        .await
    }

    /// Deletes a record of ours; one that is gone is fine.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn delete(&self, collection: &str, rkey: &str) -> Result<(), Fault> {
        let did = self.login().await?.did;
        self.post("com.atproto.repo.deleteRecord", json!({"repo": did, "collection": collection, "rkey": rkey}))
            .await
            .map(drop)
    }

    /// Stores a file and gives the reference to put into a record.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn upload(&self, mime: &str, bytes: bytes::Bytes) -> Result<Value, Fault> {
        let mut answer: Value =
            self.call("com.atproto.repo.uploadBlob", &[], Body::Blob { mime: mime.to_owned(), bytes }).await?;
        match answer["blob"].take() {
            blob @ Value::Object(_) => Ok(blob),
            _ => Err(Fault::Lost("the answer has no blob".to_owned())),
        }
    }

    /// The identity behind a handle, or `None` when nobody has it.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn resolve(&self, handle: &str) -> Result<Option<String>, Fault> {
        match self.get("com.atproto.identity.resolveHandle", &[("handle", handle)]).await {
            Ok(answer) => Ok(answer["did"].as_str().map(ToOwned::to_owned)),
            Err(Fault::Refused(refusal)) if refusal.status == 400 => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// A conversation by its id.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn convo(&self, id: &str) -> Result<Convo, Fault> {
        read_convo(&self.get("chat.bsky.convo.getConvo", &[("convoId", id)]).await?)
    }

    /// The conversation with one other person, made when there is none.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn convo_with(&self, did: &str) -> Result<Convo, Fault> {
        read_convo(&self.get("chat.bsky.convo.getConvoForMembers", &[("members", did)]).await?)
    }
}

fn read_convo(answer: &Value) -> Result<Convo, Fault> {
    Convo::deserialize(&answer["convo"]).map_err(|_| Fault::Lost("the conversation cannot be read".to_owned()))
}
