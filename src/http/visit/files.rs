//! Files of visitors. Nothing in them runs: pictures are shown, everything else is a download, all of it sandboxed.

use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use serde::Deserialize;
use serde_json::json;

use super::error::{Answer, Refusal};
use super::gate::{Known, Told};
use super::limits::What;
use crate::desk::visit::{Door, VisitError};
use crate::http::Web;
use crate::http::api::media;
use crate::model::{AccountId, AttachmentId, VisitorId};

/// Beyond this we hang up.
pub const PATIENCE: usize = 64 * 1024 * 1024;
/// More than any chat takes.
const LARGEST: usize = 25 * 1024 * 1024;
/// Pictures that a browser shows without running anything.
const PICTURES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];

/// `POST files`
pub async fn give(
    State(web): State<Web>,
    door: Door,
    known: Known,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Answer<Response> {
    let mut form = form.map_err(|error| Refusal::invalid(error.body_text()))?;
    known.take(&web, What::Files)?;
    let unreadable = |error: MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Refusal::too_large()
        } else {
            Refusal::invalid("The form could not be read.")
        }
    };
    while let Some(mut field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let (mut bytes, mut size) = (BytesMut::new(), 0);
        while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
            size += chunk.len();
            // Read to its end and thrown away: a browser that is cut off shows no answer.
            if size <= LARGEST { bytes.extend_from_slice(&chunk) } else { bytes = BytesMut::new() }
        }
        if size > LARGEST {
            return Err(Refusal::too_large());
        }
        let file = web.desk.give(&door, &known.visitor, &name, &bytes).await?;
        let given = json!({ "id": file.id, "name": file.name, "mime": file.mime, "size": file.size });
        return Ok((StatusCode::CREATED, Told(given)).into_response());
    }
    Err(Refusal::invalid("The form has no field named file."))
}

#[derive(Deserialize)]
pub struct Marked {
    visitor: VisitorId,
    until: i64,
    mark: String,
}

/// `GET files/{id}`: whoever has the address has the file, as with any picture in a page.
pub async fn show(
    State(web): State<Web>,
    door: Door,
    path: Result<Path<(AccountId, AttachmentId)>, axum::extract::rejection::PathRejection>,
    marked: Result<Query<Marked>, axum::extract::rejection::QueryRejection>,
) -> Answer<Response> {
    let (Ok(Path((_, id))), Ok(Query(marked))) = (path, marked) else { return Err(VisitError::NotFound.into()) };
    let (file, content) = web.desk.file_for_visitor(&door, marked.visitor, id, marked.until, &marked.mark).await?;
    let mime = file.mime.as_deref().unwrap_or_default();
    let shown = PICTURES.contains(&mime);
    let kind = if shown { HeaderValue::from_str(mime).ok() } else { None };
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400"));
    headers.insert(header::CONTENT_DISPOSITION, media::disposition(shown, file.name.as_deref().unwrap_or("file")));
    Ok(response)
}
