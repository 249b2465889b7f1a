//! The SQS sink against a real server: `scripts/services start sqs`. What arrives is read by boto3.

use crate::conformance::{bytes, sink_suite};
use crate::line::Line;
use crate::relay::{Seen, relay};
use crate::sink_faults::{Faulty, assert_arrived, while_the_line_is_cut, without_a_server};
use crate::{failure, output, steps};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backends::Backends;
use model::error::SinkErrorKind;
use model::event::{Event, Metadata, Payload};
use model::field::Settings;
use model::ports::{Connector, EventSink, Forgetful, NoRecording, OutgoingEvent, Purpose};
use serde_json::Value;
use std::process::Command;
use std::sync::Arc;

/// A variable the service script sets.
fn env(name: &str) -> String {
    let name = format!("VAULT_TEST_SQS_{name}");
    std::env::var(&name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `scripts/services start sqs`, or `make test`, which does"))
}

/// Amazon's own client; tells what it prints.
fn boto3(arguments: &[&str]) -> Vec<u8> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/sqs.py");
    let ran = output(Command::new(env("PYTHON")).arg(script).args(arguments));
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

/// Makes a queue of this test's own.
fn queue(name: &str) -> String {
    let queue = format!("tests-{}-{name}", std::process::id());
    boto3(&["make", &queue]);
    queue
}

fn read(queue: &str, count: usize) -> Vec<Value> {
    serde_json::from_slice(&boto3(&["read", queue, &count.to_string()])).unwrap()
}

fn settings(queue: &str) -> Settings {
    Settings::new()
        .with("topic", queue)
        .with("region", "us-east-1")
        .with("endpoint", env("ENDPOINT"))
        .with("access_key", env("ACCESS_KEY"))
        .with("secret_key", env("SECRET_KEY"))
}

fn open(settings: &Settings) -> Arc<dyn EventSink> {
    Backends::new().sink("sqs", settings).unwrap()
}

fn event(id: &str, device: &str) -> OutgoingEvent {
    let payload = Payload {
        key: "site-a/1606164482_6-818812_FrontDoor_229-153-288-247_51_745.mp4".into(),
        file_size: 305_956,
        is_fragmented: true,
        metadata: Metadata {
            capture: Some("IPCamera".into()),
            timestamp: Some("1606164482".into()),
            instance_name: Some("Été 摄像头".into()),
            productid: Some(device.into()),
            ..Metadata::default()
        },
        ..Payload::default()
    };
    let event = Event::persisted(id.into(), "archive".into(), 1_606_164_483, true, payload);
    OutgoingEvent {
        id: id.into(),
        device: device.into(),
        body: serde_json::to_vec(&event).unwrap().into(),
        purpose: Purpose::Stored,
        recording: Arc::new(NoRecording),
        memory: Arc::new(Forgetful),
    }
}

fn ids(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|m| m["attributes"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let queue = queue("suite");
    let mut sent = sink_suite(open(&settings(&queue))).await;
    let mut received = ids(&read(&queue, sent.len()));
    sent.sort();
    received.sort();
    assert_eq!(received, sent);
}

/// What was sent twice arrives once, and each camera's events in the order they were sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_queue_conforms_and_drops_what_comes_twice() {
    let queue = queue("suite.fifo");
    let mut sent = sink_suite(open(&settings(&queue))).await;
    sent.dedup();
    let messages = read(&queue, sent.len());
    let mut received = ids(&messages);
    assert_eq!(received[..4], sent[..4]);
    sent.sort();
    received.sort();
    assert_eq!(received, sent);
    for message in &messages {
        assert_eq!(message["MessageDeduplicationId"], message["attributes"]["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_arrives_as_it_was_written() {
    let queue = queue("exact.fifo");
    let sink = open(&settings(&queue));
    sink.send(&event("event-1", "front-door")).await.unwrap();
    sink.send(&event("event-2", "")).await.unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&read(&queue, 2)).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn validating_looks_the_queue_up_and_sends_nothing() {
    let queue = queue("validate");
    let report = open(&settings(&queue)).probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "queue"]);
    assert_eq!(read(&queue, 0), [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_missing_rights_and_a_missing_queue_are_told_apart() {
    let queue = queue("told-apart");
    let good = settings(&queue);
    let stranger =
        good.clone().with("access_key", env("STRANGER_ACCESS_KEY")).with("secret_key", env("STRANGER_SECRET_KEY"));
    for (settings, reason, cure) in [
        (good.clone().with("access_key", "AKIANOBODYSKEY"), "SQS does not know this access key.".into(), "access key"),
        (
            good.clone().with("secret_key", "not-the-secret"),
            "The secret key does not belong to this access key, or the region is another.".into(),
            "secret key",
        ),
        (stranger, format!("These keys may not use the queue '{queue}'."), "sqs:SendMessage"),
        (
            good.clone().with("topic", "nobodys"),
            "There is no queue 'nobodys' in region 'us-east-1'.".to_owned(),
            "Make the queue",
        ),
    ] {
        let sink = open(&settings);
        let report = sink.probe().await;
        let (step, said, helps) = failure(&report);
        assert_eq!((step, said), ("queue", reason.as_str()));
        assert!(helps.contains(cure) && !format!("{said}{helps}").contains("not-the-secret"), "{helps}");
        let error = sink.send(&event("event-1", "camera")).await.unwrap_err();
        assert_eq!((error.kind, error.message), (SinkErrorKind::Down, reason));
    }
}

/// A queue that is deleted and made again, as its address is known: nothing else needs to be done.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_comes_back_is_found_again() {
    let queue = queue("comes-back");
    let sink = open(&settings(&queue));
    sink.send(&event("event-1", "camera")).await.unwrap();
    boto3(&["delete", &queue]);
    let error = sink.send(&event("event-2", "camera")).await.unwrap_err();
    assert!(error.kind == SinkErrorKind::Down && error.message.starts_with("There is no queue"), "{error}");
    boto3(&["make", &queue]);
    sink.send(&event("event-3", "camera")).await.unwrap();
    assert_eq!(ids(&read(&queue, 1)), ["event-3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_is_set_aside_or_hopeless() {
    let queue = format!("tests-{}-large", std::process::id());
    boto3(&["make", &queue, "MaximumMessageSize=262144"]);
    let sink = open(&settings(&queue));
    let fill = |length: usize| hex::encode(bytes(1, length / 2));
    // More than this queue takes, and more than any does.
    for (length, kind) in [(400_000, SinkErrorKind::Refused), (2_000_000, SinkErrorKind::Hopeless)] {
        let event = OutgoingEvent { body: fill(length).into(), ..event("event-1", "camera") };
        let error = sink.send(&event).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains("larger"), "{length}: {error}");
    }
}

/// Answers by the operation: the queue's own address names a host that nobody can reach.
fn elsewhere(seen: &Seen) -> Option<Response> {
    let operation = seen.headers["x-amz-target"].to_str().unwrap().trim_start_matches("AmazonSQS.").to_owned();
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let answer = match operation.as_str() {
        "GetQueueUrl" => serde_json::json!({"QueueUrl": "http://unreachable.invalid:1/000000000000/recordings"}),
        "SendMessage" => {
            assert_eq!(body["QueueUrl"], "http://unreachable.invalid:1/000000000000/recordings");
            serde_json::json!({"MessageId": "1"})
        }
        other => panic!("no script for {other}"),
    };
    Some(([("content-type", "application/x-amz-json-1.0")], answer.to_string()).into_response())
}

#[tokio::test]
async fn everything_goes_to_the_endpoint_whatever_the_queues_address_says() {
    let (address, log) = relay(None, elsewhere).await;
    let sink = open(&at(&format!("http://{address}")));
    for id in ["event-1", "event-2"] {
        sink.send(&event(id, "camera")).await.unwrap();
    }
    let operations: Vec<_> =
        log.lock().unwrap().iter().map(|s| s.headers["x-amz-target"].to_str().unwrap().to_owned()).collect();
    assert_eq!(operations, ["AmazonSQS.GetQueueUrl", "AmazonSQS.SendMessage", "AmazonSQS.SendMessage"]);
}

/// Settings for a server that needs no real keys.
fn at(endpoint: &str) -> Settings {
    Settings::new()
        .with("topic", "recordings")
        .with("region", "us-east-1")
        .with("endpoint", endpoint)
        .with("access_key", "access")
        .with("secret_key", "the-secret-key")
}

/// Answers with what the endpoint's path says.
fn scripted(seen: &Seen) -> Option<Response> {
    let json = |status: u16, kind: &str| {
        let body = format!(r#"{{"__type":"com.amazonaws.sqs#{kind}","message":"the-secret-key"}}"#);
        (StatusCode::from_u16(status).unwrap(), [("content-type", "application/x-amz-json-1.0")], body).into_response()
    };
    Some(match seen.path.trim_matches('/') {
        "throttled" => json(400, "RequestThrottled"),
        "kms" => json(400, "KmsAccessDenied"),
        "characters" => json(400, "InvalidMessageContents"),
        "down" => json(503, "ServiceUnavailable"),
        "webpage" => (StatusCode::OK, [("content-type", "text/html")], "<html>the-secret-key</html>").into_response(),
        "nothing" => (StatusCode::NOT_FOUND, "<html>the-secret-key</html>").into_response(),
        other => panic!("no script for {other}"),
    })
}

#[tokio::test]
async fn answers_become_plain_words() {
    let (address, _) = relay(None, scripted).await;
    for (path, kind, words) in [
        ("throttled", SinkErrorKind::Down, "SQS asks to slow down."),
        ("kms", SinkErrorKind::Down, "The key that the queue is encrypted with cannot be used."),
        ("characters", SinkErrorKind::Hopeless, "The event holds characters that SQS does not take."),
        ("down", SinkErrorKind::Down, "SQS has trouble of its own (status 503)."),
        ("webpage", SinkErrorKind::Down, "does not answer like SQS (status 200)."),
        ("nothing", SinkErrorKind::Down, "does not answer like SQS (status 404)."),
    ] {
        let sink = open(&at(&format!("http://{address}/{path}")));
        let error = sink.send(&event("event-1", "camera")).await.unwrap_err();
        assert_eq!(error.kind, kind, "{path}: {error}");
        assert!(error.message.contains(words) && !error.message.contains("secret"), "{path}: {error}");
    }
}

fn small(id: &str) -> OutgoingEvent {
    event(id, "camera")
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_are_none() {
    let at = |address: &str| open(&at(&format!("http://{address}")));
    without_a_server(&Faulty { at: &at, event: &small, first_answer: "queue" }).await;
    let report =
        open(&settings("never").with("endpoint", env("ENDPOINT").replace("http://", "https://"))).probe().await;
    assert_eq!(failure(&report).0, "TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut() {
    let queue = queue("line");
    let line = Line::to(env("ENDPOINT").strip_prefix("http://").unwrap().trim_end_matches('/')).await;
    let at = |address: &str| open(&settings(&queue).with("endpoint", format!("http://{address}")));
    let faulty = Faulty { at: &at, event: &small, first_answer: "queue" };
    let sent = while_the_line_is_cut(&faulty, &line).await;
    let mut received = ids(&read(&queue, sent.len()));
    received.sort(); // a standard queue keeps no order
    assert_arrived(&received, &sent);
}
