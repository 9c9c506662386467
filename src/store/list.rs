//! Lists of conversations: filters, order, seek paging, capped counts.
//!
//! Promises: a page costs the same however deep it lies; a row is whole (tags, person, channel) after two queries.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::{Store, StoreError, padded, placeholders};
use crate::model::conversation::{ClaimHead, ContactHead, ConversationRow, Why};
use crate::model::{AccountId, ContactId, ConversationId, Lane, Priority, Status, TagId, TeamId, Timestamp, UserId};
use crate::{read, rows_in};

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
    /// Of one of these.
    pub contacts: Option<Vec<ContactId>>,
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
    due_at: Option<Timestamp>,
    outcome: Option<String>,
}

/// More accounts than this are a plain `IN`: so many short lists to merge would cost more than it saves.
const MERGED: usize = 64;
/// A label on fewer conversations than this is looked up from the label's side.
const RARE: i64 = 2000;

const COLUMNS: &str = "c.id, c.status, c.lane, a.channel, c.account_id, c.contact_id, p.name, i.handle, i.avatar_url, c.subject, c.snippet, \
    c.last_direction, c.last_message_at, c.waiting_since, c.snoozed_until, c.reopened_at, c.woken_at, c.closed_at, c.assignee_id, c.team_id, \
    c.priority, c.claim_user_id, c.claim_until, c.message_count, c.delivery_problem, c.history, c.version, c.queue_key, c.created_at, \
    c.due_at, c.outcome";

/// What a row shows of others. `CROSS JOIN` keeps SQLite from beginning with one of these.
const SHOWN: &str = "CROSS JOIN accounts a CROSS JOIN identities i CROSS JOIN contacts p \
    WHERE a.id = c.account_id AND i.id = c.identity_id AND p.id = c.contact_id";

/// Which conversations, as SQL.
struct Chosen {
    from: String,
    conditions: Conditions,
    /// Each of these has a list of its own, in order; merging their beginnings costs the same however few there are of one account.
    merged: Vec<AccountId>,
}

/// How a list is sorted: the column, its direction, and what comes after a place in it.
struct Order {
    column: &'static str,
    direction: &'static str,
    beyond: &'static str,
}

impl Order {
    /// With a status the key that is made for it, without one the newest first.
    fn of(filter: &Filter) -> Self {
        match filter.status {
            Some(_) => Self { column: "queue_key", direction: "ASC", beyond: ">" },
            None => Self { column: "last_message_at", direction: "DESC", beyond: "<" },
        }
    }

    fn by(&self) -> String {
        format!(" ORDER BY c.{} {}, c.id {}", self.column, self.direction, self.direction)
    }
}

impl Chosen {
    /// `columns` of at most `limit` of them.
    fn sql(&mut self, columns: &str, order: Option<&Order>, limit: i64) -> String {
        let by = order.map(Order::by).unwrap_or_default();
        let one = |from: &str, conditions: &str| format!("SELECT {columns} FROM {from}{conditions}{by} LIMIT {limit}");
        if self.merged.is_empty() {
            return one(&self.from, &self.conditions.text());
        }
        let shared = self.conditions.sql.len();
        let mut lists = Vec::with_capacity(self.merged.len());
        for account in &self.merged {
            self.conditions.add("c.account_id = ?", Value::Uuid(account.0));
            lists.push(format!("SELECT * FROM ({}) AS one", one(&self.from, &self.conditions.text())));
            self.conditions.sql.truncate(shared);
        }
        format!("SELECT * FROM ({}) AS c{by} LIMIT {limit}", lists.join(" UNION ALL "))
    }
}

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

    fn within(&mut self, accounts: &[AccountId]) {
        self.one_of("c.account_id", accounts.iter().map(|id| id.0));
    }

    fn one_of(&mut self, column: &str, ids: impl Iterator<Item = uuid::Uuid>) {
        let ids: Vec<uuid::Uuid> = ids.collect();
        if let [only] = ids[..] {
            return self.add(&format!("{column} = ?"), Value::Uuid(only));
        }
        let ids = padded(&ids);
        self.sql.push(format!("{column} IN {}", placeholders(self.values.len() + 1, ids.len())));
        self.values.extend(ids.into_iter().map(Value::Uuid));
    }

    fn text(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!(" WHERE {}", self.sql.join(" AND ")) }
    }
}

