//! Whether the database's files are damaged (found by a reader or the writer when SQLite first says so) or were taken
//! away (found by the writer). Either way nothing is written any more.

use super::server::{Lent, Server};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

/// Why a database takes no writes until the vault is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// SQLite found the file corrupt.
    Damaged,
    /// Its files were removed or replaced while it was open.
    TakenAway,
}

impl Harm {
    /// Its name, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Damaged => "database-damaged",
            Self::TakenAway => "database-taken-away",
        }
    }
}

/// Remembers the first harm found; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct HarmFlag {
    harm: Arc<OnceLock<Harm>>,
    met: CancellationToken,
}

impl HarmFlag {
    pub(super) fn harm(&self) -> Option<Harm> {
        self.harm.get().copied()
    }

    pub(super) async fn met(&self) -> Harm {
        self.met.cancelled().await;
        self.harm().unwrap_or(Harm::Damaged)
    }

    pub(super) fn note(&self, error: &DbErr) {
        if self.harm().is_none() && tells_damage(&error.to_string()) {
            self.set(Harm::Damaged);
            tracing::error!(%error, "the database is damaged; uploads are refused until a backup is restored");
        }
    }

    pub(super) fn set(&self, harm: Harm) {
        let _ = self.harm.set(harm);
        self.met.cancel();
    }
}

/// SQLITE_CORRUPT with its variants, and SQLITE_NOTADB. Matched by text, because a failed commit has nothing else.
fn tells_damage(error: &str) -> bool {
    ["(code: 11)", "(code: 267)", "(code: 523)", "(code: 779)", "(code: 26)"].iter().any(|code| error.contains(code))
}

/// Connections for reading. Damage found while reading counts as well: most pages are read more often than written.
#[derive(Clone)]
pub struct Reader {
    pub(super) source: Source,
    pub(super) damage: HarmFlag,
}

/// Where reads go.
#[derive(Clone)]
pub(super) enum Source {
    File(DatabaseConnection),
    Server(Server),
}

impl Source {
    async fn lend(&self) -> Result<Lent, DbErr> {
        match self {
            Self::File(connection) => Ok(Lent::of_file(connection.clone())),
            Self::Server(server) => server.lend().await,
        }
    }
}

impl Reader {
    fn noting<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        outcome.inspect_err(|error| self.damage.note(error))
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        match &self.source {
            Source::File(_) => DbBackend::Sqlite,
            Source::Server(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let lent = self.source.lend().await?;
        self.noting(lent.answer(lent.connection().execute_raw(statement)).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let lent = self.source.lend().await?;
        self.noting(lent.answer(lent.connection().execute_unprepared(sql)).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let lent = self.source.lend().await?;
        self.noting(lent.answer(lent.connection().query_one_raw(statement)).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let lent = self.source.lend().await?;
        self.noting(lent.answer(lent.connection().query_all_raw(statement)).await)
    }
}
