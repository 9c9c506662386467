//! Answering: the right people named, never wider than what is answered, never twice.
//!
//! The server keeps an `Idempotency-Key` for one hour per account and answers a repeat with the first post (server source,
//! `PostStatusService`, 2026-08). Inside that hour a repeat is safe; after it, our own posts are searched first.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{self, Posting};
use super::convert::Me;
use super::recheck::status_id;
use super::wire::{Id, Status};
use super::{Mastodon, is_gone, length, rejected};
use crate::channels::{ChannelError, Class, OutFile, Outgoing, Reply, Sent, html};
use crate::model::{Direction, Lane};

/// Widest first.
pub const VISIBILITIES: [&str; 4] = ["public", "unlisted", "private", "direct"];
/// For how long a repeat with the same key is surely the same post; the server's hour starts later than our clock.
const KEY_LIFE: Duration = Duration::from_secs(55 * 60);
/// How far the server's clock may be behind ours.
const SKEW: Duration = Duration::from_secs(120);
/// How often a file that is being processed is asked after, and how long between.
const FILE_TRIES: u32 = 60;
const FILE_PAUSE: Duration = Duration::from_secs(1);
/// How many pages of our own posts are searched for an earlier attempt.
const SEARCH_PAGES: usize = 10;

/// An unknown word is some server's own idea of followers or less: nothing public.
fn rank(visibility: &str) -> usize {
    VISIBILITIES.iter().position(|word| *word == visibility).unwrap_or(2)
}

#[derive(Deserialize)]
struct Uploaded {
    id: Id,
    #[serde(default)]
    url: Option<String>,
}

/// A post as it will be sent.
struct Prepared {
    text: String,
    visibility: &'static str,
    in_reply_to: Option<Id>,
    allowed: Option<Vec<String>>,
}

#[async_trait]
impl Reply for Mastodon {
    async fn deliver(&self, outgoing: &Outgoing) -> Result<Sent, ChannelError> {
        let me = self.me().await?;
        let prepared = self.prepare(&me, outgoing).await?;
        if self.age(outgoing) > KEY_LIFE
            && let Some(sent) = self.search(&me, outgoing, &prepared).await?
        {
            return Ok(sent);
        }
        let mut files = Vec::new();
        for file in &outgoing.files {
            files.push(self.upload(file).await?.0);
        }
        let mut body = json!({"status": prepared.text, "visibility": prepared.visibility});
        if let Some(id) = &prepared.in_reply_to {
            body["in_reply_to_id"] = id.as_str().into();
        }
        if let Some(warning) = outgoing.content_warning.as_deref().filter(|warning| !warning.trim().is_empty()) {
            body["spoiler_text"] = warning.into();
        }
        if let Some(language) = &outgoing.language {
            body["language"] = language.as_str().into();
        }
        if !files.is_empty() {
            body["media_ids"] = files.into();
        }
        if let Some(allowed) = prepared.allowed {
            body["allowed_mentions"] = allowed.into();
        }
        let request = self
            .api
            .request(Method::POST, &["api", "v1", "statuses"])
            .await?
            .header("Idempotency-Key", outgoing.key.to_string())
            .json(&body);
        let status: Status = match api::post(&self.api, request).await {
            Ok(answer) => match api::read(&answer) {
                Ok(status) => status,
                Err(_) => return Err(self.unclear(outgoing, "the server's answer cannot be read")),
            },
            Err(Posting::NotSent(error)) => return Err(error),
            Err(Posting::Refused(error)) => return Err(refused(error)),
            Err(Posting::Unclear(why)) => return Err(self.unclear(outgoing, &why)),
        };
        Ok(sent(&me, &status))
    }

    async fn find(&self, outgoing: &Outgoing) -> Result<Option<Sent>, ChannelError> {
        let me = self.me().await?;
        let prepared = self.prepare(&me, outgoing).await?;
        self.search(&me, outgoing, &prepared).await
    }
}

impl Mastodon {
    fn age(&self, outgoing: &Outgoing) -> Duration {
        self.api.context.clock.now().since(outgoing.written_at)
    }

    /// What an answer that got lost means. Inside the hour a repeat with the same key gives the post that may be there
    /// already, so that trying again is right; later nobody knows, and `deliver` looks before it posts.
    fn unclear(&self, outgoing: &Outgoing, why: &str) -> ChannelError {
        if self.age(outgoing) <= KEY_LIFE { ChannelError::transient(why) } else { ChannelError::uncertain(why) }
    }

