//! Addresses the vault never connects to, whatever an administrator enters: link-local ones, and the cloud metadata
//! services, which hand credentials to anyone who asks from inside the machine.
//!
//! Loopback and private addresses are fine: a vault stands next to the servers it uses. Names are checked by what they
//! resolve to when connecting, so that a name cannot pass the check with one address and be connected to with another.

mod addresses;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, SocketAddr};

const METADATA_NAMES: [&str; 5] =
    ["metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

/// Why a host has no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// An address the vault never connects to.
    #[error("link-local and cloud metadata addresses are never connected to")]
    Refused,
    /// The resolver does not know the name.
    #[error("the name cannot be resolved")]
    Unresolved(#[source] io::Error),
}

/// Checks a host as written in a URL: a metadata service's name or a literal IP. Clients do not resolve literals, so
/// [`GuardedResolver`] never sees those.
pub(crate) fn check_host(host: &str) -> Result<(), HostError> {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let refused = match host.parse::<IpAddr>() {
        Ok(ip) => addresses::refuses(ip),
        Err(_) => METADATA_NAMES.iter().any(|name| host.eq_ignore_ascii_case(name)),
    };
    if refused { Err(HostError::Refused) } else { Ok(()) }
}

/// The same for a service that has the credentials of Amazon's roles: of instances, tasks and pods. They are asked by their
/// literal addresses; a name that leads to one is refused all the same.
pub(crate) fn check_host_of_credentials(host: &str) -> Result<(), HostError> {
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
    if literal.is_ok_and(addresses::has_credentials) { Ok(()) } else { check_host(host) }
}

/// Resolves names with the system's resolver and drops refused addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuardedResolver;

impl GuardedResolver {
    pub(crate) async fn lookup(self, host: &str) -> Result<Vec<IpAddr>, HostError> {
        check_host(host)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<IpAddr> =
            tokio::net::lookup_host((bare, 0)).await.map_err(HostError::Unresolved)?.map(|a| a.ip()).collect();
        if found.is_empty() {
            return Err(HostError::Unresolved(io::Error::from(io::ErrorKind::NotFound)));
        }
        let allowed: Vec<IpAddr> = found.into_iter().filter(|ip| !addresses::refuses(*ip)).collect();
        if allowed.is_empty() { Err(HostError::Refused) } else { Ok(allowed) }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = *self;
        Box::pin(async move {
            let addresses = resolver.lookup(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

impl ResolveDns for GuardedResolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.lookup(name).await.map_err(ResolveDnsError::new) })
    }
}

/// The SDK's HTTP client, with literal addresses checked too. The SDK composes host names itself (bucket and endpoint),
/// so each request is checked, not the settings.
#[derive(Debug)]
pub(crate) struct GuardedClient {
    pub(crate) client: SharedHttpClient,
    /// [`check_host`], or [`check_host_of_credentials`].
    pub(crate) check: Check,
}

/// Checks a host as written in a URL.
type Check = fn(&str) -> Result<(), HostError>;

impl HttpClient for GuardedClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(GuardedConnector { connector, check: self.check })
    }
}

#[derive(Debug)]
struct GuardedConnector {
    connector: SharedHttpConnector,
    check: Check,
}

impl HttpConnector for GuardedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri().parse::<http::Uri>();
        match (self.check)(uri.as_ref().ok().and_then(http::Uri::host).unwrap_or_default()) {
            Ok(()) => self.connector.call(request),
            Err(refused) => HttpConnectorFuture::ready(Err(ConnectorError::user(refused.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    #[test]
    fn refuses_metadata_and_link_local_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "169.254.0.1",
            "[fe80::1]",
            "fe80::a9fe:a9fe",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[fd00:ec2::254]",
            "100.100.100.200",
            "168.63.129.16",
            "Metadata.Google.Internal.",
            "metadata",
        ] {
            assert!(matches!(check_host(host), Err(HostError::Refused)), "{host}");
        }
    }

    #[test]
    fn whoever_fetches_a_roles_credentials_reaches_those_services_and_no_others() {
        for host in ["169.254.169.254", "[fd00:ec2::254]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"] {
            assert!(check_host_of_credentials(host).is_ok(), "{host}");
            assert!(check_host(host).is_err(), "{host}: for nothing else");
        }
        assert!(check_host_of_credentials("sts.eu-west-1.amazonaws.com").is_ok());
        for host in [
            "169.254.169.253",
            "169.254.0.1",
            "[fd00:ec2::253]",
            "[fe80::1]",
            "[::ffff:169.254.169.254]",
            "100.100.100.200",
            "168.63.129.16",
            "metadata.google.internal",
            "instance-data",
        ] {
            assert!(check_host_of_credentials(host).is_err(), "{host}");
        }
    }

    /// Answers everything, and connects to nothing.
    #[derive(Debug)]
    struct Made;

    impl HttpConnector for Made {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::ready(Ok(HttpResponse::new(
                StatusCode::try_from(200).expect("is one"),
                SdkBody::empty(),
            )))
        }
    }

    #[tokio::test]
    async fn each_request_is_checked_as_its_client_is() {
        let passes = async |check: Check, url: &str| {
            let connector = GuardedConnector { connector: SharedHttpConnector::new(Made), check };
            connector.call(HttpRequest::get(url).expect("valid")).await.is_ok()
        };
        for (url, roles_alone) in [
            ("http://169.254.169.254/latest", true),
            ("http://[fd00:ec2::23]/v1", true),
            ("http://127.0.0.1:9/", false),
        ] {
            assert_eq!(passes(check_host, url).await, !roles_alone, "{url}");
            assert!(passes(check_host_of_credentials, url).await, "{url}");
        }
        assert!(!passes(check_host_of_credentials, "http://100.100.100.200/").await);
    }

    #[test]
    fn allows_on_premises_addresses() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "10.0.0.4",
            "192.168.1.20",
            "172.16.0.1",
            "fd12::1",
            "minio",
            "s3.eu-west-1.amazonaws.com",
        ] {
            assert!(check_host(host).is_ok(), "{host}");
        }
    }

    /// Rust's parser does not take `inet_aton` spellings for IPs, but the system's resolver does.
    #[tokio::test]
    async fn refuses_numeric_names_the_resolver_understands() {
        for host in ["2852039166", "0xa9fea9fe", "169.254.43518"] {
            let found = GuardedResolver.lookup(host).await;
            assert!(found.is_err(), "{host}: {found:?}");
        }
        assert!(GuardedResolver.lookup("localhost").await.is_ok());
    }
}
