use sea_orm_migration::prelude::*;

/// Objects are deleted many at a time. What a provider refuses to delete waits for longer each time, and says why. A recording is
/// not deleted for its age while something is yet to be told of it, which the second index answers.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, MANY).await
    }
}

const MANY: &str = "
ALTER TABLE removals ADD COLUMN whole BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE removals ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE removals ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE removals ADD COLUMN last_error TEXT NOT NULL DEFAULT '';
CREATE INDEX removals_due ON removals (provider_id, due_at, id);
CREATE INDEX removals_refused ON removals (provider_id, id) WHERE tries > 0;
CREATE INDEX deliveries_open_by_recording ON deliveries (recording_id) WHERE state IN ('waiting', 'deferred');
";
