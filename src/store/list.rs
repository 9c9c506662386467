//! Lists of conversations: filters, order, seek paging, capped counts.
//!
//! Promises: a page costs the same however deep it lies; a row is whole (tags, person, channel) after two queries.

use sqlx::AssertSqlSafe;

use super::{Store, StoreError, padded, placeholders};
use crate::model::conversation::{ClaimHead, ContactHead, ConversationRow, Why};
use crate::model::{AccountId, ContactId, ConversationId, Lane, Priority, Status, TagId, TeamId, Timestamp, UserId};
use crate::read;

/// What to list. Everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub assignee: Option<Assignee>,
    pub team: Option<TeamId>,
    pub tag: Option<TagId>,
    pub channel: Option<String>,
    pub account: Option<AccountId>,
    pub lane: Option<Lane>,
    pub contact: Option<ContactId>,
    /// Words that must occur in one of its messages.
    pub words: Option<String>,
    /// Only these accounts may be seen; `None`: all.
    pub visible: Option<Vec<AccountId>>,
    pub delivery_problem: bool,
}

/// Whose work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignee {
    User(UserId),
    Nobody,
}

/// Where a page begins: after this row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seek {
    pub key: i64,
    pub id: ConversationId,
}

/// A page and the place of the next.
#[derive(Clone, Debug)]
pub struct Page {
    pub items: Vec<ConversationRow>,
    pub next: Option<Seek>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ConversationId,
    status: Status,
    lane: Lane,
    channel: String,
    account_id: AccountId,
    contact_id: ContactId,
    name: String,
    handle: String,
    avatar_url: Option<String>,
    subject: Option<String>,
    snippet: String,
    last_direction: String,
    last_message_at: Timestamp,
    waiting_since: Option<Timestamp>,
    snoozed_until: Option<Timestamp>,
    reopened_at: Option<Timestamp>,
    woken_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    assignee_id: Option<UserId>,
    team_id: Option<TeamId>,
    priority: Priority,
    claim_user_id: Option<UserId>,
    claim_until: Timestamp,
    message_count: i64,
    delivery_problem: bool,
    history: bool,
    version: i64,
    queue_key: i64,
    created_at: Timestamp,
}

const SELECT: &str = "SELECT c.id, c.status, c.lane, a.channel, c.account_id, c.contact_id, p.name, i.handle, i.avatar_url, c.subject, c.snippet, \
    c.last_direction, c.last_message_at, c.waiting_since, c.snoozed_until, c.reopened_at, c.woken_at, c.closed_at, c.assignee_id, c.team_id, \
    c.priority, c.claim_user_id, c.claim_until, c.message_count, c.delivery_problem, c.history, c.version, c.queue_key, c.created_at \
    FROM conversations c JOIN accounts a ON a.id = c.account_id JOIN identities i ON i.id = c.identity_id JOIN contacts p ON p.id = c.contact_id";

/// Conditions with their parameters, in order.
#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

enum Value {
    Uuid(uuid::Uuid),
    Text(String),
    Number(i64),
}

macro_rules! bind_all {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Uuid(id) => query.bind(*id),
                Value::Text(text) => query.bind(text.as_str()),
                Value::Number(n) => query.bind(*n),
            };
        }
        query
    }};
}

impl Conditions {
    /// Adds a condition; `?` stands for the value.
    fn add(&mut self, sql: &str, value: Value) {
        self.values.push(value);
        self.sql.push(sql.replace('?', &format!("${}", self.values.len())));
    }

    fn text(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!(" WHERE {}", self.sql.join(" AND ")) }
    }
}

