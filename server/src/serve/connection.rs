//! A TCP connection that gives up on clients that stop reading or never ask anything, that says in our words why a request
//! cannot be read, and that closes gently: closing while the client still sends would reset the connection, and the client
//! would never see why it was refused.

use super::Options;
use super::exchange::Exchange;
use super::heads::{self, Head};
use super::patience::{Awaited, Patience};
use super::unreadable;
use crate::telemetry::connections;
use axum::body::Bytes;
use bytes::BufMut as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// How long to go on reading and discarding, in all and without a byte.
const LINGER: Duration = Duration::from_secs(30);
const LINGER_IDLE: Duration = Duration::from_secs(5);
/// Most bytes of a body that are read at once: hyper's buffer, which doubles when a read fills it, stays at 64 KiB.
const BODY_PIECE: usize = 64 * 1024 - 1;

pub(super) struct Connection {
    stream: TcpStream,
    remote: SocketAddr,
    exchange: Exchange,
    patience: Patience,
    head: Head,
    write_timeout: Duration,
    /// Runs while the client reads nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// How many requests have been answered so that no byte of their answers is left to be written.
    answered: u64,
    /// Our words for hyper's own refusal, as far as they have not been written.
    refusal: Option<Bytes>,
    closing: Option<Closing>,
}

struct Closing {
    until: Instant,
    idle: Pin<Box<Sleep>>,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        remote: SocketAddr,
        options: &Options,
        exchange: Exchange,
        head: Head,
    ) -> Self {
        Self {
            stream,
            remote,
            exchange,
            patience: Patience::new(options),
            head,
            write_timeout: options.write_timeout,
            stalled: None,
            answered: 0,
            refusal: None,
            closing: None,
        }
    }

    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.exchange.wrote(*bytes);
        }
    }

    /// Turns a write that has been pending for too long into an error.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            self.patience.bytes_went();
            return written;
        }
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(stalled.as_mut().poll(cx));
        connections::given_up("not_reading");
        Poll::Ready(Err(timed_out("the client does not read")))
    }

    /// Takes what hyper answers by itself to a head that it cannot read: a status without a body, which nothing else
    /// knows of. Whether it is that shows only here: hyper has no hook for it. Returns whether it was taken.
    fn takes_refusal(&mut self, bytes: &[u8]) -> bool {
        if self.refusal.is_some() {
            return true;
        }
        // Of the application's answers nothing is left to be written, and no request runs: this is nobody's answer.
        if self.answered != self.exchange.requests() {
            return false;
        }
        self.refusal = unreadable::answer(bytes, self.remote);
        if self.refusal.is_some() {
            self.exchange.leave_unread();
        }
        self.refusal.is_some()
    }

    fn poll_write_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.refusal.as_mut().filter(|left| !left.is_empty()) {
            let written = Pin::new(&mut self.stream).poll_write(cx, left);
            if let Poll::Ready(Ok(written)) = &written {
                let _ = left.split_to(*written);
            }
            ready!(self.watch(cx, written))?;
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads at most so many bytes.
fn poll_read_at_most(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
    most: usize,
) -> Poll<io::Result<()>> {
    if buffer.remaining() <= most {
        return Pin::new(stream).poll_read(cx, buffer);
    }
    loop {
        ready!(stream.poll_read_ready(cx))?;
        match stream.try_read_buf(&mut buffer.limit(most)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return Poll::Ready(read.map(drop)),
        }
    }
}

fn timed_out(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Between two requests, and not while the end of an answer is still being taken.
        if this.exchange.is_running() || this.stalled.is_some() {
            return poll_read_at_most(&mut this.stream, cx, buffer, BODY_PIECE);
        }
        let requests = this.exchange.requests();
        if this.head.poll_may_go_on(cx).is_ready() {
            let before = buffer.filled().len();
            let read = poll_read_at_most(&mut this.stream, cx, buffer, heads::PIECE);
            if read.is_ready() {
                this.patience.bytes_came(requests);
                this.head.bytes_came(buffer.filled().len() - before);
                return read;
            }
        }
        let awaited = ready!(this.patience.poll_over(requests, cx));
        if awaited == Awaited::Head {
            connections::given_up("slow_head");
        }
        Poll::Ready(Err(timed_out("the client asks for nothing")))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.takes_refusal(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(&written);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.takes_refusal(bytes.first().map_or(&[], |first| first)) {
            return Poll::Ready(Ok(bytes.iter().map(|slice| slice.len()).sum()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.wrote(&written);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper calls it when nothing is left to be written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_write_refusal(cx))?;
        if !this.exchange.is_running() {
            this.answered = this.exchange.requests();
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closing.is_none() {
            // from here the client sees the end of our answer
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        if !this.exchange.has_unread() {
            return Poll::Ready(Ok(()));
        }
        let now = Instant::now();
        let closing = this
            .closing
            .get_or_insert_with(|| Closing { until: now + LINGER, idle: Box::pin(tokio::time::sleep(LINGER_IDLE)) });
        let mut waste = [0; 16 * 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut waste);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && Instant::now() < closing.until => {
                    closing.idle.as_mut().reset(Instant::now() + LINGER_IDLE);
                }
                // the client is done, gone, or has had its time
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return closing.idle.as_mut().poll(cx).map(Ok),
            }
        }
    }
}
