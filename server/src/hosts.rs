//! Which names the vault answers to. With `server.allowed_hosts`, a page of another site that has pointed its own name at the
//! vault's address (DNS rebinding) gets nothing, as its requests still carry that name.

use crate::peer::Peer;
use crate::problem::{self, ApiError};
use crate::public_url::PublicUrl;
use crate::state::{AppState, HttpOptions};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Tells monitors, which may call the vault by any address, nothing but that it is well.
const HEALTH: [&str; 2] = ["/api/health", "/api/health/ready"];

/// Refuses requests for other names.
pub async fn only_ours(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let ours = HEALTH.contains(&request.uri().path()) || is_ours(&state.http, Peer::attached(&request).host.as_ref());
    if ours { next.run(request).await } else { ApiError::from(&problem::HOST).into_response() }
}

fn is_ours(http: &HttpOptions, host: Option<&Authority>) -> bool {
    if http.allowed_hosts.is_empty() {
        return true;
    }
    let Some(host) = host else { return false };
    let public = http.public_url.as_ref().map(PublicUrl::host);
    is_loopback(host.host()) || http.allowed_hosts.iter().chain(public).any(|allowed| is_same(allowed, host))
}

/// Whether a host is the allowed one; without a port, under each of its ports.
fn is_same(allowed: &Authority, host: &Authority) -> bool {
    let port = allowed.port_u16();
    allowed.host().eq_ignore_ascii_case(host.host()) && (port.is_none() || port == host.port_u16())
}

/// Names that nobody can point elsewhere.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn answers(allowed: &[&str], host: &str) -> bool {
        let http = HttpOptions {
            public_url: "https://vault.example/path".parse().ok(),
            allowed_hosts: allowed.iter().map(|host| host.parse().expect("a host")).collect(),
            cors_origins: Vec::new(),
            trust_proxy: false,
            signed_url_ttl: Duration::ZERO,
            signed_url_max_ttl: Duration::ZERO,
            form_timeout: Duration::ZERO,
            metrics: Default::default(),
        };
        is_ours(&http, host.parse().ok().as_ref())
    }

    #[test]
    fn only_listed_names_the_public_one_and_loopback_are_answered() {
        let allowed = ["nas.local", "192.0.2.7:8080"];
        for host in [
            "nas.local",
            "NAS.local:8080",
            "192.0.2.7:8080",
            "vault.example",
            "vault.example:8443",
            "localhost:8080",
            "127.0.0.1",
            "[::1]:8080",
        ] {
            assert!(answers(&allowed, host), "{host}");
        }
        for host in
            ["evil.example", "nas.local.evil.example", "192.0.2.7", "192.0.2.7:80", "localhost.evil.example", ""]
        {
            assert!(!answers(&allowed, host), "{host}");
            assert!(answers(&[], host), "nothing is listed: {host}");
        }
    }
}
