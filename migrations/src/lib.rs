//! The database's tables, one file per change. A released file is never edited.

use sea_orm_migration::prelude::*;

mod m0001_tables;
mod m0002_list_indexes;
mod m0003_owners;
mod m0004_notices;
mod m0005_places;
mod m0006_deliveries;
mod m0007_timekeeping;
mod m0008_damage;
mod m0009_actors;
mod m0010_nulls;
mod m0011_session_hashes;
mod m0012_account_bounds;
mod m0013_keys;
mod m0014_cameras_by_account;
mod m0015_resumables;
mod m0016_revoked_urls;
mod m0017_custom_headers;
mod m0019_assets;
mod m0020_kept_of_deliveries;
mod m0021_removals;
mod m0022_retention_reach;
mod m0023_locks;
mod m0024_leavings;

pub use sea_orm_migration::MigratorTrait;

/// Brings a database up to date.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    // Up to m0020 they are released, with 0.2.0. New ones go to the end, and only add: older vaults go on beside them during a
    // rolling upgrade, see crates/vault/tests/vault/released_tables.rs. A database remembers by name which it has run, so editing
    // one changes nothing there.
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let all: Vec<Box<dyn MigrationTrait>> = vec![
            Box::new(m0001_tables::Migration),
            Box::new(m0002_list_indexes::Migration),
            Box::new(m0003_owners::Migration),
            Box::new(m0004_notices::Migration),
            Box::new(m0005_places::Migration),
            Box::new(m0006_deliveries::Migration),
            Box::new(m0007_timekeeping::Migration),
            Box::new(m0008_damage::Migration),
            Box::new(m0009_actors::Migration),
            Box::new(m0010_nulls::Migration),
            Box::new(m0011_session_hashes::Migration),
            Box::new(m0012_account_bounds::Migration),
            Box::new(m0013_keys::Migration),
            Box::new(m0014_cameras_by_account::Migration),
            Box::new(m0015_resumables::Migration),
            Box::new(m0016_revoked_urls::Migration),
            Box::new(m0017_custom_headers::Migration),
            Box::new(m0019_assets::Migration),
            Box::new(m0020_kept_of_deliveries::Migration),
            Box::new(m0021_removals::Migration),
            Box::new(m0022_retention_reach::Migration),
            Box::new(m0023_locks::Migration),
            Box::new(m0024_leavings::Migration),
        ];
        all.into_iter().map(|each| Box::new(Whole(each)) as Box<dyn MigrationTrait>).collect()
    }
}

/// A migration that is done as a whole, with the note that it is: of one that a kill or a power cut ends half-way, nothing stays, and
/// the next start begins it again. On SQLite, SeaORM would else do each statement for itself.
struct Whole(Box<dyn MigrationTrait>);

impl MigrationName for Whole {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Whole {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == sea_orm_migration::sea_orm::DbBackend::Postgres {
            // An index on a table of many gigabytes takes its time, and a start that is cut off would only begin it again.
            manager.get_connection().execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        }
        self.0.up(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// Runs statements written for both databases: `{id}` is a generated primary key, `{bytes}` a
/// binary column.
async fn run(manager: &SchemaManager<'_>, statements: &str) -> Result<(), DbErr> {
    let (id, bytes) = match manager.get_database_backend() {
        sea_orm_migration::sea_orm::DbBackend::Postgres => ("BIGSERIAL PRIMARY KEY", "BYTEA"),
        _ => ("INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB"),
    };
    let sql = statements.replace("{id}", id).replace("{bytes}", bytes);
    for statement in sql.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
