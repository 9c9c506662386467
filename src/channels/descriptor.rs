//! What a channel is, as data: enough to draw its connect screen and to connect it.

use std::sync::Arc;

use super::{Channel, ChannelError, Context};
use crate::model::Lane;
/// A sentence in both languages of the product.
pub use crate::model::message::Sentence as Words;

/// The static side of a channel.
pub struct Descriptor {
    /// Lower case, stored with every account; never renamed.
    pub key: &'static str,
    /// In English and Dutch.
    pub name: (&'static str, &'static str),
    /// An SVG glyph of our own, 24 × 24, `currentColor`.
    pub icon: &'static str,
    /// How an admin gets what the fields ask for; Markdown, in English and Dutch.
    pub setup: (&'static str, &'static str),
    pub fields: &'static [Field],
    /// Which of the secrets that the channel adds itself outlive a changed credential: what others were given by us, or know us by.
    /// They go when the credential turns out to be another account's.
    pub keeps: &'static [&'static str],
    pub lanes: &'static [Lane],
    /// Present when an account can be connected in the browser.
    pub oauth: Option<&'static dyn OAuth>,
    /// Makes a connected channel; checks the settings' shape, makes no call.
    pub connect: fn(Context) -> Result<Arc<dyn Channel>, ChannelError>,
    /// Plays the platform on loopback, for tests, judges and the playground.
    pub fake: Option<super::fake::Fake>,
}

/// Connecting in the browser: authorization code with PKCE.
#[async_trait::async_trait]
pub trait OAuth: Send + Sync {
    /// Registers where needed and says where to send the browser. `Start::keep` comes back in `finish`.
    async fn start(&self, context: &Context, redirect_uri: &str, state: &str) -> Result<Start, ChannelError>;
    /// Trades the callback's query for secrets.
    async fn finish(
        &self,
        context: &Context,
        redirect_uri: &str,
        query: &[(String, String)],
        keep: &serde_json::Value,
    ) -> Result<serde_json::Value, ChannelError>;
}

/// The first half of connecting in the browser.
#[derive(Clone, Debug)]
pub struct Start {
    pub authorize_url: url::Url,
    /// Secret; kept encrypted until the browser comes back.
    pub keep: serde_json::Value,
}

/// One thing to fill in.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub key: &'static str,
    pub kind: FieldKind,
    pub required: bool,
    pub default: Option<&'static str>,
    /// English, Dutch.
    pub label: (&'static str, &'static str),
    pub help: (&'static str, &'static str),
    /// Of a choice: the value that is kept, and its words in English and Dutch.
    pub options: &'static [(&'static str, (&'static str, &'static str))],
}

/// How a field is shown, checked and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    Text,
    Url,
    /// Encrypted at rest, never shown again.
    Secret,
    Number,
    Bool,
    /// One of `Field::options`.
    Choice,
    /// Text of several lines.
    Lines,
    /// Another account, which answers by mail what was left here; kept as its id. Its channel has [`super::Letters`].
    Mailbox,
}
