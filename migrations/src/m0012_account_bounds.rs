use sea_orm_migration::prelude::*;

/// Which providers an account's agents may name besides its own, and whether its directory is its alone. Accounts may go
/// on naming those that they have recordings at. Also the names that providers had before. Sessions are
/// sealed from here on: those that are not end, and people sign in again.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(
            manager,
            "CREATE TABLE account_providers (
                 account_id BIGINT NOT NULL,
                 provider_id BIGINT NOT NULL,
                 PRIMARY KEY (account_id, provider_id)
             );
             INSERT INTO account_providers (account_id, provider_id)
                 SELECT a.id, c.id FROM accounts a, connections c
                 WHERE c.family = 'provider' AND c.id <> a.provider_id
                 AND EXISTS (SELECT 1 FROM recordings r WHERE r.account_id = a.id
                     AND (r.provider_id = c.id OR r.origin_id = c.id));
             CREATE TABLE provider_aliases (
                 name TEXT NOT NULL PRIMARY KEY,
                 provider_id BIGINT NOT NULL
             );
             DELETE FROM sessions;
             ALTER TABLE accounts ADD COLUMN exclusive BOOLEAN NOT NULL DEFAULT FALSE",
        )
        .await
    }
}
