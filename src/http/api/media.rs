//! Files: taken in for sending, and shown from our own origin, where nothing in them can run.

use axum::body::Body;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use serde::Serialize;

use crate::http::Web;
use crate::http::error::{Answer, ApiError, Json, Path, Problem};
use crate::http::session::Signed;
use crate::model::{AttachmentId, UploadId};

/// The largest file, in bytes.
const LARGEST: usize = 40 * 1024 * 1024;
/// Beyond this we hang up.
pub const PATIENCE: usize = 256 * 1024 * 1024;

/// A file that waits to be sent.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Uploaded {
    id: UploadId,
    name: String,
    mime: String,
    size: i64,
}

/// The form of an upload.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes a multipart form; it is read field by field")]
pub struct UploadForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Take in a file, to be sent with a reply
#[utoipa::path(post, path = "/api/uploads", tag = "files", request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 201, body = Uploaded), (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`upload.empty`, `upload.too_large`, `upload.kind`, `upload.missing`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn upload(
    State(web): State<Web>,
    signed: Signed,
    form: Result<Multipart, MultipartRejection>,
) -> Answer<(StatusCode, Json<Uploaded>)> {
    let mut form = form.map_err(|error| ApiError::bad_request("body.invalid", error.body_text()))?;
    let unreadable = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            ApiError::bad_request("body.invalid", "The form could not be read.")
        }
    };
    while let Some(mut field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or("file").to_owned();
        let (mut bytes, mut size) = (BytesMut::new(), 0);
        while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
            size += chunk.len();
            // What is too large is still read to its end, and thrown away: a browser that is cut off shows no answer.
            if size <= LARGEST { bytes.extend_from_slice(&chunk) } else { bytes = BytesMut::new() }
        }
        if size > LARGEST {
            return Err(too_large());
        }
        let upload = web.desk.upload(&signed.viewer(), &name, &bytes).await?;
        let made = Uploaded { id: upload.id, name: upload.name, mime: upload.mime, size: upload.size };
        return Ok((StatusCode::CREATED, Json(made)));
    }
    Err(ApiError::invalid("upload.missing", "The form has no field named file."))
}

fn too_large() -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body.too_large", "The file is larger than 40 MB.")
}

/// Kinds that a browser shows without running anything.
pub const SHOWN: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/// The file of a message
#[utoipa::path(get, path = "/api/media/{id}", tag = "files", params(("id" = AttachmentId, Path)), responses(
    (status = 200, description = "The file", content_type = "application/octet-stream"), (status = 206, description = "The range asked for"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub async fn show(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<AttachmentId>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (file, bytes) = web.desk.file(&signed.viewer(), id).await?;
    let mime = file.mime.as_deref().unwrap_or_default();
    let shown = SHOWN.contains(&mime) || mime.starts_with("video/") || mime.starts_with("audio/");
    let kind = if shown { HeaderValue::from_str(mime).ok() } else { None };
    let mut response = ranged(&headers, bytes);
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    out.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'"),
    );
    // The content of an attachment never changes; who may see it can, so no shared cache.
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400"));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CONTENT_DISPOSITION, disposition(shown, file.name.as_deref().unwrap_or("file")));
    Ok(response)
}

/// Film and sound are asked for in pieces.
fn ranged(headers: &HeaderMap, bytes: Bytes) -> Response {
    let whole = bytes.len();
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|text| range(text, whole));
    match asked {
        None => Body::from(bytes).into_response(),
        Some(None) => {
            (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{whole}"))]).into_response()
        }
        Some(Some((from, to))) => {
            let part = bytes.slice(from..=to);
            (
                StatusCode::PARTIAL_CONTENT,
                [(header::CONTENT_RANGE, format!("bytes {from}-{to}/{whole}"))],
                Body::from(part),
            )
                .into_response()
        }
    }
}

/// One range, both ends included; `None` when it is not one (all is sent then), `Some(None)` when it lies outside.
#[allow(clippy::option_option, reason = "no range and a range outside are two answers")]
fn range(text: &str, whole: usize) -> Option<Option<(usize, usize)>> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let last = whole.checked_sub(1);
    let Some(last) = last else { return Some(None) };
    let (from, to) = if from.is_empty() {
        (whole.saturating_sub(to.parse().ok()?), last)
    } else {
        (from.parse().ok()?, if to.is_empty() { last } else { to.parse::<usize>().ok()?.min(last) })
    };
    Some((from <= to && from <= last).then_some((from, to)))
}

pub fn disposition(shown: bool, name: &str) -> HeaderValue {
    use std::fmt::Write as _;
    let kind = if shown { "inline" } else { "attachment" };
    // RFC 8187: anything but the plainest characters as UTF-8 octets.
    let name = name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    });
    HeaderValue::from_str(&format!("{kind}; filename*=UTF-8''{name}")).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::{disposition, range};

    #[test]
    fn a_piece_of_a_file_is_cut_where_it_was_asked() {
        assert_eq!(range("bytes=0-99", 1000), Some(Some((0, 99))));
        assert_eq!(range("bytes=900-", 1000), Some(Some((900, 999))));
        assert_eq!(range("bytes=-100", 1000), Some(Some((900, 999))));
        assert_eq!(range("bytes=0-5000", 1000), Some(Some((0, 999))));
        assert_eq!(range("bytes=1000-", 1000), Some(None));
        assert_eq!(range("bytes=5-2", 1000), Some(None));
        assert_eq!(range("bytes=0-1,5-6", 1000), None);
        assert_eq!(range("bytes=0-", 0), Some(None));
        assert_eq!(range("pages=1-2", 1000), None);
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        let header = disposition(false, "a\"b\r\nSet-Cookie: x/../é.html");
        let text = header.to_str().unwrap();
        assert!(text.starts_with("attachment; filename*=UTF-8''a%22b%0D%0A"), "{text}");
        assert!(!text.contains('/') && !text.contains('\n'));
    }
}
