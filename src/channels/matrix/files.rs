//! Files: fetched with our token, since homeservers show them to nobody else (specification v1.11).

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Method;

use super::Matrix;
use super::api::{Call, Fault};
use crate::channels::{ChannelError, Files};

/// Server and id of `mxc://server/id`.
#[must_use]
pub fn parse(reference: &str) -> Option<(&str, &str)> {
    let (server, id) = reference.strip_prefix("mxc://")?.split_once('/')?;
    let plain = |text: &str, more: &[char]| {
        (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
    };
    (plain(server, &['.', ':', '-', '[', ']']) && plain(id, &['-', '_'])).then_some((server, id))
}

#[async_trait]
impl Files for Matrix {
    async fn fetch(&self, url: &str, max: usize) -> Result<Bytes, ChannelError> {
        let gone = || ChannelError::rejected("matrix.no_file", "this is no file of a homeserver.");
        let (server, id) = parse(url).ok_or_else(gone)?;
        let get = async |path: &[&str]| self.api.call(&Call { max, ..Call::new(Method::GET, path) }).await;
        let fetched = match get(&["client", "v1", "media", "download", server, id]).await {
            // Homeservers from before v1.11, and files from before theirs was updated.
            Err(Fault::Refused(refusal)) if refusal.is_absent() => get(&["media", "v3", "download", server, id]).await,
            fetched => fetched,
        };
        match fetched {
            Ok(answer) => Ok(answer.body),
            Err(Fault::Lost(why)) if why.contains("too large") => {
                Err(ChannelError::rejected("matrix.file_too_large", "the file is too large to be kept here."))
            }
            Err(fault) => Err(self.say(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_files_of_homeservers_are_fetched() {
        assert_eq!(parse("mxc://chat.example:8448/aB-_9"), Some(("chat.example:8448", "aB-_9")));
        for bad in ["https://a/b", "mxc://a", "mxc:///b", "mxc://a/", "mxc://a/b/c", "mxc://a/..%2f", "mxc://a b/c", ""]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
