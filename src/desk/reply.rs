//! Answering: checked against claim, thread version and what the platform allows, then queued with its message in one transaction.

use serde_json::{Value, json};
use sqlx::types::Json;

use super::answer::{Begun, Grounds};
use super::draft::{is_too_long, too_long};
use super::{Desk, DeskError, Viewer};
use crate::channels::{Allowance, Draft, ThreadRef};
use crate::model::message::{Message, ThreadRow};
use crate::model::{
    Addressed, AttachmentKind, ConversationId, DeliveryState, Extra, MessageId, Origin, OutboxId, Status, ThreadId,
    Timestamp, UploadId,
};
use crate::store::Tx;
use crate::store::attachments::NewAttachment;
use crate::store::messages::Stored;
use crate::store::outbox::OutboxRow;

/// More than this is a mailing.
const MOST_RECIPIENTS: usize = 100;

/// What an agent wants to say.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct NewReply {
    pub thread_id: ThreadId,
    /// The message answered; the customer's newest when left out.
    #[serde(default)]
    pub in_reply_to: Option<MessageId>,
    pub text: String,
    #[serde(default)]
    pub visibility: Option<String>,
    #[serde(default)]
    pub content_warning: Option<String>,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub attachments: Vec<ReplyFile>,
    /// Of the claim under which it was written.
    pub claim_token: i64,
    /// The thread's version that its author has seen.
    pub seen_version: i64,
    /// The conversation's `message_count` that its author has seen: it may hold other threads too. Not checked when left out.
    #[serde(default)]
    pub seen_count: Option<i64>,
    /// To whom, where the channel lets one choose; otherwise to whom the answered message came from.
    #[serde(default)]
    pub recipients: Option<Addressed>,
    /// Passes the answered message on to `recipients` instead of answering it.
    #[serde(default)]
    pub forward: bool,
    #[serde(default)]
    pub subject: Option<String>,
    /// What the conversation becomes: `open`, `pending` or `closed`.
    #[serde(default = "pending")]
    pub then: Status,
}

fn pending() -> Status {
    Status::Pending
}

/// An uploaded file and what it shows, for those who cannot see it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ReplyFile {
    pub upload_id: UploadId,
    #[serde(default)]
    pub alt: String,
}

impl ThreadRow {
    /// The thread as its channel knows it.
    pub(crate) fn as_channel_knows_it(&self) -> ThreadRef {
        ThreadRef {
            external_id: self.external_id.clone(),
            lane: self.lane,
            kind: self.kind,
            title: self.title.clone(),
            url: self.url.clone(),
        }
    }

    /// What its channel wants to know when it is asked what is allowed here: the account's facts, with the thread's memory.
    pub(crate) fn facts(&self, account: &Value) -> Value {
        let mut facts = if account.is_object() { account.clone() } else { json!({}) };
        facts["thread"] = self.memory.as_ref().map(|memory| memory.0.clone()).unwrap_or_default();
        facts
    }
}

