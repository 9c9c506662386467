//! Whether posts that the desk has open are still there.
//!
//! Promises: absent from the index is not removed: it may be too new for it, or its author may have blocked us. A post is reported
//! as removed only when its keeper says that the record is gone.
//! Posts are never edited: clients write a new one. Direct messages tell their deletion in the log.

use std::collections::HashSet;
use std::time::Duration;

use super::api::{Api, POSTS_MAX};
use super::wire::AtUri;
use super::xrpc::Fault;
use super::{convert, tid};
use crate::channels::{Batch, ChannelError, Item, Known};

/// The index may not have a post younger than this.
const GRACE: Duration = Duration::from_secs(120);

/// Looks at these messages; what is not a post is passed over.
///
/// # Errors
/// The classes of any call.
pub async fn recheck(api: &Api, known: &[Known]) -> Result<Batch, ChannelError> {
    let now = api.context.clock.now();
    let posts: Vec<(&str, AtUri<'_>)> = known
        .iter()
        .filter_map(|known| Some((known.external_id.as_str(), AtUri::parse(convert::address(&known.external_id))?)))
        .collect();
    let uris: Vec<&str> =
        posts.iter().map(|(id, _)| convert::address(id)).collect::<HashSet<_>>().into_iter().collect();
    let mut present = HashSet::new();
    for chunk in uris.chunks(POSTS_MAX) {
        present.extend(api.posts(chunk).await?.into_iter().map(|post| post.uri));
    }
    let mut batch = Batch::default();
    for (id, at) in posts {
        if present.contains(convert::address(id)) {
            continue;
        }
        // Authors choose keys: a key that claims the future proves nothing, so it gets no grace.
        let young = tid::moment(at.rkey).is_some_and(|written| written <= now && now.since(written) < GRACE);
        if young && api.login().await?.did == at.did {
            continue;
        }
        match api.record(at.did, at.collection, at.rkey).await {
            Ok(None) => batch.items.push(Item::Removed { external_id: id.to_owned(), at: None }),
            Ok(Some(_)) => {}
            // One that cannot be asked about must not keep us from telling about the others.
            Err(Fault::Refused(refusal)) => {
                tracing::debug!(status = refusal.status, error = refusal.error, "cannot tell whether a post is there");
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    batch.quota = api.quota();
    Ok(batch)
}
