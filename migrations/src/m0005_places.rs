use sea_orm_migration::prelude::*;

/// The place of a provider, so that two providers of one place are noticed; and which recording was moved away from an
/// object that is to be deleted.
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
