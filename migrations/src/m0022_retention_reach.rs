use sea_orm_migration::prelude::*;

/// How far each account's retention has got: recordings from before this moment, Unix milliseconds, are gone.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, REACH).await
    }
}

const REACH: &str = "
CREATE TABLE retention_reach (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    before BIGINT NOT NULL
);
";
