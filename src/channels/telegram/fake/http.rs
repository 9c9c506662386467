//! The played platform on HTTP: reading parameters in every form clients send them, answering in the platform's envelope.

use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::world::{Done, Refusal, no};
use super::{Platform, methods, play};

pub fn router(platform: Platform) -> Router {
    Router::new().fallback(handle).with_state(platform)
}

/// What a client sent along, from query, form, multipart or JSON alike. Nested values come as JSON or as text with JSON in it.
#[derive(Clone, Debug, Default)]
pub struct Params {
    pub fields: Map<String, Value>,
    pub files: HashMap<String, Upload>,
}

/// A file sent along.
#[derive(Clone, Debug)]
pub struct Upload {
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
}

impl Params {
    fn add(&mut self, pairs: impl IntoIterator<Item = (String, String)>) {
        self.fields.extend(pairs.into_iter().map(|(key, value)| (key, Value::String(value))));
    }

    /// A text, also when it was sent as a number.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }

    pub fn yes(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| matches!(value.as_str(), "true" | "True" | "1"))
    }

    /// A nested value; `Null` when it was not sent.
    pub fn json(&self, name: &str) -> Value {
        match self.fields.get(name) {
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
            Some(other) => other.clone(),
            None => Value::Null,
        }
    }
}

async fn read(request: Request) -> Result<Params, Refusal> {
    let broken = |_| no(400, "Bad Request: can't parse the request");
    let mut params = Params::default();
    params.add(url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned());
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    if kind.starts_with("multipart/") {
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| no(400, "Bad Request: wrong form"))?;
        while let Some(field) = form.next_field().await.map_err(|_| no(400, "Bad Request: wrong form"))? {
            let name = field.name().unwrap_or_default().to_owned();
            if let Some(file) = field.file_name().map(str::to_owned) {
                let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
                let bytes = field.bytes().await.map_err(|_| no(413, "Request Entity Too Large"))?;
                params.files.insert(name, Upload { name: file, mime, bytes });
            } else {
                let text = field.text().await.map_err(|_| no(400, "Bad Request: wrong form"))?;
                params.add([(name, text)]);
            }
        }
        return Ok(params);
    }
    let body =
        axum::body::to_bytes(request.into_body(), 64 << 20).await.map_err(|_| no(413, "Request Entity Too Large"))?;
    if kind.starts_with("application/json") && !body.is_empty() {
        if let Value::Object(fields) = serde_json::from_slice(&body).map_err(broken)? {
            params.fields.extend(fields);
        }
    } else {
        params.add(url::form_urlencoded::parse(&body).into_owned());
    }
    Ok(params)
}

async fn handle(State(platform): State<Platform>, request: Request) -> Response {
    // Some clients write the colon of the token by its number.
    let path = request.uri().path().replace("%3A", ":").replace("%3a", ":");
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["_play", verb] => {
            let verb = (*verb).to_owned();
            let params = match read(request).await {
                Ok(params) => params,
                Err(refusal) => return envelope(Err(refusal)),
            };
            match play::act(&platform, &verb, &Value::Object(params.fields)) {
                Ok(done) => json_answer(StatusCode::OK, &done),
                Err(why) => json_answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": why})),
            }
        }
        ["file", bot, path @ ..] => file(&platform, bot, &path.join("/")),
        [bot, method] if bot.starts_with("bot") => {
            let (bot, method) = ((*bot).to_owned(), (*method).to_lowercase());
            let params = read(request).await;
            let answer = match (check(&platform, &bot), params) {
                (Err(refusal), _) | (_, Err(refusal)) => Err(refusal),
                (Ok(()), Ok(params)) => methods::call(&platform, &method, params).await,
            };
            envelope(answer)
        }
        _ => envelope(Err(no(404, "Not Found"))),
    }
}

/// A token that could be one but is not known is unauthorized; anything else is no address at all.
fn check(platform: &Platform, bot: &str) -> Result<(), Refusal> {
    let token = bot.strip_prefix("bot").unwrap_or_default();
    if platform.world().token == token {
        return Ok(());
    }
    let shaped = token
        .split_once(':')
        .is_some_and(|(id, rest)| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) && rest.len() >= 35);
    Err(if shaped { no(401, "Unauthorized") } else { no(404, "Not Found") })
}

fn file(platform: &Platform, bot: &str, path: &str) -> Response {
    if let Err(refusal) = check(platform, bot) {
        return envelope(Err(refusal));
    }
    let world = platform.world();
    let kept = world.files.iter().find(|(id, kept)| methods::file_path(id, kept) == path).map(|(_, kept)| kept);
    let Some(kept) = kept else { return envelope(Err(no(404, "Not Found"))) };
    let mut response = Response::new(Body::from(kept.bytes.clone()));
    // The platform serves every file as this, whatever it is.
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

fn envelope(answer: Done) -> Response {
    match answer {
        Ok(result) => json_answer(StatusCode::OK, &json!({"ok": true, "result": result})),
        Err(refusal) => {
            let mut body = json!({"ok": false, "error_code": refusal.code, "description": refusal.description});
            let wait = refusal.parameters.as_ref().and_then(|parameters| parameters["retry_after"].as_i64());
            if let Some(parameters) = refusal.parameters {
                body["parameters"] = parameters;
            }
            let mut response =
                json_answer(StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::BAD_REQUEST), &body);
            if let Some(wait) = wait {
                response.headers_mut().insert(header::RETRY_AFTER, wait.into());
            }
            response
        }
    }
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
