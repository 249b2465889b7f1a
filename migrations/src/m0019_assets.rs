use sea_orm_migration::prelude::*;

/// Assets are rows of recordings that say which recording they belong to. Lists leave them out, so the indexes of lists
/// have none of them; those of all rows are the one of keys and the one of uploads. If two indexes look equally good,
/// SQLite takes the older one: the most specific come first (m0002).
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, ASSETS).await
    }
}

const ASSETS: &str = "
ALTER TABLE recordings ADD COLUMN asset_of TEXT;
ALTER TABLE recordings ADD COLUMN orphaned BOOLEAN NOT NULL DEFAULT FALSE;
DROP INDEX recordings_by_upload;
DROP INDEX recordings_by_time;
DROP INDEX recordings_by_account_provider_device;
DROP INDEX recordings_by_account_provider;
DROP INDEX recordings_by_account_device;
DROP INDEX recordings_by_provider_device;
DROP INDEX recordings_by_account;
DROP INDEX recordings_by_provider;
DROP INDEX recordings_by_device;
CREATE INDEX recordings_by_upload ON recordings (uploaded_at, id, account_id, asset_of);
CREATE INDEX recordings_by_time ON recordings (timestamp, id) WHERE asset_of IS NULL;
CREATE INDEX recordings_by_account_provider ON recordings (account_id, provider_id, timestamp, id) WHERE asset_of IS NULL;
CREATE INDEX recordings_by_account_device ON recordings (account_id, device, timestamp, id) WHERE asset_of IS NULL;
CREATE INDEX recordings_by_provider_device ON recordings (provider_id, device, timestamp, id) WHERE asset_of IS NULL;
CREATE INDEX recordings_by_account_provider_device ON recordings (account_id, provider_id, device, timestamp, id)
    WHERE asset_of IS NULL;
CREATE INDEX recordings_by_account ON recordings (account_id, timestamp, id) WHERE asset_of IS NULL;
CREATE INDEX recordings_by_provider ON recordings (provider_id, timestamp, id) WHERE asset_of IS NULL;
CREATE INDEX recordings_by_device ON recordings (device, timestamp, id) WHERE asset_of IS NULL;
CREATE INDEX assets_by_recording ON recordings (account_id, asset_of) WHERE asset_of IS NOT NULL;
CREATE INDEX assets_by_time ON recordings (account_id, timestamp, id) WHERE asset_of IS NOT NULL;
CREATE INDEX assets_orphaned ON recordings (id) WHERE orphaned = TRUE;
";
