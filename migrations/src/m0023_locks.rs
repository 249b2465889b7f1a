use sea_orm_migration::prelude::*;

/// Recordings that are evidence.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, LOCKS).await
    }
}

const LOCKS: &str = "
CREATE TABLE locks (
    recording_id BIGINT PRIMARY KEY,
    reason TEXT NOT NULL,
    locked_by TEXT NOT NULL,
    locked_at BIGINT NOT NULL,
    ends_at BIGINT
);
";
