//! The original of a message: whole, to be kept; and as its author laid it out, to be read.
//!
//! Promises: whoever may not see the message sees neither; a picture is fetched only when it is asked for, only when this very
//! message shows it, and through the guarded client.

use bytes::Bytes;

use super::{Desk, DeskError, Viewer};
use crate::channels::html::{self, Picture};
use crate::model::{AttachmentKind, MessageId, SourceHead};
use crate::store::messages::Stored;

/// Larger pictures are none of a letter.
const LARGEST_PICTURE: usize = 10 * 1024 * 1024;

/// A message as a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Sanitised.
    pub html: String,
    /// How many pictures of the web are not shown.
    pub blocked: usize,
}

impl Desk {
    /// The original of a message.
    ///
    /// # Errors
    /// `NotFound` when it is not theirs to see, or there is none.
    pub async fn source(&self, viewer: &Viewer, id: MessageId) -> Result<(SourceHead, Bytes), DeskError> {
        let message = self.seen_message(viewer, id).await?;
        let source = message.extra().source.ok_or(DeskError::NotFound("original"))?;
        let bytes = self.read_media(&source.digest).await?;
        Ok((source, bytes))
    }

    /// A message as its author laid it out. With `pictures`, those of the web are shown by way of us.
    ///
    /// # Errors
    /// `NotFound` when it is not theirs to see, or has no page.
    pub async fn page(&self, viewer: &Viewer, id: MessageId, pictures: bool) -> Result<Page, DeskError> {
        let message = self.seen_message(viewer, id).await?;
        let html = self.own_page(&message).await?;
        let files = self.store.attachments_of(id).await?;
        let mut blocked = 0;
        let html = html::page(&html, |address| {
            if let Some(name) = address.strip_prefix("cid:") {
                let name = percent_decoded(name);
                let inline = files.iter().find(|file| {
                    file.kind == AttachmentKind::Image
                        && file.hash.is_some()
                        && file.content_id.as_deref() == Some(name.as_str())
                });
                return inline.map_or(Picture::Gone, |file| Picture::Shown(format!("/api/media/{}", file.id)));
            }
            if !html::is_web(address) {
                return Picture::Gone;
            }
            if pictures {
                let query: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
                return Picture::Shown(format!("/api/messages/{id}/images?u={query}"));
            }
            blocked += 1;
            Picture::Blocked
        });
        Ok(Page { html, blocked })
    }

    /// A picture of the web that this message shows: its true kind and its content.
    ///
    /// # Errors
    /// `NotFound` when the message is not theirs to see, does not show this picture, or it is none; the channel's error when
    /// it cannot be fetched.
    pub async fn picture(
        &self,
        viewer: &Viewer,
        id: MessageId,
        address: &str,
    ) -> Result<(&'static str, Bytes), DeskError> {
        let message = self.seen_message(viewer, id).await?;
        let html = self.own_page(&message).await?;
        if !html::pictures(&html).contains(address) {
            return Err(DeskError::NotFound("picture"));
        }
        let url = address.parse().map_err(|_| DeskError::NotFound("picture"))?;
        let client = self.connections.client();
        let request = client.request(reqwest::Method::GET, &url)?;
        let answer =
            client.send_limited(request, LARGEST_PICTURE).await.map_err(crate::channels::ChannelError::from)?;
        if answer.status.as_u16() != 200 {
            return Err(DeskError::NotFound("picture"));
        }
        // The content says what it is; a stranger's word could make a page of it.
        let kind = infer::get(&answer.body).filter(|kind| kind.matcher_type() == infer::MatcherType::Image);
        let kind = kind.map(|kind| kind.mime_type()).ok_or(DeskError::NotFound("picture"))?;
        Ok((kind, answer.body))
    }

    async fn seen_message(&self, viewer: &Viewer, id: MessageId) -> Result<Stored, DeskError> {
        let message = self.store.stored_message(id).await?.ok_or(DeskError::NotFound("message"))?;
        self.must_see(viewer, message.account_id).await?;
        Ok(message)
    }

    /// The page as its author made it.
    async fn own_page(&self, message: &Stored) -> Result<String, DeskError> {
        let source = message.extra().source.ok_or(DeskError::NotFound("page"))?;
        let bytes = self.read_media(&source.digest).await?;
        let account = self.store.account(message.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let channel = self.connections.get(&account)?;
        channel.page(&bytes).ok_or(DeskError::NotFound("page"))
    }
}

fn percent_decoded(text: &str) -> String {
    // In a query a plus is a blank; in a Content-ID it is a plus.
    let text = text.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={text}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or(text)
}
