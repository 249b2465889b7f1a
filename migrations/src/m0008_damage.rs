use sea_orm_migration::prelude::*;

/// An index of deliveries in a state that no vault writes, which no worker would find.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, INDEX).await
    }
}

const INDEX: &str = "
CREATE INDEX deliveries_of_unknown_state ON deliveries (id)
    WHERE state NOT IN ('waiting', 'deferred', 'parked', 'delivered');
";
