//! How long an upload may take to bring its bytes. Counted is the time that the vault waits for them, not the time it takes
//! to store them.

use super::UploadError;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use std::error::Error as StdError;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Over how long the rate is averaged: camera links fail for seconds and then catch up.
const WINDOW: Duration = Duration::from_secs(60);

/// The patience with one upload.
pub(super) struct Patience {
    /// Longest time without a byte.
    idle: Duration,
    /// Least bytes a second, on average; 0 for any.
    least: u64,
    /// Time waited in this window, and what came in it.
    waited: Duration,
    came: u64,
}

impl Patience {
    pub(super) fn new(idle: Duration, least: u64) -> Self {
        Self { idle, least, waited: Duration::ZERO, came: 0 }
    }

    /// The next bytes of a body, `None` at its end.
    pub(super) async fn next<S, E>(&mut self, body: &mut S) -> Result<Option<Bytes>, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        let begun = Instant::now();
        match timeout(self.idle, body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => {
                self.note(begun.elapsed(), chunk.len())?;
                Ok(Some(chunk))
            }
            Ok(Some(Err(error))) => Err(UploadError::Incomplete(Box::new(error))),
            Err(_) => Err(UploadError::Stalled(self.idle.as_secs())),
        }
    }

    fn note(&mut self, waited: Duration, bytes: usize) -> Result<(), UploadError> {
        self.waited += waited;
        self.came += bytes as u64;
        if self.waited < WINDOW {
            return Ok(());
        }
        if self.came < self.least.saturating_mul(self.waited.as_secs()) {
            return Err(UploadError::TooSlow(self.least));
        }
        (self.waited, self.came) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::convert::Infallible;
    use tokio::time::sleep;

    /// So many chunks, each after so long; how the body ended.
    async fn read(chunks: usize, every: Duration, size: usize, least: u64) -> Result<usize, UploadError> {
        let body = stream::iter(0..chunks).then(|_| async move {
            sleep(every).await;
            Ok::<_, Infallible>(Bytes::from(vec![0; size]))
        });
        let (mut body, mut patience, mut came) = (Box::pin(body), Patience::new(Duration::from_secs(30), least), 0);
        while let Some(chunk) = patience.next(&mut body).await? {
            came += chunk.len();
        }
        Ok(came)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_is_not_enough() {
        assert!(matches!(read(1000, 29 * SECOND, 1, 1000).await, Err(UploadError::TooSlow(1000))));
        assert!(matches!(read(1000, SECOND, 900, 1000).await, Err(UploadError::TooSlow(_))));
        assert!(matches!(read(1, 31 * SECOND, 1_000_000, 1000).await, Err(UploadError::Stalled(30))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_link_takes_as_long_as_it_takes() {
        assert_eq!(read(36_000, SECOND, 1000, 1000).await.ok(), Some(36_000_000), "ten hours");
        // Nothing for almost half a minute, then what has piled up.
        assert_eq!(read(1000, 29 * SECOND, 30_000, 1000).await.ok(), Some(30_000_000));
        assert_eq!(read(1000, 29 * SECOND, 1, 0).await.ok(), Some(1000), "as configured");
    }

    /// A window is judged by itself: what came quickly before does not pay for hours of almost nothing.
    #[tokio::test(start_paused = true)]
    async fn what_came_quickly_before_does_not_help() {
        let quick = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![0; 50_000_000]))]);
        let slow = stream::iter(0..100).then(|_| async {
            sleep(20 * SECOND).await;
            Ok(Bytes::from_static(b"x"))
        });
        let (mut body, mut patience) = (Box::pin(quick.chain(slow)), Patience::new(Duration::from_secs(30), 1000));
        let mut seen = 0;
        let ended = loop {
            match patience.next(&mut body).await {
                Ok(Some(_)) => seen += 1,
                other => break other,
            }
        };
        assert!(matches!(ended, Err(UploadError::TooSlow(_))) && seen < 8, "after {seen}");
    }
}
