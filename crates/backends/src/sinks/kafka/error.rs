//! What librdkafka and brokers say, in plain words.

use super::cluster::{Cluster, elsewhere};
use super::connection_error::{ConnectionError, Listener};
use crate::guard::HostError;
use crate::net::no_answer;
use crate::sinks::refusal::Refusal;
use crate::trust::name_the_authority;
use model::probe::ProbeFailure;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Why a request failed: the broker's answer, or else what is wrong with the connection.
pub(super) async fn refusal(error: KafkaError, cluster: &Cluster, topic: &str, listener: &Listener) -> Refusal {
    let answered = code(&error).and_then(|code| answer(code, topic));
    let refusal = match answered {
        Some(answered) => answered,
        None => {
            let told = listener.trouble().await.and_then(|trouble| connection(&trouble, cluster));
            match told {
                Some(failure) => failure.into(),
                // It may be at a broker that librdkafka has learned of, and nobody can reach.
                None => match cluster.elsewhere(listener.known()).await {
                    Some(failure) => failure.into(),
                    None => no_answer(&cluster.name()).into(),
                },
            }
        }
    };
    refusal.caused_by(error)
}

/// An error's code, also for errors where the library does not expose it.
pub(super) fn code(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    }
}

/// What a broker, or librdkafka itself, says about a request; `None` when the request just did not get through.
pub(super) fn answer(code: Code, topic: &str) -> Option<Refusal> {
    Some(match code {
        Code::MessageSizeTooLarge => Refusal::refused(
            format!("The event is larger than the topic '{topic}' takes."),
            "Raise the topic's max.message.bytes.",
        ),
        Code::TopicAuthorizationFailed => Refusal::down(
            format!("The user may not write to the topic '{topic}'."),
            "Give the user the operations Describe and Write on the topic.",
        ),
        // What a producer hears whose user may write to no topic at all.
        Code::ClusterAuthorizationFailed => Refusal::down(
            format!("The user may not write to the topic '{topic}'."),
            "Give the user the operations Describe and Write on the topic; brokers before Kafka 2.8 also want \
             IdempotentWrite on the cluster.",
        ),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicId => {
            Refusal::down(format!("There is no topic '{topic}' any more."), "Wait: it is made again.")
        }
        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend => Refusal::down(
            format!("Too few in-sync replicas of the topic '{topic}' are there to keep the event."),
            "Start the brokers that are down, or lower the topic's min.insync.replicas.",
        ),
        Code::InvalidRecord => Refusal::refused(
            format!("The topic '{topic}' does not take the event."),
            "Check the topic's settings, such as cleanup.policy=compact, which wants a key, and the broker's log.",
        ),
        Code::PolicyViolation => Refusal::down(
            "A policy of the cluster forbids this.",
            "See the broker's log; make the topic yourself if it is about making it.",
        ),
        Code::MessageTimedOut
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::BadMessage
        | Code::Authentication
        | Code::SSL => return None,
        other => Refusal::down(format!("{other}."), "See the broker's log for what it does not like."),
    })
}

/// What is wrong with the connections, in plain words; `None` if the library's words do not tell.
fn connection(trouble: &ConnectionError, cluster: &Cluster) -> Option<ProbeFailure> {
    let name = cluster.name();
    let says = |words: &str| trouble.words.contains(words);
    Some(match trouble.code {
        Code::Authentication if says("supported mechanisms: ") => mechanism(&trouble.words),
        Code::Authentication => ProbeFailure::new(
            "The broker does not accept the user name and password.",
            "Check both, and the mechanism: the broker keeps passwords for each one separately.",
        ),
        _ if says("certificate verify failed") => {
            name_the_authority(ProbeFailure::new(format!("The certificate of {name} is not trusted."), ""))
        }
        // What a broker does that wants a login, once TLS is agreed on.
        _ if says("SSL connection closed") && !says("SSL_HANDSHAKE") => hangs_up(&name),
        _ if says("SSL connection closed") || says("PLAINTEXT broker listener") => ProbeFailure::new(
            format!("{name} broke off the TLS handshake."),
            "Security must fit the port: check that the broker speaks TLS (SSL) there.",
        ),
        Code::SSL => ProbeFailure::new(
            format!("No secure connection to {name} could be agreed on."),
            "Security must fit the port: check that the broker speaks TLS (SSL) there.",
        ),
        Code::BadMessage => ProbeFailure::new(
            format!("{name} does not speak Kafka's protocol."),
            "Check the port: something else answers there.",
        ),
        Code::BrokerTransportFailure if says("Disconnected") => hangs_up(&name),
        Code::BrokerTransportFailure if says("Connection refused") => ProbeFailure::new(
            format!("{name} refuses connections."),
            "Check the port, and that the broker is running and listens on that address.",
        ),
        Code::Resolve => unresolved(&trouble.words, cluster),
        _ => return None,
    })
}

