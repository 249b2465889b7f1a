//! What librdkafka reports about its connections: a failed request only knows that time ran out, this tells why. And which
//! brokers it has learned of.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long after a failure its reason may take to arrive from another thread.
const TOLD: Duration = Duration::from_millis(300);

/// Most brokers of a cluster that are remembered.
const MAX_BROKERS: usize = 10_000;

/// What went wrong with a connection, in librdkafka's words.
#[derive(Debug, Clone)]
pub(super) struct ConnectionError {
    pub(super) code: RDKafkaErrorCode,
    pub(super) words: String,
}

impl ConnectionError {
    /// How telling it is: a mere consequence must not replace its cause.
    fn weight(&self) -> u8 {
        match self.code {
            RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL => 2,
            RDKafkaErrorCode::BadMessage => 1,
            _ if self.words.contains("SSL") || self.words.contains("APIVERSION_QUERY") => 1,
            _ => 0,
        }
    }
}

/// Receives librdkafka's reports.
#[derive(Clone)]
pub(super) struct Listener {
    trouble: Arc<watch::Sender<Option<ConnectionError>>>,
    brokers: Arc<Mutex<Brokers>>,
}

/// Hosts of brokers, as librdkafka learned of them.
#[derive(Default)]
struct Brokers {
    known: BTreeSet<String>,
    untold: Vec<String>,
}

impl Listener {
    pub(super) fn new() -> Self {
        Self { trouble: Arc::new(watch::Sender::new(None)), brokers: Arc::default() }
    }

    /// The brokers' hosts that are new since this was last asked.
    pub(super) fn take_learned(&self) -> Vec<String> {
        std::mem::take(&mut self.brokers().untold)
    }

    /// All hosts of brokers that librdkafka has told of.
    pub(super) fn known(&self) -> Vec<String> {
        self.brokers().known.iter().cloned().collect()
    }

    fn brokers(&self) -> MutexGuard<'_, Brokers> {
        self.brokers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most telling trouble; of several, the latest.
    pub(super) async fn trouble(&self) -> Option<ConnectionError> {
        let mut told = self.trouble.subscribe();
        let _ = timeout(TOLD, told.wait_for(Option::is_some)).await;
        told.borrow().clone()
    }

    /// Forgets past trouble: all is well again.
    pub(super) fn forget(&self) {
        self.trouble.send_if_modified(|told| told.take().is_some());
    }

    fn hear(&self, code: RDKafkaErrorCode, words: &str) {
        let trouble = ConnectionError { code, words: words.to_owned() };
        self.trouble.send_if_modified(|told| {
            let more = told.as_ref().is_none_or(|before| before.weight() <= trouble.weight());
            if more {
                *told = Some(trouble);
            }
            more
        });
    }
}

impl ClientContext for Listener {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, words: &str) {
        tracing::debug!(facility, words, "librdkafka");
        // Reported as a log line only, not as an error, because it may be harmless.
        if words.contains("Disconnected") {
            self.hear(RDKafkaErrorCode::BrokerTransportFailure, words);
        }
    }

    /// Brokers can name others at any time. librdkafka connects to them by itself and cannot be asked before, so that they
    /// are checked before the next event (ADR 0023).
    fn stats(&self, statistics: Statistics) {
        let mut brokers = self.brokers();
        for broker in statistics.brokers.into_values() {
            let Some((host, _)) = broker.nodename.rsplit_once(':') else { continue };
            if brokers.known.len() < MAX_BROKERS && brokers.known.insert(host.to_owned()) {
                brokers.untold.push(host.to_owned());
            }
        }
    }

    fn error(&self, error: KafkaError, words: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        tracing::debug!(%code, words, "trouble with a Kafka broker");
        // A consequence of what each broker reported before.
        if code != RDKafkaErrorCode::AllBrokersDown {
            self.hear(code, words);
        }
    }
}
