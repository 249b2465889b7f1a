//! Whether the database's file is damaged: told by whoever reads or writes, the first time that SQLite says so.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio_util::sync::CancellationToken;

/// Ends when the first damage is met; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Damage(CancellationToken);

impl Damage {
    pub(super) fn is_met(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(super) async fn met(&self) {
        self.0.cancelled().await;
    }

    pub(super) fn note(&self, error: &DbErr) {
        if !self.is_met() && tells_damage(&error.to_string()) {
            self.0.cancel();
            tracing::error!(%error, "the database is damaged; uploads are refused until a backup is restored");
        }
    }
}

/// SQLITE_CORRUPT, its kinds, and SQLITE_NOTADB; by their texts, because a failed commit has only that to tell.
fn tells_damage(error: &str) -> bool {
    ["(code: 11)", "(code: 267)", "(code: 523)", "(code: 779)", "(code: 26)"].iter().any(|code| error.contains(code))
}

/// Connections for reading. Damage that a reader meets counts as if a writer had met it: lists are read more often than
/// most pages are written.
#[derive(Clone)]
pub struct Reader {
    pub(super) pool: DatabaseConnection,
    pub(super) damage: Damage,
}

impl Reader {
    fn noting<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        outcome.inspect_err(|error| self.damage.note(error))
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.noting(self.pool.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.noting(self.pool.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.noting(self.pool.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.noting(self.pool.query_all_raw(statement).await)
    }
}
