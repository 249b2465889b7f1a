//! Event sinks.

mod hub;
mod kafka;
mod kept;
mod rabbitmq;
mod refusal;
mod sqs;
mod vault;
mod webhook;

pub(crate) use hub::HubSink;
pub(crate) use kafka::KafkaSink;
pub(crate) use rabbitmq::RabbitmqSink;
pub(crate) use sqs::SqsSink;
pub(crate) use vault::VaultSink;
pub(crate) use webhook::WebhookSink;

use reqwest::Url;

/// A path below a base URL, which may end in a slash. Its query is kept.
fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_may_end_in_a_slash_or_not() {
        for (base, wanted) in [
            ("https://hub.example", "https://hub.example/queue/test"),
            ("https://hub.example/", "https://hub.example/queue/test"),
            ("http://10.0.0.4:8080/api", "http://10.0.0.4:8080/api/queue/test"),
            ("http://10.0.0.4:8080/api/", "http://10.0.0.4:8080/api/queue/test"),
        ] {
            let base = base.parse().expect("valid");
            assert_eq!(below(&base, &["queue", "test"]).as_str(), wanted);
        }
    }
}
