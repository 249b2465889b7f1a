//! The state that handlers share.

use crate::config;
use crate::limits::Limits;
use crate::peer::Peer;
use crate::public_url::PublicUrl;
use axum::extract::FromRef;
use axum::http::HeaderValue;
use axum::http::uri::Authority;
use leptos::config::LeptosOptions;
use std::sync::Arc;
use std::time::Duration;
use vault::Vault;

/// Shared by all handlers. Every layer around every route has a copy, and all of them are copied for every request: so it is
/// nothing but pointers.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub vault: Arc<Vault>,
    /// Settings of the HTTP side.
    pub http: Arc<HttpOptions>,
    /// Rate limits of machine endpoints.
    pub limits: Arc<Limits>,
    /// Leptos's options for the site.
    pub leptos: Arc<LeptosOptions>,
}

/// Settings of the HTTP side.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// See [`config::Server::public_url`].
    pub public_url: Option<PublicUrl>,
    /// See [`config::Server::allowed_hosts`].
    pub allowed_hosts: Vec<Authority>,
    /// See [`config::Server::cors_origins`].
    pub cors_origins: Vec<HeaderValue>,
    /// See [`config::Server::trust_proxy`].
    pub trust_proxy: bool,
    /// See [`config::Limits::signed_url_ttl`].
    pub signed_url_ttl: Duration,
    /// See [`config::Limits::signed_url_max_ttl`].
    pub signed_url_max_ttl: Duration,
    /// Longest a form may take to arrive.
    pub form_timeout: Duration,
    /// See [`config::Metrics`].
    pub metrics: config::Metrics,
}

/// Longest a form may take to arrive, on a slow line too.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);

impl HttpOptions {
    /// Whether the configuration says that browsers use TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// The address at which this caller, and whoever it is passed on to, reaches the vault; without a trailing slash.
    pub fn base_url(&self, peer: &Peer) -> Option<String> {
        self.public_url.as_ref().map(PublicUrl::to_string).or_else(|| peer.base_url())
    }

    /// For how long a URL is signed if somebody asks for so long; nothing is the usual time.
    pub fn signed_url_lifetime(&self, asked: Option<Duration>) -> Duration {
        asked.unwrap_or(self.signed_url_ttl).min(self.signed_url_max_ttl)
    }
}

impl From<&config::Config> for HttpOptions {
    fn from(config: &config::Config) -> Self {
        Self {
            public_url: config.server.public_url.clone(),
            allowed_hosts: config.server.allowed_hosts.clone(),
            cors_origins: config.server.cors_origins.clone(),
            trust_proxy: config.server.trust_proxy,
            signed_url_ttl: config.limits.signed_url_ttl,
            signed_url_max_ttl: config.limits.signed_url_max_ttl,
            form_timeout: FORM_TIMEOUT,
            metrics: config.metrics.clone(),
        }
    }
}

impl AppState {
    /// State around an open vault.
    pub fn new(vault: Vault, http: HttpOptions) -> Self {
        // the name that the site's files were built with, see .cargo/config.toml
        let leptos = LeptosOptions::builder()
            .output_name(env!("LEPTOS_OUTPUT_NAME"))
            .site_root("site")
            .site_pkg_dir("pkg")
            .build();
        Self { vault: Arc::new(vault), http: Arc::new(http), limits: Arc::default(), leptos: Arc::new(leptos) }
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        (*state.leptos).clone()
    }
}

impl FromRef<AppState> for Arc<Vault> {
    fn from_ref(state: &AppState) -> Self {
        state.vault.clone()
    }
}
