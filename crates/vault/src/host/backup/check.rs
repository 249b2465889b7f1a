//! Whether a file is an intact vault database that this program and key can use.

use super::file::failed;
use super::{BackupError, connect};
use crate::base::db::statement;
use crate::base::entity::{account, connection};
use crate::base::keys::Keys;
use crate::host::home::Home;
use migrations::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, QueryResult};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// First bytes of every SQLite database.
const HEADER: &[u8; 16] = b"SQLite format 3\0";
/// Tables that a vault's database has had since the first version.
const TABLES: [&str; 4] = ["seaql_migrations", "connections", "accounts", "recordings"];
/// Columns with sealed secrets.
const SEALED: [Sealed; 2] = [
    Sealed { table: "connections", column: "settings", bound_to: connection::Model::sealed_in },
    Sealed { table: "accounts", column: "secret_key", bound_to: account::Model::sealed_in },
];

/// A column of sealed secrets.
struct Sealed {
    table: &'static str,
    column: &'static str,
    /// What the secret of a row is bound to.
    bound_to: fn(i64) -> String,
}

/// The contents of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Recordings.
    pub recordings: i64,
    /// Accounts.
    pub accounts: i64,
    /// Providers and integrations.
    pub connections: i64,
}

/// Checks the first bytes only.
pub(super) fn begins_like_a_database(file: &Path) -> Result<(), BackupError> {
    // Reading a pipe would wait for its writer.
    if fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return Err(BackupError::NotADatabase(file.to_owned()));
    }
    let mut header = [0; HEADER.len()];
    let read = File::open(file).and_then(|mut opened| opened.read_exact(&mut header));
    match read {
        Ok(()) if &header == HEADER => Ok(()),
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(failed("read", file)(error)),
        _ => Err(BackupError::NotADatabase(file.to_owned())),
    }
}

/// Checks the whole of a file that nobody writes to.
pub(super) async fn check(file: &Path, home: &Home) -> Result<Counts, BackupError> {
    begins_like_a_database(file)?;
    let damaged = |what: DbErr| BackupError::Damaged { file: file.to_owned(), what: what.to_string() };
    let database = connect(file, true).await.map_err(damaged)?;
    let checked = check_open(&database, file, home).await.map_err(|error| match error {
        CheckError::Database(error) => damaged(error),
        CheckError::Told(error) => error,
    });
    let _ = database.close().await;
    checked
}

enum CheckError {
    Database(DbErr),
    Told(BackupError),
}

impl From<DbErr> for CheckError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

async fn check_open(database: &DatabaseConnection, file: &Path, home: &Home) -> Result<Counts, CheckError> {
    let told = |error| Err(CheckError::Told(error));
    let found: Vec<String> = all(database, "PRAGMA integrity_check(3)").await?;
    if found != ["ok"] {
        return told(BackupError::Damaged { file: file.to_owned(), what: found.join("; ").replace('\n', " ") });
    }
    let tables: Vec<String> = all(database, "SELECT name FROM sqlite_schema WHERE type = 'table'").await?;
    if TABLES.iter().any(|table| !tables.iter().any(|t| t == table)) {
        return told(BackupError::NotAVaults(file.to_owned()));
    }
    let known: Vec<String> = Migrator::migrations().iter().map(|m| m.name().to_owned()).collect();
    let applied: Vec<String> = all(database, "SELECT version FROM seaql_migrations ORDER BY version").await?;
    if let Some(newest) = applied.into_iter().rfind(|version| !known.contains(version)) {
        return told(BackupError::Newer { file: file.to_owned(), newest });
    }
    opens(database, file, home).await?;
    let count = async |table: &str| -> Result<i64, DbErr> {
        let counted: Vec<i64> = all(database, &format!("SELECT count(*) FROM {table}")).await?;
        Ok(counted.first().copied().unwrap_or_default())
    };
    Ok(Counts {
        recordings: count("recordings").await?,
        accounts: count("accounts").await?,
        connections: count("connections").await?,
    })
}

/// Opens every secret with the vault's key.
async fn opens(database: &DatabaseConnection, file: &Path, home: &Home) -> Result<(), CheckError> {
    let mut secrets = Vec::new();
    for Sealed { table, column, bound_to } in SEALED {
        for row in rows(database, &format!("SELECT id, {column} FROM {table}")).await? {
            let (id, sealed): (i64, Vec<u8>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            secrets.push((bound_to(id), sealed));
        }
    }
    if secrets.is_empty() {
        return Ok(());
    }
    let (file, key) = (file.to_owned(), home.key_file());
    let keys = Keys::existing(home.master_key.as_ref(), &key).map_err(|e| CheckError::Told(e.into()))?;
    let Some(keys) = keys else { return Err(CheckError::Told(BackupError::KeyMissing { file, key })) };
    match secrets.iter().filter(|(place, sealed)| keys.open(place, sealed).is_err()).count() {
        0 => Ok(()),
        sealed => Err(CheckError::Told(BackupError::WrongKey { file, key, sealed })),
    }
}

async fn rows(database: &DatabaseConnection, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    database.query_all_raw(statement(DbBackend::Sqlite, sql, [])).await
}

/// The first column of all rows.
async fn all<T: sea_orm::TryGetable>(database: &DatabaseConnection, sql: &str) -> Result<Vec<T>, DbErr> {
    let rows = rows(database, sql).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
