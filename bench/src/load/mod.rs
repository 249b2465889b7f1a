//! Load: clients that upload as fast as they are answered.

mod adapter;
mod agent;
mod backlog;
mod direct;
mod disk;
mod presign;
mod recording;
mod tus;

pub(crate) use adapter::Adapter;
pub(crate) use agent::{Account, Agent, device, file_name};
pub(crate) use backlog::backlog;
pub(crate) use direct::Direct;
pub(crate) use disk::{Copier, Disk};
pub(crate) use recording::recording;
pub(crate) use tus::{Endpoint, Tus};

use anyhow::Result;
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Directory of all recordings of the load.
const DIRECTORY: &str = "bench";

/// A client that uploads.
#[async_trait]
pub(crate) trait Client: Send + 'static {
    /// Uploads once; returns when the server says that it is stored.
    async fn upload(&mut self) -> Result<()>;
}

/// Lets the clients make `uploads` uploads between them.
pub(crate) async fn drive<C: Client>(clients: Vec<C>, uploads: usize) -> Result<Duration> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut running = JoinSet::new();
    let start = Instant::now();
    for mut client in clients {
        let begun = begun.clone();
        running.spawn(async move {
            while begun.fetch_add(1, Ordering::Relaxed) < uploads {
                client.upload().await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(start.elapsed())
}
