//! The Hub sink against servers of our own: there is no Hub to install (docs/protocol.md §9).

use crate::conformance::sink_suite;
use crate::line::Line;
use crate::relay::{Log, Seen, relay};
use crate::sink_faults::{Faulty, assert_arrived, while_the_line_is_cut, without_a_server};
use crate::{failure, sink, steps};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::error::SinkErrorKind;
use model::ports::{EventSink, Forgetful, NoRecording, OutgoingEvent, Purpose};
use std::sync::Arc;

const KEY: &str = "the-hub-key";

fn event(purpose: Purpose) -> OutgoingEvent {
    OutgoingEvent {
        id: "event-1".into(),
        device: "camera".into(),
        body: r#"{"events":["monitor"],"payload":{"key":"dir/été.mp4"},"id":"event-1"}"#.into(),
        purpose,
        recording: Arc::new(NoRecording),
        memory: Arc::new(Forgetful),
    }
}

/// Answers as a Hub does: 200 to its key at its two paths. A path before them says another status.
pub(crate) fn answers(seen: &Seen) -> Option<Response> {
    let (status, path) = match seen.path.get(1..4).and_then(|code| code.parse::<u16>().ok()) {
        Some(code) => (StatusCode::from_u16(code).unwrap(), &seen.path[4..]),
        None => (StatusCode::OK, seen.path.as_str()),
    };
    let knows = seen.headers.get("x-kerberos-cloud-key").is_some_and(|key| key == KEY);
    Some(match path {
        "/queue" | "/queue/test" if seen.method != "POST" => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        "/queue" | "/queue/test" if !knows => {
            (StatusCode::UNAUTHORIZED, "the-hub-key is the right one").into_response()
        }
        "/queue" | "/queue/test" => (status, "what the Hub says").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    })
}

async fn hub() -> (String, Log) {
    relay(None, answers).await
}

/// Of the events that were queued.
fn ids(log: &Log) -> Vec<String> {
    let id = |seen: &Seen| {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        body["message"]["id"].as_str().unwrap().to_owned()
    };
    log.lock().unwrap().iter().filter(|s| s.path == "/queue").map(id).collect()
}

fn at(url: &str) -> Arc<dyn EventSink> {
    sink("hub", &[("url", url), ("hub_key", KEY)])
}

#[tokio::test]
async fn conforms() {
    let (address, log) = hub().await;
    let sent = sink_suite(at(&format!("http://{address}"))).await;
    let mut received = ids(&log);
    assert_eq!(received[..5], sent[..5]);
    let mut sent = sent;
    received.sort();
    sent.sort();
    assert_eq!(received, sent);
}

#[tokio::test]
async fn the_event_travels_unchanged_in_a_message() {
    let (address, log) = hub().await;
    // with a slash at its end, as some write it
    at(&format!("http://{address}/")).send(&event(Purpose::Stored)).await.unwrap();
    let seen = log.lock().unwrap()[0].clone();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/queue"));
    assert_eq!(
        (&seen.headers["content-type"], &seen.headers["x-kerberos-cloud-key"]),
        (&"application/json".parse().unwrap(), &KEY.parse().unwrap())
    );
    insta::assert_snapshot!(
        String::from_utf8_lossy(&seen.body),
        @r#"{"message":{"events":["monitor"],"payload":{"key":"dir/été.mp4"},"id":"event-1"}}"#
    );
}

#[tokio::test]
async fn what_only_tries_goes_to_the_tests_queue() {
    let (address, log) = hub().await;
    let sink = at(&format!("http://{address}"));
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "authenticate"]);
    sink.send(&event(Purpose::Test)).await.unwrap();
    let seen = log.lock().unwrap().clone();
    assert!(seen.iter().all(|s| s.path == "/queue/test"), "{seen:?}");
    insta::assert_snapshot!(
        String::from_utf8_lossy(&seen[0].body),
        @r#"{"message":{"events":["monitor","sequence"],"provider":"kstorage","payload":{}}}"#
    );
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_address_are_told_apart() {
    let (address, _) = hub().await;
    let url = format!("http://{address}");
    let wrong = sink("hub", &[("url", &url), ("hub_key", "another")]);
    let report = wrong.probe().await;
    let (step, reason, cure) = failure(&report);
    assert_eq!((step, reason), ("authenticate", "The Hub answers 401: it does not accept this Hub key."));
    assert!(!format!("{reason}{cure}").contains(KEY), "passes on what the server said");
    let error = wrong.send(&event(Purpose::Stored)).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (SinkErrorKind::Denied, reason));

    let report = at(&format!("{url}/app")).probe().await;
    let (step, reason, cure) = failure(&report);
    assert_eq!((step, reason), ("authenticate", "The Hub answers 404: there is no Hub at this address."));
    assert!(cure.contains("API"), "{cure}");
}

#[tokio::test]
async fn only_200_is_success() {
    let (address, _) = hub().await;
    for (code, kind) in [
        (201, SinkErrorKind::Refused),
        (204, SinkErrorKind::Refused),
        (301, SinkErrorKind::Refused),
        (400, SinkErrorKind::Refused),
        (403, SinkErrorKind::Denied),
        (413, SinkErrorKind::Refused),
        (429, SinkErrorKind::Down),
        (503, SinkErrorKind::Down),
    ] {
        let error = at(&format!("http://{address}/{code}")).send(&event(Purpose::Stored)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{code}: {error}");
        assert!(!error.message.contains("what the Hub says"), "{error}");
    }
}

fn small(id: &str) -> OutgoingEvent {
    crate::event(id, "camera", format!(r#"{{"id":"{id}"}}"#))
}

#[tokio::test]
async fn hubs_that_are_none() {
    let at = |address: &str| at(&format!("http://{address}"));
    without_a_server(&Faulty { at: &at, event: &small, first_answer: "authenticate" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut() {
    let (server, log) = hub().await;
    let line = Line::to(&server).await;
    let at = |address: &str| at(&format!("http://{address}"));
    let faulty = Faulty { at: &at, event: &small, first_answer: "authenticate" };
    let sent = while_the_line_is_cut(&faulty, &line).await;
    assert_arrived(&ids(&log), &sent);
}
