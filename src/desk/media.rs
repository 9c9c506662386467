//! Files: kept by the hash of their content, fetched through the guarded client, read for sending and showing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::{Desk, DeskError, Viewer};
use crate::channels::Class;
use crate::model::{AccountId, AttachmentId, AttachmentState, Timestamp, UploadId};
use crate::store::Actor;
use crate::store::attachments::StoredAttachment;
use crate::store::drafts::Upload;

/// Larger files stay where they are; the message links to them.
const LARGEST: usize = 40 * 1024 * 1024;
const LARGEST_UPLOAD: usize = 40 * 1024 * 1024;
const TRIES: i64 = 6;
/// From keeping content to writing the row that names it; far longer than that takes.
const GRACE: Duration = Duration::from_secs(3600);

impl Desk {
    fn media_path(&self, hash: &str) -> Result<PathBuf, DeskError> {
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(DeskError::NotFound("file"));
        }
        Ok(self.media.join(&hash[..2]).join(hash))
    }

    /// The content of a file, by its hash.
    ///
    /// # Errors
    /// `NotFound` when it is not here; `Store` when the folder cannot be read.
    pub async fn read_media(&self, hash: &str) -> Result<Bytes, DeskError> {
        let path = self.media_path(hash)?;
        fs::read(path).await.map(Bytes::from).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DeskError::NotFound("file"),
            // It is there and cannot be read for now.
            _ => folder_fault(&error),
        })
    }

    /// Keeps content; the same content twice is one file. Returns its hash: what is written down with it survives a power cut.
    pub(super) async fn keep_media(&self, bytes: &[u8]) -> Result<String, DeskError> {
        let hash = crate::secret::digest(bytes);
        let path = self.media_path(&hash)?;
        keep(&path, bytes, self.clock().now()).await.map_err(|error| folder_fault(&error))?;
        Ok(hash)
    }

    /// Throws content away that no row names, unless somebody kept it a moment ago.
    ///
    /// # Errors
    /// When the database cannot be read or the media folder not be written.
    pub(super) async fn forget_media(&self, hash: &str) -> Result<(), DeskError> {
        let path = self.media_path(hash)?;
        if self.store.is_kept(hash).await? {
            return Ok(());
        }
        forget(&path, self.clock().now()).await.map_err(|error| folder_fault(&error))
    }

    /// Takes in a file to be sent later. Its kind is what its content says, not what its sender says.
    ///
    /// # Errors
    /// `Refused` when it is empty, too large or of a kind we do not send.
    pub async fn upload(&self, viewer: &Viewer, name: &str, bytes: &[u8]) -> Result<Upload, DeskError> {
        viewer.must(super::Act::Work)?;
        if bytes.is_empty() {
            return Err(DeskError::refused("upload.empty", "the file is empty"));
        }
        if bytes.len() > LARGEST_UPLOAD {
            return Err(DeskError::refused("upload.too_large", "the file is larger than 40 MB"));
        }
        let Some(kind) = infer::get(bytes).filter(|kind| {
            matches!(
                kind.matcher_type(),
                infer::MatcherType::Image | infer::MatcherType::Video | infer::MatcherType::Audio
            ) || kind.mime_type() == "application/pdf"
        }) else {
            return Err(DeskError::refused("upload.kind", "only pictures, video, sound and PDF can be sent"));
        };
        let hash = self.keep_media(bytes).await?;
        let name: String = super::ingest::clean(name)
            .chars()
            .filter(|c| !c.is_control() && !matches!(c, '/' | '\\'))
            .take(200)
            .collect();
        let mut tx = self.begin(viewer).await?;
        let upload = Upload {
            id: UploadId::new(),
            user_id: viewer.user_id,
            name,
            mime: kind.mime_type().to_owned(),
            size: bytes.len() as i64,
            hash,
            created_at: tx.now(),
        };
        tx.insert_upload(&upload).await?;
        tx.commit().await?;
        Ok(upload)
    }

    /// A file somebody may see, with its content.
    ///
    /// # Errors
    /// `NotFound` when it is not theirs to see or not here yet.
    pub async fn file(&self, viewer: &Viewer, id: AttachmentId) -> Result<(StoredAttachment, Bytes), DeskError> {
        let file = self.store.attachment(id).await?.ok_or(DeskError::NotFound("file"))?;
        let message = self.store.stored_message(file.message_id).await?.ok_or(DeskError::NotFound("file"))?;
        self.must_see(viewer, message.account_id).await?;
        let bytes = self.read_media(file.hash.as_deref().unwrap_or_default()).await?;
        Ok((file, bytes))
    }

    /// Fetches files that are due. Returns how many were settled.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fetch_media(&self) -> Result<usize, DeskError> {
        let files = self.store.pending_attachments(20).await?;
        let mut settled = 0;
        for mut file in files {
            let Some(message) = self.store.stored_message(file.message_id).await? else { continue };
            file.attempts += 1;
            let mut due = self.clock().now();
            match self.fetch(message.account_id, file.remote_url.as_deref().unwrap_or_default()).await {
                Ok(bytes) => {
                    file.hash = Some(self.keep_media(&bytes).await?);
                    file.size = Some(bytes.len() as i64);
                    // The content says what it is; a platform's word could make a page of it.
                    file.mime =
                        Some(infer::get(&bytes).map_or("application/octet-stream", |kind| kind.mime_type()).to_owned());
                    file.state = AttachmentState::Stored;
                }
                Err(lasting) if lasting || file.attempts >= TRIES => file.state = AttachmentState::Failed,
                Err(_) => {
                    due = due.plus(Duration::from_secs(
                        10 * 4_u64.pow(u32::try_from(file.attempts.clamp(0, 6)).unwrap_or(0)),
                    ));
                }
            }
            settled += usize::from(file.state != AttachmentState::Pending);
            let mut tx = self.store.begin(Actor::System).await?;
            tx.save_attachment(&file, due, message.conversation_id).await?;
            tx.commit().await?;
        }
        Ok(settled)
    }

    /// `Err(true)` when asking again makes no sense.
    async fn fetch(&self, account: AccountId, url: &str) -> Result<Bytes, bool> {
        let account = self.store.account(account).await.ok().flatten().ok_or(false)?;
        let channel = self.connections.get(&account).map_err(|_| false)?;
        if let Some(files) = channel.files() {
            return files.fetch(url, LARGEST).await.map_err(|error| error.class == Class::Rejected);
        }
        let client = self.connections.client();
        let url = url.parse().map_err(|_| true)?;
        let request = client.request(reqwest::Method::GET, &url).map_err(|_| true)?;
        let answer = client.send_limited(request, LARGEST).await.map_err(|_| false)?;
        match answer.status.as_u16() {
            200 => Ok(answer.body),
            status => Err((400..500).contains(&status) && status != 429),
        }
    }
}

