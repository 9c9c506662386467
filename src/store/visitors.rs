//! Visitors, their sessions and the files they have not sent yet; and what of the messages a visitor may see.

use super::messages::Stored;
use super::{Store, StoreError, Tx};
use crate::model::message::ThreadRow;
use crate::model::{AccountId, ConversationId, MessageId, Status, ThreadId, Timestamp, UploadId, VisitorId};
use crate::{on, read, run};

/// Somebody who talks to us through our own door.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Visitor {
    pub id: VisitorId,
    pub account_id: AccountId,
    /// The organisation's own key for them, proven.
    pub customer: Option<String>,
    /// The key a page named without proof.
    pub hint: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub phone: Option<String>,
    pub phone_verified: bool,
    pub avatar_url: Option<String>,
    pub language: Option<String>,
    pub blocked_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

const COLUMNS: &str = "v.id, v.account_id, v.customer, v.hint, v.name, v.email, v.email_verified, v.phone, v.phone_verified, v.avatar_url, v.language, v.blocked_at, v.created_at";

/// A token's hold on a visitor.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Visit {
    pub token_hash: String,
    pub visitor_id: VisitorId,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A file a visitor uploaded and has not sent yet.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VisitorFile {
    pub id: UploadId,
    pub visitor_id: VisitorId,
    pub name: String,
    pub mime: String,
    pub size: i64,
    pub hash: String,
    pub created_at: Timestamp,
}

/// What a visitor sees: their own words, and ours once they are said. No notes, nothing from a machine, nothing that was refused.
const SEEN: &str = "(m.direction = 'in' OR (m.direction = 'out' AND (m.delivery IS NULL OR m.delivery = 'sent'))) AND m.automatic IS NULL";

impl Stored {
    /// The same in Rust: see `SEEN`.
    #[must_use]
    pub fn is_for_visitors(&self) -> bool {
        use crate::model::{DeliveryState, Direction};
        let said = match self.direction {
            Direction::In => true,
            Direction::Out => self.delivery.is_none_or(|state| state == DeliveryState::Sent),
            _ => false,
        };
        said && self.automatic.is_none()
    }
}

impl Store {
    /// The visit of a token and its visitor, ended or not.
    pub async fn visit(&self, token_hash: &str) -> Result<Option<(Visit, Visitor)>, StoreError> {
        let visit: Option<Visit> = read!(self, db => sqlx::query_as(
            "SELECT token_hash, visitor_id, created_at, seen_at, expires_at FROM visits WHERE token_hash = $1",
        ).bind(token_hash).fetch_optional(db).await)?;
        let Some(visit) = visit else { return Ok(None) };
        Ok(self.visitor(visit.visitor_id).await?.map(|visitor| (visit, visitor)))
    }

    /// One visitor.
    pub async fn visitor(&self, id: VisitorId) -> Result<Option<Visitor>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM visitors v WHERE v.id = $1");
        Ok(read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str())).bind(id).fetch_optional(db).await)?)
    }

    /// How many files of a visitor wait to be sent.
    pub async fn unsent_files(&self, visitor: VisitorId) -> Result<i64, StoreError> {
        Ok(read!(self, db => sqlx::query_scalar(
            "SELECT count(*) FROM visitor_files f WHERE f.visitor_id = $1 AND NOT EXISTS (SELECT 1 FROM attachments a WHERE a.hash = f.hash)",
        ).bind(visitor).fetch_one(db).await)?)
    }

    /// The thread of this name.
    pub async fn thread_named(&self, account: AccountId, external: &str) -> Result<Option<ThreadRow>, StoreError> {
        let columns = super::threads::COLUMNS;
        let sql = format!("SELECT {columns} FROM threads WHERE account_id = $1 AND external_id = $2");
        Ok(
            read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str())).bind(account).bind(external).fetch_optional(db).await)?,
        )
    }

    /// The message of this name.
    pub async fn message_named(&self, account: AccountId, external: &str) -> Result<Option<Stored>, StoreError> {
        let sql =
            format!("SELECT {} FROM messages m WHERE m.account_id = $1 AND m.external_id = $2", message_columns());
        Ok(
            read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str())).bind(account).bind(external).fetch_optional(db).await)?,
        )
    }

    /// The status of a conversation.
    pub async fn status_of(&self, conversation: ConversationId) -> Result<Option<Status>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_scalar("SELECT status FROM conversations WHERE id = $1").bind(conversation).fetch_optional(db).await)?,
        )
    }

    /// The newest messages of a thread before `before` that its visitor sees, oldest first, and whether there are older ones.
    pub async fn seen_before(
        &self,
        thread: ThreadId,
        before: Option<(Timestamp, MessageId)>,
        limit: i64,
    ) -> Result<(Vec<Stored>, bool), StoreError> {
        let (at, id) = before.unwrap_or((Timestamp(i64::MAX), MessageId(uuid::Uuid::max())));
        let sql = format!(
            "SELECT {} FROM messages m WHERE m.thread_id = $1 AND (m.sent_at, m.id) < ($2, $3) AND {SEEN} ORDER BY m.sent_at DESC, m.id DESC LIMIT {}",
            message_columns(),
            limit + 1
        );
        let mut found: Vec<Stored> = read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str())).bind(thread).bind(at).bind(id).fetch_all(db).await)?;
        let more = found.len() as i64 > limit;
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        found.reverse();
        Ok((found, more))
    }

    /// Which messages of a thread were told of after `after`, each with the number of the last event about it, in that order. They need
    /// not be for visitors.
    pub async fn told_after(
        &self,
        thread: ThreadId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, MessageId)>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(
            "SELECT max(e.seq) AS seq, e.message_id FROM events e JOIN messages m ON m.id = e.message_id \
             WHERE e.conversation_id IN (SELECT DISTINCT conversation_id FROM messages WHERE thread_id = $1) \
             AND e.seq > $2 AND m.thread_id = $1 GROUP BY e.message_id ORDER BY 1 LIMIT $3",
        ).bind(thread).bind(after).bind(limit).fetch_all(db).await)?)
    }

    /// When this thread was last answered.
    pub async fn answered_at(&self, thread: ThreadId) -> Result<Option<Timestamp>, StoreError> {
        let sql =
            format!("SELECT max(m.sent_at) FROM messages m WHERE m.thread_id = $1 AND m.direction = 'out' AND {SEEN}");
        let at: Option<Option<Timestamp>> = read!(self, db => sqlx::query_scalar(sqlx::AssertSqlSafe(sql.as_str())).bind(thread).fetch_optional(db).await)?;
        Ok(at.flatten())
    }

    /// Our newest messages of a thread that were said, newest first.
    pub async fn newest_answers(&self, thread: ThreadId, limit: i64) -> Result<Vec<Stored>, StoreError> {
        let sql = format!(
            "SELECT {} FROM messages m WHERE m.thread_id = $1 AND m.direction = 'out' AND m.external_id IS NOT NULL AND {SEEN} ORDER BY m.sent_at DESC, m.id DESC LIMIT {limit}",
            message_columns()
        );
        Ok(read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str())).bind(thread).fetch_all(db).await)?)
    }
}

