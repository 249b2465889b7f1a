use sea_orm_migration::prelude::*;

/// Where two indexes promise the same, SQLite takes the one that was made first. A list filtered by two things and a
/// period must use the index of both things: of those of one it reads the period's every row. One filtered by three has an
/// index of three: a camera may have thousands of recordings and none of them at that provider.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, MOST_SPECIFIC_FIRST).await
    }
}

const MOST_SPECIFIC_FIRST: &str = "
DROP INDEX recordings_by_account;
DROP INDEX recordings_by_provider;
DROP INDEX recordings_by_device;
CREATE INDEX recordings_by_account_provider_device ON recordings (account_id, provider_id, device, timestamp, id);
CREATE INDEX recordings_by_account ON recordings (account_id, timestamp, id);
CREATE INDEX recordings_by_provider ON recordings (provider_id, timestamp, id);
CREATE INDEX recordings_by_device ON recordings (device, timestamp, id);
";
