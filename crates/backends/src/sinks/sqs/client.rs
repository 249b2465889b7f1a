//! The SDK's client. Nothing is taken from environment or profiles but, without keys, a role's credentials.

use crate::amazon::Signing;
use crate::clock::Clock;
use crate::http::{CONNECT_TIMEOUT, Outgoing, REQUEST_TIMEOUT};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Region};
use model::integrations::Sqs;
use reqwest::Url;

/// No retries: the outbox has its own, and Validate reports the first answer.
///
/// With an endpoint, every request goes there, even to a queue whose own URL names another host, as is common with
/// compatible services: there the URL is only the queue's name.
pub(super) fn client(settings: &Sqs, outgoing: &Outgoing, clock: &Clock) -> Client {
    let signing = Signing::by(settings.keys().as_ref(), &settings.region, outgoing, clock);
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(REQUEST_TIMEOUT).build();
    let mut builder = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .identity_cache(signing.cache)
        .http_client(outgoing.for_sdk())
        .time_source(clock.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    builder.set_credentials_provider(Some(signing.provider));
    if !settings.endpoint.is_empty() {
        builder = builder.endpoint_url(&settings.endpoint);
    }
    Client::from_conf(builder.build())
}

/// The service's URL. Amazon's own follows from the region.
pub(super) fn url(settings: &Sqs) -> Option<Url> {
    let top = if settings.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    match settings.endpoint.as_str() {
        "" => format!("https://sqs.{}.{top}", settings.region).parse().ok(),
        given => given.parse().ok(),
    }
}
