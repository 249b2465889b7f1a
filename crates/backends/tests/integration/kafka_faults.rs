//! Kafka brokers that are none, break off, or say no.

use crate::kafka_broker::{Broker, env, ids, open, settings};
use crate::line::{Line, Mode};
use crate::relay::{closed, relay};
use crate::sink_faults::{Faulty, assert_arrived, while_the_line_is_cut, without_a_server};
use crate::{both_fail, event, failure, send_until_taken};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use model::error::SinkErrorKind;
use model::ports::OutgoingEvent;
use std::time::{Duration, Instant};

fn small(id: &str) -> OutgoingEvent {
    event(id, "camera", "{}")
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_none() {
    for (security, first_answer) in [("PLAINTEXT", "authenticate"), ("SSL", "TLS")] {
        let at = |broker: &str| open(&settings(broker, "never").with("security", security));
        without_a_server(&Faulty { at: &at, event: &small, first_answer }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut() {
    let broker = Broker::any();
    let (topic, line) = (broker.topic(), Line::to_kafka(&broker.address).await);
    let at = |broker: &str| open(&settings(broker, &topic));
    let faulty = Faulty { at: &at, event: &small, first_answer: "authenticate" };
    let sent = while_the_line_is_cut(&faulty, &line).await;
    assert_arrived(&ids(&broker.read(&topic)), &sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_is_enough() {
    let (broker, gone) = (Broker::any(), closed().await);
    let topic = broker.topic();
    let sink = open(&settings(&format!("{gone}, nobody.invalid, {}", broker.address), &topic));
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&broker.read(&topic)), ["1"]);
    // Also when librdkafka has told, as it does every second, of all those that it knows.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(2500) {
        sink.send(&event("2", "camera", "{}")).await.unwrap();
    }
}

/// Brokers say themselves where events are to be sent: to a name that nobody knows, or to where the vault never connects.
#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_say_they_are_elsewhere() {
    let Some(_broker) = Broker::apache() else { return };
    for (listener, words) in [
        ("LOST", "The brokers say that one of them is at broker.invalid: "),
        ("FORBIDDEN", "The brokers say that one of them is at fe80::1: "),
    ] {
        let (report, error) = both_fail(&*open(&settings(&env(listener), "never"))).await;
        assert!(error.kind == SinkErrorKind::Down && error.message.starts_with(words), "{error}");
        let (step, reason, cure) = failure(&report);
        assert!(step == "authenticate" && reason.starts_with(words), "{step}: {reason}");
        assert!(cure.contains("advertised.listeners"), "{cure}");
    }
}

/// Somebody's website, on the port that was entered.
#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_speaks_http() {
    let (address, _) = relay(None, |_| Some(StatusCode::NOT_FOUND.into_response())).await;
    let none = format!("{address} does not speak Kafka's protocol.");
    let not_tls =
        [format!("{address} does not speak TLS."), format!("No secure connection to {address} could be agreed on.")];
    for (security, step, [probed, sent]) in
        [("PLAINTEXT", "authenticate", [none.clone(), none]), ("SSL", "TLS", not_tls)]
    {
        let sink = open(&settings(&address, "never").with("security", security));
        let (report, error) = both_fail(&*sink).await;
        let (failed, reason, cure) = failure(&report);
        assert_eq!((failed, reason), (step, probed.as_str()));
        assert!(cure.contains("port"), "{cure}");
        assert_eq!((error.kind, error.message), (SinkErrorKind::Down, sent));
    }
}

/// The broker has the event, but its answer is lost with the connection: the event is there once.
#[tokio::test(flavor = "multi_thread")]
async fn down_during_an_event() {
    // The mock takes a message twice.
    let Some(broker) = Broker::apache() else { return };
    let (topic, line) = (broker.topic(), Line::to_kafka(&broker.address).await);
    let sink = open(&settings(&line.address, &topic));
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    line.set(Mode::LosesAnswer).await;
    sink.send(&event("2", "camera", "{}")).await.unwrap();
    assert_eq!(line.mode(), Mode::Up, "an answer was lost");
    sink.send(&event("3", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&broker.read(&topic)), ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_deleted_while_running_is_made_again() {
    let Some(broker) = Broker::apache() else { return };
    let topic = broker.topic();
    let sink = open(&settings(&broker.address, &topic));
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    broker.ask(&["delete", &topic]);
    send_until_taken(&*sink, &event("2", "camera", "{}")).await;
    assert_eq!(ids(&broker.read(&topic)), ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_large_is_set_aside_and_the_next_one_passes() {
    let Some(broker) = Broker::apache() else { return };
    let topic = broker.topic();
    let sink = open(&settings(&broker.address, &topic));
    for size in [2_000_000, 9_000_000] {
        let error = sink.send(&event("large", "camera", "x".repeat(size))).await.unwrap_err();
        let words = format!("The event is larger than the topic '{topic}' takes.");
        assert_eq!((error.kind, error.message), (SinkErrorKind::Refused, words), "{size}");
    }
    sink.send(&event("small", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&broker.read(&topic)), ["small"]);
}