impl Store {
    /// One page. Open lists are in queue order, all others newest first. An impossible search finds nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self, filter: &Filter, after: Option<Seek>, limit: i64) -> Result<Page, StoreError> {
        let Some(mut conditions) = self.conditions(filter) else { return Ok(Page { items: Vec::new(), next: None }) };
        let queue = filter.status == Some(Status::Open);
        let (column, direction, beyond) =
            if queue { ("c.queue_key", "ASC", ">") } else { ("c.last_message_at", "DESC", "<") };
        if let Some(seek) = after {
            conditions.values.push(Value::Number(seek.key));
            conditions.values.push(Value::Uuid(seek.id.0));
            let n = conditions.values.len();
            conditions.sql.push(format!("({column}, c.id) {beyond} (${}, ${n})", n - 1));
        }
        let sql = format!(
            "{SELECT}{} ORDER BY {column} {direction}, c.id {direction} LIMIT {}",
            conditions.text(),
            limit + 1
        );
        let mut rows: Vec<Row> =
            read!(self, db => bind_all!(sqlx::query_as(AssertSqlSafe(sql)), &conditions.values).fetch_all(db).await)?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            rows.pop();
        }
        let next = rows
            .last()
            .filter(|_| more)
            .map(|row| Seek { key: if queue { row.queue_key } else { row.last_message_at.0 }, id: row.id });
        Ok(Page { items: self.finish(rows).await?, next })
    }

    /// The rows of these conversations, in no order; ids that do not exist are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rows(&self, ids: &[ConversationId]) -> Result<Vec<ConversationRow>, StoreError> {
        let mut all = Vec::with_capacity(ids.len());
        for some in ids.chunks(512) {
            let some = padded(some);
            let sql = format!("{SELECT} WHERE c.id IN {}", placeholders(1, some.len()));
            let rows: Vec<Row> = read!(self, db => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str()));
                for id in &some {
                    query = query.bind(*id);
                }
                query.fetch_all(db).await
            })?;
            all.extend(self.finish(rows).await?);
        }
        Ok(all)
    }

    /// How many there are, but never more than `cap`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn count(&self, filter: &Filter, cap: i64) -> Result<i64, StoreError> {
        let Some(conditions) = self.conditions(filter) else { return Ok(0) };
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 AS one FROM conversations c{}{} LIMIT {cap}) AS capped",
            if filter.channel.is_some() { " JOIN accounts a ON a.id = c.account_id" } else { "" },
            conditions.text()
        );
        Ok(
            read!(self, db => bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), &conditions.values).fetch_one(db).await)?,
        )
    }

    /// The conversation that is next for somebody: first in queue order that nobody holds and nobody else is assigned to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn next_in_queue(
        &self,
        visible: Option<Vec<AccountId>>,
        user: UserId,
        skip: &[ConversationId],
    ) -> Result<Option<ConversationId>, StoreError> {
        let now = self.clock().now();
        let Some(mut conditions) =
            self.conditions(&Filter { status: Some(Status::Open), visible, ..Filter::default() })
        else {
            return Ok(None);
        };
        conditions.add("(c.assignee_id IS NULL OR c.assignee_id = ?)", Value::Uuid(user.0));
        conditions.add("(c.claim_user_id IS NULL OR c.claim_until <= ?)", Value::Number(now.0));
        for id in skip {
            conditions.add("c.id <> ?", Value::Uuid(id.0));
        }
        let sql = format!("SELECT c.id FROM conversations c{} ORDER BY c.queue_key, c.id LIMIT 1", conditions.text());
        Ok(
            read!(self, db => bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), &conditions.values).fetch_optional(db).await)?,
        )
    }

    /// The token of the current claim, for its holder.
    pub async fn claim_token(&self, id: ConversationId) -> Result<Option<i64>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT claim_token FROM conversations WHERE id = $1").bind(id).fetch_optional(db).await)?,
        )
    }

    /// `None` when nothing can match.
    fn conditions(&self, filter: &Filter) -> Option<Conditions> {
        let mut all = Conditions::default();
        if let Some(status) = filter.status {
            all.add("c.status = ?", Value::Text(status.as_str().to_owned()));
        }
        match filter.assignee {
            Some(Assignee::User(id)) => all.add("c.assignee_id = ?", Value::Uuid(id.0)),
            Some(Assignee::Nobody) => all.sql.push("c.assignee_id IS NULL".to_owned()),
            None => {}
        }
        if let Some(team) = filter.team {
            all.add("c.team_id = ?", Value::Uuid(team.0));
        }
        if let Some(account) = filter.account {
            all.add("c.account_id = ?", Value::Uuid(account.0));
        }
        if let Some(contact) = filter.contact {
            all.add("c.contact_id = ?", Value::Uuid(contact.0));
        }
        if let Some(lane) = filter.lane {
            all.add("c.lane = ?", Value::Text(lane.as_str().to_owned()));
        }
        if let Some(channel) = &filter.channel {
            all.add("a.channel = ?", Value::Text(channel.clone()));
        }
        if let Some(tag) = filter.tag {
            all.add("c.id IN (SELECT conversation_id FROM conversation_tags WHERE tag_id = ?)", Value::Uuid(tag.0));
        }
        if filter.delivery_problem {
            all.sql.push("c.delivery_problem".to_owned());
        }
        if let Some(words) = &filter.words {
            let query = self.pools().search_query(words)?;
            all.values.push(Value::Text(query));
            let condition = self.pools().search_condition(all.values.len());
            all.sql.push(format!("c.id IN (SELECT m.conversation_id FROM messages m WHERE {condition})"));
        }
        if let Some(accounts) = &filter.visible {
            if accounts.is_empty() {
                return None;
            }
            let first = all.values.len() + 1;
            all.sql.push(format!("c.account_id IN {}", placeholders(first, accounts.len())));
            all.values.extend(accounts.iter().map(|id| Value::Uuid(id.0)));
        }
        Some(all)
    }

    async fn finish(&self, rows: Vec<Row>) -> Result<Vec<ConversationRow>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids = padded(&rows.iter().map(|row| row.id).collect::<Vec<_>>());
        let sql = format!(
            "SELECT conversation_id, tag_id FROM conversation_tags WHERE conversation_id IN {} ORDER BY tag_id",
            placeholders(1, ids.len())
        );
        let tags: Vec<(ConversationId, TagId)> = read!(self, db => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql.as_str()));
            for id in &ids {
                query = query.bind(*id);
            }
            query.fetch_all(db).await
        })?;
        let now = self.clock().now();
        Ok(rows
            .into_iter()
            .map(|row| {
                let tags = tags.iter().filter(|(id, _)| *id == row.id).map(|(_, tag)| *tag).collect();
                row.finish(tags, now)
            })
            .collect())
    }
}

