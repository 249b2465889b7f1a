//! Clients that mean ill: each takes one connection, does the same thing over it again and again, and connects anew when it
//! is cut off.

use model::wire::header;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

/// An account's access and secret key.
pub type Keys = (&'static str, &'static str);

/// Between two bytes, or two requests.
const PAUSE: Duration = Duration::from_secs(1);
/// How many of them share an address, as far as the vault lets them.
const OF_AN_ADDRESS: usize = 1000;

/// What one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// A request's head, a byte at a time.
    SlowHead,
    /// A recording, a byte at a time, with an account's keys.
    SlowBody,
    /// A form to sign in with, a byte at a time.
    SlowForm,
    /// Reads a recording, a byte at a time.
    SlowReader,
    /// Heads that are far too large.
    HugeHead,
    /// Signs in under one made-up name after the other.
    ManyNames,
    /// Heartbeats of one made-up camera after the other.
    ManyCameras,
}

impl Habit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SlowHead,
        Self::SlowBody,
        Self::SlowForm,
        Self::SlowReader,
        Self::HugeHead,
        Self::ManyNames,
        Self::ManyCameras,
    ];
}

/// Between the first one's beginning and the next one's: four thousand have come after half a minute.
const RAMP: Duration = Duration::from_millis(8);

/// Goes on until it is dropped. `number` tells it from the others; `recording` is the key of one that its account has.
pub async fn be(habit: Habit, number: usize, vault: SocketAddr, keys: Keys, recording: &str) {
    sleep(RAMP * u32::try_from(number).unwrap_or(u32::MAX)).await;
    for round in 0_u64.. {
        // However it ends: it was cut off, or could not connect.
        let _ = once(habit, number, round, vault, keys, recording).await;
        sleep(PAUSE).await;
    }
}

async fn once(
    habit: Habit,
    number: usize,
    round: u64,
    vault: SocketAddr,
    keys: Keys,
    recording: &str,
) -> io::Result<()> {
    let mut stream = connect(number, vault).await?;
    let authority = format!("Host: {vault}\r\nOrigin: http://{vault}\r\n");
    let keys = format!("{}: {}\r\n{}: {}\r\n", header::ACCESS_KEY, keys.0, header::SECRET_KEY, keys.1);
    match habit {
        Habit::SlowHead => {
            stream.write_all(b"POST /api/storage HTTP/1.1\r\nX-Slow: ").await?;
            drip(&mut stream).await
        }
        Habit::SlowBody => {
            let names = format!("{}: slow\r\n{}: {number}-{round}.mp4\r\n", header::DIRECTORY, header::FILE_NAME);
            let head = format!("POST /api/storage HTTP/1.1\r\n{authority}{keys}{names}Content-Length: 1000000\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            drip(&mut stream).await
        }
        Habit::SlowForm => {
            let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n";
            stream.write_all(format!("POST /api/fn/sign_in HTTP/1.1\r\n{authority}{form}\r\n").as_bytes()).await?;
            drip(&mut stream).await
        }
        Habit::SlowReader => {
            let name = format!("{}: {recording}\r\n", header::FILE_NAME);
            stream
                .write_all(format!("GET /api/storage/blob HTTP/1.1\r\n{authority}{keys}{name}\r\n").as_bytes())
                .await?;
            while stream.read(&mut [0]).await? > 0 {
                sleep(PAUSE).await;
            }
            Ok(())
        }
        Habit::HugeHead => {
            let line = format!("X-Huge: {}\r\n", "v".repeat(1000));
            stream.write_all(b"POST /api/storage HTTP/1.1\r\n").await?;
            for _ in 0..200 {
                stream.write_all(line.as_bytes()).await?;
            }
            rest(&mut stream).await
        }
        Habit::ManyNames => {
            let form = format!("username=nobody-{number}-{round}&password=wrong");
            let kind = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n";
            let head =
                format!("POST /api/fn/sign_in HTTP/1.1\r\n{authority}{kind}Content-Length: {}\r\n\r\n", form.len());
            stream.write_all(format!("{head}{form}").as_bytes()).await?;
            rest(&mut stream).await
        }
        Habit::ManyCameras => {
            let beat = format!(r#"{{"key":"made-up-{number}-{round}"}}"#);
            let head = format!("POST /api/devices/heartbeat HTTP/1.1\r\nHost: {vault}\r\nConnection: close\r\n");
            stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{beat}", beat.len()).as_bytes()).await?;
            rest(&mut stream).await
        }
    }
}

/// From an address of its own kind on this machine; not from 127.0.0.1, where the honest ones are.
async fn connect(number: usize, vault: SocketAddr) -> io::Result<TcpStream> {
    let last = u8::try_from(2 + number / OF_AN_ADDRESS).unwrap_or(u8::MAX);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0))?;
    socket.connect(vault).await
}

/// A byte now and then, until the vault has had enough of it.
async fn drip(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        stream.write_all(b"x").await?;
        if let Ok(read) = timeout(PAUSE, stream.read(&mut [0; 1024])).await
            && read? == 0
        {
            return Ok(());
        }
    }
}

/// Whatever the vault has to say to it.
async fn rest(stream: &mut TcpStream) -> io::Result<()> {
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}
