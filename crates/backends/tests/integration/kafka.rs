//! Kafka against a real broker: `scripts/services start kafka`. What was sent is read by another client.

use crate::conformance::sink_suite;
use crate::{both_fail, consumer, event, failure, steps, told, whole_event};
use backends::Backends;
use model::error::SinkErrorKind;
use model::field::Settings;
use model::ports::{Connector, EventSink};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A variable the service script sets.
pub(crate) fn env(name: &str) -> String {
    let name = format!("VAULT_TEST_KAFKA_{name}");
    std::env::var(&name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `scripts/services start kafka`, or `make test`, which does"))
}

/// A topic that no other test uses, nor another run.
pub(crate) fn topic() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("test-{nanos}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Settings for a broker without any protection.
pub(crate) fn settings(broker: &str, topic: &str) -> Settings {
    Settings::new().with("broker", broker).with("topic", topic)
}

/// Settings for the real broker's gate of this protocol.
fn protected(security: &str, mechanism: &str, topic: &str) -> Settings {
    let mut settings = settings(&env(security), topic).with("security", security);
    if security.starts_with("SASL") {
        settings.set("mechanism", mechanism);
        settings.set("username", env("USERNAME"));
        settings.set("password", env("PASSWORD"));
    }
    if security.ends_with("SSL") {
        settings.set("ca_certificate", std::fs::read_to_string(env("CA")).unwrap());
    }
    settings
}

pub(crate) fn open(settings: &Settings) -> Arc<dyn EventSink> {
    Backends::new().sink("kafka", settings).unwrap()
}

/// Asks the other client.
pub(crate) fn ask(arguments: &[&str]) -> Value {
    let plain = env("PLAINTEXT");
    consumer(&env("PYTHON"), "kafka.py", &[&[plain.as_str()], arguments].concat())
}

pub(crate) fn read(topic: &str) -> Vec<Value> {
    ask(&["read", topic]).as_array().unwrap().clone()
}

pub(crate) fn ids(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|m| m["headers"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let topic = topic();
    let mut sent = sink_suite(open(&settings(&env("PLAINTEXT"), &topic))).await;
    let messages = read(&topic);
    let mut received = ids(&messages);
    assert_eq!(received[..5], sent[..5]);
    assert_eq!((&messages[0]["key"], &messages[4]["key"]), (&"camera 1".into(), &Value::Null));
    assert!(messages[3]["value"].as_str().unwrap().len() > 200_000);
    received.sort();
    sent.sort();
    assert_eq!(received, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_reads_exactly_this() {
    let topic = topic();
    open(&settings(&env("PLAINTEXT"), &topic)).send(&whole_event()).await.unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&read(&topic)).unwrap());
}

/// A camera's events stay in one partition, in order; cameras are spread over all of them.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_each_cameras_order() {
    let topic = topic();
    ask(&["create", &topic, "4"]);
    let sink = open(&settings(&env("PLAINTEXT"), &topic));
    for n in 0..10 {
        let round = (0..8).map(|camera| event(&format!("{camera}-{n}"), &format!("camera {camera}"), "{}"));
        let round: Vec<_> = round.collect();
        for result in futures::future::join_all(round.iter().map(|e| sink.send(e))).await {
            result.unwrap();
        }
    }
    let mut by_camera: HashMap<String, Vec<Value>> = HashMap::new();
    for message in read(&topic) {
        by_camera.entry(message["key"].as_str().unwrap().to_owned()).or_default().push(message);
    }
    assert_eq!(by_camera.len(), 8);
    let mut partitions = Vec::new();
    for (camera, messages) in by_camera {
        let camera = camera.rsplit(' ').next().unwrap();
        assert_eq!(ids(&messages), (0..10).map(|n| format!("{camera}-{n}")).collect::<Vec<_>>());
        assert!(messages.iter().all(|m| m["partition"] == messages[0]["partition"]));
        partitions.push(messages[0]["partition"].as_u64());
    }
    partitions.sort();
    partitions.dedup();
    assert!(partitions.len() > 1, "{partitions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_security_protocol_and_mechanism() {
    for security in ["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"] {
        let mechanisms: &[&str] = match security {
            "PLAINTEXT" | "SSL" => &["none"],
            _ => &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        };
        for mechanism in mechanisms {
            let topic = topic();
            let sink = open(&protected(security, mechanism, &topic));
            let report = sink.probe().await;
            let tls: &[&str] = if security.ends_with("SSL") { &["TLS"] } else { &[] };
            let expected = [&["resolve", "connect"], tls, &["authenticate", "topic"]].concat();
            assert!(report.passed() && steps(&report) == expected, "{security} {mechanism}: {report:?}");
            sink.send(&event("1", "camera", "{}")).await.unwrap_or_else(|e| panic!("{security} {mechanism}: {e:?}"));
            assert_eq!(ids(&read(&topic)), ["1"], "{security} {mechanism}");
            let report = sink.probe().await;
            assert!(report.passed() && steps(&report).ends_with(&["topic", "write"]), "{security}: {report:?}");
            assert_eq!(ids(&read(&topic)), ["1"], "validating writes nothing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_called_that() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let sink = open(&protected("SASL_PLAINTEXT", mechanism, "never").with("password", "hunter2-hunter2"));
        let started = Instant::now();
        let (report, error) = both_fail(&*sink).await;
        let words = "The broker does not accept the user name and password.";
        assert_eq!((failure(&report).0, failure(&report).1), ("authenticate", words), "{mechanism}");
        assert_eq!((error.kind, error.message.as_str()), (SinkErrorKind::Down, words), "{mechanism}");
        assert!(!format!("{report:?} {}", told(&error)).contains("hunter2"), "{mechanism}");
        assert!(started.elapsed() < Duration::from_secs(10), "{mechanism}: {:?}", started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validating_makes_no_topic() {
    let topic = topic();
    let sink = open(&settings(&env("PLAINTEXT"), &topic));
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "authenticate", "topic"]);
    let topics = ask(&["topics"]);
    assert!(!topics.as_array().unwrap().contains(&topic.as_str().into()), "{topics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_must_be_of_the_named_authority() {
    let other = std::fs::read_to_string(env("OTHER_CA")).unwrap();
    for security in ["SSL", "SASL_SSL"] {
        for ca in ["", other.as_str()] {
            let sink = open(&protected(security, "PLAIN", "never").with("ca_certificate", ca));
            let (report, error) = both_fail(&*sink).await;
            let words = format!("The certificate of {} is not trusted.", env(security));
            assert_eq!((failure(&report).0, failure(&report).1), ("TLS", words.as_str()));
            assert!(failure(&report).2.contains("CA certificate"), "{report:?}");
            assert_eq!(error.message, words);
        }
    }
    let broken = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----";
    let errors = Backends::new().sink("kafka", &protected("SSL", "", "never").with("ca_certificate", broken));
    assert_eq!(errors.err().unwrap()[0].field, "ca_certificate");
}

/// Each kind of port, spoken to in each wrong way.
#[tokio::test(flavor = "multi_thread")]
async fn security_must_fit_the_port() {
    for (port, security, step, words) in [
        ("PLAINTEXT", "SSL", "TLS", "broke off the TLS handshake"),
        ("SASL_PLAINTEXT", "SASL_SSL", "TLS", "broke off the TLS handshake"),
        ("SSL", "PLAINTEXT", "authenticate", "closes the connection"),
        ("SASL_SSL", "SASL_PLAINTEXT", "authenticate", "closes the connection"),
        ("SASL_PLAINTEXT", "PLAINTEXT", "authenticate", "closes the connection"),
    ] {
        let sink = open(&protected(security, "PLAIN", "never").with("broker", env(port)));
        let (report, error) = both_fail(&*sink).await;
        let (failed, reason, cure) = failure(&report);
        assert_eq!(failed, step, "{security} to {port}: {report:?}");
        assert!(reason.contains(words), "{security} to {port}: {reason}");
        assert!(cure.contains("port"), "{security} to {port}: {cure}");
        assert!(error.kind == SinkErrorKind::Down && error.message.contains(words), "{security} to {port}: {error}");
    }
}
