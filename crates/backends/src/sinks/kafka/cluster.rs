//! Where the brokers are, and how librdkafka talks to them.

use crate::guard::{GuardedResolver, HostError};
use crate::http::Outgoing;
use crate::net::Target;
use crate::sinks::refusal::Refusal;
use crate::trust::trusting;
use futures::future::join_all;
use model::field::FieldError;
use model::integrations::Kafka;
use model::probe::ProbeFailure;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rustls::ClientConfig as TlsConfig;
use std::net::IpAddr;
use std::sync::Arc;

/// How long librdkafka tries to deliver an event, in milliseconds.
const DELIVERED: &str = "10000";
/// How long connecting to a broker, or one request, may take, in milliseconds.
const REQUEST: &str = "5000";
/// How often librdkafka says which brokers it knows, in milliseconds.
const KNOWN_BROKERS: &str = "1000";
/// Largest event the vault itself allows; the topic's own limit is up to the broker.
const LARGEST: &str = "8388608";

/// A cluster.
pub(super) struct Cluster {
    pub(super) brokers: Vec<Target>,
    /// Set for brokers that speak TLS.
    pub(super) tls: Option<Arc<TlsConfig>>,
    pub(super) config: ClientConfig,
}

impl Cluster {
    pub(super) fn new(settings: &Kafka, outgoing: &Outgoing) -> Result<Self, Vec<FieldError>> {
        let brokers = settings.brokers();
        let encrypts = settings.security.encrypts();
        let tls = encrypts.then(|| trusting(&settings.ca_certificate, outgoing)).transpose()?;
        let mut config = ClientConfig::new();
        // This level says why connections end; see `trouble`.
        config.set_log_level(RDKafkaLogLevel::Info);
        let names: Vec<String> = brokers.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        config.set("bootstrap.servers", names.join(","));
        config.set("security.protocol", settings.security.as_str());
        if settings.security.logs_in() {
            config.set("sasl.mechanism", settings.mechanism.as_str());
            config.set("sasl.username", &settings.username);
            config.set("sasl.password", settings.password.expose());
        }
        if encrypts && !settings.ca_certificate.is_empty() {
            config.set("ssl.ca.pem", &settings.ca_certificate);
        } else if encrypts && let Some(system) = system_certificates() {
            config.set("ssl.ca.location", system);
        }
        for (key, value) in [
            ("client.id", "kerberos-vault"),
            ("acks", "all"),
            ("enable.idempotence", "true"),
            // Only the vault creates topics, and only when it has something to send.
            ("allow.auto.create.topics", "false"),
            ("message.timeout.ms", DELIVERED),
            ("message.max.bytes", LARGEST),
            ("socket.timeout.ms", REQUEST),
            ("socket.connection.setup.timeout.ms", REQUEST),
            ("socket.keepalive.enable", "true"),
            ("topic.metadata.propagation.max.ms", REQUEST),
            // Ten within the time that an event has: the last answer then tells why, not that time ran out.
            ("retries", "10"),
            ("reconnect.backoff.max.ms", "1000"),
            ("statistics.interval.ms", KNOWN_BROKERS),
            // Events mostly come one at a time: there is nothing to wait for.
            ("linger.ms", "1"),
        ] {
            config.set(key, value);
        }
        let brokers = brokers.iter().map(|(host, port)| Target::at(host, *port, encrypts)).collect();
        Ok(Self { brokers, tls, config })
    }

    /// The brokers' names, for messages.
    pub(super) fn name(&self) -> String {
        self.brokers.iter().map(Target::name).collect::<Vec<_>>().join(", ")
    }

    /// The addresses that can be resolved. Fails when none can, or when one is refused: librdkafka connects to whatever
    /// it is given.
    pub(super) async fn resolve(&self) -> Result<Vec<(&Target, Vec<IpAddr>)>, ProbeFailure> {
        let resolved =
            join_all(self.brokers.iter().map(|broker| async move { (broker, broker.resolve().await) })).await;
        let mut found = Vec::new();
        let mut unknown = None;
        for (broker, outcome) in resolved {
            match outcome {
                Ok(addresses) => found.push((broker, addresses)),
                Err(failure) if failure.reason.contains("never connects") => return Err(failure),
                Err(failure) => unknown = unknown.or(Some(failure)),
            }
        }
        match unknown {
            Some(failure) if found.is_empty() => Err(failure),
            _ => Ok(found),
        }
    }

