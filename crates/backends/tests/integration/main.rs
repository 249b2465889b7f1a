//! Stores and sinks against real servers, opened the way the vault opens them.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests take time, environment and a client of their own")]

mod azure;
mod azure_faults;
mod azure_lies;
mod conformance;
mod filesystem;
mod folding;
mod gcs;
mod gcs_faults;
mod gcs_lies;
mod hub;
mod kafka;
mod kafka_broker;
mod kafka_cluster;
mod kafka_faults;
mod kafka_logins;
mod kafka_rights;
mod line;
mod rabbitmq;
mod rabbitmq_faults;
mod relay;
mod s3;
mod s3_conditions;
mod s3_faults;
mod s3_lies;
mod sink_faults;
mod sqs;
mod store_faults;
mod vault;
mod webhook;

use backends::Backends;
use model::error::{SinkError, SinkErrorKind};
use model::event::{Event, Metadata, Payload};
use model::field::Settings;
use model::ports::{BlobStore, Connector, EventSink, Forgetful, NoRecording, OutgoingEvent, Purpose};
use model::probe::ProbeReport;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Longest that anything may take that comes by itself: only what never comes takes longer, on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Opens a store that is known to be valid.
fn store(kind: &str, settings: &[(&str, &str)]) -> Arc<dyn BlobStore> {
    Backends::new().store(kind, &pairs(settings)).unwrap()
}

/// Opens a sink that is known to be valid.
fn sink(kind: &str, settings: &[(&str, &str)]) -> Arc<dyn EventSink> {
    Backends::new().sink(kind, &pairs(settings)).unwrap()
}

fn pairs(settings: &[(&str, &str)]) -> Settings {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Names of the steps, in order.
fn steps(report: &ProbeReport) -> Vec<&str> {
    report.steps.iter().map(|s| s.name.as_str()).collect()
}

/// The failed step, its reason and its cure; panics when the probe passed.
fn failure(report: &ProbeReport) -> (&str, &str, &str) {
    let (step, failure) = report.failure().unwrap_or_else(|| panic!("passed: {report:?}"));
    (step, &failure.reason, &failure.cure)
}

/// An event with a body of its own.
fn event(id: &str, device: &str, body: impl Into<bytes::Bytes>) -> OutgoingEvent {
    OutgoingEvent {
        id: id.into(),
        device: device.into(),
        body: body.into(),
        purpose: Purpose::Stored,
        recording: Arc::new(NoRecording),
        memory: Arc::new(Forgetful),
    }
}

/// An event as the vault makes them.
fn whole_event() -> OutgoingEvent {
    let text = |text: &str| Some(text.to_owned());
    let payload = Payload {
        key: "site-a/1606164482_6-818812_FrontDoor_229-153-288-247_51_745.mp4".into(),
        file_size: 305_956,
        is_fragmented: true,
        metadata: Metadata {
            capture: text("IPCamera"),
            uploadtime: text("1606164483"),
            instance_name: text("Été 摄像头"),
            productid: text("front-door"),
            ..Metadata::default()
        },
        ..Payload::default()
    };
    let id = "3f0c9a1be2d44f6f9a0b7c55d1e08a42";
    let whole = Event::persisted(id.into(), "archive".into(), 1_606_164_483, true, payload);
    event(id, "front-door", serde_json::to_vec(&whole).unwrap())
}

/// Sends again, as the dispatcher would, until the event is taken; gives up after a while.
async fn send_until_taken(sink: &dyn EventSink, event: &OutgoingEvent) {
    let started = Instant::now();
    while let Err(error) = sink.send(event).await {
        assert!(error.kind == SinkErrorKind::Down && started.elapsed() < Duration::from_secs(30), "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Validates and sends at once; neither can succeed.
async fn both_fail(sink: &dyn EventSink) -> (ProbeReport, SinkError) {
    let event = event("1", "camera", "{}");
    let (report, sent) = tokio::join!(sink.probe(), sink.send(&event));
    (report, sent.unwrap_err())
}

/// Everything that an error says, also to the log.
fn told(error: &SinkError) -> String {
    format!("{error} {error:?}")
}

/// What comes of something that ends by itself; fails the test when it never does.
async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A client beside the vault's own.
fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}

/// Runs a program to its end, for what it prints; one that does not end is killed, and fails the test.
fn output(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (process, (sender, output)) = (child.id().to_string(), mpsc::channel());
    // What it prints is read meanwhile: nobody waits for room in a pipe.
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    output.recv_timeout(PATIENCE).map(Result::unwrap).unwrap_or_else(|_| {
        Command::new("kill").args(["-KILL", &process]).status().unwrap();
        panic!("not within {PATIENCE:?}: the end of {command:?}")
    })
}

/// Runs one of the clients in `consumers/`, which are not ours, and tells what it printed.
fn consumer(python: &str, script: &str, arguments: &[&str]) -> serde_json::Value {
    let script = format!("{}/tests/integration/consumers/{script}", env!("CARGO_MANIFEST_DIR"));
    let run = output(Command::new(python).arg(script).args(arguments));
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}
