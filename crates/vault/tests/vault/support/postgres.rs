//! What a test asks PostgreSQL past the vault.

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
