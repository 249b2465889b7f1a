//! Brokers to test against: Apache Kafka, `scripts/services start kafka`; where it cannot be had, librdkafka's mock of it.

use crate::{PATIENCE, consumer};
use backends::Backends;
use model::field::Settings;
use model::ports::{Connector as _, EventSink};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) type Mock = MockCluster<'static, DefaultProducerContext>;

/// A variable the service script sets; empty where there is no Kafka.
pub(crate) fn env(name: &str) -> String {
    let name = format!("VAULT_TEST_KAFKA_{name}");
    std::env::var(&name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `scripts/services start kafka`, or `make test`, which does"))
}

/// A broker without any protection.
pub(crate) struct Broker {
    /// `host:port`.
    pub(crate) address: String,
    mock: Option<Mock>,
}

impl Broker {
    /// Apache Kafka's, or a mock.
    pub(crate) fn any() -> Self {
        Self::apache().unwrap_or_else(|| {
            let mock = MockCluster::new(1).unwrap();
            Self { address: mock.bootstrap_servers(), mock: Some(mock) }
        })
    }

    /// Apache Kafka's, which has much that the mock lacks: logins, TLS, rights, limits, and requests that make topics;
    /// `None` where it cannot be had, which `make test` says at its end.
    pub(crate) fn apache() -> Option<Self> {
        let address = env("PLAINTEXT");
        (!address.is_empty()).then_some(Self { address, mock: None })
    }

    /// A topic of its own, which the sink is to make; at the mock, which makes none when it is told to, it is there.
    pub(crate) fn topic(&self) -> String {
        let topic = topic();
        if self.mock.is_some() {
            self.make(&topic, 1);
        }
        topic
    }

    /// Makes a topic.
    pub(crate) fn make(&self, topic: &str, partitions: u8) {
        match &self.mock {
            Some(mock) => mock.create_topic(topic, partitions.into(), 1).unwrap(),
            None => drop(self.ask(&["create", topic, &partitions.to_string()])),
        }
    }

    /// Asks another client than the sink's.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        ask(&self.address, arguments)
    }

    /// All messages of a topic.
    pub(crate) fn read(&self, topic: &str) -> Vec<Value> {
        self.ask(&["read", topic]).as_array().unwrap().clone()
    }
}

/// A name that no other test uses, nor another run.
pub(crate) fn topic() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("test-{nanos}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn ask(brokers: &str, arguments: &[&str]) -> Value {
    consumer(&env("PYTHON"), "kafka.py", &[&[brokers], arguments].concat())
}

/// The events' ids, in the order of their messages.
pub(crate) fn ids(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|m| m["headers"]["id"].as_str().unwrap().to_owned()).collect()
}

/// Settings for a broker without any protection.
pub(crate) fn settings(broker: &str, topic: &str) -> Settings {
    Settings::new().with("broker", broker).with("topic", topic)
}

pub(crate) fn open(settings: &Settings) -> Arc<dyn EventSink> {
    Backends::new().sink("kafka", settings).unwrap()
}

/// Looks again and again until something holds; fails the test when it never does.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
