//! An address that reads an event's recording without credentials, for integrations that ask for one (docs/protocol.md §9).

use crate::base::VaultError;
use crate::connections::SignedAddress;
use crate::recordings::{RecordingRef, Recordings, Signing};
use model::error::{SinkError, SinkErrorKind};
use model::event::Event;

/// The event with such an address, signed now: the event may be days old. Without one if the recording has been deleted.
pub(super) async fn add(
    recordings: &Recordings,
    recording_id: i64,
    event: &str,
    address: &SignedAddress,
) -> Result<String, SinkError> {
    let url = match url(recordings, recording_id, address).await {
        Ok(url) => url,
        Err(VaultError::NotFound(_)) => return Ok(event.to_owned()),
        Err(error) => return Err(SinkError::down("The recording's address cannot be signed.").caused_by(error)),
    };
    let mut event: Event = serde_json::from_str(event)
        .map_err(|error| SinkError::new(SinkErrorKind::Hopeless, "The event cannot be read.").caused_by(error))?;
    event.payload.signed_url = url;
    Ok(event.to_json())
}

async fn url(recordings: &Recordings, id: i64, address: &SignedAddress) -> Result<String, VaultError> {
    let found = RecordingRef::try_from(recordings.row(id).await?).map_err(|damage| recordings.damage_error(damage))?;
    let wanted = Signing { found, ttl: address.lifetime, remuxed: false };
    let urls = recordings.sign_many(&[wanted], &address.base_url).await?;
    Ok(urls.into_iter().next().unwrap_or_default())
}
