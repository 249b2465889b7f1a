//! A small HTTP/1.1 client with one connection, like an agent's; cheap, so that the server is what is measured.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::net::TcpStream;

/// A body made of pieces of shared memory.
pub(crate) struct Pieces {
    rest: Bytes,
    step: usize,
    announced: bool,
}

impl Pieces {
    pub(crate) fn none() -> Self {
        Self::whole(Bytes::new())
    }

    /// In one piece, with Content-Length.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { step: bytes.len(), rest: bytes, announced: true }
    }

    /// Chunked, of unknown length.
    pub(crate) fn chunked(bytes: Bytes, step: usize) -> Self {
        Self { rest: bytes, step, announced: false }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let step = self.step.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(step)))))
    }

    fn is_end_stream(&self) -> bool {
        self.announced && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.announced { SizeHint::with_exact(self.rest.len() as u64) } else { SizeHint::default() }
    }
}

/// A server's answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// When the status arrived.
    pub(crate) at: Instant,
}

/// A connection; reopened if the server has closed it.
pub(crate) struct Connection {
    address: SocketAddr,
    sender: SendRequest<Pieces>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect to the server under test")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // its errors reach the sender
        tokio::spawn(connection);
        Ok(Self { address, sender })
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&mut self, mut request: Request<Pieces>) -> Result<Answer> {
        if self.sender.ready().await.is_err() {
            *self = Self::open(self.address).await?;
        }
        request.headers_mut().insert(HOST, self.address.to_string().parse()?);
        let response = self.sender.send_request(request).await?;
        let at = Instant::now();
        let (parts, body) = response.into_parts();
        Ok(Answer { status: parts.status, headers: parts.headers, body: read(body).await?, at })
    }

    /// Sends a request that must be answered with `status`.
    pub(crate) async fn expect(&mut self, request: Request<Pieces>, status: StatusCode) -> Result<Answer> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let answer = self.send(request).await.with_context(|| what.clone())?;
        ensure!(answer.status == status, "{what}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        Ok(answer)
    }
}

/// Reads a body to its end.
pub(crate) async fn read(mut body: Incoming) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Some(data) = frame?.data_ref() {
            all.extend_from_slice(data);
        }
    }
    Ok(all)
}
