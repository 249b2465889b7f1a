use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Keys in the order of their bytes, in which those below a folder follow each other; SQLite orders all texts like this.
/// And deletions that were asked for and not answered, found by key.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, ASKED).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => super::run(manager, INDEXES).await,
            _ => Ok(()),
        }
    }
}

const ASKED: &str = "
ALTER TABLE removals ADD COLUMN asked_at BIGINT;
CREATE INDEX removals_by_key ON removals (provider_id, key);
";

const INDEXES: &str = "
CREATE INDEX recordings_by_key ON recordings (provider_id, key COLLATE \"C\");
CREATE INDEX copies_by_key ON copies (provider_id, key COLLATE \"C\");
";
