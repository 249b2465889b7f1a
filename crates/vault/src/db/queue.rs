//! The queue in front of SQLite's one writer.

use super::damage::Damage;
use super::stopped;
use super::tx::Tx;
use super::writer::{SqliteWriter, Trouble};
use crate::clock::Clock;
use crate::{Result, VaultError};
use futures::future::BoxFuture;
use sea_orm::DbErr;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Most writes that share a commit.
const BATCH: usize = 128;
/// Most writes waiting; beyond it writers wait for room.
const WAITING: usize = 1024;

/// Takes writes for the writer's task; cheap to clone.
#[derive(Clone)]
pub(super) struct Queue {
    orders: mpsc::Sender<Order>,
    trouble: Arc<Trouble>,
}

enum Order {
    Write(Box<dyn Job>),
    Close(oneshot::Sender<Result<()>>),
}

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

struct Write<T, F> {
    job: F,
    answer: oneshot::Sender<Result<T>>,
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

impl Queue {
    /// Opens the writer's connection and starts its task.
    pub(super) async fn start(url: String, clock: Clock, damage: Damage) -> Result<Self> {
        let (orders, waiting) = mpsc::channel(WAITING);
        let trouble = Arc::new(Trouble::default());
        let writer = SqliteWriter::open(url, clock, trouble.clone(), damage).await?;
        tokio::spawn(work(writer, waiting));
        Ok(Self { orders, trouble })
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.current()
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c Tx) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let order = Order::Write(Box::new(Write { job, answer }));
        self.orders.send(order).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    pub(super) async fn close(&self) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Close(answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

async fn work(mut writer: SqliteWriter, mut waiting: mpsc::Receiver<Order>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let mut jobs = Vec::with_capacity(batch.len());
        let mut closing = None;
        for order in batch.drain(..) {
            match order {
                Order::Write(job) => jobs.push(job),
                Order::Close(answer) => closing = Some(answer),
            }
        }
        if !jobs.is_empty() {
            writer.write_together(jobs).await;
        }
        if let Some(answer) = closing {
            // Dropping the receiver tells all who write from now on that the writer has stopped.
            drop(waiting);
            let _ = answer.send(writer.close().await);
            return;
        }
    }
}
