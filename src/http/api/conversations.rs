//! Conversations: listed, opened, claimed, answered, noted, assigned, labelled, moved.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};

use crate::desk::claim::Claim;
use crate::desk::draft::DraftBody;
use crate::desk::elsewhere::AnsweredElsewhere;
use crate::desk::open::Counts;
use crate::desk::reply::NewReply;
use crate::desk::view::{Conversation, ConversationRow, Message, Messages};
use crate::http::Web;
use crate::http::error::{Answer, ApiError, Json, Path, Problem, Query};
use crate::http::session::Signed;
use crate::live::ViewerHere;
use crate::model::{AccountId, ContactId, ConversationId, Lane, Priority, Status, TagId, TeamId, Timestamp, UserId};
use crate::store::list::{Assignee, Filter, Seek};

/// What to list. What is left out does not narrow.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    #[serde(default, deserialize_with = "lenient")]
    status: Option<Status>,
    /// `me`, `none` or the id of a colleague.
    assignee: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    team: Option<TeamId>,
    #[serde(default, deserialize_with = "lenient")]
    tag: Option<TagId>,
    /// A channel's key.
    channel: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    account: Option<AccountId>,
    #[serde(default, deserialize_with = "lenient")]
    lane: Option<Lane>,
    #[serde(default, deserialize_with = "lenient")]
    contact: Option<ContactId>,
    /// Only those with an outbound message that was refused or is uncertain.
    #[serde(default, deserialize_with = "lenient")]
    problem: Option<bool>,
    /// Words that must occur in one of its messages.
    q: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200, 50 when left out.
    #[serde(default, deserialize_with = "lenient")]
    limit: Option<i64>,
}

/// An empty value (`?team=`) is none.
fn lenient<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    match Option::<String>::deserialize(from)?.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

/// A page of conversations.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ConversationPage {
    items: Vec<ConversationRow>,
    /// Asks for the next page.
    next: Option<String>,
}

fn full(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// List conversations, in the order in which they are served (open) or newest first (others)
#[utoipa::path(get, path = "/api/conversations", tag = "conversations", params(ListQuery), responses(
    (status = 200, body = ConversationPage), (status = 400, description = "`query.invalid`, `cursor.wrong`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn list(
    State(web): State<Web>,
    signed: Signed,
    Query(query): Query<ListQuery>,
) -> Answer<Json<ConversationPage>> {
    let assignee =
        match full(query.assignee).as_deref() {
            None => None,
            Some("me") => Some(Assignee::User(signed.id())),
            Some("none") => Some(Assignee::Nobody),
            Some(id) => Some(Assignee::User(id.parse().map_err(|_| {
                ApiError::bad_request("query.invalid", "assignee is me, none or the id of a colleague")
            })?)),
        };
    let after = full(query.cursor).map(|cursor| read_cursor(&cursor)).transpose()?;
    let contacts = match query.contact {
        Some(contact) => Some(web.desk.same_person(contact).await?),
        None => None,
    };
    let filter = Filter {
        status: query.status,
        assignee,
        team: query.team,
        tag: query.tag,
        channel: full(query.channel),
        account: query.account,
        lane: query.lane,
        contacts,
        words: full(query.q),
        visible: None,
        delivery_problem: query.problem.unwrap_or(false),
    };
    let page = web.desk.list(&signed.viewer(), filter, after, query.limit.unwrap_or(50)).await?;
    Ok(Json(ConversationPage { items: page.items, next: page.next.map(|seek| format!("{}.{}", seek.key, seek.id)) }))
}

fn read_cursor(text: &str) -> Answer<Seek> {
    text.split_once('.')
        .and_then(|(key, id)| Some(Seek { key: key.parse().ok()?, id: id.parse().ok()? }))
        .ok_or_else(|| ApiError::bad_request("cursor.wrong", "This cursor is not from here."))
}

/// The counters of the rail
#[utoipa::path(get, path = "/api/conversations/counts", tag = "conversations", responses((status = 200, body = Counts)))]
pub async fn counts(State(web): State<Web>, signed: Signed) -> Answer<Json<Counts>> {
    Ok(Json(web.desk.counts(&signed.viewer()).await?))
}

/// A conversation, opened, with who else looks at it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct OpenConversation {
    #[serde(flatten)]
    conversation: Conversation,
    /// Who has it on a screen now.
    viewers: Vec<ViewerHere>,
}

/// Open a conversation
#[utoipa::path(get, path = "/api/conversations/{id}", tag = "conversations", params(("id" = ConversationId, Path)), responses((status = 200, body = OpenConversation), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn open(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
) -> Answer<Json<OpenConversation>> {
    let conversation = web.desk.open(&signed.viewer(), id).await?;
    Ok(Json(OpenConversation { conversation, viewers: web.hub.presence().viewers(id) }))
}

/// Which page of messages.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EarlierQuery {
    /// `earlier` of the conversation or of the page before.
    before: String,
}