impl Desk {
    /// Queues a reply. The same `key` again returns the message it led to before.
    ///
    /// # Errors
    /// `ClaimLost`, `ThreadMoved` and `ConversationMoved` (with what is new), `Refused` with `reply.*` codes or `text.too_long`; nothing
    /// is queued then.
    pub async fn reply(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        reply: &NewReply,
        key: &str,
    ) -> Result<Message, DeskError> {
        let grounds = Grounds {
            thread: reply.thread_id,
            claim_token: reply.claim_token,
            seen_version: reply.seen_version,
            seen_count: reply.seen_count,
            then: reply.then,
            key,
        };
        if is_too_long(&reply.text, reply.content_warning.as_deref()) {
            return Err(too_long());
        }
        let mut answering = match self.begin_answer(viewer, id, grounds, reply).await? {
            Begun::Before(message) => return Ok(*message),
            Begun::Now(answering) => answering,
        };
        let (thread, now) = (answering.thread.clone(), answering.now);
        let tx = &mut answering.tx;
        let account = tx.account(thread.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let parent = self.parent(tx, &thread, reply.in_reply_to).await?;
        let checked = self.check(tx, viewer, &account, &thread, parent.as_ref(), reply).await?;

        let message = Stored {
            text: checked.text,
            language: reply.language.clone().filter(|language| !language.is_empty()),
            content_warning: checked.content_warning,
            visibility: checked.visibility,
            reply_to: parent.as_ref().and_then(|parent| parent.external_id.clone()),
            reply_to_id: parent.as_ref().map(|parent| parent.id),
            delivery: Some(DeliveryState::Queued),
            extra: (!checked.extra.is_empty()).then_some(Json(checked.extra)),
            ..answering.message(viewer, Origin::Balie, String::new())
        };
        let tx = &mut answering.tx;
        tx.insert_message(&message).await?;
        tx.insert_attachments(message.id, &checked.files).await?;
        tx.insert_outbox(&OutboxRow {
            id: OutboxId::new(),
            message_id: message.id,
            account_id: account.id,
            thread_id: thread.id,
            state: DeliveryState::Queued,
            due_at: now,
            attempts: 0,
            doubtful: false,
            lease_owner: None,
            lease_until: Timestamp(0),
            code: None,
            cause: None,
            cure: None,
            waiting_before: answering.conversation.waiting_since,
            status_before: answering.conversation.status,
            created_at: answering.at,
        })
        .await?;
        tx.consume_uploads(reply.attachments.iter().map(|file| file.upload_id)).await?;
        answering.finish(viewer, key, &message).await?;
        self.message(viewer, message.id).await
    }

    /// The message answered: the one named, or the customer's newest in the thread.
    async fn parent(
        &self,
        tx: &mut Tx,
        thread: &ThreadRow,
        named: Option<MessageId>,
    ) -> Result<Option<Stored>, DeskError> {
        let found = match named {
            Some(id) => Some(
                tx.message(id)
                    .await?
                    .filter(|message| message.thread_id == Some(thread.id) && message.external_id.is_some())
                    .ok_or_else(|| {
                        DeskError::refused("reply.parent_unknown", "the message you answer is not in this thread")
                    })?,
            ),
            None => tx.newest_inbound(thread.id).await?,
        };
        if found.as_ref().is_some_and(|parent| parent.removed_at.is_some()) {
            return Err(DeskError::refused(
                "reply.parent_removed",
                "the message you answer was removed by its author; answer another one",
            ));
        }
        Ok(found)
    }

    async fn check(
        &self,
        tx: &mut Tx,
        viewer: &Viewer,
        account: &crate::store::accounts::Account,
        thread: &ThreadRow,
        parent: Option<&Stored>,
        reply: &NewReply,
    ) -> Result<Checked, DeskError> {
        let channel = self.connections.get(account)?;
        let known = thread.as_channel_knows_it();
        let allowance = channel.allowance(&known, &thread.facts(&account.facts));
        if channel.reply().is_none() || !allowance.may_reply {
            return Err(DeskError::Refused {
                code: "reply.not_allowed",
                detail: allowance
                    .words
                    .as_ref()
                    .map_or_else(|| "this thread cannot be answered from here".to_owned(), |words| words.en.clone()),
                extra: json!({ "reason": allowance.code, "words": allowance.words }),
            });
        }
        let text = super::ingest::clean(reply.text.trim());
        // Passing something on may go without a word.
        if text.is_empty() && reply.attachments.is_empty() && !reply.forward {
            return Err(DeskError::refused("reply.empty", "write something first"));
        }
        // A public answer to a private message would show it to everybody.
        let parents = parent.and_then(|parent| parent.visibility.clone());
        let visibility = match &reply.visibility {
            None => allowance.default_visibility.clone(),
            Some(wanted) if allowance.visibilities.contains(wanted) => Some(wanted.clone()),
            Some(wanted) => {
                return Err(DeskError::Refused {
                    code: "reply.visibility",
                    detail: format!("\"{wanted}\" is not possible in this thread"),
                    extra: json!({ "possible": allowance.visibilities }),
                });
            }
        };
        let visibility = narrower(&allowance.visibilities, visibility, parents.as_deref());
        let content_warning = reply
            .content_warning
            .as_deref()
            .map(str::trim)
            .filter(|warning| !warning.is_empty())
            .map(super::ingest::clean);
        if content_warning.is_some() && !allowance.content_warning {
            return Err(DeskError::refused("reply.content_warning", "this channel has no content warnings"));
        }
        let extra = addressing(reply, &allowance)?;
        let answered = parent.map(|parent| &parent.meta.0);
        let measure = channel.measure(
            &Draft {
                thread: &known,
                reply_to: answered,
                text: &text,
                content_warning: content_warning.as_deref(),
                visibility: visibility.as_deref(),
            },
            &account.facts,
        );
        if measure.over {
            return Err(DeskError::Refused {
                code: "reply.too_long",
                detail: format!("{} of at most {}", measure.used, measure.max),
                extra: json!({ "used": measure.used, "max": measure.max, "unit": measure.unit, "parts": measure.parts }),
            });
        }
        let limit = &allowance.attachments;
        if reply.attachments.len() as i64 > limit.max {
            return Err(DeskError::Refused {
                code: "reply.too_many_files",
                detail: format!("at most {} files", limit.max),
                extra: json!({ "max": limit.max }),
            });
        }
        let mut files = Vec::with_capacity(reply.attachments.len());
        for file in &reply.attachments {
            let upload = tx.upload(file.upload_id, viewer.user_id).await?.ok_or(DeskError::NotFound("upload"))?;
            // Only a picture needs one, and only where a description would be shown to anybody.
            if limit.alt_max > 0 && kind_of(&upload.mime) == AttachmentKind::Image && file.alt.trim().is_empty() {
                return Err(DeskError::refused("reply.alt_missing", "describe the file for those who cannot see it"));
            }
            if limit.alt_max > 0 && file.alt.chars().count() as i64 > limit.alt_max {
                return Err(DeskError::Refused {
                    code: "reply.alt_too_long",
                    detail: format!("the description may have {} characters", limit.alt_max),
                    extra: json!({ "max": limit.alt_max }),
                });
            }
            if limit.max_bytes > 0 && upload.size > limit.max_bytes {
                return Err(DeskError::Refused {
                    code: "reply.file_too_large",
                    detail: format!("{} is larger than {} bytes", upload.name, limit.max_bytes),
                    extra: json!({ "max": limit.max_bytes }),
                });
            }
            if !limit.mimes.is_empty() && !limit.mimes.contains(&upload.mime) {
                return Err(DeskError::Refused {
                    code: "reply.file_kind",
                    detail: format!("{} is of a kind ({}) that cannot be sent here", upload.name, upload.mime),
                    extra: json!({ "possible": limit.mimes }),
                });
            }
            files.push(NewAttachment {
                kind: kind_of(&upload.mime),
                remote_url: None,
                mime: Some(upload.mime),
                name: Some(upload.name),
                alt: Some(file.alt.trim().to_owned()),
                size: Some(upload.size),
                width: None,
                height: None,
                hash: Some(upload.hash),
                content_id: None,
            });
        }
        Ok(Checked { text, visibility, content_warning, files, extra })
    }
}

/// To whom it goes and under which subject, where the channel leaves that to its writer.
fn addressing(reply: &NewReply, allowance: &Allowance) -> Result<Extra, DeskError> {
    let subject = reply.subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty());
    let chosen = reply.recipients.is_some() || reply.forward || subject.is_some();
    if chosen && !allowance.recipients {
        return Err(DeskError::refused("reply.recipients", "in this channel an answer goes to whom it answers"));
    }
    if reply.forward && reply.in_reply_to.is_none() {
        return Err(DeskError::refused("reply.forward", "say which message is to be passed on"));
    }
    if let Some(recipients) = &reply.recipients {
        let all = || recipients.to.iter().chain(&recipients.cc).chain(&recipients.bcc);
        if recipients.to.is_empty() {
            return Err(DeskError::refused("reply.recipient_missing", "say to whom it goes"));
        }
        if all().count() > MOST_RECIPIENTS {
            return Err(DeskError::refused("reply.too_many_recipients", "at most 100 people can be addressed at once"));
        }
        if let Some(wrong) = all().find(|mailbox| !is_address(&mailbox.address)) {
            return Err(DeskError::Refused {
                code: "reply.recipient",
                detail: format!("\"{}\" is not an address", wrong.address),
                extra: json!({ "address": wrong.address }),
            });
        }
    } else if reply.forward {
        return Err(DeskError::refused("reply.recipient_missing", "say to whom it goes"));
    }
    let one_line = |text: &str| text.split(char::is_control).collect::<Vec<_>>().join(" ").chars().take(500).collect();
    Ok(Extra {
        subject: subject.map(one_line),
        forward: reply.forward,
        addressed: reply.recipients.clone(),
        ..Extra::default()
    })
}

