//! Contents that came along with their messages go into the media folder before the transaction that speaks of them.

use std::collections::HashMap;

use super::super::{Desk, DeskError};
use crate::channels::{Batch, File, Item, Message};
use crate::model::{Extra, SourceHead};
use crate::store::attachments::NewAttachment;

/// More files than this at one message are left where they are.
const MOST_FILES: usize = 100;

/// What of a batch is in the media folder, by external id of its message.
#[derive(Default)]
pub struct Kept(HashMap<String, Contents>);

#[derive(Default)]
struct Contents {
    source: Option<SourceHead>,
    /// Hash and true kind of each file that came along, by its place.
    files: HashMap<usize, (String, String)>,
}

impl Desk {
    pub(super) async fn keep_contents(&self, batch: &Batch) -> Result<Kept, DeskError> {
        let mut kept = Kept::default();
        for item in &batch.items {
            let Item::Message(message) = item else { continue };
            let mut contents = Contents::default();
            if let Some(source) = &message.source {
                let digest = self.keep_media(&source.bytes).await?;
                let size = source.bytes.len() as i64;
                contents.source = Some(SourceHead { digest, mime: source.mime.clone(), size });
            }
            for (place, file) in message.files.iter().enumerate().take(MOST_FILES) {
                if let Some(content) = &file.content {
                    // The content says what it is; a stranger's word could make a page of it.
                    let mime = infer::get(content).map_or("application/octet-stream", |kind| kind.mime_type());
                    contents.files.insert(place, (self.keep_media(content).await?, mime.to_owned()));
                }
            }
            if contents.source.is_some() || !contents.files.is_empty() {
                kept.0.insert(message.external_id.clone(), contents);
            }
        }
        Ok(kept)
    }
}

impl Kept {
    /// The files of a message, those that came along as stored, the others to be fetched.
    pub fn files(&self, message: &Message) -> Vec<NewAttachment> {
        let contents = self.0.get(&message.external_id);
        let stored = |place: usize| contents.and_then(|contents| contents.files.get(&place));
        let files = message.files.iter().enumerate().take(MOST_FILES);
        files.filter_map(|(place, file)| attachment(file, stored(place))).collect()
    }

    /// What stands around the words of a message.
    pub fn extra(&self, message: &Message) -> Extra {
        Extra {
            quoted: message.quoted.clone().filter(|quoted| !quoted.trim().is_empty()),
            recipients: message.recipients.clone(),
            fields: message.fields.clone(),
            due_at: message.due_at,
            source: self.0.get(&message.external_id).and_then(|contents| contents.source.clone()),
            ..Extra::default()
        }
    }
}

fn attachment(file: &File, stored: Option<&(String, String)>) -> Option<NewAttachment> {
    if stored.is_none() && file.url.is_empty() {
        return None;
    }
    Some(NewAttachment {
        kind: file.kind,
        remote_url: Some(file.url.clone()).filter(|url| !url.is_empty()),
        mime: stored.map(|(_, mime)| mime.clone()).or_else(|| file.mime.clone()),
        name: file.name.clone(),
        alt: file.alt.clone().filter(|alt| !alt.is_empty()),
        size: file.content.as_ref().map(|content| content.len() as i64).or(file.size),
        width: file.width,
        height: file.height,
        hash: stored.map(|(hash, _)| hash.clone()),
        content_id: file.content_id.clone(),
    })
}
