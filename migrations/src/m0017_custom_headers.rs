use sea_orm_migration::prelude::*;

/// Headers of the owner's choice that recordings came with; few have any, and they can be large.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(
            manager,
            "CREATE TABLE custom_headers (
                 recording_id BIGINT NOT NULL PRIMARY KEY,
                 headers TEXT NOT NULL
             )",
        )
        .await
    }
}
