//! PostgreSQL's connections, none of which is waited for endlessly.
//!
//! `statement_timeout` needs a server that works. If the server is gone, or its network drops everything, sqlx waits
//! for ever: in a statement, in a COMMIT, and when it tests a connection returned to its pool. So every answer has a
//! time limit here. When one is missed, all connections are abandoned and new ones made, since some of the old ones may
//! never return to their pool.
//!
//! Permits to use a connection are counted here too. So if a permit's holder gets no connection from the pool in time,
//! that is a sign of trouble, never of load.

use super::common_options;
use crate::base::Result;
use futures::FutureExt as _;
use migrations::{Migrator, MigratorTrait as _};
use sea_orm::sqlx::{Executor as _, PgPool};
use sea_orm::{ConnAcquireErr, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr};
use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};
use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long an answer may take: a little longer than a statement, which the server ends itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(70);
/// Connections for reading and writing.
const WORK: u32 = 8;
/// Connections that hold turns at keys (see `objects::locks`): the number of uploads that a replica can finish at a
/// time.
const TURNS: u32 = 16;
/// How long to wait for a connection while all are in use.
const WAITING: Duration = Duration::from_secs(30);
/// Number of the turn at making the tables. Those of keys are hashes.
const MIGRATING: i64 = 1;
/// How long abandoned connections may take to close.
const CLOSING: Duration = Duration::from_secs(5);

/// Settings of every session.
const SESSION: [(&str, &str); 6] = [
    // Else a stuck statement would hold its connection for ever.
    ("statement_timeout", "60s"),
    ("lock_timeout", "60s"),
    // A turn is a transaction that stays idle for as long as storing an upload takes.
    ("idle_in_transaction_session_timeout", "0"),
    // A turn's lock must not outlive a vault whose machine died: the server notices within a minute.
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];
/// Settings of a session that depend on the server's.
///
/// With `synchronous_commit` off, a crash of the server loses what was acknowledged. With `local`, a failover to a
/// synchronous standby does: better to wait for the standby, which is noticed, than to lose silently. The other values
/// survive the loss of one machine and stay.
///
/// `transaction_timeout` would end turns; servers before version 17 do not know it.
const AFTER_CONNECT: &str = "
    SELECT set_config('synchronous_commit', CASE WHEN now IN ('off', 'local') THEN 'on' ELSE now END, false)
        FROM current_setting('synchronous_commit') AS now;
    SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'";

/// A server and its connections; cheap to clone.
#[derive(Clone)]
pub(super) struct Server(Arc<Inner>);

struct Inner {
    url: String,
    patience: Duration,
    pools: RwLock<Arc<Pools>>,
    work: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

struct Pools {
    work: DatabaseConnection,
    turns: DatabaseConnection,
}

/// Permission to use a connection.
pub(super) struct Lent {
    connection: DatabaseConnection,
    /// `None` for a file, which has no time limit.
    of_server: Option<OfServer>,
}

struct OfServer {
    server: Server,
    pools: Arc<Pools>,
    _permit: OwnedSemaphorePermit,
}

/// A turn that other replicas see: a transaction that holds a lock. Ends when dropped.
pub(crate) struct ServerTurn(Option<(DatabaseTransaction, Lent)>);

impl Server {
    /// Connects and migrates the tables.
    pub(super) async fn open(url: &str, patience: Duration) -> Result<Self> {
        let server = Self::connect(url, patience).await?;
        // Of two vaults that start at the same moment, one makes the tables and the other finds them.
        let turn = server.begin_turn(turn_at(MIGRATING)).await?;
        Migrator::up(&server.pools().work, None).await?;
        turn.end().await;
        Ok(server)
    }

    /// Connects, and leaves the tables as they are.
    pub(super) async fn connect(url: &str, patience: Duration) -> Result<Self> {
        let work = Database::connect(options(url, WORK)).await?;
        let turns = Database::connect(options(url, TURNS)).await?;
        let count = |connections| Arc::new(Semaphore::new(connections as usize));
        let server = Self(Arc::new(Inner {
            url: url.to_owned(),
            patience,
            pools: RwLock::new(Arc::new(Pools { work, turns })),
            work: count(WORK),
            turns: count(TURNS),
        }));
        Ok(server)
    }

    /// Waits for permission to use a connection.
    pub(super) async fn lend(&self) -> std::result::Result<Lent, DbErr> {
        self.lend_of(&self.0.work, |pools| &pools.work).await
    }

    /// Begins a turn; `lock` is the statement that takes its lock.
    pub(super) async fn begin_turn(&self, lock: Statement) -> std::result::Result<ServerTurn, DbErr> {
        let lent = self.lend_of(&self.0.turns, |pools| &pools.turns).await?;
        let turn = ServerTurn(Some((lent.begin().await?, lent)));
        if let Some((transaction, lent)) = &turn.0 {
            lent.answer(transaction.query_one_raw(lock)).await?;
        }
        Ok(turn)
    }

    /// Begins the turns of those numbers that nobody has, without waiting for any; answers which.
    pub(super) async fn begin_free_turns(
        &self,
        numbers: &[i64],
    ) -> std::result::Result<(ServerTurn, HashSet<i64>), DbErr> {
        let lent = self.lend_of(&self.0.turns, |pools| &pools.turns).await?;
        let turn = ServerTurn(Some((lent.begin().await?, lent)));
        let mut free = HashSet::new();
        if let Some((transaction, lent)) = &turn.0 {
            for row in lent.answer(transaction.query_all_raw(free_turns_at(numbers))).await? {
                free.insert(row.try_get("", "number")?);
            }
        }
        Ok((turn, free))
    }

