use sea_orm_migration::prelude::*;

/// Which place a provider is, so that two providers of one place are known as such; and which recording a move took away
/// from an object that is still to be deleted.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, PLACES).await
    }
}

const PLACES: &str = "
ALTER TABLE connections ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE removals ADD COLUMN moved_id BIGINT NOT NULL DEFAULT 0;
";
