//! The queue in front of SQLite's one writer.

use super::damage::HarmFlag;
use super::job::{Job, Write};
use super::stopped;
use super::tx::Tx;
use super::writer::{SqliteWriter, WriteFailure};
use crate::base::Result;
use crate::base::clock::Clock;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Most writes that share a commit.
const BATCH: usize = 128;
/// Most writes waiting; further callers wait for room.
const WAITING: usize = 1024;

/// Accepts writes for the writer's task; cheap to clone.
#[derive(Clone)]
pub(super) struct Queue {
    orders: mpsc::Sender<Order>,
    trouble: Arc<WriteFailure>,
}

enum Order {
    Write(Box<dyn Job>),
    Close(oneshot::Sender<Result<()>>),
}

impl Queue {
    /// Opens the writer's connection and starts its task.
    pub(super) async fn start(url: String, clock: Clock, damage: HarmFlag) -> Result<Self> {
        let (orders, waiting) = mpsc::channel(WAITING);
        let trouble = Arc::new(WriteFailure::default());
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
            // Dropping the receiver tells later callers that the writer has stopped.
            drop(waiting);
            let _ = answer.send(writer.close().await);
            return;
        }
    }
}