async fn keep(path: &Path, bytes: &[u8], now: Timestamp) -> io::Result<()> {
    match fs::metadata(path).await {
        Ok(found) if found.len() == bytes.len() as u64 => match mark(path, now).await {
            // It was thrown away at this moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return Ok(()),
        },
        // A power cut left its name without its content.
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let folder = path.parent().unwrap_or(path);
    let new = !fs::try_exists(folder).await?;
    fs::create_dir_all(folder).await?;
    // Under another name first: a crash in between leaves no half file under the real one.
    let half = aside(path);
    let mut file = fs::File::create(&half).await?;
    file.write_all(bytes).await?;
    // A write that failed after it was taken is told here, and not by the sync.
    file.flush().await?;
    mark(&half, now).await?;
    file.sync_all().await?;
    drop(file);
    fs::rename(&half, path).await?;
    sync_folder(folder).await?;
    match folder.parent() {
        Some(above) if new => sync_folder(above).await,
        _ => Ok(()),
    }
}

/// Marks content as wanted now: whoever keeps it is about to write the row that names it.
async fn mark(path: &Path, now: Timestamp) -> io::Result<()> {
    let now = Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
    let file = fs::OpenOptions::new().write(true).open(path).await?.into_std().await;
    file.set_modified(std::time::UNIX_EPOCH + now)
}

/// Throws content away that was not marked lately. Aside first: who wants it from here on finds it gone and writes it again, and who was
/// in time has left the mark.
async fn forget(path: &Path, now: Timestamp) -> io::Result<()> {
    let gone = aside(path);
    match fs::rename(path, &gone).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        done => done?,
    }
    let marked = fs::metadata(&gone).await?.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let marked = Timestamp(i64::try_from(marked.as_millis()).unwrap_or(i64::MAX));
    if now.since(marked) < GRACE { fs::rename(&gone, path).await } else { fs::remove_file(&gone).await }
}

/// Another name beside a file.
fn aside(path: &Path) -> PathBuf {
    path.with_extension(uuid::Uuid::new_v4().simple().to_string())
}

/// The names in a folder are on the disk when the folder is.
async fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder).await?.sync_all().await } else { Ok(()) }
}

fn folder_fault(error: &io::Error) -> DeskError {
    DeskError::Store(crate::store::StoreError::Unavailable(format!("the media folder: {error}")))
}
