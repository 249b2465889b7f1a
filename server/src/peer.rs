//! Who sent a request, and at which address they see this vault.

use crate::forwarded::{Forwarded, last};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The sender of a request; every request has it as an extension.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Address of the client, or of a proxy that is not trusted.
    pub ip: IpAddr,
    /// Host and port the client used.
    pub host: Option<Authority>,
    /// Whether the client uses TLS, according to a trusted proxy.
    pub https: bool,
}

impl Peer {
    /// Reads the connection and headers; forwarded headers only if the configuration trusts its proxy.
    pub fn of<B>(request: &axum::http::Request<B>, trust_proxy: bool) -> Self {
        let headers = request.headers();
        let socket = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let direct = Self {
            ip: socket.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip().to_canonical()),
            host: last(headers, HOST.as_str()).and_then(|h| h.parse().ok()),
            https: false,
        };
        if !trust_proxy {
            return direct;
        }
        let Forwarded { ip, host, https } = Forwarded::read(headers);
        Self { ip: ip.unwrap_or(direct.ip), host: host.or(direct.host), https: https.unwrap_or(false) }
    }

    /// The peer that the outermost layer attached.
    pub fn attached(request: &Request) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self::of(request, false))
    }

    /// Scheme and host at which the client can come back.
    pub fn base_url(&self) -> Option<String> {
        let scheme = if self.https { "https" } else { "http" };
        self.host.as_ref().map(|host| format!("{scheme}://{host}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(pairs: &[(&'static str, &'static str)]) -> Request {
        let mut builder = Request::builder().extension(ConnectInfo(SocketAddr::from(([10, 0, 0, 9], 1234))));
        for (name, value) in pairs {
            builder = builder.header(*name, *value);
        }
        builder.body(axum::body::Body::empty()).expect("valid")
    }

    const FORWARDED: [(&str, &str); 4] = [
        ("host", "internal:8080"),
        ("x-forwarded-for", "6.6.6.6, 192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "vault.example"),
    ];

    #[test]
    fn forwarded_headers_count_only_when_trusted() {
        let peer = Peer::of(&request(&FORWARDED), false);
        assert_eq!(
            (peer.ip.to_string().as_str(), peer.base_url().as_deref()),
            ("10.0.0.9", Some("http://internal:8080"))
        );
        let peer = Peer::of(&request(&FORWARDED), true);
        assert_eq!(
            (peer.ip.to_string().as_str(), peer.base_url().as_deref()),
            ("192.0.2.7", Some("https://vault.example"))
        );
    }

    #[test]
    fn what_cannot_be_understood_leaves_the_connections_address() {
        for garbage in ["unknown", "6.6.6.6, ", "[::1", "a.b.c.d:80"] {
            assert_eq!(
                Peer::of(&request(&[("x-forwarded-for", garbage)]), true).ip.to_string(),
                "10.0.0.9",
                "{garbage}"
            );
        }
        let peer =
            Peer::of(&request(&[("forwarded", "for=\"[2001:db8::1]:4711\";proto=https;host=vault.example")]), true);
        assert_eq!(
            (peer.ip.to_string(), peer.base_url().as_deref()),
            ("2001:db8::1".into(), Some("https://vault.example"))
        );
    }

    #[test]
    fn an_unusable_host_is_no_host() {
        assert_eq!(Peer::of(&request(&[("host", "a b")]), false).base_url(), None);
        assert_eq!(Peer::of(&request(&[]), false).base_url(), None);
    }
}