fn message_columns() -> String {
    super::messages::COLUMNS.split(", ").map(|column| format!("m.{column}")).collect::<Vec<_>>().join(", ")
}

impl Tx {
    /// Adds a visitor.
    ///
    /// # Errors
    /// `Conflict` when this customer is there already.
    pub async fn insert_visitor(&mut self, v: &Visitor) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "INSERT INTO visitors (id, account_id, customer, hint, name, email, email_verified, phone, phone_verified, avatar_url, language, blocked_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(v.id).bind(v.account_id).bind(&v.customer).bind(&v.hint).bind(&v.name).bind(&v.email).bind(v.email_verified).bind(&v.phone)
        .bind(v.phone_verified).bind(&v.avatar_url).bind(&v.language).bind(v.blocked_at).bind(v.created_at))?;
        Ok(())
    }

    /// Writes what is known of a visitor.
    ///
    /// # Errors
    /// `Conflict` when another visitor is this customer.
    pub async fn save_visitor(&mut self, v: &Visitor) -> Result<(), StoreError> {
        run!(self, sqlx::query(
            "UPDATE visitors SET customer = $2, hint = $3, name = $4, email = $5, email_verified = $6, phone = $7, phone_verified = $8, avatar_url = $9, language = $10 WHERE id = $1",
        )
        .bind(v.id).bind(&v.customer).bind(&v.hint).bind(&v.name).bind(&v.email).bind(v.email_verified).bind(&v.phone)
        .bind(v.phone_verified).bind(&v.avatar_url).bind(&v.language))?;
        Ok(())
    }

    /// What somebody tells about themselves beside their words. What was proven meanwhile stays.
    pub async fn note_visitor(
        &mut self,
        id: VisitorId,
        name: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query(
                "UPDATE visitors SET name = CASE WHEN customer IS NOT NULL AND name IS NOT NULL THEN name ELSE COALESCE($2, name) END, \
                 email = CASE WHEN email_verified THEN email ELSE COALESCE($3, email) END, \
                 phone = CASE WHEN phone_verified THEN phone ELSE COALESCE($4, phone) END WHERE id = $1",
            )
            .bind(id)
            .bind(name)
            .bind(email)
            .bind(phone)
        )?;
        Ok(())
    }

    /// One visitor, for changing them.
    pub async fn visitor(&mut self, id: VisitorId) -> Result<Option<Visitor>, StoreError> {
        let lock = self.conn().for_update();
        let sql = format!("SELECT {COLUMNS} FROM visitors v WHERE v.id = $1{lock}");
        Ok(on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str())).bind(id).fetch_optional(db).await)?)
    }

    /// The visitor who is this customer, for changing them.
    pub async fn visitor_of_customer(
        &mut self,
        account: AccountId,
        customer: &str,
    ) -> Result<Option<Visitor>, StoreError> {
        let lock = self.conn().for_update();
        let sql = format!("SELECT {COLUMNS} FROM visitors v WHERE v.account_id = $1 AND v.customer = $2{lock}");
        Ok(
            on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str())).bind(account).bind(customer).fetch_optional(db).await)?,
        )
    }

    /// When something of ours that no person wrote last left, or was to leave, beside what is said in this thread.
    pub async fn newest_sent_along(&mut self, thread: ThreadId) -> Result<Option<Timestamp>, StoreError> {
        let sql =
            "SELECT max(sent_at) FROM messages WHERE thread_id = $1 AND direction = 'out' AND automatic IS NOT NULL";
        let at: Option<Option<Timestamp>> =
            on!(self, db => sqlx::query_scalar(sql).bind(thread).fetch_optional(db).await)?;
        Ok(at.flatten())
    }

    /// Nobody is home for this visitor any more. False when there is none of this name.
    pub async fn block_visitor(&mut self, account: AccountId, id: VisitorId) -> Result<bool, StoreError> {
        let now = self.now();
        let sql = "UPDATE visitors SET blocked_at = $3 WHERE account_id = $1 AND id = $2 AND blocked_at IS NULL";
        Ok(run!(self, sqlx::query(sql).bind(account).bind(id).bind(now))? > 0)
    }

    /// They are let in again. False when they were not kept out.
    pub async fn unblock_visitor(&mut self, account: AccountId, id: VisitorId) -> Result<bool, StoreError> {
        let sql = "UPDATE visitors SET blocked_at = NULL WHERE account_id = $1 AND id = $2 AND blocked_at IS NOT NULL";
        Ok(run!(self, sqlx::query(sql).bind(account).bind(id))? > 0)
    }

    /// Whether a token still opens anything.
    pub async fn has_visit(&mut self, token_hash: &str) -> Result<bool, StoreError> {
        let sql = "SELECT visitor_id FROM visits WHERE token_hash = $1";
        let found: Option<VisitorId> =
            on!(self, db => sqlx::query_scalar(sql).bind(token_hash).fetch_optional(db).await)?;
        Ok(found.is_some())
    }

    pub async fn insert_visit(&mut self, visit: &Visit) -> Result<(), StoreError> {
        run!(self, sqlx::query("INSERT INTO visits (token_hash, visitor_id, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&visit.token_hash).bind(visit.visitor_id).bind(visit.created_at).bind(visit.seen_at).bind(visit.expires_at))?;
        Ok(())
    }

    /// A visit goes on.
    pub async fn extend_visit(&mut self, token_hash: &str, until: Timestamp) -> Result<(), StoreError> {
        let now = self.now();
        run!(
            self,
            sqlx::query("UPDATE visits SET seen_at = $2, expires_at = $3 WHERE token_hash = $1")
                .bind(token_hash)
                .bind(now)
                .bind(until)
        )?;
        Ok(())
    }

    /// A token is void.
    pub async fn end_visit(&mut self, token_hash: &str) -> Result<(), StoreError> {
        run!(self, sqlx::query("DELETE FROM visits WHERE token_hash = $1").bind(token_hash))?;
        Ok(())
    }

    pub async fn insert_visitor_file(&mut self, file: &VisitorFile) -> Result<(), StoreError> {
        run!(self, sqlx::query("INSERT INTO visitor_files (id, visitor_id, name, mime, size, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(file.id).bind(file.visitor_id).bind(&file.name).bind(&file.mime).bind(file.size).bind(&file.hash).bind(file.created_at))?;
        Ok(())
    }

    /// A file of this visitor that was not sent yet.
    pub async fn visitor_file(&mut self, id: UploadId, visitor: VisitorId) -> Result<Option<VisitorFile>, StoreError> {
        Ok(on!(self, db => sqlx::query_as(
            "SELECT id, visitor_id, name, mime, size, hash, created_at FROM visitor_files WHERE id = $1 AND visitor_id = $2",
        ).bind(id).bind(visitor).fetch_optional(db).await)?)
    }

    /// Forgets visitors of before then who said nothing, proved nothing and can never come back: nobody has a token of theirs.
    pub async fn forget_silent_visitors(&mut self, before: Timestamp) -> Result<(), StoreError> {
        let id = self.conn().id_as_text("visitors.id");
        let sql = format!(
            "DELETE FROM visitors WHERE created_at < $1 AND customer IS NULL AND blocked_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.visitor_id = visitors.id) \
             AND NOT EXISTS (SELECT 1 FROM visitor_files f WHERE f.visitor_id = visitors.id) \
             AND NOT EXISTS (SELECT 1 FROM threads t WHERE t.account_id = visitors.account_id AND t.external_id = {id})"
        );
        run!(self, sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(before))?;
        Ok(())
    }

    /// Forgets visits that ended and files that nobody sent. Returns the hashes of what was in these.
    pub async fn tidy_visitors(&mut self, files_before: Timestamp) -> Result<Vec<String>, StoreError> {
        let now = self.now();
        run!(self, sqlx::query("DELETE FROM visits WHERE expires_at < $1").bind(now))?;
        let mut hashes: Vec<String> = on!(self, db => sqlx::query_scalar("DELETE FROM visitor_files WHERE created_at < $1 RETURNING hash")
            .bind(files_before).fetch_all(db).await)?;
        hashes.sort_unstable();
        hashes.dedup();
        Ok(hashes)
    }
}
