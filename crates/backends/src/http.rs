//! The one outgoing HTTP client: no redirects, no proxies, no address of [`crate::guard`]'s, a
//! timeout on everything. The S3 SDK brings its own connector, which is built here with the same
//! resolver and the same certificates.

use crate::guard::{GuardedClient, GuardedResolver, check_host};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use futures::{Stream, stream};
use http::HeaderMap;
use model::error::Cause;
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How long a TCP connection may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take, answer included.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a small request to a store may take until the answer's head is there.
pub(crate) const QUICK: Duration = Duration::from_secs(20);
/// The same for one with up to 8 MiB in it; 0.6 Mbit/s still makes it.
pub(crate) const BULK: Duration = Duration::from_secs(120);
/// How long an answer's body may stand still.
const STALLED: Duration = Duration::from_secs(20);
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
    stores: reqwest::Client,
    s3: SharedHttpClient,
}

impl Outgoing {
    pub(crate) fn new() -> Self {
        Self::with(Vec::new(), "")
    }

    /// One that trusts further authorities, given as PEM; `None` when that holds no certificate.
    pub(crate) fn trusting(pem: &str) -> Option<Self> {
        let authorities: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let authorities = authorities.ok().filter(|found| !found.is_empty())?;
        authorities.iter().all(|a| RootCertStore::empty().add(a.clone()).is_ok()).then(|| Self::with(authorities, pem))
    }

    fn with(authorities: Vec<CertificateDer<'static>>, pem: &str) -> Self {
        let tls = tls_config(authorities);
        let client = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::new(GuardedResolver))
                .no_proxy()
                .redirect(Policy::none())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(16)
                .user_agent(concat!("kerberos-vault/", env!("CARGO_PKG_VERSION")))
        };
        let web = client().timeout(REQUEST_TIMEOUT).build().expect("a client built from constants");
        // Recordings take as long as they take: see `send`.
        let stores = client().build().expect("a client built from constants");
        let s3 = aws_smithy_http_client::Builder::new()
            .pool_idle_timeout(IDLE)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        let s3 = if pem.is_empty() {
            s3
        } else {
            let trusted = TlsContext::builder().with_trust_store(TrustStore::default().with_pem_certificate(pem));
            s3.tls_context(trusted.build().expect("the certificates have been read before"))
        };
        let s3 = s3.build_with_resolver(GuardedResolver);
        Self { tls: Arc::new(tls), web, stores, s3: SharedHttpClient::new(GuardedClient(s3)) }
    }

    /// The connector the S3 SDK uses.
    pub(crate) fn for_sdk(&self) -> SharedHttpClient {
        self.s3.clone()
    }

    /// Certificates and protocol versions, for a bare handshake.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }

    /// Sends a request to a store and waits for the answer's head, no longer than `patience`.
    pub(crate) async fn send(&self, request: reqwest::Request, patience: Duration) -> Result<Response, Cause> {
        check_host(request.url().host_str().unwrap_or_default())?;
        let sent = tokio::time::timeout(patience, self.stores.execute(request)).await?;
        Ok(sent.map_err(reqwest::Error::without_url)?)
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

/// What an answer holds, as it arrives. An error when it stands still.
pub(crate) fn body(response: Response) -> impl Stream<Item = Result<Bytes, Cause>> + Send {
    stream::try_unfold(response, |mut response| async move {
        let chunk = tokio::time::timeout(STALLED, response.chunk()).await?;
        Ok(chunk.map_err(reqwest::Error::without_url)?.map(|bytes| (bytes, response)))
    })
}

/// A small answer, whole. An error when it is longer than `limit`.
pub(crate) async fn small_body(mut response: Response, limit: usize) -> Result<Vec<u8>, Cause> {
    let mut whole = Vec::new();
    while let Some(chunk) =
        tokio::time::timeout(STALLED, response.chunk()).await?.map_err(reqwest::Error::without_url)?
    {
        if whole.len() + chunk.len() > limit {
            return Err("the answer is too long".into());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

/// Whether this is about time that ran out.
pub(crate) fn timed_out(error: &(dyn Error + 'static)) -> bool {
    error.is::<tokio::time::error::Elapsed>()
        || error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout)
}

async fn drain(mut response: Response) {
    let mut left = MAX_DRAINED;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The system's certificates and those given; a machine without any can still use plain HTTP.
fn tls_config(authorities: Vec<CertificateDer<'static>>) -> ClientConfig {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a system certificate cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        tracing::warn!("the system has no certificates: no HTTPS server can be trusted");
    }
    roots.add_parsable_certificates(authorities);
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
