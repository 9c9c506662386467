//! What is done to one message, and what is asked about a text before it becomes one.

use axum::extract::State;
use serde::Deserialize;

use crate::channels::{Action, Measure};
use crate::desk::settle::Verdict;
use crate::desk::view::Message;
use crate::http::Web;
use crate::http::error::{Answer, Json, Path, Problem};
use crate::http::session::Signed;
use crate::model::{MessageId, ThreadId};

/// What to do to a message or its author, on the platform.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Moderation {
    action: Action,
    /// Needed to delete, mute, block and report; kept in the log.
    reason: Option<String>,
}

/// Like, boost, delete our own, mute, block, report
#[utoipa::path(post, path = "/api/messages/{id}/actions", tag = "messages", params(("id" = MessageId, Path)), request_body = Moderation, responses(
    (status = 200, body = Message), (status = 422, description = "`moderate.reason`, `moderate.not_possible`, or the platform's own refusal", body = Problem, content_type = "application/problem+json"),
    (status = 502, description = "The platform did not answer; nothing is known to have happened", body = Problem, content_type = "application/problem+json"),
))]
pub async fn act(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<MessageId>,
    Json(given): Json<Moderation>,
) -> Answer<Json<Message>> {
    Ok(Json(web.desk.moderate(&signed.viewer(), id, given.action, given.reason.as_deref()).await?))
}

/// What a person decided about a delivery that nobody else can decide about.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Resolution {
    #[serde(rename = "as")]
    verdict: Verdict,
}

/// Settle an uncertain or refused delivery
#[utoipa::path(post, path = "/api/messages/{id}/resolve", tag = "messages", params(("id" = MessageId, Path)), request_body = Resolution, responses((status = 200, body = Message), (status = 409, description = "`claim.held`", body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn resolve(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<MessageId>,
    Json(given): Json<Resolution>,
) -> Answer<Json<Message>> {
    Ok(Json(web.desk.resolve(&signed.viewer(), id, given.verdict).await?))
}

/// A text in the making.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Text {
    text: String,
    /// The message answered: whom it must name may count.
    in_reply_to: Option<MessageId>,
    content_warning: Option<String>,
    visibility: Option<String>,
}

/// Count a text as the thread's platform counts it
#[utoipa::path(post, path = "/api/threads/{id}/measure", tag = "messages", params(("id" = ThreadId, Path)), request_body = Text, responses((status = 200, body = Measure), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn measure(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ThreadId>,
    Json(given): Json<Text>,
) -> Answer<Json<Measure>> {
    let measured = web
        .desk
        .measure(
            &signed.viewer(),
            id,
            given.in_reply_to,
            &given.text,
            given.content_warning.as_deref(),
            given.visibility.as_deref(),
        )
        .await?;
    Ok(Json(measured))
}