    /// Checks the hosts that brokers advertise: events go there.
    pub(super) async fn check_advertised(&self, hosts: Vec<String>) -> Result<(), Refusal> {
        advertised(looked_up(hosts).await.into_iter().next())
    }

    /// What is wrong with the first of these hosts, which brokers have named, that cannot be connected to.
    pub(super) async fn elsewhere(&self, mut hosts: Vec<String>) -> Option<ProbeFailure> {
        hosts.retain(|host| self.brokers.iter().all(|broker| !broker.is_at(host)));
        looked_up(hosts).await.into_iter().next().map(|(host, error)| elsewhere(&host, &error))
    }

    /// Checks hosts that were learned of later. One that cannot be resolved does no harm.
    pub(super) async fn check_learned(&self, hosts: Vec<String>) -> Result<(), Refusal> {
        learned(hosts).await
    }
}

/// Where the system's certificates are, as rustls finds them elsewhere. An OpenSSL that is compiled in looks where it was
/// built.
fn system_certificates() -> Option<String> {
    let found = openssl_probe::probe();
    let place = found.cert_file.or_else(|| found.cert_dir.into_iter().next())?;
    place.into_os_string().into_string().ok()
}

async fn learned(hosts: Vec<String>) -> Result<(), Refusal> {
    let refused = |(_, error): &(String, HostError)| matches!(error, HostError::Refused);
    advertised(looked_up(hosts).await.into_iter().find(refused))
}

/// Hosts that are not to be connected to, and why.
async fn looked_up(hosts: Vec<String>) -> Vec<(String, HostError)> {
    let outcomes = join_all(hosts.iter().map(|host| GuardedResolver.lookup(host))).await;
    hosts.into_iter().zip(outcomes).filter_map(|(host, outcome)| Some((host, outcome.err()?))).collect()
}

fn advertised(wrong: Option<(String, HostError)>) -> Result<(), Refusal> {
    let Some((host, error)) = wrong else { return Ok(()) };
    let failure = elsewhere(&host, &error);
    Err(Refusal::down(failure.reason, failure.cure).caused_by(error))
}

/// What the brokers say themselves leads to where the vault cannot connect to.
pub(super) fn elsewhere(host: &str, why: &HostError) -> ProbeFailure {
    ProbeFailure::new(
        format!("The brokers say that one of them is at {host}: {why}."),
        "Set advertised.listeners on the brokers to addresses that the vault can reach.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::kafka::connection_error::Listener;
    use rdkafka::ClientContext as _;
    use rdkafka::statistics::{Broker, Statistics};

    /// Which brokers librdkafka connects to is up to it; it says so every second.
    #[tokio::test]
    async fn brokers_that_are_learned_of_later_are_checked_once() {
        let (listener, mut told) = (Listener::new(), Statistics::default());
        let mut say = |name: &str| {
            told.brokers.insert(name.into(), Broker { nodename: name.into(), ..Broker::default() });
            listener.stats(told.clone());
            listener.take_learned()
        };
        assert_eq!(say("127.0.0.1:9092"), ["127.0.0.1"]);
        assert_eq!(say("169.254.169.254:9092"), ["169.254.169.254"], "only what is new");
        assert_eq!(say("169.254.169.254:9093"), [""; 0]);
        let hosts = |hosts: [&str; 2]| hosts.map(str::to_owned).to_vec();
        let refused = learned(hosts(["127.0.0.1", "169.254.169.254"])).await.expect_err("it leads to metadata");
        assert!(refused.failure.reason.contains("one of them is at 169.254.169.254"), "{refused:?}");
        assert!(learned(hosts(["127.0.0.1", "nowhere.invalid"])).await.is_ok(), "what cannot be found does no harm");
    }
}