    async fn lend_of(
        &self,
        permits: &Arc<Semaphore>,
        pool: impl FnOnce(&Pools) -> &DatabaseConnection,
    ) -> std::result::Result<Lent, DbErr> {
        let permit = timeout(WAITING, permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) };
        let pools = self.pools();
        let connection = pool(&pools).clone();
        Ok(Lent { connection, of_server: Some(OfServer { server: self.clone(), pools, _permit: permit }) })
    }

    fn pools(&self) -> Arc<Pools> {
        self.0.pools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Abandons these connections; later callers get new ones.
    async fn abandon(&self, pools: &Arc<Pools>) {
        if !Arc::ptr_eq(pools, &self.pools()) {
            return;
        }
        // Connects on first use, so that nobody waits here.
        let lazily = async |connections| {
            Database::connect(options(&self.0.url, connections).connect_lazy(true).to_owned()).await
        };
        let (Ok(work), Ok(turns)) = (lazily(WORK).await, lazily(TURNS).await) else { return };
        {
            let mut current = self.0.pools.write().unwrap_or_else(PoisonError::into_inner);
            if !Arc::ptr_eq(pools, &current) {
                return;
            }
            *current = Arc::new(Pools { work, turns });
        }
        tracing::error!("PostgreSQL does not answer; its connections are given up and made anew");
        for pool in pools.both() {
            while let Some(idle) = pool.try_acquire() {
                drop(idle.detach());
            }
            // From here on, returning connections are closed without being tested.
            let _ = pool.close().now_or_never();
            tokio::spawn(async move { timeout(CLOSING, pool.close()).await });
        }
    }

    /// Closes all connections that can be closed in time.
    pub(super) async fn close(&self) {
        let [work, turns] = self.pools().both();
        let closed = timeout(CLOSING, futures::future::join(work.close(), turns.close())).await;
        if closed.is_err() {
            tracing::warn!("not every connection to PostgreSQL could be closed");
        }
    }
}

impl Pools {
    fn both(&self) -> [PgPool; 2] {
        [&self.work, &self.turns].map(|pool| pool.get_postgres_connection_pool().clone())
    }
}

impl Lent {
    /// For a database in a file.
    pub(super) fn of_file(connection: DatabaseConnection) -> Self {
        Self { connection, of_server: None }
    }

    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Waits for an answer, up to the time limit.
    pub(super) async fn answer<T>(
        &self,
        asked: impl Future<Output = std::result::Result<T, DbErr>>,
    ) -> std::result::Result<T, DbErr> {
        let Some(OfServer { server, pools, .. }) = &self.of_server else { return asked.await };
        // Kept until the pools are closed: dropped earlier, its dead connection would go back into the pool, which tests it.
        let mut asked = pin!(asked);
        let answer = timeout(server.0.patience, asked.as_mut()).await.unwrap_or_else(|_| Err(no_answer()));
        if answer.as_ref().is_err_and(is_silence) {
            server.abandon(pools).await;
        }
        answer
    }

    pub(super) async fn begin(&self) -> std::result::Result<DatabaseTransaction, DbErr> {
        self.answer(self.connection.begin()).await
    }

    /// Rolls a transaction back.
    pub(super) async fn roll_back(&self, transaction: DatabaseTransaction) {
        if !self.is_given_up() {
            // Without an answer, the end of its connection rolls it back.
            let _ = self.answer(transaction.rollback()).await;
        }
    }

    /// Whether its connection has been abandoned.
    fn is_given_up(&self) -> bool {
        self.of_server.as_ref().is_some_and(|of| !Arc::ptr_eq(&of.pools, &of.server.pools()))
    }
}

impl ServerTurn {
    /// Lets the next one have it.
    pub(crate) async fn end(mut self) {
        if let Some((transaction, lent)) = self.0.take() {
            lent.roll_back(transaction).await;
        }
    }
}

impl Drop for ServerTurn {
    fn drop(&mut self) {
        // Left to itself, sqlx would roll it back and wait for ever; and with it whoever wants the key.
        if let (Some((transaction, lent)), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { lent.roll_back(transaction).await });
        }
    }
}

/// Waits for the turn of this number, and has it until the transaction ends.
pub(super) fn turn_at(number: i64) -> Statement {
    super::statement(DbBackend::Postgres, "SELECT 1 FROM pg_advisory_xact_lock($1)", [number.into()])
}

/// Has the turns of those numbers that nobody has until the transaction ends.
fn free_turns_at(numbers: &[i64]) -> Statement {
    let numbers: Vec<String> = numbers.iter().map(|number| format!("({number}::BIGINT)")).collect();
    let sql = format!(
        "SELECT number FROM (VALUES {}) AS wanted (number) WHERE pg_try_advisory_xact_lock(number)",
        numbers.join(", ")
    );
    Statement::from_string(DbBackend::Postgres, sql)
}

fn no_answer() -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::Internal(NO_ANSWER.into()))
}

const NO_ANSWER: &str = "the database server does not answer";

/// Whether no answer came, or no connection to ask on.
fn is_silence(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => true,
        DbErr::Conn(sea_orm::RuntimeErr::Internal(why)) => why == NO_ANSWER,
        _ => false,
    }
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = common_options(url, connections);
    options
        .acquire_timeout(WAITING)
        .map_sqlx_postgres_opts(|postgres| postgres.options(SESSION))
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_connect(|connection, _| Box::pin(async { connection.execute(AFTER_CONNECT).await.map(drop) }))
        });
    options
}
