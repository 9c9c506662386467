//! Likes, reposts, deletions, mutes, blocks and reports.
//!
//! Promises: doing it twice has the effect of once: records about a subject have a key that follows from the subject, and what
//! another client did before is found by what the network shows of us.
//! Must not: touch a record of somebody else.

use serde_json::{Value, json};

use super::api::Api;
use super::wire::{AtUri, PostView, Profile};
use super::xrpc::Fault;
use super::{convert, reply, tid};
use crate::channels::{Action, ChannelError};
use crate::model::Lane;
use serde::Deserialize;

const LIKES: &str = "app.bsky.feed.like";
const REPOSTS: &str = "app.bsky.feed.repost";
const BLOCKS: &str = "app.bsky.graph.block";

/// What may be offered. A direct message cannot be taken back: deleting it hides it from us only.
#[must_use]
pub fn actions(own: bool, lane: Lane) -> Vec<Action> {
    match (own, lane) {
        (true, Lane::Public) => vec![Action::Boost, Action::Unboost, Action::Delete],
        (true, Lane::Private) => Vec::new(),
        (false, Lane::Public) => vec![
            Action::Like,
            Action::Unlike,
            Action::Boost,
            Action::Unboost,
            Action::Mute,
            Action::Block,
            Action::Report,
        ],
        (false, Lane::Private) => vec![Action::Mute, Action::Block, Action::Report],
    }
}

/// Does it.
///
/// # Errors
/// `Rejected` when it is not for us to do; the classes of any call.
pub async fn act(
    api: &Api,
    action: Action,
    external_id: &str,
    author: &str,
    reason: Option<&str>,
) -> Result<(), ChannelError> {
    let uri = convert::address(external_id);
    match action {
        Action::Like => mark(api, LIKES, uri, |post| post.viewer.like.clone()).await,
        Action::Unlike => unmark(api, LIKES, uri, |post| post.viewer.like.clone()).await,
        Action::Boost => mark(api, REPOSTS, uri, |post| post.viewer.repost.clone()).await,
        Action::Unboost => unmark(api, REPOSTS, uri, |post| post.viewer.repost.clone()).await,
        Action::Delete => {
            let own = api.login().await?.did;
            match AtUri::parse(uri).filter(|at| at.did == own && at.collection == reply::POSTS) {
                Some(at) => Ok(api.delete(at.collection, at.rkey).await?),
                None => Err(ChannelError::rejected("bluesky.not_ours", "only posts of this account can be deleted.")),
            }
        }
        Action::Mute => Ok(api.post("app.bsky.graph.muteActor", json!({"actor": author})).await.map(drop)?),
        Action::Block => block(api, author).await,
        Action::Unblock => {
            Err(ChannelError::rejected("bluesky.no_such_action", "undo a block on the platform: it is not known here."))
        }
        Action::Report => report(api, uri, author, reason).await,
    }
}

async fn view(api: &Api, uri: &str) -> Result<Option<PostView>, ChannelError> {
    AtUri::parse(uri).ok_or_else(|| ChannelError::rejected("bluesky.no_post", "this is not a post."))?;
    Ok(api.posts(&[uri]).await?.into_iter().find(|post| post.uri == uri))
}

async fn mark(
    api: &Api,
    collection: &str,
    uri: &str,
    mine: impl Fn(&PostView) -> Option<String>,
) -> Result<(), ChannelError> {
    let Some(post) = view(api, uri).await? else {
        return Err(ChannelError::rejected("bluesky.gone", "the post is gone."));
    };
    if mine(&post).is_some() {
        return Ok(());
    }
    let record = json!({"$type": collection, "subject": {"uri": post.uri, "cid": post.cid}, "createdAt": api.context.clock.now().to_rfc3339()});
    Ok(api.put(collection, &tid::for_subject(collection, uri), &record).await.map(drop)?)
}

async fn unmark(
    api: &Api,
    collection: &str,
    uri: &str,
    mine: impl Fn(&PostView) -> Option<String>,
) -> Result<(), ChannelError> {
    let ours = tid::for_subject(collection, uri);
    // Made in another client it has another key; made by us a moment ago the index may not show it yet.
    if let Some(record) = view(api, uri).await?.as_ref().and_then(mine)
        && let Some(at) = AtUri::parse(&record).filter(|at| at.collection == collection && at.rkey != ours)
    {
        api.delete(collection, at.rkey).await?;
    }
    Ok(api.delete(collection, &ours).await?)
}

async fn block(api: &Api, author: &str) -> Result<(), ChannelError> {
    let answer = api.get("app.bsky.actor.getProfile", &[("actor", author)]).await?;
    if Profile::deserialize(&answer).is_ok_and(|profile| profile.viewer.blocking.is_some()) {
        return Ok(());
    }
    let record = json!({"$type": BLOCKS, "subject": author, "createdAt": api.context.clock.now().to_rfc3339()});
    Ok(api.put(BLOCKS, &tid::for_subject(BLOCKS, author), &record).await.map(drop)?)
}

async fn report(api: &Api, uri: &str, author: &str, reason: Option<&str>) -> Result<(), ChannelError> {
    let subject = match AtUri::parse(uri) {
        Some(_) => {
            let post =
                view(api, uri).await?.ok_or_else(|| ChannelError::rejected("bluesky.gone", "the post is gone."))?;
            json!({"$type": "com.atproto.repo.strongRef", "uri": post.uri, "cid": post.cid})
        }
        None => json!({"$type": "com.atproto.admin.defs#repoRef", "did": author}),
    };
    let mut input: Value = json!({"reasonType": "com.atproto.moderation.defs#reasonOther", "subject": subject});
    if let Some(reason) = reason.filter(|reason| !reason.trim().is_empty()) {
        input["reason"] = json!(reason.chars().take(2_000).collect::<String>());
    }
    match api.post("com.atproto.moderation.createReport", input).await {
        Ok(_) => Ok(()),
        // There is no looking up of reports.
        Err(Fault::Lost(why)) => Err(ChannelError::uncertain(why)),
        Err(fault) => Err(fault.into()),
    }
}
