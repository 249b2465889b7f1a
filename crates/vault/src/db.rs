//! The database: many readers, and writes that share a commit.
//!
//! SQLite has one writer, and a durable commit costs a sync of the disk. Writes therefore queue for
//! one task, which puts all that are waiting into one transaction, each in a savepoint of its own.
//! On PostgreSQL every write is a transaction by itself.

use crate::{Result, VaultError};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use migrations::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, TransactionTrait};
use sea_orm::{Statement, Value};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Most writes that share a commit.
const BATCH: usize = 128;
/// Most writes waiting; beyond it writers wait for room.
const QUEUE: usize = 1024;
const READERS: u32 = 8;
/// A connection used within this time is taken for alive.
const FRESH: Duration = Duration::from_secs(10);
/// Connections to a shared database that hold turns at keys (see `ingest::locks`), and with that the
/// number of uploads that a replica finishes at a time.
const TURNS: u32 = 16;

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    reader: DatabaseConnection,
    writer: Writer,
    /// Only where the database is shared.
    turns: Option<DatabaseConnection>,
}

#[derive(Clone)]
enum Writer {
    Queue(mpsc::Sender<Job>),
    Direct(DatabaseConnection),
}

type Job = Box<dyn for<'c> FnOnce(&'c DatabaseTransaction) -> BoxFuture<'c, Done> + Send>;

/// A write that ran, waiting for the fate of its transaction.
struct Done {
    keep: bool,
    report: Box<dyn FnOnce(std::result::Result<(), String>) + Send>,
}

impl Db {
    /// Opens the database of this address and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self> {
        let sqlite = url.starts_with("sqlite:");
        let writing = Database::connect(options(url, if sqlite { 1 } else { READERS })).await?;
        Migrator::up(&writing, None).await?;
        if !sqlite {
            let turns = Database::connect(options(url, TURNS)).await?;
            return Ok(Self { reader: writing.clone(), writer: Writer::Direct(writing), turns: Some(turns) });
        }
        let reader = Database::connect(options(url, READERS)).await?;
        let (sender, jobs) = mpsc::channel(QUEUE);
        tokio::spawn(commit_in_groups(writing, jobs));
        Ok(Self { reader, writer: Writer::Queue(sender), turns: None })
    }

    /// A transaction to hold a lock that other replicas see; `None` where there are none.
    pub(crate) async fn begin_turn(&self) -> Result<Option<DatabaseTransaction>> {
        match &self.turns {
            None => Ok(None),
            Some(turns) => Ok(Some(turns.begin().await?)),
        }
    }

    /// For reading.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Whether several vaults may share this database.
    pub fn is_shared(&self) -> bool {
        self.reader.get_database_backend() == DbBackend::Postgres
    }

    /// Builds a statement from SQL with `$1`-style parameters, which both databases understand.
    pub fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        statement(self.reader.get_database_backend(), sql, values)
    }

    /// Runs a write. It is durable when this returns `Ok`; when the job answers an error, nothing
    /// it did is kept. The write runs to its end even if the caller goes away.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        match &self.writer {
            Writer::Direct(db) => {
                let db = db.clone();
                let writing = tokio::spawn(async move {
                    let tx = db.begin().await?;
                    let value = job(&tx).await?;
                    tx.commit().await?;
                    Ok(value)
                });
                writing.await.map_err(|_| stopped())?
            }
            Writer::Queue(queue) => {
                let (answer, answered) = oneshot::channel();
                queue.send(erase(job, answer)).await.map_err(|_| stopped())?;
                answered.await.map_err(|_| stopped())?
            }
        }
    }
}

/// Builds a statement for this kind of database.
pub fn statement(backend: DbBackend, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(backend, sql, values)
}

fn stopped() -> VaultError {
    DbErr::Custom("the database writer has stopped".into()).into()
}

fn erase<T, F>(job: F, answer: oneshot::Sender<Result<T>>) -> Job
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c DatabaseTransaction) -> BoxFuture<'c, Result<T>> + Send + 'static,
{
    Box::new(move |tx| {
        Box::pin(async move {
            // A panic must not end the writer, on which everybody depends.
            let outcome = AssertUnwindSafe(job(tx)).catch_unwind().await.unwrap_or_else(|_| Err(stopped()));
            let keep = outcome.is_ok();
            let report = move |committed: std::result::Result<(), String>| {
                let committed = committed.map_err(|e| VaultError::Database(DbErr::Custom(e)));
                // The caller may have gone; the write stands all the same.
                let _ = answer.send(outcome.and_then(|value| committed.map(|()| value)));
            };
            Done { keep, report: Box::new(report) }
        })
    })
}

async fn commit_in_groups(db: DatabaseConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let mut done = Vec::with_capacity(batch.len());
        let committed = commit(&db, batch.drain(..), &mut done).await.map_err(|e| e.to_string());
        for write in done {
            (write.report)(committed.clone());
        }
    }
}

/// Runs all jobs in one transaction. On an error, jobs that did not run are dropped, which their
/// callers see as a stopped writer.
async fn commit(
    db: &DatabaseConnection,
    mut jobs: impl ExactSizeIterator<Item = Job>,
    done: &mut Vec<Done>,
) -> std::result::Result<(), DbErr> {
    let tx = db.begin().await?;
    if jobs.len() == 1
        && let Some(only) = jobs.next()
    {
        let write = only(&tx).await;
        let keep = write.keep;
        done.push(write);
        return if keep { tx.commit().await } else { tx.rollback().await };
    }
    for job in jobs {
        let savepoint = tx.begin().await?;
        let write = job(&savepoint).await;
        let settled = if write.keep { savepoint.commit().await } else { savepoint.rollback().await };
        done.push(write);
        settled?;
    }
    tx.commit().await
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        // Asking a connection that has just been used whether it is alive costs as much as a statement.
        .test_before_acquire_if_idle_for(FRESH)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .create_if_missing(true)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("cache_size", "-8000")
                .pragma("temp_store", "MEMORY")
        })
        // A statement that waits for ever would hold a connection for ever.
        .map_sqlx_postgres_opts(|postgres| postgres.options([("statement_timeout", "60s"), ("lock_timeout", "60s")]));
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::audit;
    use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};

    async fn note(db: &Db, keep: bool) -> Result<()> {
        db.write(move |tx| {
            Box::pin(async move {
                let row = audit::ActiveModel {
                    at: Set(0),
                    actor: Set("a".into()),
                    action: Set("b".into()),
                    subject: Set("c".into()),
                    ..Default::default()
                };
                audit::Entity::insert(row).exec(tx).await?;
                if keep { Ok(()) } else { Err(VaultError::NotFound("thing")) }
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_failed_write_leaves_the_others_of_its_group_alone() {
        let dir = tempfile::tempdir().expect("temp dir");
        let db = Db::open(&format!("sqlite://{}/t.db", dir.path().display())).await.expect("opens");
        let writes = (0..40).map(|i| note(&db, i % 4 != 0));
        let outcomes = futures::future::join_all(writes).await;
        assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 30);
        assert_eq!(audit::Entity::find().count(db.read()).await.expect("counts"), 30);
    }
}
