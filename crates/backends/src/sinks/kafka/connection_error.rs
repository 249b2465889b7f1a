//! What librdkafka reports about its connections: a failed request only knows that time ran out, this tells why.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long after a failure its reason may take to arrive from another thread.
const TOLD: Duration = Duration::from_millis(300);

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
            _ if self.words.contains("SSL") || self.words.contains("APIVERSION_QUERY") => 1,
            _ => 0,
        }
    }
}

/// Receives librdkafka's reports.
#[derive(Clone)]
pub(super) struct Listener(Arc<watch::Sender<Option<ConnectionError>>>);

impl Listener {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// The most telling trouble; of several, the latest.
    pub(super) async fn trouble(&self) -> Option<ConnectionError> {
        let mut told = self.0.subscribe();
        let _ = timeout(TOLD, told.wait_for(Option::is_some)).await;
        told.borrow().clone()
    }

    /// Forgets past trouble: all is well again.
    pub(super) fn forget(&self) {
        self.0.send_if_modified(|told| told.take().is_some());
    }

    fn hear(&self, code: RDKafkaErrorCode, words: &str) {
        let trouble = ConnectionError { code, words: words.to_owned() };
        self.0.send_if_modified(|told| {
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

    fn error(&self, error: KafkaError, words: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        tracing::debug!(%code, words, "trouble with a Kafka broker");
        // A consequence of what each broker reported before.
        if code != RDKafkaErrorCode::AllBrokersDown {
            self.hear(code, words);
        }
    }
}
