//! The played server on HTTP: reading requests in every form clients send, answering, streaming.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::Platform;
use super::routes::{self, Answer, Call};
use super::world::Upload;
use crate::model::Timestamp;

pub fn router(platform: Platform) -> Router {
    // One handler: clients write some addresses with a slash at the end, which a route table would refuse.
    Router::new().fallback(handle).with_state(platform)
}

/// What a client sent along, from query, form, multipart or JSON alike; lists as repeated `name[]`.
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<(String, String)>);

/// A file sent along.
pub struct Sent {
    pub mime: String,
    pub bytes: Bytes,
}

impl Params {
    pub fn of_query(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    pub fn all(&self) -> &[(String, String)] {
        &self.0
    }

    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A list; `None` when it was not sent.
    pub fn many(&self, name: &str) -> Option<Vec<&str>> {
        let key = format!("{name}[]");
        let values: Vec<&str> =
            self.0.iter().filter(|(k, _)| *k == key || *k == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then_some(values)
    }

    pub fn yes(&self, name: &str) -> bool {
        self.one(name).is_some_and(|value| matches!(value, "true" | "1" | "True" | "on"))
    }

    fn add_json(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Array(items) => items.iter().for_each(|item| self.add_json(&format!("{name}[]"), item)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}[{key}]") };
                    self.add_json(&name, value);
                }
            }
            Value::String(text) => self.0.push((name.to_owned(), text.clone())),
            other => self.0.push((name.to_owned(), other.to_string())),
        }
    }
}

async fn read(request: Request) -> Result<(Params, Option<Sent>), StatusCode> {
    let mut params = Params::of_query(request.uri().query().unwrap_or_default());
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let mut file = None;
    if kind.starts_with("multipart/") {
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| StatusCode::BAD_REQUEST)?;
        while let Some(field) = form.next_field().await.map_err(|_| StatusCode::BAD_REQUEST)? {
            let name = field.name().unwrap_or_default().to_owned();
            if field.file_name().is_some() {
                let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
                file = Some(Sent { mime, bytes: field.bytes().await.map_err(|_| StatusCode::BAD_REQUEST)? });
            } else {
                params.0.push((name, field.text().await.map_err(|_| StatusCode::BAD_REQUEST)?));
            }
        }
        return Ok((params, file));
    }
    let body =
        axum::body::to_bytes(request.into_body(), 64 * 1024 * 1024).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    if kind.starts_with("application/json") {
        let value: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
        params.add_json("", &value);
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        params.0.extend(url::form_urlencoded::parse(&body).into_owned());
    }
    Ok((params, file))
}

async fn handle(State(platform): State<Platform>, request: Request) -> Response {
    let now = platform.clock.now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let headers = request.headers().clone();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let (params, file) = match read(request).await {
        Ok(read) => read,
        Err(status) => {
            return (status, axum::Json(json!({"error": "There was a problem parsing the request"}))).into_response();
        }
    };
    let token = bearer(&headers).or_else(|| params.one("access_token").map(str::to_owned));

    let mut world = platform.world();
    let (limit, left, reset) = world.spend(token.as_deref().unwrap_or_default(), now);
    if left < 0 {
        drop(world);
        return limited(answer(StatusCode::TOO_MANY_REQUESTS, &json!({"error": "Too many requests"})), limit, 0, reset);
    }
    let viewer = token.as_deref().and_then(|token| world.tokens.get(token)).cloned();
    if token.is_some() && viewer.is_none() && segments.first() != Some(&"oauth") {
        drop(world);
        return limited(
            answer(StatusCode::UNAUTHORIZED, &json!({"error": "The access token is invalid"})),
            limit,
            left,
            reset,
        );
    }
    if let ["api", "v1", "streaming", rest @ ..] = segments.as_slice() {
        let account = viewer.as_ref().map(|viewer| viewer.account);
        drop(world);
        return match rest {
            ["health"] => "OK".into_response(),
            ["user" | "direct", ..] => match account {
                Some(account) => stream(&platform, account),
                None => answer(StatusCode::UNAUTHORIZED, &json!({"error": "Missing access token"})),
            },
            _ => answer(StatusCode::BAD_REQUEST, &json!({"error": "Unknown channel requested"})),
        };
    }
    if let (&Method::POST, ["api", "v1" | "v2", "media"]) = (&method, segments.as_slice()) {
        let response = upload(&mut world, viewer.as_ref().map(|viewer| viewer.account), &params, file, now);
        drop(world);
        return limited(response, limit, left, reset);
    }
    let call = Call { method: &method, path: &segments, params: &params, viewer, headers: &headers, now };
    let (given, heard) = routes::answer(&mut world, &call);
    drop(world);
    platform.asked.notify_waiters();
    platform.tell(heard);
    match given {
        Answer::Json(status, body, link) => {
            let mut response = answer(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body);
            if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
                response.headers_mut().insert(header::LINK, link);
            }
            limited(response, limit, left, reset)
        }
        Answer::File(mime, bytes) => ([(header::CONTENT_TYPE, mime)], bytes).into_response(),
        Answer::Page(html) => axum::response::Html(html).into_response(),
        Answer::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(|token| token.trim().to_owned())
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn limited(mut response: Response, limit: i64, left: i64, reset: Timestamp) -> Response {
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", limit.into());
    headers.insert("x-ratelimit-remaining", left.max(0).into());
    if let Ok(reset) = HeaderValue::from_str(&reset.to_rfc3339()) {
        headers.insert("x-ratelimit-reset", reset);
    }
    response
}

fn upload(
    world: &mut super::World,
    viewer: Option<u64>,
    params: &Params,
    file: Option<Sent>,
    now: Timestamp,
) -> Response {
    let Some(by) = viewer else {
        return answer(StatusCode::UNAUTHORIZED, &json!({"error": "This method requires an authenticated user"}));
    };
    let Some(file) = file else {
        return answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": "Validation failed: File can't be blank"}));
    };
    if !["image/", "video/", "audio/"].iter().any(|kind| file.mime.starts_with(kind)) {
        return answer(
            StatusCode::UNPROCESSABLE_ENTITY,
            &json!({"error": "Validation failed: File content type is invalid"}),
        );
    }
    let id = world.id(now);
    // Pictures are ready at once, films and sounds are worked on.
    let busy = if file.mime.starts_with("image/") { 0 } else { 2 };
    let upload = Upload {
        by,
        mime: file.mime,
        bytes: file.bytes,
        description: params.one("description").unwrap_or_default().to_owned(),
        busy,
    };
    let body = super::entity::attachment(world, id, &upload);
    world.media.insert(id, upload);
    answer(if busy > 0 { StatusCode::ACCEPTED } else { StatusCode::OK }, &body)
}

/// Server-sent events for one account. Subscribed before the answer begins, so that nothing after it is missed.
fn stream(platform: &Platform, account: u64) -> Response {
    let heard = platform.stream.subscribe();
    let events = futures_util::stream::unfold(heard, move |mut heard| async move {
        loop {
            match heard.recv().await {
                Ok(event) if event.account == account => {
                    let event = Event::default().event(event.event).data(event.payload);
                    return Some((Ok::<_, Infallible>(event), heard));
                }
                Ok(_) => {}
                // A client that is too slow is cut, as Mastodon does.
                Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)).text("thump")).into_response()
}
