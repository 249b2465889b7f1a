use sea_orm_migration::prelude::*;

/// Lanes and moves belong to the vault working on them for as long as it lives, no longer for a fixed time, which a
/// long transfer exceeds and a restart has to wait for.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, OWNERS_INSTEAD_OF_LEASES).await
    }
}

const OWNERS_INSTEAD_OF_LEASES: &str = "
ALTER TABLE lanes DROP COLUMN lease_until;
ALTER TABLE lanes ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE moves DROP COLUMN lease_until;
ALTER TABLE moves ADD COLUMN owner TEXT NOT NULL DEFAULT '';
";