/// Whether somebody could be written to there. The server that takes it has the last word.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !domain.is_empty()
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'))
}

/// What passed the checks.
struct Checked {
    text: String,
    visibility: Option<String>,
    content_warning: Option<String>,
    files: Vec<NewAttachment>,
    extra: Extra,
}

/// Visibilities come widest first; an answer is never wider than what it answers.
fn narrower(possible: &[String], wanted: Option<String>, parent: Option<&str>) -> Option<String> {
    let rank = |visibility: &str| possible.iter().position(|one| one == visibility);
    match (wanted.as_deref().and_then(rank), parent.and_then(rank)) {
        (Some(mine), Some(theirs)) if theirs > mine => possible.get(theirs).cloned(),
        _ => wanted,
    }
}

pub(super) fn kind_of(mime: &str) -> AttachmentKind {
    match mime.split('/').next() {
        Some("image") => AttachmentKind::Image,
        Some("video") => AttachmentKind::Video,
        Some("audio") => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    }
}

#[cfg(test)]
mod tests {
    use super::narrower;

    #[test]
    fn an_answer_is_never_wider_than_what_it_answers() {
        let possible: Vec<String> = ["public", "unlisted", "private", "direct"].map(str::to_owned).to_vec();
        let pick = |wanted: &str, parent| narrower(&possible, Some(wanted.to_owned()), parent);
        assert_eq!(pick("public", Some("private")).as_deref(), Some("private"));
        assert_eq!(pick("direct", Some("public")).as_deref(), Some("direct"));
        assert_eq!(pick("unlisted", None).as_deref(), Some("unlisted"));
        assert_eq!(narrower(&[], None, Some("public")), None);
    }
}
