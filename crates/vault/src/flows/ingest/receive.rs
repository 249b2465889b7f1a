//! The body of one request.

use super::arriving::{Failed, Received};
use super::{Ingest, Intent, Target, UploadError};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use std::error::Error as StdError;

impl Ingest {
    /// Reads a body to its end.
    pub(super) async fn receive<S, E>(
        &self,
        target: &Target,
        intent: &mut Intent,
        mut body: S,
    ) -> Result<Received, Failed>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        let mut arriving = self.begin(target);
        loop {
            let taken = match self.next(&mut body).await {
                Ok(Some(chunk)) => self.append(&mut arriving, target, intent, chunk).await,
                Ok(None) => return self.arrived(arriving, target).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                return Err(arriving.discard(error).await);
            }
        }
    }

    async fn next<S, E>(&self, body: &mut S) -> Result<Option<Bytes>, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        match tokio::time::timeout(self.idle_timeout, body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
            Ok(Some(Err(error))) => Err(UploadError::Incomplete(Box::new(error))),
            Err(_) => Err(UploadError::Stalled(self.idle_timeout.as_secs())),
        }
    }
}
