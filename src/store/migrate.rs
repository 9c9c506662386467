//! Brings a database up to date: the portable migrations merged, by version, with those of the engine.

use sqlx::migrate::{Migrate, Migration, MigrationSource, Migrator};

use super::StoreError;
use super::engine::Pools;
use super::error::is_no_table;

static PORTABLE: Migrator = sqlx::migrate!("./migrations");
static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

#[derive(Debug)]
struct Merged(&'static Migrator);

impl MigrationSource<'static> for Merged {
    fn resolve(
        self,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<Migration>, sqlx::error::BoxDynError>> + Send + 'static>>
    {
        Box::pin(async move {
            let mut all: Vec<Migration> = PORTABLE.iter().chain(self.0.iter()).cloned().collect();
            all.sort_by_key(|migration| migration.version);
            Ok(all)
        })
    }
}

/// Runs what has not run yet. Returns how many migrations there are in all.
///
/// # Errors
/// `Migration` when one fails, or when the database has migrations this program does not know (it is older).
pub async fn run(pools: &Pools) -> Result<usize, StoreError> {
    let wrong = |error: sqlx::migrate::MigrateError| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => too_new(version),
        other => StoreError::Migration(other.to_string()),
    };
    match pools {
        Pools::Sqlite { writer, .. } => {
            let migrator = Migrator::new(Merged(&SQLITE)).await.map_err(wrong)?;
            migrator.run(writer).await.map_err(wrong)?;
            Ok(migrator.iter().count())
        }
        Pools::Postgres(pool) => {
            let migrator = Migrator::new(Merged(&POSTGRES)).await.map_err(wrong)?;
            let mut connection = pool.acquire().await?;
            connection.ensure_migrations_table("_sqlx_migrations").await.map_err(wrong)?;
            migrator.run(&mut *connection).await.map_err(wrong)?;
            Ok(migrator.iter().count())
        }
    }
}

/// How many have not run yet; `None` where none ever has. Runs nothing.
///
/// # Errors
/// `Migration` when the database has migrations this program does not know (it is older).
pub async fn waiting(pools: &Pools) -> Result<Option<usize>, StoreError> {
    const SQL: &str = "SELECT version FROM _sqlx_migrations WHERE success";
    let (engine, ran): (_, Result<Vec<i64>, sqlx::Error>) = match pools {
        Pools::Sqlite { readers, .. } => (&SQLITE, sqlx::query_scalar(SQL).fetch_all(readers).await),
        Pools::Postgres(pool) => (&POSTGRES, sqlx::query_scalar(SQL).fetch_all(pool).await),
    };
    let ran = match ran {
        Err(error) if is_no_table(&error) => return Ok(None),
        ran => ran?,
    };
    let known: Vec<i64> = PORTABLE.iter().chain(engine.iter()).map(|migration| migration.version).collect();
    match ran.iter().find(|version| !known.contains(version)) {
        Some(version) => Err(too_new(*version)),
        None if ran.is_empty() => Ok(None),
        None => Ok(Some(known.iter().filter(|version| !ran.contains(version)).count())),
    }
}

fn too_new(version: i64) -> StoreError {
    StoreError::Migration(format!(
        "the database has migration {version}, which this program does not know; start a newer balie"
    ))
}

#[cfg(test)]
mod tests {
    use super::{PORTABLE, POSTGRES, SQLITE};

    #[test]
    fn every_migration_has_a_number_of_its_own() {
        for engine in [&SQLITE, &POSTGRES] {
            let mut numbers: Vec<i64> =
                PORTABLE.iter().chain(engine.iter()).map(|migration| migration.version).collect();
            numbers.sort_unstable();
            let all = numbers.len();
            numbers.dedup();
            assert_eq!(numbers.len(), all, "two migrations share a number: {numbers:?}");
        }
    }
}