    async fn prepare(&self, me: &Me, outgoing: &Outgoing) -> Result<Prepared, ChannelError> {
        let meta = outgoing.reply_to.as_ref().map(|(_, meta)| meta);
        let private = outgoing.thread.lane == Lane::Private;
        let in_reply_to = match &outgoing.reply_to {
            Some((external_id, meta)) => status_id(external_id, meta),
            // The thread is named by the post that began it.
            None if !private => Id::new(&outgoing.thread.external_id),
            None => None,
        };
        let answered =
            if private { "direct" } else { meta.and_then(|meta| meta["visibility"].as_str()).unwrap_or("public") };
        // Webcare talks beside the timeline, not in it, unless somebody chooses otherwise.
        let usual = rank(answered).max(rank("unlisted"));
        let wanted = match outgoing.visibility.as_deref() {
            Some(word) => VISIBILITIES.iter().position(|known| *known == word).ok_or_else(|| {
                rejected(
                    "reply.visibility_unknown",
                    ("Mastodon does not know this visibility.", "Mastodon kent deze zichtbaarheid niet."),
                    ("Choose another.", "Kies een andere."),
                )
            })?,
            None => usual,
        };
        if wanted < rank(answered) {
            return Err(rejected(
                "reply.wider_visibility",
                (
                    "The answer would be seen by more people than the message it answers.",
                    "Het antwoord zou door meer mensen te zien zijn dan het bericht waarop het antwoordt.",
                ),
                ("Choose the same visibility or a narrower one.", "Kies dezelfde zichtbaarheid of een beperktere."),
            ));
        }
        let to = length::addressees(meta, &outgoing.thread);
        let direct = wanted == rank("direct");
        if direct {
            let stranger = length::named(&outgoing.text).into_iter().find(|name| {
                !to.iter().any(|acct| length::means(name, acct, &me.domain))
                    && !length::means(name, &me.acct, &me.domain)
            });
            if let Some(stranger) = stranger {
                return Err(rejected(
                    "reply.names_stranger",
                    (
                        &format!("Naming @{stranger} would show this private message to somebody who is not in it."),
                        &format!(
                            "Door @{stranger} te noemen zou dit privébericht zichtbaar worden voor iemand die er niet bij hoort."
                        ),
                    ),
                    ("Leave the @ out.", "Laat de @ weg."),
                ));
            }
        }
        let text = length::with_names(&outgoing.text, &to, &me.domain);
        self.check_length(outgoing, &text).await?;
        let allowed = if direct { Some(self.allowed(meta, &to).await?) } else { None };
        Ok(Prepared { text, visibility: VISIBILITIES[wanted], in_reply_to, allowed })
    }

    /// Refuses before the server does: some cut instead.
    async fn check_length(&self, outgoing: &Outgoing, text: &str) -> Result<(), ChannelError> {
        let instance = self.limits().await?;
        let limits = &instance["configuration"]["statuses"];
        let max = limits["max_characters"].as_u64().unwrap_or(length::DEFAULT_MAX as u64) as usize;
        let url = limits["characters_reserved_per_url"].as_u64().unwrap_or(23) as usize;
        let used =
            length::count(text, url) + length::count(outgoing.content_warning.as_deref().unwrap_or_default(), url);
        if used <= max {
            return Ok(());
        }
        Err(rejected(
            "reply.too_long",
            (
                &format!("The message is too long: {used} characters with the names it needs, {max} are allowed."),
                &format!("Het bericht is te lang: {used} tekens met de namen die erbij horen, {max} mag."),
            ),
            ("Shorten it or send it in parts.", "Kort het in of verstuur het in delen."),
        ))
    }

    /// The ids of everybody who may be named in a private message: the server refuses the others.
    async fn allowed(&self, meta: Option<&Value>, to: &[String]) -> Result<Vec<String>, ChannelError> {
        if let Some(ids) = meta.and_then(|meta| meta["to_ids"].as_array()) {
            return Ok(ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect());
        }
        let mut ids = Vec::new();
        for acct in to {
            ids.push(self.account(acct, &Value::Null).await?.0);
        }
        Ok(ids)
    }

