//! The one outgoing HTTP client: no redirects, no proxies, none of the addresses that [`crate::guard`] refuses, a
//! timeout on everything. Amazon's SDK brings its own connector, built here with the same resolver and certificates.

use crate::guard::{GuardedClient, GuardedResolver, check_host, check_host_of_credentials};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use futures::{Stream, stream};
use http::HeaderMap;
use model::error::Cause;
use reqwest::redirect::Policy;
use reqwest::{Body, Method, Response, StatusCode, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How long a TCP connection may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take, including its answer.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a store may take to begin answering a small request.
pub(crate) const QUICK: Duration = Duration::from_secs(20);
/// The same for a request with up to 8 MiB; enough at 0.6 Mbit/s.
pub(crate) const BULK: Duration = Duration::from_secs(120);
/// How long an answer's body may stall.
const STALLED: Duration = Duration::from_secs(20);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How much of an answer's body is read just to reuse its connection.
const MAX_DRAINED: usize = 64 * 1024;
/// How much of an answer's body is kept for the caller: enough for an error code.
const MAX_KEPT: usize = 1024;
/// How long that may take.
const KEPT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long draining may take.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// Everything the vault sends over HTTP. Clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    tls: Arc<ClientConfig>,
    web: reqwest::Client,
    stores: reqwest::Client,
    /// Of Amazon's SDK; not guarded yet.
    sdk: SharedHttpClient,
}

impl Outgoing {
    pub(crate) fn new() -> Self {
        Self::with(Vec::new(), "")
    }

    /// A client that also trusts the authorities in `pem`; `None` when it holds no certificate.
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
        // Transfers of recordings have no overall time limit: see `send`.
        let stores = client().build().expect("a client built from constants");
        let sdk = aws_smithy_http_client::Builder::new()
            .pool_idle_timeout(IDLE)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        let sdk = if pem.is_empty() {
            sdk
        } else {
            let trusted = TlsContext::builder().with_trust_store(TrustStore::default().with_pem_certificate(pem));
            sdk.tls_context(trusted.build().expect("the certificates have been read before"))
        };
        Self { tls: Arc::new(tls), web, stores, sdk: sdk.build_with_resolver(GuardedResolver) }
    }

    /// The connector that Amazon's SDK uses.
    pub(crate) fn for_sdk(&self) -> SharedHttpClient {
        SharedHttpClient::new(GuardedClient { client: self.sdk.clone(), check: check_host })
    }

    /// The one that fetches a role's credentials, and nothing else: Amazon's metadata services have them.
    pub(crate) fn for_credentials(&self) -> SharedHttpClient {
        SharedHttpClient::new(GuardedClient { client: self.sdk.clone(), check: check_host_of_credentials })
    }

    /// Certificates and protocol versions, for a TLS handshake alone.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }

    /// Sends a request to a store and waits up to `patience` for the answer's head.
    pub(crate) async fn send(&self, request: reqwest::Request, patience: Duration) -> Result<Response, Cause> {
        check_host(request.url().host_str().unwrap_or_default())?;
        let sent = tokio::time::timeout(patience, self.stores.execute(request)).await?;
        Ok(sent.map_err(reqwest::Error::without_url)?)
    }

    /// POSTs and returns the status; the rest of the answer is ignored.
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Cause> {
        let response = self.request(Method::POST, url, headers, body.into(), REQUEST_TIMEOUT).await?;
        let status = response.status();
        // The status is the answer, whether or not the rest arrives.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain(response)).await;
        Ok(status)
    }

    /// POSTs and returns the status and, unless it is 200, the start of the answer. `timeout` covers the whole request.
    pub(crate) async fn post_for_answer(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Body,
        timeout: Duration,
    ) -> Result<Answer, Cause> {
        self.ask(Method::POST, url, headers, body, timeout).await
    }

    /// The same by another method.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Body,
        timeout: Duration,
    ) -> Result<Answer, Cause> {
        let mut response = self.request(method, url, headers, body, timeout).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut start = Vec::new();
        if status != StatusCode::OK {
            let reading = async {
                while let Ok(Some(chunk)) = response.chunk().await {
                    start.extend_from_slice(&chunk[..chunk.len().min(MAX_KEPT - start.len())]);
                    if start.len() == MAX_KEPT {
                        break;
                    }
                }
            };
            // Whatever has arrived by then is used.
            let _ = tokio::time::timeout(KEPT_TIMEOUT, reading).await;
        }
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain(response)).await;
        Ok(Answer { status, headers, start: start.into() })
    }

    async fn request(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Body,
        timeout: Duration,
    ) -> Result<Response, Cause> {
        check_host(url.host_str().unwrap_or_default())?;
        let request = self.web.request(method, url.clone()).headers(headers).body(body).timeout(timeout);
        Ok(request.send().await.map_err(reqwest::Error::without_url)?)
    }
}

/// An answer, as far as it was read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Up to the first KiB of the body; empty when the status is 200.
    pub(crate) start: Bytes,
}

/// The body of an answer as it arrives; an error when it stalls.
pub(crate) fn body(response: Response) -> impl Stream<Item = Result<Bytes, Cause>> + Send {
    stream::try_unfold(response, |mut response| async move {
        let chunk = tokio::time::timeout(STALLED, response.chunk()).await?;
        Ok(chunk.map_err(reqwest::Error::without_url)?.map(|bytes| (bytes, response)))
    })
}

/// A small answer as a whole; an error when it is longer than `limit`.
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

/// Whether the error is a timeout.
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

/// The system's certificates and the given ones. A machine that has none can still use plain HTTP.
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
