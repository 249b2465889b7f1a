use sea_orm_migration::prelude::*;

/// A session is kept under the hash of its id: whoever reads the database or a backup can use none. Those that were kept
/// under their ids end; people sign in again.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, "DELETE FROM sessions").await
    }
}
