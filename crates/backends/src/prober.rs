//! Runs a probe: each step within the time that is left, leaving nothing behind.

use crate::random;
use bytes::Bytes;
use futures::TryStreamExt;
use model::ObjectKey;
use model::error::StoreError;
use model::ports::{BlobStore, Publish};
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};
use std::future::Future;
use std::ops::Range;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Time for all steps together.
const STEPS: Duration = Duration::from_secs(8);
/// Time to clean up after a failed step. With `STEPS` it stays below the promised 10 s.
const TIDYING: Duration = Duration::from_millis(1500);

/// A probe in progress.
#[derive(Debug)]
pub(crate) struct Prober {
    report: ProbeReport,
    deadline: Instant,
    /// Prefix for the names of further steps.
    subject: &'static str,
}

impl Prober {
    /// Runs a probe to its end even if nobody waits for it any more, since it cleans up at its end.
    pub(crate) async fn run<F>(steps: impl FnOnce(Self) -> F) -> ProbeReport
    where
        F: Future<Output = Self> + Send + 'static,
    {
        let prober = Self { report: ProbeReport::default(), deadline: Instant::now() + STEPS, subject: "" };
        match tokio::spawn(steps(prober)).await {
            Ok(prober) => prober.report,
            Err(error) => {
                tracing::error!(%error, "a probe panicked");
                let mut report = ProbeReport::default();
                let failure = ProbeFailure::new("Something went wrong inside the vault.", "See the vault's log.");
                let _ = report.step::<()>("vault", Err(failure));
                report
            }
        }
    }

    /// Further steps are about another server; their names get this prefix.
    pub(crate) fn turn_to(&mut self, subject: &'static str) {
        self.subject = subject;
    }

    /// Runs one step and records its outcome.
    pub(crate) async fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = Result<T, ProbeFailure>>,
    ) -> Result<T, ProbeEnded> {
        let outcome = timeout_at(self.deadline, work).await.unwrap_or_else(|_| {
            Err(ProbeFailure::new(
                "There was no answer in time.",
                "Check that the address is right and the server is well; a firewall may be dropping the answers.",
            ))
        });
        match self.subject {
            "" => self.report.step(name, outcome),
            subject => self.report.step(&format!("{subject}: {name}"), outcome),
        }
    }

    /// The steps every store goes through: write, read, range, delete. `cure` is the advice for a failure.
    pub(crate) async fn objects(
        &mut self,
        store: &dyn BlobStore,
        cure: fn(&str, &StoreError) -> String,
    ) -> Result<(), ProbeEnded> {
        let key = ObjectKey::for_probe(&random::hex::<16>());
        let ended = self.object_steps(store, &key, cure).await;
        if ended.is_err() {
            // The report has the failure already; an object that cannot be removed was most likely never written.
            let _ = timeout(TIDYING, store.delete(&key)).await;
        }
        ended
    }

    async fn object_steps(
        &mut self,
        store: &dyn BlobStore,
        key: &ObjectKey,
        cure: fn(&str, &StoreError) -> String,
    ) -> Result<(), ProbeEnded> {
        let content = Bytes::from(random::hex::<32>());
        let failed = |step: &'static str| move |e: StoreError| ProbeFailure::new(&e, cure(step, &e));
        self.step("write", async { store.put(key, content.clone(), Publish::Replace).await.map_err(failed("write")) })
            .await?;
        self.step("read", async {
            let read = read(store, key, None).await.map_err(failed("read"))?;
            if read != content { Err(not_what_was_written("object")) } else { Ok(()) }
        })
        .await?;
        self.step("range", async {
            let read = read(store, key, Some(16..32)).await.map_err(failed("range"))?;
            if read[..] != content[16..32] { Err(not_what_was_written("part of the object")) } else { Ok(()) }
        })
        .await?;
        self.step("delete", async {
            store.delete(key).await.map_err(failed("delete"))?;
            store.abort_all(key).await.map_err(failed("abort"))?;
            match store.head(key).await.map_err(failed("delete"))? {
                None => Ok(()),
                Some(_) => Err(ProbeFailure::new(
                    "The object is still there after it was deleted.",
                    "Check that nothing keeps deleted objects there (a lock or a retention rule).",
                )),
            }
        })
        .await
    }
}

async fn read(store: &dyn BlobStore, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Vec<u8>, StoreError> {
    let chunks: Vec<Bytes> = store.get(key, range).await?.bytes.try_collect().await?;
    Ok(chunks.concat())
}

fn not_what_was_written(what: &str) -> ProbeFailure {
    ProbeFailure::new(
        format!("The {what} that came back is not what was written."),
        "Something between the vault and the store, such as a caching proxy, changes or keeps content: take it out of the way.",
    )
}