impl Store {
    /// One page. Open lists are in queue order, all others newest first. An impossible search finds nothing; a search for
    /// words that are everywhere looks among the newest messages that have them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self, filter: &Filter, after: Option<Seek>, limit: i64) -> Result<Page, StoreError> {
        let Some(mut chosen) = self.chosen(filter).await? else { return Ok(Page { items: Vec::new(), next: None }) };
        let order = Order::of(filter);
        if let Some(seek) = after {
            let values = &mut chosen.conditions.values;
            values.push(Value::Number(seek.key));
            values.push(Value::Uuid(seek.id.0));
            let n = values.len();
            chosen.conditions.sql.push(format!("(c.{}, c.id) {} (${}, ${n})", order.column, order.beyond, n - 1));
        }
        let page = chosen.sql("c.*", Some(&order), limit + 1);
        let sql = format!("SELECT {COLUMNS} FROM ({page}) AS c {SHOWN}{}", order.by());
        let values = &chosen.conditions.values;
        let mut rows: Vec<Row> =
            read!(self, db => bind_all!(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(db).await)?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            rows.pop();
        }
        let next = rows.last().filter(|_| more).map(|row| Seek {
            key: if filter.status.is_some() { row.queue_key } else { row.last_message_at.0 },
            id: row.id,
        });
        Ok(Page { items: self.finish(rows).await?, next })
    }

    /// The rows of these conversations, in no order; ids that do not exist are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rows(&self, ids: &[ConversationId]) -> Result<Vec<ConversationRow>, StoreError> {
        let rows = rows_in!(read!(self), [], ids, within =>
            format!("SELECT {COLUMNS} FROM conversations c {SHOWN} AND c.id IN {within}"));
        self.finish(rows).await
    }

    /// How many there are, but never more than `cap`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn count(&self, filter: &Filter, cap: i64) -> Result<i64, StoreError> {
        let Some(mut chosen) = self.chosen(filter).await? else { return Ok(0) };
        let sql = format!("SELECT count(*) FROM ({}) AS capped", chosen.sql("1 AS one", None, cap));
        let values = &chosen.conditions.values;
        Ok(read!(self, db => bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), values).fetch_one(db).await)?)
    }

    /// The conversation that is next for somebody: first in queue order that nobody holds and nobody else is assigned to
    /// who works here still.
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
        let mut all = Conditions::default();
        all.add("c.status = ?", Value::Text(Status::Open.as_str().to_owned()));
        all.add("(c.claim_user_id IS NULL OR c.claim_until <= ?)", Value::Number(now.0));
        for id in skip {
            all.add("c.id <> ?", Value::Uuid(id.0));
        }
        match visible.as_deref() {
            Some([]) => return Ok(None),
            Some(accounts) => all.within(accounts),
            None => {}
        }
        // Lists in order, merged: what others are assigned to may be long and is not walked through. What was closed when its
        // assignee left comes back with their name on it; that is little and mostly nothing, so it is read by assignee and then
        // sorted: the sum keeps the planner from walking the whole queue in order to find none.
        let mut lists = Vec::new();
        for (condition, value, order) in [
            ("c.assignee_id IS NULL", None, "c.queue_key"),
            ("c.assignee_id = ?", Some(Value::Uuid(user.0)), "c.queue_key"),
            ("c.assignee_id IN (SELECT id FROM users WHERE NOT active)", None, "c.queue_key + 0"),
        ] {
            let shared = all.sql.len();
            match value {
                Some(value) => all.add(condition, value),
                None => all.sql.push(condition.to_owned()),
            }
            let list =
                format!("SELECT c.id, c.queue_key FROM conversations c{} ORDER BY {order}, c.id LIMIT 1", all.text());
            lists.push(format!("SELECT * FROM ({list}) AS one"));
            all.sql.truncate(shared);
        }
        let sql = format!("SELECT c.id FROM ({}) AS c ORDER BY c.queue_key, c.id LIMIT 1", lists.join(" UNION ALL "));
        Ok(read!(self, db => bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), &all.values).fetch_optional(db).await)?)
    }

    /// The token of the current claim, for its holder.
    pub async fn claim_token(&self, id: ConversationId) -> Result<Option<i64>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT claim_token FROM conversations WHERE id = $1").bind(id).fetch_optional(db).await)?,
        )
    }

    /// `None` when nothing can match.
    async fn chosen(&self, filter: &Filter) -> Result<Option<Chosen>, StoreError> {
        let mut all = Conditions::default();
        let mut from = "conversations c".to_owned();
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
        if let Some(contacts) = &filter.contacts {
            all.one_of("c.contact_id", contacts.iter().map(|contact| contact.0));
        }
        if let Some(lane) = filter.lane {
            all.add("c.lane = ?", Value::Text(lane.as_str().to_owned()));
        }
        if filter.delivery_problem {
            all.sql.push("c.delivery_problem".to_owned());
        }
        if let Some(words) = &filter.words {
            let Some(query) = self.pools().search_query(words) else { return Ok(None) };
            all.values.push(Value::Text(query));
            from = format!("({}) AS found CROSS JOIN conversations c", self.pools().search(all.values.len()));
            all.sql.push("c.id = found.id".to_owned());
        }
        if let Some(tag) = filter.tag {
            if filter.words.is_none() && self.is_rare(tag).await? {
                all.add("tagged.tag_id = ?", Value::Uuid(tag.0));
                all.sql.push("c.id = tagged.conversation_id".to_owned());
                "conversation_tags tagged CROSS JOIN conversations c".clone_into(&mut from);
            } else {
                all.add(
                    "EXISTS (SELECT 1 FROM conversation_tags t WHERE t.conversation_id = c.id AND t.tag_id = ?)",
                    Value::Uuid(tag.0),
                );
            }
        }
        let mut merged = Vec::new();
        match self.accounts_of(filter).await?.as_deref() {
            None => {}
            Some([]) => return Ok(None),
            Some(accounts) => {
                let narrow = filter.assignee.is_some()
                    || filter.team.is_some()
                    || filter.contacts.is_some()
                    || filter.tag.is_some()
                    || filter.words.is_some()
                    || filter.delivery_problem;
                if narrow || filter.status.is_none() || accounts.len() == 1 || accounts.len() > MERGED {
                    all.within(accounts);
                } else {
                    merged = accounts.to_vec();
                }
            }
        }
        Ok(Some(Chosen { from, conditions: all, merged }))
    }

    /// The accounts that account, channel and rights leave; `None`: all.
    async fn accounts_of(&self, filter: &Filter) -> Result<Option<Vec<AccountId>>, StoreError> {
        let may = |id: &AccountId| filter.visible.as_ref().is_none_or(|visible| visible.contains(id));
        let mut accounts = match (filter.account, &filter.channel) {
            (None, None) => return Ok(filter.visible.clone()),
            (Some(id), None) => vec![id],
            // No channel is called that, and PostgreSQL would not even look for it.
            (_, Some(channel)) if channel.contains('\0') => return Ok(Some(Vec::new())),
            (id, Some(channel)) => {
                let of_channel: Vec<AccountId> = read!(self, db => sqlx::query_scalar("SELECT id FROM accounts WHERE channel = $1 ORDER BY id")
                    .bind(channel).fetch_all(db).await)?;
                of_channel.into_iter().filter(|other| id.is_none_or(|id| id == *other)).collect()
            }
        };
        accounts.retain(may);
        Ok(Some(accounts))
    }

    async fn is_rare(&self, tag: TagId) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 AS one FROM conversation_tags WHERE tag_id = $1 LIMIT {RARE}) AS capped"
        );
        let count: i64 =
            read!(self, db => sqlx::query_scalar(AssertSqlSafe(sql.as_str())).bind(tag).fetch_one(db).await)?;
        Ok(count < RARE)
    }

    async fn finish(&self, rows: Vec<Row>) -> Result<Vec<ConversationRow>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<ConversationId> = rows.iter().map(|row| row.id).collect();
        let found: Vec<(ConversationId, TagId)> = rows_in!(read!(self), [], ids, within => format!(
            "SELECT conversation_id, tag_id FROM conversation_tags WHERE conversation_id IN {within} ORDER BY tag_id"
        ));
        let mut tags: HashMap<ConversationId, Vec<TagId>> = HashMap::new();
        for (conversation, tag) in found {
            tags.entry(conversation).or_default().push(tag);
        }
        let now = self.clock().now();
        Ok(rows
            .into_iter()
            .map(|row| (tags.remove(&row.id).unwrap_or_default(), row))
            .map(|(tags, row)| row.finish(tags, now))
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
        if self.due_at.is_some() && self.status != Status::Closed {
            say("due", self.due_at);
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
            due_at: self.due_at,
            outcome: self.outcome,
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
