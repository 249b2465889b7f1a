//! A write on its way to SQLite's writer and back.

use super::tx::Tx;
use crate::base::{Result, VaultError};
use futures::future::BoxFuture;
use sea_orm::DbErr;
use tokio::sync::oneshot;

/// A write, without its result type.
pub(super) trait Job: Send {
    /// Runs it. The caller is told nothing yet.
    fn run<'c>(self: Box<Self>, tx: &'c Tx) -> BoxFuture<'c, Done>;

    /// Tells the caller that it did not run.
    fn refuse(self: Box<Self>, cause: &str);
}

/// A write that ran and waits for its transaction's outcome.
pub(super) struct Done {
    /// Whether its changes are kept.
    pub(super) keep: bool,
    /// Tells the caller: `Ok` once committed, else why not.
    pub(super) report: Report,
}

type Report = Box<dyn FnOnce(std::result::Result<(), &str>) + Send>;

/// A write, and the channel for its outcome.
pub(super) struct Write<T, F> {
    pub(super) job: F,
    pub(super) answer: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Write<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c Tx) -> BoxFuture<'c, Result<T>> + Send + 'static,
{
    fn run<'c>(self: Box<Self>, tx: &'c Tx) -> BoxFuture<'c, Done> {
        let Self { job, answer } = *self;
        Box::pin(async move {
            let outcome = tx.run(job).await;
            let keep = outcome.is_ok();
            let report = move |committed: std::result::Result<(), &str>| {
                let committed = committed.map_err(not_written);
                // The write stands even if the caller has gone.
                let _ = answer.send(outcome.and_then(|value| committed.map(|()| value)));
            };
            Done { keep, report: Box::new(report) }
        })
    }

    fn refuse(self: Box<Self>, cause: &str) {
        let _ = self.answer.send(Err(not_written(cause)));
    }
}

fn not_written(cause: &str) -> VaultError {
    DbErr::Custom(cause.to_owned()).into()
}
