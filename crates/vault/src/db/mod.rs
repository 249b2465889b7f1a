//! The database: many readers, and writes that share a commit.
//!
//! SQLite has one writer, and a durable commit costs a sync of the disk. Writes therefore queue for one task, which
//! puts all that are waiting into one transaction (`writer.rs`). On PostgreSQL every write is a transaction by itself.

mod damage;
mod files;
mod queue;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

pub use damage::{Harm, Reader};
pub use tx::Tx;

use crate::clock::Clock;
use crate::damaged::DamagedRows;
use crate::{Result, VaultError};
use damage::Damage;
use futures::future::BoxFuture;
use migrations::{Migrator, MigratorTrait as _};
use queue::Queue;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
};
use sea_orm::{Statement, TransactionTrait, Value};
use std::time::Duration;

const READERS: u32 = 8;
/// A connection used within this time is taken for alive.
const FRESH: Duration = Duration::from_secs(10);
/// Connections to a shared database that hold turns at keys (see `ingest::locks`), and with that the
/// number of uploads that a replica finishes at a time.
const TURNS: u32 = 16;

/// A handle on the database; cheap to clone. Has the vault's clock with it, so that whoever has the one has the other, and
/// the damage that was met while reading.
#[derive(Clone)]
pub struct Db {
    reader: Reader,
    writer: Writer,
    /// Only where the database is shared.
    turns: Option<DatabaseConnection>,
    clock: Clock,
    damaged_rows: DamagedRows,
}

#[derive(Clone)]
enum Writer {
    /// SQLite: one task writes.
    Queue(Queue),
    /// PostgreSQL: a connection of the pool for each write.
    Pool(DatabaseConnection),
}

impl Db {
    /// Opens the database of this address and brings its tables up to date.
    pub async fn open(url: &str, clock: Clock) -> Result<Self> {
        let (sqlite, damage) = (url.starts_with("sqlite:"), Damage::default());
        let damaged_rows = DamagedRows::default();
        let writing = Database::connect(options(url, if sqlite { 1 } else { READERS })).await?;
        Migrator::up(&writing, None).await?;
        if !sqlite {
            let turns = Some(Database::connect(options(url, TURNS)).await?);
            let reader = Reader { pool: writing.clone(), damage };
            return Ok(Self { reader, writer: Writer::Pool(writing), turns, clock, damaged_rows });
        }
        writing.close().await?;
        let queue = Queue::start(url.to_owned(), clock.clone(), damage.clone()).await?;
        let reader = Reader { pool: Database::connect(options(url, READERS)).await?, damage };
        Ok(Self { reader, writer: Writer::Queue(queue), turns: None, clock, damaged_rows })
    }

    /// A transaction to hold a lock that other replicas see; `None` where there are none.
    pub(crate) async fn begin_turn(&self) -> Result<Option<DatabaseTransaction>> {
        match &self.turns {
            None => Ok(None),
            Some(turns) => Ok(Some(turns.begin().await?)),
        }
    }

    /// For reading.
    pub fn read(&self) -> &Reader {
        &self.reader
    }

    /// The vault's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Now by the vault's clock, in Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The rows that were damaged when they were read.
    pub(crate) fn damaged_rows(&self) -> &DamagedRows {
        &self.damaged_rows
    }

    /// Whether several vaults may share this database.
    pub fn is_shared(&self) -> bool {
        self.reader.get_database_backend() == DbBackend::Postgres
    }

    /// Builds a statement from SQL with `$1`-style parameters, which both databases understand.
    pub fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        statement(self.reader.get_database_backend(), sql, values)
    }

    /// Why SQLite takes no writes; `None` while it does, as far as the last one told, and always on PostgreSQL.
    pub fn write_trouble(&self) -> Option<String> {
        match &self.writer {
            Writer::Queue(queue) => queue.trouble(),
            Writer::Pool(_) => None,
        }
    }

    /// What harm anybody has met. No write is taken from then on: each might do more. A start looks again.
    pub fn harm(&self) -> Option<Harm> {
        self.reader.damage.harm()
    }

    /// Waits until somebody meets harm.
    pub(crate) async fn harmed(&self) -> Harm {
        self.reader.damage.met().await
    }

    fn note_damage(&self, error: &VaultError) {
        if let VaultError::Database(cause) = error {
            self.reader.damage.note(cause);
        }
    }

    /// Runs a write. It is durable when this returns `Ok`; when the job answers an error, or one of its statements
    /// fails, nothing it did is kept. The write runs to its end even if the caller goes away.
    ///
    /// # Errors
    /// What the job answers; `Database` when the database did not confirm it (on SQLite, a COMMIT that failed may still turn
    /// out to be kept at the next start); `CommitUnknown` when the connection broke
    /// while the database was committing, so that it may have.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c Tx) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        match &self.writer {
            Writer::Queue(_) if self.harm().is_some() => Err(harmed()),
            Writer::Queue(queue) => queue.write(job).await.inspect_err(|error| self.note_damage(error)),
            Writer::Pool(pool) => {
                let writing = tokio::spawn(write_alone(pool.clone(), self.clock.stamp_ms(), job));
                writing.await.map_err(|_| stopped())?
            }
        }
    }

    /// Ends every connection. On SQLite all that was written is in the database's one file then.
    pub async fn close(&self) -> Result<()> {
        if let Some(turns) = &self.turns {
            turns.close_by_ref().await?;
        }
        self.reader.pool.close_by_ref().await?;
        match &self.writer {
            Writer::Queue(queue) => queue.close().await,
            Writer::Pool(pool) => Ok(pool.close_by_ref().await?),
        }
    }
}

/// Builds a statement for this kind of database.
pub fn statement(backend: DbBackend, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(backend, sql, values)
}

/// One write in a transaction of its own.
async fn write_alone<T, F>(pool: DatabaseConnection, now_ms: i64, job: F) -> Result<T>
where
    T: Send,
    F: for<'c> FnOnce(&'c Tx) -> BoxFuture<'c, Result<T>> + Send,
{
    let tx = Tx::new(pool.begin().await?, now_ms);
    let value = tx.run(job).await?;
    // Whatever goes wrong from here on, the database may have committed.
    tx.into_inner().commit().await.map_err(VaultError::CommitUnknown)?;
    Ok(value)
}

fn harmed() -> VaultError {
    DbErr::Custom("the database is damaged or was taken away, and takes no writes".into()).into()
}

fn stopped() -> VaultError {
    DbErr::Custom("the database writer has stopped".into()).into()
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
