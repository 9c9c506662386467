//! The web part, out of the binary.
//!
//! Promises: what has a hash in its name is cached for ever, all else is asked for again; the compressed form is sent where
//! the browser takes it; no path leads to a file that was not built; the page runs no script or style that is not ours.
//! Must not: read the disk.

#![allow(clippy::case_sensitive_file_extension_comparisons, reason = "the build names these files")]

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::ApiError;

#[derive(RustEmbed)]
#[folder = "web/dist/"]
struct Dist;

/// What pages of ours may load. Sockets count as `'self'`.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
     font-src 'self'; connect-src 'self'; frame-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The encodings that the build makes, best first.
const ENCODINGS: &[(&str, &str)] = &[("br", ".br"), ("gzip", ".gz")];

/// Answers everything that is no route: a built file, or the app's page for the app's own addresses.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if ["api/", "hooks/", "health/", "visit/"].iter().any(|ours| format!("{path}/").starts_with(ours)) {
        return ApiError::not_found("address").into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address can only be read.")
            .into_response();
    }
    if !path.is_empty()
        && !path.ends_with(".br")
        && !path.ends_with(".gz")
        && let Some(file) = Dist::get(path)
    {
        return answer(path, file, &headers);
    }
    // What looks like a file and is none is missing; all else is an address inside the app.
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return ApiError::not_found("file").into_response();
    }
    match Dist::get("index.html") {
        Some(index) => answer("index.html", index, &headers),
        None => unbuilt(),
    }
}

/// A built file, with its own headers; `None` when it was not built.
pub fn built(path: &str, headers: &HeaderMap) -> Option<Response> {
    Dist::get(path).map(|file| answer(path, file, headers))
}

fn answer(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = etag(&file);
    let unchanged = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .any(|sent| sent.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let cache = if is_hashed(path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { whole(path, file, headers) };
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    if path.ends_with(".html") {
        out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    }
    response
}

fn whole(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let (encoding, file) = ENCODINGS
        .iter()
        .filter(|(name, _)| accepts(headers, name))
        .find_map(|(name, ending)| Dist::get(&format!("{path}{ending}")).map(|f| (Some(*name), f)))
        .unwrap_or((None, file));
    let mut response = Response::new(match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    });
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    if let Some(encoding) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn etag(file: &EmbeddedFile) -> String {
    use std::fmt::Write as _;
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..12] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Vite puts what carries a hash in its name into `assets/`, for the page and for the chat on other sites.
fn is_hashed(path: &str) -> bool {
    path.strip_prefix("widget/").unwrap_or(path).starts_with("assets/")
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(
        |part| {
            let mut pieces = part.split(';').map(str::trim);
            let named = pieces.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
            named && !pieces.any(|p| p.replace(' ', "").strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0)))
        },
    )
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        _ => "application/octet-stream",
    }
}

fn unbuilt() -> Response {
    const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Balie</title>\
        <h1>The server runs; its pages were not built</h1>\
        <p>This binary was made without the web part. Run <code>make run</code>, which builds both, or <code>npm ci && npm run build</code> in <code>web/</code> and build again.\
        <p>The API works: <a href=/api/openapi.json>its description</a>.</html>";
    (
        StatusCode::OK,
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        ],
        PAGE,
    )
        .into_response()
}

/// Headers that every answer carries; the page's policy is stricter and is not replaced.
pub fn harden(headers: &mut HeaderMap) {
    let always: [(HeaderName, &str); 7] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    // A page that says itself who may frame it: the older header knows only yes and no.
    let framed = headers
        .get(header::CONTENT_SECURITY_POLICY)
        .and_then(|policy| policy.to_str().ok())
        .is_some_and(|policy| policy.contains("frame-ancestors 'self'"));
    for (name, value) in always {
        if framed && name == header::X_FRAME_OPTIONS {
            continue;
        }
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::{accepts, serve};
    use axum::http::{HeaderMap, HeaderValue, Method, header};

    #[test]
    fn a_refused_encoding_is_not_sent() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br;q=0, deflate"));
        assert!(accepts(&headers, "gzip") && !accepts(&headers, "br"));
    }

    #[tokio::test]
    async fn no_path_leads_out_of_the_web_part() {
        for path in [
            "/../Cargo.toml",
            "/%2e%2e/Cargo.toml",
            "/..%2fCargo.toml",
            "/assets/../../Cargo.toml",
            "//etc/passwd.txt",
            "/.env",
            "/assets/x.js",
        ] {
            let response = serve(Method::GET, path.parse().unwrap(), HeaderMap::new()).await;
            assert_eq!(response.status(), 404, "{path}");
        }
    }

    #[tokio::test]
    async fn an_address_inside_the_app_is_answered_with_its_page_and_a_strict_policy() {
        let response = serve(Method::GET, "/inbox/0190".parse().unwrap(), HeaderMap::new()).await;
        assert_eq!(response.status(), 200);
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    }

    #[tokio::test]
    async fn an_unknown_api_address_is_missing_and_pages_are_only_read() {
        assert_eq!(serve(Method::GET, "/api/nothing".parse().unwrap(), HeaderMap::new()).await.status(), 404);
        assert_eq!(serve(Method::POST, "/inbox".parse().unwrap(), HeaderMap::new()).await.status(), 405);
    }
}
