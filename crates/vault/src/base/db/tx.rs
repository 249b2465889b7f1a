//! The transaction that a write works with.

use super::server::Lent;
use crate::base::{Result, VaultError};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A write in progress. After a failed statement it accepts no other: SQLite may have rolled back all earlier ones, and
/// later ones would be kept without them.
pub struct Tx {
    connection: Arc<DatabaseTransaction>,
    /// On a server: the permit for its connection.
    lent: Option<Lent>,
    now_ms: i64,
    failed: AtomicBool,
}

impl Tx {
    pub(super) fn new(connection: impl Into<Arc<DatabaseTransaction>>, now_ms: i64) -> Self {
        Self { connection: connection.into(), lent: None, now_ms, failed: AtomicBool::new(false) }
    }

    /// On a server, with its own transaction.
    pub(super) fn lent(transaction: DatabaseTransaction, lent: Lent, now_ms: i64) -> Self {
        Self { lent: Some(lent), ..Self::new(transaction, now_ms) }
    }

    /// The time of this write, in Unix milliseconds: [`Clock::stamp_ms`](crate::base::clock::Clock::stamp_ms).
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Runs a job. `Ok` only if all of its statements succeeded, whatever the job makes of a failure.
    pub(super) async fn run<T, F>(&self, job: F) -> Result<T>
    where
        F: for<'c> FnOnce(&'c Self) -> BoxFuture<'c, Result<T>>,
    {
        // A panic must not end the writer, which everybody depends on.
        let outcome = AssertUnwindSafe(job(self)).catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
        match outcome {
            Ok(_) if self.failed.load(Ordering::Relaxed) => Err(VaultError::Database(failed_before())),
            outcome => outcome,
        }
    }

    /// On a server: the transaction, for its creator to end.
    pub(super) fn into_inner(self) -> (DatabaseTransaction, Lent) {
        let alone = "a write on a server has a transaction of its own";
        (Arc::into_inner(self.connection).expect(alone), self.lent.expect(alone))
    }

    /// Waits for a statement's answer and notes a failure.
    async fn noting<T>(
        &self,
        asked: impl Future<Output = std::result::Result<T, DbErr>>,
    ) -> std::result::Result<T, DbErr> {
        let outcome = match &self.lent {
            Some(lent) => lent.answer(asked).await,
            None => asked.await,
        };
        if outcome.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        outcome
    }

    fn check(&self) -> std::result::Result<(), DbErr> {
        if self.failed.load(Ordering::Relaxed) { Err(failed_before()) } else { Ok(()) }
    }
}

fn panicked() -> VaultError {
    DbErr::Custom("a bug in the vault ended this write; nothing of it is kept".into()).into()
}

fn failed_before() -> DbErr {
    DbErr::Custom("a statement of this write has failed before".into())
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> std::result::Result<ExecResult, DbErr> {
        self.check()?;
        self.noting(self.connection.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> std::result::Result<ExecResult, DbErr> {
        self.check()?;
        self.noting(self.connection.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> std::result::Result<Option<QueryResult>, DbErr> {
        self.check()?;
        self.noting(self.connection.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> std::result::Result<Vec<QueryResult>, DbErr> {
        self.check()?;
        self.noting(self.connection.query_all_raw(statement)).await
    }
}
