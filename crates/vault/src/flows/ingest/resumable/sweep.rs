//! Forgetting uploads that nobody goes on with, and what they hold.

use super::Resumables;
use crate::base::entity::resumable;
use crate::base::{Result, VaultError};
use crate::flows::ingest::multipart::AtProvider;
use crate::host::timekeeping::Trusted;
use model::ObjectKey;
use model::ports::UploadId;
use std::error::Error as StdError;

const BATCH: u64 = 200;

impl Resumables {
    /// Forgets those that have expired. One whose provider does not answer waits for the next time.
    pub(crate) async fn sweep(&self, _: &Trusted) -> Result<()> {
        for row in self.rows.expired(self.ingest.db.now_ms(), BATCH).await? {
            let Some(hold) = self.holds.take(&row.id).await? else { continue };
            if let Err(error) = self.end(&row).await {
                tracing::warn!(
                    error = &error as &dyn StdError,
                    key = row.key,
                    "an upload that has expired is kept for now"
                );
            }
            drop(hold);
        }
        Ok(())
    }

    /// Forgets an upload; what its provider has of it is freed first. The caller holds it.
    pub(super) async fn end(&self, row: &resumable::Model) -> Result<()> {
        if let Some(at_provider) = &row.at_provider {
            self.free(row, at_provider).await?;
        }
        self.rows.delete(&row.id).await
    }

    async fn free(&self, row: &resumable::Model, at_provider: &str) -> Result<()> {
        let provider = match self.ingest.connections.store(row.provider_id).await {
            Ok(provider) => provider,
            Err(VaultError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (Ok(key), Ok(begun)) = (ObjectKey::parse(&row.key), serde_json::from_str::<AtProvider>(at_provider)) else {
            tracing::error!(id = row.id, "an upload's row is damaged: its parts stay at the provider");
            return Ok(());
        };
        Ok(provider.store.abort(&key, &UploadId(begun.id)).await?)
    }
}
