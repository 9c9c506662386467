//! Files of visitors. Nothing in them runs: pictures are shown, everything else is a download, all of it sandboxed.

use std::time::Duration;

use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::{Multipart, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::error::{Answer, Refusal};
use super::gate::{Address, Known, Told};
use super::limits::What;
use crate::desk::visit::{Door, VisitError};
use crate::http::Web;
use crate::http::api::media;
use crate::model::{AccountId, AttachmentId, VisitorId};

/// Beyond this we hang up.
pub const PATIENCE: usize = 64 * 1024 * 1024;
/// A file that is not whole by then is given up: a slow line needs some time, and who sends nothing holds room that others wait for.
const LONGEST: Duration = Duration::from_secs(120);
/// Seconds to wait while as many files come in as there is room for.
const FULL: u64 = 5;
/// Pictures that a browser shows without running anything.
const PICTURES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];

/// `POST files`
pub async fn give(
    State(web): State<Web>,
    door: Door,
    Address(address): Address,
    known: Known,
    form: Result<Multipart, MultipartRejection>,
) -> Answer<Response> {
    let mut form = form.map_err(|error| Refusal::invalid(error.body_text()))?;
    let most = web.desk.takes_files(&door)?;
    known.take(&web, What::Files)?;
    web.rates.take(What::Uploads, &address, web.desk.clock().now()).map_err(Refusal::slow_down)?;
    let _room = web.rates.upload(&address).ok_or_else(|| Refusal::slow_down(FULL))?;
    let (name, bytes) = read(&mut form, most).await?;
    let file = web.desk.give(&door, &known.visitor, &name, &bytes).await?;
    let given = json!({ "id": file.id, "name": file.name, "mime": file.mime, "size": file.size });
    Ok((StatusCode::CREATED, Told(given)).into_response())
}

/// The file of a form, and what it is called.
async fn read(form: &mut Multipart, most: usize) -> Answer<(String, BytesMut)> {
    timeout(LONGEST, read_whole(form, most)).await.map_err(|_| Refusal::too_slow())?
}

async fn read_whole(form: &mut Multipart, most: usize) -> Answer<(String, BytesMut)> {
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
            if size <= most { bytes.extend_from_slice(&chunk) } else { bytes = BytesMut::new() }
        }
        return if size > most { Err(Refusal::too_large()) } else { Ok((name, bytes)) };
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

#[cfg(test)]
mod tests {
    use super::{LONGEST, read};
    use axum::body::Body;
    use axum::extract::{FromRequest as _, Multipart, Request};
    use bytes::Bytes;
    use futures_util::{StreamExt as _, stream};
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn a_file_that_does_not_come_is_given_up() {
        let head =
            Bytes::from_static(b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\nhalf");
        let body = stream::iter([Ok::<_, std::io::Error>(head)]).chain(stream::pending());
        let request = Request::post("/").header("content-type", "multipart/form-data; boundary=x");
        let request = request.body(Body::from_stream(body)).unwrap();
        let mut form = Multipart::from_request(request, &()).await.unwrap();
        let given_up = timeout(LONGEST * 2, read(&mut form, 100)).await.unwrap();
        assert_eq!(given_up.unwrap_err().code, "too_slow");
    }
}
