//! RabbitMQ brokers that are none, break off, or say no.

use crate::line::{Line, Mode};
use crate::rabbitmq::{ask, env, ids, name, open, read, settings};
use crate::relay::mute;
use crate::sink_faults::{Faulty, assert_arrived, while_the_line_is_cut, without_a_server};
use crate::{event, send_until_taken};
use model::error::SinkErrorKind;
use model::ports::OutgoingEvent;
use std::time::{Duration, Instant};

fn small(id: &str) -> OutgoingEvent {
    event(id, "camera", "{}")
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_none() {
    let at = |broker: &str| open(&settings(broker, "never"));
    without_a_server(&Faulty { at: &at, event: &small, first_answer: "authenticate" }).await;
    let at = |broker: &str| open(&settings(&format!("amqps://{broker}"), "never"));
    without_a_server(&Faulty { at: &at, event: &small, first_answer: "TLS" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut() {
    let (queue, line) = (name(), Line::to(&env("BROKER")).await);
    let at = |broker: &str| open(&settings(broker, &queue));
    let faulty = Faulty { at: &at, event: &small, first_answer: "authenticate" };
    let sent = while_the_line_is_cut(&faulty, &line).await;
    assert_arrived(&ids(&read(&queue)), &sent);
    ask(&["delete", &queue]);
}

/// A thread of the library's waits for each connection; a broker that never answers must not collect them.
#[tokio::test(flavor = "multi_thread")]
async fn giving_up_leaves_no_thread_behind() {
    let address = mute().await;
    let waiting = || {
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let names = threads.filter_map(|t| std::fs::read_to_string(t.unwrap().path().join("comm")).ok());
        names.filter(|name| name.starts_with("lapin-io")).count()
    };
    let sinks: Vec<_> = (0..8).map(|n| open(&settings(&address, &format!("never-{n}")))).collect();
    let outgoing = event("1", "camera", "{}");
    for outcome in futures::future::join_all(sinks.iter().map(|sink| sink.send(&outgoing))).await {
        outcome.unwrap_err();
    }
    let started = Instant::now();
    while waiting() > 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "{} threads wait for nothing", waiting());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The broker has the event, but its confirmation is lost: not a success, and sent again under the same id.
#[tokio::test(flavor = "multi_thread")]
async fn down_during_an_event() {
    let (queue, line) = (name(), Line::to(&env("BROKER")).await);
    let sink = open(&settings(&line.address, &queue));
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    line.set(Mode::LosesAnswer).await;
    let error = sink.send(&event("2", "camera", "{}")).await.unwrap_err();
    assert!(error.kind == SinkErrorKind::Down && error.message.contains(&line.address), "{error}");
    assert_eq!(line.mode(), Mode::Up, "a confirmation was lost");
    send_until_taken(&*sink, &event("2", "camera", "{}")).await;
    assert_eq!(ids(&read(&queue)), ["1", "2", "2"]);
    ask(&["delete", &queue]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_deleted_while_running_is_made_again() {
    let queue = name();
    let sink = open(&settings(&env("BROKER"), &queue));
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    ask(&["delete", &queue]);
    let error = sink.send(&event("2", "camera", "{}")).await.unwrap_err();
    assert_eq!((error.kind, error.message), (SinkErrorKind::Down, format!("There is no queue '{queue}' any more.")));
    sink.send(&event("2", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&read(&queue)), ["2"]);
    ask(&["delete", &queue]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_large_is_set_aside_and_the_next_one_passes() {
    let queue = name();
    let sink = open(&settings(&env("BROKER"), &queue));
    let error = sink.send(&event("large", "camera", "x".repeat(1_000_001))).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (SinkErrorKind::Refused, "The event is larger than the broker takes.")
    );
    sink.send(&event("small", "camera", "{}")).await.unwrap();
    assert_eq!(ids(&read(&queue)), ["small"]);
    ask(&["delete", &queue]);
}

/// A full queue says no to each message; that is no success.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue() {
    let queue = name();
    ask(&["declare", &queue, "x-max-length=1", "x-overflow=reject-publish"]);
    let sink = open(&settings(&env("BROKER"), &queue));
    let mut taken = Vec::new();
    let refused = loop {
        let id = taken.len().to_string();
        match sink.send(&event(&id, "camera", "{}")).await {
            Ok(()) => taken.push(id),
            Err(error) => break error,
        }
        assert!(taken.len() < 10, "a queue of one takes ten");
    };
    assert!(refused.kind == SinkErrorKind::Down && refused.message.contains("does not take the event"), "{refused}");
    assert_eq!(ids(&read(&queue)), taken);
    ask(&["delete", &queue]);
}
