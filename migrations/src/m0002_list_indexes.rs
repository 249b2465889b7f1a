use sea_orm_migration::prelude::*;

/// If two indexes look equally good, SQLite takes the older one. A list filtered by two things and a period must use
/// the index of both: with an index of one it reads every row of the period. A list filtered by three has an index of
/// three: a camera may have thousands of recordings and none of them at that provider.
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
