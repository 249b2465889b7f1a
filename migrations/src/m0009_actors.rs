use sea_orm_migration::prelude::*;

/// Tells people from accounts and from the vault itself: a user may have the name of any of these.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, KIND).await
    }
}

const KIND: &str = "
ALTER TABLE audit ADD COLUMN actor_kind TEXT NOT NULL DEFAULT 'person';
UPDATE audit SET actor_kind = 'vault' WHERE actor IN ('provisioning', 'retention', 'first start');
UPDATE audit SET actor_kind = 'account', actor = substr(actor, 9) WHERE actor LIKE 'account %';
";
