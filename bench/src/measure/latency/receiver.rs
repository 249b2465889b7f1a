//! A webhook in this process.

use crate::http::{Pieces, read};
use anyhow::Result;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Accepts every event; ends when dropped.
pub(super) struct Receiver {
    address: SocketAddr,
    pub(super) arrivals: UnboundedReceiver<Arrived>,
    accepting: JoinHandle<()>,
}

/// An event that came.
pub(super) struct Arrived {
    /// Full key of its recording.
    pub(super) key: String,
    pub(super) at: Instant,
}

impl Receiver {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (sender, arrivals) = unbounded_channel();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let sender = sender.clone();
                let service = service_fn(move |request| take(request, sender.clone()));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, arrivals, accepting })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn take(request: Request<Incoming>, sender: UnboundedSender<Arrived>) -> Result<Response<Pieces>> {
    let body = read(request.into_body()).await?;
    let at = Instant::now();
    let event: Value = serde_json::from_slice(&body)?;
    let key = event["payload"]["key"].as_str().unwrap_or_default().to_owned();
    // nobody waits any more once the measurement has failed
    let _ = sender.send(Arrived { key, at });
    Ok(Response::new(Pieces::none()))
}
