//! Reading again, alone, a payload that could not be read on its page.

use super::Mastodon;
use super::pull::Collected;
use super::wire::{NotificationBody, Status};
use crate::channels::{Batch, ChannelError, Unreadable};

impl Mastodon {
    /// A notification carries its post; a post stands alone, whatever feed or stream it came by.
    ///
    /// # Errors
    /// The classes of any call: what the post answers is fetched along.
    pub(super) async fn read_again(&self, payload: &str) -> Result<Batch, ChannelError> {
        let carried = serde_json::from_str::<NotificationBody>(payload).ok().and_then(|body| body.status);
        let status = match carried.map_or_else(|| serde_json::from_str::<Status>(payload), Ok) {
            Ok(status) => status,
            Err(error) => {
                let unreadable = vec![Unreadable { payload: payload.to_owned(), error: error.to_string() }];
                return Ok(Batch { unreadable, ..Batch::default() });
            }
        };
        let chain = self.chains.of(&self.api, status).await?;
        let mut collected = Collected::default();
        collected.add(self.me().await?.messages(&chain, false, |_| false));
        Ok(Batch { items: collected.finish(), ..Batch::default() })
    }
}
