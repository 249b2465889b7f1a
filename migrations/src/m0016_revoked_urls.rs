use sea_orm_migration::prelude::*;

/// How often an account's signed URLs were revoked: each is signed along with this number.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, "ALTER TABLE accounts ADD COLUMN urls_revoked BIGINT NOT NULL DEFAULT 0").await
    }
}
