//! From Mastodon's posts to the desk's messages: threads, directions, people.
//!
//! Promises: pure; the same post in the same chain always becomes the same message, whichever way it came.
//! Must not: call anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::wire::{Account, Media, Status};
use crate::channels::{Author, File, Message, ThreadRef, above, html};
use crate::model::{AttachmentKind, Direction, Lane, MessageKind, ThreadKind, Timestamp};

/// The brand, as its server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    pub id: String,
    pub acct: String,
    /// The domain behind local accounts' names; may differ from the address of the API.
    pub domain: String,
}

/// From the top post down to the one that is looked at.
pub type Chain = Vec<Arc<Status>>;

/// How many posts above a message are shown besides the first of its thread.
const SHOWN_ABOVE: usize = 40;
/// The longest thread id made of names; beyond it, their hash.
const LONGEST_THREAD_ID: usize = 300;

impl Me {
    /// `user@host`, also for local accounts; lower case, because names are compared so.
    pub fn full(&self, acct: &str) -> String {
        let acct = acct.to_lowercase();
        if acct.contains('@') { acct } else { format!("{acct}@{}", self.domain.to_lowercase()) }
    }

    pub fn wrote(&self, status: &Status) -> bool {
        status.account.id.as_str() == self.id
    }

    pub fn is_named_in(&self, status: &Status) -> bool {
        status.mentions.iter().any(|mention| mention.id.as_str() == self.id)
    }

    fn author(&self, account: &Account) -> Author {
        let handle =
            if account.acct.contains('@') { account.acct.clone() } else { format!("{}@{}", account.acct, self.domain) };
        let name = account.display_name.trim();
        Author {
            external_id: self.full(&account.acct),
            name: if name.is_empty() { account.acct.clone() } else { name.to_owned() },
            handle,
            avatar_url: web(account.avatar.as_deref()),
            url: web(account.url.as_deref()),
            ..Author::default()
        }
    }

    /// Who must be named in an answer to this, as this server knows them: the author first, never ourselves.
    fn addressees(&self, status: &Status) -> Vec<(String, String)> {
        let author = (status.account.acct.clone(), status.account.id.0.clone());
        let mut seen = BTreeSet::from([self.id.clone()]);
        std::iter::once(author)
            .chain(status.mentions.iter().map(|mention| (mention.acct.clone(), mention.id.0.clone())))
            .filter(|(_, id)| seen.insert(id.clone()))
            .collect()
    }

    /// What answering and moderating this post needs.
    pub fn meta(&self, status: &Status, direction: Direction) -> Value {
        let to = self.addressees(status);
        json!({
            "id": status.id.as_str(),
            "account": status.account.id.as_str(),
            "acct": status.account.acct,
            "visibility": status.visibility,
            "spoiler": status.spoiler_text,
            "uri": status.uri,
            "to": to.iter().map(|(acct, _)| acct).collect::<Vec<_>>(),
            "to_ids": to.iter().map(|(_, id)| id).collect::<Vec<_>>(),
            "direction": direction.as_str(),
        })
    }

    /// The thread of a direct message: the others in it. `None` when there are none (a note to oneself).
    fn private_thread(&self, status: &Status) -> Option<ThreadRef> {
        let others: BTreeSet<String> = self.addressees(status).into_iter().map(|(acct, _)| self.full(&acct)).collect();
        if others.is_empty() {
            return None;
        }
        let names = others.into_iter().collect::<Vec<_>>().join(",");
        let external_id = if names.len() <= LONGEST_THREAD_ID {
            format!("dm:{names}")
        } else {
            format!("dm:#{}", URL_SAFE_NO_PAD.encode(Sha256::digest(names.as_bytes())))
        };
        Some(ThreadRef { external_id, lane: Lane::Private, kind: ThreadKind::Dm, title: None, url: None })
    }

