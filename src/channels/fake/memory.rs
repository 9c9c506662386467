//! What a played platform knows, and the file that remembers it when one is named.
//!
//! Owns: the one state of a platform; writing it whole, reading it back.
//! Promises: behind [`Memory::kept`] nobody is answered out of a state that is not written; a process killed at any moment
//! leaves a file that is whole. Without a file there is none of this, and no cost.
//! Must not: know a platform.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::IntoResponse;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The state of a played platform.
pub struct Memory<W> {
    world: Mutex<W>,
    file: Option<File>,
}

struct File {
    path: PathBuf,
    /// As it stands there. Whoever writes holds it, so that an older state never follows a newer one.
    written: Mutex<String>,
}

impl<W: Default> Default for Memory<W> {
    fn default() -> Self {
        Self::of(W::default())
    }
}

impl<W> Memory<W> {
    /// Forgets everything when it ends.
    pub fn of(world: W) -> Self {
        Self { world: Mutex::new(world), file: None }
    }

    /// The state, alone.
    pub fn world(&self) -> MutexGuard<'_, W> {
        lock(&self.world)
    }
}

impl<W: Serialize + DeserializeOwned> Memory<W> {
    /// Goes on from what the file holds, from `begin` when there is none yet. Forgets everything at the end without a file.
    ///
    /// # Errors
    /// What reading says; `InvalidData` for a file that somebody else wrote.
    pub fn open(file: Option<PathBuf>, begin: impl FnOnce() -> W) -> io::Result<Self> {
        let Some(path) = file else { return Ok(Self::of(begin())) };
        let (world, written) = match std::fs::read_to_string(&path) {
            Ok(text) => (serde_json::from_str(&text).map_err(|error| named(&path, &io::Error::from(error)))?, text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (begin(), String::new()),
            Err(error) => return Err(named(&path, &error)),
        };
        Ok(Self { world: Mutex::new(world), file: Some(File { path, written: Mutex::new(written) }) })
    }

    /// Writes the state as it is now.
    ///
    /// # Errors
    /// What writing says.
    pub fn write(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut written = lock(&file.written);
        let text = serde_json::to_string(&*self.world()).map_err(|error| named(&file.path, &io::Error::from(error)))?;
        if text != *written {
            // Under another name first: whoever is killed in between leaves the old state whole.
            let half = file.path.with_extension("half");
            std::fs::write(&half, &text)
                .and_then(|()| std::fs::rename(&half, &file.path))
                .map_err(|error| named(&file.path, &error))?;
            *written = text;
        }
        Ok(())
    }
}

impl<W: Serialize + DeserializeOwned + Send + 'static> Memory<W> {
    /// Writes what `router` did before it answers; what cannot be written is not told either.
    pub fn kept(self: &Arc<Self>, router: Router) -> Router {
        if self.file.is_none() {
            return router;
        }
        let memory = Arc::clone(self);
        router.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let memory = Arc::clone(&memory);
            async move {
                let response = next.run(request).await;
                match memory.write() {
                    Ok(()) => response,
                    Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
                }
            }
        }))
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// For the content of files: as text in base64.
pub mod base64 {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map(Bytes::from).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::routing::post;
    use reqwest::Method;
    use serde_json::Value;

    use super::Memory;
    use crate::channels::Client;
    use crate::channels::fake::{Wire, serve};

    type Said = Vec<String>;

    #[test]
    fn what_was_written_is_there_for_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("world.json");
        let first = Memory::open(Some(file.clone()), || Said::from(["hoi".to_owned()])).unwrap();
        first.write().unwrap();
        first.world().push("nooit geschreven".to_owned());
        let next = Memory::open(Some(file), Said::default).unwrap();
        assert_eq!(*next.world(), ["hoi"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half is left");
    }

    #[test]
    fn a_file_that_somebody_else_wrote_is_left_alone_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("letter.txt");
        std::fs::write(&file, "Beste Noor,").unwrap();
        let refused = Memory::open(Some(file.clone()), Said::default).err().unwrap();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidData);
        assert!(refused.to_string().contains("letter.txt"), "{refused}");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "Beste Noor,");
    }

    #[tokio::test]
    async fn nobody_is_answered_before_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("within").join("world.json");
        let memory = Arc::new(Memory::open(Some(file.clone()), Said::default).unwrap());
        let said = Arc::clone(&memory);
        let router = Router::new().route(
            "/say",
            post(move |text: String| async move {
                said.world().push(text);
                "gezegd"
            }),
        );
        let address = "127.0.0.1:0".parse().unwrap();
        let running = serve(address, memory.kept(router), Wire::default(), Value::Null).await.unwrap();
        let client = Client::new(true).unwrap();
        let url = format!("{}/say", running.url).parse().unwrap();
        let say = async |text: &'static str| {
            client.send(client.request(Method::POST, &url).unwrap().body(text)).await.unwrap()
        };

        let failed = say("er is geen map").await;
        assert_eq!(failed.status, 500);
        assert!(!String::from_utf8_lossy(&failed.body).contains("gezegd"), "{:?}", failed.body);

        std::fs::create_dir(folder.path().join("within")).unwrap();
        assert_eq!(say("nu wel").await.status, 200);
        let kept = Memory::open(Some(file), Said::default).unwrap();
        assert_eq!(*kept.world(), ["er is geen map", "nu wel"]);
    }
}
