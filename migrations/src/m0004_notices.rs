use sea_orm_migration::prelude::*;

/// Notices: one row per code and subject.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, TABLE).await
    }
}

const TABLE: &str = "
CREATE TABLE notices (
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    cure TEXT NOT NULL,
    dismissible BOOLEAN NOT NULL,
    times BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (code, subject)
);
";
