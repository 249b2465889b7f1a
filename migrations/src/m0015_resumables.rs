use sea_orm_migration::prelude::*;

/// Uploads that come in several requests (tus). `said` is what their first request said, `received` the bytes that are kept,
/// `at_provider` the parts there, `digest` the hash so far. Bytes too few for a part are in `resumable_tails`.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(
            manager,
            "CREATE TABLE resumables (
                 id TEXT NOT NULL PRIMARY KEY,
                 account_id BIGINT NOT NULL,
                 provider_id BIGINT NOT NULL,
                 key TEXT NOT NULL,
                 said TEXT NOT NULL,
                 length BIGINT,
                 received BIGINT NOT NULL,
                 at_provider TEXT,
                 digest TEXT NOT NULL,
                 done BOOLEAN NOT NULL,
                 holder TEXT,
                 held_until BIGINT NOT NULL,
                 expires_at BIGINT NOT NULL
             );
             CREATE INDEX resumables_by_account ON resumables (account_id, done);
             CREATE INDEX resumables_by_key ON resumables (provider_id, key);
             CREATE INDEX resumables_by_expiry ON resumables (expires_at);
             CREATE TABLE resumable_tails (
                 resumable_id TEXT NOT NULL,
                 position BIGINT NOT NULL,
                 bytes {bytes} NOT NULL,
                 PRIMARY KEY (resumable_id, position)
             )",
        )
        .await
    }
}
