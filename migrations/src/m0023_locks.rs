use sea_orm_migration::prelude::*;

/// Recordings that are evidence. The database itself refuses to delete a row that is locked: an older vault beside this one does not
/// know of locks.
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
    recording_id BIGINT NOT NULL PRIMARY KEY REFERENCES recordings (id),
    reason TEXT NOT NULL,
    locked_by TEXT NOT NULL,
    locked_at BIGINT NOT NULL,
    ends_at BIGINT
);
";
