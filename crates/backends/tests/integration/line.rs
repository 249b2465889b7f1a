//! A line to a real broker that can be cut and mended, at an address that stays the same.

use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Passes everything on.
    Up,
    /// Nobody listens, and every connection is cut.
    Down,
    /// Takes what comes, and brings nothing back.
    Silent,
    /// Cuts the connection in place of the next thing that would come back, then is up again.
    LosesAnswer,
}

/// A line.
pub(crate) struct Line {
    /// `host:port` of its near end.
    pub(crate) address: String,
    mode: watch::Sender<Mode>,
    listens: watch::Receiver<bool>,
    connections: watch::Receiver<usize>,
}

impl Line {
    /// Passes bytes.
    pub(crate) async fn to(broker: &str) -> Self {
        Self::start(broker, |_| None).await
    }

    /// Passes Kafka's frames; the broker's address in its answers becomes the line's.
    pub(crate) async fn to_kafka(broker: &str) -> Self {
        let theirs = address_in_frame(broker);
        Self::start(broker, |near| Some(Renaming { theirs, ours: address_in_frame(near) })).await
    }

    async fn start(broker: &str, renaming: impl FnOnce(&str) -> Option<Renaming>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (mode, (told, listens)) = (watch::Sender::new(Mode::Up), watch::channel(true));
        let (open, connections) = watch::channel(0);
        let renaming = renaming(&address);
        let line = Arc::new(Shared { far: broker.to_owned(), mode: mode.clone(), open, renaming });
        tokio::spawn(serve(line, address.clone(), listener, told));
        Self { address, mode, listens, connections }
    }

    /// Changes what the line does, and waits until it does so.
    pub(crate) async fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
        self.listens.clone().wait_for(|listens| *listens == (mode != Mode::Down)).await.unwrap();
    }

    /// What the line does.
    pub(crate) fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    /// Waits until nobody is connected any more.
    pub(crate) async fn is_idle(&self) {
        self.connections.clone().wait_for(|open| *open == 0).await.unwrap();
    }
}

struct Shared {
    far: String,
    mode: watch::Sender<Mode>,
    /// How many connections there are.
    open: watch::Sender<usize>,
    renaming: Option<Renaming>,
}

/// A broker's address, and what it becomes, as they stand in a frame.
struct Renaming {
    theirs: Vec<u8>,
    ours: Vec<u8>,
}

async fn serve(line: Arc<Shared>, address: String, listener: TcpListener, listens: watch::Sender<bool>) {
    let mut mode = line.mode.subscribe();
    let mut listener = Some(listener);
    loop {
        let near = match listener.take() {
            Some(listener) => listener,
            None => TcpListener::bind(&address).await.unwrap(),
        };
        listens.send_replace(true);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = mode.wait_for(|m| *m == Mode::Down) => break,
                Ok((stream, _)) = near.accept() => { connections.spawn(pass(line.clone(), stream)); }
            }
        }
        drop(near);
        connections.shutdown().await;
        listens.send_replace(false);
        mode.wait_for(|m| *m != Mode::Down).await.unwrap();
    }
}

async fn pass(line: Arc<Shared>, near: TcpStream) {
    line.open.send_modify(|open| *open += 1);
    let _closed = Closed(&line);
    let Ok(far) = TcpStream::connect(&line.far).await else { return };
    let ((mut near_read, near_write), (far_read, mut far_write)) = (near.into_split(), far.into_split());
    // Whichever direction is through first takes the other one with it.
    let _ = tokio::select! {
        ended = copy(&mut near_read, &mut far_write) => ended.map(drop),
        ended = downstream(&line, far_read, near_write) => ended,
    };
}

/// Counts a connection off when it ends, or is cut.
struct Closed<'a>(&'a Shared);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

async fn downstream(line: &Shared, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    let mut mode = line.mode.subscribe();
    loop {
        let mut bytes = match &line.renaming {
            Some(_) => read_frame(&mut from).await?,
            None => read_some(&mut from).await?,
        };
        let now = *mode.wait_for(|m| *m != Mode::Silent).await.unwrap();
        if now == Mode::LosesAnswer {
            line.mode.send_replace(Mode::Up);
            return Ok(());
        }
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(Renaming { theirs, ours }) = &line.renaming {
            replace(&mut bytes, theirs, ours);
        }
        to.write_all(&bytes).await?;
    }
}

async fn read_some(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 64 * 1024];
    let read = from.read(&mut bytes).await?;
    bytes.truncate(read);
    Ok(bytes)
}

/// A frame and the length before it.
async fn read_frame(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut frame = vec![0; 4 + length as usize];
    frame[..4].copy_from_slice(&length.to_be_bytes());
    from.read_exact(&mut frame[4..]).await?;
    Ok(frame)
}

/// How a broker's address on this machine stands in a frame; always of the same length, so that a frame keeps its size.
fn address_in_frame(address: &str) -> Vec<u8> {
    let (host, port) = address.rsplit_once(':').unwrap();
    [host.as_bytes(), &port.parse::<u32>().unwrap().to_be_bytes()].concat()
}

fn replace(frame: &mut [u8], from: &[u8], to: &[u8]) {
    let places: Vec<usize> = (0..frame.len()).filter(|at| frame[*at..].starts_with(from)).collect();
    for at in places {
        frame[at..at + to.len()].copy_from_slice(to);
    }
}
