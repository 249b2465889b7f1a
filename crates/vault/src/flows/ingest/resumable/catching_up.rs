//! Uploads whose recording is stored while their row does not say so: the vault was killed in between, or the provider's
//! answer was lost. Their parts have become the recording, so nobody can go on with them; and nobody needs to.

use super::{Resumables, ResumeError, signed, unsigned};
use crate::base::Result;
use crate::base::entity::resumable;
use crate::flows::ingest::UploadError;
use crate::flows::ingest::multipart::AtProvider;
use model::ObjectKey;
use model::error::StoreErrorKind;
use std::error::Error as StdError;

impl Resumables {
    /// Notes that an upload is finished if its recording is stored. Gives the row as it is then.
    pub(super) async fn catch_up(&self, row: resumable::Model) -> Result<resumable::Model> {
        let Some((key, whole)) = all_has_come(&row) else { return Ok(row) };
        let mut length = self.length_of_stored(&row, &key, &whole).await?;
        if length.is_none() {
            // Boxed: a request's future is deep enough without it.
            Box::pin(self.ingest.recover_key(row.provider_id, &key)).await?;
            length = self.length_of_stored(&row, &key, &whole).await?;
        }
        let Some(length) = length else { return Ok(row) };
        self.rows.done(&row.id, length).await?;
        Ok(resumable::Model { received: signed(length), length: Some(signed(length)), done: true, ..row })
    }

    /// The parts are gone at the provider: either nobody can go on with it, or another replica was about to store the
    /// recording, and counts as alive.
    pub(super) async fn lost<T>(
        &self,
        row: &resumable::Model,
        error: ResumeError,
    ) -> std::result::Result<T, ResumeError> {
        if let Some((key, _)) = all_has_come(row)
            && self.ingest.is_uploaded_elsewhere(row.provider_id, &key).await?
        {
            return Err(ResumeError::Held);
        }
        tracing::warn!(
            id = row.id,
            error = &error as &dyn StdError,
            "the parts of an upload are gone; it has to begin anew"
        );
        self.give_up(row).await
    }

    async fn length_of_stored(&self, row: &resumable::Model, key: &ObjectKey, whole: &str) -> Result<Option<u64>> {
        let found = self.ingest.objects.recording_at(row.provider_id, key).await?;
        let found = found.filter(|found| found.account_id == row.account_id && found.sha256 == whole);
        Ok(found.map(|found| unsigned(found.size)))
    }
}

/// The key and the SHA-256 of one whose bytes have all come, but which is not known to be stored.
fn all_has_come(row: &resumable::Model) -> Option<(ObjectKey, String)> {
    let begun: AtProvider = serde_json::from_str(row.at_provider.as_ref()?).ok()?;
    Some((ObjectKey::parse(&row.key).ok()?, begun.whole?))
}

/// Whether what was kept is there no more.
pub(super) fn is_lost(error: &ResumeError) -> bool {
    use StoreErrorKind::{Corrupt, Interrupted, NotFound};
    matches!(error, ResumeError::Upload(UploadError::Store(error)) if matches!(error.kind, NotFound | Interrupted | Corrupt))
}
