//! A line to a real broker that can be cut and mended, at an address that stays the same.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
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

/// Changes an answer of a Kafka broker: the key of the request's API, and the frame.
pub(crate) type Change = Arc<dyn Fn(i16, &mut Vec<u8>) + Send + Sync>;

/// A line.
pub(crate) struct Line {
    /// `host:port` of its near end.
    pub(crate) address: String,
    mode: watch::Sender<Mode>,
    listens: watch::Receiver<bool>,
}

impl Line {
    /// Passes bytes.
    pub(crate) async fn to(broker: &str) -> Self {
        Self::start(broker, |_| None).await
    }

    /// Passes Kafka's frames; the broker's address in them becomes the line's.
    pub(crate) async fn to_kafka(broker: &str, change: impl Fn(i16, &mut Vec<u8>) + Send + Sync + 'static) -> Self {
        let far = port(broker);
        Self::start(broker, move |near| {
            let (theirs, ours) = (address_in_frame(far), address_in_frame(near));
            Some(Arc::new(move |key, frame: &mut Vec<u8>| {
                replace(frame, &theirs, &ours);
                change(key, frame);
            }))
        })
        .await
    }

    async fn start(broker: &str, change: impl FnOnce(u16) -> Option<Change>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (mode, (told, listens)) = (watch::Sender::new(Mode::Up), watch::channel(true));
        let line = Arc::new(Shared { far: broker.to_owned(), mode: mode.clone(), change: change(port(&address)) });
        tokio::spawn(serve(line, address.clone(), listener, told));
        Self { address, mode, listens }
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
}

struct Shared {
    far: String,
    mode: watch::Sender<Mode>,
    change: Option<Change>,
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

/// Whichever direction is through first takes the other one with it.
async fn pass(line: Arc<Shared>, near: TcpStream) {
    let Ok(far) = TcpStream::connect(&line.far).await else { return };
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let asked = Mutex::default();
    let framed = line.change.is_some();
    let _ = tokio::select! {
        ended = upstream(near_read, far_write, framed, &asked) => ended,
        ended = downstream(&line, far_read, near_write, &asked) => ended,
    };
}

/// API keys of the requests that are not answered yet.
type Asked = Mutex<HashMap<[u8; 4], i16>>;

async fn upstream(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, framed: bool, asked: &Asked) -> io::Result<()> {
    if !framed {
        return copy(&mut from, &mut to).await.map(drop);
    }
    loop {
        let frame = read_frame(&mut from).await?;
        let key = i16::from_be_bytes(frame[..2].try_into().unwrap());
        asked.lock().unwrap().insert(frame[4..8].try_into().unwrap(), key);
        write_frame(&mut to, &frame).await?;
    }
}

async fn downstream(line: &Shared, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, asked: &Asked) -> io::Result<()> {
    let mut mode = line.mode.subscribe();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let mut frame = match &line.change {
            Some(_) => read_frame(&mut from).await?,
            None => {
                let read = from.read(&mut bytes).await?;
                bytes[..read].to_vec()
            }
        };
        let now = *mode.wait_for(|m| *m != Mode::Silent).await.unwrap();
        if now == Mode::LosesAnswer {
            line.mode.send_replace(Mode::Up);
            return Ok(());
        }
        match &line.change {
            Some(change) => {
                let key = asked.lock().unwrap().remove(&frame[..4]).unwrap_or(-1);
                change(key, &mut frame);
                write_frame(&mut to, &frame).await?;
            }
            None if frame.is_empty() => return Ok(()),
            None => to.write_all(&frame).await?,
        }
    }
}

async fn read_frame(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; from.read_u32().await? as usize];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

async fn write_frame(to: &mut OwnedWriteHalf, frame: &[u8]) -> io::Result<()> {
    to.write_all(&[&(frame.len() as u32).to_be_bytes()[..], frame].concat()).await
}

/// The port of `host:port`.
pub(crate) fn port(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

/// How a broker's address stands in a frame; always of the same length, so that a frame keeps its size.
pub(crate) fn address_in_frame(port: u16) -> Vec<u8> {
    [&b"127.0.0.1"[..], &u32::from(port).to_be_bytes()].concat()
}

/// Replaces every occurrence, or the beginning of each where `to` is shorter.
pub(crate) fn replace(frame: &mut [u8], from: &[u8], to: &[u8]) {
    let places: Vec<usize> = (0..frame.len()).filter(|at| frame[*at..].starts_with(from)).collect();
    for at in places {
        frame[at..at + to.len()].copy_from_slice(to);
    }
}
