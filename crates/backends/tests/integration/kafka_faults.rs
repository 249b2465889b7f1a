//! Kafka brokers that are none, break off, or say no.

use crate::kafka::{ask, env, ids, open, read, settings, topic};
use crate::line::{Line, Mode, address_in_frame, port, replace};
use crate::relay::closed;
use crate::sink_faults::{Faulty, assert_arrived, while_the_line_is_cut, without_a_server};
use crate::{both_fail, event, failure, send_until_taken, steps};
use model::error::SinkErrorKind;
use model::ports::OutgoingEvent;
use rdkafka::mocking::MockCluster;
use std::time::{Duration, Instant};

const PRODUCE: i16 = 0;
const CREATE_TOPICS: i16 = 19;
const MESSAGE_TOO_LARGE: [u8; 2] = [0, 10];
const TOPIC_AUTHORIZATION_FAILED: [u8; 2] = [0, 29];

async fn line() -> Line {
    Line::to_kafka(&env("PLAINTEXT"), |_, _| {}).await
}

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
    let (topic, line) = (topic(), line().await);
    let at = |broker: &str| open(&settings(broker, &topic));
    let faulty = Faulty { at: &at, event: &small, first_answer: "authenticate" };
    let sent = while_the_line_is_cut(&faulty, &line).await;
    assert_arrived(&ids(&read(&topic)), &sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_is_enough() {
    let (topic, gone) = (topic(), closed().await);
    let sink = open(&settings(&format!("{gone}, nobody.invalid, {}", env("PLAINTEXT")), &topic));
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&read(&topic)), ["1"]);
    // Also when librdkafka has told, as it does every second, of all those that it knows.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(2500) {
        sink.send(&event("2", "camera", "{}")).await.unwrap();
    }
}

/// A broker can name any address as another one's, and events would go there.
#[tokio::test(flavor = "multi_thread")]
async fn brokers_may_not_lead_elsewhere() {
    let cluster = MockCluster::new(2).unwrap();
    let servers = cluster.bootstrap_servers();
    let (first, second) = servers.split_once(',').unwrap();
    let theirs = address_in_frame(port(second));
    let line = Line::to_kafka(first, move |_, frame| replace(frame, &theirs, b"169.254.1")).await;
    let sink = open(&settings(&line.address, "never"));
    let (report, error) = both_fail(&*sink).await;
    assert!(error.message.contains("one of them is at 169.254.1: "), "{error}");
    assert_eq!(failure(&report).0, "authenticate");
}

/// The broker has the event, but its answer is lost with the connection: the event is there once.
#[tokio::test(flavor = "multi_thread")]
async fn down_during_an_event() {
    let (topic, line) = (topic(), line().await);
    let sink = open(&settings(&line.address, &topic));
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    line.set(Mode::LosesAnswer).await;
    sink.send(&event("2", "camera", "{}")).await.unwrap();
    assert_eq!(line.mode(), Mode::Up, "an answer was lost");
    sink.send(&event("3", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&read(&topic)), ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_deleted_while_running_is_made_again() {
    let topic = topic();
    let sink = open(&settings(&env("PLAINTEXT"), &topic));
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    ask(&["delete", &topic]);
    send_until_taken(&*sink, &event("2", "camera", "{}")).await;
    assert_eq!(ids(&read(&topic)), ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_large_is_set_aside_and_the_next_one_passes() {
    let topic = topic();
    let sink = open(&settings(&env("PLAINTEXT"), &topic));
    for size in [2_000_000, 9_000_000] {
        let error = sink.send(&event("large", "camera", "x".repeat(size))).await.unwrap_err();
        let words = format!("The event is larger than the topic '{topic}' takes.");
        assert_eq!((error.kind, error.message), (SinkErrorKind::Refused, words), "{size}");
    }
    sink.send(&event("small", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&read(&topic)), ["small"]);
}

/// Puts an error code into an answer, at the first place where another one stands after the topic's name.
fn put_code(frame: &mut [u8], topic: &str, place: &[u8], code: [u8; 2]) {
    let Some(at) = (0..frame.len()).find(|at| frame[*at..].starts_with(topic.as_bytes())) else { return };
    let after = at + topic.len();
    let found = (after..frame.len() - 1).find(|at| frame[*at..].starts_with(place)).expect("an error code");
    frame[found..found + 2].copy_from_slice(&code);
}

/// The test broker knows no rights; its answers are made those of one that does.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_write() {
    let topic = topic();
    ask(&["create", &topic, "1"]);
    let named = topic.clone();
    let line = Line::to_kafka(&env("PLAINTEXT"), move |key, frame| {
        if key == PRODUCE {
            put_code(frame, &named, &MESSAGE_TOO_LARGE, TOPIC_AUTHORIZATION_FAILED);
        }
    })
    .await;
    let sink = open(&settings(&line.address, &topic));
    let words = format!("The user may not write to the topic '{topic}'.");
    let report = sink.probe().await;
    assert_eq!((failure(&report).0, failure(&report).1), ("write", words.as_str()), "{report:?}");
    assert!(failure(&report).2.contains("Write"), "{report:?}");
    let error = sink.send(&event("1", "camera", "x".repeat(2_000_000))).await.unwrap_err();
    assert_eq!((error.kind, error.message), (SinkErrorKind::Down, words));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_make_the_topic() {
    let topic = topic();
    let named = topic.clone();
    let line = Line::to_kafka(&env("PLAINTEXT"), move |key, frame| {
        if key == CREATE_TOPICS {
            put_code(frame, &named, &[0, 0], TOPIC_AUTHORIZATION_FAILED);
        }
    })
    .await;
    let report = open(&settings(&line.address, &topic)).probe().await;
    let (step, reason, cure) = failure(&report);
    assert_eq!(
        (step, reason),
        ("topic", format!("There is no topic '{topic}', and the user may not make it.").as_str())
    );
    assert!(cure.contains("Create"), "{cure}");
    assert_eq!(steps(&report).last(), Some(&"topic"));
}
