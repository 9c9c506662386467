//! A conversation as the list shows it, and the person it is with.

use super::{
    AccountId, Claim, ContactId, ConversationId, IdentityId, Lane, Priority, Status, TagId, TeamId, Timestamp, UserId,
};

/// One row of a list: everything it takes to draw it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ConversationRow {
    pub id: ConversationId,
    pub status: Status,
    pub lane: Lane,
    pub channel: String,
    pub account_id: AccountId,
    pub contact: ContactHead,
    pub subject: Option<String>,
    pub snippet: String,
    /// `in`, `out` or `note`.
    pub last_direction: String,
    pub last_message_at: Timestamp,
    /// The customer's first unanswered turn.
    pub waiting_since: Option<Timestamp>,
    pub snoozed_until: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// When somebody was promised an answer or an outcome.
    pub due_at: Option<Timestamp>,
    /// What closing it was the outcome of.
    pub outcome: Option<String>,
    pub assignee_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub tags: Vec<TagId>,
    pub priority: Priority,
    /// Who holds it now.
    pub claim: Option<ClaimHead>,
    pub message_count: i64,
    /// An outbound message was refused, is uncertain or waits long.
    pub delivery_problem: bool,
    /// Why it stands where it stands.
    pub why: Vec<Why>,
    pub version: i64,
    /// The order in the list of its status, ascending. Open: waiting since, less the head start of the priority; all others: newest first.
    pub queue_key: i64,
    pub created_at: Timestamp,
}

/// The person, as short as possible.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ContactHead {
    pub id: ContactId,
    pub name: String,
    pub handle: String,
    pub avatar_url: Option<String>,
}

/// Who holds a conversation and until when; the token is only ever told to the holder.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ClaimHead {
    pub user_id: UserId,
    pub until: Timestamp,
}

/// A reason, for people: a stable code and the moment it speaks of.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Why {
    /// `waiting`, `priority`, `delivery_problem`, `snooze_over`, `reopened`, `due`, `history`.
    pub code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A person and their handles, on every channel that is known to be theirs.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Contact {
    pub id: ContactId,
    pub name: String,
    pub identities: Vec<Identity>,
    /// Which contacts stand for this one, and why; each can be taken out again.
    pub links: Vec<ContactLink>,
}

/// A contact that stands for this person.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ContactLink {
    pub contact_id: ContactId,
    pub name: String,
    /// `email`, `phone`, `customer` or `statement`.
    pub evidence: String,
    pub user_id: Option<UserId>,
    pub at: Timestamp,
}

/// A handle on one channel.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema, sqlx::FromRow)]
pub struct Identity {
    pub id: IdentityId,
    /// Whose it is by itself, links aside.
    pub contact_id: ContactId,
    pub channel: String,
    pub handle: String,
    pub name: String,
    pub avatar_url: Option<String>,
    pub url: Option<String>,
    /// What is known of who they are elsewhere.
    #[sqlx(skip)]
    pub claims: Vec<Claim>,
}
