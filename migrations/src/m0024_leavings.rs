use sea_orm_migration::prelude::*;

/// What becomes of the recordings of accounts that were deleted.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, LEAVINGS).await
    }
}

const LEAVINGS: &str = "
CREATE TABLE leavings (
    account_id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    days INTEGER NOT NULL,
    deleted_at BIGINT NOT NULL
);
";
