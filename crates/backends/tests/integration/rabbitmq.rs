//! RabbitMQ against a real broker: `scripts/services start rabbitmq`. What was sent is read by another client.

use crate::conformance::sink_suite;
use crate::{both_fail, consumer, event, failure, steps, told, whole_event};
use backends::Backends;
use model::error::SinkErrorKind;
use model::field::Settings;
use model::ports::{Connector, EventSink};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A variable the service script sets.
pub(crate) fn env(name: &str) -> String {
    let name = format!("VAULT_TEST_RABBITMQ_{name}");
    std::env::var(&name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `scripts/services start rabbitmq`, or `make test`, which does")
    })
}

/// A name that no other test uses, nor another run.
pub(crate) fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("test-{nanos}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn settings(broker: &str, queue: &str) -> Settings {
    Settings::new()
        .with("broker", broker)
        .with("topic", queue)
        .with("username", env("USERNAME"))
        .with("password", env("PASSWORD"))
}

pub(crate) fn open(settings: &Settings) -> Arc<dyn EventSink> {
    Backends::new().sink("rabbitmq", settings).unwrap()
}

/// Asks the other client, in a virtual host.
fn ask_in(virtual_host: &str, arguments: &[&str]) -> Value {
    let login = [env("BROKER"), env("USERNAME"), env("PASSWORD"), virtual_host.to_owned()];
    let login = login.each_ref().map(String::as_str);
    consumer(&env("PYTHON"), "rabbitmq.py", &[&login, arguments].concat())
}

/// Asks the other client.
pub(crate) fn ask(arguments: &[&str]) -> Value {
    ask_in("/", arguments)
}

/// Takes everything out of a queue.
pub(crate) fn read(queue: &str) -> Vec<Value> {
    ask(&["read", queue]).as_array().unwrap().clone()
}

