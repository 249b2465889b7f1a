//! Checks before a database is opened: whether a file is an intact database, and not missing where a vault ran; whether a
//! server answers. Opening it would tell less, later, or nothing: SQLite serves what it can of a damaged file, and a
//! connection pool retries for half a minute and forgets why.

use crate::base::db::location::{self, sqlite_file};
use crate::host::reserve;
use crate::host::start_error::StartError;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How long a file is checked: enough for some 2 GB. Damage in the rest of a larger one is found when it is read.
const LOOKING: Duration = Duration::from_secs(5);
/// SQLite's steps between two looks at the clock.
const STEPS: i32 = 1000;
/// How long a server may take to answer; it may still be starting. Whoever starts vaults is told within five seconds.
const REACHING: Duration = Duration::from_secs(4);
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Checks the database at this URL. Comes before anything is created.
pub(crate) async fn first_look(url: &str, key_file: &Path) -> Result<(), StartError> {
    let Some(file) = sqlite_file(url) else {
        return if url.starts_with("postgres") { reach(url).await } else { Ok(()) };
    };
    if is_missing_or_empty(&file) {
        return expect_no_vault(file, key_file);
    }
    may_use(&file)?;
    match look_through(&file, LOOKING).await {
        Looked::NotADatabase => Err(StartError::NotADatabase(file)),
        Looked::Damaged(what) => Err(StartError::DatabaseDamaged { file, what }),
        Looked::Unfinished => {
            tracing::info!(seconds = LOOKING.as_secs(), "the database is too large to be looked through at start");
            Ok(())
        }
        Looked::Whole | Looked::Unknown => Ok(()),
    }
}

/// Root's `sqlite3` or a copy by root leaves files that SQLite opens, and then cannot write to.
fn may_use(file: &Path) -> Result<(), StartError> {
    let folder = location::folder_of(file);
    if let Err(error) = access(&folder, Access::WRITE_OK | Access::EXEC_OK) {
        return Err(StartError::DataDir { path: folder.display().to_string(), source: error.into() });
    }
    for path in [file.to_owned(), location::log_of(file), location::beside(file, "-shm")] {
        match access(&path, Access::READ_OK | Access::WRITE_OK) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(StartError::File { path, source: error.into() }),
        }
    }
    Ok(())
}

/// There is no database: then no vault must have run here. What is looked for is created after the database, so it proves
/// that one existed, and a new one would destroy what only its log holds.
fn expect_no_vault(file: PathBuf, key_file: &Path) -> Result<(), StartError> {
    let signs = [location::log_of(&file), key_file.to_owned(), location::folder_of(&file).join(reserve::FILE)];
    match signs.into_iter().find(|sign| sign.exists()) {
        Some(sign) => Err(StartError::DatabaseMissing { file, sign }),
        None => Ok(()),
    }
}

fn is_missing_or_empty(file: &Path) -> bool {
    std::fs::metadata(file).map_or(true, |found| found.len() == 0)
}

#[derive(Debug, PartialEq, Eq)]
enum Looked {
    Whole,
    /// No damage was found in the time available.
    Unfinished,
    Damaged(String),
    NotADatabase,
    /// It cannot be read; opening it will say why.
    Unknown,
}

async fn look_through(file: &Path, patience: Duration) -> Looked {
    match quick_check(file, patience).await {
        Ok(found) if found == ["ok"] => Looked::Whole,
        Ok(found) => Looked::Damaged(found.join("; ").replace('\n', " ")),
        Err(error) => match sqlite_code(&error) {
            Some(9) => Looked::Unfinished,
            Some(11) => Looked::Damaged("its pages contradict each other".into()),
            Some(26) => Looked::NotADatabase,
            _ => Looked::Unknown,
        },
    }
}

async fn quick_check(file: &Path, patience: Duration) -> sqlx::Result<Vec<String>> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false);
    let mut connection = options.connect().await?;
    let until = Instant::now() + patience;
    connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < until);
    let found = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_all(&mut connection).await;
    // If closing fails, the vault's own connection deals with it or reports it.
    connection.lock_handle().await?.remove_progress_handler();
    let _ = connection.close().await;
    found
}

/// SQLite's primary result code.
fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

async fn reach(url: &str) -> Result<(), StartError> {
    let unopened = |error: sqlx::Error| StartError::unopened(&error.to_string(), url);
    let options: PgConnectOptions = url.parse().map_err(unopened)?;
    let until = Instant::now() + REACHING;
    loop {
        match timeout_at(until, options.connect()).await {
            Ok(Ok(connection)) => {
                let _ = timeout_at(until, connection.close()).await;
                return Ok(());
            }
            Ok(Err(error)) if may_pass(&error) && Instant::now() + TRY_AGAIN < until => sleep(TRY_AGAIN).await,
            Ok(Err(error)) => return Err(unopened(error)),
            Err(_) => return Err(StartError::unopened("the server does not answer", url)),
        }
    }
}

/// The server is starting, has no name yet, is behind a proxy that does not reach it, or has too many connections.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        // What a proxy without a server behind it says is told as a breach of protocol.
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P03" | "53300")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::{ConnectionTrait as _, Database};

    #[tokio::test]
    async fn a_database_too_large_for_the_time_there_is_is_not_looked_through() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("t.db");
        let database = Database::connect(format!("sqlite://{}?mode=rwc", file.display())).await.expect("opens");
        let sql = "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n";
        database.execute_unprepared(sql).await.expect("filled");
        database.close().await.expect("closes");
        assert_eq!(look_through(&file, Duration::ZERO).await, Looked::Unfinished);
        assert_eq!(look_through(&file, Duration::from_secs(60)).await, Looked::Whole);
    }
}
