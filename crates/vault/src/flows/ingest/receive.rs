//! The body of one request.

use super::arriving::{Failed, Received};
use super::patience::Patience;
use super::{Ingest, Intent, Target};
use bytes::Bytes;
use futures::Stream;
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
        let mut patience = Patience::new(self.idle_timeout, self.least_rate);
        loop {
            let taken = match patience.next(&mut body).await {
                Ok(Some(chunk)) => self.append(&mut arriving, target, Some(&mut *intent), chunk).await,
                Ok(None) => return self.arrived(arriving, target).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                return Err(arriving.discard(error).await);
            }
        }
    }
}
