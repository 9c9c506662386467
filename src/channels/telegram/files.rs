//! Fetching files: by the platform's id, through an address that has the token in it and is never kept.

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;

use super::api::Failed;
use super::content::FILE;
use super::wire::plain;
use super::{Telegram, api, rejected};
use crate::channels::{ChannelError, Files};

#[async_trait]
impl Files for Telegram {
    async fn fetch(&self, url: &str, max: usize) -> Result<Bytes, ChannelError> {
        let id = url.strip_prefix(FILE).filter(|id| plain(id));
        let id =
            id.ok_or_else(|| ChannelError::rejected("telegram.file_reference", "this is not a file of this channel."))?;
        let asked = self.api.call("getFile", &json!({"file_id": id}), Some(api::PATIENCE)).await;
        let answer = match asked {
            Ok(answer) => answer,
            Err(Failed::Refused(refused)) if refused.says("too big") => return Err(too_big()),
            Err(Failed::Refused(refused)) if refused.code == 400 => return Err(gone()),
            Err(failed) => return Err(self.api.of_account(failed)),
        };
        let answer: serde_json::Value = serde_json::from_str(answer.get()).map_err(|_| api::not_json())?;
        let larger = answer["file_size"].as_u64().is_some_and(|size| size > max as u64);
        match answer["file_path"].as_str() {
            _ if larger => Err(too_big()),
            Some(path) => match self.api.download(path, max).await {
                Ok(bytes) => Ok(bytes),
                // The token was good a moment ago: it is the path that leads nowhere.
                Err(Failed::Refused(refused)) if refused.code == 404 => Err(gone()),
                Err(Failed::Lost(why)) if why.contains("too large") => Err(too_big()),
                Err(failed) => Err(self.api.of_account(failed)),
            },
            None => Err(gone()),
        }
    }
}

fn too_big() -> ChannelError {
    rejected(
        "telegram.file_too_big",
        (
            "Telegram gives files of at most 20 MB to a bot; this one is larger.",
            "Telegram geeft een bot bestanden van hoogstens 20 MB; dit bestand is groter.",
        ),
        (
            "Open it in the Telegram app, or ask for it in another way. A Bot API server of your own has no such limit.",
            "Open het in de Telegram-app, of vraag er op een andere manier om. Een eigen Bot API-server kent deze grens niet.",
        ),
    )
}

fn gone() -> ChannelError {
    rejected(
        "telegram.file_gone",
        ("Telegram does not have this file (any more).", "Telegram heeft dit bestand niet (meer)."),
        ("Ask the customer to send it again.", "Vraag de klant het opnieuw te sturen."),
    )
}
