//! Connecting an account in the browser: sent to the platform, and back with a code.
//!
//! Promises: only the admin who began can finish, once, within a quarter of an hour; what the channel wants back travels
//! through our database sealed, never through the browser.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::accounts::{Account, merge, sort_fields};
use super::connections::descriptor;
use super::{Act, Desk, DeskError, Viewer};
use crate::channels::descriptor::OAuth;
use crate::channels::{Descriptor, MemorySecrets};

const WITHIN: Duration = Duration::from_secs(15 * 60);

impl Desk {
    /// Begins; returns where to send the browser.
    ///
    /// # Errors
    /// `Refused` when the channel cannot be connected this way or a field is wrong; `Channel` when the platform says no.
    pub async fn start_connecting(
        &self,
        viewer: &Viewer,
        channel: &str,
        settings: &Value,
        redirect_uri: &str,
    ) -> Result<url::Url, DeskError> {
        viewer.must(Act::Administer)?;
        let descriptor = descriptor(channel)?;
        let oauth = oauth(descriptor)?;
        let (given, secret) = sort_fields(descriptor, settings, false)?;
        let mut open = json!({});
        merge(&mut open, given);
        // An application's secret may be needed to begin; what of it the end needs, the channel puts into what it keeps.
        let context = self.connections.context(open.clone(), Arc::new(MemorySecrets::new(secret)));
        let state = crate::secret::token();
        let start = oauth.start(&context, redirect_uri, &state).await?;
        let keep = self.connections.seal_text(&place(&state), &start.keep.to_string());
        let mut tx = self.begin(viewer).await?;
        let until = tx.now().plus(WITHIN);
        tx.start_connecting(&crate::secret::fingerprint(&state), channel, viewer.user_id, &open, &keep, until).await?;
        tx.commit().await?;
        Ok(start.authorize_url)
    }

    /// Finishes with what the browser came back with, and connects the account.
    ///
    /// # Errors
    /// `Refused` with `connect.unknown` when nobody began this, or somebody else, or too long ago; as `add_account` otherwise.
    pub async fn finish_connecting(
        &self,
        viewer: &Viewer,
        query: &[(String, String)],
        redirect_uri: &str,
    ) -> Result<Account, DeskError> {
        viewer.must(Act::Administer)?;
        let unknown = || {
            DeskError::refused("connect.unknown", "this connection was not begun here, or too long ago: begin again")
        };
        let state =
            query.iter().find(|(key, _)| key == "state").map(|(_, value)| value.as_str()).ok_or_else(unknown)?;
        let mut tx = self.begin(viewer).await?;
        let taken = tx.take_connecting(&crate::secret::fingerprint(state)).await?;
        tx.commit().await?;
        let (channel, user, settings, keep) = taken.ok_or_else(unknown)?;
        if user != viewer.user_id {
            return Err(unknown());
        }
        let keep = self.connections.open_text(&place(state), &keep).ok_or_else(unknown)?;
        let keep: Value = serde_json::from_str(&keep).map_err(|_| unknown())?;
        let descriptor = descriptor(&channel)?;
        let context = self.connections.context(settings.clone(), Arc::new(MemorySecrets::new(json!({}))));
        let secrets = oauth(descriptor)?.finish(&context, redirect_uri, query, &keep).await?;
        self.add_connected(viewer, descriptor, settings, secrets, None, &[]).await
    }
}

fn oauth(descriptor: &'static Descriptor) -> Result<&'static dyn OAuth, DeskError> {
    descriptor
        .oauth
        .ok_or_else(|| DeskError::refused("connect.not_possible", "this channel is connected by filling in its fields"))
}

fn place(state: &str) -> String {
    format!("connecting/{}", crate::secret::fingerprint(state))
}
