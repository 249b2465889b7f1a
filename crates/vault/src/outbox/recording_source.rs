//! A stored recording for sinks: looked up and opened when they want its bytes.

use crate::base::VaultError;
use crate::base::damaged::Damage;
use crate::recordings::{RecordingRef, Recordings};
use async_trait::async_trait;
use futures::stream;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{ByteStream, OpenRecording, RecordingSource};

/// One recording, by row.
pub(crate) struct StoredRecording {
    pub(crate) recordings: Recordings,
    pub(crate) id: i64,
    pub(crate) vault_id: String,
}

#[async_trait]
impl RecordingSource for StoredRecording {
    async fn open(&self, from: u64) -> Result<OpenRecording, StoreError> {
        let row = self.recordings.row(self.id).await.map_err(store_error)?;
        let error = |damage: Damage| store_error(self.recordings.damage_error(damage));
        let metadata = row.read_metadata().map_err(error)?;
        let custom_headers = self.recordings.custom_headers(self.id).await.map_err(store_error)?;
        let path = row.read_path().map_err(error)?;
        let timestamp = row.timestamp;
        let path = path.ids().chain([self.vault_id.as_str()]).map(str::to_owned).collect();
        let found = RecordingRef::try_from(row).map_err(error)?;
        let body = self.rest(&found, from).await.map_err(|error| missing(store_error(error)))?;
        Ok(OpenRecording {
            key: found.key,
            size: found.size,
            sha256: found.sha256,
            timestamp,
            metadata,
            custom_headers,
            path,
            body,
        })
    }
}

impl StoredRecording {
    async fn rest(&self, found: &RecordingRef, from: u64) -> Result<ByteStream, VaultError> {
        match from {
            0 => self.recordings.open(found, None).await,
            // No store has a range behind the end.
            from if from >= found.size => Ok(Box::pin(stream::empty())),
            from => self.recordings.open(found, Some(from..found.size)).await,
        }
    }
}

/// A recording whose object is missing is not a deleted recording.
fn missing(error: StoreError) -> StoreError {
    if !error.is_not_found() {
        return error;
    }
    StoreError::caused(StoreErrorKind::Corrupt, "The recording's file is missing at its storage provider.", error)
}

fn store_error(error: VaultError) -> StoreError {
    match error {
        VaultError::Store(error) => error,
        VaultError::NotFound(_) => StoreError::new(StoreErrorKind::NotFound, "The recording has been deleted."),
        VaultError::Replaced => {
            StoreError::new(StoreErrorKind::Unavailable, "The recording is being replaced right now.")
        }
        VaultError::Damaged(damage) => StoreError::new(StoreErrorKind::Corrupt, damage.to_string()),
        other => StoreError::caused(StoreErrorKind::Unavailable, "The vault's database does not answer.", other),
    }
}