/// Older messages
#[utoipa::path(get, path = "/api/conversations/{id}/messages", tag = "conversations", params(("id" = ConversationId, Path), EarlierQuery), responses((status = 200, body = Messages), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn messages(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    Query(query): Query<EarlierQuery>,
) -> Answer<Json<Messages>> {
    Ok(Json(web.desk.earlier(&signed.viewer(), id, &query.before).await?))
}

/// A conversation to work on.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NextUp {
    conversation_id: ConversationId,
    claim: Claim,
}

/// Claim the conversation that waits longest and nobody holds
#[utoipa::path(post, path = "/api/conversations/next", tag = "conversations", responses((status = 200, body = NextUp), (status = 204, description = "Nothing waits")))]
pub async fn next(State(web): State<Web>, signed: Signed) -> Answer<Response> {
    Ok(match web.desk.claim_next(&signed.viewer()).await? {
        Some((conversation_id, claim)) => Json(NextUp { conversation_id, claim }).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Claim a conversation, or renew one's claim
#[utoipa::path(post, path = "/api/conversations/{id}/claim", tag = "conversations", params(("id" = ConversationId, Path)), responses(
    (status = 200, body = Claim), (status = 409, description = "`claim.held` with `holder` and `until`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn claim(State(web): State<Web>, signed: Signed, Path(id): Path<ConversationId>) -> Answer<Json<Claim>> {
    Ok(Json(web.desk.claim(&signed.viewer(), id).await?))
}

/// Give a claim back (a supervisor: anybody's)
#[utoipa::path(delete, path = "/api/conversations/{id}/claim", tag = "conversations", params(("id" = ConversationId, Path)), responses((status = 204), (status = 409, description = "`claim.held`", body = Problem, content_type = "application/problem+json")))]
pub async fn release(State(web): State<Web>, signed: Signed, Path(id): Path<ConversationId>) -> Answer<StatusCode> {
    web.desk.release(&signed.viewer(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answer. The same `Idempotency-Key` again gives the same message and sends nothing twice
#[utoipa::path(post, path = "/api/conversations/{id}/replies", tag = "conversations", params(("id" = ConversationId, Path), ("Idempotency-Key" = String, Header)), request_body = NewReply, responses(
    (status = 201, body = Message),
    (status = 409, description = "`claim.lost`; `thread.moved` with `thread_version` and `messages`: the text is kept by the page, nothing was sent; `conversation.moved` with `message_count` and `messages`: the same, of another thread", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`reply.too_long` with `used`, `max`, `unit`, `parts`; `reply.empty`; `reply.closed_window`; `reply.alt_missing`; `text.too_long`; …", body = Problem, content_type = "application/problem+json"),
))]
pub async fn reply(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Json(reply): Json<NewReply>,
) -> Answer<(StatusCode, Json<Message>)> {
    let key = idempotency_key(&headers)?;
    Ok((StatusCode::CREATED, Json(web.desk.reply(&signed.viewer(), id, &reply, key).await?)))
}

/// The key under which a repeated request is the same request.
///
/// # Errors
/// `idempotency.missing`.
pub fn idempotency_key(headers: &HeaderMap) -> Answer<&str> {
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|key| !key.is_empty() && key.len() <= 200);
    key.ok_or_else(|| {
        ApiError::bad_request(
            "idempotency.missing",
            "This needs an Idempotency-Key header of 1 to 200 characters, so that a repeated request happens once.",
        )
    })
}

/// Write down that it was answered outside of Balie, where it cannot be answered from here. The same `Idempotency-Key` again
/// gives the same message
#[utoipa::path(post, path = "/api/conversations/{id}/elsewhere", tag = "conversations", params(("id" = ConversationId, Path), ("Idempotency-Key" = String, Header)), request_body = AnsweredElsewhere, responses(
    (status = 201, body = Message),
    (status = 409, description = "`claim.lost`; `thread.moved` with `thread_version` and `messages`; `conversation.moved` with `message_count` and `messages`", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`elsewhere.empty`; `elsewhere.url`; `elsewhere.not_needed`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn elsewhere(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Json(answered): Json<AnsweredElsewhere>,
) -> Answer<(StatusCode, Json<Message>)> {
    let key = idempotency_key(&headers)?;
    Ok((StatusCode::CREATED, Json(web.desk.answered_elsewhere(&signed.viewer(), id, &answered, key).await?)))
}

/// A text for ourselves.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct NewNote {
    text: String,
}

/// Write a note; it can never leave. The same `Idempotency-Key`, when there is one, again gives the same note
#[utoipa::path(post, path = "/api/conversations/{id}/notes", tag = "conversations", params(("id" = ConversationId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = NewNote, responses((status = 201, body = Message), (status = 422, description = "`note.empty`", body = Problem, content_type = "application/problem+json")))]
pub async fn note(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Json(note): Json<NewNote>,
) -> Answer<(StatusCode, Json<Message>)> {
    let key = headers.contains_key("idempotency-key").then(|| idempotency_key(&headers)).transpose()?;
    Ok((StatusCode::CREATED, Json(web.desk.note(&signed.viewer(), id, &note.text, key).await?)))
}

/// Whose work it becomes.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Assignment {
    user_id: Option<UserId>,
    team_id: Option<TeamId>,
}

/// Assign to a colleague, a team, both or nobody
#[utoipa::path(put, path = "/api/conversations/{id}/assignee", tag = "conversations", params(("id" = ConversationId, Path)), request_body = Assignment, responses((status = 200, body = ConversationRow), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn assign(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    Json(to): Json<Assignment>,
) -> Answer<Json<ConversationRow>> {
    Ok(Json(web.desk.assign(&signed.viewer(), id, to.user_id, to.team_id).await?))
}

/// A tag by its id, or by its name (made when it is new).
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Tagging {
    tag_id: Option<TagId>,
    name: Option<String>,
}

/// Put a tag on
#[utoipa::path(post, path = "/api/conversations/{id}/tags", tag = "conversations", params(("id" = ConversationId, Path)), request_body = Tagging, responses((status = 200, body = ConversationRow), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn tag(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    Json(tag): Json<Tagging>,
) -> Answer<Json<ConversationRow>> {
    let viewer = signed.viewer();
    Ok(Json(match (tag.tag_id, tag.name) {
        (Some(tag), None) => web.desk.tag(&viewer, id, tag).await?,
        (None, Some(name)) => web.desk.tag_by_name(&viewer, id, &name).await?,
        _ => return Err(ApiError::invalid("body.invalid", "Give tag_id or name, one of the two.")),
    }))
}

