use sea_orm_migration::prelude::*;

/// Where two indexes promise the same, SQLite takes the one that was made first. A list filtered by two things and a
/// period must use the index of both things: of those of one it reads the period's every row.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, LATER_THAN_THOSE_OF_TWO).await
    }
}

const LATER_THAN_THOSE_OF_TWO: &str = "
DROP INDEX recordings_by_account;
DROP INDEX recordings_by_provider;
DROP INDEX recordings_by_device;
CREATE INDEX recordings_by_account ON recordings (account_id, timestamp, id);
CREATE INDEX recordings_by_provider ON recordings (provider_id, timestamp, id);
CREATE INDEX recordings_by_device ON recordings (device, timestamp, id);
";