impl Row {
    fn finish(self, tags: Vec<TagId>, now: Timestamp) -> ConversationRow {
        let mut why = Vec::new();
        let mut say = |code: &str, at: Option<Timestamp>| why.push(Why { code: code.to_owned(), at });
        if self.delivery_problem {
            say("delivery_problem", None);
        }
        if matches!(self.priority, Priority::High | Priority::Urgent | Priority::Low) {
            say("priority", None);
        }
        if self.woken_at.is_some() {
            say("snooze_over", self.woken_at);
        }
        if self.reopened_at.is_some() {
            say("reopened", self.reopened_at);
        }
        if self.waiting_since.is_some() {
            say("waiting", self.waiting_since);
        }
        if self.history {
            say("history", None);
        }
        ConversationRow {
            id: self.id,
            status: self.status,
            lane: self.lane,
            channel: self.channel,
            account_id: self.account_id,
            contact: ContactHead {
                id: self.contact_id,
                name: self.name,
                handle: self.handle,
                avatar_url: self.avatar_url,
            },
            subject: self.subject,
            snippet: self.snippet,
            last_direction: self.last_direction,
            last_message_at: self.last_message_at,
            waiting_since: self.waiting_since,
            snoozed_until: self.snoozed_until,
            closed_at: self.closed_at,
            assignee_id: self.assignee_id,
            team_id: self.team_id,
            tags,
            priority: self.priority,
            claim: self
                .claim_user_id
                .filter(|_| self.claim_until > now)
                .map(|user_id| ClaimHead { user_id, until: self.claim_until }),
            message_count: self.message_count,
            delivery_problem: self.delivery_problem,
            why,
            version: self.version,
            queue_key: self.queue_key,
            created_at: self.created_at,
        }
    }
}
