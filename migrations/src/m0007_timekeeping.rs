use sea_orm_migration::prelude::*;

/// The last reading of the wall clock, and whether it is trusted.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, TABLE).await
    }
}

const TABLE: &str = "
CREATE TABLE timekeeping (
    id BIGINT PRIMARY KEY,
    noted_at BIGINT NOT NULL,
    held BOOLEAN NOT NULL
);
";
