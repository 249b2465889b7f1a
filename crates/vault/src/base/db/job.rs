//! A write on its way to SQLite's writer and back.

use super::tx::Tx;
use crate::base::{Result, VaultError};
use futures::future::BoxFuture;
use sea_orm::DbErr;
use tokio::sync::oneshot;

/// A write whose result type is not known here.
pub(super) trait Job: Send {
    /// Runs it; nothing is told to its caller yet.
    fn run<'c>(self: Box<Self>, tx: &'c Tx) -> BoxFuture<'c, Done>;

    /// Tells its caller that it did not run.
    fn refuse(self: Box<Self>, cause: &str);
}

/// A write that ran, waiting for the fate of its transaction.
pub(super) struct Done {
    /// Whether it is to be kept.
    pub(super) keep: bool,
    /// Tells its caller: `Ok` once it is committed, else why it is not.
    pub(super) report: Report,
}

type Report = Box<dyn FnOnce(std::result::Result<(), &str>) + Send>;

/// A write, and whom its outcome is told.
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
                // The caller may have gone; the write stands all the same.
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
