//! A line to PostgreSQL that is cut at a COMMIT.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};

/// When the line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The COMMIT does not arrive.
    Before = 1,
    /// It arrives, its answer does not.
    After = 2,
}

/// Passes on to a server.
#[derive(Clone)]
pub(crate) struct Line {
    /// `host:port` to connect to instead of the server's.
    pub(crate) address: String,
    armed: Arc<AtomicU8>,
}

impl Line {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self { address: listener.local_addr().unwrap().to_string(), armed: Arc::default() };
        let armed = line.armed.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), armed.clone()));
            }
        });
        line
    }

    /// Cuts the connection on which the next COMMIT comes.
    pub(crate) fn cut(&self, when: Cut) {
        self.armed.store(when as u8, Ordering::SeqCst);
    }

    /// Whether a cut is still to come.
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::SeqCst) != 0
    }
}

async fn pass(client: TcpStream, server: String, armed: Arc<AtomicU8>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        let message = &buffer[..read];
        // The message that ends a transaction, as a simple query.
        let ends = message.windows(7).any(|window| window == b"COMMIT\0");
        let cut = if ends { armed.swap(0, Ordering::SeqCst) } else { 0 };
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
}
