//! The tags there are. (`tag.rs` puts them on conversations.)

use super::people::PeopleError;
use crate::model::TagId;
use crate::store::tags::Tag;
use crate::store::{Actor, Store, StoreError};

const LONGEST: usize = 50;

/// Every tag, also archived ones, by name.
pub async fn all(store: &Store) -> Result<Vec<Tag>, PeopleError> {
    Ok(store.tags().await?)
}

/// Adds a tag.
pub async fn add(store: &Store, by: Actor, name: &str, color: &str) -> Result<Tag, PeopleError> {
    let mut tx = store.begin(by).await?;
    let name = check_name(name)?;
    if tx.tag_by_name(&name).await?.is_some() {
        return Err(taken());
    }
    let tag = Tag { id: TagId::new(), name, color: check_color(color)?, archived: false, created_at: tx.now() };
    tx.insert_tag(&tag).await.map_err(conflict)?;
    tx.commit().await?;
    Ok(tag)
}

/// Changes a tag; `None` stays.
pub async fn change(
    store: &Store,
    by: Actor,
    id: TagId,
    name: Option<&str>,
    color: Option<String>,
    archived: Option<bool>,
) -> Result<Tag, PeopleError> {
    let mut tx = store.begin(by).await?;
    let mut tag = tx.tag(id).await?.ok_or(PeopleError::NotFound("tag"))?;
    if let Some(name) = name {
        tag.name = check_name(name)?;
        if tx.tag_by_name(&tag.name).await?.is_some_and(|other| other.id != id) {
            return Err(taken());
        }
    }
    if let Some(color) = color {
        tag.color = check_color(&color)?;
    }
    tag.archived = archived.unwrap_or(tag.archived);
    tx.save_tag(&tag).await.map_err(conflict)?;
    tx.commit().await?;
    Ok(tag)
}

fn taken() -> PeopleError {
    PeopleError::Conflict("tag.name_taken", "There is a tag of this name already.".into())
}

fn conflict(error: StoreError) -> PeopleError {
    if error.is_conflict() { taken() } else { error.into() }
}

fn check_name(name: &str) -> Result<String, PeopleError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
        return Err(PeopleError::Invalid("tag.name", format!("A tag has 1 to {LONGEST} characters.")));
    }
    Ok(name.to_owned())
}

fn check_color(color: &str) -> Result<String, PeopleError> {
    // A name of the palette: never a value that would go into a style.
    if color.len() > 20 || !color.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return Err(PeopleError::Invalid("tag.color", "A colour is a name out of the palette.".into()));
    }
    Ok(color.to_owned())
}
