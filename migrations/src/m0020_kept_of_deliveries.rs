use sea_orm_migration::prelude::*;

/// What an integration keeps of a delivery from one try to the next, such as how far a recording has been sent.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, "ALTER TABLE deliveries ADD COLUMN kept TEXT NOT NULL DEFAULT ''").await
    }
}
