//! SQLite's one writer: waiting writes share a commit, and only a commit that SQLite has confirmed is acknowledged.
//!
//! The statements that begin and end transactions are written out here, on a connection that nothing else uses, because
//! their answers are proofs: `BEGIN` succeeds only outside a transaction, `COMMIT` only inside one, and after `COMMIT`
//! there is none. sqlx counts depth instead: after a failed COMMIT its count is off by one, and every later "commit" is
//! the release of a savepoint in a transaction that never ends (seen: 20 uploads answered 200 and lost).
//!
//! When one of these statements fails, the connection's state is unknown. It is thrown away, everyone in the group is
//! told, and the next group gets a new connection.

use super::damage::{Harm, HarmFlag};
use super::files::Files;
use super::job::{Done, Job};
use super::options;
use super::tx::Tx;
use crate::base::Result;
use crate::base::clock::Clock;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbErr, TransactionTrait as _};
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Pause before another attempt to open a database that did not open.
const REOPEN_EVERY: Duration = Duration::from_millis(500);
/// How long a discarded connection may take to close.
const CLOSING: Duration = Duration::from_secs(5);

/// Why no writes are accepted.
#[derive(Default)]
pub(super) struct WriteFailure(Mutex<Option<String>>);

impl WriteFailure {
    pub(super) fn current(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, trouble: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), trouble)
    }
}

pub(super) struct SqliteWriter {
    url: String,
    clock: Clock,
    connection: Option<Pinned>,
    not_before: Option<Instant>,
    trouble: Arc<WriteFailure>,
    files: Option<Files>,
    damage: HarmFlag,
}

/// A connection that nothing else uses, outside any transaction between two groups.
struct Pinned {
    /// SeaORM takes a connection out of its pool for good only as a transaction, so that one is ended at once, by hand.
    connection: Arc<DatabaseTransaction>,
    pool: DatabaseConnection,
}

impl Pinned {
    async fn open(url: &str) -> std::result::Result<Self, DbErr> {
        let pool = Database::connect(options(url, 1)).await?;
        let connection = Arc::new(pool.begin().await?);
        connection.execute_unprepared("COMMIT").await?;
        Ok(Self { connection, pool })
    }

    async fn run(&self, sql: &str) -> std::result::Result<(), DbErr> {
        self.connection.execute_unprepared(sql).await.map(drop)
    }

    /// Closes it, which rolls back an open transaction.
    async fn close(self) -> std::result::Result<(), DbErr> {
        drop(self.connection);
        let closed = timeout(CLOSING, self.pool.close()).await;
        closed.unwrap_or_else(|_| Err(DbErr::Custom("the connection does not close".into())))
    }
}

impl SqliteWriter {
    pub(super) async fn open(url: String, clock: Clock, trouble: Arc<WriteFailure>, damage: HarmFlag) -> Result<Self> {
        let connection = Some(Pinned::open(&url).await?);
        let files = Files::of(&url);
        Ok(Self { url, clock, connection, not_before: None, trouble, files, damage })
    }

    /// Runs all jobs in one transaction and tells each its outcome.
    pub(super) async fn write_together(&mut self, jobs: Vec<Box<dyn Job>>) {
        if let Err(cause) = self.reopen_if_lost().await {
            for job in jobs {
                job.refuse(&cause);
            }
            return;
        }
        let connection = self.connection.as_ref().expect("it was opened just now");
        let mut group = Group { now_ms: self.clock.stamp_ms(), waiting: jobs.into_iter(), done: Vec::new() };
        match group.run(connection).await {
            Ok(()) if self.files.as_mut().is_some_and(|files| !files.are_those_that_were_opened()) => {
                self.damage.set(Harm::TakenAway);
                group.report(Err("the database's files were removed or replaced while the vault ran"));
                self.rescue().await;
            }
            Ok(()) => {
                self.is_well();
                group.report(Ok(()));
            }
            Err(error) => {
                let cause = self.lost(error);
                group.report(Err(&cause));
            }
        }
    }

    /// The database's files are gone: writes what the connection still sees to a new file.
    async fn rescue(&self) {
        let (Some(files), Some(connection)) = (&self.files, &self.connection) else { return };
        let file = files.rescued(self.clock.now_ms());
        let sql = format!("VACUUM INTO '{}'", file.display().to_string().replace('\'', "''"));
        match connection.run(&sql).await {
            Ok(()) => tracing::error!(
                file = %file.display(),
                "the database's files were removed or replaced while the vault ran; what it held is rescued, and uploads are refused"
            ),
            Err(error) => tracing::error!(
                %error,
                "the database's files were removed or replaced while the vault ran, and what it held cannot be rescued; uploads are refused"
            ),
        }
    }

    pub(super) async fn close(self) -> Result<()> {
        let Some(pinned) = self.connection else { return Ok(()) };
        // Copies the write-ahead log into the database. The last connection to close would do that too, but without
        // reporting failure.
        pinned.run("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        Ok(pinned.close().await?)
    }

    async fn reopen_if_lost(&mut self) -> std::result::Result<(), String> {
        if self.connection.is_some() {
            return Ok(());
        }
        let trouble = || self.trouble.current().unwrap_or_default();
        if self.not_before.is_some_and(|not_before| Instant::now() < not_before) {
            return Err(trouble());
        }
        match Pinned::open(&self.url).await {
            Ok(connection) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(error) => {
                self.not_before = Some(Instant::now() + REOPEN_EVERY);
                Err(self.lost(error))
            }
        }
    }

    /// Abandons a connection whose state is unknown; returns the cause.
    fn lost(&mut self, error: DbErr) -> String {
        let cause = error.to_string();
        if self.trouble.set(Some(cause.clone())).is_none() {
            let error = &error as &dyn StdError;
            tracing::error!(error, "the database takes no writes; uploads are refused until it does");
        }
        if let Some(connection) = self.connection.take() {
            // Not awaited. It releases its locks when it ends; a new connection waits for them.
            tokio::spawn(connection.close());
        }
        cause
    }

    fn is_well(&self) {
        if self.trouble.set(None).is_some() {
            tracing::info!("the database takes writes again");
        }
    }
}

/// Writes that share a transaction.
struct Group {
    now_ms: i64,
    waiting: std::vec::IntoIter<Box<dyn Job>>,
    done: Vec<Done>,
}

impl Group {
    /// `Ok` only when SQLite has confirmed the end of the transaction.
    async fn run(&mut self, connection: &Pinned) -> std::result::Result<(), DbErr> {
        connection.run("BEGIN IMMEDIATE").await?;
        if self.waiting.len() == 1
            && let Some(only) = self.waiting.next()
        {
            let keep = self.run_job(only, connection).await;
            return connection.run(if keep { "COMMIT" } else { "ROLLBACK" }).await;
        }
        while let Some(job) = self.waiting.next() {
            connection.run("SAVEPOINT job").await?;
            if !self.run_job(job, connection).await {
                connection.run("ROLLBACK TO job").await?;
            }
            connection.run("RELEASE job").await?;
        }
        connection.run("COMMIT").await
    }

    async fn run_job(&mut self, job: Box<dyn Job>, connection: &Pinned) -> bool {
        let tx = Tx::new(connection.connection.clone(), self.now_ms);
        let write = job.run(&tx).await;
        let keep = write.keep;
        self.done.push(write);
        keep
    }

    fn report(self, committed: std::result::Result<(), &str>) {
        for write in self.done {
            (write.report)(committed);
        }
        for job in self.waiting {
            job.refuse(committed.err().unwrap_or("the group ended before it"));
        }
    }
}