/// Take a tag off
#[utoipa::path(delete, path = "/api/conversations/{id}/tags/{tag_id}", tag = "conversations", params(("id" = ConversationId, Path), ("tag_id" = TagId, Path)), responses((status = 200, body = ConversationRow), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn untag(
    State(web): State<Web>,
    signed: Signed,
    Path((id, tag)): Path<(ConversationId, TagId)>,
) -> Answer<Json<ConversationRow>> {
    Ok(Json(web.desk.untag(&signed.viewer(), id, tag).await?))
}

/// Whose turn it becomes.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct NewStatus {
    /// `open`, `pending` or `closed`.
    status: Status,
    /// What closing it is the outcome of, where the thread's allowance offers outcomes.
    #[serde(default)]
    outcome: Option<String>,
    /// The `message_count` of the conversation that was seen; not checked when left out.
    #[serde(default)]
    seen_count: Option<i64>,
}

/// Open, put on pending, or close
#[utoipa::path(put, path = "/api/conversations/{id}/status", tag = "conversations", params(("id" = ConversationId, Path)), request_body = NewStatus, responses(
    (status = 200, body = ConversationRow),
    (status = 409, description = "`claim.held`; `conversation.moved` with `message_count` and `messages`: a customer waits with words that were not seen, nothing was changed", body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub async fn status(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    Json(to): Json<NewStatus>,
) -> Answer<Json<ConversationRow>> {
    Ok(Json(web.desk.set_status(&signed.viewer(), id, to.status, to.outcome.as_deref(), to.seen_count).await?))
}

/// How long it sleeps.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Snooze {
    until: Timestamp,
    /// The `message_count` of the conversation that was seen; not checked when left out.
    #[serde(default)]
    seen_count: Option<i64>,
}

/// Snooze until a moment; a message of the customer wakes it earlier
#[utoipa::path(put, path = "/api/conversations/{id}/snooze", tag = "conversations", params(("id" = ConversationId, Path)), request_body = Snooze, responses(
    (status = 200, body = ConversationRow),
    (status = 409, description = "`claim.held`; `conversation.moved` with `message_count` and `messages`", body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub async fn snooze(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    Json(to): Json<Snooze>,
) -> Answer<Json<ConversationRow>> {
    Ok(Json(web.desk.snooze(&signed.viewer(), id, to.until, to.seen_count).await?))
}

/// How urgent it is.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct NewPriority {
    priority: Priority,
}

/// Set the priority
#[utoipa::path(put, path = "/api/conversations/{id}/priority", tag = "conversations", params(("id" = ConversationId, Path)), request_body = NewPriority, responses((status = 200, body = ConversationRow)))]
pub async fn priority(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    Json(to): Json<NewPriority>,
) -> Answer<Json<ConversationRow>> {
    Ok(Json(web.desk.set_priority(&signed.viewer(), id, to.priority).await?))
}

/// Keep what I am writing; an empty text forgets it
#[utoipa::path(put, path = "/api/conversations/{id}/draft", tag = "conversations", params(("id" = ConversationId, Path)), request_body = DraftBody, responses((status = 204)))]
pub async fn draft(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ConversationId>,
    Json(draft): Json<DraftBody>,
) -> Answer<StatusCode> {
    web.desk.save_draft(&signed.viewer(), id, &draft).await?;
    Ok(StatusCode::NO_CONTENT)
}
