//! A line to PostgreSQL that is cut at a COMMIT, or falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// When the line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The COMMIT does not arrive.
    Before = 1,
    /// It arrives, its answer does not.
    After = 2,
    /// It does not arrive, nothing else does either, and nobody is told: the line falls silent.
    SilentBefore = 3,
    /// The same once it has arrived.
    SilentAfter = 4,
}

/// Passes on to a server.
#[derive(Clone)]
pub(crate) struct Line {
    /// `host:port` to connect to instead of the server's.
    pub(crate) address: String,
    state: State,
}

#[derive(Clone, Default)]
struct State {
    armed: Arc<AtomicU8>,
    /// Times it fell silent or spoke again: silent at odd ones.
    turns: Arc<AtomicUsize>,
}

impl State {
    fn turn(&self) -> usize {
        self.turns.load(Ordering::SeqCst)
    }

    /// A connection that was there when it fell silent is never heard again.
    fn passes(&self, since: usize) -> bool {
        since.is_multiple_of(2) && self.turn() == since
    }
}

impl Line {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self { address: listener.local_addr().unwrap().to_string(), state: State::default() };
        let state = line.state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), state.clone()));
            }
        });
        line
    }

    /// Cuts the connection on which the next COMMIT comes, or falls silent at it.
    pub(crate) fn cut(&self, when: Cut) {
        self.state.armed.store(when as u8, Ordering::SeqCst);
    }

    /// Whether a cut is still to come.
    pub(crate) fn is_armed(&self) -> bool {
        self.state.armed.load(Ordering::SeqCst) != 0
    }

    /// From now on what is sent is swallowed, either way; nothing is closed.
    pub(crate) fn fall_silent(&self) {
        assert!(self.state.turns.fetch_add(1, Ordering::SeqCst).is_multiple_of(2), "it spoke");
    }

    /// Passes on again, but only new connections.
    pub(crate) fn speak(&self) {
        assert!(!self.state.turns.fetch_add(1, Ordering::SeqCst).is_multiple_of(2), "it was silent");
    }
}

async fn pass(client: TcpStream, server: String, state: State) {
    let since = state.turn();
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let heard = state.clone();
    let back = tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
            if heard.passes(since) && to_client.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        if !heard.passes(since) {
            // Nor is the client told when the server goes.
            std::future::pending::<()>().await;
        }
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        if !state.passes(since) {
            continue;
        }
        let message = &buffer[..read];
        // The message that ends a transaction, as a simple query.
        let ends = message.windows(7).any(|window| window == b"COMMIT\0");
        let cut = if ends { state.armed.swap(0, Ordering::SeqCst) } else { 0 };
        if cut == Cut::SilentBefore as u8 || cut == Cut::SilentAfter as u8 {
            state.turns.fetch_add(1, Ordering::SeqCst);
            if cut == Cut::SilentAfter as u8 && to_server.write_all(message).await.is_err() {
                break;
            }
            continue;
        }
        if cut == Cut::After as u8 {
            // Nothing of the answer goes back.
            back.abort();
        }
        if cut != Cut::Before as u8 && to_server.write_all(message).await.is_err() {
            break;
        }
        if cut == Cut::After as u8 {
            // The server has answered, so it has committed; only then both ends go.
            break;
        }
        if cut != 0 {
            back.abort();
            break;
        }
    }
    if !state.passes(since) {
        back.abort();
    }
}
