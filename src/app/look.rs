//! Looks at what is in a place, for `balie doctor`.
//!
//! Promises: nothing is made and nothing is brought up to date: another program may be serving this database.

use std::path::Path;
use std::sync::Arc;

use super::{KEY_SETTING, Opened, database_failure, desk, key_failure, open_pools, right_key};
use crate::cli::Failure;
use crate::clock::Clock;
use crate::config::Place;
use crate::desk::Desk;
use crate::store::{Store, migrate, settings};

/// What is there.
pub enum Looked {
    /// No database, or an empty one.
    Nothing,
    /// One that an older program made: so many migrations wait.
    Behind(usize),
    Desk(Desk),
}

/// Looks.
pub async fn look(place: &Place) -> Result<Looked, Failure> {
    let url = place.database_url().map_err(Failure::new)?;
    if let Some(path) = url.strip_prefix("sqlite:") {
        let file = std::fs::metadata(Path::new(path.strip_prefix("//").unwrap_or(path)));
        if file.is_err() || file.is_ok_and(|file| file.len() == 0) {
            return Ok(Looked::Nothing);
        }
    }
    let found = place.find_master_key().map_err(|e| key_failure(&e))?;
    let pools = open_pools(&url).await?;
    let failed = |error| database_failure(&url, &error);
    let known = settings::peek(&pools, KEY_SETTING).await.map_err(failed)?;
    let key = right_key(place, found, known.as_ref())?;
    let waiting = migrate::waiting(&pools).await.map_err(failed)?;
    let store = match waiting {
        None => return Ok(Looked::Nothing),
        Some(0) => Store::with_pools(pools, Clock::system()).await.map_err(failed)?,
        Some(waiting) => return Ok(Looked::Behind(waiting)),
    };
    match key {
        Some(key) => Ok(Looked::Desk(desk(place, &Opened { store, key: Arc::new(key) })?)),
        None => Ok(Looked::Nothing),
    }
}
