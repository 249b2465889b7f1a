//! HTTP endpoints in this process.

use super::{Inbox, Slot};
use crate::http::{Pieces, read};
use anyhow::Result;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Accepts every event at any path, until dropped.
pub(crate) struct Hook {
    pub(crate) url: String,
    pub(crate) inbox: Inbox,
}

impl Hook {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { url, inbox: Inbox::filled_by(|slot| accept(listener, slot)) })
    }
}

async fn accept(listener: TcpListener, slot: Slot) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let slot = slot.clone();
        let service = service_fn(move |request| take(request, slot.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn take(request: Request<Incoming>, slot: Slot) -> Result<Response<Pieces>> {
    let body = read(request.into_body()).await?;
    slot.put(&body, Instant::now())?;
    Ok(Response::new(Pieces::none()))
}

/// Accepts connections and never answers, until dropped.
pub(crate) struct Silent {
    pub(crate) url: String,
    accepting: JoinHandle<()>,
}

impl Silent {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let accepting = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        });
        Ok(Self { url, accepting })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
