//! What can go wrong with the database, as far as callers care.

/// A failed read or write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A constraint said no: somebody else was first.
    #[error("the row is already there: {0}")]
    Conflict(String),
    /// A text the database has no room for: a character it does not know, or longer than an index takes.
    #[error("the database has no room for it: {0}")]
    Unfit(String),
    /// The database is gone, full or too busy; the same call may work later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A row that cannot be what it should be, or a mistake in a query.
    #[error("the database answered wrongly: {0}")]
    Broken(String),
    #[error("the database could not be brought up to date: {0}")]
    Migration(String),
}

impl StoreError {
    /// Whether trying again later makes sense.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

/// Whether a query failed because nothing was made yet.
pub(super) fn is_no_table(error: &sqlx::Error) -> bool {
    // 42P01: undefined_table.
    matches!(error, sqlx::Error::Database(error)
        if error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table"))
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                if database.is_unique_violation() {
                    return Self::Conflict(database.message().to_owned());
                }
                match code.as_str() {
                    // SQLite: busy, locked, read-only after an I/O error, I/O error, full, cannot open (with their extended forms).
                    // PostgreSQL: serialisation, deadlock, connection and resource classes, shutdown.
                    "40001" | "40P01" | "57P01" | "57P02" | "57P03" => Self::Unavailable(error.to_string()),
                    c if c.starts_with("08") || c.starts_with("53") || c.starts_with("58") => {
                        Self::Unavailable(error.to_string())
                    }
                    c if c
                        .parse::<u32>()
                        .is_ok_and(|n| c.len() <= 4 && matches!(n & 0xff, 5 | 6 | 8 | 10 | 13 | 14)) =>
                    {
                        Self::Unavailable(error.to_string())
                    }
                    // PostgreSQL: a character that is none, one that its encoding has no place for, beyond a limit of the program.
                    "22021" | "22P05" | "54000" => Self::Unfit(error.to_string()),
                    _ => Self::Broken(error.to_string()),
                }
            }
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}
