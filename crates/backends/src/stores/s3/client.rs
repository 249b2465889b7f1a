//! The SDK's clients. Nothing is taken from environment or profiles but, without keys, a role's credentials.

use crate::amazon::Signing;
use crate::clock::Clock;
use crate::http::{CONNECT_TIMEOUT, Outgoing};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Config, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use model::providers::S3Target;
use std::time::Duration;

/// How long one attempt at a small request may take.
const QUICK: Duration = Duration::from_secs(20);
/// How long one attempt at a request with up to 8 MiB may take; enough at 0.6 Mbit/s.
const BULK: Duration = Duration::from_secs(120);
/// How long a request may take with all its attempts: agents wait five minutes for an answer.
const PATIENCE: Duration = Duration::from_secs(200);
/// How long a body may stall.
const STALLED: Duration = Duration::from_secs(20);
/// Attempts at what looks like a passing failure.
const ATTEMPTS: u32 = 3;

/// Clients with different time limits that share connections.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    /// For requests that answer at once.
    pub(super) quick: Client,
    /// For requests that carry bytes or make the server assemble them.
    pub(super) bulk: Client,
    /// Sends nothing: signs URLs for browsers, which may know the service by another name.
    pub(super) signing: Client,
}

impl Clients {
    pub(super) fn new(target: &S3Target, signing: &Signing, outgoing: &Outgoing, clock: &Clock) -> Self {
        let with = |attempt: Duration| {
            let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
            client(base(target, signing, outgoing, clock).retry_config(retries), attempt)
        };
        Self { quick: with(QUICK), bulk: with(BULK), signing: for_browsers(target, signing, outgoing, clock) }
    }

    /// For probes: no retries, so that the first answer is reported. New clients, because the SDK quietly adapts to a
    /// server whose clock differs, which a probe is to report.
    pub(super) fn impatient(target: &S3Target, signing: &Signing, outgoing: &Outgoing, clock: &Clock) -> Self {
        let client = client(base(target, signing, outgoing, clock).retry_config(RetryConfig::disabled()), QUICK);
        Self { quick: client.clone(), bulk: client.clone(), signing: client }
    }
}

fn for_browsers(target: &S3Target, signing: &Signing, outgoing: &Outgoing, clock: &Clock) -> Client {
    let public = target.public_endpoint.clone().or_else(|| target.endpoint.clone());
    client(base(&S3Target { endpoint: public, ..target.clone() }, signing, outgoing, clock), QUICK)
}

fn client(builder: Builder, attempt: Duration) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout((attempt * ATTEMPTS).min(PATIENCE))
        .build();
    Client::from_conf(builder.timeout_config(timeouts).build())
}

fn base(target: &S3Target, signing: &Signing, outgoing: &Outgoing, clock: &Clock) -> Builder {
    let mut builder = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(target.region.clone()))
        .identity_cache(signing.cache.clone())
        .http_client(outgoing.for_sdk())
        .time_source(clock.clone())
        .force_path_style(target.path_style)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALLED).build());
    builder.set_credentials_provider(Some(signing.provider.clone()));
    if let Some(endpoint) = &target.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    builder
}
