//! Resolve, connect, TLS: the first steps of every probe over the network, and their failures in plain words.

use crate::guard::{GuardedResolver, HostError};
use crate::http::{CONNECT_TIMEOUT, Outgoing, timed_out};
use crate::prober::Prober;
use model::probe::{ProbeEnded, ProbeFailure};
use reqwest::Url;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, Error as TlsError};
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Where a server listens.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    host: String,
    port: u16,
    tls: bool,
}

impl Target {
    /// The server that an `http(s)://` URL names.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        Some(Self {
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
            tls: url.scheme() == "https",
        })
    }

    /// A server by host and port; IPv6 addresses in brackets.
    pub(crate) fn at(host: &str, port: u16, tls: bool) -> Self {
        Self { host: host.to_owned(), port, tls }
    }

    /// Whether its host is this one.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        self.host == host
    }

    /// `host:port`, for messages.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Runs the steps `resolve`, `connect` and, where it applies, `TLS`.
    pub(crate) async fn reach(&self, prober: &mut Prober, outgoing: &Outgoing) -> Result<(), ProbeEnded> {
        let addresses = prober.step("resolve", self.resolve()).await?;
        let stream = prober.step("connect", self.connect(&addresses)).await?;
        if self.tls {
            prober.step("TLS", self.handshake(stream, outgoing.tls())).await?;
        }
        Ok(())
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The host without the brackets of an IPv6 address.
    pub(crate) fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Its addresses, except refused ones.
    pub(crate) async fn resolve(&self) -> Result<Vec<IpAddr>, ProbeFailure> {
        GuardedResolver.lookup(&self.host).await.map_err(|e| host_failure(&e, &self.host))
    }

    /// Connects to the first address that accepts.
    pub(crate) async fn connect(&self, addresses: &[IpAddr]) -> Result<TcpStream, ProbeFailure> {
        let mut failure = None;
        for ip in addresses {
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(SocketAddr::new(*ip, self.port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = Some(io_failure(&error, &self.name())),
                Err(_) => failure = Some(no_answer(&self.name())),
            }
        }
        Err(failure.unwrap_or_else(|| no_answer(&self.name())))
    }

    /// Attempts a TLS handshake.
    pub(crate) async fn handshake(&self, stream: TcpStream, tls: Arc<ClientConfig>) -> Result<(), ProbeFailure> {
        let name = ServerName::try_from(self.bare_host().to_owned()).map_err(|_| {
            ProbeFailure::new(
                format!("{} is not a name a certificate can be for.", self.host),
                "Enter the server's host name.",
            )
        })?;
        let connected = TlsConnector::from(tls).connect(name, stream).await;
        connected.map(drop).map_err(|e| match e.kind() {
            // A server that does not speak TLS closes the connection.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => ProbeFailure::new(
                format!("{} broke off the TLS handshake.", self.name()),
                "Check that the port is one where the server speaks TLS, or turn TLS off (SSL, https://, amqps://).",
            ),
            _ => connection_failure(&e, &self.name()),
        })
    }
}

/// Why a request got no answer, in plain words.
pub(crate) fn connection_failure(error: &(dyn Error + 'static), server: &str) -> ProbeFailure {
    if let Some(host) = find::<HostError>(error) {
        return host_failure(host, without_port(server));
    }
    if let Some(tls) = find::<TlsError>(error) {
        return tls_failure(tls, server);
    }
    match find::<io::Error>(error) {
        Some(io) => io_failure(io, server),
        None => ProbeFailure::new(
            format!("The connection to {server} broke off."),
            "Check the network and the server's log, then try again.",
        ),
    }
}

/// The same for a request that may have timed out.
pub(crate) fn request_failure(error: &(dyn Error + 'static), server: &str) -> ProbeFailure {
    if timed_out(error) { no_answer(server) } else { connection_failure(error, server) }
}

/// `host:port` of a URL, for messages.
pub(crate) fn server_of(url: &Url) -> String {
    Target::of(url).map_or_else(|| "the store".into(), |target| target.name())
}

/// What to say about a timeout.
pub(crate) fn no_answer(server: &str) -> ProbeFailure {
    ProbeFailure::new(
        format!("{server} does not answer."),
        "Check host and port, and that no firewall stands between the vault and the server.",
    )
}

/// The name that was resolved, without the port.
fn without_port(server: &str) -> &str {
    match server.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => server,
    }
}

fn host_failure(error: &HostError, host: &str) -> ProbeFailure {
    match error {
        HostError::Refused => ProbeFailure::new(
            format!("{host} is a link-local or cloud metadata address; the vault never connects to those."),
            "Enter the address of the server itself.",
        ),
        HostError::Unresolved(_) => ProbeFailure::new(
            format!("The name {host} cannot be resolved."),
            "Check the spelling, and the DNS settings of the machine the vault runs on.",
        ),
    }
}

fn io_failure(error: &io::Error, server: &str) -> ProbeFailure {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, TimedOut,
        UnexpectedEof,
    };
    match error.kind() {
        ConnectionRefused => ProbeFailure::new(
            format!("{server} refuses connections."),
            "Check the port, and that the server is running and listens on that address.",
        ),
        HostUnreachable | NetworkUnreachable => ProbeFailure::new(
            format!("There is no route to {server}."),
            "Check the address, and the network of the machine the vault runs on.",
        ),
        TimedOut => no_answer(server),
        ConnectionReset | ConnectionAborted | UnexpectedEof => ProbeFailure::new(
            format!("{server} closed the connection."),
            "Check that the port is the right one and whether the server expects TLS (SSL, HTTPS); its log may say more.",
        ),
        _ => ProbeFailure::new(
            format!("The connection to {server} failed."),
            "Check the network and the server's log, then try again.",
        ),
    }
}

fn tls_failure(error: &TlsError, server: &str) -> ProbeFailure {
    let untrusted = "Give the server a certificate from an authority this machine trusts, or add its authority to the system's certificates.";
    match error {
        TlsError::InvalidCertificate(reason) => match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => ProbeFailure::new(
                format!("The certificate of {server} has expired."),
                "Renew the server's certificate, and check this machine's clock.",
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => ProbeFailure::new(
                format!("The certificate of {server} is not valid yet."),
                "Check this machine's clock: set up NTP.",
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => ProbeFailure::new(
                format!("The certificate of {server} is for another name."),
                "Enter the host name the certificate was made for.",
            ),
            _ => ProbeFailure::new(format!("The certificate of {server} is not trusted."), untrusted),
        },
        TlsError::InvalidMessage(_) => ProbeFailure::new(
            format!("{server} does not speak TLS."),
            "Check the port, or turn TLS off (SSL, https://, amqps://).",
        ),
        _ => ProbeFailure::new(
            format!("No secure connection to {server} could be agreed on."),
            "Check that the server offers TLS 1.2 or 1.3.",
        ),
    }
}

/// The first error of a type in a chain, also inside I/O errors.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            // An I/O error that only wraps another one says less than it.
            let inner = (found as &(dyn Error + 'static)).downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            return inner.and_then(|i| find::<E>(i)).or(Some(found));
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_an_io_error_carries() {
        let error = io::Error::other(io::Error::new(
            io::ErrorKind::InvalidData,
            TlsError::InvalidCertificate(CertificateError::Expired),
        ));
        assert_eq!(connection_failure(&error, "minio:9000").reason, "The certificate of minio:9000 has expired.");
        let error = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(connection_failure(&error, "minio:9000").reason, "minio:9000 refuses connections.");
        let error = io::Error::other(HostError::Refused);
        assert!(connection_failure(&error, "x").reason.contains("never connects"));
    }
}