    /// Uploads a file and waits until it may be used.
    async fn upload(&self, file: &OutFile) -> Result<Id, ChannelError> {
        let part = Part::stream_with_length(file.bytes.clone(), file.bytes.len() as u64).file_name(file.name.clone());
        let part = part
            .mime_str(&file.mime)
            .map_err(|_| ChannelError::rejected("reply.file_type", format!("{} is no file type.", file.mime)))?;
        let form = Form::new().text("description", file.alt.clone()).part("file", part);
        // A file that was uploaded twice is in no post; the server sweeps it away.
        let answer = self
            .api
            .ask(self.api.request(Method::POST, &["api", "v2", "media"]).await?.multipart(form))
            .await
            .map_err(of_file)?;
        let mut uploaded: Uploaded = api::read(&answer)?;
        let mut ready = answer.status.as_u16() != 202 && uploaded.url.is_some();
        for _ in 0..FILE_TRIES {
            if ready {
                return Ok(uploaded.id);
            }
            tokio::time::sleep(FILE_PAUSE).await;
            let request = self.api.request(Method::GET, &["api", "v1", "media", uploaded.id.as_str()]).await?;
            let answer = self.api.ask(request).await.map_err(of_file)?;
            ready = answer.status.as_u16() == 200;
            if ready {
                uploaded = api::read(&answer)?;
            }
        }
        Err(ChannelError::transient("the server is still processing a file"))
    }

    /// Looks for an earlier attempt among our own posts: the same answer to the same post, since it was written.
    async fn search(&self, me: &Me, outgoing: &Outgoing, prepared: &Prepared) -> Result<Option<Sent>, ChannelError> {
        let since = outgoing.written_at.minus(SKEW);
        let mut back: Option<String> = None;
        for _ in 0..SEARCH_PAGES {
            let mut query = vec![("limit", "40"), ("exclude_reblogs", "true")];
            query.extend(back.as_deref().map(|back| ("max_id", back)));
            let page: Vec<Value> =
                self.api.get(&["api", "v1", "accounts", &me.id, "statuses"], &query).await.map_err(api::of_feed)?;
            let page: Vec<Status> = page.into_iter().filter_map(|raw| serde_json::from_value(raw).ok()).collect();
            for status in page.iter().filter(|status| status.created_at >= since) {
                if status.in_reply_to_id == prepared.in_reply_to
                    && status.visibility == prepared.visibility
                    && self.says(status, outgoing, prepared).await?
                {
                    return Ok(Some(sent(me, status)));
                }
            }
            match page.last() {
                Some(last) if last.created_at >= since => back = Some(last.id.0.clone()),
                _ => return Ok(None),
            }
        }
        Err(ChannelError::uncertain("too many posts since to look through"))
    }

    /// Whether a post of ours says what is to be sent.
    async fn says(&self, status: &Status, outgoing: &Outgoing, prepared: &Prepared) -> Result<bool, ChannelError> {
        if status.spoiler_text.trim() != outgoing.content_warning.as_deref().unwrap_or_default().trim() {
            return Ok(false);
        }
        match self.api.get::<Value>(&["api", "v1", "statuses", status.id.as_str(), "source"], &[]).await {
            Ok(source) => Ok(source["text"].as_str().is_some_and(|text| squeeze(text) == squeeze(&prepared.text))),
            // Servers without the source: compare what is read of it, which has no hosts behind names.
            Err(error) if is_gone(&error) || error.class == Class::Rejected => {
                Ok(bare(&html::to_text(&status.content)) == bare(&prepared.text))
            }
            Err(error) => Err(error),
        }
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without hosts behind names and without addresses, which are shown shortened.
fn bare(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.contains("://") && !word.contains('…'));
    words
        .map(|word| match word.strip_prefix('@') {
            Some(name) => format!("@{}", name.split('@').next().unwrap_or_default()),
            None => word.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn sent(me: &Me, status: &Status) -> Sent {
    Sent {
        external_id: status.id.0.clone(),
        url: status.url.clone().or_else(|| status.uri.clone()),
        at: Some(status.created_at),
        meta: me.meta(status, Direction::Out),
    }
}

/// A refusal to post, in words about a message.
fn refused(error: ChannelError) -> ChannelError {
    if !is_gone(&error) {
        return error;
    }
    rejected(
        "reply.parent_gone",
        (
            "The message you answer was removed, or is no longer visible to the account.",
            "Het bericht waarop je antwoordt is verwijderd, of niet meer zichtbaar voor het account.",
        ),
        (
            "Send a new message that names the customer instead.",
            "Stuur in plaats daarvan een nieuw bericht waarin je de klant noemt.",
        ),
    )
}

fn of_file(error: ChannelError) -> ChannelError {
    if error.class != Class::Rejected {
        return error;
    }
    ChannelError { code: "reply.file_refused".to_owned(), ..error }
}
