//! Kafka's logins and TLS: each that a broker may want, and each that does not fit. Of Apache Kafka only.

use crate::kafka_broker::{Broker, env, ids, open, settings, topic};
use crate::{both_fail, event, failure, steps, told};
use backends::Backends;
use futures::future::join_all;
use model::error::SinkErrorKind;
use model::field::Settings;
use model::ports::Connector as _;
use std::time::{Duration, Instant};

/// Settings for the broker's port of this protocol, and its user who may do everything.
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

#[tokio::test(flavor = "multi_thread")]
async fn every_security_protocol_and_mechanism() {
    let Some(broker) = Broker::apache() else { return };
    let ways = [
        ("PLAINTEXT", "none"),
        ("SSL", "none"),
        ("SASL_PLAINTEXT", "PLAIN"),
        ("SASL_PLAINTEXT", "SCRAM-SHA-256"),
        ("SASL_PLAINTEXT", "SCRAM-SHA-512"),
        ("SASL_SSL", "PLAIN"),
        ("SASL_SSL", "SCRAM-SHA-256"),
        ("SASL_SSL", "SCRAM-SHA-512"),
    ];
    join_all(ways.map(async |(security, mechanism)| {
        let topic = topic();
        let sink = open(&protected(security, mechanism, &topic));
        let report = sink.probe().await;
        let tls: &[&str] = if security.ends_with("SSL") { &["TLS"] } else { &[] };
        let expected = [&["resolve", "connect"], tls, &["authenticate", "topic"]].concat();
        assert!(report.passed() && steps(&report) == expected, "{security} {mechanism}: {report:?}");
        sink.send(&event("1", "camera", "{}")).await.unwrap_or_else(|e| panic!("{security} {mechanism}: {e:?}"));
        assert_eq!(ids(&broker.read(&topic)), ["1"], "{security} {mechanism}");
        let report = sink.probe().await;
        assert!(report.passed() && steps(&report).ends_with(&["topic", "write"]), "{security}: {report:?}");
        assert_eq!(ids(&broker.read(&topic)), ["1"], "validating writes nothing");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_called_that() {
    let Some(_broker) = Broker::apache() else { return };
    join_all(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].map(async |mechanism| {
        let sink = open(&protected("SASL_PLAINTEXT", mechanism, "never").with("password", "hunter2-hunter2"));
        let started = Instant::now();
        let (report, error) = both_fail(&*sink).await;
        let words = "The broker does not accept the user name and password.";
        assert_eq!((failure(&report).0, failure(&report).1), ("authenticate", words), "{mechanism}");
        assert_eq!((error.kind, error.message.as_str()), (SinkErrorKind::Down, words), "{mechanism}");
        assert!(!format!("{report:?} {}", told(&error)).contains("hunter2"), "{mechanism}");
        assert!(started.elapsed() < Duration::from_secs(10), "{mechanism}: {:?}", started.elapsed());
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_must_be_of_the_named_authority() {
    let Some(_broker) = Broker::apache() else { return };
    let other = std::fs::read_to_string(env("OTHER_CA")).unwrap();
    let wrong = [("SSL", ""), ("SSL", &*other), ("SASL_SSL", ""), ("SASL_SSL", &*other)];
    join_all(wrong.map(async |(security, ca)| {
        let sink = open(&protected(security, "PLAIN", "never").with("ca_certificate", ca));
        let (report, error) = both_fail(&*sink).await;
        let words = format!("The certificate of {} is not trusted.", env(security));
        assert_eq!((failure(&report).0, failure(&report).1), ("TLS", words.as_str()));
        assert!(failure(&report).2.contains("CA certificate"), "{report:?}");
        assert_eq!(error.message, words);
    }))
    .await;
    let broken = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----";
    let errors = Backends::new().sink("kafka", &protected("SSL", "", "never").with("ca_certificate", broken));
    assert_eq!(errors.err().unwrap()[0].field, "ca_certificate");
}

/// Each kind of port, spoken to in each wrong way.
#[tokio::test(flavor = "multi_thread")]
async fn security_must_fit_the_port() {
    let Some(_broker) = Broker::apache() else { return };
    let wrong = [
        ("PLAINTEXT", "SSL", "TLS", "broke off the TLS handshake"),
        ("SASL_PLAINTEXT", "SASL_SSL", "TLS", "broke off the TLS handshake"),
        ("SSL", "PLAINTEXT", "authenticate", "closes the connection"),
        ("SASL_SSL", "SASL_PLAINTEXT", "authenticate", "closes the connection"),
        ("SASL_PLAINTEXT", "PLAINTEXT", "authenticate", "closes the connection"),
        ("SASL_SSL", "SSL", "authenticate", "closes the connection"),
        ("PLAINTEXT", "SASL_PLAINTEXT", "authenticate", "offers no login here"),
        ("SSL", "SASL_SSL", "authenticate", "offers no login here"),
    ];
    join_all(wrong.map(async |(port, security, step, words)| {
        let sink = open(&protected(security, "PLAIN", "never").with("broker", env(port)));
        let (report, error) = both_fail(&*sink).await;
        let (failed, reason, cure) = failure(&report);
        assert_eq!(failed, step, "{security} to {port}: {report:?}");
        assert!(reason.contains(words), "{security} to {port}: {reason}");
        assert!(cure.contains("port"), "{security} to {port}: {cure}");
        assert!(error.kind == SinkErrorKind::Down && error.message.contains(words), "{security} to {port}: {error}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_offers_is_named() {
    let Some(broker) = Broker::apache() else { return };
    let only = |mechanism, topic| protected("SASL_PLAINTEXT", mechanism, topic).with("broker", env("SCRAM_ONLY"));
    join_all(["PLAIN", "SCRAM-SHA-256"].map(async |mechanism| {
        let (report, error) = both_fail(&*open(&only(mechanism, "never"))).await;
        let words = "The broker does not know the mechanism.";
        assert_eq!(
            failure(&report),
            ("authenticate", words, "Choose one that it offers: SCRAM-SHA-512."),
            "{mechanism}"
        );
        assert_eq!((error.kind, error.message.as_str()), (SinkErrorKind::Down, words), "{mechanism}");
    }))
    .await;
    let topic = topic();
    open(&only("SCRAM-SHA-512", &topic)).send(&event("1", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&broker.read(&topic)), ["1"]);
}
