//! The thread around a post as the index shows it, and what to do when it does not: a thread may be too large for any answer, or
//! break the index for as long as it lasts.
//!
//! Promises: one thread that cannot be shown is a failure of a few pulls, then its post is taken without it.

use super::api::Api;
use super::wire::Node;
use super::xrpc::Fault;
use crate::channels::stumbles::Stumbles;
use crate::channels::{ChannelError, Class};

/// Levels above a post: more than the index gives.
pub const ABOVE: u32 = 80;

/// What became of asking.
pub enum Shown {
    Tree(Node),
    /// It is refused, or failed again and again.
    Never,
    /// To be asked again in the next pull, which is why this one fails in the end.
    NotNow(ChannelError),
}

/// A post with what is above it and so many levels below.
///
/// # Errors
/// What is not about this thread: no session, a rate limit, nobody there.
pub async fn thread(api: &Api, stumbles: &Stumbles, uri: &str, below: u32) -> Result<Shown, ChannelError> {
    let fault = match api.thread(uri, below, ABOVE).await {
        Ok(tree) => {
            stumbles.forget(uri);
            return Ok(Shown::Tree(tree));
        }
        Err(fault) => fault,
    };
    let answered = matches!(fault, Fault::Lost(_) | Fault::Refused(_));
    let error = ChannelError::from(fault);
    match error.class {
        _ if !answered => Err(error),
        Class::Rejected => Ok(Shown::Never),
        Class::Transient if stumbles.enough(uri) => Ok(Shown::Never),
        Class::Transient => Ok(Shown::NotNow(error)),
        _ => Err(error),
    }
}
