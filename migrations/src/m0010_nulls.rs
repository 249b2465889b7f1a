use sea_orm_migration::prelude::*;

/// What refers to nothing is NULL, no longer 0 or an empty text.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, kind, nothing) in COLUMNS {
            // SQLite cannot change a column.
            let statements = format!(
                "ALTER TABLE {table} ADD COLUMN {column}_or_null {kind};
                 UPDATE {table} SET {column}_or_null = {column} WHERE {column} <> {nothing};
                 ALTER TABLE {table} DROP COLUMN {column};
                 ALTER TABLE {table} RENAME COLUMN {column}_or_null TO {column};"
            );
            super::run(manager, &statements).await?;
        }
        Ok(())
    }
}

/// Table, column, type, and what stood for nothing.
const COLUMNS: [(&str, &str, &str, &str); 7] = [
    ("users", "configured_hash", "TEXT", "''"),
    ("connections", "place", "TEXT", "''"),
    ("removals", "moved_id", "BIGINT", "0"),
    ("lanes", "owner", "TEXT", "''"),
    ("moves", "owner", "TEXT", "''"),
    ("devices", "account_id", "BIGINT", "0"),
    ("replays", "account_id", "BIGINT", "0"),
];
