//! Answering: checked against claim, thread version and what the platform allows, then queued with its message in one transaction.

use serde_json::{Value, json};
use sqlx::types::Json;

use super::{Desk, DeskError, Viewer};
use crate::channels::{Allowance, Draft, ThreadRef};
use crate::model::message::{Message, ThreadRow};
use crate::model::{
    Addressed, AttachmentKind, ConversationId, DeliveryState, Direction, Extra, MessageId, MessageKind, Origin,
    OutboxId, Status, ThreadId, ThreadKind, Timestamp, UploadId,
};
use crate::store::Tx;
use crate::store::messages::{NewAttachment, Stored};
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
    /// `ClaimLost`, `ThreadMoved` (with what is new), `Refused` with `reply.*` codes; nothing is queued then.
    pub async fn reply(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        reply: &NewReply,
        key: &str,
    ) -> Result<Message, DeskError> {
        let asked = crate::secret::fingerprint(&json!([id, reply]).to_string());
        let (mut tx, mut conversation) = self.change(viewer, id).await?;
        if let Some((before, message)) = tx.idempotent(viewer.user_id, key).await? {
            drop(tx);
            if before != asked {
                return Err(DeskError::refused(
                    "idempotency.reused",
                    "this Idempotency-Key was used for something else",
                ));
            }
            return self.message(viewer, message).await;
        }
        let now = tx.now();
        let thread = tx.thread(reply.thread_id).await?.ok_or(DeskError::NotFound("thread"))?;
        if thread.conversation_id != id {
            return Err(DeskError::refused(
                "reply.thread_elsewhere",
                "this thread has gone on in another conversation; open that one",
            ));
        }
        if conversation.holder(now) != Some(viewer.user_id) || conversation.claim_token != reply.claim_token {
            return Err(DeskError::ClaimLost);
        }
        if thread.version != reply.seen_version {
            drop(tx);
            return self.refuse_moved(&thread).await;
        }
        let account = tx.account(conversation.account_id).await?.ok_or(DeskError::NotFound("account"))?;
        let parent = self.parent(&mut tx, &thread, reply.in_reply_to).await?;
        let checked = self.check(&mut tx, viewer, &account, &thread, parent.as_ref(), reply).await?;

        let message = Stored {
            id: MessageId::new(),
            conversation_id: id,
            thread_id: Some(thread.id),
            account_id: account.id,
            direction: Direction::Out,
            origin: Origin::Balie,
            kind: kind_in(thread.kind),
            external_id: None,
            identity_id: None,
            user_id: Some(viewer.user_id),
            text: checked.text,
            html: None,
            language: reply.language.clone().filter(|language| !language.is_empty()),
            content_warning: checked.content_warning,
            visibility: checked.visibility,
            url: None,
            reply_to: parent.as_ref().and_then(|parent| parent.external_id.clone()),
            reply_to_id: parent.as_ref().map(|parent| parent.id),
            meta: Json(Value::Object(serde_json::Map::new())),
            history: false,
            turn: false,
            liked: false,
            boosted: false,
            sent_at: now,
            ingested_at: now,
            edited_at: None,
            removed_at: None,
            delivery: Some(DeliveryState::Queued),
            automatic: None,
            extra: (!checked.extra.is_empty()).then_some(Json(checked.extra)),
        };
        tx.insert_message(&message).await?;
        // A colleague who claims next has to have seen this answer before adding another.
        tx.threads_moved(&[thread.id]).await?;
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
            waiting_before: conversation.waiting_since,
            status_before: conversation.status,
            created_at: now,
        })
        .await?;
        tx.remember_key(viewer.user_id, key, &asked, message.id).await?;
        tx.delete_draft(id, viewer.user_id).await?;
        tx.consume_uploads(reply.attachments.iter().map(|file| file.upload_id)).await?;

        conversation.answered(reply.then);
        conversation.status = reply.then;
        conversation.closed_at = (reply.then == Status::Closed).then_some(now);
        conversation.snoozed_until = None;
        conversation.assignee_id = conversation.assignee_id.or(Some(viewer.user_id));
        conversation.last_out_at = Some(now);
        conversation.last_message_at = now;
        conversation.lane = thread.lane;
        conversation.message_count += 1;
        conversation.snippet = super::ingest::snippet(&message.text);
        Direction::Out.as_str().clone_into(&mut conversation.last_direction);
        if reply.then != Status::Open {
            conversation.release();
        }
        tx.save_conversation(&mut conversation).await?;
        tx.commit().await?;
        self.message(viewer, message.id).await
    }

    pub(super) async fn refuse_moved<T>(&self, thread: &ThreadRow) -> Result<T, DeskError> {
        let (stored, _) = self.store.messages_of(thread.conversation_id, None, 20).await?;
        let newest = stored.into_iter().filter(|message| message.thread_id == Some(thread.id)).collect();
        Err(DeskError::ThreadMoved { version: thread.version, messages: self.store.present(newest).await? })
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
        if !matches!(reply.then, Status::Open | Status::Pending | Status::Closed) {
            return Err(DeskError::refused("reply.then", "after a reply a conversation is open, pending or closed"));
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

pub(super) const fn kind_in(thread: ThreadKind) -> MessageKind {
    match thread {
        ThreadKind::Dm => MessageKind::Dm,
        ThreadKind::Mail => MessageKind::Mail,
        ThreadKind::Chat => MessageKind::Chat,
        _ => MessageKind::Reply,
    }
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
