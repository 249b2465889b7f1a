//! The database: many readers, and writes that share commits.
//!
//! SQLite has one writer, and a durable commit costs a disk sync. So writes queue for one task, which runs all that are
//! waiting in one transaction (`writer.rs`). On PostgreSQL every write is its own transaction.

mod damage;
mod files;
mod job;
pub(crate) mod location;
mod queue;
mod server;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

pub use damage::{Harm, Reader};
pub(crate) use server::{PATIENCE, ServerTurn};
pub use tx::Tx;

use crate::base::clock::Clock;
use crate::base::damaged::DamagedRows;
use crate::base::{Result, VaultError};
use damage::{HarmFlag, Source};
use futures::future::BoxFuture;
use migrations::{Migrator, MigratorTrait as _};
use queue::Queue;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DbBackend, DbErr, Statement, Value};
use server::Server;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

const READERS: u32 = 8;
/// A connection used this recently is assumed to be alive.
const FRESH: Duration = Duration::from_secs(10);

/// A handle to the database; cheap to clone. It carries the vault's clock and the damage found while reading, so that
/// all code with a database has those too.
#[derive(Clone)]
pub struct Db(Arc<Opened>);

struct Opened {
    reader: Reader,
    writer: Writer,
    clock: Clock,
    damaged_rows: DamagedRows,
}

enum Writer {
    /// SQLite: one task writes.
    Queue(Queue),
    /// PostgreSQL: a connection per write.
    Server(Server),
}

impl Db {
    /// Opens the database at this URL and migrates its tables. `patience` is how long a server may take to answer.
    pub async fn open(url: &str, clock: Clock, patience: Duration) -> Result<Self> {
        let (damage, damaged_rows) = (HarmFlag::default(), DamagedRows::default());
        if !url.starts_with("sqlite:") {
            let server = Server::open(url, patience).await?;
            let reader = Reader { source: Source::Server(server.clone()), damage };
            return Ok(Self(Arc::new(Opened { reader, writer: Writer::Server(server), clock, damaged_rows })));
        }
        let writing = Database::connect(options(url, 1)).await?;
        Migrator::up(&writing, None).await?;
        writing.close().await?;
        let source = Source::File(Database::connect(options(url, READERS)).await?);
        let queue = Queue::start(url.to_owned(), clock.clone(), damage.clone()).await?;
        let (reader, writer) = (Reader { source, damage }, Writer::Queue(queue));
        Ok(Self(Arc::new(Opened { reader, writer, clock, damaged_rows })))
    }

    /// Waits for a lock that other replicas see too, and holds it; `None` on a database that is not shared.
    pub(crate) async fn begin_turn(&self, number: i64) -> Result<Option<ServerTurn>> {
        let Writer::Server(server) = &self.0.writer else { return Ok(None) };
        Ok(Some(server.begin_turn(server::turn_at(number)).await?))
    }

    /// The same for several, without waiting: those that nobody else has; `None` on a database that is not shared.
    pub(crate) async fn begin_free_turns(&self, numbers: &[i64]) -> Result<Option<(ServerTurn, HashSet<i64>)>> {
        let Writer::Server(server) = &self.0.writer else { return Ok(None) };
        Ok(Some(server.begin_free_turns(numbers).await?))
    }

    /// The connections for reading.
    pub fn read(&self) -> &Reader {
        &self.0.reader
    }

