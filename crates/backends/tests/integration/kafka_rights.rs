//! A user of Kafka's who lacks rights. Of Apache Kafka only.

use crate::kafka_broker::{Broker, env, ids, open, settings, topic};
use crate::{both_fail, event, failure, send_until_taken, steps};
use model::error::SinkErrorKind;
use model::ports::EventSink;
use std::sync::Arc;

/// May write to the topics of some tests.
const GUEST: &str = "GUEST";
/// May write to none.
const READER: &str = "READER";

/// A sink of somebody who may do only what is allowed.
fn sink_of(user: &str, topic: &str) -> Arc<dyn EventSink> {
    let settings =
        settings(&env("SASL_PLAINTEXT"), topic).with("security", "SASL_PLAINTEXT").with("mechanism", "PLAIN");
    open(&settings.with("username", env(user)).with("password", env(&format!("{user}_PASSWORD"))))
}

fn allow(broker: &Broker, user: &str, topic: &str, operations: &[&str]) {
    broker.ask(&[&["allow", topic, &env(user)], operations].concat());
}

/// What the documentation lists is enough, and not more than enough: each test below takes one away.
#[tokio::test(flavor = "multi_thread")]
async fn with_all_rights_that_it_takes() {
    let Some(broker) = Broker::apache() else { return };
    let topic = topic();
    allow(&broker, GUEST, &topic, &["DESCRIBE", "WRITE", "CREATE"]);
    let sink = sink_of(GUEST, &topic);
    assert!(sink.probe().await.passed());
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    let report = sink.probe().await;
    assert!(report.passed() && steps(&report).ends_with(&["topic", "write"]), "{report:?}");
    allow(&broker, GUEST, &topic, &["DESCRIBE_CONFIGS"]);
    let report = sink.probe().await;
    assert!(report.passed() && steps(&report).ends_with(&["topic", "write"]), "{report:?}");
    assert_eq!(ids(&broker.read(&topic)), ["1"]);
}

/// Kafka does not tell whether the topic is there.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_describe() {
    let Some(broker) = Broker::apache() else { return };
    for there in [false, true] {
        let topic = topic();
        if there {
            broker.make(&topic, 1);
        }
        let sink = sink_of(GUEST, &topic);
        let (report, error) = both_fail(&*sink).await;
        let words = format!("The user may not write to the topic '{topic}'.");
        assert_eq!((failure(&report).0, failure(&report).1), ("topic", words.as_str()));
        assert!(failure(&report).2.contains("Describe"), "{report:?}");
        assert_eq!((error.kind, error.message), (SinkErrorKind::Down, words));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_create() {
    let Some(broker) = Broker::apache() else { return };
    let topic = topic();
    allow(&broker, GUEST, &topic, &["DESCRIBE", "WRITE", "DESCRIBE_CONFIGS"]);
    let sink = sink_of(GUEST, &topic);
    let (report, error) = both_fail(&*sink).await;
    let words = format!("There is no topic '{topic}', and the user may not make it.");
    assert_eq!((failure(&report).0, failure(&report).1), ("topic", words.as_str()));
    assert!(failure(&report).2.contains("Create"), "{report:?}");
    assert_eq!((error.kind, error.message), (SinkErrorKind::Down, words));
    // made by somebody else
    broker.make(&topic, 1);
    send_until_taken(&*sink, &event("2", "camera", "{}")).await;
    assert_eq!(ids(&broker.read(&topic)), ["2"]);
}

/// Kafka has another answer for who may write to no topic at all.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_write() {
    let Some(broker) = Broker::apache() else { return };
    allow(&broker, GUEST, &topic(), &["WRITE"]);
    for user in [GUEST, READER] {
        let topic = topic();
        broker.make(&topic, 1);
        allow(&broker, user, &topic, &["DESCRIBE", "DESCRIBE_CONFIGS"]);
        let sink = sink_of(user, &topic);
        let (report, error) = both_fail(&*sink).await;
        let words = format!("The user may not write to the topic '{topic}'.");
        assert_eq!((failure(&report).0, failure(&report).1), ("write", words.as_str()), "{user}: {report:?}");
        assert!(failure(&report).2.contains("Write"), "{user}: {report:?}");
        assert_eq!((error.kind, error.message.as_str()), (SinkErrorKind::Down, words.as_str()), "{user}");
        // also when the vault tries again
        let error = sink.send(&event("2", "camera", "{}")).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (SinkErrorKind::Down, words.as_str()), "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_given_while_events_wait() {
    let Some(broker) = Broker::apache() else { return };
    for before in [None, Some("DESCRIBE")] {
        let topic = topic();
        broker.make(&topic, 1);
        if let Some(before) = before {
            allow(&broker, GUEST, &topic, &[before]);
        }
        let sink = sink_of(GUEST, &topic);
        sink.send(&event("1", "camera", "{}")).await.unwrap_err();
        allow(&broker, GUEST, &topic, &["DESCRIBE", "WRITE"]);
        send_until_taken(&*sink, &event("1", "camera", "{}")).await;
        assert_eq!(ids(&broker.read(&topic)), ["1"], "{before:?}");
    }
}
