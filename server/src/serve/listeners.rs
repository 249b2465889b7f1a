//! The addresses that the vault listens on.

use std::future::poll_fn;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use tokio::net::{TcpListener, TcpStream};

/// One listener or more, which take turns.
pub struct Listeners {
    all: Vec<TcpListener>,
    turn: AtomicUsize,
}

impl From<TcpListener> for Listeners {
    fn from(one: TcpListener) -> Self {
        Self { all: vec![one], turn: AtomicUsize::new(0) }
    }
}

/// What is in the way, if it is an address of our own.
fn explained(error: Error, address: SocketAddr, before: &[SocketAddr]) -> Error {
    // `[::]` takes IPv4 too, unless the system is told otherwise.
    let covers = |one: SocketAddr, other: SocketAddr| {
        one.port() == other.port()
            && (one.ip() == other.ip() || one.ip().is_unspecified() && (one.is_ipv6() || other.is_ipv4()))
    };
    match before.iter().find(|own| covers(**own, address) || covers(address, **own)) {
        Some(own) if error.kind() == ErrorKind::AddrInUse => Error::new(
            error.kind(),
            format!("server.listen names {own} too, which is the same or a part of it: name one of them"),
        ),
        _ => error,
    }
}

impl Listeners {
    /// Listens on all of them. One that the system keeps from this user, as many do with ports below 1024, is left out with
    /// a warning if there is another.
    ///
    /// # Errors
    ///
    /// The first address that cannot be had, and why.
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, (SocketAddr, Error)> {
        let (mut all, mut forbidden) = (Vec::new(), Vec::new());
        for &address in addresses {
            match TcpListener::bind(address).await {
                Ok(listener) => all.push(listener),
                Err(error) if error.kind() == ErrorKind::PermissionDenied => forbidden.push((address, error)),
                Err(error) => {
                    return Err((address, explained(error, address, &addresses[..all.len() + forbidden.len()])));
                }
            }
        }
        if all.is_empty() {
            return Err(forbidden.swap_remove(0));
        }
        for (address, error) in forbidden {
            tracing::warn!(%address, %error, "not listening there: the system does not give this port to the vault's user");
        }
        Ok(Self { all, turn: AtomicUsize::new(0) })
    }

    /// Where it listens, with the ports that the system chose; never empty.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        self.all.iter().map(TcpListener::local_addr).collect()
    }

    /// The next connection of any of them. Each call begins with another, so that none is kept waiting by the others.
    pub(super) async fn accept(&self) -> std::io::Result<(TcpStream, SocketAddr)> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        poll_fn(|context| {
            (0..self.all.len())
                .map(|n| self.all[first.wrapping_add(n) % self.all.len()].poll_accept(context))
                .find(Poll::is_ready)
                .unwrap_or(Poll::Pending)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[tokio::test]
    async fn connections_of_each_address_are_taken_in_turn() {
        let listeners = Listeners::bind(&[ANY_PORT, ANY_PORT]).await.expect("free");
        let [one, other] = listeners.addresses().expect("bound")[..] else { panic!("two addresses") };
        let mut clients = Vec::new();
        for address in [one, one, one, other] {
            clients.push(TcpStream::connect(address).await.expect("listening"));
        }
        let mut taken = Vec::new();
        for _ in 0..3 {
            taken.push(listeners.accept().await.expect("waiting").0.local_addr().expect("connected"));
        }
        assert!(taken.contains(&other), "the other waits behind all of the first: {taken:?}");
    }

    #[tokio::test]
    async fn an_address_in_use_is_no_start() {
        let taken = TcpListener::bind(ANY_PORT).await.expect("free");
        let taken = taken.local_addr().map(|address| (address, taken)).expect("bound");
        let refused = Listeners::bind(&[ANY_PORT, taken.0]).await.err().expect("in use");
        assert_eq!((refused.0, refused.1.kind()), (taken.0, ErrorKind::AddrInUse));
        assert!(!refused.1.to_string().contains("server.listen"), "it is another program's: {}", refused.1);
    }

    #[tokio::test]
    async fn addresses_that_overlap_are_said_to() {
        let free = TcpListener::bind("[::]:0").await.and_then(|listener| listener.local_addr()).expect("bound").port();
        let of = |ip: &str| SocketAddr::new(ip.parse().expect("an address"), free);
        for [one, other] in
            [["127.0.0.1", "127.0.0.1"], ["0.0.0.0", "127.0.0.1"], ["127.0.0.1", "::"], ["0.0.0.0", "::"]]
                .map(|pair| pair.map(of))
        {
            let (address, why) = Listeners::bind(&[one, other]).await.err().expect("the same port");
            assert_eq!(address, other);
            assert!(why.to_string().contains(&format!("names {one} too")), "{why}");
        }
    }
}