    /// The last post of a chain as a message, and the posts above it that belong in its thread. `quoted`: it came because
    /// it quotes the brand. Nothing when it is in no thread: the brand's own post that nobody answered, a note to oneself.
    pub fn messages(&self, chain: &Chain, quoted: bool, history: impl Fn(&Status) -> bool) -> Vec<Message> {
        let Some(last) = chain.last() else { return Vec::new() };
        if last.is_direct() {
            let direction = if self.wrote(last) { Direction::Out } else { Direction::In };
            let Some(thread) = self.private_thread(last) else { return Vec::new() };
            return vec![self.message(last, thread, direction, MessageKind::Dm, history(last))];
        }
        // What is public must not drag what is private into its thread.
        let from = chain.iter().rposition(|status| status.is_direct()).map_or(0, |at| at + 1);
        let chain = &chain[from..];
        let Some(first) = chain.iter().position(|status| !self.wrote(status)) else { return Vec::new() };
        let thread = Self::public_thread(chain, first);
        let mut messages = Vec::new();
        if let Some(quote) = last.quote.as_ref().and_then(|quote| quote.quoted_status.as_deref())
            && self.wrote(quote)
            && !quote.is_direct()
        {
            messages.push(self.copy(quote, &thread));
        }
        let skip = chain.len().saturating_sub(SHOWN_ABOVE);
        let mut under_brand = false;
        for (at, status) in chain.iter().enumerate() {
            let ours = self.wrote(status);
            let shown = at >= skip || at == first;
            if at < first {
                if shown {
                    messages.push(self.copy(status, &thread));
                }
            } else if shown {
                let direction = match (ours, under_brand || self.is_named_in(status)) {
                    (true, _) => Direction::Out,
                    (false, true) => Direction::In,
                    // A quote is of the brand's post, whether or not it names the brand.
                    (false, false) if quoted && at + 1 == chain.len() => Direction::In,
                    (false, false) => Direction::Context,
                };
                let kind = if status.quote.is_some() && (quoted || self.quotes_us(status)) {
                    MessageKind::Quote
                } else if status.in_reply_to_id.is_some() {
                    MessageKind::Reply
                } else if self.is_named_in(status) {
                    MessageKind::Mention
                } else {
                    MessageKind::Post
                };
                messages.push(self.message(status, thread.clone(), direction, kind, history(status)));
            }
            under_brand |= ours;
        }
        messages
    }

    fn quotes_us(&self, status: &Status) -> bool {
        status.quote.as_ref().and_then(|quote| quote.quoted_status.as_deref()).is_some_and(|quoted| self.wrote(quoted))
    }

    fn public_thread(chain: &[Arc<Status>], first: usize) -> ThreadRef {
        let title = first.checked_sub(1).map(|lead| {
            let text = html::to_text(&chain[lead].content);
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.chars().count() > 80 { line.chars().take(79).chain(['…']).collect() } else { line }
        });
        ThreadRef {
            external_id: chain[first].id.0.clone(),
            lane: Lane::Public,
            kind: ThreadKind::Post,
            title,
            url: web(chain[first].url.as_deref()),
        }
    }

    /// The brand's post above a thread, shown in it.
    fn copy(&self, status: &Status, thread: &ThreadRef) -> Message {
        let mut copy = self.message(status, thread.clone(), Direction::Context, MessageKind::Post, true);
        copy.external_id = above(status.id.as_str(), &thread.external_id);
        // What is above it is in no thread of its own.
        copy.reply_to = None;
        copy
    }