fn hangs_up(name: &str) -> ProbeFailure {
    ProbeFailure::new(
        format!("{name} closes the connection."),
        "Security must fit the port: check whether the broker expects TLS (SSL), a login (SASL), or both; its log may say \
         more.",
    )
}

/// `broker.example:9092/2: Failed to resolve 'broker.example:9092': Name or service not known (after 3ms …)`
fn unresolved(words: &str, cluster: &Cluster) -> ProbeFailure {
    let (name, entered) = (cluster.name(), |broker: &str| cluster.brokers.iter().any(|target| target.name() == broker));
    let broker = words.split("resolve '").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_default();
    let is_plain =
        |host: &str| host.len() <= 253 && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
    match broker.rsplit_once(':') {
        Some((host, _)) if is_plain(host) && !entered(broker) => {
            elsewhere(host, &HostError::Unresolved(std::io::ErrorKind::NotFound.into()))
        }
        _ => ProbeFailure::new(
            format!("A name among {name}, or one that the brokers give for themselves, cannot be resolved."),
            "Check the spelling, and the brokers' advertised.listeners.",
        ),
    }
}

/// `… Broker: Unsupported SASL mechanism: broker's supported mechanisms: PLAIN,SCRAM-SHA-256 (after 1ms …)`
fn mechanism(words: &str) -> ProbeFailure {
    let offered = words.rsplit("supported mechanisms: ").next().unwrap_or_default();
    let offered = offered.split(" (after").next().unwrap_or_default().trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_, ".contains(c);
    if offered.is_empty() || offered.len() > 100 || !offered.chars().all(plain) {
        return ProbeFailure::new(
            "The broker offers no login here.",
            "Set Security to PLAINTEXT or SSL, or enter the port where it wants a login.",
        );
    }
    ProbeFailure::new(
        "The broker does not know the mechanism.",
        format!("Choose one that it offers: {}.", offered.replace(',', ", ").replace("  ", " ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::error::SinkErrorKind;

    /// The words are those of librdkafka 2.12.
    #[test]
    fn what_the_broker_offers_is_the_cure() {
        let said = "SASL GSSAPI mechanism handshake failed: Broker: Unsupported SASL mechanism: \
            broker's supported mechanisms: PLAIN,SCRAM-SHA-256 (after 1ms in state AUTH_HANDSHAKE)";
        assert_eq!(mechanism(said).cure, "Choose one that it offers: PLAIN, SCRAM-SHA-256.");
        let none = "SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL state: \
            broker's supported mechanisms:  (after 1ms in state AUTH_HANDSHAKE)";
        assert_eq!(mechanism(none).reason, "The broker offers no login here.");
        let odd = mechanism("broker's supported mechanisms: <b>hunter2</b>");
        assert!(!odd.cure.contains("hunter2"), "passes on nothing but names: {odd:?}");
    }

    #[test]
    fn only_what_the_event_is_to_blame_for_is_set_aside() {
        let kind = |code| answer(code, "recordings").map(|refusal| refusal.kind);
        for code in [Code::MessageSizeTooLarge, Code::InvalidRecord] {
            assert_eq!(kind(code), Some(SinkErrorKind::Refused), "{code}");
        }
        for code in [
            Code::TopicAuthorizationFailed,
            Code::ClusterAuthorizationFailed,
            Code::UnknownTopicOrPartition,
            Code::NotEnoughReplicas,
            Code::PolicyViolation,
            Code::InvalidTopic,
            Code::Fatal,
        ] {
            assert_eq!(kind(code), Some(SinkErrorKind::Down), "{code}");
        }
        for code in [Code::MessageTimedOut, Code::BrokerTransportFailure] {
            assert_eq!(kind(code), None, "the connection's trouble tells more: {code}");
        }
    }
}