pub(crate) fn ids(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|m| m["properties"]["message_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let queue = name();
    let mut sent = sink_suite(open(&settings(&env("BROKER"), &queue))).await;
    // Fails unless the vault has declared it as durable and of type quorum.
    ask(&["declare", &queue]);
    let messages = read(&queue);
    let mut received = ids(&messages);
    assert_eq!(received[..5], sent[..5]);
    assert!(messages[3]["body"].as_str().unwrap().len() > 200_000);
    received.sort();
    sent.sort();
    assert_eq!(received, sent);
    ask(&["delete", &queue]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_reads_exactly_this() {
    let queue = name();
    open(&settings(&env("BROKER"), &queue)).send(&whole_event()).await.unwrap();
    let found = serde_json::to_string_pretty(&read(&queue)).unwrap().replace(&queue, "recordings");
    insta::assert_snapshot!(found);
    ask(&["delete", &queue]);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_in_a_virtual_host() {
    let (queue, ca) = (name(), std::fs::read_to_string(env("CA")).unwrap());
    let broker = format!("amqps://{}/cameras", env("TLS_BROKER"));
    let sink = open(&settings(&broker, &queue).with("ca_certificate", ca));
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "TLS", "authenticate", "queue", "write"]);
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    assert_eq!(ids(ask_in("cameras", &["read", &queue]).as_array().unwrap()), ["1"]);
    ask_in("cameras", &["delete", &queue]);
}

#[tokio::test(flavor = "multi_thread")]
async fn through_an_exchange() {
    let (queue, exchange) = (name(), name());
    let sink = open(&settings(&env("BROKER"), &queue).with("exchange", &*exchange));
    let report = sink.probe().await;
    let words = format!("There is no exchange '{exchange}'.");
    assert_eq!((failure(&report).0, failure(&report).1), ("exchange", words.as_str()));
    assert_eq!(sink.send(&event("1", "camera", "{}")).await.unwrap_err().message, words);

    ask(&["exchange", &exchange]);
    let sink = open(&settings(&env("BROKER"), &queue).with("exchange", &*exchange));
    let report = sink.probe().await;
    assert!(report.passed() && steps(&report).contains(&"exchange"), "{report:?}");
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    let messages = read(&queue);
    assert_eq!((&messages[0]["exchange"], ids(&messages)), (&exchange.as_str().into(), vec!["1".to_owned()]));

    // A queue of somebody else's is left as it is, so nothing leads to it: that is no success.
    let other = name();
    ask(&["declare", &other]);
    let sink = open(&settings(&env("BROKER"), &other).with("exchange", &*exchange));
    let error = sink.send(&event("2", "camera", "{}")).await.unwrap_err();
    assert!(error.kind == SinkErrorKind::Down && error.message.contains("to no queue"), "{error}");
    ask(&["delete", &queue]);
    ask(&["delete", &other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn validating_makes_no_queue() {
    let queue = name();
    let sink = open(&settings(&env("BROKER"), &queue));
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "authenticate", "queue", "write"]);
    assert_eq!(ask(&["exists", &queue]), false);
    ask(&["declare", &queue]);
    assert!(sink.probe().await.passed());
    assert_eq!(read(&queue), [""; 0], "validating writes nothing");
    ask(&["delete", &queue]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_why() {
    let login = |user: &str, password: &str, broker: String| {
        open(&settings(&broker, "never").with("username", user).with("password", password))
    };
    let (user, password) = (env("USERNAME"), env("PASSWORD"));
    let (reader, readers) = (env("READER_USERNAME"), env("READER_PASSWORD"));
    let at = |virtual_host: &str| format!("amqp://{}{virtual_host}", env("BROKER"));
    for (sink, words) in [
        (login(&user, "hunter2-hunter2", at("")), "The broker does not accept the user name and password."),
        (login("nobody", &password, at("")), "The broker does not accept the user name and password."),
        (login(&user, &password, at("/nowhere")), "The broker has no such virtual host."),
        (login(&reader, &readers, at("/cameras")), "The user may not use this virtual host."),
    ] {
        let (report, error) = both_fail(&*sink).await;
        assert_eq!((failure(&report).0, failure(&report).1), ("authenticate", words));
        assert_eq!((error.kind, error.message.as_str()), (SinkErrorKind::Down, words));
        assert!(!format!("{report:?} {}", told(&error)).contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rights() {
    let (missing, there) = (name(), name());
    ask(&["declare", &there]);
    let reader = |queue: &str| {
        let settings = settings(&env("BROKER"), queue).with("username", env("READER_USERNAME"));
        open(&settings.with("password", env("READER_PASSWORD")))
    };
    for (queue, step, words) in [
        (&missing, "queue", format!("There is no queue '{missing}', and the user may not make it.")),
        (&there, "write", "The user may not write to the default exchange.".to_owned()),
    ] {
        let sink = reader(queue);
        let report = sink.probe().await;
        assert_eq!((failure(&report).0, failure(&report).1), (step, words.as_str()), "{report:?}");
        assert!(failure(&report).2.contains("permission"), "{report:?}");
        let error = sink.send(&event("1", "camera", "{}")).await.unwrap_err();
        assert_eq!((error.kind, error.message), (SinkErrorKind::Down, words));
    }
    assert_eq!(ask(&["exists", &missing]), false);
    ask(&["delete", &there]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_must_fit_the_port_and_the_authority() {
    let (plain, tls) = (env("BROKER"), env("TLS_BROKER"));
    let (ca, other) = (env("CA"), env("OTHER_CA"));
    let text = |path: &str| std::fs::read_to_string(path).unwrap();
    let untrusted = format!("The certificate of {tls} is not trusted.");
    for (broker, ca, step, words) in [
        (format!("amqps://{plain}"), text(&ca), "TLS", format!("{plain} does not speak TLS.")),
        (format!("amqps://{tls}"), text(&other), "TLS", untrusted.clone()),
        (format!("amqps://{tls}"), String::new(), "TLS", untrusted),
        (format!("amqp://{tls}"), text(&ca), "authenticate", format!("{tls} ended the connection before the login.")),
    ] {
        let sink = open(&settings(&broker, "never").with("ca_certificate", ca));
        let (report, error) = both_fail(&*sink).await;
        assert_eq!((failure(&report).0, failure(&report).1), (step, words.as_str()), "{broker}");
        assert_eq!(error.message, words, "{broker}");
    }
}
