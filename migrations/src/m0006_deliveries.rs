use sea_orm_migration::prelude::*;

/// Refused deliveries are set aside, each with its own wait, instead of being parked at once; parked ones can be found
/// by reason.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, SET_ASIDE).await
    }
}

const SET_ASIDE: &str = "
ALTER TABLE deliveries ADD COLUMN failed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN waited_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN alone BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX deliveries_deferred ON deliveries (integration_id, id) WHERE state = 'deferred';
CREATE INDEX deliveries_deferred_due ON deliveries (integration_id, due_at) WHERE state = 'deferred';
CREATE INDEX deliveries_deferred_failed ON deliveries (integration_id, failed_at) WHERE state = 'deferred';
CREATE INDEX deliveries_deferred_alike ON deliveries (integration_id, alone, device, id) WHERE state = 'deferred';
CREATE INDEX deliveries_deferred_reason ON deliveries (integration_id, last_error, id) WHERE state = 'deferred';
CREATE INDEX deliveries_parked_reason ON deliveries (integration_id, last_error, id) WHERE state = 'parked';
";
