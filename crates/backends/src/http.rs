//! The one outgoing HTTP client: no redirects, no proxies, no address of [`crate::guard`]'s, a
//! timeout on everything. The S3 SDK brings its own connector, which is built here with the same
//! resolver and the same certificates.

use crate::guard::{GuardedClient, GuardedResolver, check_host};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use http::HeaderMap;
use model::error::Cause;
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;

/// How long a TCP connection may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take, answer included.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Most of an answer's body that is read, only so that its connection can be used again.
const MAX_DRAINED: usize = 64 * 1024;
/// How long that may take.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// What leaves the vault over HTTP. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    tls: Arc<ClientConfig>,
    web: reqwest::Client,
    s3: SharedHttpClient,
}

impl Outgoing {
    pub(crate) fn new() -> Self {
        let tls = tls_config();
        let web = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .dns_resolver(Arc::new(GuardedResolver))
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(16)
            .user_agent(concat!("kerberos-vault/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client built from constants");
        let s3 = aws_smithy_http_client::Builder::new()
            .pool_idle_timeout(IDLE)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_with_resolver(GuardedResolver);
        Self { tls: Arc::new(tls), web, s3: SharedHttpClient::new(GuardedClient(s3)) }
    }

    /// The connector the S3 SDK uses.
    pub(crate) fn for_sdk(&self) -> SharedHttpClient {
        self.s3.clone()
    }

    /// Certificates and protocol versions, for a bare handshake.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }

    /// POSTs and tells the status; what the answer says beyond that is nobody's business.
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Cause> {
        check_host(url.host_str().unwrap_or_default())?;
        let response =
            self.web.post(url.clone()).headers(headers).body(body).send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        // Whether the rest arrives changes nothing: the status is the answer.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain(response)).await;
        Ok(status)
    }
}

async fn drain(mut response: reqwest::Response) {
    let mut left = MAX_DRAINED;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The system's certificates; a machine without any can still use plain HTTP.
fn tls_config() -> ClientConfig {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a system certificate cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        tracing::warn!("the system has no certificates: no HTTPS server can be trusted");
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