    /// One post as a message of a thread that is known.
    pub fn message(
        &self,
        status: &Status,
        thread: ThreadRef,
        direction: Direction,
        kind: MessageKind,
        history: bool,
    ) -> Message {
        let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        Message {
            external_id: status.id.0.clone(),
            author: self.author(&status.account),
            direction,
            kind,
            text: html::to_text(&status.content),
            html: some(&html::sanitise(&status.content)),
            language: status.language.as_deref().filter(|tag| tag.len() <= 35).and_then(some),
            content_warning: some(&status.spoiler_text),
            visibility: Some(status.visibility.chars().take(40).collect()),
            sent_at: status.created_at,
            edited_at: status.edited_at,
            reply_to: status.in_reply_to_id.as_ref().map(|id| id.0.clone()),
            url: web(status.url.as_deref()).or_else(|| web(status.uri.as_deref())),
            files: status.media_attachments.iter().filter_map(file).collect(),
            history,
            meta: self.meta(status, direction),
            thread,
            ..Message::default()
        }
    }
}

/// An address that may become a link.
fn web(address: Option<&str>) -> Option<String> {
    let url: url::Url = address?.parse().ok()?;
    (matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2_000).then(|| url.into())
}

fn file(media: &Media) -> Option<File> {
    let url = web(media.url.as_deref()).or_else(|| web(media.remote_url.as_deref()))?;
    let kind = match media.kind.as_str() {
        "image" => AttachmentKind::Image,
        "video" | "gifv" => AttachmentKind::Video,
        "audio" => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    };
    let side = |name: &str| media.meta.as_ref()?["original"][name].as_i64().filter(|n| (1..=100_000).contains(n));
    let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
    Some(File {
        kind,
        mime: None,
        name: name.map(|name| name.chars().take(200).collect()),
        alt: media.description.clone().filter(|alt| !alt.is_empty()),
        size: None,
        width: side("width"),
        height: side("height"),
        url,
        ..File::default()
    })
}

/// Whether a post is from before Balie was there.
pub fn before(since: Timestamp) -> impl Fn(&Status) -> bool {
    move |status| status.created_at < since
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Me, Status};
    use crate::model::{Direction, Lane, MessageKind};

    fn me() -> Me {
        Me { id: "9".into(), acct: "merk".into(), domain: "merk.example".into() }
    }

    fn status() -> Status {
        let raw: serde_json::Value = serde_json::from_str(include_str!("fixtures/mention.json")).unwrap();
        serde_json::from_value(raw["status"].clone()).unwrap()
    }

    #[test]
    fn a_private_mention_of_the_documentation_becomes_a_private_message() {
        let messages = me().messages(&vec![Arc::new(status())], false, |_| false);
        assert_eq!(messages.len(), 1);
        let message = &messages[0];
        assert_eq!((message.direction, message.kind), (Direction::In, MessageKind::Dm));
        assert_eq!(message.thread.external_id, "dm:klant@zorgplein.example");
        assert_eq!(message.thread.lane, Lane::Private);
        assert_eq!(message.text, "@merk waar blijft mijn pakket?");
        assert_eq!(message.author.external_id, "klant@zorgplein.example");
        assert_eq!(message.language.as_deref(), Some("nl"));
        assert_eq!(message.meta["to"], serde_json::json!(["klant@zorgplein.example"]));
        let file = &message.files[0];
        assert_eq!(
            (file.alt.as_deref(), file.width, file.name.as_deref()),
            (Some("Een doos op een natte stoep"), Some(640), Some("88.png"))
        );
    }

    #[test]
    fn a_public_answer_does_not_drag_a_private_one_into_its_thread() {
        let private = Arc::new(status());
        let mut public = status();
        public.id.0 = "114100990012345679".into();
        public.visibility = "public".into();
        public.in_reply_to_id = Some(private.id.clone());
        let messages = me().messages(&vec![private, Arc::new(public)], false, |_| false);
        assert_eq!(messages.len(), 1);
        assert_eq!(
            (messages[0].thread.external_id.as_str(), messages[0].thread.lane),
            ("114100990012345679", Lane::Public)
        );
    }

    #[test]
    fn addresses_that_are_no_web_addresses_become_no_links() {
        for bad in ["javascript:alert(1)", "data:text/html,x", "/relative", ""] {
            assert_eq!(super::web(Some(bad)), None);
        }
    }
}