    /// The vault's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Now by the vault's clock, in Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.0.clock.now_ms()
    }

    /// The rows that turned out to be damaged.
    pub(crate) fn damaged_rows(&self) -> &DamagedRows {
        &self.0.damaged_rows
    }

    /// Whether several vaults may share this database.
    pub fn is_shared(&self) -> bool {
        self.0.reader.get_database_backend() == DbBackend::Postgres
    }

    /// Builds a statement from SQL with `$1`-style parameters, which both databases understand.
    pub fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        statement(self.0.reader.get_database_backend(), sql, values)
    }

    /// Why the last SQLite write failed; `None` if it succeeded, and always on PostgreSQL.
    pub fn write_trouble(&self) -> Option<String> {
        match &self.0.writer {
            Writer::Queue(queue) => queue.trouble(),
            Writer::Server(_) => None,
        }
    }

    /// The harm found since the start. From then on no write is accepted, as each might do more.
    pub fn harm(&self) -> Option<Harm> {
        self.0.reader.damage.harm()
    }

    /// Waits until harm is found.
    pub(crate) async fn harmed(&self) -> Harm {
        self.0.reader.damage.met().await
    }

    fn note_damage(&self, error: &VaultError) {
        if let VaultError::Database(cause) = error {
            self.0.reader.damage.note(cause);
        }
    }

    /// Runs a write, which is durable once this returns `Ok`. When the job returns an error, or one of its statements
    /// fails, nothing it did is kept. The write runs to its end even if the caller goes away.
    ///
    /// # Errors
    /// The job's own; `Database` when the database did not confirm the write (on SQLite, a failed COMMIT may still turn
    /// out to be kept at the next start); `CommitUnknown` when the connection broke during the commit, so that it may
    /// have been kept.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c Tx) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        match &self.0.writer {
            Writer::Queue(_) if self.harm().is_some() => Err(harmed()),
            Writer::Queue(queue) => queue.write(job).await.inspect_err(|error| self.note_damage(error)),
            Writer::Server(server) => {
                let writing = tokio::spawn(write_alone(server.clone(), self.0.clock.stamp_ms(), job));
                writing.await.map_err(|_| stopped())?
            }
        }
    }

    /// Closes every connection. On SQLite, everything is in the one database file then.
    pub async fn close(&self) -> Result<()> {
        match (&self.0.writer, &self.0.reader.source) {
            (Writer::Queue(queue), Source::File(readers)) => {
                readers.close_by_ref().await?;
                queue.close().await
            }
            (_, Source::Server(server)) | (Writer::Server(server), _) => {
                server.close().await;
                Ok(())
            }
        }
    }
}

impl Reader {
    /// Only for reading, beside a vault that may run: tables stay as they are.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let source = match url.starts_with("sqlite:") {
            true => {
                let mut options = options(url, 1);
                options.map_sqlx_sqlite_opts(|sqlite| sqlite.create_if_missing(false));
                Source::File(Database::connect(options).await?)
            }
            false => Source::Server(Server::connect(url, PATIENCE).await?),
        };
        Ok(Self { source, damage: HarmFlag::default() })
    }
}

/// Builds a statement for this kind of database.
pub fn statement(backend: DbBackend, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(backend, sql, values)
}

/// Runs one write in a transaction of its own.
async fn write_alone<T, F>(server: Server, now_ms: i64, job: F) -> Result<T>
where
    T: Send,
    F: for<'c> FnOnce(&'c Tx) -> BoxFuture<'c, Result<T>> + Send,
{
    let lent = server.lend().await?;
    let tx = Tx::lent(lent.begin().await?, lent, now_ms);
    let outcome = tx.run(job).await;
    let (transaction, lent) = tx.into_inner();
    match outcome {
        Ok(value) => {
            // If anything fails from here on, the database may still have committed.
            lent.answer(transaction.commit()).await.map_err(VaultError::CommitUnknown)?;
            Ok(value)
        }
        Err(error) => {
            lent.roll_back(transaction).await;
            Err(error)
        }
    }
}

fn harmed() -> VaultError {
    DbErr::Custom("the database is damaged or was taken away, and takes no writes".into()).into()
}

fn stopped() -> VaultError {
    DbErr::Custom("the database writer has stopped".into()).into()
}

fn common_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        // Testing a connection that was just used would cost as much as a statement.
        .test_before_acquire_if_idle_for(FRESH)
        // No upkeep of idle connections: in sqlx 0.9.0 it may go round for ever, with a thread of ours (sqlx issue 3645).
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(false);
    options
}

/// For SQLite.
fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = common_options(url, connections);
    options.acquire_timeout(Duration::from_secs(30)).map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("cache_size", "-8000")
            .pragma("temp_store", "MEMORY")
    });
    options
}
