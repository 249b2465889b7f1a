//! A recording's bytes in transit. Large recordings take long, so it is not the whole transfer that is limited but each
//! stall.

use super::bandwidth::Bandwidth;
use crate::sinks::refusal::Refusal;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use model::error::Cause;
use model::ports::ByteStream;
use reqwest::Body;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Bytes sent at a time, so that the bandwidth limit is kept evenly.
const PIECE: usize = 16 * 1024;
/// How long the recording's own storage may take for the next bytes.
const READING: Duration = Duration::from_secs(60);
/// How long the other side may accept none.
const SENDING: Duration = Duration::from_secs(60);
/// How long the answer may take after the last byte; agents wait as long (docs/protocol.md §4).
const ANSWERING: Duration = Duration::from_secs(300);

/// What a transfer is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Reading,
    /// For its share of the bandwidth, however long that takes.
    Queued,
    Sending,
    Answering,
}

impl Phase {
    fn patience(self) -> Duration {
        match self {
            Self::Connecting | Self::Sending => SENDING,
            Self::Reading => READING,
            Self::Queued => Duration::MAX,
            Self::Answering => ANSWERING,
        }
    }

    fn refusal(self) -> Refusal {
        match self {
            Self::Reading => Refusal::down(
                "The recording's storage here stopped delivering its bytes.",
                "Validate the storage provider.",
            ),
            Self::Connecting | Self::Queued | Self::Sending => Refusal::down(
                "The other vault stopped taking the recording's bytes.",
                "Check the link, and the other vault's log.",
            ),
            Self::Answering => Refusal::down(
                "The other vault took the recording and did not answer.",
                "See the other vault's log: its storage provider may be slow.",
            ),
        }
    }
}

/// The transfer was given up, and with it its body.
#[derive(Debug, thiserror::Error)]
#[error("the transfer was given up")]
struct GivenUp;

/// Watches a transfer for stalls.
#[derive(Debug)]
pub(super) struct Watch(watch::Receiver<Phase>);

/// A request's body, and the watch over it.
pub(super) fn watched(recording: ByteStream, bandwidth: Option<Arc<Bandwidth>>) -> (Body, Watch) {
    let (phase, watch) = watch::channel(Phase::Connecting);
    let source = Source { recording, held: Bytes::new(), bandwidth, phase };
    (Body::wrap_stream(stream::try_unfold(source, Source::next)), Watch(watch))
}

impl Watch {
    /// Waits for the request unless it stalls.
    pub(super) async fn over<T>(mut self, request: impl Future<Output = T>) -> Result<T, Refusal> {
        tokio::select! {
            outcome = request => Ok(outcome),
            phase = self.standstill() => Err(phase.refusal()),
        }
    }

    async fn standstill(&mut self) -> Phase {
        loop {
            let phase = *self.0.borrow_and_update();
            match timeout(phase.patience(), self.0.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => {
                    // The body has been sent.
                    tokio::time::sleep(Phase::Answering.patience()).await;
                    return Phase::Answering;
                }
                Err(_) => return phase,
            }
        }
    }
}

struct Source {
    recording: ByteStream,
    held: Bytes,
    bandwidth: Option<Arc<Bandwidth>>,
    phase: watch::Sender<Phase>,
}

impl Source {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Cause> {
        while self.held.is_empty() {
            self.enter(Phase::Reading)?;
            match self.recording.next().await {
                Some(bytes) => self.held = bytes?,
                None => return Ok(None),
            }
        }
        let piece = match &self.bandwidth {
            None => std::mem::take(&mut self.held),
            Some(_) => self.held.split_to(self.held.len().min(PIECE)),
        };
        if let Some(bandwidth) = self.bandwidth.clone() {
            self.enter(Phase::Queued)?;
            bandwidth.take(piece.len()).await;
        }
        self.enter(Phase::Sending)?;
        Ok(Some((piece, self)))
    }

    /// Fails once nobody watches any more: after an early answer, such as a refusal, the rest of the recording must not
    /// be sent.
    fn enter(&self, phase: Phase) -> Result<(), GivenUp> {
        self.phase.send(phase).map_err(|_| GivenUp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn source(bandwidth: Option<Arc<Bandwidth>>) -> (Source, Watch) {
        let recording: ByteStream = Box::pin(stream::iter([Ok(Bytes::from(vec![7; PIECE + 1])), Ok(Bytes::new())]));
        let (phase, watch) = watch::channel(Phase::Connecting);
        (Source { recording, held: Bytes::new(), bandwidth, phase }, Watch(watch))
    }

    #[tokio::test]
    async fn everything_arrives_in_pieces_when_limited() {
        for (kib, wanted) in [(0, vec![PIECE + 1]), (1_000_000, vec![PIECE, 1])] {
            let (mut source, _watch) = source(Bandwidth::of_kib(kib).map(Arc::new));
            let mut pieces = Vec::new();
            while let Some((piece, rest)) = source.next().await.expect("watched") {
                pieces.push(piece.len());
                source = rest;
            }
            assert_eq!(pieces, wanted);
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_sent() {
        let (source, watch) = source(None);
        let (_, rest) = source.next().await.expect("watched").expect("a piece");
        drop(watch);
        assert!(rest.next().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_standstill_is_told_by_what_stands_still() {
        let (taken, watch) = source(None);
        let (_, unsent) = taken.next().await.expect("watched").expect("a piece");
        let refusal = watch.over(pending::<()>()).await.expect_err("stands still");
        assert!(refusal.failure.reason.contains("stopped taking"), "{refusal:?}");

        drop(unsent);
        let (sent, watch) = source(None);
        drop(sent);
        let refusal = watch.over(pending::<()>()).await.expect_err("no answer");
        assert!(refusal.failure.reason.contains("did not answer"), "{refusal:?}");

        let (mut reading, watch) = source(None);
        reading.recording = Box::pin(stream::pending());
        let refusal = tokio::select! {
            outcome = watch.over(pending::<()>()) => outcome.expect_err("stands still"),
            _ = reading.next() => panic!("there is nothing to read"),
        };
        assert!(refusal.failure.reason.contains("storage here"), "{refusal:?}");
    }
}
