//! What a test asks PostgreSQL past the vault.

use super::until;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement, TryGetable};

/// What whoever connects to this database from now on is told.
pub(crate) async fn alter_database(tables: &DatabaseConnection, setting: &str, value: &str) {
    let alter = format!("'ALTER DATABASE %I SET {setting} = %L', current_database(), '{value}'");
    tables.execute_unprepared(&format!("DO $$ BEGIN EXECUTE format({alter}); END $$")).await.unwrap();
}

/// The first column of the first row.
pub(crate) async fn first<T: TryGetable>(tables: &DatabaseConnection, sql: &str) -> Option<T> {
    let row = tables.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    row.map(|row| row.try_get_by_index(0).unwrap())
}

/// Waits until so many transactions of this database wait for others.
pub(crate) async fn waiting_for_locks(tables: &DatabaseConnection, count: i64) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until(&format!("{count} wait for a lock"), || async { first::<i64>(tables, waiting).await == Some(count) }).await;
}
