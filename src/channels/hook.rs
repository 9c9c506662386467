//! A platform, or somebody's browser, calls us: what came, and what it hears.
//!
//! Promises: what is answered is never taken for a page of ours unless the channel says so; a channel hears who asked, so
//! that it can count.
//! Must not: know a route.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method};
use serde_json::Value;

use super::Batch;

/// One call as it came, already whole and not larger than the door takes.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    /// `GET`, `POST` or `OPTIONS`.
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    /// Without the question mark.
    pub query: &'a str,
    /// The raw bytes: what is signed.
    pub body: &'a [u8],
    /// The account's secrets, opened.
    pub secrets: &'a Value,
    /// Who calls, as near as is known; for counting, never for trusting.
    pub from: IpAddr,
}

impl Hook<'_> {
    /// A header as text; `None` when it is missing, doubled or no text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let first = all.next()?.to_str().ok()?;
        if all.next().is_some() { None } else { Some(first) }
    }

    /// A parameter of the query, decoded.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// What a call turned into.
#[derive(Debug, Default)]
pub struct Pushed {
    /// Taken in before anything is answered.
    pub batch: Batch,
    /// What the caller hears then; `None` is 204.
    pub answer: Option<HookAnswer>,
}

/// An answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    /// 202 and what became of the batch's messages:
    /// `{"messages": [{"external_id", "id", "thread_id", "duplicate"}]}`; an `id` of `null` was held back or is no conversation.
    Outcome,
    /// Exactly this.
    Exactly { status: u16, mime: &'static str, headers: Vec<(&'static str, String)>, body: String },
}

impl HookAnswer {
    /// 200 and a plain text: what a platform wants to hear in a handshake. It may be of the platform's choosing.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self::Exactly { status: 200, mime: "text/plain; charset=utf-8", headers: Vec::new(), body: body.into() }
    }

    /// A status with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::Exactly { status, mime: "application/json", headers: Vec::new(), body: body.to_string() }
    }

    /// With one more header. Nothing changes for `Outcome`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Exactly { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Hook;
    use axum::http::{HeaderMap, HeaderValue, Method};

    #[test]
    fn a_header_that_is_there_twice_is_not_believed() {
        let mut headers = HeaderMap::new();
        headers.append("webhook-id", HeaderValue::from_static("m-1"));
        let read = |headers: &HeaderMap| {
            let hook = Hook {
                method: &Method::POST,
                headers,
                query: "key=a%20b&key=c",
                body: b"",
                secrets: &serde_json::Value::Null,
                from: std::net::IpAddr::from([127, 0, 0, 1]),
            };
            assert_eq!(hook.param("key").as_deref(), Some("a b"));
            hook.header("webhook-id").map(str::to_owned)
        };
        assert_eq!(read(&headers).as_deref(), Some("m-1"));
        headers.append("webhook-id", HeaderValue::from_static("m-2"));
        assert_eq!(read(&headers), None);
    }
}
