//! What the platforms know as one exchange.

use std::collections::HashMap;

use super::{Store, StoreError, Tx, padded, placeholders};
use crate::model::message::ThreadRow;
use crate::model::{AccountId, ConversationId, Lane, ThreadId, ThreadKind};
use crate::{on, read, rows_in, run};

pub(super) const COLUMNS: &str =
    "id, account_id, conversation_id, external_id, lane, kind, title, url, version, memory";

/// A thread to be made.
#[derive(Clone, Debug)]
pub struct NewThread<'a> {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    pub external_id: &'a str,
    pub lane: Lane,
    pub kind: ThreadKind,
    pub title: Option<&'a str>,
    pub url: Option<&'a str>,
}

impl Store {
    /// The threads of a conversation, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn threads(&self, conversation: ConversationId) -> Result<Vec<ThreadRow>, StoreError> {
        Ok(read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM threads WHERE id IN (SELECT thread_id FROM messages WHERE conversation_id = $1) OR conversation_id = $1 ORDER BY created_at, id"
        ))).bind(conversation).fetch_all(db).await)?)
    }

    /// In which lane these threads are.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn lanes(&self, ids: &[ThreadId]) -> Result<HashMap<ThreadId, Lane>, StoreError> {
        let lanes: Vec<(ThreadId, Lane)> =
            rows_in!(read!(self), [], ids, within => format!("SELECT id, lane FROM threads WHERE id IN {within}"));
        Ok(lanes.into_iter().collect())
    }

    /// One thread.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn thread(&self, id: ThreadId) -> Result<Option<ThreadRow>, StoreError> {
        Ok(
            read!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM threads WHERE id = $1")))
            .bind(id).fetch_optional(db).await)?,
        )
    }
}

impl Tx {
    /// The threads among these external ids that are known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn threads_by_external(
        &mut self,
        account: AccountId,
        external: &[&str],
    ) -> Result<Vec<ThreadRow>, StoreError> {
        Ok(rows_in!(on!(self), [account], external, within =>
            format!("SELECT {COLUMNS} FROM threads WHERE account_id = $1 AND external_id IN {within}")))
    }

    /// One thread, for changing it or acting on its version.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn thread(&mut self, id: ThreadId) -> Result<Option<ThreadRow>, StoreError> {
        let lock = self.conn().for_update();
        Ok(
            on!(self, db => sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM threads WHERE id = $1{lock}")))
            .bind(id).fetch_optional(db).await)?,
        )
    }

    /// Makes a thread.
    ///
    /// # Errors
    /// `Conflict` when another transaction made it first.
    pub async fn insert_thread(&mut self, new: &NewThread<'_>) -> Result<ThreadRow, StoreError> {
        let now = self.now();
        let id = ThreadId::new();
        run!(self, sqlx::query(
            "INSERT INTO threads (id, account_id, conversation_id, external_id, lane, kind, title, url, version, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)",
        )
        .bind(id).bind(new.account_id).bind(new.conversation_id).bind(new.external_id).bind(new.lane).bind(new.kind)
        .bind(new.title).bind(new.url).bind(now))?;
        Ok(ThreadRow {
            id,
            account_id: new.account_id,
            conversation_id: new.conversation_id,
            external_id: new.external_id.to_owned(),
            lane: new.lane,
            kind: new.kind,
            title: new.title.map(str::to_owned),
            url: new.url.map(str::to_owned),
            version: 0,
            memory: None,
        })
    }

    /// Something was said in these threads, by whomever, that must have been seen before the next answer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn threads_moved(&mut self, ids: &[ThreadId]) -> Result<(), StoreError> {
        for some in ids.chunks(256) {
            let some = padded(some);
            let sql = format!("UPDATE threads SET version = version + 1 WHERE id IN {}", placeholders(1, some.len()));
            run!(self, {
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
                for id in &some {
                    query = query.bind(*id);
                }
                query
            })?;
        }
        Ok(())
    }

    /// The platform gave the thread another name.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn rename_thread(
        &mut self,
        id: ThreadId,
        external_id: &str,
        title: Option<&str>,
    ) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("UPDATE threads SET external_id = $2, title = COALESCE($3, title) WHERE id = $1")
                .bind(id)
                .bind(external_id)
                .bind(title)
        )?;
        Ok(())
    }

    /// Keeps what the thread's channel remembers of it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_thread_memory(&mut self, id: ThreadId, memory: &serde_json::Value) -> Result<(), StoreError> {
        run!(
            self,
            sqlx::query("UPDATE threads SET memory = $2 WHERE id = $1")
                .bind(id)
                .bind(sqlx::types::Json(memory.clone()))
        )?;
        Ok(())
    }

    /// The thread's next messages go to another conversation.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn point_thread(&mut self, id: ThreadId, conversation: ConversationId) -> Result<(), StoreError> {
        run!(self, sqlx::query("UPDATE threads SET conversation_id = $2 WHERE id = $1").bind(id).bind(conversation))?;
        Ok(())
    }
}
