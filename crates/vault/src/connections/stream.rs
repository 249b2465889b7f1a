//! Reading bytes from a provider, with a time limit.

use bytes::Bytes;
use futures::StreamExt as _;
use model::error::{StoreError, StoreErrorKind};
use model::ports::ByteStream;
use std::time::Duration;
use tokio::time::timeout;

/// How long a source may be silent.
pub(crate) const IDLE: Duration = Duration::from_secs(30);

/// The next bytes of an object, `None` at its end. Fails when none come for too long.
pub(crate) async fn next(body: &mut ByteStream) -> Result<Option<Bytes>, StoreError> {
    timeout(IDLE, body.next()).await.map_err(|_| silent())?.transpose()
}

/// A provider began to answer and went silent.
pub(crate) fn silent() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "The provider stopped sending half-way.")
}
